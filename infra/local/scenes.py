"""What goes wrong on the running stack, for each of its alarms, as far as that can be brought about on one machine.

What AWS itself measures and the local AWS does not (a call of API Gateway, a refusal of DynamoDB, a hundred thousand
records) is said in AWS's place, by the names that AWS gives it and of the resources that the stack has written down:
that shows that the right alarm hears it, and not that AWS says it.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import aws
import stack
from metrics import Watcher, moment
from say import Failure
from settings import STACK_NAME

MINUTE = 60
HOUR = 3600

# More than the alarm takes.
MANY = 110

# SQS takes so many records in one request.
BATCH = 10


@dataclass(frozen=True)
class Scene:
    """Something that goes wrong from a moment on; it answers with the moment at which the alarms ring."""

    bring_about: Callable[[float], float]
    rings: set[str]
    # Whether the local AWS notes it by its own clock, as it does with what functions do.
    by_true_time: bool = False


class Scenes:
    """The scenes of one running stack."""

    def __init__(self, running: stack.Stack, watcher: Watcher) -> None:
        endpoint = running["awsEndpointUrl"]
        self.watcher = watcher
        self.sqs = aws.client("sqs", endpoint)
        self.logs = aws.client("logs", endpoint)
        # A refusal is what is wanted, so it is not tried again.
        self.lambdas = aws.client("lambda", endpoint, retries={"max_attempts": 0})
        self.events = running["eventsQueueUrl"]
        self.events_fifo = running["eventsFifoQueueUrl"]
        self.deliveries = running["deliveriesQueueUrl"]
        self.lines = running["deliveriesFifoQueueUrl"]
        self.ended = running["deliveriesDeadLetterQueueUrl"]
        self.worked_on = (self.events, self.events_fifo, self.deliveries, self.ended)
        self.left = [
            running["parkedQueueUrl"],
            *(self.dead_letters_of(queue) for queue in (self.events, self.events_fifo, self.lines)),
        ]
        self.functions = {
            "api": running["apiFunctionName"],
            "sender": running["senderFunctionName"],
            "dlq": running["dlqFunctionName"],
        }
        self.table = {"TableName": running["tableName"]}
        self.api = {"ApiName": STACK_NAME, "Stage": running["apiUrl"].split("/")[-2]}

    def all(self) -> list[Scene]:
        """Each with the alarms that it rings. No other may."""
        return [*self.records(), *self.invocations(), *self.told(), *self.told_by_aws(), *self.unread()]

    def records(self) -> Iterator[Scene]:
        """What waits for a person."""
        yield Scene(self.park, {"hint-parked", "page-many-parked"})
        yield Scene(self.reject, {"hint-rejected-events"})
        yield Scene(partial(self.leave, self.events_fifo), {"hint-rejected-events-fifo"})
        yield Scene(partial(self.leave, self.lines), {"hint-stuck-in-line"})

    def invocations(self) -> Iterator[Scene]:
        """What befalls functions."""
        for function in self.functions:
            yield Scene(partial(self.crash, function), {f"hint-function-errors-{function}"}, by_true_time=True)
            yield Scene(partial(self.throttle, function), {f"hint-throttles-{function}"}, by_true_time=True)

    def told(self) -> Iterator[Scene]:
        """What the functions say of themselves, at intervals of so many minutes."""
        late, failing = {"EventAge": [90, 90, 2]}, {"AttemptsFailed": 150, "DeliveriesDelivered": 10}
        yield Scene(partial(self.log, late, range(5)), {"hint-events-late"})
        yield Scene(partial(self.log, {"DueAge": [1, 2 * HOUR]}, (0, 15)), {"hint-deliveries-late"})
        yield Scene(partial(self.log, failing, (0, 5, 10)), {"page-attempts-failing"})
        yield Scene(partial(self.log, {"AwsErrors": 30}, (0, 5)), {"hint-aws-errors"})

    def told_by_aws(self) -> Iterator[Scene]:
        """What is said in AWS's place."""
        yield Scene(partial(self.say, "AWS/ApiGateway", "5XXError", self.api, 0.2, 3), {"page-api-errors"})
        for function, name in self.functions.items():
            too_long = 25_000 if function == "api" else 85_000
            slow = partial(self.say, "AWS/Lambda", "Duration", {"FunctionName": name}, too_long, 1)
            yield Scene(slow, {f"hint-slow-{function}"})
        for kind in ("Read", "Write"):
            throttled = partial(self.say, "AWS/DynamoDB", f"{kind}ThrottleEvents", self.table, 20, 3)
            yield Scene(throttled, {f"hint-table-throttles-{kind.lower()}s"})
        written = partial(self.say, "AWS/DynamoDB", "ConsumedWriteCapacityUnits", self.table, 5e6, 1)
        yield Scene(written, {"hint-much-written"})
        for queue, name in ((self.events, "events"), (self.deliveries, "deliveries"), (self.lines, "lines")):
            in_flight = partial(self.say_of, queue, "ApproximateNumberOfMessagesNotVisible")
            yield Scene(in_flight, {f"hint-in-flight-{name}"})
        yield Scene(partial(self.say_of, self.lines, "ApproximateNumberOfMessagesVisible"), {"hint-long-lines"})

    def unread(self) -> Iterator[Scene]:
        """Queues that nobody reads."""
        for queue, function, alarm in (
            (self.events, "sender", "page-events-waiting"),
            (self.events_fifo, "sender", "page-fifo-events-waiting"),
            (self.deliveries, "sender", "page-deliveries-waiting"),
            (self.lines, "sender", "page-lines-unread"),
            (self.ended, "dlq", "hint-dead-letters-waiting"),
        ):
            yield Scene(partial(self.leave_unread, queue, function), {alarm})

    def park(self, now: float) -> float:
        """Records on the deliveries queue that are no deliveries."""
        for _ in range(0, MANY, BATCH):
            entries = [{"Id": str(number), "MessageBody": "no delivery"} for number in range(BATCH)]
            self.sqs.send_message_batch(QueueUrl=self.deliveries, Entries=entries)
        return now

    def reject(self, now: float) -> float:
        """A record on the events queue that is no event."""
        self.send(self.events)
        return now

    def leave(self, queue: str, now: float) -> float:
        """A record on a queue's dead-letter queue, where SQS moves what was received too often."""
        self.send(self.dead_letters_of(queue))
        return now

    def crash(self, function: str, _now: float) -> float:
        """An invocation that a function's runtime refuses, which Lambda counts as failed."""
        answer = self.lambdas.invoke(FunctionName=self.functions[function], Payload=b'{"Records": "none"}')
        answer["Payload"].read()
        if "FunctionError" not in answer:
            raise Failure(f"{function} takes what is no batch and no call.", "choose something that it cannot read.")
        return time.time()

    def throttle(self, function: str, _now: float) -> float:
        """A function that may not run."""
        name = self.functions[function]
        self.lambdas.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
        try:
            self.lambdas.invoke(FunctionName=name, Payload=b"{}")
        except self.lambdas.exceptions.TooManyRequestsException:
            return time.time()
        finally:
            self.lambdas.delete_function_concurrency(FunctionName=name)
        raise Failure(f"{function} ran without any concurrency.", "look at the local AWS.")

    def leave_unread(self, queue: str, function: str, now: float) -> float:
        """Nobody reads a queue for an hour, in which a record comes."""
        with self.paused(queue, function):
            self.send(queue)
            for minute in range(55, 61):
                self.watcher.look(now + minute * MINUTE)
            self.sqs.purge_queue(QueueUrl=queue)
        return now + 60 * MINUTE

    @contextmanager
    def paused(self, queue: str, function: str) -> Iterator[None]:
        """A function does not read a queue meanwhile."""
        sources = self.lambdas.list_event_source_mappings(FunctionName=self.functions[function])
        name = queue.rsplit("/", 1)[-1]
        [source] = [s for s in sources["EventSourceMappings"] if s["EventSourceArn"].endswith(f":{name}")]
        self.lambdas.update_event_source_mapping(UUID=source["UUID"], Enabled=False)
        try:
            yield
        finally:
            self.lambdas.update_event_source_mapping(UUID=source["UUID"], Enabled=True)

    def log(self, values: dict[str, Any], minutes: Iterable[int], now: float) -> float:
        """The sender logs metrics at some minutes."""
        place = {"logGroupName": self.watcher.log.groups["sender"], "logStreamName": "ringing"}
        try:
            self.logs.create_log_stream(**place)
        except self.logs.exceptions.ResourceAlreadyExistsException:
            pass
        names = [{"Name": name} for name in values]
        directive = {"Namespace": "hookbell", "Dimensions": [["Stack"]], "Metrics": names}
        moments = [now + minute * MINUTE for minute in minutes]
        for at in moments:
            about = {"Timestamp": round(at * 1000), "CloudWatchMetrics": [directive]}
            event = {
                "timestamp": round(time.time() * 1000),
                "message": json.dumps({"_aws": about, "Stack": STACK_NAME, **values}),
            }
            self.logs.put_log_events(**place, logEvents=[event])
        return moments[-1]

    def say(self, namespace: str, name: str, of: dict[str, str], value: float, minutes: int, now: float) -> float:
        """AWS measures something for so many minutes."""
        dimensions = [{"Name": key, "Value": text} for key, text in of.items()]
        moments = [now + minute * MINUTE for minute in range(minutes)]
        data = [
            {"MetricName": name, "Dimensions": dimensions, "Timestamp": moment(at), "Value": value}
            for at in moments
        ]
        self.watcher.put(namespace, data)
        return moments[-1]

    def say_of(self, queue: str, name: str, now: float) -> float:
        """A queue has a hundred and ten thousand records."""
        return self.say("AWS/SQS", name, {"QueueName": queue.rsplit("/", 1)[-1]}, 110_000, 1, now)

    def send(self, queue: str) -> None:
        """Put a record on a queue that nobody can make anything of."""
        group = {"MessageGroupId": "nobody", "MessageDeduplicationId": str(time.time_ns())}
        self.sqs.send_message(QueueUrl=queue, MessageBody="nothing", **(group if queue.endswith(".fifo") else {}))

    def dead_letters_of(self, queue: str) -> str:
        """The queue to which SQS moves what was received from another too often."""
        attributes = self.sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["RedrivePolicy"])["Attributes"]
        name = json.loads(attributes["RedrivePolicy"])["deadLetterTargetArn"].rsplit(":", 1)[-1]
        return str(self.sqs.get_queue_url(QueueName=name)["QueueUrl"])
