//! How endpoints fare, gathered over an invocation and written once: nothing while all is well.

use std::collections::HashMap;
use std::sync::Arc;

use hookbell_domain::ids::EndpointId;
use hookbell_domain::profile::AutoDisableRule;
use hookbell_domain::retry::Next;
use jiff::Timestamp;

use crate::attempt::{Finished, Job};
use crate::organizations::Target;
use crate::sender::Sender;

/// What the attempts of an invocation say of their endpoints' health, where it changes what is known.
#[derive(Default)]
pub(crate) struct HealthNotes(HashMap<EndpointId, (Arc<Target>, Note)>);

enum Note {
    Succeeded,
    FailingSince(Timestamp),
}

impl HealthNotes {
    /// Takes an attempt into account.
    pub(crate) fn add(&mut self, job: &Job, finished: &Finished) {
        let health = &job.target.endpoint.health;
        if finished.decision.next == Next::Delivered {
            // Kept even where there is nothing to clear: it outweighs a failure in the same invocation.
            self.0.insert(job.target.endpoint.id, (Arc::clone(&job.target), Note::Succeeded));
            return;
        }
        let counts_time =
            matches!(job.organization.record.profile.auto_disable.rule, AutoDisableRule::FailingFor { .. });
        if counts_time && health.failing_since.is_none() {
            let note = || (Arc::clone(&job.target), Note::FailingSince(finished.attempt.at));
            self.0.entry(job.target.endpoint.id).or_insert_with(note);
        }
    }

    /// Writes what has changed. A failure to write is logged only: the next attempt says the same again.
    pub(crate) async fn write(self, sender: &Sender) {
        for (target, note) in self.0.into_values() {
            let (organization, endpoint) = (&target.endpoint.organization_id, target.endpoint.id);
            let written = match note {
                Note::Succeeded if target.endpoint.health.is_clear() => Ok(()),
                Note::Succeeded => sender.table.clear_health(organization, endpoint).await,
                Note::FailingSince(at) => sender.table.note_failing(organization, endpoint, at).await,
            };
            if let Err(error) = written {
                tracing::warn!(%error, %endpoint, "the endpoint's health was not written");
            }
        }
    }
}
