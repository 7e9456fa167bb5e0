//! What an instance of the API holds.

use std::sync::Arc;

use hookbell_aws::clients::Aws;
use hookbell_aws::metrics::Metrics;
use hookbell_aws::queues::Queues;
use hookbell_aws::sealing::{Keys, SealError};
use hookbell_aws::secrets;
use hookbell_aws::table::{KeyHash, Organization, OrganizationRecord, StoredEndpoint, Table};
use hookbell_domain::ids::OrganizationId;
use hookbell_egress::Inspector;
use lambda_http::Error;

use crate::auth::known_keys::KnownKeys;
use crate::config::Config;
use crate::error::ApiError;

/// An instance's connections and keys.
pub(crate) struct Api {
    pub(crate) config: Config,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) table: Table,
    pub(crate) queues: Queues,
    pub(crate) keys: Keys,
    /// Judges where endpoints are to be.
    pub(crate) inspector: Inspector,
    /// Of the admin key too only the hash is kept: comparing hashes tells nothing of how much of a guess was right.
    pub(crate) admin_key: KeyHash,
    pub(crate) known_keys: KnownKeys,
}

impl Api {
    /// What the environment says that there is to be.
    pub(crate) async fn start() -> Result<Self, Error> {
        let config = Config::from_environment()?;
        let metrics = Arc::new(Metrics::new(config.stack.clone()));
        Self::new(&Aws::on_lambda(&metrics)?, metrics, config).await
    }

    async fn new(aws: &Aws, metrics: Arc<Metrics>, config: Config) -> Result<Self, Error> {
        let (admin_key, keys) = tokio::try_join!(
            secrets::read(aws, &config.admin_key_secret),
            Keys::load(aws, &config.encryption_key_secret),
        )?;
        Ok(Self {
            metrics,
            table: Table::new(aws, config.table.clone(), config.retention),
            queues: Queues::new(aws),
            keys,
            inspector: Inspector::new(config.target_policy.clone()),
            // Clients send the generated secret after "sk_".
            admin_key: KeyHash::of(&format!("sk_{admin_key}")),
            known_keys: KnownKeys::default(),
            config,
        })
    }

    /// The organization, without its endpoints.
    pub(crate) async fn organization_record(&self, id: &str) -> Result<OrganizationRecord, ApiError> {
        let id = parse_organization(id)?;
        self.table.organization_record(&id).await?.ok_or(NO_ORGANIZATION)
    }

    /// The organization with its endpoints, every change that was answered included.
    pub(crate) async fn organization(&self, id: &str) -> Result<Organization, ApiError> {
        let id = parse_organization(id)?;
        let found = self.table.organization(&id, true).await?.ok_or(NO_ORGANIZATION)?;
        self.keys.meet(found.endpoints.iter().flat_map(StoredEndpoint::sealed)).await?;
        Ok(found)
    }
}

/// The organization is not there, or not for this caller: nobody learns which.
pub(crate) const NO_ORGANIZATION: ApiError = ApiError::NotFound("Organization not found");

/// An organization's id from a path: what cannot be one belongs to no organization.
pub(crate) fn parse_organization(id: &str) -> Result<OrganizationId, ApiError> {
    id.parse().map_err(|_| NO_ORGANIZATION)
}

/// A failure to seal or to open a secret, logged here once: it is ours.
#[expect(clippy::needless_pass_by_value, reason = "it stands in map_err")]
pub(crate) fn sealing_failed(error: SealError) -> ApiError {
    tracing::error!(%error, "a secret was not sealed or opened");
    ApiError::Unavailable
}
