//! Quantities as people write them: `"80 GiB"`, `"2.48 USD/h"`, `"300 ms"`.

use thiserror::Error;

use super::Money;

/// What a quantity measures; decides which units are allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Dimension {
    /// Seconds.
    Time,
    /// Bytes.
    Bytes,
    /// Bytes per second.
    BytesPerSecond,
    /// Floating-point operations.
    Flops,
    /// Operations per second.
    FlopsPerSecond,
    /// Watts.
    Power,
    /// US dollars.
    Money,
    /// US dollars per hour.
    MoneyPerHour,
    /// US dollars per gigabyte and month.
    MoneyPerByteMonth,
    /// US dollars per gigabyte.
    MoneyPerByte,
    /// US dollars per million tokens, requests or lookups.
    MoneyPerMillion,
    /// Events per second, written per second, minute, hour, day, week, or year.
    Rate,
}

/// Why a text is not a quantity of the wanted dimension.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum QuantityError {
    /// The text holds no number in front.
    #[error("`{0}` does not start with a number")]
    NotANumber(String),
    /// The number is there but no unit follows.
    #[error("`{0}` has no unit")]
    MissingUnit(String),
    /// The unit is not one of this dimension.
    #[error("`{unit}` is not a unit of {what}")]
    UnknownUnit {
        /// The unit as written.
        unit: String,
        /// The dimension in words.
        what: &'static str,
    },
    /// Infinity or NaN.
    #[error("`{0}` is not a finite number")]
    NotFinite(String),
}

impl Dimension {
    /// The dimension in words, for messages.
    #[must_use]
    pub fn words(self) -> &'static str {
        match self {
            Self::Time => "time",
            Self::Bytes => "memory or data",
            Self::BytesPerSecond => "data rate",
            Self::Flops => "arithmetic work",
            Self::FlopsPerSecond => "arithmetic rate",
            Self::Power => "power",
            Self::Money => "money",
            Self::MoneyPerHour => "price per hour",
            Self::MoneyPerByteMonth => "storage price",
            Self::MoneyPerByte => "price per amount of data",
            Self::MoneyPerMillion => "price per million",
            Self::Rate => "event rate",
        }
    }

    /// Allowed units with their factor to the SI unit (or to nano-dollars' dollar).
    #[must_use]
    pub fn units(self) -> &'static [(&'static str, f64)] {
        match self {
            Self::Time => TIME,
            Self::Bytes => BYTES,
            Self::BytesPerSecond => BYTE_RATES,
            Self::Flops => FLOPS,
            Self::FlopsPerSecond => FLOP_RATES,
            Self::Power => &[("W", 1.0), ("kW", 1e3), ("MW", 1e6)],
            Self::Money => &[("USD", 1.0), ("$", 1.0)],
            Self::MoneyPerHour => &[("USD/h", 1.0), ("$/h", 1.0), ("USD/hour", 1.0), ("USD/s", 3600.0)],
            Self::MoneyPerByteMonth => {
                &[("USD/GB-month", 1.0), ("USD/GiB-month", 1.0 / 1.073_741_824), ("USD/TB-month", 1e-3)]
            }
            Self::MoneyPerByte => &[("USD/GB", 1.0), ("USD/GiB", 1.0 / 1.073_741_824), ("USD/TB", 1e-3)],
            Self::MoneyPerMillion => PER_MILLION,
            Self::Rate => RATES,
        }
    }

    /// Least positive and greatest sensible value in SI units (dollars for money): beyond lie slips, and sums that no
    /// longer fit.
    #[must_use]
    pub fn sensible(self) -> (f64, f64) {
        match self {
            Self::Time => (1e-9, 1.5e10),
            Self::Bytes => (1e-3, 1e24),
            Self::BytesPerSecond => (1.0, 1e18),
            Self::Flops => (1.0, 1e30),
            Self::FlopsPerSecond => (1.0, 1e24),
            Self::Power => (1e-6, 1e12),
            Self::Money => (1e-9, 1e15),
            Self::MoneyPerHour => (1e-9, 1e9),
            Self::MoneyPerByteMonth | Self::MoneyPerByte => (1e-9, 1e6),
            Self::MoneyPerMillion => (1e-9, 1e9),
            Self::Rate => (1e-15, 1.0),
        }
    }

    /// Three or four units to show in a message.
    #[must_use]
    pub fn examples(self) -> String {
        let mut names: Vec<&str> = self.units().iter().map(|(name, _)| *name).collect();
        names.truncate(8);
        names.join(", ")
    }

    /// A correct value of this dimension, to show in a message.
    #[must_use]
    pub fn example(self) -> &'static str {
        match self {
            Self::Time => "16 h",
            Self::Bytes => "80 GiB",
            Self::BytesPerSecond => "100 Gbit/s",
            Self::Flops => "8.2 GFLOP",
            Self::FlopsPerSecond => "312 TFLOP/s",
            Self::Power => "700 W",
            Self::Money => "400 USD",
            Self::MoneyPerHour => "2.48 USD/h",
            Self::MoneyPerByteMonth => "0.02 USD/GB-month",
            Self::MoneyPerByte => "0.09 USD/GB",
            Self::MoneyPerMillion => "0.60 USD/Mtok",
            Self::Rate => "2 /week",
        }
    }
}

