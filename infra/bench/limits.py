"""What hookbell promises to keep: which number, how much at most, and whether it is kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from bill import MAIN, Scenario
from deployment import Deployment
from measured import Measured, Run
from prices import Prices
from say import Failure

MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class Limit:
    """One of them. What was not measured is neither kept nor broken."""

    name: str
    measured: float | None
    at_most: float
    unit: str
    aim: float | None = None
    # What is known not to be kept, and why DESIGN.md says: up to this it fails no run.
    known: float | None = None

    @property
    def kept(self) -> bool | None:
        """Whether it is kept."""
        return None if self.measured is None else self.measured <= self.at_most

    @property
    def beyond(self) -> float:
        """By how much it is exceeded; negative where there is room."""
        return 0.0 if self.measured is None else self.measured - self.at_most

    @property
    def is_known(self) -> bool:
        """Whether it is not kept, by no more than is known."""
        return self.kept is False and self.known is not None and (self.measured or 0.0) <= self.known

    def verdict(self) -> str:
        """Whether it is kept, and by how much."""
        if self.measured is None:
            return "not measured"
        percent = abs(self.beyond) / self.at_most * 100 if self.at_most else 0.0
        if not self.kept:
            known = ", see DESIGN.md" if self.is_known else ""
            return f"NO: {self.beyond:.4g} {self.unit} ({percent:.0f} %) too much{known}"
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


# What is drawn has these too.
SENDER_CPU = Limit("sender's CPU for a delivery of 1 KB", None, 0.20, "ms", 0.10)
GROWTH_PERCENT = 10


def limits(measured: Measured, bill: list[Scenario], prices: Prices, deployment: Deployment) -> list[Limit]:
    """Those that are computed here, and behind them those that the Rust program has judged by."""
    base, drift = measured.success(1000), drifts(measured.group("growth"))
    main = next(scenario for scenario in bill if scenario.name == MAIN)
    computed = [
        replace(SENDER_CPU, measured=each(base, "cpuMs")),
        Limit("write units for a delivered message", each(base, "writeUnits"), 2.0, "units"),
        Limit("SQS requests for a delivered message, the producer's included", requests(base), 0.35, "requests"),
        Limit("a million messages by SQS, 1 KB, all in", main.total(prices, deployment), 2.50, "$", 2.00),
        Limit("peak memory of the process", peak_memory(measured), 64, "MB"),
        Limit("growth: units and requests of an event", furthest(drift.units), GROWTH_PERCENT, "%"),
        # On a virtual machine with neighbours CPU moves by half, whatever grows; units do not.
        Limit("growth: CPU of an event", furthest(drift.cpu), GROWTH_PERCENT, "%", known=80),
        Limit("CPU of an attempt, all failing against all arriving", failing(measured), 3.0, "times", known=7.0),
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


@dataclass(frozen=True)
class Drifts:
    """By how many percent each run's cost is away from that of the first run, which is the smallest."""

    units: list[float]
    cpu: list[float]


def drifts(runs: list[Run]) -> Drifts:
    """Of the runs of the group `growth`."""

    def percent(costs: list[float]) -> list[float]:
        return [(cost - costs[0]) / costs[0] * 100 for cost in costs]

    # Whatever else the machine does adds to a CPU time, so the least of the repeats says most.
    return Drifts(percent([units(run) for run in runs]), percent([run.each("cpuMs").least for run in runs]))


def furthest(percents: list[float]) -> float | None:
    """How far one is away at most; nothing where there is nothing to compare."""
    return max(abs(percent) for percent in percents) if len(percents) > 1 else None


def failing(measured: Measured) -> float | None:
    """How many times as much CPU an attempt costs where every receiver fails."""
    base = measured.success(1000)
    runs = [run for run in measured.group("failures") if run.parameters["failureShare"] == 1.0]
    if base is None or not runs:
        return None
    arriving = base.each("cpuMs", "attempt").median
    return max(run.each("cpuMs", "attempt").median for run in runs) / arriving


def judge(found: list[Limit], everything: bool) -> None:
    """Fail where one is not kept; where everything was to be measured, also where one could not be judged."""
    broken = [
        limit
        for limit in found
        if (limit.kept is False and not limit.is_known) or (everything and limit.kept is None)
    ]
    if broken:
        listed = "\n".join(f"  - {limit.name}: {limit.verdict()}" for limit in broken)
        raise Failure(
            f"{len(broken)} of {len(found)} limits are not kept:\n{listed}",
            "find what has made it grow. Times grow on a machine that does other work too; units and bytes do not.",
        )
