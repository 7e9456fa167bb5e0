//! An organization's messages: the list, page by page, and one message.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use hookbell_aws::AwsError;
use hookbell_domain::body;
use hookbell_domain::ids::{EventId, MessageId};
use hookbell_domain::message::Message;
use hookbell_domain::time::iso_ms;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::error::ApiError;
use crate::lists::{List, PageBytes, Parameters, write_cursor};
use crate::state::{Api, NO_ORGANIZATION, parse_organization};

/// An answer that holds a page of messages.
#[derive(Debug, Serialize)]
pub(crate) struct MessagesAnswer {
    /// Newest first.
    messages: Vec<MessageView>,
    /// Where the next page begins; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    cursor: Option<String>,
}

/// A message with the payload that its producer gave it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageView {
    id: MessageId,
    event_type: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_id: Option<EventId>,
    /// When it was accepted.
    timestamp: String,
    payload: Box<RawValue>,
}

/// `GET …/messages?limit&cursor&eventType&after&before`: newest first.
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Path(organization): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<MessagesAnswer>, ApiError> {
    let organization = parse_organization(&organization)?;
    let mut query = Parameters::new(query);
    let list = List::Messages(&organization);
    let wanted = query.page(&api.keys, list, api.config.limits.page_size);
    let event_type = query.event_type();
    query.finish()?;
    let (record, page) = tokio::try_join!(
        api.table.organization_record(&organization),
        api.table.list_messages(&organization, event_type.as_deref(), &wanted),
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

/// `GET …/messages/{message}`.
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
    view(message.ok_or(ApiError::NotFound("Message not found"))?).map(Json)
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
