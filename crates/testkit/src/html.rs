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

/// What a browser sends of the form with that action, as the page has filled it in. A button's value is not among it.
#[must_use]
pub fn fields(html: &str, action: &str) -> Vec<(String, String)> {
    let forms = html.split("<form").skip(1).map(|form| format!("<form{}", until(form, "</form>")));
    let all: Vec<Tag> = forms
        .map(|form| tags(&form))
        .find(|tags| tags[0].get("action") == Some(action) && tags[0].get("method") == Some("post"))
        .unwrap_or_else(|| panic!("no form is sent to {action}"));
    let mut fields: Vec<(String, String)> = Vec::new();
    let mut options = None;
    for tag in all.iter().filter(|tag| tag.get("disabled").is_none()) {
        let (name, value) = (tag.get("name").unwrap_or_default(), tag.get("value"));
        let sent = match (tag.name.as_str(), tag.get("type").unwrap_or_default()) {
            ("input", "checkbox" | "radio") => tag.get("checked").map(|_| value.unwrap_or("on").to_owned()),
            ("input", _) => Some(value.unwrap_or_default().to_owned()),
            // HTML, "Constructing the form data set": lines end in both characters, whatever they end in on the page.
            ("textarea", _) => {
                let text = tag.text.replace("\r\n", "\n");
                Some(text.strip_prefix('\n').unwrap_or(&text).replace('\n', "\r\n"))
            }
            ("select", _) => {
                options = Some(fields.len());
                Some(String::new())
            }
            ("option", _) => {
                let field = options.filter(|_| tag.get("selected").is_some()).and_then(|at| fields.get_mut(at));
                if let Some((_, chosen)) = field {
                    value.unwrap_or(&tag.text).clone_into(chosen);
                }
                None
            }
            _ => None,
        };
        fields.extend(sent.filter(|_| !name.is_empty()).map(|value| (name.to_owned(), value)));
    }
    fields
}

/// What is wrong with how the elements of a page are named and name one another: a sentence for each.
#[must_use]
pub fn faults(html: &str) -> Vec<String> {
    let all = tags(html);
    let ids: Vec<&str> = all.iter().filter_map(|tag| tag.get("id")).collect();
    let twice = ids.iter().enumerate().filter(|(place, id)| ids[..*place].contains(id));
    let mut faults: Vec<String> = twice.map(|(_, id)| format!("{id} is there twice")).collect();
    for tag in &all {
        let nowhere = named(tag).into_iter().filter(|id| !ids.contains(id));
        faults.extend(nowhere.map(|id| format!("{id} is not there: {tag:?}")));
    }
    let labels: Vec<&str> = all.iter().filter(|tag| tag.name == "label").filter_map(|tag| tag.get("for")).collect();
    let mut labelled = html.split("<label");
    let outside = labelled.next().unwrap_or_default().to_owned();
    let outside = labelled.fold(outside, |outside, label| outside + &label[until(label, "</label>").len()..]);
    for tag in tags(&outside) {
        let is_field = match tag.name.as_str() {
            "input" => tag.get("type") != Some("hidden"),
            "select" | "textarea" => true,
            "button" => tag.text.trim().is_empty(),
            _ => false,
        };
        let is_named = tag.get("aria-label").is_some_and(|label| !label.is_empty())
            || tag.get("id").is_some_and(|id| labels.contains(&id));
        if is_field && !is_named {
            faults.push(format!("it has no name: {tag:?}"));
        }
    }
    faults
}

/// What a page says at the field of that name or id, which has to be marked as wrong.
#[track_caller]
#[must_use]
pub fn problems(html: &str, field: &str) -> Vec<String> {
    let all = tags(html);
    // Of many boxes of one name, what is around them is the field.
    let is_field = |tag: &&Tag| tag.get("name").or(tag.get("id").filter(|_| tag.name == "fieldset")) == Some(field);
    let wrong = all.iter().filter(is_field).find(|tag| tag.get("aria-invalid") == Some("true"));
    let described = wrong.and_then(|tag| tag.get("aria-describedby")).unwrap_or_else(|| panic!("{field} is not wrong"));
    let id = described.split(' ').find(|id| id.ends_with("-error"));
    let from = all.iter().position(|tag| tag.get("id") == id).expect("what describes a field is there");
    let is_error = |tag: &&Tag| tag.get("class") == Some("error");
    let at = all[from..].iter().skip_while(|tag| !is_error(tag)).take_while(is_error);
    at.map(|tag| tag.text.clone()).collect()
}

