//! Rows of the public serving schema, read one at a time.

use std::collections::BTreeMap;
use std::io::Read;

use csv::StringRecord;

use crate::validate::read::{MAX_ROWS, ReadError, columns, line_error};
use crate::validate::resolve::Skip;

use super::configuration::{
    LatencyLimit, ServingConfiguration, ServingMetric, ServingScenario, ServingStatistic,
};

/// Columns that every file must have.
const REQUIRED: &[&str] =
    &["category", "model", "accelerator", "accelerator_count", "scenario", "metric", "value"];
/// Sizes and rates lie between these.
const LEAST: f64 = 1e-6;
const MOST: f64 = 1e15;

/// A published serving row: what was measured, apart from its configuration.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ServingRow {
    /// Its name, or its line where it has none.
    pub id: String,
    /// The published value; `None` when blank.
    pub value: Option<f64>,
    /// Rows that count as one measurement.
    pub weight_group: String,
    /// Metric as written.
    pub metric: String,
    /// Why the value is not to be compared with a prediction.
    pub not_scorable: Option<String>,
    /// What the prediction may read, or why there can be none.
    pub configuration: Result<ServingConfiguration, Skip>,
    /// Category, model, accelerator, framework and scenario as written, for rows that cannot be predicted too.
    pub written: [String; 5],
    /// Devices.
    pub devices: Option<u64>,
}

/// The rows of a file, as they are read.
///
/// # Errors
/// When a required column is missing; each row, when it is no row or a number is none.
pub(crate) fn rows(
    file: &str,
    source: impl Read,
) -> Result<impl Iterator<Item = Result<ServingRow, ReadError>>, ReadError> {
    let mut reader = csv::ReaderBuilder::new().comment(Some(b'#')).flexible(false).from_reader(source);
    let headers = reader.headers().map_err(|error| line_error(file, error))?.clone();
    let columns = columns(file, &headers, REQUIRED)?;
    let file = file.to_owned();
    Ok(reader.into_records().enumerate().map(move |(index, record)| {
        if index >= MAX_ROWS {
            return Err(ReadError::TooMany { file: file.clone() });
        }
        let record = record.map_err(|error| line_error(&file, error))?;
        Line { file: &file, columns: &columns, record: &record }.row()
    }))
}

struct Line<'a> {
    file: &'a str,
    columns: &'a BTreeMap<String, usize>,
    record: &'a StringRecord,
}

