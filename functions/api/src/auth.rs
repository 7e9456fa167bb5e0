//! Who is calling, and what they may: the deployment's admin key everything, an organization's key what its role says.

pub(crate) mod expiring;
pub(crate) mod known_keys;
pub(crate) mod portal_token;

use std::sync::Arc;

use axum::extract::{Extension, RawPathParams, Request, State};
use axum::http::HeaderMap;
use axum::http::header::AUTHORIZATION;
use axum::middleware::Next;
use axum::response::Response;
use hookbell_aws::AwsError;
use hookbell_aws::table::{Admission, Call, KeyHash, Token};
use hookbell_domain::ids::{KeyId, OrganizationId};
use hookbell_domain::minute::Minute;
use hookbell_domain::role::Role;
use jiff::Timestamp;

use crate::error::ApiError;
use crate::state::{Api, NO_ORGANIZATION};
use crate::{api_keys, logged};

use known_keys::Standing;

/// Who is calling: an extension of every request that is let in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Caller {
    /// Whoever runs the deployment.
    Admin,
    /// An organization's own program or person.
    Key {
        /// The key.
        id: KeyId,
        /// What it may do.
        role: Role,
        /// Whose it is.
        organization: OrganizationId,
    },
    /// A person who came by a link into the organization's portal.
    Portal {
        /// The organization.
        organization: OrganizationId,
    },
}

impl Caller {
    /// Whether it may do what takes no less than the admin key.
    pub(crate) fn is_admin(&self) -> bool {
        *self == Self::Admin
    }

    /// Whether it may change things and see secrets.
    pub(crate) fn is_owner(&self) -> bool {
        match self {
            Self::Admin | Self::Portal { .. } => true,
            Self::Key { role, .. } => *role == Role::Owner,
        }
    }

    /// Whether the organization of that id is there for it.
    fn may_see(&self, id: &str) -> bool {
        self.organization().is_none_or(|organization| organization == id)
    }

    /// The organization that it is for; none of the admin's.
    pub(crate) fn organization(&self) -> Option<&str> {
        match self {
            Self::Admin => None,
            Self::Key { organization, .. } | Self::Portal { organization } => Some(organization.as_str()),
        }
    }

    /// The word for what it may do.
    pub(crate) fn role(&self) -> &'static str {
        match self {
            Self::Admin => "admin",
            Self::Portal { .. } => Role::Owner.as_str(),
            Self::Key { role, .. } => role.as_str(),
        }
    }

    /// What it is called where its doings are reported: for a key its id.
    pub(crate) fn name(&self) -> String {
        match self {
            Self::Admin => "admin".to_owned(),
            Self::Key { id, .. } => id.to_string(),
            Self::Portal { .. } => "portal".to_owned(),
        }
    }
}

/// Lets a request pass whose key or token is known and has calls left this minute.
pub(crate) async fn authenticate(
    State(api): State<Arc<Api>>,
    mut request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let key = key(request.headers()).ok_or(ApiError::Unauthorized)?;
    let now = Timestamp::now();
    // What can be neither key nor token is refused without a question.
    let credential = Credential::read(&api, key, now).await?.ok_or(ApiError::Unauthorized)?;
    let admitted = admit_caller(&api, &credential, now).await;
    logged::note_caller(&credential, &admitted);
    request.extensions_mut().insert(admitted?);
    Ok(next.run(request).await)
}

/// Lets those pass for whom the path's organization is there.
pub(crate) async fn reader(
    Extension(caller): Extension<Caller>,
    path: RawPathParams,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    admit(&caller, &path, Ok(()))?;
    Ok(next.run(request).await)
}

/// Lets those pass who own the path's organization.
pub(crate) async fn owner(
    Extension(caller): Extension<Caller>,
    path: RawPathParams,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    admit(&caller, &path, if caller.is_owner() { Ok(()) } else { Err(ApiError::Forbidden("Owner role required")) })?;
    Ok(next.run(request).await)
}

/// Lets the admin key pass.
pub(crate) async fn admin(
    Extension(caller): Extension<Caller>,
    path: RawPathParams,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    admit(&caller, &path, if caller.is_admin() { Ok(()) } else { Err(ADMIN_REQUIRED) })?;
    Ok(next.run(request).await)
}

/// What takes the admin key.
pub(crate) const ADMIN_REQUIRED: ApiError = ApiError::Forbidden("Admin key required");

