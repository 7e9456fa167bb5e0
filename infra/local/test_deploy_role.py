"""What holds infra/deploy-role.yaml to what is deployed: enough, and nothing more.

The builder has what CloudFormation does (deploy_role.py) for every type of resource in the template that SAM makes of
template.yaml, and nothing else.
"""

from __future__ import annotations

import json
import sys
import unittest
from fnmatch import fnmatchcase
from functools import cache
from typing import Any
from unittest import mock

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from samcli.yamlhelper import yaml_parse
from samtranslator.translator.transform import transform

from deploy_role import NOT_NEEDED, Settled, actions, handlers, listed, needed, not_needed
from settings import REGION, ROOT

sys.path.insert(0, str(ROOT / "infra" / "gradual"))

from gradual import gradual  # noqa: E402

# Which options of template.yaml are on, by the parameters of the role.
OFF = {"Watch": "false", "TrustedPrincipalArn": "arn:aws:iam::123456789012:root"}
DOMAIN = {"DomainName": "hooks.example.com", "HostedZoneId": "Z0EXAMPLE"}
ON = {"Watch": "true", "Firewall": "true", "Gradual": "true", "Tracing": "true", **DOMAIN}
OPTIONS: dict[str, dict[str, str]] = {
    "none": OFF,
    "Watch": {**OFF, "Watch": "true"},
    "Domain": {**OFF, **DOMAIN},
    "Firewall": {**OFF, "Firewall": "true"},
    "Gradual": {**OFF, "Gradual": "true"},
    "Tracing": {**OFF, "Tracing": "true"},
    "all": {**OFF, **ON},
}

# The templates of nested stacks, by the parameter that switches them on; and what a gradual release adds.
NESTED = {"Watch": "watch.yaml", "DomainName": "domain.yaml", "Firewall": "firewall.yaml"}

# What no resource asks for: the macro, and the role as which API Gateway works.
BEYOND = {"cloudformation:CreateChangeSet", "iam:CreateServiceLinkedRole"}

# What another stack's names would let in is told apart by the tag that CloudFormation sets, where it is changed or read.
STACK_TAG = "aws:ResourceTag/aws:cloudformation:stack-name"
TOLD_BY_TAG: dict[str, dict[str, dict[str, str]]] = {
    **{
        f"secretsmanager:{action}": {"StringEquals": {STACK_TAG: "hookbell"}}
        for action in ("DeleteSecret", "GetSecretValue", "UntagResource", "UpdateSecret")
    },
    **{
        f"wafv2:{action}": {"StringLike": {STACK_TAG: "hookbell-FirewallOfApi-*"}}
        for action in ("DeleteWebACL", "UntagResource", "UpdateWebACL")
    },
}

# AWS knows no resource for these (Service Authorization Reference), so their statements have "*".
OF_NO_RESOURCE = {
    "lambda:CreateEventSourceMapping",
    "logs:DescribeResourcePolicies",
    "secretsmanager:GetRandomPassword",
    "xray:PutTelemetryRecords",
    "xray:PutTraceSegments",
}

# AWS chooses these names itself or asks about all of a kind, so no stack's name stands in them.
NAMED_BY_AWS = {
    f"arn:aws:apigateway:{REGION}::/restapis",
    f"arn:aws:apigateway:{REGION}::/restapis/*",
    f"arn:aws:apigateway:{REGION}::/restapis/*/stages/*",
    f"arn:aws:apigateway:{REGION}::/tags/*",
    f"arn:aws:cloudformation:{REGION}:aws:transform/Serverless-2016-10-31",
    f"arn:aws:cloudwatch:{REGION}:123456789012:alarm:*",
    f"arn:aws:codedeploy:{REGION}:123456789012:deploymentconfig:CodeDeployDefault.Lambda*",
    f"arn:aws:lambda:{REGION}:123456789012:event-source-mapping:*",
    f"arn:aws:logs:{REGION}:123456789012:log-group:*",
    "arn:aws:route53:::change/*",
    f"arn:aws:secretsmanager:{REGION}:123456789012:secret:AdminKey-*",
    f"arn:aws:secretsmanager:{REGION}:123456789012:secret:EncryptionKey-*",
    f"arn:aws:wafv2:{REGION}:123456789012:regional/managedruleset/*/*",
    f"arn:aws:wafv2:{REGION}:123456789012:regional/webacl/Rules-*/*",
}


def read(name: str) -> dict[str, Any]:
    """A template of the repository."""
    template: dict[str, Any] = yaml_parse((ROOT / name).read_text(encoding="utf-8"))
    return template


