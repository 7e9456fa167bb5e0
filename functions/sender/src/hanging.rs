//! Attempts that hang: noticed long before their deadline, for each of them holds up an instance, and waited for no
//! longer than they have to be.

use std::pin::pin;
use std::time::Duration;

use hookbell_aws::AwsError;
use hookbell_domain::health::{HANGS_AFTER, State};
use jiff::Timestamp;
use tokio::time::{sleep, timeout};

use crate::attempt::Job;
use crate::health::note_failures;
use crate::organizations::{Freshness, Target};
use crate::sender::Sender;

/// How long an attempt that hangs waits for others that do, so that they are noted together.
const LINGER: Duration = Duration::from_millis(50);

/// How often an attempt that hangs looks whether its endpoint is open.
const LOOK_AGAIN: Duration = Duration::from_secs(1);

/// Makes an attempt, and counts it as failed as soon as it hangs: who waits for the deadline of each has long been
/// brought to a halt by the first of them.
pub(crate) async fn watch<T>(sender: &Sender, target: &Target, attempt: impl Future<Output = T>) -> T {
    let mut attempt = pin!(attempt);
    if let Ok(done) = timeout(HANGS_AFTER, attempt.as_mut()).await {
        return done;
    }
    let noted = async {
        if let Err(error) = note_hanging(sender, target).await {
            tracing::warn!(%error, endpoint_id = %target.endpoint.id, "the endpoint's health was not written");
        }
    };
    tokio::join!(attempt, noted).0
}

/// Makes the first attempt of an event's delivery, unless it hangs and the endpoint turns out to be open: then there is
/// nothing to wait for, the events behind it wait, and the delivery goes its own way without an attempt used up.
pub(crate) async fn unless_open<T>(sender: &Sender, job: &Job, attempt: impl Future<Output = T>) -> Option<T> {
    tokio::select! {
        biased;
        done = attempt => Some(done),
        () = opened(sender, job) => {
            tracing::info!(
                organization_id = %job.organization.record.id,
                endpoint_id = %job.target.endpoint.id,
                message_id = %job.message.id,
                delivery_id = %job.delivery_id,
                "delivery.cut"
            );
            None
        }
    }
}

/// Comes to an end when an attempt that began with it hangs at an endpoint that is open.
async fn opened(sender: &Sender, job: &Job) {
    let id = &job.organization.record.id;
    sleep(HANGS_AFTER).await;
    loop {
        // What was noted here, or by others.
        sleep(LOOK_AGAIN).await;
        let state = match sender.organization(id, Freshness::Cached).await {
            Ok(Some(organization)) => {
                organization.target(job.target.endpoint.id).map(|target| sender.pulses.of(target).state())
            }
            Ok(None) | Err(_) => None,
        };
        if state == Some(State::Open) {
            return;
        }
    }
}

async fn note_hanging(sender: &Sender, target: &Target) -> Result<(), AwsError> {
    if sender.pulses.of(target).state() == State::Open {
        return Ok(());
    }
    sender.pulses.with(target, |pulse| pulse.hanging += 1);
    sleep(LINGER).await;
    match sender.pulses.with(target, |pulse| std::mem::take(&mut pulse.hanging)) {
        0 => Ok(()),
        count => {
            let since = Timestamp::now().checked_sub(HANGS_AFTER).unwrap_or_else(|_| Timestamp::now());
            note_failures(sender, target, count, since).await
        }
    }
}
