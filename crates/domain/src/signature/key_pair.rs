//! Key pairs for receivers that verify with a public key. Standard Webhooks, "Signature scheme", asymmetric: ed25519.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair as _};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// How many bytes a seed has, and a public key: RFC 8032, section 5.1.5.
pub const KEY_BYTES: usize = 32;

/// A key pair. Its seed is in no log and no debug output.
#[derive(Clone)]
pub struct SigningKeyPair {
    seed: [u8; KEY_BYTES],
    pair: Arc<Ed25519KeyPair>,
}

/// What verifies the signatures of a key pair: `whpk_` and base64, for everybody to see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PublicKey([u8; KEY_BYTES]);

/// Bytes, or a text, that are no key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a public key is \"whpk_\" and the base64 of 32 bytes, a key pair's seed \"whsk_\" and as much")]
pub struct ParseKeyError;

impl SigningKeyPair {
    /// The key pair of a seed, which is all that there is to keep of it.
    ///
    /// # Errors
    /// When the seed has not 32 bytes.
    pub fn from_seed(seed: &[u8]) -> Result<Self, ParseKeyError> {
        let seed: [u8; KEY_BYTES] = seed.try_into().map_err(|_| ParseKeyError)?;
        let pair = Ed25519KeyPair::from_seed_unchecked(&seed).map_err(|_| ParseKeyError)?;
        Ok(Self { seed, pair: Arc::new(pair) })
    }

    /// The seed, to be sealed and kept.
    #[must_use]
    pub fn seed(&self) -> &[u8; KEY_BYTES] {
        &self.seed
    }

    /// What verifies its signatures.
    #[must_use]
    pub fn public_key(&self) -> PublicKey {
        let mut bytes = [0; KEY_BYTES];
        for (to, from) in bytes.iter_mut().zip(self.pair.public_key().as_ref()) {
            *to = *from;
        }
        PublicKey(bytes)
    }

    /// Appends the token of a message: `v1a,` and the base64 of its signature.
    pub(super) fn sign(&self, message: &[u8], value: &mut String) {
        // Signing fails for want of memory alone.
        let Ok(signature) = self.pair.try_sign(message) else { return };
        value.push_str("v1a,");
        STANDARD.encode_string(signature, value);
    }
}

impl FromStr for SigningKeyPair {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        let seed = text.strip_prefix("whsk_").and_then(|encoded| STANDARD.decode(encoded).ok()).ok_or(ParseKeyError)?;
        Self::from_seed(&seed)
    }
}

impl PartialEq for SigningKeyPair {
    fn eq(&self, other: &Self) -> bool {
        self.seed == other.seed
    }
}

impl Eq for SigningKeyPair {}

impl fmt::Debug for SigningKeyPair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SigningKeyPair(hidden)")
    }
}

impl PublicKey {
    /// The public key of bytes that were kept; none unless there are 32.
    #[must_use]
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Its bytes.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl fmt::Display for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "whpk_{}", STANDARD.encode(self.0))
    }
}

#[cfg(test)]
mod tests {
    use ed25519_dalek::{Signature, SigningKey, VerifyingKey};
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_independent_verifier_accepts_what_the_pair_signs_and_nothing_else(
            seed: [u8; 32], message: Vec<u8>, stranger: [u8; 32],
        ) {
            prop_assume!(seed != stranger);
            let pair = SigningKeyPair::from_seed(&seed).unwrap();
            let mut token = String::new();
            pair.sign(&message, &mut token);
            let bytes = STANDARD.decode(token.strip_prefix("v1a,").unwrap()).unwrap();
            let signature = Signature::from_slice(&bytes).unwrap();
            let text = pair.public_key().to_string();
            let key = STANDARD.decode(text.strip_prefix("whpk_").unwrap()).unwrap();
            let key = VerifyingKey::from_bytes(&key.try_into().unwrap()).unwrap();
            prop_assert!(key.verify_strict(&message, &signature).is_ok());
            let other = SigningKey::from_bytes(&stranger).verifying_key();
            prop_assert!(other.verify_strict(&message, &signature).is_err());
            prop_assert!(key.verify_strict(&[message.as_slice(), b"!"].concat(), &signature).is_err());
        }
    }

    /// RFC 8032, section 7.1, test 1.
    #[test]
    fn the_key_of_the_standard_comes_out() {
        let seed = "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=";
        let pair: SigningKeyPair = format!("whsk_{seed}").parse().unwrap();
        assert_eq!(pair.public_key().to_string(), "whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=");
        let kept = (SigningKeyPair::from_seed(pair.seed()), PublicKey::from_bytes(pair.public_key().as_bytes()));
        assert_eq!(kept, (Ok(pair.clone()), Some(pair.public_key())));
        assert!(!format!("{pair:?}").contains(seed.split('/').next().unwrap()));
    }

    #[test]
    fn what_has_not_32_bytes_is_no_key() {
        assert_eq!(SigningKeyPair::from_seed(&[7; 31]), Err(ParseKeyError));
        assert_eq!(PublicKey::from_bytes(&[7; 33]), None);
        for bad in ["", "whsk_", "whsk_AAAA", "whpk_nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A="] {
            assert_eq!(bad.parse::<SigningKeyPair>(), Err(ParseKeyError), "{bad:?}");
        }
    }
}
