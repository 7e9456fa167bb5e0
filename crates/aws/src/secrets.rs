//! Secrets that the deployment generated, read from Secrets Manager.

use aws_sdk_secretsmanager::operation::get_secret_value::GetSecretValueError;

use crate::AwsError;
use crate::clients::Aws;

/// Which of a secret's values (AWS Secrets Manager, "Secret versions", staging labels).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// The one in force.
    Current,
    /// The one that was in force before it.
    Previous,
}

/// Reads the current value of a secret, by name or ARN.
///
/// # Errors
/// When Secrets Manager does not answer, or the secret holds no text.
pub async fn read(aws: &Aws, id: &str) -> Result<String, AwsError> {
    let current = read_stage(aws, id, Stage::Current).await?;
    current.ok_or_else(|| AwsError::unreadable("GetSecretValue", "there is no such secret, or it has no value"))
}

/// Reads a value of a secret, by name or ARN; nothing where it has none of that stage.
///
/// # Errors
/// When Secrets Manager does not answer, or the value is no text.
pub async fn read_stage(aws: &Aws, id: &str, stage: Stage) -> Result<Option<String>, AwsError> {
    let ask = aws.secrets().get_secret_value().secret_id(id);
    let ask = match stage {
        Stage::Current => ask,
        Stage::Previous => ask.version_stage("AWSPREVIOUS"),
    };
    let answer = match ask.send().await {
        Err(error) if error.as_service_error().is_some_and(GetSecretValueError::is_resource_not_found_exception) => {
            return Ok(None);
        }
        answer => answer.map_err(AwsError::sdk("GetSecretValue"))?,
    };
    let text = answer.secret_string.filter(|text| !text.is_empty());
    text.map(Some).ok_or_else(|| AwsError::unreadable("GetSecretValue", "the secret holds no text"))
}
