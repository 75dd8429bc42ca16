//! A temporary folder for a data set: room asked for before, files kept account of, all gone afterwards.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use tempfile::TempDir;
use thiserror::Error;

/// Room that is left free on the disk, for others.
const RESERVE: u64 = 256 << 20;

/// Folders that are there now, for a process that must end without unwinding.
static PRESENT: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// Removes every temporary folder of this process: for the moment before it ends while work is still under way.
pub fn remove_present() {
    let present = PRESENT.lock().map(|mut present| std::mem::take(&mut *present)).unwrap_or_default();
    for path in present {
        // One that is gone already is as good, and nobody is left to tell of another.
        let _ = fs::remove_dir_all(path);
    }
}

/// Why there is no folder, or a file of it cannot be written or read.
#[derive(Debug, Error)]
pub enum FolderError {
    /// The folder cannot hold a temporary one.
    #[error("cannot make a temporary folder in {}: {error}", parent.display())]
    Create {
        /// Where it was to be.
        parent: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// The disk is too full.
    #[error(
        "{} has {free} MB free; the data set takes {needed} MB, and {} MB stay free for others",
        parent.display(), RESERVE >> 20
    )]
    Full {
        /// Where the data set was to be.
        parent: PathBuf,
        /// Free, in megabytes.
        free: u64,
        /// Needed, in megabytes.
        needed: u64,
    },
    /// A file cannot be written or read.
    #[error("{}: {error}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// Why not.
        error: io::Error,
    },
    /// More was to be written than had been asked for.
    #[error("the data set has grown beyond the {limit} bytes that it was to take")]
    TooLarge {
        /// Bytes asked for.
        limit: u64,
    },
}

/// A temporary folder that is removed with everything in it when dropped.
#[derive(Debug)]
pub struct Folder {
    root: TempDir,
    limit: u64,
    used: u64,
}

impl Folder {
    /// Inside `parent`, or where the system keeps temporary files, for at most `limit` bytes.
    ///
    /// # Errors
    /// When the place does not exist, may not be written to, or has too little room.
    pub fn create(parent: Option<&Path>, limit: u64) -> Result<Self, FolderError> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
        match fs::metadata(&parent) {
            Err(error) => return Err(FolderError::Create { parent, error }),
            Ok(found) if !found.is_dir() => {
                let error = io::Error::new(io::ErrorKind::NotADirectory, "it is not a folder");
                return Err(FolderError::Create { parent, error });
            }
            Ok(_) => {}
        }
        if let Some(free) = free_bytes(&parent)
            && free < limit.saturating_add(RESERVE)
        {
            return Err(FolderError::Full { parent, free: free / 1_000_000, needed: limit / 1_000_000 });
        }
        match tempfile::Builder::new().prefix("capplan-input-").tempdir_in(&parent) {
            Ok(root) => {
                if let Ok(mut present) = PRESENT.lock() {
                    present.push(root.path().to_owned());
                }
                Ok(Self { root, limit, used: 0 })
            }
            Err(error) => Err(FolderError::Create { parent, error }),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.root.path()
    }

    /// Writes a file and waits until it lies on the disk.
    ///
    /// # Errors
    /// When the system refuses, or the data set grows beyond its limit.
    pub fn write(&mut self, name: &str, bytes: &[u8]) -> Result<PathBuf, FolderError> {
        self.write_with(name, bytes.len() as u64, |out| out.write_all(bytes))
    }

    /// Writes a file of `length` bytes by `fill`, and waits until it lies on the disk.
    ///
    /// # Errors
    /// As [`Self::write`].
    pub fn write_with(
        &mut self,
        name: &str,
        length: u64,
        fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
    ) -> Result<PathBuf, FolderError> {
        self.used = self.used.saturating_add(length);
        if self.used > self.limit {
            return Err(FolderError::TooLarge { limit: self.limit });
        }
        let path = self.root.path().join(name);
        let written = File::create(&path).and_then(|file| {
            let mut out = BufWriter::with_capacity(1 << 18, file);
            fill(&mut out)?;
            out.flush()?;
            out.get_ref().sync_data()
        });
        written.map_err(|error| FolderError::File { path: path.clone(), error })?;
        Ok(path)
    }

    /// Removes a file, and its bytes from the account.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn remove(&mut self, path: &Path) -> Result<(), FolderError> {
        let failed = |error| FolderError::File { path: path.to_owned(), error };
        let length = fs::metadata(path).map_err(failed)?.len();
        fs::remove_file(path).map_err(failed)?;
        self.used = self.used.saturating_sub(length);
        Ok(())
    }

    /// Removes everything now, and says if that failed.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn close(self) -> Result<(), FolderError> {
        let path = self.root.path().to_owned();
        self.root.close().map_err(|error| FolderError::File { path, error })
    }
}

/// Bytes that may still be written at a place, where the system tells.
#[cfg(unix)]
fn free_bytes(place: &Path) -> Option<u64> {
    let told = rustix::fs::statvfs(place).ok()?;
    told.f_bavail.checked_mul(told.f_frsize)
}

/// Bytes that may still be written at a place, where the system tells.
#[cfg(not(unix))]
fn free_bytes(place: &Path) -> Option<u64> {
    let place = place.canonicalize().ok()?;
    let disks = sysinfo::Disks::new_with_refreshed_list();
    let under = disks.iter().filter(|disk| place.starts_with(disk.mount_point()));
    under.max_by_key(|disk| disk.mount_point().as_os_str().len()).map(sysinfo::Disk::available_space)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_behind() {
        let mut folder = Folder::create(None, 1000).unwrap();
        let path = folder.path().to_owned();
        let file = folder.write("a", b"hello").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"hello");
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn a_data_set_stays_within_its_limit() {
        let mut folder = Folder::create(None, 10).unwrap();
        let first = folder.write("a", &[0; 6]).unwrap();
        assert!(matches!(folder.write("b", &[0; 6]), Err(FolderError::TooLarge { limit: 10 })));
        let mut folder = Folder { used: 6, ..folder };
        folder.remove(&first).unwrap();
        folder.write("c", &[0; 10]).unwrap();
        folder.close().unwrap();
    }

    #[test]
    fn a_full_disk_and_a_place_that_is_none_are_told_apart() {
        assert!(matches!(Folder::create(None, u64::MAX / 2), Err(FolderError::Full { .. })));
        assert!(matches!(Folder::create(None, u64::MAX), Err(FolderError::Full { .. })));
        let missing = Path::new("no/such/folder");
        let error = Folder::create(Some(missing), 10).unwrap_err();
        assert!(matches!(error, FolderError::Create { .. }));
        assert!(error.to_string().contains("no/such/folder"), "{error}");
    }
}
