//! One organization: what the source has, what hookbell has, what has to be done, and doing it.

use std::collections::{BTreeMap, BTreeSet};

use hookbell_domain::ids::OrganizationId;
use serde_json::Value;

use super::outcome::{Endpoint, Fate, Outcome};
use super::plan::{self, Existing};
use super::record::{Record, Status};
use super::source::{self, Found, Unread};
use super::target::{Has, Target};
use super::{obstacles, plan::Changes};
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

/// An organization on its way.
struct Work<'a> {
    importer: &'a Importer,
    organization: &'a str,
    has: Has,
    secrets: BTreeMap<String, String>,
    /// The uids that were seen already.
    seen: BTreeSet<String>,
    /// How many endpoints more may be made.
    room: Option<usize>,
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
        let (importer, seen) = (self, BTreeSet::new());
        let mut work = Work { importer, organization: &organization, has, secrets, seen, room };
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

impl Work<'_> {
    /// One endpoint.
    async fn endpoint(&mut self, mut record: Record) -> Result<Endpoint, Failure> {
        let limits = self.importer.target.limits();
        obstacles::fit(&mut record, limits);
        let mut shown = Endpoint {
            uid: record.uid.clone(),
            url: record.url.clone(),
            id: None,
            fate: Fate::Same,
            doubtful: false,
            notes: std::mem::take(&mut record.notes),
        };
        let mut cannot = obstacles::of(&record, self.has.catalogue.as_deref(), limits);
        if !self.seen.insert(record.uid.clone()) {
            cannot.push("another endpoint of the organization has its uid".to_owned());
        }
        let known = self.has.endpoints.iter().position(|known| known.uid.as_deref() == Some(&record.uid));
        let known = known.map(|at| self.has.endpoints.swap_remove(at));
        if known.is_none() {
            cannot.extend(self.double(&record));
        }
        if !cannot.is_empty() {
            shown.id = known.map(|known| known.endpoint_id);
            shown.fate = Fate::Cannot(cannot);
            return Ok(shown);
        }
        match known {
            Some(known) => self.change(&record, &known, &mut shown).await?,
            None => self.make(&record, &mut shown).await?,
        }
        Ok(shown)
    }

    /// Why an endpoint would get everything twice: one at its URL is there, and it is not known whether it is the same.
    fn double(&self, record: &Record) -> Option<String> {
        let other = self.has.endpoints.iter().find(|known| known.uid.is_none() && known.url == record.url)?;
        let (id, uid, organization) = (&other.endpoint_id, &record.uid, self.organization);
        Some(format!(
            "{id} has its URL, and no uid: `hookbell endpoints update {organization} {id} --uid {uid}` says that it is \
             the same, any other uid that it is not"
        ))
    }

    async fn make(&mut self, record: &Record, shown: &mut Endpoint) -> Result<(), Failure> {
        if self.room == Some(0) {
            shown.fate = Fate::Cannot(vec![
                "the organization has as many endpoints as the deployment allows: raise its parameter EndpointLimit, \
                 or delete some"
                    .to_owned(),
            ]);
            return Ok(());
        }
        let Manner { apply, disabled, .. } = self.importer.manner;
        if let Some(why) = plan::never_enabled(record, disabled) {
            shown.fate = Fate::Cannot(vec![why]);
            return Ok(());
        }
        self.room = self.room.map(|room| room - 1);
        if record.secret.is_none() {
            shown.notes.push("it brings no secret: its receiver needs the one that hookbell makes".to_owned());
        }
        if !record.missing_headers.is_empty() {
            let names = record.missing_headers.join(", ");
            shown.notes.push(format!("the value of {names} is not told: it is disabled until it has that"));
        } else if record.status == Some(Status::Disabled) {
            shown.notes.push("disabled, as it is at the source".to_owned());
        } else if disabled {
            shown.notes.push("disabled, until it is imported without --disabled".to_owned());
        }
        shown.fate = Fate::Make;
        if !apply {
            self.doubt(record, shown);
            return Ok(());
        }
        let mut body = plan::creation(record);
        if let Some(body) = body.as_object_mut().filter(|_| disabled) {
            body.insert("status".to_owned(), "disabled".into());
        }
        match self.importer.target.make(self.organization, &body).await {
            Ok(made) => shown.id = Some(made.endpoint_id),
            // A call whose answer was lost has made it, or somebody else has.
            Err(failure) if failure.is_taken() => return self.made_meanwhile(record, shown).await,
            Err(failure) => {
                shown.fate = Fate::Cannot(self.refused(failure, record)?);
                self.room = self.room.map(|room| room + 1);
            }
        }
        Ok(())
    }

    /// Looks at an endpoint that was made while this one was to be.
    async fn made_meanwhile(&mut self, record: &Record, shown: &mut Endpoint) -> Result<(), Failure> {
        let what = || format!("The organization {} could not be looked up at hookbell.", self.organization);
        let found = self.importer.target.organization(self.organization, false).await;
        let endpoints = found.map_err(|failure| failure.explained(what()))?.map(|has| has.endpoints);
        let known = endpoints.into_iter().flatten().find(|known| known.uid.as_deref() == Some(&record.uid));
        let Some(known) = known else {
            shown.fate = Fate::Cannot(vec!["it was made and deleted by others at the same time".to_owned()]);
            return Ok(());
        };
        let secrets = self.importer.target.secrets(self.organization, vec![known.endpoint_id.clone()]).await;
        self.secrets.extend(secrets.map_err(|failure| failure.explained(what()))?);
        self.change(record, &known, shown).await?;
        if shown.fate == Fate::Same {
            shown.fate = Fate::Make;
        }
        Ok(())
    }

    async fn change(&self, record: &Record, known: &Existing, shown: &mut Endpoint) -> Result<(), Failure> {
        shown.id = Some(known.endpoint_id.clone());
        let Manner { apply, keep, disabled } = self.importer.manner;
        let record = &Record { status: record.status.filter(|_| !disabled), ..record.clone() };
        let changes = plan::changes(record, known, self.secrets.get(&known.endpoint_id).map(String::as_str));
        shown.notes.extend(plan::left_disabled(record, known));
        shown.notes.extend(plan::sent_without(record, known));
        if changes.is_empty() {
            shown.fate = Fate::Same;
            return Ok(());
        }
        if keep {
            shown.fate = Fate::Same;
            shown.notes.push(format!("hookbell has another {}, and keeps it", changes.names().join(", ")));
            return Ok(());
        }
        if changes.secret {
            shown.notes.push("the secret that it has now signs on for a day".to_owned());
        }
        shown.fate = Fate::Change(changes.names());
        if !apply {
            if changes.fields.contains_key("url") {
                self.doubt(record, shown);
            }
            return Ok(());
        }
        if let Err(failure) = self.write(record, known, changes).await {
            shown.fate = Fate::Cannot(self.refused(failure, record)?);
        }
        Ok(())
    }

    fn doubt(&self, record: &Record, shown: &mut Endpoint) {
        let doubt = obstacles::doubt(record, self.importer.target.limits());
        shown.doubtful = doubt.is_some();
        shown.notes.extend(doubt);
    }

    /// The secret comes first: an endpoint that is enabled by this signs with it from its first request on.
    async fn write(&self, record: &Record, known: &Existing, changes: Changes) -> Result<(), ApiFailure> {
        let target = &self.importer.target;
        if let Some(secret) = record.secret.as_ref().filter(|_| changes.secret) {
            target.roll(self.organization, &known.endpoint_id, secret).await?;
        }
        if !changes.fields.is_empty() {
            target.change(self.organization, &known.endpoint_id, &Value::Object(changes.fields)).await?;
        }
        Ok(())
    }

    fn refused(&self, failure: ApiFailure, record: &Record) -> Result<Vec<String>, Failure> {
        reasons(failure, || format!("The endpoint {} of {} was not taken over.", record.uid, self.organization))
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
fn reasons(failure: ApiFailure, what: impl FnOnce() -> String) -> Result<Vec<String>, Failure> {
    match failure.reasons() {
        Some(reasons) => Ok(reasons),
        None => Err(failure.explained(what())),
    }
}
