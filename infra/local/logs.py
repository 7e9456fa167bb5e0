"""`make logs`: what the functions logged, from the local AWS's CloudWatch Logs."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import datetime
from itertools import takewhile
from pathlib import Path
from typing import Any

from botocore.exceptions import EndpointConnectionError

import aws
import stack
from say import Failure, explained_failures, line
from settings import for_up

POLL_SECONDS = 1

# A line may be put so much later than it says.
OVERLAP_MS = 10_000
DEFAULT_MINUTES = "15"


def main() -> None:
    """Print the last minutes; with FOLLOW=1 go on as new lines come."""
    with explained_failures():
        minutes = float(os.environ.get("MINUTES") or DEFAULT_MINUTES)
        since = round((time.time() - 60 * minutes) * 1000)
        log = FunctionLog(stack.read(for_up()), since, os.environ.get("FUNCTION", ""))
        lines = log.new_lines()
        line("\n".join(lines) or "No lines. MINUTES=60 looks further back; FOLLOW=1 waits.")
        while os.environ.get("FOLLOW", "") not in ("", "0"):
            time.sleep(POLL_SECONDS)
            for text in log.new_lines():
                line(text)


def save(running: stack.Stack, file: Path) -> None:
    """Write all that the functions logged to a file, before the local AWS forgets it."""
    lines = FunctionLog(running, since=0).new_lines()
    file.write_text("".join(text + "\n" for text in lines), encoding="utf-8")


class FunctionLog:
    """The log lines of all functions, or of a chosen one, each given out once."""

    def __init__(self, running: stack.Stack, since: int, chosen: str = "") -> None:
        self.logs = aws.client("logs", running["awsEndpointUrl"])
        self.groups = log_groups(running, chosen)
        self.since = since
        # How far each stream has been read, as the token with which to go on.
        self.tokens: dict[tuple[str, str], str] = {}
        # When each group was last looked at.
        self.looked_at: dict[str, int] = {}

    def new_lines(self) -> list[str]:
        """The lines that were not given out yet, in the order of their moments."""
        events = []
        for function, group in self.groups.items():
            for stream in self.streams(group):
                for event in self.new_events(group, stream):
                    events.append((event["timestamp"], function, event["message"].rstrip()))
        events.sort(key=lambda event: event[0])
        return [f"{clock(moment)}  {function:<6}  {text}" for moment, function, text in events]

    def streams(self, group: str) -> list[str]:
        """The streams of a log group that may have something new, one for each instance; none before the first line."""
        newer_than = max(self.since, self.looked_at.get(group, 0) - OVERLAP_MS)
        self.looked_at[group] = round(time.time() * 1000)
        pages = self.logs.get_paginator("describe_log_streams").paginate(
            logGroupName=group, orderBy="LastEventTime", descending=True
        )
        try:
            newest_first = (stream for page in pages for stream in page["logStreams"])
            new = takewhile(lambda stream: stream.get("lastEventTimestamp", 0) >= newer_than, newest_first)
            return [stream["logStreamName"] for stream in new]
        except self.logs.exceptions.ResourceNotFoundException:
            return []

    def new_events(self, group: str, stream: str) -> Iterator[dict[str, Any]]:
        """What came into a stream since it was last read."""
        place = {"logGroupName": group, "logStreamName": stream}
        while True:
            token = self.tokens.get((group, stream))
            go_on = {"nextToken": token} if token else {}
            page = self.logs.get_log_events(
                **place, **go_on, startFromHead=True, startTime=self.since
            )
            self.tokens[group, stream] = page["nextForwardToken"]
            yield from page["events"]
            if not page["events"]:
                return


def log_groups(running: stack.Stack, chosen: str) -> dict[str, str]:
    """The log group of each function, or of the chosen one."""
    functions = {
        "api": running["apiFunctionName"],
        "sender": running["senderFunctionName"],
        "dlq": running["dlqFunctionName"],
    }
    if chosen and chosen not in functions:
        raise Failure(f"There is no function {chosen}.", f"choose one of {', '.join(functions)}.")
    lambdas = aws.client("lambda", running["awsEndpointUrl"])
    groups = {}
    try:
        for function, name in functions.items():
            if chosen in ("", function):
                configuration = lambdas.get_function_configuration(FunctionName=name)
                groups[function] = configuration["LoggingConfig"]["LogGroup"]
        return groups
    except EndpointConnectionError:
        raise Failure("The local AWS does not answer.", "start it: make up") from None


def clock(milliseconds: int) -> str:
    """A moment as the time of day."""
    return datetime.fromtimestamp(milliseconds / 1000).strftime("%H:%M:%S.%f")[:-3]


if __name__ == "__main__":
    main()
