//! What is new at an organization's endpoints since the last look.

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, stream};
use jiff::Timestamp;

use crate::client::wire::Delivery;
use crate::client::{ApiFailure, Client, Explain as _, Range, Seen};
use crate::failure::Failure;
use crate::output::note;

/// How many endpoints are looked at at once.
const AT_ONCE: usize = 4;

/// Deliveries that a look at an endpoint begins with; also, how many older ones that are due it looks at.
const FEW: usize = 20;

/// How many it goes back at most, where those few are all new.
const MANY: usize = 500;

/// Whoever watches, and what was seen so far.
pub(super) struct Watch<'a> {
    client: &'a Client,
    organization: &'a str,
    only: Option<&'a str>,
    known: BTreeMap<String, Known>,
}

/// The deliveries of an endpoint that a look may meet again: the newest, and those that are to be tried again.
type Known = BTreeMap<String, State>;

/// A delivery that is new, or has gone on.
#[derive(Debug, Clone)]
pub(super) struct News {
    /// As it is now.
    pub(super) delivery: Seen<Delivery>,
    /// How many attempts of it were known before.
    pub(super) known: u32,
}

/// How far a delivery was.
#[derive(Debug, Clone, PartialEq, Eq)]
struct State {
    status: String,
    attempts: u32,
    next: Option<Timestamp>,
}

impl From<&Delivery> for State {
    fn from(delivery: &Delivery) -> Self {
        Self { status: delivery.status.clone(), attempts: delivery.attempt_count, next: delivery.next_at() }
    }
}

impl<'a> Watch<'a> {
    /// Of an organization's endpoints, or of only one of them.
    pub(super) fn new(client: &'a Client, organization: &'a str, only: Option<&'a str>) -> Self {
        Self { client, organization, only, known: BTreeMap::new() }
    }

    /// The first look, before which nothing is news. Answers with the number of endpoints.
    pub(super) async fn begin(&mut self) -> Result<usize, Failure> {
        for endpoint in self.endpoints().await? {
            let (newest, _) = self.newest(&endpoint, FEW).await.explain(|| unseen(&endpoint))?;
            fresh(self.known.entry(endpoint).or_default(), newest);
        }
        Ok(self.known.len())
    }

    /// Looks at every endpoint: what is new since the last look, the oldest first.
    pub(super) async fn look(&mut self) -> Result<Vec<News>, Failure> {
        let endpoints = self.endpoints().await?;
        // An endpoint that was made since has had none before.
        let none = Known::new();
        let looks = endpoints.iter().map(|endpoint| self.at(endpoint, self.known.get(endpoint).unwrap_or(&none)));
        let looks: Vec<_> = stream::iter(looks).buffered(AT_ONCE).collect().await;
        let looks = looks.into_iter().zip(&endpoints).map(|(look, endpoint)| look.explain(|| unseen(endpoint)));
        // Where one has failed, nothing becomes known.
        let looks: Vec<_> = looks.collect::<Result<_, _>>()?;
        let mut news = Vec::new();
        for (endpoint, found) in endpoints.into_iter().zip(looks) {
            news.extend(fresh(self.known.entry(endpoint).or_default(), found));
        }
        news.sort_by_key(|news: &News| news.delivery.it.updated_at);
        Ok(news)
    }

    async fn endpoints(&self) -> Result<Vec<String>, Failure> {
        if let Some(endpoint) = self.only {
            return Ok(vec![endpoint.to_owned()]);
        }
        let endpoints = self.client.endpoints(self.organization).await;
        let endpoints = endpoints.explain(|| format!("The endpoints of {} could not be listed.", self.organization))?;
        Ok(endpoints.into_iter().map(|endpoint| endpoint.it.endpoint_id).collect())
    }

    /// What may be new at an endpoint: its newest deliveries, as far back as is needed to meet one that is known, and older
    /// ones that were due.
    async fn at(&self, endpoint: &str, known: &Known) -> Result<Vec<Seen<Delivery>>, ApiFailure> {
        let meets =
            |found: &[Seen<Delivery>]| found.iter().any(|delivery| known.contains_key(&delivery.it.delivery_id));
        let (mut found, mut has_more) = self.newest(endpoint, FEW).await?;
        if has_more && !meets(&found) {
            (found, has_more) = self.newest(endpoint, MANY).await?;
            if has_more && !meets(&found) {
                note(&format!("{endpoint} had over {MANY} deliveries since the last look: not all are shown."));
            }
        }
        for id in overdue(known, &found, Timestamp::now()) {
            match self.client.delivery(self.organization, endpoint, id).await {
                Err(failure) if failure.refusal(404).is_some() => {}
                delivery => found.push(delivery?),
            }
        }
        Ok(found)
    }

