//! What is remembered between starts: a small file of its own, discarded when it is broken.

use std::fs;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::views::View;

/// Most files remembered.
const RECENT: usize = 10;
const FILE: &str = "window.json";
/// A file of options is never larger.
const BYTES: u64 = 1 << 16;

/// Light, dark, or as the system says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Theme {
    /// As the system.
    #[default]
    System,
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// Choices of the user that outlive the window.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Options {
    /// Theme.
    pub theme: Theme,
    /// Zoom.
    pub zoom: f32,
    /// Files opened, the last first.
    pub recent: Vec<String>,
    /// Whether the scenario panel is shown.
    pub scenario: bool,
    /// Whether the details panel is shown.
    pub details: bool,
    /// Whether the problems panel is shown.
    pub problems: bool,
    /// Whether the scenario is shown as text.
    pub text: bool,
    /// View shown.
    pub view: View,
    /// Columns of the table that are hidden.
    pub hidden: Vec<String>,
    /// View shown beside the first.
    pub beside: Option<View>,
    /// Inner size of the window, in points.
    pub size: [f32; 2],
    /// Sizes of the panels, in points.
    pub panels: Sizes,
}

/// Sizes of the panels, in points.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sizes {
    /// Width of the scenario.
    pub scenario: f32,
    /// Width of the details.
    pub details: f32,
    /// Height of the problems.
    pub problems: f32,
    /// Share of the middle that the second view has.
    pub beside: f32,
}

impl Default for Sizes {
    fn default() -> Self {
        Self { scenario: 340.0, details: 280.0, problems: 84.0, beside: 0.5 }
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            theme: Theme::default(),
            zoom: 1.0,
            recent: Vec::new(),
            scenario: true,
            details: true,
            problems: true,
            text: false,
            view: View::Compare,
            hidden: Vec::new(),
            beside: None,
            size: [1280.0, 800.0],
            panels: Sizes::default(),
        }
    }
}

impl Options {
    /// Those of the last window; the usual ones when there are none or they are broken.
    #[must_use]
    pub fn load() -> Self {
        file().and_then(|file| Self::read(&file)).unwrap_or_default()
    }

    fn read(file: &std::path::Path) -> Option<Self> {
        if fs::metadata(file).ok()?.len() > BYTES {
            return None;
        }
        let options: Self = serde_json::from_str(&fs::read_to_string(file).ok()?).ok()?;
        let sizes = options.panels;
        let sound = (0.2..=5.0).contains(&options.zoom)
            && options.size.iter().all(|side| (100.0..=20_000.0).contains(side))
            && [sizes.scenario, sizes.details, sizes.problems]
                .iter()
                .all(|size| (20.0..=5000.0).contains(size))
            && (0.1..=0.9).contains(&sizes.beside);
        sound.then_some(options)
    }

    /// Remembers them; a folder that cannot be written is no reason to trouble the user.
    pub fn save(&self) {
        let Some(file) = file() else { return };
        let Ok(text) = serde_json::to_string_pretty(self) else { return };
        let Some(folder) = file.parent() else { return };
        let _ = fs::create_dir_all(folder);
        if let Ok(temporary) = tempfile::NamedTempFile::new_in(folder)
            && fs::write(temporary.path(), text).is_ok()
        {
            let _ = temporary.persist(&file);
        }
    }

    /// Puts a file in front of those opened.
    pub fn opened(&mut self, name: &str) {
        self.recent.retain(|known| known != name);
        self.recent.insert(0, name.to_owned());
        self.recent.truncate(RECENT);
    }
}

/// The folder that the system keeps such files in; `CAPPLAN_CONFIG` names another.
fn file() -> Option<PathBuf> {
    let named = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = named("CAPPLAN_CONFIG")
        .or_else(|| named("APPDATA").map(|folder| folder.join("capplan")))
        .or_else(|| named("XDG_CONFIG_HOME").map(|folder| folder.join("capplan")))
        .or_else(|| named("HOME").map(|folder| folder.join(".config").join("capplan")))?;
    Some(folder.join(FILE))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn broken_options_are_discarded() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(FILE);
        for text in [
            "",
            "{",
            "{\"zoom\":1e9}",
            "{\"size\":[0,0]}",
            "{\"view\":\"nonsense\"}",
            "{\"panels\":{\"beside\":7}}",
            "{\"panels\":{\"details\":-1}}",
        ] {
            fs::write(&file, text).unwrap();
            assert_eq!(Options::read(&file), None, "{text}");
        }
        fs::write(&file, "{\"zoom\":1.5}").unwrap();
        assert_eq!(Options::read(&file).map(|options| options.zoom), Some(1.5));
    }

    #[test]
    fn a_file_opened_again_stands_once_and_in_front() {
        let mut options = Options::default();
        (0..20).for_each(|index| options.opened(&format!("{index}")));
        options.opened("15");
        assert_eq!((options.recent.len(), options.recent[0].as_str()), (RECENT, "15"));
    }
}
