//! Texts that somebody else wrote: a customer, a producer, a receiver. A terminal obeys none of them, nor shows them in
//! another order.

/// With what a terminal would obey, and line ends, written out.
pub(crate) fn one_line(text: &str) -> String {
    escaped(text, |_| false)
}

/// The same, with its lines.
pub(crate) fn lines(text: &str) -> String {
    escaped(text, |letter| matches!(letter, '\n' | '\t'))
}

/// So many characters of it at most, on one line.
pub(crate) fn beginning(text: &str, length: usize) -> String {
    match text.char_indices().nth(length) {
        Some((end, _)) => format!("{}…", one_line(text.get(..end).unwrap_or_default())),
        None => one_line(text),
    }
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for letter in text.chars() {
        if (letter.is_control() || turns(letter)) && !stays(letter) {
            escaped.extend(letter.escape_default());
        } else {
            escaped.push(letter);
        }
    }
    escaped
}

/// Whether what follows would be shown in another direction (Unicode Standard Annex #9, "Explicit Directional").
fn turns(letter: char) -> bool {
    matches!(letter, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_terminal_would_obey_is_written_out() {
        assert_eq!(one_line("a\u{1b}[2J\r\nb\u{9b}1m \"é\""), "a\\u{1b}[2J\\r\\nb\\u{9b}1m \"é\"");
        assert_eq!(one_line("a\u{202e}b\u{2066}c\u{200f}"), "a\\u{202e}b\\u{2066}c\u{200f}");
        assert_eq!(lines("a\n\tb\u{7}"), "a\n\tb\\u{7}");
        assert_eq!((beginning("éab", 2).as_str(), beginning("éa", 2).as_str()), ("éa…", "éa"));
    }
}
