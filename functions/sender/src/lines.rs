//! Ordered endpoints: the deliveries of each stand in line on the FIFO queue, and go out one after the other.
//!
//! The invariant: nobody is attempted before those in front are over. A head that is not due, or that we fail at, is kept
//! back together with all behind it. A record only says which delivery stands there; how far that one is says its row,
//! so a head that waits needs no new record, and one whose sender died goes on where it was.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use futures_util::{StreamExt as _, stream};
use hookbell_aws::AwsError;
use hookbell_aws::metrics::Metric;
use hookbell_aws::queues::{DeliveryTask, EndedBecause, Task};
use hookbell_aws::table::Claim;
use hookbell_domain::delivery::{Delivery, SKIPPED_DISABLED, Turn};
use hookbell_domain::endpoint::RateLimit;
use hookbell_domain::time::{after, until};
use jiff::Timestamp;
use tokio::time::sleep;

use crate::deliveries::Step;
use crate::follow_up::{self, FollowUp};
use crate::organizations::{Freshness, Organization, Target};
use crate::parking::park;
use crate::records::Record;
use crate::sender::{Budget, Sender};
use crate::waiting::{self, TURN_WAIT, TaskError};
use crate::{health, pace};

/// How long a line waits after a failure of ours, before scaling: what broke us may be over by then.
const FAILURE_WAIT: Duration = Duration::from_secs(30);

/// How long it waits where its head has been received [`OFTEN`]: each look is a receipt, of which SQS allows a thousand.
const LONG_FAILURE_WAIT: Duration = Duration::from_mins(10);

/// More receipts than a head has that waits for its retries, behind nine others that have waited for theirs.
const OFTEN: u32 = 100;

/// How long a line waits whose receiver wants no more, before scaling: until that is seen everywhere.
const GONE_WAIT: Duration = Duration::from_secs(10);

/// How often a worker may take one attempt and leave nothing of it. Then the delivery steps out of its line, for it is
/// not its receiver's fault that those behind it wait.
const MAX_TRIES: u32 = 5;

/// How long a delivery may stand in line: a day less than SQS keeps its record, which would be gone without a trace.
const LONGEST_STAY_IN_LINE: Duration = Duration::from_hours(13 * 24);

/// How long the head of a line waits for its slot where it is: a limit of one a second makes it wait that long.
const LONGEST_WAIT_FOR_SLOT: Duration = Duration::from_secs(2);

/// What a delivery has ended with that stood in line for too long.
const SKIPPED_TOO_LATE: &str = "in line for 13 days";

/// Where a delivery gets its first attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    /// Here and now.
    Here,
    /// On the deliveries queue.
    Queue,
    /// In its endpoint's line.
    Line,
}

/// What became of the delivery at the head of a line.
enum Head {
    /// Nothing more is to be done for it: the next one's turn has come.
    Over,
    /// The same, and its receiver wants nothing more.
    Gone,
    /// Its receiver has failed, and the time of the next attempt has not come.
    Fails(Timestamp),
    /// Its time has not come for another reason.
    Waits(Timestamp),
    /// It is no delivery of ours: why, for the operator.
    Poison(String),
}

/// Where a delivery to an endpoint gets its first attempt, for an event that came in order or not.
///
/// Where others of its organization stand behind an event, no receiver may hold it up.
pub(crate) fn place(is_in_order: bool, organization: &Organization, target: &Target) -> Place {
    if target.endpoint.ordered {
        Place::Line
    } else if is_in_order && organization.is_ordered() {
        Place::Queue
    } else {
        Place::Here
    }
}

/// The positions of records behind one of their group that has to come again, on a queue that keeps an order. They have
/// to come again too, or they would be in front of it.
pub(crate) fn behind(records: &[&Record], again: &BTreeSet<usize>) -> BTreeSet<usize> {
    let (mut stopped, mut behind) = (BTreeSet::new(), BTreeSet::new());
    for (position, record) in records.iter().enumerate().filter(|(_, record)| record.is_in_order()) {
        if again.contains(&position) {
            stopped.insert(&record.group);
        } else if stopped.contains(&record.group) {
            behind.insert(position);
        }
    }
    behind
}

