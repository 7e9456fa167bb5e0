//! Messages: the list, and one of them.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::response::Response;
use hookbell_aws::table::MessageHead;
use hookbell_domain::body;
use hookbell_domain::ids::{EventId, MessageId, OrganizationId};
use jiff::Timestamp;

use super::attempts::Attempts;
use super::event_types::Catalogue;
use super::lists::{Asked, Pager};
use super::pages::{Section, Shell, show};
use super::show::{Moment, Sent};
use super::visit::Visit;
use crate::attempts::{self, Followed};
use crate::error::ApiError;
use crate::lists::{List, write_cursor};
use crate::state::{Api, NO_ORGANIZATION, parse_organization};

/// The list.
#[derive(Template)]
#[template(path = "console/messages.html")]
struct ListPage {
    shell: Shell,
    asked: Asked,
    catalogue: Catalogue,
    rows: Vec<Row>,
    pager: Pager,
}

/// One message.
struct Row {
    id: String,
    event_type: String,
    event_id: Option<String>,
    at: Moment,
}

/// `GET …/messages?q&eventType&after&before&cursor`: the newest first.
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path(organization): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    let (asked, id) = (Asked::read(query), parse_organization(&organization)?);
    let now = Timestamp::now();
    let (record, (messages, next)) = tokio::try_join!(
        async { Ok::<_, ApiError>(api.table.organization_record(&id).await?) },
        find(&api, &id, &asked, now),
    )?;
    let cursor = next.map(|next| write_cursor(&api.keys, List::Messages(&id), next));
    let profile = record.ok_or(NO_ORGANIZATION)?.profile;
    show(&ListPage {
        shell: Shell::of(&visit, &organization, Section::Messages),
        catalogue: Catalogue::of_filter(profile, asked.get("eventType")),
        rows: messages.iter().map(|head| Row::new(head, now)).collect(),
        pager: asked.pager(&format!("{}/messages", visit.organization(&organization)), cursor.as_deref()),
        asked,
    })
}

/// Looks for what was asked: a message by its id or by its event's, or a part of the list.
async fn find(
    api: &Api,
    organization: &OrganizationId,
    asked: &Asked,
    now: Timestamp,
) -> Result<(Vec<MessageHead>, Option<MessageId>), ApiError> {
    let mut query = asked.parameters();
    query.meet_key(&api.keys).await?;
    let wanted = query.page(&api.keys, List::Messages(organization), api.config.limits.page_size);
    let event_type = query.event_type();
    query.finish()?;
    if !asked.is_searched() {
        let page = api.table.list_message_heads(organization, event_type.as_deref(), &wanted).await?;
        return Ok((page.entries, page.next));
    }
    let text = asked.get("q");
    let id = match (text.parse::<MessageId>(), text.parse::<EventId>()) {
        (Ok(id), _) => Some(id),
        (_, Ok(event)) => api.table.message_of_event(organization, &event, now).await?,
        _ => None,
    };
    let Some(id) = id else { return Ok((Vec::new(), None)) };
    let found = api.table.message(organization, id, true).await?.map(|message| MessageHead::from(&message));
    let is_wanted = |head: &MessageHead| {
        event_type.as_ref().is_none_or(|event_type| head.event_type == *event_type)
            && wanted.spans(head.id.created_at())
    };
    Ok((found.filter(is_wanted).into_iter().collect(), None))
}

impl Row {
    fn new(head: &MessageHead, now: Timestamp) -> Self {
        Self {
            id: head.id.to_string(),
            event_type: head.event_type.clone(),
            event_id: head.event_id.as_ref().map(ToString::to_string),
            at: Moment::new(head.id.created_at(), now),
        }
    }
}

/// A message's page.
#[derive(Template)]
#[template(path = "console/message.html")]
struct MessagePage {
    shell: Shell,
    row: Row,
    payload: Sent,
    attempts: Attempts,
}

/// `GET …/messages/{message}?skip`.
pub(super) async fn page(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path((organization, message)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    let now = Timestamp::now();
    let followed = Box::pin(attempts::read(&api, &organization, &message)).await?;
    let Followed { message, .. } = &followed;
    let payload = body::payload(message.id, &message.body).map_err(|error| {
        tracing::error!(%error, "a message has no payload");
        ApiError::Unavailable
    })?;
    show(&MessagePage {
        shell: Shell::of(&visit, &organization, Section::Messages),
        row: Row::new(&message.into(), now),
        payload: Sent::new(payload.get().to_owned()),
        attempts: Attempts::new(visit.organization(&organization), followed, &query, now),
    })
}
