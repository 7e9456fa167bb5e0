//! What is found after a run: whether everything that was accepted has come to its end, and once.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::load::{Event, name};
use super::poison::Parked;
use super::receivers::{Kind, Seen};
use super::rows::{self, DeliveryRow};
use super::scene::{Party, Scene};
use super::tally::{Cause, Tally};

/// What was found.
#[derive(Debug, Clone, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Found {
    /// Deliveries by how they ended, in words.
    pub deliveries: BTreeMap<String, u64>,
    /// Requests that receivers had.
    pub requests: u64,
    /// Attempts that are recorded.
    pub attempts: u64,
    /// Requests of a delivery beyond its recorded attempts: made twice, or made and not recorded.
    pub duplicates: u64,
    /// Of those, what came after the receiver had taken the message.
    pub duplicates_after_success: u64,
    /// Duplicates by what had happened to the records that led to them.
    pub duplicates_by_cause: BTreeMap<String, u64>,
    /// Duplicates of which no record was killed, failed, copied or handed out twice.
    pub unexplained_duplicates: u64,
    /// Duplicates in percent of the deliveries.
    pub duplicate_percent: f64,
    /// Endpoints that are disabled, all of which never took a message.
    pub disabled_endpoints: u64,
    /// Events of which a person's putting back has made a second message: those that had no id.
    pub second_messages: u64,
    /// What must not be.
    pub violations: Vec<String>,
}

/// Looks at everything.
pub(crate) async fn look(scene: &Scene, events: &[Event], tally: &Tally, parked: &Parked) -> Found {
    let mut found = Found::default();
    let mut by_party: BTreeMap<usize, BTreeSet<String>> = BTreeMap::new();
    for event in events {
        by_party.entry(event.party).or_default().insert(name(event.number));
    }
    let mut known = BTreeSet::new();
    for (place, party) in scene.parties.iter().enumerate() {
        let events = by_party.remove(&place).unwrap_or_default();
        look_at(scene, party, &events, tally, parked, &mut found, &mut known).await;
    }
    for (endpoint, message) in scene.ledger().all() {
        if !known.contains(&(endpoint, message.clone())) {
            found.violations.push(format!("{message} came to endpoint {endpoint} and there is no delivery of it"));
        }
    }
    found.requests = scene.ledger().requests() as u64;
    let deliveries: u64 = found.deliveries.values().sum();
    let rate = |count: u64| u32::try_from(count).map_or(f64::INFINITY, f64::from);
    found.duplicate_percent = 100.0 * rate(found.duplicates) / rate(deliveries).max(1.0);
    found.violations.extend(scene.ledger().violations());
    found.violations.extend(tally.violations());
    found.violations.extend(parked.violations.iter().cloned());
    found
}

async fn look_at(
    scene: &Scene,
    party: &Party,
    events: &BTreeSet<String>,
    tally: &Tally,
    parked: &Parked,
    found: &mut Found,
    known: &mut BTreeSet<(usize, String)>,
) {
    let mut messages: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for message in rows::messages(&scene.stack, &party.organization.id).await {
        if let Some(event) = message.event {
            messages.entry(event).or_default().push(message.id);
        }
    }
    for event in events {
        match messages.get(event).map_or(0, Vec::len) {
            0 => found.violations.push(format!("{event} was accepted and there is no message of it: it is lost")),
            1 => {}
            _ if parked.names.contains(event) => found.second_messages += 1,
            count => found.violations.push(format!("{event} has become {count} messages")),
        }
    }
    for (place, id) in &party.endpoints {
        let mut deliveries: BTreeMap<String, DeliveryRow> = BTreeMap::new();
        for row in rows::deliveries(&scene.stack, id).await {
            if let Some(other) = deliveries.insert(row.message.clone(), row) {
                found.violations.push(format!("{} has two deliveries to endpoint {place}", other.message));
            }
        }
        for (event, messages) in &messages {
            // Where a person's putting back has made a second message, the first one need not have come through.
            let mut missing_may_be = messages.len() - 1;
            for message in messages {
                known.insert((*place, message.clone()));
                let Some(row) = deliveries.get(message) else {
                    if missing_may_be > 0 {
                        missing_may_be -= 1;
                        continue;
                    }
                    found.violations.push(format!("{message} of {event} has no delivery to endpoint {place}: lost"));
                    continue;
                };
                let seen = scene.ledger().of(*place, message);
                let causes = tally.causes(event).union(&tally.causes(message)).copied().collect();
                check_delivery(row, &seen, &causes, *place, found);
            }
        }
        check_endpoint(scene, party, *place, id, &deliveries, found).await;
    }
}

