//! The shape of an SNS notification: an event of another shape as the text of `Message`. Where the subscription delivers
//! raw messages, that text comes alone, and nothing of this is needed.

use super::keys::{Keys, object, optional, required, time};
use super::{ProducedEvent, ShapeError, read_event};

/// What SNS calls a message of its topic. It also asks to confirm subscriptions, and to confirm their end.
const NOTIFICATION: &str = "Notification";

/// Whether SNS has written it.
pub(super) fn is_notification(keys: &Keys<'_>) -> bool {
    keys.notification_type.is_some() && keys.topic.is_some()
}

/// Reads the event inside. What it leaves open, SNS says: a message's id is the same however often SNS delivers it.
pub(super) fn read(keys: &Keys<'_>) -> Result<ProducedEvent, ShapeError> {
    let kind: String = required("Type", keys.notification_type)?;
    if kind != NOTIFICATION {
        let problem = format!(
            "must be {NOTIFICATION:?} and is {kind:?}; if a subscription waits for its confirmation, open its \
             SubscribeURL"
        );
        return Err(ShapeError::key("Type", problem));
    }
    let message: String = required("Message", keys.message)?;
    let within = |error| ShapeError::Within { key: "Message", error: Box::new(error) };
    let inner = object(&message).map_err(within)?;
    if is_notification(&inner) {
        let problem = "is a notification itself; subscribe the queue to the topic that it comes from";
        return Err(ShapeError::key("Message", problem));
    }
    let event = read_event(&inner, &message).map_err(within)?;
    Ok(ProducedEvent {
        event_id: event.event_id.map_or_else(|| optional("MessageId", keys.message_id), |id| Ok(Some(id)))?,
        occurred_at: event.occurred_at.map_or_else(|| time("Timestamp", keys.published_at), |at| Ok(Some(at)))?,
        ..event
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::read;

    fn around(message: &str) -> String {
        json!({
            "Type": "Notification",
            "MessageId": "22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324",
            "TopicArn": "arn:aws:sns:us-east-1:123456789012:environments",
            "Subject": "an event",
            "Message": message,
            "Timestamp": "2026-05-30T14:23:01.000Z",
            "SignatureVersion": "1",
        })
        .to_string()
    }

    #[track_caller]
    fn check(message: &str, event_id: &str, occurred_at: &str, payload: &str) {
        let event = read(&around(message)).unwrap();
        assert_eq!(event.organization_id.as_str(), "org_1");
        assert_eq!(event.event_type, "member.added");
        assert_eq!(event.event_id.unwrap().as_str(), event_id);
        assert_eq!(event.occurred_at, Some(occurred_at.parse().unwrap()));
        assert_eq!(event.payload.enveloped().unwrap().get(), payload);
    }

    #[test]
    fn every_other_shape_may_stand_in_a_notification() {
        let (own_id, at) = ("22b80b92-fdea-4c2c-8f9d-bdfb0c7bf324", "2026-05-30T14:23:01Z");
        check(
            r#"{"organizationId":"org_1","type":"member.added","data":{"b":1.0,"a":2}}"#,
            own_id,
            at,
            r#"{"b":1.0,"a":2}"#,
        );
        check(
            r#"{"organizationId":"org_1","type":"member.added","data":{},"id":"e-1","timestamp":"2026-05-30T14:00:00Z"}"#,
            "e-1",
            "2026-05-30T14:00:00Z",
            "{}",
        );
        let flat = r#"{"event":"member.added","organizationId":"org_1","id":"sandbox1"}"#;
        check(flat, own_id, at, flat);
        check(
            r#"{"id":"6a7e8feb","detail-type":"member.added","time":"2026-05-30T14:00:00Z","detail":{"organizationId":"org_1","a":1}}"#,
            "6a7e8feb",
            "2026-05-30T14:00:00Z",
            r#"{"a":1}"#,
        );
        let cloud = r#"{"specversion":"1.0","type":"member.added","source":"/a","id":"1","organizationid":"org_1","data":{"a":1}}"#;
        check(cloud, "1.alDchYQTTH3lN8AF", at, r#"{"a":1}"#);
    }

    #[track_caller]
    fn check_refused(body: &str, expected: &str) {
        let error = read(body).unwrap_err().to_string();
        assert!(error.contains(expected), "{error}");
    }

    #[test]
    fn what_is_wrong_inside_is_told_with_where_it_stands() {
        check_refused(&around("hello"), "Message: the body is not a JSON object");
        check_refused(&around(r#"{"a":1}"#), "Message: none of the known shapes");
        check_refused(&around(r#"{"type":"member.added","data":{}}"#), "Message: organizationId: is missing");
        check_refused(r#"{"Type":"Notification","TopicArn":"arn"}"#, "Message: is missing");
        check_refused(r#"{"Type":"Notification","TopicArn":"arn","Message":{}}"#, "Message: must be a string");
    }

    #[test]
    fn a_notification_in_a_notification_and_a_question_of_snss_own_are_no_events() {
        let event = r#"{"organizationId":"org_1","type":"member.added","data":{}}"#;
        check_refused(&around(&around(event)), "Message: is a notification itself");
        let question =
            around("You have chosen to subscribe").replace("\"Notification\"", "\"SubscriptionConfirmation\"");
        check_refused(&question, "Type: must be \"Notification\" and is \"SubscriptionConfirmation\"");
    }
}
