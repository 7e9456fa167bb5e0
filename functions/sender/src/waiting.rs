//! Attempts that wait: they go round until they are due, then are claimed, made, recorded, followed up.

use std::sync::Arc;
use std::time::Duration;

use hookbell_aws::AwsError;
use hookbell_aws::metrics::Metric;
use hookbell_aws::queues::DeliveryTask;
use hookbell_aws::table::{Claim, Claiming, Recorded};
use hookbell_domain::delivery::{Claimant, Delivery, DeliveryStatus, MOST_ATTEMPTS, Route, SKIPPED_DISABLED, Turn};
use hookbell_domain::ids::{EndpointId, OrganizationId};
use hookbell_domain::profile::RetryPolicy;
use hookbell_domain::time::after;
use jiff::Timestamp;

use crate::attempt::{self, Job, NotMade};
use crate::deliveries::{Coming, Made, Step};
use crate::follow_up::{self, FollowUp, Subject};
use crate::gate;
use crate::organizations::{Freshness, Organization, Target};
use crate::sender::{Budget, Sender};

/// How often a record may be put back for one attempt: ten days at fifteen minutes each, more than any wait.
const MAX_HOPS: u32 = 1_000;

/// How long an attempt that was asked for waits for another that was asked for just before.
pub(crate) const TURN_WAIT: Duration = Duration::from_secs(2);

/// What a delivery has ended with when its message has expired before it.
const SKIPPED_EXPIRED: &str = "message expired";

