//! What owners change of their endpoints, as one conditional update.

use std::collections::{BTreeSet, HashMap};

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::{AttributeValue, TransactWriteItem, Update};
use hookbell_domain::endpoint::{Disabled, Endpoint, Health, RateLimit};
use hookbell_domain::filter::Filter;
use hookbell_domain::ids::EndpointUid;
use hookbell_domain::signature::PublicKey;
use jiff::{SignedDuration, Timestamp};

use super::keys::Key;
use super::secrets::StoredEndpoint;
use super::transactions::{is_condition, is_condition_of};
use super::{Table, ms, number, text};
use crate::AwsError;

/// What an owner changes of an endpoint; what is absent stays.
#[derive(Debug, Clone, Default)]
pub struct EndpointChange {
    /// What somebody else calls it.
    pub uid: Setting<EndpointUid>,
    /// Another URL.
    pub url: Option<String>,
    /// Another name.
    pub description: Setting<String>,
    /// Other subscriptions.
    pub event_types: Option<Vec<String>>,
    /// Another order of delivery.
    pub ordered: Option<bool>,
    /// Whether events go out to it.
    pub enabled: Option<bool>,
    /// Other custom headers, sealed.
    pub headers: Setting<Vec<u8>>,
    /// A key pair for an endpoint that has none: one that it has stays.
    pub key_pair: Setting<SealedKeyPair>,
    /// Whether the signature's headers go out under their other names too.
    pub svix_headers: Option<bool>,
    /// Another rate limit.
    pub rate_limit: Setting<RateLimit>,
    /// Another filter.
    pub filter: Setting<Filter>,
}

/// What asking for a change of an endpoint came to.
#[derive(Debug)]
pub enum ChangedEndpoint {
    /// It is like that now.
    Yes(Box<StoredEndpoint>),
    /// It has been changed or deleted since it was read.
    Stale,
    /// Another endpoint of the organization has that uid, which was to be its own.
    UidTaken(EndpointUid),
}

/// What becomes of a property that may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Setting<T> {
    /// It stays as it is.
    #[default]
    Keep,
    /// It is set to that.
    Set(T),
    /// It is taken away.
    Remove,
}

/// A key pair whose seed is sealed.
#[derive(Debug, Clone)]
pub struct SealedKeyPair {
    /// The seed.
    pub sealed: Vec<u8>,
    /// What everybody may see.
    pub public: PublicKey,
}

/// An update expression in the making. Every name in it stands behind a placeholder: `DynamoDB` reserves many.
#[derive(Debug, Default)]
struct Expression {
    set: Vec<String>,
    remove: Vec<String>,
    attributes: BTreeSet<&'static str>,
    values: HashMap<String, AttributeValue>,
}

impl Expression {
    fn set(&mut self, attribute: &'static str, value: AttributeValue) {
        self.set.push(format!("#{attribute} = :{attribute}"));
        self.attributes.insert(attribute);
        self.values.insert(format!(":{attribute}"), value);
    }

    /// Sets an attribute that is not there; one that is stays as it is.
    fn set_if_absent(&mut self, attribute: &'static str, value: AttributeValue) {
        self.set.push(format!("#{attribute} = if_not_exists(#{attribute}, :{attribute})"));
        self.attributes.insert(attribute);
        self.values.insert(format!(":{attribute}"), value);
    }

    fn remove(&mut self, attribute: &'static str) {
        if self.attributes.insert(attribute) {
            self.remove.push(format!("#{attribute}"));
        }
    }

    fn apply<T>(&mut self, attribute: &'static str, setting: &Setting<T>, value: impl Fn(&T) -> AttributeValue) {
        match setting {
            Setting::Keep => {}
            Setting::Set(to) => self.set(attribute, value(to)),
            Setting::Remove => self.remove(attribute),
        }
    }

