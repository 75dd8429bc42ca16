//! The table of exact answers.

use std::collections::HashMap;

const TABLE: &str = include_str!("../data/queueing_oracles.csv");

/// One exact answer.
#[derive(Clone, Debug)]
pub struct Row {
    pub family: String,
    pub case: Case,
    pub quantity: String,
    pub value: f64,
}

/// The parameters of an answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Case(pub String);

impl Case {
    /// The number after `name=`, whatever unit follows it.
    pub fn number(&self, name: &str) -> f64 {
        number(self.text(name))
    }

    /// The number after `name=`, as a count.
    pub fn count(&self, name: &str) -> usize {
        self.number(name) as usize
    }

    /// The numbers after `name=`, separated by bars or slashes.
    pub fn list(&self, name: &str) -> Vec<f64> {
        self.text(name).trim_matches(['(', ')']).split(['|', '/']).map(number).collect()
    }

    /// What stands after `name=`.
    pub fn text(&self, name: &str) -> &str {
        self.find(name).unwrap_or_else(|| panic!("no {name} in {}", self.0))
    }

    fn find(&self, name: &str) -> Option<&str> {
        self.0.split(';').find_map(|part| part.strip_prefix(name)?.strip_prefix('='))
    }
}

/// The number at the start of `text`.
fn number(text: &str) -> f64 {
    let is_part = |c: char| c.is_ascii_digit() || ".+-eE".contains(c);
    let end = text.find(|c| !is_part(c)).unwrap_or(text.len());
    text[..end].parse().unwrap_or_else(|_| panic!("no number in {text}"))
}

/// All answers.
pub fn rows() -> Vec<Row> {
    let mut reader = csv::Reader::from_reader(TABLE.as_bytes());
    let row = |record: csv::StringRecord| Row {
        family: record[0].to_owned(),
        case: Case(record[1].to_owned()),
        quantity: record[2].to_owned(),
        value: record[3].parse().unwrap(),
    };
    reader.records().map(|record| row(record.unwrap())).collect()
}

/// The answers of one family, those of the same parameters together, in the order of the table.
pub fn cases(family: &str) -> Vec<Vec<Row>> {
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut cases: Vec<Vec<Row>> = Vec::new();
    for row in rows().into_iter().filter(|row| row.family == family) {
        let place = *places.entry(row.case.0.clone()).or_insert(cases.len());
        if place == cases.len() {
            cases.push(Vec::new());
        }
        cases[place].push(row);
    }
    cases
}
