"""How long an event takes from its sender to its receiver, on an idle stack: by REST and by the events queue."""

from __future__ import annotations

import json
import math
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import stack
from api import Api, minified
from catalogue import event_types
from doors import Doors, Payload
from receiver import Receiver
from say import Failure

EVENTS = 100

# The first ones start the functions and connect to the receiver; they are not counted.
WARM_UP = 5

PROFILE = "slothbox"
EVENT_TYPE = "environment.started"
PAYLOAD_BYTES = 1000
PATIENCE_SECONDS = 60


@dataclass(frozen=True)
class Times:
    """Of one door, in milliseconds and in the order in which they were measured."""

    milliseconds: list[float]

    def percentile(self, percent: int) -> float:
        """The time that so many percent did not exceed."""
        ordered = sorted(self.milliseconds)
        return ordered[math.ceil(len(ordered) * percent / 100) - 1]

    def record(self) -> dict[str, Any]:
        """It as programs read it."""
        return {
            "events": len(self.milliseconds),
            "p50": self.percentile(50),
            "p99": self.percentile(99),
            "max": self.percentile(100),
            "milliseconds": self.milliseconds,
        }


def measure(running: stack.Stack, file: Path) -> str:
    """Send through both doors, one event at a time, and write the times down; say what came out."""
    api = Api(running["apiUrl"], running["adminKey"])
    doors = Doors(running, api)
    organization = f"latency-{secrets.token_hex(3)}"
    api.post(f"/webhooks/organizations/{organization}/initialize", {"profile": PROFILE}, expected=201)
    payload = example()
    with Receiver(running["serverCertificate"], running["serverKey"]) as receiver:
        inbox = receiver.open_inbox("/latency")
        wanted = {"url": inbox.url, "eventTypes": ["*"]}
        inbox.secret = api.post(f"/organizations/{organization}/webhooks", wanted, expected=201)["secret"]
        times = {
            "rest": through(receiver, lambda: doors.rest(organization, EVENT_TYPE, payload)),
            "queue": through(receiver, lambda: doors.queue(organization, EVENT_TYPE, payload)),
        }
    write(times, file)
    return ", ".join(f"{door}: p50 {found.percentile(50):.0f} ms" for door, found in times.items())


def example() -> Payload:
    """The type's example, filled up to a size."""
    payload = dict(next(item.example for item in event_types(PROFILE) if item.name == EVENT_TYPE))
    payload["text"] = ""
    payload["text"] = "x" * (PAYLOAD_BYTES - len(minified(payload)))
    return payload


def through(receiver: Receiver, send: Callable[[], object]) -> Times:
    """The times of one door; the next event is sent when the one before has arrived."""
    times = [once(receiver, send) for _ in range(WARM_UP + EVENTS)]
    return Times(times[WARM_UP:])


def once(receiver: Receiver, send: Callable[[], object]) -> float:
    """Milliseconds from before an event is sent until its request has arrived whole."""
    began = time.monotonic()
    send()
    arrival = receiver.next_arrival(PATIENCE_SECONDS)
    if arrival is None:
        raise Failure(f"An event did not arrive in {PATIENCE_SECONDS} s.", "look at the log of ministack.")
    if not arrival.verified:
        raise Failure(f"A signature does not verify: {arrival.problem}", "run the tests: make test")
    return (arrival.at - began) * 1000


def write(times: Mapping[str, Times], file: Path) -> None:
    """Keep them for the report."""
    file.write_text(json.dumps({door: found.milliseconds for door, found in times.items()}) + "\n")


def read(file: Path) -> dict[str, Times]:
    """What was kept; nothing where nothing was."""
    if not file.exists():
        return {}
    return {door: Times(times) for door, times in json.loads(file.read_text()).items()}
