//! The list of organizations: all of them, in order, and for nobody but whoever runs the deployment.

#![expect(clippy::indexing_slicing, clippy::unwrap_used, reason = "a panic is how a test fails")]

use aws_sdk_dynamodb::types::AttributeValue;
use hookbell_testkit::api::keys;
use hookbell_testkit::history::{self, Row};
use hookbell_testkit::organization::Organization;
use hookbell_testkit::stack::Stack;
use serde_json::{Value, json};

const LIST: &str = "/organizations";

/// Organizations whose ids begin as no other test's do.
struct Scene {
    stack: Stack,
    /// The first of them, which is not initialized. The others' ids begin with its id.
    organization: Organization,
}

impl Scene {
    fn new() -> Self {
        let stack = Stack::load();
        let organization = Organization::unheard_of(&stack, "slothbox");
        Self { stack, organization }
    }

    fn organization(&self, more: &str) -> Organization {
        let mut organization = self.organization.clone();
        organization.id.push_str(more);
        organization
    }

    async fn initialized(&self, more: &str) -> Value {
        self.organization(more).initialize(&json!({ "profile": "slothbox" })).await.expect(201)
    }

    fn path(&self, more: &str) -> String {
        format!("{LIST}?prefix={}{more}", self.organization.id)
    }

    /// A page of those whose ids begin so, and its cursor.
    async fn page(&self, more: &str) -> (Vec<Value>, Option<String>) {
        let page = self.organization.api.get(&self.path(more)).await.expect(200);
        let cursor = page.get("cursor").map(|cursor| cursor.as_str().unwrap().to_owned());
        assert_eq!(keys(&page).len(), 1 + usize::from(cursor.is_some()));
        (page["organizations"].as_array().unwrap().clone(), cursor)
    }

    /// The pages from the first to the last.
    async fn pages(&self, limit: usize) -> Vec<Vec<Value>> {
        let (mut pages, mut more) = (Vec::new(), format!("&limit={limit}"));
        loop {
            let (page, next) = self.page(&more).await;
            pages.push(page);
            let Some(next) = next else { return pages };
            more = format!("&limit={limit}&cursor={next}");
        }
    }
}

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// A row of the list.
fn entry(organization: &Organization) -> Row {
    Row::from([("PK".to_owned(), text("ORGS")), ("SK".to_owned(), text(&organization.id))])
}

#[tokio::test]
async fn all_pages_together_are_the_organizations_by_id() {
    let scene = Scene::new();
    assert_eq!(scene.pages(100).await, [Vec::<Value>::new()]);
    let mut expected = Vec::new();
    // The order of their bytes, and made in another one.
    let ids = ["", "-a", ".a", "9", ":1", "A", "_", "a", "a.b", "ab"];
    for more in ids.iter().rev() {
        expected.insert(0, scene.initialized(more).await);
    }
    for (limit, pages) in [(1, 10), (3, 4), (5, 2), (9, 2), (10, 1), (100, 1)] {
        let listed = scene.pages(limit).await;
        assert_eq!(listed.len(), pages, "{limit}: no empty page at the end");
        assert_eq!(listed.concat(), expected, "{limit}");
    }
    assert_eq!(scene.page("a").await.0, expected[7..]);
    assert_eq!(scene.page("ab&limit=0").await, (vec![expected[9].clone()], None));
    assert_eq!(scene.page("x").await, (Vec::new(), None));
}

#[tokio::test]
async fn an_organization_is_listed_as_it_is_and_once_however_often_it_is_initialized() {
    let scene = Scene::new();
    let made = scene.initialized("").await;
    assert_eq!(keys(&made), ["createdAt", "endpointCount", "organizationId", "profile", "updatedAt"]);
    assert_eq!(made["endpointCount"], 0);
    let organization = scene.organization("");
    organization.create(&json!({ "url": "https://8.8.8.8/", "eventTypes": ["*"] })).await.check(201);
    organization.initialize(&json!({ "profile": "daytona" })).await.check(409);
    let again = scene.initialized("").await;
    assert_eq!(again["endpointCount"], 1);
    assert_eq!(scene.page("").await, (vec![again], None));
}

