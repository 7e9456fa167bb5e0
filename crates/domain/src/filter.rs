//! Filters of endpoints: which of the messages that an endpoint subscribes to it gets, by what is in their bodies.
//!
//! The language is that of Amazon EventBridge ("Amazon EventBridge event patterns"), checked as strictly as AWS does:
//! what is accepted here, AWS accepts too. A filter is read once; what it says is then a tree, see [`Pattern`]. A
//! [`Matcher`] is made of it, and judges bodies.

mod json;
mod looks;
mod matching;
mod operators;
mod parse;
#[cfg(test)]
mod tests;
mod wanted;

use std::fmt;

use ipnet::IpNet;
use serde_json::value::RawValue;

pub use matching::{Difference, Document, MAX_STEPS, Matcher, Verdict};

/// Bytes of a filter, without white space between tokens. AWS, "Amazon EventBridge quotas", has 2,048, adjustable.
pub const MAX_BYTES: usize = 4_096;

/// Objects within one another, the filter itself included. AWS names no bound; this is ours.
pub const MAX_DEPTH: usize = 10;

/// Combinations of alternatives. AWS, "Comparison operators", `$or`: the lengths of all its arrays, multiplied.
pub const MAX_COMBINATIONS: usize = 1_000;

/// `*` in one wildcard. AWS bounds the complexity of all of them together; this is ours.
pub const MAX_STARS: usize = 5;

/// What numbers are compared within. AWS, "Comparison operators", numeric matching.
pub const MAX_NUMBER: f64 = 5e9;

/// An endpoint's filter: as its owner wrote it, and what it says.
#[derive(Debug, Clone, PartialEq)]
pub struct Filter {
    text: String,
    pattern: Pattern,
}

/// What an object has to be like: every clause holds.
pub type Pattern = Vec<Clause>;

/// One thing that an object has to be like.
#[derive(Debug, Clone, PartialEq)]
pub enum Clause {
    /// The field is an object like that.
    Within(String, Pattern),
    /// The field's value, or one of its values, passes one of the tests.
    Values(String, Vec<Test>),
    /// The object is like one of these.
    Or(Vec<Pattern>),
}

/// One test of a value.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// It is that value.
    Equals(Scalar),
    /// It is that text, in whatever case.
    EqualsIgnoreCase(String),
    /// It begins so.
    Prefix(Affix),
    /// It ends so.
    Suffix(Affix),
    /// It is a text that fits.
    Wildcard(Wildcard),
    /// It is a number in that range.
    Numeric(Range),
    /// It is an address in that block.
    Cidr(IpNet),
    /// It is there (`true`), or it is not.
    Exists(bool),
    /// It is there and none of these.
    AnythingBut(Excluded),
}

/// A value that is no object and no list.
#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(serde_json::Number),
    /// A text.
    Text(String),
}

/// How a text begins or ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Affix {
    /// With these characters.
    pub text: String,
    /// In whatever case.
    pub ignore_case: bool,
}

/// A text with gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wildcard {
    /// What stands between the `*`, and before the first and after the last: one part more than there are `*`.
    pub parts: Vec<String>,
}

/// A range of numbers; at least one of its ends is there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Range {
    /// From there.
    pub from: Option<End>,
    /// To there.
    pub to: Option<End>,
}

/// One end of a range.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct End {
    /// The number.
    pub at: f64,
    /// Whether it belongs to the range.
    pub included: bool,
}

/// What a value must not be; each list has at least one entry.
#[derive(Debug, Clone, PartialEq)]
pub enum Excluded {
    /// One of these texts.
    Texts(Vec<String>),
    /// One of these numbers.
    Numbers(Vec<f64>),
    /// One of these texts, in whatever case.
    IgnoringCase(Vec<String>),
    /// Something that begins so.
    Prefixes(Vec<String>),
    /// Something that ends so.
    Suffixes(Vec<String>),
    /// Something that fits.
    Wildcards(Vec<Wildcard>),
}

/// Why a text is no filter.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {problem}")]
pub struct FilterError {
    /// Where, from the whole on: `filter.data.resource.type[0]`.
    pub path: String,
    /// What is wrong there and what would be right.
    pub problem: String,
}

impl Filter {
    /// Reads a filter.
    ///
    /// # Errors
    /// When it is no event pattern, or larger than it may be: where, and why.
    pub fn parse(text: &str) -> Result<Self, FilterError> {
        let no_json = |error: serde_json::Error| FilterError {
            path: parse::Path::Whole.to_string(),
            problem: format!("Must be JSON: {error}"),
        };
        let raw: &RawValue = serde_json::from_str(text).map_err(no_json)?;
        let text = crate::body::compact(raw).map_err(no_json)?;
        parse::check_size(text.get())?;
        let tree = serde_json::from_str(text.get()).map_err(no_json)?;
        let pattern = parse::whole(&tree)?;
        Ok(Self { text: String::from(Box::<str>::from(text)), pattern })
    }

    /// The filter as its owner wrote it, without white space between tokens.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What it says.
    #[must_use]
    pub fn pattern(&self) -> &Pattern {
        &self.pattern
    }
}

impl fmt::Display for Filter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}
