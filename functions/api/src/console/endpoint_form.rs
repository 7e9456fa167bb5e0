//! The form of an endpoint: to make one, and to change one.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{Extension, Path, State};
use axum::response::Response;
use hookbell_aws::table::StoredEndpoint;
use hookbell_domain::headers::CustomHeaders;
use hookbell_domain::profile::Profile;
use serde_json::{Map, Value};

use super::event_types::Catalogue;
use super::forms::{Body, Form, Problems};
use super::pages::{Section, Shell, see, show, show_wrong};
use super::visit::Visit;
use crate::auth::Caller;
use crate::endpoints::{self, find, make};
use crate::error::ApiError;
use crate::state::{Api, sealing_failed};

/// The fields that show what is wrong with them, and their labels.
const LABELS: [(&str, &str); 6] = [
    ("description", "Name"),
    ("url", "Endpoint URL"),
    ("eventTypes", "Events"),
    ("headers", "Custom headers"),
    ("rateLimit", "Messages a second"),
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
    catalogue: Catalogue,
    problems: Problems,
}

/// What the fields say.
#[derive(Debug, Default)]
struct Values {
    description: String,
    url: String,
    event_types: Vec<String>,
    ordered: bool,
    headers: String,
    v1a: bool,
    svix_headers: bool,
    rate_limit: String,
    filter: String,
}

/// `GET …/endpoints/new`.
pub(super) async fn new(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path(organization): Path<String>,
) -> Result<Response, ApiError> {
    let profile = api.organization_record(&organization).await?.profile;
    show(&Page::new(&visit, &organization, None, profile, Values::default(), Problems::default()))
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
            show_wrong(&Page::new(&visit, &organization, None, profile, values, problems))
        }
    }
}

/// `GET …/endpoints/{endpoint}/edit`.
pub(super) async fn edit(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path((organization, endpoint)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    let (profile, stored) =
        tokio::try_join!(api.organization_record(&organization), find(&api, &organization, &endpoint))?;
    let headers = stored.open_headers(&api.keys).map_err(sealing_failed)?;
    let here = Some(visit.endpoint(&organization, &endpoint));
    let values = Values::of_endpoint(&stored, &headers);
    show(&Page::new(&visit, &organization, here, profile.profile, values, Problems::default()))
}

/// `POST …/endpoints/{endpoint}/edit`: changes it and leads to its page, or shows the form again with what is wrong.
pub(super) async fn update(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Extension(caller): Extension<Caller>,
    Path((organization, endpoint)): Path<(String, String)>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let values = Values::of_form(&Form::read(&body));
    let here = visit.endpoint(&organization, &endpoint);
    let path = Path((organization.clone(), endpoint));
    let call = values.to_change().into_json();
    match endpoints::update(State(Arc::clone(&api)), Extension(caller), path, call).await {
        Ok(_) => Ok(see(&format!("{here}?notice=saved"))),
        Err(refused) => {
            let problems = Problems::of(refused)?;
            let profile = api.organization_record(&organization).await?.profile;
            show_wrong(&Page::new(&visit, &organization, Some(here), profile, values, problems))
        }
    }
}

impl Page {
    fn new(
        visit: &Visit,
        organization: &str,
        here: Option<String>,
        profile: &'static Profile,
        values: Values,
        problems: Problems,
    ) -> Self {
        let catalogue = Catalogue::new(profile, values.event_types.iter().map(String::as_str));
        Self { shell: Shell::of(visit, organization, Section::Endpoints), here, values, catalogue, problems }
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

impl Values {
    fn of_form(form: &Form) -> Self {
        Self {
            description: form.text("description").to_owned(),
            url: form.text("url").to_owned(),
            event_types: form.all("eventTypes").map(str::to_owned).collect(),
            ordered: form.ticked("ordered"),
            headers: form.text("headers").to_owned(),
            v1a: form.ticked("v1a"),
            svix_headers: form.ticked("svixHeaders"),
            rate_limit: form.text("rateLimit").to_owned(),
            filter: form.text("filter").to_owned(),
        }
    }

    fn of_endpoint(stored: &StoredEndpoint, headers: &CustomHeaders) -> Self {
        let (endpoint, options) = (&stored.endpoint, &stored.endpoint.options);
        let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        Self {
            description: endpoint.description.clone().unwrap_or_default(),
            url: endpoint.url.clone(),
            event_types: endpoint.event_types.clone(),
            ordered: endpoint.ordered,
            headers: lines.join("\n"),
            v1a: options.v1a.is_some(),
            svix_headers: options.svix_headers,
            rate_limit: options.rate_limit.map(|limit| limit.per_second().to_string()).unwrap_or_default(),
            filter: options.filter.as_ref().map(|filter| filter.text().to_owned()).unwrap_or_default(),
        }
    }

    /// The call that makes an endpoint.
    fn to_new(&self) -> Body {
        let mut call = Body::default();
        self.set_common(&mut call);
        for (name, text) in [("rateLimit", &self.rate_limit), ("filter", &self.filter)] {
            if !text.is_empty() {
                call.set(name, as_json(text));
            }
        }
        call
    }

    /// The call that changes one: what the form leaves empty is taken away.
    fn to_change(&self) -> Body {
        let mut call = Body::default();
        self.set_common(&mut call);
        for (name, text) in [("rateLimit", &self.rate_limit), ("filter", &self.filter)] {
            call.set(name, if text.is_empty() { Value::Null } else { as_json(text) });
        }
        call
    }

    fn set_common(&self, call: &mut Body) {
        call.set("description", self.description.as_str());
        call.set("url", self.url.as_str());
        call.set("eventTypes", self.event_types.clone());
        call.set("ordered", self.ordered);
        call.set("headers", headers(&self.headers));
        call.set("v1a", self.v1a);
        call.set("svixHeaders", self.svix_headers);
    }
}

/// A text that is to be JSON. What is none goes as it is, and is refused by who reads it.
fn as_json(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_else(|_| text.into())
}

/// Headers as they are written, a line each. What is not goes as it is, likewise.
fn headers(lines: &str) -> Value {
    let mut object = Map::new();
    for line in lines.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let Some((name, value)) = line.split_once(':') else { return lines.into() };
        if object.insert(name.trim().to_owned(), value.trim().into()).is_some() {
            return lines.into();
        }
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn headers_are_written_a_line_each() {
        assert_eq!(headers("X-A: b: c\r\n\n  x-d:e "), json!({ "X-A": "b: c", "x-d": "e" }));
        assert_eq!(headers(""), json!({}));
        for wrong in ["X-A b", "X-A: 1\nX-A: 2"] {
            assert_eq!(headers(wrong), json!(wrong));
        }
    }

    #[test]
    fn what_a_form_leaves_empty_is_taken_away_by_a_change_and_not_said_of_a_new_endpoint() {
        let empty = Values::default();
        let new: Value = serde_json::from_slice(&empty.to_new().into_json()).unwrap();
        assert!(new.get("filter").is_none() && new.get("rateLimit").is_none());
        let change: Value = serde_json::from_slice(&empty.to_change().into_json()).unwrap();
        assert_eq!(
            (&change["filter"], &change["rateLimit"], &change["headers"]),
            (&Value::Null, &Value::Null, &json!({}))
        );
        let said = Values { rate_limit: "10".to_owned(), filter: "{\"a\":[1]}".to_owned(), ..Values::default() };
        let new: Value = serde_json::from_slice(&said.to_new().into_json()).unwrap();
        assert_eq!((&new["rateLimit"], &new["filter"]), (&json!(10), &json!({ "a": [1] })));
    }
}
