"""The event types of a profile, each with its example payload, as events/ has them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from settings import EVENTS_FOLDER

# hookbell itself makes the events of these types.
SYSTEM_PREFIX = "webhook."


@dataclass(frozen=True)
class EventType:
    """One event type and the payload that its file gives as the example."""

    name: str
    example: dict[str, Any]

    @property
    def is_system(self) -> bool:
        """Whether hookbell itself makes such events."""
        return self.name.startswith(SYSTEM_PREFIX)


def event_types(profile: str) -> list[EventType]:
    """The types of a profile, by name."""
    files = sorted((EVENTS_FOLDER / profile / "types").glob("*.json"))
    return [
        EventType(file.name.removesuffix(".json"), json.loads(file.read_text("utf-8"))["example"])
        for file in files
    ]
