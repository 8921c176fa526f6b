// Draws an answer. `draw` is a function of the answer, the display, its settings and the viewer's language, time zone and
// theme; it loads nothing, except the files of tables, figures, charts and texts through the functions in `context`.
//
//   draw(answer, display, settings, context) -> element
//
// `context`: `locale`, `words`, `timezone`, `theme` ("light" or "dark"), `title`; `table()`, `figures()`, `charts()`, `pie()`, `rows()` and
// `markdown()`, which return the modules of their names or promises of them; `follow(url)` for links; `onFallback({display, reason})`
// when a display that cannot be drawn becomes a table; `values`, the parameters that texts may name; `actions()`, which returns a
// button for the foot of an answer or null.

import { readAnswer } from "./columns.js";
import { isObject, link, make, own, textOf } from "./dom.js";
import { fillIn } from "./variables.js";
import { speaker } from "./words.js";

export { makeQuestion } from "../question.js";
export * from "./tools.js";

const FIGURES = { scalar: "drawScalar", smartscalar: "drawTrend", progress: "drawProgress" };
const CHARTS = ["bar", "row", "line", "area", "combo", "pie"];
const SPECIAL = { pie: "pie", row: "rows" }; // these have a file besides that of all charts
const TEXTS = ["text", "heading", "link"];

const kindOf = (display) => (display === "donut" ? "pie" : display);

// Returns the names of the files that a display needs, so that they can be loaded beside the answer.
export function neededFor(display) {
  if (display === "text") return ["markdown"];
  if (TEXTS.includes(display)) return [];
  if (Object.hasOwn(FIGURES, display)) return ["figures"];
  const chart = kindOf(display);
  return CHARTS.includes(chart) ? ["charts", SPECIAL[chart]].filter(Boolean) : ["table"];
}

export const needsAnswer = (display) => !TEXTS.includes(display);

export function draw(answer, display, settings, given = {}) {
  const context = { locale: "en", ...given, say: speaker(given.words) };
  settings = isObject(settings) ? settings : {};
  display = kindOf(display);
  const root = make("div", { class: `vz vz-of-${/^[a-z]{1,20}$/.test(display) ? display : "other"}${context.theme === "dark" ? " vz-dark" : ""}` });
  if (TEXTS.includes(display)) drawText(root, display, settings, context);
  else drawData(root, answer, display, settings, context);
  return root;
}

function drawData(root, answer, display, settings, context) {
  const data = readAnswer(answer, settings, context);
  const note = data.truncated ? context.say("rows", { n: new Intl.NumberFormat(context.locale).format(data.rows.length) }) : null;
  const notes = (extra) => [note, ...extra].filter(Boolean).map((text) => make("p", { class: "vz-note" }, text));
  // The notes of what has no foot of its own.
  const foot = (extra) => {
    const button = context.actions?.();
    return button ? [make("div", { class: "vz-foot" }, make("div", { class: "vz-notes" }, ...notes(extra)), button)] : notes(extra);
  };
  const showTable = () => later(context.table, root, ({ drawTable }) => {
    root.replaceChildren(...[drawTable(data, settings, context)].flat().filter(Boolean), ...foot([]));
  }, () => missing(root, context));
  if (Object.hasOwn(FIGURES, display)) {
    return later(context.figures, root, (figures) => {
      root.append(figures[FIGURES[display]](data, settings, context), ...(display === "smartscalar" || context.actions?.() ? foot([]) : []));
    }, () => missing(root, context));
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
  const show = ([charts, special]) => {
    const chart = charts.drawChart(data, display, settings, context, special);
    if (!chart) return fallBack("unfit");
    showChart(root, chart, ({ drawTable }) => drawTable(data, settings, context), notes, context);
  };
  const files = () => {
    const all = [context.charts(), context[SPECIAL[display]]?.()];
    return all.some((one) => typeof one?.then === "function") ? Promise.all(all) : all;
  };
  later(files, root, show, () => fallBack("unavailable"));
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

const missing = (root, { say }) => root.replaceChildren(make("p", { class: "vz-none" }, say("failed")));

function showChart(root, { node, notes: extra }, table, notes, { say, table: loadTable, actions }) {
  const toggle = make("button", { type: "button", class: "vz-toggle" }, say("table"));
  const foot = make("div", { class: "vz-foot" }, make("div", { class: "vz-notes" }, ...notes(extra)), toggle, actions?.());
  const other = make("div", { class: "vz-as-table" });
  toggle.addEventListener("click", () => {
    const isTable = other.isConnected;
    if (!other.firstChild) later(loadTable, other, (module) => other.append(...[table(module)].flat().filter(Boolean)), () => missing(other, { say }));
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
  const fill = (value, form) => fillIn(textOf(value ?? ""), context.values, form);
  const text = fill(own(settings, "text"), display === "text" ? "markdown" : "plain");
  const placed = (own(ALIGNED, own(settings, "text.align_horizontal")) ?? "") + (own(PLACED, own(settings, "text.align_vertical")) ?? "");
  if (display === "heading") return root.append(make("h2", { class: `vz-heading${placed}` }, text));
  if (display === "link") {
    const target = own(settings, "link");
    const url = fill(own(target, "url"), "url");
    return root.append(link(url, [own(target, "text") === undefined ? url : fill(own(target, "text"), "plain")], context, "vz-link"));
  }
  const box = make("div", { class: `vz-text${placed}` });
  root.append(box);
  later(context.markdown, box, ({ renderMarkdown }) => box.append(...renderMarkdown(text, context)), () => box.append(make("p", null, text)));
}
