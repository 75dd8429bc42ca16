//! Sizing in closed form: staffing, autoscaling, approximations, cost.

use capplan::stats;
use capplan::units::{Money, PricePerHour, Seconds};

use super::judge::Answer;
use super::oracle::{Case, Row};

fn each(rows: &[Row], answer: impl Fn(&Case, &str) -> f64) -> Vec<Answer> {
    rows.iter().map(|row| Answer::Exact(answer(&row.case, &row.quantity))).collect()
}

pub fn staffing_mmc(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, quantity| {
        let (arrivals, rate) = (case.number("lambda"), case.number("mu"));
        // `P(Wq<=0.02)>=0.99`
        let demand = case.0.split("P(Wq<=").nth(1).unwrap();
        let (wait, share) = demand.split_once(")>=").unwrap();
        match quantity {
            "c_min" => {
                let wait = wait.parse().unwrap();
                let found = stats::servers_for_wait(arrivals, rate, wait, share.parse().unwrap());
                f64::from(found.unwrap())
            }
            _ => stats::square_root_staffing(arrivals / rate, 1.0),
        }
    })
}

pub fn autoscale_target(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, _| {
        stats::replicas_at_usage(case.number("lambda"), case.number("service_s"), case.number("target_util"))
    })
}

pub fn scaleup_backlog_fluid(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, quantity| {
        let (replicas, service) = (case.number("c"), case.number("service_s"));
        let backlog = stats::backlog_of_start(case.number("lam1"), replicas, service, case.number("delay_s"));
        match quantity {
            "backlog_at_scaleup" => backlog,
            _ => backlog / (replicas / service),
        }
    })
}

pub fn mm1_setup(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, _| {
        stats::mm1_with_setup(case.number("lambda"), case.number("mu"), 1.0 / case.number("setup_rate"))
    })
}

pub fn gg1_kingman(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, _| {
        let scv = |name| case.number(name);
        stats::kingman_wait(case.number("rho"), case.number("ES"), scv("ca2"), scv("cs2"))
    })
}

pub fn mdc_approx(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, quantity| {
        let (servers, arrivals) = (case.count("c") as u32, case.number("lambda"));
        match quantity {
            "Wq_halfMMc" => stats::mgc_wait(servers, arrivals, case.number("D"), 0.0),
            _ => stats::mdc_wait(servers, arrivals, case.number("D")),
        }
    })
}

pub fn mgc_approx(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, _| {
        let servers = case.count("c") as u32;
        stats::mgc_wait(servers, case.number("lambda"), case.number("ES"), case.number("cs2"))
    })
}

/// Money is whole nano-dollars, so the cost is the table's to far more than nine digits.
pub fn cost_scaling(rows: &[Row]) -> Vec<Answer> {
    each(rows, |case, quantity| {
        let (count, efficiency) = (case.number("n"), case.number("efficiency"));
        let time = Seconds::from_hours(case.number("T1") / (count * efficiency));
        match quantity {
            "cost" => {
                let price = PricePerHour(Money::from_usd(case.number("price_per_gpu_h")));
                price.scaled(count).for_time(time).usd()
            }
            _ => time.hours(),
        }
    })
}
