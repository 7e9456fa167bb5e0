"""What holds infra/watch.yaml to docs/OPERATIONS.md, to template.yaml, to the metrics there are, and to itself.

Each rule is a function from the files' contents to its breaches. It is tried twice: the files have none, and the files with
one thing broken have the one that names it.
"""

from __future__ import annotations

import copy
import json
import re
import unittest
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any

from samcli.yamlhelper import yaml_parse

from alarms import of_template, resolve
from deployed_alarms import PSEUDO_PARAMETERS
from settings import ROOT

Breaches = list[str]

# The dimensions of AWS's metrics (each service's page "CloudWatch metrics").
QUEUE, FUNCTION, TABLE = ("QueueName",), ("FunctionName",), ("TableName",)
OPERATION, API = ("TableName", "Operation"), ("ApiName", "Stage")
OF_AWS: dict[tuple[str, str], tuple[str, ...]] = {
    **{
        ("AWS/SQS", name): QUEUE
        for name in (
            "ApproximateAgeOfOldestMessage",
            "ApproximateNumberOfMessagesVisible",
            "ApproximateNumberOfMessagesNotVisible",
            "ApproximateNumberOfMessagesDelayed",
            "NumberOfMessagesSent",
            "NumberOfMessagesReceived",
            "NumberOfEmptyReceives",
        )
    },
    **{
        ("AWS/Lambda", name): FUNCTION
        for name in ("Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions")
    },
    **{
        ("AWS/DynamoDB", name): TABLE
        for name in (
            "ReadThrottleEvents",
            "WriteThrottleEvents",
            "ConditionalCheckFailedRequests",
            "ConsumedReadCapacityUnits",
            "ConsumedWriteCapacityUnits",
        )
    },
    **{("AWS/DynamoDB", name): OPERATION for name in ("SystemErrors", "SuccessfulRequestLatency")},
    # Counted for the whole account.
    ("AWS/DynamoDB", "UserErrors"): (),
    **{("AWS/ApiGateway", name): API for name in ("Count", "4XXError", "5XXError", "Latency")},
    ("AWS/Logs", "IncomingBytes"): ("LogGroupName",),
}

# What a dimension's value has to be of: a parameter that template.yaml fills from a resource of that type.
TYPES = {
    "QueueName": "AWS::SQS::Queue",
    "FunctionName": "AWS::Serverless::Function",
    "TableName": "AWS::DynamoDB::Table",
    "LogGroupName": "AWS::Logs::LogGroup",
    "Stage": "AWS::Serverless::Api",
}

WORDS_OF_INSIGHTS = {"filter", "and", "in", "stats", "by", "sort", "desc", "limit"}

OPERATIONS = ("GetItem", "Query", "PutItem", "UpdateItem", "BatchWriteItem")

# The metrics of our own, where they are counted.
ENUM = ROOT / "crates" / "aws" / "src" / "metrics.rs"
LINE = ROOT / "functions" / "sender" / "src" / "attempt.rs"


@dataclass
class Files:
    """What the rules look at."""

    watch: dict[str, Any]
    root: dict[str, Any]
    page: str
    metrics: set[str]
    lines: str
    line: str

    @classmethod
    def read(cls) -> Files:
        """The repository's own."""
        return cls(
            watch=plain(yaml_parse((ROOT / "infra" / "watch.yaml").read_text())),
            root=plain(yaml_parse((ROOT / "template.yaml").read_text())),
            page=(ROOT / "docs" / "OPERATIONS.md").read_text(),
            metrics=own_metrics(),
            lines=(ROOT / "docs" / "METRICS.md").read_text().split("## Metrics", 1)[0],
            line=LINE.read_text(),
        )

    def given(self) -> dict[str, Any]:
        """What template.yaml gives to the nested stack."""
        given: dict[str, Any] = self.root["Resources"]["Watch"]["Properties"]["Parameters"]
        return given

    def names(self) -> dict[str, str]:
        """The nested stack's parameters, those without a default by their own names."""
        return {
            **PSEUDO_PARAMETERS,
            **{name: str(body.get("Default", f"<{name}>")) for name, body in self.watch["Parameters"].items()},
        }

    def alarms(self) -> list[dict[str, Any]]:
        """The properties of all alarms, their references put in."""
        return [alarm.properties for alarm in of_template(self.watch, self.names())]

    def dashboard(self, off: Collection[str] = ()) -> dict[str, Any]:
        """The dashboard's body, with all conditions or without some."""
        body = self.watch["Resources"]["DashboardOfStack"]["Properties"]["DashboardBody"]
        read: dict[str, Any] = json.loads(resolve(body, self.names(), off))
        return read

    def widgets(self, kind: str) -> list[dict[str, Any]]:
        """The properties of the dashboard's widgets of a kind."""
        return [w["properties"] for w in self.dashboard()["widgets"] if w["type"] == kind]


