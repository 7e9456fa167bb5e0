//! Keys derived from the deployment's encryption key: one seals secrets at rest, the others mark what we have made.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hkdf::Hkdf;
use hmac::{Hmac, Mac};
use hookbell_domain::headers::CustomHeaders;
use hookbell_domain::ids::{EndpointId, OrganizationId};
use hookbell_domain::signature::{SigningKeyPair, SigningSecret};
use sha2::Sha256;

use crate::random;

const NONCE_BYTES: usize = 12;

/// The deployment's keys. Their bytes appear in no log and no error.
pub struct Keys {
    sealing: Aes256Gcm,
    acceptance: Hmac<Sha256>,
    cursors: Hmac<Sha256>,
    portal: Hmac<Sha256>,
    sessions: Hmac<Sha256>,
}

/// What a mark is put on; each has a key of its own, so that none is good for another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Marked {
    /// An event that our API accepted, on its way through a queue.
    AcceptedEvent,
    /// Where the next page of a list begins.
    Cursor,
    /// A link into an organization's portal.
    PortalToken,
    /// A session of the console.
    Session,
}

/// What is sealed of an endpoint. It is part of the seal, so that none opens as another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sealed {
    Secret,
    KeyPair,
    Headers,
}

/// A secret that could not be sealed or opened.
#[derive(Debug, thiserror::Error)]
pub enum SealError {
    /// The encryption key of the deployment is too short to derive keys from.
    #[error("the encryption key is shorter than 32 characters")]
    KeyTooShort,
    /// The operating system gave no random bytes.
    #[error("no random bytes to be had")]
    NoRandomness,
    /// Sealed under another key, or for another endpoint, or damaged.
    #[error("a sealed secret does not open: it was sealed under another key or for another endpoint")]
    DoesNotOpen,
}

impl std::fmt::Debug for Keys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Keys(hidden)")
    }
}

impl Keys {
    /// Derives the keys from the opaque text that the deployment generated (HKDF-SHA256, RFC 5869).
    ///
    /// # Errors
    /// When the text is shorter than 32 characters.
    pub fn derive(encryption_key: &str) -> Result<Self, SealError> {
        if encryption_key.len() < 32 {
            return Err(SealError::KeyTooShort);
        }
        let hkdf = Hkdf::<Sha256>::new(None, encryption_key.as_bytes());
        let expand = |label: &[u8]| {
            let mut key = [0; 32];
            hkdf.expand(label, &mut key).map(|()| key).map_err(|_| SealError::KeyTooShort)
        };
        Ok(Self {
            sealing: Aes256Gcm::new(&expand(b"hookbell signing secrets v1")?.into()),
            acceptance: Hmac::new(&expand_block(&expand(b"hookbell accepted events v1")?)),
            cursors: Hmac::new(&expand_block(&expand(b"hookbell cursors v1")?)),
            portal: Hmac::new(&expand_block(&expand(b"hookbell portal tokens v1")?)),
            sessions: Hmac::new(&expand_block(&expand(b"hookbell console sessions v1")?)),
        })
    }

