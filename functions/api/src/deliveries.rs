//! What became of messages at one endpoint: the list, page by page, and one delivery.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use hookbell_aws::table::{DeliveryFilter, Page, StoredEndpoint};
use hookbell_domain::delivery::Delivery;
use hookbell_domain::ids::{DeliveryId, MessageId, OrganizationId};

use crate::endpoints::{NO_ENDPOINT, parse_endpoint};
use crate::error::ApiError;
use crate::lists::{DeliveryParameters, List, PageBytes, PageParameters, Parameters, write_cursor};
use crate::state::{Api, parse_organization};
use crate::view::{DeliveriesAnswer, DeliveryAnswer, DeliveryView};

/// Bodies read at once, so that large ones are not read in vain.
const BODIES_AT_ONCE: usize = 50;

/// `GET …/{endpoint}/deliveries?limit&cursor&status&eventType&after&before`: newest first.
#[utoipa::path(
    get,
    path = "/{endpoint}/deliveries",
    tag = "Deliveries",
    operation_id = "listDeliveries",
    summary = "List deliveries",
    description = "The deliveries of an endpoint, newest first, page by page. A delivery is one message on its way to \
        one endpoint: its attempts, and the body that they carry.",
    params(PageParameters, DeliveryParameters),
    responses((status = 200, description = "A page of deliveries.", body = DeliveriesAnswer)),
    security(("key" = ["member"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Path((organization, endpoint)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<DeliveriesAnswer>, ApiError> {
    let (organization, endpoint) = (parse_organization(&organization)?, parse_endpoint(&endpoint)?);
    let mut query = Parameters::new(query);
    let list = List::Deliveries(endpoint);
    query.meet_key(&api.keys).await?;
    let wanted = query.page(&api.keys, list, api.config.limits.page_size);
    let filter = DeliveryFilter { status: query.status(), event_type: query.event_type() };
    query.finish()?;
    let (stored, page) = tokio::try_join!(
        api.table.endpoint(&organization, endpoint),
        api.table.list_deliveries(endpoint, &filter, &wanted),
    )?;
    stored.ok_or(NO_ENDPOINT)?;
    let (shown, next) = with_bodies(&api, &organization, page).await?;
    let cursor = next.map(|next| write_cursor(&api.keys, list, next));
    let deliveries = shown.into_iter().map(|(delivery, body)| DeliveryView::new(delivery, body)).collect();
    Ok(Json(DeliveriesAnswer { deliveries, cursor }))
}

/// `GET …/{endpoint}/deliveries/{delivery}`.
#[utoipa::path(
    get,
    path = "/{endpoint}/deliveries/{delivery}",
    tag = "Deliveries",
    operation_id = "getDelivery",
    summary = "Get a delivery",
    description = "One delivery, with its attempts and the body that they carry.",
    responses((status = 200, description = "The delivery.", body = DeliveryAnswer)),
    security(("key" = ["member"])),
)]
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    Path((organization, endpoint, delivery)): Path<(String, String, String)>,
) -> Result<Json<DeliveryAnswer>, ApiError> {
    let (_, delivery, body) = find(&api, &organization, &endpoint, &delivery).await?;
    Ok(Json(DeliveryAnswer { delivery: DeliveryView::new(delivery, body) }))
}

/// A delivery with its endpoint, and the text of its body: an empty one when the message has expired before it.
pub(crate) async fn find(
    api: &Api,
    organization: &str,
    endpoint: &str,
    delivery: &str,
) -> Result<(StoredEndpoint, Delivery, String), ApiError> {
    let (organization, endpoint) = (parse_organization(organization)?, parse_endpoint(endpoint)?);
    let id = delivery.parse().map_err(|_| NO_DELIVERY)?;
    let (stored, delivery) =
        tokio::try_join!(api.table.endpoint(&organization, endpoint), api.table.delivery(endpoint, id))?;
    let stored = stored.ok_or(NO_ENDPOINT)?;
    let delivery = delivery.filter(|delivery| delivery.organization_id == organization).ok_or(NO_DELIVERY)?;
    let message = api.table.message(&organization, delivery.message_id, false).await?;
    Ok((stored, delivery, message.map_or_else(String::new, |message| text(message.body))))
}

/// What is answered for a delivery that is not there.
pub(crate) const NO_DELIVERY: ApiError = ApiError::NotFound("Delivery not found");

/// Puts each delivery's body to it, as far as a page's bytes go, and says behind which id the next page begins.
async fn with_bodies(
    api: &Api,
    organization: &OrganizationId,
    page: Page<DeliveryId, Delivery>,
) -> Result<(Vec<(Delivery, String)>, Option<DeliveryId>), ApiError> {
    let mut shown: Vec<(Delivery, String)> = Vec::with_capacity(page.entries.len());
    let mut bytes = PageBytes::default();
    for chunk in page.entries.chunks(BODIES_AT_ONCE) {
        let ids = chunk.iter().map(|delivery| delivery.message_id).collect();
        let messages = api.table.messages(organization, ids).await?;
        let bodies: HashMap<MessageId, Vec<u8>> =
            messages.into_iter().map(|message| (message.id, message.body)).collect();
        for delivery in chunk {
            let body = bodies.get(&delivery.message_id).cloned().unwrap_or_default();
            let responses = delivery.attempts.iter().filter_map(|attempt| attempt.response.as_ref()).map(String::len);
            if !bytes.takes(body.len() + responses.sum::<usize>()) {
                let last = shown.last().map(|(last, _)| last.id);
                return Ok((shown, last));
            }
            shown.push((delivery.clone(), text(body)));
        }
    }
    Ok((shown, page.next))
}

/// A body as text. Bodies are JSON, which is UTF-8.
fn text(body: Vec<u8>) -> String {
    String::from_utf8(body).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}