def plain(value: Any) -> Any:
    """Plain dictionaries of what the parser answers with."""
    return json.loads(json.dumps(value))


def own_metrics() -> set[str]:
    """The variants of the enum of metrics."""
    body = ENUM.read_text().split("pub enum Metric {", 1)[1].split("\n}", 1)[0]
    return set(re.findall(r"^    (\w+),$", body, re.M))


def points_to(alarm: dict[str, Any]) -> str:
    """The heading that an alarm's description ends with."""
    found = re.search(r" See docs/OPERATIONS\.md, ([a-z-]+)\.$", alarm["AlarmDescription"])
    return found[1] if found else ""


def described(files: Files) -> Breaches:
    """Each alarm says what it means and where it is explained, and each explanation is of an alarm."""
    headings = set(re.findall(r"^### ((?:page|hint)-[a-z-]+)$", files.page, re.M))
    breaches = []
    pointed = set()
    for alarm in files.alarms():
        name = alarm["AlarmName"].removeprefix("<StackName>-")
        heading = points_to(alarm)
        pointed.add(heading)
        if heading not in headings or not name.startswith(heading):
            breaches.append(f"{name}: docs/OPERATIONS.md has no heading {heading!r} for it")
        if not alarm["AlarmDescription"].lower().startswith(f"{name.split('-')[0]}, "):
            breaches.append(f"{name}: its description does not begin with what it is, page or hint")
    return breaches + [f"docs/OPERATIONS.md: {heading} is no alarm" for heading in sorted(headings - pointed)]


def heard(files: Files) -> Breaches:
    """Each alarm tells the owners that it rings, and that it stops."""
    return [
        f"{alarm['AlarmName']}: its {kind} are not the owners' topic"
        for alarm in files.alarms()
        for kind in ("AlarmActions", "OKActions")
        if alarm.get(kind) != ["<OwnersTopicArn>"]
    ]


def used(files: Files) -> Iterator[tuple[str, str, str, dict[str, str]]]:
    """Each metric that an alarm or a widget looks at: where, its namespace, its name, its dimensions."""
    for alarm in of_template(files.watch, files.names()):
        for metric in alarm.metrics.values():
            yield alarm.name, metric.namespace, metric.name, dict(metric.dimensions)
    for widget in files.widgets("metric"):
        for entry in widget["metrics"]:
            texts = [part for part in entry if isinstance(part, str)]
            if texts:
                dimensions = dict(zip(texts[2::2], texts[3::2], strict=True))
                yield widget["title"], texts[0], texts[1], dimensions


def known(files: Files) -> Breaches:
    """Each metric is one of AWS or of ours, and has its dimensions."""
    ours = dict.fromkeys((("hookbell", name) for name in files.metrics), ("Stack",))
    breaches = []
    for place, namespace, name, dimensions in used(files):
        expected = {**OF_AWS, **ours}.get((namespace, name))
        if expected is None:
            breaches.append(f"{place}: there is no metric {namespace} {name}")
        elif tuple(dimensions) != expected:
            breaches.append(f"{place}: {name} has the dimensions {expected}, not {tuple(dimensions)}")
    return breaches


