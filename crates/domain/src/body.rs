//! The body of a request: made once, when a message is accepted; signed, stored and sent as those bytes.

use jiff::Timestamp;
use serde_json::value::RawValue;

use crate::ids::MessageId;
use crate::profile::BodyFormat;
use crate::time::iso_ms;

/// Makes the body of a message.
///
/// The payload's keys, numbers and escapes stay as the producer wrote them; only white space between tokens goes.
/// `event_type` must be a name of the catalogue (it is written without escaping).
#[must_use]
pub fn freeze(
    format: BodyFormat,
    id: MessageId,
    event_type: &str,
    occurred_at: Timestamp,
    payload: &RawValue,
) -> Vec<u8> {
    match format {
        BodyFormat::Flat => minify(payload.get(), Vec::with_capacity(payload.get().len())),
        BodyFormat::Envelope => {
            let timestamp = iso_ms(occurred_at);
            let head = format!(r#"{{"id":"{id}","type":"{event_type}","timestamp":"{timestamp}","data":"#);
            let mut body = Vec::with_capacity(head.len() + payload.get().len() + 1);
            body.extend_from_slice(head.as_bytes());
            let mut body = minify(payload.get(), body);
            body.push(b'}');
            body
        }
    }
}

/// The payload in the body of a message: the bytes that the producer's were made into.
///
/// Only an envelope has the message's own id in it: that id is made when the event is accepted, and no producer knows
/// it before. So what a body is does not depend on which profile its organization has by now.
///
/// # Errors
/// When the body is no JSON, which no message's is.
pub fn payload(id: MessageId, body: &[u8]) -> Result<Box<RawValue>, serde_json::Error> {
    #[derive(serde::Deserialize)]
    struct Envelope {
        id: String,
        data: Box<RawValue>,
    }
    match serde_json::from_slice::<Envelope>(body) {
        Ok(envelope) if envelope.id.parse() == Ok(id) => Ok(envelope.data),
        _ => serde_json::from_slice(body),
    }
}

/// The payload without the white space between its tokens.
///
/// # Errors
/// Never for a payload: what was valid JSON remains so.
pub fn compact(payload: &RawValue) -> Result<Box<RawValue>, serde_json::Error> {
    serde_json::from_slice(&minify(payload.get(), Vec::with_capacity(payload.get().len())))
}

/// How many levels a payload's arrays and objects may have, less than parsers commonly take.
pub const MAX_DEPTH: usize = 100;

/// Whether a payload has more levels than [`MAX_DEPTH`]: some of its readers could not read it.
#[must_use]
pub fn is_too_deep(payload: &RawValue) -> bool {
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    payload.get().bytes().any(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_string,
            b'"' => in_string = !in_string,
            b'[' | b'{' if !in_string => depth += 1,
            b']' | b'}' if !in_string => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth > MAX_DEPTH
    })
}

/// Appends `json` to `out` without the white space between its tokens.
fn minify(json: &str, mut out: Vec<u8>) -> Vec<u8> {
    let (mut in_string, mut escaped) = (false, false);
    for &byte in json.as_bytes() {
        if in_string {
            match byte {
                _ if escaped => escaped = false,
                b'\\' => escaped = true,
                b'"' => in_string = false,
                _ => {}
            }
        } else if matches!(byte, b' ' | b'\t' | b'\n' | b'\r') {
            // RFC 8259, section 2: these four are the insignificant white space.
            continue;
        } else if byte == b'"' {
            in_string = true;
        }
        out.push(byte);
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[track_caller]
    fn check(format: BodyFormat, payload: &str, expected: &str) {
        let id = MessageId::new(Timestamp::UNIX_EPOCH, 7);
        let at = "2026-05-30T14:23:00Z".parse().unwrap();
        let body = freeze(format, id, "environment.started", at, &raw(payload));
        assert_eq!(String::from_utf8(body).unwrap(), expected);
    }

    #[test]
    fn a_payload_has_a_hundred_levels_at_most() {
        let nested = |levels: usize| raw(&format!("{}{}", "[".repeat(levels), "]".repeat(levels)));
        assert!(!is_too_deep(&nested(100)));
        assert!(is_too_deep(&nested(101)));
        assert!(!is_too_deep(&raw(&format!(r#"["{}\"{}"]"#, "[".repeat(200), "{".repeat(200)))));
        assert!(!is_too_deep(&raw(&format!("[{}[]]", "[],".repeat(300)))));
    }

    #[test]
    fn an_envelope_has_its_four_keys_in_order() {
        check(
            BodyFormat::Envelope,
            r#"{ "resource" : {"type":"environment", "id":"env_1"} }"#,
            r#"{"id":"msg_00000000000000000000000007","type":"environment.started","timestamp":"2026-05-30T14:23:00.000Z","data":{"resource":{"type":"environment","id":"env_1"}}}"#,
        );
    }

    #[test]
    fn a_flat_body_keeps_keys_numbers_and_escapes_as_they_came() {
        check(
            BodyFormat::Flat,
            "{\n \"z\": 1.0, \"a\": 1e5, \"q\": \"a \\\" b \\\\\", \"u\": \"\\u00e9 é\",\t\"n\": 12345678901234567890123 }",
            r#"{"z":1.0,"a":1e5,"q":"a \" b \\","u":"\u00e9 é","n":12345678901234567890123}"#,
        );
    }

    #[test]
    fn a_payload_comes_out_of_its_body_as_it_went_in() {
        let (id, at) = (MessageId::new(Timestamp::UNIX_EPOCH, 7), Timestamp::UNIX_EPOCH);
        for text in [
            r#"{"z":1.0,"a":1e5,"u":"\u00e9 é","n":12345678901234567890123,"q":"\",\"data\":{}"}"#,
            r#"{"id":"env_1","type":"t","timestamp":"t","data":{"id":7}}"#,
            r#"{"id":"msg_00000000000000000000000008","data":[]}"#,
            r#"{"id":7,"id":8,"data":[]}"#,
            "{}",
        ] {
            for format in [BodyFormat::Envelope, BodyFormat::Flat] {
                let body = freeze(format, id, "a.type", at, &raw(text));
                assert_eq!(payload(id, &body).unwrap().get(), text, "{format:?}");
            }
        }
        assert!(payload(id, b"{").is_err());
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            "\\PC*".prop_map(Into::into),
        ];
        leaf.prop_recursive(4, 32, 6, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..6).prop_map(Into::into),
                prop::collection::hash_map("\\PC*", inner, 0..6)
                    .prop_map(|map| serde_json::Value::Object(map.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn minifying_a_pretty_text_gives_the_compact_one(value in json()) {
            let pretty = serde_json::to_string_pretty(&value).unwrap();
            prop_assert_eq!(minify(&pretty, Vec::new()), serde_json::to_vec(&value).unwrap());
        }
    }
}
