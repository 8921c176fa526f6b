// The scales of a chart, and the places and texts of their ticks.

import { scaleBand, scaleLinear, scaleLog, scalePow, scaleSymlog } from "d3-scale";
import { utcTicks } from "d3-time";
import { own, tickFormat, toNumber } from "../tools.js";

// ---- text sizes ----

export const FONT = 12;
let canvas;

export function widthOf(text, size = FONT) {
  canvas ??= document.createElement("canvas").getContext("2d");
  canvas.font = `${size}px system-ui, -apple-system, "Segoe UI", Roboto, Arial, sans-serif`;
  return canvas.measureText(text).width * 1.04;
}

export function shorten(text, width, size = FONT) {
  if (widthOf(text, size) <= width) return text;
  const letters = [...text];
  let [low, high] = [0, letters.length];
  while (low < high) {
    const middle = (low + high + 1) >> 1;
    if (widthOf(`${letters.slice(0, middle).join("")}…`, size) <= width) low = middle;
    else high = middle - 1;
  }
  return low ? `${letters.slice(0, low).join("").trimEnd()}…` : "";
}

// ---- values ----

// `ends` are the low and high ends of the marks. Returns a scale without its range.
export function valueScale(ends, settings, { side = "left", extra = [], isShare = false, isLined = false } = {}) {
  const setting = (name) => own(settings, `graph.y_axis.${name}`);
  const all = [...ends, ...extra].filter((value) => value !== null && Number.isFinite(value));
  const kind = isShare ? "linear" : setting("scale");
  const isLog = kind === "log" && all.length > 0 && all.every((value, index) => value > 0 || (value === 0 && index < ends.length));
  let [low, high] = [Infinity, -Infinity];
  for (const value of isLog ? all.filter((value) => value > 0) : all) {
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (low > high) [low, high] = [0, 1];
  if (!isLog && !(isLined && setting("unpin_from_zero") === true)) {
    low = Math.min(low, 0);
    high = Math.max(high, 0);
  }
  if (low === high) [low, high] = isLog ? [low / 10, high * 10] : low === 0 ? [0, 1] : [low - Math.abs(low) / 2, high + Math.abs(high) / 2];
  const isFixed = side === "left" && setting("auto_range") === false && !isShare;
  const [min, max] = [toNumber(setting("min")), toNumber(setting("max"))];
  const [from, to] = isFixed ? [min ?? low, max ?? high] : [low, high];
  const scale = isLog ? scaleLog() : kind === "log" ? scaleSymlog() : kind === "pow" ? scalePow().exponent(0.5) : scaleLinear();
  scale.domain(from < to && !(isLog && from <= 0) ? [from, to] : [low, high]);
  return isFixed || isShare ? scale : scale.nice(6);
}

// Logarithmic scales have more ticks than anyone asked for.
export function ticksOf(scale, count) {
  const ticks = scale.ticks(Math.max(2, count));
  if (ticks.length <= count * 2) return ticks;
  const tens = ticks.filter((tick) => Number.isInteger(Math.log10(Math.abs(tick))));
  const found = tens.length > 1 ? tens : ticks;
  const step = Math.ceil(found.length / Math.max(2, count));
  return found.filter((_, index) => index % step === 0);
}

export function tickWriter(column, ticks) {
  const steps = ticks.slice(1).map((tick, index) => tick - ticks[index]).filter((step) => step > 0);
  return column.ticks(steps.length ? Math.min(...steps) : 1, Math.max(...ticks.map(Math.abs), 0));
}

// ---- the dimension ----

// Returns the place of each point and the width that a mark at it may have.
export function placeScale({ kind, points, scale: name }, [from, to], hasBars) {
  const count = points.length;
  if (kind === "ordinal") {
    const gap = count > (to - from) / 4 ? 0 : 0.2;
    const band = scaleBand().domain(points.keys()).range([from, to]).paddingInner(gap).paddingOuter(gap / 2);
    return { at: (index) => band(index) + band.bandwidth() / 2, width: band.bandwidth(), step: band.step() };
  }
  const places = points.map(({ place }) => place);
  const gaps = places.slice(1).map((place, index) => place - places[index]);
  const smallest = gaps.length ? Math.min(...gaps) : 1;
  const isLog = name === "log" && places[0] > 0;
  const scale = (isLog ? scaleLog() : name === "pow" ? scalePow().exponent(0.5) : scaleLinear()).range([from, to]);
  const around = hasBars || count === 1 ? smallest / 2 : 0;
  scale.domain(isLog ? [places[0], places.at(-1) === places[0] ? places[0] * 10 : places.at(-1)] : [places[0] - around, places.at(-1) + around]);
  const step = Math.abs(scale(places[0] + smallest) - scale(places[0])) || to - from;
  return { at: (index) => scale(places[index]), of: scale, width: Math.min(step * 0.8, to - from), step };
}

// The ticks of the dimension as `{at, text}`, and how they are written: level, slanted or not at all.
export function placeTicks(x, place, width, locale, setting) {
  if (x.kind === "ordinal") return namedTicks(x.points, place, width);
  const every = x.points.map((point, index) => ({ at: place.at(index), value: point.place }));
  if (x.kind === "linear") {
    const ticks = place.of.ticks(Math.max(2, Math.floor(width / 80)));
    return { ticks: ticks.map((value) => ({ at: place.of(value), text: x.write(value) })) };
  }
  const write = tickFormat(x.unit, locale);
  const times = every.map(({ value }) => value);
  const spansYears = new Date(times[0]).getUTCFullYear() !== new Date(times.at(-1)).getUTCFullYear();
  const fit = (values) => {
    const step = values.length > 1 ? Math.min(...values.slice(1).map((value, index) => value - values[index])) : { year: 366, quarter: 90, month: 30 }[x.unit] * 86_400_000 || 0;
    const isStyled = setting("date_style") !== undefined;
    return values.map((value) => ({ at: place.of(value), text: isStyled || values.length === 1 ? x.write(value) : write(value, step, spansYears) }));
  };
  const room = (ticks) => ticks.reduce((sum, { text }) => sum + widthOf(text) + 14, 0) <= width;
  const own = fit(times);
  if (room(own)) return { ticks: own };
  // Weeks start on the day on which the values start.
  const even = x.unit === "week" ? times : utcTicks(times[0], times.at(-1), Math.max(2, Math.floor(width / 70))).map(Number);
  for (let step = 1; ; step++) {
    const ticks = fit(even.filter((value, index) => index % step === 0 && value >= times[0] && value <= times.at(-1)));
    if (ticks.length < 2 || room(ticks)) return { ticks: ticks.length ? ticks : own.slice(0, 1) };
  }
}

const LONGEST_SLANTED = 120;

function namedTicks(points, place, width) {
  const ticks = points.map(({ label }, index) => ({ at: place.at(index), text: label }));
  const widest = Math.max(...ticks.map(({ text }) => widthOf(text)));
  if (widest <= place.step - 6) return { ticks };
  if (place.step >= 60 && widest < place.step * 1.4) return { ticks: ticks.map((tick) => ({ ...tick, full: tick.text, text: shorten(tick.text, place.step - 8) })) };
  const every = Math.max(1, Math.ceil(18 / place.step));
  const some = ticks.filter((_, index) => index % every === 0).map((tick) => ({ ...tick, full: tick.text, text: shorten(tick.text, Math.min(LONGEST_SLANTED, (tick.at - 4) / 0.77)) }));
  return { ticks: some, isSlanted: true, reach: Math.max(...some.map(({ text }) => widthOf(text))) * 0.65 };
}
