//! The deliveries queue: waiting attempts go round until they are due, then are claimed, made, recorded, followed up.

use std::sync::Arc;

use bytes::Bytes;
use hookbell_aws::AwsError;
use hookbell_aws::queues::{DeliveryTask, Parked};
use hookbell_aws::table::Claim;
use hookbell_domain::delivery::{Delivery, DeliveryStatus, SKIPPED_DISABLED};
use jiff::Timestamp;

use crate::admission::OutgoingMessage;
use crate::attempt::{self, Finished, Job, NotMade};
use crate::chunks;
use crate::follow_up::{self, FollowUp, Subject};
use crate::health::HealthNotes;
use crate::organizations::{Organization, Target};
use crate::records::Record;
use crate::sender::{Budget, Sender};

/// Entries of one SendMessageBatch request.
const CHUNK: usize = 10;

/// How often a record may be put back for one attempt: ten days at fifteen minutes each, more than any wait.
const MAX_HOPS: u32 = 1_000;

/// What a delivery has ended with when its message has expired before it.
const SKIPPED_EXPIRED: &str = "message expired";

/// What a record has come to.
enum Step {
    /// Nothing more.
    Done,
    /// Something for a queue, perhaps after an attempt.
    Follow(FollowUp),
    /// No attempt of ours: why, for the operator.
    Poison(String),
    /// Our failure: the record comes again.
    Again,
}

/// An attempt of ours that failed through our fault.
#[derive(Debug, thiserror::Error)]
enum TaskError {
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error(transparent)]
    NotMade(#[from] NotMade),
    #[error("another worker has claimed the attempt")]
    Busy,
}

/// The attempt that was made on the way to a step, for the endpoint's health.
type Made = Option<(Job, Finished)>;

/// Deals with records of the deliveries queue; returns the ids of those that have to come again.
pub(crate) async fn handle(sender: &Arc<Sender>, records: &[&Record], budget: Budget) -> Vec<String> {
    let mut again = Vec::new();
    let mut health = HealthNotes::default();
    let work = |position: usize| {
        let sender = Arc::clone(sender);
        let (body, repeated) =
            records.get(position).map_or((String::new(), true), |record| (record.body.clone(), record.is_repeated()));
        async move {
            let (step, made) = match body.parse::<DeliveryTask>() {
                Err(error) => (Step::Poison(error.to_string()), None),
                Ok(task) => process(&sender, task, repeated, budget).await.unwrap_or_else(|error| {
                    tracing::error!(%error, "a delivery was not attempted");
                    (Step::Again, None)
                }),
            };
            (position, step, made)
        }
    };
    let take = async |steps: Vec<(usize, Step, Made)>| {
        let (mut follow_ups, mut owners, mut poison) = (Vec::new(), Vec::new(), Vec::new());
        for (position, step, made) in steps {
            if let Some((job, finished)) = &made {
                health.add(job, finished);
            }
            match step {
                Step::Done => {}
                Step::Again => again.push(position),
                Step::Poison(reason) => poison.push((position, reason)),
                Step::Follow(follow_up) => {
                    follow_ups.push(follow_up);
                    owners.push(position);
                }
            }
        }
        let failed = follow_up::send(sender, follow_ups).await;
        again.extend(failed.into_iter().filter_map(|position| owners.get(position)));
        again.extend(park(sender, records, poison).await);
    };
    let positions = (0..records.len()).collect();
    chunks::run(positions, sender.config.concurrency, CHUNK, work, take).await;
    health.write(sender).await;
    again.into_iter().filter_map(|position| records.get(position)).map(|record| record.message_id.clone()).collect()
}

