//! `capplan validate`: predictions against published measurements.

use super::args::{Shared, Validate};
use super::exit::{Failure, Status};

pub fn run(_options: &Validate, _shared: &Shared) -> Result<Status, Failure> {
    Err(Failure::plain(Status::Fault, "todo", "not yet"))
}
