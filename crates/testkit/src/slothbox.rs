//! A stand-in for a system that manages endpoints as Slothbox does: of its API what an export reads.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::Request;
use http::header::AUTHORIZATION;
use serde_json::{Value, json};

use crate::server::Server;
use crate::svix::answer;

/// The stand-in.
#[derive(Debug)]
pub struct Slothbox {
    server: Server,
    organizations: Arc<Mutex<Vec<Organization>>>,
}

/// An organization there: its id, its owner's key, and its endpoints with their secrets.
#[derive(Debug)]
struct Organization {
    id: String,
    key: String,
    endpoints: Vec<(Value, String)>,
}

impl Slothbox {
    /// One without organizations.
    pub async fn start() -> Self {
        let organizations = Arc::new(Mutex::new(Vec::new()));
        let serving = Arc::clone(&organizations);
        let server = Server::start(None, move |request: Request<Bytes>| {
            let serving = Arc::clone(&serving);
            async move { Ok(respond(&serving.lock().unwrap_or_else(PoisonError::into_inner), &request)) }
        });
        Self { server: server.await, organizations }
    }

    /// Where it is.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}", self.server.address)
    }

    /// From now on has that organization, with endpoints of those URLs, types and secrets.
    pub fn add(&self, id: &str, key: &str, endpoints: &[(&str, &str, &str)]) {
        let made = endpoints.iter().enumerate().map(|(number, (url, event_type, secret))| {
            let endpoint = json!({
                "endpointId": format!("whe_0{number}"), "orgId": id, "url": url, "eventTypes": [event_type],
                "description": "From elsewhere", "status": "enabled", "ordered": number == 1, "disabledReason": null,
                "consecutiveFailures": 0, "createdAt": "2026-01-01T00:00:00Z", "updatedAt": "2026-01-01T00:00:00Z",
            });
            (endpoint, (*secret).to_owned())
        });
        let organization = Organization { id: id.to_owned(), key: key.to_owned(), endpoints: made.collect() };
        self.organizations.lock().unwrap_or_else(PoisonError::into_inner).push(organization);
    }
}

fn respond(organizations: &[Organization], request: &Request<Bytes>) -> http::Response<Bytes> {
    assert_eq!(request.method(), "GET", "an export changes nothing");
    let refusal = |status, message: &str| answer(status, &json!({ "error": { "message": message } }));
    let key = request.headers().get(AUTHORIZATION).and_then(|key| key.to_str().ok()).unwrap_or_default();
    let Some(mine) = organizations.iter().find(|organization| organization.key == key) else {
        return refusal(401, "Unauthorized");
    };
    let parts: Vec<&str> = request.uri().path().split('/').filter(|part| !part.is_empty()).collect();
    match parts[..] {
        ["organizations", id, "webhooks"] if id == mine.id => {
            let listed: Vec<&Value> = mine.endpoints.iter().map(|(endpoint, _)| endpoint).collect();
            answer(200, &json!({ "endpoints": listed }))
        }
        ["organizations", id, "webhooks", endpoint, "secret"] if id == mine.id => {
            let found = mine.endpoints.iter().find(|(known, _)| known["endpointId"] == endpoint);
            found.map_or_else(|| refusal(404, "Not found"), |(_, secret)| answer(200, &json!({ "secret": secret })))
        }
        _ => refusal(404, "Not found"),
    }
}
