"""Drops cases whose count is no number: the API takes the default then, and any text will do."""

from __future__ import annotations

from typing import Any

import schemathesis

# How many of something are asked for: out of bounds they are clamped, and no number is the default.
COUNTS = ("limit", "hours")


@schemathesis.hook
def filter_case(_context: Any, case: Any) -> bool:
    """Whether a case is worth a call: its counts, if it has any, are numbers."""
    query = case.query if isinstance(case.query, dict) else {}
    return all(is_number(query[name]) for name in COUNTS if name in query)


def is_number(value: Any) -> bool:
    """Whether a value of a query, or what it is written as, is a whole number."""
    return isinstance(value, int | str) and str(value).lstrip("-").isdecimal()
