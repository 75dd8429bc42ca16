#![forbid(unsafe_code)]
//! capplan: which fleet should do this machine-learning job, what will it cost, when will it be done, what limits it,
//! and how sure are we?
//!
//! # The path of one scenario
//! A scenario is compiled like a program; every arrow is one function, every noun one type.
//!
//! | step | call | takes → gives |
//! |---|---|---|
//! | read | [`document::load`] | text → spanned tree |
//! | mean | [`scenario::resolve`] | tree + catalog → [`scenario::Scenario`] |
//! | spread | [`fleet::expand`] | fleets → [`fleet::Candidate`]s |
//! | plan | [`layout::plan`] | candidate → a plan, or a reason |
//! | simulate | [`workload::Workload::simulate`] | job → replica |
//! | weigh, compare | [`study::run`] | replicas + meters → [`study::Comparison`] |
//! | tell | [`report`] | comparison → terminal, files |
//!
//! # Floors
//! A room uses only rooms on lower floors; `tests/house.rs` checks it.
//! 0 `units` · 1 `stats`, `document` · 2 `engine`, `catalog` · 3 `steptime`, `fleet`, `cost` · 4 `layout` · 5 `workload` ·
//! 6 `scenario`, `calibrate` · 7 `study` · 8 `validate` · 9 `report` · 10 `cli`, `gui`

#[cfg(feature = "calibrate")]
pub mod calibrate;
pub mod catalog;
pub mod cli;
pub mod cost;
pub mod document;
pub mod engine;
pub mod fleet;
#[cfg(feature = "gui")]
pub mod gui;
pub mod layout;
pub mod report;
pub mod scenario;
pub mod stats;
pub mod steptime;
pub mod study;
pub mod units;
pub mod validate;
pub mod workload;
