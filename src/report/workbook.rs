//! A workbook: typed cells, frozen header, and a sheet of what was taken for granted.

use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use crate::study::Comparison;

use super::comparison::flat_table;
use super::summary::sections;
use super::table::{Cell, Table, clean};

/// Letters that a cell can hold.
const LETTERS: usize = 32_767;

/// The comparison as the bytes of an XLSX file.
///
/// # Errors
/// When a sheet cannot hold the table.
pub fn workbook(comparison: &Comparison) -> Result<Vec<u8>, XlsxError> {
    let mut book = Workbook::new();
    // The day of writing would make two runs differ.
    let start = rust_xlsxwriter::ExcelDateTime::from_ymd(2000, 1, 1)?;
    book.set_properties(&rust_xlsxwriter::DocProperties::new().set_creation_datetime(&start));
    let bold = Format::new().set_bold();
    let sheet = book.add_worksheet().set_name("comparison")?;
    write_table(sheet, &flat_table(comparison), &bold)?;
    sheet.set_freeze_panes(1, 1)?;
    let sheet = book.add_worksheet().set_name("assumptions")?;
    write_words(sheet, comparison, &bold)?;
    book.save_to_buffer()
}

/// The header and every cell by its type. Text is written as text: a spreadsheet runs none of it as a formula.
fn write_table(sheet: &mut Worksheet, table: &Table, bold: &Format) -> Result<(), XlsxError> {
    for (place, column) in (0_u16..).zip(&table.columns) {
        sheet.write_string_with_format(0, place, &column.name, bold)?;
        let letters = column.cells.iter().map(|cell| cell.short().chars().count()).max().unwrap_or(0);
        let wide = letters.max(column.name.chars().count()).clamp(6, 40) as f64;
        sheet.set_column_width(place, wide)?;
        for (row, cell) in (1_u32..).zip(&column.cells) {
            match cell {
                Cell::Null => {}
                Cell::Text(text) => {
                    sheet.write_string(row, place, bounded(text))?;
                }
                Cell::Number(value) => {
                    sheet.write_number(row, place, *value)?;
                }
                Cell::Integer(value) => {
                    sheet.write_number(row, place, *value as f64)?;
                }
                Cell::Boolean(value) => {
                    sheet.write_boolean(row, place, *value)?;
                }
            }
        }
    }
    Ok(())
}

fn write_words(sheet: &mut Worksheet, comparison: &Comparison, bold: &Format) -> Result<(), XlsxError> {
    let head = [
        ("scenario", comparison.scenario.clone()),
        ("program", comparison.program.clone()),
        ("seed", comparison.seed.to_string()),
        ("prices up to", comparison.catalog_date.clone().unwrap_or_default()),
        ("verdict", comparison.verdict.clone()),
    ];
    let sections = sections(comparison);
    let lines = sections.iter().flat_map(|section| {
        section
            .lines
            .iter()
            .enumerate()
            .map(|(index, line)| (if index == 0 { section.title } else { "" }, line))
    });
    let head = head.iter().map(|(name, text)| (*name, text));
    for (row, (name, text)) in (0_u32..).zip(head.chain(lines)) {
        sheet.write_string_with_format(row, 0, name, bold)?;
        sheet.write_string(row, 1, bounded(text))?;
    }
    sheet.set_column_width(0, 34)?;
    sheet.set_column_width(1, 120)?;
    sheet.set_freeze_panes(1, 0)?;
    Ok(())
}

fn bounded(text: &str) -> String {
    clean(text).chars().take(LETTERS).collect()
}
