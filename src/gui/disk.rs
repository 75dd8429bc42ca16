//! Watches the scenario's file on a thread of its own: a frame a second only to look at it would keep a processor busy.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::thread;
use std::time::{Duration, SystemTime};

/// How often it looks.
const LOOK: Duration = Duration::from_secs(1);

/// A file and when it was written, as the window knows it.
type Known = Option<(PathBuf, Option<SystemTime>)>;

#[derive(Debug, Default)]
struct Shared {
    known: Mutex<Known>,
    changed: AtomicBool,
}

/// The watch over one file; it ends with the window.
#[derive(Debug)]
pub(super) struct DiskWatch(Arc<Shared>);

impl DiskWatch {
    /// Watches nothing yet; `wake` asks the window to look.
    pub(super) fn new(wake: Arc<dyn Fn() + Send + Sync>) -> Self {
        let shared = Arc::new(Shared::default());
        let weak = Arc::downgrade(&shared);
        // Without the thread the file is looked at whenever the window draws.
        let _ = thread::Builder::new().name("file watch".to_owned()).spawn(move || watch(&weak, &*wake));
        Self(shared)
    }

    /// What is to be watched, and when it was last written as far as is known.
    pub(super) fn set(&self, known: Known) {
        *self.0.known.lock().unwrap_or_else(PoisonError::into_inner) = known;
    }

    /// Whether the file changed since this was last asked.
    pub(super) fn changed(&self) -> bool {
        self.0.changed.swap(false, Ordering::Relaxed)
    }
}

fn watch(shared: &Weak<Shared>, wake: &dyn Fn()) {
    loop {
        thread::sleep(LOOK);
        let Some(shared) = shared.upgrade() else { return };
        let known = shared.known.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if known.is_some_and(|(path, written)| modified(&path) != written) {
            shared.changed.store(true, Ordering::Relaxed);
            wake();
        }
    }
}

/// When a file was last written; none when it is gone.
pub(super) fn modified(path: &Path) -> Option<SystemTime> {
    fs::metadata(path).and_then(|metadata| metadata.modified()).ok()
}
