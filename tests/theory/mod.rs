//! The simulator and the closed forms against 630 exact answers (`tests/data/queueing_oracles.csv`).
//!
//! Closed forms must agree to nine digits, deterministic simulations to the nanosecond, stochastic ones
//! within three standard errors and one per cent at a million customers. Every family of the table is either
//! checked by the test that bears its name or listed below with the reason why not. `--nocapture` prints the
//! worst deviations.
#![allow(clippy::unwrap_used, clippy::panic)]

mod closed_forms;
mod judge;
mod lines;
mod oracle;
mod queue_world;
mod queues;
mod training_world;

use std::collections::BTreeSet;

macro_rules! families {
    ($($family:ident: $answer:path,)*) => {
        /// Families with a test.
        const COVERED: &[&str] = &[$(stringify!($family)),*];
        $(
            #[test]
            fn $family() {
                judge::family(stringify!($family), $answer);
            }
        )*
    };
}

families! {
    amdahl: closed_forms::amdahl,
    batch_throughput_affine: closed_forms::batch_throughput_affine,
    busbw: closed_forms::busbw,
    cache_fetch_rate: closed_forms::cache_fetch_rate,
    cluster_mtbf: closed_forms::cluster_mtbf,
    dm1: queues::dm1,
    dsi_cache_model: closed_forms::dsi_cache_model,
    fit_ols: closed_forms::fit_line,
    fit_ols_outlier: closed_forms::fit_line,
    fit_theil_sen: closed_forms::fit_theil_sen,
    fit_theil_sen_outlier: closed_forms::fit_theil_sen,
    gustafson: closed_forms::gustafson,
    hierarchical_allreduce: closed_forms::hierarchical_allreduce,
    md1_wait_cdf: queues::md1_wait_cdf,
    mdc: queues::mdc,
    mg1: queues::mg1,
    min_rate_model: closed_forms::min_rate_model,
    minio_cache: closed_forms::minio_cache,
    mm1: queues::mm1,
    mm1k: queues::mm1k,
    mmc: queues::mmc,
    mmcc_loss: queues::mmcc_loss,
    mmck: queues::mmck,
    mminf: queues::mminf,
    mxm1_bulk_arrival: queues::mxm1_bulk_arrival,
    one_fast_vs_c_slow: queues::one_fast_vs_c_slow,
    parameter_server: closed_forms::parameter_server,
    pipeline_bubble: closed_forms::pipeline_bubble,
    pipeline_overlapped: lines::pipeline_overlapped,
    pipeline_serial: closed_forms::pipeline_serial,
    pipeline_workers: lines::pipeline_workers,
    prefetch_buffer_exp: lines::prefetch_buffer_exp,
    recursive_halving_doubling: closed_forms::recursive_halving_doubling,
    restart_no_ckpt: closed_forms::restart_no_ckpt,
    ring_allreduce: closed_forms::ring_allreduce,
    ring_reduce_scatter: closed_forms::ring_reduce_scatter,
    roofline: closed_forms::roofline,
    spot_cost_ratio: closed_forms::spot_cost_ratio,
    straggler_exp: lines::straggler,
    straggler_normal: lines::straggler,
    straggler_uniform: lines::straggler,
    tandem_mm1: lines::tandem_mm1,
    trace_fcfs1: queues::trace_fcfs,
    trace_fcfs2: queues::trace_fcfs,
    tree_allreduce: closed_forms::tree_allreduce,
    usl: closed_forms::usl,
    young_daly: closed_forms::young_daly,
}

/// Families without a test, and why.
const NOT_COVERED: &[(&str, &str)] = &[
    ("autoscale_target", "autoscaling policy of the serving world"),
    ("batch_fill_delay", "dynamic batching of the serving world"),
    ("batch_server_affine_D", "dynamic batching of the serving world"),
    ("batch_server_affine_D_unbounded", "dynamic batching of the serving world"),
    ("batch_server_bound", "dynamic batching of the serving world"),
    ("batch_window_infinite_server", "dynamic batching of the serving world"),
    ("closed_mva", "closed-loop load of the serving world"),
    ("cost_scaling", "arithmetic of the cost room"),
    ("gg1_kingman", "an approximation: it does not grade a simulator"),
    ("mdc_approx", "an approximation: it does not grade a simulator"),
    ("mg1_priority_np", "priority queues of the serving world"),
    ("mg1_ps", "processor sharing of the serving world"),
    ("mgc_approx", "an approximation: it does not grade a simulator"),
    ("mm1_setup", "scale-to-zero of the serving world"),
    ("mm_bulk_service", "bulk service of the serving world"),
    ("scaleup_backlog_fluid", "autoscaling policy of the serving world"),
    ("staffing_mmc", "sizing of the serving world"),
    ("triton_affine_check", "closed-loop load of the serving world"),
];

#[test]
fn every_family_is_checked_or_listed_with_its_reason() {
    let families: BTreeSet<String> = oracle::rows().into_iter().map(|row| row.family).collect();
    let listed = COVERED.iter().copied().chain(NOT_COVERED.iter().map(|(family, _)| *family));
    assert_eq!(families, listed.map(str::to_owned).collect());
    assert_eq!(families.len(), COVERED.len() + NOT_COVERED.len(), "a family is listed twice");
}
