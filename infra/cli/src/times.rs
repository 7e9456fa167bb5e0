//! Times as people write and read them.

use std::str::FromStr;

use jiff::{SignedDuration, Span, SpanRelativeTo, Timestamp};

/// A time as it is given on the command line: ISO 8601, or so long ago.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct When(pub(crate) Timestamp);

impl FromStr for When {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse(text, Timestamp::now()).map(Self)
    }
}

fn parse(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    const FORM: &str = "not a time: write 2026-05-30T14:23:00Z, or how long ago, as 90s, 15m, 2h or 3d";
    if let Ok(at) = text.parse() {
        return Ok(at);
    }
    let span: Span = text.trim_end_matches("ago").trim().parse().map_err(|_| FORM.to_owned())?;
    let ago = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| FORM.to_owned())?;
    now.checked_sub(ago.abs()).map_err(|_| FORM.to_owned())
}

/// For people: seconds, in UTC.
pub(crate) fn shown(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%SZ").to_string()
}

/// How long that is: one unit, or two.
pub(crate) fn length(duration: SignedDuration) -> String {
    let seconds = duration.abs().as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => two(seconds / 60, "m", seconds % 60, "s"),
        3_600..86_400 => two(seconds / 3_600, "h", seconds % 3_600 / 60, "m"),
        _ => two(seconds / 86_400, "d", seconds % 86_400 / 3_600, "h"),
    }
}

fn two(large: i64, large_unit: &str, small: i64, small_unit: &str) -> String {
    if small == 0 { format!("{large}{large_unit}") } else { format!("{large}{large_unit} {small}{small_unit}") }
}

/// How long ago that was, or in how long it will be.
pub(crate) fn from_now(at: Timestamp, now: Timestamp) -> String {
    let away = at.duration_since(now);
    match away.as_secs() {
        0 => "now".to_owned(),
        1.. => format!("in {}", length(away)),
        _ => format!("{} ago", length(away)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Option<&str>) {
        let now = "2026-05-30T14:23:00Z".parse().unwrap();
        assert_eq!(parse(text, now).ok(), expected.map(|at| at.parse().unwrap()), "{text:?}");
    }

    #[test]
    fn a_time_is_given_as_iso_8601_or_as_how_long_ago() {
        check("2026-05-30T16:00:00+02:00", Some("2026-05-30T14:00:00Z"));
        check("90s", Some("2026-05-30T14:21:30Z"));
        check("2h", Some("2026-05-30T12:23:00Z"));
        check("3d", Some("2026-05-27T14:23:00Z"));
        check("2 hours ago", Some("2026-05-30T12:23:00Z"));
        check("yesterday", None);
        check("2026-05-30", None);
        check("", None);
    }

    #[test]
    fn a_length_has_two_units_at_most() {
        let cases = [(5, "5s"), (60, "1m"), (61, "1m 1s"), (3_600, "1h"), (90_061, "1d 1h"), (-61, "1m 1s")];
        for (seconds, expected) in cases {
            assert_eq!(length(SignedDuration::from_secs(seconds)), expected);
        }
    }

    #[test]
    fn a_time_is_told_from_now_on() {
        let now = Timestamp::UNIX_EPOCH;
        for (seconds, expected) in [(90, "in 1m 30s"), (0, "now"), (-7_200, "2h ago")] {
            assert_eq!(from_now(Timestamp::from_second(seconds).unwrap(), now), expected);
        }
    }
}
