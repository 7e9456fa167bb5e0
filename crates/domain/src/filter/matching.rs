//! Whether a body is as a filter says.
//!
//! It is judged as Amazon EventBridge judges events ("Amazon EventBridge event patterns"; where that leaves a question,
//! as its matcher does, github.com/aws/event-ruler): a list stands for its entries, and of a list of objects one has to be
//! as the filter says in full; lists within lists are one list; a field that is an object, or an empty list, has no value.
//! In two things it is simpler. Of alternatives (`$or`) each is judged by itself, so what stands beside them may be met by
//! another entry of the same list than they are. And of two fields with one name the last counts, as receivers read it.
//!
//! The invariant: work is bounded, whatever the filter and the body are. Whoever wrote them pays no attention to that.

#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::{Map, Value};

use super::wanted::Wanted;
use super::{Clause as Written, Filter};

/// What one filter may do to judge one body: looks at a field, an entry of a list, or 64 bytes of a text. Some
/// milliseconds.
pub const MAX_STEPS: usize = 50_000;

/// The body of a message, read once for all filters.
#[derive(Debug)]
pub struct Document(Value);

impl Document {
    /// Reads a body.
    ///
    /// # Errors
    /// When it is no JSON, or nothing that a program could hold: numbers beyond all bounds, halves of characters, more
    /// than 128 levels.
    pub fn read(body: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(body).map(Self)
    }
}

/// A filter, made ready for judging many bodies.
#[derive(Debug)]
pub struct Matcher(Vec<Clause>);

/// What a filter says of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The body is as it says.
    Matches,
    /// The body is not.
    Differs,
    /// To tell would take more than [`MAX_STEPS`].
    Undecided,
}

/// Where a body first differs from what a filter says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// The field, from the body's own on: `data.resource.type`.
    pub path: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.problem)
    }
}

/// More work than is allowed.
#[derive(Debug)]
pub(super) struct OutOfSteps;

/// The steps that are left.
#[derive(Debug)]
pub(super) struct Steps(usize);

impl Steps {
    /// Takes some of them.
    pub(super) fn take(&mut self, steps: usize) -> Result<(), OutOfSteps> {
        self.0 = self.0.checked_sub(steps).ok_or(OutOfSteps)?;
        Ok(())
    }
}

#[derive(Debug)]
enum Clause {
    Within(String, Vec<Clause>),
    Values(String, Wanted),
    Or(Vec<Vec<Clause>>),
}

/// How a clause is met, from worst to best.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Met {
    Not,
    /// By what is not there. In a list that takes all of its entries.
    ByAbsence,
    ByValue,
}

type Object = Map<String, Value>;

impl Matcher {
    /// Makes a filter ready.
    #[must_use]
    pub fn new(filter: &Filter) -> Self {
        Self(clauses(filter.pattern()))
    }

    /// What the filter says of a body.
    #[must_use]
    pub fn judge(&self, document: &Document) -> Verdict {
        self.judge_within(document, &mut Steps(MAX_STEPS))
    }

    fn judge_within(&self, Document(body): &Document, steps: &mut Steps) -> Verdict {
        match all(&self.0, body.as_object(), steps) {
            Ok(Met::Not) => Verdict::Differs,
            Ok(Met::ByAbsence | Met::ByValue) => Verdict::Matches,
            Err(OutOfSteps) => Verdict::Undecided,
        }
    }

    /// The first field, in the filter's order, by which a body differs; none when it does not, or that takes too much
    /// work to tell.
    #[must_use]
    pub fn first_difference(&self, Document(body): &Document) -> Option<Difference> {
        let mut path = Vec::new();
        let problem = difference(&self.0, body.as_object(), &mut path, &mut Steps(MAX_STEPS)).ok()??;
        Some(Difference { path: path.join("."), problem })
    }
}

fn clauses(pattern: &[Written]) -> Vec<Clause> {
    let clause = |written: &Written| match written {
        Written::Within(name, pattern) => Clause::Within(name.clone(), clauses(pattern)),
        Written::Values(name, tests) => Clause::Values(name.clone(), Wanted::new(tests)),
        Written::Or(alternatives) => Clause::Or(alternatives.iter().map(|pattern| clauses(pattern)).collect()),
    };
    pattern.iter().map(clause).collect()
}