async fn process(
    sender: &Sender,
    task: DeliveryTask,
    repeated: bool,
    budget: Budget,
) -> Result<(Step, Made), TaskError> {
    let organization = sender.organizations.get(&sender.table, &sender.keys, &task.organization_id, None).await?;
    let Some(organization) = organization else { return Ok((Step::Done, None)) };
    // The delivery of a deleted endpoint is gone with it.
    let Some(target) = organization.target(task.endpoint_id).cloned() else { return Ok((Step::Done, None)) };
    if !target.endpoint.is_enabled() {
        skip(sender, &task, SKIPPED_DISABLED).await?;
        return Ok((Step::Done, None));
    }
    let deadline = organization.record.profile.retry.attempt_deadline;
    if task.due_at() > Timestamp::now() || !budget.allows(deadline) {
        return Ok((put_back(task), None));
    }
    let until = Budget::claim(deadline);
    let claim =
        sender.table.claim_attempt(task.endpoint_id, task.delivery_id, task.attempt, Timestamp::now(), until).await?;
    match claim {
        Claim::Taken(delivery) => attempt(sender, organization, target, &task, delivery).await,
        Claim::Gone => Ok((Step::Done, None)),
        // A first-time record whose attempt somebody else has is the loser of a fork: the winner's record lives on.
        Claim::Busy | Claim::Past(_) if !repeated => Ok((Step::Done, None)),
        Claim::Busy => Err(TaskError::Busy),
        Claim::Past(delivery) => Ok((resume(&task, &delivery, organization.record.profile.retry.attempts()), None)),
    }
}

/// What is left to do when an earlier try at this record recorded its attempt and then died.
fn resume(task: &DeliveryTask, delivery: &Delivery, attempts_of_schedule: u32) -> Step {
    if delivery.attempt_count() != task.attempt {
        return Step::Done;
    }
    follow_up::of_state(delivery, attempts_of_schedule).map_or(Step::Done, Step::Follow)
}

fn put_back(mut task: DeliveryTask) -> Step {
    task.hops += 1;
    if task.hops > MAX_HOPS {
        return Step::Poison(format!("put back {MAX_HOPS} times for one attempt"));
    }
    Step::Follow(FollowUp::Attempt(task))
}

async fn attempt(
    sender: &Sender,
    organization: Arc<Organization>,
    target: Arc<Target>,
    task: &DeliveryTask,
    delivery: Delivery,
) -> Result<(Step, Made), TaskError> {
    let mut message = sender.table.message(&task.organization_id, task.message_id, false).await?;
    if message.is_none() {
        // A retry after a few seconds can be faster than DynamoDB's copies.
        message = sender.table.message(&task.organization_id, task.message_id, true).await?;
    }
    let Some(message) = message else {
        skip(sender, task, SKIPPED_EXPIRED).await?;
        return Ok((Step::Done, None));
    };
    let job = Job {
        organization,
        target,
        message: Arc::new(OutgoingMessage {
            id: message.id,
            event_type: message.event_type,
            body: Bytes::from(message.body),
        }),
        delivery_id: task.delivery_id,
        number: task.attempt,
        last_url: delivery.attempts.iter().rev().find_map(|attempt| attempt.url.clone()),
    };
    let finished = attempt::make(sender, &job).await?;
    let (status, next_retry_at) = DeliveryStatus::after(finished.decision.next);
    let recorded =
        sender.table.record_attempt(&delivery, &finished.attempt, status, next_retry_at, finished.at).await?;
    if !recorded {
        tracing::warn!(delivery = %task.delivery_id, attempt = task.attempt, "the attempt was recorded by another worker");
        return Ok((Step::Done, None));
    }
    let follow_up = Subject::of(&delivery).follow(&finished.decision, task.attempt, finished.at);
    Ok((follow_up.map_or(Step::Done, Step::Follow), Some((job, finished))))
}

async fn skip(sender: &Sender, task: &DeliveryTask, reason: &str) -> Result<(), AwsError> {
    let ended = sender.table.skip_delivery(task.endpoint_id, task.delivery_id, reason, Timestamp::now()).await?;
    if ended {
        tracing::info!(delivery = %task.delivery_id, endpoint = %task.endpoint_id, reason, "delivery.skipped");
    }
    Ok(())
}

/// Moves records that are no attempts of ours where an operator looks at them; returns the positions that stay.
async fn park(sender: &Sender, records: &[&Record], poison: Vec<(usize, String)>) -> Vec<usize> {
    let known = |(position, reason): (usize, String)| {
        let record = records.get(position)?;
        tracing::error!(queue_message = record.message_id, reason, "delivery.parked");
        Some((position, Parked { body: &record.body, reason }))
    };
    let (positions, parked): (Vec<_>, Vec<_>) = poison.into_iter().filter_map(known).unzip();
    let sent = sender.queues.park(&sender.config.parked_queue, &parked).await;
    let failed = |(index, _): &(usize, usize)| sent.failure(*index).is_some();
    positions.into_iter().enumerate().filter(failed).map(|(_, position)| position).collect()
}
