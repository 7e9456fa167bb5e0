//! Texts that say something until a time, marked as ours: nothing has to be kept for them to be believed.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hookbell_aws::AwsError;
use hookbell_aws::sealing::{Keys, MARK_BYTES, Marked};
use jiff::Timestamp;

const TIME_BYTES: usize = 8;

/// A new text: the end and what it says, a dot, and our mark on both, each part in base64url.
///
/// The end is unix seconds, 8 bytes, big-endian.
pub(crate) fn write(keys: &Keys, kind: Marked, ends_at: Timestamp, says: &[u8]) -> String {
    let whole = [ends_at.as_second().to_be_bytes().as_slice(), says].concat();
    let mark = keys.mark(kind, &whole);
    format!("{}.{}", URL_SAFE_NO_PAD.encode(whole), URL_SAFE_NO_PAD.encode(mark))
}

/// Sees to it that the key which a text names is known, if it is a text of ours at all.
pub(crate) async fn meet(keys: &Keys, text: &str) -> Result<(), AwsError> {
    let mark = text.split_once('.').and_then(|(_, mark)| URL_SAFE_NO_PAD.decode(mark).ok());
    keys.meet(mark.as_deref().filter(|mark| mark.len() == MARK_BYTES)).await
}

/// What a text says and when it ends; nothing of what is no text of ours of that kind, or over.
pub(crate) fn read(keys: &Keys, kind: Marked, text: &str, now: Timestamp) -> Option<(Vec<u8>, Timestamp)> {
    let (whole, mark) = text.split_once('.')?;
    // The decoder knows one text for some bytes only, so nothing has a second spelling.
    let (whole, mark) = (URL_SAFE_NO_PAD.decode(whole).ok()?, URL_SAFE_NO_PAD.decode(mark).ok()?);
    if !keys.is_marked(kind, &whole, &mark) {
        return None;
    }
    let (ends_at, says) = whole.split_first_chunk::<TIME_BYTES>()?;
    let ends_at = Timestamp::from_second(i64::from_be_bytes(*ends_at)).ok()?;
    (now < ends_at).then(|| (says.to_vec(), ends_at))
}