fn check_delivery(row: &DeliveryRow, seen: &[Seen], causes: &BTreeSet<Cause>, endpoint: usize, found: &mut Found) {
    let mut wrong = |what: &str| {
        found.violations.push(format!(
            "{} at endpoint {endpoint}: {what}; {row:?}; {} requests",
            row.message,
            seen.len()
        ));
    };
    let taken = |seen: &Seen| seen.status.is_some_and(|status| (200..300).contains(&status));
    let end = match (row.status.as_str(), row.skipped) {
        ("delivered", false) => "delivered",
        ("exhausted", false) => "exhausted",
        ("exhausted", true) => "skipped: the endpoint is disabled",
        _ => {
            wrong("it has not come to an end");
            "open"
        }
    };
    if end == "delivered" && !seen.iter().any(taken) {
        wrong("it is delivered, and the receiver has not taken it");
    }
    // Whoever skips it leaves the count as it was; nobody else makes fewer attempts than the schedule has.
    if end == "exhausted" && row.count != 8 {
        wrong("it is exhausted before its schedule is");
    }
    if i64::try_from(row.attempts.len()) != Ok(row.count) {
        wrong("its attempts are not as many as are counted");
    }
    let times: BTreeSet<i64> = row.attempts.iter().map(|(at, _)| *at).collect();
    if times.len() != row.attempts.len() {
        wrong("an attempt is recorded twice");
    }
    // Each attempt that was answered is the record of a request of its own.
    let mut requests: Vec<i64> = seen.iter().map(|seen| seen.signed_at).collect();
    for (at, _) in row.attempts.iter().filter(|(_, status)| status.is_some()) {
        match requests.iter().position(|signed_at| *signed_at == at.div_euclid(1_000)) {
            Some(place) => drop(requests.swap_remove(place)),
            None => wrong("an attempt is recorded that no request was made for"),
        }
    }
    let duplicates = seen.len().saturating_sub(row.attempts.len()) as u64;
    let first_success = seen.iter().position(taken).map_or(seen.len(), |place| place + 1);
    *found.deliveries.entry(end.to_owned()).or_default() += 1;
    found.attempts += row.attempts.len() as u64;
    found.duplicates += duplicates;
    found.duplicates_after_success += (seen.len() - first_success) as u64;
    if duplicates > 0 {
        *found.duplicates_by_cause.entry(format!("{causes:?}")).or_default() += duplicates;
    }
    if duplicates > 0 && causes.is_empty() {
        found.unexplained_duplicates += duplicates;
    }
}

async fn check_endpoint(
    scene: &Scene,
    party: &Party,
    place: usize,
    id: &str,
    deliveries: &BTreeMap<String, DeliveryRow>,
    found: &mut Found,
) {
    let organization = &party.organization;
    let endpoint =
        organization.api.get(&organization.managing(&format!("/{id}"))).await.expect(200)["endpoint"].clone();
    let (kind, failures) = (scene.ledger().kind(place), &endpoint["consecutiveFailures"]);
    let disabled = endpoint["status"] != "enabled";
    found.disabled_endpoints += u64::from(disabled);
    if disabled && kind != Kind::Dead {
        found.violations.push(format!("endpoint {place} ({kind:?}) is disabled: {endpoint}"));
    }
    if kind == Kind::Good && failures != 0 {
        found.violations.push(format!("endpoint {place} always answered 2xx and is charged with {failures}"));
    }
    let exhausted = deliveries.values().filter(|row| row.status == "exhausted" && !row.skipped).count();
    // Whoever finds it disabled has nothing more to charge it with.
    let charged = failures.as_u64().and_then(|failures| usize::try_from(failures).ok()).unwrap_or(usize::MAX);
    if kind == Kind::Dead && (charged > exhausted || (charged < exhausted && !disabled)) {
        found
            .violations
            .push(format!("endpoint {place} is charged with {failures} for {exhausted} exhausted deliveries"));
    }
}
