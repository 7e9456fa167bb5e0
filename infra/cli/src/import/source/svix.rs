//! Svix: applications are organizations.
//!
//! Its API is public: <https://api.svix.com/docs>. Of the names that its versions differ in both are read.

use std::collections::{BTreeMap, VecDeque};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Found, Place, Unread};
use crate::client::{ApiFailure, Call, Client, Explain as _};
use crate::failure::Failure;
use crate::import::record::{Record, Status, Unless};

/// Entries of a page, the most that Svix gives.
const PAGE: u32 = 250;

/// Where Svix is when its token does not say which region it is of.
const DEFAULT_URL: &str = "https://api.svix.com";

/// The regions that a token may end in.
const REGIONS: [&str; 5] = ["us", "eu", "in", "ca", "au"];

/// A page of a list.
#[derive(Deserialize)]
#[serde(bound = "T: DeserializeOwned")]
struct Page<T> {
    data: Vec<T>,
    iterator: Option<String>,
    done: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Application {
    id: String,
    uid: Option<String>,
    rate_limit: Option<u32>,
    throttle_rate: Option<u32>,
    metadata: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Endpoint {
    id: String,
    uid: Option<String>,
    url: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    disabled: Option<bool>,
    filter_types: Option<Vec<String>>,
    event_types: Option<Vec<String>>,
    channels: Option<Vec<String>>,
    rate_limit: Option<u32>,
    throttle_rate: Option<u32>,
    metadata: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct Secret {
    key: String,
}

#[derive(Deserialize)]
struct Headers {
    headers: BTreeMap<String, String>,
    #[serde(default)]
    sensitive: Vec<String>,
}

#[derive(Deserialize, Default)]
struct Transformation {
    code: Option<String>,
    #[serde(default)]
    enabled: Option<bool>,
}

/// Svix with that token, there or where the token says.
pub(crate) fn client(token: &str, url: Option<&str>) -> Result<Client, Failure> {
    let region = token.rsplit('.').next().filter(|region| REGIONS.contains(region));
    let of_region = region.map(|region| format!("https://api.{region}.svix.com"));
    let url = url.map(str::to_owned).or(of_region).unwrap_or_else(|| DEFAULT_URL.to_owned());
    Client::new(&url, format!("Bearer {token}"))
}

/// The applications, page by page.
pub(crate) struct Applications {
    client: Client,
    profile: Option<String>,
    read: VecDeque<Application>,
    iterator: Option<String>,
    done: bool,
}

impl Applications {
    /// All of them, from the first on.
    pub(crate) fn new(client: Client, profile: Option<String>) -> Self {
        Self { client, profile, read: VecDeque::new(), iterator: None, done: false }
    }

    /// The next one.
    pub(crate) async fn next(&mut self) -> Result<Option<Found>, Failure> {
        while self.read.is_empty() && !self.done {
            let call = page(&["api", "v1", "app"], self.iterator.take());
            let page: Page<Application> =
                self.client.call(&call).await.explain(|| "Svix's applications could not be listed.".to_owned())?;
            self.done = page.done || page.iterator.is_none();
            self.iterator = page.iterator;
            self.read = page.data.into();
        }
        Ok(self.read.pop_front().map(|application| found(&self.client, application, self.profile.clone())))
    }
}

fn found(client: &Client, application: Application, profile: Option<String>) -> Found {
    let mut notes = Vec::new();
    if let Some(limit) = application.throttle_rate.or(application.rate_limit) {
        notes
            .push(format!("the application's rate limit of {limit} a second is not taken over: endpoints have theirs"));
    }
    if application.metadata.is_some_and(|metadata| !metadata.is_empty()) {
        notes.push("the application's metadata is not taken over".to_owned());
    }
    let organization = application.uid.unwrap_or_else(|| application.id.clone());
    Found { organization, profile, notes, place: Place::Svix(client.clone(), application.id) }
}

/// An application's endpoints, oldest first.
pub(super) async fn endpoints(client: &Client, application: &str) -> Result<Vec<Result<Record, Unread>>, ApiFailure> {
    let path = ["api", "v1", "app", application, "endpoint"];
    let (mut endpoints, mut iterator) = (Vec::new(), None);
    loop {
        let page: Page<Endpoint> = client.call(&page(&path, iterator)).await?;
        endpoints.extend(page.data);
        iterator = page.iterator;
        if page.done || iterator.is_none() {
            break;
        }
    }
    let read = stream::iter(endpoints).map(|endpoint| whole(client, application, endpoint));
    read.buffered(8).try_collect().await
}

/// An endpoint with what takes calls of its own.
async fn whole(client: &Client, application: &str, endpoint: Endpoint) -> Result<Result<Record, Unread>, ApiFailure> {
    let path = |what| ["api", "v1", "app", application, "endpoint", endpoint.id.as_str(), what];
    let get = |what| Call::get(&path(what));
    let (secret, headers, transformation) = (get("secret"), get("headers"), get("transformation"));
    let read = tokio::join!(
        client.call::<Secret>(&secret),
        client.call::<Headers>(&headers),
        client.call::<Transformation>(&transformation),
    );
    let transformation = match read.2 {
        // A Svix server of one's own has none.
        Err(failure) if [404, 405, 501].iter().any(|status| failure.refusal(*status).is_some()) => {
            Ok(Transformation::default())
        }
        read => read,
    };
    let parts = read.0.and_then(|secret| Ok((secret, read.1?, transformation?)));
    match parts {
        Ok((secret, headers, transformation)) => Ok(Ok(record(endpoint, secret, headers, &transformation))),
        Err(failure) if failure.reasons().is_none() => Err(failure),
        Err(failure) => Ok(Err(Unread { why: failure.to_string(), uid: endpoint.id, url: endpoint.url })),
    }
}

fn page(path: &[&str], iterator: Option<String>) -> Call {
    Call::get(path).query("limit", Some(PAGE)).query("order", Some("ascending")).query("iterator", iterator)
}

/// An endpoint of Svix's in hookbell's words, with what that has no words for.
fn record(endpoint: Endpoint, secret: Secret, headers: Headers, transformation: &Transformation) -> Record {
    let (mut notes, mut cannot) = (Vec::new(), Vec::new());
    let key = secret.key;
    let secret = if key.starts_with("whsk_") || key.starts_with("whpk_") {
        cannot.push(
            "its key is asymmetric, and hookbell's would be another one: rotate it to a symmetric secret at Svix \
             first, or make the endpoint by hand with v1a and give its receiver the new public key"
                .to_owned(),
        );
        None
    } else if key.starts_with("whsec_") {
        Some(key)
    } else {
        Some(format!("whsec_{key}"))
    };
    if let Some(channels) = endpoint.channels.filter(|channels| !channels.is_empty()) {
        cannot.push(format!(
            "it listens to the channels {}, and hookbell has none, so it would get everything: give it a filter on the \
             payload instead (save to a file, edit it there)",
            channels.join(", ")
        ));
    }
    match (transformation.enabled, &transformation.code) {
        (Some(true), _) => cannot.push(
            "a transformation changes its requests, and hookbell has none: change the receiver, or the event, first"
                .to_owned(),
        ),
        (_, Some(_)) => notes.push("its transformation is off, and is not taken over".to_owned()),
        (_, None) => {}
    }
    if let Some(uid) = endpoint.uid {
        notes.push(format!("its uid at Svix, {uid}, is not taken over: here its uid is its id"));
    }
    if endpoint.metadata.is_some_and(|metadata| !metadata.is_empty()) {
        notes.push("its metadata is not taken over".to_owned());
    }
    let disabled = endpoint.disabled == Some(true);
    Record {
        uid: endpoint.id,
        url: endpoint.url,
        event_types: endpoint.filter_types.or(endpoint.event_types).unwrap_or_else(|| vec!["*".to_owned()]),
        secret,
        description: Some(endpoint.description),
        status: Some(if disabled { Status::Disabled } else { Status::Enabled }),
        headers: Some(headers.headers),
        missing_headers: headers.sensitive,
        svix_headers: Some(true),
        rate_limit: Some(Unless(endpoint.throttle_rate.or(endpoint.rate_limit).filter(|limit| *limit > 0))),
        notes,
        cannot,
        ..Record::default()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(change: &Value, key: &str, headers: Value, transformation: Value) -> Record {
        let mut endpoint = json!({
            "id": "ep_1", "url": "https://example.com/", "description": "", "metadata": {}, "version": 1,
            "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z",
        });
        endpoint.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        let (endpoint, headers) = (serde_json::from_value(endpoint), serde_json::from_value(headers));
        let transformation: Transformation = serde_json::from_value(transformation).unwrap();
        record(endpoint.unwrap(), Secret { key: key.to_owned() }, headers.unwrap(), &transformation)
    }

    #[test]
    fn an_endpoint_keeps_what_its_receiver_knows_it_by() {
        let plain = read(&json!({}), "whsec_abc", json!({ "headers": {}, "sensitive": [] }), json!({}));
        assert_eq!((plain.event_types.as_slice(), plain.secret.as_deref()), (&["*".to_owned()][..], Some("whsec_abc")));
        assert_eq!((plain.svix_headers, plain.status), (Some(true), Some(Status::Enabled)));
        assert!(plain.cannot.is_empty() && plain.notes.is_empty());
        for (types, limit) in [("filterTypes", "rateLimit"), ("eventTypes", "throttleRate")] {
            let change = json!({ types: ["a", "b"], limit: 7, "disabled": true, "channels": null });
            let other = read(&change, "abc", json!({ "headers": { "X-A": "b" }, "sensitive": [] }), json!({}));
            assert_eq!((other.event_types.len(), other.rate_limit), (2, Some(Unless(Some(7)))));
            assert_eq!((other.secret.as_deref(), other.status), (Some("whsec_abc"), Some(Status::Disabled)));
            assert_eq!(other.headers.unwrap()["X-A"], "b");
        }
        let both = json!({ "rateLimit": 7, "throttleRate": 7, "filterTypes": ["a"], "eventTypes": ["a"] });
        let both = read(&both, "abc", json!({ "headers": {}, "sensitive": [] }), json!({}));
        assert_eq!((both.event_types.len(), both.rate_limit), (1, Some(Unless(Some(7)))));
    }

    #[test]
    fn what_hookbell_does_not_have_is_told() {
        let none = || json!({ "headers": {}, "sensitive": [] });
        for key in ["whsk_abc", "whpk_abc"] {
            assert!(read(&json!({}), key, none(), json!({})).cannot[0].contains("asymmetric"));
        }
        let channels = read(&json!({ "channels": ["a"] }), "whsec_abc", none(), json!({}));
        assert!(channels.cannot[0].contains("channels a"));
        let code = json!({ "code": "x", "enabled": true });
        assert!(read(&json!({}), "whsec_abc", none(), code).cannot[0].contains("transformation"));
        let off = read(&json!({}), "whsec_abc", none(), json!({ "code": "x", "enabled": false }));
        assert!(off.cannot.is_empty() && off.notes.len() == 1);
        let noted = json!({ "uid": "mine", "metadata": { "a": "b" } });
        let noted = read(&noted, "whsec_abc", json!({ "headers": {}, "sensitive": ["Authorization"] }), json!({}));
        assert_eq!((noted.notes.len(), noted.missing_headers.len()), (2, 1));
    }

    #[test]
    fn a_token_says_where_svix_is() {
        let url = |token: &str, url| client(token, url).unwrap().url().to_owned();
        assert_eq!(url("testsk_abc.eu", None), "https://api.eu.svix.com/");
        assert_eq!(url("testsk_abc", None), "https://api.svix.com/");
        assert_eq!(url("testsk_abc.eu", Some("http://127.0.0.1:1/")), "http://127.0.0.1:1/");
    }
}