    fn of(change: &EndpointChange, now: Timestamp) -> Self {
        let mut expression = Self::default();
        expression.set("updatedAt", ms(now));
        if let Some(url) = &change.url {
            expression.set("url", text(url));
            // Whether the place it had before worked says nothing of the new one. What the rule counts goes on until a
            // delivery arrives.
            expression.remove("failedAttempts");
            expression.remove("probeAt");
        }
        expression.apply("uid", &change.uid, |uid| text(uid.as_str()));
        expression.apply("description", &change.description, |name| text(name));
        if let Some(event_types) = &change.event_types {
            expression.set("eventTypes", AttributeValue::L(event_types.iter().map(text).collect()));
        }
        if let Some(ordered) = change.ordered {
            expression.set("ordered", AttributeValue::Bool(ordered));
        }
        match change.enabled {
            None => {}
            Some(true) => {
                expression.set("consecutiveFailures", number(0));
                for gone in ["disabledAt", "disabledReason", "disabledBy", "streakStartedAt", "failingSince"] {
                    expression.remove(gone);
                }
                expression.remove("failedAttempts");
                expression.remove("probeAt");
            }
            // An endpoint that is disabled already keeps its reason and time.
            Some(false) => expression.set_if_absent("disabledAt", ms(now)),
        }
        expression.apply("headers", &change.headers, |sealed| binary(sealed));
        match &change.key_pair {
            Setting::Keep => {}
            Setting::Set(pair) => expression.set_if_absent("keyPair", key_pair(pair)),
            Setting::Remove => expression.remove("keyPair"),
        }
        if let Some(svix_headers) = change.svix_headers {
            expression.set("svixHeaders", AttributeValue::Bool(svix_headers));
        }
        expression.apply("rateLimit", &change.rate_limit, |limit| number(limit.per_second()));
        expression.apply("filter", &change.filter, |filter| text(filter.text()));
        expression
    }

    fn text(&self) -> String {
        let set = format!("SET {}", self.set.join(", "));
        if self.remove.is_empty() { set } else { format!("{set} REMOVE {}", self.remove.join(", ")) }
    }
}

fn binary(bytes: &[u8]) -> AttributeValue {
    AttributeValue::B(Blob::new(bytes))
}

fn key_pair(pair: &SealedKeyPair) -> AttributeValue {
    let attributes = [("sealed", pair.sealed.as_slice()), ("public", pair.public.as_bytes())];
    AttributeValue::M(attributes.into_iter().map(|(name, bytes)| (name.to_owned(), binary(bytes))).collect())
}

impl EndpointChange {
    /// The endpoint as it is after the change.
    fn apply(&self, mut stored: StoredEndpoint, now: Timestamp) -> StoredEndpoint {
        let endpoint = &mut stored.endpoint;
        endpoint.updated_at = now;
        if self.url.is_some() {
            (endpoint.health.failed_attempts, endpoint.health.probe_at) = (0, None);
        }
        replace(&mut endpoint.url, self.url.as_ref());
        replace(&mut endpoint.event_types, self.event_types.as_ref());
        replace(&mut endpoint.ordered, self.ordered.as_ref());
        self.uid.apply(&mut endpoint.uid, EndpointUid::clone);
        self.description.apply(&mut endpoint.description, String::clone);
        match self.enabled {
            None => {}
            Some(true) => (endpoint.disabled, endpoint.health) = (None, Health::default()),
            Some(false) => {
                endpoint.disabled.get_or_insert(Disabled { reason: None, at: now });
            }
        }
        let options = &mut endpoint.options;
        replace(&mut options.svix_headers, self.svix_headers.as_ref());
        self.rate_limit.apply(&mut options.rate_limit, |limit| *limit);
        self.filter.apply(&mut options.filter, Filter::clone);
        if !matches!((&self.key_pair, &options.v1a), (Setting::Set(_), Some(_))) {
            self.key_pair.apply(&mut options.v1a, |pair| pair.public);
            self.key_pair.apply(&mut stored.secrets.key_pair, |pair| pair.sealed.clone());
        }
        self.headers.apply(&mut stored.secrets.headers, Vec::clone);
        stored
    }
}

impl<T> Setting<T> {
    fn apply<U>(&self, to: &mut Option<U>, value: impl Fn(&T) -> U) {
        match self {
            Self::Keep => {}
            Self::Set(from) => *to = Some(value(from)),
            Self::Remove => *to = None,
        }
    }
}

fn replace<T: Clone>(to: &mut T, from: Option<&T>) {
    if let Some(from) = from {
        to.clone_from(from);
    }
}

