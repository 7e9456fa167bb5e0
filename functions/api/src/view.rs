//! What the API shows: optional fields are absent when unset, times are ISO-8601 in UTC with milliseconds.

use hookbell_domain::delivery::{Attempt, Delivery};
use hookbell_domain::endpoint::{Endpoint, RateLimit};
use hookbell_domain::filter::Filter;
use hookbell_domain::headers::CustomHeaders;
use hookbell_domain::ids::{DeliveryId, EndpointId, MessageId};
use hookbell_domain::time::iso_ms;
use jiff::Timestamp;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use utoipa::ToSchema;

/// An answer that holds one endpoint. It may show a secret, so it cannot be printed.
#[derive(Serialize)]
pub(crate) struct EndpointAnswer<'a> {
    /// The endpoint.
    pub(crate) endpoint: EndpointView<'a>,
    /// Its secret, in the one answer that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) secret: Option<String>,
}

/// An answer that holds all endpoints of an organization.
#[derive(Debug, Serialize)]
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
#[derive(Debug, Serialize)]
pub(crate) struct DeliveryAnswer {
    /// The delivery.
    pub(crate) delivery: DeliveryView,
}

/// An answer that holds a page of deliveries.
#[derive(Debug, Serialize)]
pub(crate) struct DeliveriesAnswer {
    /// Newest first.
    pub(crate) deliveries: Vec<DeliveryView>,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) cursor: Option<String>,
}

/// An answer that names the message that is on its way.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WebhookIdAnswer {
    /// The message's id: the `webhook-id` header of its requests.
    pub(crate) webhook_id: MessageId,
}

/// An endpoint. Its secret is never part of it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EndpointView<'a> {
    endpoint_id: EndpointId,
    url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    status: &'static str,
    event_types: &'a [String],
    ordered: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    headers: Option<HeadersView>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    v1a: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    public_key: Option<String>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    svix_headers: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    rate_limit: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    filter: Option<Box<RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_reason: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    disabled_at: Option<String>,
    consecutive_failures: u32,
    created_at: String,
    updated_at: String,
}

/// What stands for the values of custom headers before those who may not see them.
const HIDDEN: &str = "(hidden)";

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
            created_at: iso_ms(endpoint.created_at),
            updated_at: iso_ms(endpoint.updated_at),
        }
    }
}

/// A delivery with the body it carries.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct DeliveryView {
    delivery_id: DeliveryId,
    webhook_id: MessageId,
    endpoint_id: EndpointId,
    event_type: String,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    skipped: Option<String>,
    attempt_count: u32,
    attempts: Vec<AttemptView>,
    /// Unix seconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_retry_at: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    response_snippet: Option<String>,
    payload: String,
    created_at: String,
    updated_at: String,
}

/// One attempt of a delivery.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct AttemptView {
    attempt_no: u32,
    at: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    http_status: Option<u16>,
    latency_ms: u64,
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
