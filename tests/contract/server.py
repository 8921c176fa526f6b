"""The real server with something of every kind in it, so that requests reach further than a 404."""

import base64
import hashlib
import hmac
import json
import subprocess
import time

import requests

ADMIN_KEY = "the-admin-key-of-the-contract"
SECRET = "c0ffee" * 10 + "c0ff"


def sign(claims):
    """A token as an owner's backend makes it."""
    def encoded(value):
        return base64.urlsafe_b64encode(value).rstrip(b"=").decode()

    payload = {"exp": int(time.time()) + 3600, "params": {}, **claims}
    parts = [encoded(json.dumps(part).encode()) for part in ({"alg": "HS256", "typ": "JWT"}, payload)]
    signature = hmac.digest(SECRET.encode(), ".".join(parts).encode(), hashlib.sha256)
    return ".".join([*parts, encoded(signature)])


class Server:
    """Runs until the end of a `with` block."""

    def __init__(self, binary, log):
        settings = ["Deployments=1,2", "ResourceCacheSeconds=0", "KeyCacheSeconds=0"]
        command = [binary, "--memory", "--no-demo", "--port", "0"]
        command += ["--admin-key", ADMIN_KEY, "--signing-secret", SECRET]
        command += [word for setting in settings for word in ("--set", setting)]
        self.log = log
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log.open("wb"), text=True)

    def __enter__(self):
        for line in self.process.stdout:
            if line.startswith("ready "):
                self.url = line.split()[1]
                return self
        raise SystemExit(f"the server did not start:\n{self.log.read_text()}")

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(timeout=30)

    def faults(self):
        """The errors in the log."""
        lines = [line for line in self.log.read_text().split("\n") if line.startswith("{")]
        return [line for line in lines if json.loads(line).get("level") == "ERROR"]

    def call(self, method, path, body=None):
        answer = requests.request(
            method, self.url + path, json=body, headers={"Authorization": f"Bearer {ADMIN_KEY}"}, timeout=30
        )
        if not answer.ok:
            raise SystemExit(f"{method} {path}: {answer.status_code} {answer.text}")
        return answer.json() if answer.text else None

    def fill(self):
        """Creates something of every kind. Returns values of parameters by path, and the callers' credentials."""
        call = self.call
        html = {"type": "html", "html": "<p>Hello</p>"}
        region = {"slug": "region", "name": "Region", "type": "text", "values": [["emea", "EMEA"], ["apac"]]}
        published = {
            "title": "Published", "content": html, "parameters": [region], "enable_embedding": True,
            "embedding_params": {"region": "enabled"},
        }
        dashboards = [call("PUT", f"/v1/resources/dashboard/{number}", published) for number in (1, 2)]
        dashboards.append(call("PUT", "/v1/resources/dashboard/3", {**published, "deployment": 2}))
        call("PUT", "/v1/resources/question/1", published)
        dives = [call("POST", "/v1/dives", published)["id"] for _ in range(3)]
        call("POST", "/v1/users", {"username": "acme", "attributes": {"city": "Berlin"}})
        account_token = call("POST", "/v1/users/acme/tokens", {"name": "first"})
        call("POST", "/v1/attributes", {"name": "city", "type": "string"})
        call("POST", "/v1/groups", {"name": "staff"})
        tenant = "/api/v1/embed-tenants/tenant"
        user = call("POST", f"{tenant}/user", {"externalId": "user-1", "email": "user@example.com"})
        team = call("POST", f"{tenant}/groups", {"name": "team"})
        call("POST", f"{tenant}/groups/{team['id']}/users", {"members": [{"externalId": "user-1"}]})
        session = call("POST", "/api/v1/embed/generate-session", {"deploymentId": 1, "externalId": "viewer-1"})
        session_token = call("POST", "/api/v1/embed/session/token", {"sessionId": session["sessionId"]})["token"]
        weak = call("POST", "/v1/keys", {
            "name": "weak", "role": "restricted", "permissions": ["resources:list", "introspect"], "deployments": [2],
        })
        owned = sign({"resource": {"dashboard": 1}, "_embedding_params": {"region": "enabled"}})
        preview = sign({"resource": {"question": 1}, "_embedding_params": {"region": "enabled"}})
        common = {
            "tenant": "tenant", "username": "acme", "public_id": dashboards[0]["public_id"], "key": "region",
            "prefix": "em", "version": 1, "deployment": "1", "name": "unknown", "kid": "unknown",
        }
        values = [
            ("/", common),
            ("/v1/users/", {**common, "id": account_token["id"]}),
            ("/v1/external-users/", {"id": user["id"]}),
            ("/v1/attributes/", {"name": "city"}),
            ("/v1/groups/", {"name": "staff"}),
            ("/v1/keys/", {"id": weak["id"]}),
            ("/api/collection/", {"id": "root"}),
            ("/api/v1/embed-tenants/", {**common, "id": team["id"]}),
            *[("/v1/dives/", {**common, "id": dive}) for dive in dives],
        ]
        for start in ("/v1/resources/", "/v1/view/"):
            values += [(start, {"kind": "dashboard", "id": number}) for number in ("1", "2", "3")]
            values += [(start, {"kind": "question", "id": "1"}), (start, {"kind": "dive", "id": dives[0]})]
        for start in ("/api/card/", "/api/dashboard/"):
            values += [(start, {"id": "1"}), (start, {"id": "2"})]
        for start in ("/api/embed/", "/api/preview_embed/"):
            values += [
                (start, {**common, "kind": "dashboard", "token": owned}),
                (start, {**common, "kind": "card", "token": preview}),
            ]
        for start in ("/embed/dashboard/", "/embed/question/", "/embed/dive/"):
            values += [(start, {"credential": owned}), (start, {"credential": dashboards[0]["public_id"]})]
        callers = {
            "admin": {"access_key": ADMIN_KEY, "embed_token": session_token},
            "weak": {"access_key": weak["key"], "embed_token": owned},
            "nobody": {},
        }
        return values, callers
