//! Reading what an endpoint answers, and no more of it than is kept.

use hookbell_domain::outcome::{Answer, MAX_RESPONSE_BYTES};
use reqwest::header::{self, HeaderName};
use reqwest::{Response, Version};

use crate::failure;

const WEBHOOK_DELIVERY: HeaderName = HeaderName::from_static("webhook-delivery");

/// Reads an answer. Where the body goes on after [`MAX_RESPONSE_BYTES`], dropping the response ends the stream.
pub(crate) async fn read(mut response: Response) -> Result<Answer, reqwest::Error> {
    let mut answer = Answer {
        status: response.status().as_u16(),
        retry_after: text(&response, &header::RETRY_AFTER),
        webhook_delivery: text(&response, &WEBHOOK_DELIVERY),
        body: Vec::new(),
    };
    let ends_with_connection = ends_with_connection(&response);
    while answer.body.len() < MAX_RESPONSE_BYTES {
        match response.chunk().await {
            Ok(Some(chunk)) => {
                let room = MAX_RESPONSE_BYTES - answer.body.len();
                answer.body.extend_from_slice(chunk.get(..room).unwrap_or(&chunk));
            }
            Ok(None) => break,
            Err(error) if ends_with_connection && failure::is_unexpected_eof(&error) => break,
            Err(error) => return Err(error),
        }
    }
    Ok(answer)
}

/// The first value of a header, if it is text.
fn text(response: &Response, name: &HeaderName) -> Option<String> {
    response.headers().get(name)?.to_str().ok().map(str::to_owned)
}

/// RFC 9112, section 6.3: a body of no stated length ends with the connection. Many servers drop such a connection
/// without the closing message of TLS, which is no reason to doubt an answer that says nothing of its length.
fn ends_with_connection(response: &Response) -> bool {
    let headers = response.headers();
    response.version() < Version::HTTP_2
        && !headers.contains_key(header::CONTENT_LENGTH)
        && !headers.contains_key(header::TRANSFER_ENCODING)
}
