//! The scenario being edited: its text, where it came from, what undo knows, and what is wrong with it.

use std::collections::VecDeque;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::catalog::{Catalog, example};
use crate::document::{Diagnostics, LoadError, MAX_DOCUMENT_BYTES, Node, Reader, load, read_file};
use crate::report::defaults_as_comments;
use crate::scenario::{Scenario, registry_of, resolve};

use super::disk::modified;

/// Most states that undo goes back.
const STATES: usize = 200;
/// Rest after which the text is checked.
const REST: Duration = Duration::from_millis(100);
/// Rest after which typing is another step of undo.
const STEP: Duration = Duration::from_secs(2);
/// How often the file on disk is looked at.
const LOOK: Duration = Duration::from_secs(1);

/// A fault, ready to be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Key path.
    pub key: String,
    /// What is wrong, and what is allowed.
    pub message: String,
    /// Line and column, from 1; none for faults of other files.
    pub place: Option<(usize, usize)>,
    /// Bytes of the text that it is about.
    pub span: Option<std::ops::Range<usize>>,
}

/// What is known of a text.
#[derive(Clone, Debug, Default)]
pub struct Checked {
    /// Its values with their places, when it is TOML.
    pub root: Option<Node>,
    /// What it means, when nothing is wrong.
    pub scenario: Option<Scenario>,
    /// What is wrong.
    pub problems: Vec<Problem>,
    /// The text with its defaults as comments.
    pub resolved: String,
}

/// What became of the file meanwhile.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnDisk {
    /// It is as it was read or written.
    #[default]
    Same,
    /// Another program wrote into it.
    Changed,
    /// It is gone.
    Gone,
}

/// The scenario being edited.
#[derive(Debug)]
pub struct Document {
    text: String,
    path: Option<PathBuf>,
    name: String,
    saved: String,
    past: VecDeque<String>,
    future: Vec<String>,
    settled: String,
    changed_at: Option<Instant>,
    /// When the last step of undo was typed into.
    typed_at: Option<Instant>,
    looked_at: Instant,
    disk: Option<SystemTime>,
    on_disk: OnDisk,
    checked: Checked,
}

impl Document {
    /// A text without a file.
    #[must_use]
    pub fn new(name: &str, text: &str, catalog: &Catalog) -> Self {
        let mut document = Self {
            text: text.to_owned(),
            path: None,
            name: name.to_owned(),
            saved: text.to_owned(),
            past: VecDeque::new(),
            future: Vec::new(),
            settled: text.to_owned(),
            changed_at: None,
            typed_at: None,
            looked_at: Instant::now(),
            disk: None,
            on_disk: OnDisk::Same,
            checked: Checked::default(),
        };
        document.check(catalog);
        document
    }

    /// Opens a file, or an example by `example:NAME`.
    ///
    /// # Errors
    /// When there is no such file or example, or it is no text of a reasonable size.
    pub fn open(name: &str, catalog: &Catalog) -> Result<Self, OpenError> {
        if let Some(wanted) = name.strip_prefix("example:") {
            let text = example(wanted).ok_or_else(|| OpenError::NoExample(wanted.to_owned()))?;
            return Ok(Self::new(name, text, catalog));
        }
        let path = Path::new(name);
        let text = read(path)?;
        let mut document = Self::new(name, &text, catalog);
        document.path = Some(path.to_owned());
        document.disk = modified(path);
        document.check(catalog);
        Ok(document)
    }

    /// The text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// The text, to be typed into; call [`touched`](Self::touched) after a change.
    pub fn text_mut(&mut self) -> &mut String {
        &mut self.text
    }

    /// Its file.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// What the title bar says.
    #[must_use]
    pub fn title(&self) -> String {
        let name = self.path.as_ref().and_then(|path| path.file_name());
        let name = name.map_or_else(|| self.name.clone(), |name| name.to_string_lossy().into_owned());
        if self.unsaved() { format!("{name} *") } else { name }
    }

