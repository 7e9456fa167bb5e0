"""The two doors by which a producer's events come in: the REST API and the events queue."""

from __future__ import annotations

import uuid
from datetime import datetime, timezone
from typing import Any

import aws
from api import Api, minified
from stack import Stack

Payload = dict[str, Any]


class Doors:
    """Sends events to one deployment."""

    def __init__(self, running: Stack, api: Api) -> None:
        self.api = api
        self.queue_url = running["eventsQueueUrl"]
        self.sqs = aws.client("sqs", running["awsEndpointUrl"])

    def rest(self, organization: str, event_type: str, payload: Payload) -> str:
        """Send by POST; answer with the message's id."""
        answer = self.api.post(
            f"/webhooks/organizations/{organization}/send",
            {"eventType": event_type, "payload": payload},
        )
        return str(answer["id"])

    def queue(self, organization: str, event_type: str, payload: Payload) -> None:
        """Put hookbell's own shape on the queue: for payloads that travel in an envelope."""
        self.put({"organizationId": organization, "type": event_type, "data": payload})

    def queue_flat(self, body: Payload) -> None:
        """Put a flat body on the queue as it is: it names its type and organization itself."""
        self.put(body)

    def queue_from_eventbridge(self, organization: str, event_type: str, payload: Payload) -> None:
        """Put on the queue what an EventBridge rule with the queue as its target puts there."""
        self.put(
            {
                "version": "0",
                "id": str(uuid.uuid4()),
                "detail-type": event_type,
                "source": "hookbell.demo",
                "account": "123456789012",
                "time": now(),
                "region": "us-east-1",
                "resources": [],
                "detail": {"organizationId": organization, **payload},
            }
        )

    def queue_from_sns(self, organization: str, event_type: str, payload: Payload) -> None:
        """Put on the queue what a topic that it is subscribed to puts there."""
        event = {"organizationId": organization, "type": event_type, "data": payload}
        self.put(
            {
                "Type": "Notification",
                "MessageId": str(uuid.uuid4()),
                "TopicArn": "arn:aws:sns:us-east-1:123456789012:hookbell-demo",
                "Message": minified(event).decode(),
                "Timestamp": now(),
            }
        )

    def queue_cloud_event(self, organization: str, event_type: str, payload: Payload) -> None:
        """Put a CloudEvents event on the queue."""
        self.put(
            {
                "specversion": "1.0",
                "id": str(uuid.uuid4()),
                "source": "/hookbell/demo",
                "type": event_type,
                "time": now(),
                "organizationid": organization,
                "datacontenttype": "application/json",
                "data": payload,
            }
        )

    def put(self, body: Payload) -> None:
        """Put one message on the events queue."""
        self.sqs.send_message(QueueUrl=self.queue_url, MessageBody=minified(body).decode())


def now() -> str:
    """The time as events say it."""
    return datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