    /// The newest deliveries of an endpoint, and whether there are more.
    async fn newest(&self, endpoint: &str, wanted: usize) -> Result<(Vec<Seen<Delivery>>, bool), ApiFailure> {
        let mut pages = self.client.deliveries(self.organization, endpoint, &Range::default(), wanted);
        let mut found = Vec::new();
        while let Some(page) = pages.next().await? {
            found.extend(page);
        }
        Ok((found, pages.has_more()))
    }
}

fn unseen(endpoint: &str) -> String {
    format!("The deliveries of {endpoint} could not be looked at.")
}

/// Deliveries that are known, were due, and are not among those that were found: those longest overdue.
fn overdue<'a>(known: &'a Known, found: &[Seen<Delivery>], now: Timestamp) -> Vec<&'a str> {
    let is_due = |(_, state): &(&String, &State)| state.next.is_some_and(|next| next <= now);
    let is_new = |(id, _): &(&String, &State)| found.iter().all(|delivery| delivery.it.delivery_id != **id);
    let mut due: Vec<_> = known.iter().filter(is_due).filter(is_new).collect();
    due.sort_by_key(|(_, state)| state.next);
    due.into_iter().map(|(id, _)| id.as_str()).take(FEW).collect()
}

/// What is new of these, or has gone on since. From then on it is known, as are older ones that are to be tried again.
fn fresh(known: &mut Known, found: Vec<Seen<Delivery>>) -> Vec<News> {
    let now = found.iter().map(|delivery| (delivery.it.delivery_id.clone(), State::from(&delivery.it))).collect();
    let before = std::mem::replace(known, now);
    let news = found.into_iter().filter_map(|delivery| match before.get(&delivery.it.delivery_id) {
        Some(state) if (&state.status, state.attempts) == (&delivery.it.status, delivery.it.attempt_count) => None,
        state => Some(News { known: state.map_or(0, |state| state.attempts), delivery }),
    });
    let news = news.collect();
    for (id, state) in before {
        if state.next.is_some() {
            known.entry(id).or_insert(state);
        }
    }
    news
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// Deliveries by their ids, statuses, attempts and the second in which the next one is due.
    fn page(states: &[(&str, &str, u32, Option<i64>)]) -> Vec<Seen<Delivery>> {
        let entry = |(id, status, count, next): &(&str, &str, u32, Option<i64>)| {
            json!({
                "deliveryId": id, "webhookId": "msg_1", "endpointId": "whe_1", "eventType": "a", "status": status,
                "attemptCount": count, "attempts": [], "nextRetryAt": next, "createdAt": "2026-05-30T00:00:00Z",
                "updatedAt": "2026-05-30T00:00:00Z",
            })
        };
        let entries: Vec<_> = states.iter().map(entry).collect();
        serde_json::from_str(&serde_json::to_string(&entries).unwrap()).unwrap()
    }

    #[test]
    fn what_is_new_or_has_gone_on_is_news_once() {
        let mut known = Known::new();
        let mut check = |states: &[(&str, &str, u32)], expected: &[(&str, u32)]| {
            let states: Vec<_> = states.iter().map(|&(id, status, count)| (id, status, count, None)).collect();
            let news = fresh(&mut known, page(&states));
            let seen: Vec<_> = news.iter().map(|news| (news.delivery.it.delivery_id.as_str(), news.known)).collect();
            assert_eq!(seen, expected);
        };
        check(&[("dlv_1", "failed", 1)], &[("dlv_1", 0)]);
        check(&[("dlv_1", "failed", 1)], &[]);
        check(&[("dlv_2", "delivered", 1), ("dlv_1", "failed", 3)], &[("dlv_2", 0), ("dlv_1", 1)]);
        check(&[("dlv_2", "delivered", 1), ("dlv_1", "exhausted", 3)], &[("dlv_1", 3)]);
    }

    #[test]
    fn a_delivery_that_others_have_pushed_down_is_looked_at_when_it_is_due() {
        let mut known = Known::new();
        fresh(&mut known, page(&[("dlv_1", "failed", 1, Some(100)), ("dlv_2", "delivered", 1, None)]));
        let newer = page(&[("dlv_3", "delivered", 1, None)]);
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(overdue(&known, &newer, at(99)), Vec::<&str>::new());
        fresh(&mut known, newer.clone());
        assert_eq!(overdue(&known, &newer, at(100)), ["dlv_1"]);
        fresh(&mut known, page(&[("dlv_1", "delivered", 2, None)]));
        fresh(&mut known, newer.clone());
        assert_eq!(overdue(&known, &newer, at(100)), Vec::<&str>::new());
    }
}
