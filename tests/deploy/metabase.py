"""The dialect of Metabase's signed embedding."""

from native import SOON, REGION
from stack import check, check_soon

SWITCH = "/api/setting/enable-embedding-static"


def first(stack):
    kept = {}
    for route, kind in [("dashboard", "dashboard"), ("card", "question")]:
        call = lambda method, path, body=None, key=stack.admin_key: stack.call(method, path, body, x_api_key=key)
        wanted = {"name": f"A {route}", "parameters": [REGION]}
        refused = call("POST", f"/api/{route}", wanted, key="nobody")
        check(f"create a {route} with a bad key", refused.outcome, (401, "access_key_unknown"))
        number = call("POST", f"/api/{route}", wanted).good(f"create a {route}")["id"]
        opened = lambda token, end="": stack.call("GET", f"/api/embed/{route}/{token}{end}")
        token = stack.sign({kind: number}, jti=f"metabase-{kind}")
        check(f"view a {route} before it is published", opened(token).outcome, (403, "resource_not_published"))
        publish = {"enable_embedding": True, "embedding_params": {"region": "enabled"}}
        call("PUT", f"/api/{route}/{number}", publish).good(f"publish the {route}")
        check_soon(f"view the {route}", lambda: opened(token).outcome, 200, SOON)
        check("its name", opened(token).json["name"], f"A {route}")
        values = opened(token, "/params/region/values").good("its parameter's values")
        check("the values", values["values"], REGION["values"])
        forged = stack.sign({kind: number}, secret="0" * 64)
        check("a token signed with another key", opened(forged).outcome, (401, "token_signature"))

        listed = call("GET", f"/api/{route}/embeddable").good(f"list the embeddable: {route}")
        check(f"the {route} is listed", number in [item["id"] for item in listed], True)
        refused = call("GET", f"/api/{route}/embeddable", key="nobody")
        check("list with a bad key", refused.outcome, (401, "access_key_unknown"))

        stack.admin("POST", "/v1/sessions/revoke", {"session": token}).good("revoke the token", 204)
        check_soon("view with it", lambda: opened(token).outcome, (401, "token_revoked"), SOON)
        kept[route] = stack.sign({kind: number})
        opened(kept[route]).good("view with another")

    token = kept["dashboard"]
    opened = lambda: stack.call("GET", f"/api/embed/dashboard/{token}").outcome
    stack.admin("PUT", SWITCH, {"value": False}).good("turn the global switch off", 204)
    check_soon("a view while it is off", opened, (403, "embedding_disabled"), SOON)
    stack.admin("PUT", SWITCH, {"value": True}).good("turn it on", 204)
    check_soon("a view while it is on", opened, 200, SOON)
    return kept


def later(stack, kept):
    for route, token in kept.items():
        view = stack.call("GET", f"/api/embed/{route}/{token}").good(f"the token of the first run: {route}")
        check("its name", view["name"], f"A {route}")