    /// What to call the scenario on a command line.
    #[must_use]
    pub fn argument(&self) -> String {
        self.path.as_ref().map_or_else(|| self.name.clone(), |path| path.display().to_string())
    }

    /// Whether there are changes that are in no file.
    #[must_use]
    pub fn unsaved(&self) -> bool {
        self.text != self.saved || self.on_disk == OnDisk::Gone
    }

    /// What became of the file meanwhile.
    #[must_use]
    pub fn on_disk(&self) -> OnDisk {
        self.on_disk
    }

    /// The file, and when it was written as far as is known.
    pub(super) fn watched(&self) -> Option<(PathBuf, Option<SystemTime>)> {
        self.path.clone().map(|path| (path, self.disk))
    }

    /// What is known of the text.
    #[must_use]
    pub fn checked(&self) -> &Checked {
        &self.checked
    }

    /// The text was typed into.
    pub fn touched(&mut self) {
        self.changed_at = Some(Instant::now());
    }

    /// Replaces the text as one step.
    pub fn replace(&mut self, text: String, catalog: &Catalog) {
        // What was typed just before is a step of its own, and so is what will be typed after.
        self.settle(catalog);
        self.typed_at = None;
        self.text = text;
        self.settle(catalog);
        self.typed_at = None;
    }

    /// Time until [`tick`](Self::tick) has something to do.
    #[must_use]
    pub fn due(&self) -> Option<Duration> {
        self.changed_at.map(|since| REST.saturating_sub(since.elapsed()))
    }

    /// Checks a text that rests, and looks at the file now and then. True when something changed.
    pub fn tick(&mut self, catalog: &Catalog) -> bool {
        let mut changed = false;
        if self.changed_at.is_some_and(|since| since.elapsed() >= REST) {
            self.settle(catalog);
            changed = true;
        }
        if self.looked_at.elapsed() >= LOOK {
            changed |= self.look();
        }
        changed
    }

    /// Looks at the file; true when what there is to tell about it changed.
    pub fn look(&mut self) -> bool {
        self.looked_at = Instant::now();
        let Some(path) = &self.path else { return false };
        let (before, now) = (self.on_disk, modified(path));
        if now == self.disk {
            return false;
        }
        self.disk = now;
        // A file that cannot be read any more, or is no text, is another one as well.
        let same = || read(path).is_ok_and(|disk| disk == self.text || disk == self.saved);
        self.on_disk = match now {
            None => OnDisk::Gone,
            Some(_) if same() => OnDisk::Same,
            Some(_) => OnDisk::Changed,
        };
        self.on_disk != before
    }

    /// Ends a step of undo and checks the text.
    fn settle(&mut self, catalog: &Catalog) {
        self.changed_at = None;
        if self.text == self.settled {
            return;
        }
        let before = std::mem::replace(&mut self.settled, self.text.clone());
        // What is typed without a longer rest is one step.
        if self.typed_at.is_none_or(|since| since.elapsed() >= STEP) {
            self.past.push_back(before);
        }
        self.typed_at = Some(Instant::now());
        if self.past.len() > STATES {
            self.past.pop_front();
        }
        self.future.clear();
        self.check(catalog);
    }

    /// Takes the last step back.
    pub fn undo(&mut self, catalog: &Catalog) -> bool {
        self.settle(catalog);
        let Some(text) = self.past.pop_back() else { return false };
        self.future.push(std::mem::replace(&mut self.text, text));
        self.settled.clone_from(&self.text);
        self.typed_at = None;
        self.check(catalog);
        true
    }

    /// Makes the last step again.
    pub fn redo(&mut self, catalog: &Catalog) -> bool {
        self.settle(catalog);
        let Some(text) = self.future.pop() else { return false };
        self.past.push_back(std::mem::replace(&mut self.text, text));
        self.settled.clone_from(&self.text);
        self.typed_at = None;
        self.check(catalog);
        true
    }

