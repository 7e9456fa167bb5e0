//! What Lambda does for a function that queues invoke: takes batches, finds or starts an instance, and takes those
//! records off the queue that are done. What an instance dies at comes again.
//!
//! It also does what Lambda and SQS may do: hands records out twice, and to two instances at once.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_sdk_sqs::types::{Message, MessageSystemAttributeName};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::instances::{Instance, Instances};
use super::kills::{Kills, Moment};
use super::tally::{Cause, Tally};
use crate::function::Outcome;
use crate::queue::{Queue, id, invocation};

/// What Lambda gives an invocation.
const TIMEOUT: Duration = Duration::from_secs(90);

/// For how long a record is hidden while it is worked at: longer than any invocation, as the template has it.
const HIDDEN_SECONDS: i32 = 120;

/// How probable it is that a batch is handed out twice, and that a record is put on its queue once more.
const TWICE: f64 = 0.02;

/// A queue that invokes a function.
#[derive(Debug)]
pub(crate) struct Feed {
    pub(crate) name: &'static str,
    pub(crate) queue: Queue,
    pub(crate) arn: String,
    pub(crate) kind: Kind,
}

/// What may become of a queue's records beside their work.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Whole batches are handed out twice. Not every record is known for a copy by what is in it.
    Repeated,
    /// Records are put there once more, besides.
    Copied,
    /// Nothing: it keeps an order.
    InOrder,
    /// Nothing: it keeps an order, and what comes again does so when the function has said.
    InLine,
}

/// The event source of a function.
#[derive(Debug)]
pub(crate) struct Source {
    pub(crate) feeds: Vec<Feed>,
    pub(crate) instances: Instances,
    pub(crate) kills: Kills,
    pub(crate) tally: Arc<Tally>,
    /// After how many seconds what was not done comes again.
    pub(crate) again_after: i32,
    pub(crate) echoes: Mutex<VecDeque<Batch>>,
    pub(crate) batches: AtomicU64,
}

/// Records that are handed out together.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    feed: usize,
    messages: Vec<Message>,
    /// Whether they are with another instance too.
    echo: bool,
}

impl Source {
    /// Feeds one instance after the other, until it is told to stop.
    pub(crate) async fn work(self: Arc<Self>, slot: usize) {
        let mut instance: Option<Instance> = None;
        while !self.tally.has_stopped() {
            let Some(batch) = self.next(slot).await else { continue };
            if instance.as_ref().is_some_and(|instance| !instance.is_running()) {
                self.tally.count(&format!("kills of {} between invocations", self.instances.name), 1);
                instance = None;
            }
            if instance.is_none() {
                instance = self.instances.start(&self.tally).await;
            }
            let again = match &instance {
                Some(instance) => self.invoke(instance, &batch).await,
                None => None,
            };
            if again.is_none() {
                instance = None;
            }
            self.settle(batch, again).await;
        }
        // A trap that no call has led into.
        if let Some(instance) = instance.filter(Instance::is_trapped) {
            instance.condemned.press().await;
            self.tally.count(&format!("kills of {} between invocations", self.instances.name), 1);
        }
    }

    async fn next(&self, slot: usize) -> Option<Batch> {
        if let Some(batch) = self.echoes.lock().unwrap_or_else(PoisonError::into_inner).pop_front() {
            return Some(batch);
        }
        let count = self.feeds.len();
        for turn in 0..=count {
            let feed = (slot + turn) % count;
            // The last time it waits for what comes.
            let wait = i32::from(turn == count);
            let messages = self.feeds[feed].queue.receive_at_most(10, Some(HIDDEN_SECONDS), wait).await;
            if !messages.is_empty() {
                self.tally
                    .seen(self.feeds[feed].name, messages.iter().filter(|message| is_new(message)).count() as u64);
                let batch = Batch { feed, messages, echo: false };
                self.repeat(&batch).await;
                return Some(batch);
            }
        }
        None
    }

