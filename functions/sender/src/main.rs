//! Consumes the events and the deliveries queues, those in order too: accepts, fans out, signs, sends, records, and schedules retries.
//!
//! The invariant: a record is acknowledged only when all that follows from it is written down. A crash before that
//! repeats the record, and the repetition does only what is missing.

mod admission;
mod admissions;
mod attempt;
mod chunks;
mod config;
mod deliveries;
mod events;
mod follow_up;
#[cfg(test)]
mod fuzz;
mod gate;
mod hanging;
mod health;
mod lines;
mod organizations;
mod pace;
mod parking;
mod recipients;
mod records;
mod replays;
mod sender;
mod shapes;
mod waiting;

use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use hookbell_aws::logging;
use lambda_runtime::{Error, LambdaEvent, Runtime, service_fn};

use sender::Sender;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::start();
    let sender = Arc::new(Sender::start().await.inspect_err(|error| tracing::error!(%error, "cannot start"))?);
    Runtime::new(service_fn(|event: LambdaEvent<SqsEvent>| {
        let sender = Arc::clone(&sender);
        async move {
            let LambdaEvent { payload, context } = event;
            let (id, trace) = (&context.request_id, context.xray_trace_id.as_deref());
            let work = Box::pin(Arc::clone(&sender).handle(payload, context.deadline()));
            Ok::<SqsBatchResponse, Error>(sender.metrics.invocation(id, trace, work).await)
        }
    }))
    .run()
    .await
}
