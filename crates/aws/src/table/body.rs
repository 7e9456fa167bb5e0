//! How a body is stored: as it is while its item fits one write unit, compressed beyond.

use std::io::Read;
use std::sync::{Mutex, PoisonError};

use flate2::read::DeflateDecoder;
use flate2::{Compress, Compression, FlushCompress, Status};

/// A write unit (AWS, "DynamoDB read and write operations": 1 KB) less what the item's keys and other attributes take.
const FITS_ONE_WRITE_UNIT: usize = 700;

/// Packs bodies. It keeps what compression works with, a quarter of a megabyte: making that anew for each body costs more
/// than compressing a kilobyte.
#[derive(Default)]
pub(super) struct Packer(Mutex<Option<Compress>>);

/// A body as stored.
pub(super) struct Packed {
    pub(super) bytes: Vec<u8>,
    /// By DEFLATE (RFC 1951).
    pub(super) is_compressed: bool,
}

impl std::fmt::Debug for Packer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Packer")
    }
}

impl Packer {
    /// The body as it is to be stored: never longer than it is.
    pub(super) fn pack(&self, body: &[u8]) -> Packed {
        if body.len() > FITS_ONE_WRITE_UNIT {
            let mut compress = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            let compress = compress.get_or_insert_with(|| Compress::new(Compression::default(), false));
            compress.reset();
            // It writes as far as there is room, and what takes more room than the body is not wanted.
            let mut bytes = Vec::with_capacity(body.len());
            let status = compress.compress_vec(body, &mut bytes, FlushCompress::Finish);
            if matches!(status, Ok(Status::StreamEnd)) && bytes.len() < body.len() {
                return Packed { bytes, is_compressed: true };
            }
        }
        Packed { bytes: body.to_vec(), is_compressed: false }
    }
}

/// The body as it was before it was packed.
pub(super) fn unpack(stored: Vec<u8>, compressed: bool) -> std::io::Result<Vec<u8>> {
    if !compressed {
        return Ok(stored);
    }
    let mut body = Vec::with_capacity(stored.len() * 3);
    DeflateDecoder::new(stored.as_slice()).read_to_end(&mut body)?;
    Ok(body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(kept: &Packer, body: &[u8], is_compressed: bool) {
        let packed = kept.pack(body);
        assert_eq!(packed.is_compressed, is_compressed);
        assert!(packed.bytes.len() <= body.len());
        assert_eq!(unpack(packed.bytes, is_compressed).unwrap(), body);
    }

    #[test]
    fn a_body_comes_back_whole_and_never_grows() {
        let kept = Packer::default();
        check(&kept, b"{}", false);
        check(&kept, &[b'a'; 700], false);
        check(&kept, &[b'a'; 701], true);
        check(&kept, &crate::random::bytes::<5_000>().unwrap(), false);
        check(&kept, &vec![b'x'; 262_144], true);
    }
}
