//! A timeline made ready to be drawn at any width: what stands in each pixel of a lane, without looking at every span.

use std::ops::Range;

use crate::units::{Seconds, SimTime, human_duration};
use crate::workload::{Act, Timeline, TimelineSpan};

use super::figure::COLOURS;

/// Spans whose sums are kept together.
const BLOCK: usize = 32;
/// Pixels from which on a span is drawn by itself.
const ALONE: f64 = 2.0;
/// Steps in which the share of a crowded pixel is told, so that like neighbours are one piece.
const SHADES: f64 = 8.0;

/// One lane with sums over blocks of its spans.
#[derive(Clone, Debug)]
struct Lane {
    spans: Range<usize>,
    /// What is done in it.
    acts: Vec<Act>,
    /// Of each act the time before each block; of instants their number.
    before: Vec<u64>,
}

/// A timeline with what drawing it needs.
#[derive(Clone, Debug)]
pub struct Lanes {
    timeline: Timeline,
    reach: Option<(SimTime, SimTime)>,
    lanes: Vec<Lane>,
}

/// Something to draw in a lane.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Piece {
    /// Left and right end in pixels.
    pub from: f32,
    /// Right end.
    pub to: f32,
    /// What takes most of the time there.
    pub act: Act,
    /// Its share of the time.
    pub share: f32,
    /// What takes most of the rest, and its share.
    pub second: Option<(Act, f32)>,
    /// An instant that must be seen: a failure, a refusal.
    pub mark: Option<Act>,
    /// Whether it is one span, drawn to scale.
    pub alone: bool,
}

impl Lanes {
    /// Makes a timeline ready.
    #[must_use]
    pub fn new(timeline: Timeline) -> Self {
        let mut from = 0;
        let lanes = (0..timeline.tracks.len())
            .map(|track| {
                let count = timeline.track(track).len();
                let spans = from..from + count;
                from += count;
                Lane::new(&timeline.spans[spans.clone()], spans)
            })
            .collect();
        Self { reach: timeline.reach(), timeline, lanes }
    }

    /// What it is of.
    #[must_use]
    pub fn timeline(&self) -> &Timeline {
        &self.timeline
    }

    /// From the first start to the last end; `None` of nothing.
    #[must_use]
    pub fn reach(&self) -> Option<(SimTime, SimTime)> {
        self.reach
    }

    /// Pieces of a lane from one time to another over so many pixels: two a pixel at most.
    #[must_use]
    pub fn pieces(&self, lane: usize, (from, until): (SimTime, SimTime), pixels: f32) -> Vec<Piece> {
        let mut pieces: Vec<Piece> = Vec::new();
        let Some(lane) = self.lanes.get(lane) else { return pieces };
        let spans = &self.timeline.spans[lane.spans.clone()];
        let each = until.since(from).0 as f64 / f64::from(pixels.max(1.0));
        if each <= 0.0 {
            return pieces;
        }
        let place = |time: SimTime| (time.0 as f64 - from.0 as f64) / each;
        let mut at = spans.partition_point(|span| span.end < from);
        while let Some(span) = spans.get(at).filter(|span| span.start <= until) {
            let (left, right) = (place(span.start).max(-1.0), place(span.end).min(f64::from(pixels) + 1.0));
            if right - left >= ALONE {
                let (from, to) = (left as f32, right as f32);
                pieces.push(Piece {
                    from,
                    to,
                    act: span.act,
                    share: 1.0,
                    second: None,
                    mark: None,
                    alone: true,
                });
                at += 1;
                continue;
            }
            // Everything that begins within the pixel, but what is wide enough to stand alone.
            let pixel = left.max(0.0).floor();
            let end = from.0 as f64 + (pixel + 1.0) * each;
            let mut next = at + spans[at..].partition_point(|span| (span.start.0 as f64) < end).max(1);
            if next > at + 1 && place(spans[next - 1].end) - place(spans[next - 1].start) >= ALONE {
                next -= 1;
            }
            let crowd = lane.crowd(spans, at..next, each);
            push(&mut pieces, Piece { from: pixel as f32, to: (pixel + 1.0) as f32, ..crowd });
            at = next;
        }
        pieces
    }

    /// The span of a lane at a time, or the nearest that begins or ends within `reach` of it.
    #[must_use]
    pub fn span_at(&self, lane: usize, time: SimTime, reach: u64) -> Option<&TimelineSpan> {
        let spans = &self.timeline.spans[self.lanes.get(lane)?.spans.clone()];
        let next = spans.partition_point(|span| span.end < time);
        let distance = |span: &&TimelineSpan| span.start.since(time).0.max(time.since(span.end).0);
        let near = spans[next.saturating_sub(1)..].iter().take(3);
        near.min_by_key(distance).filter(|span| distance(span) <= reach)
    }

