//! The shipped kernel tables: curves by family of accelerators, compute units by accelerator.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

use crate::catalog::Precision;
use crate::steptime::tables::{ProfileError, rows};

use super::attention::{AttentionCurve, AttentionKernel};
use super::decode::DecodeCurve;
use super::matmul::MatmulCurve;

const MATMUL_FILE: &str = "assets/profiles/matmul-kernels.csv";
const ATTENTION_FILE: &str = "assets/profiles/attention-kernels.csv";
const DECODE_FILE: &str = "assets/profiles/decode-kernels.csv";
const ELEMENTWISE_FILE: &str = "assets/profiles/elementwise-kernels.csv";
const UNITS_FILE: &str = "assets/profiles/compute-units.csv";
const FAMILIES_FILE: &str = "assets/profiles/kernel-families.csv";

/// A curve, how far it missed the tables behind it, and whose tables they are.
#[derive(Clone, Debug, PartialEq)]
pub struct Fitted<C> {
    /// The curve.
    pub curve: C,
    /// Standard deviation of ln(predicted ÷ measured) of the fit, or a judgement.
    pub log_error: f64,
    /// Table rows behind it; none for a judgement.
    pub rows: u64,
    /// Accelerators measured.
    pub accelerators: Vec<String>,
    /// Source.
    pub source: String,
}

/// Kernel curves by family; the family `default` serves families without a row.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct KernelProfile {
    pub(super) matmul: BTreeMap<(String, Precision), Fitted<MatmulCurve>>,
    pub(super) attention: BTreeMap<(String, AttentionKernel), Fitted<AttentionCurve>>,
    pub(super) decode: BTreeMap<String, Fitted<DecodeCurve>>,
    pub(super) elementwise: BTreeMap<String, Elementwise>,
    pub(super) units: BTreeMap<String, f64>,
    pub(super) families: BTreeMap<String, Kinship>,
}

/// Element-wise kernels of a family.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Elementwise {
    /// Family.
    pub family: String,
    /// Time of an empty kernel, s.
    pub launch_s: f64,
    /// Share of the memory bandwidth.
    pub bandwidth_share: f64,
    /// Standard deviation of ln(predicted ÷ measured), or a judgement.
    pub log_error: f64,
}

/// Whose curves a generation of accelerators uses, and what that adds.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub(super) struct Kinship {
    /// Catalog generation.
    pub generation: String,
    /// Family whose curves hold.
    pub family: String,
    /// Factor on the share of the peak.
    pub compute_factor: f64,
    /// Further relative error of carrying the curves over.
    pub carried_error: f64,
}

#[derive(Deserialize)]
struct MatmulRow {
    family: String,
    precision: String,
    launch_s: f64,
    bandwidth_share: f64,
    compute_share: f64,
    inner_overhead: f64,
    wave_weight: f64,
    tile_exponent: f64,
    throttle: f64,
    throttle_after_s: f64,
    overlap_loss: f64,
    conversion_passes: f64,
    log_error: f64,
    rows: u64,
    accelerators: String,
    source: String,
}

#[derive(Deserialize)]
struct AttentionRow {
    family: String,
    kernel: AttentionKernel,
    launch_s: f64,
    compute_share: f64,
    block_overhead: f64,
    critical_path: f64,
    throttle: f64,
    throttle_after_s: f64,
    bandwidth_share: f64,
    head_half: f64,
    backward_share: f64,
    log_error: f64,
    rows: u64,
    accelerators: String,
    source: String,
}

#[derive(Deserialize)]
struct DecodeRow {
    family: String,
    launch_s: f64,
    bandwidth_share: f64,
    ramp: f64,
    log_error: f64,
    rows: u64,
    accelerators: String,
    source: String,
}

#[derive(Deserialize)]
struct UnitsRow {
    accelerator: String,
    units: f64,
}

