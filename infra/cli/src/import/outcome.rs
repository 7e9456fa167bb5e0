//! What becomes of endpoints, or has become of them: for people a table, for programs a line for each.

use serde_json::{Value, json};

use crate::failure::{Failure, Kind};
use crate::output::foreign::one_line;
use crate::output::{Output, Table, Tone, counted, painted};

/// What becomes of an endpoint.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Fate {
    /// It is made.
    Make,
    /// These of its values change.
    Change(Vec<String>),
    /// It is there, as the source has it.
    Same,
    /// It cannot be taken over, for these reasons.
    Cannot(Vec<String>),
}

/// An endpoint, and what becomes of it.
pub(crate) struct Endpoint {
    /// What the source calls it.
    pub(crate) uid: String,
    /// Where requests go.
    pub(crate) url: String,
    /// Its id at hookbell, where it has one.
    pub(crate) id: Option<String>,
    /// What becomes of it.
    pub(crate) fate: Fate,
    /// Whether it is the API's to say if its URL may be.
    pub(crate) doubtful: bool,
    /// What people should know of it.
    pub(crate) notes: Vec<String>,
}

/// An organization, and what becomes of it.
#[derive(Default)]
pub(crate) struct Outcome {
    /// Its id.
    pub(crate) organization: String,
    /// Whether it is, or was, not there before.
    pub(crate) is_new: bool,
    /// Its profile, where that is known.
    pub(crate) profile: Option<String>,
    /// Why nothing of it can be taken over.
    pub(crate) cannot: Option<String>,
    /// What people should know of it.
    pub(crate) notes: Vec<String>,
    /// Its endpoints at the source.
    pub(crate) endpoints: Vec<Endpoint>,
}

/// How many organizations and endpoints there were of each fate.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) organizations: u64,
    pub(crate) new_organizations: u64,
    pub(crate) refused_organizations: u64,
    pub(crate) make: u64,
    pub(crate) change: u64,
    pub(crate) same: u64,
    pub(crate) cannot: u64,
    pub(crate) doubtful: u64,
}

impl Endpoint {
    /// In words: of what is to be, or of what was done.
    fn told(&self, applied: bool) -> String {
        let (tone, text) = match &self.fate {
            Fate::Make => (Tone::Good, if applied { "made" } else { "make" }.to_owned()),
            Fate::Change(what) => {
                let word = if applied { "changed" } else { "change" };
                (Tone::Open, format!("{word} {}", what.join(", ")))
            }
            Fate::Same => (Tone::Faint, "same".to_owned()),
            Fate::Cannot(why) => (Tone::Bad, format!("cannot: {}", why.join("; "))),
        };
        let notes = self.notes.iter().map(|note| format!("; {note}"));
        format!("{}{}", painted(tone, &one_line(&text)), one_line(&notes.collect::<String>()))
    }

    fn json(&self, organization: &str, applied: bool) -> Value {
        let (action, what) = match &self.fate {
            Fate::Make => ("make", None),
            Fate::Change(what) => ("change", Some(("changes", what))),
            Fate::Same => ("none", None),
            Fate::Cannot(why) => ("cannot", Some(("reasons", why))),
        };
        let mut line = json!({
            "organization": organization, "uid": self.uid, "url": self.url, "action": action,
            "applied": applied && matches!(self.fate, Fate::Make | Fate::Change(_)),
        });
        if let Some(line) = line.as_object_mut() {
            line.extend(self.id.as_ref().map(|id| ("endpointId".to_owned(), json!(id))));
            line.extend(what.map(|(name, what)| (name.to_owned(), json!(what))));
            line.extend((!self.notes.is_empty()).then(|| ("notes".to_owned(), json!(self.notes))));
        }
        line
    }
}

impl Outcome {
    /// Shows it. People are not told of what stays as it is.
    pub(crate) fn show(&self, output: Output, applied: bool) -> Result<(), Failure> {
        if output.is_json() {
            output.record(&json!({
                "organization": self.organization, "new": self.is_new, "profile": self.profile,
                "cannot": self.cannot, "notes": self.notes,
            }))?;
            return self
                .endpoints
                .iter()
                .try_for_each(|endpoint| output.record(&endpoint.json(&self.organization, applied)));
        }
        let told = |endpoint: &&Endpoint| endpoint.fate != Fate::Same || !endpoint.notes.is_empty();
        let rows: Vec<_> = self.endpoints.iter().filter(told).collect();
        if rows.is_empty() && !self.is_new && self.cannot.is_none() && self.notes.is_empty() {
            return Ok(());
        }
        let new = self.is_new.then(|| if applied && self.cannot.is_none() { ", made" } else { ", new" });
        let profile = self.profile.as_ref().map(|profile| format!(", profile {profile}"));
        let head = format!("{}{}", new.unwrap_or_default(), profile.unwrap_or_default());
        output.line(&format!("{}{}", painted(Tone::Strong, &one_line(&self.organization)), one_line(&head)))?;
        if let Some(why) = &self.cannot {
            output.line(&format!("  {}", painted(Tone::Bad, &one_line(&format!("cannot: {why}")))))?;
        }
        self.notes.iter().try_for_each(|note| output.line(&format!("  {}", one_line(note))))?;
        let rows = rows.iter().map(|endpoint| {
            [format!("  {}", one_line(&endpoint.uid)), one_line(&endpoint.url), endpoint.told(applied)]
        });
        Table::new(output, ["  ENDPOINT", "URL", "WHAT"]).rows(&rows.collect::<Vec<_>>())
    }
}

