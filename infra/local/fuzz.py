"""Calls the API in all the ways that its own description allows, and in some that it forbids.

What comes back is held against the description: no failure of the server, no status, header or body
that is not described, and nothing accepted that the description forbids. By itself it runs on the
stack of `make up`: `.venv/bin/python infra/local/fuzz.py --seconds 300 --seed 1`.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import urllib.request
from pathlib import Path

from openapi_spec_validator import validate
from openapi_spec_validator.validation.exceptions import OpenAPISpecValidatorError

import fixtures
import stack
from api import Api
from cloud import direct_opener
from commands import run_logged
from fixtures import Fixtures
from receiver import Receiver
from say import Failure, Steps, explained_failures, line
from settings import VENV, Settings, for_up, shown

SECONDS = 75
WORKERS = 4
LISTED_LINES = 120

CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
)

# What it leaves out.
HOOKS = Path(__file__).with_name("fuzz_hooks.py")

# What the gateway hands on to the API; other methods it answers itself.
METHODS = ("GET", "POST", "PATCH", "DELETE")


def main() -> None:
    """Fuzz the stack of `make up`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=SECONDS, help="how long")
    parser.add_argument("--seed", type=int, help="to repeat a run")
    asked = parser.parse_args()
    with explained_failures():
        settings = for_up()
        running = stack.read(settings)
        with Steps(1).step("Fuzzing the API by its own description") as step:
            step.outcome = run(settings, running, asked.seconds, asked.seed)


def run(
    settings: Settings, running: stack.Stack, seconds: int = SECONDS, seed: int | None = None
) -> str:
    """Fuzz a stack for some seconds; answer with what was done in a few words."""
    seed = secrets.randbelow(2**32) if seed is None else seed
    folder = settings.folder / "fuzz"
    folder.mkdir(parents=True, exist_ok=True)
    description = folder / "openapi.json"
    fetch_description(running, description)
    with Receiver(running["serverCertificate"], running["serverKey"]) as receiver:
        made = fixtures.make(Api(running["apiUrl"], running["adminKey"]), receiver)
        name_what_is_there(description, made)
        report = folder / "report.json"
        report.unlink(missing_ok=True)
        configuration = folder / "schemathesis.toml"
        configuration.write_text(configured(made, report), encoding="utf-8")
        command = [
            *(str(VENV / "bin" / "schemathesis"), "--no-color"),
            *("--config-file", str(configuration), "run", str(description)),
            *("--url", running["apiUrl"], "--seed", str(seed), "--max-time", str(seconds)),
        ]
        environment = {**os.environ, "HOOKBELL_KEY": running["adminKey"], "NO_PROXY": "*"}
        log = settings.logs / "fuzz.log"
        passed = run_logged(command, log, environment)
    return outcome(report, passed, seed, log)


def fetch_description(running: stack.Stack, file: Path) -> None:
    """Fetch the description without a key, and check that it is valid OpenAPI."""
    request = urllib.request.Request(running["apiUrl"] + "/openapi.json")
    with direct_opener().open(request, timeout=30) as answer:
        text = answer.read()
    try:
        validate(json.loads(text))
    except OpenAPISpecValidatorError as error:
        raise Failure(
            f"The API's description is not valid OpenAPI: {error}",
            "look at functions/api/src/openapi.rs and what it describes.",
        ) from error
    file.write_bytes(text)


def name_what_is_there(file: Path, made: Fixtures) -> None:
    """Put what is there into the description's examples, which the fuzzer varies, one thing at a time."""
    described = json.loads(file.read_text(encoding="utf-8"))
    parameters = described["components"]["parameters"]
    for name, ids in made.ids.items():
        parameters[name]["example"] = ids[0]
    parameters["spare"] = {**parameters["endpoint"], "example": made.spare_endpoints[0]}
    there = {"url": made.urls[0], "eventType": made.event_types[0], "eventTypes": ["*"]}
    for path, item in described["paths"].items():
        for method, operation in item.items():
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
            example = body.get("example", {})
            example.update({name: value for name, value in there.items() if name in example})
            if method == "delete" and path.endswith("{endpoint}"):
                operation["parameters"][-1] = {"$ref": "#/components/parameters/spare"}
    file.write_text(json.dumps(described), encoding="utf-8")


def configured(made: Fixtures, report: Path) -> str:
    """The fuzzer's configuration: what is there is named more often than what is not."""
    values = {
        **made.ids,
        "spare": made.spare_endpoints,
        "eventType": made.event_types,
        "url": made.urls,
    }
    lines = [
        f"hooks = {json.dumps(str(HOOKS))}",
        f"workers = {WORKERS}",
        "continue-on-failure = true",
        "warnings = false",
        'headers = { Authorization = "${HOOKBELL_KEY}" }',
        'rate-limit = "auto"',
        "request-timeout = 30.0",
        "cache.enabled = false",
        f"reports.json.path = {json.dumps(str(report))}",
        'generation.database = "none"',
        f"phases.coverage.unexpected-methods = {json.dumps(METHODS)}",
        "checks.enabled = false",
        *(f"checks.{check}.enabled = true" for check in CHECKS),
        *(f"dictionaries.{name}.values = {json.dumps(v)}" for name, v in values.items()),
        "[parameters]",
        *(f'"path.{name}" = {{ dictionary = "{name}", probability = 0.8 }}' for name in made.ids),
        '"body.eventType" = { dictionary = "eventType", probability = 0.7 }',
        '"body.url" = { dictionary = "url", probability = 0.7 }',
        # What is deleted is gone for every other call.
        "[[operations]]",
        'include-method = "DELETE"',
        'parameters."path.endpoint" = { dictionary = "spare" }',
    ]
    return "\n".join(lines) + "\n"


def outcome(report: Path, passed: bool, seed: int, log: Path) -> str:
    """Say what was done; fail where anything contradicted the description."""
    again = f"repeat it with .venv/bin/python infra/local/fuzz.py --seed {seed}"
    if not report.exists():
        raise Failure("The fuzzer did not get to work.", f"its log says why; {again}", log)
    told = json.loads(report.read_text(encoding="utf-8"))
    operations, calls = told["operations"], told["test_cases"]
    if not passed:
        line(contradictions(log))
        raise Failure(
            f"The API contradicts its own description: {calls['unique_failures']} times in "
            f"{calls['generated']} calls, {len(told['errors'])} errors, seed {seed}.",
            f"each is above with the call that shows it, all of them in {shown(log)}; {again}",
        )
    if operations["tested"] < operations["total"]:
        raise Failure(
            f"Only {operations['tested']} of {operations['total']} operations were called.",
            f"give it more time (--seconds), or {again}",
            log,
        )
    accepted = sum(went_through(phases) for phases in told["valid_rates"].values())
    return (
        f"{calls['generated']} calls of {operations['tested']} operations, "
        f"{accepted} of which went through, seed {seed}"
    )


def went_through(phases: dict[str, dict[str, int]]) -> bool:
    """Whether a call of an operation was accepted in any phase."""
    return any(counts["accepted"] for counts in phases.values())


def contradictions(log: Path) -> str:
    """What the fuzzer says of its failures, as far as a person reads on."""
    text = log.read_text(encoding="utf-8", errors="replace")
    told = text.partition("= FAILURES =")[2] or text.partition("= ERRORS =")[2]
    lines = told.partition("= SUMMARY =")[0].strip("=\n ").splitlines()
    more = [f"… and {len(lines) - LISTED_LINES} lines more"] if len(lines) > LISTED_LINES else []
    return "\n".join([*lines[:LISTED_LINES], *more])


if __name__ == "__main__":
    main()
