// Bars that lie, one row for each point. This is a file of its own as well.

import { own, svg, textOf } from "../tools.js";
import { Canvas, FONT, colored, goalOf, shorten, spread, stackUp, tickWriter, ticksOf, valueScale, widthOf } from "./shared.js";

const LOWEST_ROW = 20;

// The height below which rows cannot be read.
export const lowestRows = (model) => model.x.points.length * LOWEST_ROW + 60;

export function drawRows(model, size, isHidden, { locale, say }) {
  const { settings, x, stack, dimension } = model;
  const series = model.series.filter((one) => !isHidden(one));
  const canvas = new Canvas(size);
  const isShare = stack === "normalized";
  const count = x.points.length;
  const ends = stackUp(series, stack, count);
  const goal = goalOf(settings);
  const goalAt = goal === null ? null : isShare ? goal / 100 : goal;
  const setting = (name) => own(settings, name);
  const hasValues = setting("graph.show_values") === true;

  // The names of the axes turn with the chart, as the settings' do not.
  const hasNames = setting("graph.x_axis.axis_enabled") !== false;
  const hasScale = setting("graph.y_axis.axis_enabled") !== false;
  const titleOf = (axis, fallback) => (setting(`graph.${axis}_axis.labels_enabled`) === false ? "" : textOf(setting(`graph.${axis}_axis.title_text`) ?? fallback));
  const metrics = new Set(model.series.map(({ metric }) => metric));
  const nameTitle = hasNames ? titleOf("x", dimension?.title ?? "") : "";
  const valueTitle = hasScale ? titleOf("y", metrics.size === 1 ? model.series[0].metric.title : "") : "";
  const widest = hasNames ? Math.max(...x.points.map(({ label }) => widthOf(label))) : 0;
  const nameWidth = Math.min(widest, size.width * 0.35);
  const left = (nameTitle ? FONT + 8 : 4) + nameWidth + (hasNames ? 8 : 0);
  const right = size.width - (hasValues ? 56 : 16);
  const top = goal === null ? 8 : 22;
  const bottom = size.height - (hasScale ? FONT + 10 : 4) - (valueTitle ? FONT + 8 : 0);

  const scale = valueScale(ends.flat().flatMap((pair) => pair ?? []), settings, { extra: [goalAt], isShare });
  scale.range([left, right]);
  const ticks = ticksOf(scale, Math.max(2, Math.floor((right - left) / 80)));
  const percent = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 0 });
  const write = isShare ? (value) => percent.format(value) : tickWriter(model.series[0].metric, ticks);

  const back = svg("g", { class: "vz-axes" });
  for (const tick of ticks) {
    const at = scale(tick);
    back.append(canvas.line(tick === 0 ? "vz-zero" : "vz-rule", at, top, at, bottom));
    if (hasScale) back.append(canvas.text("vz-tick", write(tick), at, bottom + FONT + 4));
  }
  const step = (bottom - top) / count;
  const every = Math.max(1, Math.ceil((FONT + 2) / step));
  x.points.forEach(({ label }, point) => {
    if (hasNames && point % every === 0) back.append(canvas.text("vz-tick vz-name", shorten(label, nameWidth), left - 8, top + step * (point + 0.5) + 4, "end", label));
  });
  if (nameTitle) back.append(canvas.upright(shorten(nameTitle, bottom - top), FONT, (top + bottom) / 2, false));
  if (valueTitle) back.append(canvas.text("vz-axis-title", shorten(valueTitle, right - left), (left + right) / 2, size.height - 4));

  const front = svg("g");
  const slots = stack ? 1 : Math.max(1, series.length);
  const thick = (step * 0.8) / slots;
  const spots = series.map(() => []);
  const within = (value) => Math.max(left, Math.min(right, Number.isFinite(value) ? value : left));
  series.forEach((one, index) => {
    const group = svg("g", { ...colored(one, "vz-bars"), "data-series": one.name });
    ends[index].forEach((pair, point) => {
      if (!pair) return;
      const [from, to] = pair.map((value) => within(scale(value)));
      const y = top + step * (point + 0.1) + (stack ? 0 : index) * thick;
      group.append(canvas.rect({ class: "vz-mark", "data-point": point, "data-value": textOf(one.raw[point]) }, Math.min(from, to), y, Math.abs(to - from), Math.max(1, thick - (slots > 1 && thick > 4 ? 1 : 0))));
      spots[index][point] = [to, y + thick / 2];
    });
    front.append(group);
  });

  const over = svg("g", { class: "vz-over" });
  if (goalAt !== null) {
    const label = shorten(textOf(setting("graph.goal_label") ?? say("goal")), right - left);
    const at = scale(goalAt);
    const half = widthOf(label) / 2;
    over.append(canvas.line("vz-goal", at, top, at, bottom), canvas.text("vz-goal-label", label, Math.max(half, Math.min(size.width - half, at)), top - 8));
  }
  if (hasValues) {
    const labels = series.flatMap((one, index) => spots[index].map(([at, y], point) => {
      const full = one.metric.format(one.raw[point]);
      const text = widthOf(full) > 52 ? one.metric.short(one.raw[point]) : full;
      const width = widthOf(text, 11);
      const isInside = Boolean(stack);
      return { text, width, y: y + 4, x: isInside ? at - width / 2 - 4 : one.values[point] < 0 ? at - width / 2 - 4 : at + width / 2 + 4 };
    })).filter(Boolean);
    for (const { text, x: at, y } of spread(labels)) over.append(canvas.text("vz-value", text, at, y));
  }

  const groups = x.points.map(({ label }, point) => ({
    at: top + step * (point + 0.5), title: label,
    entries: series.map((one, index) => ({ one, index })).filter(({ index }) => spots[index][point]).map(({ one, index }) => {
      const [at, y] = spots[index][point];
      const sum = series.reduce((sum, { values }) => sum + Math.abs(values[point] ?? 0), 0);
      return { series: one, point, x: canvas.x(at), y, ...(isShare && sum && { share: one.values[point] / sum }) };
    }),
  }));
  return { nodes: [back, front, over], groups, along: "y", band: [left, right] };
}
