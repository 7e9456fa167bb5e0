//! What came of a message: every attempt at every endpoint.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use hookbell_domain::delivery::{Attempt, Delivery, DeliveryStatus, Trigger};
use hookbell_domain::ids::{DeliveryId, EndpointId, MessageId};
use hookbell_domain::message::Message;
use hookbell_domain::time::{after, iso_ms};
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::lists::PageBytes;
use crate::message_lists::NO_MESSAGE;
use crate::state::{Api, parse_organization};
use crate::view::latency_ms;

/// One attempt, as the list of a message's attempts shows it.
#[derive(Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = MessageAttempt)]
pub(crate) struct AttemptView {
    /// Its id.
    #[schema(example = "att_01KSWM8KD0Q4T7Z1R8W6H2J5AB_1")]
    pub(crate) id: String,
    /// The message's id.
    #[schema(value_type = String, example = "msg_01KSWM8KD0X3V8N5B2M7C1D4FG")]
    pub(crate) msg_id: MessageId,
    /// The endpoint's id.
    #[schema(value_type = String, example = "whe_01KSWM8KD0X3V8N5B2M7C1D4FG")]
    pub(crate) endpoint_id: EndpointId,
    /// Where it was made; of one that is due or under way, where the endpoint is now.
    #[schema(example = "https://example.com/hooks")]
    pub(crate) url: String,
    /// When it began; of one that is due, when that was decided.
    #[schema(format = DateTime, example = "2026-05-30T14:23:00.512Z")]
    pub(crate) timestamp: String,
    /// How it went: 0 success, 1 pending, 2 fail, 3 sending.
    #[schema(minimum = 0, maximum = 3, example = 0)]
    pub(crate) status: u8,
    /// The same in a word.
    #[schema(schema_with = crate::openapi::words::attempt_status)]
    pub(crate) status_text: &'static str,
    /// The HTTP status of the receiver's answer; 0 where there was none.
    #[schema(example = 200)]
    pub(crate) response_status_code: u16,
    /// How long it took.
    #[schema(example = 183)]
    pub(crate) response_duration_ms: u64,
    /// The answer's first 1,024 bytes, or what went wrong.
    #[schema(example = "ok")]
    pub(crate) response: String,
    /// What made it: 0 the schedule, 1 a person.
    #[schema(minimum = 0, maximum = 1, example = 0)]
    pub(crate) trigger_type: u8,
}

