// Pies and rings: the shares of a whole. This is a file of its own as well.

import { arc, pie } from "d3-shape";
import { colorOf, isObject, own, svg, textOf, toNumber } from "../tools.js";
import { Canvas, FONT, colored, shareText, shorten, widthOf } from "./shared.js";

const MOST_SLICES = 20;
const SMALLEST_SHARE = 0.025;

export function readPie(data, settings, { say }) {
  const named = (key) => data.column(textOf([].concat(own(settings, key) ?? [])[0]));
  const set = named("pie.metric");
  const dimension = named("pie.dimension") ?? data.columns.find((column) => !column.isNumeric) ?? data.columns.find((column) => column !== set);
  const metric = set?.isNumeric ? set : data.columns.find((column) => column.isNumeric && column !== dimension);
  if (!metric || !dimension) return null;
  const slices = new Map();
  const notes = new Set();
  data.rows.forEach((row) => {
    const value = metric.number(metric.of(row));
    if (value === null) return;
    if (value < 0) return notes.add(say("negative"));
    const raw = dimension.of(row);
    const key = JSON.stringify(raw);
    if (slices.has(key)) {
      notes.add(say("summed"));
      const slice = slices.get(key);
      slice.raw = slice.value += value;
    } else slices.set(key, { title: dimension.short(raw) || say("blank"), value, raw: metric.of(row), name: textOf(raw) });
  });
  if (!slices.size) return null;
  const sorted = own(settings, "pie.sort_rows") === false ? [...slices.values()] : [...slices.values()].sort((one, other) => other.value - one.value);
  const total = sorted.reduce((sum, { value }) => sum + value, 0);
  const threshold = toNumber(own(settings, "pie.slice_threshold"));
  const smallest = threshold === null ? SMALLEST_SHARE : threshold / 100;
  // One slice would only change its name.
  const isSmall = ({ value }, index) => total > 0 && (value / total < smallest || index >= MOST_SLICES - 1);
  const small = sorted.filter(isSmall);
  const shown = small.length > 1 ? sorted.filter((slice, index) => !isSmall(slice, index)) : sorted;
  if (small.length > 1) {
    const value = small.reduce((sum, one) => sum + one.value, 0);
    shown.push({ title: say("other"), value, raw: value, name: "Other", isOther: true });
  }
  const colors = own(settings, "pie.colors");
  const rows = own(settings, "pie.rows");
  const rowOf = (name) => (Array.isArray(rows) ? rows.filter(isObject).find((row) => textOf(own(row, "key")) === name) : undefined);
  const setting = () => undefined;
  const series = shown.map((slice, index) => ({
    ...slice, index, metric, setting, mark: "slice", title: textOf(own(rowOf(slice.name), "name") ?? slice.title),
    color: colorOf(own(colors, slice.name)) ?? colorOf(own(rowOf(slice.name), "color")), values: [slice.value],
  }));
  return { display: "pie", settings, dimension, metric, series, total, digits: digitsOf(series, total, settings), notes: [...notes], x: { points: series.map(({ title }) => ({ label: title })) } };
}

// The decimals of all shares: as many as the setting says, or else one unless all are whole.
function digitsOf(series, total, settings) {
  const set = toNumber(own(settings, "pie.decimal_places"));
  if (set !== null) return Math.min(10, Math.max(0, Math.round(set)));
  const shares = series.map(({ value }) => (total ? (value / total) * 100 : 0));
  if (shares.every((share) => Math.abs(share - Math.round(share)) < 0.005)) return 0;
  return shares.some((share) => share > 0 && share < 0.05) ? 2 : 1;
}

export function drawPie(model, size, isHidden, { locale, say }) {
  const { settings, metric } = model;
  const canvas = new Canvas(size);
  const series = model.series.filter((one) => !isHidden(one));
  const total = series.reduce((sum, { value }) => sum + value, 0);
  const radius = Math.max(20, Math.min(size.width, size.height) / 2 - 6);
  const [centerX, centerY] = [size.width / 2, size.height / 2];
  const isFull = own(settings, "pie.show_total") === false;
  const inner = isFull ? 0 : radius * 0.6;
  const shape = arc().innerRadius(inner).outerRadius(radius).padAngle(series.length > 1 ? 0.012 : 0).cornerRadius(1);
  const angles = pie().sort(null).value(({ value }) => value)(series);
  const group = svg("g", { transform: `translate(${centerX} ${centerY})` });
  if (total === 0) group.append(svg("circle", { class: "vz-ring", r: (radius + inner) / 2, "stroke-width": Math.max(4, radius - inner) }));
  const percents = own(settings, "pie.percent_visibility");
  const hasPercents = percents === "inside" || percents === "both";
  const hasNames = own(settings, "pie.show_labels") === true;
  const groups = angles.map((angle, point) => {
    const one = series[point];
    const share = total ? one.value / total : 0;
    const place = colored(one.isOther ? { ...one, index: 8 } : one, "vz-slice");
    const sides = canvas.isMirrored ? { startAngle: -angle.endAngle, endAngle: -angle.startAngle, padAngle: angle.padAngle } : angle;
    if (total) {
      group.append(svg("g", { ...place, "data-series": one.name }, svg("path", { class: "vz-mark", d: shape(sides), "data-point": point, "data-value": textOf(one.raw) })));
    }
    const [x, y] = total ? shape.centroid(sides) : [0, 0];
    const text = [hasNames && one.title, hasPercents && shareText(share, locale, model.digits)].filter(Boolean).join(" ");
    const room = Math.min(radius - inner, (angle.endAngle - angle.startAngle) * Math.hypot(x, y));
    if (text && room > FONT + 2 && widthOf(text) < (radius - inner) * (inner ? 0.9 : 0.6)) group.append(svg("text", { class: "vz-inside", x, y: y + 4, "text-anchor": "middle" }, text));
    return { at: point, title: one.title, entries: [{ series: one, point, x: centerX + x, y: centerY + y, share }] };
  });
  if (!isFull) {
    const full = metric.format(total);
    const text = widthOf(full, 24) < inner * 1.7 ? full : metric.short(total);
    const fitted = Math.min(1, (inner * 1.8) / Math.max(1, widthOf(text, 25)));
    group.append(svg("text", { class: "vz-total", "text-anchor": "middle", y: 4, transform: `scale(${fitted.toFixed(3)})` }, text), svg("text", { class: "vz-total-label", "text-anchor": "middle", y: 24 }, shorten(say("total"), inner * 1.6)));
  }
  return { nodes: [group], groups, digits: model.digits, along: "mark", band: [0, size.height] };
}
