//! The refusals that many operations share, in both styles, and which operation has which.

use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::role;

/// A refusal that several operations share.
struct Refusal {
    status: StatusCode,
    name: &'static str,
    description: &'static str,
    message: &'static str,
    code: Option<&'static str>,
}

const INVALID: Refusal = Refusal {
    status: StatusCode::BAD_REQUEST,
    name: "Invalid",
    description: "A parameter or a field is wrong, missing or unknown. Each is named, with what it has to be.",
    message: "Validation failed",
    code: None,
};
const UNAUTHORIZED: Refusal = Refusal {
    status: StatusCode::UNAUTHORIZED,
    name: "Unauthorized",
    description: "No key, or an unknown one.",
    message: "Missing or unknown API key",
    code: None,
};
const FORBIDDEN: Refusal = Refusal {
    status: StatusCode::FORBIDDEN,
    name: "Forbidden",
    description: "The key's role does not allow this.",
    message: "Owner role required",
    code: None,
};
const ADMIN_ONLY: Refusal = Refusal { name: "AdminOnly", message: "Admin key required", ..FORBIDDEN };
/// What is not there, by the last parameter of the path.
const NOT_FOUND: [(&str, Refusal); 6] = [
    (
        "organization",
        not_found("NoOrganization", "The organization is not there, or not for this key.", "Organization not found"),
    ),
    (
        "endpoint",
        not_found(
            "NoEndpoint",
            "The organization or the endpoint is not there, or not for this key.",
            "Endpoint not found",
        ),
    ),
    (
        "delivery",
        not_found(
            "NoDelivery",
            "The endpoint or the delivery is not there, or not for this key.",
            "Delivery not found",
        ),
    ),
    (
        "replay",
        not_found("NoReplay", "The endpoint or the replay is not there, or not for this key.", "Replay not found"),
    ),
    ("key", not_found("NoKey", "The organization or the key is not there, or not for this key.", "API key not found")),
    (
        "message",
        not_found(
            "NoMessage",
            "The organization or the message is not there, or not for this key.",
            "Message not found",
        ),
    ),
];
const TOO_MANY: Refusal = Refusal {
    status: StatusCode::TOO_MANY_REQUESTS,
    name: "TooManyRequests",
    description: "The key's calls of this minute are used up.",
    message: "Over the limit of 120 calls a minute; try again in 17 s",
    code: Some("rate_limited"),
};
const UNAVAILABLE: Refusal = Refusal {
    status: StatusCode::SERVICE_UNAVAILABLE,
    name: "Unavailable",
    description: "A failure on this side. The same call may go through later.",
    message: "Temporarily unavailable, try again",
    code: None,
};

const fn not_found(name: &'static str, description: &'static str, message: &'static str) -> Refusal {
    Refusal { status: StatusCode::NOT_FOUND, name, description, message, code: None }
}

/// Adds the shared refusals to an operation, and gives its own ones their body.
pub(super) fn complete(operation: &mut Value, path: &str) {
    let shared = shared(operation, path);
    let style = Style::of(path);
    let Some(responses) = operation.get_mut("responses").and_then(Value::as_object_mut) else { return };
    for (status, response) in responses.iter_mut() {
        let status = status.parse().ok().filter(|status: &StatusCode| status.as_u16() >= 400);
        if let (Some(status), Some(response)) = (status, response.as_object_mut())
            && !response.contains_key("content")
        {
            let said = response.get("description").and_then(Value::as_str).unwrap_or_default();
            let content = style.content_of(status, said);
            response.insert("content".to_owned(), content);
        }
    }
    for refusal in shared {
        let reference = json!({ "$ref": format!("#/components/responses/{}{}", style.prefix(), refusal.name) });
        responses.entry(refusal.status.as_str()).or_insert(reference);
    }
}

