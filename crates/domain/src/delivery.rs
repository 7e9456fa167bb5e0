//! Deliveries and their attempts: what is recorded of a message on its way to an endpoint.

use std::time::Duration;

use jiff::Timestamp;

use crate::ids::{DeliveryId, EndpointId, MessageId, OrganizationId};
use crate::outcome::Outcome;
use crate::retry::{Directive, Next};

/// How much of a response is kept with its attempt, in bytes.
pub const SNIPPET_BYTES: usize = 1_024;

/// Attempts of one delivery, the schedule's included, from which on no more can be asked for: all are kept on one item,
/// which DynamoDB bounds at 400 KB.
pub const MOST_ATTEMPTS: u32 = 50;

/// Why a delivery was not attempted: its endpoint was disabled. Shown to the owner.
pub const SKIPPED_DISABLED: &str = "endpoint disabled";

/// A message on its way to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id.
    pub id: DeliveryId,
    /// What is delivered.
    pub message_id: MessageId,
    /// Where to.
    pub endpoint_id: EndpointId,
    /// Whose both are.
    pub organization_id: OrganizationId,
    /// The message's type.
    pub event_type: String,
    /// How far it is.
    pub status: DeliveryStatus,
    /// What has been tried, in order.
    pub attempts: Vec<Attempt>,
    /// How many of the attempts were the schedule's.
    pub scheduled: u32,
    /// When the next attempt is due, while one is.
    pub next_retry_at: Option<Timestamp>,
    /// Set when it was ended without being attempted (further): why.
    pub skipped: Option<String>,
    /// What the receiver has asked for in its last answer.
    pub directive: Option<Directive>,
    /// How often its schedule's next attempt was taken by a worker.
    pub tries: u32,
    /// Who has taken its schedule's latest attempt, and until when.
    pub claim: Option<Claimed>,
    /// The latest attempt that somebody asked for.
    pub manual: Option<ManualAttempt>,
    /// When it last changed; it was made at the id's time.
    pub updated_at: Timestamp,
}

/// An attempt taken by a worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claimed {
    /// What the worker is known by.
    pub by: Claimant,
    /// Until when nobody else may make the attempt; absent once it is recorded.
    pub until: Option<Timestamp>,
}

/// What a worker is known by on the rows that it works at: the same whenever the same queue record comes again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claimant(pub u64);

/// An attempt that somebody asked for, beside the schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManualAttempt {
    /// Who asked.
    pub request: ManualRequest,
    /// Until when nobody else may make it; absent once it is recorded.
    pub until: Option<Timestamp>,
}

/// What one asking for an attempt is known by: the same however often its record comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ManualRequest(pub u64);

/// Which attempt of a delivery is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    /// The schedule's attempt of that number, from 1.
    Scheduled(u32),
    /// The one that was asked for.
    Manual(ManualRequest),
}

/// How far a delivery is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// No attempt has finished.
    Pending,
    /// The receiver has it.
    Delivered,
    /// The last attempt failed and another will follow.
    Failed,
    /// Over without success.
    Exhausted,
}

/// One HTTP request of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// Its place among all attempts of the delivery, from 1.
    pub number: u32,
    /// When it began.
    pub at: Timestamp,
    /// Where it went; absent when to the same URL as the attempt before it.
    pub url: Option<String>,
    /// The answer's status, if there was an answer.
    pub http_status: Option<u16>,
    /// From its begin to the last byte read.
    pub latency: Duration,
    /// What went wrong when there was no answer, in words safe to show.
    pub error: Option<String>,
    /// The first [`SNIPPET_BYTES`] of the answer; absent when it was empty.
    pub response: Option<String>,
    /// What made it.
    pub trigger: Trigger,
}

/// What made an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trigger {
    /// The schedule.
    Scheduled,
    /// Somebody's asking.
    Manual,
}

impl DeliveryStatus {
    /// The word of the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Exhausted => "exhausted",
        }
    }

    /// The status of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Pending, Self::Delivered, Self::Failed, Self::Exhausted].into_iter().find(|s| s.as_str() == word)
    }

    /// Whether another attempt of the schedule follows, or the first one.
    #[must_use]
    pub fn is_open(self) -> bool {
        matches!(self, Self::Pending | Self::Failed)
    }

    /// The status that a delivery gets when `next` follows, and when the next attempt is due; none when it keeps both.
    #[must_use]
    pub fn after(next: Next) -> Option<(Self, Option<Timestamp>)> {
        match next {
            Next::Delivered => Some((Self::Delivered, None)),
            Next::RetryAt(at) => Some((Self::Failed, Some(at))),
            Next::Exhausted | Next::Ended => Some((Self::Exhausted, None)),
            Next::Unchanged => None,
        }
    }
}

