//! What AWS does wrong, call by call: the seed decides what becomes of the nth call of an operation.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::dice::Dice;

/// A call that hangs outlives what the SDK waits for an answer (five seconds).
pub(crate) const HANGS: Duration = Duration::from_secs(6);

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Fault {
    /// Answered so, and not carried out.
    Answered(u16, &'static str),
    /// The connection is dropped, and it was not carried out.
    ResetBefore,
    /// Carried out, and the connection dropped.
    ResetAfter,
    /// Carried out, and answered with 500.
    AnswerLost,
    /// Carried out, late.
    Slow(Duration),
    /// Not carried out, and not answered in time.
    HangsBefore,
    /// Carried out, and not answered in time.
    HangsAfter,
    /// Of a batch, only so many entries are carried out, modulo how many there are.
    Partial(u64),
}

/// A service that is down for a time, from that call on.
#[derive(Debug, Clone, Copy)]
struct Outage {
    service: &'static str,
    call: u64,
    lasts: Duration,
    began: Option<Instant>,
}

/// The faults of a run, and how often each was injected.
#[derive(Debug)]
pub(crate) struct Faults {
    dice: Dice,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    off: bool,
    calls: BTreeMap<String, u64>,
    outages: Vec<Outage>,
    injected: BTreeMap<String, u64>,
}

/// A fault: its name, how probable it is for a call, and what it is for the nth one.
type Row = (&'static str, f64, fn(Dice, u64) -> Fault);

const DYNAMODB: &[Row] = &[
    ("throttled", 0.008, |_, _| Fault::Answered(400, "ProvisionedThroughputExceededException")),
    ("throttled by the account", 0.004, |_, _| Fault::Answered(400, "ThrottlingException")),
    ("500", 0.005, |_, _| Fault::Answered(500, "InternalServerError")),
    ("503", 0.005, |_, _| Fault::Answered(503, "ServiceUnavailable")),
    ("refused for good", 0.0015, |_, _| Fault::Answered(400, "AccessDeniedException")),
    ("reset before", 0.003, |_, _| Fault::ResetBefore),
    ("reset after", 0.003, |_, _| Fault::ResetAfter),
    ("answer lost", 0.003, |_, _| Fault::AnswerLost),
    ("slow", 0.01, slow),
    ("no answer before", 0.0005, |_, _| Fault::HangsBefore),
    ("no answer after", 0.0005, |_, _| Fault::HangsAfter),
];

const SQS: &[Row] = &[
    ("throttled", 0.01, |_, _| Fault::Answered(400, "RequestThrottled")),
    ("500", 0.005, |_, _| Fault::Answered(500, "InternalError")),
    ("503", 0.005, |_, _| Fault::Answered(503, "ServiceUnavailable")),
    ("refused for good", 0.005, |_, _| Fault::Answered(400, "AccessDeniedException")),
    ("reset before", 0.003, |_, _| Fault::ResetBefore),
    ("reset after", 0.005, |_, _| Fault::ResetAfter),
    ("answer lost", 0.005, |_, _| Fault::AnswerLost),
    ("slow", 0.01, slow),
    ("no answer before", 0.001, |_, _| Fault::HangsBefore),
    ("no answer after", 0.001, |_, _| Fault::HangsAfter),
];

const SNS: &[Row] = &[
    ("500", 0.1, |_, _| Fault::Answered(500, "InternalError")),
    ("reset before", 0.05, |_, _| Fault::ResetBefore),
    ("reset after", 0.05, |_, _| Fault::ResetAfter),
];

/// How probable it is that a batch is carried out in part.
const PARTIAL: f64 = 0.04;

fn slow(dice: Dice, number: u64) -> Fault {
    Fault::Slow(Duration::from_millis(30 + dice.pick("how slow", number, 400)))
}

impl Faults {
    /// The faults of those dice, with so many outages of each of the large services in about so many calls of it.
    pub(crate) fn new(dice: Dice, outages: u64, calls: u64) -> Self {
        let mut planned = Vec::new();
        for service in ["DynamoDB", "SQS"] {
            for number in 0..outages {
                let share = calls / outages.max(1);
                planned.push(Outage {
                    service,
                    call: share * number + dice.pick(&format!("{service} goes down"), number, share),
                    lasts: Duration::from_millis(500 + dice.pick(&format!("{service} is down"), number, 3_000)),
                    began: None,
                });
            }
        }
        let state = State { off: false, calls: BTreeMap::new(), outages: planned, injected: BTreeMap::new() };
        Self { dice, state: Mutex::new(state) }
    }

    /// What becomes of the next call of an operation.
    pub(crate) fn decide(&self, service: &'static str, operation: &str) -> Option<Fault> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.off {
            return None;
        }
        let of_service = count(&mut state.calls, service);
        let number = count(&mut state.calls, operation);
        let now = Instant::now();
        let its = state.outages.iter_mut().filter(|outage| outage.service == service);
        let down = its.fold(false, |down, outage| {
            if outage.call == of_service {
                outage.began = Some(now);
            }
            down || outage.began.is_some_and(|began| now < began + outage.lasts)
        });
        if down {
            count(&mut state.injected, &format!("{service} is down: {operation}"));
            return Some(Fault::Answered(503, "ServiceUnavailable"));
        }
        let (name, fault) = self.fault(service, operation, number)?;
        count(&mut state.injected, &format!("{operation} {name}"));
        Some(fault)
    }

    fn fault(&self, service: &str, operation: &str, number: u64) -> Option<(&'static str, Fault)> {
        let table = match service {
            "DynamoDB" => DYNAMODB,
            "SQS" => SQS,
            "SNS" => SNS,
            _ => return None,
        };
        let mut left = self.dice.roll(operation, number);
        for (name, probability, fault) in table {
            left -= probability;
            if left < 0.0 {
                return Some((name, fault(self.dice, number)));
            }
        }
        let batch = ["BatchWriteItem", "BatchGetItem", "SendMessageBatch"].contains(&operation);
        (batch && left < PARTIAL).then(|| ("in part", Fault::Partial(self.dice.pick("which part", number, 25))))
    }

    /// Counts something that was injected elsewhere.
    pub(crate) fn note(&self, what: &str) {
        count(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner).injected, what);
    }

    /// From now on all goes well.
    pub(crate) fn end(&self) {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).off = true;
    }

    /// Whether all goes well by now.
    pub(crate) fn have_ended(&self) -> bool {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).off
    }

    /// What was injected, and how often.
    pub(crate) fn injected(&self) -> BTreeMap<String, u64> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner).injected.clone()
    }

    /// The outages that are planned, for a person to read.
    pub(crate) fn planned(&self) -> Vec<String> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let told = |outage: &Outage| {
            format!("{} from its call {} on for {} ms", outage.service, outage.call, outage.lasts.as_millis())
        };
        state.outages.iter().map(told).collect()
    }
}

/// Counts one more, and gives how many there were before.
fn count(counts: &mut BTreeMap<String, u64>, what: &str) -> u64 {
    let count = counts.entry(what.to_owned()).or_default();
    *count += 1;
    *count - 1
}
