//! Endpoints of another system, taken over so that their receivers notice nothing.
//!
//! The invariants: what a source calls an endpoint is its `uid` here, so whatever is repeated finds what it has made;
//! nothing is written that is so already; one endpoint that cannot be taken over stops no other; and no secret is
//! written anywhere but to the API and to the file that was asked for.
//!
//! [`source`] reads organizations one after the other, [`obstacles`] and [`plan`] decide, [`target`] is hookbell's API,
//! [`organization`] and [`endpoint`] bring the four together, [`outcome`] shows what came of it.

mod endpoint;
pub(crate) mod obstacles;
pub(crate) mod organization;
pub(crate) mod outcome;
pub(crate) mod plan;
pub(crate) mod record;
pub(crate) mod source;
pub(crate) mod target;
