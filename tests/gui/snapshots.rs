//! Pictures look as they looked: every kind of mark, pixel by pixel, drawn by the program's own fonts and rasteriser.
//! `CAPPLAN_RECORD=1 cargo test --release --test main -- snapshots` writes them anew; look at them before they are kept.

use std::path::Path;

use capplan::report::{Axis, Direction, Figure, Legend, Mark, Scale, Style};

/// Share of a channel by which a pixel may differ before it counts, and the share of pixels that may.
const TOLERANCE: u8 = 24;
const FEW: f64 = 0.002;

fn axis(label: &str, scale: Scale) -> Axis {
    Axis::new(label, scale)
}

fn marks() -> Figure {
    let styles: Vec<Style> = (0..7).map(Style::nth).collect();
    let point = |index: usize| {
        let at = [10.0 * 2.0_f64.powi(index as i32), 100.0 + 40.0 * index as f64];
        Mark::Point {
            at,
            across: Some([at[0] / 1.3, at[0] * 1.3]),
            up: (index.is_multiple_of(2)).then_some([at[1] - 25.0, at[1] + 25.0]),
            style: styles[index].faintly(index == 5),
            label: format!("fleet {index}"),
        }
    };
    let line = |index: usize, dashed: bool| Mark::Line {
        points: (1..40).map(|x| [f64::from(x) * 18.0, 90.0 + 30.0 * f64::from(x).sqrt()]).collect(),
        style: Style { dashed, ..styles[index] },
        label: "a line".to_owned(),
    };
    let mut all =
        vec![Mark::Band { span: [150.0, 180.0], label: "a band".to_owned() }, line(0, false), line(1, true)];
    all.extend((0..7).map(point));
    all.push(Mark::Rule { axis: Direction::Across, value: 300.0, label: "a target <&>".to_owned() });
    all.push(Mark::Rule { axis: Direction::Up, value: 330.0, label: "another".to_owned() });
    Figure {
        name: "marks",
        title: "Every mark: \u{201c}quoted\u{201d} & <escaped>".to_owned(),
        x: axis("time, s", Scale::Logarithmic),
        y: axis("cost, USD", Scale::Linear),
        marks: all,
        legend: (0..7)
            .map(|index| Legend { label: format!("fleet {index}"), style: styles[index] })
            .collect(),
        note: "what the reader must know".to_owned(),
    }
}

fn bars() -> Figure {
    let names = ["one large", "a fleet whose name is rather too long for the room there is", "=1+2"];
    let bars = (0..9).map(|index| {
        let (row, part) = (index / 3, index % 3);
        Mark::Bar {
            at: row as f64,
            span: [100.0 * part as f64, 100.0 * (part + 1) as f64 - 30.0 * row as f64],
            style: Style::nth(part),
            label: format!("part {part}"),
        }
    });
    Figure {
        name: "bars",
        title: "The bill, item by item".to_owned(),
        x: axis("USD a run", Scale::Linear),
        y: axis("", Scale::Named(names.map(str::to_owned).to_vec())),
        marks: bars.collect(),
        legend: (0..3)
            .map(|part| Legend { label: format!("part {part}"), style: Style::nth(part) })
            .collect(),
        note: String::new(),
    }
}

#[test]
fn every_mark_is_drawn_as_it_was() {
    for figure in [marks(), bars()] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/golden/{}.png", figure.name));
        let drawn = figure.png(1.0).unwrap();
        if std::env::var_os("CAPPLAN_RECORD").is_some() {
            std::fs::write(&path, &drawn).unwrap();
            continue;
        }
        let pixels = |bytes: &[u8]| image::load_from_memory(bytes).unwrap().to_rgba8();
        let (now, then) = (pixels(&drawn), pixels(&std::fs::read(&path).unwrap()));
        assert_eq!(now.dimensions(), then.dimensions(), "{}", figure.name);
        let differs = |(a, b): &(&image::Rgba<u8>, &image::Rgba<u8>)| {
            a.0.iter().zip(b.0).any(|(a, b)| a.abs_diff(b) > TOLERANCE)
        };
        let changed = now.pixels().zip(then.pixels()).filter(differs).count() as f64;
        let share = changed / f64::from(now.width() * now.height());
        assert!(share <= FEW, "{}: {:.2} % of the pixels changed", figure.name, 100.0 * share);
    }
}
