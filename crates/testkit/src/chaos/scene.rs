//! Who takes part in a run: organizations of several sizes, and their endpoints.

use std::sync::Arc;

use serde_json::json;

use super::receivers::{Ledger, Receivers};
use crate::organization::Organization;
use crate::stack::Stack;
use crate::workbench::Workbench;

/// How many endpoints organizations have, over and over.
const SIZES: [usize; 5] = [1, 1, 1, 2, 5];

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
            let mut its = Vec::new();
            for place in places.by_ref().take(*sizes.next().expect("they go on for ever")) {
                let wanted = json!({ "url": receivers.url(place), "eventTypes": ["environment.started"] });
                let created = organization.create(&wanted).await.expect(201);
                let text = |value: &serde_json::Value| value.as_str().expect("a text").to_owned();
                receivers.ledger.know(place, text(&created["secret"]));
                its.push((place, text(&created["endpoint"]["endpointId"])));
            }
            parties.push(Party { organization, endpoints: its });
        }
        Self { stack, bench, receivers, parties }
    }

    pub(crate) fn ledger(&self) -> Arc<Ledger> {
        Arc::clone(&self.receivers.ledger)
    }
}
