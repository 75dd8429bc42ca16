//! The machine that figures hold for, and how another one differs from it.

/// What tells machines apart, as far as it decides their speed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fingerprint {
    /// Brand of the processor; empty where nobody told.
    pub cpu: String,
    /// Cores that the program may use.
    pub cores: Option<u64>,
    /// Memory in bytes.
    pub memory: Option<u64>,
    /// Operating system and architecture, as `linux x86_64`.
    pub system: String,
    /// The device that computed: `cpu`, or the accelerator's name as its driver tells it.
    pub device: String,
    /// The device's driver.
    pub driver: Option<String>,
    /// Name of the device in the catalog, where it has one.
    pub accelerator: Option<String>,
    /// Version of this program.
    pub program: String,
    /// Version of the library that computed.
    pub candle: Option<String>,
}

/// One respect in which two machines differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// What differs.
    pub what: &'static str,
    /// There: where the figures were measured.
    pub measured: String,
    /// Here.
    pub here: String,
    /// Whether it makes another machine of it; versions of programs only make the figures stale.
    pub other_machine: bool,
}

/// Memory within this share is the same: kernels reserve different amounts of it.
const SAME_MEMORY: f64 = 0.05;

impl Fingerprint {
    /// Every respect in which `here` differs from this machine.
    #[must_use]
    pub fn differences(&self, here: &Self) -> Vec<Difference> {
        let text = |value: &Option<u64>| value.map_or("unknown".to_owned(), |value| value.to_string());
        let word = |value: &Option<String>| value.clone().unwrap_or_else(|| "unknown".to_owned());
        let rows = [
            ("processor", self.cpu.clone(), here.cpu.clone(), true),
            ("cores", text(&self.cores), text(&here.cores), true),
            ("memory", text(&self.memory), text(&here.memory), true),
            ("system", self.system.clone(), here.system.clone(), true),
            ("device", self.device.clone(), here.device.clone(), true),
            ("driver", word(&self.driver), word(&here.driver), false),
            ("program", self.program.clone(), here.program.clone(), false),
            ("candle", word(&self.candle), word(&here.candle), false),
        ];
        let same_memory = match (self.memory, here.memory) {
            (Some(there), Some(here)) => {
                (there as f64 - here as f64).abs() <= SAME_MEMORY * there.max(here) as f64
            }
            (there, here) => there == here,
        };
        rows.into_iter()
            .filter(|(what, measured, here, _)| measured != here && !(*what == "memory" && same_memory))
            .map(|(what, measured, here, other_machine)| Difference { what, measured, here, other_machine })
            .collect()
    }

    /// Whether figures measured there hold on `here`: the same hardware, whatever the versions of programs.
    #[must_use]
    pub fn same_machine(&self, here: &Self) -> bool {
        !self.differences(here).iter().any(|difference| difference.other_machine)
    }

    /// In one line.
    #[must_use]
    pub fn words(&self) -> String {
        let cpu = if self.cpu.is_empty() { "an unknown processor" } else { &self.cpu };
        let cores = self.cores.map_or(String::new(), |cores| format!(", {cores} cores"));
        let memory = self
            .memory
            .map_or(String::new(), |bytes| format!(", {:.1} GiB", bytes as f64 / (1_u64 << 30) as f64));
        let device = if self.device == "cpu" { String::new() } else { format!(", {}", self.device) };
        format!("{cpu}{cores}{memory}{device}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn machine() -> Fingerprint {
        Fingerprint {
            cpu: "A".to_owned(),
            cores: Some(2),
            memory: Some(24 << 30),
            system: "linux x86_64".to_owned(),
            device: "cpu".to_owned(),
            program: "capplan 0.1.0".to_owned(),
            ..Fingerprint::default()
        }
    }

    #[test]
    fn hardware_makes_another_machine_and_versions_do_not() {
        let there = machine();
        assert!(there.same_machine(&machine()));
        let newer = Fingerprint { program: "capplan 0.2.0".to_owned(), ..machine() };
        assert!(there.same_machine(&newer));
        assert_eq!(there.differences(&newer)[0].what, "program");
        for other in [
            Fingerprint { cpu: "B".to_owned(), ..machine() },
            Fingerprint { cores: Some(4), ..machine() },
            Fingerprint { cores: None, ..machine() },
            Fingerprint { device: "gpu".to_owned(), ..machine() },
            Fingerprint { memory: Some(12 << 30), ..machine() },
        ] {
            assert!(!there.same_machine(&other), "{other:?}");
        }
    }

    #[test]
    fn a_little_less_memory_is_the_same_machine() {
        assert!(machine().same_machine(&Fingerprint { memory: Some((24 << 30) - (64 << 20)), ..machine() }));
    }
}
