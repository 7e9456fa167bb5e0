//! One list out of what was read of its shards: in order, and only as far as all of them have been read.

use std::cmp::Ordering;

use hookbell_domain::ids::TimedId;

/// Which end of a list comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// From now into the past.
    NewestFirst,
    /// From the beginning on.
    OldestFirst,
}

/// What was read of one shard so far.
#[derive(Debug, Clone)]
pub(super) struct Shard<I, T> {
    /// What came of it, in the list's order.
    pub(super) entries: Vec<(I, T)>,
    /// The last key that was looked at, whether it came along or not; absent once there is nothing behind it.
    pub(super) reached: Option<I>,
    /// Whether the latest reading ended before it had looked at as many keys as it was to.
    pub(super) cut_short: bool,
}

/// The shards of a list, while a page of it is put together.
#[derive(Debug)]
pub(super) struct Merge<I, T> {
    order: Order,
    shards: Vec<Shard<I, T>>,
}

/// A part of a list, in its order.
#[derive(Debug, Clone)]
pub struct Page<I, T> {
    /// What is given out.
    pub entries: Vec<T>,
    /// Behind which id the list goes on; absent at its end. Not always the last entry's: where entries are looked
    /// for by more than their time, a page ends where the looking did.
    pub next: Option<I>,
}

impl Order {
    /// How two ids stand in a list of this order.
    fn compare<I: Copy + Ord>(self, one: I, other: I) -> Ordering {
        match self {
            Self::NewestFirst => other.cmp(&one),
            Self::OldestFirst => one.cmp(&other),
        }
    }

    /// Whether an id stands before the end of what is read, or at it.
    fn is_within<I: Copy + Ord>(self, id: I, end: Option<I>) -> bool {
        end.is_none_or(|end| self.compare(id, end) != Ordering::Greater)
    }
}

impl<I: TimedId, T> Merge<I, T> {
    pub(super) fn new(order: Order, shards: Vec<Shard<I, T>>) -> Self {
        Self { order, shards }
    }

    /// How far all shards have been read, and which of them has got no further; nothing when all are at their end.
    fn frontier(&self) -> Option<(usize, I)> {
        let reached = self.shards.iter().enumerate().filter_map(|(at, shard)| Some((at, shard.reached?)));
        reached.min_by(|(_, one), (_, other)| self.order.compare(one, other))
    }

    /// The shard to read on, and from where, before a page has `limit` entries and is known to be the last or not.
    pub(super) fn lacking(&self, limit: usize) -> Option<(usize, I)> {
        let (at, frontier) = self.frontier()?;
        let keys = || self.shards.iter().flat_map(|shard| &shard.entries).map(|(id, _)| *id);
        let settled = keys().filter(|id| self.order.is_within(*id, Some(frontier))).count();
        // What DynamoDB cuts short is large, and the page as well: it is cut by its bytes anyway.
        let cut_short = self.shards.get(at).is_some_and(|shard| shard.cut_short);
        ((settled < limit || keys().count() <= limit) && !cut_short).then_some((at, frontier))
    }

    /// Adds what was read on of a shard.
    pub(super) fn extend(&mut self, at: usize, read: Shard<I, T>) {
        if let Some(shard) = self.shards.get_mut(at) {
            shard.entries.extend(read.entries);
            (shard.reached, shard.cut_short) = (read.reached, read.cut_short);
        }
    }

    /// The shards that have not been read to their end, and how far they have.
    pub(super) fn unfinished(&self) -> Vec<(usize, I)> {
        self.shards.iter().enumerate().filter_map(|(at, shard)| Some((at, shard.reached?))).collect()
    }

    /// The next `limit` entries, or as many as all shards have been read for.
    pub(super) fn page(self, limit: usize) -> Page<I, T> {
        let (order, frontier) = (self.order, self.frontier().map(|(_, frontier)| frontier));
        let total: usize = self.shards.iter().map(|shard| shard.entries.len()).sum();
        let mut entries: Vec<(I, T)> = Vec::with_capacity(total);
        for shard in self.shards {
            entries.extend(shard.entries);
        }
        entries.retain(|(id, _)| order.is_within(*id, frontier));
        entries.sort_unstable_by(|(one, _), (other, _)| order.compare(one, other));
        let next = if entries.len() < limit {
            frontier
        } else {
            entries.truncate(limit);
            let more = total > limit || frontier.is_some();
            entries.last().filter(|_| more).map(|(id, _)| *id)
        };
        Page { entries: entries.into_iter().map(|(_, entry)| entry).collect(), next }
    }
}

impl<I, T> Page<I, T> {
    /// The page with something else made of each entry.
    pub(super) fn try_map<U, E>(self, make: impl FnMut(T) -> Result<U, E>) -> Result<Page<I, U>, E> {
        let entries = self.entries.into_iter().map(make).collect::<Result<_, _>>()?;
        Ok(Page { entries, next: self.next })
    }
}
