//! The fields of a body, as rows of the page.

use serde_json::Value;

use super::page::{Text, text};
use crate::openapi::resolved;

/// How deep fields within fields are shown.
const DEPTH: usize = 4;

/// A parameter, or a field of a body.
pub(super) struct Field {
    /// With the names of what it lies in, and dots between.
    pub(super) name: String,
    /// Its type in words.
    pub(super) kind: String,
    /// Whether it has to be there.
    pub(super) required: bool,
    /// What it is.
    pub(super) description: Text,
    /// What its value has to be, beside its type.
    pub(super) bounds: Vec<String>,
}

/// The fields of a body of that schema, those that have to be there first.
pub(super) fn fields(document: &Value, schema: &Value) -> Vec<Field> {
    let mut fields = Vec::new();
    gather(document, schema, "", 0, &mut fields);
    fields
}

/// One parameter or field of that schema.
pub(super) fn field(document: &Value, name: String, schema: &Value, required: bool, description: &str) -> Field {
    let schema = resolved(document, schema);
    Field { name, kind: kind(document, schema), required, description: text(description), bounds: bounds(schema) }
}

fn gather(document: &Value, schema: &Value, within: &str, depth: usize, found: &mut Vec<Field>) {
    let schema = resolved(document, schema);
    if let Some(items) = schema.get("items") {
        return gather(document, items, &format!("{within}[]"), depth, found);
    }
    for part in schema.get("allOf").and_then(Value::as_array).into_iter().flatten() {
        gather(document, part, within, depth, found);
    }
    let required: Vec<&str> =
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str).collect();
    let properties = schema.get("properties").and_then(Value::as_object).into_iter().flatten();
    let (first, then): (Vec<_>, Vec<_>) = properties.partition(|(name, _)| required.contains(&name.as_str()));
    for (name, property) in first.into_iter().chain(then) {
        let full_name = if within.is_empty() { name.clone() } else { format!("{within}.{name}") };
        let said = |schema: &Value| schema.get("description").and_then(Value::as_str).map(str::to_owned);
        let description = said(property).or_else(|| said(resolved(document, property))).unwrap_or_default();
        found.push(field(document, full_name.clone(), property, required.contains(&name.as_str()), &description));
        if depth < DEPTH {
            gather(document, property, &full_name, depth + 1, found);
        }
    }
}

/// A schema's type in words: "string", "list of objects".
fn kind(document: &Value, schema: &Value) -> String {
    let schema = resolved(document, schema);
    match schema.get("type") {
        Some(Value::String(kind)) if kind == "array" => {
            let items =
                schema.get("items").map_or_else(|| "anything".to_owned(), |items| kind_of_items(document, items));
            format!("list of {items}")
        }
        Some(Value::String(kind)) => kind.clone(),
        Some(Value::Array(kinds)) => kinds.iter().filter_map(Value::as_str).collect::<Vec<_>>().join(" or "),
        _ if schema.get("allOf").is_some() => "object".to_owned(),
        _ => "anything".to_owned(),
    }
}

fn kind_of_items(document: &Value, items: &Value) -> String {
    let kind = kind(document, items);
    if kind == "anything" { kind } else { format!("{kind}s") }
}

/// What a schema asks of a value, as short phrases.
fn bounds(schema: &Value) -> Vec<String> {
    let mut bounds = Vec::new();
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let values: Vec<String> = values.iter().map(ToString::to_string).collect();
        bounds.push(format!("one of {}", values.join(", ")));
    }
    let number = |key: &str| schema.get(key).filter(|value| value.is_number());
    match (number("minimum"), number("maximum")) {
        (Some(least), Some(most)) => bounds.push(format!("{least} to {most}")),
        (Some(least), None) if least.as_f64() != Some(0.0) => bounds.push(format!("at least {least}")),
        (None, Some(most)) => bounds.push(format!("at most {most}")),
        _ => {}
    }
    bounds.extend(match (number("minLength"), number("maxLength")) {
        (Some(least), Some(most)) => Some(format!("{least} to {most} characters")),
        (Some(least), None) => Some(format!("at least {least} characters")),
        (None, Some(most)) => Some(format!("at most {most} characters")),
        (None, None) => None,
    });
    bounds.extend(number("minItems").map(|least| format!("at least {least}")));
    bounds.extend(number("maxItems").map(|most| format!("at most {most}")));
    bounds.extend(schema.get("pattern").and_then(Value::as_str).map(|pattern| format!("matches {pattern}")));
    bounds.extend(schema.get("default").map(|value| format!("default {value}")));
    if schema.get("format").is_some_and(|format| format == "date-time") {
        bounds.push("ISO 8601".to_owned());
    }
    bounds
}
