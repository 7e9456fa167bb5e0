"""Deploys, changes and deletes a stack as the deploy role of `infra/deploy-role.yaml`, and sees it fail without each action.

The local AWS asks IAM about every call that arrives: so about all that the deployer does itself. It asks about nothing that
CloudFormation does inside, so the builder is asked by IAM's simulator, for each resource of the stack and for those of another
one. Two permissions of the deployer are not tried: PassRole, about which the local AWS does not ask, and s3:GetObject, with
which CloudFormation would read the template.
"""

from __future__ import annotations

import json
import subprocess
from typing import Any

import boto3
from botocore.exceptions import ClientError

import aws
import stack
from deploy_role import actions, needed
from say import Failure, Steps, explained_failures
from settings import ACCOUNT, BUILD_FOLDER, REGION, ROOT, STACK_NAME, Settings, for_up

TRIAL = "trial"
ROLES = f"{TRIAL}-deploy-role"

# What the deployer may do and the local AWS does not ask about, and deletion, which is tried by itself.
NOT_ASKED = {"iam:PassRole", "s3:GetObject"}
DELETES = "cloudformation:DeleteStack"

# The simulator is not told of conditions, and these have one or name no single resource.
NOT_OF_ONE = {
    "cloudwatch:DescribeAlarms",
    "iam:CreateRole",
    "iam:PassRole",
    "iam:PutRolePermissionsBoundary",
    "iam:PutRolePolicy",
    "logs:DescribeLogGroups",
    "logs:DescribeResourcePolicies",
    "s3:GetObject",
    "secretsmanager:DeleteSecret",
    "secretsmanager:GetRandomPassword",
    "secretsmanager:UntagResource",
    "secretsmanager:UpdateSecret",
}


def main() -> None:
    """Try it on the stack of `make up`."""
    settings = for_up()
    with explained_failures():
        steps = Steps(1)
        with steps.step("Deploying as the deploy role") as step:
            stack.read(settings)
            step.outcome = run(settings, every_action=True)


def run(settings: Settings, *, every_action: bool = False) -> str:
    """All of it, on a stack of its own, which is gone afterwards. Without `every_action` one of them is missed and not all,
    which takes a third as long. Answer with how much was tried."""
    trial = Trial(settings)
    try:
        trial.make_roles()
        trial.deploy(RetentionDays="31")
        asked = trial.ask_about_the_builder()
        missed = trial.miss_each_action(None if every_action else "cloudformation:ExecuteChangeSet")
        trial.deploy(RetentionDays="32")
        trial.delete()
    finally:
        trial.clean()
    return f"made, changed and deleted; {missed} actions missed, {asked} asked of the builder"


