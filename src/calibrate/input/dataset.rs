//! The data set of an input calibration: pictures of several sizes, and records made of them.

use std::path::{Path, PathBuf};
use std::thread;

use crate::engine::Cancel;

use super::InputError;
use super::folder::Folder;
use super::loader::{Pictures, Records};
use super::photo::{Codec, SIDE, encode, photograph};
use super::records::{MAX_RECORD, RecordWriter, framed};

/// How large a data set is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Extent {
    /// Sizes of JPEG pictures, with how many of each; geometric in pixels, ImageNet's usual 500 × 375 in the middle.
    pub jpeg: Vec<(u32, u32, usize)>,
    /// The same of PNG pictures.
    pub png: Vec<(u32, u32, usize)>,
    /// Sides of the squares that records hold, with how many files and how many records in each.
    pub records: Vec<(u32, usize, usize)>,
}

/// Width and height of the pictures whose throughput is measured over workers.
pub const USUAL: (u32, u32) = (500, 375);
/// Side of the squares in the records whose throughput is measured over workers.
pub const USUAL_SIDE: u32 = 224;

impl Extent {
    /// What the full calibration reads: some 150 MB.
    #[must_use]
    pub fn usual() -> Self {
        Self {
            jpeg: vec![(250, 188, 24), (354, 265, 24), (500, 375, 96), (707, 530, 24), (1000, 750, 24)],
            png: vec![(250, 188, 12), (354, 265, 12), (500, 375, 12), (707, 530, 12)],
            records: vec![(112, 1, 64), (160, 1, 64), (USUAL_SIDE, 8, 64), (320, 1, 64)],
        }
    }

    /// Sizes between the usual ones, which no fit has seen.
    #[must_use]
    pub fn held_out() -> Self {
        Self {
            jpeg: vec![(300, 225, 24), (420, 315, 24), (600, 450, 24), (840, 630, 24)],
            png: vec![(420, 315, 12), (600, 450, 12)],
            records: vec![(136, 1, 64), (190, 1, 64), (270, 1, 64)],
        }
    }

    /// Bytes on disk, at most: no picture is larger than its pixels.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        let pictures = self.jpeg.iter().chain(&self.png);
        let pictures: u64 = pictures
            .map(|(width, height, count)| {
                u64::from(width * height) * 3 * *count as u64 + 4096 * *count as u64
            })
            .sum();
        let records = self
            .records
            .iter()
            .map(|(side, files, each)| framed((side * side * 3) as usize) as u64 * (*files * *each) as u64);
        pictures + records.sum::<u64>()
    }
}

/// Pictures of one size.
#[derive(Clone, Debug)]
pub struct PictureSet {
    /// Width and height in pixels.
    pub size: (u32, u32),
    /// The files.
    pub pictures: Pictures,
    /// Bytes of a file, on average.
    pub bytes: f64,
}

/// Records of one size.
#[derive(Clone, Debug)]
pub struct RecordSet {
    /// Side of the square that a record holds, in pixels.
    pub side: u32,
    /// The files.
    pub records: Records,
    /// Bytes of a record's data.
    pub bytes: f64,
}

/// Different pictures of one size: more files hold the same ones again, which no decoder notices and no cache shares.
const DIFFERENT: usize = 12;

/// A data set in a temporary folder, which goes when this does.
#[derive(Debug)]
pub struct DataSet {
    /// JPEG pictures, by size.
    pub jpeg: Vec<PictureSet>,
    /// PNG pictures, by size.
    pub png: Vec<PictureSet>,
    /// Records, by size.
    pub records: Vec<RecordSet>,
    path: PathBuf,
    /// Removed with this, where this wrote it.
    _folder: Option<Folder>,
}

impl DataSet {
    /// Writes a data set into a temporary folder inside `parent`.
    ///
    /// # Errors
    /// When there is no room, the place cannot be written, or the flag is raised; what was written is gone then.
    pub fn write(parent: Option<&Path>, extent: &Extent, cancel: &Cancel) -> Result<Self, InputError> {
        // Room for records that a conversion writes.
        let mut folder = Folder::create(parent, extent.bytes() + MAX_RECORD)?;
        let pictures = |folder: &mut Folder, sizes: &[(u32, u32, usize)], codec| {
            sizes.iter().map(|size| picture_set(folder, *size, codec, cancel)).collect::<Result<Vec<_>, _>>()
        };
        Ok(Self {
            jpeg: pictures(&mut folder, &extent.jpeg, Codec::Jpeg)?,
            png: pictures(&mut folder, &extent.png, Codec::Png)?,
            records: (extent.records.iter())
                .map(|size| record_set(&mut folder, *size, cancel))
                .collect::<Result<_, _>>()?,
            path: folder.path().to_owned(),
            _folder: Some(folder),
        })
    }

