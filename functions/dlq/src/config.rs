//! The dead-letter function's configuration, from the environment that `template.yaml` sets.

use std::time::Duration;

use hookbell_aws::environment::{EnvironmentError, parsed, required, retention};
use hookbell_domain::time::TimeScale;

/// What the deployment decides for the dead-letter function.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The deployment's stack, by which its metrics are known.
    pub(crate) stack: String,
    pub(crate) table: String,
    pub(crate) retention: Duration,
    pub(crate) events_queue: String,
    pub(crate) deliveries_queue: String,
    pub(crate) parked_queue: String,
    pub(crate) owners_topic: String,
    pub(crate) time_scale: TimeScale,
}

impl Config {
    pub(crate) fn from_environment() -> Result<Self, EnvironmentError> {
        Ok(Self {
            stack: required("STACK_NAME")?,
            table: required("TABLE_NAME")?,
            retention: retention()?,
            events_queue: required("EVENTS_QUEUE_URL")?,
            deliveries_queue: required("DELIVERIES_QUEUE_URL")?,
            parked_queue: required("PARKED_QUEUE_URL")?,
            owners_topic: required("OWNERS_TOPIC_ARN")?,
            time_scale: parsed("TIME_SCALE")?,
        })
    }
}
