// The parameters that a text names as `{{slug}}`. A part in `[[ ]]` is shown only if all that it names have a value.

import { own } from "./dom.js";

export function fillIn(text, values, isMarkdown) {
  if (!values) return text;
  const valueOf = (slug) => [].concat(own(values, slug) ?? []).map(String).filter(Boolean).join(", ");
  const escape = (value) => (isMarkdown ? value.replace(/[\\`*_{}[\]()#+\-.!|<>~&:/]/g, "\\$&") : value);
  const write = (part) => part.replace(/\{\{\s*([^{}]{1,100}?)\s*\}\}/g, (_, slug) => escape(valueOf(slug)));
  return write(text.replace(/\[\[([^[\]]*\{\{[^[\]]*\}\}[^[\]]*)\]\]/g, (_, part) => {
    const named = [...part.matchAll(/\{\{\s*([^{}]{1,100}?)\s*\}\}/g)];
    return named.every(([, slug]) => valueOf(slug)) ? part : "";
  }));
}
