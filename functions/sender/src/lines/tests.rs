use hookbell_domain::delivery::{DeliveryStatus, Route};
use hookbell_domain::ids::{DeliveryId, EndpointId, MessageId};

use super::*;
use crate::sender::TIME_TO_RECORD;

#[test]
fn behind_a_record_that_comes_again_is_its_group_and_only_where_there_is_an_order() {
    let record = |queue: &str, group: &str| Record {
        message_id: String::new(),
        body: String::new(),
        queue_arn: queue.to_owned(),
        receipt_handle: String::new(),
        group: group.to_owned(),
        sent_at: Timestamp::UNIX_EPOCH,
        receive_count: 1,
        mark: None,
    };
    let positions = |queue, again: &[usize]| -> Vec<usize> {
        let records = ["a", "b", "a", "b", "a"].map(|group| record(queue, group));
        let records: Vec<&Record> = records.iter().collect();
        behind(&records, &again.iter().copied().collect()).into_iter().collect()
    };
    assert_eq!(positions("arn:events.fifo", &[]), [0; 0]);
    assert_eq!(positions("arn:events.fifo", &[2]), [4]);
    assert_eq!(positions("arn:events.fifo", &[0, 3]), [2, 4]);
    assert_eq!(positions("arn:events", &[0, 3]), [0; 0]);
}

#[test]
fn a_line_that_we_fail_at_for_most_of_a_week_is_still_there() {
    // `maxReceiveCount` of its queue, in template.yaml.
    let waited: Duration = (1..=1_000).map(failure_wait).sum();
    assert!(waited > Duration::from_hours(6 * 24), "{waited:?}");
    assert_eq!(failure_wait(1), FAILURE_WAIT);
}

fn row(status: DeliveryStatus, scheduled: u32) -> Delivery {
    let at = Timestamp::from_second(1_000).unwrap();
    let route = Route {
        message_id: MessageId::new(at, 2),
        endpoint_id: EndpointId::new(at, 3),
        organization_id: "org_1".parse().unwrap(),
        event_type: "environment.started".to_owned(),
    };
    Delivery { status, scheduled, ..Delivery::waiting(DeliveryId::new(at, 1), route, at) }
}

/// Which attempt has its turn, and when it is due.
fn next(makes: bool, row: &Delivery) -> Option<(u32, i64)> {
    let asked = DeliveryTask::asked(row, row.updated_at, 1);
    let task = DeliveryTask { makes: makes.then(String::new), ..asked };
    next_attempt(task, Some(row)).map(|task| (task.attempt, task.due_at))
}

#[test]
fn the_row_says_which_attempt_has_its_turn() {
    let due = Timestamp::from_second(2_000).ok();
    assert_eq!(next(false, &row(DeliveryStatus::Pending, 0)), Some((1, 1_000_000)));
    let failed = Delivery { next_retry_at: due, ..row(DeliveryStatus::Failed, 3) };
    assert_eq!(next(true, &failed), Some((4, 2_000_000)));
    for over in [DeliveryStatus::Delivered, DeliveryStatus::Exhausted] {
        assert_eq!(next(true, &row(over, 2)), None);
    }
}

#[test]
fn what_was_skipped_before_any_attempt_is_open_to_whoever_asks_for_it_again() {
    let skipped = Delivery { skipped: Some("x".to_owned()), ..row(DeliveryStatus::Exhausted, 0) };
    assert_eq!((next(true, &skipped), next(false, &skipped)), (Some((1, 1_000_000)), None));
}

#[test]
fn a_line_with_a_rate_limit_begins_nothing_that_its_wait_for_a_slot_could_make_too_late() {
    let (deadline, now) = (Duration::from_secs(20), Timestamp::now());
    let has_time = |left: u64, limit| {
        let ends_at = after(now, deadline + TIME_TO_RECORD + Duration::from_secs(left));
        has_time(Budget { began_at: now, ends_at }, deadline, limit)
    };
    let limit = RateLimit::new(1);
    assert!(limit.is_some());
    assert_eq!([has_time(1, None), has_time(1, limit), has_time(60, limit)], [true, false, true]);
}
