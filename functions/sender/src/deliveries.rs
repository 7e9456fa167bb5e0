//! The deliveries queue: waiting attempts go round until they are due, then are claimed, made, recorded, followed up.

use std::sync::Arc;

use bytes::Bytes;
use hookbell_aws::AwsError;
use hookbell_aws::queues::{DeliveryTask, UnreadableRecord};
use hookbell_aws::table::Claim;
use hookbell_domain::delivery::{Claimant, Delivery, SKIPPED_DISABLED};
use jiff::Timestamp;

use crate::admission::OutgoingMessage;
use crate::attempt::{self, Finished, Job, NotMade};
use crate::follow_up::{self, FollowUp, Subject};
use crate::organizations::{Freshness, Organization, Target};
use crate::parking::park;
use crate::records::Record;
use crate::sender::{Budget, Sender};
use crate::{chunks, health};

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

/// A record as it came.
struct Received {
    task: Result<DeliveryTask, UnreadableRecord>,
    repeated: bool,
    claimant: Claimant,
}

/// The attempt that was made on the way to a step, for the endpoint's health.
type Made = Option<(Job, Finished)>;

/// Deals with records of the deliveries queue; returns the ids of those that have to come again.
pub(crate) async fn handle(sender: &Arc<Sender>, records: &[&Record], budget: Budget) -> Vec<String> {
    let mut again = Vec::new();
    let work = |position: usize| {
        let sender = Arc::clone(sender);
        let received = records.get(position).map(|record| Received {
            task: record.body.parse(),
            repeated: record.is_repeated(),
            claimant: record.claimant(),
        });
        async move {
            let (step, made) = match received {
                None => (Step::Done, None),
                Some(Received { task: Err(error), .. }) => (Step::Poison(error.to_string()), None),
                Some(Received { task: Ok(task), repeated, claimant }) => {
                    // What came back from the dead-letter queue is a new record to SQS, but not to us.
                    let repeated = repeated || task.redrives > 0;
                    process(&sender, task, claimant, repeated, budget).await.unwrap_or_else(|error| {
                        tracing::error!(%error, "a delivery was not attempted");
                        (Step::Again, None)
                    })
                }
            };
            (position, step, made)
        }
    };
    let take = async |steps: Vec<(usize, Step, Made)>| {
        let (mut follow_ups, mut owners, mut poison) = (Vec::new(), Vec::new(), Vec::new());
        let made = steps.iter().filter_map(|(_, _, made)| made.as_ref());
        health::write(sender, made.map(|(job, finished)| (job, finished))).await;
        for (position, step, _) in steps {
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
        again.extend(park(sender, &sender.config.parked_queue, records, poison).await);
    };
    let positions = (0..records.len()).collect();
    chunks::run(positions, sender.config.concurrency, CHUNK, work, take).await;
    again.into_iter().filter_map(|position| records.get(position)).map(|record| record.message_id.clone()).collect()
}

async fn process(
    sender: &Sender,
    task: DeliveryTask,
    claimant: Claimant,
    repeated: bool,
    budget: Budget,
) -> Result<(Step, Made), TaskError> {
    // The delivery of a deleted endpoint is gone with it.
    let Some((organization, target)) = find(sender, &task, budget).await? else { return Ok((Step::Done, None)) };
    if !target.endpoint.is_enabled() {
        skip(sender, &task, SKIPPED_DISABLED).await?;
        return Ok((Step::Done, None));
    }
    if task.due_at() > Timestamp::now() {
        return Ok((put_back(task), None));
    }
    let deadline = organization.record.profile.retry.attempt_deadline;
    if !budget.allows(deadline) {
        return Ok((Step::Again, None));
    }
    let until = Budget::claim(deadline);
    let (endpoint, id) = (task.endpoint_id, task.delivery_id);
    match sender.table.claim_attempt(endpoint, id, task.attempt, claimant, Timestamp::now(), until).await? {
        Claim::Taken(delivery) => attempt(sender, organization, target, &task, delivery).await,
        Claim::Gone => Ok((Step::Done, None)),
        // Where another record has the attempt, this one is the loser of a fork; the winner's lives on until all is
        // done. Where this very record has it, another copy of it is at work, or was.
        Claim::Busy(delivery) if !repeated && !is_by(&delivery, claimant) => Ok((Step::Done, None)),
        Claim::Past(delivery) if !repeated && !is_by(&delivery, claimant) => Ok((Step::Done, None)),
        Claim::Busy(_) => Err(TaskError::Busy),
        Claim::Past(delivery) => Ok((resume(&task, &delivery), None)),
    }
}

/// The organization and the endpoint of a delivery. What a picture of some seconds ago says against the delivery (gone,
/// disabled) is looked up anew before it counts: the endpoint may have been made, or enabled, since.
async fn find(
    sender: &Sender,
    task: &DeliveryTask,
    budget: Budget,
) -> Result<Option<(Arc<Organization>, Arc<Target>)>, AwsError> {
    let mut found = None;
    for freshness in [Freshness::Cached, Freshness::Since(budget.began_at)] {
        let organization = sender.organization(&task.organization_id, freshness).await?;
        found = organization.and_then(|organization| {
            let target = Arc::clone(organization.target(task.endpoint_id)?);
            Some((organization, target))
        });
        if found.as_ref().is_some_and(|(_, target)| target.endpoint.is_enabled()) {
            break;
        }
    }
    Ok(found)
}

fn is_by(delivery: &Delivery, claimant: Claimant) -> bool {
    delivery.claim.is_some_and(|claim| claim.by == claimant)
}

/// What is left to do when an earlier try at this record recorded its attempt and then died.
fn resume(task: &DeliveryTask, delivery: &Delivery) -> Step {
    if delivery.attempt_count() != task.attempt {
        return Step::Done;
    }
    follow_up::of_state(delivery).map_or(Step::Done, Step::Follow)
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
    if !sender.table.record_attempt(&delivery, &finished.attempt, &finished.decision, finished.at).await? {
        tracing::warn!(delivery_id = %task.delivery_id, attempt = task.attempt, "the attempt was recorded by another worker");
        return Ok((Step::Done, None));
    }
    let follow_up = Subject::of(&delivery).follow(&finished.decision, task.attempt, finished.at);
    Ok((follow_up.map_or(Step::Done, Step::Follow), Some((job, finished))))
}

async fn skip(sender: &Sender, task: &DeliveryTask, reason: &str) -> Result<(), AwsError> {
    let ended = sender.table.skip_delivery(task.endpoint_id, task.delivery_id, reason, Timestamp::now()).await?;
    if ended {
        tracing::info!(
            organization_id = %task.organization_id,
            endpoint_id = %task.endpoint_id,
            message_id = %task.message_id,
            delivery_id = %task.delivery_id,
            reason,
            "delivery.skipped"
        );
    }
    Ok(())
}
