// Several questions in one chart: their answers as one, by the first dimension of each.

import { isObject, own, textOf } from "./tools.js";

const CHARTS = /^(bar|row|line|area|combo)$/;
const FIGURES = /^(scalar|smartscalar)$/;
const MARKS = /^(bar|line|area)$/;
const isNumeric = ({ type }) => /^(integer|number|decimal\b)/.test(textOf(type ?? "text"));
const list = (value) => (Array.isArray(value) ? value.map(textOf) : typeof value === "string" ? [value] : []);
// A day is the same as its midnight.
const keyOf = (value) => JSON.stringify(typeof value === "string" ? value.replace(/^(\d{4}-\d\d-\d\d)[T ]00:00(:00(\.0+)?)?Z?$/, "$1") : value);

// The questions that are drawn over a card. Other displays show the card's own answer alone.
export const seriesOf = ({ display, series }) => ((CHARTS.test(display) || FIGURES.test(display)) && Array.isArray(series) ? series : []);

// The answers of a card and of its series as one answer, which has the display and the settings of its drawing in `as`.
export function overlaid(card, answer, others) {
  const parts = [{ title: card.title, display: card.display, settings: card.settings, answer }, ...seriesOf(card).map((one, index) => ({ ...one, answer: others[index] }))];
  const truncated = parts.some((part) => part.answer?.truncated === true);
  const joined = FIGURES.test(card.display) ? besideEachOther(parts) : overEachOther(parts, card);
  return { ...answer, ...joined, truncated };
}

function shapeOf({ answer, settings }) {
  const columns = (Array.isArray(answer?.columns) ? answer.columns : []).map((column, index) => ({ ...column, index, name: textOf(column?.name) }));
  const named = (setting) => list(own(settings, setting)).map((name) => columns.find((column) => column.name === name)).filter(Boolean);
  const wanted = named("graph.metrics").filter(isNumeric);
  const set = named("graph.dimensions").filter((column) => !wanted.includes(column));
  const others = columns.filter((column) => !isNumeric(column));
  const [dimension = columns.length > 1 ? columns.find((column) => !wanted.includes(column)) : undefined, breakout] = set.length ? set : others.slice(0, 1);
  const metrics = wanted.length ? wanted : columns.filter((column) => isNumeric(column) && column !== dimension && column !== breakout);
  return { rows: Array.isArray(answer?.rows) ? answer.rows : [], dimension, breakout, metrics };
}

function overEachOther(parts, card) {
  const points = new Map();
  const series = [], taken = new Set();
  const formats = {}, looks = {};
  let first;
  const nameFor = (name) => {
    let free = name;
    for (let n = 2; taken.has(free); n += 1) free = `${name} (${n})`;
    taken.add(free);
    return free;
  };
  for (const part of parts) {
    const { rows, dimension, breakout, metrics } = shapeOf(part);
    first ??= dimension;
    const own = new Map();
    for (const row of rows) {
      const at = keyOf(dimension ? row[dimension.index] : null);
      if (!points.has(at)) points.set(at, { value: dimension ? row[dimension.index] : null, cells: new Map() });
      for (const metric of metrics) {
        const cut = breakout ? textOf(row[breakout.index] ?? "") : "";
        const key = JSON.stringify([metric.index, cut]);
        if (!own.has(key)) own.set(key, describe(part, metric, breakout && cut, metrics.length > 1));
        const { cells } = points.get(at);
        const one = own.get(key);
        cells.set(one, added(cells.get(one), row[metric.index]));
      }
    }
    for (const one of own.values()) {
      one.name = nameFor(one.name);
      series.push(one);
      if (one.format) formats[JSON.stringify(["name", one.name])] = one.format;
      looks[one.name] = one.look;
    }
  }
  const { settings } = card;
  const before = first ?? { name: "", type: "text" };
  const dimensionName = nameFor(before.name || " ");
  const dimensionFormat = formatOf(settings, before.name);
  return {
    columns: [{ name: dimensionName, type: before.type, display_name: before.display_name ?? before.name }, ...series.map(({ name, type }) => ({ name, type }))],
    rows: [...points.values()].map(({ value, cells }) => [value, ...series.map((one) => cells.get(one) ?? null)]),
    as: {
      display: card.display,
      settings: {
        ...settings, "graph.dimensions": [dimensionName], "graph.metrics": series.map(({ name }) => name),
        column_settings: { ...formats, ...(dimensionFormat && { [JSON.stringify(["name", dimensionName])]: dimensionFormat }) },
        series_settings: Object.fromEntries(Object.entries(looks).map(([name, look]) => [name, { ...look, ...objectOf(own(own(settings, "series_settings"), name)) }])),
      },
    },
  };
}

const objectOf = (value) => (isObject(value) ? value : {});
const formatOf = (settings, name) => own(own(settings, "column_settings"), JSON.stringify(["name", name]));

function describe({ title, display, settings }, metric, cut, hasSeveral) {
  const parts = [textOf(title ?? ""), cut, hasSeveral ? textOf(metric.display_name ?? metric.name) : null].filter(Boolean);
  const look = { ...(MARKS.test(display) && { display }), ...objectOf(own(own(settings, "series_settings"), metric.name)) };
  return { name: parts.join(": ") || metric.name, type: metric.type, look, format: formatOf(settings, metric.name) };
}

// Rows of the same point are added up, as in other charts.
function added(before, value) {
  if (before === undefined || before === null) return value ?? null;
  const [one, other] = [Number(before), Number(value)];
  return value === null || value === undefined || !Number.isFinite(one + other) ? before : one + other;
}

// Single figures are bars beside each other.
function besideEachOther(parts) {
  const rows = parts.map((part) => {
    const { rows, metrics } = shapeOf(part);
    const wanted = own(part.settings, "scalar.field");
    const metric = metrics.find(({ name }) => name === wanted) ?? metrics[0];
    const at = part.display === "smartscalar" ? rows.length - 1 : 0;
    return { title: textOf(part.title ?? metric?.name ?? ""), metric, value: metric ? rows[at]?.[metric.index] ?? null : null };
  });
  const { metric } = rows.find(({ metric }) => metric) ?? {};
  return {
    columns: [{ name: "name", type: "text", display_name: "" }, { name: "value", type: metric?.type ?? "number", display_name: metric?.display_name ?? metric?.name ?? "" }],
    rows: rows.map(({ title, value }) => [title, value]),
    as: { display: "bar", settings: { "graph.dimensions": ["name"], "graph.metrics": ["value"] } },
  };
}
