//! Endpoints as people see them.

use jiff::Timestamp;
use serde_json::value::RawValue;
use serde_json::{Map, Value};

use crate::client::Seen;
use crate::client::wire::{Endpoint, Health};
use crate::failure::Failure;
use crate::output::{Output, Table, Tone, foreign, painted, status};
use crate::times::{from_now, shown};

/// A table of endpoints.
pub(crate) fn table(output: Output, endpoints: &[Seen<Endpoint>]) -> Result<(), Failure> {
    if endpoints.is_empty() && !output.is_json() {
        crate::output::note("No endpoints.");
    }
    let row = |Seen { it, .. }: &Seen<Endpoint>| {
        [it.endpoint_id.clone(), state(it), it.url.clone(), it.event_types.join(","), remarks(it)]
    };
    let rows: Vec<_> = endpoints.iter().map(row).collect();
    Table::new(output, ["ENDPOINT", "STATUS", "URL", "EVENT TYPES", "REMARKS"]).rows(&rows)
}

/// Whether it is enabled, and if so, how it fares when that is not well.
fn state(endpoint: &Endpoint) -> String {
    match &endpoint.health {
        Some(health) if endpoint.status == "enabled" => status(&health.state),
        _ => status(&endpoint.status),
    }
}

fn remarks(endpoint: &Endpoint) -> String {
    let limit = endpoint.rate_limit.map(|limit| format!("{limit}/s"));
    let remarks = [
        endpoint.ordered.then(|| "ordered".to_owned()),
        endpoint.filter.as_ref().map(|_| "filter".to_owned()),
        limit,
        endpoint.disabled_reason.clone(),
        endpoint.description.clone(),
    ];
    remarks.into_iter().flatten().collect::<Vec<_>>().join(", ")
}

/// What stands for the values of an endpoint's own headers, which may be passwords.
const HIDDEN: &str = "(hidden)";

/// An endpoint for programs, as the API wrote it, without the values of its headers.
pub(crate) fn hiding_headers(endpoint: &Seen<Endpoint>) -> Result<Box<RawValue>, Failure> {
    if endpoint.it.headers.is_none() {
        return Ok(endpoint.raw.clone());
    }
    let unreadable = |error| Failure::failed("The endpoint is unreadable.", error);
    let mut value: Value = serde_json::from_str(endpoint.raw.get()).map_err(unreadable)?;
    for header in value.get_mut("headers").and_then(Value::as_object_mut).into_iter().flat_map(Map::values_mut) {
        *header = HIDDEN.into();
    }
    serde_json::value::to_raw_value(&value).map_err(unreadable)
}

/// One endpoint, with all that is known of it; with the values of its headers only if they were asked for.
pub(super) fn one(output: Output, endpoint: &Seen<Endpoint>, shows_headers: bool) -> Result<(), Failure> {
    if shows_headers {
        output.raw(&endpoint.raw)?;
    } else {
        output.raw(&hiding_headers(endpoint)?)?;
    }
    let it = &endpoint.it;
    let line = |name: &str, value: Option<String>| match value.filter(|value| !value.is_empty()) {
        Some(value) => output.line(&format!("{} {value}", painted(Tone::Faint, &format!("{name:<14}")))),
        None => Ok(()),
    };
    line("endpoint", Some(it.endpoint_id.clone()))?;
    line("uid", it.uid.clone())?;
    line("status", Some(disabled(it)))?;
    line("health", it.health.as_ref().map(|health| fares(health, Timestamp::now())))?;
    line("url", Some(it.url.clone()))?;
    line("description", it.description.clone())?;
    line("event types", Some(it.event_types.join(", ")))?;
    line("filter", it.filter.as_ref().map(|filter| foreign::one_line(filter.get())))?;
    line("ordered", it.ordered.then(|| "yes".to_owned()))?;
    line("rate limit", it.rate_limit.map(|limit| format!("{limit} messages a second")))?;
    let headers = it.headers.iter().flatten();
    let headers = headers.map(|(name, value)| format!("{name}: {}", if shows_headers { value } else { HIDDEN }));
    line("headers", Some(headers.collect::<Vec<_>>().join(", ")))?;
    let signed = [it.v1a.then_some("v1a"), it.svix_headers.then_some("svix- headers")];
    line("besides", Some(signed.into_iter().flatten().collect::<Vec<_>>().join(", ")))?;
    line("public key", it.public_key.clone())?;
    let failures = it.consecutive_failures;
    line("exhausted", (failures > 0).then(|| format!("{failures} deliveries in a row")))?;
    line("created", Some(shown(it.created_at)))?;
    line("updated", Some(shown(it.updated_at)))
}

/// Whether it is enabled; if not, since when and why.
fn disabled(endpoint: &Endpoint) -> String {
    let since = endpoint.disabled_at.map(|at| format!(" since {}", shown(at))).unwrap_or_default();
    let reason = endpoint.disabled_reason.as_ref().map(|reason| format!(": {reason}")).unwrap_or_default();
    format!("{}{since}{reason}", status(&endpoint.status))
}

fn fares(health: &Health, now: Timestamp) -> String {
    let Health { state, failing_since, next_probe_at, failed_attempts } = health;
    let probe = next_probe_at.map(|at| format!(", next probe {}", from_now(at, now))).unwrap_or_default();
    format!("{} since {}, {failed_attempts} failed attempts in a row{probe}", status(state), shown(*failing_since))
}
