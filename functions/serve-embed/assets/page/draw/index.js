// Draws an answer. `draw` is a function of the answer, the display, its settings and the viewer's language, time zone and
// theme; it loads nothing, except charts and Markdown through the functions in `context`.
//
//   draw(answer, display, settings, context) -> element
//
// `context`: `locale`, `timezone`, `theme` ("light" or "dark"), `title`; `charts()` and `markdown()`, which return the
// modules of their names or promises of them; `follow(url)` for links; `onFallback({display, reason})` when a display that
// cannot be drawn becomes a table; `values`, the parameters that texts may name.

import { readAnswer } from "./columns.js";
import { isObject, link, make, own, textOf } from "./dom.js";
import { drawGrid } from "./grid.js";
import { drawProgress, drawScalar, drawTrend } from "./scalar.js";
import { drawTable } from "./table.js";
import { fillIn } from "./variables.js";
import { speaker } from "./words.js";

export { makeDashboard } from "../dashboard.js";
export { makeQuestion } from "../question.js";
export * from "./tools.js";

const FIGURES = { scalar: drawScalar, smartscalar: drawTrend, progress: drawProgress };
const CHARTS = ["bar", "row", "line", "area", "combo", "pie"];
const TEXTS = ["text", "heading", "link"];

// Returns whether a display needs `charts()`, so that it can be loaded beside the answer.
export const needsCharts = (display) => CHARTS.includes(display === "donut" ? "pie" : display);
export const needsAnswer = (display) => !TEXTS.includes(display);

// Cards on the grid of a dashboard, which draw with `draw`.
export const drawDashboard = (dashboard, options) => drawGrid(dashboard, { draw, needsAnswer, ...options });

export function draw(answer, display, settings, given = {}) {
  const context = { locale: "en", ...given, say: speaker(given.locale) };
  settings = isObject(settings) ? settings : {};
  if (display === "donut") display = "pie";
  const root = make("div", { class: `vz vz-of-${/^[a-z]{1,20}$/.test(display) ? display : "other"}${context.theme === "dark" ? " vz-dark" : ""}` });
  if (TEXTS.includes(display)) drawText(root, display, settings, context);
  else drawData(root, answer, display, settings, context);
  return root;
}

function drawData(root, answer, display, settings, context) {
  const data = readAnswer(answer, settings, context);
  const note = data.truncated ? context.say("rows", { n: new Intl.NumberFormat(context.locale).format(data.rows.length) }) : null;
  const notes = (extra) => [note, ...extra].filter(Boolean).map((text) => make("p", { class: "vz-note" }, text));
  const showTable = () => root.replaceChildren(...[drawTable(data, settings, context)].flat().filter(Boolean), ...notes([]));
  if (Object.hasOwn(FIGURES, display)) {
    const drawn = FIGURES[display](data, settings, context);
    return root.append(drawn, ...(display === "smartscalar" ? notes([]) : []));
  }
  if (!CHARTS.includes(display)) {
    if (display !== "table") context.onFallback?.({ display, reason: "unsupported" });
    return showTable();
  }
  if (!data.rows.length) return root.append(make("p", { class: "vz-none" }, context.say("none")));
  const fallBack = (reason) => {
    context.onFallback?.({ display, reason });
    showTable();
  };
  const show = (charts) => {
    const chart = charts.drawChart(data, display, settings, context);
    if (!chart) return fallBack("unfit");
    showChart(root, chart, () => drawTable(data, settings, context), notes, context);
  };
  later(context.charts, root, show, () => fallBack("unavailable"));
}

// Calls `show` at once if the module is there, else when it has arrived.
function later(load, root, show, fail) {
  let module;
  try { module = load?.(); } catch { /* It has not been found. */ }
  if (typeof module?.then !== "function") return module ? show(module) : fail();
  root.setAttribute("aria-busy", "true");
  root.append(make("div", { class: "vz-wait", "aria-hidden": "true" }));
  const ready = (act) => (module) => {
    root.removeAttribute("aria-busy");
    root.replaceChildren();
    act(module);
  };
  module.then(ready(show), ready(fail));
}

function showChart(root, { node, notes: extra }, table, notes, { say }) {
  const toggle = make("button", { type: "button", class: "vz-toggle" }, say("table"));
  const foot = make("div", { class: "vz-foot" }, make("div", { class: "vz-notes" }, ...notes(extra)), toggle);
  let other = null;
  toggle.addEventListener("click", () => {
    const isTable = Boolean(other?.isConnected);
    other ??= make("div", { class: "vz-as-table" }, ...table());
    if (isTable) other.replaceWith(node);
    else node.replaceWith(other);
    toggle.textContent = say(isTable ? "table" : "chart");
  });
  root.append(node, foot);
}

// ---- texts ----

const ALIGNED = { left: "", center: " vz-center", right: " vz-right" };
const PLACED = { top: "", middle: " vz-middle", bottom: " vz-bottom" };

function drawText(root, display, settings, context) {
  const text = fillIn(textOf(own(settings, "text") ?? ""), context.values, display === "text");
  const placed = (own(ALIGNED, own(settings, "text.align_horizontal")) ?? "") + (own(PLACED, own(settings, "text.align_vertical")) ?? "");
  if (display === "heading") return root.append(make("h2", { class: `vz-heading${placed}` }, text));
  if (display === "link") {
    const target = own(settings, "link");
    const url = textOf(own(target, "url") ?? "");
    return root.append(link(url, [textOf(own(target, "text") ?? url)], context, "vz-link"));
  }
  const box = make("div", { class: `vz-text${placed}` });
  root.append(box);
  later(context.markdown, box, ({ renderMarkdown }) => box.append(...renderMarkdown(text, context)), () => box.append(make("p", null, text)));
}
