//! One attempt: sign, send, decide, and one log line.

use std::sync::Arc;
use std::time::Instant;

use hookbell_aws::random;
use hookbell_aws::sealing::SealError;
use hookbell_domain::delivery::{Attempt, Turn};
use hookbell_domain::ids::DeliveryId;
use hookbell_domain::outcome::{Failure, Outcome};
use hookbell_domain::retry::{Decision, Directive, Next, decide, decide_manual};
use hookbell_domain::signature::sign;
use hookbell_egress::{HeaderMap, HeaderName, HeaderValue, Post};
use jiff::Timestamp;

use crate::admission::OutgoingMessage;
use crate::organizations::{Organization, Target};
use crate::sender::Sender;

// Standard Webhooks, "Webhook headers".
const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");
const CONTENT_TYPE: HeaderName = HeaderName::from_static("content-type");

/// A delivery whose next attempt is to be made now.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) organization: Arc<Organization>,
    pub(crate) target: Arc<Target>,
    pub(crate) message: Arc<OutgoingMessage>,
    pub(crate) delivery_id: DeliveryId,
    pub(crate) turn: Turn,
    /// Its place among all attempts of the delivery, from 1.
    pub(crate) number: u32,
    /// Where the attempt before this one went.
    pub(crate) last_url: Option<String>,
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
    #[error("the signing secret cannot be opened: {0}")]
    Secret(String),
    #[error("no random bytes to be had")]
    NoRandomness,
}

/// Makes one attempt. What the endpoint does wrong is in the result; an error is ours.
pub(crate) async fn make(sender: &Sender, job: &Job) -> Result<Finished, NotMade> {
    let secrets = job.target.secrets.as_ref().map_err(|error: &SealError| NotMade::Secret(error.to_string()))?;
    let roll = random::roll().map_err(|_| NotMade::NoRandomness)?;
    let policy = &job.organization.record.profile.retry;
    let (started_at, started) = (Timestamp::now(), Instant::now());
    let outcome = match &job.target.url {
        Err(refused) => Outcome::Failed(Failure::Refused(refused.clone())),
        Ok(url) => {
            let signature = sign(secrets.signing(started_at), job.message.id, started_at, &job.message.body);
            match headers(job, started_at, signature) {
                None => Outcome::Failed(Failure::InvalidRequest),
                Some(headers) => {
                    let body = job.message.body.clone();
                    let post = Post { target: url, headers, body, deadline: policy.attempt_deadline };
                    sender.egress.post(post).await
                }
            }
        }
    };
    let at = Timestamp::now();
    let decision = match job.turn {
        Turn::Scheduled(number) => decide(&outcome, number, policy, sender.config.time_scale, at, roll),
        Turn::Manual(_) => decide_manual(&outcome),
    };
    let mut attempt = Attempt::record(job.number, started_at, started.elapsed(), &outcome, job.turn.trigger());
    let url = &job.target.endpoint.url;
    attempt.url = (job.last_url.as_ref() != Some(url)).then(|| url.clone());
    log(job, &attempt, &decision);
    Ok(Finished { attempt, decision, at })
}

fn headers(job: &Job, at: Timestamp, signature: String) -> Option<HeaderMap> {
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(WEBHOOK_ID, HeaderValue::try_from(job.message.id.to_string()).ok()?);
    headers.insert(WEBHOOK_TIMESTAMP, HeaderValue::from(at.as_second()));
    headers.insert(WEBHOOK_SIGNATURE, HeaderValue::try_from(signature).ok()?);
    Some(headers)
}

fn log(job: &Job, attempt: &Attempt, decision: &Decision) {
    let (decided, next_at) = match decision.next {
        Next::Delivered => ("delivered", None),
        Next::RetryAt(at) => ("retry", Some(at.to_string())),
        Next::Exhausted => ("exhausted", None),
        Next::Ended => ("ended by the receiver", None),
        Next::Unchanged => ("unchanged", None),
    };
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
        duration_ms = u64::try_from(attempt.latency.as_millis()).unwrap_or(u64::MAX),
        decision = decided,
        next_at,
        directive = decision.directive.map(Directive::as_str),
        "delivery.attempted"
    );
}
