//! What a layout costs, for the search: seconds per step by the step model of transformers.

use crate::catalog::ParallelLayout;
use crate::layout::StepCost;
use crate::steptime::TransformerCost;

/// The cost of layouts of one candidate; models that are not split have one layout and need none.
#[derive(Clone, Copy, Debug)]
pub(super) struct LayoutCost<'a>(pub Option<TransformerCost<'a>>);

impl StepCost for LayoutCost<'_> {
    fn seconds(&self, layout: &ParallelLayout) -> f64 {
        self.0.map_or(0.0, |cost| cost.seconds(layout))
    }

    fn at_least(&self, layout: &ParallelLayout) -> f64 {
        self.0.map_or(0.0, |cost| cost.at_least(layout))
    }
}
