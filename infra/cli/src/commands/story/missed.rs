//! Why a message did not go to an endpoint.

use hookbell_domain::endpoint::EVERY_TYPE;

use crate::client::Client;
use crate::client::wire::{Endpoint, Message};
use crate::times::shown;

/// An endpoint that a message did not go to.
pub(super) struct Missed {
    pub(super) endpoint: String,
    pub(super) url: String,
    pub(super) why: String,
}

/// Finds out why, by what the endpoint is now: it may have been another one when the message came.
pub(super) async fn explain(client: &Client, organization: &str, endpoint: &Endpoint, message: &Message) -> Missed {
    const UNKNOWN: &str = "nothing is recorded: the endpoint was changed since, the record is kept no more, or the \
        message was a test of another endpoint";
    let why = match by_itself(endpoint, message) {
        Some(why) => why,
        None if is_filtered_out(client, organization, endpoint, message).await => {
            "its filter does not let it through".to_owned()
        }
        None => UNKNOWN.to_owned(),
    };
    Missed { endpoint: endpoint.endpoint_id.clone(), url: endpoint.url.clone(), why }
}

/// What the endpoint itself tells.
fn by_itself(endpoint: &Endpoint, message: &Message) -> Option<String> {
    if endpoint.created_at > message.timestamp {
        return Some(format!("it was made after the message, {}", shown(endpoint.created_at)));
    }
    if !endpoint.event_types.iter().any(|name| name == EVERY_TYPE || *name == message.event_type) {
        return Some(format!("it does not subscribe to {}", message.event_type));
    }
    // One that was disabled has a delivery that was skipped.
    None
}

async fn is_filtered_out(client: &Client, organization: &str, endpoint: &Endpoint, message: &Message) -> bool {
    let Some(filter) = &endpoint.filter else { return false };
    let trial = client.try_filter(organization, filter, &message.event_type, &message.payload).await;
    trial.is_ok_and(|trial| !trial.matches)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(endpoint: &str, expected: Option<&str>) {
        let base = r#""endpointId":"whe_1","url":"https://example.com","updatedAt":"2026-05-30T00:00:00Z""#;
        let endpoint: Endpoint = serde_json::from_str(&format!("{{{base},{endpoint}}}")).unwrap();
        let message = r#"{"id":"msg_1","eventType":"a.b","timestamp":"2026-05-30T12:00:00Z","payload":{}}"#;
        let why = by_itself(&endpoint, &serde_json::from_str(message).unwrap());
        match expected {
            Some(words) => assert!(why.as_ref().is_some_and(|why| why.contains(words)), "{why:?}"),
            None => assert_eq!(why, None),
        }
    }

    #[test]
    fn an_endpoint_tells_why_a_message_did_not_go_there() {
        let enabled = r#""status":"enabled","createdAt":"2026-05-30T00:00:00Z""#;
        check(&format!(r#"{enabled},"eventTypes":["*"]"#), None);
        check(&format!(r#"{enabled},"eventTypes":["a.c"]"#), Some("does not subscribe to a.b"));
        let late = r#""status":"enabled","createdAt":"2026-05-30T13:00:00Z","eventTypes":["*"]"#;
        check(late, Some("made after the message"));
    }
}
