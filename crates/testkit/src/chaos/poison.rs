//! Records that are none, on every queue that something reads; and what lies where a person looks.

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_sqs::types::Message;

use super::scene::Scene;
use super::tally::names_in;
use crate::queue::{Queue, reason};

/// What nothing can be made of, as it lies on a queue.
const RECORDS: [&str; 4] = [
    "no JSON at all",
    r#"{"organizationId":"org_nobody","type":"environment.started","data":{}}"#,
    r#"{"attempt":"first"}"#,
    "[1,2,{}]",
];

/// The records of a run that are none, and the queues that they belong on in the end.
#[derive(Debug, Default)]
pub(crate) struct Poison {
    events: BTreeSet<String>,
    deliveries: BTreeSet<String>,
}

/// What lay where a person looks.
#[derive(Debug, Default)]
pub(crate) struct Parked {
    /// How many records that are none there were, each with a reason.
    pub(crate) poison: usize,
    /// How many others, which were put back to work.
    pub(crate) put_back: BTreeMap<&'static str, usize>,
    /// The events and messages that those name.
    pub(crate) names: BTreeSet<String>,
    /// What is wrong with what was found, and what was not found.
    pub(crate) violations: Vec<String>,
}

impl Poison {
    /// Puts so many on each queue.
    pub(crate) async fn put(&mut self, scene: &Scene, count: usize) {
        let bench = &scene.bench;
        let records: Vec<String> = RECORDS
            .iter()
            .cycle()
            .take(count)
            .zip(1..)
            .map(|(record, number)| number_by_space(record, number))
            .collect();
        for record in &records {
            bench.events.put(record).await;
            bench.deliveries.put(record).await;
            let (other, third) = (number_by_space(record, count), number_by_space(record, 2 * count));
            bench.deliveries_dead_letters.put(&other).await;
            bench.events_fifo.put_in_group("a-group", &other).await;
            bench.lines.put_in_group("a-group", &third).await;
            self.events.extend([record.clone(), other.clone()]);
            self.deliveries.extend([record.clone(), other, third]);
        }
    }

    /// How many there are.
    pub(crate) fn count(&self) -> usize {
        self.events.len() + self.deliveries.len()
    }

    /// Does what a person does: looks at what was parked, and puts back to work what is in order.
    pub(crate) async fn look(&mut self, scene: &Scene, parked: &mut Parked) -> usize {
        let bench = &scene.bench;
        let mut put_back = 0;
        for (name, queue, back, expected) in [
            ("events", &bench.events_dead_letters, &bench.events, &mut self.events),
            ("deliveries", &bench.parked, &bench.deliveries, &mut self.deliveries),
        ] {
            for message in all(queue).await {
                let body = message.body().unwrap_or_default();
                if expected.remove(body) {
                    parked.poison += 1;
                    if reason(&message).is_empty() {
                        parked.violations.push(format!("{body:?} was parked without a reason"));
                    }
                } else if body.ends_with(' ') {
                    // A record that was parked twice: its first parking was not acknowledged.
                } else {
                    let attributes = message.message_attributes().into_iter().flatten();
                    let attributes: Vec<(&str, &str)> = attributes
                        .filter(|(name, _)| name.as_str() != "hookbell-reason")
                        .filter_map(|(name, value)| Some((name.as_str(), value.string_value()?)))
                        .collect();
                    back.put_with(body, &attributes).await;
                    put_back += 1;
                    parked.names.extend(names_in(body));
                    *parked.put_back.entry(name).or_default() += 1;
                }
            }
        }
        put_back
    }

    /// What was put and not found.
    pub(crate) fn missing(&self) -> Vec<String> {
        let all = self.events.iter().chain(&self.deliveries);
        all.map(|body| format!("the record {body:?} is neither parked nor anywhere else")).collect()
    }
}

/// White space is no part of what is read, and makes each another.
fn number_by_space(record: &str, number: usize) -> String {
    format!("{record}{}", " ".repeat(number))
}

/// Takes everything off a queue.
async fn all(queue: &Queue) -> Vec<Message> {
    let mut found = Vec::new();
    loop {
        let messages = queue.drain().await;
        if messages.is_empty() && queue.is_empty().await {
            return found;
        }
        found.extend(messages);
    }
}
