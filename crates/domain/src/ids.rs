//! Identifiers. Each is a newtype that only parsing or derivation makes, so a checked id stays checked.

use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use sha2::{Digest, Sha256};
use ulid::Ulid;

/// How many partitions a growing list is spread over.
///
/// DynamoDB takes 1,000 write units a second on one partition key
/// (AWS, "Best practices for designing partition keys"), so eight shards take 8,000.
pub const SHARDS: u8 = 8;

/// A text that is no identifier of the kind asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("not a valid {kind}: expected {expected}")]
pub struct ParseIdError {
    kind: &'static str,
    expected: &'static str,
}

/// An id that begins with its time. Their numbers and their texts sort alike: by time.
pub trait TimedId: Copy + Ord + fmt::Debug + fmt::Display + FromStr<Err = ParseIdError> {
    /// The number that the id's text spells.
    fn number(self) -> u128;

    /// The id of that number.
    fn numbered(number: u128) -> Self;

    /// The smallest id whose time is not before `at`.
    #[must_use]
    fn first_from(at: Timestamp) -> Self {
        let begun = u64::from(at.subsec_nanosecond() % 1_000_000 > 0);
        Self::numbered(u128::from(unix_ms(at) + begun) << 80)
    }
}

macro_rules! ulid_id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal, $kind:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Ulid);

        impl $name {
            /// What every id of this kind starts with.
            pub const PREFIX: &'static str = $prefix;

            /// Makes an id from the time it stands for (milliseconds count) and 80 random bits;
            /// higher bits of `randomness` are dropped.
            #[must_use]
            pub fn new(at: Timestamp, randomness: u128) -> Self {
                Self(Ulid::from_parts(unix_ms(at), randomness & ((1 << 80) - 1)))
            }

            /// The time in the id, to the millisecond.
            #[must_use]
            pub fn created_at(self) -> Timestamp {
                i64::try_from(self.0.timestamp_ms())
                    .ok()
                    .and_then(|ms| Timestamp::from_millisecond(ms).ok())
                    .unwrap_or(Timestamp::UNIX_EPOCH)
            }

            /// The partition (0 to 7) that the item of this id is kept in: see [`SHARDS`].
            #[must_use]
            pub fn shard(self) -> u8 {
                self.0.to_bytes()[15] % SHARDS
            }
        }

        impl TimedId for $name {
            fn number(self) -> u128 {
                self.0.0
            }

            fn numbered(number: u128) -> Self {
                Self(Ulid(number))
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!($prefix, "{}"), self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                text.strip_prefix($prefix)
                    .and_then(|rest| {
                        let ulid = Ulid::from_string(rest).ok()?;
                        // Only the canonical spelling: one id has one text.
                        (ulid.to_string() == rest).then_some(Self(ulid))
                    })
                    .ok_or(ParseIdError {
                        kind: $kind,
                        expected: concat!("\"", $prefix, "\" and 26 characters of Crockford base32"),
                    })
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

ulid_id!(
    /// A message: one event accepted for one organization. Sent as the `webhook-id` header.
    MessageId, "msg_", "message id"
);
ulid_id!(
    /// An endpoint: one receiver's URL with its subscriptions and secret.
    EndpointId, "whe_", "endpoint id"
);
ulid_id!(
    /// A delivery: one message on its way to one endpoint.
    DeliveryId, "dlv_", "delivery id"
);
ulid_id!(
    /// An organization's key to the API, which is not the key itself.
    KeyId, "key_", "key id"
);

ulid_id!(
    /// A replay: deliveries of one endpoint in a range of time, sent once more.
    ReplayId, "rpl_", "replay id"
);

impl MessageId {
    /// The id of an event that a producer put on a queue.
    ///
    /// The same for every time that the queue hands the record out, so a record seen twice makes one message.
    #[must_use]
    pub fn of_queue_record(queue_message_id: &str, sent_at: Timestamp) -> Self {
        Self::new(sent_at, derive(b"queue record", &[queue_message_id.as_bytes()]))
    }
}

impl DeliveryId {
    /// The id of the delivery that a message's acceptance makes for an endpoint.
    ///
    /// Derived, so that whoever knows the message and the endpoint finds the delivery without an index.
    #[must_use]
    pub fn first(message: MessageId, endpoint: EndpointId) -> Self {
        let random = derive(b"first delivery", &[&message.0.to_bytes(), &endpoint.0.to_bytes()]);
        Self::new(message.created_at(), random)
    }

    /// The id of the delivery that `replay`, begun at `began_at`, makes of `original`.
    ///
    /// Derived, so that a step of a replay that is done twice makes no second delivery. Among those of one replay the
    /// ids sort as the originals do: the first 32 random bits are the original's time, in milliseconds.
    #[must_use]
    pub fn replayed(original: DeliveryId, replay: ReplayId, began_at: Timestamp) -> Self {
        let hash = derive(b"replayed delivery", &[&original.0.to_bytes(), &replay.0.to_bytes()]);
        let place = u128::from(original.0.timestamp_ms() & 0xFFFF_FFFF);
        Self::new(began_at, (place << 48) | (hash & 0xFFFF_FFFF_FFFF))
    }
}

impl ReplayId {
    /// The id of the replay of that range: the same for the same wish, so that wishing twice replays once.
    #[must_use]
    pub fn of(endpoint: EndpointId, after: Timestamp, before: Option<Timestamp>, status: Option<&str>) -> Self {
        let before = before.map_or_else(String::new, |at| at.as_millisecond().to_string());
        let parts = [&endpoint.0.to_bytes(), before.as_bytes(), status.unwrap_or_default().as_bytes()];
        Self::new(after, derive(b"replay", &parts))
    }

    /// What the attempt that this replay, begun at `began_at`, asks of a delivery is known by.
    #[must_use]
    pub fn request(self, delivery: DeliveryId, began_at: Timestamp) -> u64 {
        let began_at = began_at.as_millisecond().to_be_bytes();
        let hash = derive(b"replayed attempt", &[&self.0.to_bytes(), &delivery.0.to_bytes(), &began_at]);
        u64::try_from(hash & u128::from(u64::MAX)).unwrap_or_default()
    }
}

/// 80 bits that stand for `parts`, different for every `label`.
fn derive(label: &[u8], parts: &[&[u8]]) -> u128 {
    let mut hash = Sha256::new();
    hash.update(label);
    for part in parts {
        hash.update([0]);
        hash.update(part);
    }
    hash.finalize().iter().take(10).fold(0, |bits, byte| (bits << 8) | u128::from(*byte))
}

fn unix_ms(at: Timestamp) -> u64 {
    // A ULID has no room for times before 1970: those become its start.
    u64::try_from(at.as_millisecond()).unwrap_or(0)
}

macro_rules! text_id {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $max:literal, $allowed:expr, $refused:expr, $expected:literal) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// The text of the id.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl FromStr for $name {
            type Err = ParseIdError;

            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                let allowed: fn(u8) -> bool = $allowed;
                let refused: &[&str] = &$refused;
                if (1..=$max).contains(&text.len()) && text.bytes().all(allowed) && !refused.contains(&text) {
                    Ok(Self(text.to_owned()))
                } else {
                    Err(ParseIdError { kind: $kind, expected: $expected })
                }
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

text_id!(
    /// An organization: a customer of the company that runs hookbell. The id is that company's own.
    OrganizationId,
    "organization id",
    100,
    |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':'),
    // They would lead elsewhere in a path (WHATWG URL, "single-dot" and "double-dot URL path segment").
    [".", ".."],
    "1 to 100 of A-Z a-z 0-9 - _ . : and not \".\" or \"..\""
);
text_id!(
    /// The producer's own id of an event: the same one twice within a day makes one message.
    EventId,
    "event id",
    256,
    |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
    [],
    "1 to 256 of A-Z a-z 0-9 - _ ."
);
text_id!(
    /// The name by which somebody else knows an endpoint, such as its id in the system that it came from. No two
    /// endpoints of an organization have the same.
    EndpointUid,
    "uid of an endpoint",
    256,
    |byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
    [],
    "1 to 256 of A-Z a-z 0-9 - _ ."
);

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(ms).unwrap()
    }

    #[test]
    fn an_id_reads_back_as_it_was_written() {
        let id = MessageId::new(at(1_780_000_000_123), u128::MAX);
        assert_eq!(id.to_string().parse::<MessageId>(), Ok(id));
        assert_eq!(id.created_at(), at(1_780_000_000_123));
        assert!(!id.to_string().contains('.'), "a dot would make the signed text ambiguous");
    }

    #[test]
    fn only_the_canonical_text_of_the_right_kind_is_an_id() {
        let id = MessageId::new(at(1), u128::MAX).to_string();
        assert!(id.parse::<EndpointId>().is_err());
        assert!(id.to_lowercase().parse::<MessageId>().is_err());
        assert!("msg_".parse::<MessageId>().is_err());
        assert!("msg_ZZZZZZZZZZZZZZZZZZZZZZZZZZ".parse::<MessageId>().is_err());
    }

    #[test]
    fn derived_ids_are_stable_and_differ_by_what_they_stand_for() {
        let message = MessageId::of_queue_record("a", at(5));
        assert_eq!(message, MessageId::of_queue_record("a", at(5)));
        assert_ne!(message, MessageId::of_queue_record("b", at(5)));
        let (one, two) = (EndpointId::new(at(1), 1), EndpointId::new(at(1), 2));
        assert_ne!(DeliveryId::first(message, one), DeliveryId::first(message, two));
        assert_eq!(DeliveryId::first(message, one).created_at(), message.created_at());
    }

    #[test]
    fn a_replay_makes_of_each_delivery_one_other_and_keeps_their_order() {
        let (endpoint, began_at) = (EndpointId::new(at(1), 1), at(9_000));
        let replay = ReplayId::of(endpoint, at(0), None, Some("exhausted"));
        assert_eq!(replay, ReplayId::of(endpoint, at(0), None, Some("exhausted")));
        for other in [
            ReplayId::of(endpoint, at(1), None, Some("exhausted")),
            ReplayId::of(endpoint, at(0), Some(at(7)), Some("exhausted")),
            ReplayId::of(endpoint, at(0), None, None),
            ReplayId::of(EndpointId::new(at(1), 2), at(0), None, Some("exhausted")),
        ] {
            assert_ne!(replay, other);
        }
        let originals: Vec<_> = (1..100).map(|n| DeliveryId::new(at(n), u128::MAX >> n)).collect();
        let made: Vec<_> = originals.iter().map(|&id| DeliveryId::replayed(id, replay, began_at)).collect();
        assert!(made.is_sorted() && made.iter().all(|id| id.created_at() == began_at));
        let again = DeliveryId::replayed(originals[0], replay, began_at);
        assert_eq!(again, made[0]);
        let request = |original, began| replay.request(original, at(began));
        assert_eq!(request(originals[0], 9_000), request(originals[0], 9_000));
        assert_ne!(request(originals[0], 9_000), request(originals[1], 9_000));
        assert_ne!(request(originals[0], 9_000), request(originals[0], 9_001), "the same wish of another day");
    }

    #[test]
    fn numbers_and_texts_of_ids_sort_by_time() {
        let (early, late) = (MessageId::new(at(1), u128::MAX), MessageId::new(at(2), 0));
        assert!(early.number() < late.number() && early.to_string() < late.to_string());
        assert_eq!(MessageId::numbered(early.number()), early);
        let first_from = |text: &str| MessageId::first_from(text.parse().unwrap());
        let at_123 = MessageId::new("2026-05-30T14:23:00.123Z".parse().unwrap(), 0);
        assert_eq!(first_from("2026-05-30T14:23:00.123Z"), at_123);
        assert_eq!(first_from("2026-05-30T14:23:00.122000001Z"), at_123, "a time has begun that no id has");
        assert_eq!(first_from("1969-12-31T23:59:59.5Z").number(), 0);
    }

    #[test]
    fn shards_are_used_evenly() {
        let mut counts = [0; SHARDS as usize];
        for n in 0..8_000 {
            counts[usize::from(MessageId::of_queue_record(&n.to_string(), at(5)).shard())] += 1;
        }
        assert!(counts.iter().all(|count| (850..1_150).contains(count)), "{counts:?}");
    }

    #[test]
    fn an_organization_id_has_no_character_that_a_key_or_a_path_could_misread() {
        assert!("org_1:eu.A-b".parse::<OrganizationId>().is_ok());
        for bad in ["", ".", "..", "a#b", "a/b", "a b", "a\n", "ä", &"x".repeat(101)] {
            assert!(bad.parse::<OrganizationId>().is_err(), "{bad:?}");
        }
    }
}
