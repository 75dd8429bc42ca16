//! The simulator and the closed forms against 630 exact answers (`tests/data/queueing_oracles.csv`).
//!
//! Closed forms must agree to nine digits, deterministic simulations to the nanosecond, stochastic ones
//! within three standard errors and one per cent at a million customers. Every family of the table is checked by
//! the test that bears its name. `--nocapture` prints the worst deviations.
#![allow(clippy::unwrap_used, clippy::panic)]

mod batches;
mod closed_forms;
mod fleets;
mod judge;
mod lines;
mod oracle;
mod queue_world;
mod queues;
mod served;
mod sizing;
mod training_world;

use std::collections::BTreeSet;

macro_rules! families {
    ($($family:ident: $answer:path,)*) => {
        /// Families with a test.
        const COVERED: &[&str] = &[$(stringify!($family)),*];
        $(
            #[test]
            #[allow(non_snake_case)]
            fn $family() {
                judge::family(stringify!($family), $answer);
            }
        )*
    };
}

families! {
    amdahl: closed_forms::amdahl,
    autoscale_target: sizing::autoscale_target,
    batch_fill_delay: batches::batch_fill_delay,
    batch_server_affine_D: batches::batch_server_affine,
    batch_server_affine_D_unbounded: batches::batch_server_affine,
    batch_server_bound: batches::batch_server_bound,
    batch_throughput_affine: closed_forms::batch_throughput_affine,
    batch_window_infinite_server: batches::batch_window,
    busbw: closed_forms::busbw,
    cache_fetch_rate: closed_forms::cache_fetch_rate,
    closed_mva: served::closed_mva,
    cluster_mtbf: closed_forms::cluster_mtbf,
    cost_scaling: sizing::cost_scaling,
    dm1: queues::dm1,
    dsi_cache_model: closed_forms::dsi_cache_model,
    fit_ols: closed_forms::fit_line,
    fit_ols_outlier: closed_forms::fit_line,
    fit_theil_sen: closed_forms::fit_theil_sen,
    fit_theil_sen_outlier: closed_forms::fit_theil_sen,
    gg1_kingman: sizing::gg1_kingman,
    gustafson: closed_forms::gustafson,
    hierarchical_allreduce: closed_forms::hierarchical_allreduce,
    md1_wait_cdf: queues::md1_wait_cdf,
    mdc: queues::mdc,
    mdc_approx: sizing::mdc_approx,
    mg1: queues::mg1,
    mg1_priority_np: served::mg1_priority_np,
    mg1_ps: served::mg1_ps,
    mgc_approx: sizing::mgc_approx,
    min_rate_model: closed_forms::min_rate_model,
    minio_cache: closed_forms::minio_cache,
    mm1: queues::mm1,
    mm1_setup: sizing::mm1_setup,
    mm1k: queues::mm1k,
    mm_bulk_service: batches::mm_bulk_service,
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
    scaleup_backlog_fluid: sizing::scaleup_backlog_fluid,
    spot_cost_ratio: closed_forms::spot_cost_ratio,
    staffing_mmc: sizing::staffing_mmc,
    straggler_exp: lines::straggler,
    straggler_normal: lines::straggler,
    straggler_uniform: lines::straggler,
    tandem_mm1: lines::tandem_mm1,
    trace_fcfs1: served::trace_fcfs,
    trace_fcfs2: served::trace_fcfs,
    tree_allreduce: closed_forms::tree_allreduce,
    triton_affine_check: batches::triton_affine_check,
    usl: closed_forms::usl,
    young_daly: closed_forms::young_daly,
}

/// Families that a queue of the serving world answers beside the engine's stations.
mod by_the_serving_world {
    use super::{fleets, judge, served};

    macro_rules! again {
        ($($family:ident: $answer:path,)*) => {
            $(
                #[test]
                fn $family() {
                    judge::family(stringify!($family), $answer);
                }
            )*
        };
    }

    again! {
        dm1: served::dm1,
        md1_wait_cdf: served::md1_wait_cdf,
        mdc: served::mdc,
        mg1: served::mg1,
        mm1: served::mm1,
        mm1_setup: fleets::mm1_setup,
        mm1k: served::mm1k,
        mmc: served::mmc,
        mmcc_loss: served::mmcc_loss,
        mmck: served::mmck,
        mminf: served::mminf,
        one_fast_vs_c_slow: fleets::one_fast_vs_c_slow,
    }
}

#[test]
fn every_family_is_checked() {
    let families: BTreeSet<String> = oracle::rows().into_iter().map(|row| row.family).collect();
    assert_eq!(families, COVERED.iter().copied().map(str::to_owned).collect());
    assert_eq!(families.len(), COVERED.len(), "a family is listed twice");
}
