//! Why a command did not do what was asked: what, why, and what to do about it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

/// What a failure means to whoever started the command; each is an exit code.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// The API or AWS could not be reached, or failed itself.
    Failed,
    /// The command line or the connection is wrong.
    Usage,
    /// The API refused it.
    Refused,
    /// It is not there.
    NotFound,
    /// It was done, and did not end well.
    Unwell,
    /// Somebody pressed Ctrl-C.
    Interrupted,
    /// Nobody reads what is written any more.
    Unread,
}

impl Kind {
    /// The process's exit code.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Failed => 1,
            Self::Usage => 2,
            Self::Refused => 3,
            Self::NotFound => 4,
            Self::Unwell => 5,
            Self::Interrupted => 130,
            Self::Unread => 141,
        }
    }
}

/// Why a command did not do what was asked.
#[derive(Debug)]
pub(crate) struct Failure {
    /// What kind of failure it is.
    pub(crate) kind: Kind,
    /// Boxed, because it is a part of every result.
    told: Box<Told>,
}

/// What is told of it.
#[derive(Debug, Default)]
struct Told {
    what: String,
    why: Option<String>,
    fields: BTreeMap<String, Vec<String>>,
    to_do: Option<String>,
    /// The API's own word for it, and its HTTP status.
    refusal: Option<(u16, Option<String>)>,
}

impl Failure {
    /// A failure with what it is about, as a sentence.
    pub(crate) fn new(kind: Kind, what: impl Into<String>) -> Self {
        Self { kind, told: Box::new(Told { what: what.into(), ..Told::default() }) }
    }

    /// A wrong command line, or a wrong connection.
    pub(crate) fn usage(what: impl Into<String>) -> Self {
        Self::new(Kind::Usage, what)
    }

    /// Something that the API or AWS failed at.
    pub(crate) fn failed(what: impl Into<String>, why: impl std::fmt::Display) -> Self {
        Self::new(Kind::Failed, what).because(why)
    }

    /// Ctrl-C.
    pub(crate) fn interrupted() -> Self {
        Self::new(Kind::Interrupted, "Interrupted.")
    }

    /// With the cause.
    #[must_use]
    pub(crate) fn because(mut self, why: impl std::fmt::Display) -> Self {
        self.told.why = Some(why.to_string());
        self
    }

    /// With what to do about it.
    #[must_use]
    pub(crate) fn try_this(mut self, to_do: impl Into<String>) -> Self {
        self.told.to_do = Some(to_do.into());
        self
    }

    /// With what the API said of each wrong field.
    #[must_use]
    pub(crate) fn with_fields(mut self, fields: BTreeMap<String, Vec<String>>) -> Self {
        self.told.fields = fields;
        self
    }

    /// With the API's HTTP status and code.
    #[must_use]
    pub(crate) fn with_refusal(mut self, status: u16, code: Option<String>) -> Self {
        self.told.refusal = Some((status, code));
        self
    }

    /// For people: a few lines.
    pub(crate) fn text(&self) -> String {
        let Told { what, why, fields, to_do, .. } = &*self.told;
        let fields = fields.iter().flat_map(|(field, problems)| problems.iter().map(move |problem| (field, problem)));
        let mut lines = vec![what.clone()];
        lines.extend(why.iter().map(|why| format!("  {why}")));
        lines.extend(fields.map(|(field, problem)| format!("  {field}: {problem}")));
        lines.extend(to_do.iter().map(|to_do| format!("Try: {to_do}")));
        lines.join("\n")
    }

    /// For programs.
    pub(crate) fn json(&self) -> Value {
        let mut error = json!({ "exitCode": self.kind.code(), "what": self.told.what });
        if let Some(error) = error.as_object_mut() {
            error.extend(self.told.why.clone().map(|why| ("why".to_owned(), why.into())));
            error.extend(self.told.to_do.clone().map(|to_do| ("try".to_owned(), to_do.into())));
            if !self.told.fields.is_empty() {
                error.insert("fieldErrors".to_owned(), json!(self.told.fields));
            }
            if let Some((status, code)) = &self.told.refusal {
                error.insert("status".to_owned(), json!(status));
                error.extend(code.clone().map(|code| ("code".to_owned(), code.into())));
            }
        }
        json!({ "error": error })
    }
}

/// Writing failed. A reader that is gone, as `head`, has had enough, and needs no words; all else is told.
impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            return Self::new(Kind::Unread, "");
        }
        Self::failed("The output could not be written.", error)
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error, ErrorKind};

    use super::*;

    #[test]
    fn a_reader_that_is_gone_is_no_success() {
        assert_eq!(Failure::from(Error::from(ErrorKind::BrokenPipe)).kind.code(), 141);
        assert_eq!(Failure::from(Error::from(ErrorKind::StorageFull)).kind.code(), 1);
    }
}
