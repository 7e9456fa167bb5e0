//! An endpoint's page: how it is set up, how its deliveries go, and the history of them.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use jiff::Timestamp;

use super::endpoint_actions::missed;
use super::event_types::Catalogue;
use super::facts::Facts;
use super::history::{self, History};
use super::lists::{Asked, as_field};
use super::numbers::{HOURS, Numbers};
use super::pages::{Notice, Section, Shell, is_partial, show};
use super::secrets::Secret;
use super::tests_sent::Test;
use super::verify::{self, Sample};
use super::visit::Visit;
use crate::endpoints::{NO_ENDPOINT, parse_endpoint};
use crate::error::ApiError;
use crate::state::{Api, NO_ORGANIZATION, parse_organization, sealing_failed};
use crate::stats;

/// Requests to each partition for the numbers, one after the other: with those for who is asking and for what, a page
/// waits for DynamoDB three times.
const ROUNDS: usize = 2;

/// The page.
#[derive(Template)]
#[template(path = "console/endpoint.html")]
struct Page {
    shell: Shell,
    /// The path that the endpoint's pages begin with.
    here: String,
    notice: Option<Notice>,
    /// That one of the history was sent once more, which is said there.
    redelivered: Option<Notice>,
    /// Since when what it has missed is to be replayed, as a field for dates has it; empty where that is not known.
    since: String,
    /// Where that is done.
    missed: Option<String>,
    facts: Facts,
    secret: Secret,
    numbers: Numbers,
    /// What the history can be filtered by.
    catalogue: Catalogue,
    history: History,
    samples: Vec<Sample>,
    test: Option<Test>,
    /// The types whose example can be sent as a test, where the catalogue has none of its own for that.
    examples: Vec<&'static str>,
}

/// `GET …/endpoints/{endpoint}?q&status&eventType&after&before&cursor`: the page, or the history alone for the page that
/// has the rest already.
pub(super) async fn page(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path((organization, endpoint)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let asked = Asked::read(query);
    if is_partial(&headers) {
        let (organization, endpoint) = (parse_organization(&organization)?, parse_endpoint(&endpoint)?);
        return show(&Box::pin(history::read(&api, &visit, (&organization, endpoint), asked)).await?);
    }
    Box::pin(show_with(&api, &visit, (&organization, &endpoint), asked, false)).await
}

/// The page, with the signing secret where that was asked for.
pub(super) async fn show_with(
    api: &Api,
    visit: &Visit,
    (organization, endpoint): (&str, &str),
    asked: Asked,
    reveals: bool,
) -> Result<Response, ApiError> {
    let (organization, endpoint) = (parse_organization(organization)?, parse_endpoint(endpoint)?);
    let now = Timestamp::now();
    // All at once: after the endpoint, the second round of the numbers would be the fourth to wait. Who asks for another's
    // endpoint has no more read than any page reads, and sees nothing of it.
    let (record, stored, counted, found, test) = tokio::try_join!(
        async { Ok(api.table.organization_record(&organization).await?) },
        async { Ok(api.table.endpoint(&organization, endpoint).await?) },
        stats::read(api, endpoint, HOURS, ROUNDS, now),
        history::find(api, &organization, endpoint, &asked),
        Test::read(api, visit, (&organization, endpoint), asked.get("test"), now),
    )?;
    let (record, stored) = (record.ok_or(NO_ORGANIZATION)?, stored.ok_or(NO_ENDPOINT)?);
    api.keys.meet(stored.sealed()).await?;
    let here = visit.endpoint(organization.as_str(), &endpoint.to_string());
    let headers = stored.open_headers(&api.keys).map_err(sealing_failed)?;
    let notice = Notice::named(asked.get("notice"));
    let enabled = stored.endpoint.is_enabled();
    show(&Page {
        shell: Shell::of(visit, organization.as_str(), Section::Endpoints),
        redelivered: notice.filter(|notice| *notice == Notice::REDELIVERED),
        notice: notice.filter(|notice| *notice != Notice::REDELIVERED),
        since: as_field(asked.get("since")).unwrap_or_default(),
        missed: missed(&asked, &here).filter(|_| enabled),
        facts: Facts::new(&stored, &headers, now),
        secret: if reveals { Secret::shown(api, &stored)? } else { Secret::MASKED },
        numbers: Numbers::new(&counted, now),
        catalogue: Catalogue::of_filter(record.profile, asked.get("eventType")),
        history: History::new(api, visit, (&organization, endpoint), enabled, asked, found),
        samples: verify::samples(stored.endpoint.options.svix_headers),
        test,
        examples: match record.profile.system_events {
            Some(_) => Vec::new(),
            None => record.profile.event_types.iter().map(|entry| entry.name).collect(),
        },
        here,
    })
}
