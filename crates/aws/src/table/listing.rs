//! Lists over sharded partitions, page by page, in either direction.
//!
//! The sort keys are ids that begin with their time, so the order over all shards is that of time, and a page is a
//! stretch of ids. What is inserted meanwhile stands inside the stretch of a page to come or outside all of them; it
//! moves nothing.
//!
//! A page reads no more than it gives out and one page of `limit` of each shard besides. Where entries are looked for
//! by more than their time, that is one request to each shard, and a page ends where the looking did.

use aws_sdk_dynamodb::types::AttributeValue;
use futures_util::future::try_join_all;
use hookbell_domain::ids::{SHARDS, TimedId};
use jiff::Timestamp;

use super::merging::{Merge, Order, Page, Shard};
use super::{Item, Table, keys, sort_key, text};
use crate::AwsError;

/// Which page of a list is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Wanted<I> {
    /// Which end comes first.
    pub order: Order,
    /// Nothing before this time.
    pub after: Option<Timestamp>,
    /// Nothing from this time on.
    pub before: Option<Timestamp>,
    /// Where an earlier page has ended.
    pub behind: Option<I>,
    /// How many entries at most, one at least.
    pub limit: usize,
}

/// Ids from one to another, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stretch<I> {
    low: I,
    high: I,
}

/// What is read of a list's items, and which.
#[derive(Debug, Default)]
pub(super) struct Looking {
    /// Attributes, and what each has to be.
    pub(super) equal: Vec<(&'static str, AttributeValue)>,
    /// Paths below attributes, beside the sort key; everything where there are none.
    pub(super) only: Vec<String>,
}

impl<I: TimedId> Stretch<I> {
    /// The ids of those times; nothing when there are none.
    pub(super) fn of(after: Option<Timestamp>, before: Option<Timestamp>) -> Option<Self> {
        let low = after.map_or_else(|| I::numbered(0), I::first_from);
        let end = before.map_or(Some(u128::MAX), |before| I::first_from(before).number().checked_sub(1));
        end.map(|high| Self { low, high: I::numbered(high) }).filter(|stretch| stretch.low <= stretch.high)
    }

    /// What is left of it behind an id; nothing when that was the last.
    pub(super) fn behind(self, order: Order, id: I) -> Option<Self> {
        let rest = match order {
            Order::NewestFirst => Self { high: self.high.min(I::numbered(id.number().checked_sub(1)?)), ..self },
            Order::OldestFirst => Self { low: self.low.max(I::numbered(id.number().checked_add(1)?)), ..self },
        };
        (rest.low <= rest.high).then_some(rest)
    }
}

impl<I> Wanted<I> {
    /// Whether a time is one of those that the page is of.
    #[must_use]
    pub fn spans(&self, at: Timestamp) -> bool {
        self.after.is_none_or(|after| at >= after) && self.before.is_none_or(|before| at < before)
    }
}

impl<I: TimedId> Wanted<I> {
    fn stretch(&self) -> Option<Stretch<I>> {
        let whole = Stretch::of(self.after, self.before)?;
        match self.behind {
            Some(id) => whole.behind(self.order, id),
            None => Some(whole),
        }
    }
}

/// How many entries a shard is first asked for, so that it hardly ever has to be asked again: as many as it has of a
/// page on average, and five standard deviations. Ids are spread by chance, so their numbers are Poisson's.
fn first_reading(limit: usize) -> usize {
    let mean = limit.div_ceil(usize::from(SHARDS));
    (mean + 5 * (mean.isqrt() + 1)).min(limit)
}

/// Puts a page together out of what `read` finds in a shard's stretch when it looks at so many keys.
async fn page<I: TimedId, T, E, R: Future<Output = Result<Shard<I, T>, E>>>(
    wanted: &Wanted<I>,
    filtered: bool,
    read: impl Fn(u8, Stretch<I>, usize) -> R,
) -> Result<Page<I, T>, E> {
    let Some(stretch) = wanted.stretch() else { return Ok(Page { entries: Vec::new(), next: None }) };
    let limit = wanted.limit.max(1);
    let size = if filtered { limit } else { first_reading(limit) };
    let shards = try_join_all((0..SHARDS).map(|shard| read(shard, stretch, size))).await?;
    let mut merge = Merge::new(wanted.order, shards);
    while !filtered && let Some((shard, reached)) = merge.lacking(limit) {
        let rest = stretch.behind(wanted.order, reached);
        let reading = rest.map(|rest| Box::pin(read(number(shard), rest, size)));
        merge.extend(shard, or_ended(reading).await?);
    }
    Ok(merge.page(limit))
}

/// What is read of a shard, or its end where nothing is left of it.
async fn or_ended<I, T, E>(reading: Option<impl Future<Output = Result<Shard<I, T>, E>>>) -> Result<Shard<I, T>, E> {
    match reading {
        Some(reading) => reading.await,
        None => Ok(Shard { entries: Vec::new(), reached: None, cut_short: false }),
    }
}

/// The number of the shard that stands at that place.
fn number(at: usize) -> u8 {
    u8::try_from(at).unwrap_or(u8::MAX)
}

impl Table {
    /// A page of the list whose shards are those partitions.
    pub(super) async fn page<I: TimedId>(
        &self,
        partition: impl Fn(u8) -> String,
        looking: &Looking,
        wanted: &Wanted<I>,
    ) -> Result<Page<I, Item>, AwsError> {
        let read = |shard, stretch, size| self.read_shard(partition(shard), looking, wanted.order, stretch, size, Ok);
        page(wanted, !looking.equal.is_empty(), read).await
    }

