"""What `infra/deploy-role.yaml` allows, with a stack's options put in."""

from __future__ import annotations

from typing import Any

from samcli.yamlhelper import yaml_parse

from settings import ACCOUNT, REGION, ROOT

TEMPLATE = ROOT / "infra" / "deploy-role.yaml"

PSEUDO_PARAMETERS = {
    "AWS::AccountId": ACCOUNT,
    "AWS::Partition": "aws",
    "AWS::Region": REGION,
    "AWS::StackName": "hookbell-deploy-role",
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
