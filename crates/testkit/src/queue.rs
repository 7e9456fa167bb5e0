//! SQS queues: the stack's, and a test's own; and the event source that leads from a queue to a function.

use std::collections::BTreeMap;

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::{
    ChangeMessageVisibilityBatchRequestEntry, DeleteMessageBatchRequestEntry, Message, MessageAttributeValue,
    MessageSystemAttributeName, QueueAttributeName,
};
use serde_json::{Value, json};

use crate::function::{Function, Outcome};
use crate::patience::eventually;
use crate::stack::Stack;

/// For how long a message that was looked at and left is hidden from others who look.
const LOOK_SECONDS: i32 = 1;

/// A queue.
#[derive(Debug, Clone)]
pub struct Queue {
    client: Client,
    /// Its URL.
    pub url: String,
}

/// What one invocation by a queue came to.
#[derive(Debug)]
pub struct Fed {
    /// How many records it was given.
    pub records: usize,
    /// How many of them come again.
    pub again: usize,
    /// What the function made of them.
    pub outcome: Outcome,
}

impl Queue {
    /// The queue of that URL.
    #[must_use]
    pub fn at(stack: &Stack, url: &str) -> Self {
        Self { client: stack.sqs(), url: url.to_owned() }
    }

    /// A new queue, whose messages come again after a second, and after `redrive` times go to another queue.
    pub async fn create(stack: &Stack, name: &str, redrive: Option<(&Queue, u32)>) -> Self {
        let client = stack.sqs();
        let mut create = client
            .create_queue()
            .queue_name(format!("test-{name}-{}", crate::fresh()))
            .attributes(QueueAttributeName::VisibilityTimeout, "1");
        if let Some((dead_letters, times)) = redrive {
            let policy = json!({ "deadLetterTargetArn": dead_letters.arn().await, "maxReceiveCount": times });
            create = create.attributes(QueueAttributeName::RedrivePolicy, policy.to_string());
        }
        let url = create.send().await.unwrap().queue_url.expect("a new queue has a URL");
        Self { client, url }
    }

    /// The same that keeps an order, as the stack's FIFO queues do; nothing takes its messages elsewhere.
    pub async fn create_fifo(stack: &Stack, name: &str) -> Self {
        let client = stack.sqs();
        let mut create = client.create_queue().queue_name(format!("test-{name}-{}.fifo", crate::fresh()));
        for (attribute, value) in [
            (QueueAttributeName::FifoQueue, "true"),
            (QueueAttributeName::ContentBasedDeduplication, "true"),
            (QueueAttributeName::DeduplicationScope, "messageGroup"),
            (QueueAttributeName::FifoThroughputLimit, "perMessageGroupId"),
            (QueueAttributeName::VisibilityTimeout, "1"),
        ] {
            create = create.attributes(attribute, value);
        }
        let url = create.send().await.unwrap().queue_url.expect("a new queue has a URL");
        Self { client, url }
    }

    /// Puts a message behind those of its group.
    pub async fn put_in_group(&self, group: &str, body: &str) {
        let send = self.client.send_message().queue_url(&self.url).message_body(body);
        send.message_group_id(group).message_deduplication_id(crate::fresh()).send().await.unwrap();
    }

    /// Its ARN.
    pub async fn arn(&self) -> String {
        let asked = self.client.get_queue_attributes().queue_url(&self.url);
        let answer = asked.attribute_names(QueueAttributeName::QueueArn).send().await.unwrap();
        answer.attributes.unwrap()[&QueueAttributeName::QueueArn].clone()
    }

    /// After how many times its messages go to another queue.
    pub async fn max_receive_count(&self) -> u32 {
        let asked = self.client.get_queue_attributes().queue_url(&self.url);
        let answer = asked.attribute_names(QueueAttributeName::RedrivePolicy).send().await.unwrap();
        let policy = &answer.attributes.unwrap()[&QueueAttributeName::RedrivePolicy];
        let count = serde_json::from_str::<Value>(policy).unwrap()["maxReceiveCount"].clone();
        // A number, or the text of one.
        count.to_string().trim_matches('"').parse().unwrap()
    }

    /// Has its messages come again at once after they were taken.
    pub async fn hide_nothing(&self) {
        self.set(QueueAttributeName::VisibilityTimeout, "0".to_owned()).await;
    }

