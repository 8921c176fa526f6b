// Bars, lines and areas over an axis of points, and any mixture of them.

import { area, curveLinear, curveMonotoneX, curveStepAfter, line } from "d3-shape";
import { own, svg, textOf } from "../tools.js";
import { Canvas, colored, dashOf, round, spread, symbolPath } from "./marks.js";
import { goalOf, trendOf } from "./model.js";
import { stackUp } from "./points.js";
import { FONT, placeScale, placeTicks, shorten, tickWriter, ticksOf, valueScale, widthOf } from "./scales.js";

const MOST_DOTS = 60;
let clips = 0;

// Returns the nodes, and the places of the points as `groups: [{at, title, entries: [{series, point, x, y}]}]`.
export function drawUpright(model, size, isHidden, { locale, say }) {
  const { settings, x, stack, dimension } = model;
  const series = model.series.filter((one) => !isHidden(one));
  const canvas = new Canvas(size);
  const count = x.points.length;
  const setting = (name) => own(settings, name);
  const hasBars = series.some(({ mark }) => mark === "bar");
  const isShare = stack === "normalized";
  const goal = goalOf(settings);
  const goalAt = goal === null ? null : isShare ? goal / 100 : goal;

  // Lines are never stacked; bars stack on bars of their axis and areas on areas.
  const ends = new Map();
  for (const axis of ["left", "right"]) {
    for (const mark of ["bar", "area", "line"]) {
      const members = series.filter((one) => one.axis === axis && one.mark === mark);
      stackUp(members, mark === "line" ? undefined : stack, count).forEach((own, index) => ends.set(members[index], own));
    }
  }
  const trends = setting("graph.show_trendline") === true && !stack ? series.map((one) => [one, trendOf(one, x)]).filter(([, points]) => points) : [];

  // ---- axes ----
  const hasXAxis = setting("graph.x_axis.axis_enabled") !== false;
  const hasYAxis = setting("graph.y_axis.axis_enabled") !== false;
  const titleOf = (axis, fallback) =>
    (setting(`graph.${axis}_axis.labels_enabled`) === false ? "" : setting(`graph.${axis}_axis.title_text`) ?? fallback ?? "");
  const ofAxis = (axis) => series.filter((one) => one.axis === axis);
  const metricTitle = (members) => {
    if (members.length === 1 && !model.breakout) return members[0].title;
    return new Set(members.map(({ metric }) => metric)).size === 1 ? members[0].metric.title : "";
  };
  const xTitle = hasXAxis ? textOf(titleOf("x", dimension?.title)) : "";
  const yTitle = hasYAxis ? textOf(titleOf("y", metricTitle(ofAxis("left").length ? ofAxis("left") : series.length ? series : model.series))) : "";
  const bottomTitle = xTitle ? FONT + 8 : 0;
  const topRoom = setting("graph.show_values") === true || goal !== null ? 20 : 10;

  const axes = ["left", "right"].map((side) => {
    const members = ofAxis(side);
    if (!members.length && side === "right") return null;
    const marks = members.flatMap((one) => ends.get(one)).flatMap((pair) => pair ?? []);
    const lined = members.length > 0 && members.every(({ mark }) => mark === "line");
    const points = lined ? members.flatMap(({ values }) => values) : marks;
    const extra = [side === "left" ? goalAt : null, ...trends.filter(([one]) => one.axis === side).flatMap(([, line]) => line)];
    const scale = valueScale(points, settings, { side, extra, isShare, isLined: lined });
    const ticks = ticksOf(scale, Math.max(2, Math.floor((size.height - 60) / 45)));
    const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
    const write = isShare ? (value) => percent.format(value) : tickWriter((members[0] ?? model.series[0]).metric, ticks);
    const texts = ticks.map((tick) => write(tick));
    return { side, scale, ticks, texts, width: hasYAxis ? Math.max(...texts.map((text) => widthOf(text))) + 8 : 0 };
  });
  const [left, right] = axes;
  const rightTitle = right && hasYAxis ? metricTitle(ofAxis("right")) : "";
  const area0 = { left: left.width + (yTitle ? FONT + 8 : 4), right: size.width - (right ? right.width + (rightTitle ? FONT + 8 : 4) : 12) };
  if (area0.right - area0.left < 40) Object.assign(area0, { left: 4, right: size.width - 4 });
  const inset = hasBars || x.kind === "ordinal" ? 0 : 8;
  const place = placeScale(x, [area0.left + inset, area0.right - inset], hasBars);
  const labels = hasXAxis ? placeTicks(x, place, area0.right - area0.left, locale, dimension?.setting ?? (() => undefined)) : { ticks: [] };
  const bottom = size.height - bottomTitle - (hasXAxis ? (labels.isSlanted ? labels.reach + 14 : FONT + 12) : 4);
  const top = Math.min(topRoom, bottom - 20);
  for (const axis of axes) axis?.scale.range([bottom, top]);
  const scaleOf = (one) => (one.axis === "right" ? right : left).scale;

  const back = svg("g", { class: "vz-axes" });
  left.ticks.forEach((tick, index) => {
    const y = left.scale(tick);
    back.append(canvas.line(tick === 0 ? "vz-zero" : "vz-rule", area0.left, y, area0.right, y));
    if (hasYAxis) back.append(canvas.text("vz-tick", left.texts[index], area0.left - 6, y + 4, "end"));
  });
  right?.ticks.forEach((tick, index) => { if (hasYAxis) back.append(canvas.text("vz-tick", right.texts[index], area0.right + 6, right.scale(tick) + 4, "start")); });
  for (const { at, text, full } of labels.ticks) {
    if (labels.isSlanted) back.append(canvas.slanted("vz-tick", text, at + 4, bottom + 14, full));
    else {
      // Level texts at the ends stay inside.
      const half = widthOf(text) / 2;
      back.append(canvas.text("vz-tick", text, Math.max(half + 1, Math.min(size.width - half - 1, at)), bottom + FONT + 6, "middle", full));
    }
  }
  const middle = (top + bottom) / 2;
  if (xTitle) back.append(canvas.text("vz-axis-title", shorten(xTitle, area0.right - area0.left), (area0.left + area0.right) / 2, size.height - 4));
  if (yTitle) back.append(canvas.upright(shorten(yTitle, bottom - top), FONT, middle, false));
  if (rightTitle) back.append(canvas.upright(shorten(rightTitle, bottom - top), size.width - FONT, middle, true));

  // ---- marks ----
  const clip = `vz-clip-${clips += 1}`;
  const front = svg("g", { "clip-path": `url(#${clip})` });
  const clipBox = svg("clipPath", { id: clip }, svg("rect", { x: 0, y: top - 6, width: size.width, height: Math.max(0, bottom - top + 12) }));
  const bars = series.filter(({ mark }) => mark === "bar");
  const slots = stack ? [...new Set(bars.map(({ axis }) => axis))] : bars;
  const slotWidth = place.width / Math.max(1, slots.length);
  const dots = svg("g", { "clip-path": `url(#${clip})` });
  const spots = new Map(series.map((one) => [one, []]));

  const drawBars = (one) => {
    const slot = slots.indexOf(stack ? one.axis : one);
    const scale = scaleOf(one);
    const group = svg("g", { ...colored(one, "vz-bars"), "data-series": one.name });
    ends.get(one).forEach((pair, point) => {
      if (!pair) return;
      const [from, to] = pair.map((value) => limit(scale(value), bottom, scale, value));
      const leftEdge = place.at(point) - place.width / 2 + slot * slotWidth;
      const gap = slots.length > 1 && slotWidth > 4 ? 1 : 0;
      group.append(canvas.rect({ class: "vz-mark", "data-point": point, "data-value": textOf(one.raw[point]) }, leftEdge, Math.min(from, to), slotWidth - gap, Math.abs(from - to)));
      spots.get(one)[point] = [leftEdge + slotWidth / 2, to];
    });
    front.append(group);
  };
  const drawLine = (one) => {
    const scale = scaleOf(one);
    const missing = one.setting("line.missing");
    const pairs = ends.get(one);
    const value = (point) => pairs[point]?.[1] ?? (missing === "zero" ? 0 : null);
    const curve = { cardinal: curveMonotoneX, "step-after": curveStepAfter }[one.setting("line.interpolate")] ?? curveLinear;
    let points = pairs.map((_, point) => point);
    if (missing !== "none") points = points.filter((point) => value(point) !== null);
    const isThere = (point) => value(point) !== null;
    const at = (point) => round(canvas.x(place.at(point)));
    const high = (point) => round(limit(scale(value(point)), bottom, scale, value(point)));
    const group = svg("g", { ...colored(one, one.mark === "area" ? "vz-area" : "vz-line"), "data-series": one.name });
    if (one.mark === "area") {
      const low = (point) => round(limit(scale(pairs[point]?.[0] ?? 0), bottom, scale, pairs[point]?.[0] ?? 0));
      group.append(svg("path", { class: "vz-fill", d: area().defined(isThere).x(at).y0(low).y1(high).curve(curve)(points) }));
    }
    group.append(svg("path", { class: "vz-stroke", d: line().defined(isThere).x(at).y(high).curve(curve)(points), "stroke-dasharray": dashOf(one) }));
    front.append(group);
    const marker = one.setting("line.marker_enabled");
    const hasDots = marker === true || (marker !== false && count <= MOST_DOTS);
    const spotGroup = svg("g", { ...colored(one, "vz-dots"), "data-series": one.name });
    pairs.forEach((pair, point) => {
      if (!pair || (one.mark === "area" && one.values[point] === null)) return;
      spots.get(one)[point] = [place.at(point), limit(scale(pair[1]), bottom, scale, pair[1])];
      // A point without neighbours is no line.
      const isAlone = missing === "none" && value(point - 1) === null && value(point + 1) === null;
      if (!hasDots && !isAlone && points.length > 1) return;
      const [atX, atY] = spots.get(one)[point];
      spotGroup.append(svg("path", {
        class: "vz-mark", d: symbolPath(series.length > 1 ? one.index : 0), transform: `translate(${round(canvas.x(atX))} ${round(atY)})`,
        "data-point": point, "data-value": textOf(one.raw[point]),
      }));
    });
    dots.append(spotGroup);
  };
  for (const one of [...series.filter(({ mark }) => mark === "area")].reverse()) drawLine(one);
  bars.forEach(drawBars);
  for (const one of series.filter(({ mark }) => mark === "line")) drawLine(one);

  // ---- over them ----
  const over = svg("g", { class: "vz-over" });
  for (const [one, points] of trends) {
    const scale = scaleOf(one);
    const path = line().x((_, point) => round(canvas.x(place.at(point)))).y((value) => round(scale(value)))(points);
    over.append(svg("path", { ...colored(one, "vz-trend"), "clip-path": `url(#${clip})`, d: path }, svg("title", null, `${say("trend")}: ${one.title}`)));
  }
  if (goalAt !== null) {
    const y = left.scale(goalAt);
    const label = textOf(setting("graph.goal_label") ?? say("goal"));
    over.append(canvas.line("vz-goal", area0.left, y, area0.right, y), canvas.text("vz-goal-label", shorten(label, area0.right - area0.left), area0.right, y - 5, "end"));
  }
  if (series.some(({ setting }) => setting("show_series_values") === true) || setting("graph.show_values") === true) {
    for (const { text, x, y } of valueLabels(series, ends, spots, place, model)) over.append(canvas.text("vz-value", text, x, y));
  }

  const groups = x.points.map(({ label }, point) => ({
    at: canvas.x(place.at(point)), title: label,
    entries: series.filter((one) => spots.get(one)[point]).map((one) => ({ series: one, point, x: canvas.x(spots.get(one)[point][0]), y: spots.get(one)[point][1], ...shareAt(one, series, point, isShare) })),
  }));
  return { nodes: [svg("defs", null, clipBox), back, front, dots, over], groups, along: "x", band: [top, bottom] };
}

