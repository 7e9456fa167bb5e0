"""What a deployment costs in a month in which nothing happens, line by line."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import yaml

from deployment import DAYS_OF_A_MONTH, TemplateLoader
from prices import Prices
from settings import ROOT, TEMPLATE

WATCH = ROOT / "infra" / "watch.yaml"
METRICS = ROOT / "crates" / "aws" / "src" / "metrics.rs"

# Lambda looks at a queue by five long polls at once, each of twenty seconds, while nothing is there: what users of it
# have counted. AWS's guide says only that it begins with five.
POLLS_A_MONTH = 5 * (60 // 20) * 60 * 24 * DAYS_OF_A_MONTH


@dataclass(frozen=True)
class Standing:
    """What there is, however little it does."""

    secrets: int
    polled_queues: int
    polled_fifo_queues: int
    # An alarm that computes is billed by each metric that it looks at.
    alarm_metrics: int
    dashboards: int
    # Those that a deployment ever sends.
    own_metrics: int

    @classmethod
    def read(cls) -> Standing:
        """Count it in the templates and in the code."""
        resources = read(TEMPLATE.read_text(encoding="utf-8"))
        watched = read(WATCH.read_text(encoding="utf-8"))
        sources = [
            name
            for function in of_type(resources, "AWS::Serverless::Function")
            for name, event in function["Properties"].get("Events", {}).items()
            if event["Type"] == "SQS"
        ]
        fifo = [name for name in sources if name.endswith("Fifo")]
        enum = METRICS.read_text(encoding="utf-8").split("pub enum Metric {", 1)[1].split("\n}", 1)[0]
        return cls(
            secrets=len(of_type(resources, "AWS::SecretsManager::Secret")),
            polled_queues=len(sources) - len(fifo),
            polled_fifo_queues=len(fifo),
            alarm_metrics=sum(
                looked_at(alarm["Properties"]) for alarm in of_type(watched, "AWS::CloudWatch::Alarm")
            ),
            dashboards=len(of_type(watched, "AWS::CloudWatch::Dashboard")),
            own_metrics=len(re.findall(r"^    \w+,$", enum, re.M)),
        )

    def lines(self, prices: Prices) -> dict[str, float]:
        """Dollars a month, each for what it is for."""
        polls = self.polled_queues * prices.sqs_request + self.polled_fifo_queues * prices.sqs_fifo_request
        return {
            f"Secrets Manager: {self.secrets} secrets": self.secrets * prices.secret_month,
            f"SQS: polling of {self.polled_queues + self.polled_fifo_queues} queues": polls * POLLS_A_MONTH,
            f"CloudWatch: alarms, of {self.alarm_metrics} metrics": self.alarm_metrics * prices.alarm_metric_month,
            "CloudWatch: the dashboard": self.dashboards * prices.dashboard_month,
            f"CloudWatch: {self.own_metrics} metrics, at most": self.own_metrics * prices.metric_month,
        }


def idle(lines: Mapping[str, float]) -> tuple[float, float]:
    """Of those lines what is paid while nothing is sent, so that there are no metrics: in all, and without alarms and dashboard."""
    paid = {line: dollars for line, dollars in lines.items() if "metrics, at most" not in line}
    return sum(paid.values()), sum(d for line, d in paid.items() if not line.startswith("CloudWatch"))


def read(template: str) -> Mapping[str, Any]:
    """The resources of a template."""
    resources: Mapping[str, Any] = yaml.load(template, Loader=TemplateLoader)["Resources"]
    return resources


def of_type(resources: Mapping[str, Any], wanted: str) -> list[Any]:
    """The resources of a type."""
    return [resource for resource in resources.values() if resource["Type"] == wanted]


def looked_at(alarm: Mapping[str, Any]) -> int:
    """How many metrics an alarm looks at."""
    return sum("MetricStat" in query for query in alarm["Metrics"]) if "Metrics" in alarm else 1
