//! The input pipeline of this machine, really run: a data set in a temporary folder, written, read cold and warm,
//! decoded, resized and converted by one worker and by several.

mod bench;
pub mod cache;
pub mod clock;
pub mod dataset;
pub mod folder;
mod jobs;
pub mod loader;
pub mod photo;
pub mod records;
pub mod workers;

use std::io;
use std::path::PathBuf;

use thiserror::Error;

pub use bench::InputBench;

use folder::FolderError;
use photo::PhotoError;
use records::RecordError;

/// Why the input pipeline could not be measured.
#[derive(Debug, Error)]
pub enum InputError {
    /// No folder, or one that cannot be written.
    #[error(transparent)]
    Folder(#[from] FolderError),
    /// A file cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// A file cannot be written.
    #[error("cannot write {}: {error}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// Files cannot be had out of the cache.
    #[error("the system keeps the files in its cache")]
    StaysWarm,
    /// A picture cannot be coded.
    #[error(transparent)]
    Photo(#[from] PhotoError),
    /// A file holds another picture than was written.
    #[error("{}: {error}", path.display())]
    Picture {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: PhotoError,
    },
    /// A file of records is not as it was written.
    #[error("{}, {error}", path.display())]
    Record {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        error: RecordError,
    },
    /// A record is not as it was written.
    #[error("{}: the checksum of a record's data does not match", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
    },
    /// There is nothing to read.
    #[error("the data set holds no samples for a worker")]
    Empty,
    /// A worker ended by a fault of the program.
    #[error("a worker of the input pipeline failed")]
    Worker,
    /// It was stopped from outside.
    #[error("interrupted")]
    Cancelled,
}
