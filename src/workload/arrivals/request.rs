//! One request.

use crate::units::SimTime;

/// A shared beginning of prompts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Prefix {
    /// Requests of one group begin alike.
    pub group: u32,
    /// Tokens that they share.
    pub tokens: u32,
}

/// A request as it arrives. For ordinary models `input` counts items (1 as a rule) and `output` is 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request {
    /// When.
    pub at: SimTime,
    /// Prompt tokens.
    pub input: u32,
    /// Tokens to generate.
    pub output: u32,
    /// Which model of a mix.
    pub model: u16,
    /// Smaller goes first.
    pub priority: u8,
    /// What its prompt shares with others.
    pub prefix: Option<Prefix>,
}
