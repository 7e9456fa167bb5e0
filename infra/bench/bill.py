"""What a million messages cost, line by line, beside what EventBridge asks for the same."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from deployment import Deployment, Schedule
from measured import Measured, Run
from prices import MILLION, Prices
from usage import LINES, Usage, of_run

# The receiver's answer takes so long in the bill: Lambda's time is mostly waiting for it.
RECEIVER_MS = 100

# EventBridge counts an event and an invocation for each 64 KB begun.
CHUNK_BYTES = 64 * 1024

PROFILES = ("slothbox", "daytona")
MAIN = "SQS, 1 KB"


class Missing(Exception):
    """A run that a scenario needs was not measured."""


@dataclass(frozen=True)
class Scenario:
    """One way that a message goes; in place of its usage stands what would have to be measured for it."""

    name: str
    payload_bytes: int
    attempts: int
    usage: Usage | None
    missing: str = ""

    def lines(self, prices: Prices, deployment: Deployment) -> dict[str, float] | None:
        """Dollars per million messages, by the bill's lines."""
        if self.usage is None:
            return None
        return {line.name: line.dollars(self.usage, prices, deployment) * MILLION for line in LINES}

    def total(self, prices: Prices, deployment: Deployment) -> float | None:
        """All of them together."""
        lines = self.lines(prices, deployment)
        return None if lines is None else sum(lines.values())

    def eventbridge(self, prices: Prices) -> dict[str, float]:
        """What a custom bus and API destinations cost for a million of the same messages and attempts."""
        chunks = math.ceil(self.payload_bytes / CHUNK_BYTES)
        return {
            "EventBridge: custom events": chunks * prices.bus_event * MILLION,
            "EventBridge: API destinations": chunks * self.attempts * prices.bus_invocation * MILLION,
        }


@dataclass(frozen=True)
class Parts:
    """The runs that the bill is made of, as usage of one message each."""

    measured: Measured
    deployment: Deployment

    def need(self, run: Run | None, what: str) -> Run:
        """The run, or the word for what is missing."""
        if run is None:
            raise Missing(what)
        return run

    def success(self, payload_bytes: int, latency_ms: int = RECEIVER_MS) -> Usage:
        """From the events queue to a receiver that answers after so long."""
        run = self.need(self.measured.success(payload_bytes), f"success with {payload_bytes} bytes")
        return self.slower(of_run(run, self.deployment), latency_ms)

    def rest(self) -> Usage:
        """A call of the API, and what follows from it."""
        call = self.need(next(iter(self.measured.group("api")), None), "a call of the API")
        sender = self.measured.success(1000, ingress="rest")
        sent = self.success(1000) if sender is None else self.slower(of_run(sender, self.deployment), RECEIVER_MS)
        both = of_run(call, self.deployment, "record") + sent
        return replace(both, producer_requests=0.0, gateway_calls=1.0)

    def slower(self, usage: Usage, latency_ms: int) -> Usage:
        """The same with a receiver that takes so long: what it adds to Lambda's time was measured for itself."""
        return replace(usage, gb_seconds=usage.gb_seconds + self.waiting_for(latency_ms))

    def waiting_for(self, latency_ms: int) -> float:
        """GB-seconds that a receiver of that latency adds to one attempt, against the quick one of the other runs."""
        quick = self.need(self.measured.success(1000), "success with 1000 bytes")
        slow = [run for run in self.measured.group("receiver") if run.parameters["latencyMs"] == latency_ms]
        slow = [run for run in slow if run.parameters["batchSize"] == quick.parameters["batchSize"]] or slow
        run = self.need(slow[0] if slow else None, f"a receiver of {latency_ms} ms")
        added = run.each("billedMs", "delivery").median - quick.each("billedMs", "delivery").median
        return self.deployment.gb_seconds("sender", max(added, 0.0), 0.0)

    def tried(self, what: str, is_wanted: Callable[[Run], bool]) -> Usage:
        """The first run of attempts that is wanted. Only an event's first one has come from a producer."""
        runs = self.measured.group("retries") + self.measured.group("failures")
        run = self.need(next((run for run in runs if run.function == "sender" and is_wanted(run)), None), what)
        usage = self.slower(of_run(run, self.deployment, "record"), RECEIVER_MS)
        return usage if is_first(run) else replace(usage, producer_requests=0.0)

    def first_fails(self) -> Usage:
        """An event whose first attempt fails."""
        return self.tried("a first attempt that fails", lambda run: is_first(run) and not run.sum("deliveries"))

    def retry_fails(self) -> Usage:
        """A later attempt that fails, and is followed by another."""
        return self.tried("a retry that fails", lambda run: not (is_first(run) or run.sum("deliveries", "exhausted")))

    def retry_arrives(self) -> Usage:
        """A later attempt that arrives."""
        return self.tried("a retry that arrives", lambda run: not is_first(run) and run.sum("deliveries") > 0)

    def last_fails(self) -> Usage:
        """The last attempt of the schedule, which fails."""
        try:
            return self.tried("a last attempt", lambda run: not is_first(run) and run.sum("exhausted") > 0)
        except Missing:
            return self.retry_fails()

    def wake_up(self) -> Usage:
        """A waiting delivery is received before it is due, and put back."""
        run = self.need(next(iter(self.measured.group("waiting")), None), "a wake-up")
        return replace(of_run(run, self.deployment, "record"), producer_requests=0.0)

    def ended(self) -> Usage:
        """The dead-letter function counts a delivery that is exhausted."""
        run = next((run for run in self.measured.runs if run.function == "dlq"), None)
        usage = of_run(self.need(run, "the dead-letter function"), self.deployment, "record")
        return replace(usage, producer_requests=0.0)

    def retried(self) -> Usage:
        """The first attempt fails, the second arrives; it waits less than SQS can delay."""
        return self.first_fails() + self.retry_arrives()

    def exhausted(self, schedule: Schedule) -> Usage:
        """Every attempt of a schedule fails, and every wait is waited for at its full length."""
        attempts = self.first_fails() + self.retry_fails() * (schedule.attempts - 2) + self.last_fails()
        return attempts + self.wake_up() * schedule.wake_ups + self.ended()


