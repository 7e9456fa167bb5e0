//! Log lines: one JSON object each, for CloudWatch Logs. A line ends with what is known of the invocation, and of the call
//! of the API, that it belongs to.

use std::fmt::{self, Debug, Write};

use hookbell_domain::time::iso_ms;
use jiff::Timestamp;
use tracing::field::{Field, Visit};
use tracing::span::Record;
use tracing::{Event, Span, Subscriber};
use tracing_subscriber::field::RecordFields;
use tracing_subscriber::filter::LevelFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields, FormattedFields};
use tracing_subscriber::registry::LookupSpan;

/// Starts logging to standard output, from level INFO on. Called once, at the start of a function.
pub fn start() {
    tracing_subscriber::fmt().event_format(Lines).fmt_fields(Lines).with_max_level(LevelFilter::INFO).init();
}

/// What the lines of an invocation have in common: its id, and the id of its trace where one is kept.
pub(crate) fn invocation(request_id: &str, trace: Option<&str>) -> Span {
    tracing::info_span!("invocation", request_id, trace_id = trace.and_then(trace_id))
}

/// The id of a trace that is kept (AWS X-Ray, "Tracing header"). Lambda gives every invocation one; those that are not
/// sampled lead nowhere.
fn trace_id(header: &str) -> Option<&str> {
    let part = |name: &str| header.split(';').find_map(|part| part.trim().strip_prefix(name));
    part("Root=").filter(|_| part("Sampled=") == Some("1"))
}

/// Writes an event as a line: its own fields, and then those of the spans that it is in.
struct Lines;

impl<S, N> FormatEvent<S, N> for Lines
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(&self, context: &FmtContext<'_, S, N>, mut line: Writer<'_>, event: &Event<'_>) -> fmt::Result {
        let (at, level) = (iso_ms(Timestamp::now()), event.metadata().level());
        write!(line, r#"{{"timestamp":"{at}","level":"{level}""#)?;
        context.field_format().format_fields(line.by_ref(), event)?;
        for span in context.event_scope().into_iter().flatten() {
            if let Some(fields) = span.extensions().get::<FormattedFields<N>>() {
                line.write_str(fields)?;
            }
        }
        line.write_str("}\n")
    }
}

/// Fields are written as members of an object, each with the comma before it.
impl<'writer> FormatFields<'writer> for Lines {
    fn format_fields<R: RecordFields>(&self, writer: Writer<'writer>, fields: R) -> fmt::Result {
        let mut members = Members { writer, known: "", written: Ok(()) };
        fields.record(&mut members);
        members.written
    }

    /// Of a field that is noted twice the first value stands.
    fn add_fields(&self, current: &'writer mut FormattedFields<Self>, fields: &Record<'_>) -> fmt::Result {
        let known = current.fields.clone();
        let mut members = Members { writer: current.as_writer(), known: &known, written: Ok(()) };
        fields.record(&mut members);
        members.written
    }
}

struct Members<'known, 'writer> {
    writer: Writer<'writer>,
    /// The members that are there already.
    known: &'known str,
    written: fmt::Result,
}

