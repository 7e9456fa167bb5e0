//! What came of a message: its attempts, and the deliveries that were skipped, the latest first.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use askama::Template;
use axum::extract::{Extension, Path, Query, State};
use axum::response::Response;
use hookbell_domain::time::after;
use jiff::Timestamp;

use super::pages::show;
use super::show::{Badge, Moment, span};
use super::visit::Visit;
use crate::attempts::{self, AttemptView, Followed, Skipped};
use crate::error::ApiError;
use crate::state::Api;

/// Rows on one page. Each may show a kilobyte of an answer.
const ROWS: usize = 40;

/// How long a new message's page looks again by itself, while nothing is known of its attempts.
const NEW: Duration = Duration::from_secs(15);

/// For how long after it last moved a delivery is looked at again.
const STILL: Duration = Duration::from_mins(2);

/// What came of a message, as far as it is on this page.
#[derive(Template)]
#[template(path = "console/attempts.html")]
pub(super) struct Attempts {
    /// The organization's path.
    root: String,
    message: String,
    /// Whether it was to go anywhere.
    has_endpoints: bool,
    /// The latest first.
    rows: Vec<Row>,
    /// How many there are later than these.
    skipped: usize,
    /// How many to skip for those before.
    earlier: Option<usize>,
    /// Whether to look again.
    goes_on: bool,
}

/// One thing that came of it.
enum Row {
    Made(AttemptRow),
    Skipped(SkippedRow),
}

/// One attempt.
pub(super) struct AttemptRow {
    pub(super) id: String,
    pub(super) status: Badge,
    pub(super) url: String,
    pub(super) at: Moment,
    /// The answer's, if there was an answer.
    pub(super) http_status: Option<u16>,
    pub(super) duration: String,
    pub(super) trigger: &'static str,
    pub(super) endpoint: String,
    /// What was answered, or what went wrong.
    pub(super) response: String,
    ended: bool,
    failed: bool,
}

/// A delivery that was not attempted (further).
struct SkippedRow {
    delivery: String,
    endpoint: String,
    /// Nothing where the endpoint is gone.
    url: Option<String>,
    at: Moment,
}

impl AttemptRow {
    pub(super) fn new(at: Timestamp, attempt: AttemptView, now: Timestamp) -> Self {
        Self {
            ended: has_ended(&attempt),
            failed: attempt.status == 2,
            id: attempt.id,
            status: Badge::of_attempt(attempt.status),
            url: attempt.url,
            at: Moment::new(at, now),
            http_status: Some(attempt.response_status_code).filter(|status| *status != 0),
            duration: span(Duration::from_millis(attempt.response_duration_ms)),
            trigger: if attempt.trigger_type == 0 { "Scheduled" } else { "Manual" },
            endpoint: attempt.endpoint_id.to_string(),
            response: attempt.response,
        }
    }

    /// Whether it is over.
    pub(super) fn has_ended(&self) -> bool {
        self.ended
    }

    /// Whether it has failed.
    pub(super) fn has_failed(&self) -> bool {
        self.failed
    }
}

fn has_ended(attempt: &AttemptView) -> bool {
    matches!(attempt.status, 0 | 2)
}

impl SkippedRow {
    fn new(skipped: Skipped, now: Timestamp) -> Self {
        Self {
            delivery: skipped.id.to_string(),
            endpoint: skipped.endpoint_id.to_string(),
            url: skipped.url,
            at: Moment::new(skipped.at, now),
        }
    }
}

/// `GET …/messages/{message}/attempts?skip`: how they go, for the message's page.
pub(super) async fn list(
    State(api): State<Arc<Api>>,
    Extension(visit): Extension<Visit>,
    Path((organization, message)): Path<(String, String)>,
    Query(query): Query<HashMap<String, String>>,
) -> Result<Response, ApiError> {
    let followed = Box::pin(attempts::read(&api, &organization, &message)).await?;
    show(&Attempts::new(visit.organization(&organization), followed, &query, Timestamp::now()))
}

impl Attempts {
    pub(super) fn new(root: String, followed: Followed, query: &HashMap<String, String>, now: Timestamp) -> Self {
        let Followed { message, attempts, skipped: ended } = followed;
        let moves = |at: Timestamp| now < after(at, STILL);
        let attempts = attempts.into_iter().map(|(at, attempt)| {
            let goes_on = !has_ended(&attempt) && moves(at);
            (at, goes_on, Row::Made(AttemptRow::new(at, attempt, now)))
        });
        let ended = ended.into_iter().map(|each| (each.at, false, Row::Skipped(SkippedRow::new(each, now))));
        let mut all: Vec<(Timestamp, bool, Row)> = attempts.chain(ended).collect();
        all.sort_by_key(|(at, ..)| std::cmp::Reverse(*at));
        let is_new = all.is_empty() && now < after(message.id.created_at(), NEW);
        let skipped = skip(query.get("skip").map_or("", String::as_str), all.len());
        let earlier = Some(skipped + ROWS).filter(|earlier| *earlier < all.len());
        let shown: Vec<(Timestamp, bool, Row)> = all.into_iter().skip(skipped).take(ROWS).collect();
        let has_endpoints = !message.endpoint_ids.is_empty();
        Self {
            root,
            message: message.id.to_string(),
            has_endpoints,
            skipped,
            earlier,
            goes_on: is_new && has_endpoints || shown.iter().any(|(_, goes_on, _)| *goes_on),
            rows: shown.into_iter().map(|(.., row)| row).collect(),
        }
    }
}

