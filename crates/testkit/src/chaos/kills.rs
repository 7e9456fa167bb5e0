//! When instances are killed: the seed says at which point of the run, and at which moment of an invocation.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::dice::Dice;
use crate::function::KillSwitch;

/// A moment of an invocation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Moment {
    /// After that part of what invocations take.
    After(f64),
    /// As it makes that call to AWS, counted from 1, before or after that is carried out.
    Call { number: u32, carried_out: bool },
}

/// A moment that a call brings about.
#[derive(Debug, Clone)]
pub(crate) struct Trap {
    /// How many calls are left until then, that one included.
    pub(crate) calls: u32,
    /// Whether the call is carried out first.
    pub(crate) after: bool,
    pub(crate) switch: Condemned,
}

/// What kills an instance, and notes that it was us.
#[derive(Debug, Clone)]
pub(crate) struct Condemned {
    switch: KillSwitch,
    pressed: Arc<AtomicBool>,
}

impl Condemned {
    pub(crate) fn new(switch: KillSwitch) -> Self {
        Self { switch, pressed: Arc::default() }
    }

    /// Kills it, and waits until it is dead.
    pub(crate) async fn press(&self) {
        self.pressed.store(true, Ordering::SeqCst);
        self.switch.press().await;
    }

    /// Whether it was killed.
    pub(crate) fn was_pressed(&self) -> bool {
        self.pressed.load(Ordering::SeqCst)
    }
}

/// The kills of a run.
#[derive(Debug)]
pub(crate) struct Kills {
    /// The last one first: from how many events on, and when.
    left: Mutex<Vec<(u64, Moment)>>,
    /// What invocations take, microseconds.
    takes: AtomicU64,
}

impl Kills {
    /// So many kills, spread over the time in which so many events are put.
    pub(crate) fn new(dice: Dice, function: &str, kills: u64, events: u64) -> Self {
        let roll = |what: &str, number| dice.roll(&format!("{what} {function}"), number);
        let moment = |number| {
            if dice.happens(&format!("kill by call {function}"), number, 0.5) {
                let call = 1 + dice.pick(&format!("call {function}"), number, 6);
                let carried_out = roll("carried out", number) < 0.5;
                return Moment::Call { number: u32::try_from(call).expect("a small number"), carried_out };
            }
            Moment::After(roll("moment", number))
        };
        let share = |number: u64| events * 9 / 10 * number / kills.max(1);
        let at = |number| share(number) + dice.pick(&format!("kill {function}"), number, share(1));
        let mut left: Vec<_> = (0..kills).map(|number| (at(number), moment(number))).collect();
        left.sort_by_key(|(at, _)| std::cmp::Reverse(*at));
        Self { left: Mutex::new(left), takes: AtomicU64::new(50_000) }
    }

    /// The next one, where so many events call for it.
    pub(crate) fn due(&self, events: u64) -> Option<Moment> {
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        left.pop_if(|(at, _)| *at <= events).map(|(_, moment)| moment)
    }

    /// How many are left.
    pub(crate) fn left(&self) -> usize {
        self.left.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Notes what an invocation took.
    pub(crate) fn note(&self, took: Duration) {
        let took = u64::try_from(took.as_micros()).unwrap_or(u64::MAX).min(1_000_000);
        let before = self.takes.load(Ordering::Relaxed);
        self.takes.store((before * 7 + took) / 8, Ordering::Relaxed);
    }

    /// What invocations take.
    pub(crate) fn usual(&self) -> Duration {
        Duration::from_micros(self.takes.load(Ordering::Relaxed))
    }
}
