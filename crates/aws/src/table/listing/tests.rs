use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::convert::Infallible;
use std::future::ready;

use futures_util::FutureExt as _;
use hookbell_domain::ids::MessageId;
use proptest::prelude::*;

use super::*;

/// A list that is kept in memory: ids, and whether each is looked for.
#[derive(Debug, Default)]
struct Rows {
    kept: RefCell<BTreeMap<MessageId, bool>>,
    looked_at: Cell<usize>,
    requests: Cell<usize>,
}

impl Rows {
    /// What DynamoDB does: looks at the next `size` keys, leaves out what the filter refuses, and names the last key
    /// whenever it has ended for `size`, be there more or not.
    fn read(
        &self,
        (shard, stretch, size): (u8, Stretch<MessageId>, usize),
        order: Order,
        filtered: bool,
    ) -> Shard<MessageId, MessageId> {
        let rows = self.kept.borrow();
        let range = rows.range(stretch.low..=stretch.high).filter(|(id, _)| id.shard() == shard);
        let mut found: Vec<(MessageId, bool)> = range.map(|(id, wanted)| (*id, *wanted)).collect();
        if order == Order::NewestFirst {
            found.reverse();
        }
        found.truncate(size);
        self.looked_at.set(self.looked_at.get() + found.len());
        self.requests.set(self.requests.get() + 1);
        let reached = found.last().filter(|_| found.len() == size).map(|(id, _)| *id);
        found.retain(|(_, wanted)| *wanted || !filtered);
        Shard { entries: found.into_iter().map(|(id, _)| (id, id)).collect(), reached, cut_short: false }
    }

    fn page(&self, wanted: &Wanted<MessageId>, filtered: bool) -> Page<MessageId, MessageId> {
        self.looked_at.set(0);
        self.requests.set(0);
        let read = |shard, stretch, size| {
            ready(Ok::<_, Infallible>(self.read((shard, stretch, size), wanted.order, filtered)))
        };
        let Ok(page) = page(wanted, filtered, read).now_or_never().expect("nothing to wait for");
        let most = page.entries.len() + wanted.limit * usize::from(SHARDS);
        assert!(self.looked_at.get() <= most, "{} rows for {}", self.looked_at.get(), page.entries.len());
        page
    }

    /// What a page by page reading has to give: what is there now, in order.
    fn sorted(&self, wanted: &Wanted<MessageId>, filtered: bool) -> Vec<MessageId> {
        let within = |id: MessageId| wanted.spans(id.created_at());
        let rows = self.kept.borrow();
        let mut ids: Vec<_> = rows.iter().filter(|(_, wanted)| **wanted || !filtered).map(|(id, _)| *id).collect();
        ids.retain(|id| within(*id));
        if wanted.order == Order::NewestFirst {
            ids.reverse();
        }
        ids
    }
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_millisecond(ms).unwrap()
}

fn id() -> impl Strategy<Value = MessageId> {
    // Few times, so that many ids have the same; and shards that may be very uneven.
    (0_i64..40, any::<u64>(), prop_oneof![Just(0_u8), 0_u8..8])
        .prop_map(|(ms, bits, shard)| MessageId::new(at(ms), (u128::from(bits) << 3) | u128::from(shard)))
}

fn list() -> impl Strategy<Value = BTreeMap<MessageId, bool>> {
    (0.0..1.0).prop_flat_map(|part| prop::collection::btree_map(id(), prop::bool::weighted(part), 0..300))
}

fn order() -> impl Strategy<Value = Order> {
    prop_oneof![Just(Order::NewestFirst), Just(Order::OldestFirst)]
}

fn time() -> impl Strategy<Value = Option<Timestamp>> {
    prop::option::weighted(0.3, (0_i64..40).prop_map(at))
}

