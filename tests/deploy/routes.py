"""Creates the routes of a deployed HTTP API from its template: routes.py STACK

SAM writes the routes of an HTTP API into an OpenAPI body, which API Gateway imports and the emulator does not. This
script reads the body from the processed template and creates each operation with the API calls that correspond to an
import. It declares nothing itself, and it can be run again at any time."""

import re
import sys

import boto3

METHODS = {"get", "put", "post", "delete", "options", "head", "patch"}


class Routes:
    def __init__(self, stack):
        self.stack = stack
        self.formation = boto3.client("cloudformation")
        self.gateway = boto3.client("apigatewayv2")
        self.functions = boto3.client("lambda")

    def apply(self):
        template = self.formation.get_template(StackName=self.stack, TemplateStage="Processed")["TemplateBody"]
        apis = {name: each for name, each in template["Resources"].items() if each["Type"] == "AWS::ApiGatewayV2::Api"}
        if not apis:
            raise SystemExit(f"{self.stack}: the processed template has no HTTP API")
        self.resources = template["Resources"]
        pages = self.formation.get_paginator("list_stack_resources").paginate(StackName=self.stack)
        self.present = {each["LogicalResourceId"] for page in pages for each in page["StackResourceSummaries"]}
        for name, api in apis.items():
            made = self.of_api(self.physical(name), self.chosen(api["Properties"]["Body"]))
            print(f"{name}: {made} routes")

    def of_api(self, api, body):
        self.clear(api)
        schemes = body.get("components", {}).get("securitySchemes", {})
        authorizers = {name: self.authorize(api, name, scheme) for name, scheme in schemes.items()}
        integrations, made = {}, 0
        for path, operations in body["paths"].items():
            for method, operation in operations.items():
                key = route_key(path, method, operation)
                if key is None:
                    continue
                function = function_named(operation["x-amazon-apigateway-integration"]["uri"])
                if function not in integrations:
                    integrations[function] = self.integrate(api, operation, function)
                target = f"integrations/{integrations[function]}"
                guard = {}
                for name in [name for each in operation.get("security", []) for name in each]:
                    if name != "NONE":
                        guard = {"AuthorizationType": "CUSTOM", "AuthorizerId": authorizers[name]}
                self.gateway.create_route(ApiId=api, RouteKey=key, Target=target, **guard)
                made += 1
        return made

    def chosen(self, part):
        """The part without conditions, which SAM gives to every part that names a conditional function. A condition holds if
        the stack has the resources that depend on it."""
        if isinstance(part, list):
            return [self.chosen(each) for each in part]
        if not isinstance(part, dict):
            return part
        if set(part) == {"Fn::If"}:
            condition, then, otherwise = part["Fn::If"]
            dependent = {name for name, each in self.resources.items() if each.get("Condition") == condition}
            if not dependent:
                raise SystemExit(f"{self.stack}: no resource depends on {condition}")
            return self.chosen(then if self.present & dependent else otherwise)
        kept = {name: self.chosen(each) for name, each in part.items()}
        return {name: each for name, each in kept.items() if each != {"Ref": "AWS::NoValue"}}

    def integrate(self, api, operation, function):
        integration = operation["x-amazon-apigateway-integration"]
        return self.gateway.create_integration(
            ApiId=api,
            IntegrationType=integration["type"].upper(),
            IntegrationMethod=integration["httpMethod"],
            PayloadFormatVersion=integration["payloadFormatVersion"],
            IntegrationUri=self.arn(function),
        )["IntegrationId"]

    def authorize(self, api, name, scheme):
        """Creates a Lambda authorizer. Any other kind has no URI and raises, so no route loses its authorizer silently."""
        declared = scheme["x-amazon-apigateway-authorizer"]
        _, names = declared["authorizerUri"]["Fn::Sub"]
        region = self.gateway.meta.region_name
        path = f"lambda:path/2015-03-31/functions/{self.resolved(names['__FunctionArn__'])}/invocations"
        return self.gateway.create_authorizer(
            ApiId=api,
            Name=name,
            AuthorizerType=declared["type"].upper(),
            AuthorizerUri=f"arn:aws:apigateway:{region}:{path}",
            AuthorizerPayloadFormatVersion=declared["authorizerPayloadFormatVersion"],
            EnableSimpleResponses=declared.get("enableSimpleResponses", False),
            AuthorizerResultTtlInSeconds=declared.get("authorizerResultTtlInSeconds", 0),
            IdentitySource=declared["identitySource"],
        )["AuthorizerId"]

    def clear(self, api):
        pages = self.gateway.get_paginator("get_routes").paginate(ApiId=api)
        for route in [route for page in pages for route in page["Items"]]:
            self.gateway.delete_route(ApiId=api, RouteId=route["RouteId"])
        pages = self.gateway.get_paginator("get_authorizers").paginate(ApiId=api)
        for authorizer in [authorizer for page in pages for authorizer in page["Items"]]:
            self.gateway.delete_authorizer(ApiId=api, AuthorizerId=authorizer["AuthorizerId"])
        pages = self.gateway.get_paginator("get_integrations").paginate(ApiId=api)
        for integration in [integration for page in pages for integration in page["Items"]]:
            self.gateway.delete_integration(ApiId=api, IntegrationId=integration["IntegrationId"])

    def physical(self, name):
        detail = self.formation.describe_stack_resource(StackName=self.stack, LogicalResourceId=name)
        return detail["StackResourceDetail"]["PhysicalResourceId"]

    def resolved(self, reference):
        """The ARN of a function of this stack, or of the function that a parameter names."""
        if "Ref" not in reference:
            return self.arn(reference["Fn::GetAtt"][0])
        stack = self.formation.describe_stacks(StackName=self.stack)["Stacks"][0]
        parameters = {each["ParameterKey"]: each["ParameterValue"] for each in stack["Parameters"]}
        return parameters[reference["Ref"]]

    def arn(self, name):
        """A function's ARN; the physical ID of an alias or a version already is its ARN."""
        physical = self.physical(name)
        if physical.startswith("arn:"):
            return physical
        return self.functions.get_function(FunctionName=physical)["Configuration"]["FunctionArn"]


def route_key(path, method, operation):
    if operation.get("isDefaultRoute"):
        return "$default"
    if method == "x-amazon-apigateway-any-method":
        return f"ANY {path}"
    return f"{method.upper()} {path}" if method in METHODS else None


def function_named(uri):
    """The resource whose ARN is in an integration's URI."""
    return re.search(r"/functions/\$\{(\w+)(?:\.Arn)?\}/invocations$", uri["Fn::Sub"]).group(1)


if __name__ == "__main__":
    Routes(*sys.argv[1:]).apply()
