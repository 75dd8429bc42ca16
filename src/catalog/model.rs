//! Models: what training one costs in arithmetic, memory and bytes read.

use crate::units::{Bytes, Flops, Seconds};

use super::{Fact, Transformer};

/// The family of a model's operations; decides which measurements may stand in for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Architecture {
    /// Convolutional networks for images.
    Convolutional,
    /// Encoder-only transformers.
    TransformerEncoder,
    /// Decoder-only transformers.
    TransformerDecoder,
    /// Encoder-decoder transformers.
    EncoderDecoder,
    /// Recommenders with embedding tables.
    Recommender,
    /// Recurrent networks.
    Recurrent,
    /// Convolutional encoder-decoders for segmentation.
    UNet,
    /// Diffusion U-Nets.
    DiffusionUNet,
    /// Diffusion transformers.
    DiffusionTransformer,
}

impl Architecture {
    /// Every architecture with its word in model files.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("convolutional", Self::Convolutional),
        ("transformer-encoder", Self::TransformerEncoder),
        ("transformer-decoder", Self::TransformerDecoder),
        ("encoder-decoder", Self::EncoderDecoder),
        ("recommender", Self::Recommender),
        ("recurrent", Self::Recurrent),
        ("u-net", Self::UNet),
        ("diffusion-u-net", Self::DiffusionUNet),
        ("diffusion-transformer", Self::DiffusionTransformer),
    ];

    /// The word in model files.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, architecture)| *architecture == self).map_or("", |(word, _)| word)
    }

    /// Whether most arithmetic is attention and matrix products over tokens.
    #[must_use]
    pub fn is_transformer(self) -> bool {
        matches!(
            self,
            Self::TransformerEncoder
                | Self::TransformerDecoder
                | Self::EncoderDecoder
                | Self::DiffusionTransformer
        )
    }
}

/// The data set a model is usually trained on.
#[derive(Clone, Debug, Default)]
pub struct Dataset {
    /// Its name.
    pub name: Option<String>,
    /// Samples in one epoch.
    pub samples: Option<f64>,
    /// Stored bytes of one sample.
    pub sample_bytes: Option<Bytes>,
    /// Usual epochs.
    pub epochs: Option<f64>,
}

/// One model.
#[derive(Clone, Debug)]
pub struct Model {
    /// Catalog id, as `resnet-50`.
    pub id: String,
    /// Full name.
    pub name: String,
    /// Names used in published tables.
    pub aliases: Vec<String>,
    /// Field: `vision`, `nlp`, `recsys`, `diffusion`, `speech`, `llm`.
    pub category: String,
    /// Family of operations.
    pub architecture: Architecture,
    /// What one sample is, as `image`.
    pub sample: String,
    /// Dense parameters: those whose gradients are reduced over all workers.
    pub parameters: f64,
    /// Parameters that one token meets, of mixtures of experts.
    pub active_parameters: Option<f64>,
    /// Parameters in sparse embedding tables.
    pub embedding_parameters: f64,
    /// Embedding bytes touched per sample.
    pub embedding_lookup_bytes: Bytes,
    /// Forward arithmetic per sample (one multiply-add counts two).
    pub flops_forward: Flops,
    /// Tokens per sample, for models over sequences.
    pub sequence_length: Option<f64>,
    /// Most tokens that it takes at once, prompt and answer together; `None` where no limit is known.
    pub context_length: Option<f64>,
    /// Width of the hidden state.
    pub hidden: Option<f64>,
    /// Layers.
    pub layers: Option<f64>,
    /// Attention heads.
    pub heads: Option<f64>,
    /// Vocabulary.
    pub vocabulary: Option<f64>,
    /// The shape of its layers, for transformers that can be split.
    pub transformer: Option<Transformer>,
    /// Activations kept per sample in 16-bit training.
    pub activation_memory: Option<Bytes>,
    /// Stored bytes of one sample.
    pub bytes_per_sample: Option<Bytes>,
    /// Bytes of one sample as fed to the device.
    pub decoded_bytes_per_sample: Option<Bytes>,
    /// CPU time per sample on one core to decode and augment the original files.
    pub decode_cpu: Option<Seconds>,
    /// CPU time per sample on one core to decode a preprocessed record.
    pub record_decode_cpu: Option<Seconds>,
    /// Usual optimizer.
    pub optimizer: Option<String>,
    /// Usual global batch.
    pub default_batch: Option<f64>,
    /// Batch beyond which samples to target double (gradient-noise scale).
    pub critical_batch: Option<f64>,
    /// Samples to the usual quality target at small batch.
    pub samples_to_target: Option<f64>,
    /// The usual data set.
    pub dataset: Dataset,
    /// Source and date.
    pub fact: Fact,
}

impl Model {
    /// The shape by which training is split and timed layer by layer: that of language and diffusion models. Other
    /// models, transformers among them, are timed whole, as published.
    #[must_use]
    pub fn split_shape(&self) -> Option<&Transformer> {
        let split = matches!(self.category.as_str(), "llm" | "moe" | "diffusion");
        self.transformer.as_ref().filter(|_| split)
    }

    /// Forward and backward arithmetic per sample: the backward pass costs twice the forward.
    #[must_use]
    pub fn training_flops(&self) -> Flops {
        self.flops_forward * 3.0
    }
}