    /// Writes the text to its file, or to another one that it then belongs to.
    ///
    /// # Errors
    /// When there is no file, or the system refuses.
    pub fn save(&mut self, to: Option<&Path>) -> std::io::Result<()> {
        let path = to.map(Path::to_owned).or_else(|| self.path.clone());
        let path = path.ok_or_else(|| std::io::Error::other("the scenario has no file yet"))?;
        write_beside(&path, self.text.as_bytes())?;
        self.disk = modified(&path);
        self.on_disk = OnDisk::Same;
        self.saved.clone_from(&self.text);
        self.path = Some(path);
        Ok(())
    }

    /// Reads the file again, as one step.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn reload(&mut self, catalog: &Catalog) -> Result<(), OpenError> {
        let Some(path) = self.path.clone() else { return Ok(()) };
        let text = read(&path)?;
        self.disk = modified(&path);
        self.on_disk = OnDisk::Same;
        self.saved.clone_from(&text);
        self.replace(text, catalog);
        Ok(())
    }

    /// Keeps the text although the file changed; it is in no file then.
    pub fn keep(&mut self) {
        self.on_disk = OnDisk::Same;
        self.saved.clear();
    }

    /// Checks the text at once.
    pub fn check(&mut self, catalog: &Catalog) {
        self.checked = check(&self.name, &self.text, self.path.as_deref(), catalog);
    }
}

/// Why a scenario could not be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// There is no such example.
    #[error("there is no example `{0}`")]
    NoExample(String),
    /// The file cannot be read, or is no text.
    #[error(transparent)]
    Load(#[from] LoadError),
}

/// Reads and resolves a text: the same calls as on the command line, and the same faults.
fn check(name: &str, text: &str, path: Option<&Path>, catalog: &Catalog) -> Checked {
    let root = match load(name, text) {
        Ok(root) => root,
        Err(faults) => return Checked { problems: problems(&faults, name), ..Checked::default() },
    };
    match resolve(&root, catalog, path.and_then(Path::parent)) {
        Ok(scenario) => {
            let mut values = Vec::new();
            Reader::new(&root, registry_of(&root)).resolved("", &mut values);
            let resolved = format!("{}\n{}", root.to_document(), defaults_as_comments(&values));
            Checked { root: Some(root), scenario: Some(scenario), problems: Vec::new(), resolved }
        }
        Err(faults) => Checked { problems: problems(&faults, name), root: Some(root), ..Checked::default() },
    }
}

fn problems(faults: &Diagnostics, name: &str) -> Vec<Problem> {
    faults
        .sorted()
        .into_iter()
        .map(|fault| {
            let own = fault.origin.as_ref().filter(|origin| *origin.source.name == *name);
            let suggestion = fault.suggestion.as_ref().map_or_else(String::new, |way| format!("; {way}"));
            Problem {
                key: fault.key.clone(),
                message: format!("{}{suggestion}", fault.message),
                place: own.and(fault.place()).map(|place| (place.line, place.column)),
                span: own.map(|origin| origin.span.clone()),
            }
        })
        .collect()
}

/// Reads a file; the mark that some editors put before the text is no part of it.
fn read(path: &Path) -> Result<String, LoadError> {
    let text = read_file(path, MAX_DOCUMENT_BYTES)?;
    Ok(text.strip_prefix('\u{feff}').map_or_else(|| text.clone(), str::to_owned))
}

/// Replaces a file by a temporary one beside it, so that it is never half-written.
pub(super) fn write_beside(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    // The file that a link points to is written, the link stays.
    let path = &fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut temporary = tempfile::Builder::new().prefix(".capplan-").tempfile_in(folder)?;
    temporary.write_all(bytes)?;
    temporary.as_file().sync_all()?;
    if let Ok(metadata) = fs::metadata(path) {
        temporary.as_file().set_permissions(metadata.permissions())?;
    }
    temporary.persist(path).map_err(|error| error.error)?;
    Ok(())
}
