"""When an alarm rings, and what the bridge makes of a log line."""

from __future__ import annotations

import json
import unittest
from typing import Any

from alarms import Alarm, Metric, alarm_of, compute
from metrics import embedded

PERIOD = 60
NOW = 100 * PERIOD + 30


def alarm(**properties: Any) -> Alarm:
    """An alarm that rings above ten, for one period."""
    return alarm_of(
        {
            "AlarmName": "an-alarm",
            "Namespace": "AWS/SQS",
            "MetricName": "Visible",
            "Dimensions": [{"Name": "QueueName", "Value": "parked"}],
            "Statistic": "Maximum",
            "Period": PERIOD,
            "EvaluationPeriods": 1,
            "Threshold": "10",
            "ComparisonOperator": "GreaterThanThreshold",
            "TreatMissingData": "notBreaching",
            **properties,
        }
    )


def values(*newest_last: float | None) -> dict[int, float]:
    """A metric's values, the last of them of the minute that is not over."""
    first = int(NOW // PERIOD) - len(newest_last) + 1
    return {
        (first + number) * PERIOD: value
        for number, value in enumerate(newest_last)
        if value is not None
    }


class Ringing(unittest.TestCase):
    """An alarm, and values of its metric."""

    def check(self, rings: bool, newest_last: list[float | None], **properties: Any) -> None:
        """Whether it rings by these values of its metric."""
        one = alarm(**properties)
        self.assertEqual(one.rings({one.metrics["it"]: values(*newest_last)}, NOW), rings)

    def test_it_rings_above_its_threshold(self) -> None:
        self.check(True, [11])
        self.check(False, [10])

    def test_what_is_missing_does_not_breach(self) -> None:
        self.check(False, [])
        self.check(False, [11, None, None])
        self.check(False, [11, None, 11], EvaluationPeriods=3)

    def test_the_minute_before_counts_until_this_one_is_over(self) -> None:
        self.check(True, [11, 0])
        self.check(False, [11, 0, 0])

    def test_all_periods_have_to_breach(self) -> None:
        self.check(True, [11, 11, 11], EvaluationPeriods=3)
        self.check(False, [11, 0, 11], EvaluationPeriods=3)

    def test_or_so_many_of_them(self) -> None:
        three_of_five = {"EvaluationPeriods": 5, "DatapointsToAlarm": 3}
        self.check(True, [11, 0, 11, 0, 11], **three_of_five)
        self.check(False, [11, 0, 0, 0, 11, 0], **three_of_five)

    def test_another_queue_is_another_metric(self) -> None:
        one = alarm()
        other = alarm(Dimensions=[{"Name": "QueueName", "Value": "rejected"}])
        data = {other.metrics["it"]: values(11)}
        self.assertTrue(other.rings(data, NOW))
        self.assertFalse(one.rings(data, NOW))

    def test_one_on_dynamodb_alone_is_refused_since_it_would_not_stop(self) -> None:
        with self.assertRaises(AssertionError):
            alarm(Namespace="AWS/DynamoDB")

    def test_lines_that_nobody_looks_at(self) -> None:
        self.assertEqual(compute("IF(FILL(received, 0) + FILL(empty, 0) > 0, 0, visible)", {"visible": 3.0}.get), 3)
        looked = {"visible": 3.0, "empty": 1.0}.get
        self.assertEqual(compute("IF(FILL(received, 0) + FILL(empty, 0) > 0, 0, visible)", looked), 0)

    def test_what_is_compared_may_be_computed(self) -> None:
        def stat(name: str) -> dict[str, Any]:
            metric = {"Namespace": "hookbell", "MetricName": name, "Dimensions": []}
            return {"Id": name, "ReturnData": False, "MetricStat": {"Metric": metric, "Period": PERIOD, "Stat": "Sum"}}

        share = {"Id": "share", "Expression": "100 * bad / all"}
        both = {"Id": "all", "ReturnData": False, "Expression": "FILL(good, 0) + bad"}
        one = alarm(Metrics=[share, both, stat("good"), stat("bad")])
        good, bad = (Metric("hookbell", name, (), "Sum", PERIOD) for name in ("good", "bad"))
        self.assertTrue(one.rings({good: values(80), bad: values(20)}, NOW))
        self.assertFalse(one.rings({good: values(95), bad: values(5)}, NOW))
        self.assertTrue(one.rings({bad: values(1)}, NOW))
        self.assertFalse(one.rings({good: values(1)}, NOW))


class Math(unittest.TestCase):
    """An expression, and what it is where `a` is 6, `b` is 3 and `none` has no value."""

    def check(self, expression: str, expected: float | None) -> None:
        self.assertEqual(compute(expression, {"a": 6.0, "b": 3.0}.get), expected)

    def test_numbers(self) -> None:
        self.check("a + 2 * b", 12)
        self.check("a / (b + none)", None)
        self.check("a / 0", None)

    def test_what_is_missing(self) -> None:
        self.check("a + none", None)
        self.check("FILL(none, 0) + a", 6)

    def test_choices(self) -> None:
        self.check("IF(a > b, 100 * b / a, 0)", 50)
        self.check("IF(b > a, 1, 0)", 0)
        self.check("IF(none > 1, 1, 0)", None)

    def test_what_is_not_known_is_said(self) -> None:
        with self.assertRaises(ValueError):
            self.check("RATE(a)", None)


class Embedded(unittest.TestCase):
    """A log line, and the metrics in it."""

    def test_single_values_and_lists(self) -> None:
        metrics = [{"Name": "DueAge", "Unit": "Seconds"}, {"Name": "AwsErrors"}]
        directive = {"Namespace": "hookbell", "Dimensions": [["Stack"]], "Metrics": metrics}
        about = {"Timestamp": 1500, "CloudWatchMetrics": [directive]}
        found = list(embedded(json.dumps({"_aws": about, "Stack": "s", "DueAge": [1, 2], "AwsErrors": 3})))
        self.assertEqual([namespace for namespace, _ in found], ["hookbell", "hookbell"])
        late, errors = (datum for _, datum in found)
        self.assertEqual((late["MetricName"], late["Values"], late["Unit"]), ("DueAge", [1, 2], "Seconds"))
        self.assertEqual((errors["MetricName"], errors["Values"]), ("AwsErrors", [3]))
        self.assertEqual(late["Dimensions"], [{"Name": "Stack", "Value": "s"}])
        self.assertEqual(late["Timestamp"].timestamp(), 1.5)

    def test_other_lines_hold_none(self) -> None:
        for text in ("START RequestId", "[]", "3", '{"message":"delivery.attempted"}'):
            self.assertEqual(list(embedded(text)), [])


if __name__ == "__main__":
    unittest.main()
