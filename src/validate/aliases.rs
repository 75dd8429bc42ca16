//! Names that published tables use, from the shipped alias tables.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::catalog::{Accelerator, Catalog, Model};
use crate::steptime::ProfileError;
use crate::units::{Bytes, BytesPerSecond};

/// An accelerator as published.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct PublishedAccelerator {
    published: String,
    /// Catalog name.
    pub accelerator: String,
    /// Devices of the usual host.
    pub per_node: u64,
    /// Fabric between them.
    pub fabric: String,
    /// GB of memory where it is not the catalog entry's.
    memory_gb: Option<f64>,
    /// GB/s of memory bandwidth where it is not.
    memory_bandwidth_gb_s: Option<f64>,
    /// GB/s of the device link where it is not.
    link_gb_s: Option<f64>,
}

#[derive(Clone, Debug, Deserialize)]
struct UnitCorrection {
    model: String,
    framework: String,
    factor: f64,
}

/// The alias tables.
#[derive(Clone, Debug)]
pub(super) struct Aliases {
    accelerators: BTreeMap<String, PublishedAccelerator>,
    units: Vec<UnitCorrection>,
}

impl Aliases {
    pub(super) fn embedded() -> Result<Self, ProfileError> {
        let accelerators: Vec<PublishedAccelerator> = table(
            "assets/observations/accelerators.csv",
            include_str!("../../assets/observations/accelerators.csv"),
        )?;
        let units =
            table("assets/observations/units.csv", include_str!("../../assets/observations/units.csv"))?;
        let accelerators = accelerators.into_iter().map(|row| (row.published.clone(), row)).collect();
        Ok(Self { accelerators, units })
    }

    /// The accelerator of a published name, or of a catalog name.
    pub(super) fn accelerator(&self, catalog: &Catalog, name: &str) -> Option<PublishedAccelerator> {
        self.accelerators.get(name).cloned().or_else(|| {
            let accelerator = catalog.accelerators.get(name)?;
            let fabric = match accelerator.interconnect.as_str() {
                "gaudi-roce" => "roce",
                "none" => "pcie",
                other => other,
            };
            Some(PublishedAccelerator {
                published: name.to_owned(),
                accelerator: name.to_owned(),
                per_node: accelerator.per_host.unwrap_or(8),
                fabric: fabric.to_owned(),
                memory_gb: None,
                memory_bandwidth_gb_s: None,
                link_gb_s: None,
            })
        })
    }

    /// The catalog entry of a published accelerator with what the table states otherwise.
    pub(super) fn variant(&self, catalog: &Catalog, named: &PublishedAccelerator) -> Option<Accelerator> {
        let mut accelerator = catalog.accelerators.get(&named.accelerator)?.clone();
        let rate = |stated: Option<f64>| stated.map(|rate| BytesPerSecond(rate * 1e9));
        accelerator.memory = named.memory_gb.map(|memory| Bytes(memory * 1e9)).or(accelerator.memory);
        accelerator.memory_bandwidth = rate(named.memory_bandwidth_gb_s).or(accelerator.memory_bandwidth);
        accelerator.link_bandwidth = rate(named.link_gb_s).or(accelerator.link_bandwidth);
        Some(accelerator)
    }

    /// The model of a published name, by id, alias or full name.
    pub(super) fn model<'a>(&self, catalog: &'a Catalog, name: &str) -> Option<&'a Model> {
        catalog.model(name).ok().or_else(|| catalog.models.values().find(|model| model.name == name))
    }

    /// Samples that one unit of the published value counts.
    pub(super) fn unit(&self, model: &str, framework: &str) -> f64 {
        let corrected = self.units.iter().find(|row| row.model == model && row.framework == framework);
        corrected.map_or(1.0, |row| row.factor)
    }
}

/// The rows of a shipped table.
pub(super) fn table<T: serde::de::DeserializeOwned>(
    file: &'static str,
    text: &str,
) -> Result<Vec<T>, ProfileError> {
    csv::ReaderBuilder::new()
        .comment(Some(b'#'))
        .from_reader(text.as_bytes())
        .into_deserialize()
        .collect::<Result<_, _>>()
        .map_err(|error| ProfileError::Table { file, error })
}
