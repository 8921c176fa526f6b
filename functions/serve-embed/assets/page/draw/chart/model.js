// The series of a chart: which columns, which points and which marks.

import { colorOf, isObject, own, textOf, toNumber } from "../tools.js";
import { shareOut, stepFrom } from "./points.js";

const MOST_SERIES = 20;
const MARKS = ["bar", "line", "area"];

const list = (value) => (Array.isArray(value) ? value.map(textOf) : typeof value === "string" ? [value] : []);

// Returns null if the answer has nothing that can be drawn.
export function readModel(data, display, settings, { say }) {
  const metrics = metricsOf(data, settings);
  if (!metrics.length) return null;
  const [dimension, breakout] = dimensionsOf(data, settings, metrics);
  const x = axisOf(data, dimension, display, settings, say);
  let series = collect(data, x, metrics.filter((metric) => metric !== dimension), breakout, say);
  if (!series.length) return null;
  const notes = [];
  if (series.some(({ summed }) => summed)) notes.push(say("summed"));
  series = ordered(series, settings);
  if (series.length > MOST_SERIES) notes.push(say("cut", { n: MOST_SERIES, of: series.length }));
  series = series.slice(0, MOST_SERIES).map((one, index) => withSettings(one, index, display, settings));
  const stack = stackType(display, series, settings);
  const model = { display, settings, dimension, breakout, x, series, stack, notes };
  fillGaps(model);
  shareOut(model, say);
  splitAxes(model, settings);
  return model;
}

// ---- columns ----

function metricsOf({ columns, column }, settings) {
  const named = list(own(settings, "graph.metrics")).map(column).filter((found) => found?.isNumeric);
  if (named.length) return [...new Set(named)];
  const dimensions = list(own(settings, "graph.dimensions"));
  const numbers = columns.filter(({ isNumeric, name }) => isNumeric && !dimensions.includes(name));
  // Numbers alone: the first says where, the others how much.
  const hasOther = columns.some(({ isNumeric }) => !isNumeric) || dimensions.some((name) => column(name));
  return hasOther || numbers.length < 2 ? numbers : numbers.slice(1);
}

function dimensionsOf({ columns, column, rows }, settings, metrics) {
  const named = list(own(settings, "graph.dimensions")).map(column).filter((found) => found && !metrics.includes(found));
  if (named.length) return named;
  const others = columns.filter((one) => !one.isNumeric);
  if (!others.length) return [columns.find((one) => !metrics.includes(one))];
  const [first, second] = others;
  const isRepeated = new Set(rows.map((row) => JSON.stringify(first.of(row)))).size < rows.length;
  return second && metrics.length === 1 && isRepeated ? [first, second] : [first];
}

// ---- the axis of the dimension ----

function axisOf({ rows }, dimension, display, settings, say) {
  const scale = own(settings, "graph.x_axis.scale");
  const raw = rows.map((row) => (dimension ? dimension.of(row) : null));
  const places = raw.map((value) => (dimension?.isTime ? dimension.time(value) : dimension?.isNumeric ? dimension.number(value) : null));
  const isPlaced = dimension && places.every((place) => place !== null) && scale !== "ordinal" && display !== "row";
  const kind = !isPlaced ? "ordinal" : dimension.isTime ? "time" : display === "bar" && !["linear", "log", "pow"].includes(scale) ? "ordinal" : "linear";
  const format = dimension?.isTime ? dimension.short : dimension?.format;
  const write = (value, index) => (dimension ? format(value) : String(index + 1)) || say("blank");
  const points = new Map();
  raw.forEach((value, index) => {
    const key = kind === "ordinal" ? (dimension ? JSON.stringify(value) : index) : places[index];
    if (!points.has(key)) points.set(key, { key, place: places[index], raw: value, label: write(value, index), rows: [] });
    points.get(key).rows.push(index);
  });
  const sorted = [...points.values()];
  if (kind !== "ordinal") sorted.sort((one, other) => one.place - other.place);
  return { kind, scale, points: sorted, unit: dimension?.unit, write: dimension?.writeTime ?? dimension?.format ?? String };
}

// ---- values ----

function collect({ rows }, { points }, metrics, breakout, say) {
  const groups = new Map();
  for (const row of breakout ? rows : []) {
    const value = breakout.of(row);
    const key = breakout.short(value) || say("blank");
    if (!groups.has(key)) groups.set(key, new Set());
    groups.get(key).add(row);
  }
  const cuts = breakout ? [...groups] : [[null, null]];
  return metrics.flatMap((metric) => cuts.map(([key, members]) => {
    const name = key === null ? metric.name : metrics.length > 1 ? `${key}: ${metric.name}` : key;
    const title = key === null ? metric.title : metrics.length > 1 ? `${key}: ${metric.title}` : key;
    let summed = false;
    const cells = points.map((point) => {
      const own = point.rows.filter((row) => !members || members.has(rows[row])).map((row) => metric.of(rows[row]));
      if (own.length < 2) return { raw: own[0] ?? null, value: metric.number(own[0] ?? null) };
      summed = true;
      const numbers = own.map(metric.number).filter((value) => value !== null);
      const value = numbers.length ? numbers.reduce((sum, number) => sum + number, 0) : null;
      return { raw: value, value };
    });
    return { name, title, metric, summed, values: cells.map(({ value }) => value), raw: cells.map(({ raw }) => raw) };
  }));
}

