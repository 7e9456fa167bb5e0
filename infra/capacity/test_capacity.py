"""What capacity.py computes, the facts that it takes from elsewhere, and the tables that docs/CAPACITY.md shows of it."""

from __future__ import annotations

import re
import unittest
from pathlib import Path
from unittest import mock

import capacity
from capacity import Load, Row, cost_lines, table

ROOT = Path(__file__).resolve().parents[2]


def default(parameter: str) -> int:
    """A parameter's default in template.yaml."""
    text = (ROOT / "template.yaml").read_text(encoding="utf-8")
    found = re.search(rf"^  {parameter}:\n    Type: Number\n    Default: (\d+)$", text, re.M)
    assert found, parameter
    return int(found[1])


class WhatIsAsked(unittest.TestCase):
    """The variables of `make capacity`."""

    def test_what_is_no_number_above_zero_is_refused_by_its_name(self) -> None:
        for name, value in (("RATES", "10 1,000"), ("RATES", "0"), ("ENDPOINTS", "many"), ("BYTES", "-1"), ("LATENCY", "nan")):
            with mock.patch.dict("os.environ", {name: value}), self.assertRaisesRegex(SystemExit, name):
                capacity.chosen()

    def test_rates_may_be_fractions(self) -> None:
        with mock.patch.dict("os.environ", {"RATES": "0.5 20"}):
            self.assertEqual([load.rate for load in capacity.chosen()], [0.5, 20])


class TheLoad(unittest.TestCase):
    """Figures of one load."""

    def test_a_message_and_each_delivery_write_a_unit(self) -> None:
        for endpoints, payload_bytes, units in ((1, 1000, 2), (5, 1000, 6), (1, 5000, 7), (2, 20_000, 22)):
            self.assertEqual(Load(1, endpoints, payload_bytes).write_units, units, (endpoints, payload_bytes))

    def test_an_invocation_waits_for_its_slowest_receiver_and_computes_for_all(self) -> None:
        computing = 10 * 0.18 * 1769 / 256
        self.assertAlmostEqual(Load(1, latency_ms=100).invocation_ms, 100 + computing + 30)
        # 130 attempts do not fit into 128 places, so some wait for others.
        self.assertAlmostEqual(Load(1, endpoints=13, latency_ms=100).invocation_ms, 200 + 13 * computing + 30)

    def test_instances_are_the_rate_of_batches_times_how_long_one_takes(self) -> None:
        load = Load(1000, latency_ms=1000)
        self.assertEqual(load.senders, round(100 * load.invocation_ms / 1000 + 0.5))
        self.assertEqual(load.in_flight, round(1000 * load.invocation_ms / 1000 + 0.5))

    def test_lambda_adds_300_instances_a_minute_to_the_first_five(self) -> None:
        load = Load(10_000, latency_ms=1000)
        self.assertAlmostEqual(load.scaling_minutes, (load.senders - 5) / 300)
        self.assertEqual(Load(1).scaling_minutes, 0)

    def test_one_organization_takes_eight_thousand_messages_of_one_unit(self) -> None:
        for rate, payload_bytes, organizations in ((8000, 1000, 1), (8001, 1000, 2), (1000, 20_000, 3)):
            self.assertEqual(Load(rate, payload_bytes=payload_bytes).organizations, organizations)

    def test_a_month_of_one_event_a_second_costs_the_bill_of_so_many_messages(self) -> None:
        million = sum(cost_lines().values())
        self.assertAlmostEqual(Load(1).dollars(cost_lines()), million * 2.592)

    def test_what_is_over_a_quota_is_marked(self) -> None:
        row = Row("", lambda load: load.rate, 10)
        self.assertEqual([row.cell(Load(rate)) for rate in (10, 11, 0.5)], ["10", "**11**", "0.5"])


class WhatIsTakenFromElsewhere(unittest.TestCase):
    """Facts that have their place in another file."""

    def test_the_bills_lines_are_those_of_the_page(self) -> None:
        self.assertEqual(len(cost_lines()), 6)
        self.assertAlmostEqual(sum(cost_lines().values()), 2.44, delta=0.02)

    def test_cpu_of_a_delivery_is_as_the_page_says(self) -> None:
        page = " ".join(capacity.COST.read_text(encoding="utf-8").split())
        self.assertIn(f"A delivery takes about {capacity.CPU_MS_OF_A_DELIVERY} ms of the sender's CPU", page)

    def test_defaults_are_the_templates(self) -> None:
        for parameter, value in (
            ("BatchSize", capacity.BATCH_SIZE),
            ("Concurrency", capacity.CONCURRENCY),
            ("SenderMemory", capacity.SENDER_MB),
            ("MaximumConcurrency", capacity.MAXIMUM_CONCURRENCY),
        ):
            self.assertEqual(default(parameter), value, parameter)

    def test_messages_lie_in_as_many_shards_as_the_code_says(self) -> None:
        sources = (ROOT / "crates").rglob("*.rs")
        found = [m[1] for file in sources for m in re.finditer(r"const SHARDS: \w+ = (\d+);", file.read_text(encoding="utf-8"))]
        self.assertEqual(set(found), {str(capacity.SHARDS)})


class ThePage(unittest.TestCase):
    """docs/CAPACITY.md."""

    def test_it_shows_the_tables_as_they_are_computed(self) -> None:
        page = (ROOT / "docs" / "CAPACITY.md").read_text(encoding="utf-8")
        rates = (1, 10, 100, 1000, 10_000)
        for endpoints, payload_bytes, latency in ((1, 1000, 100), (5, 5000, 1000)):
            self.assertIn(table([Load(rate, endpoints, payload_bytes, latency) for rate in rates]), page)


if __name__ == "__main__":
    unittest.main()
