//! An organization whose receivers all hang is no business of another's.
//!
//! The lane of events has seven instances here, as busy ones have many: one that waits for receivers takes no other
//! event. `HOOKBELL_ISOLATION=100x60` runs it at a hundred events a second for a minute through the deployed stack,
//! whose waits have to be real ones, and first beside a neighbour as busy whose receivers answer, because the local AWS
//! is one process that both share (`make isolation`). What was measured is printed.

#![expect(clippy::expect_used, clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use std::time::Duration;

use aws_sdk_sqs::types::{QueueAttributeName, SendMessageBatchRequestEntry};
use futures_util::future::join_all;
use hookbell_testkit::answer::{Answer, Gate};
use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::function::Function;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::queue::Queue;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use serde_json::json;
use tokio::time::{Instant, MissedTickBehavior, interval};

const STARTED: &str = "environment.started";

/// Instances that take events here. Each of the hanging organization's batches holds up one of them until it is noticed.
const INSTANCES: usize = 7;

/// How often a second the other organization has an event.
const STEADY: u32 = 5;

/// Latencies below this are the machine's own, whoever else is there.
const NOISE: Duration = Duration::from_secs(1);

/// How many events the hanging organization gets, and where.
struct Size {
    events_a_second: u32,
    seconds: u32,
    /// How often they are sent.
    tick: Duration,
    /// Whether through the deployed stack.
    deployed: bool,
}

impl Size {
    fn asked() -> Self {
        let Ok(asked) = std::env::var("HOOKBELL_ISOLATION") else {
            return Self { events_a_second: 10, seconds: 16, tick: Duration::from_secs(1), deployed: false };
        };
        let (rate, seconds) = asked.split_once('x').expect("events a second, x, and seconds");
        let (events_a_second, seconds) = (rate.parse().unwrap(), seconds.parse().unwrap());
        Self { events_a_second, seconds, tick: Duration::from_millis(100), deployed: true }
    }
}

