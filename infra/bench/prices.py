"""Reads the table of list prices, `prices.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tomlkit

FILE = Path(__file__).with_name("prices.toml")
MILLION = 1_000_000


@dataclass(frozen=True)
class Prices:
    """What AWS asks for, in dollars for one of each unit."""

    date: str
    region: str
    sqs_request: float
    sqs_fifo_request: float
    lambda_request: float
    gb_seconds: Mapping[str, float]
    write_unit: float
    read_unit: float
    stored_byte_month: float
    recoverable_byte_month: float
    log_byte: float
    log_byte_month: float
    byte_out: float
    gateway_call: float
    bus_event: float
    bus_invocation: float
    secret_month: float
    alarm_metric_month: float
    dashboard_month: float
    metric_month: float

    @classmethod
    def load(cls, file: Path = FILE) -> Prices:
        """The prices of a table."""
        table: dict[str, Any] = tomlkit.parse(file.read_text(encoding="utf-8")).unwrap()
        gb = table["bytes_per_gb"]

        def dollars(name: str) -> float:
            return float(table[name]["dollars"])

        return cls(
            date=table["date"],
            region=table["region"],
            sqs_request=dollars("sqs_standard") / MILLION,
            sqs_fifo_request=dollars("sqs_fifo") / MILLION,
            lambda_request=dollars("lambda_requests") / MILLION,
            gb_seconds={"x86_64": dollars("lambda_x86_64"), "arm64": dollars("lambda_arm64")},
            write_unit=dollars("dynamodb_writes") / MILLION,
            read_unit=dollars("dynamodb_reads") / MILLION,
            stored_byte_month=dollars("dynamodb_storage") / gb,
            recoverable_byte_month=dollars("dynamodb_pitr") / gb,
            log_byte=dollars("logs_ingestion") / gb,
            log_byte_month=dollars("logs_storage") * table["logs_storage"]["compressed"] / gb,
            byte_out=dollars("data_out") / gb,
            gateway_call=dollars("api_gateway") / MILLION,
            bus_event=dollars("eventbridge_events") / MILLION,
            bus_invocation=dollars("eventbridge_api_destinations") / MILLION,
            secret_month=dollars("secret"),
            alarm_metric_month=dollars("cloudwatch_alarms"),
            dashboard_month=dollars("cloudwatch_dashboard"),
            metric_month=dollars("cloudwatch_metrics"),
        )
