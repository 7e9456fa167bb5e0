//! Replays: the deliveries of one endpoint in a range of time, sent once more, step by step.

use jiff::Timestamp;

use crate::delivery::DeliveryStatus;
use crate::ids::{DeliveryId, EndpointId, OrganizationId, ReplayId};

/// Why a replay stopped: its endpoint was disabled. Shown to the owner.
pub const STOPPED_DISABLED: &str = "endpoint disabled";

/// A replay and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replay {
    /// Its id: the same for the same wish.
    pub id: ReplayId,
    /// Whose.
    pub organization_id: OrganizationId,
    /// The endpoint whose deliveries are sent once more.
    pub endpoint_id: EndpointId,
    /// Deliveries made from then on.
    pub after: Timestamp,
    /// Deliveries made before then.
    pub before: Timestamp,
    /// Only deliveries that stood so when they were looked at.
    pub status: Option<DeliveryStatus>,
    /// How far it is.
    pub state: ReplayState,
    /// Why it stopped.
    pub stopped: Option<String>,
    /// How many steps are done.
    pub step: u32,
    /// Up to which delivery all were looked at.
    pub reached: Option<DeliveryId>,
    /// How many of them were sent once more.
    pub redelivered: u64,
    /// When it was asked for.
    pub began_at: Timestamp,
    /// When it last moved.
    pub updated_at: Timestamp,
}

/// How far a replay is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReplayState {
    /// Steps are still to be done.
    Running,
    /// It has come to the end of its range.
    Finished,
    /// It ended before its range did; asking for it again begins it anew.
    Stopped,
}

impl ReplayState {
    /// The word of the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Finished => "finished",
            Self::Stopped => "stopped",
        }
    }

    /// The state of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        [Self::Running, Self::Finished, Self::Stopped].into_iter().find(|state| state.as_str() == word)
    }
}
