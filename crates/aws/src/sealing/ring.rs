//! The keys that an instance knows, and how it comes to know others.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};

use super::SealError;
use super::key::{ID_BYTES, Key, KeyId};
use crate::AwsError;
use crate::clients::Aws;
use crate::secrets::{self, Stage};

/// How soon Secrets Manager is asked once more: what names keys that are none must not make us ask for each.
const AGAIN: Duration = Duration::from_secs(1);

/// Keys that are remembered at most: the two that there are, and those that were there while this instance has lived.
const REMEMBERED: usize = 8;

/// The deployment's keys: the current one, which seals and marks, and others that still open. Their bytes appear in no
/// log and no error.
///
/// An instance begins with the current one alone. What is sealed or marked names its key, and where that is one that
/// the instance has not met, [`Keys::meet`] asks for the current and the previous one.
pub struct Keys {
    /// The current one first. Never empty.
    ring: RwLock<(Arc<Key>, Vec<Arc<Key>>)>,
    source: Option<Source>,
}

/// Where the keys come from.
struct Source {
    aws: Aws,
    secret: String,
    asked: tokio::sync::Mutex<Option<Instant>>,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keys(hidden)")
    }
}

impl Keys {
    /// Keys from one opaque text that the deployment generated, and no others, ever.
    ///
    /// # Errors
    /// When the text is shorter than 32 characters.
    pub fn derive(encryption_key: &str) -> Result<Self, SealError> {
        Ok(Self { ring: RwLock::new((Arc::new(Key::derive(encryption_key)?), Vec::new())), source: None })
    }

    /// The current key of a secret, by name or ARN; one request.
    ///
    /// # Errors
    /// When Secrets Manager does not answer, or the secret is shorter than 32 characters.
    pub async fn load(aws: &Aws, secret: &str) -> Result<Self, AwsError> {
        let keys = Self::derive(&secrets::read(aws, secret).await?).map_err(unusable)?;
        let source = Source { aws: aws.clone(), secret: secret.to_owned(), asked: tokio::sync::Mutex::default() };
        Ok(Self { source: Some(source), ..keys })
    }

    /// Sees to it that the keys are known which these name, as far as there are such. Where all are known, as nearly
    /// always, that costs nothing; else two requests, once a second at most.
    ///
    /// # Errors
    /// When Secrets Manager does not answer.
    pub async fn meet<'a>(&self, named: impl IntoIterator<Item = &'a [u8]>) -> Result<(), AwsError> {
        if named.into_iter().filter_map(named_key).all(|(id, _)| self.key(id).is_some()) {
            return Ok(());
        }
        let Some(source) = &self.source else { return Ok(()) };
        let mut asked = source.asked.lock().await;
        if asked.is_some_and(|at| at.elapsed() < AGAIN) {
            return Ok(());
        }
        let now = Instant::now();
        let (current, previous) = tokio::try_join!(
            secrets::read(&source.aws, &source.secret),
            secrets::read_stage(&source.aws, &source.secret, Stage::Previous),
        )?;
        let current = Key::derive(&current).map_err(unusable)?;
        let previous = previous.map(|previous| Key::derive(&previous)).transpose().map_err(unusable)?;
        self.learn(current, previous);
        *asked = Some(now);
        Ok(())
    }

    /// Whether something sealed is sealed under the key that is the current one, as far as this instance knows.
    #[must_use]
    pub fn is_sealed_anew(&self, sealed: &[u8]) -> bool {
        named_key(sealed).is_some_and(|(id, _)| id == self.current().id)
    }

    /// Another current key, and others that open: those just read, then those that were known before.
    fn learn(&self, current: Key, previous: Option<Key>) {
        let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
        let current = Arc::new(current);
        let before = std::iter::once(Arc::clone(&ring.0)).chain(ring.1.iter().cloned());
        let mut others: Vec<Arc<Key>> = Vec::new();
        for key in previous.map(Arc::new).into_iter().chain(before) {
            if key.id != current.id && others.iter().all(|other| other.id != key.id) {
                others.push(key);
            }
        }
        others.truncate(REMEMBERED - 1);
        *ring = (current, others);
    }

    pub(super) fn current(&self) -> Arc<Key> {
        Arc::clone(&self.ring.read().unwrap_or_else(PoisonError::into_inner).0)
    }

    pub(super) fn key(&self, id: KeyId) -> Option<Arc<Key>> {
        let ring = self.ring.read().unwrap_or_else(PoisonError::into_inner);
        std::iter::once(&ring.0).chain(&ring.1).find(|key| key.id == id).cloned()
    }
}

/// The key that something sealed or marked names, and what stands behind the name.
pub(super) fn named_key(bytes: &[u8]) -> Option<(KeyId, &[u8])> {
    bytes.split_first_chunk::<ID_BYTES>().map(|(id, rest)| (*id, rest))
}

fn unusable(error: SealError) -> AwsError {
    AwsError::unreadable("GetSecretValue", error)
}

#[cfg(test)]
mod tests {
    use super::super::Marked;
    use super::*;

    fn key(letter: &str) -> Key {
        Key::derive(&letter.repeat(40)).unwrap()
    }

    #[test]
    fn what_was_made_under_one_key_is_good_until_it_is_forgotten() {
        let keys = Keys::derive(&"a".repeat(40)).unwrap();
        let mark = keys.mark(Marked::Cursor, b"x");
        keys.learn(key("b"), Some(key("a")));
        let newer = keys.mark(Marked::Cursor, b"x");
        assert_ne!(mark, newer);
        for mark in [mark, newer] {
            assert!(keys.is_marked(Marked::Cursor, b"x", &mark) && !keys.is_marked(Marked::Cursor, b"y", &mark));
        }
        for letter in ["c", "d", "e", "f", "g", "h", "i"] {
            keys.learn(key(letter), None);
        }
        assert!(!keys.is_marked(Marked::Cursor, b"x", &mark) && keys.is_marked(Marked::Cursor, b"x", &newer));
        assert!(!keys.is_sealed_anew(&newer) && keys.is_sealed_anew(&keys.mark(Marked::Cursor, b"")));
    }

    #[test]
    fn learning_the_same_again_changes_nothing() {
        let keys = Keys::derive(&"a".repeat(40)).unwrap();
        for _ in 0..20 {
            keys.learn(key("b"), Some(key("a")));
        }
        assert_eq!((keys.current().id, keys.ring.read().unwrap().1.len()), (key("b").id, 1));
    }
}