/// Whether an object, or the absence of one, is as all clauses say.
fn all(clauses: &[Clause], object: Option<&Object>, steps: &mut Steps) -> Result<Met, OutOfSteps> {
    let mut met = Met::ByAbsence;
    for clause in clauses {
        match one(clause, object, steps)? {
            Met::Not => return Ok(Met::Not),
            by => met = met.max(by),
        }
    }
    Ok(met)
}

fn one(clause: &Clause, object: Option<&Object>, steps: &mut Steps) -> Result<Met, OutOfSteps> {
    steps.take(1)?;
    match clause {
        Clause::Within(name, clauses) => match field(object, name) {
            Some(Value::Object(inner)) => all(clauses, Some(inner), steps),
            Some(Value::Array(entries)) => match any_object(clauses, entries, steps)? {
                Some(met) => Ok(met),
                None => all(clauses, None, steps),
            },
            _ => all(clauses, None, steps),
        },
        Clause::Values(name, wanted) => Ok(match any_value(wanted, field(object, name), steps)? {
            Some(true) => Met::ByValue,
            None if wanted.absent => Met::ByAbsence,
            Some(false) | None => Met::Not,
        }),
        Clause::Or(alternatives) => {
            let mut met = Met::Not;
            for alternative in alternatives {
                met = met.max(all(alternative, object, steps)?);
                if met == Met::ByValue {
                    break;
                }
            }
            Ok(met)
        }
    }
}

fn field<'a>(object: Option<&'a Object>, name: &str) -> Option<&'a Value> {
    object?.get(name)
}

/// How the objects of a list are as all clauses say: one of them by values, or all of them by absence. None where there
/// is no object.
fn any_object(clauses: &[Clause], entries: &[Value], steps: &mut Steps) -> Result<Option<Met>, OutOfSteps> {
    let mut least = None;
    for entry in entries {
        steps.take(1)?;
        let met = match entry {
            Value::Object(inner) => Some(all(clauses, Some(inner), steps)?),
            Value::Array(inner) => any_object(clauses, inner, steps)?,
            _ => None,
        };
        if met == Some(Met::ByValue) {
            return Ok(met);
        }
        least = least.map_or(met, |least: Met| Some(met.map_or(least, |met| least.min(met))));
    }
    Ok(least)
}

/// Whether the value of a field, or one of its values, is wanted. None where it has no value.
fn any_value(wanted: &Wanted, value: Option<&Value>, steps: &mut Steps) -> Result<Option<bool>, OutOfSteps> {
    match value {
        None | Some(Value::Object(_)) => Ok(None),
        Some(Value::Array(entries)) => {
            let mut seen = None;
            for entry in entries {
                steps.take(1)?;
                match any_value(wanted, Some(entry), steps)? {
                    Some(true) => return Ok(Some(true)),
                    passed => seen = seen.or(passed),
                }
            }
            Ok(seen)
        }
        Some(value) => wanted.passes(value, steps).map(Some),
    }
}

/// What is wrong with the first field that is not as it is to be; `path` then leads there.
fn difference<'a>(
    clauses: &'a [Clause],
    object: Option<&Object>,
    path: &mut Vec<&'a str>,
    steps: &mut Steps,
) -> Result<Option<&'static str>, OutOfSteps> {
    for clause in clauses {
        if one(clause, object, steps)? != Met::Not {
            continue;
        }
        return match clause {
            Clause::Or(_) => {
                path.push("$or");
                Ok(Some("none of the alternatives matches"))
            }
            Clause::Values(name, wanted) => {
                path.push(name);
                let there = any_value(wanted, field(object, name), steps)?.is_some();
                Ok(Some(if there { "the value does not match" } else { "there is no value" }))
            }
            Clause::Within(name, inner) => {
                path.push(name);
                match field(object, name) {
                    Some(Value::Object(object)) => difference(inner, Some(object), path, steps),
                    Some(Value::Array(entries)) if any_object(inner, entries, steps)?.is_some() => {
                        Ok(Some("no entry of the list matches as a whole"))
                    }
                    _ => difference(inner, None, path, steps),
                }
            }
        };
    }
    Ok(None)
}
