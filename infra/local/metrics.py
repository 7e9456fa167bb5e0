"""`make watch`: what CloudWatch Logs, SQS and CloudWatch do on AWS, so that the alarms ring here too.

The functions log their metrics (the embedded metric format), and the queues know how much lies in them. This puts both
into the local CloudWatch, under the names that AWS gives them, and judges the alarms of infra/watch.yaml.
"""

from __future__ import annotations

import json
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import aws
import deployed_alarms
import stack
from alarms import Metric, Series
from logs import FunctionLog
from say import explained_failures, line
from settings import STACK_NAME, for_up

POLL_SECONDS = 5

# What SQS tells of a queue, and the metric that AWS makes of it each minute.
COUNTS = {
    "ApproximateNumberOfMessages": "ApproximateNumberOfMessagesVisible",
    "ApproximateNumberOfMessagesNotVisible": "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed": "ApproximateNumberOfMessagesDelayed",
}
AGE = "ApproximateAgeOfOldestMessage"
LOOKS = "NumberOfEmptyReceives"

# CloudWatch takes so many values in one request.
CHUNK = 500


def main() -> None:
    """Watch the stack of `make up`: once with --once, else until interrupted."""
    with explained_failures():
        running = stack.read(for_up())
        watcher = Watcher(running, since=time.time() - 900)
        once = "--once" in sys.argv[1:]
        while True:
            for change in watcher.look(time.time()):
                line(change.told())
            if once:
                return
            time.sleep(POLL_SECONDS)


@dataclass(frozen=True)
class Change:
    """An alarm that went to another state."""

    name: str
    state: str
    description: str

    def told(self) -> str:
        """As a person reads it."""
        return f"{datetime.now():%H:%M:%S}  {self.state:<5}  {self.name}: {self.description}"


