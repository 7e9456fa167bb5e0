//! Slots of rate limits: those who ask for one of an endpoint's at the same time share a request.

use std::collections::{HashMap, VecDeque};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use hookbell_aws::AwsError;
use hookbell_domain::endpoint::RateLimit;
use hookbell_domain::ids::EndpointId;
use hookbell_domain::pace::{Slot, Wanted};
use jiff::Timestamp;

use crate::organizations::Target;
use crate::sender::Sender;

/// How many endpoints' askers are kept before all are forgotten; who is asking keeps his own.
const CAPACITY: usize = 1_000;

/// Who is asking for slots at the moment.
#[derive(Debug, Default)]
pub(crate) struct Lanes(Mutex<HashMap<EndpointId, Arc<Askers>>>);

/// Those who ask for slots of one endpoint.
#[derive(Debug, Default)]
struct Askers {
    /// How many have asked since the last request.
    count: AtomicU32,
    /// What was reserved for them. Locked while it is being reserved.
    slots: tokio::sync::Mutex<VecDeque<Slot>>,
}

impl Lanes {
    fn askers(&self, endpoint: EndpointId) -> Arc<Askers> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= CAPACITY {
            known.clear();
        }
        Arc::clone(known.entry(endpoint).or_default())
    }
}

/// A slot in the endpoint's lane.
pub(crate) async fn slot(sender: &Sender, target: &Target, limit: RateLimit) -> Result<Slot, AwsError> {
    let endpoint = &target.endpoint;
    let askers = sender.lanes.askers(endpoint.id);
    askers.count.fetch_add(1, Ordering::Relaxed);
    // The others of the batch ask too, before the first of them reserves for all.
    tokio::task::yield_now().await;
    let mut slots = askers.slots.lock().await;
    if slots.is_empty() {
        let count = askers.count.swap(0, Ordering::Relaxed).max(1);
        let wanted = Wanted { count, limit, as_of: endpoint.updated_at };
        slots.extend(sender.table.reserve_slots(endpoint.id, wanted, Timestamp::now()).await?);
    }
    slots.pop_front().ok_or_else(|| AwsError::unreadable("UpdateItem", "fewer slots than asked for"))
}
