//! The public HTTP API: one call, one typed answer.

mod call;
mod calls;
mod pages;
mod refusal;
mod traffic;
pub(crate) mod wire;

use std::sync::Arc;
use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderValue, RETRY_AFTER};
use reqwest::{Response, StatusCode};
use serde::de::DeserializeOwned;
use url::Url;

pub(crate) use call::Call;
pub(crate) use calls::Range;
pub(crate) use pages::Pages;
pub(crate) use refusal::{ApiFailure, Explain};
pub(crate) use traffic::Traffic;
pub(crate) use wire::Seen;

use crate::failure::Failure;

/// How often a call is made at most.
const TRIES: u32 = 5;

/// The wait after the first try; each further one is twice as long.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// The longest that the API may ask to wait: its keys have a minute's calls.
const LONGEST_WAIT: Duration = Duration::from_secs(61);

/// The API of a deployment, called with one key.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    base: Url,
    key: HeaderValue,
    traffic: Option<Arc<Traffic>>,
}

impl Client {
    /// The API at that URL.
    pub(crate) fn new(url: &str, key: String) -> Result<Self, Failure> {
        let base = Url::parse(url).ok().filter(|base| matches!(base.scheme(), "http" | "https") && base.has_host());
        let Some(base) = base else {
            return Err(Failure::usage(format!("{url} is no URL of an API.")).try_this("all of it, as https://…"));
        };
        if base.scheme() == "http" && !is_here(&base) {
            return Err(Failure::usage(format!("{url} is not encrypted."))
                .because("everybody on the way there could read the key")
                .try_this("https://…, or a tunnel that begins on this machine"));
        }
        let key = header(key)?;
        let mut builder = reqwest::Client::builder()
            .user_agent(concat!("hookbell-cli/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(Duration::from_secs(5))
            .timeout(Duration::from_secs(30))
            .redirect(reqwest::redirect::Policy::none());
        if is_here(&base) {
            builder = builder.no_proxy();
        }
        let http = builder.build().map_err(|error| Failure::failed("No HTTP client could be made.", error))?;
        Ok(Self { http, base, key, traffic: None })
    }

    /// The same API by the same connections, with another key.
    pub(crate) fn with_key(&self, key: String) -> Result<Self, Failure> {
        Ok(Self { key: header(key)?, ..self.clone() })
    }

    /// The same, with its calls among those of others.
    pub(crate) fn among(self, traffic: &Arc<Traffic>) -> Self {
        Self { traffic: Some(Arc::clone(traffic)), ..self }
    }

    /// Where the API is.
    pub(crate) fn url(&self) -> &str {
        self.base.as_str()
    }

    /// Makes a call, and reads its answer. One that may be made twice is made again when it did not go through; all are
    /// when the API says that it did not begin with it.
    pub(crate) async fn call<T: DeserializeOwned>(&self, call: &Call) -> Result<T, ApiFailure> {
        if !call.is_whole() {
            return Err(ApiFailure::NoId { call: call.to_string() });
        }
        let _turn = match &self.traffic {
            Some(traffic) => traffic.turn().await,
            None => None,
        };
        let mut wait = FIRST_WAIT;
        let mut tries_left = TRIES;
        loop {
            tries_left -= 1;
            if let Some(traffic) = &self.traffic {
                traffic.count();
            }
            let failure = match self.once(call).await {
                Ok(body) => {
                    if let Some(traffic) = &self.traffic {
                        traffic.note_done(call);
                    }
                    return read(call, &body);
                }
                Err(failure) => failure,
            };
            let next = failure.wait(wait).filter(|next| *next <= LONGEST_WAIT);
            let Some(next) = next.filter(|_| tries_left > 0 && failure.may_repeat(call.is_repeatable())) else {
                return Err(failure);
            };
            if next > Duration::from_secs(2) {
                crate::output::note(&format!("{failure}; going on in {} s", next.as_secs()));
            }
            tokio::time::sleep(next).await;
            wait *= 2;
        }
    }

    async fn once(&self, call: &Call) -> Result<Vec<u8>, ApiFailure> {
        let mut request =
            self.http.request(call.method().clone(), call.url(&self.base)).header(AUTHORIZATION, &self.key);
        if let Some(body) = call.body() {
            request = request.header(CONTENT_TYPE, "application/json").body(body.to_owned());
        }
        let unreachable = |error: reqwest::Error| ApiFailure::unreachable(call, &error);
        let answer = request.send().await.map_err(unreachable)?;
        let (status, retry_after) = (answer.status(), retry_after(&answer));
        let body = answer.bytes().await.map_err(unreachable)?.to_vec();
        if status.is_success() {
            return Ok(body);
        }
        Err(ApiFailure::refused(
            call,
            status.as_u16(),
            retry_after.filter(|_| status == StatusCode::TOO_MANY_REQUESTS),
            &body,
        ))
    }
}

/// A key as a header has it.
fn header(key: String) -> Result<HeaderValue, Failure> {
    let Ok(mut key) = HeaderValue::try_from(key) else {
        return Err(Failure::usage("The key is none: it holds a line end, or something else that cannot be written."));
    };
    key.set_sensitive(true);
    Ok(key)
}

fn read<T: DeserializeOwned>(call: &Call, body: &[u8]) -> Result<T, ApiFailure> {
    let body = if body.is_empty() { b"null" } else { body };
    serde_json::from_slice(body)
        .map_err(|error| ApiFailure::Unreadable { call: call.to_string(), cause: error.to_string() })
}

fn retry_after(answer: &Response) -> Option<Duration> {
    let seconds = answer.headers().get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Whether a URL leads to this machine, to which no proxy leads.
fn is_here(url: &Url) -> bool {
    match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_goes_unencrypted_to_this_machine_alone() {
        for url in ["https://example.com/v1", "http://127.0.0.1:4566/v1", "http://localhost:4566", "http://[::1]/"] {
            assert!(Client::new(url, "sk_1".to_owned()).is_ok(), "{url}");
        }
        for url in ["http://example.com/v1", "http://localhost.example.com", "http://10.0.0.1/v1"] {
            let refused = Client::new(url, "sk_1".to_owned()).err().map(|failure| failure.text());
            assert!(refused.is_some_and(|text| text.contains("is not encrypted")), "{url}");
        }
    }
}
