//! One load on one function, and what the function used for it.

use std::time::Instant;

use hookbell_testkit::clock::Clock;
use hookbell_testkit::function::Function;
use hookbell_testkit::payload;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::process::Process;
use crate::rig::{Organization, Queue, Rig, Transport};
use crate::stand_in::{Stored, Usage};

/// What is varied.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Parameters {
    /// Records of one invocation.
    pub(crate) batch_size: usize,
    /// Of each organization.
    pub(crate) endpoints: usize,
    pub(crate) payload_bytes: usize,
    /// The receiver's.
    pub(crate) latency_ms: u64,
    /// What every answer of AWS takes, besides what it takes here.
    pub(crate) aws_latency_ms: u64,
    /// Of attempts, from 0 to 1.
    pub(crate) failure_share: f64,
    pub(crate) events: usize,
    pub(crate) organizations: usize,
    /// Rows that are there before.
    pub(crate) stored_deliveries: usize,
    /// Between the function and the receiver.
    pub(crate) protocol: &'static str,
    /// By which door events come.
    pub(crate) ingress: &'static str,
}

/// What one repeat of a load took. Everything is the sum over all of it.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Repeat {
    pub(crate) function: &'static str,
    /// Records of queues, or calls of the API, that the function was given.
    pub(crate) records: usize,
    pub(crate) deliveries: usize,
    pub(crate) attempts: usize,
    pub(crate) exhausted: usize,
    pub(crate) invocations: usize,
    /// User and system time of the function's process alone.
    pub(crate) cpu_ms: f64,
    /// The durations of the invocations, each rounded up to a millisecond as Lambda bills them.
    pub(crate) billed_ms: u64,
    pub(crate) wall_ms: f64,
    /// The most memory that the process has had, its start included.
    pub(crate) peak_rss_bytes: u64,
    #[serde(flatten)]
    pub(crate) usage: Usage,
    pub(crate) stored_items: u64,
    pub(crate) stored_bytes: u64,
    pub(crate) log_lines: usize,
    pub(crate) log_bytes: usize,
    /// To receivers, TLS included.
    pub(crate) sent_bytes: u64,
}

/// A function at work, and the counters as they were before.
pub(crate) struct Meter<'a> {
    rig: &'a Rig,
    name: &'static str,
    pub(crate) function: Function,
    process: Process,
    /// The counters as they were when it began.
    before: Before,
    so_far: Repeat,
}

#[derive(Debug)]
struct Before {
    cpu_ms: f64,
    log_bytes: usize,
    stored: Stored,
    received_bytes: u64,
    at: Instant,
}

impl<'a> Meter<'a> {
    /// Starts a function's process, which may have a clock of its own, and counts from its start.
    pub(crate) async fn start(rig: &'a Rig, name: &'static str, clock: Option<&Clock>) -> Self {
        let (function, process) = rig.start(name, clock).await;
        function.ready().await;
        let so_far = Repeat { function: name, ..Repeat::default() };
        let before = Before {
            cpu_ms: 0.0,
            log_bytes: 0,
            stored: Stored { items: 0, bytes: 0 },
            received_bytes: 0,
            at: Instant::now(),
        };
        Self { rig, name, function, process, before, so_far }
    }

    /// Counts from here on: what went before was to warm it up.
    pub(crate) async fn begin(&mut self) {
        drop(self.rig.take_usage().await);
        self.so_far = Repeat { function: self.name, ..Repeat::default() };
        self.before = Before {
            cpu_ms: self.process.cpu_ms().await,
            log_bytes: self.function.output().len(),
            stored: self.rig.stored().await,
            received_bytes: self.rig.received_bytes().await,
            at: Instant::now(),
        };
    }

    /// Gives the function what is on a queue, until nothing is left that it can be given now; how many records that were.
    pub(crate) async fn drain(&mut self, queue: Queue, batch: usize) -> usize {
        let before = self.so_far.records;
        while let Some(payload) = self.rig.take(queue, batch).await {
            let records = payload["Records"].as_array().map_or(0, Vec::len);
            let answer = self.invoke(&payload, records).await;
            self.rig.settle(queue, &answer).await;
        }
        self.so_far.records - before
    }

    /// Invokes the function with so many records.
    pub(crate) async fn invoke(&mut self, payload: &Value, records: usize) -> Value {
        let began = Instant::now();
        let answer = self.function.invoke(payload).await.answered();
        self.so_far.billed_ms += u64::try_from(began.elapsed().as_micros().div_ceil(1_000)).unwrap();
        self.so_far.invocations += 1;
        self.so_far.records += records;
        answer
    }

    /// When the last of the attempts is due that follow from those since it began, as it says in its log.
    pub(crate) fn last_due(&self) -> Option<Timestamp> {
        let output = self.function.output();
        let lines = output.get(self.before.log_bytes..).unwrap_or_default().lines();
        lines.filter_map(|line| serde_json::from_str::<Value>(line).ok()?["next_at"].as_str()?.parse().ok()).max()
    }

    /// What it took since it began.
    pub(crate) async fn end(&mut self) -> Repeat {
        let wall_ms = self.before.at.elapsed().as_secs_f64() * 1e3;
        let cpu_ms = self.process.cpu_ms().await - self.before.cpu_ms;
        let (stored, output) = (self.rig.stored().await, self.function.output());
        let log = &output[self.before.log_bytes..];
        let lines = |text: &str| log.lines().filter(|line| line.contains(text)).count();
        Repeat {
            cpu_ms,
            wall_ms,
            peak_rss_bytes: self.process.peak_rss_bytes(),
            deliveries: lines(r#""decision":"delivered""#),
            attempts: lines(r#""delivery.attempted""#),
            exhausted: lines(r#""decision":"exhausted""#),
            usage: self.rig.take_usage().await,
            stored_items: stored.items - self.before.stored.items,
            stored_bytes: stored.bytes.saturating_sub(self.before.stored.bytes),
            log_lines: log.lines().count(),
            log_bytes: log.len(),
            sent_bytes: self.rig.received_bytes().await - self.before.received_bytes,
            ..self.so_far.clone()
        }
    }
}

impl Parameters {
    /// The case that others are compared with.
    pub(crate) const fn plain() -> Self {
        Self {
            batch_size: 10,
            endpoints: 1,
            payload_bytes: 1_000,
            latency_ms: 1,
            aws_latency_ms: 0,
            failure_share: 0.0,
            events: 2_000,
            organizations: 1,
            stored_deliveries: 0,
            protocol: "h1",
            ingress: "sqs",
        }
    }

    /// Where such a receiver is.
    pub(crate) fn receiver(&self, rig: &Rig) -> String {
        let transport = if self.protocol == Transport::Http2.name() { Transport::Http2 } else { Transport::Http1 };
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share")]
        let failing_percent = (self.failure_share * 100.0).round() as u64;
        rig.receiving(transport, self.latency_ms, failing_percent)
    }

    /// So many events as producers write them, to those organizations in turn.
    pub(crate) fn events(&self, organizations: &[Organization], count: usize) -> Vec<String> {
        let data = payload::of_bytes(self.payload_bytes);
        let event = |organization: &Organization| {
            format!(r#"{{"organizationId":"{}","type":"environment.started","data":{data}}}"#, organization.id)
        };
        organizations.iter().cycle().take(count).map(event).collect()
    }
}
