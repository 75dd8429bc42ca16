//! "Did you mean": the nearest known names.

/// The known name nearest to `typed`, when it is near enough to be meant.
#[must_use]
pub fn nearest<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    ranked(typed, known).into_iter().next().filter(|(score, _)| *score >= 0.6).map(|(_, name)| name)
}

/// Up to `count` nearest names, joined for a message; empty when none is near.
#[must_use]
pub fn nearest_list<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>, count: usize) -> String {
    let names: Vec<&str> = ranked(typed, known)
        .into_iter()
        .take(count)
        .filter(|(score, _)| *score >= 0.35)
        .map(|(_, name)| name)
        .collect();
    names.join(", ")
}

fn ranked<'a>(typed: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<(f64, &'a str)> {
    let folded = typed.to_lowercase();
    let mut scored: Vec<(f64, &str)> = known
        .into_iter()
        .map(|name| {
            let other = name.to_lowercase();
            let contained = other.contains(&folded) || (folded.len() > 3 && folded.contains(&other));
            let similarity = strsim::normalized_damerau_levenshtein(&folded, &other);
            (if contained { similarity.max(0.7) } else { similarity }, name)
        })
        .collect();
    scored.sort_by(|left, right| right.0.total_cmp(&left.0).then(left.1.cmp(right.1)));
    scored
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_finds_its_key() {
        assert_eq!(nearest("prise_per_hour", ["price_per_hour", "count"]), Some("price_per_hour"));
        assert_eq!(nearest("zzz", ["price_per_hour", "count"]), None);
        assert_eq!(nearest_list("h100", ["H100-SXM-80GB", "A100-SXM-80GB", "T4"], 2), "H100-SXM-80GB");
    }
}
