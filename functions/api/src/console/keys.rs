//! An organization's keys, and links into its console.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Extension, Path, Query, State};
use axum::response::Response;
use hookbell_aws::table::ApiKey;
use jiff::Timestamp;

use super::forms::{Body, Form, Problems};
use super::pages::{Notice, Section, Shell, see, show, show_wrong};
use super::show::Moment;
use super::visit::Visit;
use crate::api_keys::{self, NO_KEY};
use crate::error::ApiError;
use crate::portal;
use crate::state::{Api, NO_ORGANIZATION, parse_organization};

/// The page. It may show a key or a link, so it cannot be printed.
#[derive(Template)]
#[template(path = "console/keys.html")]
struct Page {
    shell: Shell,
    notice: Option<Notice>,
    rows: Vec<Row>,
    /// A new key: shown now and never again.
    new_key: Option<String>,
    /// A new link, likewise.
    new_link: Option<String>,
    name: String,
    role: String,
    problems: Problems,
}

/// One key.
struct Row {
    id: String,
    name: String,
    role: &'static str,
    created: Moment,
    used: Option<Moment>,
}

/// Whether to revoke a key.
#[derive(Template)]
#[template(path = "console/revoke_key.html")]
struct Revoke {
    shell: Shell,
    key: Row,
}

/// `GET …/keys`.
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path(organization): Path<String>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    let page = read(&api, &visit, &organization).await?;
    show(&Page { notice: query.get("notice").and_then(|name| Notice::named(name)), ..page })
}

/// `POST …/keys`: a new key, on the one page that shows it.
pub(super) async fn create(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path(organization): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let form = Form::read(&body);
    let mut call = Body::default();
    call.set("role", form.text("role"));
    call.set("name", form.text("name"));
    // Whatever can fail comes first: a key that is made has to be shown.
    let mut page = read(&api, &visit, &organization).await?;
    match api_keys::make(&api, &organization, &call.into_json()).await {
        Ok((key, text)) => {
            page.rows.insert(0, Row::new(key, Timestamp::now()));
            show(&Page { new_key: Some(text), ..page })
        }
        Err(refused) => {
            let problems = Problems::of(refused)?;
            let (name, role) = (form.text("name").to_owned(), form.text("role").to_owned());
            show_wrong(&Page { name, role, problems, ..page })
        }
    }
}

/// `POST …/keys/link`: a link for a colleague, on the one page that shows it.
pub(super) async fn link(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path(organization): Path<String>,
) -> Result<Response, ApiError> {
    let access = portal::grant(&api, &organization, &visit.place.location).await?;
    show(&Page { new_link: Some(access.url), ..read(&api, &visit, &organization).await? })
}

/// `GET …/keys/{key}/delete`.
pub(super) async fn confirm(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path((organization, key)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let Page { shell, rows, .. } = read(&api, &visit, &organization).await?;
    let key = rows.into_iter().find(|row| row.id == key).ok_or(NO_KEY)?;
    show(&Revoke { shell, key })
}

/// `POST …/keys/{key}/delete`.
pub(super) async fn delete(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path((organization, key)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let address = format!("{}/keys?notice=revoked", visit.organization(&organization));
    api_keys::delete(State(api), Path((organization, key))).await?;
    Ok(see(&address))
}

async fn read(api: &Api, visit: &Visit, organization: &str) -> Result<Page, ApiError> {
    let (id, now) = (parse_organization(organization)?, Timestamp::now());
    let (record, keys) = tokio::try_join!(api.table.organization_record(&id), api.table.api_keys(&id))?;
    record.ok_or(NO_ORGANIZATION)?;
    Ok(Page {
        shell: Shell::of(visit, organization, Section::Keys),
        notice: None,
        rows: keys.into_iter().rev().map(|key| Row::new(key, now)).collect(),
        new_key: None,
        new_link: None,
        name: String::new(),
        role: String::new(),
        problems: Problems::default(),
    })
}

impl Row {
    fn new(key: ApiKey, now: Timestamp) -> Self {
        Self {
            id: key.id.to_string(),
            role: key.role.as_str(),
            created: Moment::new(key.id.created_at(), now),
            used: key.last_used_at.map(|at| Moment::new(at, now)),
            name: key.name.unwrap_or_default(),
        }
    }
}
