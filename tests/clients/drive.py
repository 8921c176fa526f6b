"""Runs lines of Python that arrive as JSON, and answers with the value of the last expression."""

import ast
import contextlib
import json
import sys


def run(source, names):
    *before, last = ast.parse(source).body
    exec(compile(ast.Module(before, []), "case", "exec"), names)
    if isinstance(last, ast.Expr):
        return eval(compile(ast.Expression(last.value), "case", "eval"), names)
    exec(compile(ast.Module([last], []), "case", "exec"), names)


names = {}
answers = sys.stdout
for line in sys.stdin:
    request = json.loads(line)
    answer = {"id": request["id"]}
    try:
        # The programs print to standard output, too.
        with contextlib.redirect_stdout(sys.stderr):
            answer = json.dumps({**answer, "value": run(request["source"], names)}, default=repr)
    except Exception as problem:
        answer = json.dumps({**answer, "error": f"{type(problem).__name__}: {problem}"})
    print(answer, file=answers, flush=True)
