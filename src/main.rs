#![forbid(unsafe_code)]
//! The program: see [`capplan::cli`] and [`capplan::gui`].

use std::process::ExitCode;

use capplan::cli::{self, Unopened, Window};
use mimalloc::MiMalloc;

/// Keeps freed tensors for the next step; the system's allocator unmaps large ones and pays page faults for them anew
/// in every step, some sizes and not others, which no curve can follow.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    cli::main(open_window)
}

#[cfg(feature = "gui")]
fn open_window(window: Window) -> Result<Option<String>, Unopened> {
    use capplan::gui::{GuiError, Renderer, Start, Theme, start};
    let started = start(Start {
        catalog: window.catalog,
        step_times: window.step_times,
        scenario: window.scenario,
        renderer: match window.renderer {
            cli::Drawing::Glow => Renderer::Glow,
            cli::Drawing::Wgpu => Renderer::Wgpu,
        },
        show: window.show,
        theme: window.theme.map(|look| match look {
            cli::Look::System => Theme::System,
            cli::Look::Light => Theme::Light,
            cli::Look::Dark => Theme::Dark,
        }),
        size: window.size.map(|sides| sides.map(f32::from)),
        picture: window.screenshot,
        first_frame: window.first_frame,
    });
    match started {
        Ok(taken) => Ok(taken.map(|taken| {
            let [width, height] = taken.size;
            format!("{}: {width} × {height} pixels, {} colours", taken.file.display(), taken.colours)
        })),
        Err(error @ (GuiError::NoView(_) | GuiError::NotBuilt(_))) => Err(Unopened::Usage(error.to_string())),
        Err(error) => Err(Unopened::Display(error.to_string())),
    }
}

#[cfg(not(feature = "gui"))]
fn open_window(_: Window) -> Result<Option<String>, Unopened> {
    let why = "this program was built without its window; `capplan simulate SCENARIO` gives the same figures";
    Err(Unopened::Display(why.to_owned()))
}
