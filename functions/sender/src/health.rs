//! How endpoints fare: written beside the attempts that show it, and nothing while all is well.

use std::collections::HashMap;

use futures_util::future::join_all;
use hookbell_domain::endpoint::Endpoint;
use hookbell_domain::ids::EndpointId;
use hookbell_domain::profile::AutoDisableRule;
use hookbell_domain::retry::Next;
use jiff::Timestamp;

use crate::attempt::{Finished, Job};
use crate::sender::Sender;

/// What an attempt says of its endpoint.
#[derive(Clone, Copy)]
enum Note {
    /// It works: whatever was noted against it is over.
    Works,
    /// It has been failing since then.
    FailingSince(Timestamp),
}

/// Writes what attempts have shown of their endpoints, each endpoint once. Called before their follow-ups go out, so
/// that a retry's success finds what there is to clear.
///
/// A failure to write is logged only: the next attempt says the same again.
pub(crate) async fn write<'a>(sender: &Sender, made: impl Iterator<Item = (&'a Job, &'a Finished)>) {
    let mut notes: HashMap<EndpointId, (&Endpoint, Note)> = HashMap::new();
    for (job, finished) in made {
        let endpoint = &job.target.endpoint;
        match note(job, finished) {
            // It outweighs a failure beside it.
            Some(Note::Works) => drop(notes.insert(endpoint.id, (endpoint, Note::Works))),
            Some(failing) => drop(notes.entry(endpoint.id).or_insert((endpoint, failing))),
            None => {}
        }
    }
    let writes = notes.into_values().map(|(endpoint, note)| async move {
        let written = match note {
            Note::Works => sender.table.clear_health(&endpoint.organization_id, endpoint.id).await,
            Note::FailingSince(at) => sender.table.note_failing(&endpoint.organization_id, endpoint.id, at).await,
        };
        if let Err(error) = written {
            tracing::warn!(%error, endpoint_id = %endpoint.id, "the endpoint's health was not written");
        }
    });
    join_all(writes).await;
}

/// What is to be written after an attempt, if anything.
fn note(job: &Job, finished: &Finished) -> Option<Note> {
    let health = &job.target.endpoint.health;
    let counts_time = matches!(job.organization.record.profile.auto_disable.rule, AutoDisableRule::FailingFor { .. });
    if finished.decision.next == Next::Delivered {
        // A retry follows a failure, which the picture of its endpoint may be too old to show as noted.
        let noted = counts_time && job.number > 1;
        return (noted || !health.is_clear()).then_some(Note::Works);
    }
    (counts_time && health.failing_since.is_none()).then_some(Note::FailingSince(finished.attempt.at))
}
