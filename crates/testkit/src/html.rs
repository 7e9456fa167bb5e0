//! Pages as browsers read them, as far as tests look: tags, their attributes, and text.

/// The beginning of an element.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// The element's name, in small letters.
    pub name: String,
    /// Names in small letters and what they stand for, without escapes.
    pub attributes: Vec<(String, String)>,
    /// The text up to the next tag, without escapes.
    pub text: String,
}

impl Tag {
    /// An attribute; nothing where there is none.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// The tags that begin something, in their order.
#[must_use]
pub fn tags(html: &str) -> Vec<Tag> {
    pieces(html).into_iter().map(|(tag, _)| tag).filter(|tag| !tag.name.is_empty()).collect()
}

/// All that is text, without escapes.
#[must_use]
pub fn text(html: &str) -> String {
    let (before, _) = html.split_once('<').unwrap_or((html, ""));
    let parts: Vec<String> = pieces(html).into_iter().map(|(_, text)| text).collect();
    unescaped(before) + &parts.concat()
}

/// Each tag with the text behind it; one that begins nothing has no name.
fn pieces(html: &str) -> Vec<(Tag, String)> {
    let (mut found, mut rest) = (Vec::new(), html);
    while let Some((_, behind)) = rest.split_once('<') {
        let (name, attributes, after) = if behind.starts_with(|letter: char| letter.is_ascii_alphabetic()) {
            tag(behind)
        } else {
            (String::new(), Vec::new(), behind.split_once('>').map_or("", |(_, after)| after))
        };
        let text = unescaped(after.split('<').next().unwrap_or_default());
        found.push((Tag { name, attributes, text: text.clone() }, text));
        rest = after;
    }
    found
}

/// Reads a tag behind its `<`: name, attributes, and what follows the `>`.
fn tag(text: &str) -> (String, Vec<(String, String)>, &str) {
    let ends_name = |letter: char| letter.is_ascii_whitespace() || matches!(letter, '/' | '>' | '=');
    let (name, mut rest) = text.split_at(text.find(ends_name).unwrap_or(text.len()));
    let mut attributes = Vec::new();
    loop {
        rest = rest.trim_start_matches(|letter: char| letter.is_ascii_whitespace() || letter == '/');
        if rest.is_empty() {
            return (name.to_ascii_lowercase(), attributes, rest);
        }
        if let Some(after) = rest.strip_prefix('>') {
            return (name.to_ascii_lowercase(), attributes, after);
        }
        let (attribute, after) =
            rest.split_at(rest.get(1..).and_then(|rest| rest.find(ends_name)).map_or(rest.len(), |at| at + 1));
        let (value, after) = match after.trim_start().strip_prefix('=').map(str::trim_start) {
            None => ("", after),
            Some(quoted) => match quoted.chars().next() {
                Some(quote @ ('"' | '\'')) => quoted[1..].split_once(quote).unwrap_or((&quoted[1..], "")),
                _ => quoted.split_at(
                    quoted.find(|letter: char| letter.is_ascii_whitespace() || letter == '>').unwrap_or(quoted.len()),
                ),
            },
        };
        attributes.push((attribute.to_ascii_lowercase(), unescaped(value)));
        rest = after;
    }
}

/// A text without the escapes that our pages use.
fn unescaped(text: &str) -> String {
    let escapes = [("&#60;", "<"), ("&#62;", ">"), ("&#34;", "\""), ("&#39;", "'"), ("&#38;", "&"), ("&amp;", "&")];
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, _)) = rest.split_once('&') {
        plain.push_str(before);
        rest = &rest[before.len()..];
        let (escape, letter) = escapes.into_iter().find(|(escape, _)| rest.starts_with(escape)).unwrap_or(("&", "&"));
        plain.push_str(letter);
        rest = &rest[escape.len()..];
    }
    plain + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_read_as_a_browser_reads_it() {
        let html = r#"a&#60;<!doctype html><A href="x&#38;y" hidden ONclick='a>b' id=z>&#34;&amp;lt;</A>b<br/>c"#;
        let found = tags(html);
        assert_eq!(found.iter().map(|tag| tag.name.as_str()).collect::<Vec<_>>(), ["a", "br"]);
        let expected = [("href", "x&y"), ("hidden", ""), ("onclick", "a>b"), ("id", "z")];
        assert_eq!(found[0].attributes, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
        assert_eq!(found[0].text, "\"&lt;");
        assert_eq!(text(html), "a<\"&lt;bc");
    }
}
