"""Does everything that Slothbox's own client library can do with webhooks, and says what it got.

Reads `{apiUrl, ownerKey, memberKey, organization, url, requests}` and writes one object. `requests` are
`{secret, headers, body}`, for the library to verify; with them the rest is left out.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from slothbox import APIError, Slothbox, parse_webhook_event


def main() -> None:
    """Answer the one question on standard input."""
    asked = json.load(sys.stdin)
    said = verify(asked["requests"]) if "requests" in asked else manage(asked)
    json.dump(said, sys.stdout, default=str)


def verify(requests: list[dict[str, Any]]) -> list[str]:
    """The type of each request's event, as the library reads it once it has verified it."""
    types = []
    for request in requests:
        event = parse_webhook_event(request["body"], request["headers"], request["secret"])
        types.append(event["type"])
    return types


def manage(asked: dict[str, Any]) -> dict[str, Any]:
    """An endpoint's life, from its creation to its end."""
    organization = asked["organization"]
    webhooks = Slothbox(api_key=asked["ownerKey"], base_url=asked["apiUrl"]).webhooks
    said: dict[str, Any] = {}
    said["types"] = [entry.type_ for entry in webhooks.list_event_types(organization).event_types]
    body = {"url": asked["url"], "eventTypes": ["*"], "description": "Made by the library"}
    created = webhooks.create_endpoint(organization, body)
    endpoint = created.endpoint.endpoint_id
    said["created"] = created.endpoint.to_dict()
    said["listed"] = [one.to_dict() for one in webhooks.list_endpoints(organization).endpoints]
    said["got"] = webhooks.get_endpoint(organization, endpoint).endpoint.to_dict()
    said["revealed"] = webhooks.get_secret(organization, endpoint).secret == created.secret
    rolled = webhooks.roll_secret(organization, endpoint)
    said["overlap"] = rolled.overlap_seconds
    ended = webhooks.roll_secret(organization, endpoint, {"expireOld": True})
    said["noOverlap"] = ended.overlap_seconds
    said["secret"] = ended.secret
    change = {"status": "disabled", "eventTypes": ["member.added"]}
    said["disabled"] = webhooks.update_endpoint(organization, endpoint, change).endpoint.to_dict()
    change = {"status": "enabled", "eventTypes": ["*"]}
    said["enabled"] = webhooks.update_endpoint(organization, endpoint, change).endpoint.to_dict()
    said["pings"] = [webhooks.ping_endpoint(organization, endpoint).webhook_id for _ in range(5)]
    said["deliveries"] = wait_for_deliveries(webhooks, organization, endpoint, 5)
    delivery = said["deliveries"][0]["deliveryId"]
    said["delivery"] = webhooks.get_delivery(organization, endpoint, delivery).delivery.to_dict()
    said["redelivered"] = webhooks.redeliver(organization, endpoint, delivery).webhook_id
    wait_for_deliveries(webhooks, organization, endpoint, 6)
    webhooks.delete_endpoint(organization, endpoint)
    member = Slothbox(api_key=asked["memberKey"], base_url=asked["apiUrl"]).webhooks
    stranger = Slothbox(api_key="sk_" + "x" * 32, base_url=asked["apiUrl"]).webhooks
    said["refusals"] = [
        refusal(lambda: webhooks.get_endpoint(organization, endpoint)),
        refusal(lambda: webhooks.create_endpoint(organization, {**body, "url": "http://a.b/"})),
        refusal(lambda: member.create_endpoint(organization, body)),
        refusal(lambda: stranger.list_endpoints(organization)),
    ]
    return said


def wait_for_deliveries(
    webhooks: Any, organization: str, endpoint: str, count: int
) -> list[dict[str, Any]]:
    """All deliveries, over pages of two, once that many have arrived."""
    while True:
        page = webhooks.list_deliveries(organization, endpoint, limit=100)
        if sum(delivery.status == "delivered" for delivery in page) == count:
            break
        # A key has its calls counted.
        time.sleep(0.5)
    pages = webhooks.list_deliveries(organization, endpoint, limit=2)
    return [delivery.to_dict() for delivery in pages]


def refusal(call: Any) -> dict[str, Any]:
    """What the library raises."""
    try:
        call()
    except APIError as error:
        return {"kind": type(error).__name__, "message": error.message}
    return {"kind": "none"}


if __name__ == "__main__":
    main()
