//! An organization's messages: the list, page by page, and one message.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use hookbell_aws::AwsError;
use hookbell_aws::table::{Page, Wanted};
use hookbell_domain::body;
use hookbell_domain::ids::{EventId, MessageId, OrganizationId};
use hookbell_domain::message::Message;
use hookbell_domain::time::iso_ms;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::error::ApiError;
use crate::lists::{List, MessageParameters, PageBytes, PageParameters, Parameters, write_cursor};
use crate::messages::payload;
use crate::state::{Api, NO_ORGANIZATION, parse_organization};

/// What is answered for a message that is not there.
pub(crate) const NO_MESSAGE: ApiError = ApiError::NotFound("Message not found");

/// An answer that holds a page of messages.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = MessagePage)]
pub(crate) struct MessagesAnswer {
    /// Newest first.
    messages: Vec<MessageView>,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "AZ5zypGgAAAAAAAAAAAAAc9fT3hXlP0q")]
    cursor: Option<String>,
}

/// A message with the payload that its producer gave it.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Message)]
pub(crate) struct MessageView {
    /// Its id: the `webhook-id` header of its requests.
    #[schema(value_type = String, example = "msg_01KSWM8KD0X3V8N5B2M7C1D4FG")]
    id: MessageId,
    /// Its type.
    #[schema(example = "invoice.paid")]
    event_type: String,
    /// The producer's own id of the event, if it gave one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, example = "invoice-2071-paid")]
    event_id: Option<EventId>,
    /// When it was accepted.
    #[schema(format = "date-time", example = "2026-05-30T14:23:00.000Z")]
    timestamp: String,
    #[schema(schema_with = payload)]
    payload: Box<RawValue>,
}

/// `GET …/messages?limit&cursor&eventType&eventId&after&before`: newest first.
#[utoipa::path(
    get,
    path = "/messages",
    tag = "Messages",
    operation_id = "listMessages",
    summary = "List messages",
    description = "The messages of an organization, newest first, page by page: also those that no endpoint \
        subscribes to.",
    params(PageParameters, MessageParameters),
    responses((status = 200, description = "A page of messages.", body = MessagesAnswer)),
    security(("key" = ["member"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Path(organization): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<MessagesAnswer>, ApiError> {
    let organization = parse_organization(&organization)?;
    let mut query = Parameters::new(query);
    let list = List::Messages(&organization);
    query.meet_key(&api.keys).await?;
    let wanted = query.page(&api.keys, list, api.config.limits.page_size);
    let (event_type, event_id) = (query.event_type(), query.event_id());
    query.finish()?;
    let (record, page) = tokio::try_join!(
        api.table.organization_record(&organization),
        find(&api, &organization, event_type.as_deref(), event_id.as_ref(), &wanted),
    )?;
    record.ok_or(NO_ORGANIZATION)?;
    let mut next = page.next;
    let mut messages: Vec<MessageView> = Vec::with_capacity(page.entries.len());
    let mut bytes = PageBytes::default();
    for message in page.entries {
        if !bytes.takes(message.body.len()) {
            next = messages.last().map(|last| last.id);
            break;
        }
        messages.push(view(message)?);
    }
    let cursor = next.map(|next| write_cursor(&api.keys, list, next));
    Ok(Json(MessagesAnswer { messages, cursor }))
}

/// A page of messages. That of an event's id which is remembered begins with its message, the newest that has it.
async fn find(
    api: &Api,
    organization: &OrganizationId,
    event_type: Option<&str>,
    event_id: Option<&EventId>,
    wanted: &Wanted<MessageId>,
) -> Result<Page<MessageId, Message>, AwsError> {
    if let Some(event_id) = event_id
        && wanted.behind.is_none()
        && let Some(id) = api.table.message_of_event(organization, event_id, Timestamp::now()).await?
        && wanted.spans(id.created_at())
        && let Some(message) = api.table.message(organization, id, true).await?
        && event_type.is_none_or(|event_type| message.event_type == event_type)
    {
        return Ok(Page { entries: vec![message], next: Some(id) });
    }
    api.table.list_messages(organization, event_type, event_id, wanted).await
}

/// `GET …/messages/{message}`.
#[utoipa::path(
    get,
    path = "/messages/{message}",
    tag = "Messages",
    operation_id = "getMessage",
    summary = "Get a message",
    description = "One message, with its payload.",
    responses((status = 200, description = "The message.", body = MessageView)),
    security(("key" = ["member"])),
)]
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    Path((organization, message)): Path<(String, String)>,
) -> Result<Json<MessageView>, ApiError> {
    let organization = parse_organization(&organization)?;
    let read = async {
        match message.parse() {
            Ok(id) => api.table.message(&organization, id, true).await,
            Err(_) => Ok(None),
        }
    };
    let (record, message) = tokio::try_join!(api.table.organization_record(&organization), read)?;
    record.ok_or(NO_ORGANIZATION)?;
    view(message.ok_or(NO_MESSAGE)?).map(Json)
}

fn view(message: Message) -> Result<MessageView, ApiError> {
    let payload = body::payload(message.id, &message.body)
        .map_err(|error| AwsError::unreadable("reading the payload of a message", error))?;
    Ok(MessageView {
        id: message.id,
        event_type: message.event_type,
        event_id: message.event_id,
        timestamp: iso_ms(message.id.created_at()),
        payload,
    })
}
