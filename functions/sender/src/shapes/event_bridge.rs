//! The shape of an `EventBridge` event, as a rule with the queue as its target puts it there.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::keys::{Keys, object, optional, raw, required, time};
use super::{Payload, ProducedEvent, ShapeError};

pub(super) fn read(keys: &Keys<'_>) -> Result<ProducedEvent, ShapeError> {
    let detail = keys.detail.ok_or_else(|| ShapeError::key("detail", "is missing"))?;
    let inner = object(detail.get()).map_err(|error| ShapeError::key("detail", error.to_string()))?;
    Ok(ProducedEvent {
        organization_id: required("detail.organizationId", inner.organization_id)?,
        event_type: required("detail-type", keys.detail_type)?,
        event_id: optional("id", keys.id)?,
        occurred_at: time("time", keys.time)?,
        payload: Payload::Detail(detail.to_owned()),
    })
}

/// The object of `text` without its `organizationId`; all other keys and values as they stand there.
pub(super) fn without_organization(text: &RawValue) -> Result<Box<RawValue>, ShapeError> {
    let Entries(entries) =
        serde_json::from_str(text.get()).map_err(|error| ShapeError::key("detail", error.to_string()))?;
    let kept: Vec<String> = entries
        .into_iter()
        .filter(|(key, _)| key != "organizationId")
        .map(|(key, value)| format!("{}:{}", serde_json::Value::String(key), value.get()))
        .collect();
    raw(&format!("{{{}}}", kept.join(",")))
}

/// An object's keys and values in the order in which they stand.
struct Entries<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for Entries<'a> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Collect;
        impl<'de> serde::de::Visitor<'de> for Collect {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Collect)
    }
}
