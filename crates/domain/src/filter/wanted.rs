//! What the value of one field may be, made ready for being asked often.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Number, Value};

use super::looks::Look;
use super::matching::{OutOfSteps, Steps};
use super::{Affix, Excluded, MAX_NUMBER, Range, Scalar, Test};

/// Bytes of a text that a step looks at.
const BYTES_PER_STEP: usize = 64;

/// The tests of a field: exact values in a set, whatever their number, and the others one by one.
#[derive(Debug, Default)]
pub(super) struct Wanted {
    exact: BTreeSet<Exactly<'static>>,
    checks: Vec<Check>,
    /// Whether every value will do.
    any: bool,
    /// Whether the field may be absent.
    pub(super) absent: bool,
}

/// A value that is no object and no list, to be found in a set.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Exactly<'a> {
    Null,
    Bool(bool),
    /// Millionths. AWS, "Comparison operators", numeric matching: six digits to the right of the decimal point.
    Number(i64),
    /// A number that is too large for that, as it is written.
    Beyond(String),
    Text(Cow<'a, str>),
}

/// A test that is more than a comparison.
#[derive(Debug)]
enum Check {
    Within(Range),
    Block(IpNet),
    Like(Look),
    NoneOf(BTreeSet<Exactly<'static>>),
    LikeNone(Vec<Look>),
}

impl Wanted {
    pub(super) fn new(tests: &[Test]) -> Self {
        let mut wanted = Self::default();
        for test in tests {
            let check = match test {
                Test::Equals(value) => {
                    wanted.exact.insert(Exactly::from(value));
                    continue;
                }
                Test::Exists(true) => {
                    wanted.any = true;
                    continue;
                }
                Test::Exists(false) => {
                    wanted.absent = true;
                    continue;
                }
                Test::EqualsIgnoreCase(text) => Check::Like(Look::Same(text.clone())),
                Test::Prefix(affix) => Check::Like(Look::Begins(affix.clone())),
                Test::Suffix(affix) => Check::Like(Look::Ends(affix.clone())),
                Test::Wildcard(wildcard) => Check::Like(Look::Fits(wildcard.clone())),
                Test::Numeric(range) => Check::Within(*range),
                Test::Cidr(block) => Check::Block(*block),
                Test::AnythingBut(excluded) => Check::not(excluded),
            };
            wanted.checks.push(check);
        }
        wanted
    }

    /// Whether a value that is no object and no list is one of those wanted.
    pub(super) fn passes(&self, value: &Value, steps: &mut Steps) -> Result<bool, OutOfSteps> {
        let Some(value) = Exactly::of(value) else { return Ok(false) };
        steps.take(value.steps())?;
        if self.any || self.exact.contains(&value) {
            return Ok(true);
        }
        for check in &self.checks {
            steps.take(check.looks() * value.steps())?;
            if check.passes(&value) {
                return Ok(true);
            }
        }
        Ok(false)
    }
}

impl Check {
    fn not(excluded: &Excluded) -> Self {
        let looks = |texts: &[String], look: fn(String) -> Look| {
            Self::LikeNone(texts.iter().map(|text| look(text.clone())).collect())
        };
        match excluded {
            Excluded::Texts(texts) => {
                Self::NoneOf(texts.iter().map(|text| Exactly::Text(Cow::Owned(text.clone()))).collect())
            }
            Excluded::Numbers(numbers) => {
                Self::NoneOf(numbers.iter().map(|&number| Exactly::Number(millionths(number))).collect())
            }
            Excluded::IgnoringCase(texts) => looks(texts, Look::Same),
            Excluded::Prefixes(texts) => looks(texts, |text| Look::Begins(Affix { text, ignore_case: false })),
            Excluded::Suffixes(texts) => looks(texts, |text| Look::Ends(Affix { text, ignore_case: false })),
            Excluded::Wildcards(all) => Self::LikeNone(all.iter().cloned().map(Look::Fits).collect()),
        }
    }

    /// How often it looks at a value.
    fn looks(&self) -> usize {
        if let Self::LikeNone(looks) = self { looks.len() } else { 1 }
    }

    /// What asks for a text, a number or an address is passed by no other value. What excludes texts excludes no other
    /// value.
    fn passes(&self, value: &Exactly<'_>) -> bool {
        match (self, value) {
            (Self::NoneOf(excluded), value) => !excluded.contains(value),
            (Self::Within(range), Exactly::Number(number)) => holds(range, *number),
            (Self::Block(block), Exactly::Text(text)) => {
                text.parse::<IpAddr>().is_ok_and(|address| block.contains(&address))
            }
            (Self::Like(look), Exactly::Text(text)) => look.is_met_by(text),
            (Self::LikeNone(looks), Exactly::Text(text)) => !looks.iter().any(|look| look.is_met_by(text)),
            (Self::LikeNone(_), _) => true,
            (Self::Within(_) | Self::Block(_) | Self::Like(_), _) => false,
        }
    }
}

fn holds(range: &Range, number: i64) -> bool {
    let above = range.from.is_none_or(|end| {
        let at = millionths(end.at);
        number > at || (end.included && number == at)
    });
    let below = range.to.is_none_or(|end| {
        let at = millionths(end.at);
        number < at || (end.included && number == at)
    });
    above && below
}

/// A number within [`MAX_NUMBER`] in millionths.
fn millionths(number: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "a number within the bound, in millionths, is a whole i64")]
    let millionths = (number * 1e6).round() as i64;
    millionths
}

impl<'a> Exactly<'a> {
    /// None of an object or a list.
    fn of(value: &'a Value) -> Option<Self> {
        match value {
            Value::Null => Some(Self::Null),
            Value::Bool(value) => Some(Self::Bool(*value)),
            Value::Number(number) => Some(Self::of_number(number)),
            Value::String(text) => Some(Self::Text(Cow::Borrowed(text))),
            Value::Array(_) | Value::Object(_) => None,
        }
    }

    fn of_number(number: &Number) -> Self {
        match number.as_f64() {
            Some(near) if near.abs() <= MAX_NUMBER => Self::Number(millionths(near)),
            _ => Self::Beyond(number.to_string()),
        }
    }

    /// Steps that looking at it takes.
    fn steps(&self) -> usize {
        if let Self::Text(text) = self { 1 + text.len() / BYTES_PER_STEP } else { 1 }
    }
}

impl From<&Scalar> for Exactly<'static> {
    fn from(value: &Scalar) -> Self {
        match value {
            Scalar::Null => Self::Null,
            Scalar::Bool(value) => Self::Bool(*value),
            Scalar::Number(number) => Self::of_number(number),
            Scalar::Text(text) => Self::Text(Cow::Owned(text.clone())),
        }
    }
}
