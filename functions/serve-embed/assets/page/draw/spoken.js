// The values of parameters in the words of the viewer, for texts that name them.

import { dateFormat, textOf } from "./tools.js";

// The values by slug.
export const spokenValues = (parameters, locale, words) => Object.fromEntries(parameters.map((parameter) => {
  const all = [].concat(parameter.value ?? []).filter((value) => value !== null && value !== "").map((value) => spoken(value, parameter, locale, words));
  return [parameter.slug, listed(all, locale)];
}));

function spoken(value, { type, values }, locale, words) {
  const choice = (values ?? []).find(([chosen]) => String(chosen) === String(value));
  if (choice?.length > 1) return textOf(choice[1]);
  const text = textOf(value);
  if (type === "number" && text.trim() && Number.isFinite(Number(text))) return format(() => new Intl.NumberFormat(locale, { useGrouping: "min2", maximumFractionDigits: 10 }).format(text), text);
  if (type === "boolean") return { true: words?.yes, false: words?.no }[text] ?? text;
  if (type === "date") return dayOf(text, locale);
  if (type === "date_range") return text.split("~").map((end) => dayOf(end, locale)).join(" – ");
  return text;
}

function dayOf(text, locale) {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(text) : NaN;
  return Number.isNaN(time) ? text : dateFormat("day", () => undefined, locale)(time);
}

function format(write, otherwise) {
  try { return write(); } catch { return otherwise; }
}

const listed = (texts, locale) => format(() => new Intl.ListFormat(locale, { type: "conjunction" }).format(texts), texts.join(", "));
