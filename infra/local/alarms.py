"""What CloudWatch does with the alarms of infra/watch.yaml, for the local AWS, which does it otherwise.

That one looks at a metric's name and not at its dimensions, knows neither missing data nor "three of five", and takes
no metric math. So the alarms are read from the template that is deployed, and judged here.
"""

from __future__ import annotations

import ast
import operator
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

# Values by the moment at which their period begins.
Series = dict[int, float]


@dataclass(frozen=True)
class Metric:
    """One statistic of one metric, by periods of so many seconds."""

    namespace: str
    name: str
    dimensions: tuple[tuple[str, str], ...]
    stat: str
    period: int


@dataclass(frozen=True)
class Alarm:
    """An alarm that compares a metric, or what is computed from several, with a threshold."""

    name: str
    properties: dict[str, Any]
    metrics: dict[str, Metric]
    expressions: dict[str, str]
    compared: str

    @property
    def period(self) -> int:
        """Seconds of one period, the same for all of its metrics."""
        return max(metric.period for metric in self.metrics.values())

    @property
    def window(self) -> int:
        """How many periods are looked at."""
        return int(self.properties["EvaluationPeriods"])

    def rings(self, data: Mapping[Metric, Series], now: float) -> bool:
        """Whether it is in ALARM. Missing data does not breach.

        CloudWatch judges a period when it is over. Here it is judged while it lasts too, so that nobody waits a minute.
        """
        needed = int(self.properties.get("DatapointsToAlarm", self.window))
        current = int(now // self.period) * self.period
        for last in (current, current - self.period):
            moments = [last - back * self.period for back in range(self.window)]
            if sum(self.breaches(data, moment) for moment in moments) >= needed:
                return True
        return False

    def breaches(self, data: Mapping[Metric, Series], moment: int) -> bool:
        """Whether the value of one period is above the threshold."""
        values = {id: data.get(metric, {}).get(moment) for id, metric in self.metrics.items()}
        value = self.value(self.compared, values)
        return value is not None and value > float(self.properties["Threshold"])

    def value(self, id: str, values: Mapping[str, float | None]) -> float | None:
        """A metric's value, or what its expression makes of the others."""
        if id in values:
            return values[id]
        return compute(self.expressions[id], lambda name: self.value(name, values))


def resolve(value: Any, names: Mapping[str, str], off: Collection[str] = ()) -> Any:
    """A value of a template with what it refers to put in, where all conditions hold but those that are `off`: `Ref`,
    `Fn::Sub` and `Fn::If` are all that watch.yaml has there."""
    if isinstance(value, list):
        return [resolve(entry, names, off) for entry in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"Ref"}:
        return names[value["Ref"]]
    if set(value) == {"Fn::If"}:
        condition, then, otherwise = value["Fn::If"]
        return resolve(otherwise if condition in off else then, names, off)
    if set(value) == {"Fn::Sub"}:
        text, more = value["Fn::Sub"] if isinstance(value["Fn::Sub"], list) else (value["Fn::Sub"], {})
        known = {**names, **resolve(more, names, off)}
        return re.sub(r"\$\{([^}]+)\}", lambda found: str(known[found[1]]), text)
    return {key: resolve(entry, names, off) for key, entry in value.items()}


def of_template(template: Mapping[str, Any], parameters: Mapping[str, str]) -> list[Alarm]:
    """The alarms of a template, whatever their conditions."""
    resources = template["Resources"].values()
    return [
        alarm_of(resolve(resource["Properties"], parameters))
        for resource in resources
        if resource["Type"] == "AWS::CloudWatch::Alarm"
    ]


def alarm_of(properties: dict[str, Any]) -> Alarm:
    """An alarm of its properties, all references resolved."""
    assert properties["ComparisonOperator"] == "GreaterThanThreshold", properties["AlarmName"]
    # What ignores missing data looks at queues, and of those there is some at every look.
    assert properties["TreatMissingData"] in ("notBreaching", "ignore"), properties["AlarmName"]
    if "Metrics" not in properties:
        # Such an alarm would keep its state while data is missing, which is not played here (PutMetricAlarm).
        assert properties["Namespace"] != "AWS/DynamoDB", properties["AlarmName"]
        stat = properties.get("ExtendedStatistic") or properties["Statistic"]
        metric = metric_of(properties, stat, properties["Period"])
        return Alarm(properties["AlarmName"], properties, {"it": metric}, {}, "it")
    metrics, expressions, compared = {}, {}, ""
    for query in properties["Metrics"]:
        if "Expression" in query:
            expressions[query["Id"]] = query["Expression"]
        else:
            stat = query["MetricStat"]
            metrics[query["Id"]] = metric_of(stat["Metric"], stat["Stat"], stat["Period"])
        if query.get("ReturnData", True):
            compared = query["Id"]
    return Alarm(properties["AlarmName"], properties, metrics, expressions, compared)


def metric_of(named: Mapping[str, Any], stat: str, period: int | str) -> Metric:
    """A metric as an alarm or a query names it."""
    dimensions = tuple((entry["Name"], entry["Value"]) for entry in named["Dimensions"])
    return Metric(named["Namespace"], named["MetricName"], dimensions, stat, int(period))


Value = Callable[[str], "float | None"]

BINARY: dict[type, Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Gt: operator.gt,
}


def compute(expression: str, value: Value) -> float | None:
    """What an expression of metric math is at one moment; nothing where a part of it is missing.

    Of CloudWatch's language this is what the alarms use: + * / >, FILL, IF.
    """
    return computed(ast.parse(expression, mode="eval").body, value)


def computed(node: ast.expr, value: Value) -> float | None:
    """What a part of an expression is."""
    match node:
        case ast.Constant(value=int() | float() as number):
            return float(number)
        case ast.Name(id=name):
            return value(name)
        case ast.BinOp(left=left, op=op, right=right) | ast.Compare(
            left=left, ops=[op], comparators=[right]
        ):
            one, other = computed(left, value), computed(right, value)
            if one is None or other is None or (isinstance(op, ast.Div) and other == 0):
                return None
            return float(BINARY[type(op)](one, other))
        case ast.Call(func=ast.Name(id="FILL"), args=[part, filling]):
            found = computed(part, value)
            return computed(filling, value) if found is None else found
        case ast.Call(func=ast.Name(id="IF"), args=[condition, then, otherwise]):
            holds = computed(condition, value)
            return None if holds is None else computed(then if holds else otherwise, value)
    raise ValueError(f"not known here of metric math: {ast.unparse(node)}")
