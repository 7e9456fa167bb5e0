//! What the lists have in common: what may be asked of a page, the cursors between pages, and how large a page gets.

mod cursors;

use std::collections::HashMap;

use hookbell_aws::AwsError;
use hookbell_aws::sealing::Keys;
use hookbell_aws::table::{Order, Wanted};
use hookbell_domain::delivery::DeliveryStatus;
use hookbell_domain::ids::{EventId, OrganizationId, TimedId};
use jiff::Timestamp;
use utoipa::IntoParams;
use utoipa::openapi::Required;
use utoipa::openapi::path::{Parameter, ParameterIn};

use crate::error::{ApiError, FieldErrors};
use crate::openapi::words;

use cursors::{read_cursor, read_organization_cursor};

pub(crate) use cursors::{List, write_cursor, write_organization_cursor};

/// Entries of a page where the caller does not say.
const DEFAULT_PAGE: usize = 50;

/// Bytes of bodies and responses in one page. Lambda answers at most 6 MB (AWS, "Lambda quotas"), and they are escaped
/// twice on the way: as text inside our JSON, and that as text inside Lambda's. A quote becomes four bytes.
const PAGE_BYTES: usize = 1_300_000;

/// Characters of an event type that is looked for.
const EVENT_TYPE_LENGTH: usize = 256;

/// What may be asked of every list, as callers read it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read one by one, so that every mistake is told")]
pub(crate) struct PageParameters {
    /// Entries of the page, from 1 to {page-limit}. What is beyond counts as the nearest of these, what is no number
    /// as 50. A page may be shorter although there are more.
    #[param(example = 20, default = 50)]
    limit: Option<i64>,
    /// Where the page begins: the `cursor` of the page before it, unchanged. The other parameters have to be as they
    /// were for that page.
    #[param(example = "AZ5zypGgAAAAAAAAAAAAAc9fT3hXlP0q")]
    cursor: Option<String>,
    /// Only what was made then or later: ISO 8601 with an offset.
    #[param(example = "2026-05-30T00:00:00.000Z", format = "date-time")]
    after: Option<String>,
    /// Only what was made before then: ISO 8601 with an offset.
    #[param(example = "2026-05-31T00:00:00.000Z", format = "date-time")]
    before: Option<String>,
    /// Only what has this event type, whether or not the catalogue still has it.
    #[param(rename = "eventType", example = "invoice.paid", min_length = 1, max_length = 256)]
    event_type: Option<String>,
}

/// What may be asked of the list of messages besides, as callers read it.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "read one by one, so that every mistake is told")]
pub(crate) struct MessageParameters {
    /// Only what has this id of its producer's: found at once within 24 hours, and looked for in the list after that.
    #[param(
        rename = "eventId",
        example = "invoice-2071-paid",
        min_length = 1,
        max_length = 256,
        pattern = "^[A-Za-z0-9._-]+$"
    )]
    event_id: Option<String>,
}

/// What may be asked of the list of deliveries besides.
pub(crate) struct DeliveryParameters;

impl IntoParams for DeliveryParameters {
    fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
        let status = Parameter::builder().name("status").parameter_in(ParameterIn::Query);
        let status = status.description(Some("Only what has this status.")).example(Some("exhausted".into()));
        vec![status.required(Required::False).schema(Some(words::delivery_status())).build()]
    }
}

/// The parameters of a call, in which names may be repeated (the last counts) or unknown (nothing happens).
pub(crate) struct Parameters {
    values: HashMap<String, String>,
    errors: FieldErrors,
}

impl Parameters {
    pub(crate) fn new(values: HashMap<String, String>) -> Self {
        Self { values, errors: FieldErrors::new() }
    }

    /// Which page is wanted: `limit`, `cursor`, `after` and `before`.
    pub(crate) fn page<I: TimedId>(&mut self, keys: &Keys, list: List<'_>, most: usize) -> Wanted<I> {
        Wanted {
            order: Order::NewestFirst,
            after: self.time("after"),
            before: self.time("before"),
            behind: self.behind(|cursor| read_cursor(keys, list, cursor)),
            limit: self.limit(most),
        }
    }

