//! Rows in columns, without lines between them: they can be read, cut and grepped.

use console::{Term, measure_text_width};

use super::{Output, Tone, painted};
use crate::failure::Failure;

/// Between two columns.
const GAP: usize = 2;

/// What is left free at the beginning of a line that goes on with a row.
const INDENT: usize = 4;

/// A table that is written row by row. Its columns are as wide as their widest entry so far.
pub(crate) struct Table<const N: usize> {
    output: Output,
    head: Option<[&'static str; N]>,
    widths: [usize; N],
    /// Columns of the terminal; whatever else is written to takes lines of any length.
    room: Option<usize>,
}

impl<const N: usize> Table<N> {
    /// A table with its columns' names.
    pub(crate) fn new(output: Output, head: [&'static str; N]) -> Self {
        let room = Term::stdout().size_checked().map(|(_, columns)| usize::from(columns));
        Self { output, head: Some(head), widths: [0; N], room }
    }

    /// Writes rows, below the names the first time.
    pub(crate) fn rows(&mut self, rows: &[[String; N]]) -> Result<(), Failure> {
        let head = self.head.take_if(|_| !rows.is_empty());
        let names = head.map(|head| head.map(str::to_owned));
        for row in rows.iter().chain(&names) {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(measure_text_width(cell));
            }
        }
        if let Some(names) = names {
            self.output.line(&painted(Tone::Faint, &laid_out(&names, &self.widths, self.room)))?;
        }
        rows.iter().try_for_each(|row| self.output.line(&laid_out(row, &self.widths, self.room)))
    }
}

/// A row as a line. Where its columns do not fit into the room, it goes on in further lines at the same columns in all
/// rows, so that no entry is cut, and none broken but one that is wider than the room.
fn laid_out(row: &[String], widths: &[usize], room: Option<usize>) -> String {
    let mut lines = vec![String::new()];
    let mut at = 0;
    for (cell, width) in row.iter().zip(widths) {
        if at > INDENT && room.is_some_and(|room| at + width > room) {
            lines.push(" ".repeat(INDENT));
            at = INDENT;
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(cell);
            line.push_str(&" ".repeat(width.saturating_sub(measure_text_width(cell)) + GAP));
        }
        at += width + GAP;
    }
    let lines = lines.iter().map(|line| line.trim_end()).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(row: [&str; 3], room: Option<usize>, expected: &str) {
        let row = row.map(|cell| if cell == "ok" { painted(Tone::Good, cell) } else { cell.to_owned() });
        let laid_out = laid_out(&row, &[6, 3, 8], room);
        assert_eq!(anstream::adapter::strip_str(&laid_out).to_string(), expected);
    }

    #[test]
    fn columns_are_as_wide_as_what_is_seen_of_their_entries() {
        check(["ok", "x", "yz"], None, "ok      x    yz");
        check(["ok", "", ""], None, "ok");
        check(["ok", "é", "yz"], None, "ok      é    yz");
    }

    #[test]
    fn a_row_goes_on_in_another_line_where_the_terminal_is_narrow() {
        check(["ok", "x", "yz"], Some(21), "ok      x    yz");
        check(["ok", "x", "yz"], Some(20), "ok      x\n    yz");
        check(["ok", "x", "yz"], Some(12), "ok      x\n    yz");
        check(["ok", "x", "yz"], Some(3), "ok\n    x\n    yz");
        check(["ok", "x", ""], Some(12), "ok      x");
    }
}
