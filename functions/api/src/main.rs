//! The HTTP API: what organizations, their developers and their producers call.
//!
//! The invariant: what it answers with success is stored, or on the queue; what it refuses as the caller's mistake has
//! changed nothing.

mod api_keys;
mod assets;
mod attempts;
mod auth;
mod config;
mod console;
mod deliveries;
mod docs;
mod endpoints;
mod error;
mod fields;
mod filters;
#[cfg(test)]
mod fuzz;
mod health;
mod incoming;
mod lists;
mod location;
mod logged;
mod message_lists;
mod messages;
mod openapi;
mod organization_list;
mod organizations;
mod ping;
mod portal;
mod redeliver;
mod replays;
mod router;
mod secrets;
mod state;
mod stats;
mod status;
mod view;

use lambda_http::lambda_runtime::{LambdaEvent, Runtime};
use lambda_http::{Adapter, Error, Service as _, request::LambdaRequest, service_fn};

use state::Api;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    hookbell_aws::logging::start();
    let api = Api::start().await.inspect_err(|error| tracing::error!(%error, "cannot start"))?;
    let (metrics, adapter) = (std::sync::Arc::clone(&api.metrics), Adapter::from(router::router(api)));
    Runtime::new(service_fn(|mut event: LambdaEvent<LambdaRequest>| {
        incoming::mend(&mut event.payload);
        let (id, trace) = (event.context.request_id.clone(), event.context.xray_trace_id.clone());
        let (metrics, work) = (&metrics, adapter.clone().call(event));
        async move { metrics.invocation(&id, trace.as_deref(), work).await }
    }))
    .run()
    .await
}
