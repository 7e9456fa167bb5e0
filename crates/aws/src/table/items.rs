//! The items as they are stored. Attribute names count towards an item's size, so the frequent ones are short.

use std::time::Duration;

use hookbell_domain::delivery::{
    Attempt, Claimant, Claimed, Delivery, DeliveryStatus, ManualAttempt, ManualRequest, Trigger,
};
use hookbell_domain::endpoint::{Disabled, Endpoint, EndpointOptions, Health, RateLimit};
use hookbell_domain::filter::Filter;
use hookbell_domain::ids::{DeliveryId, EndpointId, KeyId, OrganizationId};
use hookbell_domain::retry::Directive;
use hookbell_domain::role::Role;
use hookbell_domain::signature::PublicKey;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::admitting::KeyHolder;
use super::keys::ENDPOINT;
use super::secrets::{SealedSecrets, StoredEndpoint};
use super::unreadable;
use crate::AwsError;

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

/// An endpoint: `ORG#org` / `EP#whe_…`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct EndpointItem {
    #[serde(rename = "PK")]
    pub(super) pk: String,
    #[serde(rename = "SK")]
    pub(super) sk: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) uid: Option<String>,
    pub(super) url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) description: Option<String>,
    pub(super) event_types: Vec<String>,
    pub(super) ordered: bool,
    pub(super) secrets: Vec<SecretItem>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) key_pair: Option<KeyPairItem>,
    /// The custom headers, sealed all together.
    #[serde(with = "serde_bytes", default, skip_serializing_if = "Option::is_none")]
    pub(super) headers: Option<Vec<u8>>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) svix_headers: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) rate_limit: Option<u32>,
    /// The filter's text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) filter: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) disabled_reason: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) disabled_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) disabled_by: Option<String>,
    #[serde(default)]
    pub(super) consecutive_failures: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) streak_started_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) failing_since: Option<i64>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) failed_attempts: u32,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) probe_at: Option<i64>,
    pub(super) created_at: i64,
    pub(super) updated_at: i64,
}

/// A sealed secret; the first of an endpoint's is the current one.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct SecretItem {
    #[serde(with = "serde_bytes")]
    pub(super) sealed: Vec<u8>,
    /// When its overlap ends; absent on the current one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) until: Option<i64>,
}

/// A key pair that signs too.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeyPairItem {
    /// Its seed.
    #[serde(with = "serde_bytes")]
    pub(super) sealed: Vec<u8>,
    #[serde(with = "serde_bytes")]
    pub(super) public: Vec<u8>,
}

/// A delivery: `DLV#whe_…#shard` / `dlv_…`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct DeliveryItem {
    #[serde(rename = "PK")]
    pub(super) pk: String,
    #[serde(rename = "SK")]
    pub(super) sk: String,
    #[serde(rename = "org")]
    pub(super) organization: String,
    #[serde(rename = "msg")]
    pub(super) message: String,
    #[serde(rename = "type")]
    pub(super) event_type: String,
    pub(super) status: String,
    #[serde(rename = "count")]
    pub(super) scheduled: u32,
    pub(super) attempts: Vec<AttemptItem>,
    #[serde(rename = "next", default, skip_serializing_if = "Option::is_none")]
    pub(super) next_retry_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) skipped: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) directive: Option<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(super) tries: u32,
    #[serde(rename = "by", default, skip_serializing_if = "Option::is_none")]
    pub(super) claimed_by: Option<u64>,
    #[serde(rename = "claim", default, skip_serializing_if = "Option::is_none")]
    pub(super) claimed_until: Option<i64>,
    #[serde(rename = "manual", default, skip_serializing_if = "Option::is_none")]
    pub(super) manual_request: Option<u64>,
    #[serde(rename = "manualClaim", default, skip_serializing_if = "Option::is_none")]
    pub(super) manual_until: Option<i64>,
    #[serde(rename = "updated")]
    pub(super) updated_at: i64,
    #[serde(rename = "expiresAt")]
    pub(super) expires_at: i64,
}

/// One attempt of a delivery; its number is its place.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct AttemptItem {
    pub(super) at: i64,
    #[serde(rename = "ms")]
    pub(super) latency_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) url: Option<String>,
    #[serde(rename = "http", default, skip_serializing_if = "Option::is_none")]
    pub(super) http_status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) error: Option<String>,
    #[serde(rename = "answer", default, skip_serializing_if = "Option::is_none")]
    pub(super) response: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(super) manual: bool,
}

/// A key as a call finds it: `KEY#hash` / `KEY`. A token's has neither id nor role, and ends.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeyItem {
    #[serde(rename = "PK")]
    pub(super) pk: String,
    #[serde(rename = "SK")]
    pub(super) sk: String,
    #[serde(rename = "org")]
    pub(super) organization: String,
    pub(super) id: String,
    pub(super) role: String,
    /// When a call was let in last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) used: Option<i64>,
    /// The minute that `count` counts the calls of.
    pub(super) window: i64,
    pub(super) count: u32,
}

