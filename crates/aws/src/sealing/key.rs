//! One key of the deployment, and what is derived from it.

use aes_gcm::aead::{Aead, KeyInit, Payload};
use aes_gcm::{Aes256Gcm, Nonce};
use hkdf::Hkdf;
use hmac::Hmac;
use sha2::Sha256;

use super::{Marked, SealError};
use crate::random;

/// How many bytes of what is sealed or marked name its key.
pub(super) const ID_BYTES: usize = 4;

const NONCE_BYTES: usize = 12;

/// What a key is called in what it has sealed or marked. It is derived like the others and tells nothing of them.
pub(super) type KeyId = [u8; ID_BYTES];

/// What is derived from one text that the deployment generated.
pub(super) struct Key {
    pub(super) id: KeyId,
    sealing: Aes256Gcm,
    acceptance: Hmac<Sha256>,
    cursors: Hmac<Sha256>,
    portal: Hmac<Sha256>,
    sessions: Hmac<Sha256>,
}

impl Key {
    /// Derives them (HKDF-SHA256, RFC 5869).
    pub(super) fn derive(encryption_key: &str) -> Result<Self, SealError> {
        if encryption_key.len() < 32 {
            return Err(SealError::KeyTooShort);
        }
        let hkdf = Hkdf::<Sha256>::new(None, encryption_key.as_bytes());
        let expand = |label: &[u8]| {
            let mut key = [0; 32];
            hkdf.expand(label, &mut key).map(|()| key).map_err(|_| SealError::KeyTooShort)
        };
        let mut id = [0; ID_BYTES];
        hkdf.expand(b"hookbell key id v1", &mut id).map_err(|_| SealError::KeyTooShort)?;
        Ok(Self {
            id,
            sealing: Aes256Gcm::new(&expand(b"hookbell signing secrets v1")?.into()),
            acceptance: Hmac::new(&expand_block(&expand(b"hookbell accepted events v1")?)),
            cursors: Hmac::new(&expand_block(&expand(b"hookbell cursors v1")?)),
            portal: Hmac::new(&expand_block(&expand(b"hookbell portal tokens v1")?)),
            sessions: Hmac::new(&expand_block(&expand(b"hookbell console sessions v1")?)),
        })
    }

    /// The key's id, a nonce, then AES-256-GCM ciphertext and tag (NIST SP 800-38D).
    pub(super) fn seal(&self, bytes: &[u8], aad: &str) -> Result<Vec<u8>, SealError> {
        let nonce: [u8; NONCE_BYTES] = random::bytes().map_err(|_| SealError::NoRandomness)?;
        let payload = Payload { msg: bytes, aad: aad.as_bytes() };
        let sealed = self.sealing.encrypt(&Nonce::from(nonce), payload).map_err(|_| SealError::NoRandomness)?;
        Ok([self.id.as_slice(), &nonce, &sealed].concat())
    }

    /// Opens what stands behind the key's id.
    pub(super) fn open(&self, sealed: &[u8], aad: &str) -> Result<Vec<u8>, SealError> {
        let (nonce, sealed) = sealed.split_first_chunk::<NONCE_BYTES>().ok_or(SealError::DoesNotOpen)?;
        let payload = Payload { msg: sealed, aad: aad.as_bytes() };
        self.sealing.decrypt(&Nonce::from(*nonce), payload).map_err(|_| SealError::DoesNotOpen)
    }

    pub(super) fn marking(&self, kind: Marked) -> Hmac<Sha256> {
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
