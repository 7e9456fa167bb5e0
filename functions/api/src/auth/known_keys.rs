//! What an instance remembers of the keys that called it: within which minute, and whether that minute is full.
//!
//! It decides no call but the refusal of those over the limit; who is let in is decided by the table each time.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use hookbell_aws::table::KeyHash;
use hookbell_domain::minute::Minute;

/// Keys remembered at most, some hundred bytes each. Only keys that there are get in.
const ROOM: usize = 10_000;

/// How a key stands in a minute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It has not called here.
    Unknown,
    /// A call was let in.
    Admitted,
    /// Its calls are used up.
    Limited,
}

/// The keys of the minute.
#[derive(Debug, Default)]
pub(crate) struct KnownKeys(Mutex<HashMap<KeyHash, (Minute, Standing)>>);

impl KnownKeys {
    /// How a key stands in that minute, as far as this instance knows.
    pub(crate) fn standing(&self, key: KeyHash, minute: Minute) -> Standing {
        let keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match keys.get(&key) {
            Some((then, standing)) if *then == minute => *standing,
            _ => Standing::Unknown,
        }
    }

    /// Remembers how a key stands. Where there is no room, what is over goes first, and then everything: a key that is
    /// forgotten costs one call of DynamoDB more.
    pub(crate) fn note(&self, key: KeyHash, minute: Minute, standing: Standing) {
        let mut keys = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if keys.len() >= ROOM && !keys.contains_key(&key) {
            keys.retain(|_, (then, _)| *then == minute);
            if keys.len() >= ROOM {
                keys.clear();
            }
        }
        keys.insert(key, (minute, standing));
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    fn minute(number: i64) -> Minute {
        Minute::of(Timestamp::from_second(number * 60).unwrap())
    }

    #[test]
    fn a_key_stands_as_noted_for_the_rest_of_the_minute() {
        let (keys, key) = (KnownKeys::default(), KeyHash::of("a"));
        assert_eq!(keys.standing(key, minute(1)), Standing::Unknown);
        keys.note(key, minute(1), Standing::Admitted);
        assert_eq!(keys.standing(key, minute(1)), Standing::Admitted);
        keys.note(key, minute(1), Standing::Limited);
        assert_eq!(keys.standing(key, minute(1)), Standing::Limited);
        assert_eq!(keys.standing(key, minute(2)), Standing::Unknown);
        assert_eq!(keys.standing(KeyHash::of("b"), minute(1)), Standing::Unknown);
    }

    #[test]
    fn there_is_always_room_for_one_more_and_never_for_more_than_there_is() {
        let keys = KnownKeys::default();
        for (minute, count) in [(minute(1), ROOM / 2), (minute(2), ROOM)] {
            for n in 0..count {
                let key = KeyHash::of(&format!("{n} of {minute:?}"));
                keys.note(key, minute, Standing::Admitted);
                assert_eq!(keys.standing(key, minute), Standing::Admitted);
                assert!(keys.0.lock().unwrap().len() <= ROOM);
            }
        }
        let last_of_before = KeyHash::of(&format!("{} of {:?}", 0, minute(1)));
        assert_eq!(keys.standing(last_of_before, minute(1)), Standing::Unknown);
    }
}
