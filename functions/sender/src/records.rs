//! A queue's record as Lambda hands it over, reduced to what is used.

use aws_lambda_events::sqs::SqsMessage;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hookbell_aws::queues::{ACCEPTED_ATTRIBUTE, is_fifo};
use hookbell_domain::delivery::Claimant;
use jiff::Timestamp;
use sha2::{Digest, Sha256};

/// One record of a batch.
#[derive(Debug)]
pub(crate) struct Record {
    /// What SQS calls it; the same whenever it comes again.
    pub(crate) message_id: String,
    pub(crate) body: String,
    pub(crate) queue_arn: String,
    /// By this SQS knows this receipt of it.
    pub(crate) receipt_handle: String,
    /// Those of one group come in order, where the queue keeps one.
    pub(crate) group: String,
    pub(crate) sent_at: Timestamp,
    /// How often it has been handed out, this time included.
    pub(crate) receive_count: u32,
    /// The mark of an event that our API accepted.
    pub(crate) mark: Option<Vec<u8>>,
}

impl Record {
    /// Whether it has been handed out before, so that some of what follows from it may have been done.
    pub(crate) fn is_repeated(&self) -> bool {
        self.receive_count > 1
    }

    /// Whether it stands before or behind others of its group.
    pub(crate) fn is_in_order(&self) -> bool {
        is_fifo(&self.queue_arn)
    }

    /// What it is known by on the rows that it works at.
    pub(crate) fn claimant(&self) -> Claimant {
        let hash = Sha256::digest(&self.message_id);
        Claimant(hash.iter().take(8).fold(0, |bits, byte| (bits << 8) | u64::from(*byte)))
    }
}

/// What SQS calls the records at those positions.
pub(crate) fn ids(records: &[&Record], positions: impl IntoIterator<Item = usize>) -> Vec<String> {
    positions.into_iter().filter_map(|position| records.get(position)).map(|record| record.message_id.clone()).collect()
}

impl From<SqsMessage> for Record {
    fn from(mut message: SqsMessage) -> Self {
        // Amazon SQS, "ReceiveMessage": both are decimal numbers, the time in unix milliseconds.
        let sent_at = message.attributes.get("SentTimestamp").and_then(|ms| ms.parse().ok());
        let receive_count = message.attributes.get("ApproximateReceiveCount").and_then(|count| count.parse().ok());
        let group = message.attributes.remove("MessageGroupId");
        let mark = message.message_attributes.remove(ACCEPTED_ATTRIBUTE).and_then(|value| value.string_value);
        Self {
            message_id: message.message_id.unwrap_or_default(),
            body: message.body.unwrap_or_default(),
            queue_arn: message.event_source_arn.unwrap_or_default(),
            receipt_handle: message.receipt_handle.unwrap_or_default(),
            group: group.unwrap_or_default(),
            sent_at: sent_at.and_then(|ms| Timestamp::from_millisecond(ms).ok()).unwrap_or_else(Timestamp::now),
            // A count that cannot be read is taken for a repetition: that loses nothing.
            receive_count: receive_count.unwrap_or(2),
            // A mark that cannot be read is a wrong one.
            mark: mark.map(|mark| STANDARD.decode(mark).unwrap_or_default()),
        }
    }
}
