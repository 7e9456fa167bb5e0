"""What a deployment's bill depends on besides what it does: the template's defaults, and the profiles' schedules."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import tomlkit
import yaml

from settings import EVENTS_FOLDER, TEMPLATE

# SQS delays by no more, so a longer wait is received in between and put back.
LONGEST_DELAY_SECONDS = 900

# With so much memory a function has one processor, with less its share (Lambda's guide, "Configure memory").
MB_OF_A_PROCESSOR = 1769

DAYS_OF_A_MONTH = 30
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}


@dataclass(frozen=True)
class Deployment:
    """The defaults of template.yaml."""

    memory_mb: Mapping[str, int]
    architecture: str
    retention_days: int
    log_retention_days: int

    @classmethod
    def by_default(cls) -> Deployment:
        """Read them."""
        parameters = yaml.load(TEMPLATE.read_text(encoding="utf-8"), Loader=TemplateLoader)["Parameters"]

        def default(name: str) -> Any:
            return parameters[name]["Default"]

        return cls(
            memory_mb={name: int(default(f"{name.capitalize()}Memory")) for name in ("api", "sender", "dlq")},
            architecture=str(default("Architecture")),
            retention_days=int(default("RetentionDays")),
            log_retention_days=int(default("LogRetentionDays")),
        )

    def gb_seconds(self, function: str, milliseconds: float, cpu_milliseconds: float) -> float:
        """What Lambda counts for that time of a function, so much of which it had a processor of its own.

        On Lambda it has a share of one, so the same work takes longer. That it may do so while it waits for others is
        left out: this is the most that it can be.
        """
        memory = self.memory_mb[function]
        stretched = milliseconds + cpu_milliseconds * (MB_OF_A_PROCESSOR / memory - 1)
        return stretched / 1000 * memory / 1024


class TemplateLoader(yaml.SafeLoader):
    """Reads a template, and makes nothing of its functions (`!Ref` and the like)."""


TemplateLoader.add_multi_constructor("!", lambda _loader, _tag, _node: None)


@dataclass(frozen=True)
class Schedule:
    """When a profile tries again."""

    profile: str
    waits_seconds: list[int]

    @classmethod
    def of(cls, profile: str) -> Schedule:
        """Read it from the profile's file."""
        file = EVENTS_FOLDER / profile / "profile.toml"
        waits = tomlkit.parse(file.read_text(encoding="utf-8")).unwrap()["retry"]["waits"]
        return cls(profile, [seconds(wait) for wait in waits])

    @property
    def attempts(self) -> int:
        """How often it tries in all."""
        return len(self.waits_seconds) + 1

    @property
    def wake_ups(self) -> int:
        """How often a delivery is received before it is due, where no wait is shortened by chance."""
        return sum(math.ceil(wait / LONGEST_DELAY_SECONDS) - 1 for wait in self.waits_seconds)


def seconds(text: str) -> int:
    """A time like `30s` or `2h`."""
    found = re.fullmatch(r"(\d+)([smhd])", text)
    assert found is not None, text
    return int(found.group(1)) * UNITS[found.group(2)]
