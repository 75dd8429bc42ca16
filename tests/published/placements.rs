//! Steps over several devices and hosts, from a few measured placements (published: 12,000 steps of the Sia artifact).

use serde::Deserialize;

use capplan::steptime::placement::{PlacementFit, PlacementPoint, SingleDevice};
use capplan::units::Seconds;

use super::reference_file;

#[derive(Deserialize)]
struct Row {
    model: String,
    gpu_set: String,
    placement: String,
    gpus: u32,
    nodes: u32,
    local_bsz: f64,
    step_time_s_median: f64,
}

impl Row {
    fn point(&self) -> PlacementPoint {
        PlacementPoint { devices: self.gpus, batch: self.local_bsz, step: Seconds(self.step_time_s_median) }
    }
}

/// BERT on hosts of four T4 (g4dn.12xlarge), batch 12 per device: hosts, placement, published samples/s, and whether
/// the exchange term comes from placements of these hosts only (measured) or of others too (calibrated).
const PUBLISHED: &[(u32, &str, f64, &str)] = &[
    (1, "4", 50.2, "calibrated"),
    (2, "44", 37.8, "measured"),
    (3, "444", 82.2, "calibrated"),
    (4, "4444", 101.7, "calibrated"),
];

fn points(rows: &[Row], wanted: impl Fn(&Row) -> bool) -> Vec<PlacementPoint> {
    rows.iter().filter(|row| wanted(row)).map(Row::point).collect()
}

#[test]
fn bert_on_t4_hosts_is_predicted_without_the_placement_that_is_scored() {
    let Some(path) = reference_file("sia_step_times.csv") else { return };
    let mut reader = csv::Reader::from_path(path).unwrap();
    let rows: Vec<Row> = reader
        .deserialize()
        .map(|row| row.unwrap())
        .filter(|row: &Row| row.model == "bert" && row.gpu_set == "aws")
        .collect();
    let single = SingleDevice::fit(&points(&rows, |row| row.placement == "1")).unwrap();
    for (hosts, placement, published, label) in PUBLISHED {
        let same_class = |row: &Row| if *hosts < 3 { row.nodes == *hosts } else { row.nodes >= 3 };
        let others = points(&rows, |row| row.gpus > 1 && same_class(row) && row.placement != *placement);
        let fit = PlacementFit::fit(single, &others).unwrap();
        let devices = 4 * hosts;
        let rate = f64::from(devices) * 12.0 / fit.step(devices, 12.0).0;
        let error = rate / published - 1.0;
        println!(
            "{hosts} hosts [{label}]: {rate:.1} samples/s, published {published} ({:+.1} %)",
            100.0 * error
        );
        assert!(error.abs() < 0.15, "{hosts} hosts: {rate} against {published}");
    }
}
