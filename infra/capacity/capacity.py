"""`make capacity`: what a rate of events needs of AWS, beside what an account has by default.

Pure arithmetic over docs/COST.md's facts and AWS's default quotas. It asks nobody, and knows nothing of an account's own quotas.

    make capacity RATES="1 10 100 1000 10000" ENDPOINTS=1 BYTES=1000 LATENCY=100
"""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

COST = Path(__file__).resolve().parents[2] / "docs" / "COST.md"

SECONDS_OF_A_MONTH = 30 * 24 * 3600

# The template's defaults.
BATCH_SIZE = 10
CONCURRENCY = 128
SENDER_MB = 256
MAXIMUM_CONCURRENCY = 100

# Lambda gives a function one processor at so many MB, and its share below (Lambda's guide, "Configure memory").
MB_OF_A_PROCESSOR = 1769

# Measured (docs/COST.md): the sender's CPU for a delivery; what an API call computes is of the same size.
CPU_MS_OF_A_DELIVERY = 0.18
# Assumed: the requests to DynamoDB that an invocation waits for, and a call of the API as a whole.
WAITS_MS_OF_AN_INVOCATION = 30
MS_OF_A_CALL = 30

# Of docs/COST.md: so much was stored, and logged, for a message of 1,000 bytes to one endpoint.
BYTES_OF_AN_ITEM_BESIDE = 200
SHARDS = 8
UNITS_OF_A_PARTITION = 1000


@dataclass(frozen=True)
class Load:
    """Events a second, to so many endpoints each, of so many bytes, to receivers that take so long."""

    rate: float
    endpoints: int = 1
    payload_bytes: int = 1000
    latency_ms: int = 100

    @property
    def deliveries(self) -> float:
        """Attempts a second, where none fails."""
        return self.rate * self.endpoints

    @property
    def units_of_a_message(self) -> int:
        """Write units of the message itself, as if it were not compressed. One of 1,000 bytes is, and takes one."""
        if self.payload_bytes <= 1000:
            return 1
        return math.ceil((self.payload_bytes + BYTES_OF_AN_ITEM_BESIDE) / 1024)

    @property
    def write_units(self) -> float:
        """DynamoDB's write units a second: the message, and a row for each delivery."""
        return self.rate * (self.units_of_a_message + self.endpoints)

    @property
    def invocation_ms(self) -> float:
        """How long one invocation of the sender takes with a full batch."""
        attempts = BATCH_SIZE * self.endpoints
        rounds = math.ceil(attempts / CONCURRENCY)
        computing = attempts * CPU_MS_OF_A_DELIVERY * MB_OF_A_PROCESSOR / SENDER_MB
        return rounds * self.latency_ms + computing + WAITS_MS_OF_AN_INVOCATION

    @property
    def senders(self) -> int:
        """Instances of the sender on the events queue, with full batches."""
        return math.ceil(self.rate / BATCH_SIZE * self.invocation_ms / 1000)

    @property
    def in_flight(self) -> int:
        """Events that are received and not yet acknowledged."""
        return math.ceil(self.rate * self.invocation_ms / 1000)

    @property
    def sqs_requests(self) -> float:
        """Of the producer, one for each event, and of Lambda, a receive and a deletion for each batch."""
        return self.rate * (1 + 2 / BATCH_SIZE)

    @property
    def api_instances(self) -> int:
        """Instances of the API function, if all events come by REST."""
        return math.ceil(self.rate * MS_OF_A_CALL / 1000)

    @property
    def organizations(self) -> int:
        """Among how many organizations the load has to be spread at least: messages lie in eight partitions of each."""
        of_messages = self.rate * self.units_of_a_message
        return math.ceil(of_messages / (SHARDS * UNITS_OF_A_PARTITION))

    @property
    def scaling_minutes(self) -> float:
        """Until Lambda has so many instances on the queue, from five and by 300 a minute."""
        return max(self.senders - 5, 0) / 300

    def log_bytes(self, lines: dict[str, float]) -> float:
        """Bytes a second that the functions log: at 0.50 dollars for a gigabyte, what the bill has for them."""
        return lines["logs"] / 0.50 * 1e9 / 1e6 * self.deliveries

    def dollars(self, lines: dict[str, float]) -> float:
        """Dollars a month, through the queue, where nothing fails: the bill's lines, each with what it grows by."""
        units = (self.units_of_a_message + self.endpoints) / 2
        million = (
            lines["writes"] * units
            + lines["thirty days of storage and its recovery"] * units
            + lines["logs"] * self.endpoints
            + lines["data out"] * self.endpoints * max(self.payload_bytes, 1000) / 1000
            + lines["SQS"] * math.ceil(self.payload_bytes / 65536)
            + lines["Lambda"] * self.invocation_ms / Load(1).invocation_ms
        )
        return million * self.rate * SECONDS_OF_A_MONTH / 1e6


