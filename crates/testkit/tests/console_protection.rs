//! Who may do what in the console, where changes may come from, and what browsers may do with its pages.

#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

use hookbell_testkit::api::Reply;
use hookbell_testkit::console::Console;
use hookbell_testkit::console_paths::ConsolePaths;
use hookbell_testkit::endpoint::Endpoint;
use hookbell_testkit::gateway::Place;
use hookbell_testkit::html::{tags, text};
use hookbell_testkit::organization::Organization;
use hookbell_testkit::receiver::Receiver;
use hookbell_testkit::stack::Stack;
use hookbell_testkit::workbench::Workbench;
use http::Method;
use serde_json::{Value, json};

const HEADER: &str = "Bearer of-the-receiver";

/// An organization with one of each thing.
struct Scene {
    stack: Stack,
    console: Console<'static>,
    organization: Organization,
    endpoint: Endpoint,
    paths: ConsolePaths,
    _receiver: Receiver,
}

impl Scene {
    async fn new() -> Self {
        let stack = Stack::load();
        let organization = Organization::new(&stack, "slothbox").await;
        let receiver = Receiver::always(&stack, 200).await;
        let options = json!({ "headers": { "authorization": HEADER } });
        let endpoint = organization.endpoint_with(&receiver, &["*"], options).await;
        let delivery = endpoint.wait_for_status(&organization.send_example().await, "delivered").await;
        let paths = ConsolePaths::of(&endpoint, &delivery, &organization.new_key("member").await.0);
        Self { console: Console::of(&stack), stack, organization, endpoint, paths, _receiver: receiver }
    }

    /// The console for whoever signs in with that.
    async fn signed_in(&self, credential: &str) -> Console<'static> {
        self.console.sign_in(credential).await
    }

    async fn owner(&self) -> Console<'static> {
        self.signed_in(&self.organization.new_key("owner").await.1).await
    }

    async fn member(&self) -> Console<'static> {
        self.signed_in(&self.organization.new_key("member").await.1).await
    }

    /// All that a form could have changed.
    async fn everything(&self) -> Value {
        let get = async |path: String| self.organization.api.get(&path).await.expect(200);
        json!([
            get(self.organization.managing("")).await,
            get(self.organization.keys("")).await,
            get(self.endpoint.path("/deliveries")).await,
            get(self.endpoint.path("/replay")).await,
            get(self.organization.sending("/messages")).await,
            self.endpoint.reveal().await,
        ])
    }

    /// Fields with which each of the forms is taken.
    fn fields(&self) -> Vec<(&'static str, &str)> {
        vec![
            ("description", "changed"),
            ("url", "https://8.8.8.8/other"),
            ("eventTypes", "*"),
            ("status", "disabled"),
            ("role", "owner"),
            ("name", "changed"),
            ("key", &self.stack.admin_key),
            ("organization", &self.organization.id),
        ]
    }
}

#[tokio::test]
async fn what_no_page_of_the_console_sends_changes_nothing() {
    let scene = Scene::new().await;
    let console = scene.signed_in(&scene.stack.admin_key).await;
    let before = scene.everything().await;
    let mut forms = scene.paths.changes();
    forms.extend(["/organizations", "/sign-in", "/sign-out", "/nowhere"].map(str::to_owned));
    let others = [
        None,
        Some("null"),
        Some("https://evil.example"),
        Some("http://127.0.0.1:1"),
        Some("https://127.0.0.1:4566"),
        Some(""),
    ];
    for path in &forms {
        for origin in others {
            let reply = console.post_from(origin, path, &scene.fields()).await;
            assert!(text(reply.page(403)).contains("This request didn't come from the console"), "{path}");
            assert!(!reply.headers.contains_key("set-cookie"), "{path} from {origin:?}");
        }
    }
    for method in [Method::PATCH, Method::DELETE] {
        console.send(method, &scene.paths.endpoint(""), &[], "").await.check_page(403);
    }
    assert_eq!(scene.everything().await, before);
    // The same form from the right origin does change something.
    console.post(&scene.paths.endpoint("/status"), &scene.fields()).await.check(303);
    assert_eq!(scene.endpoint.get().await["status"], "disabled");
}

#[tokio::test]
async fn a_member_reads_and_changes_nothing() {
    let scene = Scene::new().await;
    let member = scene.member().await;
    let before = scene.everything().await;
    for path in scene.paths.owners() {
        assert!(text(member.get(&path).await.page(403)).contains("Owner role required"), "{path}");
    }
    for path in scene.paths.changes() {
        assert!(text(member.post(&path, &scene.fields()).await.page(403)).contains("Owner role required"), "{path}");
    }
    let mut after = scene.everything().await;
    // When a key was last used is noted, whatever came of it.
    after[1] = before[1].clone();
    assert_eq!(after, before);
}

