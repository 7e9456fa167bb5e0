//! Sending messages.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use hookbell_aws::random;
use hookbell_aws::table::EventIdState;
use hookbell_domain::body;
use hookbell_domain::ids::{EventId, MessageId};
use hookbell_domain::message::{AcceptedEvent, Audience};
use hookbell_domain::profile::Profile;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use serde_json::value::RawValue;
use utoipa::ToSchema;
use utoipa::openapi::schema::{Object, ObjectBuilder};

use crate::error::ApiError;
use crate::fields::Fields;
use crate::logged;
use crate::state::Api;

/// `POST …/send`: accepts an event; the same event id within a day is a conflict, unless the first call failed.
#[utoipa::path(
    post,
    path = "/send",
    tag = "Messages",
    operation_id = "sendMessage",
    summary = "Send a message",
    description = "Accepts an event, and delivers it to every endpoint of the organization that subscribes to its \
        type. What was answered with 200 is not lost.\n\n\
        With an `eventId` the call can be repeated without fear: of one that went through within 24 hours no second \
        message is made, and one that failed goes through. The body that is made of a payload has at most \
        {body-limit} bytes.",
    request_body = NewMessage,
    responses(
        (status = 200, description = "It is accepted.", body = SentAnswer),
        (status = 409, description = "`duplicate_event`: An event with eventId invoice-2071-paid was accepted in the \
            last 24 hours"),
    ),
    security(("key" = ["admin"])),
)]
pub(crate) async fn send(
    State(api): State<Arc<Api>>,
    Path(organization): Path<String>,
    body: Bytes,
) -> Result<Json<SentAnswer>, ApiError> {
    let organization = api.organization_record(&organization).await?;
    let input = read(&api, organization.profile, &body)?;
    let mut message_id = new_message_id()?;
    if let Some(event_id) = &input.event_id {
        match api.table.reserve_event_id(&organization.id, event_id, message_id, false, Timestamp::now()).await? {
            EventIdState::Reserved(reserved) => message_id = reserved,
            EventIdState::Sent(earlier) => {
                logged::note_message(earlier);
                let message = format!("An event with eventId {event_id} was accepted in the last 24 hours");
                return Err(ApiError::Conflict("duplicate_event", message));
            }
        }
    }
    let queue = api.config.events_queue(&organization);
    let event = AcceptedEvent {
        message_id,
        organization_id: organization.id,
        event_type: input.event_type,
        occurred_at: message_id.created_at(),
        event_id: input.event_id,
        payload: input.payload,
        audience: Audience::Subscribers,
        revision: Some(organization.revision),
    };
    api.queues.send_accepted(queue, &event, &api.keys).await?;
    if let Some(event_id) = &event.event_id {
        // If this fails the event is on its way all the same, and a repeated call makes no second message of it.
        if let Err(error) = api.table.mark_event_id_sent(&event.organization_id, event_id).await {
            tracing::warn!(%error, "an event id was not marked as sent");
        }
    }
    logged::note_message(message_id);
    Ok(Json(SentAnswer { id: message_id }))
}

/// A new message's id, for an event that is accepted now.
pub(crate) fn new_message_id() -> Result<MessageId, ApiError> {
    Ok(MessageId::new(Timestamp::now(), random::id()?))
}

/// An answer that names the message that was made.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = SentMessage)]
pub(crate) struct SentAnswer {
    /// The message's id: the `webhook-id` header of its requests.
    #[schema(value_type = String, example = "msg_01KSWM8KD0X3V8N5B2M7C1D4FG")]
    id: MessageId,
}

/// An event to send, as its producer describes it.
#[derive(ToSchema)]
#[schema(rename_all = "camelCase")]
#[expect(dead_code, reason = "read field by field, so that every mistake is told")]
struct NewMessage {
    /// Its type, of the catalogue of the organization's profile.
    #[schema(example = "invoice.paid")]
    event_type: String,
    #[schema(schema_with = payload)]
    payload: Box<RawValue>,
    /// The producer's own id of the event: the same one within 24 hours is sent once.
    #[schema(max_length = 256, pattern = "^[A-Za-z0-9._-]+$", example = "invoice-2071-paid")]
    event_id: Option<String>,
}

