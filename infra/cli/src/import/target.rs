//! hookbell's API, as far as an import needs it.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use hookbell_domain::profile::Profile;
use serde_json::{Value, json};

use super::obstacles::{Catalogue, Limits};
use super::plan::Existing;
use crate::client::{ApiFailure, Client};

type Answer<T> = Result<T, ApiFailure>;

/// Secrets of an organization that are read at once.
const SECRETS_AT_ONCE: usize = 4;

/// The deployment that endpoints come to.
pub(crate) struct Target {
    client: Client,
    limits: Limits,
    /// The profiles that it has, as far as its description says.
    profiles: Vec<String>,
    /// What was read of catalogues, by their profiles.
    catalogues: Mutex<BTreeMap<String, Arc<Catalogue>>>,
}

/// An organization as it is there.
pub(crate) struct Has {
    /// Its profile, where the key may know it.
    pub(crate) profile: Option<String>,
    /// What its endpoints can subscribe to, where that is known.
    pub(crate) catalogue: Option<Arc<Catalogue>>,
    /// Its endpoints.
    pub(crate) endpoints: Vec<Existing>,
}

impl Target {
    /// The deployment behind a client.
    pub(crate) async fn new(client: Client) -> Answer<Self> {
        let description = client.description().await?;
        let names = description.pointer("/components/schemas/Organization/properties/profile/enum");
        let names = names.and_then(Value::as_array).into_iter().flatten();
        Ok(Self {
            client,
            limits: Limits::of(&description),
            profiles: names.filter_map(Value::as_str).map(str::to_owned).collect(),
            catalogues: Mutex::default(),
        })
    }

    /// Its limits.
    pub(crate) fn limits(&self) -> Limits {
        self.limits
    }

    /// Why a profile cannot be had.
    pub(crate) fn no_profile(&self, wanted: &str) -> Option<String> {
        let known = self.profiles.is_empty() || self.profiles.iter().any(|known| known == wanted);
        (!known).then(|| format!("the deployment has no profile {wanted}: it has {}", self.profiles.join(", ")))
    }

    /// An organization, if it is there. Its profile is looked up where that matters.
    pub(crate) async fn organization(&self, id: &str, with_profile: bool) -> Answer<Option<Has>> {
        let endpoints = match self.client.endpoints_as(id).await {
            Ok(endpoints) => endpoints,
            Err(failure) if failure.refusal(404).is_some() => return Ok(None),
            Err(failure) => return Err(failure),
        };
        let profile = if with_profile { self.profile(id).await? } else { None };
        let catalogue = Some(self.catalogue(id, profile.as_deref()).await?);
        Ok(Some(Has { profile, catalogue, endpoints }))
    }

    /// An organization that is not there yet, as it would be: this program knows the profiles that it was built with.
    pub(crate) fn imagined(&self, profile: Option<&str>) -> Has {
        let cached = |name: &str| self.catalogues.lock().unwrap_or_else(PoisonError::into_inner).get(name).cloned();
        let built_in = |name: &str| {
            let types = Profile::named(name)?.event_types.iter().map(|known| known.name.to_owned());
            Some(Arc::new(Catalogue { profile: Some(name.to_owned()), types: types.collect() }))
        };
        let catalogue = profile.and_then(|name| cached(name).or_else(|| built_in(name)));
        Has { profile: profile.map(str::to_owned), catalogue, endpoints: Vec::new() }
    }

    /// Makes an organization.
    pub(crate) async fn initialize(&self, id: &str, profile: Option<&str>) -> Answer<Has> {
        let made = self.client.initialize(id, profile).await?.it;
        let catalogue = self.catalogue(id, Some(&made.profile)).await?;
        Ok(Has { profile: Some(made.profile), catalogue: Some(catalogue), endpoints: Vec::new() })
    }

    /// The organization's profile; only the admin key is told.
    async fn profile(&self, id: &str) -> Answer<Option<String>> {
        match self.client.organizations(Some(id), 1).next().await {
            Ok(found) => {
                let found = found.into_iter().flatten().find(|found| found.it.organization_id == id);
                Ok(found.map(|found| found.it.profile))
            }
            Err(failure) if failure.refusal(403).is_some() => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn catalogue(&self, id: &str, profile: Option<&str>) -> Answer<Arc<Catalogue>> {
        let lock = || self.catalogues.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = profile.and_then(|profile| lock().get(profile).cloned()) {
            return Ok(known);
        }
        let types = self.client.event_types(id).await?.into_iter().map(|entry| entry.it.name).collect();
        let read = Arc::new(Catalogue { profile: profile.map(str::to_owned), types });
        if let Some(profile) = profile {
            lock().insert(profile.to_owned(), Arc::clone(&read));
        }
        Ok(read)
    }

    /// The secrets of endpoints, by the endpoints' ids.
    pub(crate) async fn secrets(&self, organization: &str, endpoints: Vec<String>) -> Answer<BTreeMap<String, String>> {
        let read = stream::iter(endpoints).map(async |endpoint: String| {
            let secret = self.client.secret(organization, &endpoint).await?.it.secret;
            Ok((endpoint, secret))
        });
        read.buffer_unordered(SECRETS_AT_ONCE).try_collect().await
    }

    /// Makes an endpoint, which has a uid.
    pub(crate) async fn make(&self, organization: &str, body: &Value) -> Answer<Existing> {
        self.client.create_endpoint_with_uid(organization, body).await
    }

    /// Changes an endpoint.
    pub(crate) async fn change(&self, organization: &str, endpoint: &str, fields: &Value) -> Answer<()> {
        self.client.change_endpoint(organization, endpoint, fields).await.map(drop)
    }

    /// Gives an endpoint another secret. The present one signs on for a day.
    pub(crate) async fn roll(&self, organization: &str, endpoint: &str, secret: &str) -> Answer<()> {
        self.client.roll_secret(organization, endpoint, &json!({ "secret": secret })).await.map(drop)
    }
}
