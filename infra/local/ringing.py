"""The alarms ring: what goes wrong on the running stack brings each of its alarms to ALARM, its owners a notification, and
what is cleared brings it back to OK.

Metrics are of the minute in which they are put. The clock that alarms are judged by is an argument, so nothing here waits
for a minute to be over.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import aws
import stack
from metrics import Change, Watcher
from say import Failure, Steps, explained_failures
from settings import STACK_NAME, for_up

# A function takes a record within a moment; a busy machine within some.
PATIENCE_SECONDS = 120
LOOK_AGAIN_SECONDS = 0.2

MINUTE = 60
HOUR = 3600


def main() -> None:
    """Ring the alarms of the stack of `make up`."""
    with explained_failures():
        running = stack.read(for_up())
        with Steps(1).step("Ringing the alarms") as step:
            step.outcome = run(running)


def run(running: stack.Stack) -> str:
    """Bring about what alarms are for, see them ring and stop; answer with how many did."""
    ringing = Ringing(running)
    with ringing.owner():
        for bring_about, expected in ringing.scenes():
            ringing.clear()
            bring_about()
            ringing.expect("ALARM", expected)
            ringing.clear()
            ringing.expect("OK", expected)
            ringing.expect_told(expected)
    return f"{len(ringing.rung)} of {len(ringing.watcher.alarms) + len(ringing.watcher.composites)} alarms rang"


class Ringing:
    """One run: the stack, its watcher, and a clock that goes on when it is told to."""

    def __init__(self, running: stack.Stack) -> None:
        endpoint = running["awsEndpointUrl"]
        self.running = running
        self.sqs = aws.client("sqs", endpoint)
        self.sns = aws.client("sns", endpoint)
        self.logs = aws.client("logs", endpoint)
        self.lambdas = aws.client("lambda", endpoint)
        # The clock, and the furthest that it has been: one scene sets it back to the true time.
        self.now = self.latest = time.time()
        self.watcher = Watcher(running, since=self.now)
        self.rung: set[str] = set()
        self.heaps = {
            self.watcher.queues[dict(metric.dimensions)["QueueName"]]
            for alarm in self.watcher.alarms
            for metric in alarm.metrics.values()
            if metric.name.endswith("MessagesVisible") and float(alarm.properties["Threshold"]) == 0
        }
        self.inbox = ""
        self.told: set[tuple[str, str]] = set()
        # Alarms that others have made ring, who used the functions just now.
        self.already: set[str] = set()

    def scenes(self) -> list[tuple[Callable[[], None], set[str]]]:
        """What goes wrong, and which alarms ring by it. No other may."""
        return [
            (self.park, {"hint-parked"}),
            (self.reject, {"hint-rejected-events"}),
            (self.crash, {"hint-function-errors-sender"}),
            (self.deliver_late, {"hint-deliveries-late", "hint-most-deliveries-late"}),
            (self.fail_everywhere, {"page-attempts-failing"}),
            (self.fail_at_aws, {"hint-aws-errors"}),
            (self.stop_sending, {"hint-events-waiting", "page-not-delivering"}),
        ]

    def park(self) -> None:
        """A record on the deliveries queue that is no delivery."""
        self.send(self.running["deliveriesQueueUrl"], "no delivery")
        self.until("a record is parked", lambda: self.waiting(self.running["parkedQueueUrl"]))

    def reject(self) -> None:
        """A record on the events queue that is no event."""
        self.send(self.running["eventsQueueUrl"], "no event")
        self.until("an event is rejected", lambda: self.waiting(self.running["eventsDeadLetterQueueUrl"]))

    def crash(self) -> None:
        """An invocation that the sender's runtime refuses, which Lambda counts as failed, by its own clock."""
        self.now = time.time()
        self.note(self.watcher.look(self.now))
        self.already = self.ringing()
        answer = self.lambdas.invoke(
            FunctionName=self.running["senderFunctionName"], Payload=b'{"Records": "none"}'
        )
        answer["Payload"].read()
        if "FunctionError" not in answer:
            raise Failure("The sender takes what is no batch.", "choose something that it cannot read.")

    def deliver_late(self) -> None:
        """The sender says for a quarter of an hour that what it delivers was due two hours ago."""
        for minute in range(15):
            self.log({"DueAge": [2 * HOUR, 2 * HOUR]}, self.now + minute * MINUTE)
        self.now += 14 * MINUTE

    def fail_everywhere(self) -> None:
        """The sender says for ten minutes that most attempts fail."""
        for minute in (0, 5):
            self.log({"AttemptsFailed": 150, "DeliveriesDelivered": 50}, self.now + minute * MINUTE)
        self.now += 5 * MINUTE

    def fail_at_aws(self) -> None:
        """The sender says for ten minutes that calls of AWS fail."""
        for minute in (0, 5):
            self.log({"AwsErrors": 30}, self.now + minute * MINUTE)
        self.now += 5 * MINUTE

    def stop_sending(self) -> None:
        """Nobody reads the events queue for a quarter of an hour, in which an event comes."""
        with self.paused():
            self.send(self.running["eventsQueueUrl"], "no event")
            for _ in range(15):
                self.now += MINUTE
                self.note(self.watcher.look(self.now))

    @contextmanager
    def paused(self) -> Iterator[None]:
        """Nobody reads the events queue meanwhile."""
        sources = self.lambdas.list_event_source_mappings(FunctionName=self.running["senderFunctionName"])
        queue = self.running["eventsQueueUrl"].rsplit("/", 1)[-1]
        [source] = [s for s in sources["EventSourceMappings"] if s["EventSourceArn"].endswith(f":{queue}")]
        self.lambdas.update_event_source_mapping(UUID=source["UUID"], Enabled=False)
        try:
            yield
        finally:
            self.lambdas.update_event_source_mapping(UUID=source["UUID"], Enabled=True)

    @contextmanager
    def owner(self) -> Iterator[None]:
        """A queue that hears what the owners' topic says, as an owner's mailbox would."""
        self.inbox = self.sqs.create_queue(QueueName=f"owner-{int(self.now)}")["QueueUrl"]
        arn = self.attribute(self.inbox, "QueueArn")
        topic = self.running["ownersTopicArn"]
        leave = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [leave]})
        self.sqs.set_queue_attributes(QueueUrl=self.inbox, Attributes={"Policy": policy})
        subscribed = self.sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True)
        try:
            yield
        finally:
            self.sns.unsubscribe(SubscriptionArn=subscribed["SubscriptionArn"])
            self.sqs.delete_queue(QueueUrl=self.inbox)

    def clear(self) -> None:
        """Empty the queues that wait for a person, and let so much time pass that nothing of before is looked at."""
        for key in ("eventsQueueUrl", "deliveriesQueueUrl"):
            url = self.running[key]  # type: ignore[literal-required]
            self.until(f"{key} is empty", lambda url=url: not self.waiting(url))
        for url in self.heaps:
            self.sqs.purge_queue(QueueUrl=url)
        # No window but that of a whole hour is so long, and nothing is written here that its alarm would ring for.
        self.already = set()
        self.now = max(self.now, self.latest, time.time()) + HOUR
        self.latest = self.now
        self.note(self.watcher.look(self.now))

    def expect(self, state: str, expected: set[str]) -> None:
        """Look, and see exactly these alarms ring; or none, once they are to be OK."""
        self.note(self.watcher.look(self.now))
        found = self.ringing()
        if found != (expected | self.already if state == "ALARM" else set()):
            raise Failure(
                f"{sorted(expected)} were to be {state}, and in ALARM are {sorted(found)}.",
                "look at infra/watch.yaml and infra/local/alarms.py.",
            )

    def ringing(self) -> set[str]:
        """The alarms that are in ALARM, without the stack's name."""
        states = self.watcher.states().items()
        return {name.removeprefix(f"{STACK_NAME}-") for name, state in states if state == "ALARM"}

    def expect_told(self, expected: set[str]) -> None:
        """The owner has heard of each alarm twice: that it rang, and that it stopped."""
        wanted = {(f"{STACK_NAME}-{name}", state) for name in expected for state in ("ALARM", "OK")}

        def heard() -> bool:
            answer = self.sqs.receive_message(QueueUrl=self.inbox, MaxNumberOfMessages=10)
            for message in answer.get("Messages", []):
                said = json.loads(json.loads(message["Body"])["Message"])
                self.told.add((said["AlarmName"], said["NewStateValue"]))
                self.sqs.delete_message(QueueUrl=self.inbox, ReceiptHandle=message["ReceiptHandle"])
            return wanted <= self.told

        self.until(f"an owner hears of {sorted(expected)}", heard)
        self.told -= wanted

    def note(self, changes: list[Change]) -> None:
        """Remember which alarms rang."""
        self.rung |= {change.name for change in changes if change.state == "ALARM"}

    def log(self, values: dict[str, Any], at: float) -> None:
        """Log metrics as the sender does."""
        directive = {
            "Namespace": "hookbell",
            "Dimensions": [["Stack"]],
            "Metrics": [{"Name": name} for name in values],
        }
        about = {"Timestamp": round(at * 1000), "CloudWatchMetrics": [directive]}
        entry = json.dumps({"_aws": about, "Stack": STACK_NAME, **values})
        place = {"logGroupName": self.watcher.log.groups["sender"], "logStreamName": "ringing"}
        try:
            self.logs.create_log_stream(**place)
        except self.logs.exceptions.ResourceAlreadyExistsException:
            pass
        self.logs.put_log_events(
            **place, logEvents=[{"timestamp": round(time.time() * 1000), "message": entry}]
        )

    def send(self, url: str, body: str) -> None:
        """Put a record on a queue."""
        self.sqs.send_message(QueueUrl=url, MessageBody=body)

    def waiting(self, url: str) -> int:
        """How many records a queue has, those that are being read included."""
        return int(self.attribute(url, "ApproximateNumberOfMessages")) + int(
            self.attribute(url, "ApproximateNumberOfMessagesNotVisible")
        )

    def attribute(self, url: str, name: str) -> str:
        """What SQS says of a queue."""
        return str(self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=[name])["Attributes"][name])

    def until(self, what: str, holds: Callable[[], Any]) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            if time.monotonic() > deadline:
                raise Failure(f"It was waited in vain until {what}.", "make logs shows what the functions did.")
            time.sleep(LOOK_AGAIN_SECONDS)


if __name__ == "__main__":
    main()
