//! How endpoints fare: written beside the attempts that show it, and nothing while all is well.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use futures_util::future::join_all;
use hookbell_aws::AwsError;
use hookbell_aws::table::{Failures, Probe};
use hookbell_domain::endpoint::Health;
use hookbell_domain::health::{HANGS_AFTER, State};
use hookbell_domain::ids::EndpointId;
use hookbell_domain::profile::AutoDisableRule;
use hookbell_domain::retry::{Directive, Next};
use hookbell_domain::time::after;
use jiff::Timestamp;

use crate::attempt::{Finished, Job};
use crate::organizations::{LIFETIME, Target};
use crate::sender::{Budget, Sender};

/// How many endpoints are known before all are forgotten.
const CAPACITY: usize = 1_000;

/// What this instance has learned of endpoints when it noted something: newer, for a while, than the cache's pictures.
#[derive(Debug, Default)]
pub(crate) struct Pulses(Mutex<HashMap<EndpointId, Pulse>>);

/// What was learned of one endpoint.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pulse {
    health: Health,
    at: Timestamp,
    /// Whether this instance makes its probe.
    probes: bool,
    /// Attempts that hang and are still to be noted.
    pub(crate) hanging: u32,
}

impl Pulses {
    /// The endpoint's health, as far as it is known here.
    pub(crate) fn of(&self, target: &Target) -> Health {
        self.with(target, |pulse| pulse.health)
    }

    /// Looks at what is known of an endpoint, and changes it.
    pub(crate) fn with<T>(&self, target: &Target, look: impl FnOnce(&mut Pulse) -> T) -> T {
        let seen = Pulse { health: target.endpoint.health, at: target.read_at, probes: false, hanging: 0 };
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(pulse) = known.get_mut(&target.endpoint.id) else {
            let mut pulse = seen;
            let looked = look(&mut pulse);
            if known.len() >= CAPACITY {
                known.clear();
            }
            known.insert(target.endpoint.id, pulse);
            return looked;
        };
        if pulse.at < seen.at {
            (pulse.health, pulse.at) = (seen.health, seen.at);
        }
        look(pulse)
    }

    fn learn(&self, target: &Target, health: Health) {
        self.with(target, |pulse| (pulse.health, pulse.at, pulse.probes) = (health, Timestamp::now(), false));
    }
}

/// What attempts have shown of one endpoint.
struct Shown<'a> {
    target: &'a Target,
    /// Whether the profile's rule counts the time of failing, whatever the failures were.
    counts_time: bool,
    /// What a success has left of its health, if there was one.
    works: Option<Health>,
    /// Whether it may be that something was noted against it that is not seen here.
    may_be_noted: bool,
    failures: u32,
    since: Timestamp,
}

/// Writes what attempts have shown of their endpoints, each endpoint once. Called before their follow-ups go out, so
/// that a retry's success finds what there is to clear.
///
/// A failure to write is logged only: the next attempt says the same again.
pub(crate) async fn write<'a>(sender: &Sender, made: impl Iterator<Item = (&'a Job, &'a Finished)>) {
    let mut shown: HashMap<EndpointId, Shown<'a>> = HashMap::new();
    for (job, finished) in made {
        let rule = &job.organization.record.profile.auto_disable.rule;
        let shown = shown.entry(job.target.endpoint.id).or_insert_with(|| Shown {
            target: &job.target,
            counts_time: matches!(rule, AutoDisableRule::FailingFor { .. }),
            works: None,
            may_be_noted: false,
            failures: 0,
            since: finished.attempt.at,
        });
        let hung = finished.attempt.latency >= HANGS_AFTER;
        shown.since = shown.since.min(finished.attempt.at);
        if finished.decision.next == Next::Delivered {
            // One that was quick outweighs those that were not.
            let left = if hung && shown.works != Some(Health::default()) { Health::SLOW } else { Health::default() };
            shown.works = Some(left);
            // A retry follows a failure, which the picture of its endpoint may be too old to show as noted.
            shown.may_be_noted |= hung || (shown.counts_time && job.number > 1);
        } else if finished.decision.directive != Some(Directive::AbortMessage) {
            // One that hung was counted while it did, unless it was a probe.
            shown.failures += u32::from(!hung || sender.pulses.with(&job.target, |pulse| pulse.probes));
        }
    }
    join_all(shown.into_values().map(|shown| async move {
        let endpoint = &shown.target.endpoint;
        if let Err(error) = note(sender, &shown).await {
            tracing::warn!(%error, endpoint_id = %endpoint.id, "the endpoint's health was not written");
        }
    }))
    .await;
}

/// Notes what was shown of one endpoint, if there is anything to be noted.
async fn note(sender: &Sender, shown: &Shown<'_>) -> Result<(), AwsError> {
    let (target, endpoint) = (shown.target, &shown.target.endpoint);
    let (known, fresh, probes) = sender.pulses.with(target, |pulse| {
        let fresh = Timestamp::now() < after(pulse.at, sender.config.time_scale.apply(LIFETIME));
        (pulse.health, fresh, pulse.probes)
    });
    if let Some(left) = shown.works {
        // It outweighs a failure beside it.
        if shown.may_be_noted || !(known.is_clear() || known == left) {
            sender.table.clear_health(&endpoint.organization_id, endpoint.id, left).await?;
            sender.pulses.learn(target, left);
        }
        return Ok(());
    }
    let is_known = known.state() == State::Open && fresh && !probes;
    let starts_time = shown.counts_time && known.failing_since.is_none();
    if (shown.failures == 0 || is_known) && !starts_time {
        return Ok(());
    }
    note_failures(sender, target, shown.failures, shown.since).await
}

/// Adds failed attempts to the endpoint's, the first of which began at `since`.
pub(crate) async fn note_failures(
    sender: &Sender,
    target: &Target,
    count: u32,
    since: Timestamp,
) -> Result<(), AwsError> {
    let endpoint = &target.endpoint;
    let known = sender.pulses.of(target);
    let probe_at = known.next_probe(count, sender.config.time_scale, Timestamp::now());
    let failures = Failures { count, since, probe_at };
    let health = sender.table.note_failures(&endpoint.organization_id, endpoint.id, failures).await?;
    if let Some(health) = health {
        sender.pulses.learn(target, health);
        if health.state() != known.state() {
            tracing::warn!(
                organization_id = %endpoint.organization_id,
                endpoint_id = %endpoint.id,
                failed_attempts = health.failed_attempts,
                state = ?health.state(),
                "endpoint.health"
            );
        }
    }
    Ok(())
}

/// Takes the probe of an open endpoint for an attempt of that deadline; `false` where another has it, or its time has
/// not come.
pub(crate) async fn take_probe(sender: &Sender, target: &Target, deadline: Duration) -> Result<bool, AwsError> {
    let (now, until, endpoint) = (Timestamp::now(), Budget::claim(deadline), &target.endpoint);
    // Of the attempts of a batch one asks.
    let asks = sender.pulses.with(target, |pulse| {
        let asks = pulse.health.may_probe(now);
        if asks {
            pulse.health.probe_at = Some(until);
        }
        asks
    });
    if !asks {
        return Ok(false);
    }
    let probe = sender.table.claim_probe(&endpoint.organization_id, endpoint.id, now, until).await?;
    match probe {
        Probe::Taken => sender.pulses.with(target, |pulse| pulse.probes = true),
        Probe::NotNow(health) => sender.pulses.learn(target, health),
        Probe::NoEndpoint => {}
    }
    Ok(probe == Probe::Taken)
}
