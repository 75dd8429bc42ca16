//! Opens the window.

use std::sync::Arc;

use thiserror::Error;

use crate::catalog::Catalog;
use crate::steptime::StepTimes;

use super::app::App;
use super::options::Options;

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
}

/// Opens the window and returns when it is closed.
///
/// # Errors
/// No display, or no renderer that starts.
pub fn start(start: Start) -> Result<(), GuiError> {
    displayed()?;
    let options = Options::load();
    let viewport = egui::ViewportBuilder::default()
        .with_title("capplan")
        .with_app_id("capplan")
        .with_inner_size(options.size)
        .with_min_inner_size([720.0, 480.0])
        .with_drag_and_drop(true);
    let native = eframe::NativeOptions {
        viewport,
        renderer: renderer(start.renderer)?,
        ..eframe::NativeOptions::default()
    };
    let (catalog, step_times) = (Arc::new(start.catalog), Arc::new(start.step_times));
    let open = start.scenario;
    eframe::run_native(
        "capplan",
        native,
        Box::new(move |creation| {
            Ok(Box::new(App::new(&creation.egui_ctx, catalog, step_times, options, open)))
        }),
    )
    .map_err(|error| GuiError::NoRenderer(error.to_string()))
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
