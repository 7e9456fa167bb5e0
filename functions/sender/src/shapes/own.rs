//! Hookbell's own shape.

use super::keys::{Keys, optional, required, time};
use super::{Payload, ProducedEvent, ShapeError};

pub(super) fn read(keys: &Keys<'_>) -> Result<ProducedEvent, ShapeError> {
    let data = keys.data.ok_or_else(|| ShapeError::key("data", "is missing"))?;
    if !data.get().starts_with('{') {
        return Err(ShapeError::key("data", "must be a JSON object"));
    }
    Ok(ProducedEvent {
        organization_id: required("organizationId", keys.organization_id)?,
        event_type: required("type", keys.event_type)?,
        event_id: optional("id", keys.id)?,
        occurred_at: time("timestamp", keys.timestamp)?,
        payload: Payload::Whole(data.to_owned()),
    })
}
