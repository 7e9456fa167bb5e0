//! One attempt: sign, send, decide, and one log line.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hookbell_aws::metrics::Metric;
use hookbell_aws::random;
use hookbell_aws::sealing::SealError;
use hookbell_domain::delivery::{Attempt, Turn};
use hookbell_domain::endpoint::EndpointSecrets;
use hookbell_domain::ids::DeliveryId;
use hookbell_domain::outcome::{Failure, Outcome};
use hookbell_domain::profile::RetryPolicy;
use hookbell_domain::retry::{Decision, Directive, Next, decide, decide_manual};
use hookbell_domain::signature::sign;
use hookbell_domain::time::until;
use hookbell_egress::{HeaderMap, HeaderName, HeaderValue, Post};
use jiff::Timestamp;

use crate::admission::OutgoingMessage;
use crate::hanging;
use crate::organizations::{Organization, Target};
use crate::sender::Sender;

// Standard Webhooks, "Webhook headers".
const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
// The same, by the names that receivers with Svix's libraries look for.
const SVIX_ID: HeaderName = HeaderName::from_static("svix-id");
const SVIX_TIMESTAMP: HeaderName = HeaderName::from_static("svix-timestamp");
const SVIX_SIGNATURE: HeaderName = HeaderName::from_static("svix-signature");
const CONTENT_TYPE: HeaderName = HeaderName::from_static("content-type");

/// By how much an attempt is late that its line says so: less is SQS's second, and its batch.
const WORTH_TELLING: Duration = Duration::from_secs(5);

/// A delivery whose next attempt is to be made now.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) organization: Arc<Organization>,
    pub(crate) target: Arc<Target>,
    pub(crate) message: Arc<OutgoingMessage>,
    pub(crate) delivery_id: DeliveryId,
    pub(crate) turn: Turn,
    /// When it is tried again if it fails.
    pub(crate) policy: RetryPolicy,
    /// Its place among all attempts of the delivery, from 1.
    pub(crate) number: u32,
    /// Where the attempt before this one went.
    pub(crate) last_url: Option<String>,
    /// When it was first due, if it has waited for that.
    pub(crate) due_at: Option<Timestamp>,
}

/// An attempt that was made.
#[derive(Debug)]
pub(crate) struct Finished {
    pub(crate) attempt: Attempt,
    pub(crate) decision: Decision,
    pub(crate) at: Timestamp,
}

/// An attempt that could not be made, through no fault of the endpoint.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotMade {
    #[error("the endpoint's secrets cannot be opened: {0}")]
    Secret(String),
    #[error("no random bytes to be had")]
    NoRandomness,
}

/// Makes one attempt. What the endpoint does wrong is in the result; an error is ours.
pub(crate) async fn make(sender: &Sender, job: &Job) -> Result<Finished, NotMade> {
    let secrets = job.target.secrets.as_ref().map_err(|error: &SealError| NotMade::Secret(error.to_string()))?;
    let roll = random::roll().map_err(|_| NotMade::NoRandomness)?;
    let policy = &job.policy;
    let (started_at, started) = (Timestamp::now(), Instant::now());
    let outcome = match &job.target.url {
        Err(refused) => Outcome::Failed(Failure::Refused(refused.clone())),
        Ok(url) => match headers(job, secrets, started_at) {
            None => Outcome::Failed(Failure::InvalidRequest),
            Some(headers) => {
                let body = job.message.body.clone();
                let post = Post { target: url, headers, body, deadline: policy.attempt_deadline };
                hanging::watch(sender, &job.target, sender.egress.post(post)).await
            }
        },
    };
    let at = Timestamp::now();
    let decision = match job.turn {
        Turn::Scheduled(number) => decide(&outcome, number, policy, sender.config.time_scale, at, roll),
        Turn::Manual(_) => decide_manual(&outcome),
    };
    let mut attempt = Attempt::record(job.number, started_at, started.elapsed(), &outcome, job.turn.trigger());
    let url = &job.target.endpoint.url;
    attempt.url = (job.last_url.as_ref() != Some(url)).then(|| url.clone());
    count(sender, &attempt, &decision);
    log(job, &attempt, &decision);
    Ok(Finished { attempt, decision, at })
}

/// The owner's headers, and over them ours, which none of the owner's can replace.
fn headers(job: &Job, secrets: &EndpointSecrets, at: Timestamp) -> Option<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(32);
    for (name, value) in secrets.headers.iter() {
        let mut value = HeaderValue::try_from(value).ok()?;
        // Not for an index that HTTP/2 keeps, nor for anybody's debug output.
        value.set_sensitive(true);
        headers.insert(HeaderName::try_from(name).ok()?, value);
    }
    let (id, pair) = (job.message.id, secrets.key_pair.as_ref());
    let signature = HeaderValue::try_from(sign(secrets.signing(at), pair, id, at, &job.message.body)).ok()?;
    let (id, at) = (HeaderValue::try_from(id.to_string()).ok()?, HeaderValue::from(at.as_second()));
    if job.target.endpoint.options.svix_headers {
        headers.insert(SVIX_ID, id.clone());
        headers.insert(SVIX_TIMESTAMP, at.clone());
        headers.insert(SVIX_SIGNATURE, signature.clone());
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(WEBHOOK_ID, id);
    headers.insert(WEBHOOK_TIMESTAMP, at);
    headers.insert(WEBHOOK_SIGNATURE, signature);
    Some(headers)
}

fn count(sender: &Sender, attempt: &Attempt, decision: &Decision) {
    let outcome = match decision.next {
        Next::Delivered => Metric::DeliveriesDelivered,
        Next::RetryAt(_) | Next::Unchanged => Metric::AttemptsFailed,
        Next::Exhausted | Next::Ended => Metric::DeliveriesExhausted,
    };
    sender.metrics.count(outcome, 1);
    sender.metrics.measure(Metric::AttemptLatency, attempt.latency);
}

fn log(job: &Job, attempt: &Attempt, decision: &Decision) {
    let (decided, next_at) = match decision.next {
        Next::Delivered => ("delivered", None),
        Next::RetryAt(at) => ("retry", Some(at.to_string())),
        Next::Exhausted => ("exhausted", None),
        Next::Ended => ("ended by the receiver", None),
        Next::Unchanged => ("unchanged", None),
    };
    let late = job.due_at.map(|due_at| until(due_at, attempt.at)).filter(|late| *late >= WORTH_TELLING);
    tracing::info!(
        organization_id = %job.organization.record.id,
        endpoint_id = %job.target.endpoint.id,
        message_id = %job.message.id,
        delivery_id = %job.delivery_id,
        event_type = job.message.event_type,
        attempt = attempt.number,
        trigger = attempt.trigger.as_str(),
        status = attempt.http_status,
        error = attempt.error,
        duration_ms = milliseconds(attempt.latency),
        late_ms = late.map(milliseconds),
        decision = decided,
        next_at,
        directive = decision.directive.map(Directive::as_str),
        "delivery.attempted"
    );
}

fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
