//! What is in the table after a run: messages with the events that they tell of, and deliveries with their attempts.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::AttributeValue;

use super::tally::names_in;
use crate::stack::Stack;

/// Over how many partitions messages and deliveries are spread.
const SHARDS: u8 = 8;

type Item = HashMap<String, AttributeValue>;

/// A message.
#[derive(Debug)]
pub(crate) struct MessageRow {
    pub(crate) id: String,
    /// The event that its body names; the product's own name none.
    pub(crate) event: Option<String>,
}

/// A delivery.
#[derive(Debug)]
pub(crate) struct DeliveryRow {
    pub(crate) message: String,
    pub(crate) status: String,
    pub(crate) skipped: bool,
    /// How many attempts the schedule has made.
    pub(crate) count: i64,
    /// When attempts began, unix milliseconds, and what they were answered with.
    pub(crate) attempts: Vec<(i64, Option<i64>)>,
}

/// The messages of an organization.
pub(crate) async fn messages(stack: &Stack, organization: &str) -> Vec<MessageRow> {
    let items = all(stack, &format!("MSG#{organization}")).await;
    let row = |item: Item| MessageRow {
        id: text(&item, "SK"),
        event: {
            let body = item["body"].as_b().expect("bytes").as_ref();
            names_in(std::str::from_utf8(body).unwrap_or_default()).into_iter().find(|name| name.starts_with("env_"))
        },
    };
    items.into_iter().map(row).collect()
}

/// The deliveries to an endpoint.
pub(crate) async fn deliveries(stack: &Stack, endpoint: &str) -> Vec<DeliveryRow> {
    let attempt = |attempt: &AttributeValue| {
        let attempt = attempt.as_m().expect("an attempt");
        (number(attempt, "at").expect("a time"), number(attempt, "http"))
    };
    let row = |item: Item| DeliveryRow {
        message: text(&item, "msg"),
        status: text(&item, "status"),
        skipped: item.contains_key("skipped"),
        count: number(&item, "count").expect("a count"),
        attempts: item["attempts"].as_l().expect("a list").iter().map(attempt).collect(),
    };
    all(stack, &format!("DLV#{endpoint}")).await.into_iter().map(row).collect()
}

async fn all(stack: &Stack, partition: &str) -> Vec<Item> {
    let client = stack.dynamodb();
    let mut items = Vec::new();
    for shard in 0..SHARDS {
        let query = client.query().table_name(&stack.table_name).key_condition_expression("PK = :pk");
        let query = query.expression_attribute_values(":pk", AttributeValue::S(format!("{partition}#{shard}")));
        let mut pages = query.consistent_read(true).into_paginator().items().send();
        while let Some(item) = pages.next().await {
            items.push(item.unwrap());
        }
    }
    items
}

fn text(item: &Item, name: &str) -> String {
    item[name].as_s().expect("a text").clone()
}

fn number(item: &Item, name: &str) -> Option<i64> {
    Some(item.get(name)?.as_n().expect("a number").parse().expect("a whole number"))
}
