//! What callers send of an endpoint's options, checked field by field.

use std::fmt;

use hookbell_aws::random;
use hookbell_aws::table::{SealedKeyPair, Setting};
use hookbell_domain::endpoint::RateLimit;
use hookbell_domain::filter::Filter;
use hookbell_domain::headers::{CustomHeaders, HeaderLimits};
use hookbell_domain::ids::{EndpointId, OrganizationId};
use hookbell_domain::limits::Limits;
use hookbell_domain::signature::SigningKeyPair;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::error::ApiError;
use crate::fields::Fields;
use crate::state::{Api, sealing_failed};

const SWITCH: &str = "true or false";
const RATE_LIMIT: &str = "a whole number of messages a second";
const FILTER: &str = "an event pattern";

/// The options of a new endpoint.
pub(super) struct NewOptions {
    pub(super) headers: CustomHeaders,
    pub(super) v1a: bool,
    pub(super) svix_headers: bool,
    pub(super) rate_limit: Option<RateLimit>,
    pub(super) filter: Option<Filter>,
}

/// What is to become of an endpoint's options.
pub(super) struct OptionsChange {
    headers: Option<CustomHeaders>,
    v1a: Option<bool>,
    pub(super) svix_headers: Option<bool>,
    pub(super) rate_limit: Setting<RateLimit>,
    pub(super) filter: Setting<Filter>,
}

/// Names with values as they are written; a name may come twice, and is refused then.
struct Headers(Vec<(String, String)>);

/// Reads the options of a new endpoint.
pub(super) fn read_new(fields: &mut Fields, limits: &Limits) -> NewOptions {
    let headers = read_headers(fields, limits).unwrap_or_default();
    let v1a = fields.optional("v1a", SWITCH).unwrap_or(false);
    let svix_headers = fields.optional("svixHeaders", SWITCH).unwrap_or(false);
    let rate_limit = fields.optional("rateLimit", RATE_LIMIT).and_then(|limit| check_rate_limit(fields, limit));
    let filter: Option<Box<RawValue>> = fields.optional("filter", FILTER);
    let filter = filter.and_then(|filter| check_filter(fields, &filter));
    NewOptions { headers, v1a, svix_headers, rate_limit, filter }
}

/// Reads what is to become of an endpoint's options.
pub(super) fn read_change(fields: &mut Fields, limits: &Limits) -> OptionsChange {
    let headers = read_headers(fields, limits);
    let v1a = fields.optional("v1a", SWITCH);
    let svix_headers = fields.optional("svixHeaders", SWITCH);
    let rate_limit = match fields.setting("rateLimit", RATE_LIMIT) {
        Setting::Keep => Setting::Keep,
        Setting::Set(limit) => check_rate_limit(fields, limit).map_or(Setting::Keep, Setting::Set),
        Setting::Remove => Setting::Remove,
    };
    let filter = match fields.setting::<Box<RawValue>>("filter", FILTER) {
        Setting::Keep => Setting::Keep,
        Setting::Set(filter) => check_filter(fields, &filter).map_or(Setting::Keep, Setting::Set),
        Setting::Remove => Setting::Remove,
    };
    OptionsChange { headers, v1a, svix_headers, rate_limit, filter }
}

impl OptionsChange {
    /// The custom headers that replace those there are, sealed.
    pub(super) fn seal_headers(
        &self,
        api: &Api,
        organization: &OrganizationId,
        endpoint: EndpointId,
    ) -> Result<Setting<Vec<u8>>, ApiError> {
        Ok(match &self.headers {
            None => Setting::Keep,
            Some(headers) if headers.is_empty() => Setting::Remove,
            Some(headers) => {
                Setting::Set(api.keys.seal_headers(headers, organization, endpoint).map_err(sealing_failed)?)
            }
        })
    }

    /// A key pair for an endpoint that shall have one and has none yet, sealed.
    pub(super) fn seal_key_pair(
        &self,
        api: &Api,
        organization: &OrganizationId,
        endpoint: EndpointId,
    ) -> Result<Setting<SealedKeyPair>, ApiError> {
        Ok(match self.v1a {
            None => Setting::Keep,
            Some(false) => Setting::Remove,
            Some(true) => {
                let pair = new_key_pair()?;
                let sealed = api.keys.seal_key_pair(&pair, organization, endpoint).map_err(sealing_failed)?;
                Setting::Set(SealedKeyPair { sealed, public: pair.public_key() })
            }
        })
    }
}

/// A key pair that nobody has.
pub(super) fn new_key_pair() -> Result<SigningKeyPair, ApiError> {
    let seed: [u8; 32] = random::bytes()?;
    SigningKeyPair::from_seed(&seed).map_err(|_| ApiError::Unavailable)
}

fn read_headers(fields: &mut Fields, limits: &Limits) -> Option<CustomHeaders> {
    let Headers(headers) = fields.optional("headers", "an object of names and their values, each a string")?;
    let limits = HeaderLimits { count: limits.custom_headers, bytes: limits.custom_header_bytes };
    let read = CustomHeaders::new(headers, limits);
    for error in read.as_ref().err().into_iter().flatten() {
        fields.refuse("headers", error.to_string());
    }
    read.ok()
}

fn check_rate_limit(fields: &mut Fields, limit: u32) -> Option<RateLimit> {
    let read = RateLimit::new(limit);
    if read.is_none() {
        fields.refuse("rateLimit", format!("Must be from 1 to {}", RateLimit::MAX));
    }
    read
}

/// Reads a filter that has to be there.
pub(crate) fn read_filter(fields: &mut Fields) -> Option<Filter> {
    let filter: Box<RawValue> = fields.required("filter", FILTER)?;
    check_filter(fields, &filter)
}

fn check_filter(fields: &mut Fields, filter: &RawValue) -> Option<Filter> {
    let read = Filter::parse(filter.get());
    if let Err(error) = &read {
        fields.refuse("filter", error.to_string());
    }
    read.ok()
}

impl<'de> Deserialize<'de> for Headers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;

        impl<'de> Visitor<'de> for Pairs {
            type Value = Headers;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of strings")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Headers, A::Error> {
                let mut pairs = Vec::new();
                while let Some(pair) = object.next_entry()? {
                    pairs.push(pair);
                }
                Ok(Headers(pairs))
            }
        }

        deserializer.deserialize_map(Pairs)
    }
}
