//! A batch of dead letters, one record after the other: they are rare, and each may change an endpoint.

use std::sync::Arc;

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent, SqsMessage};
use hookbell_aws::AwsError;
use hookbell_aws::clients::Aws;
use hookbell_aws::logging::unquoted;
use hookbell_aws::metrics::{Metric, Metrics};
use hookbell_aws::owners::OwnersTopic;
use hookbell_aws::queues::{Ended, Parked, Queues, Task};
use hookbell_aws::table::Table;

use crate::config::Config;
use crate::{ended, redriven};

/// An instance's connections.
pub(crate) struct Dlq {
    pub(crate) config: Config,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) table: Table,
    pub(crate) queues: Queues,
    pub(crate) owners: OwnersTopic,
}

impl Dlq {
    pub(crate) fn new(aws: &Aws, metrics: Arc<Metrics>, config: Config) -> Self {
        Self {
            metrics,
            table: Table::new(aws, config.table.clone(), config.retention),
            queues: Queues::new(aws),
            owners: OwnersTopic::new(aws, config.owners_topic.clone()),
            config,
        }
    }

    /// Deals with a batch, and names the records that have to come again.
    pub(crate) async fn handle(&self, event: SqsEvent) -> SqsBatchResponse {
        let mut response = SqsBatchResponse::default();
        for record in event.records {
            if let Err(error) = self.process(&record).await {
                let queue_message_id = record.message_id.as_deref();
                tracing::error!(%error, queue_message_id, "a dead letter was not dealt with");
                response.add_failure(record.message_id.unwrap_or_default());
            }
        }
        response
    }

    async fn process(&self, record: &SqsMessage) -> Result<(), AwsError> {
        let body = record.body.as_deref().unwrap_or_default();
        match (body.parse::<Ended>(), body.parse::<Task>()) {
            (Ok(ended), _) => ended::conclude(self, &ended).await,
            (Err(_), Ok(task)) => redriven::bring_back(self, task, body).await,
            (Err(_), Err(error)) => self.park(body, format!("no dead letter of ours: {error}")).await,
        }
    }

    /// Puts a record where a person will look at it.
    pub(crate) async fn park(&self, body: &str, reason: String) -> Result<(), AwsError> {
        tracing::error!(reason = unquoted(&reason), "record.parked");
        self.queues.park(&self.config.parked_queue, &[Parked { body, mark: None, reason }]).await.all()?;
        self.metrics.count(Metric::RecordsParked, 1);
        Ok(())
    }
}
