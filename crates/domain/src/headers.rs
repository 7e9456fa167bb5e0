//! Headers that an endpoint's owner adds to every request: which of them may be sent.

use std::collections::BTreeSet;
use std::fmt;

/// What an owner may not set, in lower case: what frames a request, what says what it is, what AWS adds.
const RESERVED: [&str; 13] = [
    "accept-encoding",
    "connection",
    "content-length",
    "content-type",
    "expect",
    "host",
    "keep-alive",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
    "x-amzn-trace-id",
];

/// How no name may begin, in lower case.
const RESERVED_BEGINNINGS: [&str; 3] = ["proxy-", "svix-", "webhook-"];

/// Headers of an owner's own, in the order and the spelling they were given in. Their values are often credentials, so
/// they are in no debug output.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CustomHeaders(Vec<(String, String)>);

/// How many headers there may be, and how large.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HeaderLimits {
    /// So many.
    pub count: usize,
    /// Bytes of all names and values together.
    pub bytes: usize,
}

/// Why headers cannot be sent along. The value of none is part of it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// There are more than may be.
    #[error("Must be at most {0}")]
    TooMany(usize),
    /// They are larger than they may be.
    #[error("Must be at most {limit} bytes, all names and values together; they have {bytes}")]
    TooLarge {
        /// What they have.
        bytes: usize,
        /// What they may have.
        limit: usize,
    },
    /// A name is none.
    #[error("{0:?}: a name has at least one letter, digit, or one of !#$%&'*+-.^_`|~, and nothing else")]
    NoName(String),
    /// A name is taken.
    #[error("{0:?}: reserved for the request itself")]
    Reserved(String),
    /// A name comes twice, in whatever case.
    #[error("{0:?}: named twice; case makes no difference")]
    Twice(String),
    /// A value is none.
    #[error("{0:?}: a value has visible ASCII characters, with blanks between them only")]
    NoValue(String),
}

impl CustomHeaders {
    /// Headers of those names and values.
    ///
    /// # Errors
    /// Everything that is wrong with them.
    pub fn new(headers: Vec<(String, String)>, limits: HeaderLimits) -> Result<Self, Vec<HeaderError>> {
        let mut errors = Vec::new();
        let mut seen = BTreeSet::new();
        for (name, value) in &headers {
            let lower = name.to_ascii_lowercase();
            if !is_token(name) {
                errors.push(HeaderError::NoName(name.clone()));
            } else if is_reserved(&lower) {
                errors.push(HeaderError::Reserved(name.clone()));
            }
            if !is_value(value) {
                errors.push(HeaderError::NoValue(name.clone()));
            }
            if !seen.insert(lower) {
                errors.push(HeaderError::Twice(name.clone()));
            }
        }
        let bytes = headers.iter().map(|(name, value)| name.len() + value.len()).sum();
        if headers.len() > limits.count {
            errors.push(HeaderError::TooMany(limits.count));
        }
        if bytes > limits.bytes {
            errors.push(HeaderError::TooLarge { bytes, limit: limits.bytes });
        }
        if errors.is_empty() { Ok(Self(headers)) } else { Err(errors) }
    }

    /// Headers that were accepted before and have been kept.
    #[must_use]
    pub fn from_kept(headers: Vec<(String, String)>) -> Self {
        Self(headers)
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Each header's name and value.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }
}

impl fmt::Debug for CustomHeaders {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// RFC 9110, section 5.6.2, "Tokens".
fn is_token(name: &str) -> bool {
    !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte))
}

/// RFC 9110, section 5.5, "Field Values", without what it calls obsolete.
fn is_value(value: &str) -> bool {
    let blank = |byte: u8| byte == b' ' || byte == b'\t';
    let bytes = value.as_bytes();
    let bare = !bytes.first().is_some_and(|&byte| blank(byte)) && !bytes.last().is_some_and(|&byte| blank(byte));
    bare && bytes.iter().all(|&byte| byte.is_ascii_graphic() || blank(byte))
}

fn is_reserved(lower: &str) -> bool {
    RESERVED.contains(&lower) || RESERVED_BEGINNINGS.iter().any(|beginning| lower.starts_with(beginning))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMITS: HeaderLimits = HeaderLimits { count: 20, bytes: 4_096 };

    fn new(headers: &[(&str, &str)]) -> Result<CustomHeaders, Vec<HeaderError>> {
        let headers = headers.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect();
        CustomHeaders::new(headers, LIMITS)
    }

    #[track_caller]
    fn check(headers: &[(&str, &str)], expected: &[HeaderError]) {
        assert_eq!(new(headers).err().unwrap_or_default(), expected, "{headers:?}");
    }

    #[test]
    fn headers_stay_as_their_owner_wrote_them() {
        let given =
            [("Authorization", "Bearer a.b-c"), ("X-Empty", ""), ("x_odd!name", "a \t b"), ("x-webhook-id", "mine")];
        let headers = new(&given).unwrap();
        assert_eq!(headers.iter().collect::<Vec<_>>(), given);
        assert!(!headers.is_empty() && CustomHeaders::default().is_empty());
    }

    #[test]
    fn a_name_is_a_token_and_not_reserved() {
        for name in ["", "a b", "a:", "é", "a\r\nb", "(a)", "a\0"] {
            check(&[(name, "x")], &[HeaderError::NoName(name.to_owned())]);
        }
        for name in [
            "Host",
            "content-LENGTH",
            "Content-Type",
            "Transfer-Encoding",
            "Connection",
            "Keep-Alive",
            "TE",
            "Trailer",
            "Upgrade",
            "Expect",
            "Proxy-Authorization",
            "proxy-connection",
            "User-Agent",
            "Accept-Encoding",
            "Webhook-Id",
            "webhook-anything",
            "SVIX-signature",
            "X-Amzn-Trace-Id",
        ] {
            check(&[(name, "x")], &[HeaderError::Reserved(name.to_owned())]);
        }
    }

    #[test]
    fn a_value_is_visible_and_bare() {
        for value in [" a", "a ", "\ta", "a\t", " ", "a\nb", "a\r", "a\0b", "\u{7f}", "é", "\u{1f600}"] {
            check(&[("x", value)], &[HeaderError::NoValue("x".to_owned())]);
        }
    }

    #[test]
    fn names_that_differ_in_case_are_one() {
        check(&[("X-Key", "a"), ("y", "b"), ("x-kEY", "c")], &[HeaderError::Twice("x-kEY".to_owned())]);
    }

    #[test]
    fn headers_are_few_and_small() {
        let names: Vec<String> = (0..21).map(|n| format!("x-{n}")).collect();
        let headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "v")).collect();
        check(&headers[..20], &[]);
        check(&headers, &[HeaderError::TooMany(20)]);
        check(&[("x", &"v".repeat(4_095))], &[]);
        check(&[("x", &"v".repeat(4_096))], &[HeaderError::TooLarge { bytes: 4_097, limit: 4_096 }]);
    }

    #[test]
    fn all_that_is_wrong_is_told_and_no_value_with_it() {
        let errors = new(&[("a b", "secret\n"), ("host", "secret")]).unwrap_err();
        assert_eq!(errors.len(), 3);
        let told: String = errors.iter().map(ToString::to_string).collect();
        let kept = format!("{:?}", new(&[("X-Key", "secret")]).unwrap());
        assert!(kept.contains("X-Key") && !kept.contains("secret") && !told.contains("secret"), "{kept} {told}");
    }
}