fn payload(name: &str) -> String {
    format!(r#"{{"resource":{{"type":"environment","id":"{name}","name":"my-box"}}}}"#)
}

/// The organization that is not to notice, and what it measures: how long each event takes to arrive.
struct Steady {
    organization: Organization,
    receiver: Receiver,
    events: Queue,
}

impl Steady {
    /// Sends events for so many seconds, and gives their latencies, the shortest first.
    async fn measure(&self, phase: &str, seconds: u32) -> Vec<Duration> {
        let before = self.receiver.arrivals().len();
        let mut tick = interval(Duration::from_secs(1) / STEADY);
        let mut sent = Vec::new();
        for number in 0..seconds * STEADY {
            tick.tick().await;
            let name = format!("env_{phase}_{number}");
            sent.push((format!("\"{name}\""), Instant::now()));
            self.events.put(&self.organization.record(STARTED, &payload(&name), "")).await;
        }
        let arrivals = self.receiver.wait_for(before + sent.len()).await;
        let arrived = |name: &str| arrivals.iter().find(|arrival| arrival.text().contains(name)).unwrap().at;
        let mut latencies: Vec<Duration> = sent.iter().map(|(name, at)| arrived(name) - *at).collect();
        let spans = latencies.chunks(usize::try_from(5 * STEADY).unwrap());
        let longest: Vec<_> = spans.filter_map(|span| span.iter().max()).map(Duration::as_millis).collect();
        latencies.sort();
        let [p50, p90, p99] = [50, 90, 99].map(|percent| part(&latencies, percent));
        println!("{phase}: {} events, p50 {p50:?}, p90 {p90:?}, p99 {p99:?}", latencies.len());
        println!("{phase}: the longest in each five seconds, in ms: {longest:?}");
        latencies
    }
}

/// Sends events of the hanging organization as fast as is asked, or as the local AWS takes them; gives how many.
async fn flood(stack: &Stack, events: &Queue, organization: &Organization, size: &Size) -> usize {
    let sqs = stack.sqs();
    let begun = Instant::now();
    let mut tick = interval(size.tick);
    tick.set_missed_tick_behavior(MissedTickBehavior::Skip);
    let (mut sent, body) = (0, organization.record(STARTED, &payload("env_flood"), ""));
    while begun.elapsed() < Duration::from_secs(size.seconds.into()) {
        tick.tick().await;
        let due = begun.elapsed().as_millis() * u128::from(size.events_a_second) / 1_000;
        let due: Vec<usize> = (0..usize::try_from(due).unwrap().saturating_sub(sent).min(400)).collect();
        let sends = due.chunks(10).map(|chunk| {
            let entry = |id: &usize| {
                let entry = SendMessageBatchRequestEntry::builder().id(id.to_string()).message_body(&body);
                entry.message_group_id(&organization.id).build().unwrap()
            };
            let entries: Vec<_> = chunk.iter().map(entry).collect();
            sqs.send_message_batch().queue_url(&events.url).set_entries(Some(entries)).send()
        });
        for answer in join_all(sends).await {
            sent += answer.unwrap().successful.len();
        }
    }
    sent
}

/// Does what an event source does, for as long as it is looked at.
async fn work(queue: &Queue, function: Function) {
    loop {
        queue.feed(&function).await;
    }
}

fn part(latencies: &[Duration], percent: usize) -> Duration {
    latencies[(latencies.len() - 1) * percent / 100]
}

/// An organization with two receivers that never answer, or that always do.
struct Neighbour {
    organization: Organization,
    receivers: Vec<Receiver>,
    endpoints: Vec<Endpoint>,
}

impl Neighbour {
    async fn new(stack: &Stack, hangs: bool) -> Self {
        let organization = Organization::new(stack, "slothbox").await;
        let never = Gate::closed();
        let (mut receivers, mut endpoints) = (Vec::new(), Vec::new());
        for _ in 0..2 {
            let never = never.clone();
            let answer = move || if hangs { Answer::status(200).behind(&never) } else { Answer::status(200) };
            let receiver = Receiver::start(stack, move |_, _| answer()).await;
            endpoints.push(organization.endpoint(&receiver, &["*"]).await);
            receivers.push(receiver);
        }
        Self { organization, receivers, endpoints }
    }

    /// Says what it came to, and ends it.
    async fn end(self, sent: usize, hung: bool) {
        let requests: usize = self.receivers.iter().map(|receiver| receiver.arrivals().len()).sum();
        println!("the neighbour: {sent} events to {} receivers, {requests} requests", self.receivers.len());
        for endpoint in self.endpoints {
            let shown = endpoint.get().await;
            assert_eq!(shown["health"] != json!(null), hung, "what hangs is noticed, and nothing else");
            endpoint.organization.api.delete(&endpoint.path("")).await.check(204);
        }
    }
}

#[tokio::test]
async fn receivers_that_hang_do_not_delay_another_organizations_deliveries() {
    let (size, stack) = (Size::asked(), Stack::load());
    let bench = Workbench::new(&stack).await.with("TIME_SCALE", "1");
    let events = if size.deployed { Queue::at(&stack, &stack.events_queue_url) } else { bench.events.clone() };
    let mut instances = Vec::new();
    if !size.deployed {
        for queue in [&bench.events, &bench.deliveries] {
            queue.set(QueueAttributeName::VisibilityTimeout, "120".to_owned()).await;
        }
        let queues = [(&bench.events, INSTANCES), (&bench.deliveries, 2)];
        for queue in queues.into_iter().flat_map(|(queue, count)| std::iter::repeat_n(queue, count)) {
            instances.push(work(queue, bench.function("sender").await));
        }
    }
    let organization = Organization::new(&stack, "slothbox").await;
    let receiver = Receiver::always(&stack, 200).await;
    organization.endpoint(&receiver, &["*"]).await;
    let steady = Steady { organization, receiver, events: events.clone() };

    let measured = async {
        steady.measure("warm", 1).await;
        let alone = steady.measure("alone", size.seconds.min(5)).await;
        let mut normal = part(&alone, 50);
        if size.deployed {
            // What a busy neighbour costs on this machine, whose receivers do answer.
            let busy = Neighbour::new(&stack, false).await;
            let flood = flood(&stack, &events, &busy.organization, &size);
            let (sent, beside) = tokio::join!(flood, steady.measure("beside one that is busy", size.seconds));
            busy.end(sent, false).await;
            normal = normal.max(part(&beside, 50));
        }
        let hanging = Neighbour::new(&stack, true).await;
        let flood = flood(&stack, &events, &hanging.organization, &size);
        let (sent, beside) = tokio::join!(flood, steady.measure("beside one that hangs", size.seconds));
        hanging.end(sent, true).await;
        (normal, part(&beside, 50))
    };
    let worked = async {
        join_all(instances).await;
        std::future::pending::<()>().await;
    };
    let (normal, now) = tokio::select! {
        measured = measured => measured,
        () = worked => unreachable!("it works for as long as it is looked at"),
    };
    assert!(now <= (normal * 2).max(NOISE), "{normal:?} as a rule, {now:?} beside receivers that hang");
}
