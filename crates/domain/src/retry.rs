//! What follows from an attempt: delivered, tried again at a time, or over. Pure: time and dice are arguments.

use std::time::Duration;

use jiff::Timestamp;

use crate::outcome::{Answer, Failure, Outcome};
use crate::profile::{Jitter, RetryPolicy};
use crate::time::{TimeScale, after, until};

/// The least wait after an answer that says "overloaded", and after a timeout; before scaling.
const OVERLOADED_WAIT: Duration = Duration::from_mins(1);

/// The dice: a number in `[0, 1)`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Roll(f64);

impl Roll {
    /// A roll of 64 random bits.
    #[must_use]
    #[expect(clippy::cast_precision_loss, reason = "53 bits are all that a roll needs")]
    pub fn of_bits(bits: u64) -> Self {
        Self((bits >> 11) as f64 / (1u64 << 53) as f64)
    }

    /// What it comes to between two spans of time.
    #[must_use]
    pub fn between(self, least: Duration, most: Duration) -> Duration {
        least + most.saturating_sub(least).mul_f64(self.0)
    }
}

/// What follows from an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Decision {
    /// What becomes of the delivery.
    pub next: Next,
    /// What the receiver has asked for beyond this attempt.
    pub directive: Option<Directive>,
}

/// What becomes of a delivery after an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Next {
    /// The receiver has it.
    Delivered,
    /// The next attempt is due then.
    RetryAt(Timestamp),
    /// The schedule is used up; this counts against the endpoint.
    Exhausted,
    /// The receiver has ended this delivery; this counts against nobody.
    Ended,
    /// It stays as it was: what failed was an attempt that somebody asked for.
    Unchanged,
}

/// What a receiver asks for beyond the attempt that it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Directive {
    /// To be sent nothing more, by status 410 (Standard Webhooks, "Deliverability and reliability").
    Gone,
    /// To be sent nothing more, by the response header `webhook-delivery: disable`.
    Disable,
    /// To be spared this message, by the response header `webhook-delivery: abort-message`.
    AbortMessage,
}

impl Directive {
    const ALL: [Self; 3] = [Self::Gone, Self::Disable, Self::AbortMessage];

    /// The word it is stored under.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Gone => "gone",
            Self::Disable => "disable",
            Self::AbortMessage => "abort-message",
        }
    }

    /// The directive of that word.
    #[must_use]
    pub fn named(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|directive| directive.as_str() == word)
    }

    /// The reason that the owner reads where it disables the endpoint; none where it does not.
    #[must_use]
    pub fn disables(self) -> Option<&'static str> {
        match self {
            Self::Gone => Some("410 Gone"),
            Self::Disable => Some("The receiver answered webhook-delivery: disable"),
            Self::AbortMessage => None,
        }
    }
}

/// Decides what follows from attempt number `attempt` (from 1), which ended at `now`.
#[must_use]
pub fn decide(
    outcome: &Outcome,
    attempt: u32,
    policy: &RetryPolicy,
    scale: TimeScale,
    now: Timestamp,
    roll: Roll,
) -> Decision {
    let answer = match outcome {
        Outcome::Answered(answer) => Some(answer),
        Outcome::Failed(_) => None,
    };
    let directive = answer.and_then(directive);
    let next = if answer.is_some_and(Answer::is_success) {
        Next::Delivered
    } else if directive.is_some() {
        Next::Ended
    } else {
        let wait = attempt.checked_sub(1).and_then(|index| policy.waits.get(usize::try_from(index).ok()?));
        match wait {
            None => Next::Exhausted,
            Some(&wait) => Next::RetryAt(after(now, next_wait(outcome, wait, policy.jitter, scale, now, roll))),
        }
    };
    Decision { next, directive }
}

/// Decides what follows from an attempt that somebody asked for: a success delivers, a failure changes nothing, and a
/// receiver that wants no more is heard.
#[must_use]
pub fn decide_manual(outcome: &Outcome) -> Decision {
    let next = if outcome.is_success() { Next::Delivered } else { Next::Unchanged };
    let directive = match outcome {
        Outcome::Answered(answer) => directive(answer).filter(|directive| directive.disables().is_some()),
        Outcome::Failed(_) => None,
    };
    Decision { next, directive }
}

/// What an answer asks for beyond its attempt. There is nothing left to abort of a message that was taken.
fn directive(answer: &Answer) -> Option<Directive> {
    let header = answer.webhook_delivery.as_deref().unwrap_or_default().trim();
    if answer.status == 410 {
        Some(Directive::Gone)
    } else if header.eq_ignore_ascii_case("disable") {
        Some(Directive::Disable)
    } else if header.eq_ignore_ascii_case("abort-message") && !answer.is_success() {
        Some(Directive::AbortMessage)
    } else {
        None
    }
}

