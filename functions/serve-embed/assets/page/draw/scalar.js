// One figure: a scalar, one with a comparison and a sparkline, and progress towards a goal.

import { colorOf, isObject, make, own, svg, textOf, toNumber } from "./tools.js";

const valueColumn = (data, settings) => {
  const named = data.column(textOf(own(settings, "scalar.field")));
  return named ?? data.columns.find(({ isNumeric }) => isNumeric) ?? data.columns[0];
};

// Long figures are written smaller, so that they stay on one line.
const sizeOf = ({ length }) => (length > 20 ? " vz-longest" : length > 14 ? " vz-longer" : length > 9 ? " vz-long" : "");
const figure = (text, full) => make("div", { class: `vz-figure${sizeOf(text)}`, title: full !== text && full }, text || "—");

export function drawScalar(data, settings, context) {
  const column = data.column(textOf(own(settings, "scalar.field"))) ?? data.columns[0];
  if (!column || !data.rows.length) return make("p", { class: "vz-none" }, context.say("none"));
  const value = column.of(data.rows[0]);
  const full = column.format(value);
  const text = own(settings, "scalar.compact_primary_number") === true ? column.short(value) : full;
  return make("div", { class: "vz-scalar" }, figure(text, full), make("div", { class: "vz-label" }, column.title));
}

// ---- with a comparison ----

export function drawTrend(data, settings, context) {
  const { say } = context;
  const column = valueColumn(data, settings);
  const time = data.columns.find(({ isTime }) => isTime) ?? data.columns.find((other) => other !== column);
  if (!column?.isNumeric || !time || !data.rows.length) return drawScalar(data, settings, context);
  const rows = [...data.rows];
  if (time.isTime) rows.sort((one, other) => (time.time(time.of(one)) ?? -Infinity) - (time.time(time.of(other)) ?? -Infinity));
  const points = rows.map((row) => ({ row, at: time.of(row), value: column.number(column.of(row)) }));
  const last = points.findLastIndex(({ value }) => value !== null);
  if (last < 0) return drawScalar({ ...data, rows: data.rows.slice(-1) }, { "scalar.field": column.name }, context);
  const raw = column.of(points[last].row);
  const full = column.format(raw);
  const text = own(settings, "scalar.compact_primary_number") === true ? column.short(raw) : full;
  const comparisons = comparisonsOf(settings).map((comparison) => compare(comparison, points, last, column, time, data, say));
  const isReversed = own(settings, "scalar.switch_positive_negative") === true;
  return make("div", { class: "vz-scalar" },
    figure(text, full),
    make("div", { class: "vz-label" }, time.short(points[last].at) || column.title),
    ...comparisons.map((one) => comparisonNode(one, column, isReversed, context)),
    sparkline(points.slice(0, last + 1).map(({ value }) => value)));
}

function comparisonsOf(settings) {
  const listed = own(settings, "scalar.comparisons");
  const found = Array.isArray(listed) ? listed.filter(isObject).slice(0, 3) : [];
  return found.length ? found : [{ type: "previousPeriod" }];
}

function compare(comparison, points, last, column, time, data, say) {
  const type = own(comparison, "type");
  const label = own(comparison, "label");
  const { value, at } = points[last];
  if (type === "staticNumber") return { value, before: toNumber(own(comparison, "value")), text: textOf(label ?? say("goal")) };
  if (type === "anotherColumn") {
    const other = data.column(textOf(own(comparison, "column")));
    return { value, before: other?.isNumeric ? other.number(other.of(points[last].row)) : null, text: textOf(label ?? other?.title ?? "") };
  }
  if (type === "previousValue" || !time.isTime) {
    const before = points.slice(0, last).findLast(({ value }) => value !== null);
    return { value, before: before?.value ?? null, text: before && time.isTime ? `vs. ${time.short(before.at)}` : say("beforeValue") };
  }
  const count = type === "periodsAgo" ? Math.max(1, Math.trunc(toNumber(own(comparison, "value")) ?? 1)) : 1;
  const wanted = back(time.time(at), time.unit, count);
  const before = points.find((point) => time.time(point.at) === wanted);
  const text = count === 1 ? say("before", { unit: say(time.unit) }) : `vs. ${time.writeTime(wanted)}`;
  return { value, before: before?.value ?? null, text };
}

