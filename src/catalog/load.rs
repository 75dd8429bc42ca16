//! Files to catalog: embedded files first, then the user's overlays, later entries replacing earlier ones of the same name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sha2::{Digest, Sha256};
use thiserror::Error;

use crate::document::{
    Code, Diagnostics, LoadError, MAX_DOCUMENT_BYTES, Node, Origin, Reader, Value, check, load, read_file,
};
use crate::units::Date;

use super::accelerator::{Accelerator, AcceleratorKind, Peaks};
use super::engine::Engine;
use super::facts::{
    BillingRule, BootTimes, CarbonRegion, DecodeScaling, Discount, Egress, Fabric, FailureRates,
    RestartTimes, SpotProcess, Storage, StorageReader,
};
use super::instance::Instance;
use super::keys::CATALOG_FILE;
use super::load_prices::Parts;
use super::model::Model;
use super::services::{ApiPrice, ManagedService};
use super::{Fact, Fingerprint, MeasuredProfile, checks, embedded};

/// Overlay folders are searched this deep.
const MAX_FOLDER_DEPTH: usize = 8;

/// Everything that exists.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// Accelerators by name.
    pub accelerators: BTreeMap<String, Accelerator>,
    /// Instances by `provider/name`.
    pub instances: BTreeMap<String, Instance>,
    /// Models by id.
    pub models: BTreeMap<String, Model>,
    /// Fabrics by name.
    pub fabrics: BTreeMap<String, Fabric>,
    /// Storage products.
    pub storage: Vec<Storage>,
    /// Egress tiers.
    pub egress: Vec<Egress>,
    /// Billing rules.
    pub billing: Vec<BillingRule>,
    /// Discounts.
    pub discounts: Vec<Discount>,
    /// Prices of models behind an API, by `provider/name`.
    pub api_prices: BTreeMap<String, ApiPrice>,
    /// Managed services, by `provider/service/item`.
    pub services: BTreeMap<String, ManagedService>,
    /// Carbon intensity of regions.
    pub carbon: Vec<CarbonRegion>,
    /// Failure rates by environment.
    pub failures: BTreeMap<String, FailureRates>,
    /// Restart times by name.
    pub restarts: BTreeMap<String, RestartTimes>,
    /// Boot times by provider.
    pub boots: BTreeMap<String, BootTimes>,
    /// Spot notice in seconds by provider.
    pub notices: BTreeMap<String, f64>,
    /// Spot processes by id.
    pub spot: BTreeMap<String, SpotProcess>,
    /// Decode scaling by processor.
    pub decode: BTreeMap<String, DecodeScaling>,
    /// Readers by storage product.
    pub readers: BTreeMap<String, StorageReader>,
    /// Serving engines by id.
    pub engines: BTreeMap<String, Engine>,
    /// Measured profiles of overlays, by name; those that travel inside the program are found by
    /// [`Catalog::measured_profile`].
    pub measured: BTreeMap<String, Arc<MeasuredProfile>>,
    /// The machine that the program stands on, where it can tell.
    pub here: Option<Fingerprint>,
    /// SHA-256 over the names and texts of all files, overlays included.
    pub digest: String,
    /// Hosts and attachments that scenarios may combine.
    pub(super) parts: Parts,
    /// Where entries stand that name others, for faults found when all files are read.
    pub(super) places: BTreeMap<String, Origin>,
}

/// Why a catalog cannot be used.
#[derive(Debug, Error)]
pub enum CatalogError {
    /// A file cannot be read.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A folder cannot be listed.
    #[error("cannot read catalog folder {}: {error}", path.display())]
    Folder {
        /// The folder as typed.
        path: PathBuf,
        /// The system's reason.
        error: std::io::Error,
    },
    /// Entries are faulty.
    #[error("the catalog has {} faults", .0.len())]
    Faults(Diagnostics),
}

impl Catalog {
    /// The embedded catalog with overlays on top, in the order given.
    ///
    /// # Errors
    /// When an overlay cannot be read or any entry is faulty.
    pub fn read(overlays: &[PathBuf]) -> Result<Self, CatalogError> {
        let mut catalog = Self::default();
        let mut faults = Diagnostics::new();
        let mut hash = Sha256::new();
        let mut add = |catalog: &mut Self, name: &str, text: &str, faults: &mut Diagnostics| {
            for part in [name, text] {
                hash.update(part.as_bytes());
                hash.update([0]);
            }
            catalog.add_text(name, text, faults);
        };
        for (name, text) in embedded::catalog_files() {
            add(&mut catalog, &name, text, &mut faults);
        }
        for folder in overlays {
            for path in toml_files(folder, 0)? {
                let text = read_file(&path, MAX_DOCUMENT_BYTES)?;
                add(&mut catalog, &path.display().to_string(), &text, &mut faults);
            }
        }
        catalog.digest = hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect();
        catalog.finish(&mut faults);
        faults.into_result(catalog).map_err(CatalogError::Faults)
    }

    /// The newest day of any price, which stands for the catalog's date.
    #[must_use]
    pub fn date(&self) -> Option<Date> {
        self.instances
            .values()
            .flat_map(|instance| &instance.offers)
            .filter_map(|offer| offer.fact.as_of)
            .max()
    }

