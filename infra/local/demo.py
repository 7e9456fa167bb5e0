"""`make demo`: every event type through both doors, and an endpoint that gets disabled.

It needs nothing but a running stack. Each run has organizations of its own, so it can be repeated.
"""

from __future__ import annotations

import stack
from api import Api
from disabling import disable_a_dead_endpoint
from doors import Doors
from every_type import deliver_every_type
from first_event import curl_example
from receiver import Receiver
from say import Failure, explained_failures, line
from settings import for_up
from stage import Stage


def main() -> None:
    """Run the demo on the stack of `make up`."""
    with explained_failures():
        running = stack.read(for_up())
        run(running)
        introduce(running)


def run(running: stack.Stack) -> str:
    """Run the demo; answer with its result in a few words, or fail naming what is missing."""
    api = Api(running["apiUrl"], running["adminKey"])
    with Receiver(running["serverCertificate"], running["serverKey"]) as receiver:
        stage = Stage(running, receiver, api, Doors(running, api))
        line(f"\nA receiver listens at {receiver.url}, over TLS, and checks every signature.\n")
        healthy = deliver_every_type(stage)
        disable_a_dead_endpoint(stage, healthy)
    summarize(stage)
    if stage.problems:
        raise Failure(
            "the demo found:\n" + "\n".join(f"  - {problem}" for problem in stage.problems),
            "look at the functions' logs: make logs",
        )
    return "everything arrived"


def summarize(stage: Stage) -> None:
    """Print the counts of the run."""
    tally = stage.tally
    messages = {(arrival.inbox.url, arrival.message_id) for arrival in stage.arrivals}
    verified = sum(arrival.verified for arrival in stage.arrivals)
    sent = tally.sent_by_rest + tally.sent_by_queue
    line("\nSummary\n")
    line(
        f"  sent      {sent:>4} events, {tally.sent_by_rest} by REST, {tally.sent_by_queue} by SQS"
    )
    line(f"  made      {tally.made_by_hookbell:>4} events by hookbell itself")
    line(f"  arrived   {len(messages):>4} deliveries")
    line(f"  attempts  {len(stage.arrivals):>4} requests")
    line(f"  verified  {verified:>4} signatures, with the library standardwebhooks")
    if tally.disabled:
        line(f"  disabled     1 endpoint, after {tally.exhausted} exhausted deliveries")
    line(f"  problems  {len(stage.problems):>4}")


def introduce(running: stack.Stack) -> None:
    """Print where everything is, and how to go on by hand."""
    line("\nYour hookbell\n")
    line(f"  API           {running['apiUrl']}")
    line(f"  Admin key     {running['adminKey']}")
    line(f"  Console       {running['apiUrl']}/console   (sign in with the admin key)")
    line(f"  Events queue  {running['eventsQueueUrl']}")
    line(f"  AWS endpoint  {running['awsEndpointUrl']}")
    line("  Logs          make logs   (FUNCTION=sender for one function, FOLLOW=1 to go on)")
    line("  Stop          make down")
    line("\nSend your first event: run `make listen` in another terminal, then\n")
    line(curl_example(running, Api(running["apiUrl"], running["adminKey"])))
    line()


if __name__ == "__main__":
    main()
