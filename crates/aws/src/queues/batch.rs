//! SendMessageBatch within its limits, told entry by entry.

use aws_sdk_sqs::Client;
use aws_sdk_sqs::types::SendMessageBatchRequestEntry;
use aws_sdk_sqs::types::builders::SendMessageBatchRequestEntryBuilder;

use crate::AwsError;

/// Entries of one request (Amazon SQS, "SendMessageBatch").
pub(super) const MAX_ENTRIES: usize = 10;

/// Bytes of one request, bodies and attributes together (Amazon SQS, "Message quotas": 1 MiB), less room for attributes.
const MAX_BYTES: usize = 1_048_576 - 16_384;

/// Which entries of a batch SQS took: the error of each that it did not, in the order given.
#[derive(Debug)]
pub struct Sent {
    results: Vec<Option<AwsError>>,
}

impl Sent {
    /// What became of entries, in the order given.
    pub(super) fn of(failures: impl Iterator<Item = Option<AwsError>>) -> Self {
        Self { results: failures.collect() }
    }

    /// The error of entry `index`, unless SQS took it.
    #[must_use]
    pub fn failure(&self, index: usize) -> Option<&AwsError> {
        self.results.get(index).and_then(Option::as_ref)
    }

    /// The first error, if SQS did not take every entry.
    ///
    /// # Errors
    /// That one.
    pub fn all(self) -> Result<(), AwsError> {
        self.results.into_iter().flatten().next().map_or(Ok(()), Err)
    }
}

pub(super) async fn send(
    client: &Client,
    queue: &str,
    entries: Vec<Result<SendMessageBatchRequestEntryBuilder, AwsError>>,
) -> Sent {
    let mut results: Vec<Option<AwsError>> = Vec::with_capacity(entries.len());
    let mut batch = Vec::with_capacity(MAX_ENTRIES);
    let mut bytes = 0;
    for (index, entry) in entries.into_iter().enumerate() {
        results.push(None);
        let entry =
            entry.and_then(|entry| entry.id(index.to_string()).build().map_err(AwsError::sdk("SendMessageBatch")));
        match entry {
            Ok(entry) => {
                let size = entry.message_body.len();
                if batch.len() == MAX_ENTRIES || bytes + size > MAX_BYTES {
                    flush(client, queue, std::mem::take(&mut batch), &mut results).await;
                    bytes = 0;
                }
                bytes += size;
                batch.push(entry);
            }
            Err(error) => set(&mut results, index, error),
        }
    }
    flush(client, queue, batch, &mut results).await;
    Sent { results }
}

async fn flush(
    client: &Client,
    queue: &str,
    batch: Vec<SendMessageBatchRequestEntry>,
    results: &mut [Option<AwsError>],
) {
    if batch.is_empty() {
        return;
    }
    let ids: Vec<usize> = batch.iter().filter_map(|entry| entry.id.parse().ok()).collect();
    match client.send_message_batch().queue_url(queue).set_entries(Some(batch)).send().await {
        Ok(answer) => {
            for failed in answer.failed {
                let cause = failed.message.unwrap_or(failed.code);
                if let Ok(index) = failed.id.parse() {
                    set(results, index, AwsError::unreadable("SendMessageBatch", cause));
                }
            }
        }
        Err(error) => {
            let error = AwsError::sdk("SendMessageBatch")(error);
            for index in ids {
                set(results, index, error.clone());
            }
        }
    }
}

fn set(results: &mut [Option<AwsError>], index: usize, error: AwsError) {
    if let Some(result) = results.get_mut(index) {
        *result = Some(error);
    }
}