/// The refusals that an operation has for what it is: by its key, its path and its input.
fn shared(operation: &Value, path: &str) -> Vec<Refusal> {
    let mut shared = Vec::new();
    let parameters = operation.get("parameters").and_then(Value::as_array).into_iter().flatten();
    let has_query = parameters.into_iter().any(|parameter| parameter.get("in").is_some_and(|place| place == "query"));
    if has_query || operation.get("requestBody").is_some() {
        shared.push(INVALID);
    }
    let last = path.rsplit('{').next().and_then(|rest| rest.split_once('}'));
    shared.extend(
        NOT_FOUND
            .into_iter()
            .filter(|(parameter, _)| last.is_some_and(|(last, _)| last == *parameter))
            .map(|(_, refusal)| refusal),
    );
    if let Some(role) = role(operation) {
        shared.extend([UNAUTHORIZED, TOO_MANY]);
        match role {
            "member" => {}
            "owner" => shared.push(FORBIDDEN),
            _ => shared.push(ADMIN_ONLY),
        }
    }
    shared.push(UNAVAILABLE);
    shared
}

/// The shared refusals as components, one of each style.
pub(super) fn responses() -> Map<String, Value> {
    let some = [INVALID, UNAUTHORIZED, FORBIDDEN, ADMIN_ONLY, TOO_MANY, UNAVAILABLE];
    let all = some.iter().chain(NOT_FOUND.iter().map(|(_, refusal)| refusal));
    let styled = all.flat_map(|refusal| [Style::Plain, Style::Webhooks].map(|style| (refusal, style)));
    styled.map(|(refusal, style)| (format!("{}{}", style.prefix(), refusal.name), style.response(refusal))).collect()
}

/// How the body of a refusal looks.
#[derive(Debug, Clone, Copy)]
enum Style {
    Plain,
    Webhooks,
}

impl Style {
    fn of(path: &str) -> Self {
        if path.starts_with("/webhooks/") { Self::Webhooks } else { Self::Plain }
    }

    /// What its components' names begin with.
    fn prefix(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Webhooks => "Webhooks",
        }
    }

    fn response(self, refusal: &Refusal) -> Value {
        let fields = json!({ "fieldErrors": { "url": ["Required: an https URL"] } });
        let issues = (refusal.status == StatusCode::BAD_REQUEST).then_some(fields);
        let body = self.example(refusal.status, refusal.message, refusal.code, issues);
        let mut response = json!({ "description": refusal.description, "content": self.content(&body) });
        if let (StatusCode::TOO_MANY_REQUESTS, Some(response)) = (refusal.status, response.as_object_mut()) {
            let header = json!({
                "description": "Whole seconds until the next request.",
                "required": true,
                "schema": { "type": "integer", "minimum": 1 },
            });
            response.insert("headers".to_owned(), json!({ "Retry-After": header }));
        }
        response
    }

    fn content(self, example: &Value) -> Value {
        json!({ "application/json": { "schema": { "$ref": self.schema() }, "example": example } })
    }

    /// The body of an operation's own refusal. Each paragraph of what is said of it is a case: a message, or a code between
    /// backticks, a colon and a message.
    fn content_of(self, status: StatusCode, said: &str) -> Value {
        let lines = said.lines().filter(|line| !line.is_empty());
        let cases = lines.enumerate().map(|(index, line)| {
            let coded = line.strip_prefix('`').and_then(|line| line.split_once("`: "));
            let (code, message) = coded.map_or((None, line), |(code, message)| (Some(code), message));
            let name = code.map_or_else(|| format!("case{}", index + 1), str::to_owned);
            (name, json!({ "value": self.example(status, message, code, None) }))
        });
        let examples: Map<String, Value> = cases.collect();
        json!({ "application/json": { "schema": { "$ref": self.schema() }, "examples": examples } })
    }

    fn schema(self) -> String {
        format!("#/components/schemas/{}Error", self.prefix())
    }

    fn example(self, status: StatusCode, message: &str, code: Option<&str>, issues: Option<Value>) -> Value {
        let mut body = Map::from_iter([("message".to_owned(), json!(message))]);
        body.extend(code.map(|code| ("code".to_owned(), json!(code))));
        body.extend(issues.map(|issues| ("issues".to_owned(), issues)));
        match self {
            Self::Plain => json!({ "error": body }),
            Self::Webhooks => {
                body.insert("path".to_owned(), json!("/webhooks/organizations/org_7f3k/send"));
                body.insert("timestamp".to_owned(), json!("2026-05-30T14:23:00.000Z"));
                body.insert("statusCode".to_owned(), json!(status.as_u16()));
                body.insert("error".to_owned(), json!(status.canonical_reason().unwrap_or_default()));
                body.into()
            }
        }
    }
}