    /// Sets one of its attributes.
    pub async fn set(&self, name: QueueAttributeName, value: String) {
        self.client.set_queue_attributes().queue_url(&self.url).attributes(name, value).send().await.unwrap();
    }

    /// Puts a message.
    pub async fn put(&self, body: &str) {
        self.put_with(body, &[]).await;
    }

    /// Puts a message with attributes.
    pub async fn put_with(&self, body: &str, attributes: &[(&str, &str)]) {
        let mut send = self.client.send_message().queue_url(&self.url).message_body(body);
        for (name, value) in attributes {
            let value = MessageAttributeValue::builder().data_type("String").string_value(*value).build().unwrap();
            send = send.message_attributes(*name, value);
        }
        if std::path::Path::new(&self.url).extension().is_some_and(|extension| extension == "fifo") {
            send = send.message_group_id("tests").message_deduplication_id(crate::fresh());
        }
        send.send().await.unwrap();
    }

    /// Takes at most ten messages, hidden from others for `hidden` seconds or for the queue's own time.
    async fn receive(&self, hidden: Option<i32>, wait: i32) -> Vec<Message> {
        self.receive_at_most(10, hidden, wait).await
    }

    pub(crate) async fn receive_at_most(&self, count: i32, hidden: Option<i32>, wait: i32) -> Vec<Message> {
        let receive = self.client.receive_message().queue_url(&self.url).set_visibility_timeout(hidden);
        let receive = receive.max_number_of_messages(count).wait_time_seconds(wait).message_attribute_names("All");
        let receive = receive.message_system_attribute_names(MessageSystemAttributeName::All);
        receive.send().await.unwrap().messages.unwrap_or_default()
    }

    /// Takes a message off the queue for good.
    async fn delete(&self, message: &Message) {
        let handle = message.receipt_handle.clone().expect("a received message has a handle");
        self.client.delete_message().queue_url(&self.url).receipt_handle(handle).send().await.unwrap();
    }

    /// Takes messages off the queue for good, at most ten.
    pub(crate) async fn delete_all(&self, messages: &[&Message]) {
        let entry = |(number, message): (usize, &&Message)| {
            let entry = DeleteMessageBatchRequestEntry::builder().id(number.to_string());
            entry.receipt_handle(message.receipt_handle().unwrap_or_default()).build().unwrap()
        };
        let entries: Vec<_> = messages.iter().enumerate().map(entry).collect();
        if !entries.is_empty() {
            let delete = self.client.delete_message_batch().queue_url(&self.url).set_entries(Some(entries));
            delete.send().await.unwrap();
        }
    }

    /// Has messages that were taken, at most ten, come again after so many seconds. Some may be gone meanwhile.
    pub(crate) async fn show_again(&self, messages: &[&Message], seconds: i32) {
        let entry = |(number, message): (usize, &&Message)| {
            let entry = ChangeMessageVisibilityBatchRequestEntry::builder().id(number.to_string());
            let entry = entry.receipt_handle(message.receipt_handle().unwrap_or_default());
            entry.visibility_timeout(seconds).build().unwrap()
        };
        let entries: Vec<_> = messages.iter().enumerate().map(entry).collect();
        if !entries.is_empty() {
            let change = self.client.change_message_visibility_batch().queue_url(&self.url).set_entries(Some(entries));
            change.send().await.unwrap();
        }
    }

    /// Waits for so many messages that pass, and takes them; leaves those of others.
    pub async fn find(&self, what: &str, count: usize, pass: impl Fn(&Message) -> bool) -> Vec<Message> {
        let mut found = Vec::new();
        eventually(what, async || {
            for message in self.receive(Some(LOOK_SECONDS), 0).await.into_iter().filter(&pass) {
                self.delete(&message).await;
                found.push(message);
            }
            (found.len() >= count).then_some(())
        })
        .await;
        found
    }

    /// Takes the messages that are there now, at most ten.
    pub async fn drain(&self) -> Vec<Message> {
        let messages = self.receive(None, 0).await;
        for message in &messages {
            self.delete(message).await;
        }
        messages
    }

    /// How many messages it holds, waiting and hidden ones included.
    pub async fn len(&self) -> usize {
        use QueueAttributeName::{
            ApproximateNumberOfMessages as Visible, ApproximateNumberOfMessagesDelayed as Delayed,
            ApproximateNumberOfMessagesNotVisible as Hidden,
        };
        let asked = self.client.get_queue_attributes().queue_url(&self.url).attribute_names(QueueAttributeName::All);
        let attributes = asked.send().await.unwrap().attributes.unwrap();
        let count = |name: &QueueAttributeName| attributes.get(name).map_or(0, |text| text.parse::<usize>().unwrap());
        count(&Visible) + count(&Delayed) + count(&Hidden)
    }

