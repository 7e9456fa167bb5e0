"""An organization of each profile with all that a call can name, from its keys to a replay."""

from __future__ import annotations

import json
import secrets
import time
from collections import defaultdict
from dataclasses import dataclass, field

from api import Api
from catalogue import event_types
from receiver import Receiver
from say import Failure
from settings import EVENTS_FOLDER

DELIVERED_WITHIN_SECONDS = 30

# Where the range of the replay begins: before everything.
SINCE = "2020-01-01T00:00:00Z"

# How many endpoints and keys there are that nobody minds if they go.
SPARE = 3


@dataclass
class Fixtures:
    """The ids of what is there, by the names that the API's paths have for them."""

    ids: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    spare_endpoints: list[str] = field(default_factory=list)
    event_types: list[str] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)


def make(api: Api, receiver: Receiver) -> Fixtures:
    """Make an organization of each profile that events/ has, and something in it."""
    made = Fixtures()
    run = secrets.token_hex(3)
    made.urls.append(receiver.open_inbox(f"/{run}").url)
    for profile in sorted(path.parent.name for path in EVENTS_FOLDER.glob("*/profile.toml")):
        populate(api, made, profile, f"fuzz-{profile}-{run}")
    return made


def populate(api: Api, made: Fixtures, profile: str, organization: str) -> None:
    """Make one organization with keys and endpoints; deliver a message to the first, and replay it."""
    path = f"/organizations/{organization}/webhooks"
    keys = f"/organizations/{organization}/api-keys"
    sending = f"/webhooks/organizations/{organization}"
    api.post(f"{sending}/initialize", {"profile": profile}, expected=201)
    wanted = {"url": made.urls[0], "eventTypes": ["*"]}
    first = api.post(path, wanted, expected=201)["endpoint"]["endpointId"]
    event_type = next(one for one in event_types(profile) if not one.is_system)
    message = api.post(
        f"{sending}/send", {"eventType": event_type.name, "payload": event_type.example}
    )["id"]
    delivery = await_delivery(api, f"{path}/{first}/deliveries")
    replay = api.post(f"{path}/{first}/replay", {"after": SINCE}, expected=202)["replay"]["replayId"]
    for _ in range(SPARE):
        spare = api.post(path, wanted, expected=201)["endpoint"]["endpointId"]
        made.spare_endpoints.append(spare)
        key = api.post(keys, {"role": "member"}, expected=201)["apiKey"]["keyId"]
        made.ids["key"].append(key)
    made.ids["organization"].append(organization)
    made.ids["endpoint"].append(first)
    made.ids["message"].append(message)
    made.ids["delivery"].append(delivery)
    made.ids["replay"].append(replay)
    made.event_types.append(event_type.name)


def await_delivery(api: Api, path: str) -> str:
    """The id of the first delivery in a list, as soon as it is delivered."""
    deadline = time.monotonic() + DELIVERED_WITHIN_SECONDS
    deliveries = []
    while time.monotonic() < deadline:
        deliveries = api.get(path)["deliveries"]
        if deliveries and deliveries[0]["status"] == "delivered":
            return str(deliveries[0]["deliveryId"])
        time.sleep(0.1)
    raise Failure(
        f"Nothing was delivered within {DELIVERED_WITHIN_SECONDS} s: {json.dumps(deliveries)}",
        "look at the functions' logs: make logs",
    )
