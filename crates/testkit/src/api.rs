//! A client of the HTTP API: one call, one reply.

use std::time::Duration;

use http::{HeaderMap, Method};
use serde_json::Value;

/// The HTTP API, called with one key.
#[derive(Debug, Clone)]
pub struct Api {
    client: reqwest::Client,
    url: String,
    key: Option<String>,
}

/// What the API answered.
#[derive(Debug, Clone)]
pub struct Reply {
    /// The HTTP status.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body, to the byte.
    pub body: Vec<u8>,
}

impl Api {
    pub(crate) fn new(url: &str, key: &str) -> Self {
        let client = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(30)).build().unwrap();
        Self { client, url: url.trim_end_matches('/').to_owned(), key: Some(key.to_owned()) }
    }

    /// The same API with another value of `authorization`, or with none.
    #[must_use]
    pub fn with_key(&self, key: Option<&str>) -> Self {
        Self { key: key.map(str::to_owned), ..self.clone() }
    }

    /// One call. An empty body is none.
    pub async fn call(&self, method: Method, path: &str, body: impl Into<Vec<u8>>) -> Reply {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        if let Some(key) = &self.key {
            request = request.header("authorization", key);
        }
        let body = body.into();
        if !body.is_empty() {
            request = request.header("content-type", "application/json").body(body);
        }
        let answer = request.send().await.unwrap_or_else(|error| panic!("{path}: {error:?}"));
        let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
        Reply { status, headers, body: answer.bytes().await.unwrap().to_vec() }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Reply {
        self.call(Method::GET, path, "").await
    }

    /// POST, with the text as it is.
    pub async fn post(&self, path: &str, body: impl Into<Vec<u8>>) -> Reply {
        self.call(Method::POST, path, body).await
    }

    /// PATCH.
    pub async fn patch(&self, path: &str, body: &Value) -> Reply {
        self.call(Method::PATCH, path, body.to_string()).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Reply {
        self.call(Method::DELETE, path, "").await
    }
}

impl Reply {
    /// Fails unless the reply has that status.
    #[track_caller]
    pub fn check(&self, status: u16) {
        assert_eq!(self.status, status, "{}", String::from_utf8_lossy(&self.body));
    }

    /// The body of a reply that has to have that status.
    #[track_caller]
    #[must_use]
    pub fn expect(&self, status: u16) -> Value {
        self.check(status);
        self.json()
    }

    /// Fails unless the reply is a refusal because of those fields alone, each with a text, as paths under
    /// `/organizations/` tell it.
    #[track_caller]
    pub fn check_fields(&self, fields: &[&str]) {
        let body = self.expect(400);
        assert_eq!(keys(&body), ["error"]);
        assert_eq!(body["error"]["message"], "Validation failed");
        check_issues(&body["error"]["issues"], fields);
    }

    /// Fails unless the reply is a refusal of that status, as paths under `/webhooks/` tell it.
    #[track_caller]
    pub fn check_refused(&self, status: u16, path: &str) {
        let body = self.expect(status);
        let names = ["code", "error", "issues", "message", "path", "statusCode", "timestamp"];
        let optional = ["code", "issues"];
        let expected = names.into_iter().filter(|name| !optional.contains(name) || body.get(name).is_some());
        assert_eq!(keys(&body), expected.collect::<Vec<_>>());
        assert_eq!((&body["statusCode"], &body["path"]), (&status.into(), &path.into()));
        assert!(body["timestamp"].as_str().unwrap().ends_with('Z'));
    }

    /// Both: a refusal because of those fields alone, as paths under `/webhooks/` tell it.
    #[track_caller]
    pub fn check_refused_fields(&self, path: &str, fields: &[&str]) {
        self.check_refused(400, path);
        let body = self.json();
        assert_eq!(body["message"], "Validation failed");
        check_issues(&body["issues"], fields);
    }

    /// Fails unless the reply is a refusal of that status in those words, in whichever way the path tells it.
    #[track_caller]
    pub fn check_message(&self, status: u16, message: &str) {
        let body = self.expect(status);
        let found = body.get("statusCode").map_or(&body["error"]["message"], |_| &body["message"]);
        assert_eq!(found, message, "{body}");
    }

    /// The body as JSON, null when it is empty.
    #[track_caller]
    #[must_use]
    pub fn json(&self) -> Value {
        if self.body.is_empty() {
            return Value::Null;
        }
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&self.body)))
    }
}

/// The keys of an object, in alphabetical order.
#[track_caller]
#[must_use]
pub fn keys(value: &Value) -> Vec<&str> {
    let mut keys: Vec<&str> = value.as_object().expect("an object").keys().map(String::as_str).collect();
    keys.sort_unstable();
    keys
}

#[track_caller]
fn check_issues(issues: &Value, fields: &[&str]) {
    let errors = &issues["fieldErrors"];
    assert_eq!(keys(errors), fields, "{errors}");
    for field in fields {
        let texts = errors[field].as_array().expect("a list");
        assert!(!texts.is_empty() && texts.iter().all(|text| text.as_str().unwrap().len() > 5), "{errors}");
    }
}