    /// All of a list within a stretch, made smaller by `make` as it comes, in at most so many rounds of one request of
    /// `size` keys to each shard. `next` says how far it was read, if not to the end.
    pub(super) async fn rounds<I: TimedId, T>(
        &self,
        partition: impl Fn(u8) -> String,
        looking: &Looking,
        stretch: Stretch<I>,
        (rounds, size): (usize, usize),
        make: impl Fn(Item) -> Result<T, AwsError>,
    ) -> Result<Page<I, T>, AwsError> {
        let order = Order::NewestFirst;
        let read = |shard: u8, stretch| self.read_shard(partition(shard), looking, order, stretch, size, &make);
        let mut merge = Merge::new(order, try_join_all((0..SHARDS).map(|shard| read(shard, stretch))).await?);
        for _ in 1..rounds {
            let more = merge.unfinished().into_iter().map(|(at, reached)| {
                let reading = or_ended(stretch.behind(order, reached).map(|rest| read(number(at), rest)));
                async move { reading.await.map(|shard| (at, shard)) }
            });
            for (at, shard) in try_join_all(more).await? {
                merge.extend(at, shard);
            }
        }
        Ok(merge.page(usize::MAX))
    }

    async fn read_shard<I: TimedId, T>(
        &self,
        pk: String,
        looking: &Looking,
        order: Order,
        stretch: Stretch<I>,
        size: usize,
        make: impl Fn(Item) -> Result<T, AwsError>,
    ) -> Result<Shard<I, T>, AwsError> {
        let mut query = self
            .client
            .query()
            .table_name(&self.name)
            .key_condition_expression("PK = :pk AND SK BETWEEN :low AND :high")
            .expression_attribute_values(":pk", text(pk))
            .expression_attribute_values(":low", text(stretch.low.to_string()))
            .expression_attribute_values(":high", text(stretch.high.to_string()))
            .scan_index_forward(order == Order::OldestFirst)
            .limit(i32::try_from(size).unwrap_or(i32::MAX));
        let conditions: Vec<String> = looking.equal.iter().map(|(name, _)| format!("#{name} = :{name}")).collect();
        for (name, value) in &looking.equal {
            query = query
                .expression_attribute_names(format!("#{name}"), *name)
                .expression_attribute_values(format!(":{name}"), value.clone());
        }
        if !conditions.is_empty() {
            query = query.filter_expression(conditions.join(" AND "));
        }
        if !looking.only.is_empty() {
            let mut paths = keys::SK.to_owned();
            for path in &looking.only {
                paths.push_str(", #");
                paths.push_str(&path.replace('.', ".#"));
                for step in path.split('.') {
                    let name = step.split('[').next().unwrap_or(step);
                    query = query.expression_attribute_names(format!("#{name}"), name);
                }
            }
            query = query.projection_expression(paths);
        }
        let answer = query.send().await.map_err(AwsError::sdk("Query"))?;
        let looked_at = usize::try_from(answer.scanned_count).unwrap_or(0);
        let reached = answer.last_evaluated_key.map(|last| id(&last)).transpose()?;
        let mut entries = Vec::new();
        for item in answer.items.unwrap_or_default() {
            entries.push((id(&item)?, make(item)?));
        }
        Ok(Shard { entries, reached, cut_short: looked_at < size })
    }
}

/// The id that is an item's sort key.
fn id<I: TimedId>(item: &Item) -> Result<I, AwsError> {
    sort_key(item).parse().map_err(|error| AwsError::unreadable("reading a list", error))
}

#[cfg(test)]
mod tests;
