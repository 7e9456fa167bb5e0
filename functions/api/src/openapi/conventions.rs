//! What holds of every operation, so that no handler has to say it: path parameters, refusals, closed bodies, limits.

use hookbell_domain::limits::Limits;
use serde_json::{Map, Value, json};

use super::refusals;

/// The parameters that stand in paths: name, what it is, an example.
const PATH_PARAMETERS: [(&str, &str, &str); 6] = [
    ("organization", "The organization's id.", "org_7f3k"),
    ("endpoint", "The endpoint's id.", "whe_01KSWM8KD0X3V8N5B2M7C1D4FG"),
    ("delivery", "The delivery's id.", "dlv_01KSWM8KD0Q4T7Z1R8W6H2J5AB"),
    ("replay", "The replay's id.", "rpl_01KSW6S6G0M2C8X5T9B4Y7N1ZE"),
    ("key", "The key's id, which is not the key itself.", "key_01KSWM8KD0H5V2R9Q7D3W8J6PX"),
    ("message", "The message's id.", "msg_01KSWM8KD0X3V8N5B2M7C1D4FG"),
];

/// Adds to a description what its operations have in common.
pub(super) fn complete(document: &mut Value, limits: &Limits) {
    without_null(document);
    with_numbers(document, limits);
    let mut bodies = Vec::new();
    if let Some(paths) = document.get_mut("paths").and_then(Value::as_object_mut) {
        for (path, item) in paths {
            for operation in item.as_object_mut().into_iter().flat_map(Map::values_mut) {
                unbound_counts(operation);
                add_path_parameters(operation, path);
                refusals::complete(operation, path);
                bodies.extend(body_schema(operation));
            }
        }
    }
    for schema in bodies {
        if let Some(schema) = document.pointer_mut(&schema).and_then(Value::as_object_mut) {
            close(schema);
            limit(schema, limits);
        }
    }
    if let Some(document) = document.as_object_mut() {
        let components = document.entry("components").or_insert_with(|| json!({}));
        add_components(components);
    }
}

/// Options are absent when unset; a description made from them says that they may be null as well. Where null means
/// something, the field's description says what, and it stays.
fn without_null(value: &mut Value) {
    match value {
        Value::Object(object) => {
            if object.get("description").and_then(Value::as_str).is_some_and(|text| text.contains("`null`")) {
                return;
            }
            if let Some(Value::Array(types)) = object.get_mut("type") {
                types.retain(|kind| kind != "null");
                if let [only] = types.as_slice() {
                    let only = only.clone();
                    object.insert("type".to_owned(), only);
                }
            }
            if let Some(Value::Array(choices)) = object.get_mut("oneOf") {
                choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
                if let [Value::Object(only)] = choices.as_mut_slice() {
                    let only = std::mem::take(only);
                    object.remove("oneOf");
                    object.extend(only);
                }
            }
            object.values_mut().for_each(without_null);
        }
        Value::Array(values) => values.iter_mut().for_each(without_null),
        _ => {}
    }
}

/// Writes the deployment's limits into the texts that name them, as in "at most {page-limit}".
fn with_numbers(value: &mut Value, limits: &Limits) {
    match value {
        Value::String(text) if text.contains("-limit}") => {
            let numbers = [
                ("{endpoint-limit}", limits.endpoints_per_organization.to_string()),
                ("{body-limit}", limits.body_bytes.to_string()),
                ("{header-limit}", limits.custom_headers.to_string()),
                ("{header-bytes-limit}", limits.custom_header_bytes.to_string()),
                ("{secret-limit}", limits.old_secrets.to_string()),
                ("{page-limit}", limits.page_size.to_string()),
                ("{call-limit}", limits.calls_per_minute.to_string()),
            ];
            for (name, number) in numbers {
                *text = text.replace(name, &number);
            }
        }
        Value::Object(object) => object.values_mut().for_each(|value| with_numbers(value, limits)),
        Value::Array(values) => values.iter_mut().for_each(|value| with_numbers(value, limits)),
        _ => {}
    }
}

/// A count that is asked for may be of any size: it is clamped. A format would bound it.
fn unbound_counts(operation: &mut Value) {
    let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut).into_iter().flatten();
    for schema in parameters.filter_map(|parameter| parameter.get_mut("schema")?.as_object_mut()) {
        if schema.get("type").is_some_and(|kind| kind == "integer") {
            schema.remove("format");
        }
    }
}