/// A key in its organization's list: `KEYS#org` / `key_…`.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct KeyRowItem {
    #[serde(rename = "PK")]
    pub(super) pk: String,
    #[serde(rename = "SK")]
    pub(super) sk: String,
    pub(super) hash: String,
    pub(super) role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) name: Option<String>,
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

impl EndpointItem {
    pub(super) fn into_stored(self) -> Result<StoredEndpoint, AwsError> {
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

impl DeliveryItem {
    pub(super) fn of(delivery: &Delivery, expires_at: i64) -> Self {
        let key = super::keys::Key::delivery(delivery.endpoint_id, delivery.id);
        Self {
            pk: key.pk,
            sk: key.sk,
            organization: delivery.organization_id.to_string(),
            message: delivery.message_id.to_string(),
            event_type: delivery.event_type.clone(),
            status: delivery.status.as_str().to_owned(),
            scheduled: delivery.scheduled,
            attempts: delivery.attempts.iter().map(AttemptItem::of).collect(),
            next_retry_at: delivery.next_retry_at.map(Timestamp::as_millisecond),
            skipped: delivery.skipped.clone(),
            directive: delivery.directive.map(|directive| directive.as_str().to_owned()),
            tries: delivery.tries,
            claimed_by: delivery.claim.map(|claim| claim.by.0),
            claimed_until: delivery.claim.and_then(|claim| claim.until).map(Timestamp::as_millisecond),
            manual_request: delivery.manual.map(|manual| manual.request.0),
            manual_until: delivery.manual.and_then(|manual| manual.until).map(Timestamp::as_millisecond),
            updated_at: delivery.updated_at.as_millisecond(),
            expires_at,
        }
    }

    pub(super) fn into_delivery(self) -> Result<Delivery, AwsError> {
        let endpoint = self.pk.split('#').nth(1).unwrap_or_default();
        Ok(Delivery {
            id: self.sk.parse::<DeliveryId>().map_err(unreadable)?,
            message_id: self.message.parse().map_err(unreadable)?,
            endpoint_id: endpoint.parse().map_err(unreadable)?,
            organization_id: self.organization.parse().map_err(unreadable)?,
            event_type: self.event_type,
            status: DeliveryStatus::named(&self.status).ok_or_else(|| unreadable("unknown delivery status"))?,
            attempts: self.attempts.into_iter().zip(1..).map(|(item, number)| item.into_attempt(number)).collect(),
            scheduled: self.scheduled,
            next_retry_at: self.next_retry_at.map(time),
            skipped: self.skipped,
            directive: self.directive.as_deref().and_then(Directive::named),
            tries: self.tries,
            claim: self.claimed_by.map(|by| Claimed { by: Claimant(by), until: self.claimed_until.map(time) }),
            manual: self
                .manual_request
                .map(|request| ManualAttempt { request: ManualRequest(request), until: self.manual_until.map(time) }),
            updated_at: time(self.updated_at),
        })
    }
}

impl KeyItem {
    pub(super) fn into_holder(self) -> Result<KeyHolder, AwsError> {
        Ok(KeyHolder {
            organization: self.organization.parse().map_err(unreadable)?,
            id: self.id.parse().map_err(unreadable)?,
            role: role(&self.role)?,
        })
    }
}

impl KeyRowItem {
    pub(super) fn id(&self) -> Result<KeyId, AwsError> {
        self.sk.parse().map_err(unreadable)
    }

    pub(super) fn role(&self) -> Result<Role, AwsError> {
        role(&self.role)
    }
}

fn role(name: &str) -> Result<Role, AwsError> {
    Role::named(name).ok_or_else(|| unreadable("unknown role of a key"))
}

impl AttemptItem {
    pub(super) fn of(attempt: &Attempt) -> Self {
        Self {
            at: attempt.at.as_millisecond(),
            latency_ms: u64::try_from(attempt.latency.as_millis()).unwrap_or(u64::MAX),
            url: attempt.url.clone(),
            http_status: attempt.http_status,
            error: attempt.error.clone(),
            response: attempt.response.clone(),
            manual: attempt.trigger == Trigger::Manual,
        }
    }

    fn into_attempt(self, number: u32) -> Attempt {
        Attempt {
            number,
            at: time(self.at),
            url: self.url,
            http_status: self.http_status,
            latency: Duration::from_millis(self.latency_ms),
            error: self.error,
            response: self.response,
            trigger: if self.manual { Trigger::Manual } else { Trigger::Scheduled },
        }
    }
}
