//! Endpoints: where an organization wants its events, which of them, and how that has been going.

use jiff::Timestamp;

use crate::filter::Filter;
use crate::headers::CustomHeaders;
use crate::ids::{EndpointId, EndpointUid, OrganizationId};
use crate::signature::{PublicKey, SigningKeyPair, SigningSecret};

/// The subscription to every type, those added later included.
pub const EVERY_TYPE: &str = "*";

/// Where an organization wants its events.
#[derive(Debug, Clone, PartialEq)]
pub struct Endpoint {
    /// Its id.
    pub id: EndpointId,
    /// Whose it is.
    pub organization_id: OrganizationId,
    /// What somebody else calls it.
    pub uid: Option<EndpointUid>,
    /// The receiver's URL, as its owner wrote it.
    pub url: String,
    /// The owner's name for it.
    pub description: Option<String>,
    /// The catalogue names it wants, or [`EVERY_TYPE`].
    pub event_types: Vec<String>,
    /// Whether its deliveries go out strictly one after another.
    pub ordered: bool,
    /// What its owner wants otherwise than most.
    pub options: EndpointOptions,
    /// Set while nothing is sent to it.
    pub disabled: Option<Disabled>,
    /// How its deliveries have been going.
    pub health: Health,
    /// When it was made.
    pub created_at: Timestamp,
    /// When its owner, or a rule, changed it last.
    pub updated_at: Timestamp,
}

/// What owners may want of an endpoint; by default nothing of it. Its custom headers are kept like a secret, and with
/// those: see [`EndpointSecrets`].
#[derive(Debug, Clone, Default, PartialEq)]
pub struct EndpointOptions {
    /// Verifies the asymmetric signature that its requests carry too; absent where they do not.
    pub v1a: Option<PublicKey>,
    /// Whether its requests carry the headers of the signature under the names that begin with `svix-` too.
    pub svix_headers: bool,
    /// How many messages a second it wants at most.
    pub rate_limit: Option<RateLimit>,
    /// Which messages of its event types it wants.
    pub filter: Option<Filter>,
}

/// Messages a second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct RateLimit(u32);

impl RateLimit {
    /// The most that can be asked for; beyond it there might as well be none.
    pub const MAX: u32 = 10_000;

    /// So many messages a second; none unless from 1 to [`RateLimit::MAX`].
    #[must_use]
    pub fn new(per_second: u32) -> Option<Self> {
        (1..=Self::MAX).contains(&per_second).then_some(Self(per_second))
    }

    /// Messages a second.
    #[must_use]
    pub fn per_second(self) -> u32 {
        self.0
    }
}

/// Why and since when nothing is sent to an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disabled {
    /// For its owner to read; absent when the owner did it.
    pub reason: Option<String>,
    /// Since then.
    pub at: Timestamp,
}

/// How an endpoint's deliveries have been going; all zero when the last one arrived. What follows from it is in
/// [`crate::health`] and [`crate::profile::AutoDisable`].
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Health {
    /// Exhausted deliveries in a row.
    pub consecutive_failures: u32,
    /// When the first of that row became exhausted.
    pub streak_started_at: Option<Timestamp>,
    /// When the first attempt failed after which none succeeded.
    pub failing_since: Option<Timestamp>,
    /// Failed attempts in a row: at least as many as that. Those beyond what opens the breaker need not be counted.
    pub failed_attempts: u32,
    /// Before then no probe goes out, for one is under way or has failed just now.
    pub probe_at: Option<Timestamp>,
}

impl Health {
    /// Whether a success has nothing to clear.
    #[must_use]
    pub fn is_clear(&self) -> bool {
        *self == Self::default()
    }
}

impl Endpoint {
    /// Whether events go out to it.
    #[must_use]
    pub fn is_enabled(&self) -> bool {
        self.disabled.is_none()
    }

    /// Whether it wants events of that type: named exactly, or by [`EVERY_TYPE`].
    #[must_use]
    pub fn subscribes_to(&self, event_type: &str) -> bool {
        self.event_types.iter().any(|wanted| wanted == event_type || wanted == EVERY_TYPE)
    }
}

/// What is kept sealed of an endpoint: its secrets (the current one, and old ones that still sign for a while), its key
/// pair, and the headers that its owner has added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndpointSecrets {
    /// The one that its owner is shown.
    pub current: SigningSecret,
    /// Earlier ones, newest first, each with the time its overlap ends.
    pub old: Vec<(SigningSecret, Timestamp)>,
    /// Signs too, where its owner wants that.
    pub key_pair: Option<SigningKeyPair>,
    /// Sent with every request.
    pub headers: CustomHeaders,
}

impl EndpointSecrets {
    /// The secrets that sign a request at `now`, the current one first.
    pub fn signing(&self, now: Timestamp) -> impl Iterator<Item = &SigningSecret> {
        let old = self.old.iter().filter(move |(_, until)| *until > now).map(|(secret, _)| secret);
        std::iter::once(&self.current).chain(old)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(event_types: &[&str]) -> Endpoint {
        Endpoint {
            id: EndpointId::new(Timestamp::UNIX_EPOCH, 1),
            organization_id: "org_1".parse().unwrap(),
            uid: None,
            url: "https://example.com/".to_owned(),
            description: None,
            event_types: event_types.iter().map(|name| (*name).to_owned()).collect(),
            ordered: false,
            options: EndpointOptions::default(),
            disabled: None,
            health: Health::default(),
            created_at: Timestamp::UNIX_EPOCH,
            updated_at: Timestamp::UNIX_EPOCH,
        }
    }

    #[test]
    fn a_list_of_types_is_exact_and_the_star_takes_all() {
        let listed = endpoint(&["environment.started"]);
        assert!(listed.subscribes_to("environment.started"));
        assert!(!listed.subscribes_to("environment"));
        assert!(!listed.subscribes_to("environment.started.later"));
        assert!(endpoint(&["*"]).subscribes_to("added.tomorrow"));
    }

    #[test]
    fn a_rate_limit_is_between_one_and_ten_thousand() {
        assert_eq!(
            [0, 1, 10_000, 10_001].map(|n| RateLimit::new(n).map(RateLimit::per_second)),
            [None, Some(1), Some(10_000), None]
        );
    }

    #[test]
    fn an_old_secret_signs_until_its_overlap_ends() {
        let (new, old) = (SigningSecret::new([1; 32]), SigningSecret::new([2; 32]));
        let end = Timestamp::from_second(100).unwrap();
        let secrets = EndpointSecrets {
            current: new.clone(),
            old: vec![(old.clone(), end)],
            key_pair: None,
            headers: CustomHeaders::default(),
        };
        assert_eq!(secrets.signing(Timestamp::from_second(99).unwrap()).collect::<Vec<_>>(), [&new, &old]);
        assert_eq!(secrets.signing(end).collect::<Vec<_>>(), [&new]);
    }
}
