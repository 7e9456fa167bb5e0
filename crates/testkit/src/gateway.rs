//! What API Gateway makes of requests and answers on their way to a function and back ("Lambda proxy integrations").

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, HeaderName};
use reqwest::Url;
use serde_json::{Value, json};

use crate::api::Reply;

/// Where clients reach the API.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// At API Gateway's own domain, below a stage.
    Stage,
    /// At a domain of the deployment's own, below that path; empty, or with a slash before it and none behind it.
    Domain(&'static str),
}

impl Place {
    /// Its host.
    #[must_use]
    pub fn host(self) -> &'static str {
        match self {
            Self::Stage => "tests.execute-api.us-east-1.amazonaws.com",
            Self::Domain(_) => "hooks.example.com",
        }
    }

    /// What stands before the API's own paths.
    #[must_use]
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Stage => "/v1",
            Self::Domain(path) => path,
        }
    }
}

/// A request as API Gateway hands it to the function. What follows a `?` are parameters in the escapes of an address.
#[must_use]
pub fn request(place: Place, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Value {
    let url = Url::parse(&format!("https://{}{path}", place.host())).expect("a path");
    let (own, whole) = (path.split(['?', '#']).next().unwrap_or_default(), url.query_pairs().into_owned());
    let mut parameters = BTreeMap::<String, Vec<String>>::new();
    for (name, value) in whole {
        parameters.entry(name).or_default().push(value);
    }
    let last: BTreeMap<&String, &String> =
        parameters.iter().filter_map(|(name, values)| Some((name, values.last()?))).collect();
    let mut all = BTreeMap::from([("host", place.host()), ("x-forwarded-proto", "https")]);
    all.extend(headers.iter().copied());
    let multiple: BTreeMap<&str, [&str; 1]> = all.iter().map(|(name, value)| (*name, [*value])).collect();
    // The stage is not part of the path, and the path of a domain's own is.
    let below = if place == Place::Stage { own.to_owned() } else { format!("{}{own}", place.prefix()) };
    json!({
        "resource": "/{proxy+}",
        "path": below,
        "httpMethod": method,
        "headers": all,
        "multiValueHeaders": multiple,
        "queryStringParameters": last,
        "multiValueQueryStringParameters": parameters,
        // Slashes at its end are in the path, and not in what the route has found.
        "pathParameters": { "proxy": own.trim_matches('/') },
        "stageVariables": null,
        "requestContext": {
            "stage": "v1",
            "apiId": "tests",
            "httpMethod": method,
            "path": format!("{}{own}", place.prefix()),
            "domainName": place.host(),
            "requestId": "tests",
        },
        "body": body,
        "isBase64Encoded": false,
    })
}

/// What clients get of a function's answer.
#[must_use]
pub fn reply(answer: &Value) -> Reply {
    let status = answer["statusCode"].as_u64().and_then(|status| u16::try_from(status).ok()).expect("a status");
    let mut headers = HeaderMap::new();
    let mut add = |name: &str, value: &Value| {
        let name: HeaderName = name.parse().unwrap();
        let value = value.as_str().expect("a text").parse().unwrap();
        if !headers.get_all(&name).iter().any(|other| *other == value) {
            headers.append(name, value);
        }
    };
    for (name, value) in answer["headers"].as_object().into_iter().flatten() {
        add(name, value);
    }
    for (name, values) in answer["multiValueHeaders"].as_object().into_iter().flatten() {
        values.as_array().into_iter().flatten().for_each(|value| add(name, value));
    }
    let body = answer["body"].as_str().unwrap_or_default();
    let body = if answer["isBase64Encoded"] == true { STANDARD.decode(body).unwrap() } else { body.into() };
    Reply { status, headers, body }
}
