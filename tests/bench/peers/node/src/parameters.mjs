// The one rule of parameters: what the token says and what the URL says, held against the embed policy.

import { Refusal } from "./refusal.mjs";
import { settings } from "./settings.mjs";
import { isBlank, isNothing, isObject, isValue } from "./values.mjs";

const refuse = (reason, message) => new Refusal(reason, { message });
const unknown = (slug) => refuse("parameter_unknown", `Unknown parameter :${slug}.`);

// `parameters=<JSON object>` replaces all others. Otherwise each name is a slug: given twice it is a list,
// and given empty it is null.
export function fromQuery(query) {
  const pairs = new URLSearchParams(query);
  const document = parsed(pairs.get("parameters"));
  if (document !== undefined) {
    if (isObject(document)) return document;
    throw new Refusal("params_invalid");
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
    // Then it is a slug like any other.
  }
}

// PHP writes an empty object as `[]`.
export function fromClaims({ params }) {
  if (params == null || params === false) throw new Refusal("params_missing");
  if (isObject(params)) return params;
  if (Array.isArray(params) && params.length === 0) return {};
  throw new Refusal("params_invalid");
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
    if (!isValue(value)) throw refuse("parameter_invalid", `Invalid value for :${slug}.`);
  }
  const visible = [];
  const attributes = {};
  for (const parameter of parameters) {
    const visibility = own(policy, parameter.slug) ?? "disabled";
    if (visibility === "enabled" && !(settings.pinned && Object.hasOwn(given.token, parameter.slug))) {
      visible.push({ ...parameter, value: effective(parameter, given) });
    } else if (isObject(visibility)) {
      attributes[visibility.attribute] = own(given.attributes, visibility.attribute);
    }
  }
  return { visible, attributes };
}

const own = (object, name) => (Object.hasOwn(object, name) ? object[name] : undefined);

// May the token and the URL say what they say about `slug`?
function permit(slug, visibility, given) {
  const said = (values) => Object.hasOwn(values, slug) && !isBlank(values[slug]);
  const inToken = said(given.token);
  const inUrl = said(given.url);
  if (visibility === "disabled") {
    if (inToken || inUrl) {
      throw refuse("parameter_disabled", `You're not allowed to specify a value for :${slug}.`);
    }
  } else if (visibility === "enabled") {
    if (inToken && inUrl && settings.pinned) {
      const message = `You can't specify a value for :${slug} if it's already set in the JWT.`;
      throw refuse("parameter_pinned", message);
    }
  } else if (visibility === "locked") {
    if (!inToken || !isLock(given.token[slug])) {
      throw refuse("parameter_locked_missing", `You must specify a value for :${slug} in the JWT.`);
    }
    if (inUrl) throw refuse("parameter_locked", `You can only specify a value for :${slug} in the JWT.`);
  } else {
    if (inToken || inUrl) {
      throw refuse("parameter_locked", `You're not allowed to specify a value for :${slug}.`);
    }
    if (isNothing(own(given.attributes, visibility.attribute))) {
      throw refuse("attribute_missing", `The viewer has no attribute that :${slug} is locked to.`);
    }
  }
}

// Does this policy entry promise something that an undeclared parameter cannot keep?
const binds = (visibility, slug, given) =>
  visibility === "enabled"
    ? Object.hasOwn(given.token, slug) || Object.hasOwn(given.url, slug)
    : visibility !== "disabled";

// Does the value really hold a locked parameter fast? An empty list switches the filter off.
const isLock = (value) =>
  Array.isArray(value) && value.length === 0 ? settings.allowEmptyLockedList : !isNothing(value);

// Of an enabled parameter: the URL's value, else the token's, else the default.
function effective({ slug, required, default: otherwise = null }, given) {
  const inToken = own(given.token, slug);
  const stands = settings.pinned && !isBlank(inToken) ? inToken : undefined;
  const inUrl = own(given.url, slug);
  const value = [stands, inUrl, inToken].find((value) => value !== undefined);
  if (value === undefined) return otherwise;
  if (!isNothing(value)) return value;
  return required ? otherwise : null;
}
