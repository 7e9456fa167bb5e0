//! What came of an endpoint's deliveries, in numbers.

use std::time::Duration;

use jiff::Timestamp;

use crate::delivery::DeliveryStatus;

const HOUR_MS: i64 = 3_600_000;

/// What is counted of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// When it was made.
    pub created_at: Timestamp,
    /// What it counts as.
    pub state: State,
    /// How long each of its finished attempts took.
    pub latencies: Vec<Duration>,
}

/// What a delivery counts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// The receiver has it.
    Success,
    /// Over without success.
    Fail,
    /// Waiting for an attempt.
    Pending,
    /// An attempt is being made.
    Sending,
    /// Over without being attempted (further).
    Skipped,
}

/// How many deliveries count as what.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// The receiver has them.
    pub success: u64,
    /// Over without success.
    pub fail: u64,
    /// Waiting for an attempt.
    pub pending: u64,
    /// With an attempt being made.
    pub sending: u64,
    /// Over without being attempted (further).
    pub skipped: u64,
}

/// Deliveries in numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statistics {
    /// All of them.
    pub total: Counts,
    /// Those made in each hour by its start, oldest first, none left out.
    pub hours: Vec<(Timestamp, Counts)>,
    /// How long attempts took, if there were any.
    pub latency: Option<Percentiles>,
}

/// Times of which a part is not exceeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Percentiles {
    /// Half of the attempts took no longer.
    pub p50: Duration,
    /// 95 of 100 took no longer.
    pub p95: Duration,
}

impl State {
    /// What a delivery counts as that is so far; `claimed_until` is when its worker's time ends.
    #[must_use]
    pub fn of(status: DeliveryStatus, skipped: bool, claimed_until: Option<Timestamp>, now: Timestamp) -> Self {
        match status {
            DeliveryStatus::Delivered => Self::Success,
            DeliveryStatus::Exhausted if skipped => Self::Skipped,
            DeliveryStatus::Exhausted => Self::Fail,
            _ if claimed_until.is_some_and(|until| until > now) => Self::Sending,
            DeliveryStatus::Pending | DeliveryStatus::Failed => Self::Pending,
        }
    }
}

impl Counts {
    fn add(&mut self, state: State) {
        let count = match state {
            State::Success => &mut self.success,
            State::Fail => &mut self.fail,
            State::Pending => &mut self.pending,
            State::Sending => &mut self.sending,
            State::Skipped => &mut self.skipped,
        };
        *count += 1;
    }
}

/// The start of the hour that was begun `hours - 1` hours before the present one: so many hours end with this one.
#[must_use]
pub fn window_start(now: Timestamp, hours: u16) -> Timestamp {
    hour_start(hour(now) - i64::from(hours.saturating_sub(1)))
}

/// Counts deliveries made from `since` on, by the hours up to `now`.
#[must_use]
pub fn count(deliveries: &[Outline], since: Timestamp, now: Timestamp) -> Statistics {
    let first = hour(since);
    let mut hours: Vec<(Timestamp, Counts)> =
        (first..=hour(now).max(first)).map(|hour| (hour_start(hour), Counts::default())).collect();
    let mut total = Counts::default();
    let last = hours.len().saturating_sub(1);
    for delivery in deliveries {
        total.add(delivery.state);
        // A clock that is ahead of this one does not make another hour.
        let at = usize::try_from(hour(delivery.created_at) - first).unwrap_or(0).min(last);
        if let Some((_, counts)) = hours.get_mut(at) {
            counts.add(delivery.state);
        }
    }
    let latencies = deliveries.iter().flat_map(|delivery| &delivery.latencies).copied().collect();
    Statistics { total, hours, latency: percentiles(latencies) }
}

/// By nearest rank: the value that so many of a hundred do not exceed.
fn percentiles(mut latencies: Vec<Duration>) -> Option<Percentiles> {
    latencies.sort_unstable();
    let rank = |percent: usize| latencies.get((latencies.len() * percent).div_ceil(100).checked_sub(1)?).copied();
    Some(Percentiles { p50: rank(50)?, p95: rank(95)? })
}

/// The number of an hour since 1970.
fn hour(at: Timestamp) -> i64 {
    at.as_millisecond().div_euclid(HOUR_MS)
}

fn hour_start(hour: i64) -> Timestamp {
    Timestamp::from_millisecond(hour * HOUR_MS).unwrap_or(Timestamp::UNIX_EPOCH)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn outline(created_at: &str, state: State, ms: &[u64]) -> Outline {
        Outline {
            created_at: at(created_at),
            state,
            latencies: ms.iter().copied().map(Duration::from_millis).collect(),
        }
    }

    #[test]
    fn a_delivery_counts_as_one_thing() {
        let now = at("2026-05-30T14:00:00Z");
        let (later, earlier) = (Some(at("2026-05-30T14:00:01Z")), Some(at("2026-05-30T14:00:00Z")));
        for (status, skipped, claim, expected) in [
            (DeliveryStatus::Delivered, false, None, State::Success),
            (DeliveryStatus::Exhausted, false, None, State::Fail),
            (DeliveryStatus::Exhausted, true, later, State::Skipped),
            (DeliveryStatus::Pending, false, None, State::Pending),
            (DeliveryStatus::Pending, false, later, State::Sending),
            (DeliveryStatus::Failed, false, earlier, State::Pending),
            (DeliveryStatus::Failed, false, later, State::Sending),
        ] {
            assert_eq!(State::of(status, skipped, claim, now), expected);
        }
    }

    #[test]
    fn every_hour_of_the_window_is_there_and_each_delivery_in_its_own() {
        let now = at("2026-05-30T14:23:00Z");
        let since = window_start(now, 3);
        assert_eq!(since, at("2026-05-30T12:00:00Z"));
        let deliveries = [
            outline("2026-05-30T15:00:00Z", State::Pending, &[]),
            outline("2026-05-30T14:00:00Z", State::Success, &[5]),
            outline("2026-05-30T12:59:59.999Z", State::Skipped, &[]),
            outline("2026-05-30T12:00:00Z", State::Success, &[7]),
        ];
        let counted = count(&deliveries, since, now);
        let counts = |success, pending, skipped| Counts { success, pending, skipped, ..Counts::default() };
        assert_eq!(counted.total, counts(2, 1, 1));
        let hours: Vec<_> = counted.hours.iter().map(|(hour, counts)| (hour.to_string(), *counts)).collect();
        assert_eq!(
            hours,
            [
                ("2026-05-30T12:00:00Z".to_owned(), counts(1, 0, 1)),
                ("2026-05-30T13:00:00Z".to_owned(), counts(0, 0, 0)),
                ("2026-05-30T14:00:00Z".to_owned(), counts(1, 1, 0)),
            ]
        );
        assert_eq!(count(&[], since, now).latency, None);
        assert_eq!(window_start(now, 1), at("2026-05-30T14:00:00Z"));
    }

    #[track_caller]
    fn check(ms: impl IntoIterator<Item = u64>, p50: u64, p95: u64) {
        let found = percentiles(ms.into_iter().map(Duration::from_millis).collect()).unwrap();
        assert_eq!((found.p50.as_millis(), found.p95.as_millis()), (p50.into(), p95.into()));
    }

    #[test]
    fn percentiles_are_values_that_were_measured() {
        check([9], 9, 9);
        check([30, 10, 20, 40], 20, 40);
        check(1..=20, 10, 19);
        check((1..=100).rev(), 50, 95);
    }
}