    /// Whether it holds nothing.
    pub async fn is_empty(&self) -> bool {
        self.len().await == 0
    }

    /// Does what an event source does: waits for records, has the function deal with them, and takes those off the
    /// queue that it does not want again. A function that dies wants them all again.
    pub async fn feed(&self, function: &Function) -> Fed {
        let messages = eventually("a record", async || {
            let messages = self.receive(None, 1).await;
            (!messages.is_empty()).then_some(messages)
        })
        .await;
        self.give(function, messages).await
    }

    /// Feeds a function until the queue holds nothing, not even later.
    pub async fn feed_until_empty(&self, function: &Function) {
        self.feed_at_most(10, function).await;
    }

    /// The same with one record at a time, so that several functions can share the work.
    pub async fn feed_one_by_one(&self, function: &Function) {
        self.feed_at_most(1, function).await;
    }

    async fn feed_at_most(&self, count: i32, function: &Function) {
        eventually("the queue to be empty", async || {
            let messages = self.receive_at_most(count, None, 1).await;
            if !messages.is_empty() {
                self.give(function, messages).await;
            }
            self.is_empty().await.then_some(())
        })
        .await;
    }

    async fn give(&self, function: &Function, messages: Vec<Message>) -> Fed {
        let outcome = function.invoke(&invocation(&messages, &self.arn().await)).await;
        let again: Vec<&str> = match &outcome {
            Outcome::Answered(answer) => {
                let failures = answer["batchItemFailures"].as_array().expect("a partial batch response");
                failures.iter().map(|failure| failure["itemIdentifier"].as_str().unwrap()).collect()
            }
            Outcome::Failed(_) | Outcome::Died(_) => messages.iter().map(id).collect(),
        };
        let done: Vec<&Message> = messages.iter().filter(|message| !again.contains(&id(message))).collect();
        self.delete_all(&done).await;
        Fed { records: messages.len(), again: again.len(), outcome }
    }
}

pub(crate) fn id(message: &Message) -> &str {
    message.message_id.as_deref().expect("a message has an id")
}

/// The reason that was given with a message that was put aside.
#[must_use]
pub fn reason(message: &Message) -> String {
    let attributes = message.message_attributes.clone().unwrap_or_default();
    attributes.get("hookbell-reason").and_then(|value| value.string_value.clone()).unwrap_or_default()
}

/// What Lambda gives a function for one message that was sent now and is handed out for the `received`th time.
#[must_use]
pub fn handed_out(message_id: &str, body: &str, sent_at_ms: i64, received: u32, arn: &str) -> Value {
    json!({ "Records": [{
        "messageId": message_id,
        "receiptHandle": "a-receipt-handle",
        "body": body,
        "attributes": { "ApproximateReceiveCount": received.to_string(), "SentTimestamp": sent_at_ms.to_string() },
        "messageAttributes": {},
        "eventSource": "aws:sqs",
        "eventSourceARN": arn,
        "awsRegion": "us-east-1",
    }]})
}

/// What Lambda gives a function for messages of a queue.
pub(crate) fn invocation(messages: &[Message], arn: &str) -> Value {
    let record = |message: &Message| {
        let system = message.attributes.clone().unwrap_or_default();
        let system: BTreeMap<String, String> =
            system.into_iter().map(|(name, value)| (name.as_str().to_owned(), value)).collect();
        let attributes = message.message_attributes.clone().unwrap_or_default();
        let attributes: BTreeMap<String, Value> = attributes
            .into_iter()
            .map(|(name, value)| (name, json!({ "dataType": value.data_type, "stringValue": value.string_value })))
            .collect();
        json!({
            "messageId": message.message_id,
            "receiptHandle": message.receipt_handle,
            "body": message.body,
            "attributes": system,
            "messageAttributes": attributes,
            "md5OfBody": message.md5_of_body,
            "eventSource": "aws:sqs",
            "eventSourceARN": arn,
            "awsRegion": "us-east-1",
        })
    };
    json!({ "Records": messages.iter().map(record).collect::<Vec<_>>() })
}
