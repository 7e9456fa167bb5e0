//! One endpoint: made, changed, or left as it is, and why.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::obstacles;
use super::organization::{Manner, reasons};
use super::outcome::{Endpoint, Fate};
use super::plan::{self, Changes, Existing};
use super::record::{Record, Status};
use super::target::{Has, Target};
use crate::client::ApiFailure;
use crate::failure::Failure;

/// An organization whose endpoints are taken over one after the other.
pub(super) struct Work<'a> {
    pub(super) target: &'a Target,
    pub(super) manner: Manner,
    pub(super) organization: &'a str,
    /// What hookbell has of it, less the endpoints that had their turn.
    pub(super) has: Has,
    /// The secrets of hookbell's endpoints, by their ids.
    pub(super) secrets: BTreeMap<String, String>,
    /// The uids that were seen already.
    pub(super) seen: BTreeSet<String>,
    /// How many endpoints more may be made.
    pub(super) room: Option<usize>,
}

impl Work<'_> {
    /// Takes the next one over, or says what that would come to.
    pub(super) async fn endpoint(&mut self, mut record: Record) -> Result<Endpoint, Failure> {
        let limits = self.target.limits();
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
        let Manner { apply, disabled, .. } = self.manner;
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
        match self.target.make(self.organization, &body).await {
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
        let found = self.target.organization(self.organization, false).await;
        let endpoints = found.map_err(|failure| failure.explained(what()))?.map(|has| has.endpoints);
        let known = endpoints.into_iter().flatten().find(|known| known.uid.as_deref() == Some(&record.uid));
        let Some(known) = known else {
            shown.fate = Fate::Cannot(vec!["it was made and deleted by others at the same time".to_owned()]);
            return Ok(());
        };
        let secrets = self.target.secrets(self.organization, vec![known.endpoint_id.clone()]).await;
        self.secrets.extend(secrets.map_err(|failure| failure.explained(what()))?);
        self.change(record, &known, shown).await?;
        if shown.fate == Fate::Same {
            shown.fate = Fate::Make;
        }
        Ok(())
    }

    async fn change(&self, record: &Record, known: &Existing, shown: &mut Endpoint) -> Result<(), Failure> {
        shown.id = Some(known.endpoint_id.clone());
        let Manner { apply, keep, disabled } = self.manner;
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
        let doubt = obstacles::doubt(record, self.target.limits());
        shown.doubtful = doubt.is_some();
        shown.notes.extend(doubt);
    }

    /// The secret comes first: an endpoint that is enabled by this signs with it from its first request on.
    async fn write(&self, record: &Record, known: &Existing, changes: Changes) -> Result<(), ApiFailure> {
        let target = &self.target;
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
