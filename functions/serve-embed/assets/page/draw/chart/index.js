// Charts as SVG. This is a file of its own, which is loaded when the first chart is drawn.

import { make, own, svg } from "../tools.js";
import { makeReader } from "./interact.js";
import { colored, dashOf, shareText, symbolPath } from "./marks.js";
import { readModel } from "./model.js";
import { drawUpright } from "./upright.js";

export * from "./shared.js";

const RIGHT_TO_LEFT = /^(ar|fa|he|ur)\b/i;

// Returns the node of the chart and the notes under it, or null if the answer has nothing that such a chart can show. `special` is
// the module of pies or of rows.
export function drawChart(data, display, settings, context, special) {
  const model = display === "pie" ? special.readPie(data, settings, context) : readModel(data, display, settings, context);
  if (!model) return null;
  const render = { pie: special?.drawPie, row: special?.drawRows }[display] ?? drawUpright;
  const isMirrored = RIGHT_TO_LEFT.test(context.locale);
  const hidden = new Set();
  const isHidden = (one) => hidden.has(one.index);
  const summary = summaryOf(model, display, context);

  const live = make("p", { class: "vz-live", role: "status", "aria-live": "polite" });
  const stage = make("div", { class: "vz-stage", tabindex: 0, role: "application", "aria-label": `${summary} ${context.say("keys")}.` });
  const plot = make("div", { class: "vz-plot" }, stage);
  const reader = makeReader(stage, live, context);
  const legend = legendOf(model, display, hidden, context, () => paint());
  const node = make("div", { class: `vz-chart${legend && display === "pie" ? " vz-beside" : ""}` }, display === "pie" ? null : legend, plot, display === "pie" ? legend : null, live);

  let size = { width: 0, height: 0 };
  function paint() {
    if (size.width < 20 || size.height < 20) return;
    const tall = { ...size, height: display === "row" ? Math.max(size.height, special.lowestRows(model)) : size.height, isMirrored };
    const drawing = render(model, tall, isHidden, context);
    const picture = svg("svg", { class: "vz-picture", role: "img", "aria-label": summary, width: tall.width, height: tall.height, viewBox: `0 0 ${tall.width} ${tall.height}` }, ...drawing.nodes);
    stage.replaceChildren(picture);
    reader(picture, drawing, tall);
  }
  new ResizeObserver(([{ contentRect }]) => {
    const next = { width: Math.floor(contentRect.width), height: Math.floor(contentRect.height) };
    if (next.width === size.width && next.height === size.height) return;
    size = next;
    paint();
  }).observe(plot);
  return { node, notes: model.notes };
}

// ---- the legend ----

function legendOf(model, display, hidden, { say, locale }, paint) {
  const { series, settings } = model;
  const isPie = display === "pie";
  if (own(settings, isPie ? "pie.show_legend" : "legend.is_visible") === false || (!isPie && series.length < 2)) return null;
  const percents = own(settings, "pie.percent_visibility") ?? "legend";
  const hasPercents = isPie && ["legend", "both"].includes(percents);
  const items = series.map((one) => {
    const share = hasPercents && model.total ? make("span", { class: "vz-share" }, shareText(one.value / model.total, locale, model.digits)) : null;
    const button = make("button", { type: "button", "aria-pressed": "true", title: one.title }, swatch(one), make("span", { class: "vz-series-name" }, one.title), share);
    button.addEventListener("click", () => {
      if (hidden.has(one.index)) hidden.delete(one.index);
      else if (hidden.size < series.length - 1) hidden.add(one.index); // the last one stays
      button.setAttribute("aria-pressed", String(!hidden.has(one.index)));
      paint();
    });
    return make("li", null, button);
  });
  return make("ul", { class: "vz-legend", "aria-label": say("series") }, ...items);
}

function swatch(one) {
  const isLine = one.mark === "line" || one.mark === "area";
  const shape = isLine
    ? [svg("line", { class: "vz-stroke", x1: 0, x2: 18, y1: 6, y2: 6, "stroke-dasharray": dashOf(one) }), svg("path", { class: "vz-mark", d: symbolPath(one.index, 40), transform: "translate(9 6)" })]
    : [svg("rect", { class: "vz-mark", x: 3, y: 0, width: 12, height: 12, rx: 2 })];
  return svg("svg", { ...colored(one.isOther ? { ...one, index: 8 } : one, "vz-swatch"), width: 18, height: 12, viewBox: "0 0 18 12", "aria-hidden": "true" }, ...shape);
}

// ---- the summary ----

function summaryOf({ series, x, dimension, metric }, display, { say, locale }) {
  const metrics = metric ? [metric] : [...new Set(series.map((one) => one.metric))];
  const titles = metrics.map(({ title }) => title).join(", ");
  const what = dimension ? say("by", { what: titles, dimension: dimension.title }) : titles;
  let [low, high] = [null, null];
  series.forEach((one, index) => one.values.forEach((value, point) => {
    if (value === null) return;
    const found = { value, metric: one.metric, label: x.points[display === "pie" ? index : point].label };
    if (!low || value < low.value) low = found;
    if (!high || value > high.value) high = found;
  }));
  const write = (found) => (found ? found.metric.format(found.value) : say("blank"));
  const n = new Intl.NumberFormat(locale).format(x.points.length);
  return say("summary", { kind: say(display), what, n, low: write(low), lowAt: low?.label ?? "", high: write(high), highAt: high?.label ?? "" });
}
