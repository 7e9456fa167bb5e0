//! Deliveries as they happen: the newest page of each endpoint, looked at again and again.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use super::Context;
use super::deliveries::{answer, outcome};
use crate::client::wire::Delivery;
use crate::client::{Client, Explain as _, Range, Seen};
use crate::failure::Failure;
use crate::output::{Output, note};
use crate::times::{from_now, shown};

/// How many endpoints are looked at at once.
const AT_ONCE: usize = 4;

/// Deliveries that one look at an endpoint shows.
const PAGE: usize = 20;

/// What to look at.
#[derive(Args)]
pub(crate) struct Tail {
    /// The organization's id
    #[arg(value_name = "ORG")]
    organization: String,
    /// Only this endpoint
    #[arg(long, value_name = "ENDPOINT")]
    endpoint: Option<String>,
    /// Only attempts that failed, and deliveries that ended without success
    #[arg(long)]
    failed: bool,
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 2.0)]
    interval: f64,
}

/// The deliveries of an endpoint's newest page, and how far each was.
type Known = BTreeMap<String, (String, u32)>;

/// Whoever watches, and what was seen so far.
struct Watch<'a> {
    client: &'a Client,
    organization: &'a str,
    /// Nothing before the first look.
    known: Option<BTreeMap<String, Known>>,
    /// What went wrong at the last look, so that it is told once.
    trouble: Option<String>,
}

pub(crate) async fn run(context: &Context<'_>, tail: Tail) -> Result<(), Failure> {
    let interval = Duration::try_from_secs_f64(tail.interval.max(0.2))
        .map_err(|error| Failure::usage("--interval is no number of seconds.").because(error))?;
    let client = context.connection.client().await?;
    let mut end = std::pin::pin!(tokio::signal::ctrl_c());
    let mut watch = Watch { client: &client, organization: &tail.organization, known: None, trouble: None };
    loop {
        let is_first = watch.known.is_none();
        match watch.look(tail.endpoint.as_ref()).await {
            Ok(news) => {
                if is_first {
                    let count = watch.known.as_ref().map_or(0, BTreeMap::len);
                    note(&format!("Watching {count} endpoints of {}. Ctrl-C ends it.", tail.organization));
                }
                watch.trouble = None;
                let wanted = news.iter().filter(|delivery| !tail.failed || went_wrong(&delivery.it));
                wanted.into_iter().try_for_each(|delivery| line(context.output, delivery))?;
            }
            Err(failure) if is_first => return Err(failure),
            // It goes on: whoever watches wants to see the end of the trouble.
            Err(failure) => watch.tell(failure.text()),
        }
        tokio::select! {
            () = tokio::time::sleep(interval) => {}
            Ok(()) = &mut end => return Ok(()),
        }
    }
}

impl Watch<'_> {
    /// Looks at every endpoint once: what is new since the last look, the oldest first. What was there before the first
    /// one is no news.
    async fn look(&mut self, only: Option<&String>) -> Result<Vec<Seen<Delivery>>, Failure> {
        let (client, organization) = (self.client, self.organization);
        let endpoints = match only {
            Some(endpoint) => vec![endpoint.clone()],
            None => endpoints(client, organization).await?,
        };
        let pages = stream::iter(endpoints).map(|endpoint| page(client, organization, endpoint));
        let pages: Vec<_> = pages.buffer_unordered(AT_ONCE).collect().await;
        let pages: Vec<_> = pages.into_iter().collect::<Result<_, Failure>>()?;
        let is_first = self.known.is_none();
        let mut before = self.known.take().unwrap_or_default();
        let mut now = BTreeMap::new();
        let mut news = Vec::new();
        for (endpoint, page) in pages {
            let mut known = before.remove(&endpoint).unwrap_or_default();
            news.extend(fresh(&mut known, page));
            now.insert(endpoint, known);
        }
        self.known = Some(now);
        news.sort_by_key(|delivery| delivery.it.updated_at);
        Ok(if is_first { Vec::new() } else { news })
    }

    fn tell(&mut self, trouble: String) {
        if self.trouble.as_ref() != Some(&trouble) {
            note(&trouble);
        }
        self.trouble = Some(trouble);
    }
}

