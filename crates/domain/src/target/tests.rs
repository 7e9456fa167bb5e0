use proptest::prelude::*;

use super::*;

const LIMIT: usize = 2_048;

fn deployed() -> TargetPolicy {
    TargetPolicy::default()
}

fn local() -> TargetPolicy {
    TargetPolicy { addresses: "127.0.0.0/8,::1/128".parse().unwrap(), extra_ports: vec![9443] }
}

#[track_caller]
fn check(policy: &TargetPolicy, text: &str, expected: Result<(), TargetError>) {
    assert_eq!(TargetUrl::parse(text, LIMIT, policy).err(), expected.err(), "{text}");
}

#[track_caller]
fn check_resolved(policy: &TargetPolicy, text: &str, addresses: &[&str], expected: Result<(), TargetError>) {
    let target = TargetUrl::parse(text, LIMIT, policy).unwrap();
    let addresses: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
    assert_eq!(target.judge_resolved(&addresses, policy).err(), expected.err(), "{text} at {addresses:?}");
}

#[test]
fn https_on_the_usual_ports_is_accepted() {
    for text in [
        "https://example.com",
        "HTTPS://Example.COM/",
        "https://example.com:443/hook?a=b&c=%20",
        "https://example.com:8443",
        "https://a_b.example.com/",
        "https://xn--bcher-kva.example/",
        "https://bücher.example/straße",
        "https://localhost/",
        "https://8.8.8.8/",
        "https://[2606:4700:4700::1111]:8443/hook",
        "https://example.com/a@b?c=@",
    ] {
        check(&deployed(), text, Ok(()));
    }
}

#[test]
fn the_text_is_kept_as_it_was_given() {
    let target = TargetUrl::parse("https://Bücher.example", LIMIT, &deployed()).unwrap();
    assert_eq!(target.as_str(), "https://Bücher.example");
    assert_eq!(target.to_string(), target.as_str());
    assert_eq!(target.url().as_str(), "https://xn--bcher-kva.example/");
    assert_eq!((target.host_name(), target.port()), (Some("xn--bcher-kva.example"), 443));
}

#[test]
fn what_is_no_target_is_refused_by_its_text() {
    use TargetError as E;
    let long_label = format!("https://{}.com", "a".repeat(64));
    let long_name = format!("https://{}com", "abcdefg.".repeat(32));
    for (text, error) in [
        ("", E::NotAUrl),
        ("example.com", E::NotAUrl),
        ("example.com:443/hook", E::NotAUrl),
        ("mailto:a@example.com", E::NotAUrl),
        ("https:example.com", E::NotAUrl),
        ("https:/example.com", E::NotAUrl),
        ("https://example.com:99999", E::NotAUrl),
        ("https:///example.com", E::NoHost),
        ("https://", E::NoHost),
        ("https://:443/", E::NoHost),
        ("http://example.com", E::NotHttps),
        ("http://example.com:443", E::NotHttps),
        ("ftp://example.com", E::NotHttps),
        ("gopher://127.0.0.1:25/", E::NotHttps),
        ("https://user@example.com", E::UserInfo),
        ("https://user:secret@example.com", E::UserInfo),
        ("https://@example.com", E::UserInfo),
        ("https://:@example.com", E::UserInfo),
        ("https://example.com/#part", E::Fragment),
        ("https://example.com/#", E::Fragment),
        (" https://example.com", E::ForbiddenCharacter),
        ("https://example.com/a b", E::ForbiddenCharacter),
        ("https://example.com/\r\nhost: a", E::ForbiddenCharacter),
        ("https://exa\tmple.com/", E::ForbiddenCharacter),
        ("https://example.com\\@127.0.0.1/", E::ForbiddenCharacter),
        ("https://example.com/\u{a0}", E::ForbiddenCharacter),
        ("https://example.com./", E::InvalidHost),
        ("https://localhost./", E::InvalidHost),
        ("https://a..example.com/", E::InvalidHost),
        ("https://.example.com/", E::InvalidHost),
        ("https://-a.example.com/", E::InvalidHost),
        ("https://a-.example.com/", E::InvalidHost),
        ("https://a!b.example.com/", E::InvalidHost),
        ("https://a%00b.example.com/", E::InvalidHost),
        ("https://1.2.3.4.5/", E::InvalidHost),
        ("https://[::1%25eth0]/", E::InvalidHost),
        (&long_label, E::InvalidHost),
        (&long_name, E::InvalidHost),
        ("https://example.com:80/", E::PortNotAllowed { port: 80 }),
        ("https://example.com:0/", E::PortNotAllowed { port: 0 }),
        ("https://example.com:9443/", E::PortNotAllowed { port: 9443 }),
    ] {
        check(&deployed(), text, Err(error));
    }
}

#[test]
fn a_literal_address_is_judged_however_it_is_written() {
    for (text, reason) in [
        ("https://127.0.0.1/", "loopback"),
        ("https://127.1/", "loopback"),
        ("https://2130706433/", "loopback"),
        ("https://0x7f000001/", "loopback"),
        ("https://0177.0.0.1/", "loopback"),
        ("https://127.0.0.1./", "loopback"),
        ("https://%31%32%37.0.0.1/", "loopback"),
        ("https://１２７.0.0.1/", "loopback"),
        ("https://127。0。0。1/", "loopback"),
        ("https://0/", "unspecified"),
        ("https://0xa9fea9fe/latest/meta-data", "link-local"),
        ("https://[::1]/", "loopback"),
        ("https://[::]/", "unspecified"),
        ("https://[::ffff:8.8.8.8]/", "IPv4-mapped"),
        ("https://[64:ff9b::a00:1]/", "private"),
        ("https://[fd00:ec2::254]/", "private"),
        ("http://10.0.0.1:8080/", "private"),
    ] {
        check(&deployed(), text, Err(TargetError::AddressRefused { reason }));
    }
}

