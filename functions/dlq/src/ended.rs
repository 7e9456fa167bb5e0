//! Deliveries that ended without success: counted, and their endpoint disabled where the rule or the receiver says so.

use hookbell_aws::AwsError;
use hookbell_aws::metrics::Metric;
use hookbell_aws::queues::{Ended, EndedBecause};
use hookbell_aws::table::{DisableCause, Seen};
use hookbell_domain::endpoint::{Disabled, Endpoint};
use hookbell_domain::ids::{EndpointId, EventId, ParseIdError};
use hookbell_domain::profile::Profile;
use hookbell_domain::retry::Directive;
use jiff::Timestamp;
use serde::Serialize;

use crate::handler::Dlq;

/// The payload of the event that tells of an endpoint's disabling.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct EndpointDisabled<'a> {
    endpoint_id: EndpointId,
    url: &'a str,
    reason: &'a str,
}

/// Draws the conclusions from a delivery's end. Each of them is drawn once, however often the record comes.
pub(crate) async fn conclude(dlq: &Dlq, ended: &Ended) -> Result<(), AwsError> {
    let Some(organization) = dlq.table.organization_record(&ended.organization_id).await? else { return Ok(()) };
    let profile = organization.profile;
    if ended.ended_because == EndedBecause::Exhausted {
        let at = ended.ended_at();
        dlq.table.count_exhausted(&ended.organization_id, ended.endpoint_id, ended.delivery_id, at).await?;
    }
    let stored = dlq.table.endpoint(&ended.organization_id, ended.endpoint_id).await?;
    let Some(stored) = stored else { return Ok(()) };
    let by_this_delivery = stored.disabled_by.as_deref() == Some(ended.delivery_id.to_string().as_str());
    let mut endpoint = stored.endpoint;
    if endpoint.is_enabled() {
        let Some(cause) = cause(dlq, &endpoint, profile, ended) else { return Ok(()) };
        if !dlq.table.disable_endpoint(&ended.organization_id, ended.endpoint_id, &cause).await? {
            return Ok(());
        }
        endpoint.disabled = Some(Disabled { reason: Some(cause.reason.to_owned()), at: cause.at });
    } else if !by_this_delivery {
        return Ok(());
    }
    // An earlier try may have disabled the endpoint and died before this.
    announce(dlq, &endpoint, profile).await
}

/// Why the endpoint is to be disabled, if it is.
fn cause<'a>(dlq: &Dlq, endpoint: &Endpoint, profile: &'a Profile, ended: &Ended) -> Option<DisableCause<'a>> {
    let at = ended.ended_at();
    let asked = |directive: Directive| {
        // What its owner has changed since the attempt (enabled it again, given it another URL), that answer is not about.
        let reason = directive.disables().filter(|_| ended.is_about(endpoint.updated_at))?;
        Some(DisableCause { reason, at, by: ended.delivery_id, seen: Seen::AsOf(endpoint.updated_at) })
    };
    match ended.ended_because {
        EndedBecause::Gone => asked(Directive::Gone),
        EndedBecause::Disable => asked(Directive::Disable),
        EndedBecause::Exhausted => {
            let rule = &profile.auto_disable;
            rule.applies(&endpoint.health, dlq.config.time_scale, at).then_some(DisableCause {
                reason: rule.reason,
                at,
                by: ended.delivery_id,
                seen: Seen::Health(endpoint.health),
            })
        }
    }
}

/// Tells the owners, and the organization's other endpoints. Telling twice is harmless: the event's id is the same.
async fn announce(dlq: &Dlq, endpoint: &Endpoint, profile: &Profile) -> Result<(), AwsError> {
    let (reason, at) = match &endpoint.disabled {
        Some(Disabled { reason, at }) => (reason.as_deref().unwrap_or_default(), *at),
        None => return Ok(()),
    };
    tracing::warn!(organization_id = %endpoint.organization_id, endpoint_id = %endpoint.id, reason, "endpoint.disabled");
    dlq.metrics.count(Metric::EndpointsDisabled, 1);
    dlq.owners.endpoint_disabled(endpoint).await?;
    let Some(events) = profile.system_events else { return Ok(()) };
    let id = event_id(endpoint.id, at).map_err(|error| AwsError::unreadable("making an event id", error))?;
    let data = EndpointDisabled { endpoint_id: endpoint.id, url: &endpoint.url, reason };
    dlq.queues.produce(&dlq.config.events_queue, &endpoint.organization_id, events.endpoint_disabled, &id, &data).await
}

/// The same for the same disabling, however often it is announced.
fn event_id(endpoint: EndpointId, disabled_at: Timestamp) -> Result<EventId, ParseIdError> {
    format!("{endpoint}-disabled-{}", disabled_at.as_millisecond()).parse()
}
