//! The calls of the API that commands make.

use jiff::Timestamp;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use serde_json::{Value, json};

use super::wire::{
    ApiKey, Delivery, Endpoint, EventType, FilterTrial, Message, MessageAttempt, Organization, Portal, Replay, Secret,
    Sent, Stats,
};
use super::{ApiFailure, Call, Client, Pages, Seen};

type Answer<T> = Result<T, ApiFailure>;

/// Which entries of a list are wanted.
#[derive(Debug, Clone, Default)]
pub(crate) struct Range {
    /// Made then or later.
    pub(crate) after: Option<Timestamp>,
    /// Made before then.
    pub(crate) before: Option<Timestamp>,
    /// Of that event type.
    pub(crate) event_type: Option<String>,
    /// Of that status, where the list is one of deliveries.
    pub(crate) status: Option<String>,
}

impl Range {
    fn ask(&self, call: Call) -> Call {
        let call = call.query("after", self.after).query("before", self.before);
        call.query("eventType", self.event_type.as_ref()).query("status", self.status.as_ref())
    }
}

/// An answer that holds what it is about under a name.
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Named<T> {
    #[serde(
        alias = "endpoint",
        alias = "delivery",
        alias = "replay",
        alias = "endpoints",
        alias = "apiKeys",
        alias = "eventTypes"
    )]
    named: T,
}

fn sending<'a>(organization: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    [&["webhooks", "organizations", organization], rest].concat()
}