    /// Seals a signing secret for its endpoint.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn seal(
        &self,
        secret: &SigningSecret,
        organization: &OrganizationId,
        endpoint: EndpointId,
    ) -> Result<Vec<u8>, SealError> {
        self.seal_bytes(secret.as_bytes(), &associated_data(Sealed::Secret, organization, endpoint))
    }

    /// Opens what [`Keys::seal`] sealed for the same organization and endpoint.
    ///
    /// # Errors
    /// When it was sealed under another key or for another endpoint.
    pub fn open(
        &self,
        sealed: &[u8],
        organization: &OrganizationId,
        endpoint: EndpointId,
    ) -> Result<SigningSecret, SealError> {
        let secret = self.open_bytes(sealed, &associated_data(Sealed::Secret, organization, endpoint))?;
        SigningSecret::from_bytes(secret).ok_or(SealError::DoesNotOpen)
    }

    /// Seals the seed of a key pair for its endpoint.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn seal_key_pair(
        &self,
        pair: &SigningKeyPair,
        organization: &OrganizationId,
        endpoint: EndpointId,
    ) -> Result<Vec<u8>, SealError> {
        self.seal_bytes(pair.seed(), &associated_data(Sealed::KeyPair, organization, endpoint))
    }

    /// Opens what [`Keys::seal_key_pair`] sealed for the same organization and endpoint.
    ///
    /// # Errors
    /// When it was sealed under another key or for another endpoint.
    pub fn open_key_pair(
        &self,
        sealed: &[u8],
        organization: &OrganizationId,
        endpoint: EndpointId,
    ) -> Result<SigningKeyPair, SealError> {
        let seed = self.open_bytes(sealed, &associated_data(Sealed::KeyPair, organization, endpoint))?;
        SigningKeyPair::from_seed(&seed).map_err(|_| SealError::DoesNotOpen)
    }

    /// Seals the custom headers of an endpoint, as a JSON list of names with values: these are often credentials.
    ///
    /// # Errors
    /// When there is no randomness.
    pub fn seal_headers(
        &self,
        headers: &CustomHeaders,
        organization: &OrganizationId,
        endpoint: EndpointId,
    ) -> Result<Vec<u8>, SealError> {
        let pairs: Vec<(&str, &str)> = headers.iter().collect();
        // A list of texts can be written as JSON, always.
        let json = serde_json::to_vec(&pairs).map_err(|_| SealError::NoRandomness)?;
        self.seal_bytes(&json, &associated_data(Sealed::Headers, organization, endpoint))
    }

    /// Opens what [`Keys::seal_headers`] sealed for the same organization and endpoint.
    ///
    /// # Errors
    /// When they were sealed under another key or for another endpoint.
    pub fn open_headers(
        &self,
        sealed: &[u8],
        organization: &OrganizationId,
        endpoint: EndpointId,
    ) -> Result<CustomHeaders, SealError> {
        let json = self.open_bytes(sealed, &associated_data(Sealed::Headers, organization, endpoint))?;
        serde_json::from_slice(&json).map(CustomHeaders::from_kept).map_err(|_| SealError::DoesNotOpen)
    }

    /// Nonce, then AES-256-GCM ciphertext and tag (NIST SP 800-38D).
    fn seal_bytes(&self, bytes: &[u8], aad: &str) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE_BYTES] = random::bytes().map_err(|_| SealError::NoRandomness)?;
        let payload = Payload { msg: bytes, aad: aad.as_bytes() };
        let sealed = self.sealing.encrypt(&Nonce::from(nonce), payload).map_err(|_| SealError::NoRandomness)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    fn open_bytes(&self, sealed: &[u8], aad: &str) -> Result<Vec<u8>, SealError> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::DoesNotOpen)?;
        let payload = Payload { msg: sealed, aad: aad.as_bytes() };
        self.sealing.decrypt(&Nonce::from(*nonce), payload).map_err(|_| SealError::DoesNotOpen)
    }

    /// The mark that shows data to be our own: HMAC-SHA256 (RFC 2104) over it.
    #[must_use]
    pub fn mark(&self, kind: Marked, data: &[u8]) -> [u8; 32] {
        self.marking(kind).chain_update(data).finalize().into_bytes().into()
    }

    /// Whether a mark is that of the data. Takes the same time wherever they differ.
    #[must_use]
    pub fn is_marked(&self, kind: Marked, data: &[u8], mark: &[u8]) -> bool {
        self.marking(kind).chain_update(data).verify_slice(mark).is_ok()
    }

    fn marking(&self, kind: Marked) -> Hmac<Sha256> {
        match kind {
            Marked::AcceptedEvent => self.acceptance.clone(),
            Marked::Cursor => self.cursors.clone(),
            Marked::PortalToken => self.portal.clone(),
            Marked::Session => self.sessions.clone(),
        }
    }
}

/// An HMAC key as the block that the constructor of fixed length takes (RFC 2104, section 2: padded with zeros).
fn expand_block(key: &[u8; 32]) -> hmac::digest::Key<Hmac<Sha256>> {
    let mut block = hmac::digest::Key::<Hmac<Sha256>>::default();
    for (to, from) in block.iter_mut().zip(key) {
        *to = *from;
    }
    block
}

