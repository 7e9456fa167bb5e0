//! What is asked of a list by its page's address: filters, and which page of it.

use std::collections::HashMap;

use hookbell_domain::delivery::DeliveryStatus;
use hookbell_domain::time::iso_ms;
use jiff::Timestamp;
use jiff::civil::DateTime;

use super::show::Badge;
use crate::lists::Parameters;

/// What an address says once, and no address that it leads to says again.
const SAID_ONCE: [&str; 5] = ["cursor", "notice", "test", "since", "endpoint"];

/// The filters of a list and where its page begins, as the address says them.
#[derive(Debug, Clone, Default)]
pub(super) struct Asked(HashMap<String, String>);

/// What a filter may be set to.
#[derive(Debug)]
pub(super) struct Choice {
    /// As the address says it.
    pub(super) value: &'static str,
    /// As people read it.
    pub(super) word: &'static str,
    /// Whether it is.
    pub(super) chosen: bool,
}

/// Where a list goes on, and where it begins, as far as there is something.
#[derive(Debug)]
pub(super) struct Pager {
    /// The address of the first page.
    pub(super) newest: Option<String>,
    /// The address of the next one.
    pub(super) older: Option<String>,
}

impl Asked {
    /// Reads an address's parameters: what a form has left empty is not asked.
    pub(super) fn read(query: HashMap<String, String>) -> Self {
        let trimmed = query.into_iter().map(|(name, value)| (name, value.trim().to_owned()));
        Self(trimmed.filter(|(_, value)| !value.is_empty()).collect())
    }

    /// What is asked under a name; empty when nothing is.
    pub(super) fn get(&self, name: &str) -> &str {
        self.0.get(name).map_or("", String::as_str)
    }

    /// A time that is asked, as its field has it; what is no time stays as it was typed.
    pub(super) fn field(&self, name: &str) -> String {
        let text = self.get(name);
        as_field(text).unwrap_or_else(|| text.to_owned())
    }

    /// The same as the API's lists are asked: a time without an offset, as a field for dates gives it, is UTC.
    pub(super) fn parameters(&self) -> Parameters {
        let mut values = self.0.clone();
        for name in ["after", "before"] {
            if let Some(value) = values.get_mut(name) {
                *value = in_utc(value);
            }
        }
        Parameters::new(values)
    }

    /// Whether anything is looked for.
    pub(super) fn is_filtered(&self) -> bool {
        self.is_searched() || self.is_narrowed()
    }

    /// Whether a text is looked for.
    pub(super) fn is_searched(&self) -> bool {
        !self.get("q").is_empty()
    }

    /// Whether anything is looked for beside a text.
    pub(super) fn is_narrowed(&self) -> bool {
        ["status", "eventType", "after", "before"].iter().any(|name| !self.get(name).is_empty())
    }

    /// The links between the pages of a list at that address. `cursor` is where the next one begins.
    pub(super) fn pager(&self, address: &str, cursor: Option<&str>) -> Pager {
        let newest = (!self.get("cursor").is_empty()).then(|| self.address(address, &[]));
        Pager { newest, older: cursor.map(|cursor| self.address(address, &[("cursor", cursor)])) }
    }

    /// An address that leads to the same page of the list, or knows the way back there.
    pub(super) fn here(&self, address: &str, notice: Option<&str>) -> String {
        self.address(address, &[("cursor", self.get("cursor")), ("notice", notice.unwrap_or_default())])
    }

    /// An address with the filters, and with what more there is to say.
    fn address(&self, address: &str, more: &[(&str, &str)]) -> String {
        let filters = self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let filters = filters.filter(|(name, _)| !SAID_ONCE.contains(name));
        let mut all: Vec<(&str, &str)> =
            filters.chain(more.iter().copied().filter(|(_, value)| !value.is_empty())).collect();
        if all.is_empty() {
            return address.to_owned();
        }
        all.sort_unstable();
        format!("{address}?{}", url::form_urlencoded::Serializer::new(String::new()).extend_pairs(all).finish())
    }

