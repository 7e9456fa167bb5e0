//! Messages: the list, one of them, and every attempt of it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::response::Response;
use hookbell_domain::body;
use hookbell_domain::ids::{EventId, MessageId, OrganizationId};
use hookbell_domain::message::Message;
use hookbell_domain::time::after;
use jiff::Timestamp;

use super::event_types::Catalogue;
use super::lists::{Asked, Pager};
use super::pages::{Section, Shell, show};
use super::show::{Badge, Indented, Moment, indented, span};
use super::visit::Visit;
use crate::attempts::{self, AttemptView};
use crate::error::ApiError;
use crate::lists::{List, write_cursor};
use crate::state::{Api, NO_ORGANIZATION, parse_organization};

/// Attempts on one page. Each may show a kilobyte of an answer.
const ATTEMPTS: usize = 40;

/// How long a new message's page looks again by itself, while nothing is known of its attempts.
const NEW: Duration = Duration::from_secs(15);

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
        catalogue: Catalogue::new(profile, std::iter::once(asked.get("eventType"))),
        rows: messages.iter().map(|message| Row::new(message, now)).collect(),
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
) -> Result<(Vec<Message>, Option<MessageId>), ApiError> {
    let text = asked.get("q");
    if text.is_empty() {
        let mut query = asked.parameters();
        let wanted = query.page(&api.keys, List::Messages(organization), api.config.limits.page_size);
        let event_type = query.event_type();
        query.finish()?;
        let page = api.table.list_messages(organization, event_type.as_deref(), &wanted).await?;
        return Ok((page.entries, page.next));
    }
    let id = match (text.parse::<MessageId>(), text.parse::<EventId>()) {
        (Ok(id), _) => Some(id),
        (_, Ok(event)) => api.table.message_of_event(organization, &event, now).await?,
        _ => None,
    };
    match id {
        Some(id) => Ok((api.table.message(organization, id, true).await?.into_iter().collect(), None)),
        None => Ok((Vec::new(), None)),
    }
}

impl Row {
    fn new(message: &Message, now: Timestamp) -> Self {
        Self {
            id: message.id.to_string(),
            event_type: message.event_type.clone(),
            event_id: message.event_id.as_ref().map(ToString::to_string),
            at: Moment::new(message.id.created_at(), now),
        }
    }
}

/// A message's page.
#[derive(Template)]
#[template(path = "console/message.html")]
struct MessagePage {
    shell: Shell,
    row: Row,
    payload: Indented,
    attempts: Attempts,
}

/// A message's attempts, as far as they are on this page.
#[derive(Template)]
#[template(path = "console/attempts.html")]
struct Attempts {
    /// The organization's path.
    root: String,
    message: String,
    /// The latest first.
    rows: Vec<AttemptRow>,
    /// How many there are later than these.
    skipped: usize,
    /// How many to skip for those before.
    earlier: Option<usize>,
    /// Whether to look again.
    goes_on: bool,
}

/// One attempt.
pub(super) struct AttemptRow {
    pub(super) status: Badge,
    pub(super) url: String,
    pub(super) at: Moment,
    /// The answer's, if there was an answer.
    pub(super) http_status: Option<u16>,
    pub(super) duration: String,
    pub(super) trigger: &'static str,
    pub(super) endpoint: String,
    /// What was answered, or what went wrong.
    pub(super) response: String,
    ended: bool,
}

impl AttemptRow {
    pub(super) fn new(at: Timestamp, attempt: AttemptView, now: Timestamp) -> Self {
        Self {
            status: Badge::of_attempt(attempt.status),
            url: attempt.url,
            at: Moment::new(at, now),
            http_status: Some(attempt.response_status_code).filter(|status| *status != 0),
            duration: span(Duration::from_millis(attempt.response_duration_ms)),
            trigger: if attempt.trigger_type == 0 { "Scheduled" } else { "Manual" },
            endpoint: attempt.endpoint_id.to_string(),
            response: attempt.response,
            ended: matches!(attempt.status, 0 | 2),
        }
    }

    /// Whether it is over.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }
}

/// `GET …/messages/{message}?skip`.
pub(super) async fn page(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path((organization, message)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    let now = Timestamp::now();
    let (message, attempts) = Box::pin(attempts::read(&api, &organization, &message)).await?;
    let payload = body::payload(message.id, &message.body).map_err(|error| {
        tracing::error!(%error, "a message has no payload");
        ApiError::Unavailable
    })?;
    show(&MessagePage {
        shell: Shell::of(&visit, &organization, Section::Messages),
        row: Row::new(&message, now),
        payload: indented(payload.get()),
        attempts: Attempts::new(visit.organization(&organization), &message, attempts, &query, now),
    })
}

/// `GET …/messages/{message}/attempts?skip`: how they go, for the message's page.
pub(super) async fn attempts(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path((organization, message)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    let (message, attempts) = Box::pin(attempts::read(&api, &organization, &message)).await?;
    show(&Attempts::new(visit.organization(&organization), &message, attempts, &query, Timestamp::now()))
}

impl Attempts {
    fn new(
        root: String,
        message: &Message,
        attempts: Vec<(Timestamp, AttemptView)>,
        query: &HashMap<String, String>,
        now: Timestamp,
    ) -> Self {
        let skipped = query.get("skip").and_then(|text| text.parse().ok()).unwrap_or(0).min(attempts.len());
        let more = attempts.len().saturating_sub(skipped + ATTEMPTS) > 0;
        let latest = attempts.into_iter().rev().map(|(at, attempt)| AttemptRow::new(at, attempt, now));
        let rows: Vec<AttemptRow> = latest.skip(skipped).take(ATTEMPTS).collect();
        let begins = rows.is_empty() && !message.endpoint_ids.is_empty() && now < after(message.id.created_at(), NEW);
        Self {
            root,
            message: message.id.to_string(),
            skipped,
            earlier: more.then_some(skipped + ATTEMPTS),
            goes_on: begins || rows.iter().any(|row| !row.ended),
            rows,
        }
    }
}
