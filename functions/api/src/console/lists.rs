//! What is asked of a list by its page's address: filters, and which page of it.

use std::collections::HashMap;

use hookbell_domain::delivery::DeliveryStatus;
use jiff::Timestamp;
use jiff::civil::DateTime;

use super::show::Badge;
use crate::lists::Parameters;

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
        self.0.keys().any(|name| matches!(name.as_str(), "q" | "status" | "eventType" | "after" | "before"))
    }

    /// The links between the pages of a list at that address. `cursor` is where the next one begins.
    pub(super) fn pager(&self, address: &str, cursor: Option<&str>) -> Pager {
        let newest = (!self.get("cursor").is_empty()).then(|| self.address(address, None));
        Pager { newest, older: cursor.map(|cursor| self.address(address, Some(cursor))) }
    }

    fn address(&self, address: &str, cursor: Option<&str>) -> String {
        let mut filters: Vec<(&str, &str)> =
            self.0.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        filters.retain(|(name, _)| !matches!(*name, "cursor" | "notice" | "test"));
        filters.extend(cursor.map(|cursor| ("cursor", cursor)));
        filters.sort_unstable();
        if filters.is_empty() {
            return address.to_owned();
        }
        format!("{address}?{}", url::form_urlencoded::Serializer::new(String::new()).extend_pairs(filters).finish())
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
    fn the_next_page_keeps_the_filters_and_drops_what_was_said_once() {
        let list =
            asked(&[("status", "failed"), ("eventType", " a&b "), ("q", " "), ("cursor", "x"), ("notice", "saved")]);
        let pager = list.pager("/console/list", Some("y+"));
        assert_eq!(pager.older.as_deref(), Some("/console/list?cursor=y%2B&eventType=a%26b&status=failed"));
        assert_eq!(pager.newest.as_deref(), Some("/console/list?eventType=a%26b&status=failed"));
        assert!(list.is_filtered());
        let first = asked(&[("notice", "saved")]);
        let pager = first.pager("/console/list", None);
        assert!(pager.older.is_none() && pager.newest.is_none() && !first.is_filtered());
    }
}