def of_the_stack(files: Files) -> Breaches:
    """Each dimension is the name of a resource of the stack that is of the right type."""
    breaches = []
    for place, _, name, dimensions in used(files):
        for dimension, value in dimensions.items():
            if dimension == "Operation":
                fits = value in OPERATIONS
            elif dimension in ("Stack", "ApiName"):
                # SAM gives the API the stack's name.
                fits = value == "<StackName>" and files.given()["StackName"] == {"Ref": "AWS::StackName"}
            else:
                fits = type_of(files, value.strip("<>")) == TYPES[dimension]
            if not fits:
                breaches.append(f"{place}: {value} is no {dimension} for {name}")
    return breaches


def type_of(files: Files, parameter: str) -> str:
    """The type of the resource that template.yaml gives as a parameter of the nested stack; of two, the stack's own."""
    given = files.given().get(parameter, {})
    given = given.get("Fn::If", [given])[-1]
    reference = given.get("Ref") or (given.get("Fn::GetAtt") or [""])[0]
    return str(files.root["Resources"].get(str(reference).split(".")[0], {}).get("Type", ""))


def parameters(files: Files) -> Breaches:
    """template.yaml gives what has no default, and nothing that is not asked for; each is looked at somewhere."""
    asked, given = files.watch["Parameters"], files.given()
    breaches = [f"template.yaml does not give {name}" for name, body in asked.items() if "Default" not in body and name not in given]
    breaches += [f"template.yaml gives {name}, which is no parameter" for name in given if name not in asked]
    text = json.dumps([files.watch["Resources"], files.watch["Conditions"]])
    return breaches + [
        f"{name} is not used" for name in asked if f'"Ref": "{name}"' not in text and f"${{{name}}}" not in text
    ]


def drawn(files: Files) -> Breaches:
    """Widgets stand in the grid and on none of each other; what they compute and whose alarms they show is there."""
    breaches = []
    taken: set[tuple[int, int]] = set()
    for widget in files.dashboard()["widgets"]:
        place = {
            (x, y)
            for x in range(widget["x"], widget["x"] + widget["width"])
            for y in range(widget["y"], widget["y"] + widget["height"])
        }
        title = widget["properties"].get("title") or widget["properties"]["markdown"]
        if taken & place or max(x for x, _ in place) > 23:
            breaches.append(f"{title}: it has no place of its own")
        taken |= place
    for widget in files.widgets("metric"):
        ids = {part["id"] for entry in widget["metrics"] for part in entry if isinstance(part, dict) and "id" in part}
        for entry in widget["metrics"]:
            for word in re.findall(r"\b[a-z]\w*\b", entry[0].get("expression", "") if isinstance(entry[0], dict) else ""):
                if word not in ids:
                    breaches.append(f"{widget['title']}: it computes with {word}, which is not there")
    return breaches


def paged(files: Files) -> Breaches:
    """The dashboard shows the pages that there are, with all alarms, with those that compute nothing, and with none."""
    breaches = []
    for alarms, off in (("all", set()), ("simple", {"WithMath"}), ("none", {"WithMath", "WithAlarms"})):
        names = {
            resolve(resource["Properties"]["AlarmName"], files.names())
            for resource in files.watch["Resources"].values()
            if resource["Type"] == "AWS::CloudWatch::Alarm" and resource["Condition"] not in off
        }
        widgets = [w["properties"] for w in files.dashboard(off)["widgets"] if w["type"] == "alarm"]
        if not all(widget["alarms"] for widget in widgets):
            breaches.append(f"Alarms={alarms}: a widget has no alarm")
        shown = {arn.split(":alarm:")[1] for widget in widgets for arn in widget["alarms"]}
        breaches += [f"Alarms={alarms}: the dashboard shows {name}, which is no alarm" for name in sorted(shown - names)]
        pages = {name for name in names if name.startswith("<StackName>-page-")}
        breaches += [f"Alarms={alarms}: the dashboard does not show {name}" for name in sorted(pages - shown)]
    return breaches


