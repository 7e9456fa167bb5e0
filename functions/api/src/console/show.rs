//! How things are shown to people: times, spans, states, JSON.

use std::time::Duration;

use hookbell_domain::delivery::{Delivery, DeliveryStatus};
use hookbell_domain::endpoint::Endpoint;
use hookbell_domain::time::iso_ms;
use jiff::Timestamp;

use crate::health::Trouble;

/// Bytes of a payload that a page shows; the rest of a longer one is left to the API.
const PAYLOAD_BYTES: usize = 40_000;

/// Levels of a payload that are told apart by their indentation. Deeper ones stand as far in as this one, or a small
/// payload could become a large page.
const DEEPEST: usize = 20;

/// A time on a page: for programs, for people, and how long that is from now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Moment {
    /// ISO 8601.
    pub(super) iso: String,
    /// To the second, in UTC.
    pub(super) absolute: String,
    /// As "3 hours ago" or "in 5 minutes".
    pub(super) relative: String,
}

impl Moment {
    pub(super) fn new(at: Timestamp, now: Timestamp) -> Self {
        Self {
            iso: iso_ms(at),
            absolute: at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string(),
            relative: relative(at, now),
        }
    }

    /// When something is to happen: what is a second away, or ought to have begun by now, is due.
    pub(super) fn due(at: Timestamp, now: Timestamp) -> Self {
        let moment = Self::new(at, now);
        if at.duration_since(now).as_secs() > 0 { moment } else { Self { relative: "due now".to_owned(), ..moment } }
    }
}

fn relative(at: Timestamp, now: Timestamp) -> String {
    const UNITS: [(i64, &str); 4] = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let seconds = at.duration_since(now).as_secs();
    let span = seconds.abs();
    if span >= 90 * 86_400 {
        return at.strftime("%-d %b %Y").to_string();
    }
    let Some((size, unit)) = UNITS.into_iter().find(|(size, _)| span >= *size) else { return "just now".to_owned() };
    let count = span / size;
    let plural = if count == 1 { "" } else { "s" };
    if seconds < 0 { format!("{count} {unit}{plural} ago") } else { format!("in {count} {unit}{plural}") }
}

/// A time as a field for dates has it: in UTC, to the minute.
pub(super) fn field_time(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M").to_string()
}

/// A span of time, in the unit that people say it in.
pub(super) fn span(span: Duration) -> String {
    let ms = span.as_millis();
    if ms < 1_000 { format!("{ms} ms") } else { format!("{:.1} s", span.as_secs_f64()) }
}

/// A state as a badge: how it looks, and its word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Badge {
    /// A class of the style sheet.
    pub(super) tone: &'static str,
    /// The word.
    pub(super) word: &'static str,
}

impl Badge {
    /// Of a delivery that was ended without being attempted (further).
    pub(super) const SKIPPED: Self = Self::new("idle", "Skipped");

    const fn new(tone: &'static str, word: &'static str) -> Self {
        Self { tone, word }
    }

    /// Of an endpoint.
    pub(super) fn of_endpoint(endpoint: &Endpoint, now: Timestamp) -> Self {
        match (endpoint.is_enabled(), Trouble::of(endpoint, now)) {
            (false, _) => Self::new("bad", "Disabled"),
            (true, Some(_)) => Self::new("warn", "Failing"),
            (true, None) => Self::new("good", "Active"),
        }
    }

    /// Of a delivery.
    pub(super) fn of_delivery(delivery: &Delivery) -> Self {
        if delivery.was_skipped() { Self::SKIPPED } else { Self::of_status(delivery.status) }
    }

    /// Of a status that the API has.
    pub(super) fn of_status(status: DeliveryStatus) -> Self {
        match status {
            DeliveryStatus::Pending => Self::new("idle", "Pending"),
            DeliveryStatus::Delivered => Self::new("good", "Delivered"),
            DeliveryStatus::Failed => Self::new("warn", "Retrying"),
            DeliveryStatus::Exhausted => Self::new("bad", "Exhausted"),
        }
    }

    /// Of an attempt, by the API's number.
    pub(super) fn of_attempt(status: u8) -> Self {
        match status {
            0 => Self::new("good", "Success"),
            1 => Self::new("idle", "Pending"),
            2 => Self::new("bad", "Failed"),
            _ => Self::new("warn", "Sending"),
        }
    }
}

/// JSON that was sent: for reading, and as it is, for copying.
#[derive(Debug)]
pub(super) struct Sent {
    /// For reading.
    pub(super) shown: Indented,
    /// To the byte. It is on the page only where all of it is shown.
    pub(super) exact: String,
}