/// Deals with records of the deliveries' FIFO queue, line by line side by side; returns the ids of those that have to come
/// again.
pub(crate) async fn handle(sender: &Sender, records: &[&Record], budget: Budget) -> Vec<String> {
    let mut lines: BTreeMap<&str, Vec<&Record>> = BTreeMap::new();
    for record in records {
        lines.entry(&record.group).or_default().push(record);
    }
    let lines = stream::iter(lines.into_values()).map(|line| go_through(sender, line, budget));
    lines.buffer_unordered(sender.config.concurrency).concat().await
}

/// Goes through a line until its head has to come again; returns the ids of all that have to.
async fn go_through(sender: &Sender, line: Vec<&Record>, budget: Budget) -> Vec<String> {
    for (head_place, record) in line.iter().enumerate() {
        let failure_wait = sender.config.time_scale.apply(failure_wait(record.receive_count));
        let mut place = head_place;
        let mut receiver_fails = false;
        let head = match record.body.parse() {
            Ok(Task::Delivery(task)) => advance(sender, task, record, budget).await,
            Ok(Task::Replay(_)) => Ok(Head::Poison("a replay stands in no line".to_owned())),
            Err(error) => Ok(Head::Poison(error.to_string())),
        };
        let wait = match head {
            Ok(Head::Over) => continue,
            Ok(Head::Gone) => {
                place += 1;
                sender.config.time_scale.apply(GONE_WAIT)
            }
            Ok(Head::Fails(due)) => {
                receiver_fails = true;
                until(Timestamp::now(), due)
            }
            Ok(Head::Waits(due)) => until(Timestamp::now(), due),
            Ok(Head::Poison(reason)) => {
                if park(sender, &sender.config.parked_queue, &line, vec![(place, reason)]).await.is_empty() {
                    continue;
                }
                failure_wait
            }
            Err(error) => {
                tracing::error!(%error, "a line did not go on");
                failure_wait
            }
        };
        let left = line.get(place..).unwrap_or_default();
        if left.is_empty() {
            break;
        }
        if !receiver_fails {
            // Those behind the head have been due since they were put in line.
            line.iter().skip(head_place + 1).for_each(|record| sender.note_due(record.sent_at));
        }
        sender.metrics.count(Metric::RetriesWaiting, left.len());
        let handles: Vec<&str> = left.iter().map(|record| record.receipt_handle.as_str()).collect();
        if let Err(error) = sender.queues.keep_back(&sender.config.deliveries_fifo_queue, &handles, wait).await {
            tracing::warn!(%error, "a line comes again later than it is due");
        }
        return left.iter().map(|record| record.message_id.clone()).collect();
    }
    Vec::new()
}

/// How long a line waits whose head has been received so often and that we have failed at.
fn failure_wait(receive_count: u32) -> Duration {
    if receive_count < OFTEN { FAILURE_WAIT } else { LONG_FAILURE_WAIT }
}