impl KernelProfile {
    /// The shipped tables.
    ///
    /// # Errors
    /// When a table is not what the program expects.
    pub fn embedded() -> Result<Self, ProfileError> {
        let mut profile = Self::default();
        for row in rows(MATMUL_FILE, include_str!("../../../assets/profiles/matmul-kernels.csv"))? {
            profile.add_matmul(row)?;
        }
        for row in rows(ATTENTION_FILE, include_str!("../../../assets/profiles/attention-kernels.csv"))? {
            profile.add_attention(row);
        }
        for row in rows(DECODE_FILE, include_str!("../../../assets/profiles/decode-kernels.csv"))? {
            profile.add_decode(row);
        }
        let elementwise: Vec<Elementwise> =
            rows(ELEMENTWISE_FILE, include_str!("../../../assets/profiles/elementwise-kernels.csv"))?;
        profile.elementwise = elementwise.into_iter().map(|row| (row.family.clone(), row)).collect();
        let units: Vec<UnitsRow> =
            rows(UNITS_FILE, include_str!("../../../assets/profiles/compute-units.csv"))?;
        profile.units = units.into_iter().map(|row| (row.accelerator, row.units)).collect();
        let families: Vec<Kinship> =
            rows(FAMILIES_FILE, include_str!("../../../assets/profiles/kernel-families.csv"))?;
        profile.families = families.into_iter().map(|row| (row.generation.clone(), row)).collect();
        Ok(profile)
    }

    fn add_matmul(&mut self, row: MatmulRow) -> Result<(), ProfileError> {
        let precision = Precision::ALL.iter().find(|(word, _)| *word == row.precision);
        let Some((_, precision)) = precision else {
            return Err(ProfileError::Unknown { file: MATMUL_FILE, what: "precision", name: row.precision });
        };
        let curve = MatmulCurve {
            launch_s: row.launch_s,
            bandwidth_share: row.bandwidth_share,
            compute_share: row.compute_share,
            inner_overhead: row.inner_overhead,
            wave_weight: row.wave_weight,
            tile_exponent: row.tile_exponent,
            throttle: row.throttle,
            throttle_after_s: row.throttle_after_s,
            overlap_loss: row.overlap_loss,
            conversion_passes: row.conversion_passes,
        };
        let fitted = fitted(curve, row.log_error, row.rows, &row.accelerators, row.source);
        self.matmul.insert((row.family, *precision), fitted);
        Ok(())
    }

    fn add_attention(&mut self, row: AttentionRow) {
        let curve = AttentionCurve {
            launch_s: row.launch_s,
            compute_share: row.compute_share,
            block_overhead: row.block_overhead,
            critical_path: row.critical_path,
            throttle: row.throttle,
            throttle_after_s: row.throttle_after_s,
            bandwidth_share: row.bandwidth_share,
            head_half: row.head_half,
            backward_share: row.backward_share,
        };
        let fitted = fitted(curve, row.log_error, row.rows, &row.accelerators, row.source);
        self.attention.insert((row.family, row.kernel), fitted);
    }

    fn add_decode(&mut self, row: DecodeRow) {
        let curve =
            DecodeCurve { launch_s: row.launch_s, bandwidth_share: row.bandwidth_share, ramp: row.ramp };
        let fitted = fitted(curve, row.log_error, row.rows, &row.accelerators, row.source);
        self.decode.insert(row.family, fitted);
    }

    /// The decode-attention curve of a family.
    #[must_use]
    pub fn decode(&self, family: &str) -> Option<&Fitted<DecodeCurve>> {
        self.decode.get(family)
    }

    /// The matrix-product curve of a family and precision, where tables or a judgement give one.
    #[must_use]
    pub fn matmul(&self, family: &str, precision: Precision) -> Option<&Fitted<MatmulCurve>> {
        self.matmul.get(&(family.to_owned(), precision))
    }

    /// The fused-attention curve of a family.
    #[must_use]
    pub fn attention(&self, family: &str, kernel: AttentionKernel) -> Option<&Fitted<AttentionCurve>> {
        self.attention.get(&(family.to_owned(), kernel))
    }
}

/// Tables written anew by a fit.
impl KernelProfile {
    /// Puts a fit in the place of a family's matrix-product curve.
    pub fn set_matmul(&mut self, family: &str, precision: Precision, fitted: Fitted<MatmulCurve>) {
        self.matmul.insert((family.to_owned(), precision), fitted);
    }