fn managing<'a>(organization: &'a str, rest: &[&'a str]) -> Vec<&'a str> {
    [&["organizations", organization, "webhooks"], rest].concat()
}

impl Client {
    async fn named<T: DeserializeOwned>(&self, call: &Call) -> Answer<T> {
        self.call::<Named<T>>(call).await.map(|answer| answer.named)
    }

    // ---- Organizations ----

    pub(crate) fn organizations(&self, prefix: Option<&str>, wanted: usize) -> Pages<'_, Organization> {
        Pages::new(self, Call::get(&["organizations"]).query("prefix", prefix), wanted)
    }

    /// Makes an organization, or finds it made.
    pub(crate) async fn initialize(&self, organization: &str, profile: Option<&str>) -> Answer<Seen<Organization>> {
        let body = profile.map_or_else(|| json!({}), |profile| json!({ "profile": profile }));
        self.call(&Call::post(&sending(organization, &["initialize"])).json(&body).repeatable(true)).await
    }

    pub(crate) async fn event_types(&self, organization: &str) -> Answer<Vec<Seen<EventType>>> {
        self.named(&Call::get(&managing(organization, &["event-types"]))).await
    }

    pub(crate) async fn portal(&self, organization: &str) -> Answer<Seen<Portal>> {
        self.call(&Call::post(&sending(organization, &["app-portal-access"])).repeatable(true)).await
    }

    /// Asks what only the admin key is told.
    pub(crate) async fn status(&self) -> Answer<Value> {
        self.call(&Call::get(&["webhooks", "status"])).await
    }

    /// The API's description of itself.
    pub(crate) async fn description(&self) -> Answer<Value> {
        self.call(&Call::get(&["openapi.json"])).await
    }

    // ---- Keys ----

    pub(crate) async fn keys(&self, organization: &str) -> Answer<Vec<Seen<ApiKey>>> {
        self.named(&Call::get(&["organizations", organization, "api-keys"])).await
    }

    /// The answer holds the key itself.
    pub(crate) async fn create_key(&self, organization: &str, role: &str, name: Option<&str>) -> Answer<Box<RawValue>> {
        let mut body = json!({ "role": role });
        if let (Some(name), Some(object)) = (name, body.as_object_mut()) {
            object.insert("name".to_owned(), name.into());
        }
        self.call(&Call::post(&["organizations", organization, "api-keys"]).json(&body)).await
    }

    pub(crate) async fn delete_key(&self, organization: &str, key: &str) -> Answer<()> {
        self.call(&Call::delete(&["organizations", organization, "api-keys", key])).await
    }

    // ---- Endpoints ----

    pub(crate) async fn endpoints(&self, organization: &str) -> Answer<Vec<Seen<Endpoint>>> {
        self.endpoints_as(organization).await
    }

    /// The same, read as something else.
    pub(crate) async fn endpoints_as<T: DeserializeOwned>(&self, organization: &str) -> Answer<Vec<T>> {
        self.named(&Call::get(&managing(organization, &[]))).await
    }

    pub(crate) async fn endpoint(&self, organization: &str, endpoint: &str) -> Answer<Seen<Endpoint>> {
        self.named(&Call::get(&managing(organization, &[endpoint]))).await
    }

    /// The answer holds the endpoint and its secret.
    pub(crate) async fn create_endpoint(&self, organization: &str, body: &Value) -> Answer<Box<RawValue>> {
        self.call(&Call::post(&managing(organization, &[])).json(body)).await
    }

    /// One with a uid: a second call makes no second one, so it is made again where it did not go through.
    pub(crate) async fn create_endpoint_with_uid<T: DeserializeOwned>(
        &self,
        organization: &str,
        body: &Value,
    ) -> Answer<T> {
        self.named(&Call::post(&managing(organization, &[])).json(body).repeatable(true)).await
    }

    pub(crate) async fn change_endpoint(
        &self,
        organization: &str,
        endpoint: &str,
        change: &Value,
    ) -> Answer<Seen<Endpoint>> {
        self.named(&Call::patch(&managing(organization, &[endpoint])).json(change)).await
    }

    pub(crate) async fn delete_endpoint(&self, organization: &str, endpoint: &str) -> Answer<()> {
        self.call(&Call::delete(&managing(organization, &[endpoint]))).await
    }

    pub(crate) async fn ping(&self, organization: &str, endpoint: &str, event_type: Option<&str>) -> Answer<Sent> {
        let body = event_type.map_or_else(|| json!({}), |event_type| json!({ "eventType": event_type }));
        self.call(&Call::post(&managing(organization, &[endpoint, "ping"])).json(&body)).await
    }

    pub(crate) async fn secret(&self, organization: &str, endpoint: &str) -> Answer<Seen<Secret>> {
        self.call(&Call::get(&managing(organization, &[endpoint, "secret"]))).await
    }

    pub(crate) async fn roll_secret(&self, organization: &str, endpoint: &str, how: &Value) -> Answer<Seen<Secret>> {
        self.call(&Call::post(&managing(organization, &[endpoint, "secret", "roll"])).json(how)).await
    }

    pub(crate) async fn stats(&self, organization: &str, endpoint: &str, hours: u16) -> Answer<Seen<Stats>> {
        self.call(&Call::get(&managing(organization, &[endpoint, "stats"])).query("hours", Some(hours))).await
    }

    /// Whether a filter lets an event through.
    pub(crate) async fn try_filter(
        &self,
        organization: &str,
        filter: &RawValue,
        event_type: &str,
        payload: &RawValue,
    ) -> Answer<FilterTrial> {
        let body = json!({ "filter": filter, "eventType": event_type, "payload": payload });
        self.call(&Call::post(&managing(organization, &["filter", "test"])).json(&body).repeatable(true)).await
    }

    // ---- Deliveries ----

    pub(crate) fn deliveries(
        &self,
        organization: &str,
        endpoint: &str,
        range: &Range,
        wanted: usize,
    ) -> Pages<'_, Delivery> {
        Pages::new(self, range.ask(Call::get(&managing(organization, &[endpoint, "deliveries"]))), wanted)
    }

    pub(crate) async fn delivery(&self, organization: &str, endpoint: &str, delivery: &str) -> Answer<Seen<Delivery>> {
        self.named(&Call::get(&managing(organization, &[endpoint, "deliveries", delivery]))).await
    }

    pub(crate) async fn redeliver(&self, organization: &str, endpoint: &str, delivery: &str) -> Answer<Sent> {
        self.call(&Call::post(&managing(organization, &[endpoint, "deliveries", delivery, "redeliver"]))).await
    }

    /// Begins a replay, or finds it begun.
    pub(crate) async fn begin_replay(&self, organization: &str, endpoint: &str, range: &Range) -> Answer<Seen<Replay>> {
        let mut body = json!({ "after": range.after.map(|at| at.to_string()) });
        if let Some(object) = body.as_object_mut() {
            object.extend(range.before.map(|at| ("before".to_owned(), at.to_string().into())));
            object.extend(range.status.clone().map(|status| ("status".to_owned(), status.into())));
        }
        let call = Call::post(&managing(organization, &[endpoint, "replay"])).json(&body);
        // Without an end it is the same replay, but may have finished meanwhile, and would go on from there.
        self.named(&call.repeatable(range.before.is_some())).await
    }

    pub(crate) async fn replay(&self, organization: &str, endpoint: &str, replay: &str) -> Answer<Seen<Replay>> {
        self.named(&Call::get(&managing(organization, &[endpoint, "replay", replay]))).await
    }

    // ---- Messages ----

    pub(crate) fn messages(&self, organization: &str, range: &Range, wanted: usize) -> Pages<'_, Message> {
        Pages::new(self, range.ask(Call::get(&sending(organization, &["messages"]))), wanted)
    }

    /// The messages of an event's id.
    pub(crate) fn messages_of_event(&self, organization: &str, event_id: &str) -> Pages<'_, Message> {
        let call = Call::get(&sending(organization, &["messages"])).query("eventId", Some(event_id));
        Pages::new(self, call, 10)
    }

    pub(crate) async fn message(&self, organization: &str, message: &str) -> Answer<Seen<Message>> {
        self.call(&Call::get(&sending(organization, &["messages", message]))).await
    }

    pub(crate) async fn attempts(&self, organization: &str, message: &str) -> Answer<Vec<Seen<MessageAttempt>>> {
        self.call(&Call::get(&sending(organization, &["messages", message, "attempts"]))).await
    }

    /// Sends an event. With an id it is one event however often it is sent.
    pub(crate) async fn send(
        &self,
        organization: &str,
        event_type: &str,
        payload: &RawValue,
        event_id: Option<&str>,
    ) -> Answer<Sent> {
        #[derive(serde::Serialize)]
        #[serde(rename_all = "camelCase")]
        struct Body<'a> {
            event_type: &'a str,
            payload: &'a RawValue,
            #[serde(skip_serializing_if = "Option::is_none")]
            event_id: Option<&'a str>,
        }
        let body = Body { event_type, payload, event_id };
        let call = Call::post(&sending(organization, &["send"])).json(&body);
        self.call(&call.repeatable(event_id.is_some())).await
    }
}
