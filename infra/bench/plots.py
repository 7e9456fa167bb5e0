"""Draws what was measured, as SVG that is readable on light and on dark pages.

The same numbers make the same bytes: no date, no random ids, and letters stay letters.
"""

from __future__ import annotations

from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bill import Scenario
from deployment import Deployment
from latency import Times
from limits import GROWTH_PERCENT, SENDER_CPU, drifts
from measured import Measured, Run
from prices import Prices

# What is drawn in the first colour is shown in the second one where a page is dark.
PAPER, INK, FAINT = "#fcfcfb", "#25241f", "#6f6e69"
DARK = {
    PAPER: "#1a1a19",
    INK: "#e8e7e2",
    FAINT: "#9a9993",
    "#2a78d6": "#3987e5",
    "#1baf7a": "#199e70",
    "#eda100": "#c98500",
    "#4a3aa7": "#9085e9",
    "#e34948": "#e66767",
    "#eb6834": "#d95926",
    "#e87ba4": "#d55181",
}
BLUE, GREEN, YELLOW, VIOLET, RED, ORANGE, PINK = list(DARK)[3:]

STYLE: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "hookbell",
    "font.family": ["DejaVu Sans", "sans-serif"],
    "font.size": 10,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 12,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": FAINT,
    "axes.labelcolor": FAINT,
    "axes.titlecolor": INK,
    "axes.facecolor": PAPER,
    "axes.axisbelow": True,
    "figure.facecolor": PAPER,
    "grid.color": FAINT,
    "grid.alpha": 0.25,
    "grid.linewidth": 0.8,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "text.color": INK,
    "xtick.color": FAINT,
    "ytick.color": FAINT,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 2,
}

SENDER = "sender"

# Which groups the plot of CPU shows: those whose numbers are for a delivery or an attempt.
CPU_GROUPS = ("success", "endpoints", "body", "receiver", "failures", "ordered")

# The bill's lines, gathered under what a reader looks for.
PARTS = (
    ("SQS", "SQS:", BLUE),
    ("Lambda", "Lambda:", GREEN),
    ("DynamoDB, reads and writes", ("DynamoDB: writes", "DynamoDB: reads"), YELLOW),
    ("DynamoDB, storage and recovery", ("DynamoDB: storage", "DynamoDB: recovery"), VIOLET),
    ("Logs", "Logs:", RED),
    ("Data out", "Data out", ORANGE),
    ("API Gateway", "API Gateway:", PINK),
)
EVENTBRIDGE = ("EventBridge", FAINT)


def draw(
    measured: Measured,
    bill: list[Scenario],
    times: dict[str, Times],
    prices: Prices,
    deployment: Deployment,
    folder: Path,
) -> None:
    """Make all for which there are numbers, and remove those of an earlier run."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.glob("*.svg"):
        file.unlink()
    with matplotlib.rc_context(STYLE):
        runs = [run for group in CPU_GROUPS for run in measured.group(group) if run.function == SENDER]
        if runs:
            save(cpu(runs), folder / "cpu.svg")
        if len(measured.group("growth")) > 1:
            save(growth(measured.group("growth")), folder / "growth.svg")
        priced = [scenario for scenario in bill if scenario.usage is not None]
        if priced:
            save(dollars(priced, prices, deployment), folder / "bill.svg")
        if times:
            save(latencies(times), folder / "latency.svg")


def save(figure: Figure, file: Path) -> None:
    """Write it with its two sets of colours."""
    text = StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None, "Creator": None})
    drawn = text.getvalue()
    light, dark = [], []
    for number, (colour, other) in enumerate(DARK.items()):
        drawn = drawn.replace(colour, f"var(--c{number}, {colour})")
        light.append(f"--c{number}: {colour}")
        dark.append(f"--c{number}: {other}")
    style = f":root {{ {'; '.join(light)} }} @media (prefers-color-scheme: dark) {{ :root {{ {'; '.join(dark)} }} }}"
    drawn = drawn.replace("<defs>", f"<style>{style}</style>\n <defs>", 1)
    file.write_text(drawn, encoding="utf-8")


def cpu(runs: Sequence[Run]) -> Figure:
    """CPU for each delivery or attempt, over the scenarios; from the least to the most of the repeats."""
    figure = Figure(figsize=(8, 1.3 + 0.3 * len(runs)), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title("CPU of the sender for a delivery", pad=22)
    axes.set_xlabel("ms; the line is from the least to the most of the repeats")
    for row, run in enumerate(runs):
        spread = run.each("cpuMs")
        axes.barh(row, spread.median, height=0.62, color=BLUE)
        axes.plot([spread.least, spread.most], [row, row], color=INK, linewidth=1.4)
        axes.annotate(f"{spread.median:.2f}", (spread.most, row), (6, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(runs)), [f"{run.group}: {run.name}" for run in runs])
    axes.invert_yaxis()
    axes.set_xlim(0, max(run.each("cpuMs").most for run in runs) * 1.12)
    mark(axes, SENDER_CPU.at_most, "limit for 1 KB")
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")
    return figure


def mark(axes: Axes, at: float, text: str) -> None:
    """A limit as a line."""
    axes.axvline(at, color=RED, linewidth=1.2, linestyle=(0, (4, 3)))
    axes.annotate(
        text, (at, 1), (4, -2), xycoords=("data", "axes fraction"), textcoords="offset points", va="bottom", color=RED
    )


def growth(runs: list[Run]) -> Figure:
    """By how much an event's cost moves while the table and the organizations grow."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title("What an event costs, against the smallest deployment")
    axes.set_ylabel("%")
    axes.axhspan(-GROWTH_PERCENT, GROWTH_PERCENT, color=FAINT, alpha=0.12, linewidth=0)
    for values, name, colour, symbol in (
        (drifts(runs).units, "units and requests", BLUE, "o"),
        (drifts(runs).cpu, "CPU", ORANGE, "s"),
    ):
        axes.plot(range(len(runs)), values, color=colour, marker=symbol, markersize=7, label=name)
    axes.set_xticks(range(len(runs)), [run.name for run in runs], rotation=30, ha="right", fontsize=8)
    furthest = max(GROWTH_PERCENT, *(abs(value) for value in drifts(runs).units + drifts(runs).cpu))
    axes.set_ylim(-furthest * 1.3, furthest * 1.3)
    axes.annotate("allowed", (0, GROWTH_PERCENT), (-18, 4), textcoords="offset points", color=FAINT)
    axes.grid(axis="y")
    axes.legend(loc="upper right", ncols=2)
    return figure


