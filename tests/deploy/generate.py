"""Gives a deployed stack's secrets the values that its template asks for: generate.py STACK

The emulator's CloudFormation does not read all the rules of GenerateSecretString and puts characters into secrets that
the template excludes. Its GetRandomPassword knows the same rules and keeps them, so the values are asked of it. For
the first deploy of a stack, before anything has read them."""

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
