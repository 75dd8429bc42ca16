//! Rows of the serving schema: read, predicted, scored beside training rows in one report.

mod configuration;

pub use configuration::{
    LatencyLimit, ServingConfiguration, ServingMetric, ServingScenario, ServingStatistic,
};