def filled(files: Files) -> Breaches:
    """What is missing of a metric of DynamoDB is put in: an alarm on it alone keeps its state, whatever it says."""
    breaches = []
    for resource in files.watch["Resources"].values():
        properties = resource["Properties"]
        if properties.get("Namespace") == "AWS/DynamoDB":
            breaches.append(f"{resolve(properties['AlarmName'], files.names())}: it would not stop")
        expressions = str([query.get("Expression") for query in properties.get("Metrics", [])])
        for query in properties.get("Metrics", []):
            of_dynamodb = query.get("MetricStat", {}).get("Metric", {}).get("Namespace") == "AWS/DynamoDB"
            if of_dynamodb and f"FILL({query['Id']}, 0)" not in expressions:
                breaches.append(f"{resolve(properties['AlarmName'], files.names())}: {query['Id']} may be missing")
    return breaches


def asked(files: Files) -> Breaches:
    """The query for the worst endpoints asks for what the sender logs of an attempt."""
    [widget] = files.widgets("log")
    line = files.line.split("fn log(", 1)[1].split("\n}", 1)[0]
    query = widget["query"]
    fields = re.findall(r"(?:max|latest)\((\w+)\)|by (\w+), (\w+)|and (\w+) in", query)
    names = {name for found in fields for name in found if name}
    breaches = [f"the sender does not log {name} of an attempt" for name in sorted(names) if not re.search(rf"^\s+{name} =", line, re.M)]
    texts = re.findall(r'"([^"]+)"', query)
    return breaches + [f'the sender logs nowhere "{text}"' for text in texts if f'"{text}"' not in line]


def queried(files: Files) -> Breaches:
    """The page's queries ask for fields and names that docs/METRICS.md says are logged; one of them is the dashboard's."""
    queries = re.findall(r"^(?:ask \w+ |WORST=)'([^']+)'", files.page, re.M)
    logged = set(re.findall(r"`([\w.]+)`", files.lines))
    breaches = []
    for query in queries:
        bare = re.sub(r'"[^"]*"|\bas \w+', "", query)
        made = set(re.findall(r"\bas (\w+)", query))
        words = set(re.findall(r"\b[a-z_]+\b(?!\()", bare)) - made - WORDS_OF_INSIGHTS
        names = set(re.findall(r'message = "([^"]+)"', query))
        breaches += [f"{word} is no field of a line: {query}" for word in sorted((words | names) - logged)]
    [widget] = files.widgets("log")
    if widget["query"].split(" | ", 1)[1] not in queries:
        breaches.append("the dashboard asks for other endpoints than docs/OPERATIONS.md")
    return breaches


