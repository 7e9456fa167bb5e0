"""Part 2 of the demo: an endpoint that always answers 500 uses up its retries and is disabled.

The rule of the slothbox profile: at least five deliveries in a row are exhausted, the first of
them at least 24 hours ago. The stack's time scale makes the waits and those 24 hours short.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from catalogue import event_types
from say import Failure, line
from stage import Endpoint, Stage

EVENT_TYPE = "environment.failed"
DISABLED_TYPE = "webhook.endpoint.disabled"
SENT_FIRST = 4

# From events/slothbox/profile.toml: all retry waits together, and the age of the streak.
SCHEDULE = timedelta(seconds=30 + 120 + 600 + 1800 + 3600 + 7200 + 18000)
STREAK_AGE = timedelta(hours=24)

# On top of the schedule: queues count whole seconds, and a machine may be busy.
PATIENCE_SECONDS = 120
POLL_SECONDS = 1
LONGEST_STREAK_SECONDS = 300


def disable_a_dead_endpoint(stage: Stage, healthy: Endpoint) -> None:
    """Watch an endpoint fail until it is disabled, and the healthy one be told."""
    line("\nPart 2: an endpoint that always answers 500\n")
    streak_seconds = STREAK_AGE.total_seconds() * stage.running["timeScale"]
    if streak_seconds > LONGEST_STREAK_SECONDS:
        line(f"  Left out: the 24 hours of the rule are {streak_seconds:.0f} s here.")
        line("  `make up TIME_SCALE=0.0002` shows it in under a minute.")
        return
    dead = stage.create_endpoint("slothbox", "always answers 500", [EVENT_TYPE], status=500)
    line(f"  {dead.organization:<24} {dead.id:<32} {dead.inbox.url}")
    messages = [send_failing_event(stage, dead) for _ in range(SENT_FIRST)]
    line(f"\n  Sent {SENT_FIRST} x {EVENT_TYPE}. The attempts of the first, {messages[0]}:\n")
    first_exhausted_at = await_exhaustion(stage, dead, messages[0])
    line(f"\n  The rule's 24 hours are {streak_seconds:.0f} s here; then one more event is sent.")
    stage.wait(first_exhausted_at + streak_seconds - time.monotonic())
    send_failing_event(stage, dead)
    endpoint = await_disabled(stage, dead)
    line(f"\n  Disabled at {endpoint['disabledAt']}: {endpoint['disabledReason']}")
    stage.tally.disabled = dead.id
    await_notice(stage, dead, healthy)
    await_healthy_deliveries(stage, healthy)


def send_failing_event(stage: Stage, dead: Endpoint) -> str:
    """Send one event to which the dead endpoint is subscribed; answer with the message's id."""
    example = next(item.example for item in event_types("slothbox") if item.name == EVENT_TYPE)
    stage.tally.sent_by_rest += 1
    return stage.doors.rest(dead.organization, EVENT_TYPE, example)


def await_exhaustion(stage: Stage, dead: Endpoint, shown_message: str) -> float:
    """Print the attempts of one message as they come, until all deliveries are exhausted.

    Answers with the moment at which the first of them was seen to be exhausted.
    """
    line(f"  {'attempt':>9}  {'at':<12}  {'answer':<16}  duration")
    first_exhausted_at: float | None = None
    attempts_shown = 0
    deadline = schedule_deadline(stage)
    while time.monotonic() < deadline:
        deliveries = deliveries_of(stage, dead)
        shown = next((d for d in deliveries if d["webhookId"] == shown_message), None)
        if shown is not None and shown["attemptCount"] > attempts_shown:
            attempts_shown = print_attempts(stage, dead, shown_message, attempts_shown)
        exhausted = sum(delivery["status"] == "exhausted" for delivery in deliveries)
        stage.tally.exhausted = exhausted
        if exhausted and first_exhausted_at is None:
            first_exhausted_at = time.monotonic()
        if exhausted == SENT_FIRST and first_exhausted_at is not None:
            line(f"\n  All {SENT_FIRST} deliveries are exhausted. The endpoint is still enabled.")
            return first_exhausted_at
        stage.wait(POLL_SECONDS)
    raise Failure(
        f"{stage.tally.exhausted} of {SENT_FIRST} deliveries to {dead.id} were exhausted in time.",
        "look at the log: make logs FUNCTION=sender, then FUNCTION=dlq",
    )


