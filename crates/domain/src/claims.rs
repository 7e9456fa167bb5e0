//! Who may make which attempt of a delivery: what its row says of its two lanes, the schedule's and the one of attempts
//! that somebody asked for.

use jiff::Timestamp;

use crate::delivery::{Claimant, Delivery, Turn};

impl Delivery {
    /// Until when a worker has the attempt.
    #[must_use]
    pub fn claimed_until(&self, turn: Turn) -> Option<Timestamp> {
        match turn {
            Turn::Scheduled(_) => self.claim.and_then(|claim| claim.until),
            Turn::Manual(request) => self.manual.filter(|manual| manual.request == request)?.until,
        }
    }

    /// Whether the attempt was taken by that worker; one that was asked for by whoever carries its request.
    #[must_use]
    pub fn is_claimed_by(&self, turn: Turn, worker: Claimant) -> bool {
        match turn {
            Turn::Scheduled(_) => self.claim.is_some_and(|claim| claim.by == worker),
            Turn::Manual(request) => self.manual.is_some_and(|manual| manual.request == request),
        }
    }

    /// Whether nobody has recorded the attempt, nor one after it in its lane.
    #[must_use]
    pub fn is_unrecorded(&self, turn: Turn) -> bool {
        match turn {
            Turn::Scheduled(n) => self.scheduled == n.saturating_sub(1),
            Turn::Manual(request) => {
                self.manual.is_none_or(|manual| manual.request != request || manual.until.is_some())
            }
        }
    }

    /// Whether the attempt is still to be made: the schedule's are over when the delivery has ended.
    #[must_use]
    pub fn awaits(&self, turn: Turn) -> bool {
        let over = matches!(turn, Turn::Scheduled(_)) && !self.status.is_open();
        !over && self.is_unrecorded(turn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::{Claimed, DeliveryStatus, ManualAttempt, ManualRequest, Route};
    use crate::ids::{DeliveryId, EndpointId, MessageId};

    const WORKER: Claimant = Claimant(1);
    const ASKED: Turn = Turn::Manual(ManualRequest(7));

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn delivery(status: DeliveryStatus, scheduled: u32) -> Delivery {
        let route = Route {
            message_id: MessageId::new(at(1), 1),
            endpoint_id: EndpointId::new(at(1), 2),
            organization_id: "org_1".parse().unwrap(),
            event_type: "environment.started".to_owned(),
        };
        Delivery { status, scheduled, ..Delivery::waiting(DeliveryId::new(at(1), 3), route, at(1)) }
    }

    #[test]
    fn the_schedule_awaits_its_next_attempt_while_the_delivery_is_open() {
        let failed = delivery(DeliveryStatus::Failed, 2);
        for (n, awaited) in [(2, false), (3, true), (4, false)] {
            assert_eq!(failed.awaits(Turn::Scheduled(n)), awaited, "{n}");
        }
        let delivered = delivery(DeliveryStatus::Delivered, 2);
        assert!(delivered.is_unrecorded(Turn::Scheduled(3)) && !delivered.awaits(Turn::Scheduled(3)));
    }

    #[test]
    fn what_was_asked_for_is_awaited_until_it_is_recorded_whatever_the_schedule_says() {
        let exhausted = delivery(DeliveryStatus::Exhausted, 8);
        assert!(exhausted.awaits(ASKED) && exhausted.claimed_until(ASKED).is_none());
        let with = |request, until| {
            let manual = Some(ManualAttempt { request: ManualRequest(request), until });
            Delivery { manual, ..exhausted.clone() }
        };
        let under_way = with(7, Some(at(9)));
        assert!(under_way.awaits(ASKED) && under_way.is_claimed_by(ASKED, WORKER));
        assert_eq!(under_way.claimed_until(ASKED), Some(at(9)));
        assert!(!with(7, None).awaits(ASKED), "it is recorded");
        let other = with(8, Some(at(9)));
        assert!(other.awaits(ASKED) && !other.is_claimed_by(ASKED, WORKER) && other.claimed_until(ASKED).is_none());
    }

    #[test]
    fn a_claim_of_the_schedule_is_known_by_its_worker() {
        let claim = Some(Claimed { by: WORKER, until: Some(at(9)) });
        let claimed = Delivery { claim, ..delivery(DeliveryStatus::Pending, 0) };
        let turn = Turn::Scheduled(1);
        assert!(claimed.is_claimed_by(turn, WORKER) && !claimed.is_claimed_by(turn, Claimant(2)));
        assert_eq!((claimed.claimed_until(turn), claimed.claimed_until(ASKED)), (Some(at(9)), None));
    }
}
