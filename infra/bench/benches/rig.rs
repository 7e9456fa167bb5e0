//! Where the functions are measured: the deployed binaries with the deployed settings, among stand-ins for all around.

use std::collections::BTreeMap;
use std::fs::File;
use std::sync::{Arc, Mutex};

use hookbell_testkit::clock::Clock;
use hookbell_testkit::function::{Function, Surroundings};
use hookbell_testkit::gateway::{self, Place};
use hookbell_testkit::stack::Stack;
use serde_json::{Value, json};

use crate::process::Process;
use crate::stand_in::{ENCRYPTION_KEY, Kind, StandIn, Stored, Taken, Usage};

/// Where what the functions log is kept: nobody reads it while they are measured.
const LOG: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/bench/measured-functions.log");

/// How a function reaches AWS, or a receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    Plain,
    Http1,
    Http2,
}

impl Transport {
    /// What the report and the stand-ins call it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Plain => "plain",
            Self::Http1 => "h1",
            Self::Http2 => "h2",
        }
    }
}

/// A queue of the deployment.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Queue {
    Events,
    Deliveries,
    DeadLetters,
}

impl Queue {
    pub(crate) fn url(self) -> String {
        format!("https://sqs.us-east-1.amazonaws.com/123456789012/{}", self.name())
    }

    fn name(self) -> &'static str {
        match self {
            Self::Events => "events",
            Self::Deliveries => "deliveries",
            Self::DeadLetters => "deliveries-dead",
        }
    }
}

/// The stand-ins, and what the functions are told of them.
pub(crate) struct Rig {
    pub(crate) cloud: StandIn,
    pub(crate) receiver: StandIn,
    environments: BTreeMap<&'static str, BTreeMap<String, String>>,
    admin_key: String,
    log: Arc<Mutex<File>>,
}

/// An organization with endpoints that all lead to the receiver.
#[derive(Debug, Clone)]
pub(crate) struct Organization {
    pub(crate) id: String,
    pub(crate) endpoint_ids: Vec<String>,
}

impl Rig {
    pub(crate) async fn new(stack: &Stack) -> Self {
        let (cloud, receiver) = tokio::join!(StandIn::start(Kind::Cloud), StandIn::start(Kind::Receiver));
        let mut environments = BTreeMap::new();
        let functions = [
            ("api", &stack.api_function_name),
            ("sender", &stack.sender_function_name),
            ("dlq", &stack.dlq_function_name),
        ];
        let arn = |queue: Queue| format!("arn:aws:sqs:us-east-1:123456789012:{}", queue.name());
        let own = [
            ("EVENTS_QUEUE_URL", Queue::Events.url()),
            ("DELIVERIES_QUEUE_URL", Queue::Deliveries.url()),
            ("DELIVERIES_QUEUE_ARN", arn(Queue::Deliveries)),
            ("DELIVERIES_DEAD_LETTER_QUEUE_URL", Queue::DeadLetters.url()),
        ];
        for (name, deployed) in functions {
            let mut environment = stack.environment_of(deployed).await;
            for (variable, value) in &own {
                if let Some(deployed) = environment.get_mut(*variable) {
                    value.clone_into(deployed);
                }
            }
            environment.insert("AWS_ENDPOINT_URL".to_owned(), cloud.url("tls").to_owned());
            environment.insert("AWS_REGION".to_owned(), stack.region.clone());
            if let Some(scale) = environment.get_mut("TIME_SCALE") {
                "1".clone_into(scale);
            }
            environments.insert(name, environment);
        }
        let log = Arc::new(Mutex::new(File::create(LOG).unwrap()));
        Self { cloud, receiver, environments, admin_key: format!("sk_{ENCRYPTION_KEY}"), log }
    }

    /// Starts a function's process.
    pub(crate) async fn start(&self, name: &'static str, clock: Option<&Clock>) -> (Function, Process) {
        let environment = &self.environments[name];
        let surroundings = Surroundings { clock: clock.cloned(), log: Some(Arc::clone(&self.log)) };
        Process::started_by(Function::start_in(name, environment, surroundings)).await
    }

    /// The same of another binary of that function, and with changes in its environment.
    pub(crate) async fn start_as(
        &self,
        binary: &'static str,
        name: &'static str,
        changes: &[(&str, &str)],
    ) -> (Function, Process) {
        let mut environment = self.environments[name].clone();
        environment.extend(changes.iter().map(|(variable, value)| ((*variable).to_owned(), (*value).to_owned())));
        let surroundings = Surroundings { clock: None, log: Some(Arc::clone(&self.log)) };
        Process::started_by(Function::start_in(binary, &environment, surroundings)).await
    }

