//! Every way to write an address of the inside, refused before it is kept and refused again at the request.

use hookbell_domain::outcome::Failure;
use hookbell_domain::target::{TargetError, TargetPolicy, TargetUrl};
use hookbell_egress::{HeaderMap, Post};

use crate::receiver::{NEVER, egress, failed};

/// Hosts by the reason for which they are refused. Where a kind has several spellings, each stands here.
const INSIDE: [(&str, &[&str]); 15] = [
    (
        "loopback",
        &[
            "127.0.0.1",
            "127.1",
            "127.0.1",
            "2130706433",
            "0x7f000001",
            "0X7F.1",
            "0x7f.0x0.0x0.0x1",
            "017700000001",
            "0177.0.0.01",
            "0177.0x0.1",
            "127.255.255.255",
            "127.0.0.1.",
            "%31%32%37.0.0.1",
            "１２７.0.0.1",
            "𝟙𝟚𝟟.0.0.1",
            "①②⑦.0.0.1",
            "127。0。0。1",
            "127．0｡0．1",
            "[::1]",
            "[0:0:0:0:0:0:0:1]",
            "[0000::0001]",
            "[64:ff9b::127.0.0.1]",
            "[64:ff9b::7f00:1]",
        ],
    ),
    // Where the Lambda Runtime API listens, whatever the port.
    ("loopback", &["127.0.0.1:9001", "0x7f000001:9001", "[::1]:9001"]),
    ("unspecified", &["0", "0.0.0.0", "0x0", "00000000000", "[::]", "[::0.0.0.0]"]),
    (
        "private",
        &[
            "10.0.0.1",
            "10.1",
            "167772161",
            "0x0a000001",
            "012.0.0.1",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "3232235777",
            "0xc0.0xa8.0x1.0x1",
            "[fd00:ec2::254]",
            "[fc00::1]",
            "[fec0::1]",
            "[64:ff9b::10.0.0.1]",
            "[64:ff9b::c0a8:101]",
        ],
    ),
    (
        "link-local",
        &[
            "169.254.169.254",
            "169.254.170.2",
            "169.254.169.123",
            "169.254.0.0",
            "169.254.255.255",
            "2852039166",
            "0xa9fea9fe",
            "0251.0376.0251.0376",
            "169.16689662",
            "169.254.43518",
            "[fe80::1]",
            "[febf::1]",
            "[64:ff9b::a9fe:a9fe]",
        ],
    ),
    ("cloud host", &["168.63.129.16", "2822734096", "0xa83f8110", "0250.077.0201.020", "[64:ff9b::168.63.129.16]"]),
    ("carrier-grade NAT", &["100.64.0.1", "100.127.255.255", "1681915905"]),
    ("IPv4-mapped", &["[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::ffff:8.8.8.8]", "[0:0:0:0:0:ffff:169.254.169.254]"]),
    // Compatible and translated IPv4, the local use of NAT64, the discard prefix.
    (
        "reserved",
        &[
            "[::127.0.0.1]",
            "[::7f00:1]",
            "[::8.8.8.8]",
            "[::ffff:0:127.0.0.1]",
            "[::ffff:0:8.8.8.8]",
            "[64:ff9b:1::10.0.0.1]",
            "[64:ff9b:1:fffe::8.8.8.8]",
            "[100::1]",
            "[5f00::1]",
            "240.0.0.1",
        ],
    ),
    // Teredo, and the anycast addresses of protocols.
    ("protocol assignment", &["[2001:0:7f00:1::80ff:fffe]", "[2001::1]", "[2001:1::1]", "192.0.0.170", "192.0.0.8"]),
    ("6to4", &["[2002:7f00:1::]", "[2002:a00:1::1]", "[2002:a9fe:a9fe::]", "[2002:808:808::]"]),
    ("ISATAP", &["[2606:4700::5efe:127.0.0.1]", "[2606:4700::5efe:a9fe:a9fe]", "[2606:4700:0:0:200:5efe:10.0.0.1]"]),
    ("multicast", &["224.0.0.1", "239.255.255.250", "[ff02::1]", "[ff05::2]"]),
    ("broadcast", &["255.255.255.255", "4294967295", "0xffffffff", "037777777777"]),
    ("documentation", &["192.0.2.1", "198.51.100.1", "203.0.113.1", "[2001:db8::1]", "[3fff::1]"]),
];

#[tokio::test]
async fn an_address_of_the_inside_is_refused_before_it_is_kept_and_at_the_request() {
    let everything = TargetPolicy { addresses: "0.0.0.0/0,::/0".parse().unwrap(), extra_ports: Vec::new() };
    let (deployed, egress) = (TargetPolicy::default(), egress(TargetPolicy::default()));
    for (host, reason) in INSIDE.iter().flat_map(|(reason, hosts)| hosts.iter().map(move |host| (*host, *reason))) {
        for url in [format!("https://{host}/"), format!("http://{host}/hook?a=b")] {
            let refused = TargetError::AddressRefused { reason };
            assert_eq!(TargetUrl::parse(&url, 2_048, &deployed), Err(refused.clone()), "{url}");
            // As if it had been kept while the operator's list was longer.
            let kept = TargetUrl::parse(&url, 2_048, &everything).unwrap();
            assert_eq!(egress.inspector().inspect(&kept).await, Err(refused.clone()), "{url}");
            let post = Post { target: &kept, headers: HeaderMap::new(), body: "{}".into(), deadline: NEVER };
            assert_eq!(failed(egress.post(post).await), Failure::Refused(refused), "{url}");
        }
    }
}

/// What the system's resolver reads as an address and the standard of URLs does not would reach it as a name.
#[tokio::test]
async fn what_only_the_resolver_reads_as_an_address_is_no_host() {
    for host in [
        "[::1%25eth0]",
        "[fe80::1%25lo]",
        "[fe80::1%lo]",
        "[::1]%25lo",
        "127.0.0.1%25lo",
        "127.0.0.1..",
        "127.0.0.1.example..com",
        "1.2.3.4.5",
        "127.0.0.256",
        "256.0.0.1",
        "4294967296",
        "0x100000000",
        "09.0.0.1",
        "127.0.0.0x",
        "localhost.",
        "[127.0.0.1]",
        "[::ffff:127.0.0.1.]",
        "%00127.0.0.1",
        "127.0.0.1%00.example.com",
    ] {
        let judged = TargetUrl::parse(&format!("https://{host}/"), 2_048, &TargetPolicy::default());
        assert!(
            matches!(judged, Err(TargetError::InvalidHost | TargetError::NotAUrl | TargetError::AddressRefused { .. })),
            "{host}: {judged:?}"
        );
    }
}

#[tokio::test]
async fn nothing_before_an_at_sign_passes_for_the_host() {
    for url in [
        "https://example.com@127.0.0.1/",
        "https://example.com:443@169.254.169.254/",
        "https://@10.0.0.1/",
        "https://:@10.0.0.1/",
        "https://a%40b@10.0.0.1/",
        "https://example.com%23@10.0.0.1/",
    ] {
        let judged = TargetUrl::parse(url, 2_048, &TargetPolicy::default());
        assert!(matches!(judged, Err(TargetError::UserInfo | TargetError::AddressRefused { .. })), "{url}: {judged:?}");
    }
    for url in ["https://example.com\\@127.0.0.1/", "https://127.0.0.1\t.example.com/", "https://exa mple.com/"] {
        let judged = TargetUrl::parse(url, 2_048, &TargetPolicy::default());
        assert_eq!(judged, Err(TargetError::ForbiddenCharacter), "{url}");
    }
}
