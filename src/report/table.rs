//! One flat table, and the plain texts made of it.

use crate::units::Significant;

/// Breaks a line within a cell of the terminal's table.
pub(super) const BREAK: char = '\u{2028}';

/// A typed cell.
#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    /// Unknown or not applicable.
    Null,
    /// Text.
    Text(String),
    /// A number.
    Number(f64),
    /// An integer.
    Integer(i64),
    /// A truth value.
    Boolean(bool),
}

/// A column.
#[derive(Clone, Debug, PartialEq)]
pub struct Column {
    /// Its name, with the unit as suffix.
    pub name: String,
    /// Its cells.
    pub cells: Vec<Cell>,
}

/// Columns of equal length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// In order.
    pub columns: Vec<Column>,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}
impl From<f64> for Cell {
    fn from(value: f64) -> Self {
        if value.is_finite() { Self::Number(value) } else { Self::Null }
    }
}
impl From<u64> for Cell {
    fn from(value: u64) -> Self {
        i64::try_from(value).map_or(Self::Number(value as f64), Self::Integer)
    }
}
impl From<bool> for Cell {
    fn from(value: bool) -> Self {
        Self::Boolean(value)
    }
}
impl<T: Into<Cell>> From<Option<T>> for Cell {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

impl Cell {
    /// The exact text, as in CSV and JSON: empty for null.
    #[must_use]
    pub fn exact(&self) -> String {
        match self {
            Self::Null => String::new(),
            Self::Text(text) => text.clone(),
            Self::Number(value) => value.to_string(),
            Self::Integer(value) => value.to_string(),
            Self::Boolean(value) => value.to_string(),
        }
    }

    /// The text for people: four significant digits.
    #[must_use]
    pub fn short(&self) -> String {
        match self {
            Self::Null => "–".to_owned(),
            Self::Number(value) => Significant(*value, 4).to_string(),
            Self::Boolean(value) => if *value { "yes" } else { "no" }.to_owned(),
            _ => clean(&self.exact()),
        }
    }
}

impl Table {
    /// Adds a column.
    pub fn push(&mut self, name: impl Into<String>, cells: impl IntoIterator<Item = Cell>) {
        self.columns.push(Column { name: name.into(), cells: cells.into_iter().collect() });
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> usize {
        self.columns.first().map_or(0, |column| column.cells.len())
    }

    /// The column of that name.
    #[must_use]
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Keeps the rows that a test of their number passes, in the order given.
    pub fn select(&mut self, rows: &[usize]) {
        for column in &mut self.columns {
            column.cells = rows.iter().map(|row| column.cells[*row].clone()).collect();
        }
    }

    /// RFC 4180 text. Text cells that a spreadsheet would run as a formula get a quote in front.
    #[must_use]
    pub fn csv(&self) -> String {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let mut record = |cells: Vec<String>| {
            // Writing to memory does not fail.
            let _ = writer.write_record(&cells);
        };
        record(self.columns.iter().map(|column| column.name.clone()).collect());
        for row in 0..self.height() {
            record(
                self.columns
                    .iter()
                    .map(|column| match &column.cells[row] {
                        Cell::Text(text) => neutral(&clean(text)),
                        cell => cell.exact(),
                    })
                    .collect(),
            );
        }
        writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// Tab-separated text, as spreadsheets take from the clipboard.
    #[must_use]
    pub fn tab_separated(&self) -> String {
        let mut text = String::new();
        let names: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
        text.push_str(&names.join("\t"));
        for row in 0..self.height() {
            text.push('\n');
            let cell = |column: &Column| match &column.cells[row] {
                Cell::Text(text) => neutral(&clean(text)),
                cell => cell.exact(),
            };
            text.push_str(&self.columns.iter().map(cell).collect::<Vec<_>>().join("\t"));
        }
        text
    }

    /// A Markdown table; pipes and line breaks in cells are escaped.
    #[must_use]
    pub fn markdown(&self) -> String {
        let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
        let escape = |text: &str| {
            clean(&text.replace(BREAK, " ")).replace('\\', "\\\\").replace('|', "\\|").replace('`', "\\`")
        };
        let numeric = |column: &Column| {
            column.cells.iter().any(|cell| matches!(cell, Cell::Number(_) | Cell::Integer(_)))
        };
        let mut text = line(self.columns.iter().map(|column| escape(&column.name)).collect());
        text.push_str(&line(
            self.columns
                .iter()
                .map(|column| if numeric(column) { "---:" } else { "---" }.to_owned())
                .collect(),
        ));
        for row in 0..self.height() {
            text.push_str(&line(
                self.columns.iter().map(|column| escape(&column.cells[row].short())).collect(),
            ));
        }
        text
    }

    /// An array of objects with the exact cells.
    #[must_use]
    pub fn json(&self) -> serde_json::Value {
        let cell = |cell: &Cell| match cell {
            Cell::Null => serde_json::Value::Null,
            Cell::Text(text) => serde_json::json!(text),
            Cell::Number(value) => serde_json::json!(value),
            Cell::Integer(value) => serde_json::json!(value),
            Cell::Boolean(value) => serde_json::json!(value),
        };
        (0..self.height())
            .map(|row| {
                self.columns
                    .iter()
                    .map(|column| (column.name.clone(), cell(&column.cells[row])))
                    .collect::<serde_json::Map<String, serde_json::Value>>()
                    .into()
            })
            .collect::<Vec<serde_json::Value>>()
            .into()
    }
}

/// Text without control and direction marks, so that a name can neither move the cursor, nor break a line, nor turn it.
#[must_use]
pub fn clean(text: &str) -> String {
    let turns = |letter: char| matches!(letter, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars()
        .map(|letter| if letter.is_control() || turns(letter) { '\u{fffd}' } else { letter })
        .collect()
}

fn neutral(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(name: &str) -> Table {
        let mut table = Table::default();
        table.push("fleet", [Cell::from(name)]);
        table.push("cost_usd", [Cell::from(-1.5)]);
        table
    }

    #[test]
    fn formulas_leave_as_text_and_negative_numbers_as_numbers() {
        for name in ["=1+2", "@x", "-x", "+x"] {
            assert_eq!(table(name).csv(), format!("fleet,cost_usd\n'{name},-1.5\n"));
        }
        assert_eq!(table("a,\"b\"").csv(), "fleet,cost_usd\n\"a,\"\"b\"\"\",-1.5\n");
    }

    #[test]
    fn pipes_do_not_break_a_markdown_row() {
        assert!(table("a|b").markdown().contains("| a\\|b | -1.5 |"));
        assert!(table("a\nb\u{1b}[2J").markdown().lines().count() == 3);
    }
}
