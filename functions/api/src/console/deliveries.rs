//! One delivery: what it carries, how it goes, and sending it once more.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::response::Response;
use hookbell_domain::delivery::Delivery;
use jiff::Timestamp;

use super::attempts::AttemptRow;
use super::endpoints::name;
use super::history::PLACE;
use super::lists::Asked;
use super::pages::{Notice, Section, Shell, see, show};
use super::show::{Badge, Moment, Sent};
use super::visit::Visit;
use crate::attempts::views;
use crate::deliveries::find;
use crate::error::ApiError;
use crate::redeliver;
use crate::state::Api;

/// The page.
#[derive(Template)]
#[template(path = "console/delivery.html")]
struct Page {
    shell: Shell,
    /// The path that the endpoint's pages begin with.
    endpoint: String,
    endpoint_name: String,
    /// Whether the endpoint takes anything.
    enabled: bool,
    id: String,
    message_id: String,
    event_type: String,
    status: Badge,
    skipped: Option<String>,
    next: Option<Moment>,
    created: Moment,
    /// Nothing where the message has expired before its delivery.
    body: Option<Sent>,
    /// The latest first.
    attempts: Vec<AttemptRow>,
}

/// `GET …/deliveries/{delivery}`.
pub(super) async fn page(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path((organization, endpoint, delivery)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let now = Timestamp::now();
    let (stored, delivery, body) = find(&api, &organization, &endpoint, &delivery).await?;
    let views = views(&delivery, Some(&stored.endpoint.url), now);
    let Delivery { id, message_id, skipped, next_retry_at, .. } = &delivery;
    show(&Page {
        shell: Shell::of(&visit, &organization, Section::Endpoints),
        endpoint: visit.endpoint(&organization, &endpoint),
        endpoint_name: name(&stored.endpoint).to_owned(),
        enabled: stored.endpoint.is_enabled(),
        id: id.to_string(),
        message_id: message_id.to_string(),
        status: Badge::of_delivery(&delivery),
        skipped: skipped.clone(),
        next: next_retry_at.map(|at| Moment::due(at, now)),
        created: Moment::new(id.created_at(), now),
        body: Some(body).filter(|body| !body.is_empty()).map(Sent::new),
        attempts: views.into_iter().rev().map(|(at, view)| AttemptRow::new(at, view, now)).collect(),
        event_type: delivery.event_type,
    })
}

/// `POST …/deliveries/{delivery}/redeliver`: and back to the endpoint's history, as it was looked at.
pub(super) async fn redeliver(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path((organization, endpoint, delivery)): Path<(String, String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    let here = visit.endpoint(&organization, &endpoint);
    let back = Asked::read(query).here(&here, Some(Notice::REDELIVERED.name));
    let path = Path((organization, endpoint, delivery));
    drop(Box::pin(redeliver::redeliver(State(api), path)).await?);
    Ok(see(&format!("{back}#{PLACE}")))
}
