"""Checks the server against its API description; see `run`."""

import argparse
import http.server
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from server import Server

DESCRIPTION = Path(__file__).parents[2] / "infra" / "openapi.json"
CHECKS = [
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
]
# The share of the time for each caller.
SHARES = {"admin": 0.6, "weak": 0.2, "nobody": 0.2}
# The least number of operations that the admin must have had success with: with fewer, too little was checked.
REACHED = 90
# The most seconds for a planted fault. It is found within three, but not on a machine that is busy with other things.
PATIENCE = 60


def configuration(credentials, seed):
    lines = [f"seed = {seed}", "continue-on-failure = true", "color = false", "[generation]"]
    lines += ["with-security-parameters = false"]
    for scheme, credential in credentials.items():
        lines += [f"[auth.openapi.{scheme}]", f"bearer = {json.dumps(credential)}"]
    return "\n".join(lines) + "\n"


def schemathesis(work, name, description, url, values, credentials, seed, seconds, *options):
    """Returns whether nothing was found, the output, and the operations that succeeded at least once."""
    folder = work / name
    folder.mkdir()
    (folder / "openapi.json").write_text(json.dumps(description))
    (folder / "schemathesis.toml").write_text(configuration(credentials, seed))
    command = [Path(sys.executable).parent / "schemathesis", "--config-file", folder / "schemathesis.toml", "run"]
    command += [folder / "openapi.json", "--url", url, "--max-time", str(seconds), "--checks", ",".join(CHECKS)]
    command += ["--workers", "1", "--no-shrink", "--generation-database", "none", "--warnings", "off"]
    command += ["--report-ndjson-path", folder / "events.ndjson", *options]
    environment = {
        **os.environ,
        "SCHEMATHESIS_HOOKS": "hooks",
        "PYTHONPATH": str(Path(__file__).parent),
        "CONTRACT_VALUES": json.dumps(values),
    }
    ran = subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return ran.returncode == 0, ran.stdout, succeeded(folder / "events.ndjson")


def succeeded(events):
    found = set()
    for line in events.read_text().split("\n") if events.exists() else []:
        recorder = json.loads(line or "{}").get("ScenarioFinished", {}).get("recorder", {})
        for case, made in recorder.get("interactions", {}).items():
            if 200 <= ((made.get("response") or {}).get("status_code") or 0) < 300:
                request = recorder["cases"][case]["value"]
                found.add((request["method"], request["path"]))
    return found


class Broken(http.server.BaseHTTPRequestHandler):
    """A server that fails at everything."""

    def do_GET(self):
        body = b'{"message": "m", "code": "c", "reason": "r", "request_id": "i"}'
        self.send_response(500)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def planted_faults(work, description, server, values, credentials, seed):
    """Each fault must be found, or the check is worth nothing."""
    def schema_of_answers(methods, schemas):
        schemas["Resource"]["properties"]["title"] = {"type": "integer"}

    def status(methods, schemas):
        for operation in methods.values():
            operation["responses"].pop("400")

    def bounds(methods, schemas):
        methods.pop("get")
        schemas["Name"]["maxLength"] = 2
        schemas["Name"].pop("pattern")

    def nothing(methods, schemas):
        pass

    broken = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Broken)
    threading.Thread(target=broken.serve_forever, daemon=True).start()
    resource, group = "/v1/resources/{kind}/{id}", "/v1/groups"
    elsewhere = f"http://127.0.0.1:{broken.server_port}"
    faults = [
        ("an answer that does not fit its schema", resource, schema_of_answers, server.url, "Response violates schema"),
        ("a status that is not described", resource, status, server.url, "Undocumented status code"),
        ("an accepted request that is forbidden", group, bounds, server.url, "accepted"),
        ("a server error", group, nothing, elsewhere, "Server error"),
    ]
    missed = []
    for index, (fault, path, change, url, title) in enumerate(faults):
        altered = json.loads(json.dumps(description))
        altered["paths"] = {path: altered["paths"][path]}
        change(altered["paths"][path], altered["components"]["schemas"])
        passed, output, _ = schemathesis(
            work, f"planted-{index}", altered, url, values, credentials, seed, PATIENCE,
            "--phases", "coverage,fuzzing", "--max-failures", "1",
        )
        found = not passed and title in output
        print(f"  {'found ' if found else 'MISSED'}  {fault}", flush=True)
        if not found:
            missed.append(output)
    broken.shutdown()
    return missed


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--binary", required=True)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--seconds", type=int, default=120)
    options = parser.parse_args()
    description = json.loads(DESCRIPTION.read_text())
    failures = []
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder)
        with Server(options.binary, work / "server.log") as server:
            values, callers = server.fill()
            print(f"Seed: {options.seed}")
            print("Planted faults:")
            failures += planted_faults(work, description, server, values, callers["admin"], options.seed)
            for caller, share in SHARES.items():
                began = time.monotonic()
                seconds = max(1, int(options.seconds * share))
                passed, output, reached = schemathesis(
                    work, caller, description, server.url, values, callers[caller], options.seed, seconds
                )
                cases = next((line.strip() for line in output.splitlines() if " generated, " in line), "no test cases")
                outcome = "passed" if passed else "FAILED"
                took = time.monotonic() - began
                print(f"{caller}: {outcome} in {took:.0f} s: {cases}, {len(reached)} operations succeeded", flush=True)
                if caller == "admin" and len(reached) < REACHED:
                    failures.append(f"only {len(reached)} operations succeeded: {sorted(reached)}")
                if not passed:
                    failures.append(output)
            if server.process.poll() is not None:
                failures.append("the server ended")
        failures += server.faults()
    print("\n".join(failures))
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
