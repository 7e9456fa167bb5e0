//! Deliveries in outline, many at once: what is counted of them.

use std::time::Duration;

use hookbell_domain::delivery::DeliveryStatus;
use hookbell_domain::ids::{DeliveryId, EndpointId};
use hookbell_domain::stats::{Outline, State};
use jiff::Timestamp;
use serde::Deserialize;

use super::items::time;
use super::listing::{Looking, Stretch};
use super::{Item, Table, from_item, keys, unreadable};
use crate::AwsError;

/// Rows that a request looks at, in at most 1 MB of them (AWS, "Query").
const ROWS: usize = 1_000;

/// The first attempts of a delivery, whose time is read; more are made only by hand. DynamoDB has no path to all of a
/// list.
const ATTEMPTS: usize = 24;

/// What was found of an endpoint's deliveries.
#[derive(Debug, Clone)]
pub struct Outlines {
    /// The deliveries, newest first.
    pub deliveries: Vec<Outline>,
    /// Where there were too many to read: the time from which on all are among them.
    pub since: Option<Timestamp>,
}

/// What is read of a row.
#[derive(Debug, Deserialize)]
struct OutlineItem {
    #[serde(rename = "SK")]
    sk: DeliveryId,
    status: String,
    #[serde(default)]
    skipped: Option<String>,
    #[serde(rename = "claim", default)]
    claimed_until: Option<i64>,
    #[serde(default)]
    attempts: Vec<AttemptOutline>,
}

#[derive(Debug, Deserialize)]
struct AttemptOutline {
    ms: u64,
}

impl Table {
    /// Reads an endpoint's deliveries since `after`, newest first, as far as `rounds` requests to each of the eight
    /// shards go, of at most 1,000 rows and 1 MB each. Memory holds an outline of each row, and the pages that are on
    /// their way.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn delivery_outlines(
        &self,
        endpoint: EndpointId,
        after: Timestamp,
        now: Timestamp,
        rounds: usize,
    ) -> Result<Outlines, AwsError> {
        let Some(stretch) = Stretch::<DeliveryId>::of(Some(after), None) else {
            return Ok(Outlines { deliveries: Vec::new(), since: None });
        };
        let mut only: Vec<String> = ["status", "skipped", "claim"].map(str::to_owned).into();
        only.extend((0..ATTEMPTS).map(|attempt| format!("attempts[{attempt}].ms")));
        let looking = Looking { equal: Vec::new(), only };
        let partition = |shard| keys::delivery_shard(endpoint, shard);
        let read = self.rounds(partition, &looking, stretch, (rounds, ROWS), |item| outline(item, now)).await?;
        // Of the millisecond at which the reading ended, some may be missing.
        let since = read.next.map(|last| hookbell_domain::time::after(last.created_at(), Duration::from_millis(1)));
        let mut deliveries = read.entries;
        deliveries.retain(|delivery| since.is_none_or(|since| delivery.created_at >= since));
        Ok(Outlines { deliveries, since })
    }
}

fn outline(item: Item, now: Timestamp) -> Result<Outline, AwsError> {
    let item: OutlineItem = from_item(item)?;
    let status = DeliveryStatus::named(&item.status).ok_or_else(|| unreadable("unknown delivery status"))?;
    Ok(Outline {
        created_at: item.sk.created_at(),
        state: State::of(status, item.skipped.is_some(), item.claimed_until.map(time), now),
        latencies: item.attempts.into_iter().map(|attempt| Duration::from_millis(attempt.ms)).collect(),
    })
}
