//! An endpoint's deliveries in numbers, drawn.

use hookbell_domain::stats::Counts;
use jiff::Timestamp;

use super::show::{Moment, span};
use crate::stats::Counted;

/// Hours that are shown, the present one included.
pub(super) const HOURS: u16 = 24;

/// The width of the bar of states, in the units that it is drawn in.
const BAR: u64 = 1_000;

/// What a part of the bar takes at least where there is any: on a narrow screen two pixels.
const LEAST: u64 = 6;

/// Where the chart's columns begin from the left and from above, and how much room they have, likewise.
const LEFT: u64 = 52;
const TOP: u64 = 12;
const WIDTH: u64 = 668;
const HEIGHT: u64 = 136;

/// What a page shows of the numbers.
#[derive(Debug)]
pub(super) struct Numbers {
    /// All of them.
    pub(super) total: u64,
    /// Each state, the first one from the left.
    pub(super) parts: Vec<Part>,
    /// Each hour, the oldest first.
    pub(super) hours: Vec<Hour>,
    /// What the chart's highest line stands for: as much as any hour has, or a round number above that.
    pub(super) highest: u64,
    /// How long attempts took: half of them, and 19 of 20, no longer.
    pub(super) latency: Option<(String, String)>,
    /// From when on all are counted, where there were too many.
    pub(super) since: Option<Moment>,
}

/// A state's part of all.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part {
    /// A class of the style sheet.
    pub(super) class: &'static str,
    /// The word.
    pub(super) word: &'static str,
    /// How many.
    pub(super) count: u64,
    /// Of a hundred, in words.
    pub(super) percent: String,
    /// Where it begins in the bar.
    pub(super) x: u64,
    /// How much of the bar it takes.
    pub(super) width: u64,
}

/// An hour's column.
#[derive(Debug)]
pub(super) struct Hour {
    /// When it began, as its label.
    pub(super) label: String,
    /// How many arrived.
    pub(super) success: u64,
    /// How many ended without.
    pub(super) fail: u64,
    /// Where the column stands.
    pub(super) x: u64,
    /// How wide it is.
    pub(super) width: u64,
    /// Where its parts begin, from above, and how high they are.
    pub(super) success_y: u64,
    pub(super) success_height: u64,
    pub(super) fail_y: u64,
    pub(super) fail_height: u64,
}

impl Numbers {
    /// What was counted.
    pub(super) fn new(counted: &Counted, now: Timestamp) -> Self {
        let parts = parts(&counted.numbers.total);
        let hours = &counted.numbers.hours;
        let most = hours.iter().map(|(_, counts)| counts.success + counts.fail).max().unwrap_or(0);
        let highest = round_above(most);
        let slot = WIDTH / u64::try_from(hours.len()).unwrap_or(1).max(1);
        let place = |at: u64| LEFT + at * slot;
        let columns =
            (0_u64..).zip(hours).map(|(at, (begin, counts))| column(place(at), slot, highest, *begin, counts));
        Self {
            total: parts.iter().map(|part| part.count).sum(),
            parts,
            hours: columns.collect(),
            highest,
            latency: counted.numbers.latency.map(|latency| (span(latency.p50), span(latency.p95))),
            since: (!counted.complete).then(|| Moment::new(counted.since, now)),
        }
    }

    /// The bar in words, for those who do not see it.
    pub(super) fn summary(&self) -> String {
        let said = self.parts.iter().map(|part| format!("{} {} ({})", part.count, part.word, part.percent));
        said.collect::<Vec<_>>().join(", ")
    }
}

/// The states' parts of the bar. Each begins where the ones before it end, so that together they fill it.
fn parts(counts: &Counts) -> Vec<Part> {
    let Counts { success, fail, pending, sending, skipped } = *counts;
    let all = [
        ("success", "Success", success),
        ("fail", "Failed", fail),
        ("pending", "Pending", pending),
        ("sending", "Sending", sending),
        ("skipped", "Skipped", skipped),
    ];
    let shown: Vec<_> = all.into_iter().filter(|(class, _, count)| *class != "skipped" || *count > 0).collect();
    let counts: Vec<u64> = shown.iter().map(|(_, _, count)| *count).collect();
    let total: u64 = counts.iter().sum();
    let mut x = 0;
    let places = shown.into_iter().zip(shares(&counts, 1_000)).zip(widths(&counts));
    places
        .map(|(((class, word, count), tenths), width)| {
            let begins = x;
            x += width;
            Part { class, word, count, percent: percent(count, total, tenths), x: begins, width }
        })
        .collect()
}

/// So many units, shared out by counts to the last one: what is left after whole ones goes to the largest remainders.
fn shares(counts: &[u64], units: u64) -> Vec<u64> {
    let total: u64 = counts.iter().sum();
    let mut shares: Vec<u64> = counts.iter().map(|count| (count * units).checked_div(total).unwrap_or(0)).collect();
    let left = units.saturating_sub(shares.iter().sum());
    let mut by_remainder: Vec<(u64, &mut u64)> =
        counts.iter().map(|count| (count * units).checked_rem(total).unwrap_or(0)).zip(&mut shares).collect();
    by_remainder.sort_by_key(|(remainder, _)| std::cmp::Reverse(*remainder));
    by_remainder
        .into_iter()
        .filter(|(remainder, _)| *remainder > 0)
        .zip(0..left)
        .for_each(|((_, share), _)| *share += 1);
    shares
}

