//! The whole story of a message: where it went, every attempt, what is next, and why it went nowhere else.

mod missed;
mod read;

use jiff::Timestamp;
use serde_json::json;

use self::read::Story;
use super::Context;
use super::deliveries::outcome;
use super::messages::headline;
use crate::client::Client;
use crate::client::wire::{Delivery, MessageAttempt};
use crate::failure::Failure;
use crate::output::{Output, Table, status};
use crate::times::{from_now, shown};

/// Characters of a payload, and of an answer, that are shown.
const SHOWN: usize = 300;

pub(crate) async fn run(
    context: &Context<'_>,
    client: &Client,
    organization: &str,
    message: &str,
) -> Result<(), Failure> {
    let story = read::read(client, organization, message).await?;
    let output = context.output;
    if output.is_json() {
        return record(output, &story);
    }
    headline(output, &story.message.it)?;
    output.line(&cut(story.message.it.payload.get()))?;
    timeline(output, &story)?;
    reached(output, &story)?;
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

/// All that happened, in its order.
fn timeline(output: Output, story: &Story) -> Result<(), Failure> {
    let accepted = story.message.it.timestamp;
    let mut due = Vec::new();
    let mut events = vec![(accepted, String::new(), "accepted".to_owned(), String::new())];
    for attempt in &story.attempts {
        let it = &attempt.it;
        events.push((it.timestamp, it.endpoint_id.clone(), attempted(it), told(it)));
    }
    for delivery in story.deliveries.iter().map(|delivery| &delivery.it) {
        let endpoint = &delivery.endpoint_id;
        if let Some(skipped) = &delivery.skipped {
            events.push((delivery.updated_at, endpoint.clone(), status("skipped"), skipped.clone()));
        }
        // A first attempt that is due is among the attempts.
        if let Some(at) = delivery.next_at().filter(|_| delivery.attempt_count > 0) {
            let what = format!("attempt {}", delivery.attempt_count + 1);
            due.push((at, endpoint.clone(), what, format!("due {}", from_now(at, Timestamp::now()))));
        }
    }
    events.sort_by_key(|(at, ..)| *at);
    due.sort_by_key(|(at, ..)| *at);
    let row = |(at, endpoint, what, detail): (Timestamp, String, String, String)| {
        [shown(at), format!("+{}", after(accepted, at)), endpoint, what, detail]
    };
    let rows: Vec<_> = events.into_iter().chain(due).map(row).collect();
    output.line("")?;
    Table::new(output, ["WHEN", "AFTER", "ENDPOINT", "WHAT", "ANSWER"]).rows(&rows)
}

/// An attempt in a few words.
fn attempted(attempt: &MessageAttempt) -> String {
    let number = attempt.id.rsplit('_').next().unwrap_or_default();
    let by_hand = if attempt.trigger_type == 1 { ", by hand" } else { "" };
    let state = match attempt.status_text.as_str() {
        "pending" => "due".to_owned(),
        "sending" => "under way".to_owned(),
        word => status(word),
    };
    format!("attempt {number}{by_hand}: {state}")
}

/// What came back.
fn told(attempt: &MessageAttempt) -> String {
    if !matches!(attempt.status_text.as_str(), "success" | "fail") {
        return String::new();
    }
    let answer = match attempt.response_status_code {
        0 => String::new(),
        code => format!("{code} "),
    };
    format!("{answer}in {} ms  {}", attempt.response_duration_ms, cut(&attempt.response)).trim_end().to_owned()
}

/// What became of each delivery.
fn reached(output: Output, story: &Story) -> Result<(), Failure> {
    let row = |delivery: &Delivery| {
        let url = story.url_of(&delivery.endpoint_id);
        let next = delivery.next_at().map(|at| from_now(at, Timestamp::now())).unwrap_or_default();
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

/// How long after another a time is: milliseconds while that is less than a minute.
fn after(from: Timestamp, to: Timestamp) -> String {
    let away = to.duration_since(from);
    let seconds = away.as_secs_f64();
    if seconds < 60.0 { format!("{seconds:.3}s") } else { crate::times::length(away) }
}

/// The beginning of a foreign text, on one line.
fn cut(text: &str) -> String {
    let line: String = text.chars().take(SHOWN).map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    if text.chars().nth(SHOWN).is_some() { format!("{line}…") } else { line }
}
