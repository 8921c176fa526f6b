"""Generates a deployed stack's secrets by the rules of its template: generate.py STACK

The emulator's CloudFormation ignores some rules of GenerateSecretString and generates characters that the template
excludes. Its GetRandomPassword follows the same rules, so it is used instead. Run this after the first deployment of a
stack, before a function has read the secrets."""

import json
import sys

import boto3

OF_THE_SECRET = {"SecretStringTemplate", "GenerateStringKey"}


def value(rules):
    wanted = {name: rule for name, rule in rules.items() if name not in OF_THE_SECRET}
    password = boto3.client("secretsmanager").get_random_password(**wanted)["RandomPassword"]
    if "SecretStringTemplate" not in rules:
        return password
    return json.dumps({**json.loads(rules["SecretStringTemplate"]), rules["GenerateStringKey"]: password})


def main(stack):
    formation, secrets = boto3.client("cloudformation"), boto3.client("secretsmanager")
    template = formation.get_template(StackName=stack, TemplateStage="Processed")["TemplateBody"]
    for name, resource in template["Resources"].items():
        rules = resource.get("Properties", {}).get("GenerateSecretString")
        if resource["Type"] == "AWS::SecretsManager::Secret" and rules:
            detail = formation.describe_stack_resource(StackName=stack, LogicalResourceId=name)
            physical = detail["StackResourceDetail"]["PhysicalResourceId"]
            secrets.put_secret_value(SecretId=physical, SecretString=value(rules))
            print(f"{name}: generated")


main(*sys.argv[1:])
