"""The first event by hand: the organization for it, and the command that sends it."""

from __future__ import annotations

import json
import shlex

from api import Api
from catalogue import event_types
from stack import Stack

ORGANIZATION = "first-steps"
PROFILE = "slothbox"
EVENT_TYPE = "environment.started"


def curl_example(running: Stack, api: Api) -> str:
    """A command to copy, whose organization is there: to initialize it again changes nothing."""
    api.post(
        f"/webhooks/organizations/{ORGANIZATION}/initialize", {"profile": PROFILE}, expected=201
    )
    payload = next(item.example for item in event_types(PROFILE) if item.name == EVENT_TYPE)
    body = json.dumps({"eventType": EVENT_TYPE, "payload": payload})
    return " \\\n".join(
        [
            f"  curl {running['apiUrl']}/webhooks/organizations/{ORGANIZATION}/send",
            f"    -H {shlex.quote('authorization: ' + running['adminKey'])}",
            "    -H 'content-type: application/json'",
            f"    -d {shlex.quote(body)}",
        ]
    )
