#![forbid(unsafe_code)]
//! The program: see [`capplan::cli`] and [`capplan::gui`].

use std::error::Error;
use std::process::ExitCode;

use capplan::cli::{self, Window};
use mimalloc::MiMalloc;

/// Keeps freed tensors for the next step; the system's allocator unmaps large ones and pays page faults for them anew
/// in every step, some sizes and not others, which no curve can follow.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    cli::main(open_window)
}

#[cfg(feature = "gui")]
fn open_window(window: Window) -> Result<(), Box<dyn Error>> {
    use capplan::gui::{Renderer, Start, start};
    let Window { catalog, step_times, scenario, renderer } = window;
    let renderer = match renderer {
        cli::Drawing::Glow => Renderer::Glow,
        cli::Drawing::Wgpu => Renderer::Wgpu,
    };
    Ok(start(Start { catalog, step_times, scenario, renderer })?)
}

#[cfg(not(feature = "gui"))]
fn open_window(_: Window) -> Result<(), Box<dyn Error>> {
    Err("this program was built without its window; `capplan simulate SCENARIO` gives the same figures"
        .into())
}
