"""The dialect of MotherDuck's embedded dives."""

from native import SOON
from stack import check, check_soon, decoded

DIVE = {
    "title": "Shipments",
    "content": {"type": "html", "html": "<h1>Shipments</h1>"},
    "parameters": [{"slug": "city", "name": "City", "type": "text"}],
    "enable_embedding": True,
    "embedding_params": {"city": {"attribute": "city"}},
}


def first(stack):
    dive = stack.admin("POST", "/v1/dives", DIVE).good("publish a dive", 201)["id"]
    account = {"username": "acme_viewer", "attributes": {"city": "Berlin"}}
    stack.admin("POST", "/v1/users", account).good("create a service account")
    path, viewer = f"/v1/dives/{dive}/embed-session", {"username": "acme_viewer"}
    bad = stack.call("POST", path, viewer, authorization="Bearer nobody")
    check("an embed session with a bad key", bad.outcome, (401, "access_key_unknown"))
    token = session(stack, path, viewer)
    view = opened(stack, token).good("view the dive")
    check("its viewer's attributes", view["attributes"], {"city": "Berlin"})
    check("a token with a letter changed", opened(stack, changed(token)).outcome, (401, "token_signature"))
    page = stack.call("GET", "/sandbox/")
    check("the sandbox page", (page.status, page.headers.get_content_type()), (200, "text/html"))
    listed = stack.admin("GET", "/v1/dives").good("list the dives")["items"]
    check("the dive is listed", [item["id"] for item in listed], [dive])

    ends = session(stack, path, viewer)
    stack.admin("POST", "/v1/sessions/revoke", {"session": ends}).good("revoke a session's token", 204)
    check_soon("view with it", lambda: opened(stack, ends).outcome, (401, "token_revoked"), SOON)
    opened(stack, token).good("view with the other")

    gone = stack.admin("POST", "/v1/users", {"username": "goes", "attributes": {"city": "Roma"}})
    check("create another account", gone.outcome, 200)
    orphan = session(stack, path, {"username": "goes"})
    opened(stack, orphan).good("view as that account")
    stack.admin("DELETE", "/v1/users/goes").good("remove the account", 204)
    check_soon("its view", lambda: opened(stack, orphan).status, 401, SOON)
    return {"token": token, "path": path}


def later(stack, kept):
    opened(stack, kept["token"]).good("the token of the first run")
    fresh = session(stack, kept["path"], {"username": "acme_viewer"})
    opened(stack, fresh).good("a new session of the account")


def session(stack, path, viewer):
    """The token that a session string holds for the page."""
    answer = stack.admin("POST", path, viewer).good("make an embed session")
    return decoded(answer["session"])["token"]


def opened(stack, token):
    return stack.call("GET", "/v1/view/dive", authorization=f"Bearer {token}")


def changed(token):
    head, payload, signature = token.split(".")
    return ".".join([head, payload, ("B" if signature[0] == "A" else "A") + signature[1:]])
