//! Where a served model lives, and how several models share a fleet.

/// Where the model lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostingKind {
    /// An HTTP service on own machines.
    Microservice,
    /// A managed endpoint.
    ManagedEndpoint,
    /// A managed batch job.
    ManagedBatch,
    /// Instances that come and go with requests, paid while they are there.
    Serverless,
    /// In process, in a data pipeline.
    InProcess,
}

impl HostingKind {
    /// Every kind with its word in scenarios.
    pub const ALL: &'static [(&'static str, Self)] = &[
        ("microservice", Self::Microservice),
        ("managed-endpoint", Self::ManagedEndpoint),
        ("managed-batch", Self::ManagedBatch),
        ("serverless", Self::Serverless),
        ("in-process", Self::InProcess),
    ];
    /// The words in scenarios.
    pub const WORDS: &'static [&'static str] =
        &["microservice", "managed-endpoint", "managed-batch", "serverless", "in-process"];

    /// The kind of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        Self::ALL.iter().find(|(known, _)| *known == word).map(|(_, kind)| *kind)
    }

    /// The word in scenarios.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::ALL.iter().find(|(_, kind)| *kind == self).map_or("", |(word, _)| word)
    }
}

/// How several models share the machines of a fleet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// Every replica holds all models: their weights are resident, and they share its devices.
    #[default]
    Together,
    /// Every machine holds one model.
    Apart,
}

impl Placement {
    /// The words in scenarios.
    pub const WORDS: &'static [&'static str] = &["together", "apart"];

    /// The placement of a word.
    #[must_use]
    pub fn of(word: &str) -> Option<Self> {
        match word {
            "together" => Some(Self::Together),
            "apart" => Some(Self::Apart),
            _ => None,
        }
    }

    /// The word in scenarios.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Together => "together",
            Self::Apart => "apart",
        }
    }
}
