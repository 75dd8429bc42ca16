//! What the program predicts beside what was published.
#![allow(clippy::unwrap_used)]

mod drift;
mod fabrics;
mod kernel_profiles;
mod kernels;
mod memory_rows;
mod placements;
mod serving_language_rows;
mod serving_rows;
mod step_times;
mod training_rows;
mod transformer_rows;
mod vllm_replay;

use std::path::PathBuf;

/// A file of the reference data beside the repository; `None`, with a notice, where it is absent.
fn reference_file(name: &str) -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data").join(name);
    if path.is_file() {
        return Some(path);
    }
    println!("skipped: ../shared/data/{name} is not there");
    None
}
