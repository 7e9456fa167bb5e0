"""What a gradual release consists of: the template that gradual.py makes, and what SAM makes of that."""

from __future__ import annotations

import copy
import logging
import subprocess
import sys
import tempfile
import unittest
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from samcli.yamlhelper import yaml_dump, yaml_parse
from samtranslator.translator.transform import transform

from gradual import AT_ONCE, HERE, SHIFTS, gradual

# What SAM has to say of its own features.
logging.disable(logging.WARNING)

ROOT = HERE.parents[1]
FUNCTIONS = ("ApiFunction", "DlqFunction", "SenderFunction")
CANARY = "Canary10Percent10Minutes"


@cache
def files() -> tuple[dict[str, Any], dict[str, Any]]:
    """template.yaml with its code built, and what is added to it."""
    template = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))
    for name in FUNCTIONS:
        template["Resources"][name]["Properties"]["CodeUri"] = "s3://bucket/key"
    return template, yaml_parse((HERE / "resources.yaml").read_text(encoding="utf-8"))


def released(shift: str, release: str = "1", template: dict[str, Any] | None = None) -> dict[str, Any]:
    """What gradual.py makes of the template, or of another one."""
    built, resources = files()
    return gradual(copy.deepcopy(template or built), copy.deepcopy(resources), shift, release)


def deployed(shift: str, release: str = "1") -> dict[str, Any]:
    """The resources that SAM makes of it."""
    with mock.patch.dict("os.environ", {"AWS_DEFAULT_REGION": "us-east-1"}):
        resources: dict[str, Any] = transform(released(shift, release), {}, mock.Mock(load=dict))["Resources"]
    return resources


def of_type(resources: dict[str, Any], kind: str) -> dict[str, Any]:
    """The resources of a type."""
    return {name: each for name, each in resources.items() if each["Type"] == kind}


class WhatIsDeployed(unittest.TestCase):
    """What SAM makes of it."""

    def test_each_function_has_a_version_and_an_alias_that_is_called(self) -> None:
        for shift in (AT_ONCE, CANARY):
            resources = deployed(shift)
            self.assertEqual(len(of_type(resources, "AWS::Lambda::Version")), len(FUNCTIONS))
            aliases = of_type(resources, "AWS::Lambda::Alias")
            self.assertEqual(sorted(aliases), [f"{name}Aliaslive" for name in FUNCTIONS])
            for mapping in of_type(resources, "AWS::Lambda::EventSourceMapping").values():
                self.assertIn(mapping["Properties"]["FunctionName"]["Ref"], aliases)
            for permission in of_type(resources, "AWS::Lambda::Permission").values():
                self.assertEqual(permission["Properties"]["FunctionName"], {"Ref": "ApiFunctionAliaslive"})
            [api] = of_type(resources, "AWS::ApiGateway::RestApi").values()
            self.assertIn("ApiFunctionAliaslive", str(api["Properties"]["Body"]))
            self.assertNotIn("${ApiFunction.Arn}", str(api["Properties"]["Body"]))

    def test_a_shift_is_codedeploys_and_goes_back_on_the_alarm(self) -> None:
        resources = deployed(CANARY)
        groups = of_type(resources, "AWS::CodeDeploy::DeploymentGroup")
        self.assertEqual(len(groups), len(FUNCTIONS))
        for group in groups.values():
            properties = group["Properties"]
            self.assertEqual(properties["AlarmConfiguration"], {"Alarms": [{"Name": {"Ref": "ShiftAlarm"}}], "Enabled": True})
            self.assertIn("DEPLOYMENT_STOP_ON_ALARM", properties["AutoRollbackConfiguration"]["Events"])
            self.assertTrue(properties["AutoRollbackConfiguration"]["Enabled"])
            self.assertEqual(properties["ServiceRoleArn"], {"Fn::GetAtt": ["ShiftRole", "Arn"]})
            self.assertIn(CANARY, str(properties["DeploymentConfigName"]))
        for alias in of_type(resources, "AWS::Lambda::Alias").values():
            self.assertIn("CodeDeployLambdaAliasUpdate", alias["UpdatePolicy"])

    def test_all_at_once_needs_no_codedeploy_role_or_alarm(self) -> None:
        resources = deployed(AT_ONCE)
        self.assertFalse([name for name, each in resources.items() if "CodeDeploy" in each["Type"]])
        self.assertFalse({"ShiftRole", "ShiftAlarm"} & set(resources))

    def test_each_release_is_a_version_though_the_code_is_the_same(self) -> None:
        first, second = (set(of_type(deployed(AT_ONCE, release), "AWS::Lambda::Version")) for release in ("1", "2"))
        self.assertFalse(first & second)
        self.assertEqual(first, set(of_type(deployed(AT_ONCE, "1"), "AWS::Lambda::Version")))

    def test_the_alarm_watches_the_new_version_of_every_function_alone(self) -> None:
        resources = deployed(CANARY)
        versions = of_type(resources, "AWS::Lambda::Version")
        watched = {
            (d["Name"], str(d["Value"]))
            for metric in resources["ShiftAlarm"]["Properties"]["Metrics"]
            for d in metric.get("MetricStat", {}).get("Metric", {}).get("Dimensions", [])
        }
        for name in FUNCTIONS:
            self.assertIn(("FunctionName", str({"Ref": name})), watched)
            self.assertIn(("Resource", str({"Fn::Sub": f"${{{name}}}:live"})), watched)
            [version] = [each for each in versions if each.startswith(f"{name}Version")]
            self.assertIn(("ExecutedVersion", str({"Fn::GetAtt": [version, "Version"]})), watched)

    def test_every_function_of_the_template_is_in_it(self) -> None:
        template, _ = files()
        functions = of_type(template["Resources"], "AWS::Serverless::Function")
        self.assertEqual(sorted(functions), list(FUNCTIONS))

    def test_every_shift_is_one_that_codedeploy_has(self) -> None:
        for shift in SHIFTS:
            if shift != AT_ONCE:
                self.assertIn(shift, str(deployed(shift)["ApiFunctionDeploymentGroup"]["Properties"]))

    def test_cfn_lint_finds_nothing_in_it(self) -> None:
        for shift in (AT_ONCE, CANARY):
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "template.yaml"
                file.write_text(yaml_dump(released(shift)), encoding="utf-8")
                command = [str(Path(sys.executable).parent / "cfn-lint"), str(file)]
                ran = subprocess.run(command, capture_output=True, text=True, check=False)
                # The nested templates are not beside it, which is no matter here.
                found = [text for text in ran.stdout.splitlines() if text[:1] in "EW" and "TemplateURL" not in text]
                self.assertEqual(found, [])


class DoneAgain(unittest.TestCase):
    """gradual.py run on what it has made."""

    def test_the_last_time_counts(self) -> None:
        for before in (AT_ONCE, CANARY):
            for after in (AT_ONCE, CANARY):
                self.assertEqual(released(after, "2", released(before, "1")), released(after, "2"))


if __name__ == "__main__":
    unittest.main()
