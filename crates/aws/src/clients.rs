//! One configuration for all AWS clients of a process.

use std::sync::Arc;
use std::time::Duration;

pub use aws_config::SdkConfig;
use aws_config::environment::EnvironmentVariableCredentialsProvider;
use aws_config::retry::RetryConfig;
use aws_config::stalled_stream_protection::StalledStreamProtectionConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, Region};
use aws_sdk_dynamodb::config::interceptors::FinalizerInterceptorContextRef;
use aws_sdk_dynamodb::config::{
    ConfigBag, Credentials, Intercept, RuntimeComponents, SharedCredentialsProvider, SharedInterceptor,
};
use aws_sdk_dynamodb::error::BoxError;

use crate::environment::{EnvironmentError, optional, required};
use crate::metrics::{Metric, Metrics};

/// How AWS is reached, and where it is counted that a call of it has failed.
#[derive(Debug, Clone)]
pub struct Aws {
    config: SdkConfig,
    metrics: Option<Arc<Metrics>>,
}

/// For whoever counts nothing.
impl From<SdkConfig> for Aws {
    fn from(config: SdkConfig) -> Self {
        Self { config, metrics: None }
    }
}

impl Aws {
    /// As Lambda gives it: region and credentials in the environment (AWS Lambda, "Defined runtime environment variables").
    ///
    /// The chain of everywhere else that they could be is not looked through: it takes half a megabyte of the binary, and
    /// its time at each cold start.
    ///
    /// # Errors
    /// When no region is set.
    pub fn on_lambda(metrics: &Arc<Metrics>) -> Result<Self, EnvironmentError> {
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
        Ok(Self { config: config.build(), metrics: Some(Arc::clone(metrics)) })
    }

    /// As the machine of an operator has it, in any of the places where AWS's tools look.
    pub async fn of_operator() -> Self {
        let config = aws_config::defaults(BehaviorVersion::latest());
        config.timeout_config(timeouts()).retry_config(retries()).load().await.into()
    }

    /// The same, for what lies in a region that is known; else the machine's own.
    pub async fn of_operator_in(region: Option<&str>) -> Self {
        let Self { config, metrics } = Self::of_operator().await;
        match region {
            Some(region) => {
                Self { config: config.into_builder().region(Region::new(region.to_owned())).build(), metrics }
            }
            None => Self { config, metrics },
        }
    }

    /// A local AWS, which takes any credentials: it gets made-up ones, never the machine's.
    #[must_use]
    pub fn local(endpoint: &str, region: &str) -> Self {
        let made_up = Credentials::new("test", "test", None, None, "local");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(made_up))
            .timeout_config(timeouts())
            .retry_config(retries())
            .endpoint_url(endpoint);
        config.build().into()
    }

    #[cfg(feature = "operator")]
    pub(crate) fn cloudformation(&self) -> aws_sdk_cloudformation::Client {
        aws_sdk_cloudformation::Client::new(&self.config)
    }

    pub(crate) fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        let mut config = aws_sdk_dynamodb::config::Builder::from(&self.config);
        if let Some(counting) = self.counting(is_condition) {
            config.push_interceptor(counting);
        }
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    pub(crate) fn sqs(&self) -> aws_sdk_sqs::Client {
        let mut config = aws_sdk_sqs::config::Builder::from(&self.config);
        if let Some(counting) = self.counting(|_| false) {
            config.push_interceptor(counting);
        }
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    pub(crate) fn sns(&self) -> aws_sdk_sns::Client {
        let mut config = aws_sdk_sns::config::Builder::from(&self.config);
        if let Some(counting) = self.counting(|_| false) {
            config.push_interceptor(counting);
        }
        aws_sdk_sns::Client::from_conf(config.build())
    }

    pub(crate) fn secrets(&self) -> aws_sdk_secretsmanager::Client {
        let mut config = aws_sdk_secretsmanager::config::Builder::from(&self.config);
        // A key that was never replaced has no value of the stage before.
        if let Some(counting) = self.counting(|told| told.starts_with("ResourceNotFoundException")) {
            config.push_interceptor(counting);
        }
        aws_sdk_secretsmanager::Client::from_conf(config.build())
    }

    fn counting(&self, is_answer: fn(&str) -> bool) -> Option<SharedInterceptor> {
        let metrics = self.metrics.clone()?;
        Some(SharedInterceptor::new(Counting { metrics, is_answer }))
    }
}

/// Counts the calls that fail after all tries, in the one place that all of them pass.
#[derive(Debug)]
struct Counting {
    metrics: Arc<Metrics>,
    /// Whether what an operation's error says is an answer that was asked for, and no failure.
    is_answer: fn(&str) -> bool,
}

impl Intercept for Counting {
    fn name(&self) -> &'static str {
        "Counting"
    }

    fn read_after_execution(
        &self,
        context: &FinalizerInterceptorContextRef<'_>,
        _: &RuntimeComponents,
        _: &mut ConfigBag,
    ) -> Result<(), BoxError> {
        if let Some(Err(error)) = context.output_or_error() {
            let is_answer = error.as_operation_error().is_some_and(|error| (self.is_answer)(&error.to_string()));
            self.metrics.count(Metric::AwsErrors, usize::from(!is_answer));
        }
        Ok(())
    }
}

/// Whether DynamoDB tells that a condition did not hold, or that two transactions met, of which one goes again.
fn is_condition(told: &str) -> bool {
    let met = |reason| told.starts_with("TransactionCanceledException") && told.contains(reason);
    told.starts_with("ConditionalCheckFailedException") || met("ConditionalCheckFailed") || met("TransactionConflict")
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
