//! Fuzz targets of what is read here: see `infra/fuzz`.

use hookbell_domain::body;
use hookbell_fuzz::Fuzz;
use serde_json::json;
use serde_json::value::RawValue;

use crate::shapes::{self, ProducedEvent};

/// Reads an event that is one.
fn read(text: &str) -> ProducedEvent {
    shapes::read(text).unwrap_or_else(|error| panic!("{error}"))
}

/// Fails unless it is the text of a JSON object; gives it without white space.
fn object(payload: &RawValue) -> String {
    let compact = body::compact(payload).expect("JSON");
    assert!(compact.get().starts_with('{'), "{payload}");
    compact.get().to_owned()
}

#[test]
fn shapes() {
    let words = [
        "\"organizationId\":",
        "\"type\":",
        "\"data\":",
        "\"id\":",
        "\"timestamp\":",
        "\"event\":",
        "\"detail-type\":",
        "\"detail\":",
        "\"time\":",
        "\"specversion\":\"1.0\"",
        "\"organizationid\":",
        "\"data_base64\":",
        "\"Type\":",
        "\"Message\":",
        "\"org_1\"",
        "{",
        "}",
        "[",
        "]",
        ",",
        "\\\"",
        "2026-05-30T14:23:00Z",
    ];
    Fuzz::of("shapes").words(&words).run(|text| {
        let event = match shapes::read(text) {
            Ok(event) => event,
            Err(error) => return error.to_string(),
        };
        let (id, at) = (event.event_id.as_ref().map(|id| id.as_str().to_owned()), event.occurred_at);
        let flat = event.payload.flat();
        let flat_text = object(&flat);
        let enveloped = read(text).payload.enveloped();
        if let Ok(enveloped) = &enveloped {
            assert!(object(enveloped).len() <= flat_text.len() * 7 + 2, "it only ever loses a key");
        }
        // As hookbell's own shape it is the same event.
        let mut own = format!(
            r#"{{"organizationId":{},"type":{},"data":{flat_text}"#,
            json!(event.organization_id.as_str()),
            json!(event.event_type)
        );
        own.extend(id.as_ref().map(|id| format!(r#","id":{}"#, json!(id))));
        own.extend(at.map(|at| format!(r#","timestamp":"{at}""#)));
        own.push('}');
        let again = read(&own);
        assert_eq!((&again.organization_id, &again.event_type), (&event.organization_id, &event.event_type));
        assert_eq!((again.event_id.map(|id| id.as_str().to_owned()), again.occurred_at), (id, at));
        assert_eq!(again.payload.flat().get(), flat_text);
        format!("{} {}", body::is_too_deep(&flat), enveloped.is_ok())
    });
}
