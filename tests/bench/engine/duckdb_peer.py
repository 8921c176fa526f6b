"""DuckDB beside the embedded engine: generates the data, and answers queries in the language of `src/main.rs`.

Arguments: `generate`, a folder and a number of rows; `answer` or `serve`, a folder and a number of threads.
"""

import http.client
import json
import os
import sys
import time
import urllib.parse

import duckdb

# Every value depends on the row's number and the seed only.
ORDERS = """
select i as id, (hash(i, 11) % 20000)::bigint as customer_id, 'City ' || hash(i, 12) % 50 as city,
  ['paid', 'open', 'sent', 'returned'][1 + (hash(i, 13) % 4)::int] as status, (hash(i, 14) % 1000000) / 1000 as amount,
  ((hash(i, 15) % 10000000) / 100)::decimal(12, 2) as price, (hash(i, 16) % 20)::bigint as quantity,
  timestamp '2023-01-01' + to_seconds((hash(i, 17) % 94608000)::bigint) as created_at,
  'note ' || hash(i, 18) % 3000 as note
from range(1, {rows} + 1) t(i) order by i
"""


def generate(folder, rows):
    duckdb.execute(f"copy ({ORDERS.format(rows=int(rows))}) to '{folder}/orders/0.parquet' (format parquet)")


def answer(folder, threads):
    database = duckdb.connect(config={"threads": int(threads)})
    database.execute(f"create view orders as from read_parquet('{folder}/orders/*.parquet')")
    for line in sys.stdin:
        ask = json.loads(line)
        taken = []
        for _ in range(ask["times"]):
            start = time.perf_counter()
            rows = database.execute(ask["sql"]).fetchall()
            taken.append((time.perf_counter() - start) * 1_000)
        print(json.dumps({"ms": taken, "rows": len(rows)}), flush=True)


def serve(folder, threads):
    """The question of a dashboard as a function of Lambda in Python: decides as `run-query` does, with the modules of
    `../peers/python`, and reads the table's file from S3. DuckDB's own reader of S3 is not part of its package."""
    sys.path.append(os.path.join(os.path.dirname(__file__), "../peers/python"))
    # The name by which Lambda sets it as well.
    os.environ["AWS_DEFAULT_REGION"] = os.environ["AWS_REGION"]
    import boto3
    from view import open_view

    database = duckdb.connect(config={"threads": int(threads)})
    sql = """select city, count(*), sum(amount), avg(price) from orders where status = 'paid' and amount > ? group by city"""
    objects = boto3.client("s3")
    file = None
    api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    invocation = "/2018-06-01/runtime/invocation"
    while True:
        api.request("GET", f"{invocation}/next")
        response = api.getresponse()
        event = json.loads(response.read())
        parameters = json.loads(event["body"])["parameters"]
        token = event["headers"]["authorization"].removeprefix("Bearer ")
        open_view(token, urllib.parse.urlencode(parameters), {})
        if file is None:
            file = f"{os.environ['TMPDIR']}/{os.getpid()}.parquet"
            objects.download_file(os.environ["DATA_BUCKET"], os.environ["ORDERS_KEY"], file)
            database.execute(f"create view orders as from read_parquet('{file}')")
        rows = database.execute(sql, [parameters["least"]]).fetchall()
        body = json.dumps({"rows": rows}, default=str)
        answer = {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": body}
        api.request("POST", f"{invocation}/{response.headers['Lambda-Runtime-Aws-Request-Id']}/response", json.dumps(answer))
        api.getresponse().read()


{"generate": generate, "answer": answer, "serve": serve}[sys.argv[1]](*sys.argv[2:])
