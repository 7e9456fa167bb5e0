//! An endpoint's page: how it is set up, how its deliveries go, and the history of them.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::response::Response;
use hookbell_aws::table::{DeliveryFilter, Page as ListPage};
use hookbell_domain::delivery::Delivery;
use hookbell_domain::ids::{DeliveryId, EndpointId, MessageId, OrganizationId};
use hookbell_domain::message::Message;
use hookbell_domain::profile::Profile;
use hookbell_domain::stats;
use jiff::Timestamp;

use super::event_types::Catalogue;
use super::facts::Facts;
use super::lists::{Asked, Choice, Pager};
use super::numbers::{HOURS, Numbers};
use super::pages::{Notice, Section, Shell, show};
use super::secrets::Secret;
use super::show::{Badge, Moment};
use super::tests_sent::Test;
use super::verify::{self, Sample};
use super::visit::Visit;
use crate::endpoints::{NO_ENDPOINT, parse_endpoint};
use crate::error::ApiError;
use crate::lists::{List, write_cursor};
use crate::state::{Api, NO_ORGANIZATION, parse_organization, sealing_failed};

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
    facts: Facts,
    secret: Secret,
    numbers: Numbers,
    history: History,
    samples: Vec<Sample>,
    test: Option<Test>,
    /// The types whose example can be sent as a test, where the catalogue has none of its own for that.
    examples: Vec<&'static str>,
}

/// The history, as far as it is on this page.
struct History {
    asked: Asked,
    catalogue: Catalogue,
    statuses: Vec<Choice>,
    rows: Vec<Row>,
    pager: Pager,
    /// Why what was looked for was not.
    hint: Option<&'static str>,
}

/// One delivery.
struct Row {
    message_id: String,
    delivery_id: String,
    status: Badge,
    event_type: String,
    next: Option<Moment>,
    sent: Moment,
}

/// `GET …/endpoints/{endpoint}?q&status&eventType&after&before&cursor`.
pub(super) async fn page(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path((organization, endpoint)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    Box::pin(show_with(&api, &visit, (&organization, &endpoint), Asked::read(query), false)).await
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
    let start = stats::window_start(now, HOURS);
    let (record, stored, outlines, found) = tokio::try_join!(
        async { Ok(api.table.organization_record(&organization).await?) },
        async { Ok(api.table.endpoint(&organization, endpoint).await?) },
        async { Ok(api.table.delivery_outlines(endpoint, start, now, ROUNDS).await?) },
        find(api, &organization, endpoint, &asked),
    )?;
    let (record, stored) = (record.ok_or(NO_ORGANIZATION)?, stored.ok_or(NO_ENDPOINT)?);
    let here = visit.endpoint(organization.as_str(), &endpoint.to_string());
    let owner = visit.caller.is_owner();
    let headers = stored.open_headers(&api.keys).map_err(sealing_failed)?;
    let counted = stats::count(&outlines.deliveries, outlines.since.unwrap_or(start), now);
    let test = Test::begun(asked.get("test"), &here, now);
    show(&Page {
        shell: Shell::of(visit, organization.as_str(), Section::Endpoints),
        notice: Notice::named(asked.get("notice")),
        facts: Facts::new(&stored, &headers, owner, now),
        secret: if reveals { Secret::shown(api, &stored)? } else { Secret::MASKED },
        numbers: Numbers::new(&counted, outlines.since, now),
        history: History::new(api, &here, endpoint, asked, record.profile, found, now),
        samples: verify::samples(stored.endpoint.options.svix_headers),
        test,
        examples: match record.profile.system_events {
            Some(_) => Vec::new(),
            None => record.profile.event_types.iter().map(|entry| entry.name).collect(),
        },
        here,
    })
}

/// What was looked for in the history.
enum Found {
    /// A part of the list.
    Listed(ListPage<DeliveryId, Delivery>),
    /// The deliveries of one message, or one delivery.
    Named(Vec<Delivery>),
    /// Nothing that can be looked for.
    Unclear,
}

/// Looks in the history for what was asked.
async fn find(
    api: &Api,
    organization: &OrganizationId,
    endpoint: EndpointId,
    asked: &Asked,
) -> Result<Found, ApiError> {
    let text = asked.get("q");
    if text.is_empty() {
        let mut query = asked.parameters();
        let wanted = query.page(&api.keys, List::Deliveries(endpoint), api.config.limits.page_size);
        let filter = DeliveryFilter { status: query.status(), event_type: query.event_type() };
        query.finish()?;
        return Ok(Found::Listed(api.table.list_deliveries(endpoint, &filter, &wanted).await?));
    }
    if let Ok(message) = text.parse::<MessageId>() {
        return Ok(Found::Named(of_message(api, organization, endpoint, message).await?));
    }
    let Ok(delivery) = text.parse::<DeliveryId>() else { return Ok(Found::Unclear) };
    let delivery = api.table.delivery(endpoint, delivery).await?;
    Ok(Found::Named(delivery.filter(|delivery| delivery.organization_id == *organization).into_iter().collect()))
}

/// A message's deliveries to one endpoint, the newest first.
async fn of_message(
    api: &Api,
    organization: &OrganizationId,
    endpoint: EndpointId,
    message: MessageId,
) -> Result<Vec<Delivery>, ApiError> {
    let (message, mut redeliveries) = tokio::try_join!(
        api.table.message(organization, message, true),
        api.table.redeliveries(organization, message),
    )?;
    let Some(message) = message else { return Ok(Vec::new()) };
    redeliveries.retain(|(to, _)| *to == endpoint);
    let message = Message { endpoint_ids: vec![endpoint], ..message };
    let mut deliveries = api.table.deliveries_of(&message, redeliveries).await?;
    deliveries.sort_unstable_by_key(|delivery| std::cmp::Reverse(delivery.id));
    Ok(deliveries)
}

impl History {
    fn new(
        api: &Api,
        here: &str,
        endpoint: EndpointId,
        asked: Asked,
        profile: &'static Profile,
        found: Found,
        now: Timestamp,
    ) -> Self {
        let (deliveries, next, hint) = match found {
            Found::Listed(page) => (page.entries, page.next, None),
            Found::Named(deliveries) => (deliveries, None, None),
            Found::Unclear => {
                (Vec::new(), None, Some("Search takes a whole message id (msg_…) or delivery id (dlv_…)."))
            }
        };
        let cursor = next.map(|next| write_cursor(&api.keys, List::Deliveries(endpoint), next));
        Self {
            catalogue: Catalogue::new(profile, std::iter::once(asked.get("eventType"))),
            statuses: asked.statuses(),
            rows: deliveries.into_iter().map(|delivery| Row::new(delivery, now)).collect(),
            pager: asked.pager(here, cursor.as_deref()),
            hint,
            asked,
        }
    }
}

impl Row {
    fn new(delivery: Delivery, now: Timestamp) -> Self {
        Self {
            message_id: delivery.message_id.to_string(),
            delivery_id: delivery.id.to_string(),
            status: Badge::of_delivery(&delivery),
            next: delivery.next_retry_at.map(|at| Moment::new(at, now)),
            sent: Moment::new(delivery.id.created_at(), now),
            event_type: delivery.event_type,
        }
    }
}
