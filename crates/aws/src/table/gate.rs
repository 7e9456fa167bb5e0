//! The gate: whoever puts a message first owns its event. A batch of them is put by one request, each on its own condition.
//!
//! An INSERT is a put on condition that nothing is there under the key (Amazon DynamoDB, "`PartiQL` insert statements"),
//! costs what such a put costs, and shares its request with others ("`BatchExecuteStatement`"), which a put cannot.

use std::collections::HashMap;

use aws_sdk_dynamodb::types::{BatchStatementErrorCodeEnum, BatchStatementRequest, BatchStatementResponse};
use hookbell_domain::message::Message;

use super::keys::Key;
use super::messages::MessageItem;
use super::{Table, back_off, to_item};
use crate::{AwsError, random};

/// Statements of a `BatchExecuteStatement` request (AWS, "`BatchExecuteStatement`": at most 25).
pub(crate) const BATCH_STATEMENTS: usize = 25;

const OPERATION: &str = "BatchExecuteStatement";

/// What became of a message at the gate.
#[derive(Debug, Clone)]
pub enum Gate {
    /// This call put it.
    Passed,
    /// Somebody else has put it before: as it was put, unless it is gone meanwhile.
    Taken(Option<Message>),
}

/// What one call leaves in an item that it has put.
type Mark = [u8; 8];

/// What DynamoDB made of one statement.
enum Put {
    Done,
    Duplicate,
    /// It could not at the moment.
    Again,
    Failed(String),
}

impl Table {
    /// Puts messages, each unless it is there already; what became of each, in the order given. No two have one id.
    ///
    /// The SDK repeats a request whose answer was lost, and the repetition finds the messages there. So each call leaves a
    /// mark of its own in the items, and knows by it what it has put itself: it must not take that for another's.
    pub async fn accept_messages(&self, messages: &[&Message]) -> Vec<Result<Gate, AwsError>> {
        let mut results = Vec::with_capacity(messages.len());
        for messages in messages.chunks(BATCH_STATEMENTS) {
            match self.accept_batch(messages).await {
                Ok(accepted) => results.extend(accepted),
                Err(error) => results.extend(messages.iter().map(|_| Err(error.clone()))),
            }
        }
        results
    }

    async fn accept_batch(&self, messages: &[&Message]) -> Result<Vec<Result<Gate, AwsError>>, AwsError> {
        let mark: Mark = random::bytes().map_err(|error| AwsError::unreadable("making a mark", error))?;
        let mut results: Vec<Option<Result<Gate, AwsError>>> = messages.iter().map(|_| None).collect();
        let (mut left, mut duplicates, mut tries) = (Vec::new(), Vec::new(), 0);
        for (place, message) in messages.iter().enumerate() {
            left.push((place, self.insertion(message, mark)?));
        }
        while !left.is_empty() {
            let statements = left.iter().map(|(_, statement)| statement.clone()).collect();
            let request = self.client.batch_execute_statement().set_statements(Some(statements));
            let answer = request.send().await.map_err(AwsError::sdk(OPERATION))?;
            let mut responses = answer.responses.unwrap_or_default().into_iter();
            let mut again = Vec::new();
            for (place, statement) in left {
                let result = match responses.next().map_or(Put::Again, outcome) {
                    Put::Done => Some(Ok(Gate::Passed)),
                    Put::Failed(cause) => Some(Err(AwsError::unreadable(OPERATION, cause))),
                    Put::Duplicate => {
                        duplicates.push(place);
                        None
                    }
                    Put::Again => {
                        again.push((place, statement));
                        None
                    }
                };
                if let Some(slot) = results.get_mut(place) {
                    *slot = result;
                }
            }
            left = again;
            if !left.is_empty() {
                tries += 1;
                back_off(OPERATION, tries).await?;
            }
        }
        let duplicates = duplicates.into_iter().filter_map(|place| Some((place, *messages.get(place)?))).collect();
        for (place, gate) in self.taken(duplicates, mark).await? {
            if let Some(slot) = results.get_mut(place) {
                *slot = Some(gate);
            }
        }
        let missing = || Err(AwsError::unreadable(OPERATION, "no answer to a statement"));
        Ok(results.into_iter().map(|result| result.unwrap_or_else(missing)).collect())
    }

    /// The statement that puts a message unless it is there.
    fn insertion(&self, message: &Message, mark: Mark) -> Result<BatchStatementRequest, AwsError> {
        let packed = self.packer.pack(&message.body);
        let item = MessageItem::of(message, packed, mark, self.expires_at(message.id.created_at()));
        // In one order, so that statements about the same attributes are the same text.
        let mut attributes: Vec<_> = to_item(item)?.into_iter().collect();
        attributes.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        let (names, values): (Vec<String>, Vec<_>) = attributes.into_iter().unzip();
        let places: Vec<String> = names.iter().map(|name| format!("'{name}': ?")).collect();
        let statement = format!("INSERT INTO \"{}\" VALUE {{{}}}", self.name, places.join(", "));
        let request = BatchStatementRequest::builder().statement(statement).set_parameters(Some(values));
        request.build().map_err(AwsError::sdk(OPERATION))
    }

    /// What is there instead of messages that could not be put: ours by an earlier try of the same call, or another's.
    async fn taken(
        &self,
        messages: Vec<(usize, &Message)>,
        mark: Mark,
    ) -> Result<Vec<(usize, Result<Gate, AwsError>)>, AwsError> {
        if messages.is_empty() {
            return Ok(Vec::new());
        }
        let key = |message: &Message| Key::message(&message.organization_id, message.id);
        let keys = messages.iter().map(|(_, message)| key(message)).collect();
        let items: Vec<MessageItem> = self.get_all(keys, true).await?;
        let mut there: HashMap<Key, MessageItem> = HashMap::new();
        for item in items {
            there.insert(Key { pk: item.pk.clone(), sk: item.sk.clone() }, item);
        }
        let mut gate = |message: &Message| match there.remove(&key(message)) {
            None => Ok(Gate::Taken(None)),
            Some(item) if item.gate == mark => Ok(Gate::Passed),
            Some(item) => item.into_message(message.organization_id.clone()).map(|message| Gate::Taken(Some(message))),
        };
        Ok(messages.into_iter().map(|(place, message)| (place, gate(message))).collect())
    }
}

/// What became of one statement (AWS, "BatchStatementError": a code for each).
fn outcome(response: BatchStatementResponse) -> Put {
    use BatchStatementErrorCodeEnum as Code;
    let Some(error) = response.error else { return Put::Done };
    match error.code {
        Some(Code::DuplicateItem | Code::ConditionalCheckFailed) => Put::Duplicate,
        Some(
            Code::ThrottlingError
            | Code::ProvisionedThroughputExceeded
            | Code::RequestLimitExceeded
            | Code::InternalServerError
            | Code::TransactionConflict,
        ) => Put::Again,
        code => Put::Failed(format!("{code:?}: {}", error.message.unwrap_or_default())),
    }
}