def is_first(run: Run) -> bool:
    """Whether its attempts are those of events; the others come from the deliveries queue."""
    return run.group == "failures" or "first" in run.name


def scenarios(measured: Measured, deployment: Deployment) -> list[Scenario]:
    """All that the bill is drawn up for; the first is the one with a limit."""
    parts = Parts(measured, deployment)

    def scenario(name: str, payload_bytes: int, attempts: int, usage: Callable[[], Usage]) -> Scenario:
        try:
            return Scenario(name, payload_bytes, attempts, usage())
        except Missing as missing:
            return Scenario(name, payload_bytes, attempts, None, str(missing))

    schedules = [Schedule.of(profile) for profile in PROFILES]
    return [
        scenario(MAIN, 1000, 1, lambda: parts.success(1000)),
        scenario("SQS, 5 KB", 5000, 1, lambda: parts.success(5000)),
        scenario("SQS, 20 KB", 20000, 1, lambda: parts.success(20000)),
        scenario("REST, 1 KB", 1000, 1, parts.rest),
        scenario("one retry", 1000, 2, parts.retried),
        *(
            scenario(f"exhausted, {each.profile}", 1000, each.attempts, partial(parts.exhausted, each))
            for each in schedules
        ),
    ]


@dataclass(frozen=True)
class Variant:
    """The bill of the first scenario under another condition."""

    condition: str
    dollars: float


def sensitivity(measured: Measured, prices: Prices, deployment: Deployment) -> list[Variant]:
    """How the total of the first scenario moves: with the receiver, the batch, and the processor."""
    parts = Parts(measured, deployment)
    variants: list[Variant] = []

    def add(condition: str, usage: Usage, on: Deployment = deployment) -> None:
        total = Scenario(condition, 1000, 1, usage).total(prices, on)
        assert total is not None
        variants.append(Variant(condition, total))

    try:
        for latency in latencies(measured.group("receiver")):
            add(f"a receiver that takes {latency} ms", parts.success(1000, latency))
        for size in sorted({run.parameters["batchSize"] for run in measured.group("success")}):
            run = measured.success(1000, batchSize=size)
            if run is not None:
                usage = parts.slower(of_run(run, deployment), RECEIVER_MS)
                add(f"batches of {size}, a receiver of {RECEIVER_MS} ms", usage)
        add("on arm64, at the same times", parts.success(1000), replace(deployment, architecture="arm64"))
    except Missing:
        pass
    return variants


def latencies(runs: Sequence[Run]) -> list[int]:
    """Those of the receivers that were measured, and that got something."""
    return sorted({int(run.parameters["latencyMs"]) for run in runs if run.unit == "delivery"})
