//! What a version of hookbell had stored and queued, kept in a file, so that later versions can be tried with it.
//!
//! Receivers' addresses are written as `receiver.recorded`, because they are elsewhere each time. All else is as it was:
//! what is sealed and marked cannot be changed, so whoever plays it sets the clock to the time of the recording.

use std::path::PathBuf;

use aws_sdk_sqs::types::Message;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::apart::Apart;
use crate::patience::eventually;
use crate::queue::{Queue, invocation};
use crate::receiver::Receiver;
use crate::stack::Stack;
use crate::workbench::Workbench;

/// What stands in the file for a receiver's host and port.
const RECEIVER: &str = "receiver.recorded";

/// A version's table and queues at one moment.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Recording {
    /// Which version's.
    pub version: String,
    /// When it was made, unix milliseconds.
    pub recorded_at_ms: i64,
    /// What the table is sealed with.
    pub encryption_key: String,
    /// What the one who made it knows and the functions are to find: ids, secrets, tokens.
    pub facts: Map<String, Value>,
    /// The table's items, as `DynamoDB` writes them in JSON.
    pub items: Vec<Value>,
    /// The queues' records, in the order in which they stood.
    pub records: Vec<Queued>,
}

/// A record on a queue.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Queued {
    /// On which.
    pub queue: QueueName,
    /// As Lambda hands it to the function, but for the queue's ARN.
    pub record: Value,
}

/// The queues that functions read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum QueueName {
    /// Events.
    Events,
    /// Events in order.
    EventsFifo,
    /// Deliveries that wait.
    Deliveries,
    /// Deliveries in line.
    DeliveriesFifo,
    /// Deliveries that ended, or that the sender failed at.
    DeliveriesDeadLetters,
}

impl QueueName {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::Events, Self::EventsFifo, Self::Deliveries, Self::DeliveriesFifo, Self::DeliveriesDeadLetters];

    /// The queue of that name.
    #[must_use]
    pub fn of(self, bench: &Workbench) -> &Queue {
        match self {
            Self::Events => &bench.events,
            Self::EventsFifo => &bench.events_fifo,
            Self::Deliveries => &bench.deliveries,
            Self::DeliveriesFifo => &bench.lines,
            Self::DeliveriesDeadLetters => &bench.deliveries_dead_letters,
        }
    }
}

impl Queued {
    /// A message that was received from that queue.
    #[must_use]
    pub fn new(queue: QueueName, message: &Message) -> Self {
        let record = invocation(std::slice::from_ref(message), "")["Records"][0].clone();
        Self { queue, record }
    }

    /// Its body.
    #[must_use]
    pub fn body(&self) -> &str {
        self.record["body"].as_str().expect("a record has a body")
    }
}

impl Recording {
    /// Takes down what is stored and queued there, and empties the queues.
    pub async fn take(apart: &Apart, receiver: &Receiver, encryption_key: &str, facts: Map<String, Value>) -> Self {
        let mut records = Vec::new();
        for queue in QueueName::ALL {
            let source = queue.of(&apart.bench);
            eventually("the queue to be empty", async || {
                records.extend(source.drain().await.iter().map(|message| Queued::new(queue, message)));
                source.is_empty().await.then_some(())
            })
            .await;
        }
        let recording = Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            recorded_at_ms: jiff::Timestamp::now().as_millisecond(),
            encryption_key: encryption_key.to_owned(),
            facts,
            items: apart.items().await,
            records,
        };
        recording.rewritten(&receiver.authority(), RECEIVER)
    }

    /// Writes it among the recordings, in the place of an older one of the same version; gives the file.
    #[must_use]
    pub fn write(&self) -> PathBuf {
        let file = folder().join(format!("{}.json", self.version));
        std::fs::write(&file, serde_json::to_string_pretty(self).unwrap() + "\n").unwrap();
        file
    }

    /// All that are kept.
    #[must_use]
    pub fn all() -> Vec<Self> {
        let files = std::fs::read_dir(folder()).unwrap().map(|entry| entry.unwrap().path());
        files.map(|file| serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap()).collect()
    }

    /// Puts its items into a table of their own, with endpoints at that receiver.
    pub async fn restore(&self, stack: &Stack, receiver: &Receiver) -> (Self, Apart) {
        let apart = Apart::new(stack, &self.encryption_key).await;
        let here = self.rewritten(RECEIVER, &receiver.authority());
        for item in &here.items {
            apart.put(item).await;
        }
        (here, apart)
    }

    /// What the functions are to find under that name.
    #[track_caller]
    #[must_use]
    pub fn fact(&self, name: &str) -> &str {
        self.facts.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("{} has no {name}", self.version))
    }

    fn rewritten(&self, from: &str, to: &str) -> Self {
        let text = serde_json::to_string(self).unwrap().replace(from, to);
        serde_json::from_str(&text).unwrap()
    }
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("recordings")
}
