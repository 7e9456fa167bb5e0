//! The API's JSON, as far as it is shown: `/openapi.json` has all of it.

#![expect(clippy::struct_field_names, reason = "they are named as the API names them")]

use hookbell_domain::ids::DeliveryId;
use jiff::Timestamp;
use serde::de::{DeserializeOwned, Error as _};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use crate::output::foreign;

/// A thing as it was read, and as the API wrote it: `--json` shows the latter, with all that this program does not know.
#[derive(Debug, Clone)]
pub(crate) struct Seen<T> {
    /// As the API wrote it.
    pub(crate) raw: Box<RawValue>,
    /// As it was read.
    pub(crate) it: T,
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Seen<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let raw = Box::<RawValue>::deserialize(deserializer)?;
        let it = serde_json::from_str(raw.get()).map_err(D::Error::custom)?;
        Ok(Self { raw, it })
    }
}

/// What somebody else wrote, as it can be shown on a line.
fn one_line<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    String::deserialize(deserializer).map(|text| foreign::one_line(&text))
}

/// The same, where there may be none.
fn any_line<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<String>, D::Error> {
    Option::<String>::deserialize(deserializer).map(|text| text.map(|text| foreign::one_line(&text)))
}

/// An organization.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Organization {
    pub(crate) organization_id: String,
    pub(crate) profile: String,
    pub(crate) endpoint_count: u32,
    pub(crate) created_at: Timestamp,
}

/// An API key, never its text.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ApiKey {
    pub(crate) key_id: String,
    pub(crate) role: String,
    pub(crate) name: Option<String>,
    pub(crate) created_at: Timestamp,
    pub(crate) last_used_at: Option<Timestamp>,
}

/// One entry of a catalogue.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct EventType {
    #[serde(rename = "type")]
    pub(crate) name: String,
    pub(crate) description: String,
}

/// An endpoint.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Endpoint {
    pub(crate) endpoint_id: String,
    #[serde(default, deserialize_with = "any_line")]
    pub(crate) uid: Option<String>,
    pub(crate) url: String,
    #[serde(default, deserialize_with = "any_line")]
    pub(crate) description: Option<String>,
    pub(crate) status: String,
    pub(crate) event_types: Vec<String>,
    #[serde(default)]
    pub(crate) ordered: bool,
    #[serde(default)]
    pub(crate) v1a: bool,
    pub(crate) public_key: Option<String>,
    #[serde(default)]
    pub(crate) svix_headers: bool,
    pub(crate) rate_limit: Option<u32>,
    pub(crate) filter: Option<Box<RawValue>>,
    pub(crate) headers: Option<std::collections::BTreeMap<String, String>>,
    pub(crate) disabled_reason: Option<String>,
    pub(crate) disabled_at: Option<Timestamp>,
    #[serde(default)]
    pub(crate) consecutive_failures: u32,
    pub(crate) health: Option<Health>,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// How an endpoint fares that does not fare well.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Health {
    pub(crate) state: String,
    pub(crate) failing_since: Timestamp,
    pub(crate) next_probe_at: Option<Timestamp>,
    pub(crate) failed_attempts: u32,
}

/// A message.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Message {
    pub(crate) id: String,
    pub(crate) event_type: String,
    #[serde(default, deserialize_with = "any_line")]
    pub(crate) event_id: Option<String>,
    pub(crate) timestamp: Timestamp,
    pub(crate) payload: Box<RawValue>,
}

/// An attempt of a message, as the list of all its attempts shows it.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct MessageAttempt {
    pub(crate) id: String,
    pub(crate) endpoint_id: String,
    pub(crate) url: String,
    pub(crate) timestamp: Timestamp,
    pub(crate) status_text: String,
    pub(crate) response_status_code: u16,
    pub(crate) response_duration_ms: u64,
    #[serde(deserialize_with = "one_line")]
    pub(crate) response: String,
    pub(crate) trigger_type: u8,
}

/// A delivery.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Delivery {
    pub(crate) delivery_id: String,
    pub(crate) webhook_id: String,
    pub(crate) endpoint_id: String,
    pub(crate) event_type: String,
    pub(crate) status: String,
    pub(crate) skipped: Option<String>,
    pub(crate) attempt_count: u32,
    pub(crate) attempts: Vec<Attempt>,
    /// Unix seconds.
    pub(crate) next_retry_at: Option<i64>,
    #[serde(default, deserialize_with = "any_line")]
    pub(crate) response_snippet: Option<String>,
    #[serde(default)]
    pub(crate) payload: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
}

/// One attempt of a delivery.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Attempt {
    pub(crate) attempt_no: u32,
    pub(crate) at: Timestamp,
    pub(crate) http_status: Option<u16>,
    pub(crate) latency_ms: u64,
    pub(crate) error: Option<String>,
}

impl MessageAttempt {
    /// The delivery that it belongs to, which its own id holds.
    pub(crate) fn delivery_id(&self) -> Option<String> {
        let (id, _) = self.id.strip_prefix("att_")?.rsplit_once('_')?;
        Some(format!("{}{id}", DeliveryId::PREFIX))
    }
}

impl Delivery {
    /// When its next attempt is due.
    pub(crate) fn next_at(&self) -> Option<Timestamp> {
        Timestamp::from_second(self.next_retry_at?).ok()
    }
}

/// A replay, and how far it is.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Replay {
    pub(crate) replay_id: String,
    pub(crate) state: String,
    pub(crate) stopped_reason: Option<String>,
    pub(crate) after: Timestamp,
    pub(crate) before: Timestamp,
    pub(crate) redelivered: u64,
    pub(crate) reached: Option<Timestamp>,
}

/// An endpoint's numbers.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Stats {
    pub(crate) since: Timestamp,
    pub(crate) complete: bool,
    pub(crate) total: Counts,
    pub(crate) hours: Vec<HourStats>,
    pub(crate) latency: Option<Latency>,
}

/// Deliveries by what became of them.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(crate) struct Counts {
    pub(crate) success: u64,
    pub(crate) fail: u64,
    pub(crate) pending: u64,
    pub(crate) sending: u64,
    pub(crate) skipped: u64,
}

/// The same of one hour.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct HourStats {
    pub(crate) hour: Timestamp,
    #[serde(flatten)]
    pub(crate) counts: Counts,
}

/// How long attempts took.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Latency {
    pub(crate) p50_ms: u64,
    pub(crate) p95_ms: u64,
}

/// A link into the console.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Portal {
    pub(crate) url: String,
}

/// The id of a message that was sent.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Sent {
    #[serde(alias = "webhookId")]
    pub(crate) id: String,
}

/// A signing secret.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct Secret {
    pub(crate) secret: String,
    #[serde(rename = "overlapSeconds")]
    pub(crate) overlap_seconds: Option<u64>,
}

/// Whether a filter lets an event through.
#[derive(Debug, Clone, Deserialize)]
pub(crate) struct FilterTrial {
    pub(crate) matches: bool,
}
