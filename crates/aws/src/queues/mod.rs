//! The queues: what is put on them, and how it reads back.

mod batch;
#[cfg(test)]
mod fuzz;
mod left;
mod lines;
mod records;

use std::time::Duration;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{MessageAttributeValue, SendMessageBatchRequestEntry};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hookbell_domain::ids::{EventId, OrganizationId};
use hookbell_domain::message::AcceptedEvent;

pub use batch::Sent;
pub use left::{Depth, Left};
pub use records::{DeliveryTask, Ended, EndedBecause, ReplayTask, ReservedSlot, Task, UnreadableRecord, read_accepted};

use crate::AwsError;
use crate::clients::Aws;
use crate::sealing::{Keys, Marked};

/// The message attribute that marks an event as accepted by our API.
pub const ACCEPTED_ATTRIBUTE: &str = "hookbell-accepted";

/// The message attribute that says why a record was parked.
pub const REASON_ATTRIBUTE: &str = "hookbell-reason";

/// The longest delay of one message (Amazon SQS, "SendMessage", `DelaySeconds`).
pub const MAX_DELAY: Duration = Duration::from_mins(15);

/// A record of a queue to be put elsewhere as it is, with the reason.
#[derive(Debug, Clone)]
pub struct Parked<'a> {
    /// The record's body, untouched.
    pub body: &'a str,
    /// Its mark as an accepted event, if it has one: put back to work without it, it would be none.
    pub mark: Option<&'a [u8]>,
    /// Why nothing could be made of it.
    pub reason: String,
}

/// SQS.
#[derive(Debug, Clone)]
pub struct Queues {
    client: Client,
}

impl Queues {
    /// SQS as configured.
    #[must_use]
    pub fn new(aws: &Aws) -> Self {
        Self { client: aws.sqs() }
    }

    /// Puts an event that the API accepted onto an events queue, marked as ours; its organization is the group of
    /// the queue's fair sharing, or of its order where the queue is a FIFO one.
    ///
    /// # Errors
    /// When SQS does not take it.
    pub async fn send_accepted(&self, events_queue: &str, event: &AcceptedEvent, keys: &Keys) -> Result<(), AwsError> {
        let body = records::write_accepted(event)?;
        let mark = string_attribute(STANDARD.encode(keys.mark(Marked::AcceptedEvent, body.as_bytes())))?;
        self.client
            .send_message()
            .queue_url(events_queue)
            .message_group_id(event.organization_id.as_str())
            .set_message_deduplication_id(is_fifo(events_queue).then(|| event.message_id.to_string()))
            .message_body(body)
            .message_attributes(ACCEPTED_ATTRIBUTE, mark)
            .send()
            .await
            .map_err(AwsError::sdk("SendMessage"))?;
        Ok(())
    }

    /// Puts an event onto the events queue as any other producer would.
    ///
    /// # Errors
    /// When SQS does not take it.
    pub async fn produce(
        &self,
        events_queue: &str,
        organization: &OrganizationId,
        event_type: &str,
        id: &EventId,
        data: &impl serde::Serialize,
    ) -> Result<(), AwsError> {
        let body = records::write_produced(organization, event_type, id, data)?;
        self.client
            .send_message()
            .queue_url(events_queue)
            .message_group_id(organization.as_str())
            .message_body(body)
            .send()
            .await
            .map_err(AwsError::sdk("SendMessage"))?;
        Ok(())
    }

    /// Puts tasks onto the deliveries queue, each with the delay until it is due (900 seconds at most).
    pub async fn send_tasks(&self, queue: &str, tasks: &[(Task, Duration)]) -> Sent {
        let entries = tasks.iter().map(|(task, delay)| {
            // Rounded up: a message that comes a little late is attempted, one that comes early goes round again.
            let seconds = delay.min(&MAX_DELAY).as_millis().div_ceil(1_000);
            Ok(SendMessageBatchRequestEntry::builder()
                .message_body(records::write(task)?)
                .message_group_id(task.endpoint_id().to_string())
                .delay_seconds(i32::try_from(seconds).unwrap_or(i32::MAX)))
        });
        batch::send(&self.client, queue, entries.collect()).await
    }

    /// Puts deliveries that have ended without success onto the dead-letter queue.
    pub async fn send_ended(&self, queue: &str, ended: &[Ended]) -> Sent {
        let entries =
            ended.iter().map(|end| Ok(SendMessageBatchRequestEntry::builder().message_body(records::write(end)?)));
        batch::send(&self.client, queue, entries.collect()).await
    }

    /// Puts records that cannot be dealt with where a person will look at them.
    pub async fn park(&self, queue: &str, records: &[Parked<'_>]) -> Sent {
        let entries = records.iter().map(|record| {
            let entry = SendMessageBatchRequestEntry::builder()
                .message_body(record.body)
                .message_attributes(REASON_ATTRIBUTE, string_attribute(cut(&record.reason))?);
            // SQS takes no empty attribute, which one that could not be read has become.
            match record.mark.filter(|mark| !mark.is_empty()) {
                Some(mark) => {
                    Ok(entry.message_attributes(ACCEPTED_ATTRIBUTE, string_attribute(STANDARD.encode(mark))?))
                }
                None => Ok(entry),
            }
        });
        batch::send(&self.client, queue, entries.collect()).await
    }
}

/// Whether a queue of that URL or ARN keeps an order (Amazon SQS, "FIFO queue and message identifiers": the name says so).
#[must_use]
pub fn is_fifo(queue: &str) -> bool {
    queue.rsplit_once('.').is_some_and(|(_, suffix)| suffix == "fifo")
}

/// The first kilobyte of a reason: it may quote what a stranger sent, and a batch has its limit.
fn cut(reason: &str) -> String {
    let end = (0..=reason.len().min(1_024)).rev().find(|&at| reason.is_char_boundary(at));
    reason.get(..end.unwrap_or(0)).unwrap_or_default().to_owned()
}

fn string_attribute(value: String) -> Result<MessageAttributeValue, AwsError> {
    MessageAttributeValue::builder()
        .data_type("String")
        .string_value(value)
        .build()
        .map_err(AwsError::sdk("SendMessage"))
}
