//! One delivery: what it carries, how it goes, and sending it once more.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use hookbell_domain::delivery::Delivery;
use jiff::Timestamp;

use super::endpoints::name;
use super::messages::AttemptRow;
use super::pages::{Notice, Section, Shell, see, show};
use super::show::{Badge, Indented, Moment, indented};
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
    id: String,
    message_id: String,
    event_type: String,
    status: Badge,
    skipped: Option<String>,
    next: Option<Moment>,
    created: Moment,
    /// Nothing where the message has expired before its delivery.
    body: Option<Indented>,
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
        id: id.to_string(),
        message_id: message_id.to_string(),
        status: Badge::of_delivery(&delivery),
        skipped: skipped.clone(),
        next: next_retry_at.map(|at| Moment::new(at, now)),
        created: Moment::new(id.created_at(), now),
        body: Some(body).filter(|body| !body.is_empty()).map(|body| indented(&body)),
        attempts: views.into_iter().rev().map(|(at, view)| AttemptRow::new(at, view, now)).collect(),
        event_type: delivery.event_type,
    })
}

/// `POST …/deliveries/{delivery}/redeliver`: and back to the endpoint's history.
pub(super) async fn redeliver(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path((organization, endpoint, delivery)): Path<(String, String, String)>,
) -> Result<Response, ApiError> {
    let notice = Notice::REDELIVERED.name;
    let address = format!("{}?notice={notice}#history", visit.endpoint(&organization, &endpoint));
    let path = Path((organization, endpoint, delivery));
    drop(Box::pin(redeliver::redeliver(State(api), path)).await?);
    Ok(see(&address))
}
