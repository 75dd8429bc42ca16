//! Closed forms: collectives, roofline, caches, checkpoints, scaling, straight lines.

use capplan::stats::{self, Curve, Point, fit_usl_through, ordinary_least_squares, theil_sen};
use capplan::steptime::collectives::{self, Link};
use capplan::steptime::roofline::Roofline;
use capplan::units::{Bytes, BytesPerSecond, FlopsPerSecond, SamplesPerSecond, Seconds};
use capplan::workload::failures::checkpoint::{self, CheckpointModel};
use capplan::workload::training::closed_form::{self, CacheSplit, IngestRates, ModelPipeline};

use super::judge::Answer;
use super::oracle::{Case, Row};

/// One exact answer per row.
fn each(rows: &[Row], answer: impl Fn(&Case, &str) -> f64) -> Vec<Answer> {
    rows.iter().map(|row| Answer::Exact(answer(&row.case, &row.quantity))).collect()
}

fn seconds(case: &Case, name: &str) -> Seconds {
    Seconds(case.number(name))
}

fn link(case: &Case, latency: &str, bandwidth: &str) -> Link {
    Link { latency: seconds(case, latency), bandwidth: BytesPerSecond(case.number(bandwidth)) }
}

/// A collective over n ranks, of S bytes.
fn collective(rows: &[Row], time: fn(u32, Bytes, Link) -> Seconds) -> Vec<Answer> {
    each(rows, |case, _| time(case.count("n") as u32, Bytes(case.number("S")), link(case, "alpha", "B")).0)
}

pub fn ring_allreduce(rows: &[Row]) -> Vec<Answer> {
    collective(rows, collectives::ring_all_reduce)
}

pub fn ring_reduce_scatter(rows: &[Row]) -> Vec<Answer> {
    collective(rows, collectives::ring_reduce_scatter)
}

pub fn tree_allreduce(rows: &[Row]) -> Vec<Answer> {
    collective(rows, collectives::tree_all_reduce)
}

pub fn recursive_halving_doubling(rows: &[Row]) -> Vec<Answer> {
    collective(rows, collectives::recursive_halving_doubling)
}

pub fn busbw(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, _| collectives::bus_bandwidth_factor(case.count("n") as u32))
}

pub fn hierarchical_allreduce(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, _| {
        let (inside, across) = (link(case, "a1", "b1"), link(case, "a2", "b2"));
        let (per_node, nodes) = (case.count("g") as u32, case.count("nodes") as u32);
        collectives::hierarchical_all_reduce(per_node, nodes, Bytes(case.number("S")), inside, across).0
    })
}

pub fn parameter_server(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, _| {
        let (workers, servers) = (case.count("workers") as u32, case.count("ps") as u32);
        let card = BytesPerSecond(case.number("B"));
        collectives::parameter_server_sync(workers, servers, Bytes(case.number("S")), card).0
    })
}

pub fn roofline(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, quantity| {
        let device = Roofline {
            peak: FlopsPerSecond(case.number("peak")),
            bandwidth: BytesPerSecond(case.number("bw")),
        };
        match quantity {
            "ridge_AI" => device.ridge(),
            _ => device.attainable(case.number("AI")).0,
        }
    })
}

pub fn pipeline_serial(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, _| {
        let stages: Vec<Seconds> = case.list("t").into_iter().map(Seconds).collect();
        closed_form::serial_step(&stages).0
    })
}

pub fn pipeline_bubble(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, quantity| {
        let pipeline = ModelPipeline {
            stages: case.count("p") as u32,
            micro_batches: case.count("m") as u32,
            chunks: case.count("v") as u32,
        };
        match quantity {
            "bubble_over_ideal" => pipeline.bubble_over_ideal(),
            "bubble_fraction" => pipeline.bubble_fraction(),
            _ => pipeline.makespan(seconds(case, "tf"), seconds(case, "tb")).0,
        }
    })
}

pub fn cache_fetch_rate(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, quantity| {
        let (cache, storage) = (SamplesPerSecond(case.number("C")), SamplesPerSecond(case.number("S")));
        let rate = closed_form::cache_fetch_rate(case.number("x"), cache, storage).0;
        match quantity {
            "F" => rate,
            _ => case.number("D") / rate,
        }
    })
}

pub fn min_rate_model(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, quantity| {
        let rate = |name| SamplesPerSecond(case.number(name));
        let model = closed_form::min_rate(rate("F"), rate("P"), rate("G"));
        match quantity {
            "speed" => model.speed.0,
            _ => model.stall_fraction,
        }
    })
}

pub fn minio_cache(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, _| closed_form::minio_miss_share(case.number("cache_share")))
}