/// `GET …/messages/{message}/attempts`: every attempt of a message at every endpoint, in the order they began.
#[utoipa::path(
    get,
    path = "/messages/{message}/attempts",
    tag = "Messages",
    operation_id = "listAttempts",
    summary = "List a message's attempts",
    description = "Every attempt of a message at every endpoint, in the order in which they began. A first attempt \
        that is due, and any that is under way, are among them; when the next retry is due stands in the delivery. A message is there for its readers a moment after it was accepted.",
    responses((status = 200, description = "The attempts.", body = Vec<AttemptView>)),
    security(("key" = ["member"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Path((organization, message)): Path<(String, String)>,
) -> Result<Json<Vec<AttemptView>>, ApiError> {
    let read = Box::pin(read(&api, &organization, &message)).await?;
    Ok(Json(read.attempts.into_iter().map(|(_, attempt)| attempt).collect()))
}

/// A message and what came of it.
pub(crate) struct Followed {
    /// The message.
    pub(crate) message: Message,
    /// Every attempt at every endpoint with when it began, in that order.
    pub(crate) attempts: Vec<(Timestamp, AttemptView)>,
    /// The deliveries that were ended without being attempted (further), in no order.
    pub(crate) skipped: Vec<Skipped>,
}

/// A delivery that was ended without being attempted (further).
pub(crate) struct Skipped {
    /// Its id.
    pub(crate) id: DeliveryId,
    /// Where it was to go.
    pub(crate) endpoint_id: EndpointId,
    /// Where that is now; nothing once it was deleted.
    pub(crate) url: Option<String>,
    /// When it was ended.
    pub(crate) at: Timestamp,
}

/// Reads a message and what came of it.
pub(crate) async fn read(api: &Api, organization: &str, message: &str) -> Result<Followed, ApiError> {
    let organization = parse_organization(organization)?;
    let id = message.parse().map_err(|_| NO_MESSAGE)?;
    let (message, redeliveries, endpoints) = tokio::try_join!(
        api.table.message(&organization, id, true),
        api.table.redeliveries(&organization, id),
        api.table.organization(&organization, false),
    )?;
    let message = message.ok_or(NO_MESSAGE)?;
    let deliveries = api.table.deliveries_of(&message, redeliveries).await?;
    let endpoints = endpoints.map(|organization| organization.endpoints).unwrap_or_default();
    let url_of = |id| {
        let found = endpoints.iter().find(|stored| stored.endpoint.id == id);
        found.map(|stored| stored.endpoint.url.as_str())
    };
    let now = Timestamp::now();
    let mut attempts: Vec<(Timestamp, AttemptView)> =
        deliveries.iter().flat_map(|delivery| views(delivery, url_of(delivery.endpoint_id), now)).collect();
    if now < after(message.id.created_at(), FIRST_ATTEMPTS) {
        let has_row = |id| deliveries.iter().any(|delivery| delivery.endpoint_id == id);
        let under_way = message.endpoint_ids.iter().filter(|&&id| !has_row(id));
        attempts.extend(under_way.filter_map(|&id| Some(first(&message, id, url_of(id)?))));
    }
    attempts.sort_by_key(|(at, _)| *at);
    // There are no pages here: the latest that an answer has room for.
    let mut bytes = PageBytes::default();
    let fits = |(_, view): &(Timestamp, AttemptView)| bytes.takes(written(&view.response) + view.url.len() + 400);
    let mut latest: Vec<(Timestamp, AttemptView)> = attempts.into_iter().rev().take_while(fits).collect();
    latest.reverse();
    let skipped = deliveries.iter().filter(|delivery| delivery.was_skipped()).map(|delivery| Skipped {
        id: delivery.id,
        endpoint_id: delivery.endpoint_id,
        url: url_of(delivery.endpoint_id).map(str::to_owned),
        at: delivery.updated_at,
    });
    Ok(Followed { message, attempts: latest, skipped: skipped.collect() })
}

/// What a receiver's answer counts on a page: a quote becomes four bytes on its way, and is one of a page's; a control
/// character becomes seven.
fn written(answer: &str) -> usize {
    answer.bytes().map(|byte| if byte < b' ' { 2 } else { 1 }).sum()
}

// The numbers of the API: how an attempt went, and what made it.
const SUCCESS: (u8, &str) = (0, "success");
const PENDING: (u8, &str) = (1, "pending");
const FAIL: (u8, &str) = (2, "fail");
const SENDING: (u8, &str) = (3, "sending");

/// How long an endpoint of a message without a delivery is taken for one whose first attempt is being made: the row is
/// written after it. Later there was none, or the endpoint is gone.
const FIRST_ATTEMPTS: Duration = Duration::from_mins(10);

/// The first attempt of a message at an endpoint, while it is being made.
fn first(message: &Message, endpoint: EndpointId, url: &str) -> (Timestamp, AttemptView) {
    let at = message.id.created_at();
    let (status, status_text) = SENDING;
    let ids = (DeliveryId::first(message.id, endpoint), message.id, endpoint);
    (at, AttemptView { status, status_text, ..empty(ids, 1, at, url) })
}

/// The attempts of a delivery that were made, and the one that is due or under way: to where the endpoint is now.
pub(crate) fn views(delivery: &Delivery, url_now: Option<&str>, now: Timestamp) -> Vec<(Timestamp, AttemptView)> {
    let ids = (delivery.id, delivery.message_id, delivery.endpoint_id);
    let mut url = "";
    let mut views = Vec::with_capacity(delivery.attempts.len() + 1);
    for attempt in &delivery.attempts {
        url = attempt.url.as_deref().unwrap_or(url);
        views.push((attempt.at, made(ids, attempt, url)));
    }
    let held = |until: Option<Timestamp>| until.is_some_and(|until| until > now);
    let by_schedule = delivery.status.is_open() && held(delivery.claim.and_then(|claim| claim.until));
    let by_hand = held(delivery.manual.and_then(|manual| manual.until));
    let open = match (by_schedule || by_hand, delivery.status) {
        (true, _) => Some(SENDING),
        (false, DeliveryStatus::Pending) => Some(PENDING),
        (false, _) => None,
    };
    if let Some((status, status_text)) = open {
        let number = delivery.attempt_count() + 1;
        let trigger_type = u8::from(by_hand && !by_schedule);
        let at = delivery.updated_at;
        let view = AttemptView { status, status_text, trigger_type, ..empty(ids, number, at, url_now.unwrap_or(url)) };
        views.push((at, view));
    }
    views
}

fn made(ids: Ids, attempt: &Attempt, url: &str) -> AttemptView {
    let (status, status_text) = if attempt.succeeded() { SUCCESS } else { FAIL };
    let answer = attempt.response.as_deref().or(attempt.error.as_deref());
    AttemptView {
        status,
        status_text,
        response_status_code: attempt.http_status.unwrap_or(0),
        response_duration_ms: latency_ms(attempt),
        response: answer.unwrap_or_default().to_owned(),
        trigger_type: match attempt.trigger {
            Trigger::Scheduled => 0,
            Trigger::Manual => 1,
        },
        ..empty(ids, attempt.number, attempt.at, url)
    }
}

/// Of which delivery, message and endpoint an attempt is.
type Ids = (DeliveryId, MessageId, EndpointId);

fn empty((delivery, msg_id, endpoint_id): Ids, number: u32, at: Timestamp, url: &str) -> AttemptView {
    let ulid = delivery.to_string();
    let ulid = ulid.strip_prefix(DeliveryId::PREFIX).unwrap_or(&ulid);
    AttemptView {
        id: format!("att_{ulid}_{number}"),
        msg_id,
        endpoint_id,
        url: url.to_owned(),
        timestamp: iso_ms(at),
        status: 0,
        status_text: "",
        response_status_code: 0,
        response_duration_ms: 0,
        response: String::new(),
        trigger_type: 0,
    }
}