class Watch(unittest.TestCase):
    """The files keep each rule, and each rule notices what is broken."""

    def setUp(self) -> None:
        self.files = Files.read()

    def check(self, rule: Callable[[Files], Breaches], break_it: Callable[[Files], Any], words: str) -> None:
        """The rule is kept; once it is broken, it says so in these words."""
        self.assertEqual(rule(self.files), [])
        broken = copy.deepcopy(self.files)
        break_it(broken)
        self.assertIn(words, "\n".join(rule(broken)))

    def in_watch(self, old: str, new: str) -> Callable[[Files], None]:
        """Puts one text for another in watch.yaml."""

        def change(files: Files) -> None:
            text = json.dumps(files.watch)
            self.assertTrue(old in text, f"watch.yaml has no {old}")
            files.watch = json.loads(text.replace(old, new, 1))

        return change

    def test_every_alarm_is_explained_and_every_explanation_is_of_one(self) -> None:
        self.check(described, self.in_watch("-hint-parked", "-hint-lost"), "hint-lost: docs/OPERATIONS.md has no heading")
        self.check(described, self.in_watch("Page, ours: so many", "Hint, ours: so many"), "page-many-parked: its description")
        self.check(described, lambda files: setattr(files, "page", files.page + "\n### hint-nothing\n"), "hint-nothing is no alarm")

    def test_every_alarm_is_heard(self) -> None:
        self.check(heard, lambda files: files.watch["Resources"]["Parked"]["Properties"].pop("OKActions"), "hint-parked: its OKActions")

    def test_every_metric_is_there(self) -> None:
        self.check(known, lambda files: files.metrics.discard("DueAge"), "no metric hookbell DueAge")
        self.check(known, self.in_watch('"MetricName": "Throttles"', '"MetricName": "Throttled"'), "no metric AWS/Lambda Throttled")
        self.check(known, self.in_watch("IncomingBytes", "Bytes"), "no metric AWS/Logs Bytes")

    def test_every_metric_is_of_a_resource_of_the_stack(self) -> None:
        change = lambda files: files.given().update(ParkedQueueName={"Ref": "Table"})  # noqa: E731
        self.check(of_the_stack, change, "<ParkedQueueName> is no QueueName")
        self.check(of_the_stack, self.in_watch('\\"Operation\\", \\"Query\\"', '\\"Operation\\", \\"Find\\"'), "Find is no Operation")

    def test_parameters_are_given_and_used(self) -> None:
        self.check(parameters, lambda files: files.given().pop("TableName"), "does not give TableName")
        self.check(parameters, lambda files: files.watch["Parameters"].pop("Dashboard"), "gives Dashboard, which")
        self.check(parameters, lambda files: files.watch["Parameters"].update(Idle={"Default": 1}), "Idle is not used")

    def test_the_dashboard_can_be_drawn(self) -> None:
        self.check(drawn, self.in_watch('\\"x\\": 4, \\"y\\": 3', '\\"x\\": 3, \\"y\\": 3'), "it has no place of its own")
        self.check(drawn, self.in_watch('\\"id\\": \\"again\\"', '\\"id\\": \\"once\\"'), "computes with again")

    def test_the_dashboard_shows_the_pages_that_there_are(self) -> None:
        self.check(paged, self.in_watch(":alarm:${StackName}-page-api-errors", ":alarm:${StackName}-page-api"), "which is no alarm")
        self.check(paged, self.in_watch('"${StackName}-hint-parked"', '"${StackName}-page-parked"'), "does not show <StackName>-page-parked")
        change = lambda files: files.watch["Resources"]["ApiErrors"].update(Condition="WithMath")  # noqa: E731
        self.check(paged, change, "Alarms=simple: the dashboard shows <StackName>-page-api-errors, which is no alarm")

    def test_what_dynamodb_does_not_say_is_put_in(self) -> None:
        self.check(filled, self.in_watch("FILL(throttled, 0)", "throttled"), "hint-table-throttles-reads: throttled may be missing")
        change = lambda files: files.watch["Resources"]["Parked"]["Properties"].update(Namespace="AWS/DynamoDB")  # noqa: E731
        self.check(filled, change, "hint-parked: it would not stop")

    def test_the_worst_endpoints_are_asked_for_by_what_is_logged(self) -> None:
        self.check(asked, lambda files: setattr(files, "line", files.line.replace("endpoint_id =", "endpoint =")), "does not log endpoint_id")
        self.check(asked, lambda files: setattr(files, "line", files.line.replace('"exhausted"', '"over"')), 'nowhere "exhausted"')

    def test_the_pages_queries_ask_for_what_is_logged(self) -> None:
        self.check(queried, lambda files: setattr(files, "lines", files.lines.replace("`late_ms`", "")), "late_ms is no field")
        self.check(queried, lambda files: setattr(files, "page", files.page.replace('"api.called"', '"api.call"')), "api.call is no field")
        self.check(queried, lambda files: setattr(files, "page", files.page.replace("limit 10'", "limit 20'", 1)), "asks for other endpoints")


if __name__ == "__main__":
    unittest.main()
