//! Tests of an endpoint: sent when asked for, and watched until their first attempt has ended.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use hookbell_domain::ids::MessageId;
use hookbell_domain::time::after;
use jiff::Timestamp;

use super::forms::{Body, Form};
use super::messages::AttemptRow;
use super::pages::{see, show};
use super::visit::Visit;
use crate::attempts;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::ping::ping;
use crate::state::Api;

/// How long a page watches a test: longer than an attempt may take, and its way through the queue.
const WATCHED: Duration = Duration::from_mins(1);

/// How a test goes.
#[derive(Template)]
#[template(path = "console/test.html")]
pub(super) struct Test {
    here: String,
    message: String,
    /// The page of the message, below the organization's.
    address: String,
    attempt: Option<AttemptRow>,
    /// Whether to look again.
    goes_on: bool,
}

impl Test {
    /// One of which nothing is known yet, if the text is its message's id.
    pub(super) fn begun(message: &str, here: &str, now: Timestamp) -> Option<Self> {
        Self::new(message.parse().ok()?, here, None, now)
    }

    fn new(message: MessageId, here: &str, attempt: Option<AttemptRow>, now: Timestamp) -> Option<Self> {
        let ended = attempt.as_ref().is_some_and(AttemptRow::has_ended);
        let (root, _) = here.rsplit_once("/endpoints/")?;
        Some(Self {
            here: here.to_owned(),
            message: message.to_string(),
            address: format!("{root}/messages/{message}"),
            goes_on: !ended && now < after(message.created_at(), WATCHED),
            attempt,
        })
    }
}

/// `POST …/test`: sends one, and leads to the page that watches it.
pub(super) async fn send(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Extension(caller): Extension<Caller>,
    Path((organization, endpoint)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let mut call = Body::default();
    call.set_if_there("eventType", Form::read(&body).text("eventType"));
    let here = visit.endpoint(&organization, &endpoint);
    let sent = ping(State(api), Extension(caller), Path((organization, endpoint)), call.into_json()).await?;
    Ok(see(&format!("{here}?test={}#test", sent.0.webhook_id)))
}

/// `GET …/test/{message}`: how it goes.
pub(super) async fn watch(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path((organization, endpoint, message)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    const NO_TEST: ApiError = ApiError::NotFound("There is no such test");
    let (id, now) = (message.parse().map_err(|_| NO_TEST)?, Timestamp::now());
    let read = match Box::pin(attempts::read(&api, &organization, &message)).await {
        Ok((_, attempts)) => attempts,
        // It is there for its readers a moment after it was sent.
        Err(ApiError::NotFound(_)) => Vec::new(),
        Err(other) => return Err(other),
    };
    let mut made = read.into_iter().filter(|(_, attempt)| attempt.endpoint_id.to_string() == endpoint);
    let attempt = made.next_back().map(|(at, attempt)| AttemptRow::new(at, attempt, now));
    show(&Test::new(id, &visit.endpoint(&organization, &endpoint), attempt, now).ok_or(NO_TEST)?)
}