/// A message's payload, as it is described.
pub(crate) fn payload() -> Object {
    let object = ObjectBuilder::new().description(Some("What happened, as its producer tells it: an object."));
    object.examples([json!({ "invoiceId": "inv_2071", "amount": 4900 })]).build()
}

struct Input {
    event_type: String,
    event_id: Option<EventId>,
    payload: Box<RawValue>,
}

/// Bytes of a request beside its payload; a payload may come with as much white space as it has bytes.
const BESIDE_PAYLOAD: usize = 4 * 1024;

/// What is wrong with a request of which nothing is read, for its size: that, unless it is no JSON to begin with.
fn too_large(body: &[u8], limit: usize) -> ApiError {
    match serde_json::from_slice::<serde::de::IgnoredAny>(body) {
        Ok(_) => ApiError::field("payload", format!("Too large: the whole body may have {limit} bytes")),
        Err(error) => ApiError::field("body", format!("Must be a JSON object: {error}")),
    }
}

fn read(api: &Api, profile: &Profile, body: &[u8]) -> Result<Input, ApiError> {
    let limit = api.config.limits.body_bytes;
    check_size(body, limit)?;
    let mut fields = Fields::read_any(body, false)?;
    let event_type = read_event_type(&mut fields, profile);
    let payload = fields.required_object("payload");
    let named = event_type.as_deref().unwrap_or_default();
    let payload = payload.and_then(|payload| check_payload(&mut fields, &payload, profile, named, limit));
    let event_id = fields.optional::<String>("eventId", "a string").and_then(|id| match id.parse::<EventId>() {
        Ok(id) => Some(id),
        Err(error) => {
            fields.refuse("eventId", format!("{error}"));
            None
        }
    });
    fields.finish()?;
    match (event_type, payload) {
        (Some(event_type), Some(payload)) => Ok(Input { event_type, event_id, payload }),
        // Their absence is an error that `finish` has returned.
        _ => Err(ApiError::Unavailable),
    }
}

/// Refuses a request that is too large to have a payload that is not.
pub(crate) fn check_size(body: &[u8], limit: usize) -> Result<(), ApiError> {
    if body.len() > 2 * limit + BESIDE_PAYLOAD { Err(too_large(body, limit)) } else { Ok(()) }
}

/// The type of a message, which has to be there.
pub(crate) fn read_event_type(fields: &mut Fields, profile: &Profile) -> Option<String> {
    let name = fields.required::<String>("eventType", "a string")?;
    if profile.event_type(&name).is_none() {
        let problem = format!("Unknown event type {name:?} for an organization of profile {:?}", profile.name);
        fields.refuse("eventType", problem);
    }
    Some(name)
}

/// A payload as it is sent on, once it was noted what is wrong with it.
pub(crate) fn check_payload(
    fields: &mut Fields,
    payload: &RawValue,
    profile: &Profile,
    event_type: &str,
    limit: usize,
) -> Option<Box<RawValue>> {
    // White space must not count against the limit, nor be paid for on the queue.
    let payload = body::compact(payload).ok()?;
    if body::is_too_deep(&payload) {
        fields.refuse("payload", format!("Nested too deeply: at most {} levels", body::MAX_DEPTH));
    }
    if exceeds(&payload, profile, event_type, limit) {
        let problem = format!("Too large: {} bytes, where the whole body may have {limit}", payload.get().len());
        fields.refuse("payload", problem);
    }
    Some(payload)
}

/// Whether the body made of a payload would be over the limit; made for real only where the payload comes near it.
fn exceeds(payload: &RawValue, profile: &Profile, event_type: &str, limit: usize) -> bool {
    const ENVELOPE: usize = 512;
    payload.get().len() + ENVELOPE > limit && {
        let at = Timestamp::UNIX_EPOCH;
        body::freeze(profile.body, MessageId::new(at, 0), event_type, at, payload).len() > limit
    }
}
