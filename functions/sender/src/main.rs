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
use hookbell_aws::sealing::Keys;
use hookbell_aws::{clients, logging};
use lambda_runtime::{Error, LambdaEvent, run, service_fn};

use config::Config;
use sender::Sender;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    logging::start();
    let sender = Arc::new(start().await.inspect_err(|error| tracing::error!(%error, "cannot start"))?);
    run(service_fn(|event: LambdaEvent<SqsEvent>| {
        let sender = Arc::clone(&sender);
        async move { Ok::<SqsBatchResponse, Error>(Box::pin(sender.handle(event)).await) }
    }))
    .await
}

async fn start() -> Result<Sender, Error> {
    let config = Config::from_environment()?;
    let aws = clients::on_lambda()?;
    let keys = Keys::load(&aws, &config.encryption_key_secret).await?;
    Ok(Sender::new(&aws, config, keys)?)
}