function ordered(series, settings) {
  const wanted = own(settings, "graph.series_order");
  const listed = Array.isArray(wanted) ? wanted.filter(isObject) : [];
  if (!listed.length) return series;
  const place = new Map(listed.map((item, index) => [textOf(own(item, "name") ?? own(item, "key")), { index, item }]));
  return series
    .filter(({ name }) => own(place.get(name)?.item, "enabled") !== false)
    .sort((one, other) => (place.get(one.name)?.index ?? Infinity) - (place.get(other.name)?.index ?? Infinity) || 0);
}

function withSettings(series, index, display, settings) {
  const set = own(own(settings, "series_settings"), series.name);
  const setting = (key) => own(set, key) ?? own(settings, key);
  const usual = display === "combo" ? (index === 0 ? "line" : "bar") : display;
  const chosen = own(set, "display");
  const colors = own(settings, "graph.colors");
  const title = own(set, "title");
  return {
    ...series, index, setting,
    title: typeof title === "string" && title ? title : series.title,
    mark: display !== "row" && MARKS.includes(chosen) ? chosen : display === "row" ? "bar" : usual,
    axis: { left: "left", right: "right" }[own(set, "axis")],
    color: colorOf(own(set, "color")) ?? colorOf(Array.isArray(colors) ? colors[index] : undefined),
  };
}

function stackType(display, series, settings) {
  const set = own(settings, "stackable.stack_type");
  const chosen = set === undefined && display === "area" ? "stacked" : set;
  return series.length > 1 || chosen === "normalized" ? { stacked: "stacked", normalized: "normalized" }[chosen] : undefined;
}

// A line breaks at, or falls to zero at, times that have no row, if the settings say so.
function fillGaps({ x, series }) {
  const isWanted = series.some(({ mark, setting }) => mark !== "bar" && ["zero", "none"].includes(setting("line.missing")));
  if (!isWanted || x.kind !== "time") return;
  const known = new Map(x.points.map((point, index) => [point.place, index]));
  const all = [];
  const last = x.points.at(-1).place;
  for (let place = x.points[0].place; place <= last && all.length <= 5000; place = stepFrom(place, x.unit)) all.push(place);
  if (all.length > 5000 || !x.points.every(({ place }) => all.includes(place))) return;
  for (const one of series) for (const part of ["values", "raw"]) one[part] = all.map((place) => one[part][known.get(place)] ?? null);
  x.points = all.map((place) => x.points[known.get(place)] ?? { key: place, place, raw: null, label: x.write(place), rows: [] });
}

// Metrics of very different size get an axis each, as the settings or the sizes say.
function splitAxes(model, settings) {
  const { series, stack, breakout, display } = model;
  const top = ({ values }) => Math.max(0, ...values.map((value) => Math.abs(value ?? 0)));
  const isFree = series.length > 1 && !stack && !breakout && display !== "row" && own(settings, "graph.y_axis.auto_split") !== false
    && !series.some(({ axis }) => axis);
  const first = top(series[0]);
  for (const one of series) {
    const size = top(one);
    const isFar = isFree && size > 0 && first > 0 && (size > first * 10 || size < first / 10);
    one.axis ??= isFar ? "right" : "left";
  }
  if (series.every(({ axis }) => axis === "right")) for (const one of series) one.axis = "left";
}

// The line that the points of a series follow on average, by least squares.
export function trendOf(series, x) {
  const at = (index) => (x.kind === "ordinal" ? index : x.points[index].place);
  const known = series.values.map((value, index) => [at(index), value]).filter(([, value]) => value !== null);
  if (known.length < 2) return null;
  const mean = (part) => known.reduce((sum, pair) => sum + pair[part], 0) / known.length;
  const [meanX, meanY] = [mean(0), mean(1)];
  const spread = known.reduce((sum, [one]) => sum + (one - meanX) ** 2, 0);
  if (!spread) return null;
  const slope = known.reduce((sum, [one, value]) => sum + (one - meanX) * (value - meanY), 0) / spread;
  return series.values.map((_, index) => meanY + slope * (at(index) - meanX));
}

export const goalOf = (settings) => (own(settings, "graph.show_goal") === true ? toNumber(own(settings, "graph.goal_value") ?? 0) : null);
