//! What became of messages at one endpoint: the list, page by page, and one delivery.

use std::collections::HashMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, Query, State};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hookbell_aws::table::Page;
use hookbell_domain::delivery::Delivery;
use hookbell_domain::ids::{DeliveryId, MessageId, OrganizationId};

use crate::endpoints::{NO_ENDPOINT, parse_endpoint};
use crate::error::ApiError;
use crate::state::{Api, parse_organization};
use crate::view::{DeliveriesAnswer, DeliveryAnswer, DeliveryView};

/// Entries of a page where the caller does not say.
const DEFAULT_PAGE: usize = 50;

/// Bytes of bodies and responses in one page. Lambda answers at most 6 MB (AWS, "Lambda quotas"), and they are escaped
/// twice on the way: as text inside our JSON, and that as text inside Lambda's. A quote becomes four bytes.
const PAGE_BYTES: usize = 1_300_000;

/// Bodies read at once, so that large ones are not read in vain.
const BODIES_AT_ONCE: usize = 50;

/// `GET …/{endpoint}/deliveries?limit&cursor`: newest first.
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Path((organization, endpoint)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<DeliveriesAnswer>, ApiError> {
    let (organization, endpoint) = (parse_organization(&organization)?, parse_endpoint(&endpoint)?);
    let before = query.get("cursor").map(|cursor| read_cursor(cursor)).transpose()?;
    let limit = page_size(query.get("limit").map(String::as_str), api.config.limits.page_size);
    let (stored, page) = tokio::try_join!(
        api.table.endpoint(&organization, endpoint),
        api.table.list_deliveries(endpoint, before, limit),
    )?;
    stored.ok_or(NO_ENDPOINT)?;
    let Page { deliveries, more } = page;
    let (shown, more) = with_bodies(&api, &organization, deliveries, more).await?;
    let cursor = shown.last().filter(|_| more).map(|(last, _)| write_cursor(last.id));
    let deliveries = shown.into_iter().map(|(delivery, body)| DeliveryView::new(delivery, body)).collect();
    Ok(Json(DeliveriesAnswer { deliveries, cursor }))
}

/// `GET …/{endpoint}/deliveries/{delivery}`.
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    Path((organization, endpoint, delivery)): Path<(String, String, String)>,
) -> Result<Json<DeliveryAnswer>, ApiError> {
    let (organization, endpoint) = (parse_organization(&organization)?, parse_endpoint(&endpoint)?);
    let id = delivery.parse().map_err(|_| NO_DELIVERY)?;
    let (stored, delivery) =
        tokio::try_join!(api.table.endpoint(&organization, endpoint), api.table.delivery(endpoint, id))?;
    stored.ok_or(NO_ENDPOINT)?;
    let delivery = delivery.filter(|delivery| delivery.organization_id == organization).ok_or(NO_DELIVERY)?;
    let message = api.table.message(&organization, delivery.message_id, false).await?;
    let body = message.map_or_else(String::new, |message| text(message.body));
    Ok(Json(DeliveryAnswer { delivery: DeliveryView::new(delivery, body) }))
}

/// What is answered for a delivery that is not there.
pub(crate) const NO_DELIVERY: ApiError = ApiError::NotFound("Delivery not found");

/// Puts each delivery's body to it, as far as a page's bytes go; the rest is for the next page.
async fn with_bodies(
    api: &Api,
    organization: &OrganizationId,
    deliveries: Vec<Delivery>,
    mut more: bool,
) -> Result<(Vec<(Delivery, String)>, bool), ApiError> {
    let mut shown = Vec::with_capacity(deliveries.len());
    let mut bytes = 0;
    for chunk in deliveries.chunks(BODIES_AT_ONCE) {
        let ids = chunk.iter().map(|delivery| delivery.message_id).collect();
        let messages = api.table.messages(organization, ids).await?;
        let bodies: HashMap<MessageId, Vec<u8>> =
            messages.into_iter().map(|message| (message.id, message.body)).collect();
        for delivery in chunk {
            let body = bodies.get(&delivery.message_id).cloned().unwrap_or_default();
            let responses = delivery.attempts.iter().filter_map(|attempt| attempt.response.as_ref()).map(String::len);
            bytes += body.len() + responses.sum::<usize>();
            if bytes > PAGE_BYTES && !shown.is_empty() {
                more = true;
                return Ok((shown, more));
            }
            shown.push((delivery.clone(), text(body)));
        }
    }
    Ok((shown, more))
}

/// A body as text. Bodies are JSON, which is UTF-8.
fn text(body: Vec<u8>) -> String {
    String::from_utf8(body).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// A page's size: what was asked for, clamped to what is allowed; the default for what is no number.
fn page_size(asked: Option<&str>, most: usize) -> usize {
    let asked = asked.and_then(|text| text.parse::<f64>().ok()).filter(|asked| !asked.is_nan());
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts of floats saturate")]
    let asked = asked.map_or(DEFAULT_PAGE, |asked| asked as usize);
    asked.clamp(1, most.max(1))
}

/// A cursor is the last id of its page: what is inserted meanwhile is newer, so no page shifts.
fn write_cursor(last: DeliveryId) -> String {
    URL_SAFE_NO_PAD.encode(last.to_string())
}

fn read_cursor(cursor: &str) -> Result<DeliveryId, ApiError> {
    URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| ApiError::field("cursor", "Must be the cursor of an earlier page, unchanged"))
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    #[test]
    fn a_limit_is_clamped_and_never_refused_for_its_size() {
        let cases = [(None, 50), (Some("0"), 1), (Some("-5"), 1), (Some("7"), 7), (Some("5000"), 100)];
        for (asked, expected) in cases.into_iter().chain([(Some("9".repeat(400).as_str()), 100), (Some("many"), 50)]) {
            assert_eq!(page_size(asked, 100), expected, "{asked:?}");
        }
    }

    #[test]
    fn a_cursor_reads_back_and_a_changed_one_is_refused() {
        let id = DeliveryId::new(Timestamp::UNIX_EPOCH, 7);
        let cursor = write_cursor(id);
        assert_eq!(read_cursor(&cursor).unwrap(), id);
        for bad in ["", "x", &cursor[1..], &format!("{cursor}A"), &cursor.to_lowercase()] {
            assert!(read_cursor(bad).is_err(), "{bad}");
        }
    }
}
