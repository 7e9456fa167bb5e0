//! The items as they are stored. Attribute names count towards an item's size, so the frequent ones are short.

mod delivery;
mod endpoint;
mod key;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub(super) use delivery::{AttemptItem, DeliveryItem};
pub(super) use endpoint::{EndpointItem, KeyPairItem, SecretItem};
pub(super) use key::{KeyItem, KeyRowItem};

/// An organization: `ORG#org` / `ORG`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct OrganizationItem {
    pub(super) profile: String,
    pub(super) revision: u64,
    pub(super) endpoint_count: u32,
    #[serde(default)]
    pub(super) ordered_count: i64,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
pub(super) fn is_false(value: &bool) -> bool {
    !value
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde calls it with a reference")]
fn is_zero(value: &u32) -> bool {
    *value == 0
}

pub(super) fn time(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap_or(Timestamp::UNIX_EPOCH)
}