    /// The states that deliveries can be looked for by.
    pub(super) fn statuses(&self) -> Vec<Choice> {
        use DeliveryStatus::{Delivered, Exhausted, Failed, Pending};
        let asked = self.get("status");
        let choice = |status: DeliveryStatus| Choice {
            value: status.as_str(),
            word: Badge::of_status(status).word,
            chosen: asked == status.as_str(),
        };
        [Delivered, Failed, Exhausted, Pending].into_iter().map(choice).collect()
    }
}

impl Pager {
    /// The same links, to that place on their pages.
    pub(super) fn at(self, place: &str) -> Self {
        let at_place = |address: String| format!("{address}#{place}");
        Self { newest: self.newest.map(at_place), older: self.older.map(at_place) }
    }
}

/// A time as a field for dates has it, which knows UTC alone; nothing for what is no time.
pub(super) fn as_field(text: &str) -> Option<String> {
    let iso = iso_ms(in_utc(text).parse().ok()?);
    let seconds = iso.trim_end_matches('Z').trim_end_matches(".000");
    Some(seconds.strip_suffix(":00").unwrap_or(seconds).to_owned())
}

/// A time as the API takes it.
pub(super) fn in_utc(text: &str) -> String {
    let civil = text.parse::<Timestamp>().is_err() && text.parse::<DateTime>().is_ok();
    if civil { format!("{text}Z") } else { text.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(pairs: &[(&str, &str)]) -> Asked {
        Asked::read(pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
    }

    #[test]
    fn a_field_for_dates_means_utc() {
        for (text, expected) in [
            ("2026-05-30T14:23", "2026-05-30T14:23Z"),
            ("2026-05-30T14:23:01", "2026-05-30T14:23:01Z"),
            ("2026-05-30T14:23:01.500Z", "2026-05-30T14:23:01.500Z"),
            ("2026-05-30T14:23+02:00", "2026-05-30T14:23+02:00"),
            ("yesterday", "yesterday"),
        ] {
            assert_eq!(in_utc(text), expected);
            assert_eq!(expected.parse::<Timestamp>().is_ok(), text != "yesterday", "{expected}");
        }
    }

    #[test]
    fn a_time_of_any_offset_is_shown_in_utc() {
        for (text, expected) in [
            ("2026-05-30T14:23", Some("2026-05-30T14:23")),
            ("2026-05-30T16:23:45+02:00", Some("2026-05-30T14:23:45")),
            ("2026-05-30T14:00:00.500Z", Some("2026-05-30T14:00:00.500")),
            ("yesterday", None),
            ("", None),
        ] {
            assert_eq!(as_field(text).as_deref(), expected);
            assert_eq!(asked(&[("after", text)]).field("after"), expected.unwrap_or(text));
        }
    }

    #[test]
    fn the_way_back_leads_to_the_same_page_of_the_list() {
        let list = asked(&[("status", "failed"), ("cursor", "x"), ("notice", "saved"), ("since", "2026-05-30T14:23")]);
        assert_eq!(list.here("/console/list", None), "/console/list?cursor=x&status=failed");
        assert_eq!(list.here("/list", Some("redelivered")), "/list?cursor=x&notice=redelivered&status=failed");
        assert_eq!(asked(&[]).here("/console/list", None), "/console/list");
    }

    #[test]
    fn the_next_page_keeps_the_filters_and_drops_what_was_said_once() {
        let list =
            asked(&[("status", "failed"), ("eventType", " a&b "), ("q", " "), ("cursor", "x"), ("notice", "saved")]);
        let pager = list.pager("/console/list", Some("y+"));
        assert_eq!(pager.older.as_deref(), Some("/console/list?cursor=y%2B&eventType=a%26b&status=failed"));
        assert_eq!(pager.newest.as_deref(), Some("/console/list?eventType=a%26b&status=failed"));
        assert_eq!(pager.at("history").newest.as_deref(), Some("/console/list?eventType=a%26b&status=failed#history"));
        assert!(list.is_filtered());
        let first = asked(&[("notice", "saved")]);
        let pager = first.pager("/console/list", None);
        assert!(pager.older.is_none() && pager.newest.is_none() && !first.is_filtered());
    }
}
