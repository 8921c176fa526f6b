// The columns of an answer, with the settings of each.

import { isObject, own, textOf } from "./dom.js";
import { dateFormat, numberFormat, timeReader, toNumber, unitOf } from "./format.js";

const isNumeric = (type) => /^(integer|number|decimal\b)/.test(type);

// Settings are keyed by the JSON text of `["name", column]`.
function settingsByColumn(settings) {
  const byName = new Map();
  const all = own(settings, "column_settings");
  for (const [key, value] of Object.entries(isObject(all) ? all : {})) {
    let read;
    try { read = JSON.parse(key); } catch { continue; }
    if (Array.isArray(read) && read[0] === "name" && isObject(value)) byName.set(textOf(read[1]), value);
  }
  return byName;
}

// Reads an answer. `columns` is in the order of the answer; `column(name)` finds one.
export function readAnswer(answer, settings, context) {
  const found = Array.isArray(answer?.columns) ? answer.columns : [];
  const rows = Array.isArray(answer?.rows) ? answer.rows : [];
  const byName = settingsByColumn(settings);
  const columns = found.map((column, index) => makeColumn(column, index, rows, byName.get(textOf(column?.name)), context));
  const named = new Map();
  for (const column of columns) if (!named.has(column.name)) named.set(column.name, column);
  return { columns, rows, column: (name) => named.get(name), truncated: answer?.truncated === true };
}

function makeColumn({ name, type, display_name }, index, rows, settings, { locale, timezone }) {
  type = textOf(type ?? "text");
  // Null is as good as missing, except where it says that the time of day is not shown.
  const setting = (key) => own(settings, key) ?? (key === "time_enabled" ? own(settings, key) : undefined);
  const column = {
    index, name: textOf(name), type, setting,
    title: textOf(setting("column_title") ?? display_name ?? name),
    isNumeric: isNumeric(type),
    isTime: type === "date" || type === "timestamp",
    of: (row) => row?.[index] ?? null,
  };
  if (column.isNumeric) Object.assign(column, numeric(column, setting, locale));
  else if (column.isTime) Object.assign(column, temporal(column, rows, setting, locale, timezone));
  else column.format = column.short = (value) => plain(value, setting);
  return column;
}

function numeric({ type, name }, setting, locale) {
  const { full, short, ticks } = numberFormat(type, name, setting, locale);
  const write = (format) => (value) => (value === null ? "" : toNumber(value) === null ? textOf(value) : format(value));
  return { number: toNumber, format: write(full), short: write(short), ticks };
}

function temporal({ type, of }, rows, setting, locale, timezone) {
  const values = rows.map(of);
  const time = timeReader(type, values, timezone);
  const unit = unitOf(values.map(time));
  const inTable = dateFormat(unit === "hour" || unit === "minute" ? "minute" : "day", setting, locale);
  const onAxis = dateFormat(unit, setting, locale);
  const write = (format) => (value) => {
    const at = time(value);
    return at !== null ? format(at) : value === null ? "" : textOf(value);
  };
  return { time, unit, format: write(inTable), short: write(onAxis), writeTime: onAxis };
}

function plain(value, setting) {
  if (value === null) return "";
  const text = textOf(value);
  const [prefix, suffix] = [setting("prefix"), setting("suffix")];
  return prefix || suffix ? `${prefix ?? ""}${text}${suffix ?? ""}` : text;
}
