"""The one rule of parameters: what the token says and what the URL says, held against the embed policy."""

from itertools import chain
from typing import NamedTuple
from urllib.parse import parse_qsl

import settings
from refusal import Refusal
from values import is_blank, is_nothing, is_value, parse


class Given(NamedTuple):
    token: dict
    url: dict
    attributes: dict


def from_query(query):
    """`parameters=<JSON object>` replaces all others. Otherwise each name is a slug: given twice it is a
    list, and given empty it is null."""
    values = {}
    for name, text in parse_qsl(query, keep_blank_values=True):
        values.setdefault(name, []).append(text or None)
    if values.get("parameters"):
        try:
            document = parse(values["parameters"][0] or "")
        except ValueError:
            pass  # Then it is a slug like any other.
        else:
            if not isinstance(document, dict):
                raise Refusal("params_invalid")
            return document
    return {name: items if len(items) > 1 else items[0] for name, items in values.items()}


def from_claims(claims):
    params = claims.get("params")
    if params is None or params is False:
        raise Refusal("params_missing")
    if params == []:
        return {}  # PHP writes an empty object so.
    if not isinstance(params, dict):
        raise Refusal("params_invalid")
    return params


def resolve(resource, given):
    """What the viewer may see and change, and the attributes that the resource is locked to."""
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
            raise Refusal("parameter_invalid", f"Invalid value for :{slug}.")
    visible, attributes = [], {}
    for parameter in declared:
        slug = parameter["slug"]
        visibility = policy.get(slug, "disabled")
        if visibility == "enabled" and not (settings.PINNED and slug in given.token):
            visible.append({**parameter, "value": _effective(parameter, given)})
        elif isinstance(visibility, dict):
            name = visibility["attribute"]
            attributes[name] = given.attributes[name]
    return visible, attributes


def _unknown(slug):
    return Refusal("parameter_unknown", f"Unknown parameter :{slug}.")


def _permit(slug, visibility, given):
    """May the token and the URL say what they say about `slug`?"""
    in_token = slug in given.token and not is_blank(given.token[slug])
    in_url = slug in given.url and not is_blank(given.url[slug])
    if visibility == "disabled":
        if in_token or in_url:
            raise Refusal("parameter_disabled", f"You're not allowed to specify a value for :{slug}.")
    elif visibility == "enabled":
        if in_token and in_url and settings.PINNED:
            message = f"You can't specify a value for :{slug} if it's already set in the JWT."
            raise Refusal("parameter_pinned", message)
    elif visibility == "locked":
        if not in_token or not _is_lock(given.token[slug]):
            raise Refusal("parameter_locked_missing", f"You must specify a value for :{slug} in the JWT.")
        if in_url:
            raise Refusal("parameter_locked", f"You can only specify a value for :{slug} in the JWT.")
    else:
        if in_token or in_url:
            raise Refusal("parameter_locked", f"You're not allowed to specify a value for :{slug}.")
        if is_nothing(given.attributes.get(visibility["attribute"])):
            message = f"The viewer has no attribute that :{slug} is locked to."
            raise Refusal("attribute_missing", message)


def _binds(visibility, slug, given):
    """Does this policy entry promise something that an undeclared parameter cannot keep?"""
    if visibility == "enabled":
        return slug in given.token or slug in given.url
    return visibility != "disabled"


def _is_lock(value):
    """Does the value really hold a locked parameter fast? An empty list switches the filter off."""
    if value == []:
        return settings.ALLOW_EMPTY_LOCKED_LIST
    return not is_nothing(value)


def _effective(parameter, given):
    """Of an enabled parameter: the URL's value, else the token's, else the default."""
    slug, default = parameter["slug"], parameter.get("default")
    if settings.PINNED and slug in given.token and not is_blank(given.token[slug]):
        value = given.token[slug]
    elif slug in given.url:
        value = given.url[slug]
    elif slug in given.token:
        value = given.token[slug]
    else:
        return default
    if not is_nothing(value):
        return value
    return default if parameter["required"] else None
