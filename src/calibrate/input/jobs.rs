//! What is measured of the input pipeline: one job for each curve or bundle of curves, over the sizes of a data set.

use crate::catalog::measured::{Section, Settings};
use crate::stats::Form;

use super::super::bench::{Quantity, Task};
use super::cache::{Cold, cold_reads};
use super::clock::Stage;
use super::dataset::{DataSet, PictureSet};
use super::photo::Codec;

/// Bytes of samples that are fed from memory.
const FED: [f64; 5] = [300.0, 2500.0, 20_000.0, 150_000.0, 1_048_576.0];

/// Something to measure; its sizes stand in the task beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Job {
    /// One worker's stages, picture by picture, from the cache; the size is the bytes of a file.
    Pictures(Codec),
    /// One worker's stages, record by record, from the cache; the size is the bytes of a record.
    Records,
    /// One worker reading pictures that are not in the cache.
    ColdPictures,
    /// One worker reading records that are not in the cache.
    ColdRecords,
    /// Pictures turned into records; the size is the bytes of a picture.
    Convert,
    /// One thread feeding a batch from memory; the size is the bytes of a sample.
    Feed,
    /// Pictures prepared by several workers.
    PictureWorkers,
    /// Records prepared by several workers, with so many files open in each.
    RecordWorkers {
        /// Files open in each worker.
        interleave: usize,
    },
    /// Pictures that are not in the cache, only read, by several workers.
    ColdStreams,
    /// Records that are not in the cache, prepared by several workers.
    ColdRecordWorkers,
}

impl Job {
    /// Every job that can be done with a data set.
    pub fn all(data: &DataSet, cores: u64) -> Vec<(Self, Task)> {
        let mut jobs = vec![
            Self::Pictures(Codec::Jpeg),
            Self::PictureWorkers,
            Self::Records,
            Self::RecordWorkers { interleave: 4 },
            Self::Convert,
            Self::Feed,
            Self::RecordWorkers { interleave: 1 },
            Self::Pictures(Codec::Png),
        ];
        if cold_reads(data.path()) == Cold::Possible {
            jobs.extend([Self::ColdStreams, Self::ColdPictures, Self::ColdRecords, Self::ColdRecordWorkers]);
        }
        let task = |job: Self| (job, job.task(data, cores));
        jobs.into_iter().map(task).filter(|(_, task)| !task.sizes.is_empty()).collect()
    }

    fn task(self, data: &DataSet, cores: u64) -> Task {
        let of_files = |sets: &[PictureSet]| sets.iter().map(|set| set.bytes).collect::<Vec<f64>>();
        let of_records = || data.records.iter().map(|set| set.bytes).collect();
        let (axis, sizes) = match self {
            Self::Pictures(Codec::Png) => ("bytes", of_files(&data.png)),
            Self::Pictures(Codec::Jpeg) | Self::ColdPictures | Self::Convert => {
                ("bytes", of_files(&data.jpeg))
            }
            Self::Records | Self::ColdRecords => ("bytes", of_records()),
            Self::Feed => ("bytes", FED.to_vec()),
            // Beside the others these tell what a second reader and an interleave are worth, not how all counts scale.
            Self::RecordWorkers { interleave: 1 } | Self::ColdRecordWorkers => {
                ("workers", if cores > 1 { vec![1.0, cores as f64] } else { vec![1.0] })
            }
            _ => ("workers", workers(cores)),
        };
        Task {
            section: Section::Input,
            axis,
            settings: self.settings(),
            quantities: self.quantities(),
            sizes,
            essential: !matches!(self, Self::Pictures(Codec::Png) | Self::RecordWorkers { interleave: 1 }),
        }
    }

    fn settings(self) -> Settings {
        let cold = match self {
            Self::ColdPictures | Self::ColdRecords | Self::ColdStreams | Self::ColdRecordWorkers => "cold",
            _ => "warm",
        };
        let words: &[(&str, &str)] = match self {
            Self::Pictures(codec) => &[("mode", "native-ops"), ("codec", codec.word())],
            Self::PictureWorkers | Self::ColdPictures | Self::ColdStreams => {
                &[("mode", "native-ops"), ("codec", "jpeg")]
            }
            Self::Convert => &[("mode", "conversion"), ("codec", "jpeg")],
            Self::Feed => &[("mode", "direct-feed")],
            _ => &[("mode", "preprocessed-records")],
        };
        let mut settings: Settings =
            words.iter().map(|(key, word)| ((*key).to_owned(), (*word).to_owned())).collect();
        if self != Self::Feed {
            settings.insert("cache".to_owned(), cold.to_owned());
        }
        if let Self::RecordWorkers { interleave } = self {
            settings.insert("interleave".to_owned(), interleave.to_string());
        }
        settings
    }

    fn quantities(self) -> Vec<Quantity> {
        let seconds = |stages: &[Stage]| stages.iter().map(|stage| Quantity::seconds(stage.word())).collect();
        match self {
            Self::Pictures(_) => [vec![Quantity::seconds("processor")], seconds(self.stages())].concat(),
            Self::Records => [vec![Quantity::seconds("processor")], seconds(self.stages())].concat(),
            Self::ColdPictures | Self::ColdRecords | Self::Feed => seconds(self.stages()),
            Self::Convert => vec![Quantity::seconds("convert")],
            Self::PictureWorkers | Self::RecordWorkers { .. } | Self::ColdRecordWorkers => {
                vec![scaling("items", "items/s")]
            }
            Self::ColdStreams => vec![scaling("read", "bytes/s")],
        }
    }

    /// The stages whose seconds are told, after those of the processor in all.
    pub fn stages(self) -> &'static [Stage] {
        match self {
            Self::Pictures(_) => &[Stage::Read, Stage::Decode, Stage::Resize, Stage::Convert],
            Self::Records => &[Stage::Read, Stage::Check, Stage::Convert],
            Self::ColdPictures | Self::ColdRecords => &[Stage::Read],
            Self::Feed => &[Stage::Feed],
            _ => &[],
        }
    }
}

/// A rate over workers. Small machines offer four counts, which determine the law of scaling and leave none out to judge it
/// by, so no other form may win for want of a rival.
fn scaling(name: &'static str, unit: &'static str) -> Quantity {
    Quantity { name, unit, forms: &[Form::Usl] }
}

/// Counts of workers: powers of two up to the cores, then each up to two more than there are.
fn workers(cores: u64) -> Vec<f64> {
    let mut counts: Vec<u64> =
        std::iter::successors(Some(1), |count| Some(2 * count)).take_while(|count| *count <= cores).collect();
    counts.extend(cores..=cores + 2);
    counts.sort_unstable();
    counts.dedup();
    counts.into_iter().map(|count| count as f64).collect()
}

#[cfg(test)]
mod tests {
    use super::workers;

    #[test]
    fn workers_double_and_then_pass_the_cores_by_two() {
        assert_eq!(workers(1), [1.0, 2.0, 3.0]);
        assert_eq!(workers(2), [1.0, 2.0, 3.0, 4.0]);
        assert_eq!(workers(6), [1.0, 2.0, 4.0, 6.0, 7.0, 8.0]);
        assert_eq!(workers(64).len(), 9);
    }
}