    /// Sees to it that the key is known which the cursor names; to be called before a cursor is read.
    pub(crate) async fn meet_key(&self, keys: &Keys) -> Result<(), AwsError> {
        match self.get("cursor") {
            Some(cursor) => cursors::meet(keys, cursor).await,
            None => Ok(()),
        }
    }

    /// How many entries are wanted.
    pub(crate) fn limit(&self, most: usize) -> usize {
        self.clamped("limit", DEFAULT_PAGE, most)
    }

    /// Where the list of organizations goes on.
    pub(crate) fn behind_organization(&mut self, keys: &Keys) -> Option<OrganizationId> {
        self.behind(|cursor| read_organization_cursor(keys, cursor))
    }

    /// What the organizations' ids begin with that are looked for. Whatever an id begins with is one itself.
    pub(crate) fn id_prefix(&mut self) -> String {
        let prefix = self.get("prefix").unwrap_or_default().to_owned();
        if !prefix.is_empty() && prefix.parse::<OrganizationId>().is_err() {
            self.refuse("prefix", "Must be the beginning of an id: at most 100 of A-Z a-z 0-9 - _ . :".to_owned());
        }
        prefix
    }

    /// The status that is looked for.
    pub(crate) fn status(&mut self) -> Option<DeliveryStatus> {
        let found = DeliveryStatus::named(self.get("status")?);
        if found.is_none() {
            self.refuse("status", "Must be pending, delivered, failed or exhausted".to_owned());
        }
        found
    }

    /// The type that is looked for. It need not be in the catalogue, which may have lost it since.
    pub(crate) fn event_type(&mut self) -> Option<String> {
        let event_type = self.get("eventType")?.to_owned();
        let fits = (1..=EVENT_TYPE_LENGTH).contains(&event_type.chars().count());
        if fits && !event_type.chars().any(char::is_control) {
            return Some(event_type);
        }
        let problem = format!("Must be 1 to {EVENT_TYPE_LENGTH} characters, none of them a control character");
        self.refuse("eventType", problem);
        None
    }

    /// The producer's id of the event that is looked for.
    pub(crate) fn event_id(&mut self) -> Option<EventId> {
        let read = self.get("eventId")?.parse();
        if read.is_err() {
            self.refuse("eventId", "Must be 1 to 256 of A-Z a-z 0-9 - _ .".to_owned());
        }
        read.ok()
    }

    /// A count: what was asked for, clamped to what is allowed; the default for what is no number.
    pub(crate) fn clamped(&self, name: &str, default: usize, most: usize) -> usize {
        let asked = self.get(name).and_then(|text| text.parse::<f64>().ok()).filter(|asked| !asked.is_nan());
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts of floats saturate")]
        let asked = asked.map_or(default, |asked| asked as usize);
        asked.clamp(1, most.max(1))
    }

    /// Ends the reading: an error when anything was wrong.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        if self.errors.is_empty() { Ok(()) } else { Err(ApiError::Validation(self.errors)) }
    }

    fn behind<I>(&mut self, read: impl FnOnce(&str) -> Option<I>) -> Option<I> {
        let behind = read(self.get("cursor")?);
        if behind.is_none() {
            self.refuse("cursor", "Must be the cursor of an earlier page of this list, unchanged".to_owned());
        }
        behind
    }

    fn time(&mut self, name: &'static str) -> Option<Timestamp> {
        let time = self.get(name)?.parse().ok();
        if time.is_none() {
            self.refuse(name, "Must be an ISO-8601 time with its offset, such as 2026-05-30T14:23:00.000Z".to_owned());
        }
        time
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    fn refuse(&mut self, name: &str, problem: String) {
        self.errors.entry(name.to_owned()).or_default().push(problem);
    }
}

/// How much is left of a page's bytes.
#[derive(Debug, Default)]
pub(crate) struct PageBytes {
    taken: usize,
}