def dollars(bill: list[Scenario], prices: Prices, deployment: Deployment) -> Figure:
    """A million messages, hookbell's bill beside EventBridge's. What fails costs more, and has a scale of its own."""
    arriving = [scenario for scenario in bill if scenario.attempts == 1]
    failing = [scenario for scenario in bill if scenario.attempts > 1]
    halves = [half for half in (arriving, failing) if half]
    rows = sum(len(half) for half in halves)
    figure = Figure(figsize=(8, 1.9 + 0.62 * rows), layout="constrained")
    panels = figure.subplots(len(halves), 1, height_ratios=[len(half) for half in halves], squeeze=False)[:, 0]
    for axes, half in zip(panels, halves):
        stack(axes, half, prices, deployment)
    panels[0].set_title(f"Dollars per million messages, {prices.region}, {prices.date}")
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def stack(axes: Axes, bill: list[Scenario], prices: Prices, deployment: Deployment) -> None:
    """The stacked bars of some scenarios."""
    for row, scenario in enumerate(bill):
        lines = scenario.lines(prices, deployment) or {}
        left = 0.0
        for name, prefix, colour in PARTS:
            width = sum(value for line, value in lines.items() if line.startswith(prefix))
            label = name if row == 0 else None
            axes.barh(row - 0.19, width, 0.36, left, color=colour, edgecolor=PAPER, linewidth=0.8, label=label)
            left += width
        theirs = sum(scenario.eventbridge(prices).values())
        name, colour = EVENTBRIDGE
        axes.barh(row + 0.21, theirs, 0.26, color=colour, label=name if row == 0 else None)
        for end, at in ((left, row - 0.19), (theirs, row + 0.21)):
            axes.annotate(f"{end:.2f}", (end, at), (5, 0), textcoords="offset points", va="center")
    axes.set_yticks(range(len(bill)), [scenario.name for scenario in bill])
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.tick_params(axis="y", length=0)
    axes.grid(axis="x")


def latencies(times: dict[str, Times]) -> Figure:
    """How many of the events had arrived after how long."""
    figure = Figure(figsize=(8, 3.6), layout="constrained")
    axes = figure.add_subplot()
    axes.set_title("From the sender to the receiver, on the idle local stack")
    axes.set_xlabel("ms")
    axes.set_ylabel("% of the events have arrived")
    for (door, found), colour in zip(times.items(), (BLUE, ORANGE)):
        ordered = sorted(found.milliseconds)
        shares = [100 * (index + 1) / len(ordered) for index in range(len(ordered))]
        label = f"{door}: p50 {found.percentile(50):.0f}, p99 {found.percentile(99):.0f} ms"
        axes.step([0, *ordered], [0, *shares], where="post", color=colour, label=label)
    axes.set_xlim(left=0)
    axes.set_ylim(0, 102)
    axes.grid()
    figure.legend(loc="outside lower center", ncols=2)
    return figure
