"""Rows for a viewer. The authorizer selects the customer; the request cannot."""

import json

ROWS = [
    {"customer": "acme", "order": 1, "total": 120},
    {"customer": "acme", "order": 3, "total": 75},
    {"customer": "globex", "order": 2, "total": 310},
]


def handler(event, _context):
    params = json.loads(event["requestContext"]["authorizer"]["lambda"]["params"])
    customer = params.get("customer")
    if not isinstance(customer, str):
        return {"statusCode": 403, "body": json.dumps({"message": "The token is locked to no customer."})}
    rows = [row for row in ROWS if row["customer"] == customer]
    return {"statusCode": 200, "headers": {"content-type": "application/json"}, "body": json.dumps({"rows": rows})}
