//! Records that the sender did not get through with: our failure, never the endpoint's.

use std::time::Duration;

use hookbell_aws::AwsError;
use hookbell_aws::queues::Task;

use crate::handler::Dlq;

/// How often a record is brought back before it is parked.
const MAX_REDRIVES: u32 = 3;

/// How long a record that was brought back waits, before scaling: what broke us may be over by then.
const DELAY: Duration = Duration::from_mins(5);

/// Puts a task back on its queue, or parks it when that has been done often enough.
pub(crate) async fn bring_back(dlq: &Dlq, mut task: Task, body: &str) -> Result<(), AwsError> {
    let redrives = match &mut task {
        Task::Delivery(task) => &mut task.redrives,
        Task::Replay(task) => &mut task.redrives,
    };
    if *redrives >= MAX_REDRIVES {
        return dlq.park(body, format!("the sender failed at it, {} times over", MAX_REDRIVES + 1)).await;
    }
    *redrives += 1;
    match &task {
        Task::Delivery(task) => {
            tracing::warn!(
                organization_id = %task.organization_id,
                endpoint_id = %task.endpoint_id,
                message_id = %task.message_id,
                delivery_id = %task.delivery_id,
                redrives = task.redrives,
                "delivery.redriven"
            );
        }
        Task::Replay(task) => tracing::warn!(
            organization_id = %task.organization_id,
            endpoint_id = %task.endpoint_id,
            replay_id = %task.replay_id,
            redrives = task.redrives,
            "replay.redriven"
        ),
    }
    let delay = dlq.config.time_scale.apply(DELAY);
    dlq.queues.send_tasks(&dlq.config.deliveries_queue, &[(task, delay)]).await.all()
}
