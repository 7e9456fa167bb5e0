//! One attempt: judge, connect, send, read, all under one deadline.

use std::time::Duration;

use bytes::Bytes;
use hookbell_domain::outcome::{Answer, Failure, Outcome};
use hookbell_domain::target::{Reach, Refusal, TargetUrl};
use reqwest::header::{self, HeaderMap, HeaderName};

use crate::{Egress, LookUp, answer, failure};

/// The headers that say where a request goes and where it ends. The client writes them, and nobody else.
const FRAMING: [HeaderName; 4] = [header::CONNECTION, header::CONTENT_LENGTH, header::HOST, header::TRANSFER_ENCODING];

/// One request to an endpoint.
#[derive(Debug)]
pub struct Post<'a> {
    /// Where it goes. It is judged anew.
    pub target: &'a TargetUrl,
    /// All headers but `user-agent` and those of the connection, which are refused here.
    pub headers: HeaderMap,
    /// The body, sent as it is.
    pub body: Bytes,
    /// How long the attempt may take, from the name lookup to the last byte of the answer.
    pub deadline: Duration,
}

impl<L: LookUp> Egress<L> {
    /// Sends one request and reads the answer, up to
    /// [`MAX_RESPONSE_BYTES`](hookbell_domain::outcome::MAX_RESPONSE_BYTES) of its body.
    ///
    /// An answer that the deadline cuts short is a timeout, whatever its status said; one that is longer than the
    /// limit is complete where the reading stops.
    pub async fn post(&self, post: Post<'_>) -> Outcome {
        match tokio::time::timeout(post.deadline, self.attempt(post)).await {
            Ok(Ok(answer)) => Outcome::Answered(answer),
            Ok(Err(failure)) => Outcome::Failed(failure),
            Err(_) => Outcome::Failed(Failure::Timeout),
        }
    }

    async fn attempt(&self, post: Post<'_>) -> Result<Answer, Failure> {
        let Post { target, headers, body, .. } = post;
        let client = self.client_for(target)?;
        if FRAMING.iter().any(|name| headers.contains_key(name)) {
            return Err(Failure::InvalidRequest);
        }
        let request = client.post(target.url().clone()).headers(headers).body(body);
        let classify = |error| failure::classify(error, target);
        let response = request.send().await.map_err(classify)?;
        answer::read(response).await.map_err(classify)
    }

    /// Judges the text of the target, and picks the client whose resolver judges the rest.
    fn client_for(&self, target: &TargetUrl) -> Result<&reqwest::Client, Failure> {
        let client = match target.judge_text(&self.inspector.policy).map_err(Failure::Refused)? {
            Reach::Public => Some(&self.public),
            Reach::AllowListOnly => self.allow_list_only.as_ref(),
        };
        client.ok_or_else(|| Failure::Refused(target.explain(Refusal::NotOnAllowList)))
    }
}
