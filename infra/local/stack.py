"""Deploys the stack to the local AWS, and writes down what the demo and the tests need of it."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any, TypedDict, cast

from botocore.exceptions import ClientError

import aws
import build
import deployed_alarms
from certificates import Certificates
from commands import run_logged
from say import Failure
from settings import BUILD_FOLDER, REGION, STACK_NAME, Settings

COMPLETE = ("CREATE_COMPLETE", "UPDATE_COMPLETE")

# A stack whose creation failed takes no update; it has to be deleted first.
NEVER_CREATED = ("CREATE_FAILED", "ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "DELETE_FAILED")

# What the local AWS needs beside the template's policies.
BATCH_POLICY = "local-batches"
BATCHES = {
    "sqs:SendMessage": "sqs:SendMessageBatch",
    "sqs:ChangeMessageVisibility": "sqs:ChangeMessageVisibilityBatch",
    "dynamodb:PartiQLInsert": "dynamodb:BatchExecuteStatement",
}

# The local AWS does not look into statements for the tables that they are about.
OF_ANY_TABLE = "dynamodb:BatchExecuteStatement"


class Stack(TypedDict):
    """`stack.json`, key for key. It holds the admin key, so only its owner may read the file."""

    apiUrl: str
    adminKey: str
    eventsQueueUrl: str
    eventsFifoQueueUrl: str
    eventsDeadLetterQueueUrl: str
    deliveriesQueueUrl: str
    deliveriesFifoQueueUrl: str
    deliveriesDeadLetterQueueUrl: str
    parkedQueueUrl: str
    tableName: str
    ownersTopicArn: str
    apiFunctionName: str
    senderFunctionName: str
    dlqFunctionName: str
    awsEndpointUrl: str
    region: str
    caCertificate: str
    serverCertificate: str
    serverKey: str
    timeScale: float
    stackId: str
    digest: str


def parameters(settings: Settings, certificates: Certificates) -> dict[str, str]:
    """The template's parameters that a local run chooses otherwise than a deployment."""
    return {
        "AllowedCidrs": "127.0.0.0/8,::1/128",
        "TimeScale": settings.time_scale,
        "CaBundle": str(certificates.bundle),
        # Whose events tests put on the queues.
        "EventSources": "arn:aws:events:*:*:rule/hookbell-*,arn:aws:sns:*:*:hookbell-*",
        # When a sender is killed, its records come back after this many seconds. In a deployment
        # that is six times the function's timeout; here nobody wants to wait that long.
        "VisibilityTimeout": "30",
        # The local AWS takes none of metric math, nor one composed of others; `deployed_alarms.complete` puts these.
        "Alarms": "simple",
    }


def deploy(settings: Settings, certificates: Certificates) -> str:
    """Deploy what was built, unless exactly that is running; say which it was."""
    chosen = parameters(settings, certificates)
    digest = hashlib.sha256(f"{build.built_digest()} {chosen}".encode()).hexdigest()
    running = describe(settings)
    if running and is_deployed(settings, running, digest):
        return "nothing changed"
    if running and running["StackStatus"] in NEVER_CREATED:
        delete(settings)
    sam_deploy(settings, chosen)
    repair_concurrency(settings)
    allow_batches(settings)
    deployed_alarms.complete(settings.endpoint)
    deployed = describe(settings)
    if deployed is None or deployed["StackStatus"] not in COMPLETE:
        raise Failure(
            "`sam deploy` ended, but the stack is not complete.",
            "read why in the log; `make down up` begins with an empty local AWS.",
            settings.logs / "deploy.log",
        )
    write(settings, collect(settings, certificates, deployed, digest))
    return "deployed"


def is_deployed(settings: Settings, running: dict[str, Any], digest: str) -> bool:
    """Whether the running stack is complete and is the one that was written down."""
    if running["StackStatus"] not in COMPLETE or not settings.stack_file.exists():
        return False
    written = json.loads(settings.stack_file.read_text())
    deployed = (written.get("stackId"), written.get("digest"))
    return deployed == (running["StackId"], digest)


def describe(settings: Settings) -> dict[str, Any] | None:
    """The stack as the local AWS knows it, or nothing."""
    try:
        answer = aws.client("cloudformation", settings.endpoint).describe_stacks(
            StackName=STACK_NAME
        )
    except ClientError:
        return None
    return cast("dict[str, Any]", answer["Stacks"][0])


def delete(settings: Settings) -> None:
    """Delete the stack and wait until it is gone."""
    cloudformation = aws.client("cloudformation", settings.endpoint)
    cloudformation.delete_stack(StackName=STACK_NAME)
    cloudformation.get_waiter("stack_delete_complete").wait(
        StackName=STACK_NAME, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )


