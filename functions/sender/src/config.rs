//! The sender's configuration, from the environment that `template.yaml` sets.

use std::time::Duration;

use hookbell_aws::environment::{EnvironmentError, parsed, required, retention, target_policy};
use hookbell_domain::target::TargetPolicy;
use hookbell_domain::time::TimeScale;

/// What the deployment decides for the sender.
#[derive(Debug, Clone)]
pub(crate) struct Config {
    /// The deployment's stack, by which its metrics are known.
    pub(crate) stack: String,
    pub(crate) table: String,
    pub(crate) retention: Duration,
    pub(crate) encryption_key_secret: String,
    pub(crate) events_dead_letter_queue: String,
    pub(crate) deliveries_queue: String,
    /// By this a record of the deliveries queue is known.
    pub(crate) deliveries_queue_arn: String,
    /// Where the deliveries of ordered endpoints stand in line.
    pub(crate) deliveries_fifo_queue: String,
    /// By this a record of that queue is known.
    pub(crate) deliveries_fifo_queue_arn: String,
    pub(crate) deliveries_dead_letter_queue: String,
    pub(crate) parked_queue: String,
    pub(crate) target_policy: TargetPolicy,
    pub(crate) time_scale: TimeScale,
    /// How many attempts one instance makes at once.
    pub(crate) concurrency: usize,
    pub(crate) body_limit: usize,
}

impl Config {
    pub(crate) fn from_environment() -> Result<Self, EnvironmentError> {
        Ok(Self {
            stack: required("STACK_NAME")?,
            table: required("TABLE_NAME")?,
            retention: retention()?,
            encryption_key_secret: required("ENCRYPTION_KEY_SECRET_ARN")?,
            events_dead_letter_queue: required("EVENTS_DEAD_LETTER_QUEUE_URL")?,
            deliveries_queue: required("DELIVERIES_QUEUE_URL")?,
            deliveries_queue_arn: required("DELIVERIES_QUEUE_ARN")?,
            deliveries_fifo_queue: required("DELIVERIES_FIFO_QUEUE_URL")?,
            deliveries_fifo_queue_arn: required("DELIVERIES_FIFO_QUEUE_ARN")?,
            deliveries_dead_letter_queue: required("DELIVERIES_DEAD_LETTER_QUEUE_URL")?,
            parked_queue: required("PARKED_QUEUE_URL")?,
            target_policy: target_policy()?,
            time_scale: parsed("TIME_SCALE")?,
            concurrency: parsed::<std::num::NonZeroUsize>("CONCURRENCY")?.get(),
            body_limit: parsed("BODY_LIMIT_BYTES")?,
        })
    }
}
