//! What follows from an endpoint's health for its deliveries: who goes ahead, who waits, and who finds out whether it
//! works again.
//!
//! After three failed attempts in a row an endpoint *fails*: no event waits for it any more, its deliveries go out by
//! themselves. After twenty it is *open*, as a breaker is: what is due waits and uses up no attempt, but for one
//! delivery at a time, the probe. A success ends both.

use std::time::Duration;

use jiff::Timestamp;

use crate::delivery::Turn;
use crate::endpoint::Health;
use crate::profile::RetryPolicy;
use crate::retry::Roll;
use crate::time::{TimeScale, after, until};

/// An attempt that has taken so long counts as failed until it ends otherwise. Not scaled, like attempts' deadlines.
pub const HANGS_AFTER: Duration = Duration::from_secs(3);

/// Failed attempts in a row from which on an endpoint fails.
const FAILING_FROM: u32 = 3;

/// Failed attempts in a row from which on it is open.
const OPEN_FROM: u32 = 20;

/// How long after a failed probe the next one may go out, before scaling.
const PROBE_PAUSE: Duration = Duration::from_secs(10);

/// For how long a delivery is put back, at least and at most, before scaling.
const HOLD: (Duration, Duration) = (Duration::from_secs(5), Duration::from_mins(15));

/// How many held deliveries a second go out once an endpoint without a limit of its own works again.
pub const RELEASED_PER_SECOND: u32 = 200;

/// How an endpoint fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// Nothing speaks against it.
    Well,
    /// Its deliveries hold up nobody else's.
    Failing,
    /// One attempt at a time finds out whether it works again.
    Open,
}

impl Health {
    /// What is left of an endpoint's health when an attempt succeeds that has taken as long as what hangs: all is well,
    /// but its deliveries hold up nobody else's until one succeeds in less.
    pub const SLOW: Self = Self {
        consecutive_failures: 0,
        streak_started_at: None,
        failing_since: None,
        failed_attempts: FAILING_FROM,
        probe_at: None,
    };

    /// How the endpoint fares.
    #[must_use]
    pub fn state(&self) -> State {
        match self.failed_attempts {
            OPEN_FROM.. => State::Open,
            FAILING_FROM.. => State::Failing,
            _ => State::Well,
        }
    }

    /// Whether a probe may go out.
    #[must_use]
    pub fn may_probe(&self, now: Timestamp) -> bool {
        self.probe_at.is_none_or(|at| at <= now)
    }

    /// When the next probe may go out after so many more failures, if they leave it open.
    #[must_use]
    pub fn next_probe(&self, failures: u32, scale: TimeScale, now: Timestamp) -> Option<Timestamp> {
        let open = self.failed_attempts.saturating_add(failures) >= OPEN_FROM;
        open.then(|| after(now, scale.apply(PROBE_PAUSE)))
    }

    /// Until when a delivery to the open endpoint is put back: half as long as it has been failing, so that what waits
    /// comes back the sooner the shorter that was, spread by the dice. Never longer than until `latest`.
    #[must_use]
    pub fn hold(&self, latest: Timestamp, scale: TimeScale, now: Timestamp, roll: Roll) -> Timestamp {
        let (least, most) = (scale.apply(HOLD.0), scale.apply(HOLD.1));
        let failing_for = self.failing_since.map_or(Duration::ZERO, |since| until(since, now));
        let wait = (failing_for / 2).clamp(least, most);
        after(now, roll.between(wait / 2, wait)).min(latest)
    }
}

impl RetryPolicy {
    /// Until when an attempt may be put back because its endpoint is open: half the schedule later than it was planned,
    /// so that no delivery lives longer than one and a half schedules for that. What was asked for beside the schedule
    /// is planned for when it was asked.
    #[must_use]
    pub fn held_until(&self, turn: Turn, begun: Timestamp, scale: TimeScale) -> Timestamp {
        let planned = match turn {
            Turn::Scheduled(attempt) => self.waits.iter().take(usize::try_from(attempt.saturating_sub(1)).unwrap_or(0)),
            Turn::Manual(_) => self.waits.iter().take(0),
        };
        let whole: Duration = self.waits.iter().sum();
        after(begun, scale.apply(planned.sum::<Duration>() + whole / 2))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::delivery::ManualRequest;
    use crate::profile::Profile;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn failed(attempts: u32) -> Health {
        Health { failed_attempts: attempts, failing_since: Some(at(1_000)), ..Health::default() }
    }

    #[test]
    fn three_failures_in_a_row_are_failing_and_twenty_open() {
        for (attempts, state) in
            [(0, State::Well), (2, State::Well), (3, State::Failing), (19, State::Failing), (20, State::Open)]
        {
            assert_eq!(failed(attempts).state(), state, "{attempts}");
        }
    }

    #[test]
    fn a_slow_endpoint_holds_up_nobody_and_has_not_failed() {
        assert_eq!((Health::SLOW.state(), Health::SLOW.failing_since), (State::Failing, None));
    }

    #[test]
    fn a_probe_goes_out_where_none_is_under_way_and_ten_seconds_after_one_has_failed() {
        assert!(failed(20).may_probe(at(1_000)));
        let next = failed(20).next_probe(1, TimeScale::REAL, at(1_000));
        assert_eq!(next, Some(at(1_010)));
        let health = Health { probe_at: next, ..failed(20) };
        assert!(!health.may_probe(at(1_009)) && health.may_probe(at(1_010)));
    }

    #[test]
    fn the_failure_that_opens_it_sets_the_first_probe_time() {
        assert_eq!(failed(17).next_probe(2, TimeScale::REAL, at(1_000)), None);
        assert_eq!(failed(17).next_probe(3, TimeScale::REAL, at(1_000)), Some(at(1_010)));
    }

    #[test]
    fn a_delivery_is_put_back_for_up_to_half_as_long_as_the_endpoint_has_been_failing() {
        let held = |failing_for: i64, roll: u64| {
            let now = at(1_000 + failing_for);
            let until = failed(20).hold(Timestamp::MAX, TimeScale::REAL, now, Roll::of_bits(roll));
            until.duration_since(now).as_secs()
        };
        assert_eq!([held(0, 0), held(60, 0), held(100_000, 0)], [2, 15, 450]);
        assert_eq!([held(0, u64::MAX), held(60, u64::MAX), held(100_000, u64::MAX)], [5, 30, 900]);
    }

    #[test]
    fn no_attempt_is_held_for_more_than_half_a_schedule() {
        let policy = &Profile::named("slothbox").unwrap().retry;
        let whole: i64 = 30 + 120 + 600 + 1_800 + 3_600 + 7_200 + 18_000;
        for (turn, seconds) in [
            (Turn::Scheduled(1), whole / 2),
            (Turn::Scheduled(3), 150 + whole / 2),
            (Turn::Scheduled(8), whole + whole / 2),
            (Turn::Manual(ManualRequest(1)), whole / 2),
        ] {
            assert_eq!(policy.held_until(turn, at(0), TimeScale::REAL), at(seconds), "{turn:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_held_comes_back_by_the_latest_time_and_never_before_now(
            failing_for in 0i64..10_000_000, left in 0i64..100_000, bits: u64,
        ) {
            let now = at(1_000 + failing_for);
            let latest = at(1_000 + failing_for + left);
            let until = failed(50).hold(latest, TimeScale::REAL, now, Roll::of_bits(bits));
            prop_assert!(now <= until && until <= latest);
        }
    }
}
