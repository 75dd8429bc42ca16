//! Several models in one workload: `model` of a `[[workload.mix]]`.

use std::sync::Arc;

use crate::catalog::{Model, NumberFormat};
use crate::document::{Code, Reader};
use crate::workload::arrivals::Mix;

use super::resolve::{Job, Resolver};
use super::serving::{Mode, ServingSpec, is_language};
use super::workload;

/// Most models of a workload.
const MOST_MODELS: usize = 8;

/// A model beside the workload's own.
#[derive(Clone, Debug)]
pub struct ServedModel {
    /// The model.
    pub model: Arc<Model>,
    /// Storage of weights.
    pub weights: NumberFormat,
}

/// The models that kinds of requests name, collected as they are read; the workload's own is number 0.
pub(super) struct Models<'a> {
    own: (&'a Model, NumberFormat),
    pub others: Vec<ServedModel>,
}

impl<'a> Models<'a> {
    pub fn new(own: &'a Model, weights: NumberFormat) -> Self {
        Self { own: (own, weights), others: Vec::new() }
    }

    pub fn own(&self) -> &'a Model {
        self.own.0
    }

    pub fn own_is_language(&self) -> bool {
        is_language(self.own.0)
    }

    /// The number of the model of a kind of requests, and whether it writes tokens; `None` after a fault.
    pub fn of(&mut self, resolver: &mut Resolver<'_>, mix: &Reader<'_>, path: &str) -> Option<(u16, bool)> {
        let stated = mix.text("precision").and_then(NumberFormat::of);
        let weights = stated.unwrap_or(self.own.1);
        if !mix.has("model") && weights == self.own.1 {
            return Some((0, is_language(self.own.0)));
        }
        let model =
            if mix.has("model") { workload::model_at(resolver, mix, path)? } else { self.own.0.clone() };
        if model.id == self.own.0.id && weights == self.own.1 {
            return Some((0, is_language(self.own.0)));
        }
        let language = is_language(&model);
        let same = |other: &ServedModel| other.model.id == model.id && other.weights == weights;
        let place = self.others.iter().position(same).unwrap_or_else(|| {
            self.others.push(ServedModel { model: Arc::new(model), weights });
            self.others.len() - 1
        });
        if place + 2 > MOST_MODELS {
            let message = format!("a workload has at most {MOST_MODELS} models");
            resolver.faults.push(mix.fault(Code::OutOfRange, path, "model", message));
            return None;
        }
        Some((place as u16 + 1, language))
    }
}

impl ServingSpec {
    /// Models that are served.
    #[must_use]
    pub fn models(&self) -> usize {
        1 + self.others.len()
    }

    /// A model and the storage of its weights.
    #[must_use]
    pub fn model_of(&self, index: usize) -> (&Arc<Model>, NumberFormat) {
        match index.checked_sub(1).and_then(|place| self.others.get(place)) {
            Some(other) => (&other.model, other.weights),
            None => (&self.model, self.weights),
        }
    }

    /// Share of all requests that are for a model.
    #[must_use]
    pub fn share_of(&self, index: usize) -> f64 {
        let own = |mix: &&Mix| usize::from(mix.model) == index;
        self.traffic.mixes.iter().filter(own).map(|mix| mix.share).sum()
    }

    /// The workload of one of the models alone, with its share of the requests.
    #[must_use]
    pub fn alone(&self, index: usize) -> Self {
        let share = self.share_of(index);
        let (model, weights) = self.model_of(index);
        let mut spec = Self { model: model.clone(), weights, others: Vec::new(), ..self.clone() };
        spec.traffic.arrivals = self.traffic.arrivals.faster(share);
        spec.traffic.requests =
            self.traffic.requests.map(|requests| ((requests as f64 * share) as u64).max(10));
        spec.traffic.mixes.retain(|mix| usize::from(mix.model) == index);
        for mix in &mut spec.traffic.mixes {
            mix.share /= share.max(1e-12);
            mix.model = 0;
        }
        if index > 0 {
            spec.api = None;
        }
        spec
    }
}

/// What cannot be asked of several models is told.
pub(super) fn check(resolver: &mut Resolver<'_>, document: &Reader<'_>, job: Option<&Job>) {
    let Some(Job::Serving(spec)) = job else { return };
    let workload = document.table("workload");
    let mixes = workload.tables("mix");
    let named = mixes.iter().position(|mix| mix.has("model") || mix.has("precision"));
    let refuse = |resolver: &mut Resolver<'_>, message: &str, suggestion: &str| {
        let at = named.unwrap_or(0);
        if let Some(mix) = mixes.get(at) {
            let path = format!("workload.mix[{at}]");
            let fault = mix.fault(Code::Conflict, &path, "model", message);
            resolver.faults.push(fault.suggest(suggestion.to_owned()));
        }
    };
    if spec.models() > 1 {
        if spec.mode != Mode::Online {
            refuse(resolver, "several models are served online only", "use mode = \"online\", or one model");
        }
        if document.tables("fleet").iter().any(|fleet| fleet.has("group")) {
            refuse(resolver, "the groups of a fleet serve one model", "give the fleet an `instance`");
        }
        if (0..spec.models()).any(|index| spec.share_of(index) <= 0.0) {
            refuse(
                resolver,
                "no kind of requests is for the workload's own model",
                "leave `model` out of one [[workload.mix]], or make `workload.model` one of those named",
            );
        }
    } else {
        for (index, fleet) in
            document.tables("fleet").iter().enumerate().filter(|(_, fleet)| fleet.has("models"))
        {
            let message = "`models` is for workloads of several models";
            let fault = fleet.fault(Code::Conflict, &format!("fleet[{index}]"), "models", message);
            resolver.faults.push(fault.suggest("name another `model` in a [[workload.mix]]"));
        }
    }
}