/// How much of the bar each count takes. What is there is seen, and the largest part gives the room for that.
fn widths(counts: &[u64]) -> Vec<u64> {
    let least = |count: u64, width: u64| if count == 0 { 0 } else { width.max(LEAST) };
    let mut widths: Vec<u64> =
        shares(counts, BAR).into_iter().zip(counts).map(|(width, count)| least(*count, width)).collect();
    let more = widths.iter().sum::<u64>().saturating_sub(BAR);
    if let Some(largest) = widths.iter_mut().max() {
        *largest = largest.saturating_sub(more);
    }
    widths
}

/// So many tenths of a hundredth, in words. What is there is never 0%, and what is not all is never 100%.
fn percent(count: u64, total: u64, tenths: u64) -> String {
    match tenths {
        _ if count == 0 => "0%".to_owned(),
        0 => "< 0.1%".to_owned(),
        1_000 if count < total => "> 99.9%".to_owned(),
        tenths if tenths % 10 == 0 => format!("{}%", tenths / 10),
        tenths => format!("{}.{}%", tenths / 10, tenths % 10),
    }
}

/// The next number of one digit and zeros that is even, so that its half is whole.
fn round_above(count: u64) -> u64 {
    let mut step = 2;
    while step * 5 < count {
        step *= 10;
    }
    count.max(1).div_ceil(step) * step
}

fn column(x: u64, slot: u64, highest: u64, begin: Timestamp, counts: &Counts) -> Hour {
    let Counts { success, fail, .. } = *counts;
    // What is there is seen.
    let height = |count: u64| if count == 0 { 0 } else { (count * HEIGHT / highest.max(1)).max(2) };
    let (success_height, fail_height) = (height(success), height(fail));
    Hour {
        label: begin.strftime("%H:%M").to_string(),
        success,
        fail,
        x: x + slot / 8,
        width: slot - slot / 4,
        success_y: TOP + HEIGHT.saturating_sub(success_height),
        success_height,
        fail_y: TOP + HEIGHT.saturating_sub(success_height + fail_height),
        fail_height,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_parts_fill_the_bar_and_what_is_there_is_seen() {
        for counts in [
            Counts { success: 1, fail: 1, pending: 1, sending: 0, skipped: 0 },
            Counts { success: 999_999, fail: 1, pending: 0, sending: 3, skipped: 17 },
            Counts { success: 7, ..Counts::default() },
        ] {
            let parts = parts(&counts);
            let ends = parts.iter().fold(0, |end, part| {
                assert_eq!(part.x, end);
                assert!(if part.count == 0 { part.width == 0 } else { part.width >= LEAST }, "{parts:?}");
                end + part.width
            });
            assert_eq!(ends, BAR, "{parts:?}");
        }
        assert!(parts(&Counts::default()).iter().all(|part| part.width == 0));
    }

    #[test]
    fn a_percentage_never_says_none_or_all_where_that_is_not_so() {
        for (success, fail, expected) in [
            (0, 0, ["0%", "0%"]),
            (0, 5, ["0%", "100%"]),
            (1, 2, ["33.3%", "66.7%"]),
            (1, 1, ["50%", "50%"]),
            (1, 99_999, ["< 0.1%", "> 99.9%"]),
        ] {
            let parts = parts(&Counts { success, fail, ..Counts::default() });
            assert_eq!([&parts[0].percent, &parts[1].percent], expected);
        }
    }

    #[test]
    fn percentages_add_up_to_a_hundred() {
        for counts in [[1, 1, 1, 0], [2, 2, 2, 1], [1, 5, 7, 13], [995, 2, 2, 2], [0, 0, 0, 3]] {
            let shares = shares(&counts, 1_000);
            assert_eq!(shares.iter().sum::<u64>(), 1_000, "{counts:?}: {shares:?}");
            let total: u64 = counts.iter().sum();
            for (count, share) in counts.iter().zip(&shares) {
                assert!((count * 1_000).abs_diff(share * total) < total, "{count} of {total} as {share}");
            }
        }
        assert_eq!(shares(&[1, 1, 1], 1_000), [334, 333, 333]);
        assert_eq!(shares(&[0, 0], 1_000), [0, 0]);
    }

    #[test]
    fn the_highest_line_is_round_and_above_all() {
        for (count, expected) in [(0, 2), (1, 2), (3, 4), (10, 10), (11, 20), (92, 100), (101, 200), (1_234, 2_000)] {
            assert_eq!(round_above(count), expected, "{count}");
        }
    }

    #[test]
    fn a_column_is_as_high_as_its_hour_and_none_leaves_the_chart() {
        let counts = Counts { success: 10, fail: 30, ..Counts::default() };
        let hour = column(40, 40, 40, Timestamp::UNIX_EPOCH, &counts);
        assert_eq!((hour.success_height, hour.fail_height), (HEIGHT / 4, HEIGHT * 3 / 4));
        assert_eq!((hour.fail_y, hour.label.as_str()), (TOP, "00:00"));
        assert_eq!(hour.success_y + hour.success_height, TOP + HEIGHT);
        let few = column(0, 40, 1_000_000, Timestamp::UNIX_EPOCH, &Counts { fail: 1, ..Counts::default() });
        assert_eq!(few.fail_height, 2);
    }
}
