//! Queues as SQS has them, as far as a standard queue without loss goes: batches of ten, delays, what is in flight, and
//! requests billed by 64 KB (Amazon SQS pricing).

use std::collections::{BTreeMap, VecDeque};
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};
use tokio::time::Instant;

/// Entries of one request.
const BATCH: usize = 10;

/// Bytes that are billed as one request.
const BILLED: usize = 64 * 1024;

/// As long as a message can be delayed.
const LONGEST_DELAY: Duration = Duration::from_mins(15);

/// As long as those of SQS.
const RECEIPT_HANDLE: &str = "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a0pSkYq0DrXbbvzqY5jFzlvCrNRzQQzLBhJDHFqWqFhGyIoAXhZ3wTnJNhOyxUzSYJX\
    RTOFqsJEK1aHTsDJPoGYhHg0aNSfOTYRdoSEXHhuM7BmtTJFbEArjVCYpLT5XpHOsNIFgNbFFzHrHlnmDRkvcYlHKPdQpTGd";

/// All queues, by URL.
#[derive(Debug, Default)]
pub(super) struct Queues {
    by_url: BTreeMap<String, Queue>,
    sent: u64,
    /// Whether all that a function sends waits until somebody lets the time pass.
    pub(super) holds: bool,
}

#[derive(Debug, Default)]
struct Queue {
    visible: VecDeque<Message>,
    /// By when they can be seen.
    delayed: BTreeMap<(Instant, u64), Message>,
    in_flight: Vec<Message>,
    /// The most that was in flight at once.
    most_in_flight: usize,
}

#[derive(Debug)]
struct Message {
    number: u64,
    body: String,
    /// As they were sent.
    attributes: Value,
    sent_at_ms: u128,
    received: u32,
}

impl Queues {
    /// A call of a function: the answer, and the requests that are billed. None where SQS has no such call.
    pub(super) fn carry_out(&mut self, operation: &str, request: &Value) -> Option<(Value, u64)> {
        let queue = request["QueueUrl"].as_str()?;
        match operation {
            "SendMessage" => {
                let (id, bytes) = self.send(queue, request)?;
                Some((json!({ "MessageId": id, "MD5OfMessageBody": "" }), billed(bytes)))
            }
            "SendMessageBatch" => {
                let (mut successful, mut bytes) = (Vec::new(), 0);
                for entry in request["Entries"].as_array()? {
                    let (id, size) = self.send(queue, entry)?;
                    successful.push(json!({ "Id": entry["Id"], "MessageId": id, "MD5OfMessageBody": "" }));
                    bytes += size;
                }
                Some((json!({ "Successful": successful, "Failed": [] }), billed(bytes)))
            }
            _ => None,
        }
    }

    fn send(&mut self, queue: &str, entry: &Value) -> Option<(String, usize)> {
        let body = entry["MessageBody"].as_str()?.to_owned();
        let (delay, bytes) = (entry["DelaySeconds"].as_u64().unwrap_or(0), body.len());
        let delay = if self.holds { LONGEST_DELAY } else { Duration::from_secs(delay) };
        Some((self.put(queue, body, entry["MessageAttributes"].clone(), delay), bytes))
    }

    fn put(&mut self, queue: &str, body: String, attributes: Value, delay: Duration) -> String {
        self.sent += 1;
        let message = Message { number: self.sent, body, attributes, sent_at_ms: now_ms(), received: 0 };
        let (id, queue) = (message.id(), self.by_url.entry(queue.to_owned()).or_default());
        if delay.is_zero() {
            queue.visible.push_back(message);
        } else {
            queue.delayed.insert((Instant::now() + delay, message.number), message);
        }
        id
    }

    /// Puts messages on a queue as a producer does, ten to a request; gives the requests that are billed. They can be seen
    /// at once, or have been put back a moment ago for as long as a message can be.
    pub(super) fn fill(&mut self, queue: &str, bodies: impl Iterator<Item = String>, is_delayed: bool) -> u64 {
        let delay = if is_delayed { LONGEST_DELAY } else { Duration::ZERO };
        let (mut requests, mut bytes, mut entries) = (0, 0, 0);
        for body in bodies {
            bytes += body.len();
            entries += 1;
            self.put(queue, body, Value::Null, delay);
            if entries == BATCH {
                requests += billed(bytes);
                (bytes, entries) = (0, 0);
            }
        }
        requests + if entries > 0 { billed(bytes) } else { 0 }
    }

