//! The deployed stack, as the file that `HOOKBELL_STACK` names describes it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use serde_json::Value;

use crate::api::Api;

/// Where everything of a deployed stack is.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Stack {
    /// The REST API, without a slash at the end.
    pub api_url: String,
    /// The key that may do everything.
    pub admin_key: String,
    /// Where producers put events.
    pub events_queue_url: String,
    /// Where producers put events in order.
    pub events_fifo_queue_url: String,
    /// Where deliveries wait for an attempt.
    pub deliveries_queue_url: String,
    /// Where deliveries of ordered endpoints wait in line.
    pub deliveries_fifo_queue_url: String,
    /// Where events lie that are none.
    pub events_dead_letter_queue_url: String,
    /// Where deliveries go that ended without success.
    pub deliveries_dead_letter_queue_url: String,
    /// Where deliveries lie that wait for a person.
    pub parked_queue_url: String,
    /// Where owners hear of disabled endpoints.
    pub owners_topic_arn: String,
    /// The table.
    pub table_name: String,
    /// The AWS that it is deployed to.
    pub aws_endpoint_url: String,
    /// Its region.
    pub region: String,
    /// The API function's name.
    pub api_function_name: String,
    /// The sender function's name.
    pub sender_function_name: String,
    /// The dead-letter function's name.
    pub dlq_function_name: String,
    /// The authority that the functions trust for receivers of this machine.
    pub ca_certificate: PathBuf,
    /// Such a receiver's certificate.
    pub server_certificate: PathBuf,
    /// And its key.
    pub server_key: PathBuf,
    /// What all waits are multiplied with.
    pub time_scale: f64,
}

impl Stack {
    /// The stack that `HOOKBELL_STACK` names.
    #[must_use]
    pub fn load() -> Self {
        let file = std::env::var("HOOKBELL_STACK").unwrap_or_else(|_| {
            panic!(
                "these tests need a running stack: run `make test`, or `make up` and set HOOKBELL_STACK=.local/stack.json"
            )
        });
        let mut path = PathBuf::from(&file);
        if path.is_relative() {
            // Tests run in their package's folder; the file is named from the workspace's.
            path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
        }
        let text = std::fs::read_to_string(&path)
            .unwrap_or_else(|error| panic!("HOOKBELL_STACK={file}: {error}; is the stack up? run `make up`"));
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("HOOKBELL_STACK={file}: {error}"))
    }

    /// Its API, with the admin key.
    #[must_use]
    pub fn api(&self) -> Api {
        Api::new(&self.api_url, &self.admin_key)
    }

    /// A wait of so many real seconds, as long as this stack makes it.
    #[must_use]
    pub fn scaled(&self, real: Duration) -> Duration {
        real.mul_f64(self.time_scale)
    }

    /// SQS.
    #[must_use]
    pub fn sqs(&self) -> aws_sdk_sqs::Client {
        use aws_sdk_sqs::config::{BehaviorVersion, Config, Credentials, Region};
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new("test", "test", None, None, "tests"))
            .region(Region::new(self.region.clone()))
            .endpoint_url(&self.aws_endpoint_url);
        aws_sdk_sqs::Client::from_conf(config.build())
    }

    /// SNS.
    #[must_use]
    pub fn sns(&self) -> aws_sdk_sns::Client {
        use aws_sdk_sns::config::{BehaviorVersion, Config, Credentials, Region};
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new("test", "test", None, None, "tests"))
            .region(Region::new(self.region.clone()))
            .endpoint_url(&self.aws_endpoint_url);
        aws_sdk_sns::Client::from_conf(config.build())
    }

    /// `DynamoDB`.
    #[must_use]
    pub fn dynamodb(&self) -> aws_sdk_dynamodb::Client {
        use aws_sdk_dynamodb::config::{BehaviorVersion, Config, Credentials, Region};
        let config = Config::builder()
            .behavior_version(BehaviorVersion::latest())
            .credentials_provider(Credentials::new("test", "test", None, None, "tests"))
            .region(Region::new(self.region.clone()))
            .endpoint_url(&self.aws_endpoint_url);
        aws_sdk_dynamodb::Client::from_conf(config.build())
    }

    /// Calls a service of the AWS that it is deployed to, of which tests bring no client.
    pub async fn call(
        &self,
        service: &str,
        method: http::Method,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<String>,
    ) -> String {
        let mut request = self.signed(method, path, service).body(body.into());
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = request.send().await.unwrap();
        let (status, text) = (answer.status(), String::from_utf8(answer.bytes().await.unwrap().to_vec()).unwrap());
        assert!(status.is_success(), "{service} {path}: {status} {text}");
        text
    }

    /// The environment that the template gives a function, as it was deployed.
    pub async fn environment_of(&self, function_name: &str) -> BTreeMap<String, String> {
        let configuration = self.configuration_of(function_name).await;
        let variables = configuration["Environment"]["Variables"].clone();
        serde_json::from_value(variables).unwrap_or_else(|_| panic!("no environment in {configuration}"))
    }

    /// How a function is deployed.
    pub async fn configuration_of(&self, function_name: &str) -> Value {
        self.lambda(&format!("/2015-03-31/functions/{function_name}/configuration")).await
    }

    /// What Lambda says at a path.
    pub(crate) async fn lambda(&self, path: &str) -> Value {
        let answer = self.signed(reqwest::Method::GET, path, "lambda").send().await.unwrap();
        serde_json::from_slice(&answer.bytes().await.unwrap()).unwrap()
    }

    /// A call of a service, by the key that may do everything.
    pub(crate) fn signed(&self, method: reqwest::Method, path: &str, service: &str) -> reqwest::RequestBuilder {
        // The local AWS asks whose key a request carries, and does not check the signature.
        let key = format!(
            "AWS4-HMAC-SHA256 Credential=test/20260101/{}/{service}/aws4_request, SignedHeaders=host, Signature=0",
            self.region
        );
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client.request(method, format!("{}{path}", self.aws_endpoint_url)).header("authorization", key)
    }
}
