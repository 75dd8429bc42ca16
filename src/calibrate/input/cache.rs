//! Files out of the page cache, so that the next read comes from the disk.

use std::fs::File;
use std::path::{Path, PathBuf};

/// Whether files of a place can be read cold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cold {
    /// They can.
    Possible,
    /// They cannot, and why.
    NotHere(&'static str),
}

/// Whether files under `place` can be read cold: not where they lie in memory, nor where the system drops no pages.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[must_use]
pub fn cold_reads(place: &Path) -> Cold {
    /// What the kernel calls its file systems in memory.
    const IN_MEMORY: [u32; 2] = [0x0102_1994, 0x8584_58f6];
    match rustix::fs::statfs(place) {
        Ok(told) if IN_MEMORY.contains(&(told.f_type as u32)) => {
            Cold::NotHere("the folder lies in memory; choose one on a disk with --folder")
        }
        Ok(_) => Cold::Possible,
        Err(_) => Cold::NotHere("the system does not say where the folder lies"),
    }
}

/// Whether files under `place` can be read cold.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[must_use]
pub fn cold_reads(_place: &Path) -> Cold {
    Cold::NotHere("only Linux lets a program drop pages of its own files")
}

/// Drops the pages of files that lie on the disk already; `false` where the system refuses.
#[cfg(any(target_os = "linux", target_os = "android"))]
#[must_use]
pub fn drop_pages(files: &[PathBuf]) -> bool {
    use rustix::fs::{Advice, fadvise};
    files.iter().all(|path| {
        let dropped = File::open(path).and_then(|file| {
            // Dirty pages stay; these are written.
            file.sync_data()?;
            fadvise(&file, 0, None, Advice::DontNeed).map_err(Into::into)
        });
        dropped.is_ok()
    })
}

/// Drops the pages of files that lie on the disk already; `false` where the system refuses.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[must_use]
pub fn drop_pages(_files: &[PathBuf]) -> bool {
    false
}

/// Reads files once, so that they lie in the cache as far as it holds them; bytes read.
///
/// # Errors
/// When one cannot be read.
pub fn warm(files: &[PathBuf]) -> std::io::Result<u64> {
    let mut bytes = 0;
    for path in files {
        bytes += std::io::copy(&mut File::open(path)?, &mut std::io::sink())?;
    }
    Ok(bytes)
}
