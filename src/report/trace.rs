//! A timeline in the trace format of Chrome, which Perfetto reads: one JSON document of complete events.

use std::fmt::Write as _;

use crate::workload::Timeline;

/// The timeline as the text of a trace file; times are microseconds.
#[must_use]
pub fn chrome_trace(timeline: &Timeline, fleet: &str) -> String {
    let mut events = vec![named("process_name", 0, fleet)];
    for (index, track) in timeline.tracks.iter().enumerate() {
        events.push(named("thread_name", index, track));
    }
    for span in &timeline.spans {
        let mut facts = String::new();
        for (name, value) in &span.facts {
            let comma = if facts.is_empty() { "" } else { "," };
            let _ = write!(facts, "{comma}\"{name}\":{value}");
        }
        let duration = micros(span.end.since(span.start).0);
        let kind = if span.end > span.start {
            format!("\"ph\":\"X\",\"dur\":{duration}")
        } else {
            "\"ph\":\"i\",\"s\":\"t\"".to_owned()
        };
        events.push(format!(
            "{{\"name\":{},{kind},\"ts\":{},\"pid\":1,\"tid\":{},\"args\":{{{facts}}}}}",
            serde_json::json!(span.name),
            micros(span.start.0),
            span.track
        ));
    }
    format!(
        "{{\"displayTimeUnit\":\"ms\",\"otherData\":{{\"dropped\":{}}},\"traceEvents\":[\n{}\n]}}\n",
        timeline.dropped,
        events.join(",\n")
    )
}

fn named(what: &str, track: usize, name: &str) -> String {
    format!(
        "{{\"name\":\"{what}\",\"ph\":\"M\",\"pid\":1,\"tid\":{track},\"args\":{{\"name\":{}}}}}",
        serde_json::json!(super::clean(name))
    )
}

/// Nanoseconds as microseconds, exactly.
fn micros(nanoseconds: u64) -> String {
    format!("{}.{:03}", nanoseconds / 1000, nanoseconds % 1000)
}

#[cfg(test)]
mod tests {
    use crate::units::SimTime;
    use crate::workload::{TimelineSpan, Window};

    use super::*;

    #[test]
    fn a_trace_is_json_with_exact_times_and_says_what_found_no_room() {
        let mut timeline = Timeline::new(vec!["job \"a\"".to_owned()], Window::all(2));
        for (start, end) in [(0, 1_500), (1_500, 1_500), (2_000, 3_000)] {
            let (start, end) = (SimTime(start), SimTime(end));
            timeline.record(TimelineSpan { track: 0, name: "step", start, end, facts: vec![("steps", 3)] });
        }
        let trace: serde_json::Value = serde_json::from_str(&chrome_trace(&timeline, "fleet \\ 1")).unwrap();
        let events = trace["traceEvents"].as_array().unwrap();
        assert_eq!(events.len(), 4);
        assert_eq!((events[2]["dur"].as_f64(), events[2]["ph"].as_str()), (Some(1.5), Some("X")));
        assert_eq!(events[3]["ph"], "i");
        assert_eq!(events[2]["args"]["steps"], 3);
        assert_eq!(trace["otherData"]["dropped"], 1);
    }
}