    /// Spans of a lane.
    #[must_use]
    pub fn count(&self, lane: usize) -> usize {
        self.lanes.get(lane).map_or(0, |lane| lane.spans.len())
    }

    /// What is done anywhere, in order.
    #[must_use]
    pub fn acts(&self) -> Vec<Act> {
        let done = |act: &&Act| self.lanes.iter().any(|lane| lane.acts.contains(act));
        Act::ALL.iter().filter(done).copied().collect()
    }
}

/// Adds a piece, or makes its neighbour longer where both look alike.
fn push(pieces: &mut Vec<Piece>, piece: Piece) {
    if let Some(last) = pieces.last_mut()
        && !last.alone
        && last.to >= piece.from
        && (last.act, last.share, last.second, last.mark)
            == (piece.act, piece.share, piece.second, piece.mark)
    {
        last.to = piece.to;
        return;
    }
    pieces.push(piece);
}

impl Lane {
    fn new(own: &[TimelineSpan], spans: Range<usize>) -> Self {
        let mut acts: Vec<Act> = Vec::new();
        for span in own {
            if acts.last() != Some(&span.act) && !acts.contains(&span.act) {
                acts.push(span.act);
            }
        }
        let mut sums = vec![0; acts.len()];
        let mut before = sums.clone();
        for block in own.chunks(BLOCK) {
            block.iter().for_each(|span| add(&acts, &mut sums, span));
            before.extend_from_slice(&sums);
        }
        Self { spans, acts, before }
    }

    /// What spans that share a pixel of `each` nanoseconds come to.
    fn crowd(&self, spans: &[TimelineSpan], range: Range<usize>, each: f64) -> Piece {
        let mut sums = [0; Act::ALL.len()];
        let sums = &mut sums[..self.acts.len()];
        // Whole blocks by their sums, the ends span by span.
        let (first, last) = (range.start.div_ceil(BLOCK), range.end / BLOCK);
        let mut one_by_one = |range: Range<usize>| {
            spans[range].iter().for_each(|span| add(&self.acts, sums, span));
        };
        if first >= last {
            one_by_one(range);
        } else {
            one_by_one(range.start..first * BLOCK);
            one_by_one(last * BLOCK..range.end);
            let wide = self.acts.len();
            for (act, sum) in sums.iter_mut().enumerate() {
                *sum += self.before[last * wide + act] - self.before[first * wide + act];
            }
        }
        let mut timed: Vec<(Act, u64)> = self.acts.iter().copied().zip(sums.iter().copied()).collect();
        let mark = timed.iter().find(|(act, sum)| act.instant() && *sum > 0).map(|(act, _)| *act);
        timed.retain(|(act, sum)| !act.instant() && *sum > 0);
        timed.sort_by_key(|(_, sum)| std::cmp::Reverse(*sum));
        let share = |sum: u64| ((sum as f64 / each).min(1.0) * SHADES + 0.5).floor() / SHADES;
        // However little there is, it is seen.
        let most = timed.first().map(|(act, sum)| (*act, share(*sum).max(1.0 / SHADES)));
        let (act, share_of_it) = most.or(mark.map(|act| (act, 0.0))).unwrap_or((Act::Up, 0.0));
        let rest = |(act, sum): &(Act, u64)| (*act, share(*sum).min(1.0 - share_of_it) as f32);
        let second = timed.get(1).map(rest).filter(|(_, share)| *share > 0.0);
        Piece { from: 0.0, to: 0.0, act, share: share_of_it as f32, second, mark, alone: false }
    }
}

fn add(acts: &[Act], sums: &mut [u64], span: &TimelineSpan) {
    if let Some(index) = acts.iter().position(|act| *act == span.act) {
        sums[index] += if span.act.instant() { 1 } else { span.end.since(span.start).0 };
    }
}

/// The colour of an act, the same in every lane: what is lost is red, what waits is orange.
#[must_use]
pub fn act_colour(act: Act) -> [u8; 3] {
    match act {
        Act::Failure | Act::SpotLoss | Act::Refused | Act::CheckpointLost => [0xc0, 0x20, 0x20],
        Act::InputStall | Act::Wait | Act::WaitForMachines => COLOURS[4],
        Act::Checkpoint => COLOURS[3],
        Act::Boot | Act::Restart | Act::Convert => COLOURS[6],
        Act::Compute | Act::Step | Act::Batch | Act::Serve | Act::Write | Act::Decode => COLOURS[0],
        Act::Prefill | Act::Read => COLOURS[2],
        Act::Up => COLOURS[5],
    }
}