def cost_lines() -> dict[str, float]:
    """The bill of a million messages of 1 KB, as docs/COST.md has it."""
    section = COST.read_text(encoding="utf-8").split("| | $ |")[1].split("\n\n")[0]
    return {name.strip(): float(dollars) for name, dollars in re.findall(r"^\| ([^|]+) \| ([\d.]+) \|$", section, re.M)}


@dataclass(frozen=True)
class Row:
    """One line of the table, and from where on a default quota does not suffice."""

    name: str
    value: Callable[[Load], float]
    quota: float | None = None
    digits: int = 0

    def cell(self, load: Load) -> str:
        """The value, marked where it is over the quota."""
        value = self.value(load)
        text = f"{value:,.{self.digits}f}" if value >= 1 or self.digits else f"{value:,.1f}"
        return f"**{text}**" if self.quota is not None and value > self.quota else text


def rows() -> list[Row]:
    """What is said of a load. The quotas are those that docs/CAPACITY.md names with their pages."""
    lines = cost_lines()
    return [
        Row("deliveries/s", lambda load: load.deliveries),
        Row("DynamoDB write units/s", lambda load: load.write_units, 40_000),
        Row("SQS requests/s", lambda load: load.sqs_requests),
        Row("events in flight", lambda load: load.in_flight, 120_000),
        Row("instances of the sender", lambda load: load.senders, MAXIMUM_CONCURRENCY),
        Row("minutes until they are there", lambda load: load.scaling_minutes, None, 1),
        Row("by REST: calls/s", lambda load: load.rate, 10_000),
        Row("by REST: instances of the API", lambda load: load.api_instances),
        Row("Lambda's concurrency, all in", lambda load: load.senders + load.api_instances, 1_000),
        Row("organizations at least", lambda load: load.organizations),
        Row("logs, MB/s", lambda load: load.log_bytes(lines) / 1e6, None, 3),
        Row("dollars a month, by the queue", lambda load: load.dollars(lines)),
    ]


def table(loads: list[Load]) -> str:
    """All rows for all loads, in Markdown."""
    head = ["events/s", *(f"{load.rate:,.0f}" for load in loads)]
    body = [[row.name, *(row.cell(load) for load in loads)] for row in rows()]
    ruler = f"|---|{'---:|' * len(loads)}"
    first, *others = (f"| {' | '.join(cells)} |" for cells in [head, *body])
    return "\n".join([first, ruler, *others])


def numbers(name: str, default: str) -> list[float]:
    """What a variable names, each above zero."""
    words = (os.environ.get(name) or default).split()
    if not words or not all(re.fullmatch(r"\d+(\.\d+)?", word) and float(word) > 0 for word in words):
        raise SystemExit(f'{name} is "{" ".join(words)}": write a number above zero, as in {name}={default.split()[-1]}')
    return [float(word) for word in words]


def chosen() -> list[Load]:
    """The loads that the environment names."""
    endpoints, payload_bytes, latency = (
        math.ceil(numbers(name, default)[0]) for name, default in (("ENDPOINTS", "1"), ("BYTES", "1000"), ("LATENCY", "100"))
    )
    return [Load(rate, endpoints, payload_bytes, latency) for rate in numbers("RATES", "1 10 100 1000 10000")]


if __name__ == "__main__":
    loads = chosen()
    of = loads[0]
    print(f"{of.payload_bytes:,} bytes, {of.endpoints} endpoint(s) of each event, receivers that take {of.latency_ms:,} ms.")
    print("In bold: more than a default allows.\n")
    print(table(loads))
