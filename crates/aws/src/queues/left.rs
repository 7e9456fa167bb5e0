//! What was left for a person: looked at without taking it off its queue, and put back to work.
//!
//! A look hides a message for a moment, as every receipt does, and counts as one; no queue of these moves anything
//! away for having been received too often.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use aws_sdk_sqs::types::{Message, MessageAttributeValue, MessageSystemAttributeName, QueueAttributeName};
use jiff::Timestamp;

use super::batch::MAX_ENTRIES;
use super::lines::MAX_HIDDEN;
use super::{DeliveryTask, Queues, REASON_ATTRIBUTE, ReplayTask, Task, is_fifo, records};
use crate::AwsError;

/// A message that waits for a person.
#[derive(Debug, Clone)]
pub struct Left {
    /// The queue's own id of it.
    pub id: String,
    /// Its body, untouched.
    pub body: String,
    /// Why it lies there, where whoever put it said so.
    pub reason: Option<String>,
    /// When it was put there.
    pub since: Option<Timestamp>,
    /// The group that it belongs to, on a FIFO queue.
    pub group: Option<String>,
    attributes: HashMap<String, MessageAttributeValue>,
    receipt_handle: String,
}

/// How many messages a queue holds, as far as SQS knows at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Depth {
    /// Those that can be received.
    pub waiting: u64,
    /// Those that somebody has received and not yet dealt with.
    pub in_flight: u64,
    /// Those that are not due yet.
    pub delayed: u64,
}

impl Queues {
    /// Receives at most ten messages, and hides them from others for so long.
    ///
    /// # Errors
    /// When SQS does not answer.
    pub async fn look(&self, queue: &str, hidden: Duration) -> Result<Vec<Left>, AwsError> {
        let request = self.client.receive_message().queue_url(queue).max_number_of_messages(10).wait_time_seconds(1);
        let request = request.visibility_timeout(i32::try_from(hidden.min(MAX_HIDDEN).as_secs()).unwrap_or(i32::MAX));
        let request = request.message_attribute_names("All");
        let request = request.message_system_attribute_names(MessageSystemAttributeName::All);
        let answer = request.send().await.map_err(AwsError::sdk("ReceiveMessage"))?;
        Ok(answer.messages.unwrap_or_default().into_iter().map(Left::from).collect())
    }

