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
