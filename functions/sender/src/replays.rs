//! Replays, step by step: each step reads a page of deliveries, sends the matching ones once more, and hands on to the
//! next step. A step that is done twice sends nothing twice: what it makes is known by the replay and the original.

use std::time::Duration;

use hookbell_aws::AwsError;
use hookbell_aws::queues::{DeliveryTask, ReplayTask, Task};
use hookbell_aws::table::{DeliveryFilter, Order, OrganizationRecord, Redelivery, Step as Done, Wanted};
use hookbell_domain::delivery::Delivery;
use hookbell_domain::ids::DeliveryId;
use hookbell_domain::profile::Redeliver;
use hookbell_domain::replay::{Replay, ReplayState, STOPPED_DISABLED};
use jiff::Timestamp;

use crate::deliveries::{Coming, Step};
use crate::follow_up::FollowUp;
use crate::organizations::Freshness;
use crate::sender::Sender;
use crate::waiting;

/// How many deliveries one step sends once more, at most.
const PAGE: usize = 200;

/// How long the next step waits, before scaling: a receiver that has just come back gets 200 a second at most.
const PAUSE: Duration = Duration::from_secs(1);

/// What a step may take; none begins with less left of the invocation.
const TIME: Duration = Duration::from_secs(20);

/// Does one step of a replay.
pub(crate) async fn step(sender: &Sender, task: ReplayTask, coming: Coming) -> Result<Step, AwsError> {
    let repeated = coming.repeated || task.redrives > 0;
    let wanted = task.revision.map_or(Freshness::Cached, Freshness::Revision);
    let found = waiting::find(sender, &task.organization_id, task.endpoint_id, wanted, coming.budget).await?;
    let Some((organization, target)) = found else { return Ok(Step::Done) };
    let Some(replay) = sender.table.replay(task.endpoint_id, task.replay_id).await? else { return Ok(Step::Done) };
    if replay.state != ReplayState::Running {
        return Ok(Step::Done);
    }
    if replay.step != task.step {
        // Somebody has done this step. Where it was an earlier try at this record, it may have died before handing on.
        return Ok(if repeated { hand_on(sender, task, replay.step, PAUSE) } else { Step::Done });
    }
    if !target.endpoint.is_enabled() {
        sender.table.stop_replay(&replay, STOPPED_DISABLED, Timestamp::now()).await?;
        return Ok(Step::Done);
    }
    if !coming.budget.allows(TIME) {
        return Ok(Step::Again);
    }
    let wanted = Wanted {
        order: Order::OldestFirst,
        after: Some(replay.after),
        before: Some(replay.before),
        behind: replay.reached,
        limit: PAGE,
    };
    let filter = DeliveryFilter { status: replay.status, event_type: None };
    let page = sender.table.list_deliveries(replay.endpoint_id, &filter, &wanted).await?;
    // The message of one that was itself asked for has its turn with the first delivery.
    let taken: Vec<&Delivery> = page.entries.iter().filter(|delivery| delivery.is_first()).collect();
    send(sender, &replay, &organization.record, &taken, target.endpoint.ordered).await?;
    let done = Done { reached: page.next, redelivered: u64::try_from(taken.len()).unwrap_or(u64::MAX) };
    let advanced = sender.table.advance_replay(&replay, done, coming.claimant, Timestamp::now()).await?;
    tracing::info!(
        organization_id = %replay.organization_id,
        endpoint_id = %replay.endpoint_id,
        replay_id = %replay.id,
        step = replay.step,
        redelivered = done.redelivered,
        finished = done.is_last(),
        "replay.advanced"
    );
    if done.is_last() || !(advanced || repeated) {
        return Ok(Step::Done);
    }
    let pause = if taken.is_empty() { Duration::ZERO } else { PAUSE };
    Ok(hand_on(sender, task, replay.step.saturating_add(1), pause))
}

fn hand_on(sender: &Sender, task: ReplayTask, step: u32, pause: Duration) -> Step {
    let task = ReplayTask { step, redrives: 0, ..task };
    Step::Follow(FollowUp::Step(task, sender.config.time_scale.apply(pause)))
}

/// Puts the tasks of a step onto their queue, after noting on the messages what leads to their new deliveries.
async fn send(
    sender: &Sender,
    replay: &Replay,
    organization: &OrganizationRecord,
    taken: &[&Delivery],
    in_order: bool,
) -> Result<(), AwsError> {
    let tasks: Vec<DeliveryTask> = taken.iter().map(|delivery| task(replay, organization, delivery)).collect();
    if organization.profile.redeliver == Redeliver::NewDelivery {
        let note = |delivery: &&Delivery| Redelivery {
            organization_id: delivery.organization_id.clone(),
            message_id: delivery.message_id,
            endpoint_id: delivery.endpoint_id,
            delivery_id: DeliveryId::replayed(delivery.id, replay.id, replay.began_at),
        };
        sender.table.note_redeliveries(&taken.iter().map(note).collect::<Vec<_>>()).await?;
    }
    if in_order {
        return sender.queues.send_in_order(&sender.config.deliveries_fifo_queue, &tasks).await.all();
    }
    let tasks: Vec<_> = tasks.into_iter().map(|task| (Task::Delivery(task), Duration::ZERO)).collect();
    sender.queues.send_tasks(&sender.config.deliveries_queue, &tasks).await.all()
}

/// What sends a delivery once more, in its profile's way.
fn task(replay: &Replay, organization: &OrganizationRecord, delivery: &Delivery) -> DeliveryTask {
    let task = DeliveryTask::asked(delivery, Timestamp::now(), organization.revision);
    match organization.profile.redeliver {
        Redeliver::NewDelivery => DeliveryTask {
            delivery_id: DeliveryId::replayed(delivery.id, replay.id, replay.began_at),
            makes: Some(delivery.event_type.clone()),
            ..task
        },
        Redeliver::ManualAttempt => {
            DeliveryTask { manual: Some(replay.id.request(delivery.id, replay.began_at)), ..task }
        }
    }
}
