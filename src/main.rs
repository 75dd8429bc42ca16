#![forbid(unsafe_code)]
//! The program: see [`capplan::cli`].

use std::process::ExitCode;

fn main() -> ExitCode {
    capplan::cli::main()
}
