"""Kinds of JSON values."""

import json


def parse(text):
    """Reads JSON as the standard has it: no NaN, no infinity. Raises ValueError."""
    try:
        return json.loads(text, parse_constant=_refuse)
    except RecursionError as error:
        raise ValueError("nested too deeply") from error


def _refuse(constant):
    raise ValueError(constant)


def is_value(value):
    """A scalar, or a list of scalars."""
    if isinstance(value, list):
        return not any(isinstance(item, (list, dict)) for item in value)
    return not isinstance(value, dict)


def is_blank(value):
    """A string of white space counts as not set."""
    return isinstance(value, str) and not value.strip()


def is_nothing(value):
    """Null, blank, or a list of only these."""
    if isinstance(value, list):
        return all(item is None or is_blank(item) for item in value)
    return value is None or is_blank(value)
