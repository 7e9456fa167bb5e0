"""The alarms ring: what goes wrong on the running stack brings each of its alarms to ALARM, its owners a notification,
and what is cleared brings it back to OK.

Metrics are of the minute in which they are put. The clock that alarms are judged by is an argument, so nothing here
waits for a minute to be over.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import aws
import stack
from metrics import AGE, Watcher, moment
from say import Failure, Steps, explained_failures
from scenes import HOUR, Scene, Scenes
from settings import STACK_NAME, for_up

# A function takes a record within a moment; a busy machine within some.
PATIENCE_SECONDS = 120
LOOK_AGAIN_SECONDS = 0.1

# No alarm looks back so far.
CLEARED = 3 * HOUR

DAY = 24 * HOUR
YEAR = 365 * DAY


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
        ringing.clear()
        for scene in ringing.scenes.all():
            ringing.check(scene)
    silent = {alarm.name.removeprefix(f"{STACK_NAME}-") for alarm in ringing.watcher.alarms} - ringing.rung
    if silent:
        raise Failure(f"No scene rings {words(silent)}.", "add one to infra/local/scenes.py.")
    return f"all {len(ringing.rung)} rang, told their owners, and stopped"


class Ringing:
    """One run: the stack, its watcher, and a clock that goes on when it is told to."""

    def __init__(self, running: stack.Stack) -> None:
        endpoint = running["awsEndpointUrl"]
        self.sqs = aws.client("sqs", endpoint)
        self.sns = aws.client("sns", endpoint)
        self.topic = running["ownersTopicArn"]
        self.watcher = Watcher(running, since=time.time())
        self.scenes = Scenes(running, self.watcher)
        self.now = self.beginning()
        self.rung: set[str] = set()
        self.inbox = ""
        self.told: set[tuple[str, str]] = set()

    def beginning(self) -> float:
        """A moment in the years to come, which `make watch` will not see, and after what an earlier run has put."""
        next_year = time.time() + YEAR
        put = self.watcher.cloudwatch.get_metric_statistics(
            Namespace="AWS/SQS",
            MetricName=AGE,
            Dimensions=[{"Name": "QueueName", "Value": self.scenes.events.rsplit("/", 1)[-1]}],
            StartTime=moment(next_year),
            EndTime=moment(next_year + YEAR),
            Period=DAY,
            Statistics=["Maximum"],
        )["Datapoints"]
        return max((datum["Timestamp"].timestamp() + DAY for datum in put), default=next_year)

    def check(self, scene: Scene) -> None:
        """See the alarms of a scene ring and stop, no others, and their owner hear of both. Nothing rings before it."""
        # What others, who used the functions just now, have made ring.
        already = self.look(time.time()) if scene.by_true_time else set()
        at = scene.bring_about(self.now)
        self.until(
            f"{words(scene.rings)} ring and no others",
            lambda: scene.rings <= self.look(at) <= scene.rings | already,
        )
        self.clear()
        self.rung |= scene.rings
        wanted = {(name, state) for name in scene.rings for state in ("ALARM", "OK")}
        self.until(f"an owner hears of {words(scene.rings)}", lambda: wanted <= self.heard())
        self.told.clear()

    def clear(self) -> None:
        """Empty the queues that wait for a person, and let so much time pass that no alarm looks at what was before."""
        for url in self.scenes.worked_on:
            self.until(f"{url} is empty", lambda url=url: not self.waiting(url))
        for url in self.scenes.left:
            if self.waiting(url):
                self.sqs.purge_queue(QueueUrl=url)
        self.now += CLEARED
        ringing = self.look(self.now)
        if ringing:
            raise Failure(f"{words(ringing)} do not stop.", "look at infra/watch.yaml and infra/local/alarms.py.")

    def look(self, now: float) -> set[str]:
        """Take over what was measured, and say which alarms ring at a moment, without the stack's name."""
        self.watcher.look(now)
        states = self.watcher.states().items()
        return {name.removeprefix(f"{STACK_NAME}-") for name, state in states if state == "ALARM"}

    @contextmanager
    def owner(self) -> Iterator[None]:
        """A queue that hears what the owners' topic says, as an owner's mailbox would."""
        self.inbox = self.sqs.create_queue(QueueName=f"owner-{time.time_ns()}")["QueueUrl"]
        arn = self.attributes("QueueArn", of=self.inbox)["QueueArn"]
        leave = {
            "Effect": "Allow",
            "Principal": {"Service": "sns.amazonaws.com"},
            "Action": "sqs:SendMessage",
            "Resource": arn,
            "Condition": {"ArnEquals": {"aws:SourceArn": self.topic}},
        }
        policy = json.dumps({"Version": "2012-10-17", "Statement": [leave]})
        self.sqs.set_queue_attributes(QueueUrl=self.inbox, Attributes={"Policy": policy})
        subscribed = self.sns.subscribe(
            TopicArn=self.topic, Protocol="sqs", Endpoint=arn, ReturnSubscriptionArn=True
        )
        try:
            yield
        finally:
            self.sns.unsubscribe(SubscriptionArn=subscribed["SubscriptionArn"])
            self.sqs.delete_queue(QueueUrl=self.inbox)

    def heard(self) -> set[tuple[str, str]]:
        """The alarms that the owner has heard of since the last scene, each with the state that it went to."""
        answer = self.sqs.receive_message(QueueUrl=self.inbox, MaxNumberOfMessages=10)
        for message in answer.get("Messages", []):
            said = json.loads(json.loads(message["Body"])["Message"])
            self.told.add((said["AlarmName"].removeprefix(f"{STACK_NAME}-"), said["NewStateValue"]))
            self.sqs.delete_message(QueueUrl=self.inbox, ReceiptHandle=message["ReceiptHandle"])
        return self.told

    def waiting(self, url: str) -> int:
        """How many records a queue has, those that are being read included."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        return sum(int(value) for value in self.attributes(*names, of=url).values())

    def attributes(self, *names: str, of: str) -> dict[str, Any]:
        """What SQS says of a queue."""
        found: dict[str, Any] = self.sqs.get_queue_attributes(QueueUrl=of, AttributeNames=names)["Attributes"]
        return found

    def until(self, what: str, holds: Callable[[], bool]) -> None:
        """Wait until something holds."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            if time.monotonic() > deadline:
                ringing = {name for name, state in self.watcher.states().items() if state == "ALARM"}
                raise Failure(
                    f"It was waited in vain until {what}; in ALARM are {words(ringing)}.",
                    "look at infra/watch.yaml and infra/local/alarms.py; make logs shows what the functions did.",
                )
            time.sleep(LOOK_AGAIN_SECONDS)


def words(names: set[str]) -> str:
    """Names as a sentence has them."""
    return ", ".join(sorted(names)) or "none"


if __name__ == "__main__":
    main()