/// The wait before the next attempt, where the schedule says `wait`.
fn next_wait(
    outcome: &Outcome,
    wait: Duration,
    jitter: Jitter,
    scale: TimeScale,
    now: Timestamp,
    roll: Roll,
) -> Duration {
    let wait = scale.apply(wait);
    let mut next = wait.mul_f64(match jitter {
        Jitter::Shorten(fraction) => 1.0 - fraction * roll.0,
        Jitter::Spread(fraction) => 1.0 - fraction + 2.0 * fraction * roll.0,
    });
    let overloaded = match outcome {
        Outcome::Answered(answer) => {
            if let Some(asked) = answer.retry_after.as_deref().and_then(|value| parse_retry_after(value, now)) {
                next = asked.clamp(wait, wait * 2);
            }
            matches!(answer.status, 429 | 502 | 504)
        }
        Outcome::Failed(failure) => matches!(failure, Failure::Timeout),
    };
    if overloaded { next.max(scale.apply(OVERLOADED_WAIT)) } else { next }
}

/// Reads `Retry-After` (RFC 9110, section 10.2.3): seconds, or a date.
fn parse_retry_after(value: &str, now: Timestamp) -> Option<Duration> {
    let value = value.trim();
    if !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit mean "very late", which the clamp cuts.
        return Some(Duration::from_secs(value.parse::<u32>().unwrap_or(u32::MAX).into()));
    }
    let at = jiff::fmt::rfc2822::DateTimeParser::new().parse_timestamp(value).ok()?;
    Some(until(now, at))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::profile;

    const NOW: &str = "2026-05-30T14:23:00Z";

    fn now() -> Timestamp {
        NOW.parse().unwrap()
    }

    fn answer(status: u16) -> Answer {
        Answer { status, retry_after: None, webhook_delivery: None, body: Vec::new() }
    }

    fn policy(profile: &str) -> &'static RetryPolicy {
        &profile::Profile::named(profile).unwrap().retry
    }

    fn seconds_until_retry(outcome: &Outcome, attempt: u32, profile: &str, roll: f64) -> Option<f64> {
        match decide(outcome, attempt, policy(profile), TimeScale::REAL, now(), Roll(roll)).next {
            Next::RetryAt(at) => Some(until(now(), at).as_secs_f64()),
            _ => None,
        }
    }

    #[track_caller]
    fn check(status: u16, next: Next, directive: Option<Directive>) {
        let decision =
            decide(&Outcome::Answered(answer(status)), 8, policy("slothbox"), TimeScale::REAL, now(), Roll(0.0));
        assert_eq!(decision, Decision { next, directive });
    }

    #[test]
    fn only_a_2xx_is_a_success() {
        check(200, Next::Delivered, None);
        check(299, Next::Delivered, None);
        for status in [199, 300, 301, 304, 400, 404, 500] {
            check(status, Next::Exhausted, None);
        }
    }

    #[test]
    fn a_410_ends_the_delivery_and_disables_the_endpoint() {
        check(410, Next::Ended, Some(Directive::Gone));
    }

    #[test]
    fn the_receiver_can_disable_the_endpoint_or_end_the_delivery_by_a_header() {
        let with = |status, directive: &str| {
            let outcome = Outcome::Answered(Answer { webhook_delivery: Some(directive.to_owned()), ..answer(status) });
            decide(&outcome, 1, policy("daytona"), TimeScale::REAL, now(), Roll(0.0))
        };
        assert_eq!(with(500, "disable"), Decision { next: Next::Ended, directive: Some(Directive::Disable) });
        assert_eq!(with(200, "Disable"), Decision { next: Next::Delivered, directive: Some(Directive::Disable) });
        assert_eq!(
            with(500, " abort-message "),
            Decision { next: Next::Ended, directive: Some(Directive::AbortMessage) }
        );
        assert_eq!(with(200, "abort-message"), Decision { next: Next::Delivered, directive: None });
        assert!(matches!(with(500, "something-new").next, Next::RetryAt(_)));
    }

    #[test]
    fn an_attempt_that_was_asked_for_delivers_or_changes_nothing() {
        let with = |status, header: Option<&str>| {
            let outcome = Outcome::Answered(Answer { webhook_delivery: header.map(str::to_owned), ..answer(status) });
            decide_manual(&outcome)
        };
        assert_eq!(with(204, None), Decision { next: Next::Delivered, directive: None });
        assert_eq!(with(500, None), Decision { next: Next::Unchanged, directive: None });
        assert_eq!(with(500, Some("abort-message")), Decision { next: Next::Unchanged, directive: None });
        assert_eq!(with(410, None), Decision { next: Next::Unchanged, directive: Some(Directive::Gone) });
        let failed = decide_manual(&Outcome::Failed(Failure::Timeout));
        assert_eq!(failed, Decision { next: Next::Unchanged, directive: None });
    }

    #[test]
    fn both_profiles_make_eight_attempts_on_their_own_schedules() {
        let failed = Outcome::Answered(answer(500));
        let schedule = |profile: &str, roll| -> Vec<f64> {
            (1..=8).map_while(|attempt| seconds_until_retry(&failed, attempt, profile, roll)).collect()
        };
        assert_eq!(schedule("slothbox", 0.0), [30., 120., 600., 1800., 3600., 7200., 18000.]);
        assert_eq!(schedule("daytona", 0.5), [5., 300., 1800., 7200., 18000., 36000., 36000.]);
    }

    #[test]
    fn an_ordered_endpoint_has_waits_of_its_own_that_the_dice_only_shorten() {
        let failed = Outcome::Answered(answer(500));
        for name in ["slothbox", "daytona"] {
            let policy = policy(name).in_order();
            assert_eq!(policy.attempt_deadline, self::policy(name).attempt_deadline);
            let schedule = |roll| -> Vec<f64> {
                let next = |attempt| decide(&failed, attempt, &policy, TimeScale::REAL, now(), Roll(roll)).next;
                let due = |attempt| match next(attempt) {
                    Next::RetryAt(at) => Some(until(now(), at).as_secs_f64()),
                    _ => None,
                };
                (1..=8).map_while(due).collect()
            };
            let longest = [5., 15., 30., 60., 120., 300., 600.];
            assert_eq!(schedule(0.0), longest, "{name}");
            assert!(schedule(0.9).iter().zip(longest).all(|(wait, longest)| *wait < longest), "{name}");
        }
    }

    #[test]
    fn retry_after_stretches_a_wait_to_at_most_its_double() {
        let asked = |value: &str| {
            let outcome = Outcome::Answered(Answer { retry_after: Some(value.to_owned()), ..answer(503) });
            seconds_until_retry(&outcome, 2, "slothbox", 0.99)
        };
        assert_eq!(asked("5"), Some(120.));
        assert_eq!(asked("200"), Some(200.));
        assert_eq!(asked("99999999999999999999999"), Some(240.));
        assert_eq!(asked("Sat, 30 May 2026 14:26:00 GMT"), Some(180.));
        assert_eq!(asked("Sat, 30 May 2020 14:26:00 GMT"), Some(120.));
        assert!(asked("soon").is_some_and(|wait| wait < 120.));
    }

    #[test]
    fn overload_and_timeouts_wait_a_minute_at_least() {
        for outcome in [429, 502, 504].map(|status| Outcome::Answered(answer(status))) {
            assert_eq!(seconds_until_retry(&outcome, 1, "daytona", 0.0), Some(60.));
        }
        assert_eq!(seconds_until_retry(&Outcome::Failed(Failure::Timeout), 1, "slothbox", 0.9), Some(60.));
    }

    proptest! {
        #[test]
        fn a_wait_stays_within_what_its_profile_allows(
            attempt in 1u32..8, bits: u64, status in 400u16..600, retry_after in proptest::option::of("\\PC{0,40}"),
        ) {
            prop_assume!(status != 410);
            for name in ["slothbox", "daytona"] {
                let policy = policy(name);
                let wait = policy.waits[attempt as usize - 1].as_secs_f64();
                let outcome = Outcome::Answered(Answer { retry_after: retry_after.clone(), ..answer(status) });
                let roll = Roll::of_bits(bits).0;
                let next = seconds_until_retry(&outcome, attempt, name, roll).unwrap();
                let (Jitter::Shorten(fraction) | Jitter::Spread(fraction)) = policy.jitter;
                let (low, high) = (wait * (1. - fraction), wait * 2.);
                prop_assert!(next >= low - 1e-6 && next <= high.max(60.) + 1e-6, "{name} {attempt}: {next}");
            }
        }

        #[test]
        fn a_delivery_always_ends(attempt in 8u32.., bits: u64, status in 100u16..600) {
            let outcome = Outcome::Answered(answer(status));
            let decision = decide(&outcome, attempt, policy("daytona"), TimeScale::REAL, now(), Roll::of_bits(bits));
            prop_assert!(!matches!(decision.next, Next::RetryAt(_)));
        }

        #[test]
        fn no_retry_after_value_breaks_the_reader(value in "\\PC*") {
            parse_retry_after(&value, now());
        }
    }
}