    /// A data set that another process wrote and will remove.
    #[must_use]
    pub fn found(path: &Path, extent: &Extent) -> Self {
        let pictures = |sizes: &[(u32, u32, usize)], codec: Codec| {
            let set = |(width, height, count): &(u32, u32, usize)| {
                let files: Vec<PathBuf> =
                    (0..*count).map(|index| path.join(picture_name(*width, index, codec))).collect();
                let length = |file: &PathBuf| std::fs::metadata(file).map_or(0, |found| found.len());
                let bytes = files.iter().map(length).sum::<u64>() as f64 / (*count).max(1) as f64;
                PictureSet { size: (*width, *height), pictures: Pictures { files, codec, side: SIDE }, bytes }
            };
            sizes.iter().map(set).collect()
        };
        let records = |(side, files, each): &(u32, usize, usize)| {
            let shards = (0..*files).map(|file| path.join(record_name(*side, file))).collect();
            let records = Records { shards, samples: files * each, interleave: 1 };
            RecordSet { side: *side, records, bytes: f64::from(side * side * 3) }
        };
        Self {
            jpeg: pictures(&extent.jpeg, Codec::Jpeg),
            png: pictures(&extent.png, Codec::Png),
            records: extent.records.iter().map(records).collect(),
            path: path.to_owned(),
            _folder: None,
        }
    }

    /// Where it lies.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The pictures whose throughput is measured.
    #[must_use]
    pub fn usual_pictures(&self) -> Option<&PictureSet> {
        self.jpeg.iter().find(|set| set.size == USUAL).or(self.jpeg.first())
    }

    /// The records whose throughput is measured.
    #[must_use]
    pub fn usual_records(&self) -> Option<&RecordSet> {
        self.records.iter().find(|set| set.side == USUAL_SIDE).or(self.records.first())
    }
}

fn picture_name(width: u32, index: usize, codec: Codec) -> String {
    format!("{width}-{index}.{}", codec.word())
}

fn record_name(side: u32, file: usize) -> String {
    format!("{side}-{file}.tfrecord")
}

fn picture_set(
    folder: &mut Folder,
    (width, height, count): (u32, u32, usize),
    codec: Codec,
    cancel: &Cancel,
) -> Result<PictureSet, InputError> {
    let make = |index| Ok(encode(&photograph(width, height, index), codec)?);
    let encoded = in_parallel(count.min(DIFFERENT), cancel, make)?;
    let mut files: Vec<PathBuf> = Vec::with_capacity(count);
    let mut bytes = 0;
    for (index, picture) in encoded.iter().cycle().take(count).enumerate() {
        if cancel.is_cancelled() {
            return Err(InputError::Cancelled);
        }
        bytes += picture.len();
        files.push(folder.write(&picture_name(width, index, codec), picture)?);
    }
    let bytes = bytes as f64 / count.max(1) as f64;
    Ok(PictureSet { size: (width, height), pictures: Pictures { files, codec, side: SIDE }, bytes })
}

fn record_set(
    folder: &mut Folder,
    (side, files, each): (u32, usize, usize),
    cancel: &Cancel,
) -> Result<RecordSet, InputError> {
    let squares =
        in_parallel(each.min(DIFFERENT), cancel, |index| Ok(photograph(side, side, index).into_raw()))?;
    let bytes = (side * side * 3) as usize;
    let mut shards = Vec::with_capacity(files);
    for file in 0..files {
        let length = (framed(bytes) * each) as u64;
        let path = folder.write_with(&record_name(side, file), length, |out| {
            let mut writer = RecordWriter::new(out);
            squares.iter().cycle().take(each).try_for_each(|square| writer.write(square))
        })?;
        shards.push(path);
        if cancel.is_cancelled() {
            return Err(InputError::Cancelled);
        }
    }
    let records = Records { shards, samples: files * each, interleave: 1 };
    Ok(RecordSet { side, records, bytes: bytes as f64 })
}

