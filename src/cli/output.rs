//! Streams: a closed pipe is a quiet success.

use std::io::{self, IsTerminal, Write};

use crate::report::Width;

use super::args::{Color, Format};
use super::exit::{Failure, Status};
use crate::report::{OutError, Table, clean, terminal};

/// Width where the terminal does not say.
const DEFAULT_WIDTH: u16 = 132;

/// Writes a result to stdout.
///
/// # Errors
/// When stdout fails for another reason than a closed pipe.
pub fn to_stdout(text: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::plain(Status::Io, "io", format!("cannot write to stdout: {error}")))
        }
        _ => Ok(()),
    }
}

/// Writes a message to stderr, line by line without control characters; nobody is left to hear when that fails.
pub fn to_stderr(text: &str) {
    let text: String = text
        .split_inclusive('\n')
        .map(|line| {
            let (body, end) = line.strip_suffix('\n').map_or((line, ""), |body| (body, "\n"));
            clean(body) + end
        })
        .collect();
    let mut stderr = io::stderr().lock();
    let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
}

/// A table in the wanted form.
pub fn table_text(table: &Table, format: Format) -> String {
    match format {
        Format::Table => terminal(table, width()),
        Format::Csv => table.csv(),
        Format::Markdown => table.markdown(),
        Format::Json => format!("{:#}\n", table.json()),
    }
}

/// Width of the terminal; a fixed one for pipes, so that the same call gives the same bytes.
pub fn width() -> Width {
    let columns = || std::env::var("COLUMNS").ok()?.parse::<u16>().ok();
    let terminal = || {
        if io::stdout().is_terminal() {
            terminal_size::terminal_size().map(|(width, _)| width.0)
        } else {
            None
        }
    };
    Width(terminal().or_else(columns).unwrap_or(DEFAULT_WIDTH).clamp(40, 400))
}

/// Whether stderr takes colour and moving lines.
pub fn lively(color: Color) -> bool {
    match color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none(),
    }
}

impl From<OutError> for Failure {
    fn from(error: OutError) -> Self {
        Self::plain(Status::Io, "io", error.to_string())
    }
}
