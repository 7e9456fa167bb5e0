//! Rows in columns, without lines between them: they can be read, cut and grepped.

use unicode_width::UnicodeWidthStr as _;

use super::{Output, Tone, painted};
use crate::failure::Failure;

/// A table that is written row by row. Its columns are as wide as their widest entry so far.
pub(crate) struct Table<const N: usize> {
    output: Output,
    head: Option<[&'static str; N]>,
    widths: [usize; N],
}

impl<const N: usize> Table<N> {
    /// A table with its columns' names.
    pub(crate) fn new(output: Output, head: [&'static str; N]) -> Self {
        Self { output, head: Some(head), widths: [0; N] }
    }

    /// Writes rows, below the names the first time.
    pub(crate) fn rows(&mut self, rows: &[[String; N]]) -> Result<(), Failure> {
        let head = self.head.take().filter(|_| !rows.is_empty());
        let names = head.map(|head| head.map(str::to_owned));
        for row in rows.iter().chain(&names) {
            for (width, cell) in self.widths.iter_mut().zip(row) {
                *width = (*width).max(shown_width(cell));
            }
        }
        if let Some(names) = names {
            self.output.line(&painted(Tone::Faint, &self.joined(&names)))?;
        }
        rows.iter().try_for_each(|row| self.output.line(&self.joined(row)))
    }

    fn joined(&self, row: &[String; N]) -> String {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(self.widths) {
            line.push_str(cell);
            line.extend(std::iter::repeat_n(' ', 2 + width.saturating_sub(shown_width(cell))));
        }
        line.trim_end().to_owned()
    }
}

/// How wide a text is without its colours.
fn shown_width(text: &str) -> usize {
    anstream::adapter::strip_str(text).to_string().width()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_what_is_seen_of_their_entries() {
        let mut table = Table::new(Output::new(true), ["A", "B"]);
        let row = [painted(Tone::Good, "ok"), "x".to_owned()];
        table.rows(&[row.clone(), ["longer".to_owned(), String::new()]]).unwrap();
        assert_eq!(table.widths, [6, 1]);
        assert_eq!(anstream::adapter::strip_str(&table.joined(&row)).to_string(), "ok      x");
    }
}
