//! What browsers are sent beside pages: compressed when the function was built, named by its content.

use std::io::Read as _;

use axum::body::Bytes;
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, VARY, X_CONTENT_TYPE_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use flate2::read::GzDecoder;

use crate::error::ApiError;

include!(concat!(env!("OUT_DIR"), "/assets.rs"));

/// A file that browsers may keep for a year: another content has another name.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Asset {
    /// With the beginning of the content's hash before its ending.
    pub(crate) name: &'static str,
    media_type: &'static str,
    compressed: &'static [u8],
}

/// Answers with the asset of that name among those that are served there.
pub(crate) fn serve(assets: &[Asset], name: &str, headers: &HeaderMap) -> Result<Response, ApiError> {
    let asset = assets.iter().find(|asset| asset.name == name).ok_or(ApiError::NotFound("No such path"))?;
    let kept = [
        (CONTENT_TYPE, asset.media_type),
        (CACHE_CONTROL, "public, max-age=31536000, immutable"),
        (VARY, "accept-encoding"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ];
    if takes_gzip(headers.get(ACCEPT_ENCODING)) {
        return Ok((kept, [(CONTENT_ENCODING, "gzip")], Bytes::from_static(asset.compressed)).into_response());
    }
    let mut content = Vec::new();
    GzDecoder::new(asset.compressed).read_to_end(&mut content).map_err(|error| {
        tracing::error!(%error, "an asset was not unpacked");
        ApiError::Unavailable
    })?;
    Ok((kept, content).into_response())
}

/// Whether `Accept-Encoding` takes gzip (RFC 9110, section 12.5.3); `q=0` is how a client says that it does not.
pub(crate) fn takes_gzip(accepted: Option<&HeaderValue>) -> bool {
    let codings = accepted.and_then(|value| value.to_str().ok()).unwrap_or_default().split(',');
    codings.into_iter().any(|coding| {
        let (name, weight) = coding.split_once(';').unwrap_or((coding, ""));
        let refused = weight.trim().strip_prefix("q=").and_then(|weight| weight.parse().ok()) == Some(0.0_f32);
        name.trim().eq_ignore_ascii_case("gzip") && !refused
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(accepted: &str, expected: bool) {
        assert_eq!(takes_gzip(Some(&HeaderValue::from_str(accepted).unwrap())), expected, "{accepted}");
    }

    #[test]
    fn gzip_is_sent_to_those_who_take_it() {
        assert!(!takes_gzip(None));
        check("gzip, deflate, br", true);
        check("br;q=1.0, GZip;q=0.5", true);
        check("identity", false);
        check("gzip;q=0, br", false);
        check("", false);
    }

    #[test]
    fn what_only_people_read_is_not_sent() {
        for asset in [CONSOLE_STYLE, CONSOLE_SCRIPT, REFERENCE_STYLE] {
            let mut sent = String::new();
            GzDecoder::new(asset.compressed).read_to_string(&mut sent).unwrap();
            assert!(sent.len() > 1_000 && !sent.contains("/*") && !sent.contains("\n ") && !sent.contains("\n//"));
        }
    }

    #[test]
    fn an_asset_is_found_by_its_whole_name_alone_and_unpacks_for_those_who_take_no_gzip() {
        let all = [CONSOLE_STYLE, REFERENCE_STYLE];
        let plain = serve(&all, CONSOLE_STYLE.name, &HeaderMap::new()).unwrap();
        assert!(!plain.headers().contains_key(CONTENT_ENCODING));
        let gzip = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static("gzip"))]);
        let packed = serve(&all, CONSOLE_STYLE.name, &gzip).unwrap();
        assert_eq!(packed.headers()[CONTENT_ENCODING], "gzip");
        assert!(serve(&all, HTMX.name, &gzip).is_err());
        assert!(serve(&all, "console.css", &gzip).is_err());
    }
}
