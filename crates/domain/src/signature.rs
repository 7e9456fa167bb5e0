//! Signing requests by Standard Webhooks, and the secrets that it takes.

mod key_pair;

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use jiff::Timestamp;
pub use key_pair::{KEY_BYTES, ParseKeyError, PublicKey, SigningKeyPair};
use sha2::Sha256;

use crate::ids::MessageId;

/// How many bytes a new secret has. Standard Webhooks, "Signature scheme", allows 24 to 64.
pub const SECRET_BYTES: usize = 32;

/// A symmetric signing secret. Shown to its owner as `whsec_` and base64; never in a log.
#[derive(Clone, PartialEq, Eq)]
pub struct SigningSecret(Vec<u8>);

/// A text that is no signing secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a signing secret is \"whsec_\" and the base64 of 24 to 64 bytes")]
pub struct ParseSecretError;

impl SigningSecret {
    /// A secret of these random bytes.
    #[must_use]
    pub fn new(random: [u8; SECRET_BYTES]) -> Self {
        Self(random.to_vec())
    }

    /// The secret of bytes that were kept; none unless there are 24 to 64.
    #[must_use]
    pub fn from_bytes(bytes: Vec<u8>) -> Option<Self> {
        (24..=64).contains(&bytes.len()).then_some(Self(bytes))
    }

    /// The key's bytes, to be sealed and kept.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text for its owner's eyes.
    #[must_use]
    pub fn reveal(&self) -> String {
        format!("whsec_{}", STANDARD.encode(&self.0))
    }
}

impl FromStr for SigningSecret {
    type Err = ParseSecretError;

    fn from_str(text: &str) -> Result<Self, ParseSecretError> {
        text.strip_prefix("whsec_")
            .and_then(|encoded| STANDARD.decode(encoded).ok())
            .and_then(Self::from_bytes)
            .ok_or(ParseSecretError)
    }
}

impl fmt::Debug for SigningSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningSecret(hidden)")
    }
}

/// The value of `webhook-signature` for a request sent at `at` with `body`: one token for each secret, in order, and
/// then the key pair's.
#[must_use]
pub fn sign<'a>(
    secrets: impl IntoIterator<Item = &'a SigningSecret>,
    key_pair: Option<&SigningKeyPair>,
    id: MessageId,
    at: Timestamp,
    body: &[u8],
) -> String {
    let head = format!("{id}.{}.", at.as_second());
    let mut value = String::new();
    for secret in secrets {
        // Standard Webhooks, "Signature scheme": HMAC-SHA256 over `id.timestamp.body`.
        let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(&secret.0) else {
            continue; // HMAC takes keys of every length (RFC 2104, section 3).
        };
        mac.update(head.as_bytes());
        mac.update(body);
        if !value.is_empty() {
            value.push(' ');
        }
        value.push_str("v1,");
        STANDARD.encode_string(mac.finalize().into_bytes(), &mut value);
    }
    if let Some(pair) = key_pair {
        value.push(' ');
        pair.sign(&[head.as_bytes(), body].concat(), &mut value);
    }
    value
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn verifies(secret: &SigningSecret, id: MessageId, at: Timestamp, signature: &str, body: &[u8]) -> bool {
        let mut headers = http::HeaderMap::new();
        headers.insert("webhook-id", id.to_string().parse().unwrap());
        headers.insert("webhook-timestamp", at.as_second().to_string().parse().unwrap());
        headers.insert("webhook-signature", signature.parse().unwrap());
        standardwebhooks::Webhook::new(&secret.reveal()).unwrap().verify(body, &headers).is_ok()
    }

    #[expect(clippy::disallowed_methods, reason = "the independent verifier compares with the real clock")]
    fn now() -> Timestamp {
        Timestamp::now()
    }

    proptest! {
        #[test]
        fn the_independent_verifier_accepts_each_secret_and_no_other(
            current: [u8; 32], old: [u8; 32], stranger: [u8; 32], random: u128, skew in -240i64..240, body in "\\PC*",
        ) {
            prop_assume!(stranger != current && stranger != old);
            let (current, old) = (SigningSecret::new(current), SigningSecret::new(old));
            let (at, body) = (Timestamp::from_second(now().as_second() + skew).unwrap(), body.as_bytes());
            let id = MessageId::new(at, random);
            let pair = SigningKeyPair::from_seed(&stranger).unwrap();
            let signature = sign([&current, &old], Some(&pair), id, at, body);
            prop_assert!(verifies(&current, id, at, &signature, body));
            prop_assert!(verifies(&old, id, at, &signature, body));
            prop_assert!(!verifies(&SigningSecret::new(stranger), id, at, &signature, body));
            let first = sign([&current], None, id, at, body);
            prop_assert!(signature.starts_with(&first), "the current secret comes first");
            let schemes = signature.split(' ').map(|token| token.split(',').next().unwrap());
            prop_assert_eq!(schemes.collect::<Vec<_>>(), ["v1", "v1", "v1a"]);
        }
    }

    #[test]
    fn a_secret_reads_back_and_stays_out_of_debug_output() {
        let secret = SigningSecret::new([7; 32]);
        assert_eq!(secret.reveal().parse(), Ok(secret.clone()));
        assert!(!format!("{secret:?}").contains(&secret.reveal()[6..12]));
        for bad in ["whsec_", "whsec_AAAA", "sk_x", ""] {
            assert_eq!(bad.parse::<SigningSecret>(), Err(ParseSecretError), "{bad:?}");
        }
    }
}
