//! From JSON to what a filter says: objects, their fields, and the alternatives among them.

use std::fmt;

use super::json::Json;
use super::{Clause, FilterError, MAX_BYTES, MAX_COMBINATIONS, MAX_DEPTH, Pattern, operators};

/// The field that holds alternatives.
const OR: &str = "$or";

/// What a field within alternatives cannot be called: AWS takes it for an operator in the wrong place.
const RESERVED: [&str; 24] = [
    "exactly",
    "equals-ignore-case",
    "prefix",
    "suffix",
    "anything-but",
    "exists",
    "wildcard",
    "numeric",
    "cidr",
    "=",
    "<",
    "<=",
    ">",
    ">=",
    "regex",
    "not-wildcard",
    "not-equals-ignore-case",
    "date-after",
    "date-on-or-after",
    "date-before",
    "date-on-or-before",
    "in-date-range",
    "ip-address-in-range",
    "ip-address-not-in-range",
];

/// Where in a filter something stands.
#[derive(Debug, Clone, Copy)]
pub(super) enum Path<'a> {
    /// The filter itself.
    Whole,
    /// A field of what stands there.
    Field(&'a Path<'a>, &'a str),
    /// An entry of the list that stands there.
    Entry(&'a Path<'a>, usize),
}

impl Path<'_> {
    /// The error of what stands here.
    pub(super) fn wrong<T>(&self, problem: impl Into<String>) -> Result<T, FilterError> {
        Err(FilterError { path: self.to_string(), problem: problem.into() })
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Whole => f.write_str("filter"),
            Self::Field(parent, name) => write!(f, "{parent}.{name}"),
            Self::Entry(parent, index) => write!(f, "{parent}[{index}]"),
        }
    }
}

/// An object's place: how deep it is, and whether it is one of several alternatives or within one.
#[derive(Debug, Clone, Copy)]
struct Place<'a> {
    path: &'a Path<'a>,
    depth: usize,
    in_or: bool,
}

pub(super) fn check_size(text: &str) -> Result<(), FilterError> {
    if text.len() > MAX_BYTES {
        return Path::Whole.wrong(format!("Must be at most {MAX_BYTES} bytes; it has {}", text.len()));
    }
    Ok(())
}

/// Reads a whole filter.
pub(super) fn whole(tree: &Json) -> Result<Pattern, FilterError> {
    let pattern = object(tree, Place { path: &Path::Whole, depth: 1, in_or: false })?;
    let combinations = combinations(&pattern);
    if combinations > MAX_COMBINATIONS {
        return Path::Whole.wrong(format!(
            "Must not have more than {MAX_COMBINATIONS} combinations of alternatives; the lengths of its {OR} lists, \
             multiplied, are {combinations}"
        ));
    }
    Ok(pattern)
}

fn object(tree: &Json, place: Place<'_>) -> Result<Pattern, FilterError> {
    let Place { path, depth, in_or } = place;
    let Json::Object(fields) = tree else { return path.wrong("Must be an object of fields") };
    if fields.is_empty() {
        return path.wrong("Must name at least one field");
    }
    if depth > MAX_DEPTH {
        return path.wrong(format!("Must not lie deeper than {MAX_DEPTH} objects"));
    }
    let mut pattern = Vec::with_capacity(fields.len());
    for (position, (name, value)) in fields.iter().enumerate() {
        let here = Path::Field(path, name);
        if fields.iter().take(position).any(|(earlier, _)| earlier == name) {
            return here.wrong("Must be named once");
        }
        if in_or && RESERVED.contains(&name.as_str()) {
            return here.wrong(format!("An operator's name; within {OR} no field can be called so"));
        }
        pattern.push(match value {
            Json::Array(alternatives) if name == OR => {
                Clause::Or(alternatives_of(alternatives, Place { path: &here, ..place })?)
            }
            _ if name == OR => return here.wrong("Must be a list of alternatives, each an object of fields"),
            Json::Array(values) => Clause::Values(name.clone(), operators::tests(values, &here)?),
            Json::Object(_) => {
                Clause::Within(name.clone(), object(value, Place { path: &here, depth: depth + 1, in_or })?)
            }
            Json::Scalar(_) => {
                return here.wrong("Must be a list of values and operators, or an object of fields");
            }
        });
    }
    Ok(pattern)
}

fn alternatives_of(alternatives: &[Json], place: Place<'_>) -> Result<Vec<Pattern>, FilterError> {
    if alternatives.len() < 2 {
        return place.path.wrong("Must have at least two alternatives");
    }
    let read = alternatives.iter().enumerate().map(|(index, alternative)| {
        let path = Path::Entry(place.path, index);
        object(alternative, Place { path: &path, depth: place.depth + 1, in_or: true })
    });
    read.collect()
}

/// The lengths of all lists of alternatives, multiplied.
fn combinations(pattern: &Pattern) -> usize {
    let of = |clause: &Clause| match clause {
        Clause::Values(..) => 1,
        Clause::Within(_, pattern) => combinations(pattern),
        Clause::Or(alternatives) => {
            alternatives.iter().map(combinations).fold(alternatives.len(), usize::saturating_mul)
        }
    };
    pattern.iter().map(of).fold(1, usize::saturating_mul)
}