/// An attempt of ours that failed through our fault.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TaskError {
    #[error(transparent)]
    Aws(#[from] AwsError),
    #[error(transparent)]
    NotMade(#[from] NotMade),
    #[error("another worker has claimed the attempt")]
    Busy,
    #[error("what follows from the attempt is not on its queue")]
    NotFollowedUp,
}

/// Deals with one attempt's record.
pub(crate) async fn process(sender: &Sender, task: DeliveryTask, coming: Coming) -> Result<(Step, Made), TaskError> {
    let Coming { claimant, budget, .. } = coming;
    // What came back from the dead-letter queue is a new record to SQS, but not to us.
    let repeated = coming.repeated || task.redrives > 0;
    if task.held_since.is_none() {
        sender.note_due(task.first_due_at());
    }
    // The delivery of a deleted endpoint is gone with it.
    let wanted = task.revision.map_or(Freshness::Cached, Freshness::Revision);
    let found = find(sender, &task.organization_id, task.endpoint_id, wanted, budget).await?;
    let Some((organization, target)) = found else { return Ok((Step::Done, None)) };
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
    if let Some(later) = gate::pass(sender, &organization, &target, &task).await? {
        return Ok((Step::Follow(FollowUp::Attempt(later)), None));
    }
    let turn = task.turn();
    match claim(sender, &task, claimant, deadline).await? {
        Claim::Taken(delivery) => {
            let policy = organization.record.profile.retry;
            attempt(sender, organization, target, &task, delivery, policy).await
        }
        Claim::Gone => Ok((Step::Done, None)),
        // Two people have asked at once: each gets an attempt, one after the other.
        Claim::Busy(delivery) if task.manual.is_some() && !delivery.is_claimed_by(turn, claimant) => {
            let until = after(Timestamp::now(), TURN_WAIT);
            Ok((put_back(task.put_back(until)), None))
        }
        // Where another record has the attempt, this one is the loser of a fork; the winner's lives on until all is
        // done. Where this very record has it, another copy of it is at work, or was.
        Claim::Busy(delivery) if !repeated && !delivery.is_claimed_by(turn, claimant) => Ok((Step::Done, None)),
        Claim::Past(delivery) if !repeated && !delivery.is_claimed_by(turn, claimant) => Ok((Step::Done, None)),
        Claim::Busy(_) => Err(TaskError::Busy),
        Claim::Past(delivery) => Ok((resume(turn, &delivery), None)),
    }
}

/// The organization and the endpoint of a task. What a picture says against it (gone, disabled) that may be some seconds
/// old is looked up anew before it counts: the endpoint may have been made, or enabled, since.
pub(crate) async fn find(
    sender: &Sender,
    organization: &OrganizationId,
    endpoint: EndpointId,
    wanted: Freshness,
    budget: Budget,
) -> Result<Option<(Arc<Organization>, Arc<Target>)>, AwsError> {
    let mut found = None;
    for freshness in [wanted, Freshness::Since(budget.began_at)] {
        let organization = sender.organization(organization, freshness).await?;
        found = organization.and_then(|organization| {
            let target = Arc::clone(organization.target(endpoint)?);
            Some((organization, target))
        });
        if found.as_ref().is_some_and(|(_, target)| target.endpoint.is_enabled()) {
            break;
        }
    }
    Ok(found)
}

/// Claims the attempt of a task for as long as it may take. A first one may make its delivery by that.
pub(crate) async fn claim(
    sender: &Sender,
    task: &DeliveryTask,
    by: Claimant,
    deadline: Duration,
) -> Result<Claim, AwsError> {
    let claiming = Claiming { by, now: Timestamp::now(), until: Budget::claim(deadline) };
    match task.makes {
        Some(_) => sender.table.claim_new(&row(task), claiming).await,
        None => sender.table.claim_attempt(task.endpoint_id, task.delivery_id, task.turn(), claiming).await,
    }
}

/// What is left to do when an earlier try at this record recorded its attempt and then died.
fn resume(turn: Turn, delivery: &Delivery) -> Step {
    let follow_up = match turn {
        Turn::Scheduled(attempt) if delivery.scheduled == attempt => follow_up::of_state(delivery),
        Turn::Scheduled(_) => None,
        Turn::Manual(_) => follow_up::of_directive(delivery),
    };
    follow_up.map_or(Step::Done, Step::Follow)
}

fn put_back(mut task: DeliveryTask) -> Step {
    task.hops += 1;
    if task.hops > MAX_HOPS {
        return Step::Poison(format!("put back {MAX_HOPS} times for one attempt"));
    }
    Step::Follow(FollowUp::Attempt(task))
}

/// The row of a delivery that its first attempt makes.
pub(crate) fn row(task: &DeliveryTask) -> Delivery {
    let route = Route {
        message_id: task.message_id,
        endpoint_id: task.endpoint_id,
        organization_id: task.organization_id.clone(),
        event_type: task.makes.clone().unwrap_or_default(),
    };
    Delivery::waiting(task.delivery_id, route, Timestamp::now())
}

/// Makes the attempt that was claimed, and records it; what follows from it is the caller's.
pub(crate) async fn attempt(
    sender: &Sender,
    organization: Arc<Organization>,
    target: Arc<Target>,
    task: &DeliveryTask,
    delivery: Delivery,
    policy: RetryPolicy,
) -> Result<(Step, Made), TaskError> {
    if task.manual.is_some() && delivery.attempt_count() >= MOST_ATTEMPTS {
        // The API refuses to ask for more; this one was asked for beside others.
        return Ok((Step::Done, None));
    }
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
        message: Arc::new(message.into()),
        delivery_id: task.delivery_id,
        turn: task.turn(),
        policy,
        due_at: Some(task.first_due_at()),
        number: delivery.attempt_count() + 1,
        last_url: delivery.attempts.iter().rev().find_map(|attempt| attempt.url.clone()),
    };
    let finished = attempt::make(sender, &job).await?;
    let recorded =
        sender.table.record_attempt(&delivery, job.turn, &finished.attempt, &finished.decision, finished.at).await?;
    let follow_up = match recorded {
        Recorded::Decided => Subject::of_job(&job).follow(&finished.decision, job.turn, finished.at),
        Recorded::Overtaken => Subject::of_job(&job).follow_directive(&finished.decision, finished.at),
        Recorded::ByAnother => {
            tracing::warn!(
                message_id = %task.message_id,
                delivery_id = %task.delivery_id,
                "the attempt was recorded by another worker"
            );
            // What follows from it may not be on its queue yet: this record comes again, and the row tells.
            return Ok((Step::Again, None));
        }
    };
    Ok((follow_up.map_or(Step::Done, Step::Follow), Some((job, finished))))
}

/// Ends a delivery that cannot be attempted (any more). One that was asked for beside the schedule leaves the delivery
/// to the schedule's own record.
pub(crate) async fn skip(sender: &Sender, task: &DeliveryTask, reason: &str) -> Result<(), AwsError> {
    let now = Timestamp::now();
    if task.manual.is_some() {
        return Ok(());
    }
    let mut ended = sender.table.skip_delivery(task.endpoint_id, task.delivery_id, reason, now).await?;
    if !ended && task.makes.is_some() {
        let skipped = Some(reason.to_owned());
        let delivery = Delivery { status: DeliveryStatus::Exhausted, skipped, ..row(task) };
        ended = sender.table.put_new(&delivery).await?;
    }
    if ended {
        sender.metrics.count(Metric::DeliveriesSkipped, 1);
        log_skipped(&row(task), reason);
    }
    Ok(())
}

/// Tells that a delivery has ended without an attempt.
pub(crate) fn log_skipped(delivery: &Delivery, reason: &str) {
    tracing::info!(
        organization_id = %delivery.organization_id,
        endpoint_id = %delivery.endpoint_id,
        message_id = %delivery.message_id,
        delivery_id = %delivery.id,
        reason,
        "delivery.skipped"
    );
}
