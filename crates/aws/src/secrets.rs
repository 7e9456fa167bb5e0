//! Secrets that the deployment generated, read from Secrets Manager.

use aws_config::SdkConfig;

use crate::AwsError;

/// Reads the current value of a secret, by name or ARN.
///
/// # Errors
/// When Secrets Manager does not answer, or the secret holds no text.
pub async fn read(config: &SdkConfig, id: &str) -> Result<String, AwsError> {
    let client = aws_sdk_secretsmanager::Client::new(config);
    let answer = client.get_secret_value().secret_id(id).send().await.map_err(AwsError::sdk("GetSecretValue"))?;
    answer
        .secret_string
        .filter(|text| !text.is_empty())
        .ok_or_else(|| AwsError::unreadable("GetSecretValue", "the secret holds no text"))
}
