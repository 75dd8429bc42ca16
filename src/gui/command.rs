//! Everything a user can do, as values. Widgets send commands; [`Session::apply`](super::Session::apply) and the window
//! carry them out in one place, so that menu, key, palette and test are the same.

use std::path::PathBuf;

use egui::{Key, KeyboardShortcut, Modifiers};

use super::panels::Purpose;
use super::recorder::Wanted;
use super::views::View;
use super::why::Figure;

/// Something to do.
#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    /// Ask for a file and open it.
    OpenDialog,
    /// Open a scenario: a path, or `example:NAME`.
    Open(String),
    /// Start an empty scenario.
    New,
    /// Write the scenario where it came from.
    Save,
    /// Ask where to, and write.
    SaveAsDialog,
    /// Ask for a path to be typed.
    AskPath(Purpose),
    /// Write the scenario there.
    SaveAs(PathBuf),
    /// Read the file again, giving up changes.
    Reload,
    /// Keep the text although the file changed.
    KeepText,
    /// Take the last change back.
    Undo,
    /// Make it again.
    Redo,
    /// Set a value of the scenario by its key path, as TOML.
    Set {
        /// Key path, as `workload.epochs` or `fleet[0].count`.
        path: String,
        /// The value in TOML; `None` takes the key out.
        value: Option<String>,
    },
    /// Add a fleet of one machine in a region.
    AddFleet {
        /// Machine type.
        instance: String,
        /// Region.
        region: String,
    },
    /// Remove a fleet by its index.
    RemoveFleet(usize),
    /// Simulate.
    Run,
    /// Find out which numbers matter.
    Weigh,
    /// Record what one replica of a fleet does.
    Record(Wanted),
    /// Stop the run.
    Cancel,
    /// Show a view.
    Show(View),
    /// Calibrate this machine.
    #[cfg(feature = "calibrate")]
    Calibrate(super::calibration::Asked),
    /// Stop calibrating.
    #[cfg(feature = "calibrate")]
    StopCalibrating,
    /// Save the profile just measured although the machine was noisy.
    #[cfg(feature = "calibrate")]
    KeepProfile,
    /// Show a result of this window again, by its number.
    Recall(u64),
    /// Make the text of a result the scenario's.
    TakeText(u64),
    /// Drop a result of this window.
    Forget(u64),
    /// Show a view beside the other one, or none.
    ShowBeside(Option<View>),
    /// Select a fleet by its name in every view.
    Select(Option<String>),
    /// Tell where a figure comes from; `None` tells nothing more.
    Explain(Option<Figure>),
    /// Place the cursor at a byte of the text.
    GoTo(usize),
    /// Ask what to export.
    ExportDialog,
    /// Copy the table as tab-separated values.
    CopyTable,
    /// Show or hide the palette.
    TogglePalette,
    /// Show or hide the scenario panel.
    ToggleScenario,
    /// Show or hide the details panel.
    ToggleDetails,
    /// Show or hide the problems panel.
    ToggleProblems,
    /// Show the text instead of the form, or the other way.
    ToggleText,
    /// Show the catalog.
    ToggleCatalog,
    /// Larger.
    ZoomIn,
    /// Smaller.
    ZoomOut,
    /// As large as designed.
    ZoomReset,
    /// Light, dark, or as the system.
    NextTheme,
    /// Close the window, asking first when there are changes.
    Quit,
}

/// A key for a command, with its words in menu and palette.
#[derive(Clone, Debug)]
pub struct Shortcut {
    /// What it does.
    pub command: Command,
    /// In words; a trailing … asks for more.
    pub words: &'static str,
    /// The keys.
    pub keys: Option<KeyboardShortcut>,
}

const fn keys(modifiers: Modifiers, key: Key) -> Option<KeyboardShortcut> {
    Some(KeyboardShortcut::new(modifiers, key))
}

const SHIFT_COMMAND: Modifiers = Modifiers { shift: true, ..Modifiers::COMMAND };

