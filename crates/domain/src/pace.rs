//! An endpoint's rate limit: its deliveries reserve slots in a lane, one after the other, and each waits for its own.
//!
//! The lane is one number, the time of its next free slot. Whoever reserves moves it on, so the limit holds however many
//! do at once. A lane that was idle gives a second's worth of slots at once. Times are real: no scale applies.

use std::time::Duration;

use jiff::Timestamp;

use crate::endpoint::RateLimit;
use crate::time::{after, until};

/// Up to this limit each slot is kept by itself; beyond it a second's slots may be taken together.
const KEPT_SINGLY: u32 = 100;

/// How long a delivery waits for its slot where it is, at most: before that it waits in the queue.
const STEP: Duration = Duration::from_secs(1);

/// How much later than its slot a delivery may come, for each time that it has been put back.
const LATE: Duration = Duration::from_secs(5);

/// The longest wait after which a delivery looks again whether its limit still holds; or, where that is more, a quarter
/// of the whole wait.
const LOOK: Duration = Duration::from_mins(1);

/// The slots of an endpoint as far as they are given away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lane {
    /// The next free slot.
    pub next: Timestamp,
    /// What keeps them apart.
    pub limit: RateLimit,
    /// Since when the endpoint has been as it was when it last got another limit.
    pub as_of: Timestamp,
}

/// What is wanted of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wanted {
    /// So many slots.
    pub count: u32,
    /// The endpoint's limit, as far as the asker knows.
    pub limit: RateLimit,
    /// When the endpoint that the asker knows changed last.
    pub as_of: Timestamp,
}

/// A slot that is a delivery's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    /// When.
    pub at: Timestamp,
    /// The limit that it was reserved under.
    pub limit: RateLimit,
}

/// What becomes of a delivery that comes with a slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It goes out.
    Goes,
    /// It goes out after that wait, shorter than a second.
    GoesIn(Duration),
    /// It is put back, until then.
    Waits(Timestamp),
    /// Its slot is void: it needs another.
    NeedsAnother,
}

impl RateLimit {
    /// From one slot to the next.
    fn interval(self) -> Duration {
        Duration::from_micros(1_000_000_u64.div_ceil(u64::from(self.per_second())))
    }

    /// So many slots, in time.
    #[must_use]
    pub fn span(self, slots: u32) -> Duration {
        self.interval().saturating_mul(slots)
    }

    /// The earliest slot that an idle lane gives at `now`: a second's worth of them is due at once.
    #[must_use]
    pub fn earliest(self, now: Timestamp) -> Timestamp {
        let second = self.span(self.per_second().saturating_sub(1));
        now.saturating_sub(second).unwrap_or(now)
    }

    /// The slot in that place of those that begin at `first`.
    #[must_use]
    pub fn slot(self, first: Timestamp, place: u32) -> Slot {
        Slot { at: after(first, self.span(place)), limit: self }
    }
}

impl Wanted {
    /// The first of the slots wanted, and the lane without them.
    ///
    /// Another limit than the lane's begins it anew, unless it is the asker who knows an older one. What waits for slots
    /// of the old lane comes for new ones: see [`Slot::arrival`].
    #[must_use]
    pub fn reserve(self, lane: Option<Lane>, now: Timestamp) -> (Timestamp, Lane) {
        let limit = lane.filter(|lane| lane.as_of > self.as_of).map_or(self.limit, |lane| lane.limit);
        let earliest = limit.earliest(now);
        let first = match lane {
            None => earliest,
            Some(lane) if lane.limit == limit => lane.next.max(earliest),
            Some(lane) => lane.next.min(now).max(earliest),
        };
        let as_of = lane.map_or(self.as_of, |lane| lane.as_of.max(self.as_of));
        (first, Lane { next: after(first, limit.span(self.count)), limit, as_of })
    }
}

impl Slot {
    /// When its delivery is to come from the queue: a little early where slots are kept singly, and in between to look
    /// whether the limit still holds.
    #[must_use]
    pub fn due_at(self, now: Timestamp) -> Timestamp {
        let early = if self.limit.per_second() <= KEPT_SINGLY { STEP } else { Duration::ZERO };
        let wait = until(now, self.at).saturating_sub(early);
        after(now, wait.min(LOOK.max(wait / 4)))
    }

