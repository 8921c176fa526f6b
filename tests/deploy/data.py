"""Live data: a table from a file, a row policy, a question over it, and its answers as the page and files get them."""

import csv
import hashlib
import http.client
import io
import time
import urllib.parse

import boto3

from stack import Answer, check

ORDERS = {"source": "lake", "location": "orders/"}

ORDERS = "day,customer,amount\n" + "".join(
    f"2026-0{month}-01,{customer},{month * scale}.50\n"
    for month in range(1, 4)
    for customer, scale in [("acme", 1), ("bolt", 100)]
)
POLICIES = [{"groups": ["*"], "rows": [{"column": "customer", "op": "=", "value": {"attribute": "customer"}}]}]
QUESTION = {
    "title": "Amounts",
    "content": {
        "type": "question",
        "display": "bar",
        "query": {
            "sql": "select day, sum(amount) as amount from orders where day >= {{since}} group by day order by day",
            "tags": {"since": {"type": "date", "default": "2026-01-01"}},
        },
    },
    "enable_embedding": True,
    "allow_downloads": True,
    "embedding_params": {"since": "enabled"},
}
AMOUNTS = {
    "acme": [["2026-01-01", 1.5], ["2026-02-01", 2.5], ["2026-03-01", 3.5]],
    "bolt": [["2026-01-01", 100.5], ["2026-02-01", 200.5], ["2026-03-01", 300.5]],
}


def first(stack):
    table = "/v1/tables/orders"
    check("a table without a key", stack.call("PUT", table, {}).outcome, (401, "access_key_missing"))
    stack.admin("PUT", table, {}).good("a table", 201)
    commit(stack, upload(stack, ORDERS))
    stack.admin("PUT", table, {"row_policies": POLICIES}).good("its row policy")
    broken = {**QUESTION, "content": {"type": "question", "query": {"sql": "select nothing from orders"}}}
    refused = stack.admin("PUT", "/v1/resources/question/201", broken)
    check("a question about a column that is not there", refused.outcome, (400, "request_invalid"))
    stack.admin("PUT", "/v1/resources/question/201", QUESTION).good("publish a question", 201)

    tokens = {name: stack.sign({"question": 201}, viewer={"id": name, "attributes": {"customer": name}}) for name in AMOUNTS}
    for name, token in tokens.items():
        check(f"the rows of {name}", answered(stack, token)["rows"], AMOUNTS[name])
    check("the second answer is cached", answered(stack, tokens["acme"])["cached"], True)
    since = answered(stack, tokens["acme"], {"parameters": {"since": "2026-03-01"}})
    check("the rows since March", since["rows"], AMOUNTS["acme"][2:])
    nobody = stack.sign({"question": 201}, viewer={"id": "nobody"})
    check("the rows of a viewer without the attribute", ask(stack, nobody).outcome, (403, "row_policy"))
    check("the rows without a token", stack.call("POST", "/v1/query", {}).outcome, (401, "token_missing"))

    file = ask(stack, tokens["bolt"], query="?format=csv")
    check("a file", (file.status, file.headers.get_content_type()), (200, "text/csv"))
    rows = [[day, float(amount)] for day, amount in list(csv.reader(io.StringIO(file.text)))[1:]]
    check("its rows", rows, AMOUNTS["bolt"])

    preview = stack.admin("POST", "/v1/query/preview", {"sql": "select count(*) from orders", "viewer": {"id": "a", "attributes": {"customer": "acme"}}})
    check("a preview", preview.good("ask as a viewer")["rows"], [[3]])
    worse = upload(stack, ORDERS.replace(",amount", ",price"))
    check("a version without a column", commit_of(stack, worse).outcome, (409, "breaks_queries"))
    damaged = upload(stack, ORDERS + "2026-04-01,acme\n")
    check("a version with a short line", commit_of(stack, damaged).outcome, (400, "import_failed"))
    check("the rows after both", answered(stack, tokens["acme"])["rows"], AMOUNTS["acme"])
    lakes(stack)
    return tokens


