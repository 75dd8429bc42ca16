//! Floor 6: real work on this machine.
//!
//! Owns the way of measuring ([`measure`]: warm-up, repeats in random order, a journal to resume from, a budget of time,
//! noise), the machine's fingerprint ([`here`]), the work that a device computes and the [`input`] pipeline with the files
//! that it writes and reads; and turns raw runs into the curves of a [`crate::catalog::MeasuredProfile`]. It is the only
//! room that knows candle. It must not know scenarios, fleets or prices: what a figure is used for is decided elsewhere.

mod bench;
mod compute;
mod here;
pub mod import;
pub mod input;
mod journal;
mod kinds;
mod measure;
mod quality;
mod remote;
mod roof;
mod schedule;
mod session;
pub mod together;

pub use bench::{Bench, BenchError, Chained, Clock, Quantity, RealClock, Task};
pub use compute::{
    ComputeBench, DeviceError, DeviceName, FedModel, FedRun, ModelKind, StepTimes, TrainingRun, Work,
    describe, infer_works, job_works, tasks_of, train_works,
};
pub use here::{here, memory_available, today};
pub use journal::{Journal, JournalError};
pub use kinds::{FiguresOf, Kind, KindError};
pub use measure::{MeasureError, Measured, Method, Progress, measure};
pub use quality::{DRIFT_LIMIT, NOISE_LIMIT, Quality};
pub use remote::{RemoteBench, serve_worker};
pub use roof::roof;
pub use session::{BudgetError, Session, SessionError, Wanted, budget, name_of};
