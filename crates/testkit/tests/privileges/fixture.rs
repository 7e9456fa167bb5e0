//! What the functions are tried on: an organization whose endpoints answer in all the ways that matter.

use std::collections::BTreeMap;

use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::fresh;
use hookbell_testkit::function::Function;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::queue::handed_out;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use serde_json::{Value, json};

pub(crate) const STARTED: &str = "environment.started";
pub(crate) const PAYLOAD: &str = r#"{"resource":{"type":"environment","id":"env_1","name":"my-box"}}"#;

/// The parties of an experiment. Several may use it at once.
pub(crate) struct Fixture {
    pub(crate) stack: Stack,
    pub(crate) organization: Organization,
    /// Its endpoint that takes everything, with a delivery that has come through.
    pub(crate) good: Endpoint,
    pub(crate) delivery: Value,
    /// Another organization's ordered endpoint, with the same.
    pub(crate) line: Endpoint,
    pub(crate) delivery_in_line: Value,
    _receivers: [Receiver; 3],
    receiver_urls: [String; 3],
}

/// An organization for one experiment alone: endpoints that take nothing, and one that is gone.
pub(crate) struct Party {
    pub(crate) organization: Organization,
    pub(crate) failing: String,
    pub(crate) ordered: String,
}

impl Fixture {
    pub(crate) async fn new() -> Self {
        let stack = Stack::load();
        let organization = Organization::new(&stack, "slothbox").await;
        let [taking, failing, gone] = [200, 500, 410].map(|status| Receiver::always(&stack, status));
        let receivers = [taking.await, failing.await, gone.await];
        let good = organization.endpoint(&receivers[0], &["*"]).await;
        let message = organization.send(STARTED, PAYLOAD).await;
        let delivery = good.wait_for_status(&message, "delivered").await;
        let in_order = Organization::new(&stack, "slothbox").await;
        let line = in_order.endpoint_with(&receivers[0], &["*"], json!({ "ordered": true })).await;
        let message = in_order.send(STARTED, PAYLOAD).await;
        let delivery_in_line = line.wait_for_status(&message, "delivered").await;
        let receiver_urls = receivers.each_ref().map(Receiver::url);
        Self { stack, organization, good, delivery, line, delivery_in_line, _receivers: receivers, receiver_urls }
    }

    /// What a function is called where it is deployed.
    pub(crate) fn function_name(&self, name: &str) -> String {
        let stack = &self.stack;
        let names = BTreeMap::from([
            ("api", &stack.api_function_name),
            ("sender", &stack.sender_function_name),
            ("dlq", &stack.dlq_function_name),
        ]);
        names[name].clone()
    }

    /// The environment that it has there.
    pub(crate) async fn environment(&self, name: &str) -> BTreeMap<String, String> {
        let mut environment = self.stack.environment_of(&self.function_name(name)).await;
        environment.insert("AWS_ENDPOINT_URL".to_owned(), self.stack.aws_endpoint_url.clone());
        environment.insert("AWS_REGION".to_owned(), self.stack.region.clone());
        environment
    }

    pub(crate) async fn party(&self) -> Party {
        let organization = Organization::new(&self.stack, "slothbox").await;
        let mut ids = Vec::new();
        for (url, ordered) in [(1, false), (1, true), (2, false)] {
            let wanted = json!({ "url": self.receiver_urls[url], "eventTypes": ["*"], "ordered": ordered });
            let made = organization.create(&wanted).await.expect(201);
            ids.push(made["endpoint"]["endpointId"].as_str().expect("an id").to_owned());
        }
        Party { organization, failing: ids.remove(0), ordered: ids.remove(0) }
    }
}

impl Party {
    /// A record of the deliveries queue: that attempt, due now.
    pub(crate) fn task(&self, endpoint: &str, message: &str, delivery: &str, attempt: u32) -> String {
        self.task_due_at(endpoint, message, delivery, attempt, 0)
    }

    /// The same, due then: unix milliseconds.
    pub(crate) fn task_due_at(
        &self,
        endpoint: &str,
        message: &str,
        delivery: &str,
        attempt: u32,
        due_at: i64,
    ) -> String {
        json!({
            "organizationId": self.organization.id,
            "endpointId": endpoint,
            "messageId": message,
            "deliveryId": delivery,
            "attempt": attempt,
            "dueAt": due_at,
        })
        .to_string()
    }
}

/// A record as its queue hands it out for the first time.
pub(crate) fn record(body: &str, arn: &str) -> Value {
    let now = jiff::Timestamp::now().as_millisecond();
    handed_out(&fresh(), body, now, 1, arn)
}

/// Has a function deal with a record that it has to get through with.
pub(crate) async fn deal_with(function: &Function, what: &str, record: &Value) -> Result<(), String> {
    let answer = function.invoke(record).await.answered();
    if answer == json!({ "batchItemFailures": [] }) { Ok(()) } else { Err(format!("{what}: {answer}")) }
}
