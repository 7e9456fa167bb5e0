//! Deliveries that have ended without success, on the way to whoever draws the conclusions.

use std::str::FromStr;

use hookbell_domain::ids::{DeliveryId, EndpointId, OrganizationId};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::{UnreadableRecord, read};

/// A delivery that has ended without success: a record of the deliveries' dead-letter queue.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ended {
    /// Whose.
    pub organization_id: OrganizationId,
    /// Where it was to go.
    pub endpoint_id: EndpointId,
    /// Which delivery.
    pub delivery_id: DeliveryId,
    /// Why it has ended.
    pub ended_because: EndedBecause,
    /// When, unix milliseconds.
    pub ended_at: i64,
    /// When the endpoint had changed last, as far as the attempt knew, unix milliseconds; absent where that is not known any
    /// more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint_as_of: Option<i64>,
}

/// Why a delivery that ended concerns its endpoint.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EndedBecause {
    /// Its schedule is used up.
    Exhausted,
    /// The receiver answered 410.
    Gone,
    /// The receiver answered `webhook-delivery: disable`.
    Disable,
}

impl Ended {
    /// When it ended.
    #[must_use]
    pub fn ended_at(&self) -> Timestamp {
        Timestamp::from_millisecond(self.ended_at).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    /// Whether it is about the endpoint as it is, which changed last at `updated_at`: whether the attempt knew of that.
    #[must_use]
    pub fn is_about(&self, updated_at: Timestamp) -> bool {
        updated_at.as_millisecond() <= self.endpoint_as_of.unwrap_or(self.ended_at)
    }
}

impl FromStr for Ended {
    type Err = UnreadableRecord;

    fn from_str(body: &str) -> Result<Self, UnreadableRecord> {
        read(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_end_is_about_the_endpoint_as_its_attempt_knew_it_or_where_that_is_not_known_as_it_was_by_then() {
        let at = |ms| Timestamp::from_millisecond(ms).unwrap();
        let known = Ended {
            organization_id: "org_1".parse().unwrap(),
            endpoint_id: EndpointId::new(at(1), 1),
            delivery_id: DeliveryId::new(at(1), 2),
            ended_because: EndedBecause::Gone,
            ended_at: 9,
            endpoint_as_of: Some(4),
        };
        assert_eq!([4, 5, 9].map(|updated| known.is_about(at(updated))), [true, false, false]);
        let unknown = Ended { endpoint_as_of: None, ..known };
        assert_eq!([4, 9, 10].map(|updated| unknown.is_about(at(updated))), [true, true, false]);
    }
}
