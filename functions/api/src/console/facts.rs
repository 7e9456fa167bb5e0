//! What a page says of one endpoint.

use hookbell_aws::table::StoredEndpoint;
use hookbell_domain::endpoint::{EVERY_TYPE, RateLimit};
use hookbell_domain::headers::CustomHeaders;
use hookbell_domain::signature::PublicKey;
use jiff::Timestamp;

use super::endpoints::name;
use super::show::{Badge, Moment, field_time, indented};
use crate::health::Trouble;

/// What stands in the configuration of an endpoint, and above it.
pub(super) struct Facts {
    pub(super) id: String,
    /// What somebody else calls it.
    pub(super) uid: Option<String>,
    pub(super) name: String,
    pub(super) url: String,
    pub(super) status: Badge,
    /// Why and since when nothing is sent to it.
    pub(super) disabled: Option<Disabled>,
    /// What speaks against it while it is enabled.
    pub(super) trouble: Option<TroubleShown>,
    /// Deliveries in a row that have used up their attempts.
    pub(super) failures: u32,
    /// By name; none where it is all of them.
    pub(super) event_types: Vec<String>,
    pub(super) every_type: bool,
    pub(super) ordered: bool,
    pub(super) rate_limit: Option<u32>,
    pub(super) svix_headers: bool,
    /// What verifies its other signature.
    pub(super) public_key: Option<String>,
    /// By name. What they are set to may be a credential, and stands in the form alone.
    pub(super) headers: Vec<String>,
    pub(super) filter: Option<String>,
    pub(super) created: Moment,
    pub(super) updated: Moment,
}

/// Why and since when nothing is sent to an endpoint.
pub(super) struct Disabled {
    /// Absent where its owner has done it.
    pub(super) reason: Option<String>,
    pub(super) at: Moment,
    /// From when on a replay would bring what it has missed, as a field for dates has it.
    pub(super) since: String,
}

/// That the latest attempts have failed.
pub(super) struct TroubleShown {
    pub(super) since: Moment,
    /// Whether deliveries wait, but for probes.
    pub(super) open: bool,
    pub(super) next_probe: Moment,
    pub(super) failed_attempts: u32,
}

impl Facts {
    /// Of an endpoint with its opened headers.
    pub(super) fn new(stored: &StoredEndpoint, headers: &CustomHeaders, now: Timestamp) -> Self {
        let (endpoint, options) = (&stored.endpoint, &stored.endpoint.options);
        let every_type = endpoint.event_types.iter().any(|name| name == EVERY_TYPE);
        Self {
            id: endpoint.id.to_string(),
            uid: endpoint.uid.as_ref().map(ToString::to_string),
            name: name(endpoint).to_owned(),
            url: endpoint.url.clone(),
            status: Badge::of_endpoint(endpoint, now),
            disabled: endpoint.disabled.as_ref().map(|disabled| Disabled {
                reason: disabled.reason.clone(),
                at: Moment::new(disabled.at, now),
                since: field_time(disabled.at),
            }),
            trouble: Trouble::of(endpoint, now).map(|trouble| TroubleShown {
                since: Moment::new(trouble.since, now),
                open: trouble.open,
                next_probe: Moment::due(trouble.next_probe.unwrap_or(now), now),
                failed_attempts: trouble.failed_attempts,
            }),
            failures: endpoint.health.consecutive_failures,
            event_types: if every_type { Vec::new() } else { endpoint.event_types.clone() },
            every_type,
            ordered: endpoint.ordered,
            rate_limit: options.rate_limit.map(RateLimit::per_second),
            svix_headers: options.svix_headers,
            public_key: options.v1a.as_ref().map(PublicKey::to_string),
            headers: headers.iter().map(|(name, _)| name.to_owned()).collect(),
            filter: options.filter.as_ref().map(|filter| indented(filter.text()).text),
            created: Moment::new(endpoint.created_at, now),
            updated: Moment::new(endpoint.updated_at, now),
        }
    }
}
