//! What the API shows: optional fields are absent when unset, times are ISO-8601 in UTC with milliseconds.

use hookbell_domain::delivery::{Attempt, Delivery};
use hookbell_domain::endpoint::{Endpoint, RateLimit};
use hookbell_domain::filter::Filter;
use hookbell_domain::headers::CustomHeaders;
use hookbell_domain::ids::{DeliveryId, EndpointId, EndpointUid, MessageId};
use hookbell_domain::time::iso_ms;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::health::HealthView;
use crate::openapi::words;

/// An answer that holds one endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OneEndpoint)]
pub(crate) struct EndpointAnswer<'a> {
    /// The endpoint.
    pub(crate) endpoint: EndpointView<'a>,
}

/// An answer that holds a new endpoint. It shows a secret, so it cannot be printed.
#[derive(Serialize, ToSchema)]
#[schema(as = CreatedEndpoint)]
pub(crate) struct NewEndpointAnswer<'a> {
    /// The endpoint.
    pub(crate) endpoint: EndpointView<'a>,
    /// Its signing secret: `whsec_` and base64.
    #[schema(example = "whsec_EXAMPLEexampleEXAMPLEexampleEXAM")]
    pub(crate) secret: String,
}

/// An answer that holds all endpoints of an organization.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Endpoints)]
pub(crate) struct EndpointsAnswer<'a> {
    /// Oldest first.
    pub(crate) endpoints: Vec<EndpointView<'a>>,
}

/// An answer that holds the catalogue.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EventTypes)]
pub(crate) struct EventTypesAnswer {
    /// By name.
    pub(crate) event_types: Vec<EventTypeView>,
}

/// An entry of the catalogue.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = EventType)]
pub(crate) struct EventTypeView {
    /// Its name.
    #[serde(rename = "type")]
    #[schema(example = "invoice.paid")]
    pub(crate) name: &'static str,
    /// One sentence.
    #[schema(example = "An invoice was paid.")]
    pub(crate) description: &'static str,
}

/// An answer that holds one delivery.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OneDelivery)]
pub(crate) struct DeliveryAnswer {
    /// The delivery.
    pub(crate) delivery: DeliveryView,
}

/// An answer that holds a page of deliveries.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DeliveryPage)]
pub(crate) struct DeliveriesAnswer {
    /// Newest first.
    pub(crate) deliveries: Vec<DeliveryView>,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "AZ5zypGgAAAAAAAAAAAAAc9fT3hXlP0q")]
    pub(crate) cursor: Option<String>,
}

/// An answer that names the message that is on its way.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = WebhookId)]
pub(crate) struct WebhookIdAnswer {
    /// The message's id: the `webhook-id` header of its requests.
    #[schema(value_type = String, example = "msg_01KSWM8KD0X3V8N5B2M7C1D4FG")]
    pub(crate) webhook_id: MessageId,
}

/// An endpoint. Its secret is never part of it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Endpoint)]
pub(crate) struct EndpointView<'a> {
    /// Its id.
    #[schema(value_type = String, example = "whe_01KSWM8KD0X3V8N5B2M7C1D4FG")]
    endpoint_id: EndpointId,
    /// What somebody else calls it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "ep_2Xq7Yc0")]
    uid: Option<&'a str>,
    /// Where requests go.
    #[schema(example = "https://example.com/webhooks")]
    url: &'a str,
    /// What its owner says of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "Billing")]
    description: Option<&'a str>,
    #[schema(schema_with = words::endpoint_status)]
    status: &'static str,
    /// The types that it gets, `*` being all.
    #[schema(value_type = Vec<String>, example = json!(["invoice.paid"]))]
    event_types: &'a [String],
    /// Whether it gets one message after the other, in the order in which they were accepted.
    #[schema(example = false)]
    ordered: bool,
    /// What its requests carry besides, by name. Only owners see the values.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<HashMap<String, String>>)]
    headers: Option<HeadersView>,
    /// Whether its requests carry an Ed25519 signature too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    v1a: bool,
    /// What verifies those: `whpk_` and base64. There while `v1a` is on.
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<String>,
    /// Whether its requests carry the `svix-` headers too.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    svix_headers: bool,
    /// Messages a second that it gets at most; what is over that waits, and fails nowhere.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, maximum = 10_000)]
    rate_limit: Option<u32>,
    /// Which messages it gets, by what is in their bodies: an event pattern.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    filter: Option<Box<RawValue>>,
    /// Why it was disabled, if not by its owner.
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_reason: Option<&'a str>,
    /// When it was disabled.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time")]
    disabled_at: Option<String>,
    /// Deliveries in a row that used up their attempts.
    #[schema(example = 0)]
    consecutive_failures: u32,
    /// How it fares; absent while all is well.
    #[serde(skip_serializing_if = "Option::is_none")]
    health: Option<HealthView>,
    /// When it was made.
    #[schema(format = "date-time", example = "2026-05-30T14:23:00.000Z")]
    created_at: String,
    /// When it last changed.
    #[schema(format = "date-time", example = "2026-05-30T14:23:00.000Z")]
    updated_at: String,
}

/// What stands for the values of custom headers before those who may not see them.
pub(crate) const HIDDEN: &str = "(hidden)";

/// Custom headers, as an object of names and values. Debug output has the names alone.
#[derive(Debug)]
struct HeadersView {
    headers: CustomHeaders,
    shows_values: bool,
}

impl Serialize for HeadersView {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let shown = |value| if self.shows_values { value } else { HIDDEN };
        serializer.collect_map(self.headers.iter().map(|(name, value)| (name, shown(value))))
    }
}