    /// Puts a fit in the place of a family's attention curve.
    pub fn set_attention(&mut self, family: &str, kernel: AttentionKernel, fitted: Fitted<AttentionCurve>) {
        self.attention.insert((family.to_owned(), kernel), fitted);
    }

    /// Puts a fit in the place of a family's decode curve.
    pub fn set_decode(&mut self, family: &str, fitted: Fitted<DecodeCurve>) {
        self.decode.insert(family.to_owned(), fitted);
    }

    /// Puts a fit in the place of a family's element-wise curve.
    pub fn set_elementwise(&mut self, fitted: Elementwise) {
        self.elementwise.insert(fitted.family.clone(), fitted);
    }

    /// Rows of the shipped table of matrix products, without its comment.
    #[must_use]
    pub fn matmul_csv(&self) -> String {
        let mut text = String::from(
            "family,precision,launch_s,bandwidth_share,compute_share,inner_overhead,wave_weight,tile_exponent,\
             throttle,throttle_after_s,overlap_loss,conversion_passes,log_error,rows,accelerators,source\n",
        );
        for ((family, precision), fitted) in &self.matmul {
            let c = &fitted.curve;
            let values = [
                c.launch_s,
                c.bandwidth_share,
                c.compute_share,
                c.inner_overhead,
                c.wave_weight,
                c.tile_exponent,
                c.throttle,
                c.throttle_after_s,
                c.overlap_loss,
                c.conversion_passes,
            ];
            write_row(&mut text, &[family, precision.word()], &values, fitted);
        }
        text
    }

    /// Rows of the shipped table of fused attention, without its comment.
    #[must_use]
    pub fn attention_csv(&self) -> String {
        let mut text = String::from(
            "family,kernel,launch_s,compute_share,block_overhead,critical_path,throttle,throttle_after_s,\
             bandwidth_share,head_half,backward_share,log_error,rows,accelerators,source\n",
        );
        for ((family, kernel), fitted) in &self.attention {
            let c = &fitted.curve;
            let values = [
                c.launch_s,
                c.compute_share,
                c.block_overhead,
                c.critical_path,
                c.throttle,
                c.throttle_after_s,
                c.bandwidth_share,
                c.head_half,
                c.backward_share,
            ];
            write_row(&mut text, &[family, kernel.word()], &values, fitted);
        }
        text
    }

    /// Rows of the shipped table of decode attention, without its comment.
    #[must_use]
    pub fn decode_csv(&self) -> String {
        let mut text =
            String::from("family,launch_s,bandwidth_share,ramp,log_error,rows,accelerators,source\n");
        for (family, fitted) in &self.decode {
            let DecodeCurve { launch_s, bandwidth_share, ramp } = fitted.curve;
            write_row(&mut text, &[family], &[launch_s, bandwidth_share, ramp], fitted);
        }
        text
    }

    /// Rows of the shipped table of element-wise kernels, without its comment.
    #[must_use]
    pub fn elementwise_csv(&self) -> String {
        let mut text = String::from("family,launch_s,bandwidth_share,log_error\n");
        for Elementwise { family, launch_s, bandwidth_share, log_error } in self.elementwise.values() {
            // Writing to a string does not fail.
            let _ = writeln!(text, "{family},{launch_s:.4e},{bandwidth_share:.4},{log_error:.3}");
        }
        text
    }
}

fn write_row<C>(text: &mut String, keys: &[&str], values: &[f64], fitted: &Fitted<C>) {
    let values: Vec<String> = values.iter().map(|value| format!("{value:.4e}")).collect();
    let accelerators = fitted.accelerators.join(" ");
    let (keys, values, source) = (keys.join(","), values.join(","), &fitted.source);
    // Writing to a string does not fail.
    let _ =
        writeln!(text, "{keys},{values},{:.3},{},{accelerators},\"{source}\"", fitted.log_error, fitted.rows);
}

fn fitted<C>(curve: C, log_error: f64, rows: u64, accelerators: &str, source: String) -> Fitted<C> {
    let accelerators = accelerators.split_whitespace().map(str::to_owned).collect();
    Fitted { curve, log_error, rows, accelerators, source }
}
