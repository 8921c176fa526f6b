// Answers and settings to draw, as data, and a server that shows them under the policy of the embed page.

import assert from "node:assert/strict";
import { once } from "node:events";
import { createHash } from "node:crypto";
import { readFile, readdir } from "node:fs/promises";
import { createServer } from "node:http";

const DIST = new URL("../../functions/serve-embed/assets/dist/", import.meta.url);
const POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; frame-src 'self'; base-uri 'none'; form-action 'none'";
const FRAME_POLICY = "sandbox allow-scripts; default-src 'none'; script-src 'unsafe-inline'";

// The page has no drawing of its own: tests call `show`.
const SCRIPT = (names) => `
import * as drawing from "/embed/assets/${names["draw.js"]}";
import * as board from "/embed/assets/${names["board.js"]}";
const languages = {};
${["de", "es", "fr", "ja", "ko", "pt", "zh"].map((name) => `languages.${name} = (await import("/embed/assets/${names[`${name}.js`]}")).drawing;`).join("\n")}
globalThis.violations = []; globalThis.fallbacks = []; globalThis.followed = [];
addEventListener("securitypolicyviolation", ({ effectiveDirective, blockedURI }) => violations.push([effectiveDirective, blockedURI]));
globalThis.drawing = { ...drawing, ...board };
globalThis.context = (more) => ({
  ${[["charts", "chart"], ["pie", "pie"], ["rows", "rows"], ["table", "table"], ["figures", "figures"], ["markdown", "markdown"]].map(([name, file]) => `${name}: () => import("/embed/assets/${names[`${file}.js`]}"),`).join("\n  ")}
  words: languages[more?.locale?.slice(0, 2)],
  onFallback: (what) => fallbacks.push(what), follow: (url) => followed.push(url), ...more,
});
globalThis.show = (list) => {
  const context = globalThis.context(list[0]?.context);
  document.documentElement.dataset.theme = context.theme ?? "light";
  document.documentElement.lang = context.locale ?? "en";
  document.documentElement.dir = /^(ar|he)/.test(context.locale ?? "") ? "rtl" : "ltr";
  document.getElementById("stage").replaceChildren(...list.map(({ answer, display, settings, context }) => {
    const box = document.createElement("section");
    box.className = "box";
    box.append(drawing.draw(answer, display, settings, globalThis.context(context)));
    return box;
  }));
};
globalThis.ready = true;`;

// A host page with the host script.
const HOST = (kind) => `<!doctype html><html lang="en"><title>Host</title><main><div id="place" data-kind="${kind}"></div></main><script type="module" src="/host.js"></script>`;
const HOST_SCRIPT = `
import { mount } from "/vitrine.mjs";
globalThis.mount = mount;
globalThis.events = [];
globalThis.place = document.getElementById("place");
const types = ["ready", "error", "params", "parameter-changed", "card-loaded", "card-failed", "download", "expired", "notice"];
globalThis.listeners = Object.fromEntries(types.map((type) => [type, (event) => events.push({ ...event, type })]));
globalThis.start = (options) => { globalThis.embed = mount(place, { src: \`/embed/\${place.dataset.kind}/token\`, on: listeners, ...options }); };
globalThis.ready = true;`;

const BOXES = "main { padding: 1rem } #stage { display: grid; gap: 1rem } .box { display: flex; min-height: 22rem; min-width: 0 } .box > .vz { flex: 1 } .high .box { min-height: 0; height: 26rem }";

