//! The API's configuration, from the environment that `template.yaml` sets.

use std::time::Duration;

use hookbell_aws::environment::{EnvironmentError, optional, parsed, required, retention, target_policy};
use hookbell_aws::table::OrganizationRecord;
use hookbell_domain::limits::Limits;
use hookbell_domain::profile::Profile;
use hookbell_domain::target::TargetPolicy;

/// What the deployment decides for the API.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The deployment's stack, by which its metrics are known.
    pub(crate) stack: String,
    pub(crate) table: String,
    pub(crate) retention: Duration,
    pub(crate) events_queue: String,
    /// The same, in order.
    pub(crate) events_fifo_queue: String,
    pub(crate) deliveries_queue: String,
    /// Where the deliveries of ordered endpoints stand in line.
    pub(crate) deliveries_fifo_queue: String,
    pub(crate) admin_key_secret: String,
    pub(crate) encryption_key_secret: String,
    pub(crate) default_profile: &'static Profile,
    pub(crate) target_policy: TargetPolicy,
    pub(crate) limits: Limits,
    /// Where clients reach the API, if they do by another URL than API Gateway's; empty otherwise.
    pub(crate) public_url: String,
    /// Who may put the console into a frame, as sources of a policy (CSP, `frame-ancestors`); empty for nobody.
    pub(crate) frame_ancestors: String,
}

impl Config {
    pub(crate) fn from_environment() -> Result<Self, EnvironmentError> {
        Ok(Self {
            stack: required("STACK_NAME")?,
            table: required("TABLE_NAME")?,
            retention: retention()?,
            events_queue: required("EVENTS_QUEUE_URL")?,
            events_fifo_queue: required("EVENTS_FIFO_QUEUE_URL")?,
            deliveries_queue: required("DELIVERIES_QUEUE_URL")?,
            deliveries_fifo_queue: required("DELIVERIES_FIFO_QUEUE_URL")?,
            admin_key_secret: required("ADMIN_KEY_SECRET_ARN")?,
            encryption_key_secret: required("ENCRYPTION_KEY_SECRET_ARN")?,
            default_profile: default_profile()?,
            target_policy: target_policy()?,
            limits: Limits {
                endpoints_per_organization: parsed("ENDPOINT_LIMIT")?,
                body_bytes: parsed("BODY_LIMIT_BYTES")?,
                description_length: parsed("DESCRIPTION_LIMIT")?,
                url_length: parsed("URL_LIMIT")?,
                custom_headers: parsed("CUSTOM_HEADER_LIMIT")?,
                custom_header_bytes: parsed("CUSTOM_HEADER_BYTES_LIMIT")?,
                old_secrets: parsed("OLD_SECRET_LIMIT")?,
                page_size: parsed("PAGE_LIMIT")?,
                calls_per_minute: parsed("RATE_LIMIT_PER_MINUTE")?,
            },
            public_url: optional("PUBLIC_URL"),
            frame_ancestors: optional("CONSOLE_FRAME_ANCESTORS"),
        })
    }
}

impl Config {
    /// Where an accepted event goes: in order, where the organization has an endpoint that wants that.
    pub(crate) fn events_queue(&self, organization: &OrganizationRecord) -> &str {
        if organization.is_ordered { &self.events_fifo_queue } else { &self.events_queue }
    }
}

fn default_profile() -> Result<&'static Profile, EnvironmentError> {
    let name = required("DEFAULT_PROFILE")?;
    Profile::named(&name).ok_or_else(|| EnvironmentError::Invalid {
        name: "DEFAULT_PROFILE",
        cause: format!("{name:?} is not one of the profiles in events/"),
    })
}