/// Makes `count` things on all cores, in order; the flag stops it between two.
fn in_parallel<T: Send>(
    count: usize,
    cancel: &Cancel,
    make: impl Fn(u32) -> Result<T, InputError> + Sync,
) -> Result<Vec<T>, InputError> {
    let workers = thread::available_parallelism().map_or(1, usize::from).min(count.max(1));
    let part = |worker: usize| -> Result<Vec<(usize, T)>, InputError> {
        let mut made = Vec::new();
        for index in (worker..count).step_by(workers) {
            if cancel.is_cancelled() {
                return Err(InputError::Cancelled);
            }
            made.push((index, make(index as u32)?));
        }
        Ok(made)
    };
    let parts: Result<Vec<_>, InputError> = thread::scope(|scope| {
        let part = &part;
        let threads: Vec<_> = (0..workers).map(|worker| scope.spawn(move || part(worker))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or(Err(InputError::Worker))).collect()
    });
    let mut all: Vec<(usize, T)> = parts?.into_iter().flatten().collect();
    all.sort_by_key(|(index, _)| *index);
    Ok(all.into_iter().map(|(_, thing)| thing).collect())
}

#[cfg(test)]
mod tests {
    use super::super::workers::run;
    use super::*;

    fn small() -> Extent {
        Extent { jpeg: vec![(64, 48, 4)], png: vec![(64, 48, 2)], records: vec![(32, 3, 5)] }
    }

    #[test]
    fn a_data_set_can_be_read_as_it_was_written_and_is_gone_afterwards() {
        let cancel = Cancel::new();
        let data = DataSet::write(None, &small(), &cancel).unwrap();
        let path = data.path().to_owned();
        assert_eq!(data.usual_pictures().unwrap().pictures.files.len(), 4);
        let set = data.usual_records().unwrap();
        assert_eq!((set.bytes, set.records.samples), (3072.0, 15));
        for interleave in [1, 2, 8] {
            let records = Records { interleave, ..set.records.clone() };
            // Twice through all files, by one worker and by more than there are files.
            assert!(run(&records, 1, (0, 30), &cancel).is_ok());
            assert!(run(&records, 5, (0, 30), &cancel).is_ok());
        }
        assert!(run(&data.png[0].pictures, 2, (0, 4), &cancel).is_ok());
        let again = DataSet::found(&path, &small());
        assert_eq!(again.jpeg[0].bytes, data.jpeg[0].bytes);
        assert_eq!(again.records[0].records.shards, data.records[0].records.shards);
        drop(again);
        assert!(path.exists());
        drop(data);
        assert!(!path.exists());
    }

    #[test]
    fn a_damaged_file_is_found_and_named() {
        let cancel = Cancel::new();
        let data = DataSet::write(None, &small(), &cancel).unwrap();
        let path = &data.records[0].records.shards[1];
        let mut bytes = std::fs::read(path).unwrap();
        bytes[2000] ^= 1;
        std::fs::write(path, bytes).unwrap();
        let error = run(&data.records[0].records, 1, (0, 15), &cancel).unwrap_err();
        assert!(matches!(&error, InputError::Damaged { path: told } if told == path), "{error}");
        let picture = &data.jpeg[0].pictures.files[2];
        std::fs::write(picture, b"no picture").unwrap();
        let error = run(&data.jpeg[0].pictures, 1, (0, 4), &cancel).unwrap_err();
        assert!(error.to_string().contains("64-2.jpeg"), "{error}");
        std::fs::remove_file(picture).unwrap();
        assert!(matches!(run(&data.jpeg[0].pictures, 1, (0, 4), &cancel), Err(InputError::Read { .. })));
    }

    #[test]
    fn a_raised_flag_leaves_nothing_behind() {
        let cancel = Cancel::new();
        cancel.cancel();
        let parent = tempfile::tempdir().unwrap();
        let stopped = DataSet::write(Some(parent.path()), &small(), &cancel);
        assert!(matches!(stopped, Err(InputError::Cancelled)));
        assert_eq!(std::fs::read_dir(parent.path()).unwrap().count(), 0);
    }

    #[test]
    fn the_room_asked_for_is_enough() {
        for extent in [small(), Extent::held_out()] {
            let data = DataSet::write(None, &extent, &Cancel::new()).unwrap();
            let used: u64 = std::fs::read_dir(data.path())
                .unwrap()
                .map(|entry| entry.unwrap().metadata().unwrap().len())
                .sum();
            assert!(used <= extent.bytes() && used * 10 > extent.bytes(), "{used} of {}", extent.bytes());
        }
    }
}
