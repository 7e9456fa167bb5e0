//! The form of an endpoint: to make one, and to change one.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use hookbell_aws::table::StoredEndpoint;
use hookbell_domain::profile::Profile;

use super::endpoint_values::Values;
use super::event_types::Catalogue;
use super::forms::{Form, Problems};
use super::pages::{Section, Shell, see, show, show_wrong};
use super::visit::Visit;
use crate::auth::Caller;
use crate::endpoints::{self, find, make};
use crate::error::ApiError;
use crate::state::Api;

/// The fields that show what is wrong with them, and their labels.
const LABELS: [(&str, &str); 6] = [
    ("description", "Name"),
    ("url", "Endpoint URL"),
    ("eventTypes", "Events"),
    ("headers", "Custom headers"),
    ("rateLimit", "Rate limit"),
    ("filter", "Filter"),
];

/// The page.
#[derive(Template)]
#[template(path = "console/endpoint_form.html")]
struct Page {
    shell: Shell,
    /// The endpoint's path; none of a new one.
    here: Option<String>,
    values: Values,
    /// Of which state of the endpoint this is a change.
    version: String,
    catalogue: Catalogue,
    problems: Problems,
}

/// `GET …/endpoints/new`.
pub(super) async fn new(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path(organization): Path<String>,
) -> Result<Response, ApiError> {
    let profile = api.organization_record(&organization).await?.profile;
    show(&Page::of_new(&visit, &organization, profile, Values::default(), Problems::default()))
}

/// `POST …/endpoints`: makes it and leads to its page, or shows the form again with what is wrong.
pub(super) async fn create(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path(organization): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let values = Values::of_form(&Form::read(&body));
    match make(&api, &organization, &values.to_new().into_json()).await {
        Ok((endpoint, _)) => {
            Ok(see(&format!("{}?notice=created", visit.endpoint(&organization, &endpoint.id.to_string()))))
        }
        Err(refused) => {
            let problems = Problems::of(refused)?;
            let profile = api.organization_record(&organization).await?.profile;
            show_wrong(&Page::of_new(&visit, &organization, profile, values, problems))
        }
    }
}

/// `GET …/endpoints/{endpoint}/edit`.
pub(super) async fn edit(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path((organization, endpoint)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let (record, stored) =
        tokio::try_join!(api.organization_record(&organization), find(&api, &organization, &endpoint))?;
    let (values, version) = (Values::of_endpoint(&api, &stored)?, version(&stored));
    show(&Page::of_change(&visit, (record.profile, &stored), version, values, Problems::default()))
}

/// `POST …/endpoints/{endpoint}/edit`: changes it and leads to its page, or shows the form again with what is wrong.
pub(super) async fn update(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Extension(caller): Extension<Caller>,
    Path((organization, endpoint)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let form = Form::read(&body);
    let values = Values::of_form(&form);
    let stored = find(&api, &organization, &endpoint).await?;
    let changed = if version(&stored) == form.text("version") {
        let call = values.to_change(&Values::of_endpoint(&api, &stored)?).into_json();
        let path = Path((organization.clone(), endpoint.clone()));
        endpoints::update(State(Arc::clone(&api)), Extension(caller), path, call).await
    } else {
        let message =
            "This endpoint has changed since you opened the form. Save again to replace that, or cancel to see it.";
        Err(ApiError::Conflict("changed_meanwhile", message.to_owned()))
    };
    match changed {
        Ok(_) => Ok(see(&format!("{}?notice=saved", visit.endpoint(&organization, &endpoint)))),
        Err(refused) => {
            let problems = Problems::of(refused)?;
            let profile = api.organization_record(&organization).await?.profile;
            show_wrong(&Page::of_change(&visit, (profile, &stored), version(&stored), values, problems))
        }
    }
}

/// A text that is another one after every change.
fn version(stored: &StoredEndpoint) -> String {
    stored.endpoint.updated_at.as_millisecond().to_string()
}

impl Page {
    fn of_new(
        visit: &Visit,
        organization: &str,
        profile: &'static Profile,
        values: Values,
        problems: Problems,
    ) -> Self {
        let shell = Shell::of(visit, organization, Section::Endpoints);
        let catalogue = Catalogue::new(profile, &values.event_types, &[]);
        Self { shell, here: None, values, version: String::new(), catalogue, problems }
    }

    fn of_change(
        visit: &Visit,
        (profile, stored): (&'static Profile, &StoredEndpoint),
        version: String,
        values: Values,
        problems: Problems,
    ) -> Self {
        let endpoint = &stored.endpoint;
        let organization = endpoint.organization_id.as_str();
        let here = Some(visit.endpoint(organization, &endpoint.id.to_string()));
        let shell = Shell::of(visit, organization, Section::Endpoints);
        let catalogue = Catalogue::new(profile, &values.event_types, &endpoint.event_types);
        Self { shell, here, values, version, catalogue, problems }
    }

    /// What is wrong with no field that says so itself.
    fn other_problems(&self) -> Vec<String> {
        self.problems.summary(&LABELS.map(|(name, _)| name))
    }

    /// Whether an option is set, so that it is not to be hidden.
    fn has_options(&self) -> bool {
        let values = &self.values;
        let texts = [&values.headers, &values.rate_limit, &values.filter];
        values.ordered || values.v1a || values.svix_headers || texts.iter().any(|text| !text.is_empty())
    }
}
