"""Part 1 of the demo: each type of both catalogues is sent once, and arrives signed and intact."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass

from api import minified
from catalogue import EventType, event_types
from receiver import Arrival
from say import line
from stage import Endpoint, Stage, event_type_of

ALL_HAVE_TO_ARRIVE_WITHIN_SECONDS = 60

# Some types go the ways that events of other systems go.
OTHER_DOORS = {
    "environment.created": "CloudEvents + SQS",
    "environment.started": "EventBridge + SQS",
    "environment.stopped": "SNS + SQS",
}


@dataclass(frozen=True)
class Expected:
    """An event that was sent: how, when, and what is wrong with the body that arrived."""

    door: str
    sent_at: float
    body_problem: Callable[[Arrival], str | None]


def deliver_every_type(stage: Stage) -> Endpoint:
    """Send the examples of both catalogues and a ping; answer with the slothbox endpoint."""
    line("Part 1: every event type, in turn through the REST API and the events queue\n")
    slothbox = subscribe_to_everything(stage, "slothbox")
    daytona = subscribe_to_everything(stage, "daytona")
    line(f"\n  {'event':<30} {'sent by':<17} {'arrived after':>13}  signature  body")
    expected: dict[tuple[str, str], Expected] = {}
    send_envelopes(stage, slothbox, expected)
    send_flat_bodies(stage, daytona, expected)
    send_ping(stage, slothbox, expected)
    await_all(stage, expected)
    return slothbox


def subscribe_to_everything(stage: Stage, profile: str) -> Endpoint:
    """Initialize the organization of a profile, and create an endpoint for all of its types."""
    stage.initialize(profile)
    endpoint = stage.create_endpoint(profile, f"all {profile} events", ["*"])
    line(f"  {endpoint.organization:<24} {endpoint.id:<32} {endpoint.inbox.url}")
    return endpoint


def send_envelopes(
    stage: Stage, endpoint: Endpoint, expected: dict[tuple[str, str], Expected]
) -> None:
    """Send the slothbox examples, which arrive as the `data` of an envelope."""
    types = [event_type for event_type in event_types("slothbox") if not event_type.is_system]
    doors = {
        "CloudEvents + SQS": stage.doors.queue_cloud_event,
        "EventBridge + SQS": stage.doors.queue_from_eventbridge,
        "SNS + SQS": stage.doors.queue_from_sns,
        "REST": stage.doors.rest,
        "SQS": stage.doors.queue,
    }
    for number, event_type in enumerate(types):
        door = OTHER_DOORS.get(event_type.name, "REST" if number % 2 == 0 else "SQS")
        expected[endpoint.inbox.url, event_type.name] = Expected(
            door, time.monotonic(), envelope_check(event_type)
        )
        doors[door](endpoint.organization, event_type.name, event_type.example)
        count(stage, by_rest=door == "REST")


def send_flat_bodies(
    stage: Stage, endpoint: Endpoint, expected: dict[tuple[str, str], Expected]
) -> None:
    """Send the daytona examples, which arrive byte for byte as they were sent."""
    for number, event_type in enumerate(event_types("daytona")):
        by_rest = number % 2 == 0
        payload = {**event_type.example, "organizationId": endpoint.organization}
        expected[endpoint.inbox.url, event_type.name] = Expected(
            "REST" if by_rest else "SQS", time.monotonic(), same_bytes_check(minified(payload))
        )
        if by_rest:
            stage.doors.rest(endpoint.organization, event_type.name, payload)
        else:
            stage.doors.queue_flat(payload)
        count(stage, by_rest)


def send_ping(stage: Stage, endpoint: Endpoint, expected: dict[tuple[str, str], Expected]) -> None:
    """Ask for a test event; hookbell itself makes it."""
    sent_at = time.monotonic()
    path = f"/organizations/{endpoint.organization}/webhooks/{endpoint.id}/ping"
    message_id = stage.api.post(path)["webhookId"]
    expected[endpoint.inbox.url, "webhook.ping"] = Expected(
        "hookbell (ping)", sent_at, ping_check(message_id, endpoint.id)
    )
    stage.tally.made_by_hookbell += 1


def await_all(stage: Stage, expected: dict[tuple[str, str], Expected]) -> None:
    """Print each event as it arrives, until none is missing or time is up."""
    missing = dict(expected)
    deadline = time.monotonic() + ALL_HAVE_TO_ARRIVE_WITHIN_SECONDS
    for arrival in stage.arrivals_until(deadline):
        key = (arrival.inbox.url, event_type_of(arrival))
        sent = missing.pop(key, None)
        if sent is not None:
            problem = sent.body_problem(arrival)
            report(arrival, sent, problem)
            if problem is not None:
                stage.problems.append(f"body of {key[1]}: {problem}")
        elif key not in expected:
            stage.problems.append(f"{key[1]} arrived at {key[0]}, where nobody sent it")
        if not missing:
            return
    for (_, event_type), sent in missing.items():
        stage.problems.append(
            f"{event_type}, sent by {sent.door}, did not arrive within "
            f"{ALL_HAVE_TO_ARRIVE_WITHIN_SECONDS} s"
        )


def report(arrival: Arrival, sent: Expected, problem: str | None) -> None:
    """Print one line about an event that arrived."""
    milliseconds = round((arrival.at - sent.sent_at) * 1000)
    signature = "valid" if arrival.verified else "INVALID"
    body = "as sent" if problem is None else "WRONG"
    line(
        f"  {event_type_of(arrival):<30} {sent.door:<17} {milliseconds:>10} ms"
        f"  {signature:<9}  {body}"
    )


def count(stage: Stage, by_rest: bool) -> None:
    """Count one event that was sent."""
    if by_rest:
        stage.tally.sent_by_rest += 1
    else:
        stage.tally.sent_by_queue += 1


def envelope_check(event_type: EventType) -> Callable[[Arrival], str | None]:
    """The body has to be the minified envelope around the example."""

    def check(arrival: Arrival) -> str | None:
        body = json.loads(arrival.body)
        if list(body) != ["id", "type", "timestamp", "data"]:
            return f"the keys are {', '.join(body)}"
        if minified(body) != arrival.body:
            return "the JSON is not minified"
        if body["id"] != arrival.message_id:
            return f"id is {body['id']}, but the header webhook-id is {arrival.message_id}"
        data = body["data"]
        # An EventBridge envelope names the organization among the data of the event.
        data.pop("organizationId", None)
        return None if data == event_type.example else f"data is {json.dumps(data)}"

    return check


def same_bytes_check(sent: bytes) -> Callable[[Arrival], str | None]:
    """The body has to be what was sent, to the byte."""

    def check(arrival: Arrival) -> str | None:
        return None if arrival.body == sent else f"sent {sent!r}, got {arrival.body!r}"

    return check


def ping_check(message_id: str, endpoint_id: str) -> Callable[[Arrival], str | None]:
    """The test event has to be the one that was asked for."""

    def check(arrival: Arrival) -> str | None:
        if arrival.message_id != message_id:
            return f"webhook-id is {arrival.message_id}, but the API answered {message_id}"
        data = json.loads(arrival.body)["data"]
        return None if data.get("endpointId") == endpoint_id else f"data is {json.dumps(data)}"

    return check
