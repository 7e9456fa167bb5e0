"""Compares what was printed with what a page says, in which `…` stands for anything."""

from __future__ import annotations

import re

ANYTHING = "…"


def matches(language: str, said: str, printed: str) -> bool:
    """Whether a page is right. White space at the ends of lines does not count, and in JSON none between tokens."""
    tidy = minified if language == "json" else trimmed
    parts = [re.escape(part) for part in tidy(said).split(ANYTHING)]
    return re.fullmatch(".*?".join(parts), tidy(printed), re.S) is not None


def begins(said: str, printed: str) -> bool:
    """Whether what was printed so far begins as a page says: of what goes on, as in another terminal."""
    return matches("text", said.rstrip() + ANYTHING, printed)


def trimmed(text: str) -> str:
    """Without white space at the ends of lines, and at both ends."""
    return "\n".join(line.rstrip() for line in text.strip().splitlines())


def minified(text: str) -> str:
    """JSON, or nearly, without the white space between its tokens."""
    strings = re.compile(r'("(?:[^"\\]|\\.)*")')
    parts = strings.split(text)
    return "".join(part if index % 2 else re.sub(r"\s+", "", part) for index, part in enumerate(parts))
