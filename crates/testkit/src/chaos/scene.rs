//! Who takes part in a run: organizations of several sizes, and their endpoints.

use std::sync::Arc;

use serde_json::json;

use super::receivers::{Kind, Ledger, Receivers};
use crate::organization::Organization;
use crate::stack::Stack;
use crate::workbench::Workbench;

/// How many endpoints organizations have, over and over.
const SIZES: [usize; 5] = [1, 1, 1, 2, 5];

/// Those of that size have an ordered one among them.
const IN_ORDER: usize = 2;

/// The parties of a run, and the queues between them.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) stack: Stack,
    pub(crate) bench: Workbench,
    pub(crate) receivers: Receivers,
    pub(crate) parties: Vec<Party>,
}

/// An organization and its endpoints.
#[derive(Debug)]
pub(crate) struct Party {
    pub(crate) organization: Organization,
    /// Whether one of its endpoints is ordered, so that its events come in order.
    pub(crate) is_ordered: bool,
    /// Their places among all endpoints, and their ids.
    pub(crate) endpoints: Vec<(usize, String)>,
}

impl Scene {
    /// So many endpoints at these receivers.
    pub(crate) async fn new(stack: Stack, receivers: Receivers, endpoints: usize) -> Self {
        let bench = Workbench::new(&stack).await;
        let mut parties = Vec::new();
        let (mut places, mut sizes) = (0..endpoints, SIZES.iter().cycle());
        while !places.is_empty() {
            let organization = Organization::new(&stack, "slothbox").await;
            let (mut its, size) = (Vec::new(), *sizes.next().expect("they go on for ever"));
            let mut is_ordered = false;
            for place in places.by_ref().take(size) {
                // A dead one would hold back its line for longer than a run takes.
                let ordered = size == IN_ORDER && !is_ordered && receivers.ledger.kind(place) != Kind::Dead;
                is_ordered |= ordered;
                let types = ["environment.started"];
                let wanted = json!({ "url": receivers.url(place), "eventTypes": types, "ordered": ordered });
                let created = organization.create(&wanted).await.expect(201);
                let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
                receivers.ledger.know(place, text(&created["secret"]));
                its.push((place, text(&created["endpoint"]["endpointId"])));
            }
            parties.push(Party { organization, is_ordered, endpoints: its });
        }
        Self { stack, bench, receivers, parties }
    }

    pub(crate) fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.receivers.ledger)
    }
}
