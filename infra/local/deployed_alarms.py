"""The alarms of infra/watch.yaml as they are deployed to the local AWS, and what that does not take of them."""

from __future__ import annotations

from typing import Any, cast

from samcli.yamlhelper import yaml_parse

import aws
from alarms import Alarm, of_template
from settings import ACCOUNT, REGION, STACK_NAME

PSEUDO_PARAMETERS = {
    "AWS::Region": REGION,
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
}


def read(endpoint: str) -> list[Alarm]:
    """The alarms of the nested stack, with its parameters put in; none where it was not asked for."""
    cloudformation = aws.client("cloudformation", endpoint)
    resources = cloudformation.list_stack_resources(StackName=STACK_NAME)["StackResourceSummaries"]
    nested = [r["PhysicalResourceId"] for r in resources if r["LogicalResourceId"] == "Watch"]
    if not nested:
        return []
    described = cloudformation.describe_stacks(StackName=nested[0])["Stacks"][0]
    parameters = {p["ParameterKey"]: p["ParameterValue"] for p in described["Parameters"]}
    template = cloudformation.get_template(StackName=nested[0])["TemplateBody"]
    if isinstance(template, str):
        template = yaml_parse(template)
    return of_template(cast("dict[str, Any]", template), {**PSEUDO_PARAMETERS, **parameters})


def complete(endpoint: str) -> None:
    """Put the alarms that the local CloudFormation does not take, and leave the judging of all of them to metrics.py:
    the local CloudWatch would judge by the names of metrics, whichever queue or function they are of."""
    cloudwatch = aws.client("cloudwatch", endpoint)
    kept = ("AlarmName", "AlarmDescription", "AlarmActions", "OKActions", "ComparisonOperator", "TreatMissingData")
    for alarm in read(endpoint):
        cloudwatch.put_metric_alarm(
            **{key: alarm.properties[key] for key in kept},
            Threshold=float(alarm.properties["Threshold"]),
            EvaluationPeriods=alarm.window,
        )