def sam_deploy(settings: Settings, chosen: dict[str, str]) -> None:
    """Run `sam deploy` against the local AWS."""
    log = settings.logs / "deploy.log"
    overrides = [f'{name}="{value}"' for name, value in chosen.items()]
    command = [
        *("sam", "deploy", "--template-file", str(BUILD_FOLDER / "template.yaml")),
        *("--stack-name", STACK_NAME, "--region", REGION, "--resolve-s3"),
        *("--capabilities", "CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"),
        *("--no-confirm-changeset", "--no-fail-on-empty-changeset", "--no-progressbar"),
        *("--parameter-overrides", *overrides),
    ]
    if not run_logged(command, log, aws.environment(settings)):
        raise Failure(
            "`sam deploy` failed.",
            "the log names the resource; look at it in template.yaml. "
            "`make down up` begins with an empty local AWS.",
            log,
        )


def repair_concurrency(settings: Settings) -> None:
    """Make numbers of the event sources' concurrency: the local AWS keeps parameters as text."""
    functions = aws.client("lambda", settings.endpoint)
    for source in functions.list_event_source_mappings()["EventSourceMappings"]:
        concurrency = source.get("ScalingConfig", {}).get("MaximumConcurrency")
        if concurrency is not None:
            functions.update_event_source_mapping(
                UUID=source["UUID"], ScalingConfig={"MaximumConcurrency": int(concurrency)}
            )


def allow_batches(settings: Settings) -> None:
    """Let a role that may do something do it in batches: on AWS that is one permission, here it is two."""
    iam = aws.client("iam", settings.endpoint)
    resources = aws.client("cloudformation", settings.endpoint).list_stack_resources(
        StackName=STACK_NAME
    )["StackResourceSummaries"]
    for role in (r for r in resources if r["ResourceType"] == "AWS::IAM::Role"):
        name = role["PhysicalResourceId"]
        for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
            document = iam.get_role_policy(RoleName=name, PolicyName=policy)["PolicyDocument"]
            batches = [
                {**statement, "Action": batch, **({"Resource": "*"} if batch == OF_ANY_TABLE else {})}
                for statement in document["Statement"]
                for action, batch in BATCHES.items()
                if action in statement["Action"]
            ]
            if batches and policy != BATCH_POLICY:
                iam.put_role_policy(
                    RoleName=name,
                    PolicyName=BATCH_POLICY,
                    PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": batches}),
                )


def collect(
    settings: Settings, certificates: Certificates, deployed: dict[str, Any], digest: str
) -> Stack:
    """What the stack's outputs say, together with the admin key and the certificates."""
    outputs = {output["OutputKey"]: output["OutputValue"] for output in deployed["Outputs"]}

    def output(name: str) -> str:
        if name not in outputs:
            raise Failure(f"The stack has no output {name}.", "add it to template.yaml's Outputs.")
        return str(outputs[name])

    secret = aws.client("secretsmanager", settings.endpoint).get_secret_value(
        SecretId=output("AdminKeySecretArn")
    )["SecretString"]
    # The local AWS serves a REST API under a path; the hostname in ApiUrl exists on AWS only.
    api_path = f"/restapis/{output('ApiId')}/{output('StageName')}/_user_request_"
    return Stack(
        apiUrl=settings.endpoint + api_path,
        adminKey=f"sk_{secret}",
        eventsQueueUrl=output("EventsQueueUrl"),
        eventsFifoQueueUrl=output("EventsFifoQueueUrl"),
        eventsDeadLetterQueueUrl=output("EventsDeadLetterQueueUrl"),
        deliveriesQueueUrl=output("DeliveriesQueueUrl"),
        deliveriesFifoQueueUrl=output("DeliveriesFifoQueueUrl"),
        deliveriesDeadLetterQueueUrl=output("DeliveriesDeadLetterQueueUrl"),
        parkedQueueUrl=output("ParkedQueueUrl"),
        tableName=output("TableName"),
        ownersTopicArn=output("OwnersTopicArn"),
        apiFunctionName=output("ApiFunctionName"),
        senderFunctionName=output("SenderFunctionName"),
        dlqFunctionName=output("DlqFunctionName"),
        awsEndpointUrl=settings.endpoint,
        region=REGION,
        caCertificate=str(certificates.authority),
        serverCertificate=str(certificates.server),
        serverKey=str(certificates.server_key),
        timeScale=float(settings.time_scale),
        stackId=deployed["StackId"],
        digest=digest,
    )


def write(settings: Settings, stack: Stack) -> None:
    """Write the file as a whole, readable by its owner alone."""
    draft = settings.stack_file.with_suffix(".draft")
    draft.unlink(missing_ok=True)
    with open(os.open(draft, os.O_CREAT | os.O_WRONLY, 0o600), "w", encoding="utf-8") as file:
        json.dump(stack, file, indent=2)
        file.write("\n")
    draft.replace(settings.stack_file)


def read(settings: Settings) -> Stack:
    """The stack that is running, as it was written down."""
    file: Path = settings.stack_file
    if not file.exists():
        raise Failure("No local stack is running.", "start one: make up")
    return cast("Stack", json.loads(file.read_text(encoding="utf-8")))
