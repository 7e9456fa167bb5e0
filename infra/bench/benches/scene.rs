//! What there is to show: as much of everything as a page of the console shows at most.
//!
//! It comes about as it does in a deployment: by calls of the API, and by the sender, whose receiver answers as broken
//! servers do.

use hookbell_testkit::answer::Answer;
use hookbell_testkit::function::Function;
use hookbell_testkit::organization::Organization;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use serde_json::{Value, json};

use crate::process::Process;

/// Rows of a list on a page, at most. The console's own links lead to fewer; an address may ask for so many.
pub(crate) const MOST_ROWS: usize = 100;

/// Endpoints of an organization, at most (`EndpointLimit` in template.yaml, whose default is 50). A page has all.
pub(crate) const MOST_ENDPOINTS: usize = 100;

/// Keys of an organization, at most. A page has all.
pub(crate) const MOST_KEYS: usize = 100;

/// Attempts of a delivery, from which on nobody can ask for another. A page has all.
pub(crate) const MOST_ATTEMPTS: usize = 50;

/// Organizations on a page.
pub(crate) const ORGANIZATIONS: usize = 50;

/// A function, and organizations with something in them.
pub(crate) struct Scene<'a> {
    pub(crate) bench: &'a Workbench,
    /// The key that may do everything.
    pub(crate) admin_key: &'a str,
    pub(crate) api: Function,
    /// The function's process.
    pub(crate) process: Process,
    /// Has as many endpoints and keys as there may be, and one message to all of them.
    pub(crate) many: Organization,
    /// That message's id.
    pub(crate) message: String,
    /// Has one endpoint, and more messages than a page shows.
    pub(crate) few: Organization,
    /// That endpoint's id.
    pub(crate) endpoint: String,
    /// Has one delivery with as many attempts as there may be.
    pub(crate) repeated: Organization,
    /// Its endpoint's id, and the delivery's.
    pub(crate) delivery: (String, String),
    /// How the ids of a page of organizations begin.
    pub(crate) prefix: String,
}

impl<'a> Scene<'a> {
    /// Fills it.
    pub(crate) async fn fill(stack: &'a Stack, bench: &'a Workbench) -> Self {
        let (api, process) = Process::started_by(bench.function("api")).await;
        let sender = bench.function("sender").await;
        // The answer's first kilobyte is kept.
        let page = "<html>\r\n<head><title>500 Internal Server Error</title></head>\r\n".repeat(20);
        let receiver = Receiver::start(stack, move |_, _| Answer::status(500).body(page.clone())).await;
        let maker = Maker { bench, api: &api, sender: &sender, receiver: &receiver };

        // First: until it has all its attempts, the sender is given whatever else waits for another attempt.
        let repeated = Organization::new(stack, "daytona").await;
        let delivery = maker.repeated_delivery(&repeated).await;

        let many = Organization::new(stack, "slothbox").await;
        for number in 1..=MOST_ENDPOINTS {
            maker.endpoint(&many, number).await;
        }
        for number in 1..=MOST_KEYS {
            maker.post(&many.keys(""), &json!({ "role": "member", "name": format!("Service {number}") })).await;
        }
        maker.send(&many, &large_payload()).await;
        let sent = maker.get(&many.sending("/messages")).await;

        let few = Organization::new(stack, "slothbox").await;
        let endpoint = maker.endpoint(&few, 1).await;
        bench.deliver_examples(&sender, &few, MOST_ROWS + 20).await;

        let prefix = format!("customer_{}_", hookbell_testkit::fresh());
        for number in 1..=ORGANIZATIONS {
            let organization = format!("/webhooks/organizations/{prefix}{number:02}/initialize");
            maker.post(&organization, &json!({})).await;
        }
        let message = text(&sent["messages"][0]["id"]);
        Self {
            bench,
            admin_key: &stack.admin_key,
            api,
            process,
            many,
            message,
            few,
            endpoint,
            repeated,
            delivery,
            prefix,
        }
    }
}

/// Makes things.
struct Maker<'a> {
    bench: &'a Workbench,
    api: &'a Function,
    sender: &'a Function,
    receiver: &'a Receiver,
}

impl Maker<'_> {
    async fn get(&self, path: &str) -> Value {
        self.bench.get(self.api, path).await.expect(200)
    }

    async fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.bench.call(self.api, "POST", path, &body.to_string()).await;
        assert!(answer["statusCode"].as_u64().is_some_and(|status| status < 300), "{path}: {answer}");
        serde_json::from_str(answer["body"].as_str().unwrap()).unwrap()
    }

    /// A new endpoint; gives its id.
    async fn endpoint(&self, organization: &Organization, number: usize) -> String {
        let url = format!("{}/orders/{number}", self.receiver.url());
        let wanted = json!({ "url": url, "eventTypes": ["*"], "description": format!("Order service {number}") });
        text(&self.post(&organization.managing(""), &wanted).await["endpoint"]["endpointId"])
    }

    /// Has the sender attempt to deliver a message.
    async fn send(&self, organization: &Organization, payload: &Value) {
        let event_type = organization.profile.event_types[0].name;
        self.bench.events.put(&organization.record(event_type, &payload.to_string(), "")).await;
        self.bench.events.feed(self.sender).await;
    }

    /// One delivery that was attempted as often as may be, by the schedule and by hand.
    async fn repeated_delivery(&self, organization: &Organization) -> (String, String) {
        let endpoint = self.endpoint(organization, 1).await;
        self.send(organization, &large_payload()).await;
        let deliveries = organization.managing(&format!("/{endpoint}/deliveries"));
        let delivery = text(&self.get(&deliveries).await["deliveries"][0]["deliveryId"]);
        let path = format!("{deliveries}/{delivery}");
        while self.get(&path).await["delivery"]["attemptCount"].as_u64() < Some(MOST_ATTEMPTS as u64) {
            self.post(&format!("{path}/redeliver"), &json!({})).await;
            self.bench.deliveries.feed(self.sender).await;
        }
        (endpoint, delivery)
    }
}

/// A payload of which a page shows only the beginning: it is longer than 40,000 bytes.
fn large_payload() -> Value {
    let lines = (1..=600).map(|number| format!("14:23:07.{number:03} step \"build\" has written part {number} of 600"));
    json!({ "resource": { "type": "environment", "id": "env_1", "name": "my-box" }, "log": lines.collect::<Vec<_>>() })
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
