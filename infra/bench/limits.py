"""What hookbell promises to keep: which number, how much at most, and whether it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bill import MAIN, Scenario
from deployment import Deployment
from measured import Measured, Run
from prices import Prices

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Limit:
    """One of them. What was not measured is neither kept nor broken."""

    name: str
    measured: float | None
    at_most: float
    unit: str
    aim: float | None = None

    @property
    def kept(self) -> bool | None:
        """Whether it is kept."""
        return None if self.measured is None else self.measured <= self.at_most

    @property
    def beyond(self) -> float:
        """By how much it is exceeded; negative where there is room."""
        return 0.0 if self.measured is None else self.measured - self.at_most

    def verdict(self) -> str:
        """Whether it is kept, and by how much."""
        if self.measured is None:
            return "not measured"
        percent = abs(self.beyond) / self.at_most * 100
        if not self.kept:
            return f"NO: {self.beyond:.4g} {self.unit} ({percent:.0f} %) too much"
        reached = self.aim is not None and self.measured <= self.aim
        return f"yes, {percent:.0f} % below" + (", aim reached" if reached else "")

    def record(self) -> dict[str, Any]:
        """It as programs read it."""
        return {
            "limit": self.name,
            "measured": self.measured,
            "atMost": self.at_most,
            "aim": self.aim,
            "unit": self.unit,
            "kept": self.kept,
            "beyond": self.beyond,
        }


def limits(measured: Measured, bill: list[Scenario], prices: Prices, deployment: Deployment) -> list[Limit]:
    """Those that are computed here, and behind them those that the Rust program has judged by."""
    base = measured.success(1000)
    main = next(scenario for scenario in bill if scenario.name == MAIN)
    computed = [
        Limit("sender's CPU for a delivery of 1 KB", each(base, "cpuMs"), 0.20, "ms", 0.10),
        Limit("write units for a delivered message", each(base, "writeUnits"), 2.0, "units"),
        Limit("SQS requests for a delivered message, the producer's included", requests(base), 0.35, "requests"),
        Limit("a million messages by SQS, 1 KB, all in", main.total(prices, deployment), 2.50, "$", 2.00),
        Limit("peak memory of the process", peak_memory(measured), 64, "MB"),
        Limit("growth: units and requests of an event", drift(measured.group("growth"), units), 10, "%"),
        Limit("growth: CPU of an event", drift(measured.group("growth"), lambda run: each(run, "cpuMs")), 10, "%"),
        Limit("CPU of an attempt, all failing against all arriving", failing(measured), 3.0, "times"),
    ]
    return computed + [of_record(record) for record in measured.limits]


def of_record(record: Mapping[str, Any]) -> Limit:
    """A limit that the Rust program has measured."""
    return Limit(record["limit"], record["measured"], record["atMost"], record["unit"], record["aim"])


def each(run: Run | None, quantity: str) -> float | None:
    """The median of a quantity for each delivery."""
    return None if run is None else run.each(quantity).median


def requests(run: Run | None) -> float | None:
    """All requests that go to SQS for a delivered message."""
    if run is None:
        return None
    return run.each("sqsRequests").median + run.each("producerRequests").median


def peak_memory(measured: Measured) -> float | None:
    """The most that a process had in any run of the group `memory`, in MB as Lambda counts them."""
    peaks = [run.peak_rss().most for run in measured.group("memory")]
    return max(peaks) / MEBIBYTE if peaks else None


def units(run: Run) -> float:
    """What an event costs in units and requests."""
    return sum(run.each(quantity).median for quantity in ("writeUnits", "readUnits", "sqsRequests"))


def drift(runs: list[Run], cost: Any) -> float | None:
    """By how many percent the cost is at most away from that of the first run, which is the smallest."""
    if len(runs) < 2:
        return None
    first = cost(runs[0])
    return max(abs(cost(run) - first) for run in runs[1:]) / first * 100


def failing(measured: Measured) -> float | None:
    """How many times as much CPU an attempt costs where every receiver fails."""
    base = measured.success(1000)
    runs = [run for run in measured.group("failures") if run.parameters["failureShare"] == 1.0]
    if base is None or not runs:
        return None
    arriving = base.each("cpuMs", "attempt").median
    return max(run.each("cpuMs", "attempt").median for run in runs) / arriving
