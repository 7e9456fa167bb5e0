"""The report: what was measured and what follows from it, as Markdown, on the terminal, and for programs.

It reads what the steps before it have left in target/bench, so it can be drawn up again without measuring.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timezone
from typing import Any

import latency
import plots
from bill import MAIN, RECEIVER_MS, Scenario, Variant, scenarios, sensitivity
from deployment import Deployment
from latency import Times
from limits import MEBIBYTE, Limit, judge, limits
from measured import QUANTITIES, Measured, Run
from prices import Prices
from say import explained_failures, line
from settings import ROOT, shown
from standing import Standing
from tables import Cell, Table

FOLDER = ROOT / "target" / "bench"
MEASURED = FOLDER / "measured.json"
LATENCY = FOLDER / "latency.json"
ABOUT = FOLDER / "about.json"
TEXT = FOLDER / "report.md"
DATA = FOLDER / "report.json"
PLOTS = FOLDER / "plots"

# Counts how often the method has changed so that numbers from before cannot be compared.
METHOD = 1

# In the order in which they are read, with what each shows.
GROUPS = {
    "success": "Events that arrive",
    "endpoints": "One event to several endpoints",
    "body": "Larger bodies",
    "receiver": "Slower receivers",
    "failures": "Receivers that fail",
    "retries": "Attempts of a retry",
    "waiting": "A delivery that is not due yet",
    "ordered": "Ordered endpoints",
    "backlog": "A backlog",
    "api": "Calls of the API",
    "memory": "Memory",
    "growth": "Growth",
}

# What EventBridge does not do has no price.
MISSING_THERE = (
    "Missing there: a signature that a receiver can verify (a connection has a fixed header or a token); a record of "
    "attempts and answers, and with it redelivery and replay; endpoints that customers manage themselves; more than "
    "five seconds for an answer; retries at times of one's own, or for longer than a day. Data out is not counted, "
    "since EventBridge's page names no price for it."
)


@dataclass(frozen=True)
class Report:
    """All of it, computed."""

    about: dict[str, Any]
    measured: Measured
    times: dict[str, Times]
    bill: list[Scenario]
    variants: list[Variant]
    limits: list[Limit]
    prices: Prices
    deployment: Deployment
    standing: Standing

    @classmethod
    def compute(cls) -> Report:
        """Compute it from what is in target/bench."""
        measured, prices, deployment = Measured.load(MEASURED), Prices.load(), Deployment.by_default()
        bill = scenarios(measured, deployment)
        return cls(
            about=json.loads(ABOUT.read_text(encoding="utf-8")) if ABOUT.exists() else {},
            measured=measured,
            times=latency.read(LATENCY),
            bill=bill,
            variants=sensitivity(measured, prices, deployment),
            limits=limits(measured, bill, prices, deployment),
            prices=prices,
            deployment=deployment,
            standing=Standing.read(),
        )

    def tables(self) -> list[Table]:
        """In the order of the report."""
        found = [self.limits_table(), *self.bill_tables(), self.standing_table()]
        if self.times:
            found.append(self.latency_table())
        found += [run_table(title, self.measured.group(group)) for group, title in GROUPS.items()]
        found += [
            Table(table["title"], table["columns"], table["rows"]) for table in self.measured.tables.values()
        ]
        return [table for table in found if table.rows]

    def limits_table(self) -> Table:
        """What has to be kept."""
        table = Table("Limits", ["limit", "measured", "at most", "aim", "unit", "kept"])
        for limit in self.limits:
            row = (limit.name, limit.measured, float(limit.at_most), limit.aim, limit.unit, limit.verdict())
            table.rows.append(row)
        return table

    def bill_tables(self) -> list[Table]:
        """What a million messages cost."""
        priced = [scenario for scenario in self.bill if scenario.usage is not None]
        if not priced:
            return []
        names = ["line", *(scenario.name for scenario in priced)]
        title = f"The bill: dollars per million messages ({self.prices.region}, list prices of {self.prices.date})"
        ours = [scenario.lines(self.prices, self.deployment) or {} for scenario in priced]
        theirs = [scenario.eventbridge(self.prices) for scenario in priced]
        conditions = f"A receiver answers after {RECEIVER_MS} ms; the functions run on {self.deployment.architecture}."
        return [
            Table(title, names, summed("hookbell, all in", ours), conditions),
            Table("The same by EventBridge", names, summed("EventBridge, all in", theirs), MISSING_THERE),
            Table(
                f"The bill of {MAIN} under other conditions",
                ["condition", "dollars"],
                [(variant.condition, variant.dollars) for variant in self.variants],
            ),
        ]

    def standing_table(self) -> Table:
        """What a month costs in which nothing happens."""
        title = f"At rest: dollars a month ({self.prices.region}, list prices of {self.prices.date})"
        return Table(title, ["line", "dollars"], summed("at rest, all in", [self.standing.lines(self.prices)]))

    def latency_table(self) -> Table:
        """From a sender to a receiver."""
        table = Table("End to end on the idle stack, ms", ["door", "events", "p50", "p99", "max"])
        for door, times in self.times.items():
            table.rows.append((door, len(times.milliseconds), *(times.percentile(each) for each in (50, 99, 100))))
        return table

    def remarks(self) -> list[str]:
        """What has to be said before the numbers."""
        missing = [f"{scenario.name} ({scenario.missing})" for scenario in self.bill if scenario.missing]
        return ["Not in the bill, as it was not measured: " + "; ".join(missing) + "."] if missing else []

    def heading(self) -> list[str]:
        """Where and when."""
        about = self.about
        said = [f"Measured on {about.get('date', '?')} at {about.get('revision', '?')}, method {METHOD}."]
        if about.get("chosen"):
            chosen = " ".join(f"{name}={value}" for name, value in about["chosen"].items())
            said.append(f"Not everything, or not as always: {chosen}.")
        machine = ", ".join(f"{name} {value}" for name, value in self.measured.machine.items())
        return [*said, f"Machine: {machine or 'not known'}."]

    def markdown(self) -> str:
        """For a page."""
        pictures = [f"![{path.stem}](plots/{path.name})" for path in sorted(PLOTS.glob("*.svg"))]
        parts = ["## What hookbell costs", *self.heading(), *self.remarks()]
        parts += [table.markdown().rstrip() for table in self.tables()] + pictures
        return "\n\n".join(parts) + "\n"

    def text(self) -> str:
        """For a terminal."""
        return "\n".join([*self.heading(), *self.remarks(), "", *(table.text() for table in self.tables())])

    def record(self) -> dict[str, Any]:
        """For programs."""
        return {
            "method": METHOD,
            **self.about,
            "machine": self.measured.machine,
            "limits": [limit.record() for limit in self.limits],
            "bill": [self.bill_record(scenario) for scenario in self.bill],
            "standing": self.standing.lines(self.prices),
            "sensitivity": [{"condition": each.condition, "dollars": each.dollars} for each in self.variants],
            "latency": {door: times.record() for door, times in self.times.items()},
            "runs": [run_record(run) for run in self.measured.runs],
            "tables": {
                name: Table(table["title"], table["columns"], table["rows"]).records()
                for name, table in self.measured.tables.items()
            },
        }

    def bill_record(self, scenario: Scenario) -> dict[str, Any]:
        """One scenario of the bill."""
        return {
            "scenario": scenario.name,
            "missing": scenario.missing or None,
            "usage": None if scenario.usage is None else vars(scenario.usage),
            "dollarsPerMillion": scenario.lines(self.prices, self.deployment),
            "total": scenario.total(self.prices, self.deployment),
            "eventBridge": scenario.eventbridge(self.prices),
        }


def summed(name: str, bills: list[dict[str, float]]) -> list[Sequence[Cell]]:
    """The lines of several bills, beside each other, and their sums below."""
    rows: list[Sequence[Cell]] = [(line, *(bill[line] for bill in bills)) for line in bills[0]]
    return [*rows, (name, *(sum(bill.values()) for bill in bills))]


def run_table(title: str, runs: list[Run]) -> Table:
    """What the runs of one group cost, for each delivery, attempt or record."""
    columns = ["", "of each", "CPU ms", "from", "to", "billed ms", "write units", "read units", "SQS requests"]
    table = Table(title, [*columns, "stored bytes", "log bytes", "sent bytes", "peak MB"])
    for run in runs:
        cpu = run.each("cpuMs")
        quantities = ("billedMs", "writeUnits", "readUnits", "sqsRequests", "storedBytes", "logBytes", "sentBytes")
        medians = [run.each(name).median for name in quantities]
        peak = run.peak_rss().most / MEBIBYTE
        table.rows.append((run.name, run.unit, cpu.median, cpu.least, cpu.most, *medians, peak))
    return table


def run_record(run: Run) -> dict[str, Any]:
    """A run, each of its numbers divided by its unit."""
    return {
        "group": run.group,
        "name": run.name,
        "function": run.function,
        "parameters": dict(run.parameters),
        "repeats": len(run.repeats),
        "each": run.unit,
        "costs": {quantity: run.each(quantity).record() for quantity in QUANTITIES},
        "peakRssBytes": run.peak_rss().record(),
        "wallMs": [repeat["wallMs"] for repeat in run.repeats],
    }


def begin(chosen: dict[str, str]) -> None:
    """Write down what is about to be measured, and when."""
    command = ["git", "describe", "--always", "--dirty"]
    answer = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    about = {
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%d"),
        "revision": answer.stdout.strip() or "an unknown revision",
        "chosen": chosen,
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    ABOUT.write_text(json.dumps(about) + "\n", encoding="utf-8")


def draw_up() -> Report:
    """Write the report in all its forms."""
    report = Report.compute()
    plots.draw(report.measured, report.bill, report.times, report.prices, report.deployment, PLOTS)
    TEXT.write_text(report.markdown(), encoding="utf-8")
    DATA.write_text(json.dumps(report.record(), indent=2) + "\n", encoding="utf-8")
    return report


def show(report: Report) -> None:
    """Print it, and fail where a limit is not kept."""
    line(f"\n{report.text()}")
    line(f"This is in {shown(TEXT)}, for programs in {shown(DATA)}, and drawn in {shown(PLOTS)}/.")
    judge(report.limits, everything=not report.about.get("chosen"))


if __name__ == "__main__":
    with explained_failures():
        show(draw_up())
