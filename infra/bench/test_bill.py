"""The arithmetic of the bill, by an example that was computed by hand; and what becomes of a limit that is not kept."""

from __future__ import annotations

import re
import unittest
from dataclasses import replace
from typing import Any

from bill import MAIN, Parts, Scenario, scenarios
from deployment import Deployment, Schedule
from limits import Limit, judge, limits
from measured import Measured
from prices import Prices
from say import Failure
from settings import ROOT
from standing import WATCH, Standing, idle, looked_at, of_type, read
from usage import LAMBDA_LOG_BYTES, Usage

DOCS = ROOT / "docs"

DEPLOYMENT = Deployment(
    memory_mb={"api": 256, "sender": 256, "dlq": 128}, architecture="x86_64", retention_days=30, log_retention_days=15
)

# Round ones, so that the sums can be done in one's head.
PRICES = replace(
    Prices.load(),
    sqs_request=1e-6,
    lambda_request=2e-6,
    gb_seconds={"x86_64": 1e-4, "arm64": 5e-5},
    write_unit=3e-6,
    read_unit=4e-6,
    stored_byte_month=1e-9,
    recoverable_byte_month=2e-9,
    log_byte=1e-9,
    log_byte_month=1e-10,
    byte_out=1e-10,
    gateway_call=5e-6,
    bus_event=1e-6,
    bus_invocation=2e-7,
    sqs_fifo_request=2e-6,
    secret_month=0.5,
    alarm_metric_month=0.1,
    dashboard_month=3.0,
    metric_month=0.3,
)


def repeat(**changed: Any) -> dict[str, Any]:
    """Ten messages in one batch."""
    ten = {
        **{"function": "sender", "records": 10, "deliveries": 10, "attempts": 10, "exhausted": 0},
        **{"invocations": 1, "cpuMs": 0.0, "billedMs": 20, "wallMs": 20.0, "peakRssBytes": 1, "calls": {}},
        **{"readUnits": 1.0, "writeUnits": 20.0, "sqsRequests": 2.0, "producerRequests": 1.0},
        **{"storedBytes": 10_000, "storedItems": 20, "logBytes": 3_000, "logLines": 10, "sentBytes": 20_000},
    }
    return {**ten, **changed}


def run(group: str, name: str, parameters: dict[str, Any] | None = None, **changed: Any) -> dict[str, Any]:
    """A run that was repeated three times; what came out the first time and the last is far off."""
    standard = {"batchSize": 10, "endpoints": 1, "payloadBytes": 1000, "latencyMs": 1, "ingress": "sqs"}
    repeats = [repeat(**{**changed, "billedMs": 1}), repeat(**changed), repeat(**{**changed, "billedMs": 9_000})]
    return {"group": group, "name": name, "parameters": {**standard, **(parameters or {})}, "repeats": repeats}


def failed(name: str, **changed: Any) -> dict[str, Any]:
    """A run of attempts, none of which arrives."""
    return run("retries", name, deliveries=0, **changed)


RUNS = [
    run("success", "batches of 10"),
    run("receiver", "100 ms", {"latencyMs": 100}, billedMs=120),
    run("api", "send", function="api", records=10, deliveries=0, attempts=0, writeUnits=0.0),
    failed("first attempt fails", writeUnits=30.0),
    failed("retry fails", writeUnits=10.0),
    failed("last attempt fails", writeUnits=20.0, exhausted=10),
    run("retries", "retry succeeds", writeUnits=10.0),
    failed("dead-letter function", function="dlq", writeUnits=40.0),
    run("waiting", "wake-up", deliveries=0, attempts=0, writeUnits=0.0, storedBytes=0),
]
MEASURED = Measured.of({"runs": RUNS})


