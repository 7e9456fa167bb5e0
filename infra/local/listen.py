"""`make listen`: an endpoint of your own on this machine, which prints what arrives."""

from __future__ import annotations

import json
import time

import stack
from api import Api
from first_event import ORGANIZATION, curl_example
from receiver import Arrival, Receiver
from say import explained_failures, line
from settings import for_up

ENDPOINTS = f"/organizations/{ORGANIZATION}/webhooks"


def main() -> None:
    """Create an endpoint for all events, print the requests, and delete the endpoint at the end."""
    with explained_failures():
        running = stack.read(for_up())
        api = Api(running["apiUrl"], running["adminKey"])
        with Receiver(running["serverCertificate"], running["serverKey"]) as receiver:
            command = curl_example(running, api)
            inbox = receiver.open_inbox("/")
            created = api.post(
                ENDPOINTS,
                {"url": inbox.url, "eventTypes": ["*"], "description": "make listen"},
                expected=201,
            )
            inbox.secret = created["secret"]
            line(f"Listening at {inbox.url}. Send an event from another terminal:\n\n{command}\n")
            line("Ctrl-C ends it.\n")
            try:
                print_arrivals(receiver)
            finally:
                # Whoever tries things out may have deleted it already: that is a 404.
                api.exchange("DELETE", f"{ENDPOINTS}/{created['endpoint']['endpointId']}", None)


def print_arrivals(receiver: Receiver) -> None:
    """Print each request, for as long as nobody interrupts."""
    while True:
        arrival = receiver.next_arrival(timeout=3600)
        if arrival is not None:
            show(arrival)


def show(arrival: Arrival) -> None:
    """Print one request: its id, its signature's verdict, and its body for reading."""
    verdict = "signature valid" if arrival.verified else f"SIGNATURE INVALID: {arrival.problem}"
    line(f"{time.strftime('%H:%M:%S')}  {arrival.message_id}  {verdict}")
    line(json.dumps(json.loads(arrival.body), indent=2, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