#[test]
fn a_url_has_at_most_the_characters_of_the_limit() {
    let at_limit = format!("https://example.com/{}", "ü".repeat(LIMIT - 20));
    check(&deployed(), &at_limit, Ok(()));
    check(&deployed(), &format!("{at_limit}a"), Err(TargetError::TooLong { limit: LIMIT }));
}

#[test]
fn the_allow_list_opens_http_and_any_port_to_a_literal_address() {
    for text in ["http://127.0.0.1:3000/", "http://[::1]/", "https://127.0.0.1:1/", "https://[::1]:9000/"] {
        check(&local(), text, Ok(()));
    }
    check(&local(), "http://8.8.8.8/", Err(TargetError::NotHttps));
    check(&local(), "https://8.8.8.8:444/", Err(TargetError::PortNotAllowed { port: 444 }));
    check(&local(), "http://10.0.0.1/", Err(TargetError::AddressRefused { reason: "private" }));
    check(&local(), "http://[::ffff:127.0.0.1]/", Err(TargetError::AddressRefused { reason: "IPv4-mapped" }));
}

#[test]
fn an_extra_port_is_open_on_public_addresses() {
    check(&local(), "https://8.8.8.8:9443/", Ok(()));
    check_resolved(&local(), "https://example.com:9443", &["8.8.8.8"], Ok(()));
}

#[test]
fn one_refused_address_refuses_the_name() {
    let refused = Err(TargetError::NameRefused { reason: "private" });
    check_resolved(&deployed(), "https://example.com", &["8.8.8.8", "2606:4700::1"], Ok(()));
    check_resolved(&deployed(), "https://example.com", &["10.0.0.1", "8.8.8.8"], refused.clone());
    check_resolved(&deployed(), "https://example.com", &["8.8.8.8", "10.0.0.1"], refused);
    check_resolved(&deployed(), "https://example.com", &[], Ok(()));
}

#[test]
fn http_and_other_ports_need_every_address_on_the_allow_list() {
    let not_https = Err(TargetError::NotHttps);
    check_resolved(&local(), "http://localhost:3000", &["127.0.0.1", "::1"], Ok(()));
    check_resolved(&local(), "http://example.com", &["8.8.8.8"], not_https.clone());
    check_resolved(&local(), "http://example.com", &["127.0.0.1", "8.8.8.8"], not_https);
    let port = Err(TargetError::PortNotAllowed { port: 3000 });
    check_resolved(&local(), "https://example.com:3000", &["127.0.0.1", "8.8.8.8"], port);
    check_resolved(&local(), "https://example.com", &["127.0.0.1", "8.8.8.8"], Ok(()));
}

#[test]
fn a_refused_name_does_not_tell_what_is_behind_it() {
    let text = TargetError::NameRefused { reason: "link-local" }.to_string();
    assert!(!text.contains("link-local"), "{text}");
}

#[test]
fn a_url_accepted_under_one_policy_is_judged_anew_under_another() {
    let target = TargetUrl::parse("http://127.0.0.1:3000/", LIMIT, &local()).unwrap();
    assert_eq!(target.judge_text(&local()), Ok(Reach::AllowListOnly));
    assert_eq!(target.judge_text(&deployed()), Err(TargetError::AddressRefused { reason: "loopback" }));
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused(text in "\\PC*") {
        prop_assert!(TargetUrl::parse(&text, LIMIT, &deployed()).is_err() || text.contains("://"));
    }

    #[test]
    fn what_is_accepted_by_default_is_https_to_a_name_or_a_public_address(
        text in "https?://[a-z0-9.:@%#/\\[\\]_-]{0,30}"
    ) {
        if let Ok(target) = TargetUrl::parse(&text, LIMIT, &deployed()) {
            let url = target.url();
            prop_assert_eq!(url.scheme(), "https");
            prop_assert!(PUBLIC_PORTS.contains(&target.port()));
            prop_assert!(url.username().is_empty() && url.password().is_none() && url.fragment().is_none());
            if let Some(address) = target.literal_address() {
                prop_assert_eq!(AddressPolicy::default().judge(address), Verdict::Public);
            }
        }
    }

    #[test]
    fn every_spelling_of_an_ipv4_address_gets_the_same_verdict(bits: u32) {
        let [a, b, c, d] = bits.to_be_bytes();
        let judged = |text: String| TargetUrl::parse(&text, LIMIT, &deployed()).map(|_| ());
        let dotted = judged(format!("https://{a}.{b}.{c}.{d}/"));
        prop_assert_eq!(judged(format!("https://{bits}/")), dotted.clone());
        prop_assert_eq!(judged(format!("https://{bits:#x}/")), dotted.clone());
        prop_assert_eq!(judged(format!("https://0{a:o}.0{b:o}.0{c:o}.0{d:o}/")), dotted);
    }

    #[test]
    fn the_default_policy_admits_only_public_addresses(first: u32, second: u128) {
        let addresses = [IpAddr::from(first.to_be_bytes()), IpAddr::from(second.to_be_bytes())];
        let public = addresses.iter().all(|address| AddressPolicy::default().judge(*address) == Verdict::Public);
        prop_assert_eq!(deployed().judge(Reach::Public, &addresses).is_ok(), public);
        prop_assert!(deployed().judge(Reach::AllowListOnly, &addresses).is_err());
    }
}
