//! The minutes of the clock, in which a key's calls are counted.

use jiff::Timestamp;

const MILLISECONDS: i64 = 60_000;

/// A minute of the clock, the same for everybody who looks at it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Minute(i64);

impl Minute {
    /// The minute that a time is in.
    #[must_use]
    pub fn of(at: Timestamp) -> Self {
        Self(at.as_millisecond().div_euclid(MILLISECONDS))
    }

    /// Its number, counted from 1970.
    #[must_use]
    pub fn number(self) -> i64 {
        self.0
    }

    /// Whole seconds after which it is over: at least one, and never too few.
    #[must_use]
    pub fn seconds_left(self, now: Timestamp) -> u64 {
        let end = (self.0 + 1) * MILLISECONDS;
        let left = end.saturating_sub(now.as_millisecond());
        u64::try_from(left).unwrap_or(0).div_ceil(1_000).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(ms: i64, minute: i64, left: u64) {
        let at = Timestamp::from_millisecond(ms).unwrap();
        assert_eq!((Minute::of(at).number(), Minute::of(at).seconds_left(at)), (minute, left));
    }

    #[test]
    fn what_is_left_of_a_minute_is_rounded_up_to_whole_seconds() {
        check(0, 0, 60);
        check(1, 0, 60);
        check(1_000, 0, 59);
        check(59_000, 0, 1);
        check(59_999, 0, 1);
        check(60_000, 1, 60);
        check(-1, -1, 1);
    }

    #[test]
    fn a_minute_that_is_over_has_one_second_left_for_whoever_asks_late() {
        let (then, now) = (Timestamp::from_second(30).unwrap(), Timestamp::from_second(90).unwrap());
        assert_eq!(Minute::of(then).seconds_left(now), 1);
    }
}