impl Line<'_> {
    fn text(&self, column: &str) -> &str {
        self.columns.get(column).and_then(|at| self.record.get(*at)).unwrap_or_default().trim()
    }

    fn owned(&self, column: &str) -> String {
        self.text(column).to_owned()
    }

    fn number(&self, column: &'static str) -> Result<Option<f64>, ReadError> {
        let text = self.text(column);
        if text.is_empty() {
            return Ok(None);
        }
        let number = text.parse().ok().filter(|number: &f64| number.is_finite());
        number.map(Some).ok_or_else(|| self.fault(column, "number"))
    }

    fn checked(
        &self,
        column: &'static str,
        what: &'static str,
        holds: impl Fn(f64) -> bool,
    ) -> Result<Option<f64>, ReadError> {
        match self.number(column)? {
            Some(number) if !holds(number) => Err(self.fault(column, what)),
            number => Ok(number),
        }
    }

    fn positive(&self, column: &'static str) -> Result<Option<f64>, ReadError> {
        self.checked(column, "positive number", |number| (LEAST..=MOST).contains(&number))
    }

    /// A whole number from 1.
    fn count(&self, column: &'static str) -> Result<Option<f64>, ReadError> {
        self.checked(column, "count", |number| number >= 1.0 && number.fract() == 0.0 && number < 1e9)
    }

    /// A whole number, where 0 stands for none.
    fn count_or_none(&self, column: &'static str) -> Result<Option<f64>, ReadError> {
        let whole = |number: f64| number >= 0.0 && number.fract() == 0.0 && number < 1e9;
        Ok(self.checked(column, "count", whole)?.filter(|number| *number > 0.0))
    }

    fn rate(&self) -> Result<Option<f64>, ReadError> {
        match self.text("request_rate").to_lowercase().as_str() {
            "inf" | "infinity" => Ok(Some(f64::INFINITY)),
            _ => self.positive("request_rate"),
        }
    }

    fn limits(&self) -> Result<Vec<LatencyLimit>, ReadError> {
        LatencyLimit::list(self.text("latency_limit_ms")).ok_or_else(|| {
            self.fault("latency_limit_ms", "limit like `p99=15` or `ttft_p99=2000;tpot_p99=200`")
        })
    }

    fn statistic(&self) -> Result<ServingStatistic, ReadError> {
        ServingStatistic::of(self.text("statistic"))
            .ok_or_else(|| self.fault("statistic", "`mean` or quantile between p0 and p100"))
    }

    fn flag(&self, column: &'static str) -> Result<bool, ReadError> {
        match self.text(column).to_lowercase().as_str() {
            "" | "no" | "false" => Ok(false),
            "yes" | "true" => Ok(true),
            _ => Err(self.fault(column, "`yes` or `no`")),
        }
    }

    fn fault(&self, column: &'static str, what: &'static str) -> ReadError {
        ReadError::Value {
            file: self.file.to_owned(),
            line: self.line(),
            column,
            text: self.owned(column),
            what,
        }
    }

    fn line(&self) -> u64 {
        self.record.position().map_or(0, csv::Position::line)
    }

    /// Rows of one benchmark, model, device, count and metric count once.
    fn weight_group(&self) -> String {
        match self.text("group") {
            "" => {
                let digits = |letter: char| letter.is_ascii_digit();
                let prefix = self.text("id").trim_end_matches(digits).trim_end_matches('-');
                let group = ["model", "accelerator", "accelerator_count", "metric"];
                format!("{prefix}|{}", group.map(|column| self.text(column)).join("|"))
            }
            group => group.to_owned(),
        }
    }

    fn row(&self) -> Result<ServingRow, ReadError> {
        let scorable = self.text("scorable");
        Ok(ServingRow {
            id: match self.text("id") {
                "" => format!("line {}", self.line()),
                id => id.to_owned(),
            },
            value: self.number("value")?,
            weight_group: self.weight_group(),
            metric: self.owned("metric"),
            not_scorable: scorable
                .strip_prefix("no")
                .map(|reason| reason.trim_start_matches([':', ' ']).to_owned()),
            devices: self.count("accelerator_count")?.map(|count| count as u64),
            configuration: self.configuration()?,
            written: ["category", "model", "accelerator", "framework", "scenario"]
                .map(|name| self.owned(name)),
        })
    }

    fn configuration(&self) -> Result<Result<ServingConfiguration, Skip>, ReadError> {
        let unit = self.text("unit").to_lowercase();
        let Some(metric) = ServingMetric::of(self.text("metric")) else {
            return Ok(Err(Skip::Metric(self.owned("metric"))));
        };
        let Some(scenario) = ServingScenario::of(self.text("scenario")) else {
            return Ok(Err(Skip::Scenario(self.owned("scenario"))));
        };
        Ok(Ok(ServingConfiguration {
            category: self.owned("category"),
            model: self.owned("model"),
            params_b: self.positive("params_b")?,
            precision: self.owned("precision"),
            accelerator: self.owned("accelerator"),
            accelerator_count: self.count("accelerator_count")?,
            tensor: self.count_or_none("tp")?,
            pipeline: self.count_or_none("pp")?,
            expert: self.count_or_none("ep")?,
            framework: self.owned("framework"),
            engine_version: self.owned("engine_version"),
            scenario,
            input_tokens: self.positive("input_tokens")?,
            output_tokens: self.positive("output_tokens")?,
            batch_or_concurrency: self.count("batch_or_concurrency")?,
            request_rate: self.rate()?,
            metric,
            statistic: self.statistic()?,
            per_device: ["/gpu", "/chip", "per gpu", "per accelerator"]
                .iter()
                .any(|part| unit.contains(part)),
            dataset: self.owned("dataset"),
            limits: self.limits()?,
            max_batch: self.count("max_batch")?,
            batching_delay_us: self.checked("batching_delay_us", "number of microseconds", |delay| {
                (0.0..=MOST).contains(&delay)
            })?,
            instances: self.count("instances")?,
            disaggregated: self.flag("disaggregated")?,
            prefill_accelerators: self.count_or_none("prefill_accelerators")?,
            decode_accelerators: self.count_or_none("decode_accelerators")?,
            speculative: self.owned("speculative"),
            duration_or_requests: self.owned("duration_or_requests"),
        }))
    }
}
