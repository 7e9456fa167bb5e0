//! Signing in to the console, staying signed in, and what ends that.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use hookbell_testkit::api::Reply;
use hookbell_testkit::console::Console;
use hookbell_testkit::console_paths::ConsolePaths;
use hookbell_testkit::gateway::Place;
use hookbell_testkit::html::{tags, text};
use hookbell_testkit::organization::Organization;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use http::Method;
use jiff::Timestamp;
use reqwest::Url;
use serde_json::json;

const ULID: &str = "01J9ZK4T6Q0X3V8N5B2M7C1D4F";

/// Addresses that lead to another host, if they are taken for where to go.
const HOSTILE: [&str; 8] = [
    "//evil.example",
    "///evil.example",
    "https://evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/%09/evil.example",
    "javascript:alert(1)",
    "@evil.example",
];

async fn scene() -> (Stack, Organization, Console<'static>) {
    let stack = Stack::load();
    let organization = Organization::new(&stack, "slothbox").await;
    let console = Console::of(&stack);
    (stack, organization, console)
}

fn endpoints(organization: &Organization) -> String {
    format!("/organizations/{}/endpoints", organization.id)
}

/// The attributes of the one cookie that a reply sets: its name, its value, the rest.
#[track_caller]
fn cookie(reply: &Reply) -> (String, String, Vec<String>) {
    assert_eq!(reply.headers.get_all("set-cookie").iter().count(), 1, "{:?}", reply.headers);
    let mut parts = reply.header("set-cookie").split("; ");
    let (name, value) = parts.next().unwrap().split_once('=').unwrap();
    (name.to_owned(), value.to_owned(), parts.map(str::to_owned).collect())
}

/// Fails unless a reply leads to where one signs in, and from there to that path below the console's.
#[track_caller]
fn check_leads_to_sign_in(console: &Console, reply: &Reply, next: &str) {
    let address = format!("{}{}", console.origin, reply.location());
    let url = Url::parse(&address).unwrap();
    assert_eq!(url.path(), format!("{}/sign-in", console.base));
    let said: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let expected = if next.is_empty() { vec![] } else { vec![("next".to_owned(), next.to_owned())] };
    assert_eq!(said, expected);
}

#[tokio::test]
async fn a_key_signs_in_for_eight_hours_and_a_portal_token_until_it_ends() {
    let (stack, organization, console) = scene().await;
    let home = endpoints(&organization);
    for (credential, seconds, leads_to) in [
        (organization.new_key("owner").await.1, 28_800..=28_800, home.as_str()),
        (organization.new_key("member").await.1, 28_800..=28_800, home.as_str()),
        (stack.admin_key.clone(), 28_800..=28_800, "/organizations"),
        (organization.portal_token().await, 3_540..=3_600, home.as_str()),
    ] {
        let reply = console.try_sign_in(&credential, "").await;
        assert_eq!(console.below(reply.location()), leads_to);
        let (name, value, attributes) = cookie(&reply);
        assert_eq!(name, "hookbell", "over plain http, which only a stand-in for API Gateway speaks");
        assert_eq!(attributes.len(), 4, "{attributes:?}");
        for attribute in ["Path=/", "HttpOnly", "SameSite=Strict"] {
            assert!(attributes.iter().any(|found| found == attribute), "{attributes:?}");
        }
        let age = attributes.iter().find_map(|attribute| attribute.strip_prefix("Max-Age=")).unwrap();
        assert!(seconds.contains(&age.parse().unwrap()), "{age}");
        assert!(!value.contains(&credential) && !reply.location().contains(&credential));

        let signed_in = console.with_cookie(Some(&format!("{name}={value}")));
        signed_in.get(leads_to).await.check_page(200);
        signed_in.get(&home).await.check_page(200);
        assert_eq!(console.below(signed_in.get("").await.location()), leads_to);
        let among_others = console.with_cookie(Some(&format!("a=1; {name}={value}; hookbell2=x")));
        among_others.get(&home).await.check_page(200);
    }
}

