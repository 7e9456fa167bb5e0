"""Makes a gradual release of what `sam build` has built: run it between `sam build` and `sam deploy`.

Each function gets a version at every deployment and an alias, `live`, which the API and the queues call. With any other
shift than AllAtOnce CodeDeploy moves the alias step by step, and back when an alarm rings.

It changes the template that was built and not template.yaml, because SAM has no alias that can be switched off, and
publishes no version when only a parameter has changed: see DESIGN.md, "How is a release shifted gradually?".
"""

from __future__ import annotations

import argparse
import hashlib
import time
from pathlib import Path
from typing import Any

from samcli.yamlhelper import yaml_dump, yaml_parse

HERE = Path(__file__).resolve().parent
BUILT = HERE.parents[1] / ".aws-sam" / "build" / "template.yaml"
ALIAS = "live"

AT_ONCE = "AllAtOnce"
SHIFTS = (
    AT_ONCE,
    *(f"Canary10Percent{minutes}Minutes" for minutes in (5, 10, 15, 30)),
    "Linear10PercentEvery1Minute",
    *(f"Linear10PercentEvery{minutes}Minutes" for minutes in (2, 3, 10)),
)


def main() -> None:
    """Change the built template in place."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("shift", choices=SHIFTS, metavar="SHIFT", help=f"one of {', '.join(SHIFTS)}")
    parser.add_argument("--template", type=Path, default=BUILT, help="what sam build has written")
    parser.add_argument("--release", default=time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), help="what it is called")
    arguments = parser.parse_args()
    if not arguments.template.exists():
        raise SystemExit(f"There is no {arguments.template}: run `sam build` first.")
    template = yaml_parse(arguments.template.read_text(encoding="utf-8"))
    resources = yaml_parse((HERE / "resources.yaml").read_text(encoding="utf-8"))
    arguments.template.write_text(
        yaml_dump(gradual(template, resources, arguments.shift, arguments.release)), encoding="utf-8"
    )
    print(f"Release {arguments.release}, shifted {arguments.shift}. Now deploy: sam deploy")


def gradual(template: dict[str, Any], resources: dict[str, Any], shift: str, release: str) -> dict[str, Any]:
    """The template with an alias for each function, and with what shifts traffic where it is shifted."""
    for resource in template["Resources"].values():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        properties = resource["Properties"]
        properties["AutoPublishAlias"] = ALIAS
        # SAM makes a version for each of these, by its first ten characters, and puts it into the function's description,
        # so that Lambda has something to make a version of, even where nothing else has changed.
        properties["AutoPublishCodeSha256"] = hashlib.sha256(release.encode()).hexdigest()
        properties["VersionDescription"] = release
        properties.pop("DeploymentPreference", None)
        if shift != AT_ONCE:
            properties["DeploymentPreference"] = {
                "Type": shift,
                "Role": {"Fn::GetAtt": ["ShiftRole", "Arn"]},
                "Alarms": [{"Ref": "ShiftAlarm"}],
            }
    for name, resource in resources.items():
        template["Resources"].pop(name, None)
        if shift != AT_ONCE:
            template["Resources"][name] = resource
    return template


if __name__ == "__main__":
    main()
