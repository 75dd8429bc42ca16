//! A timeline in the trace format of Chrome, which Perfetto reads: one JSON document of complete events.

use std::fmt::Write as _;

use serde_json::json;

use crate::study::Recording;

/// The recording as the text of a trace file; times are microseconds.
#[must_use]
pub fn chrome_trace(recording: &Recording) -> String {
    let timeline = &recording.timeline;
    // An event takes some hundred and twenty letters.
    let mut text = String::with_capacity(1024 + 128 * timeline.spans.len());
    let _ =
        writeln!(text, "{{\"displayTimeUnit\":\"ms\",\"otherData\":{},\"traceEvents\":[", about(recording));
    named(&mut text, "process_name", 0, &recording.fleet);
    for (index, track) in timeline.tracks.iter().enumerate() {
        text.push_str(",\n");
        named(&mut text, "thread_name", index, track);
        let _ = write!(
            text,
            ",\n{{\"name\":\"thread_sort_index\",\"ph\":\"M\",\"ts\":0,\"pid\":1,\"tid\":{index},\"args\":{{\"sort_index\":{index}}}}}"
        );
    }
    for span in &timeline.spans {
        let _ = write!(text, ",\n{{\"name\":\"{}\",", span.act.words());
        if span.end > span.start || !span.act.instant() {
            let _ = write!(text, "\"ph\":\"X\",\"dur\":{},", Micros(span.end.since(span.start).0));
        } else {
            text.push_str("\"ph\":\"i\",\"s\":\"t\",");
        }
        let _ = write!(text, "\"ts\":{},\"pid\":1,\"tid\":{},\"args\":{{", Micros(span.start.0), span.track);
        for (index, (name, value)) in span.facts().enumerate() {
            let comma = if index > 0 { "," } else { "" };
            let _ = write!(text, "{comma}\"{name}\":{value}");
        }
        text.push_str("}}");
    }
    text.push_str("\n]}\n");
    text
}

/// What the trace is of, and whether it is all.
fn about(recording: &Recording) -> serde_json::Value {
    let seconds = |time: crate::units::SimTime| time.seconds().0;
    json!({
        "program": concat!("capplan ", env!("CARGO_PKG_VERSION")),
        "scenario": super::clean(&recording.scenario),
        "fleet": super::clean(&recording.fleet),
        "seed": recording.seed,
        "replica": 0,
        "told": recording.told,
        "from_s": seconds(recording.window.from),
        "until_s": (recording.window.until != crate::units::SimTime::NEVER).then(|| seconds(recording.window.until)),
        "spans": recording.timeline.spans.len(),
        "most_spans": recording.window.limit,
        "capped_at_s": recording.timeline.capped.map(seconds),
    })
}

fn named(text: &mut String, what: &str, track: usize, name: &str) {
    let name = json!(super::clean(name));
    let _ = write!(
        text,
        "{{\"name\":\"{what}\",\"ph\":\"M\",\"ts\":0,\"pid\":1,\"tid\":{track},\"args\":{{\"name\":{name}}}}}"
    );
}

/// Nanoseconds as microseconds, exactly.
struct Micros(u64);

impl std::fmt::Display for Micros {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(out, "{}.{:03}", self.0 / 1000, self.0 % 1000)
    }
}

#[cfg(test)]
mod tests {
    use crate::units::SimTime;
    use crate::workload::{Act, Timeline, TimelineSpan, Window};

    use super::*;

    #[test]
    fn a_trace_is_json_with_exact_times_and_says_what_found_no_room() {
        let spans = [(Act::Compute, 0, 1_500), (Act::Failure, 1_500, 1_500), (Act::Compute, 2_000, 3_001)];
        let span =
            |(act, start, end)| TimelineSpan::new(0, act, SimTime(start), SimTime(end)).with([7, 3, 0]);
        let tracks = vec!["job \"a\"\n\u{1b}".to_owned()];
        let recording = Recording {
            scenario: "s".to_owned(),
            fleet: "fleet \\ \"1\" \u{7}".to_owned(),
            seed: 42,
            told: "",
            window: Window::all(3),
            timeline: Timeline::new(tracks, spans.map(span).to_vec(), Some(SimTime(4_000_000_000))),
        };
        let trace: serde_json::Value = serde_json::from_str(&chrome_trace(&recording)).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        assert_eq!(events.len(), 6);
        assert_eq!(events[0]["args"]["name"], "fleet \\ \"1\" \u{fffd}");
        assert_eq!((events[3]["dur"].as_f64(), events[3]["ph"].as_str()), (Some(1.5), Some("X")));
        assert_eq!(
            (events[4]["ph"].as_str(), events[4]["args"]["steps_lost"].as_u64()),
            (Some("i"), Some(7))
        );
        assert_eq!(events[5]["dur"].as_f64(), Some(1.001));
        assert_eq!(trace["otherData"]["capped_at_s"], 4.0);
    }
}
