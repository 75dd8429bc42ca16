//! A small recommender: embedding tables and dense features, joined and scored by an MLP.

use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::loss::binary_cross_entropy_with_logit;

use super::parameters::{Dense, Parameters, numbers, tokens};

const TABLES: usize = 8;
const ROWS: usize = 10_000;
const WIDTH: usize = 32;
const DENSE: usize = 13;
const BOTTOM: [usize; 3] = [DENSE, 64, WIDTH];
const TOP: [usize; 4] = [(TABLES + 1) * WIDTH, 256, 128, 1];

pub(super) struct Recommender {
    tables: Vec<Tensor>,
    bottom: Vec<Dense>,
    top: Vec<Dense>,
    vars: Vec<Var>,
}

/// Records: rows of tables, dense features, whether they were clicked.
pub(super) struct Records {
    rows: Tensor,
    dense: Tensor,
    clicked: Tensor,
}

impl Recommender {
    pub fn new(dtype: DType, device: &Device) -> Result<Self> {
        let mut parameters = Parameters::new(dtype, device);
        let p = &mut parameters;
        let tables = (0..TABLES).map(|_| p.weight(&[ROWS, WIDTH], WIDTH)).collect::<Result<_>>()?;
        let mut layers = |widths: &[usize]| {
            widths.windows(2).map(|pair| Dense::new(p, pair[0], pair[1])).collect::<Result<Vec<_>>>()
        };
        let (bottom, top) = (layers(&BOTTOM)?, layers(&TOP)?);
        Ok(Self { tables, bottom, top, vars: parameters.into_vars() })
    }

    pub fn vars(&self) -> Vec<Var> {
        self.vars.clone()
    }

    /// Scores before the logistic function.
    pub fn forward(&self, records: &Records) -> Result<Tensor> {
        let mut joined = vec![through(&self.bottom, &records.dense)?.relu()?];
        for (index, table) in self.tables.iter().enumerate() {
            joined.push(table.index_select(&records.rows.get(index)?, 0)?);
        }
        through(&self.top, &Tensor::cat(&joined, 1)?)
    }

    pub fn loss(&self, records: &Records) -> Result<Tensor> {
        let scores = self.forward(records)?.squeeze(1)?.to_dtype(DType::F32)?;
        binary_cross_entropy_with_logit(&scores, &records.clicked)
    }
}

/// Layers with rectifiers between them.
fn through(layers: &[Dense], inputs: &Tensor) -> Result<Tensor> {
    let mut rows = inputs.clone();
    for (index, layer) in layers.iter().enumerate() {
        rows = layer.forward(&rows)?;
        if index + 1 < layers.len() {
            rows = rows.relu()?;
        }
    }
    Ok(rows)
}

/// Arithmetic of a forward pass over one record.
pub fn flops_forward() -> f64 {
    let of = |widths: &[usize]| widths.windows(2).map(|pair| 2.0 * (pair[0] * pair[1]) as f64).sum::<f64>();
    of(&BOTTOM) + of(&TOP)
}

/// Bytes that training keeps for a record.
pub fn bytes_kept() -> f64 {
    4.0 * 4.0 * (BOTTOM.iter().sum::<usize>() + TOP.iter().sum::<usize>()) as f64
}

pub(super) fn batch(batch: usize, dtype: DType, device: &Device) -> Result<Records> {
    let clicked = tokens(2, &[batch], device)?.to_dtype(DType::F32)?;
    Ok(Records {
        rows: tokens(ROWS, &[TABLES, batch], device)?,
        dense: numbers(&[batch, DENSE], dtype, device)?,
        clicked,
    })
}
