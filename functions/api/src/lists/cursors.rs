//! Cursors: where a list goes on, as a text that a caller hands back unchanged.
//!
//! A cursor is the id behind which the list goes on, and the beginning of its mark. The mark guards against mistakes, not
//! against people: whoever could forge one would get to another place of a list that he may read anyway.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hookbell_aws::AwsError;
use hookbell_aws::sealing::{Keys, Marked};
use hookbell_domain::ids::{EndpointId, OrganizationId, TimedId};

/// How much of a cursor is its mark: the name of its key, and eight bytes more.
const MARK_BYTES: usize = 12;

/// A list that has pages. A cursor of one is no cursor of another.
#[derive(Debug, Clone, Copy)]
pub(crate) enum List<'a> {
    /// An endpoint's deliveries.
    Deliveries(EndpointId),
    /// An organization's messages.
    Messages(&'a OrganizationId),
    /// All organizations.
    Organizations,
}

/// The cursor of a list whose ids begin with their time.
pub(crate) fn write_cursor(keys: &Keys, list: List<'_>, id: impl TimedId) -> String {
    write(keys, list, &id, &id.number().to_be_bytes())
}

/// The cursor of the list of organizations.
pub(crate) fn write_organization_cursor(keys: &Keys, id: &OrganizationId) -> String {
    write(keys, List::Organizations, id, id.as_str().as_bytes())
}

pub(super) fn read_cursor<I: TimedId>(keys: &Keys, list: List<'_>, cursor: &str) -> Option<I> {
    read(keys, list, cursor, |id| Some(I::numbered(u128::from_be_bytes(id.try_into().ok()?))))
}

pub(super) fn read_organization_cursor(keys: &Keys, cursor: &str) -> Option<OrganizationId> {
    read(keys, List::Organizations, cursor, |id| str::from_utf8(id).ok()?.parse().ok())
}

/// Sees to it that the key which a cursor names is known, if it is one of ours at all.
pub(super) async fn meet(keys: &Keys, cursor: &str) -> Result<(), AwsError> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).unwrap_or_default();
    keys.meet(bytes.split_last_chunk::<MARK_BYTES>().map(|(_, mark)| mark.as_slice())).await
}

fn write(keys: &Keys, list: List<'_>, id: &impl fmt::Display, bytes: &[u8]) -> String {
    let mark = keys.mark(Marked::Cursor, place(list, id).as_bytes());
    let beginning = mark.first_chunk::<MARK_BYTES>().map_or([].as_slice(), |mark| mark);
    URL_SAFE_NO_PAD.encode([bytes, beginning].concat())
}

fn read<I: fmt::Display>(keys: &Keys, list: List<'_>, cursor: &str, id: impl FnOnce(&[u8]) -> Option<I>) -> Option<I> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).ok()?;
    let (bytes, mark) = bytes.split_last_chunk::<MARK_BYTES>()?;
    let id = id(bytes)?;
    keys.begins_mark(Marked::Cursor, place(list, &id).as_bytes(), mark).then_some(id)
}

/// What the mark is put on.
fn place(list: List<'_>, id: &impl fmt::Display) -> String {
    match list {
        List::Deliveries(endpoint) => format!("deliveries#{endpoint}#{id}"),
        List::Messages(organization) => format!("messages#{organization}#{id}"),
        List::Organizations => format!("organizations#{id}"),
    }
}

#[cfg(test)]
mod tests {
    use hookbell_domain::ids::{DeliveryId, MessageId};
    use jiff::Timestamp;

    use super::*;

    fn keys() -> Keys {
        Keys::derive("0123456789abcdefghijklmnopqrstuvwxyzABCD").unwrap()
    }

    /// What a cursor becomes when a character of it is lost, added or another.
    fn changed(cursor: &str) -> Vec<String> {
        let mut bad = vec![String::new(), "x".to_owned(), cursor[1..].to_owned(), format!("{cursor}AAAA")];
        bad.extend((0..cursor.len()).map(|at| {
            let other = if &cursor[at..=at] == "A" { "B" } else { "A" };
            format!("{}{other}{}", &cursor[..at], &cursor[at + 1..])
        }));
        bad
    }

    #[test]
    fn a_cursor_reads_back_and_a_changed_one_is_refused() {
        let (keys, endpoint) = (keys(), EndpointId::new(Timestamp::UNIX_EPOCH, 1));
        let id = DeliveryId::new("2026-05-30T14:23:00Z".parse().unwrap(), 7);
        let list = List::Deliveries(endpoint);
        let cursor = write_cursor(&keys, list, id);
        assert_eq!(cursor.len(), 38);
        assert_eq!(read_cursor(&keys, list, &cursor), Some(id));
        for bad in changed(&cursor) {
            assert_eq!(read_cursor::<DeliveryId>(&keys, list, &bad), None, "{bad}");
        }
        for id in ["o", "org:7.f-3_k", &"x".repeat(100)] {
            let id: OrganizationId = id.parse().unwrap();
            let cursor = write_organization_cursor(&keys, &id);
            assert_eq!(read_organization_cursor(&keys, &cursor), Some(id));
            for bad in changed(&cursor) {
                assert_eq!(read_organization_cursor(&keys, &bad), None, "{bad}");
            }
        }
    }

    #[test]
    fn a_cursor_is_of_one_list_and_one_deployment() {
        let (keys, organization) = (keys(), "org_1".parse().unwrap());
        let list = List::Messages(&organization);
        let cursor = write_cursor(&keys, list, MessageId::new(Timestamp::UNIX_EPOCH, 7));
        assert!(read_cursor::<MessageId>(&keys, list, &cursor).is_some());
        assert!(read_cursor::<DeliveryId>(&keys, list, &cursor).is_none());
        let other = "org_2".parse().unwrap();
        assert!(read_cursor::<MessageId>(&keys, List::Messages(&other), &cursor).is_none());
        assert!(read_organization_cursor(&keys, &cursor).is_none());
        let others = Keys::derive(&"x".repeat(40)).unwrap();
        assert!(read_cursor::<MessageId>(&others, list, &cursor).is_none());
        let cursor = write_organization_cursor(&keys, &organization);
        assert!(read_organization_cursor(&others, &cursor).is_none());
        assert!(read_cursor::<MessageId>(&keys, list, &cursor).is_none());
    }
}