class TheBill(unittest.TestCase):
    """Dollars per million messages."""

    def check(self, lines: dict[str, float] | None, expected: dict[str, float]) -> None:
        """Those lines have to be there as they were computed."""
        assert lines is not None
        for name, dollars in expected.items():
            self.assertAlmostEqual(lines[name], dollars, places=9, msg=name)

    def test_each_line_is_a_median_for_one_delivery_times_its_price(self) -> None:
        log_bytes = 300 + 26 + LAMBDA_LOG_BYTES / 10
        main = next(scenario for scenario in scenarios(MEASURED, DEPLOYMENT) if scenario.name == MAIN)
        expected = {
            "SQS: the producer's requests": 0.1,
            "SQS: hookbell's requests": 0.2,
            "Lambda: requests": 0.2,
            # 2 ms, and 10 ms more for a receiver of 100 ms, at a quarter of a GB.
            "Lambda: GB-seconds": 0.3,
            "DynamoDB: writes": 6.0,
            "DynamoDB: reads": 0.4,
            "DynamoDB: storage": 1.0,
            "DynamoDB: recovery": 2.0,
            "Logs: ingestion": log_bytes / 1000,
            # Half a month.
            "Logs: storage": log_bytes / 20_000,
            "Data out": 0.2,
            "API Gateway: calls": 0.0,
        }
        lines = main.lines(PRICES, DEPLOYMENT)
        self.check(lines, expected)
        self.assertEqual(list(lines or {}), list(expected))
        total = main.total(PRICES, DEPLOYMENT)
        assert total is not None
        self.assertAlmostEqual(total, sum(expected.values()))

    def test_lambda_logs_three_lines_of_an_invocation(self) -> None:
        self.assertEqual(LAMBDA_LOG_BYTES, 71 + 52 + 143 + 3 * 26)

    def test_the_share_of_a_processor_stretches_what_is_computed(self) -> None:
        self.assertAlmostEqual(DEPLOYMENT.gb_seconds("sender", 2000, 0), 0.5)
        # One of the two seconds takes 1,769 / 256 seconds.
        self.assertAlmostEqual(DEPLOYMENT.gb_seconds("sender", 2000, 1000), (1 + 1769 / 256) / 4)

    def test_a_call_of_the_api_comes_in_place_of_the_producers_requests(self) -> None:
        rest = Parts(MEASURED, DEPLOYMENT).rest()
        self.assertEqual((rest.producer_requests, rest.gateway_calls), (0.0, 1.0))
        self.assertAlmostEqual(rest.invocations, 0.2)

    def test_a_wait_longer_than_sqs_delays_is_received_in_between(self) -> None:
        for seconds, wake_ups in ((30, 0), (900, 0), (901, 1), (1800, 1), (7200, 7)):
            self.assertEqual(Schedule("of one wait", [seconds]).wake_ups, wake_ups, seconds)
        self.assertEqual(Schedule.of("slothbox").wake_ups, 1 + 3 + 7 + 19)
        self.assertEqual(Schedule.of("daytona").wake_ups, 1 + 7 + 19 + 39 + 39)

    def test_an_exhausted_delivery_is_all_its_attempts_waits_and_its_end(self) -> None:
        usage = Parts(MEASURED, DEPLOYMENT).exhausted(Schedule("of three attempts", [30, 1800]))
        self.assertAlmostEqual(usage.write_units, 3 + 1 + 2 + 4)
        self.assertAlmostEqual(usage.invocations, 0.1 * (3 + 1 + 1))
        # Only the event came from a producer.
        self.assertAlmostEqual(usage.producer_requests, 0.1)

    def test_eventbridge_counts_64_kb_and_attempts(self) -> None:
        for payload_bytes, attempts, expected in ((1000, 1, 1.2), (65_536, 8, 2.6), (65_537, 1, 2.4)):
            scenario = Scenario("", payload_bytes, attempts, Usage())
            self.assertAlmostEqual(sum(scenario.eventbridge(PRICES).values()), expected)

    def test_what_was_not_measured_is_named_and_has_no_price(self) -> None:
        bill = scenarios(Measured.of({"runs": RUNS[:2]}), DEPLOYMENT)
        rest = next(scenario for scenario in bill if scenario.name.startswith("REST"))
        self.assertIsNone(rest.total(PRICES, DEPLOYMENT))
        self.assertEqual(rest.missing, "a call of the API")