@cache
def types(option: str) -> frozenset[str]:
    """The types of all resources that are deployed with an option."""
    chosen = OPTIONS[option]
    template = read("template.yaml")
    if chosen.get("Gradual") == "true":
        template = gradual(template, read("infra/gradual/resources.yaml"), "Canary10Percent5Minutes", "r")
    for resource in template["Resources"].values():
        if resource["Type"] == "AWS::Serverless::Function":
            resource["Properties"]["CodeUri"] = "s3://bucket/key"
    loader = mock.Mock(load=dict)
    with mock.patch.dict("os.environ", {"AWS_DEFAULT_REGION": REGION}):
        made = transform(template, {}, loader)["Resources"].values()
    found = {resource["Type"] for resource in made}
    nested = [file for parameter, file in NESTED.items() if chosen.get(parameter, "false") not in ("", "false")]
    for file in nested:
        found |= {resource["Type"] for resource in read(f"infra/{file}")["Resources"].values()}
    return frozenset(found if nested else found - {"AWS::CloudFormation::Stack"})


def breaches(option: str, template: dict[str, Any] | None = None) -> list[str]:
    """What the builder lacks for an option, and what it has too much."""
    allowed = actions(Settled(template, **OPTIONS[option]).statements("Builder"))
    wanted = set().union(*(needed(each) for each in types(option)))
    lacking = [f"it lacks {action}" for action in sorted(wanted - allowed) if action != "iam:PutRolePermissionsBoundary"]
    lacking += [f"it lacks {action}" for action in sorted(BEYOND - allowed)]
    return lacking + [f"nothing needs {action}" for action in sorted(allowed - wanted - BEYOND)]


def wide(statements: list[dict[str, Any]], stack: str = "hookbell") -> list[str]:
    """Statements that reach beyond the stack, or name no action."""
    found = []
    for statement in statements:
        found += [f"{action} has a wildcard" for action in listed(statement["Action"]) if "*" in action]
        for resource in listed(statement["Resource"]):
            own = f"{stack}-" in resource or resource.endswith((f"stack/{stack}/*", f"dashboard/{stack}"))
            artifacts = resource == f"arn:aws:s3:::aws-sam-cli-managed-default-samclisourcebucket-*/{stack}/*"
            managed = resource.endswith("stack/aws-sam-cli-managed-default/*")
            if resource == "*":
                found += [f"{a} on *" for a in listed(statement["Action"]) if a not in OF_NO_RESOURCE]
            elif "*" in resource and not (own or artifacts or managed or resource in NAMED_BY_AWS | domain_names()):
                found.append(f"{statement.get('Sid')}: {resource}")
            # What is behind the stack's name is a resource's: another stack's name may begin with this one's.
            if f":{stack}-*" in resource or f"/{stack}-*" in resource:
                found.append(f"{statement.get('Sid')}: {resource} is another stack's too")
    return found


def domain_names() -> set[str]:
    """The one domain and what is in it."""
    return {f"arn:aws:apigateway:{REGION}::/domainnames/{DOMAIN['DomainName']}/*"}


