//! Whole examples, put together from the examples of the fields: they cannot contradict the schema.

use serde_json::{Map, Value, json};

use super::resolved;

/// Gives every body that has a schema and no example one of its own.
pub(super) fn complete(document: &mut Value) {
    let described = document.clone();
    for pointer in ["/paths", "/components/responses"] {
        if let Some(part) = document.pointer_mut(pointer) {
            add(part, &described);
        }
    }
}

fn add(value: &mut Value, document: &Value) {
    match value {
        Value::Object(object) => {
            if let Some(content) = object.get_mut("application/json").and_then(Value::as_object_mut)
                && !["example", "examples"].iter().any(|key| content.contains_key(*key))
                && let Some(example) = content.get("schema").and_then(|schema| example(schema, document))
            {
                content.insert("example".to_owned(), example);
            }
            object.values_mut().for_each(|value| add(value, document));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| add(value, document)),
        _ => {}
    }
}

/// An example of a schema: its own, or one made of its parts'. A field that is optional and has none is left out.
pub(crate) fn example(schema: &Value, document: &Value) -> Option<Value> {
    if let Some(own) = schema.get("example").or_else(|| schema.pointer("/examples/0")) {
        return Some(own.clone());
    }
    let schema = resolved(document, schema);
    if let Some(own) = schema.get("example").or_else(|| schema.pointer("/examples/0")) {
        return Some(own.clone());
    }
    if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
        let parts = parts.iter().filter_map(|part| example(part, document));
        let merged: Map<_, _> = parts.filter_map(|part| part.as_object().cloned()).flatten().collect();
        return Some(merged.into());
    }
    match schema.get("type").and_then(Value::as_str)? {
        "object" => {
            let examples = schema
                .get("properties")?
                .as_object()?
                .iter()
                .filter_map(|(name, field)| Some((name.clone(), example(field, document)?)));
            Some(Value::Object(examples.collect()))
        }
        "array" => Some(json!([example(schema.get("items")?, document)?])),
        _ => schema.pointer("/enum/0").cloned(),
    }
}
