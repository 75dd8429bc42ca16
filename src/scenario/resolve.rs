//! From a tree to a scenario: every fault collected, each with its place.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::catalog::{Catalog, InstanceKind, Purchase, Unknown};
use crate::cost::{Assumptions, NegotiatedDiscount};
use crate::document::{Code, Diagnostic, Diagnostics, Node, Reader, Value, check};
use crate::fleet::{Counts, FleetSpec, Placement, Replicas, expand};
use crate::steptime::measured::MeasuredSteps;
use crate::units::{Money, PricePerByteMonth};
use crate::workload::training::TrainingSpec;

use super::applies::{self, Setting};
use super::keys::registry_of;
use super::machine;
use super::objective::Objective;
use super::serving::ServingSpec;
use super::workload;

/// A scenario that makes sense.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// Title.
    pub name: String,
    /// Seed of all random streams.
    pub seed: u64,
    /// What is wanted.
    pub objective: Objective,
    /// The job.
    pub job: Job,
    /// Machine that writes records, where the scenario names one.
    pub conversion_instance: Option<String>,
    /// Prices beside the catalog.
    pub assumptions: Assumptions,
    /// Candidate fleets.
    pub fleets: Vec<FleetSpec>,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Job {
    /// Training a model.
    Training(Box<TrainingSpec>),
    /// Serving one.
    Serving(Box<ServingSpec>),
}

impl Scenario {
    /// The training job, when it is one.
    #[must_use]
    pub fn training(&self) -> Option<&TrainingSpec> {
        match &self.job {
            Job::Training(spec) => Some(spec),
            Job::Serving(_) => None,
        }
    }

    /// The serving job, when it is one.
    #[must_use]
    pub fn serving(&self) -> Option<&ServingSpec> {
        match &self.job {
            Job::Training(_) => None,
            Job::Serving(spec) => Some(spec),
        }
    }
}

/// Checks a tree and gives it its meaning. Relative model paths start at `folder`.
///
/// # Errors
/// Every fault found, at once.
pub fn resolve(root: &Node, catalog: &Catalog, folder: Option<&Path>) -> Result<Scenario, Diagnostics> {
    let mut faults = Diagnostics::new();
    if let Some(fault) = newer_format(root) {
        faults.push(fault);
        return Err(faults);
    }
    let registry = registry_of(root);
    check(root, registry, "", &mut faults);
    let document = Reader::new(root, registry);
    let mut resolver = Resolver { catalog, folder: folder.map(Path::to_owned), faults, profile: None };
    resolver.profile = super::profile::read(&mut resolver, &document.table("workload"));
    let fleets = resolver.fleets(&document);
    let job = if document.table("workload").text("kind") == Some("inference") {
        let spec = super::serving::read(&mut resolver, &document);
        spec.map(|spec| Job::Serving(Box::new(spec)))
    } else {
        resolver.no_serving_keys(&document);
        let setting = Setting { spot: applies::on_spot(&document), ..Setting::default() };
        applies::training(&mut resolver, &document, &setting);
        resolver.training(&document.table("workload")).map(|spec| Job::Training(Box::new(spec)))
    };
    if let Some(Job::Training(training)) = &job {
        super::layout::check(&mut resolver, &document, &fleets, training);
    }
    super::groups::check(&mut resolver, &document, job.as_ref());
    super::hosting::check(&mut resolver, &document, &fleets, job.as_ref());
    super::models::check(&mut resolver, &document, job.as_ref());
    let assumptions = assumptions(&document.table("pricing"));
    resolver.check_names(&document, &fleets);
    resolver.check_discounts(&document.table("pricing"));
    let conversion_instance = resolver.conversion_instance(&document.table("workload").table("input"));
    let Resolver { faults, .. } = resolver;
    match job {
        Some(job) => faults.into_result(Scenario {
            name: document.text("name").unwrap_or_default().to_owned(),
            seed: document.count("seed").unwrap_or(42),
            objective: Objective::read(&document.table("objective")),
            job,
            conversion_instance,
            assumptions,
            fleets,
        }),
        None => Err(faults),
    }
}

/// A file made by a newer capplan is told so before anything else.
fn newer_format(root: &Node) -> Option<Diagnostic> {
    let entry = root.get("format")?;
    match entry.node.value {
        Value::Integer(format) if format > 1 => Some(
            Diagnostic::new(
                Code::NewerFormat,
                "format",
                format!("format {format} was made by a newer capplan"),
            )
            .at(&entry.node.origin)
            .suggest("this one reads format 1"),
        ),
        _ => None,
    }
}