/// The three servers that Seneca's authors profiled (their table 5).
fn server(name: &str) -> IngestRates {
    let rates = |device, decode, augment, network_gbit, cache_gbit, storage_mb| IngestRates {
        device: SamplesPerSecond(device),
        decode_and_augment: SamplesPerSecond(decode),
        augment: SamplesPerSecond(augment),
        network: BytesPerSecond(network_gbit * 1e9 / 8.0),
        cache: BytesPerSecond(cache_gbit * 1e9 / 8.0),
        storage: BytesPerSecond(storage_mb * 1e6),
    };
    match name {
        "inhouse" => rates(4550.0, 2132.0, 4050.0, 10.0, 10.0, 500.0),
        "aws_p3.8xlarge" => rates(9989.0, 3432.0, 6520.0, 10.0, 10.0, 256.0),
        "azure_nc96" => rates(14301.0, 9783.0, 12930.0, 80.0, 30.0, 250.0),
        other => panic!("no such server: {other}"),
    }
}

pub fn dsi_cache_model(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, quantity| {
        let shares: Vec<f64> =
            case.text("split_E-D-A").split('-').map(|share| share.parse().unwrap()).collect();
        let split = CacheSplit {
            items: case.number("N"),
            item: Bytes(case.number("S") * 1e3),
            inflation: case.number("M"),
            capacity: Bytes(case.number("cache")),
            encoded: shares[0],
            decoded: shares[1],
            augmented: shares[2],
        };
        let name = case.0.split(';').next().unwrap();
        let rate = split.rate(&server(name));
        match quantity {
            "rate_arithmetic_mix" => rate.arithmetic.0,
            _ => rate.harmonic.0,
        }
    })
}

pub fn young_daly(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, quantity| {
        let model = CheckpointModel {
            write: seconds(case, "delta"),
            mtbf: seconds(case, "M"),
            restart: seconds(case, "R"),
        };
        let wall = |interval| model.expected_wall(seconds(case, "Ts"), interval).0;
        match quantity {
            "tau_young" => model.young_interval().0,
            "tau_daly_ho" => model.daly_interval().0,
            "tau_exact_opt" => model.optimal_interval().0,
            "E_wall_young" => wall(model.young_interval()),
            "E_wall_daly" => wall(model.daly_interval()),
            "E_wall_exact" => wall(model.optimal_interval()),
            _ => model.first_order_overhead(model.young_interval()),
        }
    })
}

pub fn restart_no_ckpt(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, _| {
        let (work, mtbf, restart) = (seconds(case, "T"), seconds(case, "MTBF"), seconds(case, "R"));
        checkpoint::wall_without_checkpoints(work, mtbf, restart).0
    })
}

pub fn cluster_mtbf(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, _| checkpoint::cluster_mtbf(seconds(case, "mtbf_node"), case.count("n") as u32).0)
}

pub fn spot_cost_ratio(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, quantity| {
        let interruptions = CheckpointModel {
            write: seconds(case, "delta"),
            mtbf: seconds(case, "MTBI"),
            restart: seconds(case, "R"),
        };
        let interval = seconds(case, "tau");
        match quantity {
            "wall_multiplier" => interruptions.wall_multiplier(interval),
            _ => checkpoint::spot_cost_ratio(case.number("discount"), &interruptions, interval),
        }
    })
}

pub fn amdahl(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, _| stats::amdahl(case.number("n"), case.number("serial")))
}

pub fn gustafson(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, _| stats::gustafson(case.number("n"), case.number("serial")))
}

/// The law itself, and the law that a fit finds from the law's own points.
pub fn usl(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, quantity| {
        let (lambda, sigma, kappa) = (case.number("lambda"), case.number("sigma"), case.number("kappa"));
        let point = |n: f64| Point { x: n, y: stats::usl(n, lambda, sigma, kappa) };
        let points: Vec<Point> = (1..=6).map(|power| point(f64::from(1 << power))).collect();
        let fitted = fit_usl_through(lambda, &points).unwrap().curve;
        let Curve::Usl { sigma, kappa, .. } = fitted else { panic!("another form: {fitted:?}") };
        let peak = stats::usl_peak(sigma, kappa);
        match quantity {
            "X" => fitted.evaluate(case.number("n")),
            "n_peak" => peak,
            _ => fitted.evaluate(peak),
        }
    })
}

pub fn batch_throughput_affine(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, quantity| {
        let (a, b) = (case.number("a"), case.number("b"));
        match quantity {
            "items_per_s" => stats::batch_throughput_affine(case.number("n"), a, b),
            "items_per_s_limit" => stats::batch_throughput_limit(b),
            _ => stats::batch_of_half_throughput(a, b),
        }
    })
}

fn points(case: &Case) -> Vec<Point> {
    case.list("x").into_iter().zip(case.list("y")).map(|(x, y)| Point { x, y }).collect()
}

pub fn fit_line(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, quantity| {
        let fit = ordinary_least_squares(&points(case)).unwrap();
        match quantity {
            "slope" => fit.line.slope,
            "intercept" => fit.line.intercept,
            "R2" => fit.r_squared,
            _ => fit.slope_error,
        }
    })
}

pub fn fit_theil_sen(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, quantity| {
        let line = theil_sen(&points(case)).unwrap();
        match quantity {
            "slope" => line.slope,
            _ => line.intercept,
        }
    })
}
