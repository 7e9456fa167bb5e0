//! Which endpoints a message goes to: those of its audience whose filters it passes.

use std::cell::OnceCell;

use hookbell_domain::filter::{Document, Verdict};
use hookbell_domain::ids::EndpointId;
use hookbell_domain::message::{AcceptedEvent, Audience};

use crate::organizations::{Organization, Target};

/// The endpoints that get a message with that body. It is read at most once, and only if somebody filters.
///
/// A message that nobody can judge is delivered: one too many is better than one that is lost.
pub(crate) fn of(organization: &Organization, event: &AcceptedEvent, body: &[u8]) -> Vec<EndpointId> {
    let document = OnceCell::new();
    let passes = |target: &Target| {
        let Some(filter) = target.filter.as_ref() else { return true };
        let endpoint_id = target.endpoint.id;
        let document = document.get_or_init(|| Document::read(body));
        match document.as_ref().map(|document| filter.judge(document)) {
            Ok(Verdict::Matches) => true,
            Ok(Verdict::Differs) => false,
            Ok(Verdict::Undecided) => {
                tracing::warn!(message_id = %event.message_id, %endpoint_id, "filter.undecided");
                true
            }
            Err(error) => {
                // The position only: what stands there is the customer's.
                let (line, column) = (error.line(), error.column());
                tracing::warn!(message_id = %event.message_id, %endpoint_id, line, column, "filter.unreadable_body");
                true
            }
        }
    };
    // What was sent to one endpoint by name, as a test is, goes there whatever it filters.
    let named = matches!(event.audience, Audience::Only(_));
    let targets = organization.endpoints.iter();
    let audience = targets.filter(|target| event.audience.includes(&target.endpoint, &event.event_type));
    audience.filter(|target| named || passes(target)).map(|target| target.endpoint.id).collect()
}
