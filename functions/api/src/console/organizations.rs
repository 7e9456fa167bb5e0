//! All organizations, for whoever runs the deployment: found, made, entered.

use std::collections::HashMap;
use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Extension, Path, Query, State};
use axum::response::Response;
use hookbell_aws::table::OrganizationRecord;
use hookbell_domain::ids::OrganizationId;
use hookbell_domain::profile;
use jiff::Timestamp;

use super::forms::{Body, Form, Problems};
use super::lists::{Asked, Pager};
use super::pages::{Shell, see, show, show_wrong};
use super::show::Moment;
use super::visit::Visit;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::state::Api;
use crate::{organization_list, organizations};

/// Organizations on one page.
const PAGE: usize = 50;

/// The page.
#[derive(Template)]
#[template(path = "console/organizations.html")]
struct Page {
    shell: Shell,
    asked: Asked,
    rows: Vec<Row>,
    pager: Pager,
    profiles: Vec<ProfileChoice>,
    /// What the form for a new one says.
    id: String,
    problems: Problems,
}

/// One organization.
struct Row {
    address: String,
    id: String,
    profile: &'static str,
    endpoints: u32,
    created: Moment,
}

/// A profile that an organization can have.
struct ProfileChoice {
    name: &'static str,
    description: &'static str,
    chosen: bool,
}

/// `GET /organizations?q&cursor`: by id, those whose ids begin so.
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    let profile = api.config.default_profile.name;
    show(&read(&api, &visit, Asked::read(query), profile).await?)
}

/// `POST /organizations`: initializes one, and leads into it.
pub(super) async fn initialize(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Extension(caller): Extension<Caller>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let form = Form::read(&body);
    let (id, profile) = (form.text("organization"), form.text("profile"));
    match make(&api, caller, id, profile).await {
        Ok(()) => Ok(see(&format!("{}/endpoints", visit.organization(id)))),
        Err(refused) => {
            let problems = Problems::of(refused)?;
            let page = read(&api, &visit, Asked::default(), profile).await?;
            show_wrong(&Page { problems, id: id.to_owned(), ..page })
        }
    }
}

/// Initializes an organization that is not there yet: the call would give another profile to one that is.
async fn make(api: &Arc<Api>, caller: Caller, id: &str, profile: &str) -> Result<(), ApiError> {
    if let Ok(id) = id.parse::<OrganizationId>()
        && api.table.organization_record(&id).await?.is_some()
    {
        let problem = "This organization already exists. Search for it above.".to_owned();
        return Err(ApiError::Validation([("organizationId".to_owned(), vec![problem])].into()));
    }
    let mut call = Body::default();
    call.set_if_there("profile", profile);
    let path = Path(id.to_owned());
    organizations::initialize(State(Arc::clone(api)), Extension(caller), path, call.into_json()).await.map(drop)
}

async fn read(api: &Api, visit: &Visit, asked: Asked, profile: &str) -> Result<Page, ApiError> {
    let now = Timestamp::now();
    // An address's text that can be no id is no place to go on from.
    let behind = asked.get("cursor").parse().ok();
    let page = organization_list::read(api, asked.get("q"), behind.as_ref(), PAGE).await?;
    let address = format!("{}/organizations", visit.place.base);
    let choice = |each: &&'static profile::Profile| ProfileChoice {
        name: each.name,
        description: each.description,
        chosen: each.name == profile,
    };
    let next = page.next.as_ref().map(ToString::to_string);
    Ok(Page {
        shell: Shell::of_all(visit),
        rows: page.organizations.iter().map(|record| Row::new(visit, record, now)).collect(),
        pager: asked.pager(&address, next.as_deref()),
        asked,
        profiles: profile::ALL.iter().map(|each| choice(&each)).collect(),
        id: String::new(),
        problems: Problems::default(),
    })
}

impl Row {
    fn new(visit: &Visit, record: &OrganizationRecord, now: Timestamp) -> Self {
        Self {
            address: format!("{}/endpoints", visit.organization(record.id.as_str())),
            id: record.id.to_string(),
            profile: record.profile.name,
            endpoints: record.endpoint_count,
            created: Moment::new(record.created_at, now),
        }
    }
}
