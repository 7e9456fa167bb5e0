//! One configuration for all AWS clients of a process.

use std::time::Duration;

pub use aws_config::SdkConfig;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::config::SharedCredentialsProvider;

use crate::environment::{EnvironmentError, optional, required};

/// As Lambda gives it: region and credentials in the environment (AWS Lambda, "Defined runtime environment variables").
///
/// The chain of everywhere else that they could be is not looked through: it takes half a megabyte of the binary, and its
/// time at each cold start.
///
/// # Errors
/// When no region is set.
pub fn on_lambda() -> Result<SdkConfig, EnvironmentError> {
    let mut config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(required("AWS_REGION")?))
        .credentials_provider(SharedCredentialsProvider::new(EnvironmentVariableCredentialsProvider::new()))
        .timeout_config(timeouts())
        .retry_config(retries())
        // It watches over streams that are long or slow; ours are neither, and have their timeouts.
        .stalled_stream_protection(StalledStreamProtectionConfig::disabled());
    let endpoint = optional("AWS_ENDPOINT_URL");
    if !endpoint.is_empty() {
        config = config.endpoint_url(endpoint);
    }
    Ok(config.build())
}

/// As the machine of an operator has it, in any of the places where AWS's tools look.
pub async fn of_operator() -> SdkConfig {
    aws_config::defaults(BehaviorVersion::latest()).timeout_config(timeouts()).retry_config(retries()).load().await
}

/// Short enough to leave time for a second try: without bounds a lost packet would cost an invocation its whole time.
fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(2))
        .operation_attempt_timeout(Duration::from_secs(5))
        .operation_timeout(Duration::from_secs(12))
        .build()
}

fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(4)
}
