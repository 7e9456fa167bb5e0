//! What an instance of the sender holds, and how a batch goes through it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use aws_lambda_events::sqs::{SqsBatchResponse, SqsEvent};
use hookbell_aws::AwsError;
use hookbell_aws::clients::Aws;
use hookbell_aws::metrics::{Metric, Metrics};
use hookbell_aws::queues::Queues;
use hookbell_aws::sealing::Keys;
use hookbell_aws::table::Table;
use hookbell_domain::ids::OrganizationId;
use hookbell_domain::time::{after, until};
use hookbell_egress::{Egress, EgressError};
use jiff::Timestamp;
use lambda_runtime::Error;
use tokio::sync::Semaphore;

use crate::config::Config;
use crate::health::Pulses;
use crate::organizations::{Freshness, Organization, Organizations};
use crate::pace::Lanes;
use crate::records::Record;
use crate::{deliveries, events, lines};

/// What recording an attempt may take after its deadline; no attempt starts with less left of the invocation.
pub(crate) const TIME_TO_RECORD: Duration = Duration::from_secs(15);

/// An instance's connections and caches.
pub(crate) struct Sender {
    pub(crate) config: Config,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) table: Table,
    pub(crate) queues: Queues,
    pub(crate) keys: Keys,
    pub(crate) egress: Egress,
    pub(crate) organizations: Organizations,
    pub(crate) pulses: Pulses,
    pub(crate) lanes: Lanes,
    /// What the first attempts of events share.
    pub(crate) places: Semaphore,
}

/// When an invocation began, and when it ends by force.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Budget {
    pub(crate) began_at: Timestamp,
    pub(crate) ends_at: Timestamp,
}

impl Budget {
    /// Whether an attempt of that deadline can still be made and recorded.
    pub(crate) fn allows(self, deadline: Duration) -> bool {
        after(Timestamp::now(), deadline + TIME_TO_RECORD) <= self.ends_at
    }

    /// Until when nobody else may make an attempt that starts now. Claims are told apart by their ends, which are kept in
    /// milliseconds: so the microseconds of this moment count as such, or two that begin in one would be taken for one.
    pub(crate) fn claim(deadline: Duration) -> Timestamp {
        let now = Timestamp::now();
        let microseconds = u64::try_from(now.subsec_nanosecond() / 1_000 % 1_000).unwrap_or(0);
        after(now, deadline + TIME_TO_RECORD + Duration::from_millis(microseconds))
    }
}

impl Sender {
    pub(crate) async fn start() -> Result<Self, Error> {
        let config = Config::from_environment()?;
        let metrics = Arc::new(Metrics::new(config.stack.clone()));
        let aws = Aws::on_lambda(&metrics)?;
        let keys = Keys::load(&aws, &config.encryption_key_secret).await?;
        Ok(Self::new(&aws, metrics, config, keys)?)
    }

    fn new(aws: &Aws, metrics: Arc<Metrics>, config: Config, keys: Keys) -> Result<Self, EgressError> {
        let user_agent = concat!("hookbell/", env!("CARGO_PKG_VERSION"));
        Ok(Self {
            metrics,
            table: Table::new(aws, config.table.clone(), config.retention),
            queues: Queues::new(aws),
            keys,
            egress: Egress::new(config.target_policy.clone(), user_agent)?,
            organizations: Organizations::new(config.time_scale, config.target_policy.clone()),
            pulses: Pulses::default(),
            lanes: Lanes::default(),
            places: Semaphore::new(config.concurrency),
            config,
        })
    }

    /// An organization, in a picture that is new enough.
    pub(crate) async fn organization(
        &self,
        id: &OrganizationId,
        wanted: Freshness,
    ) -> Result<Option<Arc<Organization>>, AwsError> {
        self.organizations.get(&self.table, &self.keys, id, wanted).await
    }

    /// Notes how late a delivery is that was due then; nothing of one that is not due yet. Not to be asked of what waits
    /// because its receiver fails: that is late by no fault of ours.
    pub(crate) fn note_due(&self, due_at: Timestamp) {
        let now = Timestamp::now();
        if due_at <= now {
            self.metrics.measure(Metric::DueAge, until(due_at, now));
        }
    }

    /// Deals with a batch until that deadline, and names the records that have to come again.
    pub(crate) async fn handle(self: Arc<Self>, event: SqsEvent, deadline: SystemTime) -> SqsBatchResponse {
        let ends_at = Timestamp::try_from(deadline).unwrap_or(Timestamp::MAX);
        let budget = Budget { began_at: Timestamp::now(), ends_at };
        let records: Vec<Record> = event.records.into_iter().map(Record::from).collect();
        let mut again = BTreeSet::new();
        let (in_line, others): (Vec<_>, Vec<_>) =
            records.iter().partition(|record| record.queue_arn == self.config.deliveries_fifo_queue_arn);
        let (waiting, new): (Vec<_>, Vec<_>) =
            others.into_iter().partition(|record| record.queue_arn == self.config.deliveries_queue_arn);
        if !new.is_empty() {
            for event in &new {
                self.metrics.measure(Metric::EventAge, until(event.sent_at, budget.began_at));
            }
            again.extend(events::handle(&self, &new, budget).await);
        }
        if !waiting.is_empty() {
            again.extend(deliveries::handle(&self, &waiting, budget).await);
        }
        if !in_line.is_empty() {
            again.extend(lines::handle(&self, &in_line, budget).await);
        }
        let mut response = SqsBatchResponse::default();
        for id in again {
            response.add_failure(id);
        }
        response
    }
}
