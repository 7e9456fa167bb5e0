//! What stands between a delivery that is due and its attempt: how its endpoint fares, its endpoint's rate limit, and
//! the room in this instance. Who does not get through waits on the deliveries queue, which uses up nothing.

use std::collections::HashMap;

use futures_util::future::join_all;
use hookbell_aws::AwsError;
use hookbell_aws::metrics::Metric;
use hookbell_aws::queues::{DeliveryTask, ReservedSlot};
use hookbell_aws::random;
use hookbell_domain::delivery::Turn;
use hookbell_domain::endpoint::RateLimit;
use hookbell_domain::health::{HANGS_AFTER, RELEASED_PER_SECOND, State};
use hookbell_domain::ids::OrganizationId;
use hookbell_domain::pace::Arrival;
use hookbell_domain::time::after;
use jiff::Timestamp;
use tokio::sync::SemaphorePermit;
use tokio::time::{sleep, timeout};

use crate::attempt::{Job, NotMade};
use crate::organizations::{Organization, Target};
use crate::sender::Sender;
use crate::waiting::{self, TaskError};
use crate::{health, pace};

/// Until when a first attempt waits on the deliveries queue.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Wait {
    pub(crate) due_at: Timestamp,
    /// When it was due, unix milliseconds, where it is held back.
    pub(crate) first_due_at: Option<i64>,
    pub(crate) slot: Option<ReservedSlot>,
}

impl Wait {
    /// For its turn on the queue and nothing else.
    pub(crate) fn none() -> Self {
        Self { due_at: Timestamp::now(), first_due_at: None, slot: None }
    }
}

/// First attempts, each for the record at that position: those to be made now, and those that wait.
pub(crate) type FirstAttempts = (Vec<(usize, Job)>, Vec<(usize, Job, Wait)>);

/// Tells the first attempts of a batch of events that are to be made now from those that wait.
pub(crate) async fn first(sender: &Sender, jobs: Vec<(usize, Job)>) -> FirstAttempts {
    let waits = join_all(jobs.iter().map(|(_, job)| first_wait(sender, job))).await;
    sender.metrics.count(Metric::DeliveriesThrottled, waits.iter().flatten().count());
    let (mut now, mut later) = (Vec::with_capacity(jobs.len()), Vec::new());
    for ((record, job), wait) in jobs.into_iter().zip(waits) {
        match wait {
            None => now.push((record, job)),
            Some(wait) => later.push((record, job, wait)),
        }
    }
    if now.len() > sender.config.concurrency {
        take_turns(&mut now);
    }
    (now, later)
}

/// Until when a first attempt waits. An endpoint that fails holds up no events: its deliveries go out by themselves.
async fn first_wait(sender: &Sender, job: &Job) -> Option<Wait> {
    if sender.pulses.of(&job.target).state() != State::Well {
        return Some(Wait::none());
    }
    let limit = job.target.endpoint.options.rate_limit?;
    match pace::slot(sender, &job.target, limit).await {
        Ok(slot) => {
            let now = Timestamp::now();
            (now < slot.at).then(|| Wait {
                due_at: slot.due_at(now),
                first_due_at: Some(now.as_millisecond()),
                slot: Some(slot.into()),
            })
        }
        Err(error) => {
            // Asked for once more when it comes from the queue.
            tracing::warn!(%error, endpoint_id = %job.target.endpoint.id, "no slot was reserved");
            Some(Wait::none())
        }
    }
}

/// Has organizations take turns, so that one with many attempts does not keep another's single one from starting.
fn take_turns(jobs: &mut Vec<(usize, Job)>) {
    let mut counts: HashMap<OrganizationId, usize> = HashMap::new();
    let mut ranked: Vec<(usize, (usize, Job))> = Vec::with_capacity(jobs.len());
    for (record, job) in jobs.drain(..) {
        let count = counts.entry(job.organization.record.id.clone()).or_default();
        *count += 1;
        ranked.push((*count, (record, job)));
    }
    ranked.sort_by_key(|(rank, _)| *rank);
    jobs.extend(ranked.into_iter().map(|(_, job)| job));
}

