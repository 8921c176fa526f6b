"""Resolves the parameters: checks the values of the token and of the URL against the embed policy."""

from itertools import chain
from typing import NamedTuple
from urllib.parse import parse_qsl

from refusal import Refusal
from values import is_blank, is_nothing, is_value, parse


class Given(NamedTuple):
    token: dict
    url: dict
    attributes: dict


def from_query(query):
    """`parameters=<JSON object>` replaces all others. Otherwise each name is a slug: a repeated name is a
    list, and an empty value is null."""
    values = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(text or None)
    if values.get("parameters"):
        try:
            document = parse(values["parameters"][0] or "")
        except ValueError:
            pass  # Not JSON, so `parameters` is a slug like any other.
        else:
            if not isinstance(document, dict):
                raise Refusal(400, "params invalid")
            return document
    return {name: items if len(items) > 1 else items[0] for name, items in values.items()}


def from_claims(claims):
    params = claims.get("params")
    if params is None or params is False:
        raise Refusal(400, "params missing")
    if params == []:
        return {}  # PHP writes an empty object as a list.
    if not isinstance(params, dict):
        raise Refusal(400, "params invalid")
    return params


def resolve(resource, given):
    """The visible parameters, and the attributes that the resource is locked to."""
    declared, policy = resource["parameters"], resource["embedding_params"]
    slugs = {parameter["slug"] for parameter in declared}
    for slug, visibility in policy.items():
        _permit(slug, visibility, given)
        if slug not in slugs and _binds(visibility, slug, given):
            raise _unknown(slug)
    for slug, value in chain(given.token.items(), given.url.items()):
        if slug not in policy and not is_blank(value):
            raise _unknown(slug)
        if not is_value(value):
            raise Refusal(400, f"parameter invalid: {slug}")
    visible, attributes = [], {}
    for parameter in declared:
        slug = parameter["slug"]
        visibility = policy.get(slug, "disabled")
        if visibility == "enabled":
            visible.append({**parameter, "value": _effective(parameter, given)})
        elif isinstance(visibility, dict):
            name = visibility["attribute"]
            attributes[name] = given.attributes[name]
    return visible, attributes


def _unknown(slug):
    return Refusal(400, f"unknown parameter: {slug}")


def _permit(slug, visibility, given):
    """Checks whether the token and the URL may set `slug`."""
    in_token = slug in given.token and not is_blank(given.token[slug])
    in_url = slug in given.url and not is_blank(given.url[slug])
    if visibility == "enabled":
        return
    if visibility == "disabled":
        if in_token or in_url:
            raise Refusal(400, f"parameter disabled: {slug}")
    elif visibility == "locked":
        if not in_token or is_nothing(given.token[slug]):
            raise Refusal(400, f"locked parameter missing: {slug}")
        if in_url:
            raise Refusal(400, f"parameter locked: {slug}")
    else:
        if in_token or in_url:
            raise Refusal(400, f"parameter locked: {slug}")
        if is_nothing(given.attributes.get(visibility["attribute"])):
            raise Refusal(403, f"attribute missing: {slug}")


def _binds(visibility, slug, given):
    """Whether this policy entry needs the parameter to be declared."""
    if visibility == "enabled":
        return slug in given.token or slug in given.url
    return visibility != "disabled"


def _effective(parameter, given):
    """The value of an enabled parameter: the URL's, else the token's, else the default."""
    slug, default = parameter["slug"], parameter.get("default")
    if slug in given.url:
        value = given.url[slug]
    elif slug in given.token:
        value = given.token[slug]
    else:
        return default
    if not is_nothing(value):
        return value
    return default if parameter["required"] else None
