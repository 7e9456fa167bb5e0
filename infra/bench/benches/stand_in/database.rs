//! The table: dynoxide, which charges as `DynamoDB` does, with what it charges kept from the function.

use bytes::Bytes;
use dynoxide::{AttributeValue, ImportOptions, Item};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// What DynamoDB adds to each item for its index (Amazon DynamoDB, "Pricing for on-demand capacity": 100 bytes).
const INDEX_BYTES: u64 = 100;

/// Partitions of each list (`crates/aws/src/table/keys.rs`).
const SHARDS: usize = 8;

/// Rows that are written at once.
const CHUNK: usize = 10_000;

/// Crockford's base 32, in which ids are written.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// Where an id's time begins and ends, behind its prefix: `dlv_` and ten digits.
const TIME: std::ops::Range<usize> = 4..14;

pub(super) struct Database {
    inner: dynoxide::Database,
    table: String,
    url: String,
    client: reqwest::Client,
}

/// What a call came to.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) body: Bytes,
    /// Capacity units.
    pub(super) units: f64,
}

/// What the table holds.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(crate) struct Stored {
    pub(crate) items: u64,
    /// As they are billed.
    pub(crate) bytes: u64,
}

impl Database {
    pub(super) async fn start(table: &str) -> Self {
        let database = dynoxide::Database::memory().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(dynoxide::server::serve_on(listener, database.clone()));
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        let database = Self { inner: database, table: table.to_owned(), url, client };
        let create = json!({
            "TableName": table,
            "AttributeDefinitions": [
                { "AttributeName": "PK", "AttributeType": "S" },
                { "AttributeName": "SK", "AttributeType": "S" },
            ],
            "KeySchema": [{ "AttributeName": "PK", "KeyType": "HASH" }, { "AttributeName": "SK", "KeyType": "RANGE" }],
            "BillingMode": "PAY_PER_REQUEST",
        });
        let answer = database.carry_out("DynamoDB_20120810.CreateTable", create.to_string().as_bytes()).await;
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        database
    }

    /// Has a call carried out, which is asked what it costs on the way.
    pub(super) async fn carry_out(&self, target: &str, request: &[u8]) -> Answer {
        let mut request: Value = serde_json::from_slice(request).unwrap();
        request["ReturnConsumedCapacity"] = "TOTAL".into();
        let post = self.client.post(&self.url).header("x-amz-target", target).body(request.to_string());
        let post = post.header("content-type", "application/x-amz-json-1.0");
        // It asks for a signature, and does not check it.
        let post = post.header("authorization", "AWS4-HMAC-SHA256 Credential=bench/20260101/us-east-1/dynamodb/aws4_request, SignedHeaders=host, Signature=0");
        let answer = post.header("x-amz-date", "20260101T000000Z").send().await.unwrap();
        let (status, body) = (answer.status().as_u16(), answer.bytes().await.unwrap());
        let Ok(mut answer) = serde_json::from_slice::<Value>(&body) else { return Answer { status, body, units: 0.0 } };
        // One of them, or a list with one of each table.
        let bill = answer.as_object_mut().and_then(|answer| answer.remove("ConsumedCapacity")).unwrap_or_default();
        let bills = bill.as_array().cloned().unwrap_or_else(|| vec![bill]);
        let units = bills.iter().filter_map(|bill| bill["CapacityUnits"].as_f64()).sum();
        Answer { status, body: answer.to_string().into(), units }
    }

    /// What the table holds.
    pub(super) fn stored(&self) -> Stored {
        let tables = self.inner.table_stats().unwrap();
        let table = tables.iter().find(|table| table.table_name == self.table).expect("the table");
        let items = u64::try_from(table.item_count).unwrap();
        Stored { items, bytes: table.size_bytes + items * INDEX_BYTES }
    }

    /// Adds rows to partitions of that name and a shard, until there are so many: copies of those that are there, with
    /// other times in their ids.
    pub(super) fn multiply(&self, partition: &str, wanted: usize) -> usize {
        let mut rows = Vec::new();
        for shard in 0..SHARDS {
            let query = json!({
                "TableName": self.table,
                "KeyConditionExpression": "PK = :partition",
                "ExpressionAttributeValues": { ":partition": { "S": format!("{partition}#{shard}") } },
            });
            let found = self.inner.query(serde_json::from_value(query).unwrap()).unwrap();
            rows.extend(found.items.unwrap_or_default());
        }
        assert!(!rows.is_empty(), "there is nothing in {partition}");
        let mut there = rows.len();
        for copy in 0.. {
            if there >= wanted {
                break;
            }
            let rows = rows.iter().take(wanted - there).map(|row| copied(row, copy)).collect::<Vec<Item>>();
            there += rows.len();
            for chunk in rows.chunks(CHUNK) {
                self.inner.import_items(&self.table, chunk.to_vec(), ImportOptions::default()).unwrap();
            }
        }
        there
    }
}

/// A row under another id: its random part, which says where it lies, stays.
fn copied(row: &Item, copy: u64) -> Item {
    let mut row = row.clone();
    let Some(AttributeValue::S(id)) = row.get_mut("SK") else { panic!("a row without a key") };
    let digits: String =
        (0..10).rev().map(|place| char::from(DIGITS[usize::try_from((copy >> (5 * place)) & 31).unwrap()])).collect();
    id.replace_range(TIME, &digits);
    row
}
