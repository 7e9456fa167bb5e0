"""A table for three readers: Markdown, a terminal, a program."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

Cell = str | int | float | bool | None


@dataclass
class Table:
    """What was measured of one subject. A column is called as it is in JSON, or as a person reads it."""

    title: str
    columns: Sequence[str]
    rows: list[Sequence[Cell]] = field(default_factory=list)
    note: str = ""

    def cells(self) -> list[list[str]]:
        """The heading and the rows, as text."""
        return [[words(column) for column in self.columns], *([shown(cell) for cell in row] for row in self.rows)]

    def widths(self) -> list[int]:
        """How wide each column has to be."""
        return [max(map(len, column)) for column in zip(*self.cells())]

    def is_text(self, column: int) -> bool:
        """Whether a column holds no numbers."""
        return all(isinstance(row[column], str) for row in self.rows)

    def lines(self) -> list[str]:
        """Each row, with its cells padded."""
        widths = self.widths()
        padded = [
            [
                cell.ljust(widths[index]) if self.is_text(index) else cell.rjust(widths[index])
                for index, cell in enumerate(row)
            ]
            for row in self.cells()
        ]
        return ["  ".join(row).rstrip() for row in padded]

    def text(self) -> str:
        """For a terminal."""
        note = textwrap.wrap(self.note, 100)
        below = ["", *note] if note else []
        return f"{self.title}\n\n" + "".join(f"  {line}".rstrip() + "\n" for line in [*self.lines(), *below])

    def markdown(self) -> str:
        """For a page."""
        heading, *rows = self.cells()
        rule = [":--" if self.is_text(index) else "--:" for index in range(len(heading))]
        lines = [" | ".join(row).replace("\n", " ") for row in (heading, rule, *rows)]
        below = f"\n{self.note}\n" if self.note else ""
        return f"### {self.title}\n\n" + "".join(f"| {line} |\n" for line in lines) + below

    def records(self) -> list[dict[str, Any]]:
        """For programs."""
        return [dict(zip(self.columns, row)) for row in self.rows]


def shown(cell: Cell) -> str:
    """A value as a person reads it."""
    if cell is None:
        return "–"
    if isinstance(cell, bool):
        return "yes" if cell else "NO"
    if isinstance(cell, int):
        return f"{cell:,}"
    if isinstance(cell, float):
        return number(cell)
    return cell


def number(value: float) -> str:
    """Three digits that say something, and no more than three behind the point."""
    size = abs(value)
    if size == 0:
        return "0"
    if size >= 1000:
        return f"{value:,.0f}"
    if size >= 100:
        return f"{value:.0f}"
    if size >= 10:
        return f"{value:.1f}"
    return f"{value:.2f}" if size >= 1 else f"{value:.3f}"


def words(name: str) -> str:
    """A name in camel case as words; any other as it is."""
    if not re.fullmatch(r"[a-z]+([A-Z][a-z0-9]*)*", name):
        return name
    return re.sub(r"[A-Z]", lambda found: f" {found.group().lower()}", name)
