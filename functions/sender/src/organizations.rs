//! Organizations with their endpoints, kept for five seconds: one Query per organization and instance in that time.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use hookbell_aws::AwsError;
use hookbell_aws::sealing::{Keys, SealError};
use hookbell_aws::table::{OrganizationRecord, StoredEndpoint, Table};
use hookbell_domain::endpoint::{Endpoint, EndpointSecrets};
use hookbell_domain::filter::Matcher;
use hookbell_domain::ids::{EndpointId, OrganizationId};
use hookbell_domain::target::{TargetError, TargetPolicy, TargetUrl};
use hookbell_domain::time::{TimeScale, after};
use jiff::Timestamp;

/// How long what was read is used, before scaling.
pub(crate) const LIFETIME: Duration = Duration::from_secs(5);

/// How many endpoints may have been read before all is forgotten: some ten megabytes.
const CAPACITY: usize = 5_000;

/// Bytes of a filter that take as much memory, made ready, as an endpoint without one.
const FILTER_BYTES: usize = 256;

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
    /// Which messages it gets, where its owner has said so.
    pub(crate) filter: Option<Matcher>,
    /// When it was as it is here.
    pub(crate) read_at: Timestamp,
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
        let now = Timestamp::now();
        // One that was read later than now tells nothing of its age: the clock was set back.
        self.read_at <= now
            && match wanted {
                Freshness::Cached => now < after(self.read_at, lifetime),
                Freshness::Revision(wanted) => now < after(self.read_at, lifetime) && wanted <= revision,
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
            let endpoints =
                organization.endpoints.into_iter().map(|endpoint| Arc::new(self.target(endpoint, keys, read_at)));
            Arc::new(Organization { record: organization.record, endpoints: endpoints.collect() })
        });
        self.count(organization.as_ref().map_or(1, |organization| organization.weight()));
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

    fn target(&self, stored: StoredEndpoint, keys: &Keys, read_at: Timestamp) -> Target {
        Target {
            secrets: stored.open_secrets(keys),
            url: TargetUrl::parse(&stored.endpoint.url, usize::MAX, &self.policy),
            filter: stored.endpoint.options.filter.as_ref().map(Matcher::new),
            endpoint: stored.endpoint,
            read_at,
        }
    }
}

impl Organization {
    /// Whether the order of its events counts for one of its endpoints.
    pub(crate) fn is_ordered(&self) -> bool {
        self.endpoints.iter().any(|target| target.endpoint.ordered)
    }

    /// How many endpoints its memory is worth, and one for itself.
    fn weight(&self) -> usize {
        let filters = self.endpoints.iter().filter_map(|target| target.endpoint.options.filter.as_ref());
        1 + self.endpoints.len() + filters.map(|filter| filter.text().len() / FILTER_BYTES).sum::<usize>()
    }

    /// The endpoint of that id.
    pub(crate) fn target(&self, id: EndpointId) -> Option<&Arc<Target>> {
        self.endpoints.iter().find(|target| target.endpoint.id == id)
    }
}
