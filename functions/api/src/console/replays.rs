//! Replays of an endpoint: a range of time, sent once more, and how far that is.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Extension, Path, Query, State};
use axum::http::HeaderMap;
use axum::response::Response;
use hookbell_domain::replay::{Replay, ReplayState};
use hookbell_domain::time::after;
use jiff::Timestamp;
use std::time::Duration;

use super::endpoints::name;
use super::forms::{Body, Form, Problems};
use super::lists::{Asked, Choice, in_utc};
use super::pages::{Section, Shell, is_partial, see, show, show_wrong};
use super::show::{Badge, Moment, field_time};
use super::visit::Visit;
use crate::error::ApiError;
use crate::replays;
use crate::state::Api;

/// What a new replay's range is at first: the last day.
const RANGE: Duration = Duration::from_hours(24);

/// For how long after it last moved a replay is looked at again.
const STILL: Duration = Duration::from_mins(2);

/// The page.
#[derive(Template)]
#[template(path = "console/replay.html")]
struct Page {
    shell: Shell,
    here: String,
    name: String,
    enabled: bool,
    after: String,
    before: String,
    statuses: Vec<Choice>,
    problems: Problems,
    list: List,
}

/// The replays of the last days.
#[derive(Template)]
#[template(path = "console/replays.html")]
struct List {
    here: String,
    rows: Vec<Row>,
    /// Whether to look again.
    goes_on: bool,
}

/// One replay.
struct Row {
    state: Badge,
    stopped: Option<String>,
    from: Moment,
    until: Moment,
    status: Option<&'static str>,
    redelivered: u64,
    /// Of a hundred, how much of its range was looked at.
    percent: i64,
    began: Moment,
}

/// `GET …/replay`: the form and the list, or the list alone for the page that has it already.
pub(super) async fn page(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path((organization, endpoint)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (asked, now) = (Asked::read(query), Timestamp::now());
    let mut page = read(&api, &visit, &organization, &endpoint, now).await?;
    if is_partial(&headers) {
        return show(&page.list);
    }
    if !asked.get("after").is_empty() {
        page.after = asked.field("after");
    }
    page.statuses = asked.statuses();
    show(&page)
}

/// `POST …/replay`: begins one, and leads to where it is seen.
pub(super) async fn begin(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path((organization, endpoint)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let form = Form::read(&body);
    let mut call = Body::default();
    for name in ["after", "before"] {
        call.set_if_there(name, &in_utc(form.text(name)));
    }
    call.set_if_there("status", form.text("status"));
    let path = Path((organization.clone(), endpoint.clone()));
    let Err(refused) = replays::begin(State(Arc::clone(&api)), path, call.into_json()).await else {
        return Ok(see(&format!("{}/replay#replays", visit.endpoint(&organization, &endpoint))));
    };
    let problems = Problems::of(refused)?;
    let page = read(&api, &visit, &organization, &endpoint, Timestamp::now()).await?;
    let asked = Asked::read(HashMap::from([("status".to_owned(), form.text("status").to_owned())]));
    show_wrong(&Page {
        after: form.text("after").to_owned(),
        before: form.text("before").to_owned(),
        statuses: asked.statuses(),
        problems,
        ..page
    })
}

async fn read(api: &Api, visit: &Visit, organization: &str, endpoint: &str, now: Timestamp) -> Result<Page, ApiError> {
    let (stored, mut replays) = replays::find_all(api, organization, endpoint).await?;
    replays.sort_by_key(|replay| std::cmp::Reverse(replay.began_at));
    let here = visit.endpoint(organization, endpoint);
    let moves = |replay: &Replay| replay.state == ReplayState::Running && now < after(replay.updated_at, STILL);
    let day_ago = Timestamp::from_second(now.as_second() - RANGE.as_secs().cast_signed()).unwrap_or(now);
    Ok(Page {
        shell: Shell::of(visit, organization, Section::Endpoints),
        name: name(&stored.endpoint).to_owned(),
        enabled: stored.endpoint.is_enabled(),
        after: field_time(day_ago),
        before: String::new(),
        statuses: Asked::default().statuses(),
        problems: Problems::default(),
        list: List {
            here: here.clone(),
            goes_on: replays.iter().any(moves),
            rows: replays.into_iter().map(|replay| Row::new(replay, now)).collect(),
        },
        here,
    })
}

impl Row {
    fn new(replay: Replay, now: Timestamp) -> Self {
        let tone = match replay.state {
            ReplayState::Running => Badge { tone: "warn", word: "Running" },
            ReplayState::Finished => Badge { tone: "good", word: "Finished" },
            ReplayState::Stopped => Badge { tone: "bad", word: "Stopped" },
        };
        Self {
            percent: percent(&replay),
            state: tone,
            stopped: replay.stopped,
            from: Moment::new(replay.after, now),
            until: Moment::new(replay.before, now),
            status: replay.status.map(|status| Badge::of_status(status).word),
            redelivered: replay.redelivered,
            began: Moment::new(replay.began_at, now),
        }
    }
}

/// Of a hundred, how much of its range a replay has looked at.
fn percent(replay: &Replay) -> i64 {
    if replay.state == ReplayState::Finished {
        return 100;
    }
    let whole = replay.before.as_millisecond() - replay.after.as_millisecond();
    let reached = replay.reached.map_or(0, |id| id.created_at().as_millisecond() - replay.after.as_millisecond());
    (reached.max(0) * 100 / whole.max(1)).min(99)
}
