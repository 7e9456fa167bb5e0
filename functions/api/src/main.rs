//! The HTTP API: what organizations, their developers and their producers call.
//!
//! The invariant: what it answers with success is stored, or on the queue; what it refuses has changed nothing.

mod api_keys;
mod auth;
mod config;
mod deliveries;
mod docs;
mod endpoints;
mod error;
mod fields;
mod known_keys;
mod lists;
mod logged;
mod message_lists;
mod messages;
mod openapi;
mod organizations;
mod ping;
mod portal;
mod portal_token;
mod redeliver;
mod replays;
mod router;
mod secrets;
mod state;
mod stats;
mod status;
mod view;

use hookbell_aws::{clients, logging};
use lambda_http::{Error, run};

use config::Config;
use state::Api;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::start();
    let api = start().await.inspect_err(|error| tracing::error!(%error, "cannot start"))?;
    run(router::router(api)).await
}

async fn start() -> Result<Api, Error> {
    let config = Config::from_environment()?;
    let aws = clients::load().await;
    Api::new(&aws, config).await
}
