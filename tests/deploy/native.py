"""Vitrine's own API: /v1."""

import time

from stack import check, check_soon

SOON = 8  # ResourceCacheSeconds is 5

CUSTOMER = {"slug": "customer", "name": "Customer", "type": "text"}
REGION = {"slug": "region", "name": "Region", "type": "category", "values": [["emea", "EMEA"], ["apac", "APAC"]]}
SALES = {
    "title": "Sales",
    "content": {"type": "html", "html": "<h1>Sales</h1>"},
    "parameters": [CUSTOMER, REGION],
    "enable_embedding": True,
    "embedding_params": {"customer": "locked", "region": "enabled"},
}
SALES_OF_ACME = {"resource": {"dashboard": 101}, "params": {"customer": "acme"}}


def first(stack):
    check("health", stack.call("GET", "/healthz").json["status"], "ok")
    check("an unknown path", stack.call("GET", "/nothing").outcome, (404, "route_not_found"))
    keys = publish(stack)
    return {**sign(stack), **sessions(stack, keys), "narrow_key": keys["narrow"]}


def publish(stack):
    path = "/v1/resources/dashboard/101"
    check("publish without a key", stack.call("PUT", path, SALES).outcome, (401, "access_key_missing"))
    bad = stack.call("PUT", path, SALES, authorization="Bearer " + stack.admin_key[::-1])
    check("publish with a bad key", bad.outcome, (401, "access_key_unknown"))
    check("neither request published anything", stack.admin("GET", path).outcome, (404, "resource_not_found"))
    stack.admin("PUT", path, SALES).good("publish", 201)
    stack.admin("PUT", "/v1/resources/dashboard/102", SALES).good("publish a second", 201)
    stack.admin("PUT", "/v1/resources/dashboard/102", {**SALES, "enable_embedding": False}).good("unpublish it")
    listed = stack.admin("GET", "/v1/resources").good("list")["items"]
    flags = {item["id"]: item["enable_embedding"] for item in listed}
    check("the list shows which are published", flags, {101: True, 102: False})

    wanted = {"name": "backend", "role": "member", "permissions": ["sessions:create", "resources:list"]}
    key = stack.admin("POST", "/v1/keys", wanted).good("create a key with fewer permissions", 201)["key"]
    narrow = f"Bearer {key}"
    stack.call("GET", "/v1/resources", authorization=narrow).good("list with that key")
    refused = stack.call("PUT", path, SALES, authorization=narrow)
    check("publish with that key", refused.outcome, (403, "access_denied"))
    return {"narrow": key}


def sign(stack):
    token = stack.sign(**SALES_OF_ACME, jti="stays")
    view = stack.view(token, "?region=apac").good("view with a signed token")
    check("its content", view["content"]["html"], "<h1>Sales</h1>")
    check("its visible values", {p["slug"]: p["value"] for p in view["parameters"]}, {"region": "apac"})
    check("a locked value in the URL", stack.view(token, "?customer=x").outcome, (400, "parameter_locked"))
    forged = stack.sign(**SALES_OF_ACME, secret="0" * 64)
    check("a token signed with another key", stack.view(forged).outcome, (401, "token_signature"))
    late = stack.sign(**SALES_OF_ACME | {"exp": int(time.time()) - 120})
    check("an expired token", stack.view(late).outcome, (401, "token_expired"))
    unpublished = stack.sign({"dashboard": 102}, params={"customer": "acme"})
    refused = stack.view(unpublished)
    check("a view of an unpublished resource", refused.outcome, (403, "resource_not_published"))
    record = f"/v1/decisions/{refused.json['request_id']}"
    explained = lambda: (stack.admin("GET", record).json or {}).get("reason")
    check_soon("the record of that refusal", explained, "resource_not_published", SOON)
    check("the record without a key", stack.call("GET", record).outcome, (401, "access_key_missing"))

    told = stack.admin("POST", "/v1/introspect", {"token": token}).good("introspect")
    check("introspection includes locked values", told["values"]["customer"], "acme")
    unasked = stack.call("POST", "/v1/introspect", {"token": token})
    check("introspect without a key", unasked.outcome, (401, "access_key_missing"))

    page = stack.call("GET", f"/embed/dashboard/{token}")
    check("the page", (page.status, page.headers.get_content_type()), (200, "text/html"))
    check("the origins that may frame the page", framed_by(page), "'none'")
    script = stack.call("GET", "/vitrine.mjs")
    check("the host page's script", (script.status, "mount" in script.text), (200, True))

    console = stack.call("GET", "/console")
    check("the console's sign-in form", (console.status, "csrf_token" in console.text), (200, True))
    check("the origins that may frame the console", framed_by(console), "'none'")

    ends = stack.sign(**SALES_OF_ACME, jti="ends")
    stack.view(ends).good("a token before its revocation")
    stack.admin("POST", "/v1/sessions/revoke", {"session": ends}).good("revoke it", 204)
    check_soon("a revoked token", lambda: stack.view(ends).outcome, (401, "token_revoked"), SOON)
    stack.view(token).good("another token of the same resource")

    pinned = stack.sign({"dashboard": 101}, params={"customer": "acme", "region": "emea"})
    stack.view(pinned, "?region=apac").good("an enabled value in token and URL")
    return {"signed": token, "revoked": ends, "pinned": pinned}