    /// Lets the time pass until nothing is delayed any more; whether anything was.
    pub(super) fn hurry(&mut self, queue: &str) -> bool {
        let Some(queue) = self.by_url.get_mut(queue) else { return false };
        let delayed = std::mem::take(&mut queue.delayed);
        let is_late = !delayed.is_empty();
        queue.visible.extend(delayed.into_values());
        is_late
    }

    /// Takes messages as Lambda's event source does, and gives what it hands to a function.
    pub(super) fn take(&mut self, queue: &str, most: usize) -> Option<Value> {
        let (url, queue) = (queue.to_owned(), self.by_url.get_mut(queue)?);
        let later = queue.delayed.split_off(&(Instant::now(), 0));
        queue.visible.extend(std::mem::replace(&mut queue.delayed, later).into_values());
        let taken = queue.visible.len().min(most.min(BATCH));
        if taken == 0 {
            return None;
        }
        let mut records = Vec::new();
        for mut message in queue.visible.drain(..taken) {
            message.received += 1;
            records.push(message.record(&url));
            queue.in_flight.push(message);
        }
        queue.most_in_flight = queue.most_in_flight.max(queue.in_flight.len());
        Some(json!({ "Records": records }))
    }

    /// Ends what was taken, but for those that are to come again; whether there was anything to delete.
    pub(super) fn settle(&mut self, queue: &str, again: &[&str]) -> bool {
        let Some(queue) = self.by_url.get_mut(queue) else { return false };
        let taken = std::mem::take(&mut queue.in_flight);
        let count = taken.len();
        let back: Vec<Message> = taken.into_iter().filter(|message| again.contains(&message.id().as_str())).collect();
        let is_deleted = back.len() < count;
        queue.visible.extend(back);
        is_deleted
    }

    /// How many messages a queue holds.
    pub(super) fn depth(&self, queue: &str) -> Value {
        let none = Queue::default();
        let queue = self.by_url.get(queue).unwrap_or(&none);
        json!({
            "visible": queue.visible.len(),
            "delayed": queue.delayed.len(),
            "inFlight": queue.in_flight.len(),
            "mostInFlight": queue.most_in_flight,
        })
    }
}

impl Message {
    /// As long as those of SQS.
    fn id(&self) -> String {
        format!("5fea7756-0ea4-451a-a703-{:012x}", self.number)
    }

    /// As Lambda gives it to a function (AWS Lambda, "Using Lambda with Amazon SQS").
    fn record(&self, queue: &str) -> Value {
        let name = queue.rsplit('/').next().unwrap_or_default();
        let attributes = self.attributes.as_object().into_iter().flatten().map(|(name, value)| {
            (name.clone(), json!({ "stringValue": value["StringValue"], "dataType": value["DataType"] }))
        });
        json!({
            "messageId": self.id(),
            "receiptHandle": RECEIPT_HANDLE,
            "body": self.body,
            "attributes": {
                "ApproximateReceiveCount": self.received.to_string(),
                "SentTimestamp": self.sent_at_ms.to_string(),
                "SenderId": "AIDAIENQZJOLO23YVJ4VO",
                "ApproximateFirstReceiveTimestamp": now_ms().to_string(),
            },
            "messageAttributes": attributes.collect::<serde_json::Map<_, _>>(),
            "md5OfBody": "e4e68fb7bd0e697a0ae8f1bb342846b3",
            "eventSource": "aws:sqs",
            "eventSourceARN": format!("arn:aws:sqs:us-east-1:123456789012:{name}"),
            "awsRegion": "us-east-1",
        })
    }
}

fn billed(bytes: usize) -> u64 {
    bytes.div_ceil(BILLED).max(1) as u64
}

fn now_ms() -> u128 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_millis()
}