def later(stack, tokens):
    for name, token in tokens.items():
        check(f"the rows of {name}, with the token of the first run", answered(stack, token)["rows"], AMOUNTS[name])
    commit(stack, upload(stack, ORDERS + "2026-04-01,acme,7.25\n"))
    end = time.monotonic() + 10
    while (rows := answered(stack, tokens["acme"])["rows"]) == AMOUNTS["acme"] and time.monotonic() < end:
        time.sleep(0.5)
    check("the rows of the new version", rows, [*AMOUNTS["acme"], ["2026-04-01", 7.25]])
    stack.admin("POST", "/v1/tables/orders/rollback", {"version": 1}).good("roll back")


def lakes(stack):
    """Tables of files that somebody else writes, in a bucket that DataSources names and in one that it does not."""
    for name, issues in [("lake", []), ("pond", ["location cannot be a table: the stack may not list or read these files"])]:
        copy_version(stack, f"vitrine-{name}")
        stack.admin("PUT", f"/v1/sources/{name}", {"kind": "files", "location": f"s3://vitrine-{name}"}).good("a source", 201)
        made = stack.admin("PUT", f"/v1/tables/{name}", {"source": name, "location": "orders/"})
        told = [issue["message"] for issue in made.json.get("issues", [])]
        check(f"a table of files in the {name}", (made.status, told), (400 if issues else 201, issues))
    counted = stack.admin("POST", "/v1/query/preview", {"sql": "select count(*) from lake", "source": "lake"})
    check("its rows", counted.good("ask for it")["rows"], [[6]])


def copy_version(stack, bucket):
    s3, own = boto3.client("s3"), stack.outputs["DataBucketName"]
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": s3.meta.region_name})
    for item in s3.list_objects_v2(Bucket=own, Prefix="tables/orders/1/")["Contents"]:
        name = item["Key"].rsplit("/", 1)[1]
        s3.copy_object(Bucket=bucket, Key=f"orders/{name}", CopySource={"Bucket": own, "Key": item["Key"]})


def ask(stack, token, body=None, query=""):
    return stack.call("POST", f"/v1/query{query}", body or {}, authorization=f"Bearer {token}")


def answered(stack, token, body=None):
    """The answer to a query, waited for under its handle where it is slow."""
    answer = ask(stack, token, body)
    while answer.status == 202:
        time.sleep(answer.json["retry_after"])
        answer = stack.call("GET", f"/v1/query/{answer.json['handle']}", authorization=f"Bearer {token}")
    if answer.status != 200:
        check("an answer", answer.outcome, 200)
    return answer.json


def upload(stack, text):
    """Uploads a file of CSV as an owner's program does, with nothing but the URL and the headers that it was given."""
    file = text.encode()
    wanted = {"format": "csv", "size": len(file), "sha256": hashlib.sha256(file).hexdigest()}
    granted = stack.admin("POST", "/v1/tables/orders/uploads", wanted).good("ask for an upload", 201)
    check("an upload of other bytes is refused", put(granted, file[:-1] + b"\t").status >= 400, True)
    sent = put(granted, file)
    check("upload", (sent.status, sent.text), (200, ""))
    return granted["upload"]


def put(granted, file):
    url = urllib.parse.urlsplit(granted["url"])
    connection = http.client.HTTPConnection(url.netloc, timeout=30)
    connection.request(granted["method"], f"{url.path}?{url.query}", file, granted["headers"])
    answer = Answer(connection.getresponse())
    connection.close()
    return answer


def commit_of(stack, upload):
    answer = stack.admin("POST", "/v1/tables/orders/versions", {"upload": upload})
    while answer.status == 202 or (answer.json or {}).get("state") in ("waiting", "importing"):
        time.sleep(0.5)
        answer = stack.admin("GET", f"/v1/tables/orders/uploads/{upload}")
    return answer


def commit(stack, upload):
    made = commit_of(stack, upload)
    check("a version of the table", made.status in (200, 201), True)
