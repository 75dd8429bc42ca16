//! Floor 6: real work on the machine that the program stands on.
//!
//! Owns what is measured here: the input pipeline, files written and read. It must not know scenarios, studies or what
//! its figures are used for.

pub mod input;
