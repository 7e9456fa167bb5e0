//! Tokens that open an organization's portal: they say themselves for whom and until when, and are marked as ours.

use std::time::Duration;

use hookbell_aws::sealing::{Keys, Marked};
use hookbell_domain::ids::OrganizationId;
use hookbell_domain::time::after;
use jiff::Timestamp;

use super::expiring;

/// How long a token is good for.
const LIFE: Duration = Duration::from_hours(1);

const PREFIX: &str = "pt_";
const NONCE_BYTES: usize = 16;

/// A new token: `pt_` and an expiring text that says a nonce of 16 bytes and the organization's id.
pub(crate) fn make(keys: &Keys, organization: &OrganizationId, now: Timestamp, nonce: [u8; NONCE_BYTES]) -> String {
    let says = [nonce.as_slice(), organization.as_str().as_bytes()].concat();
    format!("{PREFIX}{}", expiring::write(keys, Marked::PortalToken, after(now, LIFE), &says))
}

/// Whose token it is and when it ends; nothing of what is no token of ours, or over.
pub(crate) fn read(keys: &Keys, token: &str, now: Timestamp) -> Option<(OrganizationId, Timestamp)> {
    let (says, ends_at) = expiring::read(keys, Marked::PortalToken, token.strip_prefix(PREFIX)?, now)?;
    let (_, organization) = says.split_first_chunk::<NONCE_BYTES>()?;
    let organization = std::str::from_utf8(organization).ok()?.parse().ok()?;
    Some((organization, ends_at))
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;

    use super::*;

    fn keys() -> Keys {
        Keys::derive("0123456789abcdefghijklmnopqrstuvwxyzABCD").unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn token() -> (OrganizationId, String) {
        let organization: OrganizationId = "org_1:eu".parse().unwrap();
        let token = make(&keys(), &organization, at(1_000), [7; NONCE_BYTES]);
        (organization, token)
    }

    #[test]
    fn a_token_is_good_for_an_hour_and_not_a_second_longer() {
        let (organization, token) = token();
        let expected = Some((organization, at(4_600)));
        for (now, expected) in [(1_000, &expected), (4_599, &expected), (4_600, &None), (90_000, &None)] {
            assert_eq!(read(&keys(), &token, at(now)), *expected, "{now}");
        }
    }

    #[test]
    fn a_token_with_any_character_changed_is_none() {
        let (_, token) = token();
        for place in 0..token.len() {
            for other in ["A", "B", "_", ".", "="] {
                let changed = format!("{}{other}{}", &token[..place], &token[place + 1..]);
                assert!(changed == token || read(&keys(), &changed, at(1_000)).is_none(), "{changed}");
            }
        }
        for none in [String::new(), token[3..].to_owned(), format!("{token}A"), format!("{token}."), "pt_.".to_owned()]
        {
            assert_eq!(read(&keys(), &none, at(1_000)), None, "{none}");
        }
    }

    #[test]
    fn a_token_of_another_deployment_or_marked_as_something_else_is_none() {
        let (_, token) = token();
        let others = Keys::derive("another key of forty characters, or so").unwrap();
        assert_eq!(read(&others, &token, at(1_000)), None);
        let says = token.strip_prefix(PREFIX).unwrap().split_once('.').unwrap().0;
        let cursor = keys().mark(Marked::Cursor, &URL_SAFE_NO_PAD.decode(says).unwrap());
        let forged = format!("{PREFIX}{says}.{}", URL_SAFE_NO_PAD.encode(cursor));
        assert_eq!(read(&keys(), &forged, at(1_000)), None);
    }
}
