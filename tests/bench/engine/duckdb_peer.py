"""DuckDB beside the embedded engine: generates the data, and answers queries in the language of `src/main.rs`.

Arguments: `generate`, a folder and a number of rows; or `answer`, a folder and a number of threads.
"""

import json
import sys
import time

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


{"generate": generate, "answer": answer}[sys.argv[1]](*sys.argv[2:])
