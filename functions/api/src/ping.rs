//! Sending a test to one endpoint, whatever it subscribes to.

use std::sync::Arc;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use hookbell_domain::ids::EndpointId;
use hookbell_domain::message::{AcceptedEvent, Audience};
use hookbell_domain::profile::{Profile, SystemEvents};
use serde_json::value::{RawValue, to_raw_value};
use utoipa::ToSchema;

use crate::auth::Caller;
use crate::endpoints::find_in;
use crate::error::ApiError;
use crate::fields::Fields;
use crate::logged;
use crate::messages::new_message_id;
use crate::state::Api;
use crate::view::WebhookIdAnswer;

/// Which test is sent.
#[derive(ToSchema)]
#[schema(as = Ping, rename_all = "camelCase")]
#[expect(dead_code, reason = "read field by field, so that every mistake is told")]
struct Test {
    /// The type whose example is sent; the first of the catalogue if there is none. Only where the catalogue has no
    /// type of its own for tests.
    #[schema(example = "invoice.paid")]
    event_type: Option<String>,
}

/// `POST …/{endpoint}/ping`: the profile's ping, or the example of a type where it has none.
#[utoipa::path(
    post,
    path = "/{endpoint}/ping",
    tag = "Endpoints",
    operation_id = "pingEndpoint",
    summary = "Send a test",
    description = "Sends a test message to this endpoint alone, whatever it subscribes to: the catalogue's ping, or \
        the example of a type where the catalogue has none.",
    request_body = Option<Test>,
    responses(
        (status = 200, description = "It is on its way.", body = WebhookIdAnswer),
        (status = 409, description = "`endpoint_disabled`: The endpoint is disabled; enable it to send a test"),
    ),
    security(("key" = ["owner"])),
)]
pub(crate) async fn ping(
    State(api): State<Arc<Api>>,
    Extension(caller): Extension<Caller>,
    Path((organization, endpoint)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<WebhookIdAnswer>, ApiError> {
    let organization = api.organization(&organization).await?;
    let endpoint = find_in(&organization, &endpoint)?;
    let id = endpoint.id;
    let profile = organization.record.profile;
    let (event_type, payload) = match profile.system_events {
        Some(events) => {
            Fields::read(&body, true)?.finish()?;
            (events.ping, ping_payload(&events, id, &caller.name())?)
        }
        None => example(profile, &body)?,
    };
    if !endpoint.is_enabled() {
        return Err(ApiError::disabled("send a test"));
    }
    let message_id = new_message_id()?;
    let queue = api.config.events_queue(&organization.record);
    let event = AcceptedEvent {
        message_id,
        organization_id: organization.record.id,
        event_type: event_type.to_owned(),
        occurred_at: message_id.created_at(),
        event_id: None,
        payload,
        audience: Audience::Only(id),
        revision: Some(organization.record.revision),
    };
    api.queues.send_accepted(queue, &event, &api.keys).await?;
    logged::note_message(message_id);
    Ok(Json(WebhookIdAnswer { webhook_id: message_id }))
}

fn ping_payload(events: &SystemEvents, endpoint: EndpointId, triggered_by: &str) -> Result<Box<RawValue>, ApiError> {
    #[derive(serde::Serialize)]
    #[serde(rename_all = "camelCase")]
    struct Ping<'a> {
        message: &'a str,
        endpoint_id: EndpointId,
        triggered_by: &'a str,
    }
    to_raw_value(&Ping { message: events.ping_message, endpoint_id: endpoint, triggered_by })
        .map_err(|_| ApiError::Unavailable)
}

/// The example of the type that the caller chose, the first of the catalogue otherwise.
fn example(profile: &'static Profile, body: &[u8]) -> Result<(&'static str, Box<RawValue>), ApiError> {
    let mut fields = Fields::read(body, true)?;
    let chosen: Option<String> = fields.optional("eventType", "a string");
    let event_type = match &chosen {
        Some(name) => profile.event_type(name),
        None => profile.event_types.first(),
    };
    if event_type.is_none() {
        fields.refuse("eventType", "Unknown event type; GET …/event-types lists them");
    }
    fields.finish()?;
    let event_type = event_type.ok_or(ApiError::Unavailable)?;
    let payload = RawValue::from_string(event_type.example.to_owned()).map_err(|_| ApiError::Unavailable)?;
    Ok((event_type.name, payload))
}
