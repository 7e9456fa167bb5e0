//! Sessions: a cookie that says what somebody has signed in with, and until when.
//!
//! Nothing is stored for a session. Its cookie holds the hash of the key or token, which is looked up and counted for
//! every page as the API does for every call: a key that is revoked ends its sessions, and a role that it has is the one
//! it has now.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Extension, Request, State};
use axum::http::header::COOKIE;
use axum::http::{HeaderMap, HeaderValue};
use axum::middleware::Next;
use axum::response::Response;
use hookbell_aws::AwsError;
use hookbell_aws::sealing::{Keys, Marked};
use hookbell_aws::table::KeyHash;
use hookbell_domain::time::{after, until};
use jiff::Timestamp;

use super::visit::{Place, Visit};
use crate::auth::{Credential, admit_caller, expiring};
use crate::error::ApiError;
use crate::logged;
use crate::state::Api;

/// How long somebody stays signed in by a key: a working day. A portal link's session ends with the link.
const LIFE: Duration = Duration::from_hours(8);

const HASH_BYTES: usize = 32;

/// The cookie's name over https: browsers take it from this host alone and send it nowhere else (RFC 6265bis, "Cookie
/// Name Prefixes").
const NAME: &str = "__Host-hookbell";

/// The cookie's name over plain http, which only a stand-in for API Gateway on one machine speaks.
const LOCAL_NAME: &str = "hookbell";

/// Lets a request pass that comes with a session whose key or token is still good.
pub(super) async fn require(
    State(api): State<Arc<Api>>,
    Extension(place): Extension<Place>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let now = Timestamp::now();
    let credential = credential(&api, request.headers(), &place, now).await?.ok_or(ApiError::Unauthorized)?;
    let admitted = admit_caller(&api, &credential, now).await;
    logged::note_caller(&credential, &admitted);
    let caller = admitted?;
    // The groups of the router ask who is calling, as they do for the API.
    request.extensions_mut().insert(caller.clone());
    request.extensions_mut().insert(Visit { place, caller });
    Ok(next.run(request).await)
}

/// What a request's session was begun with.
pub(super) async fn credential(
    api: &Api,
    headers: &HeaderMap,
    place: &Place,
    now: Timestamp,
) -> Result<Option<Credential>, AwsError> {
    let Some(text) = cookie(headers, place) else { return Ok(None) };
    expiring::meet(&api.keys, text).await?;
    Ok(read(&api.keys, text, now))
}

/// Whether a request comes with a session, over or not.
pub(super) fn has_one(headers: &HeaderMap, place: &Place) -> bool {
    cookie(headers, place).is_some()
}

/// The cookie of a new session.
pub(super) fn begin(keys: &Keys, credential: &Credential, place: &Place, now: Timestamp) -> Option<HeaderValue> {
    let ends_at = credential.token.as_ref().map_or_else(|| after(now, LIFE), |(_, ends_at)| *ends_at);
    set_cookie(place, &write(keys, credential, ends_at), until(now, ends_at).as_secs())
}

/// The cookie that ends a session.
pub(super) fn end(place: &Place) -> Option<HeaderValue> {
    set_cookie(place, "", 0)
}

/// A session: an expiring text that says the hash (32 bytes) and, of a portal token, whose it is.
fn write(keys: &Keys, credential: &Credential, ends_at: Timestamp) -> String {
    let organization = credential.token.as_ref().map_or("", |(organization, _)| organization.as_str());
    let says = [credential.hash.as_bytes().as_slice(), organization.as_bytes()].concat();
    expiring::write(keys, Marked::Session, ends_at, &says)
}

fn read(keys: &Keys, text: &str, now: Timestamp) -> Option<Credential> {
    let (says, ends_at) = expiring::read(keys, Marked::Session, text, now)?;
    let (hash, organization) = says.split_first_chunk::<HASH_BYTES>()?;
    let token = match std::str::from_utf8(organization).ok()? {
        "" => None,
        organization => Some((organization.parse().ok()?, ends_at)),
    };
    Some(Credential { hash: KeyHash::from_bytes(*hash), token })
}

fn cookie<'a>(headers: &'a HeaderMap, place: &Place) -> Option<&'a str> {
    let name = name(place);
    let all = headers.get_all(COOKIE).into_iter().filter_map(|value| value.to_str().ok());
    let mut pairs = all.flat_map(|value| value.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(found, _)| *found == name).map(|(_, value)| value)
}

fn name(place: &Place) -> &'static str {
    if is_https(place) { NAME } else { LOCAL_NAME }
}

fn is_https(place: &Place) -> bool {
    place.location.origin.starts_with("https:")
}

fn set_cookie(place: &Place, value: &str, seconds: u64) -> Option<HeaderValue> {
    let secure = if is_https(place) { "; Secure" } else { "" };
    let cookie = format!("{}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Strict{secure}", name(place));
    HeaderValue::try_from(cookie).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::location::Location;

    fn keys() -> Keys {
        Keys::derive("0123456789abcdefghijklmnopqrstuvwxyzABCD").unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn place(origin: &str) -> Place {
        let location = Location { origin: origin.to_owned(), prefix: "/v1".to_owned() };
        Place { location, base: "/v1/console".to_owned() }
    }

    #[test]
    fn a_session_says_what_somebody_signed_in_with_until_it_ends() {
        let hash = KeyHash::of("sk_1");
        let portal = Some(("org_1".parse().unwrap(), at(4_600)));
        for (credential, ends_at) in
            [(Credential { hash, token: None }, at(1_000 + 8 * 3_600)), (Credential { hash, token: portal }, at(4_600))]
        {
            let cookie = begin(&keys(), &credential, &place("https://example.com"), at(1_000)).unwrap();
            let cookie = cookie.to_str().unwrap();
            let text = cookie.split(['=', ';']).nth(1).unwrap();
            let last = Timestamp::from_second(ends_at.as_second() - 1).unwrap();
            assert_eq!(read(&keys(), text, last), Some(credential), "{cookie}");
            assert_eq!(read(&keys(), text, ends_at), None);
            assert!(cookie.contains(&format!("Max-Age={};", ends_at.as_second() - 1_000)), "{cookie}");
        }
    }

    #[test]
    fn a_session_that_we_have_not_written_is_none() {
        let credential = Credential { hash: KeyHash::of("sk_1"), token: None };
        let text = write(&keys(), &credential, at(2_000));
        let others = Keys::derive("another key of forty characters, or so").unwrap();
        assert_eq!(read(&others, &text, at(1_000)), None);
        let token = expiring::write(&keys(), Marked::PortalToken, at(2_000), credential.hash.as_bytes());
        assert_eq!(read(&keys(), &token, at(1_000)), None);
        for changed in [text[1..].to_owned(), format!("{text}A"), text.replace('.', ""), String::new()] {
            assert_eq!(read(&keys(), &changed, at(1_000)), None, "{changed}");
        }
    }

    #[test]
    fn the_cookie_is_for_this_host_and_no_script() {
        let (https, http) = (place("https://example.com"), place("http://127.0.0.1:4566"));
        let ended = end(&https).unwrap();
        assert_eq!(ended, "__Host-hookbell=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict; Secure");
        assert_eq!(end(&http).unwrap(), "hookbell=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict");
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("a=1; hookbell=local;__Host-hookbell=x.y"));
        assert_eq!(cookie(&headers, &https), Some("x.y"));
        assert_eq!(cookie(&headers, &http), Some("local"));
        assert_eq!(cookie(&HeaderMap::new(), &https), None);
    }
}
