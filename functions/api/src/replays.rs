//! Replaying an endpoint's deliveries of a range of time, in the background.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use hookbell_aws::queues::{ReplayTask, Task};
use hookbell_aws::table::{BeginReplay, StoredEndpoint};
use hookbell_domain::delivery::DeliveryStatus;
use hookbell_domain::ids::{EndpointId, OrganizationId, ReplayId};
use hookbell_domain::replay::{Replay, ReplayState};
use hookbell_domain::time::iso_ms;
use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::endpoints::{NO_ENDPOINT, parse_endpoint};
use crate::error::ApiError;
use crate::fields::Fields;
use crate::openapi::words;
use crate::state::{Api, NO_ORGANIZATION, parse_organization};

/// An answer that holds one replay.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OneReplay)]
pub(crate) struct ReplayAnswer {
    /// The replay.
    replay: ReplayView,
}

/// An answer that holds the replays of an endpoint.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Replays)]
pub(crate) struct ReplaysAnswer {
    /// The one whose range begins latest first.
    replays: Vec<ReplayView>,
}

/// A replay and how far it is.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(as = Replay)]
struct ReplayView {
    /// Its id.
    #[schema(value_type = String, example = "rpl_01KSW6S6G0M2C8X5T9B4Y7N1ZE")]
    replay_id: ReplayId,
    /// The endpoint's id.
    #[schema(value_type = String, example = "whe_01KSWM8KD0X3V8N5B2M7C1D4FG")]
    endpoint_id: EndpointId,
    #[schema(schema_with = words::replay_state)]
    state: &'static str,
    /// Why it stopped.
    #[serde(skip_serializing_if = "Option::is_none")]
    stopped_reason: Option<String>,
    /// Where its range begins.
    #[schema(format = "date-time", example = "2026-05-30T00:00:00.000Z")]
    after: String,
    /// Where its range ends.
    #[schema(format = "date-time", example = "2026-05-30T14:23:00.000Z")]
    before: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(schema_with = words::replayed_status)]
    status: Option<&'static str>,
    /// How many of them were sent once more.
    #[schema(example = 310)]
    redelivered: u64,
    /// Up to which time all deliveries were looked at: how far it is between `after` and `before`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(format = "date-time", example = "2026-05-30T08:12:41.107Z")]
    reached: Option<String>,
    /// When it was asked for; where it goes on without `before`, when that was asked for.
    #[schema(format = "date-time", example = "2026-05-30T14:23:00.000Z")]
    created_at: String,
    /// When it last moved.
    #[schema(format = "date-time", example = "2026-05-30T14:23:09.000Z")]
    updated_at: String,
}

impl From<Replay> for ReplayView {
    fn from(replay: Replay) -> Self {
        Self {
            replay_id: replay.id,
            endpoint_id: replay.endpoint_id,
            state: replay.state.as_str(),
            stopped_reason: replay.stopped,
            after: iso_ms(replay.after),
            before: iso_ms(replay.before),
            status: replay.status.map(DeliveryStatus::as_str),
            redelivered: replay.redelivered,
            reached: replay.reached.map(|id| iso_ms(id.created_at())),
            created_at: iso_ms(replay.began_at),
            updated_at: iso_ms(replay.updated_at),
        }
    }
}

/// What is to be replayed.
#[derive(ToSchema)]
#[expect(dead_code, reason = "read field by field, so that every mistake is told")]
struct NewReplay {
    /// Deliveries made then or later: ISO 8601 with an offset, in the past.
    #[schema(format = "date-time", example = "2026-05-30T00:00:00.000Z")]
    after: String,
    /// Deliveries made before then: ISO 8601 with an offset. Now, if it is absent or later.
    #[schema(format = "date-time", example = "2026-05-30T14:23:00.000Z")]
    before: Option<String>,
    /// Only deliveries that have this status when they have their turn.
    #[schema(schema_with = words::replayed_status)]
    status: Option<String>,
}

/// `POST …/{endpoint}/replay`: begins a replay. Asked for again within a day, it is the same one: one that runs or stands
/// still goes on, one that stopped is started again, one that has finished is shown, or, without `before`, goes on from
/// where it ended.
#[utoipa::path(
    post,
    path = "/{endpoint}/replay",
    tag = "Deliveries",
    operation_id = "beginReplay",
    summary = "Replay a range of time",
    description = "Redelivers every delivery of a range of time, oldest first, in the background. What was itself a \
        redelivery is left out: its message has its turn with the first delivery.\n\n\
        The same range asked for again within a day is the same replay, and doubles nothing: one that runs goes on, \
        one that stopped is started again, one that has finished is shown. Without `before` a replay ends at the time \
        of the asking; asked for again when it has finished, it goes on from there.",
    request_body = NewReplay,
    responses(
        (status = 202, description = "It runs, or has finished.", body = ReplayAnswer),
        (status = 409, description = "`endpoint_disabled`: The endpoint is disabled; enable it to replay"),
    ),
    security(("key" = ["owner"])),
)]
pub(crate) async fn begin(
    State(api): State<Arc<Api>>,
    Path((organization, endpoint)): Path<(String, String)>,
    body: Bytes,
) -> Result<(StatusCode, Json<ReplayAnswer>), ApiError> {
    let (organization, endpoint) = (parse_organization(&organization)?, parse_endpoint(&endpoint)?);
    let now = Timestamp::now();
    let wanted = read(&organization, endpoint, now, &body)?;
    let (record, stored) =
        tokio::try_join!(api.table.organization_record(&organization), api.table.endpoint(&organization, endpoint))?;
    let (record, stored) = (record.ok_or(NO_ORGANIZATION)?, stored.ok_or(NO_ENDPOINT)?);
    if !stored.endpoint.is_enabled() {
        return Err(ApiError::disabled("replay"));
    }
    let mut replay = match api.table.begin_replay(wanted).await? {
        BeginReplay::Begun(replay) | BeginReplay::Known(replay) => replay,
    };
    if replay.state == ReplayState::Stopped {
        // Whether this call resumes it or another one has: as it stands then.
        api.table.resume_replay(&replay, now).await?;
        replay = api.table.replay(endpoint, replay.id).await?.unwrap_or(replay);
    }
    if replay.state == ReplayState::Running {
        // Where it runs already, this one finds its step done and ends.
        let task = ReplayTask {
            organization_id: replay.organization_id.clone(),
            endpoint_id: replay.endpoint_id,
            replay_id: replay.id,
            step: replay.step,
            revision: Some(record.revision),
            redrives: 0,
        };
        let tasks = [(Task::Replay(task), Duration::ZERO)];
        api.queues.send_tasks(&api.config.deliveries_queue, &tasks).await.all()?;
    }
    Ok((StatusCode::ACCEPTED, Json(ReplayAnswer { replay: replay.into() })))
}

