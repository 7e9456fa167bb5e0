//! Records that nothing can be made of: moved, bytes untouched and with the reason, to where a person looks at them.

use hookbell_aws::logging::unquoted;
use hookbell_aws::metrics::Metric;
use hookbell_aws::queues::Parked;

use crate::records::Record;
use crate::sender::Sender;

/// Parks the records at those positions on a queue; returns the positions of those that could not be, to come again.
pub(crate) async fn park(
    sender: &Sender,
    queue: &str,
    records: &[&Record],
    poison: Vec<(usize, String)>,
) -> Vec<usize> {
    let known = |(position, reason): (usize, String)| {
        let record = records.get(position)?;
        let (queue_message_id, told) = (&record.message_id, unquoted(&reason));
        tracing::warn!(queue_message_id, queue_arn = record.queue_arn, reason = told, "record.parked");
        Some((position, Parked { body: &record.body, mark: record.mark.as_deref(), reason }))
    };
    let (positions, parked): (Vec<_>, Vec<_>) = poison.into_iter().filter_map(known).unzip();
    let sent = sender.queues.park(queue, &parked).await;
    let taken = (0..parked.len()).filter(|&index| sent.failure(index).is_none());
    let is_event = queue == sender.config.events_dead_letter_queue;
    sender.metrics.count(if is_event { Metric::EventsRejected } else { Metric::RecordsParked }, taken.count());
    let failed = |&(index, _): &(usize, usize)| match sent.failure(index) {
        Some(error) => {
            tracing::error!(%error, "a record was not parked");
            true
        }
        None => false,
    };
    positions.into_iter().enumerate().filter(failed).map(|(_, position)| position).collect()
}