const TIME: &[(&str, f64)] = &[
    ("s", 1.0),
    ("ms", 1e-3),
    ("us", 1e-6),
    ("µs", 1e-6),
    ("ns", 1e-9),
    ("min", 60.0),
    ("h", 3600.0),
    ("day", 86_400.0),
    ("days", 86_400.0),
    ("d", 86_400.0),
    ("week", 604_800.0),
    ("weeks", 604_800.0),
    ("month", 2_628_000.0),
    ("months", 2_628_000.0),
    ("year", 31_536_000.0),
    ("years", 31_536_000.0),
    ("sec", 1.0),
    ("seconds", 1.0),
    ("minutes", 60.0),
    ("hour", 3600.0),
    ("hours", 3600.0),
];
const BYTES: &[(&str, f64)] = &[
    ("B", 1.0),
    ("kB", 1e3),
    ("KB", 1e3),
    ("MB", 1e6),
    ("GB", 1e9),
    ("TB", 1e12),
    ("PB", 1e15),
    ("KiB", 1024.0),
    ("MiB", 1_048_576.0),
    ("GiB", 1_073_741_824.0),
    ("TiB", 1_099_511_627_776.0),
    ("PiB", 1_125_899_906_842_624.0),
];
const BYTE_RATES: &[(&str, f64)] = &[
    ("B/s", 1.0),
    ("kB/s", 1e3),
    ("MB/s", 1e6),
    ("GB/s", 1e9),
    ("TB/s", 1e12),
    ("KiB/s", 1024.0),
    ("MiB/s", 1_048_576.0),
    ("GiB/s", 1_073_741_824.0),
    ("Mbit/s", 125e3),
    ("Gbit/s", 125e6),
    ("Tbit/s", 125e9),
];
const FLOPS: &[(&str, f64)] =
    &[("FLOP", 1.0), ("MFLOP", 1e6), ("GFLOP", 1e9), ("TFLOP", 1e12), ("PFLOP", 1e15), ("EFLOP", 1e18)];
const FLOP_RATES: &[(&str, f64)] = &[
    ("FLOP/s", 1.0),
    ("GFLOP/s", 1e9),
    ("TFLOP/s", 1e12),
    ("PFLOP/s", 1e15),
    ("GOP/s", 1e9),
    ("TOP/s", 1e12),
];
const PER_MILLION: &[(&str, f64)] = &[
    ("USD/Mtok", 1.0),
    ("USD/M", 1.0),
    ("USD/Mreq", 1.0),
    ("$/Mtok", 1.0),
    ("$/M", 1.0),
    ("USD/ktok", 1000.0),
];
const RATES: &[(&str, f64)] = &[
    ("/s", 1.0),
    ("/min", 1.0 / 60.0),
    ("/h", 1.0 / 3600.0),
    ("/day", 1.0 / 86_400.0),
    ("/week", 1.0 / 604_800.0),
    ("/month", 1.0 / 2_628_000.0),
    ("/year", 1.0 / 31_536_000.0),
];

/// Reads `text` as a quantity of `dimension`, in SI units (dollars for money).
///
/// # Errors
/// When the number or the unit is missing, unknown or not finite.
pub fn parse_quantity(text: &str, dimension: Dimension) -> Result<f64, QuantityError> {
    let (number, unit) = split(text)?;
    let value: f64 = number.parse().map_err(|_| QuantityError::NotANumber(text.to_owned()))?;
    if !value.is_finite() {
        return Err(QuantityError::NotFinite(text.to_owned()));
    }
    let scaled = value * factor(unit, text, dimension)?;
    if scaled.is_finite() { Ok(scaled) } else { Err(QuantityError::NotFinite(text.to_owned())) }
}

