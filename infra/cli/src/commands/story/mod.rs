//! The whole story of a message: where it went, every attempt, what is next, and why it went nowhere else.

mod missed;
mod read;
mod timeline;

use jiff::Timestamp;
use serde_json::json;

use self::read::Story;
use super::Context;
use super::deliveries::outcome;
use super::messages::headline;
use crate::client::wire::{Delivery, Message};
use crate::client::{Client, Seen};
use crate::failure::Failure;
use crate::output::{Output, Table, foreign};
use crate::times::from_now;

/// Characters of a payload that are shown.
const SHOWN: usize = 300;

pub(crate) async fn run(
    context: &Context<'_>,
    client: &Client,
    organization: &str,
    message: Seen<Message>,
) -> Result<(), Failure> {
    let story = read::read(client, organization, message).await?;
    let (output, now) = (context.output, Timestamp::now());
    if output.is_json() {
        return record(output, &story);
    }
    let message = &story.message.it;
    headline(output, message)?;
    output.line(&foreign::beginning(message.payload.get(), SHOWN))?;
    output.line("")?;
    let timeline = timeline::rows(message, &story.attempts, &story.deliveries, now);
    Table::new(output, ["WHEN", "AFTER", "ENDPOINT", "WHAT", "ANSWER"]).rows(&timeline)?;
    reached(output, &story, now)?;
    missed(output, &story)
}

/// All of it for programs.
fn record(output: Output, story: &Story) -> Result<(), Failure> {
    let missed = story.missed.iter().map(|one| json!({ "endpointId": one.endpoint, "url": one.url, "why": one.why }));
    output.record(&json!({
        "message": story.message.raw,
        "attempts": story.attempts.iter().map(|attempt| &attempt.raw).collect::<Vec<_>>(),
        "deliveries": story.deliveries.iter().map(|delivery| &delivery.raw).collect::<Vec<_>>(),
        "notReached": missed.collect::<Vec<_>>(),
    }))
}

/// What became of each delivery.
fn reached(output: Output, story: &Story, now: Timestamp) -> Result<(), Failure> {
    let row = |delivery: &Delivery| {
        let url = story.url_of(&delivery.endpoint_id);
        let next = delivery.next_at().map(|at| from_now(at, now)).unwrap_or_default();
        let attempts = delivery.attempt_count.to_string();
        [delivery.endpoint_id.clone(), url, delivery.delivery_id.clone(), outcome(delivery), attempts, next]
    };
    let rows: Vec<_> = story.deliveries.iter().map(|delivery| row(&delivery.it)).collect();
    output.line("")?;
    if rows.is_empty() {
        return output.line("It has no delivery.");
    }
    Table::new(output, ["WENT TO", "URL", "DELIVERY", "STATUS", "ATTEMPTS", "NEXT"]).rows(&rows)
}

/// Where it did not go, and why.
fn missed(output: Output, story: &Story) -> Result<(), Failure> {
    if story.missed.is_empty() {
        return Ok(());
    }
    let rows: Vec<_> =
        story.missed.iter().map(|one| [one.endpoint.clone(), one.url.clone(), one.why.clone()]).collect();
    output.line("")?;
    Table::new(output, ["DID NOT GO TO", "URL", "WHY"]).rows(&rows)
}
