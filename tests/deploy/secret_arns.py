"""Replaces references to secrets by their ARN in a built template: secret_arns.py TEMPLATE

On AWS, both `Ref` and the attribute `Id` of a secret are its ARN. In the emulator `Ref` is the name, and a policy with
the name allows nothing; `Id` is the ARN there too."""

import sys
from pathlib import Path

import yaml


def renamed(node, secrets):
    if isinstance(node, list):
        return [renamed(each, secrets) for each in node]
    if not isinstance(node, dict):
        return node
    if list(node) == ["Ref"] and node["Ref"] in secrets:
        return {"Fn::GetAtt": [node["Ref"], "Id"]}
    return {name: renamed(each, secrets) for name, each in node.items()}


def main(file):
    file = Path(file)
    template = yaml.safe_load(file.read_text())
    resources = template["Resources"].items()
    secrets = {name for name, each in resources if each["Type"] == "AWS::SecretsManager::Secret"}
    file.write_text(yaml.safe_dump(renamed(template, secrets), sort_keys=False))


main(sys.argv[1])