    /// Lets others have messages again that were looked at, one batch after the other in this order.
    ///
    /// # Errors
    /// When SQS does not do so for all of them: those show by themselves when their time is over.
    pub async fn let_go<'a>(&self, queue: &str, left: impl IntoIterator<Item = &'a Left>) -> Result<(), AwsError> {
        let handles: Vec<_> = left.into_iter().map(|left| left.receipt_handle.as_str()).collect();
        let mut all = Ok(());
        for handles in handles.chunks(MAX_ENTRIES) {
            // A batch that fails keeps no other back.
            all = all.and(self.keep_back(queue, handles, Duration::ZERO).await);
        }
        all
    }

    /// Puts a message on another queue as it is, less the reason why it was left: the same bytes, the same attributes, the
    /// same group. It stays where it is too: who calls this takes it off after that.
    ///
    /// # Errors
    /// When SQS does not take it.
    pub async fn send_again(&self, queue: &str, left: &Left) -> Result<(), AwsError> {
        let attributes = left.attributes.iter().filter(|(name, _)| *name != REASON_ATTRIBUTE);
        let attributes = attributes.map(|(name, value)| (name.clone(), value.clone())).collect();
        self.send_one(queue, left, left.body.clone(), Some(attributes)).await
    }

    /// Puts a task on a queue of deliveries, as if it had not come back before. Where it was left it stays too.
    ///
    /// # Errors
    /// When SQS does not take it.
    pub async fn send_task_again(&self, queue: &str, left: &Left, task: Task) -> Result<(), AwsError> {
        let left = Left { group: Some(task.endpoint_id().to_string()), ..left.clone() };
        self.send_one(queue, &left, records::write(&task.anew())?, None).await
    }

    async fn send_one(
        &self,
        queue: &str,
        left: &Left,
        body: String,
        attributes: Option<HashMap<String, MessageAttributeValue>>,
    ) -> Result<(), AwsError> {
        let request = self.client.send_message().queue_url(queue).message_body(body).set_message_attributes(attributes);
        let request = request.set_message_group_id(left.group.clone());
        // A queue that keeps an order would take what it has had for a duplicate; sent twice in a row, this one is.
        let once = is_fifo(queue).then(|| format!("again-{}", left.id));
        let sent = request.set_message_deduplication_id(once).send().await;
        sent.map(drop).map_err(AwsError::sdk("SendMessage"))
    }

    /// Takes a message off its queue for good.
    ///
    /// # Errors
    /// When SQS does not do so: then it is there again when its time is over.
    pub async fn take_off(&self, queue: &str, left: &Left) -> Result<(), AwsError> {
        let request = self.client.delete_message().queue_url(queue).receipt_handle(&left.receipt_handle);
        request.send().await.map(drop).map_err(AwsError::sdk("DeleteMessage"))
    }

    /// How many messages a queue holds.
    ///
    /// # Errors
    /// When SQS does not answer.
    pub async fn depth(&self, queue: &str) -> Result<Depth, AwsError> {
        use QueueAttributeName::{
            ApproximateNumberOfMessages as Waiting, ApproximateNumberOfMessagesDelayed as Delayed,
            ApproximateNumberOfMessagesNotVisible as InFlight,
        };
        let attributes = self.attributes(queue, &[Waiting, InFlight, Delayed]).await?;
        let count = |name| attributes.get(&name).and_then(|text| text.parse().ok()).unwrap_or_default();
        Ok(Depth { waiting: count(Waiting), in_flight: count(InFlight), delayed: count(Delayed) })
    }

    /// The URL of a queue's dead-letter queue, where it has one.
    ///
    /// # Errors
    /// When SQS does not answer.
    pub async fn dead_letters_of(&self, queue: &str) -> Result<Option<String>, AwsError> {
        #[derive(serde::Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Policy {
            dead_letter_target_arn: String,
        }
        const OPERATION: &str = "GetQueueAttributes";
        let attributes = self.attributes(queue, &[QueueAttributeName::RedrivePolicy]).await?;
        let Some(policy) = attributes.get(&QueueAttributeName::RedrivePolicy) else { return Ok(None) };
        let policy: Policy = serde_json::from_str(policy).map_err(|error| AwsError::unreadable(OPERATION, error))?;
        let name = policy.dead_letter_target_arn.rsplit(':').next().unwrap_or_default().to_owned();
        let found = self.client.get_queue_url().queue_name(name).send().await;
        Ok(found.map_err(AwsError::sdk("GetQueueUrl"))?.queue_url)
    }

    async fn attributes(
        &self,
        queue: &str,
        names: &[QueueAttributeName],
    ) -> Result<BTreeMap<QueueAttributeName, String>, AwsError> {
        let request = self.client.get_queue_attributes().queue_url(queue).set_attribute_names(Some(names.to_vec()));
        let answer = request.send().await.map_err(AwsError::sdk("GetQueueAttributes"))?;
        Ok(answer.attributes.unwrap_or_default().into_iter().collect())
    }
}

impl Task {
    /// The same, as if it had not come back from the dead-letter queue before.
    #[must_use]
    pub fn anew(self) -> Self {
        match self {
            Self::Delivery(task) => Self::Delivery(DeliveryTask { redrives: 0, ..task }),
            Self::Replay(task) => Self::Replay(ReplayTask { redrives: 0, ..task }),
        }
    }
}

impl From<Message> for Left {
    fn from(message: Message) -> Self {
        let system = message.attributes.unwrap_or_default();
        let attributes = message.message_attributes.unwrap_or_default();
        let sent = system.get(&MessageSystemAttributeName::SentTimestamp).and_then(|text| text.parse().ok());
        Self {
            id: message.message_id.unwrap_or_default(),
            body: message.body.unwrap_or_default(),
            reason: attributes.get(REASON_ATTRIBUTE).and_then(|value| value.string_value.clone()),
            since: sent.and_then(|ms| Timestamp::from_millisecond(ms).ok()),
            group: system.get(&MessageSystemAttributeName::MessageGroupId).cloned(),
            attributes,
            receipt_handle: message.receipt_handle.unwrap_or_default(),
        }
    }
}