/// Does what there is to do now for the delivery at the head of a line.
async fn advance(sender: &Sender, task: DeliveryTask, record: &Record, budget: Budget) -> Result<Head, TaskError> {
    let wanted = task.revision.map_or(Freshness::Cached, Freshness::Revision);
    let found = waiting::find(sender, &task.organization_id, task.endpoint_id, wanted, budget).await?;
    let Some((organization, target)) = found else { return Ok(Head::Over) };
    let too_late = after(record.sent_at, LONGEST_STAY_IN_LINE) < Timestamp::now();
    if !target.endpoint.is_enabled() || too_late {
        let reason = if too_late { SKIPPED_TOO_LATE } else { SKIPPED_DISABLED };
        waiting::skip(sender, &task, reason).await?;
        return Ok(Head::Over);
    }
    let row = if record.is_repeated() || task.redrives > 0 {
        sender.table.delivery(task.endpoint_id, task.delivery_id).await?
    } else {
        None
    };
    let Some(task) = next_attempt(task, row.as_ref()) else {
        return finish(sender, row.as_ref().and_then(follow_up::of_state)).await;
    };
    sender.note_due(task.due_at());
    if let Some(row) = row.filter(|row| row.tries >= MAX_TRIES) {
        tracing::error!(
            message_id = %task.message_id,
            delivery_id = %task.delivery_id,
            tries = row.tries,
            "delivery.stepped_out"
        );
        return finish(sender, Some(FollowUp::Attempt(DeliveryTask { redrives: 1, ..task }))).await;
    }
    let (now, deadline) = (Timestamp::now(), organization.record.profile.retry.attempt_deadline);
    if task.due_at() > now {
        return Ok(Head::Fails(task.due_at()));
    }
    if !has_time(budget, deadline, target.endpoint.options.rate_limit) {
        return Ok(Head::Waits(now));
    }
    if let Some(slot) = wait_for_slot(sender, &target).await? {
        sender.metrics.count(Metric::DeliveriesThrottled, 1);
        return Ok(Head::Waits(slot));
    }
    let turn = task.turn();
    match waiting::claim(sender, &task, record.claimant(), deadline).await? {
        Claim::Taken(delivery) => {
            let policy = organization.record.profile.retry.in_order();
            let (step, made) = waiting::attempt(sender, organization, target, &task, delivery, policy).await?;
            health::write(sender, made.iter().map(|(job, finished)| (job, finished))).await;
            match step {
                Step::Follow(FollowUp::Attempt(next)) => Ok(Head::Fails(next.due_at())),
                Step::Follow(FollowUp::End(end)) if end.ended_because != EndedBecause::Exhausted => {
                    finish(sender, Some(FollowUp::End(end))).await.map(|_| Head::Gone)
                }
                Step::Follow(follow_up) => finish(sender, Some(follow_up)).await,
                Step::Again => Ok(Head::Waits(now)),
                Step::Done | Step::Poison(_) => Ok(Head::Over),
            }
        }
        Claim::Gone => Ok(Head::Over),
        Claim::Busy(delivery) => Ok(Head::Waits(delivery.claimed_until(turn).unwrap_or_else(|| after(now, TURN_WAIT)))),
        // Another record of this delivery has been in front of this one: it comes again, and looks at the row.
        Claim::Past(delivery) if task.manual.is_none() && delivery.status.is_open() => Ok(Head::Waits(now)),
        Claim::Past(delivery) => finish(sender, left_to_do(turn, &delivery)).await,
    }
}

/// Whether an attempt can still be made and recorded, after the longest wait for a slot where there is a rate limit. Asked
/// before the slot is reserved, so that none is lost.
fn has_time(budget: Budget, deadline: Duration, limit: Option<RateLimit>) -> bool {
    let wait = limit.map_or(Duration::ZERO, |_| LONGEST_WAIT_FOR_SLOT);
    budget.allows(wait + deadline)
}

/// Waits for a slot of an ordered endpoint's rate limit, if it has one. Of a line only the head asks, so that is not
/// long; where it would be (others have asked before the endpoint was ordered), tells when the head is to come again.
async fn wait_for_slot(sender: &Sender, target: &Target) -> Result<Option<Timestamp>, AwsError> {
    let Some(limit) = target.endpoint.options.rate_limit else { return Ok(None) };
    let slot = pace::slot(sender, target, limit).await?;
    let wait = until(Timestamp::now(), slot.at);
    if wait > LONGEST_WAIT_FOR_SLOT {
        return Ok(Some(slot.at));
    }
    sleep(wait).await;
    Ok(None)
}

/// The task for the attempt whose turn it is by the row, where that was read; nothing when the schedule is over.
fn next_attempt(task: DeliveryTask, row: Option<&Delivery>) -> Option<DeliveryTask> {
    let Some(row) = row.filter(|_| task.manual.is_none()) else { return Some(task) };
    // One that was skipped before any attempt is open to whoever asks for it again.
    let opens_again = task.makes.is_some() && row.was_skipped() && row.scheduled == 0;
    let due_at = row.next_retry_at.map_or(task.due_at, Timestamp::as_millisecond);
    let makes = task.makes.filter(|_| row.scheduled == 0);
    (row.status.is_open() || opens_again).then_some(DeliveryTask { attempt: row.scheduled + 1, due_at, makes, ..task })
}

/// What an earlier record of this delivery may have recorded and not followed up.
fn left_to_do(turn: Turn, delivery: &Delivery) -> Option<FollowUp> {
    match turn {
        Turn::Scheduled(_) => follow_up::of_state(delivery),
        Turn::Manual(_) => follow_up::of_directive(delivery),
    }
}

/// Puts on its queue what follows from the end of a delivery; until it is there the delivery is not over.
async fn finish(sender: &Sender, follow_up: Option<FollowUp>) -> Result<Head, TaskError> {
    let failed = follow_up::send(sender, follow_up.into_iter().enumerate().collect()).await;
    if failed.is_empty() { Ok(Head::Over) } else { Err(TaskError::NotFollowedUp) }
}

#[cfg(test)]
mod tests;
