"""Changes a built template to what the emulator can do: emulated.py TEMPLATE

On AWS, both `Ref` and the attribute `Id` of a secret are its ARN. In the emulator `Ref` is the name, and a policy with
the name allows nothing; `Id` is the ARN there too. And the emulator has no TLS: the bucket's policy, which refuses
everything without it, is left out."""

import sys
from pathlib import Path

import yaml

ONLY_TLS = "OnlyEncryptedConnections"


def renamed(node, secrets):
    if isinstance(node, list):
        return [renamed(each, secrets) for each in node]
    if not isinstance(node, dict):
        return node
    if list(node) == ["Ref"] and node["Ref"] in secrets:
        return {"Fn::GetAtt": [node["Ref"], "Id"]}
    return {name: renamed(each, secrets) for name, each in node.items()}


def is_only_tls(resource):
    if resource["Type"] != "AWS::S3::BucketPolicy":
        return False
    statements = resource["Properties"]["PolicyDocument"]["Statement"]
    return [statement["Sid"] for statement in statements] == [ONLY_TLS]


def main(file):
    file = Path(file)
    template = yaml.safe_load(file.read_text())
    resources = template["Resources"]
    secrets = {name for name, each in resources.items() if each["Type"] == "AWS::SecretsManager::Secret"}
    left_out = [name for name, each in resources.items() if is_only_tls(each)]
    if not left_out:
        sys.exit("the template has no bucket policy that refuses connections without TLS")
    for name in left_out:
        del resources[name]
    file.write_text(yaml.safe_dump(renamed(template, secrets), sort_keys=False))


main(sys.argv[1])
