"""What holds samconfig.toml to template.yaml and to infra/deploy-role.yaml."""

from __future__ import annotations

import tomllib
import unittest
from typing import Any

from samcli.yamlhelper import yaml_parse

from settings import ROOT

ENVIRONMENTS = {"default": "hookbell-dev", "staging": "hookbell-staging", "production": "hookbell"}

Config = dict[str, Any]


def read() -> Config:
    """The file."""
    return tomllib.loads((ROOT / "samconfig.toml").read_text(encoding="utf-8"))


def breaches(config: Config) -> list[str]:
    """What is wrong with it."""
    parameters = yaml_parse((ROOT / "template.yaml").read_text(encoding="utf-8"))["Parameters"]
    found = []
    for environment, stack in ENVIRONMENTS.items():
        deploy = config[environment]["deploy"]["parameters"]
        if config[environment]["global"]["parameters"]["stack_name"] != stack:
            found.append(f"{environment}: its stack is not {stack}")
        # The deployer may put artifacts there and nowhere else.
        if deploy["s3_prefix"] != stack or not deploy["resolve_s3"]:
            found.append(f"{environment}: its artifacts are not where the deploy role lets them be")
        if deploy["capabilities"] != ["CAPABILITY_IAM", "CAPABILITY_AUTO_EXPAND"]:
            found.append(f"{environment}: nested stacks and roles need their capabilities")
        for override in deploy["parameter_overrides"]:
            name, value = override.split("=", 1)
            if name not in parameters:
                found.append(f"{environment}: template.yaml has no {name}")
            elif value not in map(str, parameters[name].get("AllowedValues", [value])):
                found.append(f"{environment}: {name} may not be {value}")
    if not config["production"]["deploy"]["parameters"]["confirm_changeset"]:
        found.append("production: nobody sees what will change")
    return found


class SamConfig(unittest.TestCase):
    """The three environments."""

    def test_each_deploys_the_template_as_the_deploy_role_may(self) -> None:
        self.assertEqual(breaches(read()), [])

    def test_what_is_wrong_is_noticed(self) -> None:
        for key, value, words in (
            ("s3_prefix", "elsewhere", "staging: its artifacts are not where the deploy role lets them be"),
            ("capabilities", ["CAPABILITY_IAM"], "staging: nested stacks and roles need their capabilities"),
            ("parameter_overrides", ["Fire=count"], "staging: template.yaml has no Fire"),
            ("parameter_overrides", ["Firewall=on"], "staging: Firewall may not be on"),
        ):
            config = read()
            config["staging"]["deploy"]["parameters"][key] = value
            self.assertEqual(breaches(config), [words])


if __name__ == "__main__":
    unittest.main()
