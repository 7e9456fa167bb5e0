//! Trying the filter that stands in an endpoint's form, on the example of a type.

use std::sync::Arc;

use askama::Template;
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::Response;

use super::forms::{Body, Form, Problems};
use super::pages::show;
use crate::error::ApiError;
use crate::filters::{self, Tried};
use crate::state::Api;

/// What comes of it, for the form's own page to take in.
#[derive(Template)]
#[template(path = "console/filter_trial.html")]
struct Trial {
    event_type: String,
    tried: Result<Tried, Vec<String>>,
}

/// `POST …/endpoints/filter`: says whether the filter lets the type's example through.
pub(super) async fn answer(
    State(api): State<Arc<Api>>,
    Path(organization): Path<String>,
    body: Bytes,
) -> Result<Response, ApiError> {
    let form = Form::read(&body);
    let event_type = form.text("tryType").to_owned();
    let mut call = Body::default();
    call.set_json("filter", form.text("filter"));
    call.set("eventType", event_type.as_str());
    let tried = match filters::test(State(api), Path(organization), call.into_json()).await {
        Ok(Json(tried)) => Ok(tried),
        Err(refused) => {
            let problems = Problems::of(refused)?;
            // What is wrong with a filter says by itself where.
            Err([problems.of_field("filter"), &problems.summary(&["filter"])].concat())
        }
    };
    show(&Trial { event_type, tried })
}
