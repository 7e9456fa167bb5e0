"""Does everything that Daytona's own client library can do with webhooks, and says what it got.

Reads `{apiUrl, adminKey, organization, eventType, payload, eventId}` and writes one object.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from daytona_api_client import ApiClient, Configuration, WebhooksApi
from daytona_api_client.exceptions import ApiException
from daytona_api_client.models import SendWebhookDto


def main() -> None:
    """Answer the one question on standard input."""
    asked = json.load(sys.stdin)
    configuration = Configuration(host=asked["apiUrl"], access_token=asked["adminKey"])
    with ApiClient(configuration) as client:
        json.dump(use(WebhooksApi(client), asked), sys.stdout, default=str)


def use(webhooks: WebhooksApi, asked: dict[str, Any]) -> dict[str, Any]:
    """Every call of the library, in an organization that is initialized already."""
    organization = asked["organization"]
    said: dict[str, Any] = {}
    said["enabled"] = webhooks.webhook_controller_get_status().enabled
    said["initialize"] = webhooks.webhook_controller_initialize_webhooks_with_http_info(
        organization
    ).status_code
    status = webhooks.webhook_controller_get_initialization_status(organization)
    said["status"] = status.to_dict()
    access = webhooks.webhook_controller_get_app_portal_access(organization)
    said["portal"] = {"token": access.token, "url": access.url}
    event = SendWebhookDto(
        event_type=asked["eventType"], payload=asked["payload"], event_id=asked["eventId"]
    )
    sent = webhooks.webhook_controller_send_webhook_with_http_info(organization, event)
    said["message"] = json.loads(sent.raw_data)["id"]
    said["attempts"] = wait_for_success(webhooks, organization, said["message"])
    said["refusals"] = [
        refusal(lambda: webhooks.webhook_controller_send_webhook(organization, event)),
        refusal(lambda: webhooks.webhook_controller_get_initialization_status("nobody")),
    ]
    return said


def wait_for_success(webhooks: WebhooksApi, organization: str, message: str) -> list[Any]:
    """The attempts of a message, once one has succeeded."""
    while True:
        try:
            attempts = webhooks.webhook_controller_get_message_attempts(organization, message)
        except ApiException as error:
            # It is accepted, and not yet delivered to anybody.
            if error.status != 404:
                raise
            attempts = []
        if any(attempt["status"] == 0 for attempt in attempts):
            return attempts
        time.sleep(0.2)


def refusal(call: Any) -> dict[str, Any]:
    """What the library raises."""
    try:
        call()
    except ApiException as error:
        return {"status": error.status, "body": json.loads(error.body)}
    return {"status": "none"}


if __name__ == "__main__":
    main()
