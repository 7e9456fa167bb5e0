//! From a record of the events queue to a message that is ours to deliver: each event is admitted once.

use std::sync::Arc;

use bytes::Bytes;
use hookbell_aws::AwsError;
use hookbell_aws::queues::read_accepted;
use hookbell_aws::sealing::Marked;
use hookbell_aws::table::{EventIdState, Gate};
use hookbell_domain::body;
use hookbell_domain::delivery::Delivery;
use hookbell_domain::ids::{EndpointId, EventId, MessageId};
use hookbell_domain::message::{AcceptedEvent, Audience, Message};
use hookbell_domain::profile::BodyFormat;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::organizations::{Freshness, Organization, Target};
use crate::records::Record;
use crate::sender::Sender;
use crate::{recipients, shapes};

/// An event on its way to the gate, its body frozen and its receivers chosen.
pub(crate) struct Applicant {
    organization: Arc<Organization>,
    pub(crate) message: Message,
    /// The event id by which it was found to be a message that somebody else has begun to send.
    adopted: Option<EventId>,
}

/// What a record of the events queue turned out to be.
pub(crate) enum Admission {
    /// A message to deliver.
    Deliver(Admitted),
    /// An event that has been dealt with before, and is gone.
    Duplicate,
    /// An event that another record is dealing with, or has died at: this one is to come again.
    Undecided,
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

impl From<Message> for OutgoingMessage {
    fn from(message: Message) -> Self {
        Self { id: message.id, event_type: message.event_type, body: message.body.into() }
    }
}

/// An event whose organization and shape are known.
struct Incoming {
    event: AcceptedEvent,
    /// Whether its event id is still to be reserved; our API does so before it enqueues.
    reserve: bool,
}

/// Reads a record and finds its organization, up to the gate; or why it is no event, for whoever sent it.
pub(crate) async fn read(
    sender: &Sender,
    record: &Record,
    began_at: Timestamp,
) -> Result<Result<Applicant, String>, AwsError> {
    let (incoming, organization) = match identify(sender, record, began_at).await? {
        Ok(identified) => identified,
        Err(reason) => return Ok(Err(reason)),
    };
    let mut event = incoming.event;
    let profile = organization.record.profile;
    if profile.event_type(&event.event_type).is_none() {
        let reason = format!("type: {:?} is not in the catalogue of profile {:?}", event.event_type, profile.name);
        return Ok(Err(reason));
    }
    if body::is_too_deep(&event.payload) {
        return Ok(Err(format!("the payload has more than {} levels", body::MAX_DEPTH)));
    }
    let freeze = |event: &AcceptedEvent| {
        body::freeze(profile.body, event.message_id, &event.event_type, event.occurred_at, &event.payload)
    };
    let (mut body, limit) = (freeze(&event), sender.config.body_limit);
    if body.len() > limit {
        return Ok(Err(format!("the body would be {} bytes; the limit is {limit}", body.len())));
    }
    let mut adopted = None;
    if let (true, Some(id)) = (incoming.reserve, &event.event_id) {
        let (own, organization_id) = (event.message_id, &event.organization_id);
        let state = sender.table.reserve_event_id(organization_id, id, own, true, record.sent_at).await?;
        let (EventIdState::Reserved(owner) | EventIdState::Sent(owner)) = state;
        if owner != own {
            // It is the event of that message, come once more: by this door after the other, or back from the
            // dead-letter queue. Whether anything is left to do for it, the gate will tell.
            event.message_id = owner;
            body = freeze(&event);
            adopted = matches!(state, EventIdState::Reserved(_)).then(|| id.clone());
        }
    }
    let message = Message {
        id: event.message_id,
        endpoint_ids: recipients::of(&organization, &event, &body),
        organization_id: event.organization_id,
        event_type: event.event_type,
        event_id: event.event_id,
        body,
    };
    Ok(Ok(Applicant { organization, message, adopted }))
}

/// What is to be done for an event after the gate.
pub(crate) async fn enter(
    sender: &Sender,
    record: &Record,
    applicant: Applicant,
    gate: Gate,
) -> Result<Admission, AwsError> {
    let Applicant { organization, message, adopted } = applicant;
    let organization_id = message.organization_id.clone();
    let admission = match gate {
        Gate::Passed => Admission::Deliver(admitted(organization, message, Vec::new())),
        Gate::Taken(None) => Admission::Duplicate,
        Gate::Taken(Some(stored)) => go_on(sender, record, organization, stored).await?,
    };
    if let Some(event_id) = adopted {
        sender.table.mark_event_id_sent(&organization_id, &event_id).await?;
    }
    Ok(admission)
}

/// Who the event is from and of whom, or why that cannot be told.
async fn identify(
    sender: &Sender,
    record: &Record,
    began_at: Timestamp,
) -> Result<Result<(Incoming, Arc<Organization>), String>, AwsError> {
    let unknown = |id| format!("organizationId: {id:?} is not initialized");
    if let Some(mark) = &record.mark {
        sender.keys.meet([mark.as_slice()]).await?;
        if !sender.keys.is_marked(Marked::AcceptedEvent, record.body.as_bytes(), mark) {
            return Ok(Err("the mark of an accepted event does not fit the body".to_owned()));
        }
        let event = match read_accepted(&record.body) {
            Ok(event) => event,
            Err(error) => return Ok(Err(error.to_string())),
        };
        let wanted = event.revision.map_or(Freshness::Cached, Freshness::Revision);
        let found = sender.organization(&event.organization_id, wanted).await?;
        return Ok(match found {
            Some(organization) => Ok((Incoming { event, reserve: false }, organization)),
            None => Err(unknown(event.organization_id)),
        });
    }
    let produced = match shapes::read(&record.body) {
        Ok(produced) => produced,
        Err(error) => return Ok(Err(error.to_string())),
    };
    let mut found = sender.organization(&produced.organization_id, Freshness::Cached).await?;
    if found.is_none() {
        // It may have been initialized a moment ago.
        found = sender.organization(&produced.organization_id, Freshness::Since(began_at)).await?;
    }
    let Some(mut organization) = found else { return Ok(Err(unknown(produced.organization_id))) };
    let skips =
        |target: &Arc<Target>| !target.endpoint.is_enabled() && target.endpoint.subscribes_to(&produced.event_type);
    if organization.endpoints.iter().any(skips) {
        // The endpoint may have been enabled a moment ago, and this event come after that.
        let anew = sender.organization(&produced.organization_id, Freshness::Since(began_at)).await?;
        organization = anew.unwrap_or(organization);
    }
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

/// What is left to do of a message that somebody has put before: an earlier try at this record, or a record of the same
/// event. What was decided and frozen there stands; what has come of it says what is left.
async fn go_on(
    sender: &Sender,
    record: &Record,
    organization: Arc<Organization>,
    stored: Message,
) -> Result<Admission, AwsError> {
    let existing = sender.table.first_deliveries(&stored).await?;
    let has_row = |id| existing.iter().any(|delivery| delivery.endpoint_id == id);
    let missing = stored.endpoint_ids.iter().any(|&id| organization.target(id).is_some() && !has_row(id));
    if missing && !record.is_repeated() {
        // Whoever passed the gate is at work, or has died at it. By the time this record comes again that is settled.
        return Ok(Admission::Undecided);
    }
    Ok(Admission::Deliver(admitted(organization, stored, existing)))
}

fn admitted(organization: Arc<Organization>, mut message: Message, existing: Vec<Delivery>) -> Admitted {
    let endpoint_ids = std::mem::take(&mut message.endpoint_ids);
    Admitted { organization, message: Arc::new(message.into()), endpoint_ids, existing }
}
