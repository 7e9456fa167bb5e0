//! The API's description of itself: OpenAPI 3.1, made from what stands at the handlers.
//!
//! A handler says what is its own: summary, parameters, body, answer, the role that it asks for, and what it refuses in
//! its own way. What holds of many of them is completed here.

mod conventions;
mod examples;
mod refusals;
pub(crate) mod words;

use hookbell_domain::limits::Limits;
use serde_json::Value;
use utoipa::OpenApi;

use crate::error::ApiError;
use crate::{
    api_keys, attempts, deliveries, endpoints, filters, message_lists, messages, organization_list, organizations,
    ping, portal, redeliver, replays, secrets, stats, status,
};

/// Everything under one organization's endpoints, with the prefix that the router gives it.
#[derive(OpenApi)]
#[openapi(paths(
    endpoints::create,
    endpoints::list,
    endpoints::get,
    endpoints::update,
    endpoints::delete,
    endpoints::event_types,
    filters::test,
    secrets::reveal,
    secrets::roll,
    ping::ping,
    deliveries::list,
    deliveries::get,
    redeliver::redeliver,
    replays::begin,
    replays::list,
    replays::get,
    stats::stats,
))]
struct Management;

/// Everything under one organization's keys.
#[derive(OpenApi)]
#[openapi(paths(api_keys::create, api_keys::list, api_keys::delete))]
struct Keys;

/// Everything under one organization's messages.
#[derive(OpenApi)]
#[openapi(paths(
    organizations::initialize,
    status::initialization,
    portal::access,
    messages::send,
    message_lists::list,
    message_lists::get,
    attempts::list,
))]
struct Sending;

/// All organizations.
#[derive(OpenApi)]
#[openapi(paths(organization_list::list))]
struct Organizations;

/// What is of no organization.
#[derive(OpenApi)]
#[openapi(paths(status::status))]
struct Deployment;

#[derive(OpenApi)]
#[openapi(
    info(
        title = "hookbell API",
        version = env!("CARGO_PKG_VERSION"),
        description = include_str!("openapi/introduction.md"),
        license(name = "Apache-2.0", identifier = "Apache-2.0"),
    ),
    servers((url = ".", description = "The deployment that serves this description")),
    tags(
        (name = "Endpoints", description = "Where an organization's events go, and which."),
        (name = "Deliveries", description = "What became of messages at one endpoint."),
        (name = "Messages", description = "Events that were accepted, and the attempts that were made of them."),
        (name = "Organizations", description = "Who has endpoints, and what they can be sent."),
        (name = "API keys", description = "What an organization's developers call this API with."),
    ),
    nest(
        (path = "/organizations", api = Organizations),
        (path = "/organizations/{organization}/webhooks", api = Management),
        (path = "/organizations/{organization}/api-keys", api = Keys),
        (path = "/webhooks/organizations/{organization}", api = Sending),
        (path = "/webhooks", api = Deployment),
    ),
)]
struct ApiDoc;

/// The description of a deployment with those limits.
pub(crate) fn describe(limits: &Limits) -> Result<Value, ApiError> {
    let mut document = serde_json::to_value(ApiDoc::openapi()).map_err(|error| {
        tracing::error!(%error, "the API's description was not written");
        ApiError::Unavailable
    })?;
    conventions::complete(&mut document, limits);
    examples::complete(&mut document);
    Ok(document)
}

/// The operations of a description: path, method, and what is said of it.
pub(crate) fn operations(document: &Value) -> impl Iterator<Item = (&str, &str, &Value)> {
    let paths = document.get("paths").and_then(Value::as_object).into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object().into_iter().flatten();
        methods.map(move |(method, operation)| (path.as_str(), method.as_str(), operation))
    })
}

/// The role that an operation asks for: `member`, `owner` or `admin`; none where no key is asked for.
pub(crate) fn role(operation: &Value) -> Option<&str> {
    operation.pointer("/security/0/key/0").and_then(Value::as_str)
}