impl Members<'_, '_> {
    fn is_known(&self, field: &Field) -> bool {
        !self.known.is_empty() && self.known.contains(&format!(r#","{}":"#, field.name()))
    }

    fn member(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        let name = field.name();
        if self.is_known(field) {
            return;
        }
        self.written = self.written.and_then(|()| write!(self.writer, r#","{name}":{value}"#));
    }

    fn text(&mut self, field: &Field, value: fmt::Arguments<'_>) {
        if self.is_known(field) {
            return;
        }
        let (name, writer) = (field.name(), &mut self.writer);
        self.written = self.written.and_then(|()| {
            write!(writer, r#","{name}":""#)?;
            Escaped(writer).write_fmt(value)?;
            writer.write_char('"')
        });
    }
}

impl Visit for Members<'_, '_> {
    fn record_f64(&mut self, field: &Field, value: f64) {
        if value.is_finite() {
            self.member(field, format_args!("{value}"));
        }
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.member(field, format_args!("{value}"));
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.member(field, format_args!("{value}"));
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.member(field, format_args!("{value}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.text(field, format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.text(field, format_args!("{value:?}"));
    }
}

/// Text within a JSON string (RFC 8259, "Strings").
struct Escaped<'a, 'writer>(&'a mut Writer<'writer>);

impl Write for Escaped<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut rest = text;
        while let Some(at) = rest.find(|character: char| character < ' ' || matches!(character, '"' | '\\')) {
            let (plain, special) = rest.split_at(at);
            self.0.write_str(plain)?;
            let mut characters = special.chars();
            match characters.next() {
                Some('\n') => self.0.write_str("\\n")?,
                Some(quoted @ ('"' | '\\')) => write!(self.0, "\\{quoted}")?,
                Some(control) => write!(self.0, "\\u{:04x}", u32::from(control))?,
                None => break,
            }
            rest = characters.as_str();
        }
        self.0.write_str(rest)
    }
}

/// A reason without what it quotes of the record, which is for whoever reads the queue and not for the log.
#[must_use]
pub fn unquoted(reason: &str) -> String {
    let (mut told, mut quoting, mut escaped) = (String::new(), None, false);
    for character in reason.chars() {
        match quoting {
            None => {
                told.push(character);
                quoting = Some(character).filter(|one| matches!(one, '"' | '`'));
            }
            Some(_) if escaped => escaped = false,
            Some(_) if character == '\\' => escaped = true,
            Some(quote) if character == quote => {
                told.extend(['…', quote]);
                quoting = None;
            }
            Some(_) => {}
        }
    }
    told
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::{Arc, Mutex};

    use serde_json::{Value, json};
    use tracing::field::Empty;

    use super::*;

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Written {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    /// What is logged meanwhile, without its moments.
    fn logged(work: impl FnOnce()) -> Vec<Value> {
        let written = Written::default();
        let to = written.clone();
        let lines = tracing_subscriber::fmt().event_format(Lines).fmt_fields(Lines).with_writer(move || to.clone());
        tracing::subscriber::with_default(lines.finish(), work);
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        let lines = text.lines().map(|line| serde_json::from_str(line).unwrap());
        lines
            .map(|mut line: Value| line.as_object_mut().and_then(|line| line.remove("timestamp")).map(|_| line))
            .map(Option::unwrap)
            .collect()
    }

    #[test]
    fn a_line_has_the_events_own_fields_and_those_of_its_invocation_and_call() {
        let lines = logged(|| {
            let _invocation = invocation("8f6b", Some("Root=1-5759e988-bd86;Parent=53995c3f;Sampled=1")).entered();
            let call = tracing::info_span!("call", caller = Empty, organization_id = Empty).entered();
            call.record("caller", "admin");
            call.record("organization_id", tracing::field::display("org_1"));
            call.record("caller", "portal");
            let error = io::Error::other("a \"b\"\\\n\tend");
            tracing::error!(%error, count = 3_usize, left = -1, share = 0.5, ok = true, none = None::<u16>, "failed {}", 7);
        });
        let expected = json!({
            "level": "ERROR", "message": "failed 7", "error": "a \"b\"\\\n\tend", "count": 3, "left": -1, "share": 0.5,
            "ok": true, "caller": "admin", "organization_id": "org_1", "request_id": "8f6b", "trace_id": "1-5759e988-bd86",
        });
        assert_eq!(lines, [expected]);
    }

    #[test]
    fn a_trace_that_is_not_kept_is_not_named() {
        for (header, expected) in [
            ("Root=1-a-b;Parent=c;Sampled=1", Some("1-a-b")),
            ("Root=1-a-b;Parent=c;Sampled=1;Lineage=d:0", Some("1-a-b")),
            ("Root=1-a-b;Parent=c;Sampled=0", None),
            ("Root=1-a-b", None),
            ("", None),
        ] {
            assert_eq!(trace_id(header), expected, "{header}");
        }
    }

    #[test]
    fn a_reason_in_the_log_quotes_nothing_of_the_record() {
        for (reason, told) in [
            ("the body is not a JSON object", "the body is not a JSON object"),
            (r#"type: "a \"b\" c" is not in profile "x""#, r#"type: "…" is not in profile "…""#),
            ("unknown variant `abc`, expected `gone`", "unknown variant `…`, expected `…`"),
            (r#"no end: "abc"#, r#"no end: ""#),
        ] {
            assert_eq!(unquoted(reason), told);
        }
    }
}