impl<'a> EndpointView<'a> {
    /// An endpoint with its opened headers; their values stay hidden from whoever may not see secrets.
    pub(crate) fn new(endpoint: &'a Endpoint, headers: CustomHeaders, shows_secrets: bool) -> Self {
        let options = &endpoint.options;
        let filter = |filter: &Filter| RawValue::from_string(filter.text().to_owned()).ok();
        let disabled = endpoint.disabled.as_ref();
        Self {
            endpoint_id: endpoint.id,
            uid: endpoint.uid.as_ref().map(EndpointUid::as_str),
            url: &endpoint.url,
            description: endpoint.description.as_deref(),
            status: if disabled.is_some() { "disabled" } else { "enabled" },
            event_types: &endpoint.event_types,
            ordered: endpoint.ordered,
            headers: (!headers.is_empty()).then_some(HeadersView { headers, shows_values: shows_secrets }),
            v1a: options.v1a.is_some(),
            public_key: options.v1a.map(|key| key.to_string()),
            svix_headers: options.svix_headers,
            rate_limit: options.rate_limit.map(RateLimit::per_second),
            filter: options.filter.as_ref().and_then(filter),
            disabled_reason: disabled.and_then(|disabled| disabled.reason.as_deref()),
            disabled_at: disabled.map(|disabled| iso_ms(disabled.at)),
            consecutive_failures: endpoint.health.consecutive_failures,
            health: HealthView::of(endpoint, Timestamp::now()),
            created_at: iso_ms(endpoint.created_at),
            updated_at: iso_ms(endpoint.updated_at),
        }
    }
}

/// A delivery with the body it carries.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Delivery)]
pub(crate) struct DeliveryView {
    /// Its id.
    #[schema(value_type = String, example = "dlv_01KSWM8KD0Q4T7Z1R8W6H2J5AB")]
    delivery_id: DeliveryId,
    /// The message's id: the `webhook-id` header of its requests.
    #[schema(value_type = String, example = "msg_01KSWM8KD0X3V8N5B2M7C1D4FG")]
    webhook_id: MessageId,
    /// The endpoint's id.
    #[schema(value_type = String, example = "whe_01KSWM8KD0X3V8N5B2M7C1D4FG")]
    endpoint_id: EndpointId,
    /// The message's type.
    #[schema(example = "invoice.paid")]
    event_type: String,
    #[schema(schema_with = words::delivery_status)]
    status: &'static str,
    /// Why it ended without a (further) attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<String>,
    /// How many attempts have finished.
    #[schema(example = 1)]
    attempt_count: u32,
    /// These attempts, in order.
    attempts: Vec<AttemptView>,
    /// When the next attempt is due, while one is, in Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_retry_at: Option<i64>,
    /// The beginning of the receiver's latest answer, at most 1,024 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "ok")]
    response_snippet: Option<String>,
    /// The body of its requests, to the byte. Empty when the message has expired before its delivery.
    #[schema(example = r#"{"invoiceId":"inv_2071","amount":4900}"#)]
    payload: String,
    /// When it was made.
    #[schema(format = "date-time", example = "2026-05-30T14:23:00.000Z")]
    created_at: String,
    /// When it last changed.
    #[schema(format = "date-time", example = "2026-05-30T14:23:00.183Z")]
    updated_at: String,
}

/// One attempt of a delivery.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = DeliveryAttempt)]
struct AttemptView {
    /// Its number, from 1.
    #[schema(example = 1)]
    attempt_no: u32,
    /// When it began.
    #[schema(format = "date-time", example = "2026-05-30T14:23:00.000Z")]
    at: String,
    /// The HTTP status of the receiver's answer, if there was one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = 200)]
    http_status: Option<u16>,
    /// How long it took.
    #[schema(example = 183)]
    latency_ms: u64,
    /// What went wrong, if anything did.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

impl DeliveryView {
    /// A delivery and the text of its body; an empty one when the message has expired before it.
    pub(crate) fn new(delivery: Delivery, payload: String) -> Self {
        Self {
            delivery_id: delivery.id,
            webhook_id: delivery.message_id,
            endpoint_id: delivery.endpoint_id,
            status: delivery.status.as_str(),
            attempt_count: delivery.attempt_count(),
            next_retry_at: delivery.next_retry_at.map(Timestamp::as_second),
            response_snippet: delivery.response_snippet().map(str::to_owned),
            attempts: delivery.attempts.iter().map(AttemptView::from).collect(),
            event_type: delivery.event_type,
            skipped: delivery.skipped,
            payload,
            created_at: iso_ms(delivery.id.created_at()),
            updated_at: iso_ms(delivery.updated_at),
        }
    }
}

impl From<&Attempt> for AttemptView {
    fn from(attempt: &Attempt) -> Self {
        Self {
            attempt_no: attempt.number,
            at: iso_ms(attempt.at),
            http_status: attempt.http_status,
            latency_ms: latency_ms(attempt),
            error: attempt.error.clone(),
        }
    }
}

/// How long an attempt took, in whole milliseconds.
pub(crate) fn latency_ms(attempt: &Attempt) -> u64 {
    u64::try_from(attempt.latency.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(shows_values: bool, expected: &Value) {
        let headers = CustomHeaders::from_kept(vec![("X-Key".to_owned(), "secret".to_owned())]);
        let view = HeadersView { headers, shows_values };
        assert_eq!(&serde_json::to_value(&view).unwrap(), expected);
        assert!(!format!("{view:?}").contains("secret"));
    }

    #[test]
    fn header_values_are_shown_to_those_who_may_see_secrets() {
        check(true, &json!({ "X-Key": "secret" }));
        check(false, &json!({ "X-Key": "(hidden)" }));
    }
}