fn add_path_parameters(operation: &mut Value, path: &str) {
    let Some(operation) = operation.as_object_mut() else { return };
    let parameters = operation.entry("parameters").or_insert_with(|| json!([]));
    let Some(parameters) = parameters.as_array_mut() else { return };
    let named = path.split('{').skip(1).filter_map(|rest| rest.split('}').next());
    let references = named.map(|name| json!({ "$ref": format!("#/components/parameters/{name}") }));
    parameters.splice(0..0, references);
}

/// Where the schema of an operation's body is.
fn body_schema(operation: &Value) -> Option<String> {
    let schema = operation.pointer("/requestBody/content/application~1json/schema/$ref")?;
    schema.as_str()?.strip_prefix('#').map(str::to_owned)
}

/// A body takes the fields that are described, and no others.
fn close(schema: &mut Map<String, Value>) {
    schema.insert("additionalProperties".to_owned(), json!(false));
}

/// The deployment's limits, where a body's field has one.
fn limit(schema: &mut Map<String, Value>, limits: &Limits) {
    let Some(fields) = schema.get_mut("properties").and_then(Value::as_object_mut) else { return };
    for (name, most) in [("url", limits.url_length), ("description", limits.description_length)] {
        if let Some(field) = fields.get_mut(name).and_then(Value::as_object_mut) {
            field.insert("maxLength".to_owned(), json!(most));
        }
    }
    if let Some(headers) = fields.get_mut("headers").and_then(Value::as_object_mut) {
        headers.insert("maxProperties".to_owned(), json!(limits.custom_headers));
    }
}

fn add_components(components: &mut Value) {
    let parameters: Map<String, Value> = PATH_PARAMETERS
        .into_iter()
        .map(|(name, description, example)| {
            let parameter = json!({
                "name": name,
                "in": "path",
                "required": true,
                "description": description,
                "schema": { "type": "string" },
                "example": example,
            });
            (name.to_owned(), parameter)
        })
        .collect();
    let scheme = json!({
        "type": "apiKey",
        "in": "header",
        "name": "Authorization",
        "description": "`sk_` and 32 characters, or the `pt_…` token of `app-portal-access`; raw or after `Bearer`.",
    });
    let Some(components) = components.as_object_mut() else { return };
    components.insert("parameters".to_owned(), parameters.into());
    components.insert("securitySchemes".to_owned(), json!({ "key": scheme }));
    components.insert("responses".to_owned(), refusals::responses().into());
    if let Some(schemas) = components.entry("schemas").or_insert_with(|| json!({})).as_object_mut() {
        schemas.extend(refusals::schemas());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_optional_is_absent_and_null_only_where_that_means_something() {
        let mut schema = json!({
            "type": "object",
            "properties": {
                "type": { "type": ["string", "null"] },
                "either": { "type": ["string", "integer", "null"] },
                "within": { "oneOf": [{ "type": "null" }, { "$ref": "#/a" }], "description": "It" },
                "taken away": { "type": ["integer", "null"], "description": "`null` takes it away." },
            },
        });
        without_null(&mut schema);
        let expected = json!({
            "type": { "type": "string" },
            "either": { "type": ["string", "integer"] },
            "within": { "$ref": "#/a", "description": "It" },
            "taken away": { "type": ["integer", "null"], "description": "`null` takes it away." },
        });
        assert_eq!(schema["properties"], expected);
    }

    #[test]
    fn a_text_says_the_deployments_limits() {
        let mut text = json!([{ "description": "At most {endpoint-limit}, in pages of {page-limit}" }]);
        with_numbers(&mut text, &super::super::tests::LIMITS);
        assert_eq!(text[0]["description"], "At most 50, in pages of 100");
    }

    #[test]
    fn a_body_is_closed_and_has_the_deployments_limits() {
        let body = json!({ "content": { "application/json": { "schema": { "$ref": "#/components/schemas/New" } } } });
        let schema = json!({ "properties": { "url": { "type": "string" }, "description": { "type": "string" } } });
        let mut document = json!({
            "paths": { "/a/{endpoint}": { "post": { "requestBody": body, "responses": {} } } },
            "components": { "schemas": { "New": schema } },
        });
        complete(&mut document, &super::super::tests::LIMITS);
        let schema = &document["components"]["schemas"]["New"];
        assert_eq!(schema["additionalProperties"], false);
        assert_eq!(schema["properties"]["url"]["maxLength"], 2_048);
        assert_eq!(schema["properties"]["description"]["maxLength"], 200);
        let parameters = &document["paths"]["/a/{endpoint}"]["post"]["parameters"];
        assert_eq!(parameters, &json!([{ "$ref": "#/components/parameters/endpoint" }]));
    }
}
