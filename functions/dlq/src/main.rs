//! Consumes the deliveries' dead-letter queue: deliveries that ended without success, and records that crashed us.
//!
//! The invariant: an endpoint is charged for its own failures alone, each once. What SQS has redriven is our failure:
//! it goes back to work, and after three times to where a person looks.

mod config;
mod ended;
mod handler;
mod redriven;

use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use hookbell_aws::{clients, logging};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

use config::Config;
use handler::Dlq;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::start();
    let config = Config::from_environment().inspect_err(|error| tracing::error!(%error, "cannot start"))?;
    let dlq = Arc::new(Dlq::new(&clients::on_lambda()?, config));
    run(service_fn(|event: LambdaEvent<SqsEvent>| {
        let dlq = Arc::clone(&dlq);
        async move { Ok::<SqsBatchResponse, Error>(dlq.handle(event.payload).await) }
    }))
    .await
}
