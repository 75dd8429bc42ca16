//! `capplan calibrate`: what steps take, from published tables, other tools' files, or real work on this machine.

#[cfg(feature = "calibrate")]
mod compute;
mod fit;
#[cfg(feature = "calibrate")]
mod import;
#[cfg(feature = "calibrate")]
mod input;
#[cfg(feature = "calibrate")]
mod screen;
#[cfg(feature = "calibrate")]
mod session;
#[cfg(feature = "calibrate")]
mod verify;
#[cfg(feature = "calibrate")]
mod verify_input;

use super::args::{Calibrate, Shared};
use super::exit::{Failure, Status};

pub fn run(what: &Calibrate, shared: &Shared) -> Result<Status, Failure> {
    match what {
        Calibrate::Fit(options) => fit::fit(options, shared),
        #[cfg(feature = "calibrate")]
        Calibrate::Train(options) => compute::train(options, shared),
        #[cfg(feature = "calibrate")]
        Calibrate::Infer(options) => compute::infer(options, shared),
        #[cfg(feature = "calibrate")]
        Calibrate::Input(options) => input::input(options, shared),
        #[cfg(feature = "calibrate")]
        Calibrate::Import(options) => import::import(options, shared),
        #[cfg(feature = "calibrate")]
        Calibrate::Verify(options) => verify::verify(options, shared),
        #[cfg(feature = "calibrate")]
        Calibrate::Worker(options) => compute::worker(options),
    }
}