proptest! {
    #[test]
    fn all_pages_together_are_the_list(
        rows in list(), order in order(), after in time(), before in time(), limit in 1_usize..60, filtered: bool,
    ) {
        let rows = Rows { kept: RefCell::new(rows), ..Rows::default() };
        let mut wanted = Wanted { order, after, before, behind: None, limit };
        let expected = rows.sorted(&wanted, filtered);
        let mut given = Vec::new();
        loop {
            let page = rows.page(&wanted, filtered);
            let full = page.entries.len() == limit;
            given.extend(page.entries);
            prop_assert!(given.len() <= expected.len());
            let Some(next) = page.next else { break };
            if !filtered {
                prop_assert!(full && given.len() < expected.len(), "a page that is not the last is full, and more follows");
            }
            prop_assert!(rows.requests.get() == usize::from(SHARDS) || !filtered);
            prop_assert!(wanted.behind != Some(next), "no page goes nowhere");
            wanted.behind = Some(next);
        }
        prop_assert_eq!(given, expected);
    }

    #[test]
    fn what_is_inserted_meanwhile_moves_nothing(
        rows in list(), later in prop::collection::vec((id(), any::<bool>()), 0..100), order in order(),
        limit in 1_usize..60, filtered: bool,
    ) {
        let rows = Rows { kept: RefCell::new(rows), ..Rows::default() };
        let mut wanted = Wanted { order, after: None, before: None, behind: None, limit };
        let expected = rows.sorted(&wanted, filtered);
        let mut given = Vec::new();
        let mut later = later.into_iter();
        loop {
            let page = rows.page(&wanted, filtered);
            given.extend(page.entries);
            rows.kept.borrow_mut().extend(later.by_ref().take(10));
            let Some(next) = page.next else { break };
            wanted.behind = Some(next);
        }
        let compare = |one: &MessageId, other: &MessageId| match order {
            Order::NewestFirst => one > other,
            Order::OldestFirst => one < other,
        };
        prop_assert!(given.is_sorted_by(compare), "in order, and none twice");
        prop_assert!(expected.iter().all(|id| given.contains(id)), "none lost");
    }
}

#[test]
fn evenly_spread_ids_take_one_request_to_each_shard() {
    for limit in [1, 2, 10, 37, 50, 100] {
        let ids = (0..2_000).map(|n| MessageId::of_queue_record(&n.to_string(), at(n)));
        let rows = Rows { kept: RefCell::new(ids.map(|id| (id, true)).collect()), ..Rows::default() };
        let mut wanted = Wanted { order: Order::NewestFirst, after: None, before: None, behind: None, limit };
        while let Some(next) = rows.page(&wanted, false).next {
            assert!(rows.requests.get() <= usize::from(SHARDS) + 2 || limit < 10, "{limit}: {}", rows.requests.get());
            wanted.behind = Some(next);
        }
    }
}

#[test]
fn what_is_cut_short_by_its_size_is_not_read_on_for_a_full_page() {
    let ids: Vec<MessageId> = (1..=40).map(|n| MessageId::new(at(n), 0)).collect();
    let read = |shard, _, size: usize| {
        assert!(size > 4);
        let entries = if shard == 0 { ids.iter().take(4).map(|id| (*id, *id)).collect() } else { Vec::new() };
        let reached = (shard == 0).then_some(ids[3]);
        ready(Ok::<_, Infallible>(Shard { entries, reached, cut_short: true }))
    };
    let wanted = Wanted { order: Order::OldestFirst, after: None, before: None, behind: None, limit: 50 };
    let Ok(page) = page(&wanted, false, read).now_or_never().unwrap();
    assert_eq!((page.entries.as_slice(), page.next), (&ids[..4], Some(ids[3])));
}

#[test]
fn a_window_without_a_millisecond_in_it_is_empty() {
    let of = |after: i64, before: i64| Stretch::<MessageId>::of(Some(at(after)), Some(at(before)));
    assert_eq!(of(7, 7), None);
    assert_eq!(of(8, 7), None);
    assert_eq!(Stretch::<MessageId>::of(None, Some(Timestamp::UNIX_EPOCH)), None);
    let one = of(7, 8).unwrap();
    assert_eq!((one.low.created_at(), one.high.created_at()), (at(7), at(7)));
    assert_eq!(one.behind(Order::NewestFirst, one.low), None);
    assert_eq!(one.behind(Order::OldestFirst, one.high), None);
    assert_eq!(one.behind(Order::NewestFirst, MessageId::new(at(9), 0)), Some(one), "a cursor outside changes nothing");
}