export class Drawings {
  // `more` are other files to serve: types and bodies by path.
  static async start(more = {}) {
    const files = new Map(Object.entries(more));
    const names = {};
    const pageFiles = (await readdir(DIST)).filter((name) => /^[a-z]+\.(js|css)$|^frame\.html$/.test(name) && !/^(vitrine|iframeResizer)\./.test(name));
    for (const name of pageFiles) {
      const body = await readFile(new URL(name, DIST));
      const [stem, extension] = name.split(".");
      names[name] = `${stem}.${createHash("sha256").update(body).digest("hex").slice(0, 16)}.${extension}`;
      files.set(`/embed/assets/${names[name]}`, [{ css: "text/css", js: "text/javascript", html: "text/html" }[extension], body]);
    }
    files.set("/page.js", ["text/javascript", SCRIPT(names)]);
    files.set("/page.css", ["text/css", BOXES]);
    // A host whose frame has no origin of its own.
    files.set("/sandboxed", ["text/html; charset=utf-8", '<!doctype html><title>Host</title><iframe sandbox="allow-scripts" title="Embed" width="800" height="500" src="/embed/question/token"></iframe>']);
    for (const [kind, html] of [["question", "question.html"], ["dashboard", "embed.html"]]) {
      files.set(`/embed/${kind}/token`, ["text/html; charset=utf-8", await readFile(new URL(html, DIST))]);
      // Two tokens as they are signed, so that the host script sees one content in them.
      for (const token of ["a.b.c", "a.b.d"]) files.set(`/embed/${kind}/${token}`, files.get(`/embed/${kind}/token`));
      files.set(`/hosted/${kind}`, ["text/html; charset=utf-8", HOST(kind)]);
    }
    for (const name of ["vitrine.mjs"]) files.set(`/${name}`, ["text/javascript", await readFile(new URL(name, DIST))]);
    files.set("/host.js", ["text/javascript", HOST_SCRIPT]);
    files.set("/", ["text/html; charset=utf-8", `<!doctype html><html lang="en" data-background><title>Drawings</title><meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"><link rel="stylesheet" href="/embed/assets/${names["embed.css"]}"><link rel="stylesheet" href="/embed/assets/${names["draw.css"]}"><link rel="stylesheet" href="/embed/assets/${names["board.css"]}"><link rel="stylesheet" href="/page.css">
<script type="module" src="/page.js"></script><main id="embed"><h1>Drawings</h1><div id="stage"></div></main>`]);
    const asked = [];
    const server = createServer(({ url }, response) => {
      asked.push(url);
      const [type, body] = files.get(url.split("?")[0]) ?? [];
      response.writeHead(body === undefined ? 404 : 200, { "content-type": type ?? "text/plain", "access-control-allow-origin": "*", "content-security-policy": url.endsWith(".html") ? FRAME_POLICY : POLICY });
      response.end(body ?? "");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return Object.assign(new Drawings(), { server, asked, base: `http://127.0.0.1:${server.address().port}/` });
  }

  // Opens a page. `show(...cases)` draws on it.
  async open(browser, options = {}) {
    const context = await browser.newContext({ viewport: { width: 900, height: 700 }, ...options });
    const page = await context.newPage();
    const errors = [];
    page.on("pageerror", (error) => errors.push(String(error)));
    await page.goto(this.base);
    await page.waitForFunction(() => globalThis.ready);
    const show = async (...list) => {
      await page.evaluate((list) => show(list), list);
      await page.waitForFunction(() => !document.querySelector("[aria-busy='true'].vz, .vz-wait"));
      await page.evaluate(() => new Promise((go) => requestAnimationFrame(() => requestAnimationFrame(go))));
    };
    return { page, show, errors, close: () => context.close() };
  }

  // The same for a test, which fails if the policy of the page was violated.
  async openFor(t, browser, options) {
    const opened = await this.open(browser, options);
    t.after(async () => {
      const violations = await opened.page.evaluate(() => globalThis.violations);
      await opened.close();
      assert.deepEqual([violations, opened.errors], [[], []]);
    });
    return opened;
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

// The texts of the table that is shown.
export const cells = (page) => page.$$eval(".vz-grid tbody tr", (rows) => rows.map((row) => [...row.cells].map((cell) => cell.textContent)));

// ---- answers ----

export const answer = (columns, rows, more = {}) => ({
  columns: Object.entries(columns).map(([name, type]) => ({ name, type, display_name: name.split("_").map((word) => word.slice(0, 1).toUpperCase() + word.slice(1)).join(" ") })),
  rows, truncated: false, cached: false, as_of: "2026-03-09T10:00:00Z", ...more,
});

const months = ["01", "02", "03", "04", "05", "06", "07", "08", "09", "10", "11", "12"].map((month) => `2025-${month}-01T00:00:00Z`);
const amounts = [12400.5, 15120, 9830.25, 17260, 21050.75, 19870, 23410, 22010.5, 18660, 25330, 27180.25, 31020];
const orders = [124, 149, 101, 166, 210, 190, 241, 214, 178, 251, 268, 312];
const REGIONS = ["Americas", "Europe", "Middle East and Africa", "Asia Pacific"];
const noise = (seed) => ((Math.sin(seed * 12.9898) * 43758.5453) % 1 + 1) % 1;

export const byMonth = answer({ month: "timestamp", revenue: "decimal(12,2)" }, months.map((month, index) => [month, String(amounts[index])]));
export const twoMetrics = answer({ month: "timestamp", revenue: "decimal(12,2)", orders: "integer" }, months.map((month, index) => [month, amounts[index], orders[index]]));
export const byRegion = answer({ region: "text", revenue: "number" }, REGIONS.map((region, index) => [region, [48210.4, 39120.9, 8800.25, 22043][index]]));
export const byMonthAndRegion = answer({ month: "date", region: "text", revenue: "number" },
  months.flatMap((month, at) => REGIONS.map((region, index) => [month.slice(0, 10), region, Math.round(amounts[at] * (0.15 + 0.3 * noise(at * 7 + index)))])));
export const mixedSigns = answer({ quarter: "text", profit: "number", costs: "number" }, [["Q1", 30, -20], ["Q2", -15, -25], ["Q3", 40, 12], ["Q4", null, -5]]);
export const daily = answer({ day: "date", visits: "integer", signups: "integer" }, Array.from({ length: 90 }, (_, index) => {
  const day = new Date(Date.UTC(2026, 0, 1 + index)).toISOString().slice(0, 10);
  return [day, Math.round(800 + 300 * Math.sin(index / 7) + 120 * noise(index)), Math.round(60 + 20 * Math.sin(index / 9) + 14 * noise(index + 400))];
}));
export const products = answer({ product: "text", sold: "integer" },
  ["Enormous Aluminum Shirt", "Sleek Copper Watch", "Rustic Paper Wallet", "Small Marble Shoes", "Mediocre Wooden Bench", "Gorgeous Bronze Chair", "Fantastic Wool Gloves with a very long name that never ends", "Aerodynamic Linen Coat", "Practical Steel Table"]
    .map((product, index) => [product, 980 - index * 97]));
export const many = (rows, columns) => answer(
  Object.fromEntries(Array.from({ length: columns }, (_, index) => [`column_${index}`, ["text", "integer", "decimal(10,2)", "timestamp"][index % 4]])),
  Array.from({ length: rows }, (_, row) => Array.from({ length: columns }, (_, index) => [`Row ${row}`, row * index, `${row}.${String(index).padStart(2, "0")}`, `2026-01-${String(1 + (row % 28)).padStart(2, "0")}T10:${String(row % 60).padStart(2, "0")}:00Z`][index % 4])));

export const table = answer({ id: "integer", name: "text", joined: "date", last_seen: "timestamp", balance: "decimal(12,2)", score: "number", active: "boolean", site: "text", extra: "json", large: "integer" }, [
  [10432, "Ann Example", "2024-02-29", "2026-03-09T10:04:05Z", "1204.50", 0.8312, true, "https://example.com/ann", { a: [1, 2] }, "9007199254740993"],
  [2, "bob", "2023-11-01", "2026-03-01T00:00:01Z", "-37.10", 12.5, false, "javascript:alert(1)", null, "9007199254740992"],
  [31, "Émile", null, null, null, null, null, null, [], null],
  [4, "كريم", "2025-12-31", "2026-02-28T23:59:59Z", "1000000.00", 1e9, true, "mailto:k@example.com", "text", "-5"],
]);
const key = (name) => JSON.stringify(["name", name]);
export const tableSettings = { column_settings: {
  [key("balance")]: { number_style: "currency", currency: "EUR", column_title: "Balance due" }, [key("score")]: { number_style: "percent", decimals: 1 },
  [key("joined")]: { date_style: "D MMMM, YYYY" }, [key("site")]: { view_as: "link" }, [key("large")]: { prefix: "#" },
} };
const usd = (name) => ({ column_settings: { [key(name)]: { number_style: "currency", currency: "USD" } } });

const MARKDOWN = `# Sales report\n\nFigures of **this year**, with a [link](https://example.com/a?b=1&c=2) and \`code\`.\n\n- one\n- two\n  1. inner\n\n> Quoted &amp; kept\n\n| Region | Amount |\n| --- | ---: |\n| Europe | 12 |\n\n- [x] done\n- [ ] open\n\n---\n\n![a picture](https://example.com/p.png) ~~old~~`;

// One drawing of every kind, for tests and for pictures.
export const CASES = {
  table: { answer: { ...table, truncated: true }, display: "table", settings: tableSettings },
  "table-colored": { answer: products, display: "table", settings: { "table.column_formatting": [
    { columns: ["sold"], type: "range", colors: ["white", "#509ee3"], min_type: null, max_type: null },
    { columns: ["product"], type: "single", operator: "contains", value: "bench", color: "#ef8c8c", highlight_row: true },
  ] } },
  scalar: { answer: answer({ revenue: "decimal(12,2)" }, [["1234567.80"]]), display: "scalar", settings: usd("revenue") },
  smartscalar: { answer: byMonth, display: "smartscalar", settings: usd("revenue") },
  progress: { answer: answer({ sold: "integer" }, [[734]]), display: "progress", settings: { "progress.goal": 1000 } },
  bar: { answer: byRegion, display: "bar", settings: { ...usd("revenue"), "graph.show_values": true } },
  "bar-time": { answer: byMonth, display: "bar", settings: { ...usd("revenue"), "graph.show_goal": true, "graph.goal_value": 20000, "graph.goal_label": "Target" } },
  "bar-series": { answer: byMonthAndRegion, display: "bar", settings: { "graph.dimensions": ["month", "region"], "graph.metrics": ["revenue"] } },
  "bar-stacked": { answer: byMonthAndRegion, display: "bar", settings: { "graph.dimensions": ["month", "region"], "graph.metrics": ["revenue"], "stackable.stack_type": "stacked", "graph.show_values": true } },
  "bar-normalized": { answer: byMonthAndRegion, display: "bar", settings: { "graph.dimensions": ["month", "region"], "graph.metrics": ["revenue"], "stackable.stack_type": "normalized" } },
  "bar-mixed-signs": { answer: mixedSigns, display: "bar", settings: { "stackable.stack_type": "stacked" } },
  "bar-long-labels": { answer: products, display: "bar", settings: { "graph.x_axis.title_text": "What was sold", "graph.y_axis.title_text": "Pieces" } },
  row: { answer: products, display: "row", settings: { "graph.show_values": true } },
  line: { answer: byMonth, display: "line", settings: { ...usd("revenue"), "graph.show_trendline": true } },
  "line-series": { answer: byMonthAndRegion, display: "line", settings: {} },
  "line-daily": { answer: daily, display: "line", settings: {} },
  area: { answer: byMonthAndRegion, display: "area", settings: {} },
  combo: { answer: twoMetrics, display: "combo", settings: { ...usd("revenue"), series_settings: { revenue: { display: "bar" }, orders: { display: "line", color: "#aa3377", title: "Number of orders" } } } },
  pie: { answer: byRegion, display: "pie", settings: { ...usd("revenue"), "pie.percent_visibility": "both" } },
  text: { display: "text", settings: { text: MARKDOWN } },
  heading: { display: "heading", settings: { text: "Sales of this year" } },
  link: { display: "link", settings: { link: { url: "https://example.com/report" } } },
  empty: { answer: answer({ month: "date", revenue: "number" }, []), display: "line", settings: {} },
  "one-point": { answer: answer({ month: "date", revenue: "number" }, [["2026-01-01", 5]]), display: "line", settings: {} },
  zeros: { answer: answer({ region: "text", revenue: "number" }, [["A", 0], ["B", 0], ["C", 0]]), display: "bar", settings: {} },
  huge: { answer: answer({ region: "text", revenue: "number" }, [["A", 1.5e21], ["B", -3.2e18], ["C", 4e20]]), display: "bar", settings: { "graph.show_values": true } },
};