#[tokio::test]
async fn a_members_pages_show_no_owners_button_and_no_secret() {
    let scene = Scene::new().await;
    let (member, owner) = (scene.member().await, scene.owner().await);
    let owners: Vec<String> = scene.paths.owners().into_iter().chain(scene.paths.changes()).collect();
    // The same path is a list for everybody and a form's.
    let list = scene.paths.organization("/endpoints");
    let replay = scene.paths.endpoint("/replay");
    let mut seen_by_owners = 0;
    for enabled in [true, false] {
        if !enabled {
            scene.endpoint.disable().await;
        }
        for path in scene.paths.readers() {
            let (for_member, for_owner) = (member.get(&path).await, owner.get(&path).await);
            let leads_to = |reply: &Reply, console: &Console| -> Vec<String> {
                let tags = tags(std::str::from_utf8(&reply.body).unwrap());
                let names = ["href", "action", "formaction", "hx-get", "hx-post"];
                let of =
                    tags.iter().flat_map(|tag| names.iter().filter_map(move |name| tag.get(name).map(|it| (tag, it))));
                let own = of.filter(|(tag, address)| {
                    address.starts_with(&console.base) && (tag.get("method") == Some("post") || tag.name != "form")
                });
                let below = own.map(|(tag, address)| (tag.get("method") == Some("post"), console.below(address)));
                below.filter(|(posts, to)| *posts || *to != list && *to != replay).map(|(_, to)| to).collect()
            };
            let [to, owners_to] = [leads_to(&for_member, &member), leads_to(&for_owner, &owner)];
            seen_by_owners += owners_to.iter().filter(|to| owners.contains(to)).count();
            for address in to {
                assert!(!owners.contains(&address), "{path} leads a member to {address}");
            }
            let page = String::from_utf8(for_member.body).unwrap();
            for secret in [&scene.endpoint.secret[6..], HEADER] {
                assert!(!page.contains(secret), "{path}");
            }
            assert!(!page.contains("/replay?after="), "{path} asks a member to replay");
        }
    }
    assert!(seen_by_owners > 10, "an owner's pages have them: {seen_by_owners}");
    assert!(owner.get(&scene.paths.endpoint("/edit")).await.page(200).contains(HEADER));
}

#[tokio::test]
async fn the_pages_of_whoever_runs_the_deployment_are_for_nobody_else() {
    let scene = Scene::new().await;
    let other = Organization::unheard_of(&scene.stack, "slothbox");
    let fields = [("organization", other.id.as_str()), ("profile", "slothbox")];
    let portal = scene.signed_in(&scene.organization.portal_token().await).await;
    for console in [scene.owner().await, scene.member().await, portal] {
        assert!(text(console.get("/organizations").await.page(403)).contains("Admin key required"));
        console.post("/organizations", &fields).await.check_page(403);
        let page = console.get(&scene.paths.organization("/endpoints")).await;
        let leads_there = |tag: &hookbell_testkit::html::Tag| {
            tag.get("href")
                .is_some_and(|address| console.base.len() + 14 == address.len() && address.ends_with("/organizations"))
        };
        assert!(!tags(page.page(200)).iter().any(leads_there));
    }
    let created = other.create(&json!({ "url": "https://8.8.8.8/", "eventTypes": ["*"] })).await;
    created.check_message(404, "Organization not found");
}

/// Fails unless browsers are told to take nothing but what is ours from a reply, and to keep nothing of it.
#[track_caller]
fn check_headers(reply: &Reply, ancestors: &str) {
    let policy = reply.header("content-security-policy");
    let mut directives: Vec<&str> = policy.split("; ").collect();
    directives.sort_unstable();
    let ancestors = format!("frame-ancestors {ancestors}");
    let expected = [
        "base-uri 'none'",
        "connect-src 'self'",
        "default-src 'none'",
        "form-action 'self'",
        &ancestors,
        "img-src 'self'",
        "script-src 'self'",
        "style-src 'self'",
    ];
    assert_eq!(directives, expected);
    assert!(!policy.contains("unsafe"));
    for (name, value) in [
        ("x-content-type-options", "nosniff"),
        ("cache-control", "no-store"),
        ("referrer-policy", "same-origin"),
        ("cross-origin-opener-policy", "same-origin"),
    ] {
        assert_eq!(reply.header(name), value, "{name}");
        assert_eq!(reply.headers.get_all(name).iter().count(), 1, "{name}");
    }
    let framed = if ancestors.ends_with("'none'") { "DENY" } else { "" };
    assert_eq!(reply.header("x-frame-options"), framed);
}

/// Replies of every kind.
async fn replies(scene: &Scene, console: &Console<'_>) -> Vec<Reply> {
    let signed_in = console.sign_in(&scene.organization.new_key("owner").await.1).await;
    let mut replies = Vec::new();
    for path in scene.paths.readers().into_iter().chain(scene.paths.owners()) {
        replies.push(signed_in.get(&path).await);
        replies.last().unwrap().check(200);
    }
    for (status, reply) in [
        (200, console.get("/sign-in").await),
        (303, console.get("").await),
        (303, console.post("/sign-out", &[]).await),
        (401, console.try_sign_in("nonsense", "").await),
        (401, console.get_part("").await),
        (403, console.post_from(None, "/sign-in", &[]).await),
        (403, signed_in.get("/organizations").await),
        (404, signed_in.get("/nowhere").await),
        (404, console.get("/assets/nothing.css").await),
        (405, signed_in.post(&scene.paths.endpoint("/deliveries/none"), &[]).await),
        (400, signed_in.post(&scene.paths.organization("/endpoints"), &[]).await),
        (200, signed_in.post(&scene.paths.endpoint("/secret"), &[]).await),
        (200, signed_in.post(&scene.paths.organization("/keys/link"), &[]).await),
        (200, signed_in.post(&scene.paths.organization("/keys"), &[("role", "member")]).await),
    ] {
        reply.check(status);
        replies.push(reply);
    }
    replies
}

#[tokio::test]
async fn browsers_take_nothing_from_elsewhere_and_put_no_page_into_a_frame() {
    let scene = Scene::new().await;
    for reply in replies(&scene, &scene.console).await {
        check_headers(&reply, "'none'");
    }
}

#[tokio::test]
async fn a_deployment_may_name_who_puts_pages_into_frames() {
    let scene = Scene::new().await;
    let named = "https://portal.example.com https://*.example.org";
    let bench = Workbench::new(&scene.stack).await.with("CONSOLE_FRAME_ANCESTORS", named);
    let api = bench.function("api").await;
    for reply in replies(&scene, &Console::through(&api, Place::Stage)).await {
        check_headers(&reply, named);
    }
}