/// `GET …/{endpoint}/replay`: the replays of the last days.
#[utoipa::path(
    get,
    path = "/{endpoint}/replay",
    tag = "Deliveries",
    operation_id = "listReplays",
    summary = "List replays",
    description = "The replays of an endpoint, the one whose range begins latest first, those of the last \
        seven days and a hundred at most.",
    responses((status = 200, description = "The replays.", body = ReplaysAnswer)),
    security(("key" = ["member"])),
)]
pub(crate) async fn list(
    State(api): State<Arc<Api>>,
    Path((organization, endpoint)): Path<(String, String)>,
) -> Result<Json<ReplaysAnswer>, ApiError> {
    let (_, replays) = find_all(&api, &organization, &endpoint).await?;
    Ok(Json(ReplaysAnswer { replays: replays.into_iter().map(ReplayView::from).collect() }))
}

/// An endpoint, and its replays: the one whose range begins latest first.
pub(crate) async fn find_all(
    api: &Api,
    organization: &str,
    endpoint: &str,
) -> Result<(StoredEndpoint, Vec<Replay>), ApiError> {
    let (organization, endpoint) = (parse_organization(organization)?, parse_endpoint(endpoint)?);
    let (stored, replays) = tokio::try_join!(api.table.endpoint(&organization, endpoint), api.table.replays(endpoint))?;
    Ok((stored.ok_or(NO_ENDPOINT)?, replays))
}

/// `GET …/{endpoint}/replay/{replay}`.
#[utoipa::path(
    get,
    path = "/{endpoint}/replay/{replay}",
    tag = "Deliveries",
    operation_id = "getReplay",
    summary = "Get a replay",
    description = "One replay, and how far it is.",
    responses((status = 200, description = "The replay.", body = ReplayAnswer)),
    security(("key" = ["member"])),
)]
pub(crate) async fn get(
    State(api): State<Arc<Api>>,
    Path((organization, endpoint, replay)): Path<(String, String, String)>,
) -> Result<Json<ReplayAnswer>, ApiError> {
    const NOT_FOUND: ApiError = ApiError::NotFound("Replay not found");
    let (organization, endpoint) = (parse_organization(&organization)?, parse_endpoint(&endpoint)?);
    let id = replay.parse().map_err(|_| NOT_FOUND)?;
    let (stored, replay) =
        tokio::try_join!(api.table.endpoint(&organization, endpoint), api.table.replay(endpoint, id))?;
    stored.ok_or(NO_ENDPOINT)?;
    let replay = replay.filter(|replay| replay.organization_id == organization).ok_or(NOT_FOUND)?;
    Ok(Json(ReplayAnswer { replay: replay.into() }))
}

/// Reads what is to be replayed.
fn read(organization: &OrganizationId, endpoint: EndpointId, now: Timestamp, body: &[u8]) -> Result<Replay, ApiError> {
    const TIME: &str = "a time as 2026-05-30T14:23:00Z";
    let mut fields = Fields::read(body, false)?;
    let after = fields.required_text::<Timestamp>("after", TIME);
    let asked_before = fields.optional_text::<Timestamp>("before", TIME);
    let status = fields.optional::<String>("status", "a string");
    let known = status.as_deref().and_then(DeliveryStatus::named);
    if status.is_some() && known.is_none() {
        fields.refuse("status", "Must be one of: pending, delivered, failed, exhausted");
    }
    // What is made from now on is not meant.
    let before = asked_before.map_or(now, |before| before.min(now));
    if after.is_some_and(|after| after >= before) {
        fields.refuse("after", "Must be in the past, and earlier than before");
    }
    fields.finish()?;
    let after = after.ok_or(ApiError::Unavailable)?;
    Ok(Replay {
        id: ReplayId::of(endpoint, after, asked_before, known.map(DeliveryStatus::as_str)),
        organization_id: organization.clone(),
        endpoint_id: endpoint,
        after,
        before,
        status: known,
        state: ReplayState::Running,
        stopped: None,
        step: 0,
        reached: None,
        redelivered: 0,
        began_at: now,
        updated_at: now,
    })
}