/// First whether the organization is there for the caller, then whether the role will do.
fn admit(caller: &Caller, path: &RawPathParams, role: Result<(), ApiError>) -> Result<(), ApiError> {
    let organization = path.iter().find(|(name, _)| *name == "organization");
    if organization.is_some_and(|(_, id)| !caller.may_see(id)) {
        return Err(NO_ORGANIZATION);
    }
    role
}

/// What somebody has shown to be let in, without its text: as much as it takes to ask again whether it is still good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Credential {
    /// Of the key or token as it was sent.
    pub(crate) hash: KeyHash,
    /// Of a portal token: whose it is, and when it ends.
    pub(crate) token: Option<(OrganizationId, Timestamp)>,
}

impl Credential {
    /// What that text is, if it could be a key or is a token: whether the key exists is another question.
    pub(crate) async fn read(api: &Api, text: &str, now: Timestamp) -> Result<Option<Self>, AwsError> {
        expiring::meet(&api.keys, text).await?;
        let (hash, token) = (KeyHash::of(text), portal_token::read(&api.keys, text, now));
        let is_one = hash == api.admin_key || token.is_some() || api_keys::looks_like_one(text);
        Ok(is_one.then_some(Self { hash, token }))
    }
}

/// Who shows that. Keys and tokens are looked up and counted, the admin key is not.
pub(crate) async fn admit_caller(api: &Api, credential: &Credential, now: Timestamp) -> Result<Caller, ApiError> {
    let key = credential.hash;
    if key == api.admin_key {
        return Ok(Caller::Admin);
    }
    let limit = api.config.limits.calls_per_minute;
    let minute = Minute::of(now);
    let limited = || ApiError::RateLimited { limit, seconds: minute.seconds_left(now) };
    let another = match api.known_keys.standing(key, minute) {
        Standing::Limited => return Err(limited()),
        Standing::Admitted => true,
        Standing::Unknown => false,
    };
    let call = Call { key, now, limit, another };
    let caller = match &credential.token {
        Some((organization, expires_at)) => {
            let token = Token { organization, expires_at: *expires_at };
            let organization = organization.clone();
            api.table.admit_token(call, token).await?.then_some(Caller::Portal { organization })
        }
        None => match api.table.admit_key(call).await? {
            Admission::Admitted(holder) => {
                Some(Caller::Key { id: holder.id, role: holder.role, organization: holder.organization })
            }
            Admission::Unknown => return Err(ApiError::Unauthorized),
            Admission::Limited => None,
        },
    };
    let standing = if caller.is_some() { Standing::Admitted } else { Standing::Limited };
    api.known_keys.note(key, minute, standing);
    caller.ok_or_else(limited)
}

/// The key of a request: the value of `Authorization`, as it is or after `Bearer` in any case.
fn key(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?.trim();
    match value.split_once(' ') {
        Some((scheme, key)) if scheme.eq_ignore_ascii_case("bearer") => Some(key.trim()),
        _ => Some(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(value: &str, expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().unwrap());
        assert_eq!(key(&headers), expected);
    }

    #[test]
    fn a_key_comes_raw_or_after_bearer_in_any_case() {
        check("sk_abc", Some("sk_abc"));
        check("Bearer sk_abc", Some("sk_abc"));
        check("bEARER   sk_abc", Some("sk_abc"));
        check("Basic sk_abc", Some("Basic sk_abc"));
        assert_eq!(key(&HeaderMap::new()), None);
    }

    #[test]
    fn only_the_admin_key_is_good_for_every_organization_and_a_member_owns_nothing() {
        let organization: OrganizationId = "org_1".parse().unwrap();
        let id = KeyId::new(Timestamp::UNIX_EPOCH, 1);
        let key = |role| Caller::Key { id, role, organization: organization.clone() };
        let portal = Caller::Portal { organization: organization.clone() };
        for (caller, owner, name) in [
            (Caller::Admin, true, "admin".to_owned()),
            (key(Role::Owner), true, id.to_string()),
            (key(Role::Member), false, id.to_string()),
            (portal, true, "portal".to_owned()),
        ] {
            assert_eq!((caller.is_owner(), caller.name()), (owner, name));
            assert!(caller.may_see("org_1"));
            assert_eq!(caller.may_see("org_2"), caller.is_admin());
            assert!(caller.is_admin() || !caller.may_see("ORG_1") && !caller.may_see(""));
        }
    }
}