async fn endpoints(client: &Client, organization: &str) -> Result<Vec<String>, Failure> {
    let endpoints = client.endpoints(organization).await;
    let endpoints = endpoints.explain(|| format!("The endpoints of {organization} could not be listed."))?;
    Ok(endpoints.into_iter().map(|endpoint| endpoint.it.endpoint_id).collect())
}

async fn page(client: &Client, organization: &str, endpoint: String) -> Result<(String, Vec<Seen<Delivery>>), Failure> {
    let page = client.deliveries(organization, &endpoint, &Range::default(), PAGE).next().await;
    let page = page.explain(|| format!("The deliveries of {endpoint} could not be looked at."))?;
    Ok((endpoint, page.unwrap_or_default()))
}

/// What is new on a page, or has gone on since. From then on it is known.
fn fresh(known: &mut Known, page: Vec<Seen<Delivery>>) -> Vec<Seen<Delivery>> {
    let state = |delivery: &Delivery| (delivery.status.clone(), delivery.attempt_count);
    let now = page.iter().map(|delivery| (delivery.it.delivery_id.clone(), state(&delivery.it))).collect();
    let before = std::mem::replace(known, now);
    let is_fresh = |delivery: &Seen<Delivery>| before.get(&delivery.it.delivery_id) != Some(&state(&delivery.it));
    page.into_iter().filter(is_fresh).collect()
}

fn went_wrong(delivery: &Delivery) -> bool {
    delivery.skipped.is_some() || matches!(delivery.status.as_str(), "failed" | "exhausted")
}

fn line(output: Output, delivery: &Seen<Delivery>) -> Result<(), Failure> {
    output.raw(&delivery.raw)?;
    let it = &delivery.it;
    let attempt = it
        .attempts
        .last()
        .map(|attempt| format!("attempt {}  {}  {} ms", attempt.attempt_no, answer(attempt), attempt.latency_ms));
    let next = it.next_at().map(|at| format!("next {}", from_now(at, Timestamp::now())));
    let parts = [Some(shown(it.updated_at)), Some(outcome(it)), Some(it.event_type.clone()), attempt, next];
    let ids = format!("{} {} {}", it.webhook_id, it.endpoint_id, it.delivery_id);
    output.line(&parts.into_iter().flatten().chain([ids]).collect::<Vec<_>>().join("  "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(states: &[(&str, &str, u32)]) -> Vec<Seen<Delivery>> {
        let entry = |(id, status, count): &(&str, &str, u32)| {
            serde_json::json!({
                "deliveryId": id, "webhookId": "msg_1", "endpointId": "whe_1", "eventType": "a", "status": status,
                "attemptCount": count, "attempts": [], "createdAt": "2026-05-30T00:00:00Z",
                "updatedAt": "2026-05-30T00:00:00Z",
            })
        };
        let entries: Vec<_> = states.iter().map(entry).collect();
        serde_json::from_str(&serde_json::to_string(&entries).unwrap()).unwrap()
    }

    #[test]
    fn what_is_new_or_has_gone_on_is_news_once() {
        let mut known = Known::new();
        let mut check = |states: &[(&str, &str, u32)], expected: &[&str]| {
            let news = fresh(&mut known, page(states));
            assert_eq!(news.iter().map(|delivery| delivery.it.delivery_id.as_str()).collect::<Vec<_>>(), expected);
        };
        check(&[("dlv_1", "failed", 1)], &["dlv_1"]);
        check(&[("dlv_1", "failed", 1)], &[]);
        check(&[("dlv_2", "delivered", 1), ("dlv_1", "failed", 2)], &["dlv_2", "dlv_1"]);
        check(&[("dlv_2", "delivered", 1), ("dlv_1", "exhausted", 2)], &["dlv_1"]);
    }
}
