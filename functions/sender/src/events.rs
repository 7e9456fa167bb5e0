//! The events queue: each event is admitted, fanned out, attempted, recorded, and followed up, in that order.

use std::collections::BTreeSet;
use std::sync::Arc;

use hookbell_aws::metrics::Metric;
use hookbell_domain::delivery::{Delivery, DeliveryStatus, Route, SKIPPED_DISABLED, Turn};
use hookbell_domain::ids::DeliveryId;
use jiff::Timestamp;
use tokio::sync::Semaphore;

use crate::admission::Admitted;
use crate::admissions::{Admissions, admit_all};
use crate::attempt::{self, Finished, Job, NotMade};
use crate::follow_up::{self, FollowUp, Subject};
use crate::gate::{self, Wait};
use crate::lines::{self, Place};
use crate::parking::park;
use crate::records::{self, Record};
use crate::sender::{Budget, Sender};
use crate::{chunks, hanging, health, waiting};

/// Rows of one BatchWriteItem request.
const CHUNK: usize = 25;

/// What became of a delivery's first attempt.
enum Made {
    Now(Finished),
    /// It waits for its turn, or there is no time or room left for it in this invocation.
    Later(Wait),
    Not(NotMade),
}

/// A delivery's row and what follows from it, for the record at that position.
struct Row {
    record: usize,
    delivery: Option<Delivery>,
    follow_up: Option<FollowUp>,
}

impl Row {
    /// The same, of an ordered endpoint.
    fn in_line(self) -> Self {
        Self { follow_up: self.follow_up.map(FollowUp::in_line), ..self }
    }
}

/// Deals with records of the events queue; returns the ids of those that have to come again.
pub(crate) async fn handle(sender: &Arc<Sender>, records: &[&Record], budget: Budget) -> Vec<String> {
    let Admissions { admitted, poison, mut again, twins } = admit_all(sender, records, budget.began_at).await;
    let (mut jobs, mut rows) = (Vec::new(), Vec::new());
    for (position, event) in admitted {
        let is_in_order = records.get(position).is_some_and(|record| record.is_in_order());
        fan_out(position, is_in_order, event, &mut jobs, &mut rows);
    }
    again.extend(park(sender, &sender.config.events_dead_letter_queue, records, poison).await);
    let (mut jobs, later) = gate::first(sender, jobs).await;
    rows.extend(later.into_iter().filter_map(|(record, job, wait)| first_row(record, &job, Made::Later(wait))));
    write(sender, rows, &mut again).await;
    let behind = lines::behind(records, &again);
    jobs.retain(|(record, _)| !behind.contains(record));

    let work = |(record, job): (usize, Job)| {
        let sender = Arc::clone(sender);
        async move {
            let made = make(&sender, &job, budget).await;
            (record, job, made)
        }
    };
    let take = async |made| record(sender, made, &mut again).await;
    chunks::run(jobs, Semaphore::MAX_PERMITS, CHUNK, work, take).await;
    again.extend(twins.of(&again));
    again.extend(lines::behind(records, &again));
    records::ids(records, again)
}

/// What is to be done for each endpoint of a message, leaving out what an earlier try has done.
fn fan_out(record: usize, is_in_order: bool, admitted: Admitted, jobs: &mut Vec<(usize, Job)>, rows: &mut Vec<Row>) {
    let Admitted { organization, message, endpoint_ids, existing } = admitted;
    rows.extend(existing.iter().map(|delivery| {
        let row = Row { record, delivery: None, follow_up: follow_up::of_state(delivery) };
        let is_ordered = organization.target(delivery.endpoint_id).is_some_and(|target| target.endpoint.ordered);
        if is_ordered { row.in_line() } else { row }
    }));
    for endpoint_id in endpoint_ids {
        if existing.iter().any(|delivery| delivery.endpoint_id == endpoint_id) {
            continue;
        }
        // An endpoint that has been deleted meanwhile gets nothing.
        let Some(target) = organization.target(endpoint_id) else { continue };
        let job = Job {
            organization: Arc::clone(&organization),
            target: Arc::clone(target),
            message: Arc::clone(&message),
            delivery_id: DeliveryId::first(message.id, endpoint_id),
            turn: Turn::Scheduled(1),
            policy: organization.record.profile.retry,
            number: 1,
            last_url: None,
            due_at: None,
        };
        if !target.endpoint.is_enabled() {
            let skipped = Some(SKIPPED_DISABLED.to_owned());
            let delivery = Delivery { skipped, ..delivery(&job, DeliveryStatus::Exhausted, Timestamp::now()) };
            rows.push(Row { record, delivery: Some(delivery), follow_up: None });
            continue;
        }
        match lines::place(is_in_order, &organization, target) {
            Place::Here => jobs.push((record, job)),
            Place::Queue => rows.extend(first_row(record, &job, Made::Later(Wait::none()))),
            Place::Line => rows.extend(first_row(record, &job, Made::Later(Wait::none())).map(Row::in_line)),
        }
    }
}

