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

/// How many organizations are kept at most.
const CAPACITY: usize = 1_000;

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
    /// An error here is ours: the secret was sealed under another key.
    pub(crate) secrets: Result<EndpointSecrets, SealError>,
    /// An error here is the owner's: the policy has changed since the URL was accepted.
    pub(crate) url: Result<TargetUrl, TargetError>,
}

/// The organizations read lately.
pub(crate) struct Organizations {
    lifetime: Duration,
    policy: TargetPolicy,
    /// Never locked across an await.
    known: Mutex<HashMap<OrganizationId, Arc<Slot>>>,
}

/// What was read of one organization, absence included, and when. Locked while it is read anew, so that the records
/// of a batch share one read.
type Slot = tokio::sync::Mutex<Option<(Timestamp, Option<Arc<Organization>>)>>;

impl Organizations {
    pub(crate) fn new(scale: TimeScale, policy: TargetPolicy) -> Self {
        Self { lifetime: scale.apply(LIFETIME), policy, known: Mutex::default() }
    }

    /// The organization as it was at most five seconds ago, and no older than `revision`.
    pub(crate) async fn get(
        &self,
        table: &Table,
        keys: &Keys,
        id: &OrganizationId,
        revision: Option<u64>,
    ) -> Result<Option<Arc<Organization>>, AwsError> {
        let slot = self.slot(id);
        let mut known = slot.lock().await;
        if let Some((read_at, organization)) = &*known {
            let seen = organization.as_ref().map_or(0, |organization| organization.record.revision);
            let fresh = Timestamp::now() < after(*read_at, self.lifetime);
            if fresh && revision.is_none_or(|revision| revision <= seen) {
                return Ok(organization.clone());
            }
        }
        let read_at = Timestamp::now();
        // Only a read that must see a certain write pays for seeing all of them.
        let organization = table.organization(id, revision.is_some()).await?;
        let organization = organization.map(|organization| {
            let endpoints = organization.endpoints.into_iter().map(|endpoint| Arc::new(self.target(endpoint, keys)));
            Arc::new(Organization { record: organization.record, endpoints: endpoints.collect() })
        });
        *known = Some((read_at, organization.clone()));
        Ok(organization)
    }

    fn slot(&self, id: &OrganizationId) -> Arc<Slot> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CAPACITY && !known.contains_key(id) {
            known.clear();
        }
        Arc::clone(known.entry(id.clone()).or_default())
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