    /// What changes in a function's environment when it speaks to AWS without TLS.
    pub(crate) fn plainly(&self) -> [(&str, &str); 1] {
        [("AWS_ENDPOINT_URL", self.cloud.url("plain"))]
    }

    /// The receiver's address for requests that are answered after so many milliseconds, and that share of them wrongly.
    pub(crate) fn receiving(&self, transport: Transport, latency_ms: u64, failing_percent: u64) -> String {
        format!("{}/{latency_ms}/{failing_percent}", self.receiver.url(transport.name()))
    }

    /// New organizations, each with so many endpoints at that address. Made by the API, as they are in earnest.
    pub(crate) async fn organizations(&self, count: usize, endpoints: usize, url: &str) -> Vec<Organization> {
        let (api, _) = self.start("api", None).await;
        let mut organizations = Vec::with_capacity(count);
        for _ in 0..count {
            let id = format!("org_{}", hookbell_testkit::fresh());
            self.call(&api, "POST", &format!("/webhooks/organizations/{id}/initialize"), &json!({})).await;
            let mut endpoint_ids = Vec::with_capacity(endpoints);
            for number in 0..endpoints {
                let wanted = json!({ "url": format!("{url}/hooks/{number}"), "eventTypes": ["*"] });
                let made = self.call(&api, "POST", &format!("/organizations/{id}/webhooks"), &wanted).await;
                endpoint_ids.push(made["endpoint"]["endpointId"].as_str().unwrap().to_owned());
            }
            organizations.push(Organization { id, endpoint_ids });
        }
        organizations
    }

    /// A call of the API that has to be answered well; gives its body.
    pub(crate) async fn call(&self, api: &Function, method: &str, path: &str, body: &Value) -> Value {
        let answer = gateway::reply(&api.invoke(&self.request(method, path, &body.to_string())).await.answered());
        assert!((200..300).contains(&answer.status), "{method} {path}: {answer:?}");
        serde_json::from_slice(answer.body.as_ref()).unwrap_or_default()
    }

    /// A call of the API, as API Gateway hands it to the function.
    pub(crate) fn request(&self, method: &str, path: &str, body: &str) -> Value {
        let headers = [("authorization", self.admin_key.as_str()), ("content-type", "application/json")];
        gateway::request(Place::Stage, method, path, &headers, body)
    }

    /// A browser's request for a page of the console.
    pub(crate) fn request_of_page(path: &str, cookie: &str) -> Value {
        let headers = [("cookie", cookie), ("accept-encoding", "gzip, deflate, br")];
        gateway::request(Place::Stage, "GET", &format!("/console{path}"), &headers, "")
    }

    /// The key that may do everything.
    pub(crate) fn admin_key(&self) -> &str {
        &self.admin_key
    }

    /// Puts events on their queue, as a producer does.
    pub(crate) async fn produce(&self, events: &[String]) {
        for events in events.chunks(1_000) {
            self.cloud.tell("fill", &json!({ "queue": Queue::Events.url(), "bodies": events })).await;
        }
    }

    /// Takes records off a queue, as Lambda's event source does: what it hands to a function, if there is anything.
    pub(crate) async fn take(&self, queue: Queue, batch: usize) -> Option<Value> {
        let taken: Taken = self.cloud.control("take", &json!({ "queue": queue.url(), "number": batch })).await;
        taken.payload
    }

    /// Ends what was taken, but for those records that a function has named.
    pub(crate) async fn settle(&self, queue: Queue, answer: &Value) {
        let again = answer["batchItemFailures"].as_array().into_iter().flatten();
        let again: Vec<&Value> = again.map(|failure| &failure["itemIdentifier"]).collect();
        self.cloud.tell("settle", &json!({ "queue": queue.url(), "again": again })).await;
    }

    /// Lets time pass until nothing on a queue is delayed; whether anything was.
    pub(crate) async fn hurry(&self, queue: Queue) -> bool {
        self.cloud.control("hurry", &json!({ "queue": queue.url() })).await
    }

    /// What was asked of AWS since this was last called.
    pub(crate) async fn take_usage(&self) -> Usage {
        self.cloud.control("usage", &json!({})).await
    }

    /// What the table holds.
    pub(crate) async fn stored(&self) -> Stored {
        self.cloud.control("stored", &json!({})).await
    }

    /// How many bytes the receiver has been sent.
    pub(crate) async fn received_bytes(&self) -> u64 {
        let counted: Value = self.receiver.control("", &json!({})).await;
        counted["receivedBytes"].as_u64().unwrap()
    }
}
