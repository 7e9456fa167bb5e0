"""Draws what was measured."""

from __future__ import annotations

from pathlib import Path

from bill import Scenario
from deployment import Deployment
from latency import Times
from measured import Measured
from prices import Prices


def draw(
    measured: Measured,
    bill: list[Scenario],
    times: dict[str, Times],
    prices: Prices,
    deployment: Deployment,
    folder: Path,
) -> None:
    """Make all of them."""