def sessions(stack, keys):
    narrow = f"Bearer {keys['narrow']}"
    refused = stack.call("POST", "/v1/sessions", SALES_OF_ACME, authorization="Bearer nobody")
    check("a session with a bad key", refused.outcome, (401, "access_key_unknown"))
    lasting = stack.call("POST", "/v1/sessions", SALES_OF_ACME | {"ttl_seconds": 3600}, authorization=narrow)
    lasting = lasting.good("create a session", 201)["session"]
    stack.view(lasting).good("view with it")

    once = stack.call("POST", "/v1/sessions", SALES_OF_ACME | {"single_use": True}, authorization=narrow)
    once = once.good("create a single-use session", 201)
    check("its URL points to this API", f"//{stack.host}/embed/dashboard/" in once["embed_url"], True)
    check("a single-use session is not a token", stack.view(once["session"]).status >= 400, True)
    redeem = lambda: stack.call("POST", "/v1/sessions/redeem", {"session": once["session"]})
    redeemed = redeem().good("redeem it")["token"]
    check("redeem it again", redeem().outcome, (401, "session_unknown"))
    stack.view(redeemed).good("view with its token")

    waiting = stack.call("POST", "/v1/sessions", SALES_OF_ACME | {"single_use": True}, authorization=narrow)
    return {"lasting": lasting, "redeemed": redeemed, "waiting": waiting.good("create one for the later run", 201)["session"]}


def later(stack, kept):
    for name in ["signed", "lasting", "redeemed"]:
        stack.view(kept[name]).good(f"the token of the first run: {name}")
    check("the token revoked in the first run", stack.view(kept["revoked"]).outcome, (401, "token_revoked"))
    redeemed = stack.call("POST", "/v1/sessions/redeem", {"session": kept["waiting"]}).good("redeem the session of the first run")
    stack.view(redeemed["token"]).good("view with its token")
    stack.call("GET", "/v1/resources", authorization=f"Bearer {kept['narrow_key']}").good("list with the key of the first run")

    pinned = stack.view(kept["pinned"], "?region=apac")
    check("EnabledInToken=pinned", pinned.outcome, (400, "parameter_pinned"))
    stack.view(kept["pinned"]).good("the same token without a value in the URL")
    page = stack.call("GET", f"/embed/dashboard/{kept['signed']}")
    check("AllowedOrigins", framed_by(page), "https://app.example.com")


def framed_by(page):
    policy = dict(each.strip().split(" ", 1) for each in page.headers["content-security-policy"].split(";"))
    return policy["frame-ancestors"]
