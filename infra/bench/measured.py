"""What the Rust program has measured: `measured.json`, read into runs, and each number into what one message costs."""

from __future__ import annotations

import json
import statistics
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# By what a run's numbers are divided. What is in no list is divided by deliveries.
BY_ATTEMPT = ("failures", "retries")
BY_RECORD = ("api", "waiting")

# What is shown of each run, by its name in the file.
QUANTITIES = (
    *("cpuMs", "billedMs", "invocations", "writeUnits", "readUnits", "sqsRequests", "producerRequests"),
    *("storedBytes", "logBytes", "logLines", "sentBytes"),
)


@dataclass(frozen=True)
class Spread:
    """One number, measured several times."""

    median: float
    least: float
    most: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        """The spread of at least one value."""
        return cls(statistics.median(values), min(values), max(values))

    def record(self) -> dict[str, float]:
        """It as programs read it."""
        return {"median": self.median, "min": self.least, "max": self.most}


@dataclass(frozen=True)
class Run:
    """One scenario, repeated."""

    group: str
    name: str
    parameters: Mapping[str, Any]
    repeats: list[Mapping[str, Any]]

    @property
    def function(self) -> str:
        """Whose process was measured."""
        return str(self.repeats[0]["function"])

    @property
    def unit(self) -> str:
        """What its numbers are divided by: "delivery", "attempt" or "record"."""
        wanted = ["delivery", "attempt", "record"]
        if self.group in BY_ATTEMPT:
            wanted = wanted[1:]
        if self.group in BY_RECORD:
            wanted = wanted[2:]
        return next((unit for unit in wanted if all(count(repeat, unit) for repeat in self.repeats)), "record")

    def each(self, quantity: str, unit: str | None = None) -> Spread:
        """A quantity for each delivery, attempt or record."""
        by = unit or self.unit
        return Spread.of([repeat[quantity] / count(repeat, by) for repeat in self.repeats])

    def sum(self, *names: str) -> int:
        """So many of these there were in all repeats."""
        return sum(int(repeat[name]) for repeat in self.repeats for name in names)

    def peak_rss(self) -> Spread:
        """The most memory that the process had, in bytes."""
        return Spread.of([repeat["peakRssBytes"] for repeat in self.repeats])


def count(repeat: Mapping[str, Any], unit: str) -> int:
    """How many there were."""
    return int(repeat[{"delivery": "deliveries", "attempt": "attempts", "record": "records"}[unit]])


@dataclass(frozen=True)
class Measured:
    """The whole file."""

    machine: Mapping[str, Any]
    runs: list[Run]
    tables: Mapping[str, Any]
    limits: list[Mapping[str, Any]]

    @classmethod
    def load(cls, file: Path) -> Measured:
        """Read it; an empty one where there is none."""
        data = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
        return cls.of(data)

    @classmethod
    def of(cls, data: Mapping[str, Any]) -> Measured:
        """The same from what the file holds."""
        runs = [
            Run(run["group"], run["name"], run["parameters"], run["repeats"])
            for run in data.get("runs", [])
            if run["repeats"]
        ]
        return cls(data.get("machine", {}), runs, data.get("tables", {}), data.get("limits", []))

    def group(self, name: str) -> list[Run]:
        """The runs of a group, in their order."""
        return [run for run in self.runs if run.group == name]

    def success(self, payload_bytes: int, **wanted: Any) -> Run | None:
        """Events of that size that arrive at one endpoint, in batches as large as were measured."""
        wanted = {"payloadBytes": payload_bytes, "endpoints": 1, "ingress": "sqs", **wanted}
        found = [
            run for run in self.group("success") + self.group("body") if wanted.items() <= run.parameters.items()
        ]
        return max(found, key=lambda run: run.parameters["batchSize"], default=None)
