//! Floor 10: the window, the other of two doors to the same calls.
//!
//! Owns the native window: the document being edited, background runs, views of a comparison, export and what is
//! remembered between starts. It must not simulate, price or fit anything itself: every figure it shows is a cell of a
//! [`Comparison`](crate::study::Comparison) or of a [`Figure`](crate::report::Figure), the same that the command line
//! writes.
//!
//! ```text
//! App        eframe's callbacks: `logic` drains worker and commands, `ui` draws, neither does the other's work
//! Session    the model behind the window, without any widget: document, runs, selection; one method applies a Command
//! panels/    parts of the frame: menu, scenario, problems, details, palette, dialogs
//! views/     one file a view of the result; a view is one line in `View::ALL`
//! ```

mod app;
#[cfg(feature = "calibrate")]
mod calibration;
mod command;
mod disk;
mod document;
mod edit;
mod export;
mod look;
mod options;
mod panels;
mod partial;
mod picture;
mod recorder;
mod session;
mod start;
mod validation;
mod views;
mod why;
mod worker;

pub use app::App;
#[cfg(feature = "calibrate")]
pub use calibration::{Asked, Ended, Live, Measuring, Section};
pub use command::{Command, SHORTCUTS};
pub use document::{Checked, Document, OnDisk, Problem};
pub use options::{Options, Theme};
pub use panels::Purpose;
pub use picture::{PictureError, Taken};
pub use recorder::{Recorded, Stage, Wanted};
pub use session::Session;
pub use start::{GuiError, Renderer, Start, start};
pub use validation::Validated;
pub use views::View;
pub use why::{Figure, Told};
