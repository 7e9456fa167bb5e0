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
use hookbell_aws::clients::Aws;
use hookbell_aws::logging;
use hookbell_aws::metrics::Metrics;
use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};

use config::Config;
use handler::Dlq;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::start();
    let config = Config::from_environment().inspect_err(|error| tracing::error!(%error, "cannot start"))?;
    let metrics = Arc::new(Metrics::new(config.stack.clone()));
    let dlq = Arc::new(Dlq::new(&Aws::on_lambda(&metrics)?, metrics, config));
    Runtime::new(service_fn(|event: LambdaEvent<SqsEvent>| {
        let dlq = Arc::clone(&dlq);
        async move {
            let (id, trace) = (&event.context.request_id, event.context.xray_trace_id.as_deref());
            let work = Box::pin(dlq.handle(event.payload));
            Ok::<SqsBatchResponse, Error>(dlq.metrics.invocation(id, trace, work).await)
        }
    }))
    .run()
    .await
}
