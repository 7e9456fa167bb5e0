//! Sending one delivery once more, in its profile's way.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use hookbell_aws::queues::{DeliveryTask, Task};
use hookbell_aws::random;
use hookbell_aws::table::Redelivery;
use hookbell_domain::delivery::{Delivery, MOST_ATTEMPTS, Route};
use hookbell_domain::ids::DeliveryId;
use hookbell_domain::profile::Redeliver;
use hookbell_domain::time::after;
use jiff::Timestamp;

use crate::deliveries::NO_DELIVERY;
use crate::endpoints::{NO_ENDPOINT, parse_endpoint};
use crate::error::ApiError;
use crate::logged;
use crate::state::{Api, NO_ORGANIZATION, parse_organization};
use crate::view::WebhookIdAnswer;

/// `POST …/{endpoint}/deliveries/{delivery}/redeliver`: a new delivery of the same message, or one more attempt.
#[utoipa::path(
    post,
    path = "/{endpoint}/deliveries/{delivery}/redeliver",
    tag = "Deliveries",
    operation_id = "redeliver",
    summary = "Redeliver",
    description = "Sends the message of a delivery once more, with the same `webhook-id` and the same bytes, whatever \
        became of it. By the organization's profile that is a new delivery with retries of its own, or one more \
        attempt on this one.",
    responses(
        (status = 200, description = "It is on its way.", body = WebhookIdAnswer),
        (status = 404, description = "Delivery not found\n\nThe message of this delivery has expired"),
        (status = 409, description = "`endpoint_disabled`: The endpoint is disabled; enable it to redeliver\n\n\
            `attempt_limit`: The delivery has had 50 attempts, and takes no more"),
    ),
    security(("key" = ["owner"])),
)]
pub(crate) async fn redeliver(
    State(api): State<Arc<Api>>,
    Path((organization, endpoint, delivery)): Path<(String, String, String)>,
) -> Result<Json<WebhookIdAnswer>, ApiError> {
    let (organization, endpoint) = (parse_organization(&organization)?, parse_endpoint(&endpoint)?);
    let id = delivery.parse().map_err(|_| NO_DELIVERY)?;
    let (record, stored, delivery) = tokio::try_join!(
        api.table.organization_record(&organization),
        api.table.endpoint(&organization, endpoint),
        api.table.delivery(endpoint, id),
    )?;
    let record = record.ok_or(NO_ORGANIZATION)?;
    let stored = stored.ok_or(NO_ENDPOINT)?;
    let original = delivery.filter(|delivery| delivery.organization_id == organization).ok_or(NO_DELIVERY)?;
    if !stored.endpoint.is_enabled() {
        return Err(ApiError::disabled("redeliver"));
    }
    if after(original.message_id.created_at(), api.config.retention) <= Timestamp::now() {
        return Err(ApiError::NotFound("The message of this delivery has expired"));
    }
    let in_order = stored.endpoint.ordered;
    match record.profile.redeliver {
        Redeliver::NewDelivery => deliver_anew(&api, &original, record.revision, in_order).await?,
        Redeliver::ManualAttempt if original.attempt_count() >= MOST_ATTEMPTS => {
            let message = format!("The delivery has had {MOST_ATTEMPTS} attempts, and takes no more");
            return Err(ApiError::Conflict("attempt_limit", message));
        }
        Redeliver::ManualAttempt => attempt_once(&api, &original, record.revision, in_order).await?,
    }
    logged::note_message(original.message_id);
    Ok(Json(WebhookIdAnswer { webhook_id: original.message_id }))
}

/// Makes a new delivery, with a schedule of its own; the old one stays as it is.
///
/// The task on the queue can make the row by itself, so whatever fails after it was sent loses nothing: the row is put
/// here only so that whoever has asked sees it at once.
async fn deliver_anew(api: &Api, original: &Delivery, revision: u64, in_order: bool) -> Result<(), ApiError> {
    let now = Timestamp::now();
    let id = DeliveryId::new(now, random::id()?);
    let route = Route {
        message_id: original.message_id,
        endpoint_id: original.endpoint_id,
        organization_id: original.organization_id.clone(),
        event_type: original.event_type.clone(),
    };
    let delivery = Delivery::waiting(id, route, now);
    let noted = Redelivery {
        organization_id: delivery.organization_id.clone(),
        message_id: delivery.message_id,
        endpoint_id: delivery.endpoint_id,
        delivery_id: delivery.id,
    };
    // Noted first: a note that leads to no delivery shows nothing.
    api.table.note_redeliveries(&[noted]).await?;
    let task =
        DeliveryTask { makes: Some(delivery.event_type.clone()), ..DeliveryTask::asked(&delivery, now, revision) };
    send(api, task, in_order).await?;
    if let Err(error) = api.table.put_new(&delivery).await {
        tracing::warn!(%error, "a redelivery will show when its first attempt begins");
    }
    Ok(())
}

/// Asks for one attempt on the same delivery, with no retries after it.
async fn attempt_once(api: &Api, original: &Delivery, revision: u64, in_order: bool) -> Result<(), ApiError> {
    let request = u64::from_le_bytes(random::bytes()?);
    let task = DeliveryTask { manual: Some(request), ..DeliveryTask::asked(original, Timestamp::now(), revision) };
    send(api, task, in_order).await
}

/// Puts the task where the endpoint's deliveries wait: in line, where their order counts.
async fn send(api: &Api, task: DeliveryTask, in_order: bool) -> Result<(), ApiError> {
    if in_order {
        return Ok(api.queues.send_in_order(&api.config.deliveries_fifo_queue, &[task]).await.all()?);
    }
    let tasks = [(Task::Delivery(task), Duration::ZERO)];
    Ok(api.queues.send_tasks(&api.config.deliveries_queue, &tasks).await.all()?)
}
