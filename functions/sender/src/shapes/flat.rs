//! The shape of a flat body, which names its type and its organization itself.

use super::keys::{Keys, raw, required, time};
use super::{Payload, ProducedEvent, ShapeError};

pub(super) fn read(keys: &Keys<'_>, body: &str) -> Result<ProducedEvent, ShapeError> {
    Ok(ProducedEvent {
        organization_id: required("organizationId", keys.organization_id)?,
        event_type: required("event", keys.event)?,
        event_id: None,
        occurred_at: time("timestamp", keys.timestamp)?,
        payload: Payload::Whole(raw(body)?),
    })
}