impl Trigger {
    /// The word of the log.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Manual => "manual",
        }
    }
}

impl Turn {
    /// What makes an attempt of this turn.
    #[must_use]
    pub fn trigger(self) -> Trigger {
        match self {
            Self::Scheduled(_) => Trigger::Scheduled,
            Self::Manual(_) => Trigger::Manual,
        }
    }
}

impl Attempt {
    /// The record of an attempt that ended so.
    #[must_use]
    pub fn record(number: u32, at: Timestamp, latency: Duration, outcome: &Outcome, trigger: Trigger) -> Self {
        let (http_status, error, response) = match outcome {
            Outcome::Answered(answer) => (Some(answer.status), None, snippet(&answer.body)),
            Outcome::Failed(failure) => (None, Some(failure.to_string()), None),
        };
        Self { number, at, url: None, http_status, latency, error, response, trigger }
    }

    /// Whether the receiver took the message.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        self.http_status.is_some_and(|status| (200..300).contains(&status))
    }
}

/// The part of a response that is kept with its attempt.
fn snippet(body: &[u8]) -> Option<String> {
    let start = body.get(..SNIPPET_BYTES).unwrap_or(body);
    let mut text = String::from_utf8_lossy(start).into_owned();
    // What stands for a byte that is no text is three bytes long.
    text.truncate(text.floor_char_boundary(SNIPPET_BYTES));
    (!text.is_empty()).then_some(text)
}

/// Which message a delivery takes where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// What is delivered.
    pub message_id: MessageId,
    /// Where to.
    pub endpoint_id: EndpointId,
    /// Whose both are.
    pub organization_id: OrganizationId,
    /// The message's type.
    pub event_type: String,
}

impl Delivery {
    /// A delivery that waits for its first attempt.
    #[must_use]
    pub fn waiting(id: DeliveryId, route: Route, now: Timestamp) -> Self {
        Self {
            id,
            message_id: route.message_id,
            endpoint_id: route.endpoint_id,
            organization_id: route.organization_id,
            event_type: route.event_type,
            status: DeliveryStatus::Pending,
            attempts: Vec::new(),
            scheduled: 0,
            next_retry_at: None,
            skipped: None,
            directive: None,
            tries: 0,
            claim: None,
            manual: None,
            updated_at: now,
        }
    }

    /// Whether its message's acceptance made it, and nobody's asking.
    #[must_use]
    pub fn is_first(&self) -> bool {
        self.id == DeliveryId::first(self.message_id, self.endpoint_id)
    }

    /// Whether it was ended without being attempted (further).
    #[must_use]
    pub fn was_skipped(&self) -> bool {
        self.status == DeliveryStatus::Exhausted && self.skipped.is_some()
    }

    /// How many attempts have finished.
    #[must_use]
    pub fn attempt_count(&self) -> u32 {
        u32::try_from(self.attempts.len()).unwrap_or(u32::MAX)
    }

    /// The last answer's beginning.
    #[must_use]
    pub fn response_snippet(&self) -> Option<&str> {
        self.attempts.last()?.response.as_deref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_snippet_is_at_most_the_first_bytes_and_always_text() {
        assert_eq!(snippet(b""), None);
        assert_eq!(snippet(b"ok").as_deref(), Some("ok"));
        assert_eq!(snippet(&vec![b'x'; 20_000]).map(|text| text.len()), Some(SNIPPET_BYTES));
        assert_eq!(snippet(b"a\xff").as_deref(), Some("a\u{fffd}"));
        assert_eq!(snippet(&vec![0xff; 20_000]).map(|text| text.len()), Some(SNIPPET_BYTES / 3 * 3));
    }

    #[test]
    fn every_status_is_found_by_its_word() {
        for word in ["pending", "delivered", "failed", "exhausted"] {
            assert_eq!(DeliveryStatus::named(word).map(DeliveryStatus::as_str), Some(word));
        }
        assert_eq!(DeliveryStatus::named("skipped"), None);
    }
}