/// The ids of other elements that an element names.
fn named(tag: &Tag) -> Vec<&str> {
    // What names the dialog comes with its content.
    let labels = tag.get("aria-labelledby").filter(|_| tag.name != "dialog");
    let lists = [labels, tag.get("aria-describedby"), tag.get("for")].into_iter().flatten();
    let places =
        ["hx-target", "data-copy-from", "href"].into_iter().filter_map(|name| tag.get(name)?.strip_prefix('#'));
    lists.flat_map(str::split_whitespace).chain(places).collect()
}

/// What stands before an end, or all.
fn until<'a>(text: &'a str, end: &str) -> &'a str {
    text.split_once(end).map_or(text, |(before, _)| before)
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
    #[test]
    fn a_form_is_sent_as_the_page_has_filled_it_in() {
        let html = r#"<form method="get" action="/a"><input name="q" value="1"></form><form method="post" action="/a">
            <input name="text" value="&#34;"><input type="checkbox" name="on" checked><input type="checkbox" name="off">
            <label><input type="checkbox" name="many" value="1" checked>1</label><input name="gone" disabled value="1">
            <textarea name="lines">
a&#60;
b</textarea><select name="first"><option value="">Any</option><option>x</option></select>
            <select name="chosen"><option value="1">One</option><option selected>Two</option></select>
            <button name="button" value="1">Send</button></form><input name="outside" value="1">"#;
        let expected =
            [("text", "\""), ("on", "on"), ("many", "1"), ("lines", "a<\r\nb"), ("first", ""), ("chosen", "Two")];
        assert_eq!(fields(html, "/a"), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn what_is_named_twice_not_at_all_or_after_nothing_is_a_fault() {
        let good = r##"<label for="a">A</label><input id="a" aria-describedby="b c"><p id="b"></p><p id="c"></p>
            <label>D <select></select></label><input type="hidden"><textarea aria-label="E"></textarea>
            <button>F</button><a href="#a" hx-target="#b" data-copy-from="#c"></a><dialog aria-labelledby="x"></dialog>"##;
        assert_eq!(faults(good), Vec::<String>::new());
        for (bad, begins) in [
            (r#"<p id="a"></p><p id="a"></p>"#, "a is there twice"),
            (r#"<p aria-describedby="a"></p>"#, "a is not there"),
            (r#"<p aria-labelledby="a"></p>"#, "a is not there"),
            (r#"<label for="a"></label>"#, "a is not there"),
            (r##"<p hx-target="#a"></p>"##, "a is not there"),
            (r##"<p data-copy-from="#a"></p>"##, "a is not there"),
            (r##"<a href="#a">A</a>"##, "a is not there"),
            ("<label>A</label><input>", "it has no name"),
            (r#"<label for="b">A</label><select id="a"></select><p id="b"></p>"#, "it has no name"),
            (r#"<textarea aria-label=""></textarea>"#, "it has no name"),
            ("<button> </button>", "it has no name"),
        ] {
            let found = faults(bad);
            assert!(found.len() == 1 && found[0].starts_with(begins), "{bad}: {found:?}");
        }
    }
    #[test]
    fn what_is_wrong_with_a_field_stands_where_the_field_says() {
        let html = r#"<input name="a" aria-invalid="true" aria-describedby="hint a-error"><div id="a-error">
            <p class="error">One</p><p class="error">Two</p></div><p id="hint" class="hint">Three</p>
            <fieldset id="b" aria-invalid="true" aria-describedby="b-error"><input name="b"><p class="error" id="b-error">
            </p></fieldset>"#;
        assert_eq!(problems(html, "a"), ["One", "Two"]);
        assert_eq!(problems(html, "b").len(), 1);
    }
}
