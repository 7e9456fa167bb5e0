//! Deliveries as they happen: the newest of each endpoint, looked at again and again, and those that go on.

mod watch;

use std::time::Duration;

use clap::Args;
use jiff::Timestamp;

use self::watch::{News, Watch};
use super::Context;
use super::deliveries::{answer, outcome};
use crate::client::wire::Delivery;
use crate::failure::Failure;
use crate::output::{Output, counted, note, status};
use crate::times::{from_now, shown};

/// What to look at.
#[derive(Args)]
pub(crate) struct Tail {
    /// The organization's id
    #[arg(value_name = "ORG")]
    organization: String,
    /// Only this endpoint
    #[arg(long, value_name = "ENDPOINT")]
    endpoint: Option<String>,
    /// Only attempts that failed, and deliveries that ended without success
    #[arg(long)]
    failed: bool,
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    interval: f64,
}

pub(crate) async fn run(context: &Context<'_>, tail: Tail) -> Result<(), Failure> {
    tokio::select! {
        biased;
        // This is how it ends, at whatever it is.
        Ok(()) = tokio::signal::ctrl_c() => Ok(()),
        ended = forever(context, tail) => ended,
    }
}

async fn forever(context: &Context<'_>, tail: Tail) -> Result<(), Failure> {
    let interval = Duration::try_from_secs_f64(tail.interval.max(0.2))
        .map_err(|error| Failure::usage("--interval is no number of seconds.").because(error))?;
    let client = context.connection.client().await?;
    let mut watch = Watch::new(&client, &tail.organization, tail.endpoint.as_deref());
    let count = watch.begin().await?;
    note(&format!("Watching {} of {}. Ctrl-C ends it.", counted(count, "endpoint"), tail.organization));
    // Told once, until something else is the trouble or it is over.
    let mut trouble = String::new();
    loop {
        tokio::time::sleep(interval).await;
        match watch.look().await {
            Ok(news) => {
                trouble.clear();
                news.iter().try_for_each(|news| tell(context.output, news, tail.failed))?;
            }
            // It goes on: whoever watches wants to see the end of the trouble.
            Err(failure) if failure.text() != trouble => {
                trouble = failure.text();
                note(&trouble);
            }
            Err(_) => {}
        }
    }
}

/// Tells of every attempt that is new, and of an end without one; for programs, of the delivery as it is now.
fn tell(output: Output, news: &News, failed_only: bool) -> Result<(), Failure> {
    let lines = lines(news, Timestamp::now());
    let mut wanted = lines.iter().filter(|line| line.went_wrong || !failed_only).peekable();
    if wanted.peek().is_some() {
        output.raw(&news.delivery.raw)?;
    }
    wanted.try_for_each(|line| output.line(&line.text))
}

/// What is told of one attempt.
struct Line {
    went_wrong: bool,
    text: String,
}

fn lines(News { delivery, known }: &News, now: Timestamp) -> Vec<Line> {
    let it = &delivery.it;
    let ids = format!("{} {} {}", it.webhook_id, it.endpoint_id, it.delivery_id);
    let line = |at: Timestamp, state: String, rest: Option<String>| {
        let parts = [Some(shown(at)), Some(state), Some(it.event_type.clone()), rest, Some(ids.clone())];
        parts.into_iter().flatten().collect::<Vec<_>>().join("  ")
    };
    let mut lines = Vec::new();
    for attempt in it.attempts.iter().filter(|attempt| attempt.attempt_no > *known) {
        let is_last = attempt.attempt_no == it.attempt_count;
        let next = it.next_at().filter(|_| is_last).map(|at| format!("  next {}", from_now(at, now)));
        let told = format!("attempt {}  {}  {} ms", attempt.attempt_no, answer(attempt), attempt.latency_ms);
        // All attempts but the last have failed, or there would be no further one.
        lines.push(Line {
            went_wrong: !is_last || went_wrong(it),
            text: line(
                attempt.at,
                if is_last { outcome(it) } else { status("failed") },
                Some(told + &next.unwrap_or_default()),
            ),
        });
    }
    if lines.is_empty() {
        lines.push(Line { went_wrong: went_wrong(it), text: line(it.updated_at, outcome(it), it.skipped.clone()) });
    }
    lines
}

fn went_wrong(delivery: &Delivery) -> bool {
    delivery.skipped.is_some() || matches!(delivery.status.as_str(), "failed" | "exhausted")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    #[track_caller]
    fn check(known: u32, change: &Value, expected: &[(bool, &str)]) {
        let attempt = |number: u32, status: u16| json!({ "attemptNo": number, "at": "2026-05-30T12:00:00Z", "httpStatus": status, "latencyMs": 5 });
        let mut delivery = json!({
            "deliveryId": "dlv_1", "webhookId": "msg_1", "endpointId": "whe_1", "eventType": "a", "status": "delivered",
            "attemptCount": 2, "attempts": [attempt(1, 503), attempt(2, 200)], "createdAt": "2026-05-30T12:00:00Z",
            "updatedAt": "2026-05-30T12:00:00Z",
        });
        let (Some(delivery), Some(change)) = (delivery.as_object_mut(), change.as_object()) else { unreachable!() };
        delivery.extend(change.clone());
        let delivery = serde_json::from_str(&json!(delivery).to_string()).unwrap();
        let lines = lines(&News { delivery, known }, "2026-05-30T12:00:00Z".parse().unwrap());
        let plain = |line: &Line| anstream::adapter::strip_str(&line.text).to_string();
        let seen: Vec<_> = lines.iter().map(|line| (line.went_wrong, plain(line))).collect();
        let around = |words: &str| format!("2026-05-30 12:00:00Z  {words}  msg_1 whe_1 dlv_1");
        assert_eq!(seen, expected.iter().map(|(wrong, words)| (*wrong, around(words))).collect::<Vec<_>>());
    }

    #[test]
    fn every_attempt_that_is_new_is_told() {
        let both = [(true, "failed  a  attempt 1  503  5 ms"), (false, "delivered  a  attempt 2  200  5 ms")];
        check(0, &json!({}), &both);
        check(1, &json!({}), &both[1..]);
        let due = json!({ "status": "failed", "attemptCount": 1, "nextRetryAt": 1_780_142_460,
            "attempts": [{ "attemptNo": 1, "at": "2026-05-30T12:00:00Z", "httpStatus": 500, "latencyMs": 5 }] });
        check(0, &due, &[(true, "failed  a  attempt 1  500  5 ms  next in 1m")]);
        check(2, &json!({ "skipped": "it is disabled" }), &[(true, "skipped  a  it is disabled")]);
        check(0, &json!({ "status": "pending", "attemptCount": 0, "attempts": [] }), &[(false, "pending  a")]);
    }
}