#[tokio::test]
async fn what_cannot_be_shown_hides_nothing_else() {
    let scene = Scene::new();
    let (first, last) = (scene.initialized("-1").await, scene.initialized("-4").await);
    let (halfway, gone) = (scene.organization("-2"), scene.organization("-3"));
    let mut item = Row::from([
        ("PK".to_owned(), text(&format!("ORG#{}", gone.id))),
        ("SK".to_owned(), text("ORG")),
        ("profile".to_owned(), text("a profile of another build")),
    ]);
    for attribute in ["revision", "endpointCount", "createdAt", "updatedAt"] {
        item.insert(attribute.to_owned(), AttributeValue::N("1".to_owned()));
    }
    history::put(&scene.stack, vec![entry(&halfway), entry(&gone), item]).await;
    assert_eq!(scene.page("").await, (vec![first.clone(), last.clone()], None));
    assert_eq!(scene.pages(2).await, [vec![first.clone()], vec![last.clone()]]);
    assert_eq!(scene.pages(1).await, [vec![first], Vec::new(), Vec::new(), vec![last]], "the list goes on behind them");
}

#[tokio::test]
async fn only_the_admin_key_lists_organizations() {
    let scene = Scene::new();
    scene.initialized("").await;
    let organization = scene.organization("");
    let (_, owner) = organization.new_key("owner").await;
    let (_, member) = organization.new_key("member").await;
    let portal = organization.api.post(&organization.sending("/app-portal-access"), "").await.expect(200);
    for key in [&owner, &member, portal["token"].as_str().unwrap()] {
        for path in [LIST, &scene.path(""), &scene.path("&cursor=x")] {
            organization.with_key(key).api.get(path).await.check_message(403, "Admin key required");
        }
    }
    organization.api.with_key(None).get(LIST).await.check(401);
    organization.api.post(LIST, "{}").await.check(405);
}

#[tokio::test]
async fn every_wrong_parameter_is_named() {
    let scene = Scene::new();
    scene.initialized("1").await;
    scene.initialized("2").await;
    let organization = scene.organization("1");
    let cursor = scene.page("&limit=1").await.1.unwrap();
    let get = async |path: String| organization.api.get(&path).await;
    let changed = format!("{}{}", if cursor.starts_with('A') { "B" } else { "A" }, &cursor[1..]);
    let first_half = &cursor[..cursor.len() / 2];
    for bad in ["", "x", "%00", first_half, &cursor[1..], &format!("{cursor}A"), &changed, &organization.id] {
        get(format!("{LIST}?cursor={bad}")).await.check_fields(&["cursor"]);
    }
    let long = "x".repeat(101);
    for bad in ["%C3%A9", "a%20b", "a%23", "%00", &long] {
        get(format!("{LIST}?prefix={bad}")).await.check_fields(&["prefix"]);
    }
    get(format!("{LIST}?prefix=%20&cursor=x&limit=none&surprise=1")).await.check_fields(&["cursor", "prefix"]);
    let elsewhere = organization.sending("/messages");
    get(format!("{elsewhere}?cursor={cursor}")).await.check_refused_fields(&elsewhere, &["cursor"]);
}

#[tokio::test]
async fn a_cursor_with_another_prefix_is_a_place_in_the_same_order() {
    let scene = Scene::new();
    for more in ["a1", "a2", "b1", "b2", "c1"] {
        scene.initialized(more).await;
    }
    // The list goes on behind "b1".
    let cursor = scene.page("b&limit=1").await.1.unwrap();
    for (prefix, expected) in [("a", [].as_slice()), ("b", &["b2"]), ("c", &["c1"]), ("b1", &[]), ("", &["b2", "c1"])] {
        let (page, next) = scene.page(&format!("{prefix}&cursor={cursor}")).await;
        let ids: Vec<String> = page.iter().map(|shown| shown["organizationId"].as_str().unwrap().to_owned()).collect();
        let expected: Vec<String> = expected.iter().map(|more| scene.organization(more).id).collect();
        assert_eq!((ids, next), (expected, None), "{prefix:?}");
    }
}
