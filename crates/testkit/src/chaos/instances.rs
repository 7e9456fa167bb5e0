//! The instances of a function: each with a way to AWS and a clock of its own.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write as _;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::dice::Dice;
use super::door::Door;
use super::faults::Faults;
use super::kills::{Condemned, Trap};
use super::tally::Tally;
use crate::clock::Clock;
use crate::function::{Function, Surroundings};
use crate::proxy::Upstream;

/// How probable it is that a cold start finds Secrets Manager down.
const NO_SECRETS: f64 = 0.1;

/// By how many milliseconds an instance's clock is wrong at most.
const SKEW_MS: i64 = 1_500;

/// What instances of a function are started with.
#[derive(Debug)]
pub(crate) struct Instances {
    pub(crate) name: &'static str,
    pub(crate) environment: BTreeMap<String, String>,
    pub(crate) upstream: Upstream,
    pub(crate) faults: Arc<Faults>,
    pub(crate) dice: Dice,
    pub(crate) clocks: Arc<Clocks>,
    pub(crate) log: Arc<Mutex<File>>,
    pub(crate) started: AtomicU64,
}

/// A running instance.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) function: Function,
    pub(crate) condemned: Condemned,
    door: Door,
}

/// All clocks of a run.
#[derive(Debug, Default)]
pub(crate) struct Clocks {
    /// What all of them have been put forward by, milliseconds.
    forward: AtomicI64,
    /// Each with the error of its own.
    clocks: Mutex<Vec<(Clock, i64)>>,
}

impl Clocks {
    fn new_clock(&self, error: i64) -> Clock {
        let clock = Clock::shifted_by(self.forward.load(Ordering::SeqCst) + error);
        self.clocks.lock().unwrap_or_else(PoisonError::into_inner).push((clock.clone(), error));
        clock
    }

    /// Puts all of them forward, and gives each another error.
    pub(crate) fn jump(&self, dice: Dice, number: u64, forward_ms: i64) {
        let forward = self.forward.fetch_add(forward_ms, Ordering::SeqCst) + forward_ms;
        let mut clocks = self.clocks.lock().unwrap_or_else(PoisonError::into_inner);
        for (place, (clock, error)) in (0..).zip(clocks.iter_mut()) {
            *error = skew(dice, &format!("jump {number}"), place);
            clock.set(forward + *error);
        }
    }
}

fn skew(dice: Dice, what: &str, number: u64) -> i64 {
    let range = u64::try_from(2 * SKEW_MS).expect("a time");
    i64::try_from(dice.pick(what, number, range)).expect("a small number") - SKEW_MS
}

impl Instances {
    /// Starts one; nothing where it does not start.
    pub(crate) async fn start(&self, tally: &Tally) -> Option<Instance> {
        let number = self.started.fetch_add(1, Ordering::Relaxed);
        let cold_start = format!("cold start {}", self.name);
        let no_secrets = !self.faults.have_ended() && self.dice.happens(&cold_start, number, NO_SECRETS);
        let door = Door::open(self.upstream.clone(), Arc::clone(&self.faults), no_secrets).await;
        let mut environment = self.environment.clone();
        environment.insert("AWS_ENDPOINT_URL".to_owned(), door.url());
        let clock = self.clocks.new_clock(skew(self.dice, &format!("clock {}", self.name), number));
        let surroundings = Surroundings { clock: Some(clock), log: Some(Arc::clone(&self.log)) };
        let function = Function::start_in(self.name, &environment, surroundings).await;
        tally.count(&format!("cold starts of {}", self.name), 1);
        if !function.starts().await {
            tally.count(&format!("cold starts of {} that failed", self.name), 1);
            if !no_secrets {
                tally.violation(format!("{} did not start: {}", self.name, function.output()));
            }
            return None;
        }
        let condemned = Condemned::new(function.kill_switch());
        Some(Instance { function, condemned, door })
    }
}

impl Instances {
    /// Notes something between the functions' lines.
    pub(crate) fn write(&self, line: &str) {
        let now = jiff::Timestamp::now();
        let mut log = self.log.lock().unwrap_or_else(PoisonError::into_inner);
        writeln!(log, "chaos: {now} {line}").unwrap();
    }
}

impl Instance {
    pub(crate) fn is_running(&self) -> bool {
        self.function.is_running()
    }

    /// Whether it is to die at one of its next calls.
    pub(crate) fn is_trapped(&self) -> bool {
        self.door.is_trapped()
    }

    /// Has it die at one of its next calls.
    pub(crate) fn trap(&self, calls: u32, after: bool) {
        self.door.set(Trap { calls, after, switch: self.condemned.clone() });
    }
}