/// The examples of a body.
pub(crate) fn examples_of(content: &Value) -> impl Iterator<Item = &Value> {
    let named = content.get("examples").and_then(Value::as_object).into_iter().flatten();
    content.get("example").into_iter().chain(named.filter_map(|(_, example)| example.get("value")))
}

/// What a `$ref` of a description points to; the value itself where it is none.
pub(crate) fn resolved<'a>(document: &'a Value, value: &'a Value) -> &'a Value {
    let target = value.get("$ref").and_then(Value::as_str).and_then(|target| target.strip_prefix('#'));
    target.and_then(|pointer| document.pointer(pointer)).unwrap_or(value)
}

#[cfg(test)]
pub(crate) mod tests {
    use std::collections::BTreeSet;

    use serde_json::json;

    use super::*;

    /// The template's defaults.
    pub(crate) const LIMITS: Limits = Limits {
        endpoints_per_organization: 50,
        body_bytes: 262_144,
        description_length: 200,
        url_length: 2_048,
        custom_headers: 20,
        custom_header_bytes: 4_096,
        old_secrets: 10,
        page_size: 100,
        calls_per_minute: 120,
    };

    #[test]
    fn every_operation_says_what_it_is() {
        let document = describe(&LIMITS).unwrap();
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1."));
        let tags: Vec<&str> =
            document["tags"].as_array().unwrap().iter().filter_map(|tag| tag["name"].as_str()).collect();
        let mut ids = BTreeSet::new();
        for (path, method, operation) in operations(&document) {
            let name = format!("{method} {path}");
            assert!(ids.insert(operation["operationId"].as_str().unwrap()), "{name}: its id is taken");
            assert!(
                operation["tags"].as_array().unwrap().iter().all(|tag| tags.contains(&tag.as_str().unwrap())),
                "{name}"
            );
            for text in ["summary", "description"] {
                assert!(operation[text].as_str().is_some_and(|text| text.len() > 5), "{name} has no {text}");
            }
            assert!(["member", "owner", "admin"].contains(&role(operation).unwrap_or_default()), "{name}: whose key?");
            for parameter in operation["parameters"].as_array().unwrap() {
                let parameter = resolved(&document, parameter);
                assert!(parameter["description"].is_string(), "{name}: {parameter} is not described");
                assert!(parameter["example"] != Value::Null, "{name}: {parameter} has no example");
            }
        }
    }

    #[test]
    fn every_body_has_an_example_that_fits_its_schema() {
        let document = describe(&LIMITS).unwrap();
        let mut seen = 0;
        let bodies = operations(&document).flat_map(|(path, method, operation)| {
            let responses = operation["responses"].as_object().unwrap().iter();
            let responses = responses.map(|(status, response)| (status.as_str(), resolved(&document, response)));
            let bodies = responses.chain(operation.get("requestBody").map(|body| ("body", body)));
            bodies.map(move |(part, body)| (format!("{method} {path} {part}"), body))
        });
        for (name, body) in bodies {
            let Some(content) = body.pointer("/content/application~1json") else { continue };
            let schema = json!({ "allOf": [content["schema"]], "components": document["components"] });
            let validator = jsonschema::validator_for(&schema).unwrap();
            assert!(examples_of(content).count() > 0, "{name} has no example");
            for example in examples_of(content) {
                let errors: Vec<String> = validator.iter_errors(example).map(|e| e.to_string()).collect();
                assert!(errors.is_empty(), "{name}: {errors:?} in {example}");
                seen += 1;
            }
        }
        assert!(seen > 150, "only {seen} bodies");
    }

    #[test]
    fn every_field_is_described() {
        let document = describe(&LIMITS).unwrap();
        for (name, schema) in document["components"]["schemas"].as_object().unwrap() {
            for (field, schema) in schema["properties"].as_object().into_iter().flatten() {
                let described = schema.get("description").or_else(|| resolved(&document, schema).get("description"));
                let within = schema.get("properties").is_some();
                assert!(described.is_some() || within, "{name}.{field} is not described");
            }
        }
    }
}
