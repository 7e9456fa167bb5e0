//! A test of an endpoint: sent, waited for, shown.

use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;

use super::Which;
use crate::client::wire::MessageAttempt;
use crate::client::{Client, Explain as _, Seen};
use crate::commands::Context;
use crate::failure::{Failure, Kind};
use crate::output::{Progress, status};

/// How often it is looked at.
const INTERVAL: Duration = Duration::from_millis(300);

/// Which endpoint, and how.
#[derive(Args)]
pub(crate) struct Test {
    #[command(flatten)]
    which: Which,
    /// Send the example of this type; only where the profile has no ping of its own
    #[arg(long, value_name = "TYPE")]
    event_type: Option<String>,
    /// Seconds to wait for the attempt, a day's at most
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u64).range(..=86_400))]
    wait: u64,
}

pub(super) async fn run(context: &Context<'_>, client: &Client, test: Test) -> Result<(), Failure> {
    let Which { organization, endpoint } = &test.which;
    let sent = client.ping(organization, endpoint, test.event_type.as_deref()).await;
    let message = sent.explain(|| format!("No test was sent to {endpoint}."))?.id;
    let Some(attempt) = first_attempt(client, organization, &message, Duration::from_secs(test.wait)).await? else {
        return Err(Failure::new(
            Kind::Unwell,
            format!("The test {message} was sent, and no attempt has ended in {} s.", test.wait),
        )
        .because("it waits: for the endpoint's rate limit or line, while it is failing, or behind much else")
        .try_this(format!("hookbell messages story {organization} {message}")));
    };
    context.output.record(&json!({ "id": message, "attempt": attempt.raw }))?;
    let it = attempt.it;
    let answer =
        if it.response_status_code == 0 { "no answer".to_owned() } else { it.response_status_code.to_string() };
    let line = format!("{}  {answer} in {} ms from {}", status(&it.status_text), it.response_duration_ms, it.url);
    context.output.line(&line)?;
    if !it.response.is_empty() {
        context.output.line(&format!("  {}", it.response))?;
    }
    if it.status_text == "success" {
        return Ok(());
    }
    Err(Failure::new(Kind::Unwell, "The test was not delivered.")
        .because("hookbell tries it again on the profile's schedule")
        .try_this(format!("hookbell messages story {organization} {message}")))
}

/// Waits for the end of the first attempt.
async fn first_attempt(
    client: &Client,
    organization: &str,
    message: &str,
    patience: Duration,
) -> Result<Option<Seen<MessageAttempt>>, Failure> {
    let progress = Progress::of(None);
    let end = Instant::now() + patience;
    while Instant::now() < end {
        progress.at(0, format!("{message} is on its way"));
        match client.attempts(organization, message).await {
            Ok(attempts) => {
                let ended =
                    |attempt: &Seen<MessageAttempt>| matches!(attempt.it.status_text.as_str(), "success" | "fail");
                if let Some(attempt) = attempts.into_iter().find(ended) {
                    return Ok(Some(attempt));
                }
            }
            // A message is there for its readers a moment after it was accepted.
            Err(failure) if failure.refusal(404).is_some() => {}
            Err(failure) => {
                return Err(failure.explained(format!("The test {message} was sent, and cannot be followed.")));
            }
        }
        tokio::time::sleep(INTERVAL).await;
    }
    Ok(None)
}
