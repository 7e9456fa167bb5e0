//! What a run tells, for a person and for a program.

use std::collections::BTreeMap;
use std::fmt;

use serde::Serialize;

use super::findings::Found;

/// What a run is asked for.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Plan {
    /// Decides what goes wrong.
    pub seed: u64,
    /// How often the sender is killed.
    pub kills: u64,
    /// How many deliveries there are at least.
    pub deliveries: usize,
    /// To how many endpoints.
    pub endpoints: usize,
    /// How many seconds after an instance's death, or a failure, its records come again.
    pub again_after: i32,
    /// How many duplicates are accepted, in percent of the deliveries.
    pub most_duplicates: f64,
}

/// What a run has come to.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Report {
    /// What was asked for.
    pub plan: Plan,
    /// When services were to be down.
    pub outages: Vec<String>,
    /// The faults that AWS's answers had, and how often.
    pub faults: BTreeMap<String, u64>,
    /// What else was done and happened.
    pub counts: BTreeMap<String, u64>,
    /// How many records that are none were put, ...
    pub poison: usize,
    /// ... and how many of them lay where a person looks, with a reason.
    pub poison_parked: usize,
    /// What else lay there by queue, and was put back to work.
    pub put_back: BTreeMap<&'static str, usize>,
    /// What was found in the end.
    pub found: Found,
    /// When each phase was over, in seconds from the beginning.
    pub seconds: Vec<(&'static str, f64)>,
}

impl Report {
    /// What must not be.
    #[must_use]
    pub fn violations(&self) -> &[String] {
        &self.found.violations
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Plan { seed, kills, deliveries, endpoints, .. } = self.plan;
        writeln!(f, "Seed {seed}: {deliveries} deliveries to {endpoints} endpoints, {kills} kills of the sender\n")?;
        writeln!(f, "Planned outages")?;
        for outage in &self.outages {
            writeln!(f, "  {outage}")?;
        }
        let section = |f: &mut fmt::Formatter<'_>, title: &str, counts: &BTreeMap<String, u64>| {
            writeln!(f, "\n{title}")?;
            counts.iter().try_for_each(|(what, count)| writeln!(f, "  {count:>7}  {what}"))
        };
        section(f, "Faults of AWS", &self.faults)?;
        section(f, "What was done, and what happened", &self.counts)?;
        section(f, "Deliveries", &self.found.deliveries)?;
        let found = &self.found;
        writeln!(f, "\nRequests {}, recorded attempts {}", found.requests, found.attempts)?;
        writeln!(
            f,
            "Duplicates {} ({:.2} % of the deliveries), {} after a success, {} unexplained",
            found.duplicates, found.duplicate_percent, found.duplicates_after_success, found.unexplained_duplicates
        )?;
        found.duplicates_by_cause.iter().try_for_each(|(cause, count)| writeln!(f, "  {count:>7}  {cause}"))?;
        writeln!(f, "Records that are none: {} put, {} parked with a reason", self.poison, self.poison_parked)?;
        writeln!(f, "Other records that were parked, and put back to work: {:?}", self.put_back)?;
        writeln!(f, "Events without an id that became a second message by that: {}", found.second_messages)?;
        writeln!(f, "Disabled endpoints: {}, none of which ever answered 2xx", found.disabled_endpoints)?;
        writeln!(f, "\nSeconds from the beginning to the end of each phase")?;
        self.seconds.iter().try_for_each(|(phase, seconds)| writeln!(f, "  {seconds:>7.1}  {phase}"))?;
        writeln!(f, "\nViolations: {}", found.violations.len())?;
        found.violations.iter().take(40).try_for_each(|what| writeln!(f, "  {what}"))
    }
}
