//! What the form of an endpoint says, and the calls that say the same.

use hookbell_aws::table::StoredEndpoint;
use serde_json::Value;

use super::forms::{Body, Form};
use crate::error::ApiError;
use crate::state::{Api, sealing_failed};

/// What the fields say. There may be credentials among the headers, so it cannot be printed.
#[derive(Default)]
pub(super) struct Values {
    pub(super) description: String,
    pub(super) url: String,
    pub(super) event_types: Vec<String>,
    pub(super) ordered: bool,
    pub(super) headers: String,
    pub(super) v1a: bool,
    pub(super) svix_headers: bool,
    pub(super) rate_limit: String,
    pub(super) filter: String,
}

impl Values {
    /// What a form says.
    pub(super) fn of_form(form: &Form) -> Self {
        Self {
            description: form.text("description").to_owned(),
            url: form.text("url").to_owned(),
            event_types: form.all("eventTypes").map(str::to_owned).collect(),
            ordered: form.ticked("ordered"),
            headers: of_lines(form.text("headers")),
            v1a: form.ticked("v1a"),
            svix_headers: form.ticked("svixHeaders"),
            rate_limit: form.text("rateLimit").to_owned(),
            filter: of_lines(form.text("filter")),
        }
    }

    /// What the form of an endpoint says at first.
    pub(super) fn of_endpoint(api: &Api, stored: &StoredEndpoint) -> Result<Self, ApiError> {
        let headers = stored.open_headers(&api.keys).map_err(sealing_failed)?;
        let (endpoint, options) = (&stored.endpoint, &stored.endpoint.options);
        let lines: Vec<String> = headers.iter().map(|(name, value)| format!("{name}: {value}")).collect();
        Ok(Self {
            description: endpoint.description.as_deref().unwrap_or_default().trim().to_owned(),
            url: endpoint.url.clone(),
            event_types: endpoint.event_types.clone(),
            ordered: endpoint.ordered,
            headers: lines.join("\n"),
            v1a: options.v1a.is_some(),
            svix_headers: options.svix_headers,
            rate_limit: options.rate_limit.map(|limit| limit.per_second().to_string()).unwrap_or_default(),
            filter: options.filter.as_ref().map(|filter| of_lines(filter.text())).unwrap_or_default(),
        })
    }

    /// The call that makes an endpoint: it says what the form does not leave empty.
    pub(super) fn to_new(&self) -> Body {
        let nothing = Self::default();
        let mut call = self.to_change(&nothing);
        // What a form has to say is missed by name where it does not.
        if self.url.is_empty() {
            call.set("url", "");
        }
        if self.event_types.is_empty() {
            call.set("eventTypes", Vec::<String>::new());
        }
        call
    }

    /// The call that changes an endpoint that was shown so: it names what is not as it was, and no more. What the form
    /// leaves empty is taken away.
    pub(super) fn to_change(&self, was: &Self) -> Body {
        let mut call = Body::default();
        for (name, said, was) in [("description", &self.description, &was.description), ("url", &self.url, &was.url)] {
            if said != was {
                call.set(name, said.as_str());
            }
        }
        if sorted(&self.event_types) != sorted(&was.event_types) {
            call.set("eventTypes", self.event_types.clone());
        }
        for (name, said, was) in [
            ("ordered", self.ordered, was.ordered),
            ("v1a", self.v1a, was.v1a),
            ("svixHeaders", self.svix_headers, was.svix_headers),
        ] {
            if said != was {
                call.set(name, said);
            }
        }
        if self.headers != was.headers {
            call.set_json("headers", &headers(&self.headers));
        }
        for (name, said, was) in
            [("rateLimit", &self.rate_limit, &was.rate_limit), ("filter", &self.filter, &was.filter)]
        {
            if said != was {
                call.set_json(name, if said.is_empty() { "null" } else { said });
            }
        }
        call
    }
}

/// A text as forms send the lines of one (WHATWG HTML, "Constructing the entry list": CRLF), and fields show them.
fn of_lines(text: &str) -> String {
    text.trim().replace("\r\n", "\n")
}

fn sorted(names: &[String]) -> Vec<&str> {
    let mut sorted: Vec<&str> = names.iter().map(String::as_str).collect();
    sorted.sort_unstable();
    sorted
}

/// Headers as they are written, a line each, as a JSON object in that order. What is not goes as it is, and is refused by
/// who reads it.
fn headers(lines: &str) -> String {
    let pairs = lines.lines().map(str::trim).filter(|line| !line.is_empty()).map(|line| line.split_once(':'));
    let Some(pairs) = pairs.collect::<Option<Vec<_>>>() else { return lines.to_owned() };
    let json = |text: &str| Value::from(text.trim()).to_string();
    let members: Vec<String> =
        pairs.into_iter().map(|(name, value)| format!("{}:{}", json(name), json(value))).collect();
    format!("{{{}}}", members.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_are_written_a_line_each_and_keep_their_order() {
        assert_eq!(headers("X-B: b: c\n\n  a:e \""), r#"{"X-B":"b: c","a":"e \""}"#);
        assert_eq!(headers(""), "{}");
        assert_eq!(headers("X-A: 1\nX-A: 2"), r#"{"X-A":"1","X-A":"2"}"#, "who reads it refuses it");
        assert_eq!(headers("X-A b"), "X-A b");
    }

    fn body(call: Body) -> String {
        String::from_utf8(call.into_json().to_vec()).unwrap()
    }

    #[test]
    fn a_new_endpoint_is_what_the_form_says() {
        assert_eq!(body(Values::default().to_new()), r#"{"url":"","eventTypes":[]}"#);
        let values = Values { url: "https://example.com".to_owned(), rate_limit: "10".to_owned(), ..Values::default() };
        assert_eq!(body(values.to_new()), r#"{"url":"https://example.com","rateLimit":10,"eventTypes":[]}"#);
    }

    #[test]
    fn a_change_names_what_is_not_as_it_was_byte_for_byte() {
        let filter = r#"{"z":[1.50],"a":[12345678901234567890123]}"#;
        let was = || Values {
            description: "Billing".to_owned(),
            url: "https://example.com".to_owned(),
            event_types: vec!["b".to_owned(), "a".to_owned()],
            ordered: true,
            headers: "X-B: 1\nX-A: 2".to_owned(),
            rate_limit: "10".to_owned(),
            filter: filter.to_owned(),
            ..Values::default()
        };
        assert_eq!(body(was().to_change(&was())), "{}");
        let other_order = Values { event_types: vec!["a".to_owned(), "b".to_owned()], ..was() };
        assert_eq!(body(other_order.to_change(&was())), "{}");
        let renamed = Values { description: String::new(), ..was() };
        assert_eq!(body(renamed.to_change(&was())), r#"{"description":""}"#);
        let emptied = Values { headers: String::new(), rate_limit: String::new(), filter: String::new(), ..was() };
        assert_eq!(body(emptied.to_change(&was())), r#"{"headers":{},"rateLimit":null,"filter":null}"#);
        let filtered = Values { filter: filter.to_owned(), rate_limit: "1e".to_owned(), ..Values::default() };
        assert_eq!(body(filtered.to_change(&Values::default())), format!(r#"{{"rateLimit":"1e","filter":{filter}}}"#));
    }
}
