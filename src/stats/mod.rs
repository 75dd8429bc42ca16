//! Floor 1: randomness and what can be concluded from it.
//!
//! Owns the random streams and the laws drawn from them ([`Stream`], [`Law`]), intervals and the rule when to
//! stop ([`Interval`], [`Stopping`]), quantiles, series and the end of their warm-up ([`BatchMeans`],
//! [`mser5`]), curves with their fits ([`Curve`], [`fit`], [`choose`]), and queues in closed form. It must not know what is
//! measured: no workloads, no engine, no files; plain numbers and units only.

mod batches;
mod choose;
mod curve;
mod fit;
mod histogram;
mod interval;
mod law;
mod line_fit;
mod linear;
mod normal;
mod quantile;
mod queueing;
mod scaling;
mod simplex;
mod stopping;
mod stream;
mod warmup;

pub use batches::{BatchMeans, asymptotic_variance};
pub use choose::{Bootstrap, Choice, bootstrap, choose, leave_one_out_error};
pub use curve::{Curve, FittedCurve, Form, Point};
pub use fit::{FitError, fit, fit_usl_through};
pub use histogram::Histogram;
pub use interval::{Interval, SampleError};
pub use law::{Law, LawError};
pub use line_fit::{LeastSquaresLine, Line, ordinary_least_squares, theil_sen};
pub use linear::{Design, SolveError, least_squares, solve_ridge};
pub use normal::{normal_cdf, normal_quantile};
pub use quantile::{median, median_absolute_deviation, quantile, quantile_interval, sorted};
pub use queueing::{
    ClosedLoad, backlog_of_start, batch_fill_wait, batch_server_bound, closed_load, closed_load_bound,
    erlang_b, erlang_c, kingman_wait, mdc_wait, mean_window_batch, mgc_wait, mm1_with_setup, mmc_wait,
    replicas_at_usage, servers_for_wait, square_root_staffing,
};
pub use scaling::{
    amdahl, batch_of_half_throughput, batch_throughput_affine, batch_throughput_limit, gustafson, usl,
    usl_peak,
};
pub use simplex::minimise_in_cube;
pub use stopping::{Decision, Stopping};
pub use stream::Stream;
pub use warmup::{Warmup, mser, mser5};
