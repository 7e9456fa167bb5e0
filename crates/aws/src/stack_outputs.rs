//! What a CloudFormation stack gives out, for tools on an operator's machine.

use std::collections::BTreeMap;

use crate::AwsError;
use crate::clients::Aws;

/// The outputs of a stack, by their names.
///
/// # Errors
/// When CloudFormation does not answer, or there is no such stack.
pub async fn read(aws: &Aws, stack: &str) -> Result<BTreeMap<String, String>, AwsError> {
    const OPERATION: &str = "DescribeStacks";
    let answer =
        aws.cloudformation().describe_stacks().stack_name(stack).send().await.map_err(AwsError::sdk(OPERATION))?;
    let found = answer.stacks.unwrap_or_default().into_iter().next();
    let found = found.ok_or_else(|| AwsError::unreadable(OPERATION, "there is no such stack"))?;
    let outputs = found.outputs.unwrap_or_default().into_iter();
    Ok(outputs.filter_map(|output| Some((output.output_key?, output.output_value?))).collect())
}
