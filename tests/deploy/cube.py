"""The dialect of Cube's signed embedding."""

from native import SOON
from stack import check, check_soon

BOARD = {
    "title": "Orders",
    "content": {"type": "html", "html": "<h1>Orders</h1>"},
    "parameters": [{"slug": "city", "name": "City", "type": "text"}],
    "enable_embedding": True,
    "embedding_params": {"city": {"attribute": "city"}},
}
BERLIN = [{"name": "city", "value": "Berlin"}]


def first(stack):
    public_id = stack.admin("PUT", "/v1/resources/dashboard/301", BOARD).good("publish a dashboard", 201)["public_id"]
    stack.admin("POST", "/v1/attributes", {"name": "city", "type": "string"}).good("define an attribute", 201)
    check("a session with a bad key", generate(stack, key="nobody").outcome, (401, "access_key_unknown"))
    undefined = generate(stack, userAttributes=[{"name": "town", "value": "Berlin"}])
    check("a session with an undefined attribute", undefined.outcome, (400, "attribute_unknown"))

    once = generate(stack, userAttributes=BERLIN, publicDashboardId=public_id).good("generate a session")["sessionId"]
    token = exchange(stack, once).good("exchange it")["token"]
    check("exchange it again", exchange(stack, once).outcome, (401, "session_unknown"))
    view = opened(stack, public_id, token).good("view the dashboard")
    check("its title", view["title"], "Orders")
    told = stack.admin("POST", "/v1/introspect", {"token": token}).good("introspect the token")
    check("the viewer's city is the value of the locked parameter", told["values"], {"city": "Berlin"})
    without = generate(stack, externalId="bob@example.com").good("generate one without a city")["sessionId"]
    without = exchange(stack, without).good("exchange that")["token"]
    check("view with it", opened(stack, public_id, without).outcome, (403, "attribute_missing"))
    users = stack.admin("GET", "/v1/external-users").good("list the external users")["items"]
    check("both are listed", sorted(user["external_id"] for user in users), ["ann@example.com", "bob@example.com"])

    toggle = lambda allow, key: stack.call(
        "PATCH", f"/api/v1/embed/dashboard/{public_id}", {"allowEmbed": allow}, authorization=f"Api-Key {key}")
    check("unpublish with a bad key", toggle(False, "nobody").outcome, (401, "access_key_unknown"))
    toggle(False, stack.admin_key).good("unpublish the dashboard")
    refused = (403, "resource_not_published")
    check_soon("view the unpublished dashboard", lambda: opened(stack, public_id, token).outcome, refused, SOON)
    toggle(True, stack.admin_key).good("publish it again")
    check_soon("view it again", lambda: opened(stack, public_id, token).outcome, 200, SOON)

    ends = generate(stack, userAttributes=BERLIN).good("generate another session")["sessionId"]
    ended = exchange(stack, ends).good("exchange it")["token"]
    opened(stack, public_id, ended).good("view with it")
    revoke = stack.call("POST", "/api/v1/embed/session/revoke", {"sessionId": ends},
                        authorization=f"Api-Key {stack.admin_key}")
    check("revoke it", revoke.outcome, 204)
    check_soon("view with it", lambda: opened(stack, public_id, ended).outcome, (401, "token_revoked"), SOON)
    opened(stack, public_id, token).good("view with the other")
    waiting = generate(stack, userAttributes=BERLIN).good("generate one for the later run")["sessionId"]
    return {"public_id": public_id, "token": token, "revoked": ended, "waiting": waiting}


def later(stack, kept):
    public_id = kept["public_id"]
    opened(stack, public_id, kept["token"]).good("the token of the first run")
    check("the token revoked in the first run", opened(stack, public_id, kept["revoked"]).outcome, (401, "token_revoked"))
    token = exchange(stack, kept["waiting"]).good("exchange the session of the first run")["token"]
    opened(stack, public_id, token).good("view with it")


def generate(stack, key=None, **fields):
    body = {"deploymentId": 1, "externalId": "ann@example.com", **fields}
    headers = {"authorization": f"Api-Key {key or stack.admin_key}"}
    return stack.call("POST", "/api/v1/embed/generate-session", body, **headers)


def exchange(stack, session):
    return stack.call("POST", "/api/v1/embed/session/token", {"sessionId": session})


def opened(stack, public_id, token):
    path = f"/api/v1/embed/dashboard/{public_id}"
    return stack.call("GET", path, authorization=f"Embed-Token {token}")