impl Table {
    /// Changes an endpoint that is as it was read, and gives it as it is then. Enabling clears the reason and the streak.
    /// Raises the organization's revision.
    ///
    /// # Errors
    /// When DynamoDB fails.
    pub async fn change_endpoint(
        &self,
        stored: StoredEndpoint,
        change: &EndpointChange,
        now: Timestamp,
    ) -> Result<ChangedEndpoint, AwsError> {
        let Endpoint {
            organization_id: organization, id: endpoint, updated_at: seen, ordered: was_ordered, uid, ..
        } = &stored.endpoint;
        // A later change is told by a later time.
        let now = now.max(*seen + SignedDuration::from_millis(1));
        let expression = Expression::of(change, now);
        let names = expression.attributes.iter().map(|name| (format!("#{name}"), (*name).to_owned())).collect();
        let update = Update::builder()
            .table_name(&self.name)
            .set_key(Some(Key::endpoint(organization, *endpoint).into_item()))
            .condition_expression("#updatedAt = :seen")
            .update_expression(expression.text())
            .set_expression_attribute_names(Some(names))
            .set_expression_attribute_values(Some(expression.values))
            .expression_attribute_values(":seen", ms(*seen))
            .build()
            .map_err(AwsError::sdk("TransactWriteItems"))?;
        let ordered = i32::from(change.ordered.unwrap_or(*was_ordered)) - i32::from(*was_ordered);
        let revision =
            self.organization_change(organization, 0, ordered).build().map_err(AwsError::sdk("TransactWriteItems"))?;
        let mut writes =
            vec![TransactWriteItem::builder().update(update), TransactWriteItem::builder().update(revision)];
        let new = match &change.uid {
            Setting::Set(new) if uid.as_ref() != Some(new) => Some(new),
            _ => None,
        };
        let left = uid.as_ref().filter(|_| new.is_some() || change.uid == Setting::Remove);
        let place = writes.len();
        writes.extend(new.map(|new| self.take_uid(organization, new, *endpoint)).transpose()?);
        writes.extend(left.map(|left| self.leave_uid(organization, left)).transpose()?);
        match (self.transact(writes).await, new) {
            (Ok(()), _) => Ok(ChangedEndpoint::Yes(Box::new(change.apply(stored, now)))),
            (Err(error), Some(new)) if is_condition_of(&error, place) => Ok(ChangedEndpoint::UidTaken(new.clone())),
            (Err(error), _) if is_condition(&error) => Ok(ChangedEndpoint::Stale),
            (Err(error), _) => Err(AwsError::sdk("TransactWriteItems")(error)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(change: &EndpointChange, expected: &str) {
        let expression = Expression::of(change, Timestamp::UNIX_EPOCH);
        let text = expression.text();
        assert_eq!(text, expected);
        for name in &expression.attributes {
            assert!(text.contains(&format!("#{name}")), "{name}");
        }
        for value in expression.values.keys() {
            assert!(text.contains(value), "{value}");
        }
    }

    #[test]
    fn only_what_is_named_is_changed() {
        check(&EndpointChange::default(), "SET #updatedAt = :updatedAt");
        let change = EndpointChange { filter: Setting::Remove, rate_limit: Setting::Remove, ..Default::default() };
        check(&change, "SET #updatedAt = :updatedAt REMOVE #rateLimit, #filter");
        let uid = EndpointChange { uid: Setting::Remove, ..Default::default() };
        check(&uid, "SET #updatedAt = :updatedAt REMOVE #uid");
        let change = EndpointChange { rate_limit: RateLimit::new(5).map_or(Setting::Keep, Setting::Set), ..change };
        check(&change, "SET #updatedAt = :updatedAt, #rateLimit = :rateLimit REMOVE #filter");
    }

    #[test]
    fn a_key_pair_that_is_there_stays() {
        let pair = SealedKeyPair { sealed: vec![1], public: PublicKey::from_bytes(&[2; 32]).unwrap() };
        let change = EndpointChange { key_pair: Setting::Set(pair), ..Default::default() };
        check(&change, "SET #updatedAt = :updatedAt, #keyPair = if_not_exists(#keyPair, :keyPair)");
    }
}
