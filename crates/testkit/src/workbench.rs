//! The request path beside the deployed one: the same binaries and the same table, with queues of their own.
//!
//! Nothing consumes these queues but the test, record by record, so it decides what happens when.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::api::Reply;
use crate::function::{Function, Outcome};
use crate::gateway::{self, Place};
use crate::organization::Organization;
use crate::proxy::AwsProxy;
use crate::queue::Queue;
use crate::stack::Stack;

/// Queues, the functions' environments, and the proxy through which the functions reach AWS.
#[derive(Debug)]
pub struct Workbench {
    /// What the functions ask of AWS goes through here.
    pub proxy: AwsProxy,
    /// Where events come in.
    pub events: Queue,
    /// Where events come in in order.
    pub events_fifo: Queue,
    /// Where events lie that are none.
    pub events_dead_letters: Queue,
    /// Where deliveries wait for an attempt.
    pub deliveries: Queue,
    /// Where deliveries of ordered endpoints stand in line.
    pub lines: Queue,
    /// Where deliveries go that ended without success, or that the sender failed at.
    pub deliveries_dead_letters: Queue,
    /// Where deliveries lie that wait for a person.
    pub parked: Queue,
    environments: BTreeMap<&'static str, BTreeMap<String, String>>,
    admin_key: String,
}

impl Workbench {
    /// A new one beside that stack. Its records are tried as often as the stack's.
    pub async fn new(stack: &Stack) -> Self {
        let proxy = AwsProxy::start(&stack.aws_endpoint_url).await;
        let times = async |url: &str| Queue::at(stack, url).max_receive_count().await;
        let events_dead_letters = Queue::create(stack, "events-dead", None).await;
        let redrive = Some((&events_dead_letters, times(&stack.events_queue_url).await));
        let events = Queue::create(stack, "events", redrive).await;
        let parked = Queue::create(stack, "parked", None).await;
        let redrive = Some((&parked, times(&stack.deliveries_dead_letter_queue_url).await));
        let deliveries_dead_letters = Queue::create(stack, "deliveries-dead", redrive).await;
        let redrive = Some((&deliveries_dead_letters, times(&stack.deliveries_queue_url).await));
        let deliveries = Queue::create(stack, "deliveries", redrive).await;
        let events_fifo = Queue::create_fifo(stack, "events").await;
        let lines = Queue::create_fifo(stack, "deliveries").await;
        let own = [
            ("EVENTS_QUEUE_URL", events.url.clone()),
            ("EVENTS_FIFO_QUEUE_URL", events_fifo.url.clone()),
            ("DELIVERIES_FIFO_QUEUE_URL", lines.url.clone()),
            ("DELIVERIES_FIFO_QUEUE_ARN", lines.arn().await),
            ("EVENTS_DEAD_LETTER_QUEUE_URL", events_dead_letters.url.clone()),
            ("DELIVERIES_QUEUE_URL", deliveries.url.clone()),
            ("DELIVERIES_QUEUE_ARN", deliveries.arn().await),
            ("DELIVERIES_DEAD_LETTER_QUEUE_URL", deliveries_dead_letters.url.clone()),
            ("PARKED_QUEUE_URL", parked.url.clone()),
        ];
        let mut environments = BTreeMap::new();
        let functions = [
            ("api", &stack.api_function_name),
            ("sender", &stack.sender_function_name),
            ("dlq", &stack.dlq_function_name),
        ];
        for (name, deployed) in functions {
            let mut environment = stack.environment_of(deployed).await;
            for (variable, value) in &own {
                if let Some(deployed) = environment.get_mut(*variable) {
                    value.clone_into(deployed);
                }
            }
            environment.insert("AWS_ENDPOINT_URL".to_owned(), proxy.url());
            environment.insert("AWS_REGION".to_owned(), stack.region.clone());
            environments.insert(name, environment);
        }
        Self {
            proxy,
            events,
            events_fifo,
            events_dead_letters,
            deliveries,
            lines,
            deliveries_dead_letters,
            parked,
            environments,
            admin_key: stack.admin_key.clone(),
        }
    }

    /// With another value of a variable, for each function that has it.
    #[must_use]
    pub fn with(mut self, variable: &str, value: &str) -> Self {
        for environment in self.environments.values_mut() {
            if let Some(deployed) = environment.get_mut(variable) {
                value.clone_into(deployed);
            }
        }
        self
    }

    /// Calls the API's path through its function, with the admin key, and gives what API Gateway would answer by.
    pub async fn call(&self, api: &Function, method: &str, path: &str, body: &str) -> Value {
        self.call_with(&self.admin_key, api, method, path, body).await
    }

    /// The same with another key.
    pub async fn call_with(&self, key: &str, api: &Function, method: &str, path: &str, body: &str) -> Value {
        api.invoke(&request(key, method, path, body)).await.answered()
    }

    /// A call, with the admin key, of a function that dies of it.
    pub async fn call_dying(&self, api: &Function, method: &str, path: &str, body: &str) {
        let outcome = api.invoke(&request(&self.admin_key, method, path, body)).await;
        assert!(matches!(outcome, Outcome::Died(_)), "{outcome:?}");
    }

    /// GET through the API's function, with the admin key.
    pub async fn get(&self, api: &Function, path: &str) -> Reply {
        gateway::reply(&self.call(api, "GET", path, "").await)
    }

    /// A function's environment here.
    #[must_use]
    pub fn environment_of(&self, name: &str) -> &BTreeMap<String, String> {
        &self.environments[name]
    }

    /// Puts an event of the catalogue's first type, with its example, and has the sender deal with it.
    pub async fn deliver_example(&self, sender: &Function, organization: &Organization) {
        self.put_example(organization).await;
        self.events.feed(sender).await;
    }

    /// The same with many.
    pub async fn deliver_examples(&self, sender: &Function, organization: &Organization, count: usize) {
        for _ in 0..count {
            self.put_example(organization).await;
        }
        self.events.feed_until_empty(sender).await;
    }

    async fn put_example(&self, organization: &Organization) {
        let entry = &organization.profile.event_types[0];
        self.events.put(&organization.record(entry.name, entry.example, "")).await;
    }

    /// A new instance of a function, started and with its start left out of the count of calls.
    pub async fn function(&self, name: &'static str) -> Function {
        let function = Function::start(name, &self.environments[name]).await;
        function.ready().await;
        drop(self.proxy.take_usage());
        function
    }
}

/// A call of the API with a key.
pub(crate) fn request(key: &str, method: &str, path: &str, body: &str) -> Value {
    gateway::request(Place::Stage, method, path, &[("authorization", key), ("content-type", "application/json")], body)
}