/// What something sealed is bound to. Ids hold no `#`, so no two of these are alike.
fn associated_data(what: Sealed, organization: &OrganizationId, endpoint: EndpointId) -> String {
    match what {
        Sealed::Secret => format!("{organization}#{endpoint}"),
        Sealed::KeyPair => format!("{organization}#{endpoint}#key pair"),
        Sealed::Headers => format!("{organization}#{endpoint}#headers"),
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;

    const KEY: &str = "0123456789abcdefghijklmnopqrstuvwxyzABCD";

    fn endpoint(n: u128) -> EndpointId {
        EndpointId::new(Timestamp::UNIX_EPOCH, n)
    }

    #[test]
    fn a_sealed_secret_opens_only_with_its_key_and_for_its_endpoint() {
        let keys = Keys::derive(KEY).unwrap();
        let (org, other): (OrganizationId, OrganizationId) = ("org_1".parse().unwrap(), "org_2".parse().unwrap());
        let secret = SigningSecret::new([9; 32]);
        let sealed = keys.seal(&secret, &org, endpoint(1)).unwrap();
        assert_eq!(keys.open(&sealed, &org, endpoint(1)).unwrap(), secret);
        assert!(keys.open(&sealed, &other, endpoint(1)).is_err());
        assert!(keys.open(&sealed, &org, endpoint(2)).is_err());
        assert!(keys.open(&sealed[1..], &org, endpoint(1)).is_err());
        assert!(keys.open(&[], &org, endpoint(1)).is_err());
        let others = Keys::derive(&KEY.to_uppercase()).unwrap();
        assert!(others.open(&sealed, &org, endpoint(1)).is_err());
        assert_ne!(sealed, keys.seal(&secret, &org, endpoint(1)).unwrap(), "a nonce is used once");
    }

    #[test]
    fn what_is_sealed_as_one_thing_does_not_open_as_another() {
        let keys = Keys::derive(KEY).unwrap();
        let (org, id): (OrganizationId, _) = ("org_1".parse().unwrap(), endpoint(1));
        let pair = SigningKeyPair::from_seed(&[9; 32]).unwrap();
        let headers = CustomHeaders::from_kept(vec![("X-Key".to_owned(), "Bearer \"1\"".to_owned())]);
        let secret = keys.seal(&SigningSecret::new([9; 32]), &org, id).unwrap();
        let sealed_pair = keys.seal_key_pair(&pair, &org, id).unwrap();
        let sealed_headers = keys.seal_headers(&headers, &org, id).unwrap();
        assert_eq!(keys.open_key_pair(&sealed_pair, &org, id).unwrap(), pair);
        assert_eq!(keys.open_headers(&sealed_headers, &org, id).unwrap(), headers);
        for other in [&secret, &sealed_headers] {
            assert!(keys.open_key_pair(other, &org, id).is_err());
        }
        for other in [&secret, &sealed_pair] {
            assert!(keys.open_headers(other, &org, id).is_err());
        }
        assert!(keys.open(&sealed_pair, &org, id).is_err());
        assert!(keys.open_key_pair(&sealed_pair, &org, endpoint(2)).is_err());
        assert!(keys.open_headers(&sealed_headers, &org, endpoint(2)).is_err());
    }

    #[test]
    fn a_mark_fits_one_text_one_kind_and_one_key() {
        let keys = Keys::derive(KEY).unwrap();
        let mark = keys.mark(Marked::AcceptedEvent, b"a record");
        assert!(keys.is_marked(Marked::AcceptedEvent, b"a record", &mark));
        assert!(!keys.is_marked(Marked::AcceptedEvent, b"another", &mark));
        assert!(!keys.is_marked(Marked::AcceptedEvent, b"a record", &mark[..31]));
        assert!(!keys.is_marked(Marked::Cursor, b"a record", &mark));
        assert!(!keys.is_marked(Marked::PortalToken, b"a record", &mark));
        let other = Keys::derive(&KEY.to_uppercase()).unwrap();
        assert!(!other.is_marked(Marked::AcceptedEvent, b"a record", &mark));
    }

    #[test]
    fn a_short_key_is_refused() {
        assert!(matches!(Keys::derive("short"), Err(SealError::KeyTooShort)));
    }
}