def deliveries_of(stage: Stage, endpoint: Endpoint) -> list[dict[str, Any]]:
    """The endpoint's deliveries, newest first."""
    path = f"/organizations/{endpoint.organization}/webhooks/{endpoint.id}/deliveries"
    deliveries: list[dict[str, Any]] = stage.api.get(path)["deliveries"]
    return deliveries


def print_attempts(stage: Stage, dead: Endpoint, message: str, shown: int) -> int:
    """Print the attempts of a message to one endpoint that were not shown yet; count them all."""
    path = f"/webhooks/organizations/{dead.organization}/messages/{message}/attempts"
    attempts = [item for item in stage.api.get(path) if item["endpointId"] == dead.id]
    attempts.sort(key=lambda item: str(item["timestamp"]))
    for number, attempt in enumerate(attempts[shown:], start=shown + 1):
        answer = f"{attempt.get('responseStatusCode') or 'none'} {attempt['statusText']}"
        duration = f"{attempt.get('responseDurationMs', 0)} ms"
        line(f"  {number:>9}  {clock(attempt['timestamp'])}  {answer:<16}  {duration:>8}")
    return len(attempts)


def clock(timestamp: str) -> str:
    """A timestamp of the API as the time of day here."""
    moment = datetime.fromisoformat(timestamp.replace("Z", "+00:00"))
    return moment.astimezone().strftime("%H:%M:%S.%f")[:-3]


def await_disabled(stage: Stage, dead: Endpoint) -> dict[str, Any]:
    """Wait until the endpoint is disabled; answer with it."""
    path = f"/organizations/{dead.organization}/webhooks/{dead.id}"
    deadline = schedule_deadline(stage)
    while time.monotonic() < deadline:
        endpoint: dict[str, Any] = stage.api.get(path)["endpoint"]
        if endpoint["status"] == "disabled":
            stage.tally.exhausted = sum(
                delivery["status"] == "exhausted" for delivery in deliveries_of(stage, dead)
            )
            return endpoint
        stage.wait(POLL_SECONDS)
    raise Failure(
        f"The endpoint {dead.id} was not disabled after {stage.tally.exhausted + 1} deliveries.",
        "look at the log: make logs FUNCTION=dlq",
    )


def await_notice(stage: Stage, dead: Endpoint, healthy: Endpoint) -> None:
    """The other endpoint of the organization is told, and the disabled one is not."""
    stage.tally.made_by_hookbell += 1
    if not wait_for(stage, lambda: bool(stage.arrived(healthy.inbox, DISABLED_TYPE))):
        stage.problems.append(f"{DISABLED_TYPE} did not arrive at {healthy.id}")
        return
    notice = json.loads(stage.arrived(healthy.inbox, DISABLED_TYPE)[0].body)
    if notice["data"]["endpointId"] != dead.id:
        stage.problems.append(
            f"{DISABLED_TYPE} names {notice['data']['endpointId']}, not {dead.id}"
        )
    if stage.arrived(dead.inbox, DISABLED_TYPE):
        stage.problems.append(f"{DISABLED_TYPE} went to the disabled endpoint itself")
    line(f"  {DISABLED_TYPE} arrived at {healthy.id}, and only there.")


def await_healthy_deliveries(stage: Stage, healthy: Endpoint) -> None:
    """The healthy endpoint got every event that the dead one refused."""

    def all_there() -> bool:
        arrived = {arrival.message_id for arrival in stage.arrived(healthy.inbox, EVENT_TYPE)}
        # One of them is from part 1, which sent each type once.
        return len(arrived) == SENT_FIRST + 2

    if not wait_for(stage, all_there):
        stage.problems.append(f"not every {EVENT_TYPE} arrived at the healthy {healthy.id}")


def wait_for(stage: Stage, condition: Callable[[], bool]) -> bool:
    """Take requests until a condition holds or patience ends; say whether it holds."""
    if condition():
        return True
    for _ in stage.arrivals_until(time.monotonic() + PATIENCE_SECONDS):
        if condition():
            return True
    return False


def schedule_deadline(stage: Stage) -> float:
    """By when a delivery has to be exhausted, on the monotonic clock: twice its schedule."""
    scaled = SCHEDULE.total_seconds() * stage.running["timeScale"]
    return time.monotonic() + 2 * scaled + PATIENCE_SECONDS
