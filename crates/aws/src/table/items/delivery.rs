//! A delivery's item, with its attempts.

use std::time::Duration;

use hookbell_domain::delivery::{
    Attempt, Claimant, Claimed, Delivery, DeliveryStatus, ManualAttempt, ManualRequest, Trigger,
};
use hookbell_domain::ids::DeliveryId;
use hookbell_domain::retry::Directive;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{is_false, is_zero, time};
use crate::AwsError;
use crate::table::keys::Key;
use crate::table::unreadable;

/// A delivery: `DLV#whe_…#shard` / `dlv_…`.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::table) struct DeliveryItem {
    #[serde(rename = "PK")]
    pub(in crate::table) pk: String,
    #[serde(rename = "SK")]
    pub(in crate::table) sk: String,
    #[serde(rename = "org")]
    pub(in crate::table) organization: String,
    #[serde(rename = "msg")]
    pub(in crate::table) message: String,
    #[serde(rename = "type")]
    pub(in crate::table) event_type: String,
    pub(in crate::table) status: String,
    #[serde(rename = "count")]
    pub(in crate::table) scheduled: u32,
    pub(in crate::table) attempts: Vec<AttemptItem>,
    #[serde(rename = "next", default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) next_retry_at: Option<i64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) skipped: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) directive: Option<String>,
    #[serde(default, skip_serializing_if = "is_zero")]
    pub(in crate::table) tries: u32,
    #[serde(rename = "by", default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) claimed_by: Option<u64>,
    #[serde(rename = "claim", default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) claimed_until: Option<i64>,
    #[serde(rename = "manual", default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) manual_request: Option<u64>,
    #[serde(rename = "manualClaim", default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) manual_until: Option<i64>,
    #[serde(rename = "updated")]
    pub(in crate::table) updated_at: i64,
    #[serde(rename = "expiresAt")]
    pub(in crate::table) expires_at: i64,
}

/// One attempt of a delivery; its number is its place.
#[derive(Debug, Serialize, Deserialize)]
pub(in crate::table) struct AttemptItem {
    pub(in crate::table) at: i64,
    #[serde(rename = "ms")]
    pub(in crate::table) latency_ms: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) url: Option<String>,
    #[serde(rename = "http", default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) http_status: Option<u16>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) error: Option<String>,
    #[serde(rename = "answer", default, skip_serializing_if = "Option::is_none")]
    pub(in crate::table) response: Option<String>,
    #[serde(default, skip_serializing_if = "is_false")]
    pub(in crate::table) manual: bool,
}

impl DeliveryItem {
    pub(in crate::table) fn of(delivery: &Delivery, expires_at: i64) -> Self {
        let key = Key::delivery(delivery.endpoint_id, delivery.id);
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

    pub(in crate::table) fn into_delivery(self) -> Result<Delivery, AwsError> {
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

impl AttemptItem {
    pub(in crate::table) fn of(attempt: &Attempt) -> Self {
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
