//! The two items of an organization's key.

use hookbell_domain::ids::KeyId;
use hookbell_domain::role::Role;
use serde::{Deserialize, Serialize};

use crate::AwsError;
use crate::table::admitting::KeyHolder;
use crate::table::unreadable;

/// A key as a call finds it: `KEY#hash` / `KEY`. A token's has neither id nor role, and ends.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::table) struct KeyItem {
    #[serde(rename = "PK")]
    pub(in crate::table) pk: String,
    #[serde(rename = "SK")]
    pub(in crate::table) sk: String,
    #[serde(rename = "org")]
    pub(in crate::table) organization: String,
    pub(in crate::table) id: String,
    pub(in crate::table) role: String,
    /// When a call was let in last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) used: Option<i64>,
    /// The minute that `count` counts the calls of.
    pub(in crate::table) window: i64,
    pub(in crate::table) count: u32,
}

/// A key in its organization's list: `KEYS#org` / `key_…`.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::table) struct KeyRowItem {
    #[serde(rename = "PK")]
    pub(in crate::table) pk: String,
    #[serde(rename = "SK")]
    pub(in crate::table) sk: String,
    pub(in crate::table) hash: String,
    pub(in crate::table) role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) name: Option<String>,
}

impl KeyItem {
    pub(in crate::table) fn into_holder(self) -> Result<KeyHolder, AwsError> {
        Ok(KeyHolder {
            organization: self.organization.parse().map_err(unreadable)?,
            id: self.id.parse().map_err(unreadable)?,
            role: role(&self.role)?,
        })
    }
}

impl KeyRowItem {
    pub(in crate::table) fn id(&self) -> Result<KeyId, AwsError> {
        self.sk.parse().map_err(unreadable)
    }

    pub(in crate::table) fn role(&self) -> Result<Role, AwsError> {
        role(&self.role)
    }
}

fn role(name: &str) -> Result<Role, AwsError> {
    Role::named(name).ok_or_else(|| unreadable("unknown role of a key"))
}
