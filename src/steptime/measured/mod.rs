//! Steps that the user measured: on the machine of a profile as they are, on other devices only by a rule that the user
//! named. A curve of one device never silently becomes another's.

mod draws;
mod language;
mod machine;
mod query;
mod serving;
mod transfer;

use std::sync::Arc;

use crate::catalog::measured::{Difference, ProfileOrigin};
use crate::catalog::{Accelerator, Catalog, Fingerprint, MeasuredProfile, Precision, Provenance};

pub use draws::{FACTORS, predicted};
pub use language::MeasuredIterations;
pub use query::{MeasuredAnswer, MeasuredQuery, NotMeasured};
pub use transfer::{Transfer, TransferRule};

/// Where the figures were measured, as seen from here.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// On this machine.
    Here,
    /// Read from another tool's file, whose user vouches for them.
    Imported,
    /// On another machine, or this program cannot tell: in which respects they differ.
    Elsewhere(Vec<Difference>),
}

/// A profile as a scenario uses it.
#[derive(Clone, Debug, PartialEq)]
pub struct MeasuredSteps {
    /// What was measured.
    pub profile: Arc<MeasuredProfile>,
    /// Where.
    pub standing: Standing,
    /// How it is carried to other devices.
    pub transfers: Vec<Transfer>,
}

/// How a profile speaks of a device.
#[derive(Clone, Copy, Debug)]
pub enum Way<'a> {
    /// It was measured on it.
    Own,
    /// It is carried to it by a rule.
    Carried(&'a Transfer, &'a Accelerator),
}

impl MeasuredSteps {
    /// A profile, judged against the machine that the program stands on.
    #[must_use]
    pub fn new(profile: Arc<MeasuredProfile>, here: Option<&Fingerprint>, transfers: Vec<Transfer>) -> Self {
        let standing = match (&profile.origin, here) {
            (ProfileOrigin::Imported { .. }, _) => Standing::Imported,
            (ProfileOrigin::Measured, Some(here)) if profile.machine.same_machine(here) => Standing::Here,
            (ProfileOrigin::Measured, Some(here)) => Standing::Elsewhere(profile.machine.differences(here)),
            (ProfileOrigin::Measured, None) => Standing::Elsewhere(Vec::new()),
        };
        Self { profile, standing, transfers }
    }

    /// How the profile speaks of a fleet's device: `None` when it says nothing of it.
    #[must_use]
    pub fn way<'a>(&'a self, is_own: bool, accelerator: Option<&'a Accelerator>) -> Option<Way<'a>> {
        let names_it =
            |accelerator: &Accelerator| self.profile.machine.accelerator.as_ref() == Some(&accelerator.name);
        if is_own || accelerator.is_some_and(names_it) {
            return Some(Way::Own);
        }
        let accelerator = accelerator?;
        let rule = self.transfers.iter().find(|transfer| transfer.to == accelerator.name)?;
        Some(Way::Carried(rule, accelerator))
    }

    /// How well figures of the machine itself are known; on another machine they are carried over.
    pub(super) fn provenance(&self) -> Provenance {
        match self.standing {
            Standing::Here | Standing::Imported => Provenance::Measured,
            Standing::Elsewhere(_) => Provenance::Extrapolated,
        }
    }

    /// `measured here`, or where else.
    #[must_use]
    pub fn words(&self) -> String {
        let name = &self.profile.name;
        let day = self.profile.measured;
        match &self.standing {
            Standing::Here => format!("measured here on {day} (profile {name})"),
            Standing::Imported => format!("measured by the user, imported on {day} (profile {name})"),
            Standing::Elsewhere(_) => {
                format!(
                    "measured on another machine, {}, on {day} (profile {name})",
                    self.profile.machine.words()
                )
            }
        }
    }

    /// What the reader must know of a profile of another machine.
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let Standing::Elsewhere(differences) = &self.standing else { return None };
        let respects: Vec<String> = differences
            .iter()
            .filter(|difference| difference.other_machine)
            .map(|difference| {
                format!("{} {} there, {} here", difference.what, difference.measured, difference.here)
            })
            .collect();
        let why = if respects.is_empty() {
            "this program cannot tell which".to_owned()
        } else {
            respects.join("; ")
        };
        Some(format!(
            "profile {} was measured on another machine ({why}): run `capplan calibrate train --out FILE` here",
            self.profile.name
        ))
    }

    /// The step of a model on the device that `way` names.
    ///
    /// # Errors
    /// When neither a curve nor a measured roof says anything of it.
    pub fn step(
        &self,
        catalog: &Catalog,
        way: Way<'_>,
        query: &MeasuredQuery<'_>,
    ) -> Result<MeasuredAnswer, NotMeasured> {
        let own = self.own_step(catalog, query)?;
        match way {
            Way::Own => Ok(own),
            Way::Carried(transfer, accelerator) => self.carry(&own, transfer, accelerator, query.precision),
        }
    }

    /// Precision as the settings of curves name it.
    pub(super) fn word(precision: Precision) -> &'static str {
        precision.word()
    }
}
