//! Seconds by stage of the pipeline.

use std::time::Instant;

/// A stage of the input pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Stage {
    /// Bytes from a file into memory.
    Read,
    /// Checksum of a record.
    Check,
    /// Pixels out of a picture's bytes.
    Decode,
    /// Pixels of another size.
    Resize,
    /// Bytes into the numbers that the device takes.
    Convert,
    /// A sample out of memory into a batch.
    Feed,
}

impl Stage {
    /// All, in the order of the pipeline.
    pub const ALL: [Self; 6] =
        [Self::Read, Self::Check, Self::Decode, Self::Resize, Self::Convert, Self::Feed];

    /// Its word.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Check => "check",
            Self::Decode => "decode",
            Self::Resize => "resize",
            Self::Convert => "convert",
            Self::Feed => "feed",
        }
    }
}

/// Seconds spent in each stage.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Clock([f64; Stage::ALL.len()]);

impl Clock {
    /// Does something, on the account of a stage.
    pub fn time<T>(&mut self, stage: Stage, work: impl FnOnce() -> T) -> T {
        let start = Instant::now();
        let done = work();
        self.0[stage as usize] += start.elapsed().as_secs_f64();
        done
    }

    /// Seconds of a stage.
    #[must_use]
    pub fn seconds(&self, stage: Stage) -> f64 {
        self.0[stage as usize]
    }

    /// Seconds of all stages but reading: what the processor does to a sample.
    #[must_use]
    pub fn processor(&self) -> f64 {
        self.0.iter().sum::<f64>() - self.seconds(Stage::Read)
    }

    /// Adds what another worker spent.
    pub fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(mine, theirs)| *mine += theirs);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_the_account_of_its_stage() {
        let mut clock = Clock::default();
        let value = clock.time(Stage::Decode, || {
            std::thread::sleep(std::time::Duration::from_millis(5));
            7
        });
        assert_eq!((value, clock.seconds(Stage::Read)), (7, 0.0));
        assert!(clock.seconds(Stage::Decode) >= 0.005);
        clock.time(Stage::Read, || ());
        let mut twice = clock;
        twice.add(&clock);
        assert_eq!(twice.seconds(Stage::Decode), 2.0 * clock.seconds(Stage::Decode));
        assert_eq!(twice.processor(), 2.0 * clock.seconds(Stage::Decode));
    }

    #[test]
    fn every_stage_has_an_account_and_a_word() {
        for (index, stage) in Stage::ALL.iter().enumerate() {
            assert_eq!(*stage as usize, index);
        }
        let words: std::collections::BTreeSet<_> = Stage::ALL.map(Stage::word).into();
        assert_eq!(words.len(), Stage::ALL.len());
    }
}
