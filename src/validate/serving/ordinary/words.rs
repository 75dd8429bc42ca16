//! Frameworks as published to the words that the regression distinguishes.

/// Frameworks whose examples are told apart by name.
const EXAMPLES: &[&str] =
    &["TensorFlow", "TensorFlow2", "PyTorch", "PaddlePaddle", "MxNet", "CUDA-Optimized"];

/// Steps of a version of Qualcomm's kit, counted against TensorRT of the time: 1.5 appeared with 8.0, 1.8 with 8.6.
const QUALCOMM: (f64, f64) = (7.0, 0.2);

/// The stack of a framework as published.
pub(super) fn stack(framework: &str) -> String {
    let lower = framework.to_lowercase();
    let compiled = ["tensorrt", "ngc", "jetpack", "jetson"].iter().any(|word| lower.contains(word));
    let known = match framework {
        _ if lower.contains("triton") => "triton",
        name if EXAMPLES.contains(&name) => name,
        _ if compiled || lower.starts_with("cuda") => "TensorRT",
        _ if lower.contains("qualcomm") => "qaic",
        _ if lower.contains("neuron") => "neuron",
        "" => "none",
        name => name.split_whitespace().next().unwrap_or("none"),
    };
    known.trim_end_matches(',').to_owned()
}

/// Its version on TensorRT's count; `None` where it tells none.
pub(super) fn version(framework: &str) -> Option<f64> {
    if let Some(version) = number_after(framework, "TensorRT") {
        return Some(version);
    }
    if framework.contains("NGC MLPerf") {
        return Some(8.6);
    }
    if let Some(cuda) = number_after(framework, "CUDA") {
        return Some(of_cuda(cuda));
    }
    let (start, step) = QUALCOMM;
    framework
        .contains("SDK v1.")
        .then(|| digits_after(framework, "SDK v1."))?
        .map(|minor| start + step * minor)
}

/// TensorRT of a CUDA version's time.
fn of_cuda(cuda: f64) -> f64 {
    match cuda {
        cuda if cuda < 11.2 => 7.2,
        cuda if cuda < 11.5 => 8.0,
        cuda if cuda < 11.9 => 8.4,
        cuda if cuda < 12.2 => 8.6,
        cuda if cuda < 12.7 => 10.2,
        _ => 10.8,
    }
}

/// `8.4` of "TensorRT 8.4.0": the major version and one digit of the minor.
fn number_after(text: &str, word: &str) -> Option<f64> {
    let (_, rest) = text.split_once(word)?;
    let rest = rest.trim_start().trim_start_matches(['v', 'V']);
    let mut parts = rest.split(['.', ',', ' ']);
    let major: f64 = parts.next()?.parse().ok()?;
    let minor: f64 = parts.next().and_then(|minor| minor.parse().ok()).unwrap_or(0.0);
    Some(major + (minor / 10.0).min(1.1))
}

fn digits_after(text: &str, word: &str) -> Option<f64> {
    let (_, rest) = text.split_once(word)?;
    let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frameworks_are_told_apart_and_dated() {
        for (framework, word, at) in [
            ("TensorRT 8.4.2, CUDA 11.6", "TensorRT", Some(8.4)),
            ("TensorRT v8.5.2.2", "TensorRT", Some(8.5)),
            ("CUDA 11.4", "TensorRT", Some(8.0)),
            ("QUALCOMM Cloud AI SDK v1.8.3", "qaic", Some(8.6)),
            ("PyTorch / Triton", "triton", None),
            ("TensorFlow2", "TensorFlow2", None),
            ("Pytorch 1.9.1, AWS Neuron 1.9.1.2", "neuron", None),
            ("RBLN SDK v0.2.0", "RBLN", None),
            ("", "none", None),
        ] {
            assert_eq!(stack(framework), word);
            let found = version(framework);
            assert!(
                found.zip(at).is_none_or(|(found, at)| (found - at).abs() < 1e-9),
                "{framework}: {found:?}"
            );
            assert_eq!(found.is_some(), at.is_some(), "{framework}: {found:?}");
        }
    }
}
