//! How an endpoint fares, while it does not fare well.

use hookbell_domain::endpoint::Endpoint;
use hookbell_domain::health::State;
use hookbell_domain::time::iso_ms;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::openapi::words;

/// An endpoint whose latest attempts have all failed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = EndpointHealth)]
pub(crate) struct HealthView {
    #[schema(schema_with = words::health_state)]
    state: &'static str,
    /// When the first attempt failed after which none succeeded.
    #[schema(format = "date-time", example = "2026-05-30T14:23:00.000Z")]
    failing_since: String,
    /// When the next probe may go out. There while it is open and its time has not come.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time", example = "2026-05-30T14:23:00.000Z")]
    next_probe_at: Option<String>,
    /// Failed attempts in a row, or somewhat fewer.
    #[schema(example = 27)]
    failed_attempts: u32,
}

/// What speaks against an enabled endpoint.
pub(crate) struct Trouble {
    /// Whether its deliveries wait, but for probes.
    pub(crate) open: bool,
    /// When the first attempt failed after which none succeeded.
    pub(crate) since: Timestamp,
    /// When the next probe may go out, while its time has not come.
    pub(crate) next_probe: Option<Timestamp>,
    /// Failed attempts in a row.
    pub(crate) failed_attempts: u32,
}

impl Trouble {
    /// Of an endpoint; nothing while all is well, or while nothing is sent to it.
    pub(crate) fn of(endpoint: &Endpoint, now: Timestamp) -> Option<Self> {
        let health = &endpoint.health;
        // One that is slow has not failed.
        let since = health.failing_since?;
        let open = match health.state() {
            State::Well => return None,
            State::Failing => false,
            State::Open => true,
        };
        endpoint.is_enabled().then(|| Self {
            open,
            since,
            next_probe: health.probe_at.filter(|at| open && now < *at),
            failed_attempts: health.failed_attempts,
        })
    }
}

impl HealthView {
    /// Of an endpoint; nothing while all is well, or while nothing is sent to it.
    pub(crate) fn of(endpoint: &Endpoint, now: Timestamp) -> Option<Self> {
        let trouble = Trouble::of(endpoint, now)?;
        Some(Self {
            state: if trouble.open { "open" } else { "failing" },
            failing_since: iso_ms(trouble.since),
            next_probe_at: trouble.next_probe.map(iso_ms),
            failed_attempts: trouble.failed_attempts,
        })
    }
}