// Logarithms of zero are nowhere: such marks start at the axis.
const limit = (at, bottom, scale, value) => (Number.isFinite(at) ? at : value <= 0 ? bottom : scale.range()[1]);

function shareAt(one, series, point, isShare) {
  if (!isShare) return {};
  const sum = series.reduce((sum, { values }) => sum + Math.abs(values[point] ?? 0), 0);
  return sum ? { share: one.values[point] / sum } : {};
}

function valueLabels(series, ends, spots, place, { settings, stack, x }) {
  const formatting = own(settings, "graph.label_value_formatting");
  const write = (one, value) => {
    const full = one.metric.format(value);
    return formatting === "compact" || (formatting !== "full" && (widthOf(full) > place.step || full.length > 16)) ? one.metric.short(value) : full;
  };
  const labels = [];
  const inEach = own(settings, "graph.show_stack_values") === "series" || own(settings, "graph.show_stack_values") === "all";
  const add = (text, at, y) => labels.push({ text, x: at, y, width: widthOf(text, 11) });
  const isOn = (one) => one.setting("show_series_values") ?? own(settings, "graph.show_values") === true;
  for (let point = 0; point < x.points.length; point++) {
    const shown = series.filter((one) => spots.get(one)[point] && isOn(one));
    const stacked = stack === "stacked" ? shown.filter(({ mark }) => mark !== "line") : [];
    if (stacked.length) {
      const sum = stacked.reduce((sum, { values }) => sum + (values[point] ?? 0), 0);
      const tops = stacked.map((one) => spots.get(one)[point]);
      const highest = tops.reduce((best, spot) => (spot[1] < best[1] ? spot : best));
      if (own(settings, "graph.show_stack_values") !== "series") add(write(stacked[0], sum), highest[0], highest[1] - 5);
    }
    for (const one of shown) {
      if (stacked.includes(one) && !inEach) continue;
      const [at, y] = spots.get(one)[point];
      const isBelow = one.values[point] < 0 && one.mark === "bar" && !stack;
      const text = stack === "normalized" ? write(one, one.raw[point]) : write(one, one.raw[point]);
      add(text, at, stacked.includes(one) || stack === "normalized" ? y + FONT + 2 : isBelow ? y + FONT + 2 : y - (one.mark === "bar" ? 5 : 8));
    }
  }
  return own(settings, "graph.label_value_frequency") === "all" ? labels : spread(labels);
}
