//! An endpoint's item, with all that is kept sealed of it.

use hookbell_domain::endpoint::{Disabled, Endpoint, EndpointOptions, Health, RateLimit};
use hookbell_domain::filter::Filter;
use hookbell_domain::ids::{EndpointId, OrganizationId};
use hookbell_domain::signature::PublicKey;
use serde::{Deserialize, Serialize};

use super::{is_false, is_zero, time};
use crate::AwsError;
use crate::table::keys::ENDPOINT;
use crate::table::secrets::{SealedSecrets, StoredEndpoint};
use crate::table::unreadable;

/// An endpoint: `ORG#org` / `EP#whe_…`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(in crate::table) struct EndpointItem {
    #[serde(rename = "PK")]
    pub(in crate::table) pk: String,
    #[serde(rename = "SK")]
    pub(in crate::table) sk: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) uid: Option<String>,
    pub(in crate::table) url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) description: Option<String>,
    pub(in crate::table) event_types: Vec<String>,
    pub(in crate::table) ordered: bool,
    pub(in crate::table) secrets: Vec<SecretItem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) key_pair: Option<KeyPairItem>,
    /// The custom headers, sealed all together.
    #[serde(with = "serde_bytes", default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) headers: Option<Vec<u8>>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(in crate::table) svix_headers: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) rate_limit: Option<u32>,
    /// The filter's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) filter: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) disabled_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) disabled_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) disabled_by: Option<String>,
    #[serde(default)]
    pub(in crate::table) consecutive_failures: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) streak_started_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) failing_since: Option<i64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(in crate::table) failed_attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) probe_at: Option<i64>,
    pub(in crate::table) created_at: i64,
    pub(in crate::table) updated_at: i64,
}

/// A sealed secret; the first of an endpoint's is the current one.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::table) struct SecretItem {
    #[serde(with = "serde_bytes")]
    pub(in crate::table) sealed: Vec<u8>,
    /// When its overlap ends; absent on the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) until: Option<i64>,
}

/// A key pair that signs too.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::table) struct KeyPairItem {
    /// Its seed.
    #[serde(with = "serde_bytes")]
    pub(in crate::table) sealed: Vec<u8>,
    #[serde(with = "serde_bytes")]
    pub(in crate::table) public: Vec<u8>,
}

impl EndpointItem {
    pub(in crate::table) fn into_stored(self) -> Result<StoredEndpoint, AwsError> {
        let id: EndpointId = self.sk.strip_prefix(ENDPOINT).unwrap_or(&self.sk).parse().map_err(unreadable)?;
        let organization_id: OrganizationId =
            self.pk.strip_prefix("ORG#").unwrap_or(&self.pk).parse().map_err(unreadable)?;
        let public_key = |pair: &KeyPairItem| PublicKey::from_bytes(&pair.public).ok_or_else(|| unreadable("no key"));
        let options = EndpointOptions {
            v1a: self.key_pair.as_ref().map(public_key).transpose()?,
            svix_headers: self.svix_headers,
            rate_limit: self.rate_limit.and_then(RateLimit::new),
            filter: self.filter.as_deref().map(Filter::parse).transpose().map_err(unreadable)?,
        };
        let endpoint = Endpoint {
            id,
            organization_id,
            uid: self.uid.map(|uid| uid.parse()).transpose().map_err(unreadable)?,
            url: self.url,
            description: self.description,
            event_types: self.event_types,
            ordered: self.ordered,
            options,
            disabled: self.disabled_at.map(|at| Disabled { reason: self.disabled_reason, at: time(at) }),
            health: Health {
                consecutive_failures: self.consecutive_failures,
                streak_started_at: self.streak_started_at.map(time),
                failing_since: self.failing_since.map(time),
                failed_attempts: self.failed_attempts,
                probe_at: self.probe_at.map(time),
            },
            created_at: time(self.created_at),
            updated_at: time(self.updated_at),
        };
        let secrets = SealedSecrets {
            signing: self.secrets.into_iter().map(|secret| (secret.sealed, secret.until.map(time))).collect(),
            key_pair: self.key_pair.map(|pair| pair.sealed),
            headers: self.headers,
        };
        Ok(StoredEndpoint { endpoint, secrets, disabled_by: self.disabled_by })
    }
}