class TheBuilder(unittest.TestCase):
    """What CloudFormation may do."""

    def test_it_has_what_the_resources_need_and_nothing_else(self) -> None:
        for option in OPTIONS:
            with self.subTest(option=option):
                self.assertEqual(breaches(option), [])

    def test_every_action_that_is_taken_away_is_missed(self) -> None:
        every = actions(Settled(**OPTIONS["all"]).statements("Builder")) - {"iam:PutRolePermissionsBoundary"}
        for gone in sorted(every):
            template = read("infra/deploy-role.yaml")
            for name in ("Builder", "Guarding", "Nesting", "Shifting"):
                without(template["Resources"][name], gone)
            with self.subTest(gone=gone):
                self.assertEqual(breaches("all", template), [f"it lacks {gone}"])

    def test_it_passes_a_role_to_whoever_works_as_it_and_to_nobody_else(self) -> None:
        passing = {
            (resource.rsplit("/", 1)[-1], service)
            for statement in Settled(**OPTIONS["all"]).statements("Builder")
            if "iam:PassRole" in listed(statement["Action"])
            for resource in listed(statement["Resource"])
            for service in listed(statement["Condition"]["StringEquals"]["iam:PassedToService"])
        }
        roles = {f"hookbell-{name}Role-*" for name in ("Api", "Dlq", "Sender")}
        expected = {(role, "lambda.amazonaws.com") for role in roles}
        expected |= {("Builder.Arn", "cloudformation.amazonaws.com"), ("hookbell-ShiftRole-*", "codedeploy.amazonaws.com")}
        self.assertEqual(passing, expected)

    def test_one_that_nothing_needs_is_noticed(self) -> None:
        template = read("infra/deploy-role.yaml")
        statement = template["Resources"]["Builder"]["Properties"]["Policies"][0]["PolicyDocument"]["Statement"][2]
        statement["Action"].append("dynamodb:Scan")
        self.assertEqual(breaches("none", template), ["nothing needs dynamodb:Scan"])

    def test_what_is_said_not_to_be_needed_is_something_that_a_handler_may_do(self) -> None:
        for resource_type in NOT_NEEDED:
            every = set().union(*handlers(resource_type).values())
            for pattern in not_needed(resource_type):
                with self.subTest(type=resource_type, pattern=pattern):
                    self.assertTrue(any(fnmatchcase(action, pattern) for action in every))

    def test_an_option_that_is_off_adds_nothing(self) -> None:
        off = actions(Settled(**OPTIONS["none"]).statements("Builder"))
        for service in ("cloudwatch", "codedeploy", "route53", "wafv2"):
            self.assertFalse([action for action in off if action.startswith(f"{service}:")])
        self.assertNotIn("cloudformation:CreateStack", off)

    def test_a_role_of_the_stack_is_made_with_the_boundary_or_not_at_all(self) -> None:
        for bounded, condition in (("true", {"StringEquals": {"iam:PermissionsBoundary": "Boundary"}}), ("false", None)):
            for statement in Settled(**OFF, Bounded=bounded).statements("Builder"):
                if {"iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"} & set(listed(statement["Action"])):
                    self.assertEqual(statement.get("Condition"), condition)

    def test_cloudformation_alone_takes_it_on(self) -> None:
        for trust in Settled(**OPTIONS["all"]).trust("Builder"):
            self.assertEqual(trust["Principal"], {"Service": "cloudformation.amazonaws.com"})


class TheDeployer(unittest.TestCase):
    """Who starts a deployment."""

    def test_a_workflow_of_one_repository_and_environment_takes_it_on(self) -> None:
        provider = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com"
        chosen = {"GitHubProviderArn": provider, "GitHubRepository": "example/hooks", "GitHubEnvironment": "staging"}
        [trust] = Settled(**chosen).trust("Deployer")
        self.assertEqual(trust["Principal"], {"Federated": provider})
        self.assertEqual(
            trust["Condition"]["StringEquals"],
            {
                "token.actions.githubusercontent.com:aud": "sts.amazonaws.com",
                "token.actions.githubusercontent.com:sub": "repo:example/hooks:environment:staging",
            },
        )

    def test_a_repository_may_be_named_with_the_ids_of_immutable_subjects(self) -> None:
        pattern = read("infra/deploy-role.yaml")["Parameters"]["GitHubRepository"]["AllowedPattern"]
        for repository in ("", "example/hooks", "example@123456/hooks@456789", "an.owner-1/a_name.x"):
            self.assertRegex(repository, pattern)
        for repository in ("example", "example/hooks/more", "example@/hooks", "example@id/hooks@id", "*/hooks"):
            self.assertNotRegex(repository, pattern)
        chosen = {"GitHubProviderArn": "provider", "GitHubRepository": "example@123456/hooks@456789"}
        [trust] = Settled(**chosen).trust("Deployer")
        subject = trust["Condition"]["StringEquals"]["token.actions.githubusercontent.com:sub"]
        self.assertEqual(subject, "repo:example@123456/hooks@456789:environment:production")

    def test_a_principal_takes_it_on_where_one_is_named(self) -> None:
        [trust] = Settled(**OFF).trust("Deployer")
        self.assertEqual(trust["Principal"], {"AWS": OFF["TrustedPrincipalArn"]})

    def test_it_gives_the_builder_to_cloudformation_and_no_role_to_anybody_else(self) -> None:
        passing = [s for s in Settled(**OPTIONS["all"]).statements("Deployer") if "iam:PassRole" in listed(s["Action"])]
        [statement] = passing
        self.assertEqual(statement["Resource"], "Builder.Arn")
        self.assertEqual(statement["Condition"], {"StringEquals": {"iam:PassedToService": "cloudformation.amazonaws.com"}})

    def test_it_deletes_where_it_may(self) -> None:
        self.assertNotIn("cloudformation:DeleteStack", actions(Settled(**OFF).statements("Deployer")))
        self.assertIn("cloudformation:DeleteStack", actions(Settled(**OFF, Delete="true").statements("Deployer")))


