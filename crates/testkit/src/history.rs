//! A past that never was: rows of deliveries and messages, put into the table as if they had happened.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{AttributeValue, PutRequest, WriteRequest};
use hookbell_domain::ids::{DeliveryId, MessageId, TimedId};
use jiff::Timestamp;

use crate::endpoint::Endpoint;
use crate::organization::Organization;
use crate::stack::Stack;

/// Entries of a BatchWriteItem request (AWS, "BatchWriteItem": at most 25).
const BATCH: usize = 25;

/// Requests under way at once.
const AT_ONCE: usize = 8;

/// An item of the table.
pub type Row = HashMap<String, AttributeValue>;

/// A delivery as it stands in the table.
#[derive(Debug, Clone)]
pub struct PastDelivery {
    /// Its id, with the time it was made at.
    pub id: DeliveryId,
    /// What was delivered.
    pub message: MessageId,
    /// That message's type.
    pub event_type: &'static str,
    /// How far it is.
    pub status: &'static str,
    /// Why it was not attempted.
    pub skipped: Option<&'static str>,
    /// Until when a worker has it.
    pub claimed_until: Option<Timestamp>,
    /// How long its attempts took, in milliseconds.
    pub attempts_ms: Vec<u64>,
}

impl PastDelivery {
    /// A delivered one of a message that is no longer there.
    #[must_use]
    pub fn at(at: Timestamp, randomness: u128) -> Self {
        Self {
            id: DeliveryId::new(at, randomness),
            message: MessageId::new(at, randomness),
            event_type: "environment.started",
            status: "delivered",
            skipped: None,
            claimed_until: None,
            attempts_ms: vec![7],
        }
    }

    /// Its row.
    #[must_use]
    pub fn row(&self, endpoint: &Endpoint) -> Row {
        let made = self.id.created_at().as_millisecond();
        let attempts = (1..).zip(&self.attempts_ms).map(|(place, ms)| {
            let fields = [("n", number(place)), ("at", number(made)), ("ms", number(*ms)), ("http", number(200))];
            AttributeValue::M(row(fields))
        });
        let mut item = row([
            ("PK", text(&format!("DLV#{}#{}", endpoint.id, self.id.shard()))),
            ("SK", text(self.id)),
            ("org", text(&endpoint.organization.id)),
            ("msg", text(self.message)),
            ("type", text(self.event_type)),
            ("status", text(self.status)),
            ("count", number(self.attempts_ms.len())),
            ("attempts", AttributeValue::L(attempts.collect())),
            ("updated", number(made)),
            ("expiresAt", number(made / 1_000 + 2_592_000)),
        ]);
        item.extend(self.skipped.map(|reason| ("skipped".to_owned(), text(reason))));
        if let Some(until) = self.claimed_until {
            item.extend(row([("claim", number(until.as_millisecond())), ("by", number(1))]));
        }
        item
    }
}

/// The row of a message that went to nobody.
#[must_use]
pub fn message(organization: &Organization, id: MessageId, event_type: &str, body: &str) -> Row {
    row([
        ("PK", text(&format!("MSG#{}#{}", organization.id, id.shard()))),
        ("SK", text(id)),
        ("type", text(event_type)),
        ("to", AttributeValue::L(Vec::new())),
        ("body", AttributeValue::B(body.as_bytes().to_vec().into())),
        ("gate", AttributeValue::B(vec![0; 8].into())),
        ("expiresAt", number(id.created_at().as_second() + 2_592_000)),
    ])
}

/// Puts rows into the table.
pub async fn put(stack: &Stack, rows: Vec<Row>) {
    let client = stack.dynamodb();
    let mut batches = rows.chunks(BATCH).map(<[Row]>::to_vec).collect::<Vec<_>>();
    while !batches.is_empty() {
        let at_once = batches.split_off(batches.len().saturating_sub(AT_ONCE));
        let puts = at_once.into_iter().map(|batch| {
            let requests = batch.into_iter().map(|item| {
                let put = PutRequest::builder().set_item(Some(item)).build().unwrap();
                WriteRequest::builder().put_request(put).build()
            });
            let call = client.batch_write_item().request_items(&stack.table_name, requests.collect());
            tokio::spawn(async move { call.send().await.unwrap() })
        });
        for put in puts.collect::<Vec<_>>() {
            let left = put.await.unwrap().unprocessed_items.unwrap_or_default();
            assert!(left.is_empty(), "the local table takes everything");
        }
    }
}

/// A number that no other number of a test is like, for the random part of an id.
#[must_use]
pub fn spread(n: u64) -> u128 {
    MessageId::of_queue_record(&n.to_string(), Timestamp::UNIX_EPOCH).number()
}

fn row<const N: usize>(fields: [(&str, AttributeValue); N]) -> Row {
    fields.map(|(name, value)| (name.to_owned(), value)).into()
}

fn text(value: impl ToString + Copy) -> AttributeValue {
    AttributeValue::S(value.to_string())
}

fn number(value: impl ToString + Copy) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