impl Sent {
    pub(super) fn new(json: String) -> Self {
        Self { shown: indented(&json), exact: json }
    }
}

/// JSON for reading, and whether that is all of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Indented {
    /// The text.
    pub(super) text: String,
    /// Whether it was too long to be shown whole.
    pub(super) cut: bool,
}

/// A JSON text with a line for each entry. Its tokens stay as they are and in their order.
pub(super) fn indented(json: &str) -> Indented {
    let mut text = String::with_capacity(json.len().min(PAYLOAD_BYTES) * 2);
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let mut tokens = json.chars().peekable();
    while let Some(token) = tokens.next() {
        if text.len() > PAYLOAD_BYTES {
            return Indented { text, cut: true };
        }
        if in_string {
            text.push(token);
            in_string = escaped || token != '"';
            escaped = !escaped && token == '\\';
            continue;
        }
        match token {
            '{' | '[' => {
                text.push(token);
                while tokens.next_if(char::is_ascii_whitespace).is_some() {}
                if let Some(end) = tokens.next_if(|next| matches!(next, '}' | ']')) {
                    text.push(end);
                } else {
                    depth += 1;
                    begin_line(&mut text, depth);
                }
            }
            '}' | ']' => {
                depth = depth.saturating_sub(1);
                begin_line(&mut text, depth);
                text.push(token);
            }
            ',' => {
                text.push(token);
                begin_line(&mut text, depth);
            }
            ':' => text.push_str(": "),
            _ if token.is_ascii_whitespace() => {}
            _ => {
                in_string = token == '"';
                text.push(token);
            }
        }
    }
    Indented { text, cut: false }
}

fn begin_line(text: &mut String, depth: usize) {
    text.push('\n');
    for _ in 0..depth.min(DEEPEST) {
        text.push_str("  ");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(at: &str, expected: &str) {
        let now = "2026-05-30T14:23:00Z".parse().unwrap();
        assert_eq!(Moment::new(at.parse().unwrap(), now).relative, expected);
    }

    #[test]
    fn a_time_is_said_from_now() {
        check("2026-05-30T14:23:00.4Z", "just now");
        check("2026-05-30T14:22:59Z", "1 second ago");
        check("2026-05-30T14:23:59Z", "in 59 seconds");
        check("2026-05-30T14:24:00Z", "in 1 minute");
        check("2026-05-30T12:00:00Z", "2 hours ago");
        check("2026-05-29T14:23:00Z", "1 day ago");
        check("2026-01-03T14:23:00Z", "3 Jan 2026");
        let moment = Moment::new("2026-05-30T14:23:00.5Z".parse().unwrap(), Timestamp::UNIX_EPOCH);
        assert_eq!(
            (moment.iso.as_str(), moment.absolute.as_str()),
            ("2026-05-30T14:23:00.500Z", "2026-05-30 14:23:00 UTC")
        );
    }

    #[test]
    fn what_is_due_is_not_said_to_be_past() {
        let now = "2026-05-30T14:23:00Z".parse().unwrap();
        for (at, expected) in [
            ("2026-05-30T14:22:58Z", "due now"),
            ("2026-05-30T14:23:00.900Z", "due now"),
            ("2026-05-30T14:23:09Z", "in 9 seconds"),
        ] {
            assert_eq!(Moment::due(at.parse().unwrap(), now).relative, expected);
        }
    }

    #[test]
    fn json_gets_a_line_for_each_entry_and_keeps_its_tokens() {
        let json = r#"{"b":[1.0,{ } , [ ]],"a":"x, {\"y\\\":[:]}","n":1e400}"#;
        let expected =
            "{\n  \"b\": [\n    1.0,\n    {},\n    []\n  ],\n  \"a\": \"x, {\\\"y\\\\\\\":[:]}\",\n  \"n\": 1e400\n}";
        assert_eq!(indented(json), Indented { text: expected.to_owned(), cut: false });
        assert_eq!(indented("7").text, "7");
    }

    #[test]
    fn a_page_stays_small_whatever_it_shows() {
        let deep = format!("{}{}{}", "[".repeat(100), "1,".repeat(50_000), "1").replace("1,", "[1],");
        let shown = indented(&deep);
        assert!(shown.cut && shown.text.len() < PAYLOAD_BYTES + 200, "{}", shown.text.len());
        let long = format!("\"{}\"", "é".repeat(PAYLOAD_BYTES));
        assert!(indented(&long).cut);
    }
}
