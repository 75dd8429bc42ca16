//! `report.html`: one offline file to print or to send. Nothing in it refers outward, and every text is escaped.

use std::fmt::Write as _;

use crate::study::Comparison;

use super::accuracy::accuracy;
use super::comparison::{flat_table, short_table};
use super::plot::{escaped, figures};
use super::summary::sections;
use super::table::{BREAK, Cell, Column, Table};

const STYLE: &str = "\
:root{color-scheme:light}body{font:14px/1.5 'Helvetica Neue',Arial,sans-serif;color:#222;background:#fff;max-width:60rem;margin:2rem auto;padding:0 1rem}\
h1{font-size:1.6rem;margin-bottom:.2rem}h2{font-size:1.15rem;margin-top:2rem;border-bottom:1px solid #ccc}\
.meta{color:#555}.verdict{background:#eef4fa;border-left:4px solid #0072b2;padding:.8rem 1rem;font-size:1.05rem}\
table{border-collapse:collapse;font-size:.86rem;margin:.6rem 0}th,td{border:1px solid #d5d5d5;padding:.25rem .5rem;text-align:left;vertical-align:top}\
th{background:#f4f4f4}td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}tr.best td{background:#f0f8f4}\
.wide{overflow-x:auto}figure{margin:1rem 0;break-inside:avoid}figure svg{max-width:100%;height:auto}\
details summary{cursor:pointer;margin-top:1rem}pre{background:#f7f7f7;padding:.8rem;overflow-x:auto;font-size:.8rem}\
@media print{body{margin:0;max-width:none}details{display:none}h2{break-after:avoid}table{break-inside:auto}}";

/// The report: verdict, table, pictures, reasons, every figure, assumptions, accuracy, and the resolved scenario.
#[must_use]
pub fn report_html(comparison: &Comparison, resolved: &str) -> String {
    let title = escaped(&comparison.scenario);
    let mut page = format!(
        "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title}</title><style>{STYLE}</style></head>\n\
         <body>\n<h1>{title}</h1>\n<p class=\"meta\">{}, seed {}, prices up to {}</p>\n<p class=\"verdict\">{}</p>\n",
        escaped(&comparison.program),
        comparison.seed,
        escaped(comparison.catalog_date.as_deref().unwrap_or("an unknown day")),
        escaped(&comparison.verdict)
    );
    heading(&mut page, "Comparison");
    table(&mut page, &short_table(comparison));
    for figure in figures(comparison) {
        let _ = writeln!(page, "<figure>{}</figure>", figure.svg());
    }
    for section in sections(comparison) {
        heading(&mut page, section.title);
        let lines: String = section.lines.iter().map(|line| format!("<li>{}</li>", escaped(line))).collect();
        let _ = writeln!(page, "<ul>{lines}</ul>");
    }
    heading(&mut page, "How each step time is known");
    table(&mut page, &provenance(comparison));
    heading(&mut page, "Error against published measurements");
    page.push_str(
        "<p>Each row of the shipped tables predicted with its own accelerator and model left out of the fit; errors in per cent.</p>\n",
    );
    table(&mut page, &accuracy(|by, _| by == "all" || by == "category"));
    heading(&mut page, "Every figure");
    table(&mut page, &on_its_side(&flat_table(comparison)));
    let _ = writeln!(
        page,
        "<details><summary>The scenario with every default</summary><pre>{}</pre></details>\n</body></html>",
        resolved.lines().map(escaped).collect::<Vec<_>>().join("\n")
    );
    page
}

fn heading(page: &mut String, title: &str) {
    let _ = writeln!(page, "<h2>{}</h2>", escaped(title));
}

fn provenance(comparison: &Comparison) -> Table {
    let mut table = Table::default();
    let rows = &comparison.rows;
    table.push("fleet", rows.iter().map(|row| row.fleet.as_str().into()));
    table.push("known", rows.iter().map(|row| row.provenance.map(|known| known.word()).into()));
    table.push("from", rows.iter().map(|row| row.basis.clone().into()));
    table
}

/// One row a figure and one column a fleet, without figures that no fleet has.
fn on_its_side(flat: &Table) -> Table {
    let told: Vec<&Column> =
        flat.columns.iter().filter(|column| column.cells.iter().any(|cell| *cell != Cell::Null)).collect();
    let mut table = Table::default();
    table.push("figure", told.iter().skip(1).map(|column| column.name.as_str().into()));
    for row in 0..flat.height() {
        let name = told.first().map_or_else(String::new, |column| column.cells[row].exact());
        table.push(name, told.iter().skip(1).map(|column| column.cells[row].clone()));
    }
    table
}

fn table(page: &mut String, table: &Table) {
    page.push_str("<div class=\"wide\"><table><thead><tr>");
    for column in &table.columns {
        let _ = write!(page, "<th>{}</th>", escaped(&column.name));
    }
    page.push_str("</tr></thead><tbody>\n");
    let best = |row: usize| table.columns.first().is_some_and(|column| column.cells[row] == Cell::from("*"));
    for row in 0..table.height() {
        page.push_str(if best(row) { "<tr class=\"best\">" } else { "<tr>" });
        for column in &table.columns {
            let cell = &column.cells[row];
            let class = if matches!(cell, Cell::Number(_) | Cell::Integer(_)) { " class=\"n\"" } else { "" };
            let text = match cell {
                Cell::Text(text) => text.split(BREAK).map(escaped).collect::<Vec<_>>().join("<br>"),
                cell => escaped(&cell.short()),
            };
            let _ = write!(page, "<td{class}>{text}</td>");
        }
        page.push_str("</tr>\n");
    }
    page.push_str("</tbody></table></div>\n");
}
