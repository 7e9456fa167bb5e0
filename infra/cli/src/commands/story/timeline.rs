//! All that happened to a message, in its order.

use hookbell_domain::ids::DeliveryId;
use jiff::Timestamp;

use crate::client::Seen;
use crate::client::wire::{Delivery, Message, MessageAttempt};
use crate::output::{foreign, status};
use crate::times::{from_now, length, shown};

/// Characters of an answer that are shown.
const SHOWN: usize = 120;

/// When something happens, at which endpoint, what, and what was answered.
type Entry = (Timestamp, String, String, String);

/// The rows of the timeline: what happened, then what is due.
pub(super) fn rows(
    message: &Message,
    attempts: &[Seen<MessageAttempt>],
    deliveries: &[Seen<Delivery>],
    now: Timestamp,
) -> Vec<[String; 5]> {
    let accepted = message.timestamp;
    let mut happened: Vec<Entry> = vec![(accepted, String::new(), "accepted".to_owned(), String::new())];
    happened.extend(attempts.iter().map(|attempt| attempted(message, &attempt.it)));
    happened.extend(deliveries.iter().filter_map(|delivery| skipped(&delivery.it)));
    happened.sort_by_key(|(at, ..)| *at);
    let mut due: Vec<Entry> = deliveries.iter().filter_map(|delivery| next(&delivery.it, now)).collect();
    due.sort_by_key(|(at, ..)| *at);
    let row = |after: String, (at, endpoint, what, answer): Entry| [shown(at), after, endpoint, what, answer];
    let happened = happened.into_iter().map(|entry| row(after(accepted, entry.0), entry));
    happened.chain(due.into_iter().map(|entry| row(String::new(), entry))).collect()
}

fn attempted(message: &Message, attempt: &MessageAttempt) -> Entry {
    let number = attempt.id.rsplit('_').next().unwrap_or_default();
    let by_hand = if attempt.trigger_type == 1 { ", by hand" } else { "" };
    let state = match attempt.status_text.as_str() {
        "pending" => "due".to_owned(),
        "sending" => "under way".to_owned(),
        word => status(word),
    };
    let again = if is_of_first(message, attempt) { "" } else { "redelivery, " };
    let what = format!("{again}attempt {number}{by_hand}: {state}");
    (attempt.timestamp, attempt.endpoint_id.clone(), what, answered(attempt))
}

/// Whether an attempt is of the delivery that the message began with, or of a later one that somebody asked for.
fn is_of_first(message: &Message, attempt: &MessageAttempt) -> bool {
    let (Ok(message), Ok(endpoint)) = (message.id.parse(), attempt.endpoint_id.parse()) else { return true };
    attempt.delivery_id().is_none_or(|id| id == DeliveryId::first(message, endpoint).to_string())
}

/// What came back, of an attempt that is over.
fn answered(attempt: &MessageAttempt) -> String {
    if !matches!(attempt.status_text.as_str(), "success" | "fail") {
        return String::new();
    }
    let code = match attempt.response_status_code {
        0 => String::new(),
        code => format!("{code} "),
    };
    let answer = foreign::beginning(&attempt.response, SHOWN);
    format!("{code}in {} ms  {answer}", attempt.response_duration_ms).trim_end().to_owned()
}

/// The end of a delivery without a further attempt.
fn skipped(delivery: &Delivery) -> Option<Entry> {
    let why = delivery.skipped.clone()?;
    Some((delivery.updated_at, delivery.endpoint_id.clone(), status("skipped"), why))
}

/// The next attempt. A first one that is due is among the attempts.
fn next(delivery: &Delivery, now: Timestamp) -> Option<Entry> {
    let at = delivery.next_at().filter(|_| delivery.attempt_count > 0)?;
    let what = format!("attempt {}", delivery.attempt_count + 1);
    Some((at, delivery.endpoint_id.clone(), what, format!("due {}", from_now(at, now))))
}

/// How long after another a time is: milliseconds while that is less than a minute.
fn after(from: Timestamp, to: Timestamp) -> String {
    let away = to.duration_since(from);
    let seconds = away.as_secs_f64();
    if seconds < 60.0 { format!("+{seconds:.3}s") } else { format!("+{}", length(away)) }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn read<T: serde::de::DeserializeOwned>(value: &Value) -> T {
        serde_json::from_str(&value.to_string()).unwrap()
    }

    fn attempt(id: &str, at: &str, state: &str, code: u16) -> Value {
        json!({ "id": id, "endpointId": "whe_1", "url": "https://example.com", "timestamp": at, "statusText": state,
            "responseStatusCode": code, "responseDurationMs": 12, "response": "no\u{1b}", "triggerType": 0 })
    }

    fn delivery(endpoint: &str, count: u32, next: Option<i64>, skipped: Option<&str>) -> Value {
        json!({ "deliveryId": "dlv_1", "webhookId": "msg_1", "endpointId": endpoint, "eventType": "a", "status": "failed",
            "skipped": skipped, "attemptCount": count, "attempts": [], "nextRetryAt": next,
            "createdAt": "2026-05-30T12:00:00Z", "updatedAt": "2026-05-30T12:00:02Z" })
    }

    #[test]
    fn what_happened_stands_in_its_order_and_what_is_due_behind_it() {
        let message = json!({ "id": "msg_1", "eventType": "a", "timestamp": "2026-05-30T12:00:00Z", "payload": {} });
        let late = attempt("att_1_2", "2026-05-30T12:05:00Z", "sending", 0);
        let early = attempt("att_1_1", "2026-05-30T12:00:00.25Z", "fail", 503);
        let due = "2026-05-30T12:04:00Z".parse::<Timestamp>().unwrap().as_second();
        let deliveries = json!([
            delivery("whe_1", 2, Some(due), None),
            delivery("whe_2", 0, None, Some("endpoint disabled")),
            delivery("whe_3", 0, Some(due), None),
        ]);
        let now = "2026-05-30T12:03:00Z".parse().unwrap();
        let rows = rows(&read(&message), &read::<Vec<_>>(&json!([late, early])), &read::<Vec<_>>(&deliveries), now);
        let seen = rows.iter().map(|row| anstream::adapter::strip_str(&row[1..].join("|")).to_string());
        let expected = [
            "+0.000s||accepted|",
            "+0.250s|whe_1|attempt 1: fail|503 in 12 ms  no\\u{1b}",
            "+2.000s|whe_2|skipped|endpoint disabled",
            "+5m|whe_1|attempt 2: under way|",
            "|whe_1|attempt 3|due in 1m",
        ];
        assert_eq!(seen.collect::<Vec<_>>(), expected);
    }
}