class Trial:
    """The roles and the stack that is deployed as they say."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.iam = aws.client("iam", settings.endpoint)
        self.cloudformation = aws.client("cloudformation", settings.endpoint)
        self.outputs: dict[str, str] = {}

    @property
    def deployer(self) -> str:
        """The deployer's name."""
        return self.outputs["DeployerArn"].rsplit("/", 1)[-1]

    def make_roles(self) -> None:
        """Deploy the roles as an administrator."""
        chosen = {"Stack": TRIAL, "Delete": "true", "TrustedPrincipalArn": f"arn:aws:iam::{ACCOUNT}:root"}
        template = ["--template-file", str(ROOT / "infra" / "deploy-role.yaml"), "--stack-name", ROLES]
        made = self.sam([*template, "--resolve-s3"], chosen, aws.CREDENTIALS)
        if made.returncode != 0:
            raise Failure("The deploy role was not made.", f"sam says: {said(made)}")
        self.outputs = outputs(self.cloudformation, ROLES)
        bucket = outputs(self.cloudformation, "aws-sam-cli-managed-default")["SourceBucket"]
        # It takes nothing without TLS, and the local AWS has none.
        aws.client("s3", self.settings.endpoint).delete_bucket_policy(Bucket=bucket)

    def credentials(self) -> dict[str, str]:
        """Those of the deployer, as a pipeline gets them."""
        assumed = aws.client("sts", self.settings.endpoint).assume_role(
            RoleArn=self.outputs["DeployerArn"], RoleSessionName="pipeline"
        )["Credentials"]
        return {
            "AWS_ACCESS_KEY_ID": assumed["AccessKeyId"],
            "AWS_SECRET_ACCESS_KEY": assumed["SecretAccessKey"],
            "AWS_SESSION_TOKEN": assumed["SessionToken"],
        }

    def sam(self, options: list[str], chosen: dict[str, str], who: dict[str, str]) -> subprocess.CompletedProcess[str]:
        """Run `sam deploy` as somebody."""
        overrides = [f"{name}={value}" for name, value in chosen.items()]
        command = ["sam", "deploy", *options, "--region", REGION, "--capabilities", "CAPABILITY_IAM"]
        command += ["CAPABILITY_AUTO_EXPAND", "--no-progressbar", "--no-confirm-changeset", "--parameter-overrides", *overrides]
        environment = {**aws.environment(self.settings), **who}
        return subprocess.run(command, cwd=ROOT / "infra", env=environment, capture_output=True, text=True, check=False)

    def as_the_deployer(self, **chosen: str) -> subprocess.CompletedProcess[str]:
        """Run `sam deploy` of what was built, as a pipeline does."""
        chosen = {"Alarms": "simple", "PermissionsBoundary": self.outputs["BoundaryArn"], **chosen}
        options = ["--template-file", str(BUILD_FOLDER / "template.yaml"), "--stack-name", TRIAL, "--resolve-s3"]
        options += ["--s3-prefix", TRIAL, "--force-upload", "--role-arn", self.outputs["BuilderArn"]]
        return self.sam(options, chosen, self.credentials())

    def deploy(self, **chosen: str) -> None:
        """It has to succeed."""
        ran = self.as_the_deployer(**chosen)
        if ran.returncode != 0:
            raise Failure("The deploy role does not suffice.", f"sam says: {said(ran)}")

    def miss_each_action(self, only: str | None) -> int:
        """Deploy without one action after the other, or without that one: each time it has to be missed."""
        policy = self.iam.get_role_policy(RoleName=self.deployer, PolicyName="deploy")["PolicyDocument"]
        tried = sorted(actions(policy["Statement"]) - NOT_ASKED - {DELETES})
        tried = [only] if only else tried
        for number, action in enumerate(tried):
            self.deny(action)
            ran = self.as_the_deployer(RetentionDays=str(40 + number))
            word = action.split(":")[1]
            if ran.returncode == 0 or word not in ran.stdout + ran.stderr and "AccessDenied" not in ran.stdout + ran.stderr:
                raise Failure(
                    f"`sam deploy` does not need {action}.",
                    f"take it out of infra/deploy-role.yaml, or say in infra/local/deploying.py why not. {said(ran)}",
                )
        self.allow_all()
        return len(tried) + 1

    def ask_about_the_builder(self) -> int:
        """Every action that a type needs, on the resources of that type: the trial's, and those of the other stack."""
        own, others = (self.resources(name) for name in (TRIAL, STACK_NAME))
        asked = 0
        for kind, arn in own | others:
            wanted = sorted(action for action in needed(kind) - NOT_OF_ONE if not action.startswith("kms:"))
            answers = self.iam.simulate_principal_policy(
                PolicySourceArn=self.outputs["BuilderArn"], ActionNames=wanted, ResourceArns=[arn]
            )["EvaluationResults"]
            expected = "allowed" if (kind, arn) in own or kind == "AWS::ApiGateway::RestApi" else "implicitDeny"
            wrong = {answer["EvalActionName"] for answer in answers if answer["EvalDecision"] != expected}
            asked += len(answers)
            if wrong or len(answers) != len(wanted):
                raise Failure(f"The builder has not {expected} on {arn}: {wrong}.", "look at infra/deploy-role.yaml.")
        return asked

    def resources(self, name: str) -> set[tuple[str, str]]:
        """The type and ARN of each resource of a stack that has one, nested stacks' too."""
        found = set()
        for each in self.cloudformation.list_stack_resources(StackName=name)["StackResourceSummaries"]:
            kind, id = each["ResourceType"], each["PhysicalResourceId"]
            if kind == "AWS::CloudFormation::Stack":
                found |= self.resources(id)
            arn = named(kind, id)
            found |= {(kind, arn)} if arn else set()
        return found

    def deny(self, action: str) -> None:
        """Take one action from the deployer."""
        statement = {"Effect": "Deny", "Action": action, "Resource": "*"}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        self.iam.put_role_policy(RoleName=self.deployer, PolicyName="less", PolicyDocument=document)

    def allow_all(self) -> None:
        """Give it back."""
        self.iam.delete_role_policy(RoleName=self.deployer, PolicyName="less")

    def delete(self) -> None:
        """Delete the stack, first without the action for it."""
        self.deny(DELETES)
        try:
            self.as_client().delete_stack(StackName=TRIAL)
        except ClientError as error:
            if error.response["Error"]["Code"] != "AccessDenied":
                raise
        else:
            raise Failure(f"The deployer deletes without {DELETES}.", "look at infra/deploy-role.yaml.")
        self.allow_all()
        cloudformation = self.as_client()
        cloudformation.delete_stack(StackName=TRIAL)
        cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=TRIAL, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
        )

    def as_client(self) -> Any:
        """CloudFormation for the deployer."""
        who = self.credentials()
        session: Any = boto3.Session()
        return session.client(
            "cloudformation",
            endpoint_url=self.settings.endpoint,
            region_name=REGION,
            aws_access_key_id=who["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=who["AWS_SECRET_ACCESS_KEY"],
            aws_session_token=who["AWS_SESSION_TOKEN"],
        )

    def clean(self) -> None:
        """Remove what is left, whatever has happened."""
        for name in (TRIAL, ROLES):
            self.cloudformation.delete_stack(StackName=name)


def named(kind: str, id: str) -> str | None:
    """The ARN of a resource, for the types that have one of their own. The local AWS names log groups otherwise than AWS."""
    here = f"{REGION}:{ACCOUNT}"
    match kind:
        case "AWS::SNS::Topic" | "AWS::CloudFormation::Stack":
            return id
        case "AWS::SecretsManager::Secret":
            return f"arn:aws:secretsmanager:{here}:secret:{id}-abcdef"
        case "AWS::DynamoDB::Table":
            return f"arn:aws:dynamodb:{here}:table/{id}"
        case "AWS::SQS::Queue":
            return f"arn:aws:sqs:{here}:{id.rsplit('/', 1)[-1]}"
        case "AWS::Lambda::Function":
            return f"arn:aws:lambda:{here}:function:{id}"
        case "AWS::IAM::Role":
            return f"arn:aws:iam::{ACCOUNT}:role/{id}"
        case "AWS::CloudWatch::Alarm":
            return f"arn:aws:cloudwatch:{here}:alarm:{id}"
        case "AWS::CloudWatch::Dashboard":
            return f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/{id}"
        case "AWS::ApiGateway::RestApi":
            return f"arn:aws:apigateway:{REGION}::/restapis/{id}"
    return None


def outputs(cloudformation: Any, name: str) -> dict[str, str]:
    """A stack's outputs."""
    found = cloudformation.describe_stacks(StackName=name)["Stacks"][0]["Outputs"]
    return {output["OutputKey"]: output["OutputValue"] for output in found}


def said(ran: subprocess.CompletedProcess[str]) -> str:
    """The last that a program has said."""
    return " ".join((ran.stderr.strip() or ran.stdout.strip()).splitlines()[-3:])


if __name__ == "__main__":
    main()
