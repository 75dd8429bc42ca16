//! Latencies as distributions: the percentiles of the result lie on them.

use capplan::gui::{Command, View};
use capplan::report::{Mark, latencies, latency_times};
use capplan::scenario::RequestTime;

use super::Window;

#[test]
fn each_time_of_a_request_has_its_curve_through_the_percentiles_stated() {
    for (example, times) in [("chat", 3), ("resnet-online", 1), ("several-models", 3), ("split-prefill", 3)] {
        let mut window = Window::open(Some(&format!("example:{example}")));
        window.send(Command::Run);
        window.until("the run is done", |session| session.shown().is_some());
        window.send(Command::Show(View::Latency));
        let comparison = window.session().shown().unwrap().comparison.clone();
        let told = latency_times(&comparison);
        assert_eq!(told.len(), times, "{example}");
        let mut curves = 0;
        for (time, words) in told {
            window.click(words);
            let figure = latencies(&comparison, time).unwrap();
            assert!(window.sees(&figure.title));
            for row in &comparison.rows {
                let figures = row.serving.as_ref().unwrap();
                let Some(own) = figures.distributions.iter().find(|own| own.time == time) else { continue };
                assert!(own.points.len() >= 40, "{example} {}: {}", row.fleet, own.points.len());
                // Times of few requests wobble by chance where their mean is taken; they never fall by much.
                for pair in own.points.windows(2) {
                    assert!(pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1 * 1.001, "{example} {pair:?}");
                }
                let stated = match time {
                    RequestTime::FirstToken => figures.ttft_s,
                    RequestTime::PerOutputToken => figures.tpot_s,
                    RequestTime::Whole => figures.latency_s,
                };
                let shares = [0.5, 0.9, 0.95, 0.99];
                for ((_, estimate), share) in stated.unwrap().parts().into_iter().zip(shares) {
                    let on = own.points.iter().find(|point| point.0 == share).map(|point| point.1);
                    assert_eq!(on, estimate.map(|estimate| estimate.mean), "{example} {} {share}", row.fleet);
                }
                curves += 1;
                let drawn = figure.marks.iter().any(|mark| match mark {
                    Mark::Line { points, label, .. } => {
                        *label == row.fleet && points.len() == own.points.len()
                    }
                    _ => false,
                });
                assert!(drawn, "{example}: the curve of {} is not drawn", row.fleet);
            }
        }
        assert!(curves > 1, "{example}");
    }
}
