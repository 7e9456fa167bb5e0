//! What came of an endpoint's deliveries, in numbers.
//!
//! Nothing counts along with the deliveries: a counter would be one more write for each of them, on the one item that
//! all of an endpoint's would share. The rows are there, and who asks pays for the reading.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use hookbell_domain::stats::{self, Counts, Percentiles};
use hookbell_domain::time::iso_ms;
use jiff::Timestamp;
use serde::Serialize;

use crate::endpoints::parse_endpoint;
use crate::error::ApiError;
use crate::lists::Parameters;
use crate::state::{Api, parse_organization};

/// Hours that are counted where the caller does not say.
const DEFAULT_HOURS: usize = 24;

/// Hours that are counted at most: a week.
const MOST_HOURS: usize = 168;

/// An endpoint's deliveries in numbers.
#[derive(Debug, Serialize)]
pub(crate) struct StatsAnswer {
    /// From when on all are counted.
    since: String,
    /// Whether that is all of the hours that were asked for.
    complete: bool,
    total: CountsView,
    /// By the hour of a delivery's creation, oldest first.
    hours: Vec<HourView>,
    /// Absent when no attempt has finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<LatencyView>,
}

#[derive(Debug, Serialize)]
struct HourView {
    hour: String,
    #[serde(flatten)]
    counts: CountsView,
}

#[derive(Debug, Serialize)]
struct CountsView {
    success: u64,
    fail: u64,
    pending: u64,
    sending: u64,
    skipped: u64,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct LatencyView {
    p50_ms: u64,
    p95_ms: u64,
}

/// `GET …/{endpoint}/stats?hours`: the present hour and those before it.
pub(crate) async fn stats(
    State(api): State<Arc<Api>>,
    Path((organization, endpoint)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<StatsAnswer>, ApiError> {
    let (organization, endpoint) = (parse_organization(&organization)?, parse_endpoint(&endpoint)?);
    let hours = Parameters::new(query).clamped("hours", DEFAULT_HOURS, MOST_HOURS);
    let now = Timestamp::now();
    let start = stats::window_start(now, u16::try_from(hours).unwrap_or(u16::MAX));
    let (stored, read) = tokio::try_join!(
        api.table.endpoint(&organization, endpoint),
        api.table.delivery_outlines(endpoint, start, now),
    )?;
    stored.ok_or(ApiError::NotFound("Endpoint not found"))?;
    let since = read.since.unwrap_or(start);
    let counted = stats::count(&read.deliveries, since, now);
    let hours = counted.hours.iter().map(|(hour, counts)| HourView { hour: iso_ms(*hour), counts: counts.into() });
    Ok(Json(StatsAnswer {
        since: iso_ms(since),
        complete: read.since.is_none(),
        total: (&counted.total).into(),
        hours: hours.collect(),
        latency: counted.latency.map(LatencyView::from),
    }))
}

impl From<&Counts> for CountsView {
    fn from(counts: &Counts) -> Self {
        let Counts { success, fail, pending, sending, skipped } = *counts;
        Self { success, fail, pending, sending, skipped }
    }
}

impl From<Percentiles> for LatencyView {
    fn from(Percentiles { p50, p95 }: Percentiles) -> Self {
        let ms = |latency: Duration| u64::try_from(latency.as_millis()).unwrap_or(u64::MAX);
        Self { p50_ms: ms(p50), p95_ms: ms(p95) }
    }
}
