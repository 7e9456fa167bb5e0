//! How texts look: what filters ask of them besides being a certain one.

use super::{Affix, Wildcard};

/// What a text has to be like.
#[derive(Debug, Clone)]
pub(super) enum Look {
    /// That text, in whatever case.
    Same(String),
    /// It begins so.
    Begins(Affix),
    /// It ends so.
    Ends(Affix),
    /// It fits.
    Fits(Wildcard),
}

impl Look {
    /// Whether a text is like that; in time that grows with its length and no faster.
    pub(super) fn is_met_by(&self, text: &str) -> bool {
        match self {
            Self::Same(wanted) => folded(text).eq(folded(wanted)),
            Self::Begins(Affix { text: wanted, ignore_case: false }) => text.starts_with(wanted),
            Self::Begins(Affix { text: wanted, ignore_case: true }) => begins(folded(text), folded(wanted)),
            Self::Ends(Affix { text: wanted, ignore_case: false }) => text.ends_with(wanted),
            Self::Ends(Affix { text: wanted, ignore_case: true }) => begins(folded(text).rev(), folded(wanted).rev()),
            Self::Fits(wildcard) => fits(wildcard, text),
        }
    }
}

/// A text's characters, without the difference of case.
fn folded(text: &str) -> impl DoubleEndedIterator<Item = char> {
    text.chars().flat_map(char::to_lowercase)
}

fn begins(mut text: impl Iterator<Item = char>, mut wanted: impl Iterator<Item = char>) -> bool {
    wanted.all(|character| text.next() == Some(character))
}

/// The parts between the `*` one after another, each as early as it comes: whatever fits at all fits so.
fn fits(Wildcard { parts }: &Wildcard, text: &str) -> bool {
    let Some((first, rest)) = parts.split_first() else { return false };
    let Some(mut left) = text.strip_prefix(first.as_str()) else { return false };
    let Some((last, middle)) = rest.split_last() else { return left.is_empty() };
    for part in middle {
        let Some((_, after)) = left.split_once(part.as_str()) else { return false };
        left = after;
    }
    left.ends_with(last.as_str())
}
