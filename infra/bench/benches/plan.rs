//! What is asked for: which subjects, how often, and another load where somebody wants to know just that.

use crate::load::Parameters;

/// What `make bench` was told.
#[derive(Debug, Clone)]
pub(crate) struct Plan {
    /// The groups that are wanted; all where there are none.
    only: Vec<String>,
    pub(crate) repeats: usize,
    /// Deliveries that wait, or are stored, where there are very many.
    pub(crate) backlog: usize,
    /// Organizations, where there are very many.
    pub(crate) organizations: usize,
    /// The plain case as somebody wants it, if anybody does.
    pub(crate) chosen: Option<Parameters>,
}

/// A parameter's variable, and what it changes.
type Change = (&'static str, fn(&mut Parameters, f64));

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole numbers of a person")]
const CHANGES: [Change; 6] = [
    ("BENCH_BATCH", |parameters, value| parameters.batch_size = value as usize),
    ("BENCH_ENDPOINTS", |parameters, value| parameters.endpoints = value as usize),
    ("BENCH_PAYLOAD", |parameters, value| parameters.payload_bytes = value as usize),
    ("BENCH_LATENCY", |parameters, value| parameters.latency_ms = value as u64),
    ("BENCH_FAILURES", |parameters, value| parameters.failure_share = value),
    ("BENCH_EVENTS", |parameters, value| parameters.events = value as usize),
];

impl Plan {
    pub(crate) fn from_environment() -> Self {
        let only = std::env::var("BENCH_ONLY").unwrap_or_default();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole numbers of a person")]
        let count = |name: &str, default: usize| number(name).map_or(default, |value| value as usize);
        Self {
            only: only.split([' ', ',']).filter(|group| !group.is_empty()).map(str::to_owned).collect(),
            repeats: count("BENCH_REPEATS", 3).max(1),
            backlog: count("BENCH_BACKLOG", 1_000_000),
            organizations: count("BENCH_ORGANIZATIONS", 10_000),
            chosen: chosen(),
        }
    }

    /// Whether a group is wanted.
    pub(crate) fn wants(&self, group: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|wanted| wanted == group)
    }
}

/// The plain case with what somebody has changed in it.
fn chosen() -> Option<Parameters> {
    let mut parameters = Parameters::plain();
    let mut is_chosen = false;
    for (name, change) in CHANGES {
        if let Some(value) = number(name) {
            change(&mut parameters, value);
            is_chosen = true;
        }
    }
    is_chosen.then_some(parameters)
}

/// A variable's number, where it has one.
fn number(name: &str) -> Option<f64> {
    let text = std::env::var(name).ok().filter(|text| !text.is_empty())?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a number")))
}
