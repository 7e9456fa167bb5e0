//! Fields whose values are words: which they are, by those who read and write them.

use hookbell_domain::delivery::DeliveryStatus;
use hookbell_domain::profile;
use hookbell_domain::replay::ReplayState;
use hookbell_domain::role::Role;
use utoipa::openapi::schema::{Object, ObjectBuilder, Type};

/// How far a delivery is.
pub(crate) fn delivery_status() -> Object {
    use DeliveryStatus::{Delivered, Exhausted, Failed, Pending};
    one_of(
        [Pending, Failed, Delivered, Exhausted].map(DeliveryStatus::as_str),
        "delivered",
        "`pending` before its first attempt, `failed` while another attempt follows, `delivered` once the receiver \
         has it, `exhausted` when no attempt follows.",
    )
}

/// Which deliveries a replay takes, by their status.
pub(crate) fn replayed_status() -> Object {
    use DeliveryStatus::{Delivered, Exhausted, Failed, Pending};
    one_of(
        [Pending, Failed, Delivered, Exhausted].map(DeliveryStatus::as_str),
        "exhausted",
        "Only deliveries that have this status when they have their turn; all of them where it is absent.",
    )
}

/// Whether an endpoint gets anything.
pub(crate) fn endpoint_status() -> Object {
    one_of(["enabled", "disabled"], "enabled", "Whether messages are sent to it. One that keeps failing is disabled.")
}

/// Whether a new endpoint gets anything.
pub(crate) fn new_endpoint_status() -> Object {
    let text = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["enabled", "disabled"]));
    let text = text.description(Some("`disabled` where nothing is to be sent to it until it is enabled."));
    text.default(Some("enabled".into())).build()
}

/// How an endpoint fares whose latest attempts have all failed.
pub(crate) fn health_state() -> Object {
    one_of(
        ["failing", "open"],
        "open",
        "`failing` after three failed attempts in a row: its deliveries no longer go out together with others'. `open` \
         after twenty: they wait, using up no attempt, while one at a time finds out whether it works again. A success \
         ends both.",
    )
}

/// How far a replay is.
pub(crate) fn replay_state() -> Object {
    let words = [ReplayState::Running, ReplayState::Finished, ReplayState::Stopped].map(ReplayState::as_str);
    one_of(
        words,
        "running",
        "How far it is. A stopped one begins anew when it is asked for again; what has arrived is not sent twice.",
    )
}

/// What a key may do.
pub(crate) fn role() -> Object {
    one_of(Role::ALL.map(Role::as_str), "owner", "What the key may do: an owner everything, a member only read.")
}

/// An organization's profile.
pub(crate) fn profile() -> Object {
    let names = || profile::ALL.iter().map(|profile| profile.name);
    one_of(
        names(),
        names().next().unwrap_or_default(),
        "The name of its profile: what it can be sent, and by which rules.",
    )
}

/// How an attempt went.
pub(crate) fn attempt_status() -> Object {
    one_of(["success", "pending", "fail", "sending"], "success", "The same in a word.")
}

fn one_of(words: impl IntoIterator<Item = &'static str>, example: &str, description: &str) -> Object {
    let text = ObjectBuilder::new().schema_type(Type::String).description(Some(description));
    text.enum_values(Some(words)).examples([example]).build()
}