#[tokio::test]
async fn what_is_no_key_is_refused_and_not_repeated() {
    let (_, organization, console) = scene().await;
    let (id, revoked) = organization.new_key("owner").await;
    organization.api.delete(&organization.keys(&format!("/{id}"))).await.check(204);
    let token = organization.portal_token().await;
    let next = endpoints(&organization);
    for wrong in ["sk_0123456789abcdefghijklmnopqrstuv", "nonsense-1<script>", "pt_AAAA.AAAA", &revoked, &token[1..]] {
        let reply = console.try_sign_in(wrong, &next).await;
        let page = reply.page(401);
        assert!(text(page).contains("That key or link isn't valid"), "{page}");
        assert!(!page.contains(wrong) && !text(page).contains(wrong) && !page.contains("<script>"), "{page}");
        assert!(!reply.headers.contains_key("set-cookie"));
        let kept = tags(page).into_iter().find(|tag| tag.get("name") == Some("next")).unwrap();
        assert_eq!(kept.get("value"), Some(next.as_str()), "the way back is not lost");
    }
    for empty in ["", "  "] {
        console.try_sign_in(empty, "").await.check_page(401);
    }
    console.post("/sign-in", &[]).await.check_page(401);
}

#[tokio::test]
async fn without_a_session_every_page_leads_to_sign_in_and_from_there_back() {
    let (_, organization, console) = scene().await;
    let (id, key) = organization.new_key("owner").await;
    let signed_in = console.sign_in(&key).await;
    let cookie = signed_in.cookie.clone().unwrap();
    let path = format!("{}?q=a%26b+c", endpoints(&organization));
    signed_in.get(&path).await.check_page(200);
    organization.api.delete(&organization.keys(&format!("/{id}"))).await.check(204);
    let last = if cookie.ends_with('A') { "E" } else { "A" };
    let changed = format!("{}{last}", &cookie[..cookie.len() - 1]);
    let token = format!("hookbell={}", &organization.portal_token().await[3..]);
    let strange = ["hookbell=", "hookbell=x", "hookbell=a.b", "__Host-hookbell=a.b", &changed, &token, &cookie];
    for cookie in strange.map(Some).into_iter().chain([None]) {
        let nobody = console.with_cookie(cookie);
        check_leads_to_sign_in(&console, &nobody.get(&path).await, &path);
        check_leads_to_sign_in(&console, &nobody.get("").await, "");
        check_leads_to_sign_in(&console, &nobody.post(&endpoints(&organization), &[]).await, "");
        for (from, back) in
            [(format!("{}{}{path}", console.origin, console.base), path.as_str()), (HOSTILE[2].to_owned(), "")]
        {
            let headers = [("origin", console.origin.as_str()), ("referer", &from)];
            let changed = nobody.send(Method::POST, &endpoints(&organization), &headers, "").await;
            check_leads_to_sign_in(&console, &changed, back);
        }
        let part = nobody.get_part(&path).await;
        part.check(401);
        assert_eq!(console.below(part.header("hx-redirect")), "/sign-in");
        assert!(part.body.is_empty());
    }
    let asked = nobody_asks(&console, &path).await;
    let page = console.get(&asked).await;
    let next = tags(page.page(200)).into_iter().find(|tag| tag.get("name") == Some("next")).unwrap();
    let (_, key) = organization.new_key("member").await;
    let back = console.try_sign_in(&key, next.get("value").unwrap()).await;
    assert_eq!(console.below(back.location()), path);
}

/// Where a page leads that nobody has signed in for.
async fn nobody_asks(console: &Console<'_>, path: &str) -> String {
    console.below(console.get(path).await.location())
}

#[tokio::test]
async fn no_address_leads_to_another_host_from_signing_in() {
    let (stack, organization, console) = scene().await;
    let bench = Workbench::new(&stack).await;
    let api = bench.function("api").await;
    let (_, key) = organization.new_key("member").await;
    for console in [console, Console::through(&api, Place::Domain("")), Console::through(&api, Place::Stage)] {
        for next in HOSTILE {
            let reply = console.try_sign_in(&key, next).await;
            let leads_to = Url::parse(&format!("{}/x", console.origin)).unwrap().join(reply.location()).unwrap();
            assert_eq!(leads_to.origin().ascii_serialization(), console.origin, "{next}");
            assert!(leads_to.path().starts_with(&console.base), "{next}: {leads_to}");
            let query = Url::parse_with_params("https://example.com/", [("next", next)]).unwrap();
            let page = console.get(&format!("/sign-in?{}", query.query().unwrap())).await;
            let addresses = tags(page.page(200))
                .into_iter()
                .filter_map(|tag| tag.get("href").or(tag.get("action")).or(tag.get("src")).map(str::to_owned));
            for address in addresses {
                assert!(address.starts_with(&format!("{}/", console.base)), "{next}: {address}");
            }
        }
    }
}