/// Makes the first attempt of a delivery, if there is a place for it and time enough.
async fn make(sender: &Sender, job: &Job, budget: Budget) -> Made {
    let place = gate::place(sender).await;
    if place.is_none() || !budget.allows(job.organization.record.profile.retry.attempt_deadline) {
        return Made::Later(Wait::none());
    }
    let made = Box::pin(hanging::unless_open(sender, job, attempt::make(sender, job))).await;
    made.map_or(Made::Later(Wait::none()), |made| made.map_or_else(Made::Not, Made::Now))
}

/// Writes what first attempts have come to.
async fn record(sender: &Sender, made: Vec<(usize, Job, Made)>, again: &mut BTreeSet<usize>) {
    let finished = made.iter().filter_map(|(_, job, made)| match made {
        Made::Now(finished) => Some((job, finished)),
        Made::Later(_) | Made::Not(_) => None,
    });
    health::write(sender, finished).await;
    let mut rows = Vec::with_capacity(made.len());
    for (record, job, made) in made {
        match first_row(record, &job, made) {
            Some(row) => rows.push(row),
            None => drop(again.insert(record)),
        }
    }
    write(sender, rows, again).await;
}

/// The row of a delivery after its first attempt; none when the attempt could not be made.
fn first_row(record: usize, job: &Job, made: Made) -> Option<Row> {
    match made {
        Made::Now(Finished { attempt, decision, at }) => {
            let (status, next_retry_at) =
                DeliveryStatus::after(decision.next).unwrap_or((DeliveryStatus::Pending, None));
            let follow_up = Subject::of_job(job).follow(&decision, job.turn, at);
            let delivery = Delivery {
                attempts: vec![attempt],
                scheduled: 1,
                next_retry_at,
                directive: decision.directive,
                ..delivery(job, status, at)
            };
            Some(Row { record, delivery: Some(delivery), follow_up })
        }
        Made::Later(wait) => {
            let delivery = delivery(job, DeliveryStatus::Pending, Timestamp::now());
            Some(Row { record, delivery: Some(delivery), follow_up: Some(Subject::of_job(job).first_attempt(wait)) })
        }
        Made::Not(error) => {
            let (message_id, endpoint_id, delivery_id) = (job.message.id, job.target.endpoint.id, job.delivery_id);
            tracing::error!(%error, %message_id, %endpoint_id, %delivery_id, "an attempt could not be made");
            None
        }
    }
}

fn delivery(job: &Job, status: DeliveryStatus, updated_at: Timestamp) -> Delivery {
    let route = Route {
        message_id: job.message.id,
        endpoint_id: job.target.endpoint.id,
        organization_id: job.organization.record.id.clone(),
        event_type: job.message.event_type.clone(),
    };
    Delivery { status, ..Delivery::waiting(job.delivery_id, route, updated_at) }
}

/// Writes rows, then sends what follows from them: a follow-up never exists without its row.
async fn write(sender: &Sender, rows: Vec<Row>, again: &mut BTreeSet<usize>) {
    let (mut deliveries, mut follow_ups) = (Vec::new(), Vec::new());
    let records: BTreeSet<usize> = rows.iter().map(|row| row.record).collect();
    for row in rows {
        deliveries.extend(row.delivery);
        follow_ups.extend(row.follow_up.map(|follow_up| (row.record, follow_up)));
    }
    if let Err(error) = sender.table.put_deliveries(&deliveries).await {
        tracing::error!(%error, "deliveries were not recorded");
        again.extend(records);
        return;
    }
    for delivery in &deliveries {
        let Some(reason) = &delivery.skipped else { continue };
        sender.metrics.count(Metric::DeliveriesSkipped, 1);
        waiting::log_skipped(delivery, reason);
    }
    again.extend(follow_up::send(sender, follow_ups).await);
}