    /// Has some batches handed out twice, and some records put on their queue once more.
    async fn repeat(&self, batch: &Batch) {
        let (feed, dice) = (&self.feeds[batch.feed], self.instances.dice);
        if self.instances.faults.have_ended() || matches!(feed.kind, Kind::InOrder | Kind::InLine) {
            return;
        }
        let number = self.batches.fetch_add(1, Ordering::Relaxed);
        if dice.happens(&format!("twice {}", feed.name), number, TWICE) {
            self.tally.count(&format!("batches of {} handed out to two instances", feed.name), 1);
            for message in &batch.messages {
                self.tally.disturb(message, Cause::Copied);
            }
            let echo = Batch { echo: true, ..batch.clone() };
            self.echoes.lock().unwrap_or_else(PoisonError::into_inner).push_back(echo);
        }
        for (position, message) in batch.messages.iter().enumerate().filter(|_| feed.kind == Kind::Copied) {
            if dice.happens(&format!("copied {} {position}", feed.name), number, TWICE) {
                self.tally.count(&format!("records of {} put on it once more", feed.name), 1);
                self.tally.disturb(message, Cause::Copied);
                feed.queue.put(message.body().unwrap_or_default()).await;
            }
        }
    }

    /// Invokes an instance, and kills it where that is due. Gives the ids of the records that it wants again; nothing
    /// where it gave no answer.
    async fn invoke(&self, instance: &Instance, batch: &Batch) -> Option<Vec<String>> {
        let feed = &self.feeds[batch.feed];
        self.tally.count(&format!("invocations of {}", self.instances.name), 1);
        match self.kills.due(self.tally.events()) {
            Some(Moment::Call { number, carried_out }) => instance.trap(number, carried_out),
            Some(Moment::After(part)) => {
                let (condemned, wait) = (instance.condemned.clone(), self.kills.usual().mul_f64(part));
                tokio::spawn(async move {
                    sleep(wait).await;
                    condemned.press().await;
                });
            }
            None => {}
        }
        let began = Instant::now();
        let outcome = instance.function.invoke_within(TIMEOUT, &invocation(&batch.messages, &feed.arn)).await;
        match outcome {
            Some(Outcome::Answered(answer)) => {
                self.kills.note(began.elapsed());
                let failures = answer["batchItemFailures"].as_array().expect("a partial batch response");
                let wanted = |failure: &Value| failure["itemIdentifier"].as_str().expect("an id").to_owned();
                Some(failures.iter().map(wanted).collect())
            }
            Some(Outcome::Failed(error)) => {
                self.tally.violation(format!("{} failed as a whole: {error}", self.instances.name));
                None
            }
            Some(Outcome::Died(status)) => {
                if instance.condemned.was_pressed() {
                    self.tally.count(&format!("kills of {} at work", self.instances.name), 1);
                    let records = u64::try_from(batch.messages.len()).expect("ten at most");
                    self.tally.count(&format!("records with {} as it was killed", self.instances.name), records);
                } else {
                    let output = instance.function.output();
                    self.tally.violation(format!("{} died by itself, {status}: {output}", self.instances.name));
                }
                None
            }
            None => {
                self.tally.count(&format!("timeouts of {}", self.instances.name), 1);
                instance.condemned.press().await;
                None
            }
        }
    }

    async fn settle(&self, batch: Batch, again: Option<Vec<String>>) {
        let feed = &self.feeds[batch.feed];
        let (cause, died) = if again.is_none() { (Cause::Killed, true) } else { (Cause::CameAgain, false) };
        let wanted = |message: &&Message| again.as_ref().is_none_or(|again| again.iter().any(|one| one == id(message)));
        let (again, done): (Vec<&Message>, Vec<&Message>) = batch.messages.iter().partition(wanted);
        for message in &again {
            self.tally.disturb(message, cause);
        }
        let ids = |messages: &[&Message]| messages.iter().map(|message| id(message)).collect::<Vec<_>>().join(" ");
        self.instances.write(&format!(
            "{} echo={} done=[{}] again=[{}]",
            feed.name,
            batch.echo,
            ids(&done),
            ids(&again)
        ));
        feed.queue.delete_all(&done).await;
        if batch.echo {
            return;
        }
        self.tally.count(&format!("records of {} that come again", feed.name), again.len() as u64);
        if died || feed.kind != Kind::InLine {
            feed.queue.show_again(&again, self.again_after).await;
        }
    }
}

/// Whether a message is handed out for the first time.
fn is_new(message: &Message) -> bool {
    let count = &MessageSystemAttributeName::ApproximateReceiveCount;
    message.attributes().and_then(|all| all.get(count)).is_some_and(|count| count == "1")
}
