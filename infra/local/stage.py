"""What the parts of the demo share: the API, the receiver, and what has happened so far."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from api import Api
from doors import Doors
from receiver import Arrival, Inbox, Receiver
from stack import Stack


@dataclass(frozen=True)
class Endpoint:
    """An endpoint that the demo created, and the inbox to which it points."""

    id: str
    organization: str
    inbox: Inbox


@dataclass
class Tally:
    """What the summary counts."""

    sent_by_rest: int = 0
    sent_by_queue: int = 0
    made_by_hookbell: int = 0
    exhausted: int = 0
    disabled: str = ""


@dataclass
class Stage:
    """One run of the demo."""

    running: Stack
    receiver: Receiver
    api: Api
    doors: Doors
    run: str = field(default_factory=lambda: secrets.token_hex(3))
    tally: Tally = field(default_factory=Tally)
    arrivals: list[Arrival] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def organization(self, profile: str) -> str:
        """The organization of this run that has a profile."""
        return f"demo-{profile}-{self.run}"

    def initialize(self, profile: str) -> None:
        """Make the organization known to hookbell."""
        path = f"/webhooks/organizations/{self.organization(profile)}/initialize"
        self.api.post(path, {"profile": profile}, expected=201)

    def create_endpoint(
        self, profile: str, name: str, event_types: list[str], status: int = 200
    ) -> Endpoint:
        """Create an endpoint that points to an inbox of its own, answering with a status."""
        organization = self.organization(profile)
        inbox = self.receiver.open_inbox(f"/{self.run}/{name.replace(' ', '-')}", status)
        answer = self.api.post(
            f"/organizations/{organization}/webhooks",
            {"url": inbox.url, "eventTypes": event_types, "description": name},
            expected=201,
        )
        inbox.secret = answer["secret"]
        return Endpoint(answer["endpoint"]["endpointId"], organization, inbox)

    def arrivals_until(self, deadline: float) -> Iterator[Arrival]:
        """Every request as it arrives, until a moment of the monotonic clock."""
        while (left := deadline - time.monotonic()) > 0:
            arrival = self.receiver.next_arrival(timeout=left)
            if arrival is not None:
                self.record(arrival)
                yield arrival

    def wait(self, seconds: float) -> None:
        """Let time pass, and take the requests that arrive meanwhile."""
        for _ in self.arrivals_until(time.monotonic() + seconds):
            pass

    def record(self, arrival: Arrival) -> None:
        """Keep a request for the summary; one whose signature is wrong is a problem."""
        self.arrivals.append(arrival)
        if arrival.problem is not None:
            self.problems.append(f"signature of {event_type_of(arrival)}: {arrival.problem}")

    def arrived(self, inbox: Inbox, event_type: str) -> list[Arrival]:
        """The requests of one type that an inbox has got so far."""
        return [
            arrival
            for arrival in self.arrivals
            if arrival.inbox is inbox and event_type_of(arrival) == event_type
        ]


def event_type_of(arrival: Arrival) -> str:
    """The type that a body names: under `type` in an envelope, under `event` in a flat body."""
    try:
        body = json.loads(arrival.body)
        return str(body.get("type") or body["event"])
    except (ValueError, KeyError, AttributeError):
        return "a body without a type"
