//! How a body is stored: as it is while its item fits one write unit, compressed beyond.

use std::io::{Read, Write};

use flate2::Compression;
use flate2::read::DeflateDecoder;
use flate2::write::DeflateEncoder;

/// A write unit (AWS, "DynamoDB read and write operations": 1 KB) less what the item's keys and other attributes take.
const FITS_ONE_WRITE_UNIT: usize = 700;

/// The body as stored, and whether it was compressed (DEFLATE, RFC 1951).
pub(super) fn pack(body: &[u8]) -> std::io::Result<(Vec<u8>, bool)> {
    if body.len() > FITS_ONE_WRITE_UNIT {
        let mut encoder = DeflateEncoder::new(Vec::with_capacity(body.len() / 2), Compression::default());
        encoder.write_all(body)?;
        let packed = encoder.finish()?;
        if packed.len() < body.len() {
            return Ok((packed, true));
        }
    }
    Ok((body.to_vec(), false))
}

/// The body as it was before [`pack`].
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
    fn check(body: &[u8], compressed: bool) {
        let (stored, is_compressed) = pack(body).unwrap();
        assert_eq!(is_compressed, compressed);
        assert!(stored.len() <= body.len());
        assert_eq!(unpack(stored, is_compressed).unwrap(), body);
    }

    #[test]
    fn a_body_comes_back_whole_and_never_grows() {
        check(b"{}", false);
        check(&[b'a'; 700], false);
        check(&[b'a'; 701], true);
        check(&crate::random::bytes::<5_000>().unwrap(), false);
        check(&vec![b'x'; 262_144], true);
    }
}
