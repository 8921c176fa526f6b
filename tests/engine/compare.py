"""Compares the answers of the embedded engine with those of DuckDB.

Arguments: the program that answers queries, and a folder for the data. Every query of `queries.sql` must agree, or
be declared in `differences.tsv` with what becomes of it: `refused` or `differs`. A declared query that agrees is an
error as well, so that the list stays true.
"""

import datetime
import decimal
import json
import math
import pathlib
import subprocess
import sys

import duckdb

HERE = pathlib.Path(__file__).parent
TYPES = {"BIGINT": "integer", "INTEGER": "integer", "VARCHAR": "text", "DOUBLE": "number", "BOOLEAN": "boolean",
         "DATE": "date", "TIMESTAMP": "timestamp"}


def lines(name):
    for line in (HERE / name).read_text().splitlines():
        if line and not line.startswith("--"):
            yield line


def write_tables(database, folder):
    described = {}
    for (table,) in database.execute("select table_name from duckdb_tables() order by 1").fetchall():
        columns = database.execute(f"describe {table}").fetchall()
        described[table] = [(name, TYPES.get(kind, kind.lower())) for name, kind, *_ in columns]
        (folder / table).mkdir(parents=True, exist_ok=True)
        database.execute(f"copy (select * from {table} order by 1) to '{folder / table / '0.parquet'}' (format parquet, row_group_size 512)")
    (folder / "tables.json").write_text(json.dumps(described))


def plain(value):
    """One form for the values of both engines."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, (int, float, decimal.Decimal)):
        value = float(value)
        if not math.isfinite(value):
            return None
        # A sum of floating point numbers depends on the order of its parts.
        return 0.0 if value == 0 else round(value, 9 - math.floor(math.log10(abs(value))))
    if isinstance(value, datetime.datetime):
        if value.tzinfo:
            value = value.astimezone(datetime.timezone.utc).replace(tzinfo=None)
        return value.isoformat().removesuffix("T00:00:00")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, datetime.timedelta):
        return interval(value.days, value.seconds, value.microseconds)
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    text = str(value)
    if len(text) >= 20 and text[10] == "T" and text.endswith("Z"):
        text = text[:-1].removesuffix("T00:00:00")
        if "." in text:
            whole, fraction = text.split(".")
            text = f"{whole}.{fraction:0<6}"
        return text
    # Numbers that are too large for JSON are texts.
    try:
        return plain(decimal.Decimal(text)) if text.strip() == text and text[-1:].isdigit() else text
    except decimal.InvalidOperation:
        return text


def interval(days, seconds, micros):
    return f"{days} days {seconds + micros / 1e6} s"


def outcome_of_duckdb(database, sql):
    try:
        return [plain(row) for row in database.execute(sql).fetchall()]
    except duckdb.Error as error:
        return f"error: {error}"


def comparable(sql, rows):
    ordered = "order by" in sql.lower().rsplit(")", 1)[-1]
    return rows if ordered else sorted(rows, key=json.dumps)


def compare(sql, ours, theirs):
    if isinstance(theirs, str):
        return "agrees" if "failure" in ours else "differs"
    if "failure" in ours:
        return "refused" if ours["failure"] in ("query_invalid", "query_unsupported") else "differs"
    rows = [plain(row) for row in ours["rows"]]
    return "agrees" if comparable(sql, rows) == comparable(sql, theirs) else "differs"


def main(program, folder):
    folder = pathlib.Path(folder)
    database = duckdb.connect()
    database.execute("set timezone = 'UTC'")
    database.execute("set lambda_syntax = 'ENABLE_SINGLE_ARROW'")
    database.execute((HERE / "data.sql").read_text())
    write_tables(database, folder)
    queries = list(lines("queries.sql"))
    declared = dict(line.split("\t")[:2] for line in lines("differences.tsv"))
    answers = subprocess.run([program, folder], input="\n".join(queries), text=True, stdout=subprocess.PIPE, check=True)
    answers = [json.loads(line) for line in answers.stdout.splitlines()]
    assert len(answers) == len(queries)
    counts, wrong = {"agrees": 0, "refused": 0, "differs": 0}, []
    for sql, ours in zip(queries, answers):
        theirs = outcome_of_duckdb(database, sql)
        found = compare(sql, ours, theirs)
        counts[found] += 1
        expected = declared.pop(sql, "agrees")
        if found != expected:
            wrong.append(f"{sql}\n  {found}, expected: {expected}\n  ours:   {str(ours.get('error') or ours['rows'])[:300]}\n  theirs: {str(theirs)[:300]}")
    wrong += [f"declared, but not among the queries: {sql}" for sql in declared]
    print("\n".join(wrong))
    print(f"{len(queries)} queries: {counts}")
    assert len(queries) >= 150, "too few queries"
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main(*sys.argv[1:])
