"""What is used for one message, in the units that AWS counts, and what that costs: pure arithmetic."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields

from deployment import DAYS_OF_A_MONTH, Deployment
from measured import Run
from prices import Prices

# As which PutLogEvents counts a line beside its text.
LINE_BYTES = 26

# What Lambda itself logs of an invocation; these are typical ones.
REQUEST_ID = "8f507cfc-0000-4697-b07a-ac58fc914c95"
LAMBDA_LINES = (
    f"START RequestId: {REQUEST_ID} Version: $LATEST\n",
    f"END RequestId: {REQUEST_ID}\n",
    f"REPORT RequestId: {REQUEST_ID}\tDuration: 112.38 ms\tBilled Duration: 113 ms\tMemory Size: 256 MB\t"
    "Max Memory Used: 40 MB\t\n",
)
LAMBDA_LOG_BYTES = sum(len(text) + LINE_BYTES for text in LAMBDA_LINES)


@dataclass(frozen=True)
class Usage:
    """Of one message, so most of it is less than one."""

    producer_requests: float = 0.0
    sqs_requests: float = 0.0
    invocations: float = 0.0
    gb_seconds: float = 0.0
    write_units: float = 0.0
    read_units: float = 0.0
    stored_bytes: float = 0.0
    log_bytes: float = 0.0
    sent_bytes: float = 0.0
    gateway_calls: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(*(mine + theirs for mine, theirs in zip(self.numbers(), other.numbers())))

    def __mul__(self, times: float) -> Usage:
        return Usage(*(number * times for number in self.numbers()))

    def numbers(self) -> list[float]:
        """All of them, in their order."""
        return [getattr(self, field.name) for field in fields(self)]


def of_run(run: Run, deployment: Deployment, unit: str | None = None) -> Usage:
    """What a run used for one delivery, attempt or record: the median of its repeats, each quantity by itself."""

    def each(quantity: str) -> float:
        return run.each(quantity, unit).median

    lines = each("logBytes") + each("logLines") * LINE_BYTES
    return Usage(
        producer_requests=each("producerRequests"),
        sqs_requests=each("sqsRequests"),
        invocations=each("invocations"),
        gb_seconds=deployment.gb_seconds(run.function, each("billedMs"), each("cpuMs")),
        write_units=each("writeUnits"),
        read_units=each("readUnits"),
        stored_bytes=each("storedBytes"),
        log_bytes=lines + each("invocations") * LAMBDA_LOG_BYTES,
        sent_bytes=each("sentBytes"),
    )


@dataclass(frozen=True)
class Line:
    """One line of the bill: what it is for, and its dollars for one message."""

    name: str
    dollars: Callable[[Usage, Prices, Deployment], float]


LINES = (
    Line("SQS: the producer's requests", lambda u, p, _: u.producer_requests * p.sqs_request),
    Line("SQS: hookbell's requests", lambda u, p, _: u.sqs_requests * p.sqs_request),
    Line("Lambda: requests", lambda u, p, _: u.invocations * p.lambda_request),
    Line("Lambda: GB-seconds", lambda u, p, d: u.gb_seconds * p.gb_seconds[d.architecture]),
    Line("DynamoDB: writes", lambda u, p, _: u.write_units * p.write_unit),
    Line("DynamoDB: reads", lambda u, p, _: u.read_units * p.read_unit),
    Line("DynamoDB: storage", lambda u, p, d: u.stored_bytes * months(d.retention_days) * p.stored_byte_month),
    Line("DynamoDB: recovery", lambda u, p, d: u.stored_bytes * months(d.retention_days) * p.recoverable_byte_month),
    Line("Logs: ingestion", lambda u, p, _: u.log_bytes * p.log_byte),
    Line("Logs: storage", lambda u, p, d: u.log_bytes * months(d.log_retention_days) * p.log_byte_month),
    Line("Data out", lambda u, p, _: u.sent_bytes * p.byte_out),
    Line("API Gateway: calls", lambda u, p, _: u.gateway_calls * p.gateway_call),
)


def months(days: int) -> float:
    """So many days, as storage is priced."""
    return days / DAYS_OF_A_MONTH
