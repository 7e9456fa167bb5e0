//! A client of the console: a browser's part of it, without its script. It follows no redirect by itself.

use std::time::Duration;

use http::Method;
use reqwest::Url;
use reqwest::redirect::Policy;

use crate::api::Reply;
use crate::function::Function;
use crate::gateway::{self, Place};
use crate::html::fields;
use crate::stack::Stack;

/// The console, as somebody sees it who has signed in, or not.
#[derive(Debug, Clone)]
pub struct Console<'a> {
    door: Door<'a>,
    /// Scheme and host.
    pub origin: String,
    /// The path that all of the console's begin with.
    pub base: String,
    /// The session's cookie, as requests carry it.
    pub cookie: Option<String>,
}

/// How requests get there.
#[derive(Debug, Clone)]
enum Door<'a> {
    Network(reqwest::Client),
    Function(&'a Function, Place),
}

impl Console<'static> {
    /// That of the stack, for nobody yet.
    #[must_use]
    pub fn of(stack: &Stack) -> Self {
        let client = reqwest::Client::builder().no_proxy().redirect(Policy::none()).timeout(Duration::from_secs(30));
        let (origin, prefix) = split(&stack.api_url);
        let door = Door::Network(client.build().unwrap());
        Self { door, origin, base: format!("{prefix}/console"), cookie: None }
    }
}

impl<'a> Console<'a> {
    /// That of one function, which is reached at that place, for nobody yet.
    #[must_use]
    pub fn through(api: &'a Function, place: Place) -> Self {
        let (origin, base) = (format!("https://{}", place.host()), format!("{}/console", place.prefix()));
        Self { door: Door::Function(api, place), origin, base, cookie: None }
    }

    /// The same with another session's cookie, or with none.
    #[must_use]
    pub fn with_cookie(&self, cookie: Option<&str>) -> Self {
        Self { cookie: cookie.map(str::to_owned), ..self.clone() }
    }

    /// Its session's cookie, as browsers send it.
    #[must_use]
    pub fn cookie(&self) -> String {
        self.cookie.clone().unwrap_or_default()
    }

    /// Asks to sign in with a key or a token, and to be led to `next` from there.
    pub async fn try_sign_in(&self, key: &str, next: &str) -> Reply {
        self.post("/sign-in", &[("key", key), ("next", next)]).await
    }

    /// Signs in, and keeps the cookie.
    pub async fn sign_in(&self, key: &str) -> Self {
        let reply = self.try_sign_in(key, "").await;
        reply.check(303);
        self.with_cookie(reply.header("set-cookie").split(';').next())
    }

    /// GET, of a path below the console's.
    pub async fn get(&self, path: &str) -> Reply {
        self.send(Method::GET, path, &[], "").await
    }

    /// GET as htmx does it, of a part of a page.
    pub async fn get_part(&self, path: &str) -> Reply {
        self.send(Method::GET, path, &[("hx-request", "true")], "").await
    }

    /// Sends a form from a page of the console.
    pub async fn post(&self, path: &str, fields: &[(&str, &str)]) -> Reply {
        self.post_from(Some(&self.origin), path, fields).await
    }

    /// Sends a form from a page of that origin, or one that says none.
    pub async fn post_from(&self, origin: Option<&str>, path: &str, fields: &[(&str, &str)]) -> Reply {
        let mut headers = vec![("content-type", "application/x-www-form-urlencoded")];
        headers.extend(origin.map(|origin| ("origin", origin)));
        let form = Url::parse_with_params("https://example.com/", fields).unwrap();
        self.send(Method::POST, path, &headers, form.query().unwrap_or_default()).await
    }

    /// Sends the form with that action of the page at that path, as the page has filled it in but for those fields.
    pub async fn submit(&self, page: &str, action: &str, changes: &[(&str, &str)]) -> Reply {
        let served = self.form(page, action).await;
        let mut filled: Vec<(&str, &str)> =
            served.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        filled.retain(|(name, _)| !changes.iter().any(|(changed, _)| changed == name));
        filled.extend(changes);
        self.post(action, &filled).await
    }

    /// The fields of the form with that action of the page at that path, as the page has filled them in.
    pub async fn form(&self, page: &str, action: &str) -> Vec<(String, String)> {
        fields(self.get(page).await.page(200), &format!("{}{action}", self.base))
    }

    /// A request with those headers beside the cookie.
    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: &str) -> Reply {
        let mut headers = headers.to_vec();
        headers.extend(self.cookie.as_deref().map(|cookie| ("cookie", cookie)));
        match &self.door {
            Door::Function(api, place) => {
                let path = format!("/console{path}");
                let request = gateway::request(*place, method.as_str(), &path, &headers, body);
                gateway::reply(&api.invoke(&request).await.answered())
            }
            Door::Network(client) => {
                let url = format!("{}{}{path}", self.origin, self.base);
                let request = client.request(method, url).body(body.to_owned());
                let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
                let answer = request.send().await.unwrap_or_else(|error| panic!("{path}: {error:?}"));
                let (status, headers) = (answer.status().as_u16(), answer.headers().clone());
                Reply { status, headers, body: answer.bytes().await.unwrap().to_vec() }
            }
        }
    }

    /// The path below the console's of an address that a page or a redirect has, which has to be the console's.
    #[track_caller]
    #[must_use]
    pub fn below(&self, address: &str) -> String {
        let path = address.strip_prefix(&self.base).filter(|path| path.is_empty() || path.starts_with(['/', '?', '#']));
        let path = path.unwrap_or_else(|| panic!("{address} does not lead into the console at {}", self.base));
        path.split('#').next().unwrap_or_default().to_owned()
    }
}

impl Reply {
    /// A header's text, empty when it is absent.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The page of a reply that has to have that status.
    #[track_caller]
    #[must_use]
    pub fn page(&self, status: u16) -> &str {
        self.check(status);
        assert_eq!(self.header("content-type"), "text/html; charset=utf-8");
        std::str::from_utf8(&self.body).unwrap()
    }

    /// Fails unless the reply is a page of that status.
    #[track_caller]
    pub fn check_page(&self, status: u16) {
        assert!(self.page(status).ends_with("</html>"), "a whole page");
    }

    /// Where a reply leads that has to lead elsewhere.
    #[track_caller]
    #[must_use]
    pub fn location(&self) -> &str {
        self.check(303);
        self.header("location")
    }
}

/// An address as its origin and its path.
fn split(address: &str) -> (String, String) {
    let url = Url::parse(address).unwrap();
    (url.origin().ascii_serialization(), url.path().trim_end_matches('/').to_owned())
}
