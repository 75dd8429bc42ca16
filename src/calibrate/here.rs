//! The machine that the program stands on.

use std::time::{SystemTime, UNIX_EPOCH};

use sysinfo::System;

use crate::catalog::Fingerprint;
use crate::units::Date;

/// This program with its version.
const PROGRAM: &str = concat!("capplan ", env!("CARGO_PKG_VERSION"));
/// The computing library that the manifest asks for.
const CANDLE: &str = "0.11";

/// The fingerprint of this machine with the processor as its device.
#[must_use]
pub fn here() -> Fingerprint {
    let mut system = System::new();
    system.refresh_memory();
    system.refresh_cpu_all();
    let brand = system.cpus().first().map_or("", |cpu| cpu.brand()).trim().to_owned();
    // What the program may use, not what the machine has: containers hand out less.
    let cores = std::thread::available_parallelism().ok().map(|cores| cores.get() as u64);
    let (own, group) = (system.total_memory(), system.cgroup_limits().map(|limits| limits.total_memory));
    let memory = group.map_or(own, |group| if group > 0 { group.min(own) } else { own });
    Fingerprint {
        cpu: brand,
        cores,
        memory: (memory > 0).then_some(memory),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        device: "cpu".to_owned(),
        driver: None,
        accelerator: None,
        program: PROGRAM.to_owned(),
        candle: Some(CANDLE.to_owned()),
    }
}

/// Memory in bytes that a size may still use.
#[must_use]
pub fn memory_available() -> u64 {
    let mut system = System::new();
    system.refresh_memory();
    let group = system.cgroup_limits().map_or(u64::MAX, |limits| limits.free_memory);
    system.available_memory().min(group)
}

/// Today, by the machine's clock.
#[must_use]
pub fn today() -> Date {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
    Date(i64::try_from(seconds / 86_400).unwrap_or(0))
}
