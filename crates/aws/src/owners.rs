//! Telling the people who run the deployment: an SNS topic that they subscribe addresses to.

use hookbell_domain::endpoint::Endpoint;
use hookbell_domain::time::iso_ms;

use crate::AwsError;
use crate::clients::Aws;

/// The topic that owners subscribe to.
#[derive(Debug, Clone)]
pub struct OwnersTopic {
    client: aws_sdk_sns::Client,
    arn: String,
}

impl OwnersTopic {
    /// The topic of that ARN.
    #[must_use]
    pub fn new(aws: &Aws, arn: String) -> Self {
        Self { client: aws.sns(), arn }
    }

    /// Tells that an endpoint was disabled. May be told twice after a crash.
    ///
    /// # Errors
    /// When SNS does not take it.
    pub async fn endpoint_disabled(&self, endpoint: &Endpoint) -> Result<(), AwsError> {
        let (reason, at) = match &endpoint.disabled {
            Some(disabled) => (disabled.reason.as_deref().unwrap_or("not given"), iso_ms(disabled.at)),
            None => return Ok(()),
        };
        let message = format!(
            "Webhook endpoint {id} of organization {organization} was disabled at {at}.\n\
             URL: {url}\nReason: {reason}\n\
             Nothing is sent to it until it is enabled again: PATCH its status to \"enabled\".\n",
            id = endpoint.id,
            organization = endpoint.organization_id,
            url = endpoint.url,
        );
        self.client
            .publish()
            .topic_arn(&self.arn)
            .subject(format!("Webhook endpoint {} disabled", endpoint.id))
            .message(message)
            .send()
            .await
            .map_err(AwsError::sdk("Publish"))?;
        Ok(())
    }
}
