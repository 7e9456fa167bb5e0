//! Times as they stand in bodies and records, and the scale that a local run may put on every wait.

use std::str::FromStr;
use std::time::Duration;

use jiff::Timestamp;

/// Writes a time as bodies and API answers carry it: ISO-8601, UTC, milliseconds, `Z`.
#[must_use]
pub fn iso_ms(at: Timestamp) -> String {
    format!("{:.3}", Timestamp::from_millisecond(at.as_millisecond()).unwrap_or(at))
}

/// Adds, staying at the last representable time instead of failing.
#[must_use]
pub fn after(at: Timestamp, wait: Duration) -> Timestamp {
    at.saturating_add(jiff::SignedDuration::try_from(wait).unwrap_or(jiff::SignedDuration::MAX))
        .unwrap_or(Timestamp::MAX)
}

/// How long until `then`; zero when it has passed.
#[must_use]
pub fn until(now: Timestamp, then: Timestamp) -> Duration {
    Duration::try_from(then.duration_since(now)).unwrap_or(Duration::ZERO)
}

/// What every wait is multiplied with: 1 in earnest, less for a local run that cannot wait for days.
///
/// Retry waits, the auto-disable times and the cache's life are scaled. Deadlines of attempts are not.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TimeScale(f64);

/// A text that is no usable scale.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a time scale is a number above 0 and at most 1")]
pub struct ParseTimeScaleError;

impl TimeScale {
    /// Every wait as it is.
    pub const REAL: Self = Self(1.0);

    /// The scaled wait.
    #[must_use]
    pub fn apply(self, wait: Duration) -> Duration {
        wait.mul_f64(self.0)
    }
}

impl FromStr for TimeScale {
    type Err = ParseTimeScaleError;

    fn from_str(text: &str) -> Result<Self, ParseTimeScaleError> {
        match text.parse::<f64>() {
            Ok(scale) if scale > 0.0 && scale <= 1.0 => Ok(Self(scale)),
            _ => Err(ParseTimeScaleError),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_written_in_utc_with_exactly_three_decimals() {
        assert_eq!(iso_ms("2026-05-30T14:23:00Z".parse().unwrap()), "2026-05-30T14:23:00.000Z");
        assert_eq!(iso_ms("2026-05-30T16:23:00.1239+02:00".parse().unwrap()), "2026-05-30T14:23:00.123Z");
    }

    #[test]
    fn a_scale_is_above_zero_and_at_most_one() {
        assert_eq!("0.5".parse::<TimeScale>().map(|s| s.apply(Duration::from_secs(4))), Ok(Duration::from_secs(2)));
        for bad in ["0", "-1", "1.5", "NaN", "inf", ""] {
            assert!(bad.parse::<TimeScale>().is_err(), "{bad:?}");
        }
    }
}
