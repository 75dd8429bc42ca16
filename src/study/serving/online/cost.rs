//! What a fleet costs at its traffic: the bill of a month, carbon, and hosted models beside it.

use super::{HOUR, MILLION, MOST_FALL, Online};
use crate::cost::Ledger;
use crate::study::result::{Estimate, Probability, Row};
use crate::study::row::mean_ledger;
use crate::study::serving::bill::{MONTH, Paid};
use crate::study::serving::groups::Group;
use crate::study::serving::trial::MIDDLE;
use crate::study::serving::way::mean_lengths;
use crate::study::serving::{Asked, bill, carbon, groups};
use crate::study::serving_result::{ApiComparison, ServingFigures};
use crate::workload::inference::ServingRun;

impl Online<'_> {
    /// Machines paid for, on average.
    pub(super) fn paid_machines(&self) -> f64 {
        if self.asked.spec.autoscaler.is_none() {
            return self.machines() as f64;
        }
        (0..self.groups().len()).map(|index| self.mean_machines(index)).sum()
    }

    /// Machines of a group, on average over the run.
    pub(super) fn mean_machines(&self, index: usize) -> f64 {
        let each = self.groups().get(index).map_or(1, |group| group.way.machines_per_replica);
        let of = |run: &ServingRun| run.groups.get(index).map_or(0.0, |group| group.mean_machines);
        self.measured.mean(of) * self.size.scale() * each as f64
    }

    pub(super) fn weigh_cost(&self, row: &mut Row, figures: &mut ServingFigures) {
        if let Err(unpriced) = &self.served.tariff {
            row.warnings.push(format!("{unpriced}: not ranked"));
            return;
        }
        let Some((ledger, month)) = self.bill_of_month(row, figures) else { return };
        row.ledger = mean_ledger(std::slice::from_ref(&ledger));
        row.cost_usd = Some(month);
        row.budget_met = self.asked.scenario.objective.budget.map(|budget| within(&month, budget.usd()));
        figures.cost_per_month_usd = Some(month);
        figures.cost_per_day_usd = Some(month.scaled(24.0 / MONTH));
        let hour = month.scaled(1.0 / MONTH);
        figures.cost_per_hour_usd = Some(hour);
        let per_million = |rate: Option<Estimate>| {
            rate.and_then(|rate| over(&hour, &rate)).map(|cost| cost.scaled(MILLION / HOUR))
        };
        figures.cost_per_million_predictions_usd = per_million(figures.requests_per_s);
        let served = figures.requests_per_s.filter(|_| self.demand.is_none());
        let arriving = self.demand.as_ref().map(|demand| Estimate::exact(demand.mean)).or(served);
        let good = figures.goodput_share.zip(arriving).map(|(good, rate)| good.scaled(rate.mean));
        figures.cost_per_million_good_usd = per_million(good);
        figures.cost_per_million_at_capacity_usd = per_million(figures.capacity_requests_per_s);
        let (Some(input), Some(output)) = (figures.input_tokens_per_s, figures.output_tokens_per_s) else {
            return;
        };
        figures.cost_per_million_tokens_usd = per_million(Some(input.scaled(1.0 + output.mean / input.mean)));
        let Some(reading) = self.reading_share() else { return };
        let of = |rate: Estimate, share: f64| per_million(Some(rate)).map(|cost| cost.scaled(share));
        figures.cost_per_million_input_tokens_usd = of(input, reading);
        figures.cost_per_million_output_tokens_usd = of(output, 1.0 - reading);
    }

    /// Machine-hours of a month of a group.
    pub(super) fn hours_of_month(&self, index: usize, group: &Group<'_>, figures: &ServingFigures) -> Paid {
        let (machines, busy) = if self.grouped() {
            let scaled = self.asked.spec.autoscaler.is_some() && group.bursts();
            let machines = if scaled { self.mean_machines(index) } else { group.machines() as f64 };
            (machines, figures.groups.get(index).map_or(0.0, |group| group.utilisation))
        } else {
            (self.paid_machines(), figures.utilisation.map_or(0.0, |share| share.mean.clamp(0.0, 1.0)))
        };
        let hours = machines * MONTH;
        Paid {
            busy_hours: hours * busy,
            idle_hours: hours * (1.0 - busy),
            // One fee for the whole cluster.
            hours: if index == 0 { MONTH } else { 0.0 },
            ..Paid::default()
        }
    }

    pub(super) fn weigh_carbon(&self, row: &mut Row, figures: &mut ServingFigures) {
        let (busy_ends, paid_ends) = (carbon::ends(figures.utilisation), self.machine_ends());
        let groups = self.groups();
        let mut hours = Vec::new();
        for (index, group) in groups.iter().enumerate() {
            let paid = self.hours_of_month(index, group, figures);
            hours.push(carbon::Hours { served: group.served, paid, busy_ends, paid_ends });
        }
        let answers = figures.requests_per_s.map_or(0.0, |rate| rate.mean * MONTH * HOUR);
        carbon::weigh(self.asked, &hours, answers, row, figures);
    }

    /// The bill of a month, each group at its own price, and its estimate.
    pub(super) fn bill_of_month(
        &self,
        row: &mut Row,
        figures: &mut ServingFigures,
    ) -> Option<(Ledger, Estimate)> {
        let (mut ledgers, mut costs) = (Vec::new(), Vec::new());
        for (index, group) in self.groups().iter().enumerate() {
            let tariff = group.served.tariff.as_ref().ok()?;
            let said = bill::warnings(self.asked, tariff);
            let of_group =
                |said: String| if self.grouped() { format!("{}: {said}", group.word()) } else { said };
            row.warnings.extend(said.into_iter().map(of_group));
            let paid = self.hours_of_month(index, group, figures);
            let ledger = bill::bill(self.asked, group.served, tariff, &paid);
            if let Some(figures) = figures.groups.get_mut(index) {
                figures.cost_per_month_usd = Some(ledger.total().usd());
            }
            costs.push(bill::estimate(&ledger, tariff, self.machine_ends()));
            ledgers.push(ledger);
        }
        let ledger = groups::total(&ledgers);
        let month = groups::sum(&costs, ledger.total().usd())?;
        Some((ledger, month))
    }

    /// How far the number of paid machines may be off with the model's error, as factors.
    pub(super) fn machine_ends(&self) -> [f64; 2] {
        if self.asked.spec.autoscaler.is_none() {
            return [1.0, 1.0];
        }
        let machines = self
            .measured
            .estimate(|run| Some(run.groups.iter().map(|group| group.mean_machines).sum()))
            .filter(|machines| machines.mean > 0.0);
        machines.map_or([1.0, 1.0], |found| [found.lo / found.mean, found.hi / found.mean])
    }

    /// Share of the replicas' busy time spent in iterations with prompts.
    pub(super) fn reading_share(&self) -> Option<f64> {
        let reading = self.measured.mean(|run| run.prefill_time.seconds().0);
        let all = reading + self.measured.mean(|run| run.decode_time.seconds().0);
        (all > 0.0).then(|| reading / all)
    }

    pub(super) fn compare_api(&self, figures: &mut ServingFigures) {
        let (Some(hour), Some(demand)) = (figures.cost_per_hour_usd, &self.demand) else {
            return;
        };
        let capacity = self.capacity.as_ref().map_or(0.0, |capacity| capacity.rates[MIDDLE]);
        figures.api = hosted_model(self.asked, hour.mean, demand.mean, capacity);
    }
}

