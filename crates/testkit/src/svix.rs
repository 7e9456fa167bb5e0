//! A stand-in for Svix: of its public API what an export reads, with its authorization, its pages and its limits.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::header::{AUTHORIZATION, RETRY_AFTER};
use http::{Request, Response};
use serde_json::{Value, json};

use crate::fresh;
use crate::server::Server;

/// The stand-in.
#[derive(Debug)]
pub struct Svix {
    server: Server,
    token: String,
    state: Arc<Mutex<State>>,
}

/// An endpoint, as Svix has it.
#[derive(Debug, Clone)]
pub struct SvixEndpoint {
    /// What a list has of it.
    pub listed: Value,
    /// Its key.
    pub key: String,
    /// Its headers, as they are told.
    pub headers: BTreeMap<String, String>,
    /// The names of its headers whose values are not told.
    pub sensitive: Vec<String>,
    /// The code of its transformation.
    pub code: Option<String>,
}

#[derive(Debug, Default)]
struct State {
    applications: Vec<(Value, Vec<SvixEndpoint>)>,
    page: usize,
    calls: u64,
    refused: u64,
}

impl SvixEndpoint {
    /// One at that URL with that key, for all types.
    #[must_use]
    pub fn new(url: &str, key: &str) -> Self {
        let listed = json!({
            "id": format!("ep_{}", fresh()), "url": url, "description": "From elsewhere", "disabled": false,
            "filterTypes": null, "channels": null, "rateLimit": null, "uid": null, "metadata": {}, "version": 1,
            "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z",
        });
        Self { listed, key: key.to_owned(), headers: BTreeMap::new(), sensitive: Vec::new(), code: None }
    }

    /// With other values in the list.
    #[must_use]
    pub fn with(mut self, values: &Value) -> Self {
        self.listed.as_object_mut().unwrap().extend(values.as_object().expect("an object").clone());
        self
    }

    /// Its id.
    #[must_use]
    pub fn id(&self) -> String {
        self.listed["id"].as_str().unwrap().to_owned()
    }
}

impl Svix {
    /// One without applications, whose pages have so many entries at most.
    pub async fn start(page: usize) -> Self {
        let token = format!("testsk_{}.eu", fresh());
        let state = Arc::new(Mutex::new(State { page, ..State::default() }));
        let (serving, expected) = (Arc::clone(&state), format!("Bearer {token}"));
        let server = Server::start(None, move |request: Request<Bytes>| {
            let (serving, expected) = (Arc::clone(&serving), expected.clone());
            async move {
                let authorized = request.headers().get(AUTHORIZATION).is_some_and(|given| *given == *expected);
                let mut state = serving.lock().unwrap_or_else(PoisonError::into_inner);
                Ok(if authorized { state.answer(&request) } else { refusal(401, "authentication_failed") })
            }
        });
        Self { server: server.await, token, state }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// What it is called with.
    #[must_use]
    pub fn token(&self) -> &str {
        &self.token
    }

    /// How often it was called.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.lock().calls
    }

    /// From now on has an application of that uid with those endpoints.
    pub fn add(&self, uid: &str, endpoints: Vec<SvixEndpoint>) {
        let application = json!({
            "id": format!("app_{}", fresh()), "uid": uid, "name": uid, "metadata": {}, "rateLimit": null,
            "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z",
        });
        self.lock().applications.push((application, endpoints));
    }

    /// Changes the endpoint at that place of the first application.
    pub fn change(&self, at: usize, change: impl FnOnce(&mut SvixEndpoint)) {
        change(&mut self.lock().applications[0].1[at]);
    }

    /// Finds the next calls to be too many.
    pub fn refuse(&self, calls: u64) {
        self.lock().refused = calls;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn answer(&mut self, request: &Request<Bytes>) -> Response<Bytes> {
        self.calls += 1;
        if self.refused > 0 {
            self.refused -= 1;
            let mut answer = refusal(429, "rate_limit");
            answer.headers_mut().insert(RETRY_AFTER, "1".parse().unwrap());
            return answer;
        }
        assert_eq!(request.method(), "GET", "an export changes nothing");
        let query = request.uri().query().unwrap_or_default().to_owned();
        let parts: Vec<&str> = request.uri().path().split('/').filter(|part| !part.is_empty()).collect();
        match parts[..] {
            ["api", "v1", "app"] => self.page(self.applications.iter().map(|(it, _)| it), &query),
            ["api", "v1", "app", id, "endpoint"] => match self.application(id) {
                Some(endpoints) => self.page(endpoints.iter().map(|it| &it.listed), &query),
                None => refusal(404, "not_found"),
            },
            ["api", "v1", "app", id, "endpoint", endpoint, what] => {
                let endpoints = self.application(id).unwrap_or_default();
                endpoints.iter().find(|it| it.id() == endpoint).map_or_else(
                    || refusal(404, "not_found"),
                    |it| match what {
                        "secret" => answer(200, &json!({ "key": it.key })),
                        "headers" => answer(200, &json!({ "headers": it.headers, "sensitive": it.sensitive })),
                        "transformation" => answer(200, &json!({ "code": it.code, "enabled": it.code.is_some() })),
                        _ => refusal(404, "not_found"),
                    },
                )
            }
            _ => refusal(404, "not_found"),
        }
    }

    /// An application's endpoints, by its id or its uid.
    fn application(&self, id: &str) -> Option<&[SvixEndpoint]> {
        let found = self.applications.iter().find(|(it, _)| it["id"] == id || it["uid"] == id)?;
        Some(&found.1)
    }

    fn page<'a>(&self, entries: impl Iterator<Item = &'a Value>, query: &str) -> Response<Bytes> {
        let parameter = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
        let limit = parameter("limit").map_or(50, |limit| limit.parse::<usize>().unwrap());
        assert!((1..=250).contains(&limit), "Svix gives 250 entries at most");
        let all: Vec<&Value> = entries.collect();
        let begin = parameter("iterator").map_or(0, |last| {
            1 + all.iter().position(|entry| entry["id"] == last).expect("an iterator that was given")
        });
        let data: Vec<&Value> = all[begin..].iter().copied().take(limit.min(self.page)).collect();
        let done = begin + data.len() == all.len();
        let iterator = data.last().map(|last| &last["id"]);
        answer(200, &json!({ "data": data, "iterator": iterator, "prevIterator": null, "done": done }))
    }
}

pub(crate) fn answer(status: u16, body: &Value) -> Response<Bytes> {
    let response = Response::builder().status(status).header("content-type", "application/json");
    response.body(body.to_string().into()).unwrap()
}

fn refusal(status: u16, code: &str) -> Response<Bytes> {
    answer(status, &json!({ "code": code, "detail": "made by the tests" }))
}
