//! Tests of an endpoint: sent when asked for, and watched until their first attempt has ended.

use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use hookbell_domain::delivery::Delivery;
use hookbell_domain::ids::{DeliveryId, EndpointId, MessageId, OrganizationId};
use hookbell_domain::time::after;
use jiff::Timestamp;

use super::attempts::AttemptRow;
use super::forms::{Body, Form};
use super::lists::as_field;
use super::pages::{see, show};
use super::show::{Badge, Moment};
use super::visit::Visit;
use crate::attempts::views;
use crate::auth::Caller;
use crate::endpoints::parse_endpoint;
use crate::error::ApiError;
use crate::ping::ping;
use crate::state::{Api, parse_organization};

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
    /// Why nothing was sent.
    skipped: Option<String>,
    /// The latest one.
    attempt: Option<AttemptRow>,
    /// When there is to be another one.
    next: Option<Moment>,
    /// Whether to look again.
    goes_on: bool,
}

impl Test {
    /// Reads how it goes, if the text is a message's id. A test goes to its endpoint alone, so what came of it is one
    /// row; it is there when the first attempt has ended.
    pub(super) async fn read(
        api: &Api,
        visit: &Visit,
        (organization, endpoint): (&OrganizationId, EndpointId),
        message: &str,
        now: Timestamp,
    ) -> Result<Option<Self>, ApiError> {
        let Ok(message) = message.parse::<MessageId>() else { return Ok(None) };
        let delivery = api.table.delivery(endpoint, DeliveryId::first(message, endpoint)).await?;
        let delivery = delivery.filter(|delivery| delivery.organization_id == *organization);
        let test = Self {
            here: visit.endpoint(organization.as_str(), &endpoint.to_string()),
            message: message.to_string(),
            address: format!("{}/messages/{message}", visit.organization(organization.as_str())),
            skipped: None,
            attempt: None,
            next: None,
            goes_on: now < after(message.created_at(), WATCHED),
        };
        Ok(Some(match delivery {
            Some(delivery) => test.of(&delivery, now),
            None => test,
        }))
    }

    /// The same, when there is a delivery.
    fn of(self, delivery: &Delivery, now: Timestamp) -> Self {
        let attempt = views(delivery, None, now).pop().map(|(at, attempt)| AttemptRow::new(at, attempt, now));
        let skipped = delivery.skipped.clone().filter(|_| attempt.is_none());
        let ended = skipped.is_some() || attempt.as_ref().is_some_and(AttemptRow::has_ended);
        let next = delivery.next_retry_at.map(|at| Moment::due(at, now));
        Self { skipped, attempt, next, goes_on: self.goes_on && !ended, ..self }
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
    let form = Form::read(&body);
    call.set_if_there("eventType", form.text("eventType"));
    let since = as_field(form.text("since")).map(|since| format!("&since={since}")).unwrap_or_default();
    let here = visit.endpoint(&organization, &endpoint);
    let sent = ping(State(api), Extension(caller), Path((organization, endpoint)), call.into_json()).await?;
    Ok(see(&format!("{here}?test={}{since}#test", sent.0.webhook_id)))
}

/// `GET …/test/{message}`: how it goes.
pub(super) async fn watch(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path((organization, endpoint, message)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let (organization, endpoint) = (parse_organization(&organization)?, parse_endpoint(&endpoint)?);
    let test = Test::read(&api, &visit, (&organization, endpoint), &message, Timestamp::now()).await?;
    show(&test.ok_or(ApiError::NotFound("Test not found"))?)
}