class TheBoundary(unittest.TestCase):
    """What no role of the stack exceeds."""

    def test_it_is_what_the_roles_may_do_together(self) -> None:
        resources = read("template.yaml")["Resources"]
        for tracing in ("false", "true"):
            policies = [
                policy["Fn::If"][1] if "Fn::If" in policy else policy
                for name in ("ApiRole", "SenderRole", "DlqRole")
                for policy in resources[name]["Properties"]["Policies"]
                if tracing == "true" or "Fn::If" not in policy
            ]
            wanted = {a for p in policies for s in p["PolicyDocument"]["Statement"] for a in listed(s["Action"])}
            self.assertEqual(actions(Settled(**OFF, Tracing=tracing).statements("Boundary")), wanted)

    def test_with_gradual_releases_it_has_what_shifts_them_too(self) -> None:
        [policy] = read("infra/gradual/resources.yaml")["ShiftRole"]["Properties"]["Policies"]
        more = {action for statement in policy["PolicyDocument"]["Statement"] for action in listed(statement["Action"])}
        off = actions(Settled(**OFF).statements("Boundary"))
        self.assertEqual(actions(Settled(**OFF, Gradual="true").statements("Boundary")), off | more)


class TheStatements(unittest.TestCase):
    """Of all three."""

    def all(self) -> list[dict[str, Any]]:
        """Every statement with every option."""
        settled = Settled(**OPTIONS["all"], Delete="true")
        return [s for name in ("Deployer", "Builder", "Boundary") for s in settled.statements(name)]

    def test_they_reach_no_further_than_the_stack(self) -> None:
        self.assertEqual(wide(self.all()), [])

    def test_one_that_does_is_noticed(self) -> None:
        arn = "arn:aws:sqs:us-east-1:123456789012:"
        for action, resource, words in (
            ("sqs:CreateQueue", "*", "sqs:CreateQueue on *"),
            ("sqs:*", f"{arn}hookbell-Events*", "sqs:* has a wildcard"),
            ("sqs:CreateQueue", f"{arn}*", f"None: {arn}*"),
            ("sqs:CreateQueue", f"{arn}hookbell-*", f"None: {arn}hookbell-* is another stack's too"),
        ):
            self.assertEqual(wide([{"Action": action, "Resource": resource}]), [words])

    def test_what_has_no_stacks_name_is_told_apart_by_its_tag_where_it_is_changed_or_read(self) -> None:
        found = set()
        for statement in self.all():
            if "managedruleset" in str(statement["Resource"]):
                continue
            for action in set(listed(statement["Action"])) & set(TOLD_BY_TAG):
                self.assertEqual(statement.get("Condition"), TOLD_BY_TAG[action], action)
                found.add(action)
        self.assertEqual(found, set(TOLD_BY_TAG))

    def test_cloudformation_sets_that_tag(self) -> None:
        for resource_type in ("AWS::SecretsManager::Secret", "AWS::WAFv2::WebACL"):
            schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource_type).schema
            self.assertTrue(schema["tagging"]["cloudFormationSystemTags"], resource_type)

    def test_what_names_one_stack_does_not_match_another_whose_name_begins_with_it(self) -> None:
        for statement in self.all():
            for resource in listed(statement["Resource"]):
                if "hookbell-" in resource:
                    other = resource.replace("hookbell-", "hookbell-staging-").replace("*", "X")
                    self.assertFalse(fnmatchcase(other, resource), resource)

    def test_their_policies_are_no_longer_than_iam_takes(self) -> None:
        settled = Settled(**OPTIONS["all"], Delete="true", Stack="s" * 30)
        attached = settled.attached("Builder")
        policies = [("attached", policy["PolicyDocument"]["Statement"], 6_144) for policy in attached]
        policies += [("Boundary", settled.statements("Boundary"), 6_144)]
        for name in ("Deployer", "Builder"):
            inline = [s for s in settled.statements(name) if all(s not in policy for _, policy, _ in policies)]
            policies.append((name, inline, 10_240))
        for name, statements, most in policies:
            length = len(json.dumps(statements, separators=(",", ":")))
            # GovCloud's and China's ARNs are some letters longer.
            self.assertLess(length * 1.03, most, name)


def without(value: Any, action: str) -> None:
    """Take an action away wherever it stands; a statement of that alone keeps a word that is none."""
    if isinstance(value, list):
        for entry in value:
            without(entry, action)
    elif isinstance(value, dict):
        if value.get("Action") == action:
            value["Action"] = []
        elif isinstance(value.get("Action"), list):
            value["Action"] = [each for each in value["Action"] if each != action]
        for entry in value.values():
            without(entry, action)


if __name__ == "__main__":
    unittest.main()
