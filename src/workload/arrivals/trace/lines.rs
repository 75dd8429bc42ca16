//! Lines of a file, one at a time in bounded memory.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use super::{MOST_LINE, TraceError};

/// Bytes read at once.
const BUFFER: usize = 1 << 16;

/// The lines of a file.
#[derive(Debug)]
pub(super) struct Lines {
    file: String,
    reader: BufReader<File>,
    text: Vec<u8>,
    number: u64,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self, TraceError> {
        let file = path.display().to_string();
        match File::open(path) {
            Ok(opened) => Ok(Self {
                file,
                reader: BufReader::with_capacity(BUFFER, opened),
                text: Vec::new(),
                number: 0,
            }),
            Err(error) => Err(TraceError::Open { file, error }),
        }
    }

    /// The file's name.
    pub(super) fn file(&self) -> String {
        self.file.clone()
    }

    /// Number of the current line, from 1.
    pub(super) fn number(&self) -> u64 {
        self.number
    }

    /// Goes to the next line that is not blank; `false` at the end.
    pub(super) fn advance(&mut self) -> Result<bool, TraceError> {
        loop {
            self.text.clear();
            self.number += 1;
            let mut limited = self.reader.by_ref().take(MOST_LINE as u64 + 1);
            match limited.read_until(b'\n', &mut self.text) {
                Ok(0) => return Ok(false),
                Ok(_) => {}
                Err(error) => {
                    return Err(TraceError::Read { file: self.file(), line: self.number, error });
                }
            }
            if self.text.len() > MOST_LINE {
                return Err(TraceError::Long { file: self.file(), line: self.number });
            }
            while self.text.last().is_some_and(u8::is_ascii_whitespace) {
                self.text.pop();
            }
            if !self.text.is_empty() {
                return Ok(true);
            }
        }
    }

    /// The current line without its end.
    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    /// The cell of a column; empty where the row is too short. Cells hold no commas.
    pub(super) fn cell(&self, column: usize) -> &str {
        let cell = self.text.split(|byte| *byte == b',').nth(column).unwrap_or_default();
        // What is not UTF-8 is no number either, and is reported as such.
        let cell = std::str::from_utf8(cell).unwrap_or("\u{fffd}").trim();
        cell.strip_prefix('"').and_then(|cell| cell.strip_suffix('"')).unwrap_or(cell)
    }

    /// Where the cell of a column begins, in characters from 1.
    pub(super) fn place(&self, column: usize) -> usize {
        let before = self.text.split(|byte| *byte == b',').take(column);
        1 + before.map(|cell| 1 + String::from_utf8_lossy(cell).chars().count()).sum::<usize>()
    }

    /// Goes back to the start.
    pub(super) fn rewind(&mut self) -> Result<(), TraceError> {
        self.number = 0;
        match std::io::Seek::rewind(&mut self.reader) {
            Ok(()) => Ok(()),
            Err(error) => Err(TraceError::Read { file: self.file(), line: 0, error }),
        }
    }
}