/// A span in words: what, since when, for how long, and what else is known of it.
#[must_use]
pub fn span_words(span: &TimelineSpan) -> String {
    let time = |seconds: Seconds| {
        if seconds.0 < 1.0 { format!("{:.3} ms", seconds.0 * 1e3) } else { human_duration(seconds) }
    };
    let mut words = span.act.words().to_owned();
    if span.end > span.start {
        words.push_str(&format!(", {}", time(span.end.since(span.start).seconds())));
    }
    words.push_str(&format!("\nfrom {:.6} s", span.start.seconds().0));
    // Only few requests are cut off by the end.
    for (name, value) in span.facts().filter(|fact| *fact != ("unfinished", 0)) {
        match name.strip_suffix("_ns") {
            Some(name) => {
                let spent = Seconds(value as f64 / 1e9);
                words.push_str(&format!("\n{}: {}", name.replace('_', " "), time(spent)));
            }
            None => words.push_str(&format!("\n{}: {value}", name.replace('_', " "))),
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn lane(gaps: &[(u64, u64, usize)]) -> Timeline {
        let mut at = 0;
        let spans = gaps.iter().map(|(gap, length, act)| {
            let act = [Act::Step, Act::InputStall, Act::Failure][*act];
            let start = at + gap;
            at = start + if act.instant() { 0 } else { *length };
            TimelineSpan::new(0, act, SimTime(start), SimTime(at))
        });
        Timeline::new(vec!["lane".to_owned()], spans.collect(), None)
    }

    proptest! {
        #[test]
        fn pieces_stand_where_spans_do_and_no_failure_is_lost(
            gaps in prop::collection::vec((0u64..200, 1u64..400, 0usize..3), 1..900),
            pixels in 10.0f32..300.0, from in 0.0f64..0.9, zoom in 0.05f64..1.0,
        ) {
            let timeline = lane(&gaps);
            let end = timeline.reach().unwrap().1.0 + 1;
            let from = (end as f64 * from) as u64;
            let until = from + ((end - from) as f64 * zoom) as u64 + 1;
            let lanes = Lanes::new(timeline.clone());
            let pieces = lanes.pieces(0, (SimTime(from), SimTime(until)), pixels);
            prop_assert!(pieces.len() as f32 <= 2.0 * pixels + 4.0, "{} in {pixels}", pieces.len());
            let each = (until - from) as f64 / f64::from(pixels);
            let place = |time: SimTime| (time.0 as f64 - from as f64) / each;
            for pair in pieces.windows(2) {
                prop_assert!(pair[1].from >= pair[0].to - 2.01 || pair[1].alone, "{pair:?}");
            }
            for span in timeline.spans.iter().filter(|span| span.start.0 >= from && span.end.0 < until) {
                // A pixel that has something of the span is drawn.
                let at = place(span.start) as f32;
                let seen = pieces.iter().any(|piece| piece.from <= at + 0.01 && at <= piece.to + 2.01);
                prop_assert!(seen, "{span:?} at {at} in {pieces:?}");
                if span.act.instant() {
                    let marked = |piece: &&Piece| piece.mark == Some(Act::Failure);
                    let near = |piece: &&Piece| piece.from <= at + 1.01 && at <= piece.to + 1.01;
                    prop_assert!(pieces.iter().filter(marked).any(|piece| near(&piece)), "{at} {pieces:?}");
                }
            }
        }

        #[test]
        fn what_is_pointed_at_is_found(gaps in prop::collection::vec((1u64..200, 1u64..400, 0usize..2), 1..200), which in 0usize..200) {
            let timeline = lane(&gaps);
            let span = timeline.spans[which % timeline.spans.len()];
            let lanes = Lanes::new(timeline);
            let middle = SimTime(span.start.0 + span.end.since(span.start).0 / 2);
            prop_assert_eq!(lanes.span_at(0, middle, 0), Some(&span));
        }
    }

    #[test]
    fn a_crowded_pixel_has_the_colour_of_what_takes_most_of_it() {
        let gaps: Vec<(u64, u64, usize)> =
            (0..100_000).map(|index| (1, if index % 10 == 0 { 4 } else { 100 }, index % 2)).collect();
        let lanes = Lanes::new(lane(&gaps));
        let end = lanes.timeline().reach().unwrap().1;
        let pieces = lanes.pieces(0, (SimTime::ZERO, end), 200.0);
        for piece in &pieces {
            let (second, rest) = piece.second.unwrap_or((piece.act, 0.0));
            assert!(piece.act == Act::InputStall && second == Act::Step && piece.share >= rest, "{pieces:?}");
            assert!(piece.share + rest > 0.9, "{pieces:?}");
        }
        assert!(pieces.len() < 5, "{}", pieces.len());
    }

    #[test]
    fn spans_are_told_in_words() {
        let span = TimelineSpan::new(0, Act::Compute, SimTime(1_500_000_000), SimTime(1_750_000_000));
        let words = span_words(&span.with([7, 3, 2_000_000]));
        assert_eq!(
            words,
            "compute, 250.000 ms\nfrom 1.500000 s\nfirst step: 7\nsteps: 3\ninput stall: 2.000 ms"
        );
    }
}
