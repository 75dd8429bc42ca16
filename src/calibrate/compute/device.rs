//! The device that computes, by the word a user types.

use candle_core::{DType, Device};
use thiserror::Error;

use crate::catalog::Fingerprint;

use super::super::here::here;

/// A device as typed: `cpu`, `cuda`, `cuda:1`, `metal`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeviceName {
    /// The processor.
    Cpu,
    /// An NVIDIA GPU by its number.
    Cuda(usize),
    /// An Apple GPU by its number.
    Metal(usize),
}

/// Why a device cannot be used.
#[derive(Debug, Error)]
pub enum DeviceError {
    /// No such word.
    #[error("unknown device `{0}`")]
    Unknown(String),
    /// The program was built without it.
    #[error("this program was built without {0}")]
    NotBuilt(&'static str),
    /// The machine has none, or its driver refuses.
    #[error("no such device here: {word} ({reason})")]
    Absent {
        /// As typed.
        word: String,
        /// What the driver says.
        reason: String,
    },
}

impl DeviceName {
    /// What may be typed.
    pub const WORDS: &'static str = "cpu, cuda, cuda:N, metal";

    /// Reads the word.
    ///
    /// # Errors
    /// When it is none of [`DeviceName::WORDS`].
    pub fn parse(word: &str) -> Result<Self, DeviceError> {
        let (name, number) = word.split_once(':').unwrap_or((word, "0"));
        let unknown = || DeviceError::Unknown(word.to_owned());
        let number = number.parse().map_err(|_| unknown())?;
        match name {
            "cpu" if !word.contains(':') => Ok(Self::Cpu),
            "cuda" => Ok(Self::Cuda(number)),
            "metal" => Ok(Self::Metal(number)),
            _ => Err(unknown()),
        }
    }

    /// The word.
    #[must_use]
    pub fn word(self) -> String {
        match self {
            Self::Cpu => "cpu".to_owned(),
            Self::Cuda(number) => format!("cuda:{number}"),
            Self::Metal(number) => format!("metal:{number}"),
        }
    }

    /// Opens the device.
    ///
    /// # Errors
    /// When the program was built without it, or the machine has none.
    pub(crate) fn open(self) -> Result<Device, DeviceError> {
        let absent =
            |error: candle_core::Error| DeviceError::Absent { word: self.word(), reason: first_line(&error) };
        match self {
            Self::Cpu => Ok(Device::Cpu),
            Self::Cuda(_) if !candle_core::utils::cuda_is_available() => {
                Err(DeviceError::NotBuilt("CUDA: build it with `--features cuda`"))
            }
            Self::Metal(_) if !candle_core::utils::metal_is_available() => {
                Err(DeviceError::NotBuilt("Metal: candle's `metal` feature is off"))
            }
            Self::Cuda(number) => Device::new_cuda(number).map_err(absent),
            Self::Metal(number) => Device::new_metal(number).map_err(absent),
        }
    }

    /// Precisions worth measuring: on a processor 16 bit is emulated and tells nothing of any other device.
    pub(crate) fn precisions(self) -> &'static [(&'static str, DType)] {
        match self {
            Self::Cpu => &[("fp32", DType::F32)],
            Self::Cuda(_) => &[("fp32", DType::F32), ("bf16", DType::BF16), ("fp16", DType::F16)],
            Self::Metal(_) => &[("fp32", DType::F32), ("fp16", DType::F16)],
        }
    }
}

fn first_line(error: &candle_core::Error) -> String {
    error.to_string().lines().next().unwrap_or_default().to_owned()
}

/// The fingerprint of this machine with `device` as what computes; `accelerator` is its name in the catalog.
///
/// # Errors
/// When the device cannot be opened.
pub fn describe(device: DeviceName, accelerator: Option<String>) -> Result<Fingerprint, DeviceError> {
    device.open()?;
    let (name, driver) = match device {
        DeviceName::Cpu => ("cpu".to_owned(), None),
        DeviceName::Cuda(number) => nvidia(number),
        DeviceName::Metal(_) => (device.word(), None),
    };
    Ok(Fingerprint { device: name, driver, accelerator, ..here() })
}

/// Name and driver of an NVIDIA GPU as its driver's own tool tells them.
fn nvidia(number: usize) -> (String, Option<String>) {
    let query = ["--query-gpu=name,driver_version", "--format=csv,noheader", "-i", &number.to_string()]
        .map(str::to_owned);
    let output = std::process::Command::new("nvidia-smi").args(query).output().ok();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default();
    match text.lines().next().and_then(|line| line.split_once(',')) {
        Some((name, driver)) => (name.trim().to_owned(), Some(driver.trim().to_owned())),
        None => (format!("cuda:{number}"), None),
    }
}
