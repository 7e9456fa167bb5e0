//! Every route of the API is in its description. (That what is described is there, `tests/openapi.rs` asks the stack.)

use std::collections::BTreeSet;

use crate::Breaches;

const ROUTES: &str = "functions/api/src/router.rs";
const DESCRIPTION: &str = "functions/api/src/openapi.rs";

/// The handlers that the routes name: `get(endpoints::list)`.
fn routed(text: &str) -> BTreeSet<&str> {
    let methods = ["get(", "post(", "put(", "patch(", "delete(", "any("];
    let calls = methods.iter().flat_map(|method| text.split(method).skip(1));
    calls.filter_map(|rest| rest.split_once(')')).map(|(handler, _)| handler).collect()
}

/// The handlers that the description is made from: `paths(endpoints::list, …)`.
fn described(text: &str) -> BTreeSet<&str> {
    let lists = text.split("(paths(").skip(1).filter_map(|rest| rest.split_once(')'));
    lists.flat_map(|(list, _)| list.split(',')).map(str::trim).filter(|name| !name.is_empty()).collect()
}

fn undescribed(routes: &str, description: &str) -> Breaches {
    let (in_routes, in_description) = (routed(routes), described(description));
    let missing = in_routes.difference(&in_description);
    let mut breaches: Breaches =
        missing.map(|handler| format!("{DESCRIPTION}: {handler} has a route and is not described")).collect();
    let extra = in_description.difference(&in_routes);
    breaches.extend(extra.map(|handler| format!("{ROUTES}: {handler} is described and has no route")));
    breaches
}

#[test]
fn every_route_is_described() {
    let (routes, description) = (crate::read(ROUTES), crate::read(DESCRIPTION));
    crate::kept(&undescribed(&routes, &description));
    let more = format!("{routes}.route(\"/new\", get(new::list).post(new::create))");
    let breaches = undescribed(&more, &description);
    crate::noticed(&breaches, "new::list has a route and is not described");
    crate::noticed(&breaches, "new::create has a route and is not described");
    let fewer = routes.replace("get(endpoints::event_types)", "");
    crate::noticed(&undescribed(&fewer, &description), "endpoints::event_types is described and has no route");
}