/// The bodies of refusals, as `crate::error` writes them.
pub(super) fn schemas() -> [(String, Value); 3] {
    let message = json!({ "type": "string", "description": "What is wrong, for a person." });
    let code = json!({
        "type": "string",
        "description": "What is wrong, for a program, where the status leaves it open.",
    });
    let issues = json!({
        "type": "object",
        "description": "With status 400: what is wrong with each field.",
        "required": ["fieldErrors"],
        "properties": {
            "fieldErrors": {
                "type": "object",
                "description": "Each wrong field's name, with what it has to be.",
                "additionalProperties": { "type": "array", "items": { "type": "string" } },
            },
        },
        "additionalProperties": false,
    });
    let error = json!({
        "type": "object",
        "description": "A refusal.",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["message"],
                "properties": { "message": message, "code": code, "issues": { "$ref": "#/components/schemas/Issues" } },
                "additionalProperties": false,
            },
        },
        "additionalProperties": false,
    });
    let webhooks_error = json!({
        "type": "object",
        "description": "A refusal of a path under `/webhooks/`.",
        "required": ["path", "timestamp", "statusCode", "error", "message"],
        "properties": {
            "path": { "type": "string", "description": "The path of the request." },
            "timestamp": { "type": "string", "format": "date-time", "description": "When it was refused." },
            "statusCode": { "type": "integer", "description": "The HTTP status." },
            "error": { "type": "string", "description": "The HTTP status in words." },
            "message": message,
            "code": code,
            "issues": { "$ref": "#/components/schemas/Issues" },
        },
        "additionalProperties": false,
    });
    [("Error", error), ("WebhooksError", webhooks_error), ("Issues", issues)]
        .map(|(name, schema)| (name.to_owned(), schema))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, operation: Value, expected: &[&str]) {
        let mut operation = operation;
        operation["responses"] = json!({ "200": {} });
        complete(&mut operation, path);
        let statuses = operation["responses"].as_object().unwrap().keys();
        assert_eq!(statuses.collect::<Vec<_>>(), expected);
    }

    #[test]
    fn an_operation_has_the_refusals_of_its_key_its_path_and_its_input() {
        let role = |role: &str| json!({ "security": [{ "key": [role] }] });
        check("/docs", json!({}), &["200", "503"]);
        check("/status", role("member"), &["200", "401", "429", "503"]);
        check("/status", role("admin"), &["200", "401", "403", "429", "503"]);
        check("/a/{organization}", role("owner"), &["200", "401", "403", "404", "429", "503"]);
        check("/status", json!({ "requestBody": {} }), &["200", "400", "503"]);
        check("/status", json!({ "parameters": [{ "in": "query" }] }), &["200", "400", "503"]);
    }

    #[test]
    fn a_refusal_of_its_own_gets_a_body_in_its_paths_style() {
        for (path, schema) in
            [("/organizations/{organization}", "Error"), ("/webhooks/{organization}", "WebhooksError")]
        {
            let said = "`endpoint_disabled`: It is disabled\n\n`changed_meanwhile`: Try again";
            let mut operation = json!({ "responses": { "409": { "description": said } } });
            complete(&mut operation, path);
            let content = &operation["responses"]["409"]["content"]["application/json"];
            assert_eq!(content["schema"]["$ref"], format!("#/components/schemas/{schema}"));
            for (code, message) in [("endpoint_disabled", "It is disabled"), ("changed_meanwhile", "Try again")] {
                let example = content["examples"][code]["value"].to_string();
                assert!(example.contains(&format!("\"code\":\"{code}\"")) && example.contains(message), "{example}");
            }
        }
    }
}
