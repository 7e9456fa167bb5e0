//! Profiles: what one kind of organization sends and how, read from `events/` when the crate is built.
//!
//! A profile is data. The build script turns each folder of `events/` into one [`Profile`] of [`ALL`];
//! nothing here or elsewhere in the code names a profile.

use std::time::Duration;

include!(concat!(env!("OUT_DIR"), "/profiles.rs"));

/// One kind of organization: its catalogue and its delivery rules.
#[derive(Debug)]
pub struct Profile {
    /// The folder's name under `events/`.
    pub name: &'static str,
    /// One sentence for people.
    pub description: &'static str,
    /// How the body of a request is made from an event.
    pub body: BodyFormat,
    /// When a failed delivery is tried again.
    pub retry: RetryPolicy,
    /// When an endpoint that keeps failing is disabled.
    pub auto_disable: AutoDisable,
    /// What asking for a redelivery does.
    pub redeliver: Redeliver,
    /// The events that hookbell itself sends; none when the catalogue has no place for them.
    pub system_events: Option<SystemEvents>,
    /// The catalogue, by name in alphabetical order. Never empty.
    pub event_types: &'static [EventType],
}

/// One type of event that an organization can get.
#[derive(Debug)]
pub struct EventType {
    /// The dotted name.
    pub name: &'static str,
    /// One sentence for the developer who subscribes.
    pub description: &'static str,
    /// The heading it stands under in lists.
    pub category: &'static str,
    /// A payload that its schema accepts, as its file has it: keys in order, white space between them.
    pub example: &'static str,
}

/// How the body of a request is made from an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyFormat {
    /// `{id,type,timestamp,data}` in that order, `data` being the payload.
    Envelope,
    /// The payload itself; it names its type under `event`.
    Flat,
}

/// When a failed delivery is tried again. Times are before scaling.
#[derive(Debug, Clone, Copy)]
pub struct RetryPolicy {
    /// The wait before attempt 2, 3, …; one more attempt than waits.
    pub waits: &'static [Duration],
    /// How the dice change a wait.
    pub jitter: Jitter,
    /// What one attempt may take, from name resolution to the last byte of the answer.
    pub attempt_deadline: Duration,
}

/// The waits of an ordered endpoint, whatever its profile: others stand behind the delivery that is tried again.
const WAITS_IN_ORDER: [Duration; 7] = [
    Duration::from_secs(5),
    Duration::from_secs(15),
    Duration::from_secs(30),
    Duration::from_mins(1),
    Duration::from_mins(2),
    Duration::from_mins(5),
    Duration::from_mins(10),
];

/// How the dice change a wait `w`. Fractions are of `w`, from 0 to 1.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Jitter {
    /// Within `[(1 − fraction) w, w]`.
    Shorten(f64),
    /// Within `[(1 − fraction) w, (1 + fraction) w]`.
    Spread(f64),
}

/// When an endpoint that keeps failing is disabled. Times are before scaling.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AutoDisable {
    /// What has to hold.
    pub rule: AutoDisableRule,
    /// The reason that the owner reads.
    pub reason: &'static str,
}

/// What has to hold for an endpoint to be disabled.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AutoDisableRule {
    /// That many exhausted deliveries in a row, the first of them at least `age` ago.
    ExhaustedStreak {
        /// Exhausted deliveries in a row.
        exhausted: u32,
        /// Since the first of them.
        age: Duration,
    },
    /// Every attempt failing for that long.
    FailingFor {
        /// Since the first failed attempt after the last success.
        age: Duration,
    },
}

/// What asking for a redelivery does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Redeliver {
    /// Makes a new delivery with a schedule of its own; the old one stays as it is.
    NewDelivery,
    /// Makes one more attempt on the same delivery, with no retries after it.
    ManualAttempt,
}

/// The events that hookbell itself sends, by their names in the catalogue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SystemEvents {
    /// Sent when a test is asked for.
    pub ping: &'static str,
    /// The sentence in it.
    pub ping_message: &'static str,
    /// Sent to the other endpoints when one is disabled.
    pub endpoint_disabled: &'static str,
}

impl Profile {
    /// The profile of that name.
    #[must_use]
    pub fn named(name: &str) -> Option<&'static Profile> {
        ALL.iter().find(|profile| profile.name == name)
    }

    /// The catalogue's entry of that name.
    #[must_use]
    pub fn event_type(&self, name: &str) -> Option<&'static EventType> {
        let at = self.event_types.binary_search_by(|entry| entry.name.cmp(name)).ok()?;
        self.event_types.get(at)
    }
}

impl RetryPolicy {
    /// How many attempts a delivery gets on this schedule.
    #[must_use]
    pub fn attempts(&self) -> u32 {
        u32::try_from(self.waits.len()).unwrap_or(u32::MAX - 1) + 1
    }

    /// The policy for an ordered endpoint of the profile: waits of its own, and dice that only shorten them.
    #[must_use]
    pub fn in_order(&self) -> Self {
        let (Jitter::Shorten(fraction) | Jitter::Spread(fraction)) = self.jitter;
        Self { waits: &WAITS_IN_ORDER, jitter: Jitter::Shorten(fraction), attempt_deadline: self.attempt_deadline }
    }
}