pub(super) struct Resolver<'a> {
    pub catalog: &'a Catalog,
    pub folder: Option<PathBuf>,
    pub faults: Diagnostics,
    /// What the user measured, where the workload names it.
    pub profile: Option<Arc<MeasuredSteps>>,
}

impl Resolver<'_> {
    pub fn unknown(&mut self, table: &Reader<'_>, path: &str, key: &str, unknown: Unknown) {
        let suggestion = unknown.suggestion.clone();
        self.faults.push(table.fault(Code::UnknownName, path, key, unknown.to_string()).suggest(suggestion));
    }

    /// Keys of the objective and of fleets that only serving has.
    fn no_serving_keys(&mut self, document: &Reader<'_>) {
        let objective = document.table("objective");
        let starts = ["ttft_", "tpot_", "latency_", "goodput"];
        for key in objective.keys().filter(|key| starts.iter().any(|start| key.starts_with(start))) {
            let message = format!("`{key}` is a target of inference; this workload trains");
            let fault = objective.fault(Code::Conflict, "objective", key, message);
            self.faults.push(fault.suggest("allowed here: deadline, budget"));
        }
        for (index, fleet) in
            document.tables("fleet").iter().enumerate().filter(|(_, fleet)| fleet.has("replicas"))
        {
            let message = "`replicas` is for inference; a training fleet has a `count`";
            self.faults.push(fleet.fault(Code::Conflict, &format!("fleet[{index}]"), "replicas", message));
        }
    }

    fn training(&mut self, table: &Reader<'_>) -> Option<TrainingSpec> {
        workload::training(self, table)
    }

    /// Rows are addressed by name: no two may share one, and the baseline must be one of them.
    fn check_names(&mut self, document: &Reader<'_>, fleets: &[FleetSpec]) {
        let Ok(candidates) = expand(fleets) else { return };
        let names: Vec<&str> = candidates.iter().map(|candidate| candidate.name.as_str()).collect();
        let mut sorted = names.clone();
        sorted.sort_unstable();
        let twice = sorted.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0]);
        // Two [[fleet]]s of one name were told already, with both lines.
        if let Some(name) = twice.filter(|_| self.faults.is_empty()) {
            let message = format!("the sweeps give two rows the name \"{name}\"");
            self.faults
                .push(document.fault(Code::Duplicate, "", "fleet", message).suggest("list each value once"));
        }
        let objective = document.table("objective");
        if let Some(name) =
            objective.text("baseline").filter(|name| !names.contains(name) && !fleets.is_empty())
        {
            let near = crate::document::nearest_list(name, names.iter().copied(), 5);
            let known = if near.is_empty() { names.join(", ") } else { near };
            let fault = objective.fault(
                Code::UnknownName,
                "objective",
                "baseline",
                format!("there is no fleet \"{name}\""),
            );
            self.faults.push(fault.suggest(format!("fleets: {known}")));
        }
    }

    /// A discount that can fit nothing is a slip.
    fn check_discounts(&mut self, pricing: &Reader<'_>) {
        for (index, discount) in pricing.tables("discount").iter().enumerate() {
            let path = format!("pricing.discount[{index}]");
            let provider = discount.text("provider").unwrap_or_default();
            let providers: Vec<&str> =
                self.catalog.instances.values().map(|instance| instance.provider.as_str()).collect();
            if !provider.is_empty() && provider != "owned" && !providers.contains(&provider) {
                let near = crate::document::nearest_list(provider, providers.iter().copied(), 3);
                let fault = discount.fault(
                    Code::UnknownName,
                    &path,
                    "provider",
                    format!("unknown provider `{provider}`"),
                );
                self.faults.push(fault.suggest(format!("nearest: {near}; see `capplan list instances`")));
                continue;
            }
            let family = discount.text("family").unwrap_or_default();
            let fits = |instance: &crate::catalog::Instance| {
                (provider.is_empty() || instance.provider == provider)
                    && (instance.family.as_deref() == Some(family) || instance.name.starts_with(family))
            };
            if !family.is_empty() && !self.catalog.instances.values().any(fits) {
                let message = format!("no machine is of the family `{family}`");
                self.faults.push(
                    discount
                        .fault(Code::UnknownName, &path, "family", message)
                        .suggest("a family or the start of machine names, as `a3-highgpu`"),
                );
            }
        }
    }

    fn conversion_instance(&mut self, input: &Reader<'_>) -> Option<String> {
        let id = input.text("conversion_instance")?;
        if let Err(unknown) = self.catalog.instance(id) {
            self.unknown(input, "workload.input", "conversion_instance", unknown);
        }
        Some(id.to_owned())
    }

    fn fleets(&mut self, document: &Reader<'_>) -> Vec<FleetSpec> {
        let tables = document.tables("fleet");
        if document.has("fleet") && tables.is_empty() {
            self.faults.push(
                document.fault(Code::MissingKey, "", "fleet", "there is no fleet").suggest("add a [[fleet]]"),
            );
        }
        let mut fleets: Vec<FleetSpec> = Vec::new();
        for (index, table) in tables.iter().enumerate() {
            let path = format!("fleet[{index}]");
            let Some(name) = table.text("name") else { continue };
            let earlier = tables[..index].iter().find(|other| other.text("name") == Some(name));
            if let Some(place) = earlier.and_then(|other| other.origin("name")) {
                let line = place.source.place(place.span.start).line;
                self.faults.push(
                    table
                        .fault(
                            Code::Duplicate,
                            &path,
                            "name",
                            format!("two fleets are named \"{name}\" (the other on line {line})"),
                        )
                        .suggest("give each fleet a name of its own"),
                );
            }
            fleets.extend(if table.has("group") {
                super::groups::read(self, table, &path, name)
            } else {
                self.fleet(table, &path, name)
            });
        }
        fleets
    }

    pub(super) fn fleet(&mut self, table: &Reader<'_>, path: &str, name: &str) -> Option<FleetSpec> {
        let (instance, owned_price) = match (table.text("instance"), table.has("machine")) {
            (Some(id), false) => match self.catalog.instance(id) {
                Ok(instance) => (instance, None),
                Err(unknown) => {
                    self.unknown(table, path, "instance", unknown);
                    return None;
                }
            },
            (None, true) => machine::described(self, table, path, name)?,
            (Some(_), true) => {
                let message = "`instance` and `machine` exclude each other";
                self.faults.push(table.fault(Code::Conflict, path, "machine", message));
                return None;
            }
            (None, false) => {
                let message = format!("fleet \"{name}\" needs `instance` or `[fleet.machine]`");
                self.faults.push(
                    table
                        .fault(Code::MissingKey, path, "", message)
                        .suggest("add `instance = \"gcp/a3-highgpu-8g\"`; see `capplan list instances`"),
                );
                return None;
            }
        };
        let accelerator = match &instance.accelerator {
            Some(name) => Some(Arc::new(self.catalog.accelerator(name).ok()?.clone())),
            None => None,
        };
        let owned = owned_price.is_some() || instance.kind == InstanceKind::Measured;
        let purchases = self.purchases(table, path, owned);
        let regions: Vec<String> = table.texts("region").into_iter().map(str::to_owned).collect();
        for region in &regions {
            self.check_region(table, path, &instance, region);
        }
        Some(FleetSpec {
            name: name.to_owned(),
            instance: Arc::new(instance),
            accelerator,
            counts: self.counts(table, path),
            regions,
            purchases,
            layout: super::layout::request(&table.table("layout")),
            replicas: self.replicas(table, path),
            hostings: super::hosting::of_fleet(self, table, path),
            placements: super::hosting::words(self, table, (path, "models"), Placement::WORDS, Placement::of),
            owned_price,
            role: None,
            others: Vec::new(),
        })
    }

    fn replicas(&mut self, table: &Reader<'_>, path: &str) -> Replicas {
        let asked = match (table.text("replicas"), table.count("replicas")) {
            (Some("auto"), _) => Replicas::Auto,
            (_, Some(count)) => Replicas::Fixed(count),
            _ => return Replicas::Full,
        };
        if table.has("count") {
            let message = "`replicas` and `count` exclude each other: machines follow from replicas";
            self.faults.push(table.fault(Code::Conflict, path, "count", message));
        }
        asked
    }

    /// A region that no offer of the provider has is a slip; one without a price for this machine is an unpriced row.
    fn check_region(
        &mut self,
        table: &Reader<'_>,
        path: &str,
        instance: &crate::catalog::Instance,
        region: &str,
    ) {
        let of_provider = self.catalog.instances.values().filter(|other| other.provider == instance.provider);
        let mut regions: Vec<&str> =
            of_provider.flat_map(|other| &other.offers).map(|offer| offer.region.as_str()).collect();
        regions.sort_unstable();
        regions.dedup();
        if regions.is_empty() || regions.contains(&region) || regions == ["any"] {
            return;
        }
        let near = crate::document::nearest_list(region, regions.iter().copied(), 4);
        let known = if near.is_empty() {
            regions.iter().take(8).copied().collect::<Vec<_>>().join(", ")
        } else {
            near
        };
        let message = format!("unknown region `{region}` of {}", instance.provider);
        self.faults.push(
            table.fault(Code::UnknownName, path, "region", message).suggest(format!("nearest: {known}")),
        );
    }

    fn purchases(&mut self, table: &Reader<'_>, path: &str, owned: bool) -> Vec<Purchase> {
        for key in ["purchase", "region"] {
            if matches!(table.get(key).map(|node| &node.value), Some(Value::Array(items)) if items.is_empty())
            {
                self.faults.push(table.fault(Code::OutOfRange, path, key, "the list is empty"));
            }
        }
        let mut words = table.texts("purchase");
        if words.is_empty() {
            words = vec![if owned { "owned" } else { "on-demand" }];
        }
        let mut found = Vec::new();
        for word in words {
            match Purchase::ALL.iter().find(|(name, _)| *name == word) {
                Some((_, purchase)) => found.push(*purchase),
                None => {
                    let allowed: Vec<&str> = Purchase::ALL.iter().map(|(name, _)| *name).collect();
                    let fault = table.fault(
                        Code::UnknownChoice,
                        path,
                        "purchase",
                        format!("\"{word}\" is not a term"),
                    );
                    self.faults.push(fault.suggest(format!("allowed: {}", allowed.join(", "))));
                }
            }
        }
        found
    }

    fn counts(&mut self, table: &Reader<'_>, path: &str) -> Counts {
        if let Some(count) = table.count("count") {
            return Counts(vec![count]);
        }
        let list = table.numbers("count");
        if !list.is_empty() {
            if list.iter().any(|count| count.fract() != 0.0 || *count < 1.0 || *count > 1e6) {
                let message = "counts are integers from 1 to 1000000";
                self.faults.push(table.fault(Code::OutOfRange, path, "count", message));
            }
            return Counts(list.iter().map(|count| (*count).clamp(1.0, 1e6) as u64).collect());
        }
        if matches!(table.get("count").map(|node| &node.value), Some(Value::Array(_))) {
            self.faults.push(table.fault(Code::OutOfRange, path, "count", "the list of counts is empty"));
            return Counts(vec![1]);
        }
        let range = table.table("count");
        let (from, to) = (range.count("from").unwrap_or(1), range.count("to").unwrap_or(1));
        if from > to {
            self.faults.push(table.fault(
                Code::Conflict,
                path,
                "count",
                format!("from {from} is above to {to}"),
            ));
        }
        match range.count("step") {
            Some(step) => {
                let step = usize::try_from(step).unwrap_or(usize::MAX).max(1);
                Counts((from..=to).step_by(step).take(1_000_001).collect())
            }
            None => Counts::doubling(from, to),
        }
    }
}

fn assumptions(table: &Reader<'_>) -> Assumptions {
    let discounts = table
        .tables("discount")
        .iter()
        .map(|discount| NegotiatedDiscount {
            provider: discount.text("provider").unwrap_or_default().to_owned(),
            family: discount.text("family").unwrap_or_default().to_owned(),
            purchase: discount
                .text("purchase")
                .and_then(|word| Purchase::ALL.iter().find(|(name, _)| *name == word))
                .map(|(_, purchase)| *purchase),
            share: discount.number("percent").unwrap_or(0.0) / 100.0,
        })
        .collect();
    Assumptions {
        discounts,
        price_factor: table.number("price_factor").filter(|factor| *factor != 1.0),
        storage: table.money("storage_price").map(PricePerByteMonth),
        egress: table.money("egress_price"),
        egress_bytes: table.bytes("egress_per_run").map_or(0.0, |bytes| bytes.0),
        commitment_utilisation: table.number("commitment_utilisation").unwrap_or(1.0),
        cluster_fee: table.price_per_hour("cluster_fee").filter(|fee| fee.0 != Money::ZERO),
    }
}
