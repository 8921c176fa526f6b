// Resolves the parameters: checks the values of the token and of the URL against the embed policy.

import { Refusal } from "./refusal.mjs";
import { isBlank, isNothing, isObject, isValue } from "./values.mjs";

const refuse = (status, about, slug) => new Refusal(status, `${about}: ${slug}`);
const unknown = (slug) => refuse(400, "unknown parameter", slug);

// `parameters=<JSON object>` replaces all others. Otherwise each name is a slug: a repeated name is a list,
// and an empty value is null.
export function fromQuery(query) {
  const pairs = new URLSearchParams(query);
  const document = parsed(pairs.get("parameters"));
  if (document !== undefined) {
    if (isObject(document)) return document;
    throw new Refusal(400, "params invalid");
  }
  const values = Object.create(null);
  for (const name of new Set(pairs.keys())) {
    const list = pairs.getAll(name).map((text) => (text === "" ? null : text));
    values[name] = list.length === 1 ? list[0] : list;
  }
  return values;
}

function parsed(text) {
  try {
    return text === null ? undefined : JSON.parse(text);
  } catch {
    // Not JSON, so `parameters` is a slug like any other.
  }
}

// PHP writes an empty object as `[]`.
export function fromClaims({ params }) {
  if (params == null || params === false) throw new Refusal(400, "params missing");
  if (isObject(params)) return params;
  if (Array.isArray(params) && params.length === 0) return {};
  throw new Refusal(400, "params invalid");
}

export function resolve({ parameters, embedding_params: policy }, given) {
  for (const [slug, visibility] of Object.entries(policy)) {
    permit(slug, visibility, given);
    if (!parameters.some((parameter) => parameter.slug === slug) && binds(visibility, slug, given)) {
      throw unknown(slug);
    }
  }
  for (const [slug, value] of [...Object.entries(given.token), ...Object.entries(given.url)]) {
    if (!Object.hasOwn(policy, slug) && !isBlank(value)) throw unknown(slug);
    if (!isValue(value)) throw refuse(400, "parameter invalid", slug);
  }
  const visible = [];
  const attributes = {};
  for (const parameter of parameters) {
    const visibility = own(policy, parameter.slug) ?? "disabled";
    if (visibility === "enabled") {
      visible.push({ ...parameter, value: effective(parameter, given) });
    } else if (isObject(visibility)) {
      attributes[visibility.attribute] = own(given.attributes, visibility.attribute);
    }
  }
  return { visible, attributes };
}

const own = (object, name) => (Object.hasOwn(object, name) ? object[name] : undefined);

// Checks whether the token and the URL may set `slug`.
function permit(slug, visibility, given) {
  const said = (values) => Object.hasOwn(values, slug) && !isBlank(values[slug]);
  const inToken = said(given.token);
  const inUrl = said(given.url);
  if (visibility === "enabled") return;
  if (visibility === "disabled") {
    if (inToken || inUrl) {
      throw refuse(400, "parameter disabled", slug);
    }
  } else if (visibility === "locked") {
    if (!inToken || !isLock(given.token[slug])) {
      throw refuse(400, "locked parameter missing", slug);
    }
    if (inUrl) throw refuse(400, "parameter locked", slug);
  } else {
    if (inToken || inUrl) {
      throw refuse(400, "parameter locked", slug);
    }
    if (isNothing(own(given.attributes, visibility.attribute))) {
      throw refuse(403, "attribute missing", slug);
    }
  }
}

// Returns whether this policy entry needs the parameter to be declared.
const binds = (visibility, slug, given) =>
  visibility === "enabled"
    ? Object.hasOwn(given.token, slug) || Object.hasOwn(given.url, slug)
    : visibility !== "disabled";

// A locked parameter needs a value. An empty list is none: `isNothing` is true for it.
const isLock = (value) => !isNothing(value);

// The value of an enabled parameter: the URL's, else the token's, else the default.
function effective({ slug, required, default: otherwise = null }, given) {
  const inToken = own(given.token, slug);
  const inUrl = own(given.url, slug);
  const value = inUrl === undefined ? inToken : inUrl;
  if (value === undefined) return otherwise;
  if (!isNothing(value)) return value;
  return required ? otherwise : null;
}
