//! Devices and models as published serving tables name them.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::catalog::{Accelerator, Catalog};
use crate::steptime::ProfileError;
use crate::steptime::ordinary::{ServedDevice, ServedFacts, ServedModel};
use crate::validate::aliases::table;

/// Words that makers put before the name of a device.
const MAKERS: &[&str] =
    &["nvidia", "tesla", "geforce", "amd", "instinct", "intel", "google", "aws", "quadro"];

/// Parts of names of models that tell which network it is whatever stands around them, the longer first.
const NETWORKS: &[(&str, &str)] = &[
    ("distilbert", "distilbert-base"),
    ("bert-large", "bert-large"),
    ("roberta-large", "bert-large"),
    ("bert-base", "bert-base"),
    ("roberta-base", "bert-base"),
    ("resnext101-32x4d", "resnext101-32x4d"),
    ("resnet50", "resnet-50"),
    ("resnet-50", "resnet-50"),
    ("stable-diffusion-xl", "sdxl"),
    ("retinanet", "retinanet"),
];

#[derive(Deserialize)]
struct DeviceRow {
    published: String,
    device: String,
}

#[derive(Deserialize)]
struct ModelRow {
    published: String,
    dataset: String,
    model: String,
}

/// The alias tables.
#[derive(Clone, Debug)]
pub(super) struct Names {
    devices: BTreeMap<String, String>,
    models: BTreeMap<(String, String), String>,
    facts: ServedFacts,
}

impl Names {
    pub(super) fn embedded() -> Result<Self, ProfileError> {
        let devices: Vec<DeviceRow> = table(
            "assets/observations/serving-devices.csv",
            include_str!("../../../../assets/observations/serving-devices.csv"),
        )?;
        let models: Vec<ModelRow> = table(
            "assets/observations/serving-models.csv",
            include_str!("../../../../assets/observations/serving-models.csv"),
        )?;
        Ok(Self {
            devices: devices.into_iter().map(|row| (row.published, row.device)).collect(),
            models: models.into_iter().map(|row| ((row.published, row.dataset), row.model)).collect(),
            facts: ServedFacts::embedded()?,
        })
    }

    /// The device of a published name, by the alias table, by catalog name, or by the catalog name that it holds.
    pub(super) fn device(&self, catalog: &Catalog, published: &str) -> Option<ServedDevice> {
        let named = self.devices.get(published).map_or(published, String::as_str);
        if let Some(accelerator) = catalog.accelerators.get(named) {
            return Some(ServedDevice::of(accelerator, published));
        }
        if self.devices.contains_key(published) {
            return Some(ServedDevice::unlisted(named, published));
        }
        like(catalog, published).map(|accelerator| ServedDevice::of(accelerator, published))
    }

    /// The model of a published name with the data set it is served on, or of the catalog.
    pub(super) fn model(&self, catalog: &Catalog, published: &str, dataset: &str) -> Option<ServedModel> {
        let by = |dataset: &str| self.models.get(&(published.to_owned(), dataset.to_owned()));
        let any = || self.models.iter().find(|((name, _), _)| name == published).map(|(_, model)| model);
        let id = by(dataset).or_else(|| by("")).or_else(any).cloned();
        let id = id.or_else(|| catalog.model(published).ok().map(|model| model.id.clone()));
        let lower = published.to_lowercase();
        let network =
            || NETWORKS.iter().find(|(part, _)| lower.contains(part)).map(|(_, id)| (*id).to_owned());
        let id = id.or_else(network)?;
        self.facts.model(catalog, &id)
    }
}

/// The catalog's device whose name a published name holds, as "NVIDIA L4-PCIe-24GB" holds "L4": the longest such name.
fn like<'a>(catalog: &'a Catalog, published: &str) -> Option<&'a Accelerator> {
    let wanted = parts(published);
    let holds = |accelerator: &&Accelerator| {
        let own = parts(&accelerator.name);
        own.len() <= wanted.len() && own == wanted[..own.len()]
    };
    catalog.accelerators.values().filter(holds).max_by_key(|accelerator| parts(&accelerator.name).len())
}

fn parts(name: &str) -> Vec<String> {
    let lower = name.to_lowercase();
    let words = lower.split(|letter: char| !letter.is_alphanumeric()).filter(|word| !word.is_empty());
    words.filter(|word| !MAKERS.contains(word)).map(str::to_owned).collect()
}
