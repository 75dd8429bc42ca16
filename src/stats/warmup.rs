//! Where the warm-up of a series ends.

/// What can be said about the warm-up of a series.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Warmup {
    /// Drop so many of the first values; the rest is steady.
    Cut(usize),
    /// The best cut would drop half of the series or more: no figure describes it. In capacity planning this
    /// usually means that a queue grows.
    NotSteady,
}

/// Batches with which nothing can be said, so nothing is cut.
const TOO_FEW: usize = 4;

/// MSER: the cut that leaves the smallest squared standard error in what remains, looked for in the first
/// half.
///
/// Source: White 1997; White, Cobb and Spratt 2000.
#[must_use]
pub fn mser(series: &[f64]) -> Warmup {
    let n = series.len();
    if n < TOO_FEW {
        return Warmup::Cut(0);
    }
    let half = n / 2;
    let mut best = (f64::INFINITY, 0);
    let (mut count, mut mean, mut squares) = (0.0, 0.0, 0.0);
    // Backwards, so that each suffix extends the one before it.
    for (cut, &value) in series.iter().enumerate().rev() {
        count += 1.0;
        let distance = value - mean;
        mean += distance / count;
        squares += distance * (value - mean);
        let error = squares / (count * count);
        if cut <= half && error <= best.0 {
            best = (error, cut);
        }
    }
    if best.1 >= half { Warmup::NotSteady } else { Warmup::Cut(best.1) }
}

/// MSER-5: [`mser`] on the means of batches of five; the cut counts values, not batches.
#[must_use]
pub fn mser5(series: &[f64]) -> Warmup {
    let means: Vec<f64> = series.chunks_exact(5).map(|batch| batch.iter().sum::<f64>() / 5.0).collect();
    match mser(&means) {
        Warmup::Cut(batches) => Warmup::Cut(5 * batches),
        Warmup::NotSteady => Warmup::NotSteady,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::stats::Stream;

    #[test]
    fn a_warm_up_is_found_and_little_more() {
        let mut stream = Stream::named(8, 0, "warmup", "cut");
        let series: Vec<f64> =
            (0..2000).map(|step| if step < 300 { 8.0 } else { 0.0 } + stream.normal()).collect();
        let Warmup::Cut(cut) = mser5(&series) else { panic!("not steady") };
        assert!((300..450).contains(&cut), "{cut}");
    }

    #[test]
    fn a_growing_queue_is_called_unsteady() {
        let series: Vec<f64> = (0..1000).map(f64::from).collect();
        assert_eq!(mser5(&series), Warmup::NotSteady);
    }

    #[test]
    fn nothing_is_cut_where_nothing_changes() {
        assert_eq!(mser5(&[2.0; 1000]), Warmup::Cut(0));
        assert_eq!(mser5(&[1.0, 2.0, 3.0]), Warmup::Cut(0));
    }

    #[test]
    fn a_steady_series_is_rarely_called_unsteady() {
        let mut stream = Stream::named(8, 0, "warmup", "steady");
        let unsteady = (0..500)
            .filter(|_| {
                let series: Vec<f64> = (0..1000).map(|_| stream.exponential(1.0)).collect();
                mser5(&series) == Warmup::NotSteady
            })
            .count();
        assert!(unsteady <= 25, "{unsteady}");
    }
}
