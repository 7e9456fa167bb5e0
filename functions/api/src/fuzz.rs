//! Fuzz targets of what is read here: see `infra/fuzz`.

use hookbell_aws::sealing::{Keys, Marked};
use hookbell_aws::table::Wanted;
use hookbell_domain::ids::{DeliveryId, EndpointId, MessageId, OrganizationId};
use hookbell_fuzz::Fuzz;
use jiff::Timestamp;

use crate::api_keys;
use crate::auth::{expiring, portal_token};
use crate::lists::{List, Parameters, write_cursor, write_organization_cursor};

fn keys() -> Keys {
    Keys::derive("0123456789abcdefghijklmnopqrstuvwxyzABCD").unwrap()
}

fn organization() -> OrganizationId {
    "org_1".parse().unwrap()
}

#[test]
fn tokens() {
    let (keys, now) = (keys(), Timestamp::from_second(1_000).unwrap());
    let token = portal_token::make(&keys, &organization(), now, [7; 16]);
    let end = Timestamp::from_second(4_600).unwrap();
    let session = expiring::write(&keys, Marked::Session, end, &[9; 32]);
    let other = Keys::derive("another key of forty characters, or so").unwrap();
    let foreign = portal_token::make(&other, &organization(), now, [7; 16]);
    let words = ["pt_", "sk_", ".", "=", "-", "_", "AAAA"];
    Fuzz::of("tokens").seeds([&token, &session, &foreign]).words(&words).run(|text| {
        let opened = portal_token::read(&keys, text, now);
        assert_eq!(opened.is_some(), text == token);
        assert_eq!(expiring::read(&keys, Marked::Session, text, now).is_some(), text == session);
        assert_eq!(portal_token::read(&keys, text, end), None);
        let looks = api_keys::looks_like_one(text);
        assert!(!looks || text.len() == "sk_".len() + 32);
        format!("{} {looks}", opened.is_some())
    });
}

#[test]
fn cursors() {
    let (keys, organization) = (keys(), organization());
    let endpoint = EndpointId::new(Timestamp::UNIX_EPOCH, 1);
    let delivery = DeliveryId::new("2026-05-30T14:23:00Z".parse().unwrap(), 7);
    let (deliveries, messages) = (List::Deliveries(endpoint), List::Messages(&organization));
    let of_deliveries = write_cursor(&keys, deliveries, delivery);
    let of_messages = write_cursor(&keys, messages, MessageId::new(Timestamp::UNIX_EPOCH, 7));
    let of_organizations = write_organization_cursor(&keys, &organization);
    let seeds = [&of_deliveries, &of_messages, &of_organizations];
    Fuzz::of("cursors").seeds(seeds).words(&["AAAA", "-", "_", "=", "."]).run(|text| {
        let query = || Parameters::new([("cursor".to_owned(), text.to_owned())].into());
        let mut each = [query(), query(), query()];
        let [one, two, three] = &mut each;
        let _: Wanted<DeliveryId> = one.page(&keys, deliveries, 100);
        let _: Wanted<MessageId> = two.page(&keys, messages, 100);
        let behind = three.behind_organization(&keys);
        let accepted = each.map(|query| query.finish().is_ok());
        assert_eq!(accepted, [text == of_deliveries, text == of_messages, text == of_organizations], "{behind:?}");
        format!("{accepted:?}")
    });
}
