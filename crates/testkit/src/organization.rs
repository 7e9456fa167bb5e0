//! An organization of a test's own, and its events' ways in.

use hookbell_domain::profile::Profile;
use serde_json::{Value, json};

use crate::api::{Api, Reply};
use crate::endpoint::Endpoint;
use crate::queue::Queue;
use crate::receiver::Receiver;
use crate::stack::Stack;

/// An organization that no other test knows.
#[derive(Debug, Clone)]
pub struct Organization {
    /// Its id.
    pub id: String,
    /// Its profile.
    pub profile: &'static Profile,
    /// The API, with the admin key.
    pub api: Api,
    events: Queue,
}

impl Organization {
    /// One of which the stack has not heard.
    #[must_use]
    pub fn unheard_of(stack: &Stack, profile: &str) -> Self {
        Self {
            id: format!("org_{}", crate::fresh()),
            profile: Profile::named(profile).expect("a profile of events/"),
            api: stack.api(),
            events: Queue::at(stack, &stack.events_queue_url),
        }
    }

    /// A new one of that profile.
    pub async fn new(stack: &Stack, profile: &str) -> Self {
        let organization = Self::unheard_of(stack, profile);
        let reply = organization.initialize(&json!({ "profile": profile })).await;
        reply.check(201);
        organization
    }

    /// Asks for its initialization.
    pub async fn initialize(&self, body: &Value) -> Reply {
        self.api.post(&self.sending("/initialize"), body.to_string()).await
    }

    /// A path of the API that manages endpoints.
    #[must_use]
    pub fn managing(&self, rest: &str) -> String {
        format!("/organizations/{}/webhooks{rest}", self.id)
    }

    /// A path of the API that sends messages.
    #[must_use]
    pub fn sending(&self, rest: &str) -> String {
        format!("/webhooks/organizations/{}{rest}", self.id)
    }

    /// A path of the API that manages keys.
    #[must_use]
    pub fn keys(&self, rest: &str) -> String {
        format!("/organizations/{}/api-keys{rest}", self.id)
    }

    /// A new key of that role: its id, and the key.
    pub async fn new_key(&self, role: &str) -> (String, String) {
        let made = self.api.post(&self.keys(""), json!({ "role": role }).to_string()).await.expect(201);
        (text(&made["apiKey"]["keyId"]), text(&made["key"]))
    }

    /// A new token of its portal.
    pub async fn portal_token(&self) -> String {
        text(&self.api.post(&self.sending("/app-portal-access"), "").await.expect(200)["token"])
    }

    /// The same organization, called with another key.
    #[must_use]
    pub fn with_key(&self, key: &str) -> Self {
        Self { api: self.api.with_key(Some(key)), ..self.clone() }
    }

    /// Asks for an endpoint.
    pub async fn create(&self, body: &Value) -> Reply {
        self.api.post(&self.managing(""), body.to_string()).await
    }

    /// Its endpoints, as the API lists them.
    pub async fn endpoints(&self) -> Vec<Value> {
        let listed = self.api.get(&self.managing("")).await.expect(200);
        listed["endpoints"].as_array().expect("a list").clone()
    }

    /// A new endpoint at a receiver.
    pub async fn endpoint(&self, receiver: &Receiver, event_types: &[&str]) -> Endpoint {
        self.endpoint_with(receiver, event_types, json!({})).await
    }

    /// A new endpoint at a receiver, with further fields.
    pub async fn endpoint_with(&self, receiver: &Receiver, event_types: &[&str], more: Value) -> Endpoint {
        let mut wanted = json!({ "url": receiver.url(), "eventTypes": event_types });
        wanted.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
        let created = self.create(&wanted).await.expect(201);
        Endpoint {
            id: text(&created["endpoint"]["endpointId"]),
            secret: text(&created["secret"]),
            organization: self.clone(),
        }
    }

    /// Asks to send an event, whose payload goes into the request as it is written.
    pub async fn try_send(&self, event_type: &str, payload: &str, event_id: Option<&str>) -> Reply {
        let event_id = event_id.map_or_else(String::new, |id| format!(r#","eventId":"{id}""#));
        let body = format!(r#"{{"eventType":"{event_type}","payload":{payload}{event_id}}}"#);
        self.api.post(&self.sending("/send"), body).await
    }

    /// Sends an event by the API and gives the message's id.
    pub async fn send(&self, event_type: &str, payload: &str) -> String {
        text(&self.try_send(event_type, payload, None).await.expect(200)["id"])
    }

    /// Sends an event of the first type of the catalogue with the catalogue's example.
    pub async fn send_example(&self) -> String {
        let entry = &self.profile.event_types[0];
        self.send(entry.name, entry.example).await
    }

    /// Puts an event on the events queue, in hookbell's own shape.
    pub async fn produce(&self, event_type: &str, payload: &str, more: &str) {
        self.events.put(&self.record(event_type, payload, more)).await;
    }

    /// An event in hookbell's own shape; `more` is further keys, each with a comma before it.
    #[must_use]
    pub fn record(&self, event_type: &str, payload: &str, more: &str) -> String {
        format!(r#"{{"organizationId":"{}","type":"{event_type}","data":{payload}{more}}}"#, self.id)
    }

    /// The attempts of a message, as the API lists them.
    pub async fn attempts_of(&self, message: &str) -> Vec<Value> {
        let reply = self.api.get(&self.sending(&format!("/messages/{message}/attempts"))).await;
        reply.expect(200).as_array().expect("a list").clone()
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}")).to_owned()
}