class AtRest(unittest.TestCase):
    """Dollars in a month in which nothing happens."""

    def test_each_thing_is_counted_at_its_price(self) -> None:
        standing = Standing(
            secrets=2, polled_queues=3, polled_fifo_queues=1, alarm_metrics=30, dashboards=1, own_metrics=10
        )
        expected = [1.0, (3 + 2) * 0.648, 3.0, 3.0, 3.0]
        for dollars, wanted in zip(standing.lines(PRICES).values(), expected, strict=True):
            self.assertAlmostEqual(dollars, wanted)

    def test_an_alarm_that_computes_is_billed_by_each_metric_that_it_looks_at(self) -> None:
        query = {"MetricStat": {}}
        self.assertEqual(looked_at({"MetricName": "Errors"}), 1)
        self.assertEqual(looked_at({"Metrics": [query, {"Expression": "a / b"}, query]}), 2)

    def test_it_is_counted_in_what_is_deployed(self) -> None:
        found = Standing.read()
        self.assertEqual((found.secrets, found.polled_queues, found.polled_fifo_queues, found.dashboards), (2, 3, 2, 1))
        alarms = of_type(read(WATCH.read_text(encoding="utf-8")), "AWS::CloudWatch::Alarm")
        self.assertGreater(found.alarm_metrics, len(alarms))
        page = (DOCS / "METRICS.md").read_text(encoding="utf-8")
        rows = re.findall(r"^\| `\w+` \| (?:Count|Seconds|Milliseconds) \|", page, re.M)
        self.assertEqual(found.own_metrics, len(rows))

    def test_the_page_says_what_is_computed(self) -> None:
        page = (DOCS / "COST.md").read_text(encoding="utf-8").split("**At rest**", 1)[1]
        said = sorted(float(dollars) for dollars in re.findall(r"^\| [^|]+ \| (\d+\.\d\d) \|", page, re.M))
        computed = sorted(round(dollars, 2) for dollars in Standing.read().lines(Prices.load()).values())
        self.assertEqual(said, computed)
        lines = Standing.read().lines(Prices.load())
        at_most = f"at most about ${sum(lines.values()):.1f}0."
        watched, bare = idle(lines)
        for words in (at_most, f"takes ${watched:.2f} with alarms", f"${bare:.2f} without"):
            self.assertIn(words, page)


class TheLimits(unittest.TestCase):
    """What is said of a limit."""

    def test_one_that_is_not_kept_is_reported_with_how_much(self) -> None:
        with self.assertRaises(Failure) as raised:
            judge([Limit("the bill", 3.0, 2.5, "$"), Limit("memory", 60.0, 64.0, "MB")], everything=True)
        self.assertIn("1 of 2", raised.exception.what)
        self.assertIn("the bill: NO: 0.5 $ (20 %) too much", raised.exception.what)

    def test_one_that_is_known_fails_a_run_only_where_it_has_grown(self) -> None:
        judge([Limit("failing", 5.0, 3.0, "times", known=6.0)], everything=True)
        with self.assertRaises(Failure):
            judge([Limit("failing", 6.5, 3.0, "times", known=6.0)], everything=True)

    def test_one_that_is_just_kept_is_kept(self) -> None:
        judge([Limit("write units", 2.0, 2.0, "units")], everything=True)

    def test_one_that_was_not_measured_fails_a_whole_run_alone(self) -> None:
        found = [Limit("memory", None, 64.0, "MB")]
        judge(found, everything=False)
        with self.assertRaises(Failure):
            judge(found, everything=True)

    def test_the_programs_own_limits_are_among_them(self) -> None:
        record = {"limit": "a page", "measured": 6.0, "atMost": 5.0, "aim": None, "unit": "ms"}
        measured = Measured.of({"runs": RUNS, "limits": [record]})
        found = limits(measured, scenarios(measured, DEPLOYMENT), PRICES, DEPLOYMENT)
        self.assertEqual([limit.name for limit in found if limit.kept is False and limit.unit == "ms"], ["a page"])

    def test_growth_is_the_furthest_from_the_smallest(self) -> None:
        growth = [run("growth", str(stored), cpuMs=cpu) for stored, cpu in ((0, 1.0), (1000, 1.2), (2000, 0.7))]
        measured = Measured.of({"runs": growth})
        found = limits(measured, scenarios(measured, DEPLOYMENT), PRICES, DEPLOYMENT)
        cpu = next(limit for limit in found if limit.name.startswith("growth: CPU"))
        assert cpu.measured is not None
        self.assertAlmostEqual(cpu.measured, 30.0)


if __name__ == "__main__":
    unittest.main()