impl PageBytes {
    /// Whether so many bytes have room on the page; its first entry always has.
    pub(crate) fn takes(&mut self, bytes: usize) -> bool {
        let first = self.taken == 0;
        // An entry takes a byte at least, or an empty first one would make room for a second.
        self.taken = self.taken.saturating_add(bytes.max(1));
        first || self.taken <= PAGE_BYTES
    }
}

#[cfg(test)]
mod tests {
    use hookbell_domain::ids::{DeliveryId, EndpointId, MessageId};

    use super::*;

    fn parameters(pairs: &[(&str, &str)]) -> Parameters {
        Parameters::new(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    fn keys() -> Keys {
        Keys::derive("0123456789abcdefghijklmnopqrstuvwxyzABCD").unwrap()
    }

    fn errors(parameters: Parameters) -> Vec<String> {
        match parameters.finish() {
            Err(ApiError::Validation(fields)) => fields.into_keys().collect(),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_limit_is_clamped_and_never_refused_for_its_size() {
        assert_eq!(parameters(&[]).clamped("limit", 50, 100), 50);
        let nines = "9".repeat(400);
        for (asked, expected) in [("0", 1), ("-5", 1), ("7", 7), ("5000", 100), (&nines, 100), ("many", 50), ("", 50)] {
            assert_eq!(parameters(&[("limit", asked)]).clamped("limit", 50, 100), expected, "{asked:?}");
        }
    }

    #[test]
    fn every_wrong_parameter_is_named_at_once_and_unknown_ones_are_not() {
        let long = "x".repeat(257);
        let mut wrong = parameters(&[
            ("cursor", "x"),
            ("after", "yesterday"),
            ("before", "2026-05-30T14:23:00"),
            ("status", "skipped"),
            ("eventType", &long),
            ("limit", "none"),
            ("surprise", "1"),
        ]);
        let endpoint = EndpointId::new(Timestamp::UNIX_EPOCH, 1);
        let page: Wanted<DeliveryId> = wrong.page(&keys(), List::Deliveries(endpoint), 100);
        assert_eq!((wrong.status(), wrong.event_type(), page.behind), (None, None, None));
        assert_eq!(errors(wrong), ["after", "before", "cursor", "eventType", "status"]);
        for event_type in ["", "a\nb"] {
            let mut wrong = parameters(&[("eventType", event_type)]);
            assert_eq!(wrong.event_type(), None);
            assert_eq!(errors(wrong), ["eventType"]);
        }
    }

    #[test]
    fn organizations_are_looked_for_by_what_their_ids_begin_with() {
        for prefix in ["", "o", "org:7.f-3_k", &"x".repeat(100)] {
            let mut right = parameters(&[("prefix", prefix)]);
            assert_eq!((right.id_prefix().as_str(), right.finish().is_ok()), (prefix, true));
        }
        assert_eq!(parameters(&[]).id_prefix(), "");
        for prefix in ["org 1", "é", "a#b", &"x".repeat(101)] {
            let mut wrong = parameters(&[("prefix", prefix), ("cursor", "x")]);
            assert_eq!(wrong.behind_organization(&keys()), None);
            wrong.id_prefix();
            assert_eq!(errors(wrong), ["cursor", "prefix"]);
        }
    }

    #[test]
    fn times_are_taken_with_any_offset() {
        let mut right = parameters(&[("after", "2026-05-30T16:23:00+02:00"), ("before", "2026-05-30 14:23:00.5Z")]);
        let organization = "org_1".parse().unwrap();
        let page: Wanted<MessageId> = right.page(&keys(), List::Messages(&organization), 100);
        assert_eq!(page.after, Some("2026-05-30T14:23:00Z".parse().unwrap()));
        assert_eq!(page.before, Some("2026-05-30T14:23:00.5Z".parse().unwrap()));
        assert!(right.finish().is_ok());
    }

    #[test]
    fn a_page_takes_bytes_up_to_its_end_and_one_entry_always() {
        let mut page = PageBytes::default();
        assert!(page.takes(PAGE_BYTES * 2));
        assert!(!page.takes(0));
        let mut page = PageBytes::default();
        assert!(page.takes(PAGE_BYTES - 1) && page.takes(1));
        assert!(!page.takes(1));
    }
}
