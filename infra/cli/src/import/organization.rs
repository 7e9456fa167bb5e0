//! One organization: what the source has, what hookbell has, and each of its endpoints.

use std::collections::{BTreeMap, BTreeSet};

use hookbell_domain::ids::OrganizationId;

use super::endpoint::Work;
use super::outcome::{Endpoint, Fate, Outcome};
use super::record::Record;
use super::source::{self, Found, Unread};
use super::target::{Has, Target};
use crate::client::ApiFailure;
use crate::failure::Failure;

/// How an import is done.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Manner {
    /// Whether anything is written.
    pub(crate) apply: bool,
    /// Whether what is there already stays as it is.
    pub(crate) keep: bool,
    /// Whether new endpoints are made disabled, and others' statuses left alone.
    pub(crate) disabled: bool,
}

/// Takes organizations over.
pub(crate) struct Importer {
    pub(crate) target: Target,
    pub(crate) manner: Manner,
}

impl Importer {
    /// Takes an organization over, or says what that would come to. What is refused is a part of the outcome; a failure
    /// is what the next organization would meet too.
    pub(crate) async fn import(&self, found: Found) -> Result<Outcome, Failure> {
        let organization = found.organization.clone();
        let mut outcome =
            Outcome { organization: organization.clone(), notes: found.notes.clone(), ..Outcome::default() };
        if let Err(error) = organization.parse::<OrganizationId>() {
            outcome.cannot = Some(format!("its id cannot be one of hookbell's: {error}"));
            return Ok(outcome);
        }
        let records = match source::endpoints(&found).await {
            Ok(records) => records,
            // It may have a key of its own, which is wrong.
            Err(failure) if found.has_own_key() && failure.is_denied() || failure.reasons().is_some() => {
                outcome.cannot = Some(format!("the source does not tell its endpoints: {failure}"));
                return Ok(outcome);
            }
            Err(failure) => {
                return Err(failure.explained(format!("The endpoints of {organization} could not be read.")));
            }
        };
        let Some(has) = self.organization(&found, &mut outcome).await? else { return Ok(outcome) };
        let secrets = self.secrets(&organization, &records, &has).await?;
        let room = self.target.limits().endpoints.map(|limit| limit.saturating_sub(has.endpoints.len()));
        outcome.notes.extend(gone(&records, &has));
        let (target, manner, seen) = (&self.target, self.manner, BTreeSet::new());
        let mut work = Work { target, manner, organization: &organization, has, secrets, seen, room };
        for record in records {
            outcome.endpoints.push(match record {
                Ok(record) => work.endpoint(record).await?,
                Err(Unread { uid, url, why }) => {
                    let fate = Fate::Cannot(vec![format!("the source does not tell it whole: {why}")]);
                    Endpoint { uid, url, id: None, fate, doubtful: false, notes: Vec::new() }
                }
            });
        }
        Ok(outcome)
    }

    /// The organization at hookbell, made where it is to be; nothing where it cannot be had.
    async fn organization(&self, found: &Found, outcome: &mut Outcome) -> Result<Option<Has>, Failure> {
        let (id, wanted) = (&found.organization, found.profile.as_deref());
        let has = self.target.organization(id, wanted.is_some()).await;
        let has = has.map_err(|failure| {
            failure.explained(format!("The organization {id} could not be looked up at hookbell."))
        })?;
        let Some(has) = has else { return self.new_organization(id, wanted, outcome).await };
        outcome.profile.clone_from(&has.profile);
        if let (Some(wanted), Some(profile)) = (wanted, &has.profile)
            && wanted != profile
        {
            outcome.cannot = Some(format!("it is there with the profile {profile}, and is to have {wanted}"));
            return Ok(None);
        }
        Ok(Some(has))
    }

    /// An organization that is not there yet: made, or imagined in a dry run.
    async fn new_organization(
        &self,
        id: &str,
        wanted: Option<&str>,
        outcome: &mut Outcome,
    ) -> Result<Option<Has>, Failure> {
        outcome.is_new = true;
        outcome.profile = wanted.map(str::to_owned);
        outcome.cannot = wanted.and_then(|wanted| self.target.no_profile(wanted));
        if outcome.cannot.is_some() {
            return Ok(None);
        }
        if !self.manner.apply {
            let imagined = self.target.imagined(wanted);
            if imagined.catalogue.is_none() {
                let note = "its event types are looked at once it is made: --profile names its profile before";
                outcome.notes.push(note.to_owned());
            }
            return Ok(Some(imagined));
        }
        match self.target.initialize(id, wanted).await {
            Ok(made) => {
                outcome.profile.clone_from(&made.profile);
                Ok(Some(made))
            }
            Err(failure) => {
                let why = reasons(failure, || format!("The organization {id} was not made."))?;
                outcome.cannot = Some(why.join("; "));
                Ok(None)
            }
        }
    }

    /// The secrets of those endpoints that the source has too.
    async fn secrets(
        &self,
        organization: &str,
        records: &[Result<Record, Unread>],
        has: &Has,
    ) -> Result<BTreeMap<String, String>, Failure> {
        let with_secret = records.iter().flatten().filter(|record| record.secret.is_some());
        let uids: BTreeSet<&str> = with_secret.map(|record| record.uid.as_str()).collect();
        let both = has.endpoints.iter().filter(|known| known.uid.as_deref().is_some_and(|uid| uids.contains(uid)));
        let ids = both.map(|known| known.endpoint_id.clone()).collect();
        let secrets = self.target.secrets(organization, ids).await;
        secrets.map_err(|failure| failure.explained(format!("The secrets of {organization} could not be read.")))
    }
}

/// What the source no longer has.
fn gone(records: &[Result<Record, Unread>], has: &Has) -> Option<String> {
    let uid = |record: &Result<Record, Unread>| match record {
        Ok(record) => record.uid.clone(),
        Err(unread) => unread.uid.clone(),
    };
    let there: BTreeSet<String> = records.iter().map(uid).collect();
    let gone: Vec<&str> = has.endpoints.iter().filter_map(|known| known.uid.as_deref()).collect();
    let gone: Vec<&str> = gone.into_iter().filter(|uid| !there.contains(*uid)).collect();
    (!gone.is_empty())
        .then(|| format!("the source does not have {}: hookbell keeps what it has of that", gone.join(", ")))
}

/// Why this one was refused; a failure where others would meet it too.
pub(super) fn reasons(failure: ApiFailure, what: impl FnOnce() -> String) -> Result<Vec<String>, Failure> {
    match failure.reasons() {
        Some(reasons) => Ok(reasons),
        None => Err(failure.explained(what())),
    }
}
