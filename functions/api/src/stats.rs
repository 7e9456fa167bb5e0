//! What came of an endpoint's deliveries, in numbers.
//!
//! Nothing counts along with the deliveries: a counter would be one more write for each of them, on the one item that
//! all of an endpoint's would share. The rows are there, and who asks pays for the reading.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::{Path, Query, State};
use hookbell_domain::ids::EndpointId;
use hookbell_domain::stats::{self, Counts, Percentiles, Statistics};
use hookbell_domain::time::iso_ms;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::{IntoParams, ToSchema};

use crate::endpoints::{NO_ENDPOINT, parse_endpoint};
use crate::error::ApiError;
use crate::lists::Parameters;
use crate::state::{Api, parse_organization};

/// Hours that are counted where the caller does not say.
const DEFAULT_HOURS: usize = 24;

/// Hours that are counted at most: a week.
const MOST_HOURS: usize = 168;

/// Rounds of requests, one after the other: 24,000 rows at most.
const ROUNDS: usize = 3;

/// An endpoint's deliveries in numbers.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Stats)]
pub(crate) struct StatsAnswer {
    /// From when on all are counted.
    #[schema(format = "date-time", example = "2026-05-30T14:00:00.000Z")]
    since: String,
    /// Whether that is all of the hours that were asked for: of very many deliveries only the latest are counted.
    #[schema(example = true)]
    complete: bool,
    /// All of them.
    total: CountsView,
    /// By the hour of a delivery's creation, oldest first.
    hours: Vec<HourView>,
    /// Absent when no attempt has finished.
    #[serde(skip_serializing_if = "Option::is_none")]
    latency: Option<LatencyView>,
}

/// The deliveries that were made in one hour.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = HourStats)]
struct HourView {
    /// When it began.
    #[schema(format = "date-time", example = "2026-05-30T14:00:00.000Z")]
    hour: String,
    #[serde(flatten)]
    counts: CountsView,
}

/// Deliveries, each counted as one thing.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Counts)]
struct CountsView {
    /// The receiver has them.
    #[schema(example = 1_204)]
    success: u64,
    /// They ended without success: their attempts are used up, or the receiver ended them.
    #[schema(example = 3)]
    fail: u64,
    /// They wait for an attempt, the first or the next.
    #[schema(example = 1)]
    pending: u64,
    /// An attempt is under way.
    #[schema(example = 0)]
    sending: u64,
    /// No attempt was made any more: the endpoint was disabled, or the message had expired.
    #[schema(example = 0)]
    skipped: u64,
}

/// How long attempts took.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Latency)]
struct LatencyView {
    /// Half of them took no longer.
    #[schema(example = 112)]
    p50_ms: u64,
    /// 19 of 20 took no longer.
    #[schema(example = 480)]
    p95_ms: u64,
}

/// What may be asked of the numbers, as callers read it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "a number that is out of bounds is clamped")]
struct StatsParameters {
    /// How many hours are counted, the present one included: 1 to 168. What is beyond counts as the nearest of these,
    /// what is no number as 24.
    #[param(example = 24, default = 24)]
    hours: Option<i64>,
}

/// `GET …/{endpoint}/stats?hours`: the present hour and those before it.
#[utoipa::path(
    get,
    path = "/{endpoint}/stats",
    tag = "Deliveries",
    operation_id = "getStats",
    summary = "Get an endpoint's numbers",
    description = "The deliveries of the last hours, counted by what became of them, and how long their attempts took.",
    params(StatsParameters),
    responses((status = 200, description = "The numbers.", body = StatsAnswer)),
    security(("key" = ["member"])),
)]
pub(crate) async fn stats(
    State(api): State<Arc<Api>>,
    Path((organization, endpoint)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Json<StatsAnswer>, ApiError> {
    let (organization, endpoint) = (parse_organization(&organization)?, parse_endpoint(&endpoint)?);
    let hours = Parameters::new(query).clamped("hours", DEFAULT_HOURS, MOST_HOURS);
    let hours = u16::try_from(hours).unwrap_or(u16::MAX);
    let (stored, Counted { numbers, since, complete }) = tokio::try_join!(
        async { Ok(api.table.endpoint(&organization, endpoint).await?) },
        read(&api, endpoint, hours, ROUNDS, Timestamp::now()),
    )?;
    stored.ok_or(NO_ENDPOINT)?;
    let hours = numbers.hours.iter().map(|(hour, counts)| HourView { hour: iso_ms(*hour), counts: counts.into() });
    Ok(Json(StatsAnswer {
        since: iso_ms(since),
        complete,
        total: (&numbers.total).into(),
        hours: hours.collect(),
        latency: numbers.latency.map(LatencyView::from),
    }))
}

/// What was counted of an endpoint's deliveries.
pub(crate) struct Counted {
    /// The numbers.
    pub(crate) numbers: Statistics,
    /// From when on all are counted.
    pub(crate) since: Timestamp,
    /// Whether that is all of the hours that were asked for.
    pub(crate) complete: bool,
}

/// Counts the deliveries of so many hours, the present one included, as far as so many rounds of requests go.
pub(crate) async fn read(
    api: &Api,
    endpoint: EndpointId,
    hours: u16,
    rounds: usize,
    now: Timestamp,
) -> Result<Counted, ApiError> {
    let start = stats::window_start(now, hours);
    let read = api.table.delivery_outlines(endpoint, start, now, rounds).await?;
    let since = read.since.unwrap_or(start);
    Ok(Counted { numbers: stats::count(&read.deliveries, since, now), since, complete: read.since.is_none() })
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
