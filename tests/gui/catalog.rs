//! The catalog: filtered as by `capplan list prices --filter`, and a machine becomes a fleet by a click.

use capplan::gui::Command;

use super::Window;
use crate::cli::{capplan, stdout};

fn listed(filters: &[&str]) -> usize {
    let filters = filters.iter().flat_map(|filter| ["--filter", filter]);
    let output = capplan().args(["list", "prices", "--format", "csv"]).args(filters).output().unwrap();
    stdout(&output).lines().count() - 1
}

#[test]
fn machines_are_filtered_by_memory_and_price_as_by_the_command_line() {
    let mut window = Window::open(Some("example:daily-recommender"));
    window.send(Command::ToggleCatalog);
    let all = listed(&[]);
    assert!(window.sees(&format!("{all} of {all} prices")));
    window.type_into("Memory, GiB", ">=80");
    let large = listed(&["memory_gib_per_accelerator>=80"]);
    assert!(large > 0 && large < all, "{large} of {all}");
    assert!(window.sees(&format!("{large} of {all} prices")));
    window.type_into("Price per accelerator, USD/h", "3");
    let cheap = listed(&["memory_gib_per_accelerator>=80", "on_demand_usd_h_per_accelerator<=3"]);
    assert!(cheap > 0 && cheap < large, "{cheap} of {large}");
    assert!(window.sees(&format!("{cheap} of {all} prices")));
    // What is not a number is told, and the rest stays.
    window.type_into("Memory, GiB", ">=much");
    assert!(window.sees("`much` is not a number"));
    window.type_into("Memory, GiB", ">");
    assert!(!window.sees("is not a number"));
}

#[test]
fn a_machine_becomes_a_fleet() {
    let mut window = Window::open(Some("example:daily-recommender"));
    let before = window.text().matches("[[fleet]]").count();
    window.send(Command::ToggleCatalog);
    window.type_into("Accelerator", "H200");
    window.click_first("Add");
    assert_eq!(window.text().matches("[[fleet]]").count(), before + 1);
    let scenario = window.session().document().unwrap().checked().scenario.clone().unwrap();
    assert!(scenario.fleets.last().unwrap().name.contains(|letter: char| letter.is_ascii_digit()));
}
