//! Changes that make a wrong text of a right one.

use crate::dice::Dice;

/// Characters of a text at most, but for the few that are made long on purpose.
const LONG: usize = 4_000;

/// What is long on purpose.
const VERY_LONG: usize = 300_000;

/// What breaks parsers of any language.
const TROUBLE: [&str; 46] = [
    "\0",
    "\t",
    "\n",
    "\r\n",
    " ",
    "\u{a0}",
    "\u{200b}",
    "\u{202e}",
    "\u{feff}",
    "\u{ffff}",
    "\u{10ffff}",
    "é",
    "ß",
    "İ",
    "１",
    "𝟙",
    "\"",
    "'",
    "\\",
    "\\u0000",
    "\\ud800",
    "\\udc00",
    "\\\"",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "null",
    "true",
    "{}",
    "[]",
    "\"\"",
    "0",
    "-0",
    "-1",
    "1e999",
    "1e-999",
    "0.1",
    "18446744073709551616",
    "-9223372036854775809",
    "NaN",
    "%00",
    "%2e",
    "=",
];

/// Brackets to nest a text in.
const BRACKETS: [(&str, &str); 4] = [("[", "]"), ("{\"a\":", "}"), ("(", ")"), ("\"", "\"")];

/// A text of those that are kept, changed once or a few times.
pub(crate) fn changed(kept: &[String], words: &[String], dice: &mut Dice) -> String {
    let mut text: Vec<char> = dice.one(kept).map(|text| text.chars().collect()).unwrap_or_default();
    for _ in 0..=dice.below(4) {
        change(&mut text, kept, words, dice);
        text.truncate(LONG);
    }
    if dice.below(500) == 0 {
        stretch(&mut text, dice);
    }
    text.into_iter().collect()
}

fn change(text: &mut Vec<char>, kept: &[String], words: &[String], dice: &mut Dice) {
    let (from, to) = dice.span(text.len());
    match dice.below(10) {
        0 => drop(text.drain(from..to)),
        1 => {
            let again: Vec<char> = text.get(from..to).unwrap_or_default().to_vec();
            insert(text, to, again);
        }
        2 => insert(text, from, word(&TROUBLE, dice).chars()),
        3 => {
            text.drain(from..to);
            insert(text, from, word(&TROUBLE, dice).chars());
        }
        4 => insert(text, from, word(words, dice).chars()),
        5 => {
            text.drain(from..to);
            insert(text, from, word(words, dice).chars());
        }
        6 => {
            // The beginning of one and the end of another.
            let other: Vec<char> = word(kept, dice).chars().collect();
            text.truncate(from);
            let rest = dice.below(other.len() + 1);
            text.extend(other.get(rest..).unwrap_or_default());
        }
        7 => {
            let (open, close) = dice.one(&BRACKETS).copied().unwrap_or_default();
            let times = 1 + if dice.below(8) == 0 { dice.below(300) } else { 0 };
            insert(text, to, close.repeat(times).chars());
            insert(text, from, open.repeat(times).chars());
        }
        8 => {
            if let Some(character) = text.get_mut(from) {
                let flipped = u32::from(*character) ^ (1 << dice.below(7));
                *character = char::from_u32(flipped).unwrap_or('\u{fffd}');
            }
        }
        _ => exchange(text, dice),
    }
}

/// Has two of its parts change places.
fn exchange(text: &mut Vec<char>, dice: &mut Dice) {
    let is_mark = |character: &char| character.is_ascii_punctuation();
    let mut parts: Vec<Vec<char>> = text.split_inclusive(is_mark).map(<[char]>::to_vec).collect();
    let (one, other) = (dice.below(parts.len()), dice.below(parts.len()));
    if one < parts.len() {
        parts.swap(one, other);
    }
    *text = parts.concat();
}

/// Makes a text so long that whoever reads it more than once will be noticed.
fn stretch(text: &mut Vec<char>, dice: &mut Dice) {
    let (from, to) = dice.span(text.len());
    let part: Vec<char> = text.get(from..to).filter(|part| !part.is_empty()).unwrap_or(&['[']).to_vec();
    let times = VERY_LONG / part.len();
    insert(text, from, part.repeat(times));
}

fn insert(text: &mut Vec<char>, at: usize, what: impl IntoIterator<Item = char>) {
    text.splice(at..at, what);
}

fn word<'a>(words: &'a [impl AsRef<str>], dice: &mut Dice) -> &'a str {
    dice.one(words).map_or("", AsRef::as_ref)
}