    pub(super) fn add_text(&mut self, name: &str, text: &str, faults: &mut Diagnostics) {
        let root = match load(name, text) {
            Ok(root) => root,
            Err(found) => return faults.extend(found),
        };
        if MeasuredProfile::is_profile(&root) {
            match MeasuredProfile::read(name, text) {
                Ok(profile) => {
                    self.measured.insert(profile.name.clone(), Arc::new(profile));
                }
                Err(found) => faults.extend(found),
            }
            return;
        }
        let mut found = Diagnostics::new();
        check(&root, &CATALOG_FILE, "", &mut found);
        if !found.is_empty() {
            return faults.extend(found);
        }
        let file = FileReader { reader: Reader::new(&root, &CATALOG_FILE), sources: sources(&root) };
        self.add_accelerators(&file, faults);
        self.add_prices(&file, faults);
        self.add_model(&file, faults);
        self.add_facts(&file, faults);
        self.add_engines(&file, faults);
        self.add_services(&file, faults);
    }

    fn finish(&mut self, faults: &mut Diagnostics) {
        self.compose(faults);
        self.join_api_prices(faults);
        checks::references(self, faults);
        checks::mark(self);
    }

    /// Remembers where an entry names another, for [`checks`].
    pub(super) fn keep_place(&mut self, entry: String, reader: &Reader<'_>, key: &str) {
        if let Some(origin) = reader.get(key).map(|node| &node.origin) {
            self.places.insert(entry, origin.clone());
        }
    }

    fn add_accelerators(&mut self, file: &FileReader<'_>, faults: &mut Diagnostics) {
        for entry in file.reader.tables("accelerator") {
            let accelerator = Accelerator {
                name: owned(&entry, "name"),
                vendor: owned(&entry, "vendor"),
                kind: match entry.text("kind") {
                    Some("tpu") => AcceleratorKind::Tpu,
                    Some("asic") => AcceleratorKind::Asic,
                    Some("cpu") => AcceleratorKind::Cpu,
                    _ => AcceleratorKind::Gpu,
                },
                generation: owned(&entry, "generation"),
                year: entry.count("year"),
                memory: entry.bytes("memory"),
                memory_bandwidth: entry.byte_rate("memory_bandwidth"),
                peaks: Peaks {
                    fp32: entry.flop_rate("peak_fp32"),
                    tf32: entry.flop_rate("peak_tf32"),
                    half: entry.flop_rate("peak_16bit"),
                    fp8: entry.flop_rate("peak_fp8"),
                    int8: entry.flop_rate("peak_int8"),
                    fp4: entry.flop_rate("peak_fp4"),
                },
                measured_matmul: entry.flop_rate("measured_matmul_16bit"),
                power: entry.watts("power"),
                interconnect: entry.text("interconnect").unwrap_or("none").to_owned(),
                link_bandwidth: entry.byte_rate("link_bandwidth"),
                pcie_generation: entry.count("pcie_generation"),
                per_host: entry.count("per_host"),
                link_domain: entry.count("link_domain"),
                no_peer_access: entry.boolean("no_peer_access"),
                notes: entry.text("notes").map(str::to_owned),
                fact: file.fact(&entry, faults),
            };
            self.accelerators.insert(accelerator.name.clone(), accelerator);
        }
    }
}

/// One catalog file while it is read: its tables and the citations behind its source keys.
pub(super) struct FileReader<'a> {
    pub(super) reader: Reader<'a>,
    sources: BTreeMap<String, String>,
}

impl FileReader<'_> {
    /// Sources and date of an entry; unknown source keys and bad dates are faults.
    pub(super) fn fact(&self, entry: &Reader<'_>, faults: &mut Diagnostics) -> Fact {
        let mut sources = Vec::new();
        for key in entry.texts("source") {
            match self.sources.get(key) {
                Some(citation) => sources.push(citation.clone()),
                None => faults.push(
                    entry
                        .fault(Code::UnknownName, "", "source", format!("`{key}` is not a key of [sources]"))
                        .suggest("add it to [sources] in the same file"),
                ),
            }
        }
        Fact { sources, as_of: date(entry, "as_of", faults) }
    }
}

/// A day; one that is no day is a fault.
pub(super) fn date(entry: &Reader<'_>, key: &str, faults: &mut Diagnostics) -> Option<Date> {
    let text = entry.text(key)?;
    let parsed = text.parse().ok();
    if parsed.is_none() {
        faults.push(
            entry
                .fault(Code::OutOfRange, "", key, format!("\"{text}\" is not a day"))
                .suggest("write YYYY-MM-DD"),
        );
    }
    parsed
}

/// A required text, already checked to be there.
pub(super) fn owned(entry: &Reader<'_>, key: &str) -> String {
    entry.text(key).unwrap_or_default().to_owned()
}

fn sources(root: &Node) -> BTreeMap<String, String> {
    match root.get("sources").map(|entry| &entry.node.value) {
        Some(Value::Table(entries)) => entries
            .iter()
            .filter_map(|entry| Some((entry.key.clone(), entry.node.text()?.to_owned())))
            .collect(),
        _ => BTreeMap::new(),
    }
}

fn toml_files(folder: &Path, depth: usize) -> Result<Vec<PathBuf>, CatalogError> {
    let fault = |error| CatalogError::Folder { path: folder.to_owned(), error };
    let mut files = Vec::new();
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .map_err(fault)?
        .map(|entry| entry.map(|entry| entry.path()))
        .collect::<Result<_, _>>()
        .map_err(fault)?;
    entries.sort();
    for path in entries {
        if path.is_dir() {
            if depth < MAX_FOLDER_DEPTH {
                files.extend(toml_files(&path, depth + 1)?);
            }
        } else if path.extension().is_some_and(|extension| extension == "toml") {
            files.push(path);
        }
    }
    Ok(files)
}
