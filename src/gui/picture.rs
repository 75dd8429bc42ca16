//! A picture of the window, for documents and for checks: the scenario is run, the window comes to rest, its pixels are
//! read back from the renderer and written as a PNG.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use egui::{Color32, ColorImage, Context};
use thiserror::Error;

use crate::report::{PngError, png_of_pixels};

use super::command::Command;
use super::document::write_beside;
use super::session::Session;
use super::views::View;

/// Frames and time after which widths and animations have settled.
const FRAMES: u32 = 10;
const REST: Duration = Duration::from_millis(500);
/// A window with words has many shades, and no shade everywhere.
const SHADES: usize = 32;
const LARGEST_SHARE: f64 = 0.995;

/// A picture that was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// Where it is.
    pub file: PathBuf,
    /// Pixels across and down.
    pub size: [usize; 2],
    /// Distinct colours.
    pub colours: usize,
}

/// Why there is no picture.
#[derive(Debug, Error)]
pub enum PictureError {
    /// The scenario cannot be shown.
    #[error("no picture: {0}")]
    Scenario(String),
    /// Nothing was drawn.
    #[error("the window came out blank: {0} colours")]
    Blank(usize),
    /// The picture could not be encoded.
    #[error(transparent)]
    Png(#[from] PngError),
    /// The file could not be written.
    #[error("{0}: {1}")]
    Write(PathBuf, std::io::Error),
    /// The window was closed before.
    #[error("the window was closed before its picture was taken")]
    Closed,
}

/// What became of it, told outside the window.
pub(super) type Outcome = Arc<Mutex<Option<Result<Taken, PictureError>>>>;

enum Stage {
    Begin,
    Running,
    Resting { since: Instant, frames: u32 },
    Asked(Receiver<Arc<ColorImage>>),
    Done,
}

/// A picture to be taken.
pub(super) struct Picture {
    file: PathBuf,
    stage: Stage,
    outcome: Outcome,
}

impl Picture {
    pub(super) fn new(file: PathBuf, outcome: Outcome) -> Self {
        Self { file, stage: Stage::Begin, outcome }
    }

    /// A step further, once a frame; true when the window may close.
    pub(super) fn step(&mut self, context: &Context, session: &Session, send: &mut Vec<Command>) -> bool {
        context.request_repaint();
        match &mut self.stage {
            Stage::Begin => {
                send.extend(session.document().map(|_| Command::Run));
                self.stage = Stage::Running;
            }
            Stage::Running => {
                if let Some(fault) = session.message().filter(|message| message.fault) {
                    return self.end(Err(PictureError::Scenario(fault.text.clone())));
                }
                let unweighed = session.shown().is_some_and(|shown| shown.sensitivity.is_none());
                if session.progress().is_some() {
                } else if unweighed && session.view() == View::Sensitivity {
                    send.push(Command::Weigh);
                } else {
                    self.stage = Stage::Resting { since: Instant::now(), frames: 0 };
                }
            }
            Stage::Resting { since, frames } => {
                if session.recording() {
                    (*since, *frames) = (Instant::now(), 0);
                }
                *frames += 1;
                if *frames >= FRAMES && since.elapsed() >= REST {
                    let (sender, receiver) = channel();
                    context.request_screenshot(move |image| {
                        // Nobody listens when the window is gone.
                        let _ = sender.send(image);
                    });
                    self.stage = Stage::Asked(receiver);
                }
            }
            Stage::Asked(receiver) => match receiver.try_recv() {
                Ok(image) => {
                    let taken = write(&self.file, &image);
                    return self.end(taken);
                }
                Err(TryRecvError::Empty) => {}
                Err(TryRecvError::Disconnected) => return self.end(Err(PictureError::Closed)),
            },
            Stage::Done => {}
        }
        false
    }

    fn end(&mut self, taken: Result<Taken, PictureError>) -> bool {
        *self.outcome.lock().unwrap_or_else(PoisonError::into_inner) = Some(taken);
        self.stage = Stage::Done;
        true
    }
}

fn write(file: &Path, image: &ColorImage) -> Result<Taken, PictureError> {
    let colours = shades(&image.pixels)?;
    let [width, height] = image.size;
    let bytes = image.pixels.iter().flat_map(|pixel| [pixel.r(), pixel.g(), pixel.b(), u8::MAX]).collect();
    let sides = [width, height].map(|side| u32::try_from(side).unwrap_or_default());
    let png = png_of_pixels(sides[0], sides[1], bytes)?;
    write_beside(file, &png).map_err(|error| PictureError::Write(file.to_owned(), error))?;
    Ok(Taken { file: file.to_owned(), size: image.size, colours })
}

/// Distinct colours of a picture that is not blank.
fn shades(pixels: &[Color32]) -> Result<usize, PictureError> {
    let mut counts: HashMap<Color32, usize> = HashMap::new();
    for pixel in pixels {
        *counts.entry(*pixel).or_default() += 1;
    }
    let most = counts.values().max().copied().unwrap_or_default();
    let blank = counts.len() < SHADES || most as f64 > LARGEST_SHARE * pixels.len() as f64;
    if blank { Err(PictureError::Blank(counts.len())) } else { Ok(counts.len()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_blank_window_is_no_picture() {
        let blank = vec![Color32::BLACK; 10_000];
        assert!(matches!(shades(&blank), Err(PictureError::Blank(1))));
        // A frame and a few letters in the midst of nothing.
        let mut nearly = blank.clone();
        (0..40).for_each(|index| nearly[index] = Color32::from_gray(index as u8 + 1));
        assert!(matches!(shades(&nearly), Err(PictureError::Blank(_))));
        let mut drawn = blank;
        (0..4000).for_each(|index| drawn[index] = Color32::from_gray((index % 200) as u8));
        assert_eq!(shades(&drawn).unwrap(), 200);
    }

    #[test]
    fn a_picture_that_cannot_be_written_names_its_file() {
        let pixels = (0..4000).map(|index| Color32::from_gray((index % 200) as u8)).collect();
        let image = ColorImage::new([40, 100], pixels);
        let folder = tempfile::tempdir().unwrap();
        let missing = folder.path().join("missing").join("x.png");
        assert!(write(&missing, &image).unwrap_err().to_string().contains("x.png"));
        let taken = write(&folder.path().join("x.png"), &image).unwrap();
        assert_eq!((taken.size, taken.colours), ([40, 100], 200));
    }
}
