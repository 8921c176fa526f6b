// The parameters that a text names as `{{slug}}`. A part in `[[ ]]` is shown only if all that it names have a value.

import { own } from "./dom.js";

const NAME = /\{\{\s*([^{}]{1,100}?)\s*\}\}/g;

// Values stay text, whatever they contain, and within their paragraph or their part of an address.
const FORMS = {
  markdown: (value) => value.replace(/\s+/g, " ").replace(/[!-/:-@[-`{-~]/g, "\\$&"),
  plain: (value) => value,
  url: (value) => encodeURIComponent(value.toWellFormed()),
};

export function fillIn(text, values, form) {
  if (!values) return text;
  const valueOf = (slug) => [].concat(own(values, slug) ?? []).map(String).filter(Boolean).join(", ");
  const write = (part) => part.replace(NAME, (_, slug) => FORMS[form](valueOf(slug)));
  return write(text.replace(/\[\[([^[\]]*\{\{[^[\]]*\}\}[^[\]]*)\]\]/g, (whole, part) => {
    const named = [...part.matchAll(NAME)];
    return !named.length ? whole : named.every(([, slug]) => valueOf(slug)) ? part : "";
  }));
}
