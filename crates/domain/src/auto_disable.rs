//! When an endpoint that keeps failing is disabled.

use jiff::Timestamp;

use crate::endpoint::Health;
use crate::profile::{AutoDisable, AutoDisableRule};
use crate::time::{TimeScale, after};

impl AutoDisable {
    /// Whether an endpoint of this health, one of whose deliveries became exhausted at `now`, is to be disabled.
    #[must_use]
    pub fn applies(&self, health: &Health, scale: TimeScale, now: Timestamp) -> bool {
        let old_enough = |since: Option<Timestamp>, age| since.is_some_and(|at| after(at, scale.apply(age)) <= now);
        match self.rule {
            AutoDisableRule::ExhaustedStreak { exhausted, age } => {
                health.consecutive_failures >= exhausted && old_enough(health.streak_started_at, age)
            }
            AutoDisableRule::FailingFor { age } => old_enough(health.failing_since, age),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::profile::Profile;

    #[track_caller]
    fn check(profile: &str, exhausted: u32, hours: i64, expected: bool) {
        let start = Timestamp::from_second(1_000_000).unwrap();
        let health = Health {
            consecutive_failures: exhausted,
            streak_started_at: Some(start),
            failing_since: Some(start),
            ..Health::default()
        };
        let now = Timestamp::from_second(1_000_000 + hours * 3_600).unwrap();
        let rule = Profile::named(profile).unwrap().auto_disable;
        assert_eq!(rule.applies(&health, TimeScale::REAL, now), expected, "{profile} {exhausted} {hours}");
    }

    #[test]
    fn a_streak_needs_five_exhausted_deliveries_and_a_day() {
        check("slothbox", 4, 48, false);
        check("slothbox", 5, 23, false);
        check("slothbox", 5, 24, true);
        check("slothbox", 6, 200, true);
    }

    #[test]
    fn five_days_of_nothing_but_failures_are_enough_however_few() {
        check("daytona", 100, 119, false);
        check("daytona", 1, 120, true);
    }

    #[test]
    fn an_endpoint_without_a_streak_stays() {
        for profile in crate::profile::ALL {
            assert!(!profile.auto_disable.applies(&Health::default(), TimeScale::REAL, Timestamp::MAX));
        }
    }
}