impl Counts {
    /// Counts an organization in.
    pub(crate) fn add(&mut self, outcome: &Outcome) {
        self.organizations += 1;
        self.new_organizations += u64::from(outcome.is_new && outcome.cannot.is_none());
        self.refused_organizations += u64::from(outcome.cannot.is_some());
        for endpoint in &outcome.endpoints {
            self.doubtful += u64::from(endpoint.doubtful);
            *match endpoint.fate {
                Fate::Make => &mut self.make,
                Fate::Change(_) => &mut self.change,
                Fate::Same => &mut self.same,
                Fate::Cannot(_) => &mut self.cannot,
            } += 1;
        }
    }

    /// How many endpoints were looked at.
    pub(crate) fn endpoints(&self) -> u64 {
        self.make + self.change + self.same + self.cannot
    }

    /// Shows the sum of all. `calls` are those to the source, to hookbell, and those of the latter that write.
    pub(crate) fn show(&self, output: Output, applied: bool, calls: (u64, u64, u64)) -> Result<(), Failure> {
        let (source, hookbell, writes) = calls;
        let Self { organizations, new_organizations, make, change, same, cannot, .. } = self;
        output.record(&json!({ "summary": {
            "applied": applied, "organizations": organizations, "newOrganizations": new_organizations,
            "cannotOrganizations": self.refused_organizations,
            "endpoints": self.endpoints(), "make": make, "change": change, "same": same, "cannot": cannot,
            "doubtful": self.doubtful,
            "calls": { "source": source, "hookbell": hookbell, "writes": writes },
        }}))?;
        let [made, changed] = if applied { ["made", "changed"] } else { ["to make", "to change"] };
        output.line(&format!(
            "{}, {new_organizations} new, with {}: {make} {made}, {change} {changed}, {same} the same, {cannot} that \
             cannot be taken over.",
            counted(*organizations, "organization"),
            counted(self.endpoints(), "endpoint"),
        ))?;
        if self.doubtful > 0 {
            let doubtful = self.doubtful;
            output.line(&format!("The API refuses {doubtful} of them, unless the deployment allows their URLs."))?;
        }
        let end = match (applied, writes) {
            (false, _) => "This was a dry run, nothing was written: --apply does it.".to_owned(),
            (true, 0) => "Nothing had to be written.".to_owned(),
            (true, 1) => "One call has written; the same command once more changes nothing.".to_owned(),
            (true, writes) => format!("{writes} calls have written; the same command once more changes nothing."),
        };
        output.line(&end)
    }

    /// Whether all could be taken over.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let what = match (self.cannot, self.refused_organizations) {
            (0, 0) => return Ok(()),
            (endpoints, 0) => counted(endpoints, "endpoint"),
            (0, organizations) => counted(organizations, "organization"),
            (endpoints, organizations) => {
                format!("{} and {}", counted(organizations, "organization"), counted(endpoints, "endpoint"))
            }
        };
        Err(Failure::new(Kind::Unwell, format!("{what} cannot be taken over."))
            .because("each is named above, with its reason")
            .try_this("see to the reasons, or leave those out, and run the same command again"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(fate: Fate, notes: &[&str]) -> Endpoint {
        let notes = notes.iter().map(|&note| note.to_owned()).collect();
        Endpoint { uid: "ep_1".to_owned(), url: "https://a/".to_owned(), id: None, fate, doubtful: false, notes }
    }

    #[track_caller]
    fn check(endpoint: &Endpoint, applied: bool, told: &str, action: &str) {
        assert_eq!(anstream::adapter::strip_str(&endpoint.told(applied)).to_string(), told);
        assert_eq!(endpoint.json("org_1", applied)["action"], action);
    }

    #[test]
    fn a_fate_is_told_as_what_is_to_be_or_as_what_was_done() {
        let changed = Fate::Change(vec!["url".to_owned(), "secret".to_owned()]);
        check(&endpoint(Fate::Make, &["a", "b"]), false, "make; a; b", "make");
        check(&endpoint(Fate::Make, &[]), true, "made", "make");
        check(&endpoint(changed.clone(), &[]), false, "change url, secret", "change");
        check(&endpoint(changed, &[]), true, "changed url, secret", "change");
        check(&endpoint(Fate::Same, &[]), true, "same", "none");
        check(&endpoint(Fate::Cannot(vec!["a\u{1b}[2J\n".to_owned()]), &[]), true, "cannot: a\\u{1b}[2J\\n", "cannot");
    }

    #[test]
    fn whatever_cannot_be_taken_over_makes_it_end_unwell() {
        let mut counts = Counts::default();
        let all = vec![endpoint(Fate::Make, &[]), endpoint(Fate::Same, &[])];
        counts.add(&Outcome { is_new: true, endpoints: all, ..Outcome::default() });
        assert!(counts.check().is_ok() && counts.endpoints() == 2);
        let one = vec![endpoint(Fate::Cannot(vec!["x".to_owned()]), &[])];
        counts.add(&Outcome { endpoints: one, ..Outcome::default() });
        counts.add(&Outcome { is_new: true, cannot: Some("y".to_owned()), ..Outcome::default() });
        assert_eq!((counts.organizations, counts.new_organizations, counts.refused_organizations), (3, 1, 1));
        let failure = counts.check().unwrap_err();
        assert_eq!(failure.kind, Kind::Unwell);
        assert!(
            failure.text().starts_with("1 organization and 1 endpoint cannot be taken over."),
            "{}",
            failure.text()
        );
    }
}