const MONTHS = { year: 12, quarter: 3, month: 1 };
const LENGTHS = { week: 604_800_000, day: 86_400_000, hour: 3_600_000, minute: 60_000 };

function back(time, unit, count) {
  if (!MONTHS[unit]) return time - LENGTHS[unit] * count;
  const at = new Date(time);
  at.setUTCMonth(at.getUTCMonth() - MONTHS[unit] * count);
  return at.getTime();
}

function comparisonNode({ value, before, text }, column, isReversed, { say, locale }) {
  if (before === null) return make("div", { class: "vz-change" }, say("unknown"));
  if (value === before) return make("div", { class: "vz-change" }, `${say("same")} ${text}`);
  const isUp = value > before;
  const share = before === 0 ? "" : new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 2 }).format(Math.abs((value - before) / before));
  const change = make("strong", { class: isUp === isReversed ? "vz-bad" : "vz-good" }, `${isUp ? "↑" : "↓"} ${share}`.trim());
  return make("div", { class: "vz-change" }, change, ` ${text}: ${column.format(before)}`);
}

// A line without axes. Screen readers have the numbers.
function sparkline(values) {
  const shown = values.slice(-200);
  const known = shown.filter((value) => value !== null);
  if (known.length < 2) return null;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const [width, height] = [100, 24];
  const x = (index) => (shown.length > 1 ? (index / (shown.length - 1)) * width : 0).toFixed(2);
  const y = (value) => (high === low ? height / 2 : height - 1 - ((value - low) / (high - low)) * (height - 2)).toFixed(2);
  const points = shown.map((value, index) => value !== null && `${x(index)},${y(value)}`).filter(Boolean);
  const path = svg("polyline", { points: points.join(" "), class: "vz-spark-line" });
  return svg("svg", { class: "vz-spark", viewBox: `0 0 ${width} ${height}`, preserveAspectRatio: "none", "aria-hidden": "true" }, path);
}

// ---- progress ----

export function drawProgress(data, settings, context) {
  const { say, locale } = context;
  const column = data.column(textOf(own(settings, "progress.value"))) ?? data.columns.find(({ isNumeric }) => isNumeric);
  const raw = data.rows.length ? column?.of(data.rows[0]) ?? null : null;
  const value = column?.isNumeric ? column.number(raw) : null;
  if (value === null) return make("p", { class: "vz-none" }, say("none"));
  const set = own(settings, "progress.goal");
  const goalColumn = typeof set === "string" ? data.column(set) : undefined;
  const goal = goalColumn?.isNumeric ? goalColumn.number(goalColumn.of(data.rows[0])) ?? 0 : toNumber(set) ?? 0;
  const share = goal > 0 ? value / goal : value >= goal ? 1 : 0;
  const filled = Math.max(0, Math.min(1, share)) * 100;
  const color = colorOf(own(settings, "progress.color"));
  const bar = svg("svg", { class: "vz-progress-bar", preserveAspectRatio: "none", viewBox: "0 0 100 10", "aria-hidden": "true" },
    svg("rect", { class: "vz-track", width: 100, height: 10 }),
    svg("rect", { class: color ? null : "vz-filled", width: filled.toFixed(2), height: 10, fill: color }));
  const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 }).format(share);
  const text = say("of", { value: column.format(raw), goal: column.format(goal) });
  const state = share > 1 ? say("exceeded") : share === 1 ? say("met") : percent;
  const meter = make("div", { role: "meter", "aria-label": column.title, "aria-valuemin": 0, "aria-valuemax": Math.max(goal, 0), "aria-valuenow": Math.max(0, Math.min(value, Math.max(goal, 0))), "aria-valuetext": `${text}, ${percent}` }, bar);
  return make("div", { class: "vz-progress" }, figure(column.format(raw), column.format(raw)), meter,
    make("div", { class: "vz-progress-text" }, make("span", null, state), make("span", null, `${say("goal")} ${column.format(goal)}`)));
}