/// A place among the first attempts that run at once; none where all are taken by such as hang.
pub(crate) async fn place(sender: &Sender) -> Option<SemaphorePermit<'_>> {
    timeout(HANGS_AFTER, sender.places.acquire()).await.ok()?.ok()
}

/// What becomes of a due attempt's task where its endpoint is open or its slot has not come: it is put back so. Waits
/// for a slot that is less than a second away.
pub(crate) async fn pass(
    sender: &Sender,
    organization: &Organization,
    target: &Target,
    task: &DeliveryTask,
) -> Result<Option<DeliveryTask>, TaskError> {
    let later = match hold(sender, organization, target, task).await? {
        Some(held) => Some(held),
        None => keep_pace(sender, target, task).await?,
    };
    sender.metrics.count(Metric::DeliveriesThrottled, usize::from(later.is_some()));
    let waits_first = later.is_some() && task.slot.is_none() && task.held_since.is_none();
    if waits_first && task.makes.is_some() {
        // It would be nowhere to be seen until its first attempt.
        sender.table.put_new(&waiting::row(task)).await?;
    }
    Ok(later)
}

/// Puts an attempt back whose endpoint is open, unless it is the probe, or has been put back for as long as may be.
async fn hold(
    sender: &Sender,
    organization: &Organization,
    target: &Target,
    task: &DeliveryTask,
) -> Result<Option<DeliveryTask>, TaskError> {
    let (policy, scale, now) = (&organization.record.profile.retry, sender.config.time_scale, Timestamp::now());
    let health = sender.pulses.of(target);
    if health.state() != State::Open {
        return Ok(None);
    }
    let held_since = task.held_since.unwrap_or(now.as_millisecond());
    let begun = match task.turn() {
        Turn::Scheduled(_) => task.delivery_id.created_at(),
        Turn::Manual(_) => Timestamp::from_millisecond(held_since).unwrap_or(now),
    };
    let latest = policy.held_until(task.turn(), begun, scale);
    if latest <= now || health::take_probe(sender, target, policy.attempt_deadline).await? {
        return Ok(None);
    }
    // Whoever had the probe may have found that it works.
    let health = sender.pulses.of(target);
    if health.state() != State::Open {
        return Ok(None);
    }
    let roll = random::roll().map_err(|_| NotMade::NoRandomness)?;
    let until = health.hold(latest, scale, now, roll);
    Ok(Some(DeliveryTask { held_since: Some(held_since), slot: None, ..task.clone() }.put_back(until)))
}

/// Puts an attempt back whose slot has not come. What was held because its endpoint was open has a limit even where the
/// endpoint has none.
async fn keep_pace(sender: &Sender, target: &Target, task: &DeliveryTask) -> Result<Option<DeliveryTask>, AwsError> {
    let released = task.held_since.and_then(|_| RateLimit::new(RELEASED_PER_SECOND));
    let Some(limit) = target.endpoint.options.rate_limit.or(released) else { return Ok(None) };
    let now = Timestamp::now();
    // Nothing waits so long that its message would expire.
    let latest = after(task.delivery_id.created_at(), sender.config.retention / 2);
    if latest <= now {
        return Ok(None);
    }
    let mut task = task.clone();
    let slot = task.slot.and_then(ReservedSlot::slot);
    let mut arrival = slot.map_or(Arrival::NeedsAnother, |slot| slot.arrival(limit, task.hops, now));
    if arrival == Arrival::NeedsAnother {
        task.hops += u32::from(slot.is_some());
        let slot = pace::slot(sender, target, limit).await?;
        task.slot = Some(slot.into());
        arrival = slot.arrival(slot.limit, task.hops, Timestamp::now());
    }
    match arrival {
        Arrival::GoesIn(wait) => sleep(wait).await,
        Arrival::Waits(until) => {
            return Ok(Some(task.put_back(until.min(latest))));
        }
        Arrival::Goes | Arrival::NeedsAnother => {}
    }
    Ok(None)
}