    /// What becomes of its delivery, which has been put back so often, under the limit that the endpoint has now.
    ///
    /// Who comes much too late would go out together with others: he gets another slot. Where that happens again, the
    /// lateness is how things are, and he may come later still.
    #[must_use]
    pub fn arrival(self, limit: RateLimit, put_back: u32, now: Timestamp) -> Arrival {
        let late = LATE.saturating_mul(put_back.saturating_add(1));
        if limit != self.limit || after(self.at, late) < now {
            return Arrival::NeedsAnother;
        }
        match until(now, self.at) {
            Duration::ZERO => Arrival::Goes,
            wait if wait <= STEP => Arrival::GoesIn(wait),
            _ => Arrival::Waits(self.due_at(now)),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    fn limit(per_second: u32) -> RateLimit {
        RateLimit::new(per_second).unwrap()
    }

    fn wanted(count: u32, per_second: u32) -> Wanted {
        Wanted { count, limit: limit(per_second), as_of: at(0) }
    }

    #[test]
    fn an_idle_lane_gives_a_second_of_slots_at_once_and_then_one_after_the_other() {
        let now = at(100_000);
        let (first, lane) = wanted(12, 10).reserve(None, now);
        assert_eq!((first, lane.next), (at(99_100), at(100_300)));
        let due = (0..12).filter(|&place| limit(10).slot(first, place).at <= now).count();
        assert_eq!(due, 10);
        let (first, lane) = wanted(5, 10).reserve(Some(lane), now);
        assert_eq!((first, lane.next), (at(100_300), at(100_800)));
    }

    #[test]
    fn a_limit_of_one_gives_one() {
        let (first, lane) = wanted(3, 1).reserve(None, at(5_000));
        assert_eq!((first, lane.next), (at(5_000), at(8_000)));
    }

    #[test]
    fn another_limit_begins_the_lane_anew_and_an_older_one_does_not() {
        let now = at(100_000);
        let (_, full) = Wanted { as_of: at(50), ..wanted(1_000, 1) }.reserve(None, now);
        assert_eq!(full.next, at(1_100_000));
        let (first, anew) = Wanted { as_of: at(60), ..wanted(1, 100) }.reserve(Some(full), now);
        assert_eq!((first, anew.limit), (now, limit(100)));
        let (first, kept) = Wanted { as_of: at(50), ..wanted(1, 1) }.reserve(Some(anew), now);
        assert_eq!((first, kept.limit, kept.as_of), (at(100_010), limit(100), at(60)));
        // A change of something else leaves the lane alone.
        let (first, same) = Wanted { as_of: at(70), ..wanted(1, 100) }.reserve(Some(kept), now);
        assert_eq!((first, same.as_of), (kept.next, at(70)));
    }

    #[test]
    fn a_delivery_comes_a_little_before_its_slot_or_to_look_whether_it_still_counts() {
        let now = at(0);
        let due = |per_second, slot| limit(per_second).slot(at(slot), 0).due_at(now).as_millisecond();
        assert_eq!([due(10, 400), due(10, 30_000), due(10, 100_000)], [0, 29_000, 60_000]);
        assert_eq!([due(1_000, 400), due(1_000, 30_000)], [400, 30_000]);
        assert_eq!(due(1, 4_001_000), 1_000_000);
    }

    #[track_caller]
    fn check(slot: i64, per_second: u32, put_back: u32, now: i64, expected: Arrival) {
        let slot = limit(10).slot(at(slot), 0);
        assert_eq!(slot.arrival(limit(per_second), put_back, at(now)), expected);
    }

    #[test]
    fn a_delivery_goes_out_in_its_slot() {
        check(10_000, 10, 0, 10_000, Arrival::Goes);
        check(10_000, 10, 0, 14_900, Arrival::Goes);
        check(10_000, 10, 0, 9_400, Arrival::GoesIn(Duration::from_millis(600)));
        check(10_000, 10, 0, 2_000, Arrival::Waits(at(9_000)));
    }

    #[test]
    fn who_comes_much_too_late_or_under_another_limit_needs_another_slot() {
        check(10_000, 10, 0, 15_100, Arrival::NeedsAnother);
        check(10_000, 10, 1, 15_100, Arrival::Goes);
        check(10_000, 20, 0, 10_000, Arrival::NeedsAnother);
        check(10_000, 20, 0, 2_000, Arrival::NeedsAnother);
    }

    proptest! {
        #[test]
        fn no_second_and_no_minute_gets_more_slots_than_the_limit_allows(
            per_second in 1u32..=RateLimit::MAX,
            asks in proptest::collection::vec((0i64..3_000, 1u32..40), 1..50),
        ) {
            let (mut lane, mut now, mut slots) = (None, 1_000_000, Vec::new());
            for (pause, count) in asks {
                now += pause;
                let (first, next) = wanted(count, per_second).reserve(lane, at(now));
                // What is past goes out at once.
                slots.extend((0..count).map(|place| limit(per_second).slot(first, place).at.max(at(now))));
                lane = Some(next);
            }
            prop_assert!(slots.is_sorted());
            for seconds in [1_u32, 60] {
                // The idle lane's second comes on top.
                let most = usize::try_from(per_second * (seconds + 1)).unwrap() + 1;
                let window = jiff::SignedDuration::from_secs(i64::from(seconds));
                for (index, slot) in slots.iter().enumerate() {
                    let end = slot.saturating_add(window).unwrap();
                    let within = slots[index..].partition_point(|other| *other < end);
                    prop_assert!(within <= most, "{within} in {seconds} s");
                }
            }
        }

        #[test]
        fn a_full_lane_wastes_no_slot(per_second in 1u32..=1_000, asks in proptest::collection::vec(1u32..40, 1..100)) {
            let now = at(1_000_000);
            let (mut lane, mut count) = (None, 0);
            for ask in asks {
                lane = Some(wanted(ask, per_second).reserve(lane, now).1);
                count += ask;
            }
            let expected = after(limit(per_second).earliest(now), limit(per_second).span(count));
            prop_assert_eq!(lane.unwrap().next, expected);
        }
    }
}
