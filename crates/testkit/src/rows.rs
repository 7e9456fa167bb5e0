//! What is in the table: counted there, and not by what the API makes of it.

use std::collections::HashMap;

use aws_sdk_dynamodb::operation::update_item::UpdateItemError;
use aws_sdk_dynamodb::types::AttributeValue;

use crate::endpoint::Endpoint;
use crate::organization::Organization;
use crate::stack::Stack;

/// Over how many partitions messages and deliveries are spread.
const SHARDS: u8 = 8;

/// How many messages an organization has.
pub async fn messages(stack: &Stack, organization: &Organization) -> usize {
    count(stack, &format!("MSG#{}", organization.id)).await
}

/// How many deliveries an endpoint has.
pub async fn deliveries(stack: &Stack, endpoint: &Endpoint) -> usize {
    count(stack, &format!("DLV#{}", endpoint.id)).await
}

/// An attribute of an endpoint's item that the API does not show: a time, unix milliseconds.
pub async fn endpoint_time(stack: &Stack, endpoint: &Endpoint, attribute: &str) -> Option<i64> {
    Some(endpoint_item(stack, endpoint).await?.get(attribute)?.as_n().unwrap().parse().unwrap())
}

/// An endpoint's item, as it is stored.
pub async fn endpoint_item(stack: &Stack, endpoint: &Endpoint) -> Option<HashMap<String, AttributeValue>> {
    let item = stack
        .dynamodb()
        .get_item()
        .table_name(&stack.table_name)
        .key("PK", AttributeValue::S(format!("ORG#{}", endpoint.organization.id)))
        .key("SK", AttributeValue::S(format!("EP#{}", endpoint.id)))
        .consistent_read(true);
    item.send().await.unwrap().item
}

/// Lets the time pass for which a worker that has died holds a delivery's attempt.
pub async fn end_claim(stack: &Stack, endpoint: &Endpoint, delivery: &str) {
    let client = stack.dynamodb();
    for shard in 0..SHARDS {
        let update = client
            .update_item()
            .table_name(&stack.table_name)
            .key("PK", AttributeValue::S(format!("DLV#{}#{shard}", endpoint.id)))
            .key("SK", AttributeValue::S(delivery.to_owned()))
            .condition_expression("attribute_exists(claim)")
            .update_expression("SET claim = :past")
            .expression_attribute_values(":past", AttributeValue::N("0".to_owned()));
        // It is in one of them, if there is a claim at all.
        if let Err(error) = update.send().await {
            assert!(error.as_service_error().is_some_and(UpdateItemError::is_conditional_check_failed_exception));
        }
    }
}

async fn count(stack: &Stack, partition: &str) -> usize {
    let client = stack.dynamodb();
    let mut count = 0;
    for shard in 0..SHARDS {
        let query = client
            .query()
            .table_name(&stack.table_name)
            .key_condition_expression("PK = :pk")
            .expression_attribute_values(":pk", AttributeValue::S(format!("{partition}#{shard}")))
            .consistent_read(true);
        count += query.send().await.unwrap().items.unwrap_or_default().len();
    }
    count
}