#[tokio::test]
async fn signing_out_ends_the_cookie() {
    let (_, organization, console) = scene().await;
    let signed_in = console.sign_in(&organization.new_key("owner").await.1).await;
    for console in [signed_in, console] {
        let reply = console.post("/sign-out", &[]).await;
        check_leads_to_sign_in(&console, &reply, "");
        let (name, value, attributes) = cookie(&reply);
        assert_eq!((name.as_str(), value.as_str()), ("hookbell", ""));
        for attribute in ["Max-Age=0", "Path=/", "HttpOnly", "SameSite=Strict"] {
            assert!(attributes.iter().any(|found| found == attribute), "{attributes:?}");
        }
    }
}

#[tokio::test]
async fn another_organizations_pages_are_not_there() {
    let (stack, organization, console) = scene().await;
    let wanted = json!({ "url": "https://8.8.8.8/hook", "eventTypes": ["*"] });
    let endpoint = organization.create(&wanted).await.expect(201)["endpoint"]["endpointId"].clone();
    let paths = ConsolePaths {
        organization: organization.id.clone(),
        endpoint: endpoint.as_str().unwrap().to_owned(),
        delivery: format!("dlv_{ULID}"),
        message: format!("msg_{ULID}"),
        key: organization.new_key("owner").await.0,
    };
    let other = Organization::new(&stack, "slothbox").await;
    let through_other = |path: String| path.replace(&organization.id, &other.id);
    for key in [other.new_key("owner").await.1, other.new_key("member").await.1, other.portal_token().await] {
        let console = console.sign_in(&key).await;
        for path in paths.readers().into_iter().chain(paths.owners()) {
            assert!(text(console.get(&path).await.page(404)).contains("Organization not found"), "{path}");
        }
        for path in paths.changes() {
            console.post(&path, &[("status", "disabled")]).await.check_page(404);
        }
        // By one's own organization nothing of another's is found either.
        for path in [paths.endpoint(""), paths.endpoint("/replay")] {
            console.get(&through_other(path)).await.check_page(404);
        }
    }
    let console = console.sign_in(&other.new_key("owner").await.1).await;
    for rest in ["/edit", "/delete", "/rotate"] {
        console.get(&through_other(paths.endpoint(rest))).await.check_page(404);
    }
    for rest in ["/status", "/delete", "/secret", "/rotate", "/test"] {
        console.post(&through_other(paths.endpoint(rest)), &[("status", "disabled")]).await.check_page(404);
    }
    let path = organization.managing(&format!("/{}", paths.endpoint));
    assert_eq!(organization.api.get(&path).await.expect(200)["endpoint"]["status"], "enabled");
}

#[tokio::test]
async fn a_key_over_its_calls_a_minute_is_told_so_on_a_page() {
    let (stack, organization, _) = scene().await;
    let bench = Workbench::new(&stack).await.with("RATE_LIMIT_PER_MINUTE", "3");
    let api = bench.function("api").await;
    let console = Console::through(&api, Place::Stage);
    let minute = || Timestamp::now().as_second() / 60;
    for tries in 1..=2 {
        let (began, key) = (minute(), organization.new_key("member").await.1);
        let signed_in = console.sign_in(&key).await;
        let mut replies = Vec::new();
        for _ in 0..4 {
            replies.push(signed_in.get(&endpoints(&organization)).await);
        }
        let again = console.try_sign_in(&key, "").await;
        if minute() != began && tries == 1 {
            continue;
        }
        let statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
        assert_eq!(statuses, [200, 200, 429, 429], "signing in is a call too");
        assert!(text(replies[3].page(429)).contains("3 calls a minute"));
        let seconds: u64 = replies[3].header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&seconds));
        again.check_page(429);
        assert!(!again.headers.contains_key("set-cookie"));
        return;
    }
}

#[tokio::test]
async fn a_session_costs_what_a_call_costs_and_holds_no_key() {
    let (stack, organization, _) = scene().await;
    let bench = Workbench::new(&stack).await;
    let api = bench.function("api").await;
    let console = Console::through(&api, Place::Stage);
    let (_, key) = organization.new_key("owner").await;
    let member = console.sign_in(&organization.new_key("member").await.1).await;
    assert_eq!(bench.proxy.take_usage().all_calls(), [("UpdateItem", 1)]);
    let cookie = member.cookie.clone().unwrap();
    assert!(cookie.starts_with("__Host-hookbell="), "{cookie}");
    for (cookie, calls) in
        [(None, vec![]), (Some("__Host-hookbell=x.y"), vec![]), (Some(cookie.as_str()), vec![("UpdateItem", 1)])]
    {
        console.with_cookie(cookie).send(Method::GET, "", &[("authorization", &key)], "").await.check(303);
        assert_eq!(bench.proxy.take_usage().all_calls(), calls, "a header is no session here");
    }
}
