//! An endpoint's history: its deliveries, page by page or looked for. A search by the script asks for it alone.

use askama::Template;
use hookbell_aws::table::{DeliveryFilter, Page, Wanted};
use hookbell_domain::delivery::Delivery;
use hookbell_domain::ids::{DeliveryId, EndpointId, MessageId, OrganizationId};
use hookbell_domain::message::Message;
use jiff::Timestamp;

use super::lists::{Asked, Pager};
use super::show::{Badge, Moment};
use super::visit::Visit;
use crate::endpoints::NO_ENDPOINT;
use crate::error::ApiError;
use crate::lists::{List, write_cursor};
use crate::state::Api;

/// The place of the history on the endpoint's page.
pub(super) const PLACE: &str = "history";

/// The history, as far as it is on this page.
#[derive(Template)]
#[template(path = "console/history.html")]
pub(super) struct History {
    /// The path that the endpoint's pages begin with.
    here: String,
    /// Whether whoever looks may change things.
    owner: bool,
    /// Whether the endpoint takes anything.
    enabled: bool,
    pub(super) asked: Asked,
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
    /// Where it is sent once more, from this page of the list.
    redeliver: String,
}

/// What was looked for in the history.
pub(super) enum Found {
    /// A part of the list.
    Listed(Page<DeliveryId, Delivery>),
    /// The deliveries of one message, or one delivery.
    Named(Vec<Delivery>),
    /// Nothing that can be looked for.
    Unclear,
}

/// Reads the history alone.
pub(super) async fn read(
    api: &Api,
    visit: &Visit,
    (organization, endpoint): (&OrganizationId, EndpointId),
    asked: Asked,
) -> Result<History, ApiError> {
    // Both at once, as on the whole page: a message's deliveries take two rounds, and would be the fourth to wait.
    let (stored, found) = tokio::try_join!(
        async { Ok(api.table.endpoint(organization, endpoint).await?) },
        find(api, organization, endpoint, &asked),
    )?;
    let enabled = stored.ok_or(NO_ENDPOINT)?.endpoint.is_enabled();
    Ok(History::new(api, visit, (organization, endpoint), enabled, asked, found))
}

/// Looks in the history for what was asked.
pub(super) async fn find(
    api: &Api,
    organization: &OrganizationId,
    endpoint: EndpointId,
    asked: &Asked,
) -> Result<Found, ApiError> {
    let mut query = asked.parameters();
    query.meet_key(&api.keys).await?;
    let wanted = query.page(&api.keys, List::Deliveries(endpoint), api.config.limits.page_size);
    let filter = DeliveryFilter { status: query.status(), event_type: query.event_type() };
    query.finish()?;
    if !asked.is_searched() {
        return Ok(Found::Listed(api.table.list_deliveries(endpoint, &filter, &wanted).await?));
    }
    let text = asked.get("q");
    let mut found = if let Ok(message) = text.parse::<MessageId>() {
        of_message(api, organization, endpoint, message).await?
    } else if let Ok(delivery) = text.parse::<DeliveryId>() {
        api.table.delivery(endpoint, delivery).await?.into_iter().collect()
    } else {
        return Ok(Found::Unclear);
    };
    found.retain(|delivery| delivery.organization_id == *organization && is_wanted(delivery, &filter, &wanted));
    Ok(Found::Named(found))
}

/// Whether a delivery is one that the list would have.
fn is_wanted(delivery: &Delivery, filter: &DeliveryFilter, wanted: &Wanted<DeliveryId>) -> bool {
    filter.status.is_none_or(|status| delivery.status == status)
        && filter.event_type.as_ref().is_none_or(|event_type| delivery.event_type == *event_type)
        && wanted.spans(delivery.id.created_at())
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
    /// What was found of the history of an endpoint.
    pub(super) fn new(
        api: &Api,
        visit: &Visit,
        (organization, endpoint): (&OrganizationId, EndpointId),
        enabled: bool,
        asked: Asked,
        found: Found,
    ) -> Self {
        let (deliveries, next, hint) = match found {
            Found::Listed(page) => (page.entries, page.next, None),
            Found::Named(deliveries) => (deliveries, None, None),
            Found::Unclear => (Vec::new(), None, Some("Message IDs start with msg_, delivery IDs with dlv_.")),
        };
        let here = visit.endpoint(organization.as_str(), &endpoint.to_string());
        let cursor = next.map(|next| write_cursor(&api.keys, List::Deliveries(endpoint), next));
        let now = Timestamp::now();
        Self {
            owner: visit.caller.is_owner(),
            enabled,
            rows: deliveries.into_iter().map(|delivery| Row::new(delivery, &here, &asked, now)).collect(),
            pager: asked.pager(&here, cursor.as_deref()).at(PLACE),
            hint,
            asked,
            here,
        }
    }
}

impl Row {
    fn new(delivery: Delivery, here: &str, asked: &Asked, now: Timestamp) -> Self {
        Self {
            message_id: delivery.message_id.to_string(),
            delivery_id: delivery.id.to_string(),
            status: Badge::of_delivery(&delivery),
            next: delivery.next_retry_at.map(|at| Moment::due(at, now)),
            sent: Moment::new(delivery.id.created_at(), now),
            redeliver: asked.here(&format!("{here}/deliveries/{}/redeliver", delivery.id), None),
            event_type: delivery.event_type,
        }
    }
}