class Watcher:
    """Stands between one running stack and its CloudWatch."""

    def __init__(self, running: stack.Stack, since: float) -> None:
        endpoint = running["awsEndpointUrl"]
        self.cloudwatch = aws.client("cloudwatch", endpoint)
        self.sqs = aws.client("sqs", endpoint)
        self.lambdas = aws.client("lambda", endpoint)
        self.alarms = deployed_alarms.read(endpoint)
        self.log = FunctionLog(running, since=round(since * 1000))
        self.queues = {name: self.queue_url(name) for name in self.watched_queues()}
        # When each queue was last seen to hold nothing that can be read or is being read.
        self.empty_at: dict[str, float] = {}

    def look(self, now: float) -> list[Change]:
        """Take over what was logged and what the queues hold at a moment, and judge all alarms then."""
        self.put_logged()
        self.put_queues(now)
        return self.judge(now)

    def watched_queues(self) -> set[str]:
        """The queues that an alarm looks at."""
        return {
            value
            for alarm in self.alarms
            for metric in alarm.metrics.values()
            for name, value in metric.dimensions
            if name == "QueueName"
        }

    def queue_url(self, name: str) -> str:
        """Where a queue is."""
        return str(self.sqs.get_queue_url(QueueName=name)["QueueUrl"])

    def put_logged(self) -> None:
        """Put what the functions have logged in the embedded metric format since the last look."""
        found = defaultdict(list)
        for group in self.log.groups.values():
            for name in self.log.streams(group):
                for event in self.log.new_events(group, name):
                    for namespace, datum in embedded(event["message"]):
                        found[namespace].append(datum)
        for namespace, data in found.items():
            self.put(namespace, data)

    def put_queues(self, now: float) -> None:
        """Put how much each queue holds, as SQS does once a minute."""
        data = []
        sources = self.lambdas.list_event_source_mappings()["EventSourceMappings"]
        read = {s["EventSourceArn"].rsplit(":", 1)[-1] for s in sources if s["State"] == "Enabled"}
        for name, url in self.queues.items():
            told = self.sqs.get_queue_attributes(QueueUrl=url, AttributeNames=list(COUNTS))
            counts = {COUNTS[key]: float(value) for key, value in told["Attributes"].items()}
            # SQS knows the oldest record's age, the local one does not. It is at most the time since there was none.
            if not any(value for key, value in counts.items() if not key.endswith("Delayed")):
                self.empty_at[name] = now
            # Lambda's looks at a queue are counted by SQS, and not here: one at least, where it looks at all.
            counts[LOOKS] = float(name in read)
            counts[AGE] = now - self.empty_at.setdefault(name, now)
            data += [
                {
                    "MetricName": metric,
                    "Dimensions": [{"Name": "QueueName", "Value": name}],
                    "Timestamp": moment(now),
                    "Value": value,
                }
                for metric, value in counts.items()
            ]
        self.put("AWS/SQS", data)

    def put(self, namespace: str, data: list[dict[str, Any]]) -> None:
        """Put metrics, in as many requests as it takes."""
        for start in range(0, len(data), CHUNK):
            self.cloudwatch.put_metric_data(
                Namespace=namespace, MetricData=data[start : start + CHUNK]
            )

    def judge(self, now: float) -> list[Change]:
        """Give each alarm the state that it has at a moment."""
        before = self.states()
        data = self.read({m for alarm in self.alarms for m in alarm.metrics.values()}, now)
        for alarm in self.alarms:
            state = "ALARM" if alarm.rings(data, now) else "OK"
            if before[alarm.name] != state:
                reason = f"by {', '.join(sorted(m.name for m in alarm.metrics.values()))}"
                self.cloudwatch.set_alarm_state(
                    AlarmName=alarm.name, StateValue=state, StateReason=reason
                )
        described = {alarm.name: alarm.properties["AlarmDescription"] for alarm in self.alarms}
        after = self.states()
        return [
            Change(name, state, described[name])
            for name, state in after.items()
            if state != before[name] and {state, before[name]} != {"OK", "INSUFFICIENT_DATA"}
        ]

    def states(self) -> dict[str, str]:
        """The states of the stack's alarms as the local AWS has them."""
        pages = self.cloudwatch.get_paginator("describe_alarms").paginate(
            AlarmNamePrefix=f"{STACK_NAME}-"
        )
        return {alarm["AlarmName"]: alarm["StateValue"] for page in pages for alarm in page["MetricAlarms"]}

    def read(self, metrics: set[Metric], now: float) -> dict[Metric, Series]:
        """What the local CloudWatch has of these metrics, by their periods, for as long as an alarm looks back."""
        asked = dict(enumerate(metrics))
        longest = max(alarm.period * (alarm.window + 1) for alarm in self.alarms)
        queries = [
            {
                "Id": f"m{number}",
                "MetricStat": {
                    "Metric": {
                        "Namespace": metric.namespace,
                        "MetricName": metric.name,
                        "Dimensions": [{"Name": n, "Value": v} for n, v in metric.dimensions],
                    },
                    "Period": metric.period,
                    "Stat": metric.stat,
                },
            }
            for number, metric in asked.items()
        ]
        answer = self.cloudwatch.get_metric_data(
            MetricDataQueries=queries, StartTime=moment(now - longest), EndTime=moment(now + 1)
        )
        return {
            asked[int(result["Id"][1:])]: {
                int(at.timestamp()): value
                for at, value in zip(result["Timestamps"], result["Values"], strict=True)
            }
            for result in answer["MetricDataResults"]
        }


def embedded(message: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The metrics of a log line in CloudWatch's embedded metric format, each with its namespace."""
    try:
        entry = json.loads(message)
        head = entry["_aws"]
    except (ValueError, KeyError, TypeError):
        return
    for directive in head["CloudWatchMetrics"]:
        for dimensions in directive["Dimensions"]:
            for metric in directive["Metrics"]:
                values = entry[metric["Name"]]
                yield (
                    directive["Namespace"],
                    {
                        "MetricName": metric["Name"],
                        "Dimensions": [{"Name": name, "Value": entry[name]} for name in dimensions],
                        "Timestamp": moment(head["Timestamp"] / 1000),
                        "Unit": metric.get("Unit", "None"),
                        "Values": values if isinstance(values, list) else [values],
                    },
                )


def moment(seconds: float) -> datetime:
    """A moment as AWS's client takes it."""
    return datetime.fromtimestamp(seconds, tz=timezone.utc)


if __name__ == "__main__":
    main()
