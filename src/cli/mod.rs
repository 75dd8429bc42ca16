//! Floor 10: the command line, one of two doors to the same calls.
//!
//! Owns arguments, streams (results to stdout, everything else to stderr), exit status, progress and interruption. It
//! must not simulate, compute or draw anything itself.

mod args;
mod calibrate;
mod check;
mod exit;
mod explain;
mod fail_if;
mod input;
mod list;
mod output;
mod progress;
mod schema;
mod simulate;
mod trace;
mod validate;
mod window;

use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;

pub use args::{Drawing, Look};
pub use exit::{Failure, Status};
pub use window::{OpenWindow, Unopened, Window};

/// Runs the program. The window is the other door on this floor: who starts the program says how it is opened.
#[must_use]
pub fn main(open_window: OpenWindow) -> ExitCode {
    let begun = Instant::now();
    let arguments = match args::Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => {
            // Help and version are results; anything else is a wrong call.
            let wrong = error.use_stderr();
            if wrong && asked_for_json(std::env::args().skip(1)) {
                let text = error.to_string();
                let line = text.lines().next().unwrap_or_default().trim_start_matches("error: ").to_owned();
                return Failure::plain(Status::Usage, "usage", line).tell(true, true);
            }
            let _ = error.print();
            return if wrong { Status::Usage.into() } else { Status::Done.into() };
        }
    };
    let shared = arguments.shared.clone();
    let json = arguments.wants_json();
    let result = match arguments.command {
        args::Command::Simulate(options) => simulate::run(&options, &shared),
        args::Command::Check(options) => check::run(&options, &shared),
        args::Command::Validate(options) => validate::run(&options, &shared),
        args::Command::Calibrate(what) => calibrate::run(&what, &shared),
        args::Command::List(options) => list::run(&options, &shared),
        args::Command::Explain(options) => explain::run(&options, &shared),
        args::Command::Schema(options) => schema::schema(&options),
        args::Command::Completions(options) => schema::completions(&options),
        args::Command::Man => schema::man(),
        args::Command::Init(options) => schema::init(&options),
        args::Command::Gui(options) => window::run(options, &shared, begun, open_window),
    };
    match result {
        Ok(status) => status.into(),
        Err(failure) => failure.tell(json, shared.quiet),
    }
}

/// Whether the line asks for JSON, although it could not be understood as a whole.
fn asked_for_json(arguments: impl Iterator<Item = String>) -> bool {
    let arguments: Vec<String> = arguments.collect();
    arguments.iter().any(|argument| argument == "--format=json")
        || arguments.windows(2).any(|pair| pair[0] == "--format" && pair[1] == "json")
}
