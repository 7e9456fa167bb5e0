//! The records that hookbell itself puts on its queues.

mod ended;
mod events;
mod tasks;

use serde::{Deserialize, Serialize};

use crate::AwsError;

pub use ended::{Ended, EndedBecause};
pub use events::read_accepted;
pub(super) use events::{write_accepted, write_produced};
pub use tasks::{DeliveryTask, ReplayTask, ReservedSlot, Task};

/// A record that is none of ours.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UnreadableRecord(String);

pub(super) fn write(record: &impl Serialize) -> Result<String, AwsError> {
    serde_json::to_string(record).map_err(|error| AwsError::unreadable("writing a record", error))
}

fn read<'a, T: Deserialize<'a>>(body: &'a str) -> Result<T, UnreadableRecord> {
    serde_json::from_str(body).map_err(|error| UnreadableRecord(error.to_string()))
}

#[cfg(test)]
mod tests {
    use hookbell_domain::ids::{DeliveryId, EndpointId, MessageId, ReplayId};
    use jiff::Timestamp;

    use super::*;

    fn with_redrives(task: Task, redrives: u32) -> Task {
        match task {
            Task::Delivery(task) => Task::Delivery(DeliveryTask { redrives, ..task }),
            Task::Replay(task) => Task::Replay(ReplayTask { redrives, ..task }),
        }
    }

    #[test]
    fn an_ended_delivery_a_waiting_one_and_a_replay_are_told_apart() {
        let at = Timestamp::from_millisecond(5).unwrap();
        let task = DeliveryTask {
            organization_id: "org_1".parse().unwrap(),
            endpoint_id: EndpointId::new(at, 1),
            message_id: MessageId::new(at, 2),
            delivery_id: DeliveryId::new(at, 3),
            attempt: 2,
            manual: None,
            makes: None,
            due_at: 5,
            first_due_at: Some(4),
            revision: Some(3),
            slot: Some(ReservedSlot { at: 7, limit: 10 }),
            held_since: None,
            hops: 0,
            redrives: 0,
        };
        let replay = ReplayTask {
            organization_id: task.organization_id.clone(),
            endpoint_id: task.endpoint_id,
            replay_id: ReplayId::new(at, 4),
            step: 7,
            revision: None,
            redrives: 0,
        };
        let ended = Ended {
            organization_id: task.organization_id.clone(),
            endpoint_id: task.endpoint_id,
            delivery_id: task.delivery_id,
            ended_because: EndedBecause::Exhausted,
            ended_at: 5,
            endpoint_as_of: Some(4),
        };
        let (task, replay) = (Task::Delivery(task), Task::Replay(replay));
        for task in [task, replay] {
            assert_eq!(with_redrives(task.clone(), 3).anew(), task);
            let text = write(&task).unwrap();
            assert_eq!(text.parse::<Task>().unwrap(), task);
            assert!(text.parse::<Ended>().is_err());
        }
        let text = write(&ended).unwrap();
        assert_eq!(text.parse::<Ended>().unwrap(), ended);
        assert!(text.parse::<Task>().is_err());
    }
}
