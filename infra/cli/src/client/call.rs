//! One call of the API, as it is written.

use std::fmt;

use reqwest::Method;
use serde::Serialize;
use url::Url;

/// A call: its method, its path, what it asks and what it says.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    method: Method,
    path: Vec<String>,
    query: Vec<(&'static str, String)>,
    body: Option<String>,
    repeatable: bool,
}

impl Call {
    /// GET.
    pub(crate) fn get(path: &[&str]) -> Self {
        Self::new(Method::GET, path, true)
    }

    /// POST, which is not made twice.
    pub(crate) fn post(path: &[&str]) -> Self {
        Self::new(Method::POST, path, false)
    }

    /// PATCH, which says how things shall be, so it may be made twice.
    pub(crate) fn patch(path: &[&str]) -> Self {
        Self::new(Method::PATCH, path, true)
    }

    /// DELETE. What a first one has taken away is not there for a second, so it is not made twice.
    pub(crate) fn delete(path: &[&str]) -> Self {
        Self::new(Method::DELETE, path, false)
    }

    fn new(method: Method, path: &[&str], repeatable: bool) -> Self {
        let path = path.iter().map(|&part| part.to_owned()).collect();
        Self { method, path, query: Vec::new(), body: None, repeatable }
    }

    /// One that comes to the same however often it is made.
    #[must_use]
    pub(crate) fn repeatable(mut self, repeatable: bool) -> Self {
        self.repeatable = repeatable;
        self
    }

    /// With a parameter, where there is a value.
    #[must_use]
    pub(crate) fn query(mut self, name: &'static str, value: Option<impl ToString>) -> Self {
        self.query.extend(value.map(|value| (name, value.to_string())));
        self
    }

    /// With a body.
    #[must_use]
    pub(crate) fn json(mut self, body: &impl Serialize) -> Self {
        self.body = serde_json::to_string(body).ok();
        self
    }

    pub(super) fn method(&self) -> &Method {
        &self.method
    }

    pub(super) fn body(&self) -> Option<&str> {
        self.body.as_deref()
    }

    pub(super) fn is_repeatable(&self) -> bool {
        self.repeatable
    }

    /// Whether each part of its path names something. A URL has no room for what is empty, `.` or `..`: the call would be
    /// another one.
    pub(super) fn is_whole(&self) -> bool {
        !self.path.iter().any(|part| matches!(part.as_str(), "" | "." | ".."))
    }

    /// Below that URL, with every part of the path as one part whatever it holds.
    pub(super) fn url(&self, base: &Url) -> Url {
        let mut url = base.clone();
        if let Ok(mut parts) = url.path_segments_mut() {
            parts.pop_if_empty().extend(&self.path);
        }
        if !self.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&self.query);
        }
        url
    }
}

/// Its method and path: what people are told of it.
impl fmt::Display for Call {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} /{}", self.method, self.path.join("/"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_of_a_path_stays_one_part_and_a_parameter_one_parameter() {
        let call = Call::get(&["organizations", "a/b?c", "webhooks"]).query("prefix", Some("x&y=1"));
        let url = call.query("limit", None::<u32>).url(&Url::parse("https://example.com/v1/").unwrap());
        assert_eq!(url.as_str(), "https://example.com/v1/organizations/a%2Fb%3Fc/webhooks?prefix=x%26y%3D1");
    }

    #[test]
    fn a_part_that_a_url_would_lose_is_none() {
        for (id, whole) in [("a", true), ("...", true), ("", false), (".", false), ("..", false)] {
            assert_eq!(Call::delete(&["organizations", id]).is_whole(), whole, "{id:?}");
        }
    }
}
