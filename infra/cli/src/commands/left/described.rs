//! What was left, as far as it can be read.

use hookbell_aws::queues::{Ended, Left, Task};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::output::foreign;

/// One of them, as programs see it.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Described<'a> {
    /// The queue's id of it.
    pub(super) id: &'a str,
    /// On which shelf it lies.
    pub(super) queue: &'a str,
    /// Since when.
    pub(super) since: Option<Timestamp>,
    /// Why, where somebody said so.
    pub(super) reason: Option<&'a str>,
    /// Whose it is.
    pub(super) organization_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    endpoint_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delivery_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replay_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    event_type: Option<String>,
    /// To the byte.
    body: &'a str,
}

impl<'a> Described<'a> {
    /// What can be said of it.
    pub(super) fn new(queue: &'a str, left: &'a Left) -> Self {
        let mut described = Self {
            id: &left.id,
            queue,
            since: left.since,
            reason: left.reason.as_deref(),
            organization_id: None,
            endpoint_id: None,
            delivery_id: None,
            message_id: None,
            replay_id: None,
            attempt: None,
            event_type: None,
            body: &left.body,
        };
        if let Ok(task) = left.body.parse::<Task>() {
            described.set_task(task);
        } else if let Ok(ended) = left.body.parse::<Ended>() {
            described.set_ended(&ended);
        } else {
            (described.organization_id, described.event_type) = event(&left.body);
        }
        described
    }

    /// Which delivery, replay or event it is, in a few words.
    pub(super) fn what(&self) -> String {
        let attempt = self.attempt.map(|attempt| format!("attempt {attempt}"));
        let parts = [&self.delivery_id, &self.replay_id, &self.endpoint_id, &attempt, &self.event_type];
        let known = parts.into_iter().flatten().cloned().collect::<Vec<_>>().join(" ");
        if known.is_empty() { foreign::beginning(self.body, 40) } else { foreign::one_line(&known) }
    }

    fn set_ended(&mut self, ended: &Ended) {
        self.organization_id = Some(ended.organization_id.to_string());
        self.endpoint_id = Some(ended.endpoint_id.to_string());
        self.delivery_id = Some(ended.delivery_id.to_string());
    }

    fn set_task(&mut self, task: Task) {
        self.endpoint_id = Some(task.endpoint_id().to_string());
        match task {
            Task::Delivery(task) => {
                self.organization_id = Some(task.organization_id.to_string());
                self.delivery_id = Some(task.delivery_id.to_string());
                self.message_id = Some(task.message_id.to_string());
                self.attempt = Some(task.attempt);
            }
            Task::Replay(task) => {
                self.organization_id = Some(task.organization_id.to_string());
                self.replay_id = Some(task.replay_id.to_string());
            }
        }
    }
}

/// The organization and the type of an event, whose names depend on its shape; of what is none, nothing.
fn event(body: &str) -> (Option<String>, Option<String>) {
    let outer: Value = serde_json::from_str(body).unwrap_or_default();
    // A notification of SNS has the event as a text in it.
    let inner = outer.get("Message").and_then(Value::as_str).and_then(|text| serde_json::from_str(text).ok());
    let event: Value = inner.unwrap_or(outer);
    let first = |places: &[&str]| {
        places.iter().find_map(|place| event.pointer(place)).and_then(Value::as_str).map(str::to_owned)
    };
    let organization = first(&["/organizationId", "/organizationid", "/detail/organizationId"]);
    (organization, first(&["/type", "/detail-type", "/event"]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(body: &str, expected: (Option<&str>, Option<&str>)) {
        let (organization, event_type) = event(body);
        assert_eq!((organization.as_deref(), event_type.as_deref()), expected, "{body}");
    }

    #[test]
    fn an_event_is_known_in_whichever_shape_it_came() {
        let known = (Some("org_1"), Some("a.b"));
        check(r#"{"organizationId":"org_1","type":"a.b"}"#, known);
        check(r#"{"organizationId":"org_1","event":"a.b"}"#, known);
        check(r#"{"specversion":"1.0","organizationid":"org_1","type":"a.b"}"#, known);
        check(r#"{"detail-type":"a.b","detail":{"organizationId":"org_1"}}"#, known);
        check(r#"{"Type":"Notification","Message":"{\"organizationId\":\"org_1\",\"type\":\"a.b\"}"}"#, known);
        check(r#"{"organizationId":1,"type":"a.b"}"#, (None, Some("a.b")));
        for body in ["", "no event", "[]", r#"{"Message":"no event"}"#] {
            check(body, (None, None));
        }
    }
}
