//! From a record of the events queue to a message that is ours to deliver: each event is admitted once.

use std::sync::Arc;

use bytes::Bytes;
use hookbell_aws::AwsError;
use hookbell_aws::queues::read_accepted;
use hookbell_aws::table::EventIdState;
use hookbell_domain::body;
use hookbell_domain::delivery::Delivery;
use hookbell_domain::ids::{EndpointId, MessageId};
use hookbell_domain::message::{AcceptedEvent, Audience, Message};
use hookbell_domain::profile::BodyFormat;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::organizations::Organization;
use crate::records::Record;
use crate::sender::Sender;
use crate::shapes;

/// What a record of the events queue turned out to be.
pub(crate) enum Admission {
    /// A message to deliver.
    Deliver(Admitted),
    /// An event that has been dealt with before.
    Duplicate,
    /// No event: why not, for whoever sent it.
    Poison(String),
}

/// A message that is ours to deliver.
pub(crate) struct Admitted {
    pub(crate) organization: Arc<Organization>,
    pub(crate) message: Arc<OutgoingMessage>,
    pub(crate) endpoint_ids: Vec<EndpointId>,
    /// What an earlier try at this record has left.
    pub(crate) existing: Vec<Delivery>,
}

/// The part of a message that its deliveries need.
#[derive(Debug)]
pub(crate) struct OutgoingMessage {
    pub(crate) id: MessageId,
    pub(crate) event_type: String,
    pub(crate) body: Bytes,
}

/// An event with the payload's place in the body still open, for only the organization's profile settles it.
struct Incoming {
    event: AcceptedEvent,
    /// Whether its event id is still to be reserved; our API does so before it enqueues.
    reserve: bool,
}

/// Reads a record, finds its organization, and passes the gate.
pub(crate) async fn admit(sender: &Sender, record: &Record) -> Result<Admission, AwsError> {
    let (incoming, organization) = match identify(sender, record).await? {
        Ok(identified) => identified,
        Err(reason) => return Ok(Admission::Poison(reason)),
    };
    let event = incoming.event;
    let profile = organization.record.profile;
    if profile.event_type(&event.event_type).is_none() {
        return Ok(Admission::Poison(format!(
            "type: {:?} is not in the catalogue of profile {:?}",
            event.event_type, profile.name
        )));
    }
    let body = body::freeze(profile.body, event.message_id, &event.event_type, event.occurred_at, &event.payload);
    if body.len() > sender.config.body_limit {
        return Ok(Admission::Poison(format!(
            "the body would be {} bytes; the limit is {}",
            body.len(),
            sender.config.body_limit
        )));
    }
    if let (true, Some(id)) = (incoming.reserve, &event.event_id) {
        let state = sender.table.reserve_event_id(&event.organization_id, id, event.message_id, record.sent_at).await?;
        let (EventIdState::Reserved(owner) | EventIdState::Sent(owner)) = state;
        if owner != event.message_id {
            return Ok(Admission::Duplicate);
        }
    }
    pass_gate(sender, record, organization, event, body).await
}

/// Who the event is from and of whom, or why that cannot be told.
async fn identify(sender: &Sender, record: &Record) -> Result<Result<(Incoming, Arc<Organization>), String>, AwsError> {
    let find = async |id, revision| sender.organizations.get(&sender.table, &sender.keys, id, revision).await;
    let unknown = |id| format!("organizationId: {id:?} is not initialised");
    if let Some(mark) = &record.mark {
        if !sender.keys.is_marked(&record.body, mark) {
            return Ok(Err("the mark of an accepted event does not fit the body".to_owned()));
        }
        let event = match read_accepted(&record.body) {
            Ok(event) => event,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let found = find(&event.organization_id, event.revision).await?;
        return Ok(match found {
            Some(organization) => Ok((Incoming { event, reserve: false }, organization)),
            None => Err(unknown(event.organization_id)),
        });
    }
    let produced = match shapes::read(&record.body) {
        Ok(produced) => produced,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let Some(organization) = find(&produced.organization_id, None).await? else {
        return Ok(Err(unknown(produced.organization_id)));
    };
    let payload = match organization.record.profile.body {
        BodyFormat::Flat => produced.payload.flat(),
        BodyFormat::Envelope => match produced.payload.enveloped() {
            Ok(payload) => payload,
            Err(error) => return Ok(Err(error.to_string())),
        },
    };
    let event = AcceptedEvent {
        message_id: MessageId::of_queue_record(&record.message_id, record.sent_at),
        audience: audience(&organization, &produced.event_type, &payload),
        organization_id: produced.organization_id,
        event_type: produced.event_type,
        occurred_at: produced.occurred_at.unwrap_or(record.sent_at),
        event_id: produced.event_id,
        payload,
        revision: None,
    };
    Ok(Ok((Incoming { event, reserve: true }, organization)))
}

/// All subscribers; but the news of an endpoint's disabling never goes to that endpoint, however late its enabled
/// state is still remembered here.
fn audience(organization: &Organization, event_type: &str, payload: &RawValue) -> Audience {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct About {
        endpoint_id: EndpointId,
    }
    let is_disabling =
        organization.record.profile.system_events.is_some_and(|events| events.endpoint_disabled == event_type);
    if !is_disabling {
        return Audience::Subscribers;
    }
    serde_json::from_str::<About>(payload.get())
        .map_or(Audience::Subscribers, |about| Audience::SubscribersExcept(about.endpoint_id))
}

/// Puts the message, or finds what is left to do of one that was put before.
async fn pass_gate(
    sender: &Sender,
    record: &Record,
    organization: Arc<Organization>,
    event: AcceptedEvent,
    body: Vec<u8>,
) -> Result<Admission, AwsError> {
    let wanted = organization.endpoints.iter().map(|target| &target.endpoint);
    let wanted = wanted.filter(|endpoint| event.audience.includes(endpoint, &event.event_type));
    let message = Message {
        id: event.message_id,
        endpoint_ids: wanted.map(|endpoint| endpoint.id).collect(),
        organization_id: event.organization_id,
        event_type: event.event_type,
        event_id: event.event_id,
        body,
    };
    if sender.table.accept_message(&message).await? {
        return Ok(Admission::Deliver(admitted(organization, message, Vec::new())));
    }
    if !record.is_repeated() {
        return Ok(Admission::Duplicate);
    }
    // An earlier try at this record got as far as the gate. What it decided and froze there stands.
    let stored = sender.table.message(&message.organization_id, message.id, true).await?;
    let Some(stored) = stored else { return Ok(Admission::Duplicate) };
    let existing = sender.table.first_deliveries(&stored).await?;
    Ok(Admission::Deliver(admitted(organization, stored, existing)))
}

fn admitted(organization: Arc<Organization>, message: Message, existing: Vec<Delivery>) -> Admitted {
    Admitted {
        organization,
        endpoint_ids: message.endpoint_ids,
        existing,
        message: Arc::new(OutgoingMessage {
            id: message.id,
            event_type: message.event_type,
            body: Bytes::from(message.body),
        }),
    }
}
