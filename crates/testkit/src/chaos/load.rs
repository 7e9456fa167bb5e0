//! What producers do in a run: events by both doors, some of them twice, and records that are none.

use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::time::sleep;

use super::dice::Dice;
use super::instances::{Instance, Instances};
use super::kills::{Kills, Moment};
use super::scene::Scene;
use super::tally::{Cause, Tally};
use crate::function::Outcome;
use crate::workbench::request;

const TYPE: &str = "environment.started";

// How probable it is that an event comes by the API, that one on the queue has no id of its own, and that one with an
// id is put there twice.
const BY_API: f64 = 0.2;
const NAMELESS: f64 = 0.2;
const TWICE: f64 = 0.02;

/// How many call the API at once.
const CALLERS: usize = 3;

/// How many events may wait before producers wait too.
const BACKLOG: u64 = 6;

/// An event of the load.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Event {
    pub(crate) number: usize,
    /// Whose it is: the place of an organization in the scene.
    pub(crate) party: usize,
}

/// What tells of it in bodies.
pub(crate) fn name(number: usize) -> String {
    format!("env_{number}")
}

fn payload(number: usize) -> String {
    format!(r#"{{"resource":{{"type":"environment","id":"{}","name":"my-box"}}}}"#, name(number))
}

/// The producers.
pub(crate) struct Load {
    pub(crate) scene: Arc<Scene>,
    pub(crate) events: Vec<Event>,
    pub(crate) dice: Dice,
    pub(crate) tally: Arc<Tally>,
    pub(crate) api: Instances,
    pub(crate) api_kills: Kills,
}

impl Load {
    /// Whether an event comes by the API.
    fn comes_by_api(&self, event: Event) -> bool {
        self.dice.happens("by api", event.number as u64, BY_API)
    }

    /// Puts those on the queue that come there.
    pub(crate) async fn by_queue(&self) {
        for &event in self.events.iter().filter(|event| !self.comes_by_api(**event)) {
            while self.tally.backlog() > BACKLOG {
                sleep(Duration::from_millis(5)).await;
            }
            let number = event.number as u64;
            let nameless = self.dice.happens("nameless", number, NAMELESS);
            let id = if nameless { String::new() } else { format!(r#","id":"evt-{number}""#) };
            let party = &self.scene.parties[event.party];
            let (organization, bench) = (&party.organization, &self.scene.bench);
            let body = organization.record(TYPE, &payload(event.number), &id);
            let twice = !nameless && self.dice.happens("event twice", number, TWICE);
            for _ in 0..=u8::from(twice) {
                if party.is_ordered {
                    bench.events_fifo.put_in_group(&organization.id, &body).await;
                } else {
                    bench.events.put(&body).await;
                }
            }
            self.tally.put(1 + u64::from(twice));
            self.tally.count("events accepted by the queue", 1);
            if twice {
                self.tally.count("events put twice", 1);
                self.tally.disturb_name(name(event.number), Cause::Copied);
            }
        }
    }

    /// Sends those by the API that come there, several at once. A call without an answer is repeated.
    pub(crate) async fn by_api(&self) {
        let callers = (0..CALLERS).map(|caller| self.call(caller));
        futures_util::future::join_all(callers).await;
    }

    async fn call(&self, caller: usize) {
        let mut instance: Option<Instance> = None;
        let mine = |event: &&Event| event.number % CALLERS == caller && self.comes_by_api(**event);
        for &event in self.events.iter().filter(mine) {
            while self.tally.backlog() > BACKLOG {
                sleep(Duration::from_millis(5)).await;
            }
            loop {
                instance = instance.filter(Instance::is_running);
                if instance.is_none() {
                    instance = self.api.start(&self.tally).await;
                }
                let Some(instance) = &instance else { continue };
                if self.send(instance, event).await {
                    break;
                }
                self.tally.count("calls of the API that were repeated", 1);
            }
            self.tally.put(1);
            self.tally.count("events accepted by the API", 1);
        }
    }

    /// Calls the API; whether it has accepted the event.
    async fn send(&self, instance: &Instance, event: Event) -> bool {
        match self.api_kills.due(self.tally.events()) {
            Some(Moment::Call { number, carried_out }) => instance.trap(number, carried_out),
            Some(Moment::After(part)) => {
                let (condemned, wait) = (instance.condemned.clone(), Duration::from_millis(40).mul_f64(part));
                tokio::spawn(async move {
                    sleep(wait).await;
                    condemned.press().await;
                });
            }
            None => {}
        }
        let (id, organization) = (format!("evt-{}", event.number), &self.scene.parties[event.party].organization);
        let payload: serde_json::Value = serde_json::from_str(&payload(event.number)).expect("an object");
        let body = json!({ "eventType": TYPE, "payload": payload, "eventId": id }).to_string();
        let call = request(&self.scene.stack.admin_key, "POST", &organization.sending("/send"), &body);
        let outcome = instance.function.invoke_within(Duration::from_secs(29), &call).await;
        match outcome {
            Some(Outcome::Answered(answer)) => match answer["statusCode"].as_u64() {
                // The second one tells of a first call that went through, whose answer was lost.
                Some(200 | 409) => return true,
                Some(500..) => {}
                _ => self.tally.violation(format!("the API answered {answer}")),
            },
            Some(Outcome::Failed(error)) => self.tally.violation(format!("the API failed: {error}")),
            Some(Outcome::Died(status)) if !instance.condemned.was_pressed() => {
                self.tally.violation(format!("the API died by itself, {status}: {}", instance.function.output()));
            }
            Some(Outcome::Died(_)) => self.tally.count("kills of api at work", 1),
            None => instance.condemned.press().await,
        }
        false
    }
}