/// Every command of the menu and the palette, the more particular keys first.
pub const SHORTCUTS: &[Shortcut] = &[
    Shortcut { command: Command::SaveAsDialog, words: "Save as…", keys: keys(SHIFT_COMMAND, Key::S) },
    Shortcut { command: Command::New, words: "New scenario", keys: keys(Modifiers::COMMAND, Key::N) },
    Shortcut { command: Command::OpenDialog, words: "Open…", keys: keys(Modifiers::COMMAND, Key::O) },
    Shortcut {
        command: Command::AskPath(Purpose::Open),
        words: "Open a path…",
        keys: keys(Modifiers::COMMAND, Key::L),
    },
    Shortcut { command: Command::AskPath(Purpose::Save), words: "Save to a path…", keys: None },
    Shortcut { command: Command::Save, words: "Save", keys: keys(Modifiers::COMMAND, Key::S) },
    Shortcut { command: Command::Redo, words: "Redo", keys: keys(SHIFT_COMMAND, Key::Z) },
    Shortcut { command: Command::Undo, words: "Undo", keys: keys(Modifiers::COMMAND, Key::Z) },
    Shortcut { command: Command::Redo, words: "Redo", keys: keys(Modifiers::COMMAND, Key::Y) },
    Shortcut { command: Command::Run, words: "Run", keys: keys(Modifiers::NONE, Key::F5) },
    Shortcut { command: Command::Cancel, words: "Stop", keys: keys(Modifiers::NONE, Key::Escape) },
    Shortcut { command: Command::Weigh, words: "What matters", keys: keys(Modifiers::NONE, Key::F6) },
    Shortcut { command: Command::ExportDialog, words: "Export…", keys: keys(Modifiers::COMMAND, Key::E) },
    Shortcut {
        command: Command::TogglePalette,
        words: "Command palette",
        keys: keys(Modifiers::COMMAND, Key::P),
    },
    Shortcut { command: Command::CopyTable, words: "Copy the table", keys: keys(SHIFT_COMMAND, Key::C) },
    Shortcut { command: Command::ToggleText, words: "Form or text", keys: keys(Modifiers::COMMAND, Key::T) },
    Shortcut { command: Command::ToggleCatalog, words: "Catalog", keys: keys(Modifiers::COMMAND, Key::K) },
    Shortcut {
        command: Command::ToggleScenario,
        words: "Scenario panel",
        keys: keys(Modifiers::COMMAND, Key::B),
    },
    Shortcut {
        command: Command::ToggleDetails,
        words: "Details panel",
        keys: keys(Modifiers::COMMAND, Key::D),
    },
    Shortcut {
        command: Command::ToggleProblems,
        words: "Problems panel",
        keys: keys(Modifiers::COMMAND, Key::J),
    },
    Shortcut { command: Command::ZoomIn, words: "Larger", keys: None },
    Shortcut { command: Command::ZoomOut, words: "Smaller", keys: None },
    Shortcut { command: Command::ZoomReset, words: "Usual size", keys: keys(Modifiers::COMMAND, Key::Num0) },
    Shortcut { command: Command::NextTheme, words: "Next theme", keys: None },
    Shortcut { command: Command::Quit, words: "Quit", keys: keys(Modifiers::COMMAND, Key::Q) },
];

/// Keys of the first nine views: Ctrl and a digit shows one, with Shift beside the other.
pub(super) fn view_keys() -> impl Iterator<Item = (KeyboardShortcut, Command)> {
    const DIGITS: [Key; 9] =
        [Key::Num1, Key::Num2, Key::Num3, Key::Num4, Key::Num5, Key::Num6, Key::Num7, Key::Num8, Key::Num9];
    DIGITS.into_iter().zip(View::ALL).flat_map(|(key, view)| {
        [
            (KeyboardShortcut::new(SHIFT_COMMAND, key), Command::ShowBeside(Some(*view))),
            (KeyboardShortcut::new(Modifiers::COMMAND, key), Command::Show(*view)),
        ]
    })
}
