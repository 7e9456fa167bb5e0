"""What `infra/deploy-role.yaml` allows, with a stack's options put in, and what CloudFormation does.

AWS says of every type of resource which actions CloudFormation may take for it: the resource provider schemas' `handlers`,
which cfn-lint brings along. What of these is never taken for this template stands in NOT_NEEDED.
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from functools import cache
from typing import Any

from cfnlint.schema.manager import PROVIDER_SCHEMA_MANAGER
from samcli.yamlhelper import yaml_parse

from settings import ACCOUNT, REGION, ROOT

TEMPLATE = ROOT / "infra" / "deploy-role.yaml"

PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": "hookbell-deploy-role",
}

# What handlers may do and never do here, with the reason.
NOT_NEEDED: dict[str, dict[str, str]] = {
    "AWS::DynamoDB::Table": {
        "the table is not imported, streamed, replicated or watched by Contributor Insights": """
            dynamodb:DescribeImport dynamodb:ImportTable dynamodb:EnableKinesisStreamingDestination
            dynamodb:DisableKinesisStreamingDestination dynamodb:UpdateKinesisStreamingDestination
            dynamodb:UpdateContributorInsights dynamodb:CreateTableReplica dynamodb:AssociateTableReplica
            kinesis:* logs:* s3:* iam:CreateServiceLinkedRole""",
        "nobody who deploys reads or writes items": """
            dynamodb:Scan dynamodb:Query dynamodb:UpdateItem dynamodb:PutItem dynamodb:GetItem dynamodb:DeleteItem
            dynamodb:BatchWriteItem""",
        "the table has no policy of its own": "dynamodb:PutResourcePolicy dynamodb:DeleteResourcePolicy",
        "the key is AWS's, and its own policy lets in who uses it through DynamoDB": "kms:*",
    },
    "AWS::SecretsManager::Secret": {
        "nobody who deploys reads a secret": "secretsmanager:GetSecretValue",
        "the secrets are in one region": "secretsmanager:ReplicateSecretToRegions secretsmanager:RemoveRegionsFromReplication",
    },
    "AWS::SNS::Topic": {
        "subscriptions are made by people": "sns:Subscribe sns:Unsubscribe",
        "the topic has no data protection policy and logs no deliveries": """
            sns:PutDataProtectionPolicy iam:GetRole iam:PassRole""",
    },
    "AWS::Lambda::Function": {
        "the functions have no VPC, file system, layer, signature, own key or reserved concurrency": """
            ec2:* elasticfilesystem:* s3files:* kms:* lambda:GetLayerVersion lambda:GetCodeSigningConfig
            lambda:PutFunctionCodeSigningConfig lambda:DeleteFunctionCodeSigningConfig lambda:PutFunctionConcurrency
            lambda:DeleteFunctionConcurrency lambda:PutFunctionScalingConfig lambda:PassCapacityProvider""",
        "the runtime is updated as Lambda does by itself": "lambda:PutRuntimeManagementConfig",
        "a version is a resource of its own": "lambda:PublishVersion",
        "code is named by its key alone": "s3:GetObjectVersion",
    },
    "AWS::Lambda::EventSourceMapping": {"no filter is encrypted with a key of its own": "kms:*"},
    "AWS::Logs::LogGroup": {
        "the logs have no key, policy, index, delivery or token of their own": """
            logs:PutDataProtectionPolicy logs:DeleteDataProtectionPolicy logs:CreateLogDelivery s3:REST.PUT.OBJECT
            firehose:TagDeliveryStream logs:PutResourcePolicy logs:DeleteResourcePolicy logs:PutIndexPolicy
            logs:DeleteIndexPolicy logs:PutBearerTokenAuthentication logs:AssociateKmsKey logs:DisassociateKmsKey
            logs:PutLogGroupDeletionProtection""",
        "logs always have an end": "logs:DeleteRetentionPolicy",
    },
    "AWS::IAM::Role": {
        "roles name their permissions": "iam:AttachRolePolicy iam:DetachRolePolicy",
        "no version changes whom a role trusts or how it is described": """
            iam:UpdateRole iam:UpdateRoleDescription iam:UpdateAssumeRolePolicy""",
        "a boundary stays": "iam:DeleteRolePermissionsBoundary",
    },
    "AWS::ApiGateway::RestApi": {
        "the API has no policy of its own, and is given to no account": "apigateway:UpdateRestApiPolicy iam:PassRole",
    },
    "AWS::CloudFormation::Stack": {
        "nested stacks have no policy and no protection of their own": """
            cloudformation:SetStackPolicy cloudformation:UpdateTerminationProtection""",
    },
    "AWS::WAFv2::WebACLAssociation": {
        "the firewall stands before an API and nothing else": """
            elasticloadbalancing:* appsync:* cognito-idp:* apprunner:* ec2:* amplify:* bedrock-agentcore:*""",
        "the rules belong to the account": "wafv2:PutPermissionPolicy wafv2:GetPermissionPolicy",
    },
    "AWS::Lambda::Version": {
        "nothing is kept warm or scaled by hand": "lambda:PutProvisionedConcurrencyConfig lambda:PutFunctionScalingConfig",
        "the runtime is updated as Lambda does by itself": "lambda:PutRuntimeManagementConfig",
    },
    "AWS::Lambda::Alias": {
        "nothing is kept warm": "lambda:PutProvisionedConcurrencyConfig lambda:DeleteProvisionedConcurrencyConfig",
    },
    "AWS::CodeDeploy::DeploymentGroup": {"there are functions and no machines": "codedeploy:RegisterOnPremisesInstance"},
}

# Of this type the schemas say nothing; these are from Route 53's and CloudFormation's pages.
WITHOUT_HANDLERS = {
    "AWS::Route53::RecordSet": {
        "route53:ChangeResourceRecordSets",
        "route53:GetChange",
        "route53:GetHostedZone",
        "route53:ListResourceRecordSets",
    },
}

# What a list leaves out, and a mapping.
NOTHING = object()


class Settled:
    """The template with values for its parameters: conditions are decided, references are texts."""

    def __init__(self, template: dict[str, Any] | None = None, **chosen: str) -> None:
        self.template = yaml_parse(TEMPLATE.read_text(encoding="utf-8")) if template is None else template
        defaults = {name: str(each["Default"]) for name, each in self.template["Parameters"].items()}
        assert set(chosen) <= set(defaults), set(chosen) - set(defaults)
        self.values = {**PSEUDO_PARAMETERS, **defaults, **chosen}

    def statements(self, resource: str) -> list[dict[str, Any]]:
        """All that a role's or a policy's documents say."""
        properties = self.settle(self.template["Resources"][resource]["Properties"])
        documents = [policy["PolicyDocument"] for policy in properties.get("Policies", [])]
        documents += [properties["PolicyDocument"]] if "PolicyDocument" in properties else []
        documents += [policy["PolicyDocument"] for policy in self.attached(resource)]
        return [statement for document in documents for statement in document["Statement"]]

    def attached(self, role: str) -> list[dict[str, Any]]:
        """The policies of the template that are given to a role."""
        found = []
        for resource in self.template["Resources"].values():
            given = {"Ref": role} in resource["Properties"].get("Roles", [])
            if given and self.decide({"Condition": resource["Condition"]}):
                found.append(self.settle(resource["Properties"]))
        return found

    def trust(self, resource: str) -> list[dict[str, Any]]:
        """Who may take a role on."""
        properties = self.settle(self.template["Resources"][resource]["Properties"])
        return list(properties["AssumeRolePolicyDocument"]["Statement"])

    def settle(self, value: Any) -> Any:
        """A value with its functions done."""
        if isinstance(value, list):
            settled = [self.settle(entry) for entry in value]
            return [entry for entry in settled if entry is not NOTHING]
        if not isinstance(value, dict):
            return value
        if len(value) == 1:
            [(name, argument)] = value.items()
            if name == "Ref":
                return NOTHING if argument == "AWS::NoValue" else self.values.get(argument, argument)
            if name == "Fn::Sub":
                text = str(argument)
                for key, each in self.values.items():
                    text = text.replace(f"${{{key}}}", each)
                return text
            if name == "Fn::GetAtt":
                return "".join(argument) if isinstance(argument, str) else ".".join(argument)
            if name == "Fn::If":
                condition, yes, no = argument
                return self.settle(yes if self.decide({"Condition": condition}) else no)
        settled = {name: self.settle(entry) for name, entry in value.items()}
        return {name: entry for name, entry in settled.items() if entry is not NOTHING}

    def decide(self, condition: dict[str, Any]) -> bool:
        """Whether a condition holds."""
        [(name, argument)] = condition.items()
        match name:
            case "Condition":
                return self.decide(self.template["Conditions"][argument])
            case "Fn::Equals":
                one, other = (self.settle(each) for each in argument)
                return bool(one == other)
            case "Fn::Not":
                return not self.decide(argument[0])
            case "Fn::And":
                return all(self.decide(each) for each in argument)
            case "Fn::Or":
                return any(self.decide(each) for each in argument)
        raise ValueError(f"deploy_role.py knows no condition {name}")


def listed(value: Any) -> list[str]:
    """One text, or several."""
    return [value] if isinstance(value, str) else [str(each) for each in value]


def actions(statements: list[dict[str, Any]]) -> set[str]:
    """All that statements allow."""
    return {action for statement in statements for action in listed(statement["Action"])}


@cache
def handlers(resource_type: str) -> dict[str, set[str]]:
    """What CloudFormation may do for a type, by what it is about to do."""
    if resource_type in WITHOUT_HANDLERS:
        return {"create": WITHOUT_HANDLERS[resource_type]}
    schema = PROVIDER_SCHEMA_MANAGER.get_resource_schema(REGION, resource_type).schema
    found = {name: set(each["permissions"]) for name, each in schema["handlers"].items() if name != "list"}
    assert found, f"the schema of {resource_type} has no handlers"
    return found


def not_needed(resource_type: str) -> list[str]:
    """The patterns of a type's actions that are never taken."""
    return [pattern for patterns in NOT_NEEDED.get(resource_type, {}).values() for pattern in patterns.split()]


def needed(resource_type: str) -> set[str]:
    """What CloudFormation does for a type."""
    every = set().union(*handlers(resource_type).values())
    return {action for action in every if not any(fnmatchcase(action, each) for each in not_needed(resource_type))}