/// A fleet of that hourly cost and capacity against the hosted model, at a mean rate.
pub(in crate::study::serving) fn hosted_model(
    asked: &Asked<'_>,
    hour: f64,
    mean: f64,
    capacity: f64,
) -> Option<ApiComparison> {
    let api = asked.spec.api.as_ref()?;
    let (input, output) = mean_lengths(asked.spec);
    let per_request = (input * api.input + output * api.output) / MILLION;
    let break_even = hour / HOUR / per_request.max(1e-18);
    Some(ApiComparison {
        name: api.name.clone(),
        api_usd_per_hour: mean * per_request * HOUR,
        api_usd_per_million_requests: per_request * MILLION,
        break_even_requests_per_s: break_even,
        within_capacity: break_even <= capacity,
    })
}

/// A cost over a rate; both are positive and err independently. `None` of a rate of nothing.
pub(super) fn over(cost: &Estimate, rate: &Estimate) -> Option<Estimate> {
    if rate.mean <= 0.0 {
        return None;
    }
    let mean = cost.mean / rate.mean;
    // A rate of next to nothing at the lower end would make the cost boundless.
    let slowest = rate.lo.max(rate.mean / MOST_FALL);
    let down = libm::hypot(1.0 - cost.lo / cost.mean.max(1e-300), 1.0 - rate.mean / rate.hi);
    let up = libm::hypot(cost.hi / cost.mean.max(1e-300) - 1.0, rate.mean / slowest - 1.0);
    Some(Estimate {
        mean,
        lo: (mean * (1.0 - down)).max(0.0),
        hi: mean * (1.0 + up),
        level: cost.level,
        p50: mean,
        p90: mean * (1.0 + 0.779 * up),
    })
}

/// Probability that a cost stays within a budget: normal within the ends of its interval.
pub(in crate::study::serving) fn within(cost: &Estimate, budget: f64) -> Probability {
    let side = if budget >= cost.mean { cost.hi - cost.mean } else { cost.mean - cost.lo };
    let probability = if side <= 1e-12 * cost.mean.abs().max(1e-12) {
        f64::from(u8::from(budget >= cost.mean))
    } else {
        crate::stats::normal_cdf(crate::study::serving::Z_END * (budget - cost.mean) / side)
    };
    Probability { probability, lo: probability, hi: probability }
}
