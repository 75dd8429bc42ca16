//! The fitted kernels and fabrics that every step is made of.

use crate::catalog::{Accelerator, Catalog};
use crate::steptime::fabric_profile::CollectiveProfile;
use crate::steptime::kernels::{DeviceRates, KernelProfile, NoKernel};
use crate::steptime::tables::ProfileError;

use super::network::{JobNetwork, Wiring};

/// Kernels by family of devices, and collectives by fabric.
#[derive(Clone, Debug)]
pub struct DeviceTables {
    kernels: KernelProfile,
    collectives: CollectiveProfile,
}

impl DeviceTables {
    /// The shipped tables.
    ///
    /// # Errors
    /// When a table is not what the program expects.
    pub fn embedded() -> Result<Self, ProfileError> {
        Ok(Self { kernels: KernelProfile::embedded()?, collectives: CollectiveProfile::embedded()? })
    }

    /// The kernels of a device.
    ///
    /// # Errors
    /// When the catalog knows no peak or no memory bandwidth of it.
    pub fn rates(&self, accelerator: &Accelerator) -> Result<DeviceRates, NoKernel> {
        DeviceRates::new(&self.kernels, accelerator)
    }

    /// The network of machines of a device.
    #[must_use]
    pub fn network(&self, catalog: &Catalog, accelerator: &Accelerator, wiring: &Wiring<'_>) -> JobNetwork {
        JobNetwork::of(catalog, &self.collectives, accelerator, wiring)
    }
}
