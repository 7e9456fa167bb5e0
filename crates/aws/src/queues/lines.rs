//! The FIFO queue of deliveries: each ordered endpoint is a group of it, and its deliveries stand in line.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use aws_sdk_sqs::types::{ChangeMessageVisibilityBatchRequestEntry, SendMessageBatchRequestEntry};
use hookbell_domain::ids::EndpointId;

use super::Queues;
use super::batch::{self, MAX_ENTRIES, Sent};
use super::records::{self, DeliveryTask};
use crate::AwsError;

/// The longest that a message is hidden: SQS counts twelve hours from its receipt on (Amazon SQS,
/// "`ChangeMessageVisibility`"), some of which have gone by.
pub(super) const MAX_HIDDEN: Duration = Duration::from_hours(11);

impl Queues {
    /// Puts deliveries in line, each behind those of its endpoint that stand before it in `tasks`.
    ///
    /// SQS may take the later entries of a request and not the earlier ones. So a request holds one of each endpoint, and
    /// where one is not taken those behind it are not sent: they fail with its error. A request that the SDK repeats
    /// is taken once, because the queue knows a body that it has had.
    pub async fn send_in_order(&self, queue: &str, tasks: &[DeliveryTask]) -> Sent {
        let mut lines: BTreeMap<EndpointId, VecDeque<(usize, &DeliveryTask)>> = BTreeMap::new();
        for (position, task) in tasks.iter().enumerate() {
            lines.entry(task.endpoint_id).or_default().push_back((position, task));
        }
        let mut failures = BTreeMap::new();
        while !lines.is_empty() {
            let heads: Vec<&DeliveryTask> = lines.values().filter_map(|line| Some(line.front()?.1)).collect();
            let entries = heads.iter().map(|&task| {
                Ok(SendMessageBatchRequestEntry::builder()
                    .message_body(records::write(task)?)
                    .message_group_id(task.endpoint_id.to_string()))
            });
            // Boxed: whoever has no line does not carry the state of such a request with it.
            let sent = Box::pin(batch::send(&self.client, queue, entries.collect())).await;
            for (index, task) in heads.into_iter().enumerate() {
                let Some(line) = lines.get_mut(&task.endpoint_id) else { continue };
                match sent.failure(index) {
                    None => drop(line.pop_front()),
                    Some(error) => failures.extend(line.drain(..).map(|(position, _)| (position, error.clone()))),
                }
            }
            lines.retain(|_, line| !line.is_empty());
        }
        Sent::of((0..tasks.len()).map(|position| failures.remove(&position)))
    }

    /// Hides messages that were received, by their receipt handles, for so long from now on; whoever waits for their
    /// group waits with them.
    ///
    /// # Errors
    /// When SQS does not do so for all of them: those come again when the queue's own time is over.
    pub async fn keep_back(&self, queue: &str, receipt_handles: &[&str], wait: Duration) -> Result<(), AwsError> {
        const OPERATION: &str = "ChangeMessageVisibilityBatch";
        // Rounded up: what comes early waits once more.
        let seconds = i32::try_from(wait.min(MAX_HIDDEN).as_millis().div_ceil(1_000)).unwrap_or(i32::MAX);
        for handles in receipt_handles.chunks(MAX_ENTRIES) {
            let entries = handles.iter().enumerate().map(|(index, &handle)| {
                let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(index.to_string());
                entry.receipt_handle(handle).visibility_timeout(seconds).build()
            });
            let entries = entries.collect::<Result<Vec<_>, _>>().map_err(AwsError::sdk(OPERATION))?;
            let request = self.client.change_message_visibility_batch().queue_url(queue).set_entries(Some(entries));
            let answer = request.send().await.map_err(AwsError::sdk(OPERATION))?;
            if let Some(failed) = answer.failed.into_iter().next() {
                return Err(AwsError::unreadable(OPERATION, failed.message.unwrap_or(failed.code)));
            }
        }
        Ok(())
    }
}
