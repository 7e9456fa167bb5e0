//! An endpoint's options, as they are given on the command line.

use clap::Args;
use serde_json::{Map, Value};

use super::Which;
use crate::commands::send::{read_json, read_text};
use crate::failure::Failure;

/// A new endpoint.
#[derive(Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(crate) struct New {
    /// The organization's id
    #[arg(value_name = "ORG")]
    pub(super) organization: String,
    /// Where requests go: https://…
    #[arg(long)]
    url: String,
    /// A type that it gets, any number of times; without it all of them
    #[arg(long = "event-type", value_name = "TYPE", default_value = "*", hide_default_value = true)]
    event_types: Vec<String>,
    /// One message at a time, in order
    #[arg(long)]
    ordered: bool,
    /// Sign by ed25519 too
    #[arg(long)]
    v1a: bool,
    /// Send the svix- headers too
    #[arg(long)]
    svix_headers: bool,
    #[command(flatten)]
    common: Common,
    /// The signing secret that its receiver has already; better @FILE or -, which nobody else sees
    #[arg(long, value_name = "whsec_…|@FILE")]
    secret: Option<String>,
    /// Make it disabled
    #[arg(long)]
    disabled: bool,
    /// Print the signing secret too
    #[arg(long)]
    pub(super) show_secret: bool,
}

/// What is to become of an endpoint.
#[derive(Args)]
pub(crate) struct Changes {
    #[command(flatten)]
    pub(super) which: Which,
    /// Where requests go: https://…
    #[arg(long)]
    url: Option<String>,
    /// A type that it gets from now on, any number of times; they replace those there are; * is all of them
    #[arg(long = "event-type", value_name = "TYPE")]
    event_types: Vec<String>,
    /// One message at a time, in order
    #[arg(long, value_name = "true|false")]
    ordered: Option<bool>,
    /// Sign by ed25519 too
    #[arg(long, value_name = "true|false")]
    v1a: Option<bool>,
    /// Send the svix- headers too
    #[arg(long, value_name = "true|false")]
    svix_headers: Option<bool>,
    #[command(flatten)]
    common: Common,
    /// Take away the limit of messages a second
    #[arg(long, conflicts_with = "rate_limit")]
    no_rate_limit: bool,
    /// Take away its own headers
    #[arg(long, conflicts_with = "headers")]
    no_headers: bool,
    /// Take away the filter
    #[arg(long, conflicts_with = "filter")]
    no_filter: bool,
}

/// What both may have.
#[derive(Args)]
struct Common {
    /// What to say of it
    #[arg(long)]
    description: Option<String>,
    /// What it is called elsewhere; no two endpoints of an organization have the same
    #[arg(long)]
    uid: Option<String>,
    /// Messages a second that it gets at most; what is over that waits
    #[arg(long, value_name = "N")]
    rate_limit: Option<u32>,
    /// Which messages it gets, by what is in them: an event pattern
    #[arg(long, value_name = "JSON|@FILE")]
    filter: Option<String>,
    /// A header that its requests carry besides, any number of times; they replace those there are
    #[arg(long = "header", value_name = "NAME: VALUE")]
    headers: Vec<String>,
}

/// A header's name and value. A failure does not repeat them, because a value may be a password.
fn header(text: &str) -> Result<(String, Value), Failure> {
    let (name, value) = text.split_once(':').ok_or_else(|| {
        Failure::usage("A header has no colon between its name and its value.").try_this("--header 'Name: value'")
    })?;
    Ok((name.trim().to_owned(), value.trim().into()))
}

/// A body with what is set.
#[derive(Default)]
struct Body(Map<String, Value>);

impl Body {
    fn set(&mut self, name: &str, value: Option<impl Into<Value>>) {
        self.0.extend(value.map(|value| (name.to_owned(), value.into())));
    }

    fn set_common(&mut self, common: &Common) -> Result<(), Failure> {
        self.set("description", common.description.clone());
        self.set("uid", common.uid.clone());
        self.set("rateLimit", common.rate_limit);
        if let Some(filter) = &common.filter {
            let filter = read_json(filter)?;
            self.set("filter", serde_json::from_str::<Value>(filter.get()).ok());
        }
        if !common.headers.is_empty() {
            let headers = common.headers.iter().map(|text| header(text)).collect::<Result<_, _>>()?;
            self.set("headers", Some(Value::Object(headers)));
        }
        Ok(())
    }
}

impl New {
    /// It as a call's body.
    pub(super) fn body(&self) -> Result<Value, Failure> {
        let mut body = Body::default();
        body.set("url", Some(self.url.clone()));
        body.set("eventTypes", Some(self.event_types.clone()));
        body.set("ordered", self.ordered.then_some(true));
        body.set("v1a", self.v1a.then_some(true));
        body.set("svixHeaders", self.svix_headers.then_some(true));
        body.set("secret", self.secret.as_deref().map(read_text).transpose()?);
        body.set("status", self.disabled.then_some("disabled"));
        body.set_common(&self.common)?;
        Ok(Value::Object(body.0))
    }
}

impl Changes {
    /// They as a call's body.
    pub(super) fn body(&self) -> Result<Value, Failure> {
        let mut body = Body::default();
        body.set("url", self.url.clone());
        body.set("eventTypes", (!self.event_types.is_empty()).then(|| self.event_types.clone()));
        body.set("ordered", self.ordered);
        body.set("v1a", self.v1a);
        body.set("svixHeaders", self.svix_headers);
        body.set_common(&self.common)?;
        body.set("rateLimit", self.no_rate_limit.then_some(Value::Null));
        body.set("headers", self.no_headers.then(|| Value::Object(Map::new())));
        body.set("filter", self.no_filter.then_some(Value::Null));
        if body.0.is_empty() {
            return Err(
                Failure::usage("Nothing was said of what to change.").try_this("hookbell endpoints update --help")
            );
        }
        Ok(Value::Object(body.0))
    }
}
