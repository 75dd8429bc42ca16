//! The files for people: a workbook and an offline page, with the figures of every other form.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::Path;

use resvg::usvg::roxmltree::Document;

use super::{SMALL, capplan, code, simulate, stderr};

/// Fleet names that a spreadsheet or a browser would take for something else.
const HOSTILE: [&str; 4] = ["=1+2", "@x", "-x", "<b onclick=x>&\\\"quoted\\\""];

fn out(scenario: &str, folder: &Path) -> std::path::PathBuf {
    let out = folder.join("out");
    let output = simulate(scenario, &["--out", out.to_str().unwrap(), "-q"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    out
}

fn hostile() -> String {
    let mut scenario = SMALL.to_owned();
    for name in HOSTILE {
        scenario.push_str(&format!(
            "[[fleet]]\nname = \"{name}\"\ninstance = \"gcp/g2-standard-8\"\nregion = \"us-central1\"\n"
        ));
    }
    scenario
}

/// A cell of a sheet, as the file types it.
#[derive(Debug)]
enum Value {
    Number(f64),
    Boolean(bool),
    Text(String),
}

/// Cells of the first sheet by their name (`B2`), and whether any is a formula.
fn sheet(path: &Path) -> (BTreeMap<String, Value>, bool) {
    let mut book = zip::ZipArchive::new(std::fs::File::open(path).unwrap()).unwrap();
    let mut part = |name: &str| {
        let mut text = String::new();
        book.by_name(name).unwrap().read_to_string(&mut text).unwrap();
        text
    };
    let (strings, sheet) = (part("xl/sharedStrings.xml"), part("xl/worksheets/sheet1.xml"));
    let strings = Document::parse(&strings).unwrap();
    let texts: Vec<String> = strings
        .descendants()
        .filter(|node| node.tag_name().name() == "si")
        .map(|item| item.descendants().filter_map(|node| node.text()).next().unwrap_or_default().to_owned())
        .collect();
    let sheet = Document::parse(&sheet).unwrap();
    let named = |name: &'static str| sheet.descendants().filter(move |node| node.tag_name().name() == name);
    let cells = named("c").filter_map(|cell| {
        let value = cell.children().find(|node| node.tag_name().name() == "v")?.text()?;
        let value = match cell.attribute("t") {
            Some("s") => Value::Text(texts[value.parse::<usize>().unwrap()].clone()),
            Some("b") => Value::Boolean(value == "1"),
            _ => Value::Number(value.parse().unwrap()),
        };
        Some((cell.attribute("r")?.to_owned(), value))
    });
    (cells.collect(), named("f").next().is_some())
}

/// Name of a column counted from 0: `A`, `Z`, `AA`.
fn letters(column: usize) -> String {
    let letter = char::from(b'A' + u8::try_from(column % 26).unwrap());
    if column < 26 { letter.to_string() } else { format!("{}{letter}", letters(column / 26 - 1)) }
}

#[test]
fn the_workbook_holds_the_typed_cells_of_the_csv_and_runs_no_name_as_a_formula() {
    let folder = tempfile::tempdir().unwrap();
    let out = out(&hostile(), folder.path());
    let (cells, formulas) = sheet(&out.join("comparison.xlsx"));
    assert!(!formulas, "a cell is a formula");
    let mut reader = csv::Reader::from_path(out.join("comparison.csv")).unwrap();
    let headers: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let mut numbers = 0;
    for (row, record) in reader.records().enumerate() {
        for (place, cell) in record.unwrap().iter().enumerate() {
            let name = format!("{}{}", letters(place), row + 2);
            let same = match cells.get(&name) {
                None => cell.is_empty(),
                Some(Value::Number(number)) => {
                    numbers += 1;
                    let told: f64 = cell.parse().unwrap();
                    (number - told).abs() <= 1e-14 * told.abs()
                }
                Some(Value::Boolean(truth)) => cell == truth.to_string(),
                // The CSV puts a quote before what a spreadsheet would run.
                Some(Value::Text(text)) => cell.strip_prefix('\'').unwrap_or(cell) == text,
            };
            assert!(same, "{} of row {row}: {:?}, {cell}", headers[place], cells.get(&name));
        }
    }
    assert!(numbers > 50, "{numbers}");
    for (row, name) in HOSTILE[..3].iter().enumerate() {
        assert!(matches!(&cells[&format!("A{}", row + 4)], Value::Text(text) if text == name), "{name}");
    }
}

#[test]
fn the_page_stands_alone_and_escapes_every_name() {
    let folder = tempfile::tempdir().unwrap();
    let out = out(&hostile(), folder.path());
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    let without_namespace = page.replace("http://www.w3.org/2000/svg", "");
    for outward in ["http:", "https:", "src=", "href=", "url(", "<script", "<link", "@import", "<b onclick"] {
        assert!(!without_namespace.contains(outward), "the page has {outward}");
    }
    assert!(page.contains("&lt;b onclick=x&gt;&amp;&quot;quoted&quot;"));
    let result: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.join("result.json")).unwrap()).unwrap();
    let verdict = result["verdict"].as_str().unwrap();
    let escaped = [('&', "&amp;"), ('<', "&lt;"), ('>', "&gt;"), ('"', "&quot;"), ('\'', "&#39;")];
    let verdict = escaped.iter().fold(verdict.to_owned(), |text, (letter, name)| text.replace(*letter, name));
    assert!(page.contains(&verdict), "the page lacks: {verdict}");
    assert!(page.matches("<svg").count() >= 3, "pictures are missing");
    assert!(page.contains("Taken for granted") && page.contains("Error against published measurements"));
}

#[test]
fn latencies_are_distributions_with_their_target() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out");
    let output =
        capplan().args(["simulate", "example:chat", "--out", out.to_str().unwrap()]).output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let page = std::fs::read_to_string(out.join("report.html")).unwrap();
    for title in ["How soon the first token comes", "How fast tokens follow", "How long requests take"] {
        let picture = page.split("<svg").find(|part| part.contains(title)).unwrap();
        let lines = picture.split("<polyline points=\"").skip(1);
        let points = lines.map(|line| line.split('"').next().unwrap().split(' ').count());
        assert!(points.clone().count() > 0 && points.min().unwrap() >= 40, "{title}");
    }
    let first = page.split("<svg").find(|part| part.contains("How soon the first token comes")).unwrap();
    assert!(first.contains("target: 99 % within"), "the target is not marked");
    // Pictures only: the result has percentiles.
    assert!(!std::fs::read_to_string(out.join("result.json")).unwrap().contains("distribution"));
}