/// How many of so many rows stand before the page that an address asks for: the last page, where it asks for more.
fn skip(asked: &str, rows: usize) -> usize {
    let last_page = rows.saturating_sub(1) / ROWS * ROWS;
    asked.parse().unwrap_or(0).min(last_page)
}

#[cfg(test)]
mod tests {
    use hookbell_domain::ids::{DeliveryId, EndpointId, MessageId};
    use hookbell_domain::message::Message;

    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_000_000 + seconds).unwrap()
    }

    /// A message to one endpoint of which nothing is known yet.
    fn followed() -> Followed {
        let endpoint = EndpointId::new(at(0), 1);
        let message = Message {
            id: MessageId::new(at(0), 2),
            organization_id: "org_1".parse().unwrap(),
            event_type: "invoice.paid".to_owned(),
            event_id: None,
            endpoint_ids: vec![endpoint],
            body: Vec::new(),
        };
        Followed { message, attempts: Vec::new(), skipped: Vec::new() }
    }

    /// An attempt that is due.
    fn due(number: usize, seconds: i64) -> (Timestamp, AttemptView) {
        let (id, url) = (format!("att_{number}"), "https://example.com".to_owned());
        let view = AttemptView {
            id,
            msg_id: MessageId::new(at(0), 2),
            endpoint_id: EndpointId::new(at(0), 1),
            url,
            timestamp: String::new(),
            status: 1,
            status_text: "pending",
            response_status_code: 0,
            response_duration_ms: 0,
            response: String::new(),
            trigger_type: 0,
        };
        (at(seconds), view)
    }

    fn skipped(seconds: i64) -> Skipped {
        let (id, endpoint_id) = (DeliveryId::new(at(seconds), 3), EndpointId::new(at(0), 1));
        Skipped { id, endpoint_id, url: None, at: at(seconds) }
    }

    fn page(followed: Followed, skip: &str, now: Timestamp) -> Attempts {
        let query = HashMap::from([("skip".to_owned(), skip.to_owned())]);
        Attempts::new("/root".to_owned(), followed, &query, now)
    }

    #[test]
    fn nobody_is_skipped_beyond_the_last_page() {
        for (asked, rows, expected) in
            [("", 100, 0), ("0", 0, 0), ("40", 0, 0), ("40", 40, 0), ("40", 41, 40), ("999", 100, 80), ("-1", 100, 0)]
        {
            assert_eq!(skip(asked, rows), expected, "{asked} of {rows}");
        }
    }

    #[test]
    fn what_is_due_is_looked_at_on_its_own_page_until_it_has_long_not_moved() {
        let all = || Followed { attempts: (0..41).map(|number| due(number, 1)).collect(), ..followed() };
        for (skip, address) in [("", "/attempts\""), ("40", "/attempts?skip=40\"")] {
            let page = page(all(), skip, at(120));
            assert!(page.goes_on);
            let html = page.render().unwrap();
            assert!(html.contains(&format!("hx-get=\"/root/messages/{}{address}", page.message)), "{html}");
            assert!(html.contains("<details id=\"att_"), "{html}");
        }
        let left = page(all(), "", at(121));
        assert!(!left.goes_on && !left.render().unwrap().contains("hx-get"));
    }

    #[test]
    fn a_skipped_delivery_has_a_row_and_its_page_goes_on_no_more() {
        let followed = Followed { skipped: (0..41).map(skipped).collect(), ..followed() };
        let latest = page(followed, "", at(1));
        assert_eq!((latest.rows.len(), latest.earlier, latest.goes_on), (40, Some(40), false));
        assert!(matches!(&latest.rows[0], Row::Skipped(row) if row.at.iso == "1970-01-12T13:47:20.000Z"));
    }

    #[test]
    fn a_new_messages_page_looks_again_for_a_while_unless_it_goes_nowhere() {
        assert!(page(followed(), "", at(14)).goes_on);
        assert!(!page(followed(), "", at(15)).goes_on);
        let mut nowhere = followed();
        nowhere.message.endpoint_ids.clear();
        assert!(!page(nowhere, "", at(1)).goes_on);
    }
}
