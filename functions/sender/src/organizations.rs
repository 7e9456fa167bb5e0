//! Organizations with their endpoints, kept for five seconds: one Query per organization and instance in that time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hookbell_aws::AwsError;
use hookbell_aws::sealing::{Keys, SealError};
use hookbell_aws::table::{OrganizationRecord, StoredEndpoint, Table};
use hookbell_domain::endpoint::{Endpoint, EndpointSecrets};
use hookbell_domain::ids::{EndpointId, OrganizationId};
use hookbell_domain::target::{TargetError, TargetPolicy, TargetUrl};
use hookbell_domain::time::{TimeScale, after};
use jiff::Timestamp;

/// How long what was read is used, before scaling.
const LIFETIME: Duration = Duration::from_secs(5);

/// How many endpoints may have been read before all is forgotten: some ten megabytes.
const CAPACITY: usize = 5_000;

/// An organization, ready to be sent to.
#[derive(Debug)]
pub(crate) struct Organization {
    pub(crate) record: OrganizationRecord,
    pub(crate) endpoints: Vec<Arc<Target>>,
}

/// An endpoint, ready to be sent to.
#[derive(Debug)]
pub(crate) struct Target {
    pub(crate) endpoint: Endpoint,
    /// What signs its requests, and the headers that go with them. An error here is ours: they were sealed under
    /// another key.
    pub(crate) secrets: Result<EndpointSecrets, SealError>,
    /// An error here is the owner's: the policy has changed since the URL was accepted.
    pub(crate) url: Result<TargetUrl, TargetError>,
}

/// How new a picture of an organization has to be.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Freshness {
    /// Five seconds old at most: for the ordinary case.
    Cached,
    /// Showing that revision at least: for an event whose acceptance saw it.
    Revision(u64),
    /// Read since then, seeing every write that was answered: before something is dropped, skipped or refused.
    Since(Timestamp),
}

/// The organizations read lately.
pub(crate) struct Organizations {
    lifetime: Duration,
    policy: TargetPolicy,
    /// By id, and how many endpoints were read. Never locked across an await.
    known: Mutex<(HashMap<OrganizationId, Arc<Slot>>, usize)>,
}

/// What was read of one organization. Locked while it is read anew, so that the records of a batch share one read.
type Slot = tokio::sync::Mutex<Option<Picture>>;

/// An organization as it was, or its absence.
#[derive(Clone)]
struct Picture {
    organization: Option<Arc<Organization>>,
    read_at: Timestamp,
    consistent: bool,
}

impl Picture {
    fn is_new_enough(&self, wanted: Freshness, lifetime: Duration) -> bool {
        let revision = self.organization.as_ref().map_or(0, |organization| organization.record.revision);
        let lives = Timestamp::now() < after(self.read_at, lifetime);
        match wanted {
            Freshness::Cached => lives,
            Freshness::Revision(wanted) => lives && wanted <= revision,
            Freshness::Since(time) => self.consistent && time <= self.read_at,
        }
    }
}

impl Organizations {
    pub(crate) fn new(scale: TimeScale, policy: TargetPolicy) -> Self {
        Self { lifetime: scale.apply(LIFETIME), policy, known: Mutex::default() }
    }

    /// The organization, in a picture that is new enough.
    pub(crate) async fn get(
        &self,
        table: &Table,
        keys: &Keys,
        id: &OrganizationId,
        wanted: Freshness,
    ) -> Result<Option<Arc<Organization>>, AwsError> {
        let slot = self.slot(id);
        let mut known = slot.lock().await;
        if let Some(picture) = known.as_ref().filter(|picture| picture.is_new_enough(wanted, self.lifetime)) {
            return Ok(picture.organization.clone());
        }
        let read_at = Timestamp::now();
        // Only a read that must see a certain write pays for seeing all of them.
        let consistent = !matches!(wanted, Freshness::Cached);
        let found = table.organization(id, consistent).await?;
        keys.meet(found.iter().flat_map(|found| &found.endpoints).flat_map(StoredEndpoint::sealed)).await?;
        let organization = found.map(|organization| {
            let endpoints = organization.endpoints.into_iter().map(|endpoint| Arc::new(self.target(endpoint, keys)));
            Arc::new(Organization { record: organization.record, endpoints: endpoints.collect() })
        });
        self.count(organization.as_ref().map_or(1, |organization| organization.endpoints.len() + 1));
        *known = Some(Picture { organization: organization.clone(), read_at, consistent });
        Ok(organization)
    }

    fn slot(&self, id: &OrganizationId) -> Arc<Slot> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.0.entry(id.clone()).or_default())
    }

    /// Counts what was read, and forgets everything when it has become much.
    fn count(&self, read: usize) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.1 += read;
        if known.1 > CAPACITY {
            *known = (HashMap::new(), read);
        }
    }

    fn target(&self, stored: StoredEndpoint, keys: &Keys) -> Target {
        Target {
            secrets: stored.open_secrets(keys),
            url: TargetUrl::parse(&stored.endpoint.url, usize::MAX, &self.policy),
            endpoint: stored.endpoint,
        }
    }
}

impl Organization {
    /// The endpoint of that id.
    pub(crate) fn target(&self, id: EndpointId) -> Option<&Arc<Target>> {
        self.endpoints.iter().find(|target| target.endpoint.id == id)
    }
}
