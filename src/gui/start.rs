//! Opens the window.

use std::path::PathBuf;
use std::sync::{Arc, PoisonError};

use thiserror::Error;

use crate::catalog::Catalog;
use crate::steptime::StepTimes;

use super::app::App;
use super::options::{Options, Theme};
use super::picture::{Outcome, PictureError, Taken};
use super::views::View;

/// What draws.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Renderer {
    /// OpenGL: works in software, in virtual machines and remotely.
    #[default]
    Glow,
    /// Vulkan, Metal or DirectX; only in a program built with it.
    Wgpu,
}

/// How to start.
pub struct Start {
    /// The catalog with its overlays.
    pub catalog: Catalog,
    /// The shipped step times.
    pub step_times: StepTimes,
    /// Scenario to open.
    pub scenario: Option<String>,
    /// What draws.
    pub renderer: Renderer,
    /// What to show instead of what was shown last: names of views, `form` or `text`.
    pub show: Vec<String>,
    /// Light, dark, or as the system; as last time when not named.
    pub theme: Option<Theme>,
    /// Inner size; as last time when not named.
    pub size: Option<[f32; 2]>,
    /// Where to write a picture of the window after a run, closing it then.
    pub picture: Option<PathBuf>,
    /// Told once the first frame is on the screen.
    pub first_frame: Option<Box<dyn FnOnce()>>,
}

/// Why there is no window.
#[derive(Debug, Error)]
pub enum GuiError {
    /// No display to draw on.
    #[error(
        "there is no display to open a window on ({0}); `capplan simulate SCENARIO` gives the same figures"
    )]
    NoDisplay(&'static str),
    /// No renderer starts.
    #[error("no window could be drawn ({0}); `capplan simulate SCENARIO` gives the same figures")]
    NoRenderer(String),
    /// This program was built without that renderer.
    #[error("this program was built without the renderer {0}; leave out --renderer")]
    NotBuilt(&'static str),
    /// There is nothing of that name to show.
    #[error("there is nothing named `{0}` to show; there are {known}", known = showable().join(", "))]
    NoView(String),
    /// No picture came of it.
    #[error(transparent)]
    Picture(#[from] PictureError),
}

/// Opens the window and returns when it is closed, with the picture that was asked for.
///
/// # Errors
/// No display, no renderer that starts, nothing of a name to show, or no picture.
pub fn start(start: Start) -> Result<Option<Taken>, GuiError> {
    // A picture shows what everybody's window shows.
    let mut options = if start.picture.is_some() { Options::default() } else { Options::load() };
    show(&mut options, &start.show)?;
    options.theme = start.theme.unwrap_or(options.theme);
    options.size = start.size.unwrap_or(options.size);
    let renderer = renderer(start.renderer)?;
    displayed()?;
    let viewport = egui::ViewportBuilder::default()
        .with_title("capplan")
        .with_app_id("capplan")
        .with_inner_size(options.size)
        .with_min_inner_size([720.0, 480.0])
        .with_drag_and_drop(true);
    let native = eframe::NativeOptions { viewport, renderer, ..eframe::NativeOptions::default() };
    let (catalog, step_times) = (Arc::new(start.catalog), Arc::new(start.step_times));
    let asked = start.picture.is_some();
    let taken = Outcome::default();
    let told = taken.clone();
    eframe::run_native(
        "capplan",
        native,
        Box::new(move |creation| {
            let mut app = App::new(&creation.egui_ctx, catalog, step_times, options, start.scenario);
            if let Some(tell) = start.first_frame {
                app.tell_first_frame(tell);
            }
            if let Some(file) = start.picture {
                app.take_picture(file, told);
            }
            Ok(Box::new(app))
        }),
    )
    .map_err(|error| GuiError::NoRenderer(error.to_string()))?;
    match taken.lock().unwrap_or_else(PoisonError::into_inner).take() {
        Some(taken) => Ok(Some(taken?)),
        None if asked => Err(PictureError::Closed.into()),
        None => Ok(None),
    }
}

fn view(name: &str) -> Option<View> {
    serde_json::from_value(serde_json::Value::from(name)).ok()
}

/// Names that [`Start::show`] takes.
fn showable() -> Vec<String> {
    let views = View::ALL.iter().filter_map(|view| serde_json::to_value(view).ok());
    let views = views.filter_map(|name| name.as_str().map(str::to_owned));
    views.chain(["form", "text"].map(str::to_owned)).collect()
}

/// The first view takes the place of the last one, a second one stands beside it.
fn show(options: &mut Options, names: &[String]) -> Result<(), GuiError> {
    let mut views = Vec::new();
    for name in names {
        match name.as_str() {
            "form" | "text" => (options.scenario, options.text) = (true, name == "text"),
            name => views.push(view(name).ok_or_else(|| GuiError::NoView(name.to_owned()))?),
        }
    }
    if let Some(first) = views.first() {
        options.view = *first;
        options.beside = views.get(1).copied().filter(|second| second != first);
    }
    Ok(())
}

fn renderer(wanted: Renderer) -> Result<eframe::Renderer, GuiError> {
    match wanted {
        Renderer::Glow => Ok(eframe::Renderer::Glow),
        #[cfg(feature = "gui-wgpu")]
        Renderer::Wgpu => Ok(eframe::Renderer::Wgpu),
        #[cfg(not(feature = "gui-wgpu"))]
        Renderer::Wgpu => Err(GuiError::NotBuilt("wgpu")),
    }
}

/// Without a display the window library would end the program with a message of its own.
fn displayed() -> Result<(), GuiError> {
    let set = |name: &str| std::env::var_os(name).is_some_and(|value| !value.is_empty());
    let unix = cfg!(all(unix, not(target_os = "macos")));
    if unix && !set("DISPLAY") && !set("WAYLAND_DISPLAY") && !set("WAYLAND_SOCKET") {
        return Err(GuiError::NoDisplay("neither DISPLAY nor WAYLAND_DISPLAY is set"));
    }
    Ok(())
}