/// Reads `text` as money of `dimension` exactly, digit by digit, where the unit is the dollar itself.
///
/// # Errors
/// As [`parse_quantity`].
pub fn parse_decimal(text: &str, dimension: Dimension) -> Result<Money, QuantityError> {
    let (number, unit) = split(text)?;
    if factor(unit, text, dimension)? == 1.0
        && let Some(exact) = nano_dollars(number)
    {
        return Ok(Money(exact));
    }
    parse_quantity(text, dimension).map(Money::from_usd)
}

/// Plain decimal digits to nano-dollars; `None` when there is an exponent or more than nine decimals.
fn nano_dollars(number: &str) -> Option<i128> {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, number.strip_prefix('+').unwrap_or(number)),
    };
    let (whole, decimals) = digits.split_once('.').unwrap_or((digits, ""));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if decimals.len() > 9
        || whole.len() > 20
        || whole.is_empty()
        || !all_digits(whole)
        || !all_digits(decimals)
    {
        return None;
    }
    let whole: i128 = whole.parse().ok()?;
    let fraction: i128 = format!("{decimals:0<9}").parse().ok()?;
    Some(sign * (whole * 1_000_000_000 + fraction))
}

fn split(text: &str) -> Result<(&str, &str), QuantityError> {
    let trimmed = text.trim();
    let mut end = 0;
    let bytes = trimmed.as_bytes();
    while end < bytes.len() {
        let byte = bytes[end];
        let exponent = matches!(byte, b'e' | b'E')
            && end > 0
            && bytes.get(end + 1).is_some_and(|next| next.is_ascii_digit() || matches!(next, b'-' | b'+'));
        let sign = matches!(byte, b'-' | b'+') && (end == 0 || matches!(bytes[end - 1], b'e' | b'E'));
        if !(byte.is_ascii_digit() || byte == b'.' || byte == b'_' || exponent || sign) {
            break;
        }
        end += 1;
    }
    if end == 0 {
        let word = trimmed.split_whitespace().next().unwrap_or_default().trim_start_matches(['-', '+']);
        return Err(if word.eq_ignore_ascii_case("nan") || word.to_ascii_lowercase().starts_with("inf") {
            QuantityError::NotFinite(text.to_owned())
        } else {
            QuantityError::NotANumber(text.to_owned())
        });
    }
    let unit = trimmed[end..].trim();
    if unit.is_empty() {
        return Err(QuantityError::MissingUnit(text.to_owned()));
    }
    Ok((&trimmed[..end], unit))
}

fn factor(unit: &str, _text: &str, dimension: Dimension) -> Result<f64, QuantityError> {
    let wanted = unit.replace(char::is_whitespace, "");
    dimension
        .units()
        .iter()
        .find(|(name, _)| *name == wanted)
        .map(|(_, factor)| *factor)
        .ok_or_else(|| QuantityError::UnknownUnit { unit: unit.to_owned(), what: dimension.words() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gigabytes_and_gibibytes_are_different_words() {
        assert_eq!(parse_quantity("80 GiB", Dimension::Bytes), Ok(80.0 * 1_073_741_824.0));
        assert_eq!(parse_quantity("80GB", Dimension::Bytes), Ok(80e9));
        assert_eq!(parse_quantity("1e3 kB", Dimension::Bytes), Ok(1e6));
        assert_eq!(parse_quantity("100 Gbit/s", Dimension::BytesPerSecond), Ok(12.5e9));
    }

    #[test]
    fn prices_are_read_digit_by_digit() {
        assert_eq!(parse_decimal("88.49 USD/h", Dimension::MoneyPerHour), Ok(Money(88_490_000_000)));
        assert_eq!(parse_decimal("0.1 USD/h", Dimension::MoneyPerHour), Ok(Money(100_000_000)));
        assert_eq!(parse_decimal("-3 USD", Dimension::Money), Ok(Money(-3_000_000_000)));
    }

    #[test]
    fn each_fault_has_its_kind() {
        assert!(matches!(parse_quantity("16", Dimension::Time), Err(QuantityError::MissingUnit(_))));
        assert!(matches!(parse_quantity("16 GB", Dimension::Time), Err(QuantityError::UnknownUnit { .. })));
        assert!(matches!(parse_quantity("soon", Dimension::Time), Err(QuantityError::NotANumber(_))));
        assert!(matches!(parse_quantity("nan h", Dimension::Time), Err(QuantityError::NotFinite(_))));
        assert!(matches!(parse_quantity("1e999 h", Dimension::Time), Err(QuantityError::NotFinite(_))));
        assert!(matches!(parse_quantity("", Dimension::Time), Err(QuantityError::NotANumber(_))));
    }
}
