// The page's treatment of answers and settings that it cannot draw, or that somebody wrote to do harm; and its colours.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { CASES, Drawings, answer, byRegion, cells } from "./drawings.mjs";
import { launch, until } from "./harness.mjs";

let drawings, browser;
before(async () => { [drawings, browser] = await Promise.all([Drawings.start(), launch()]); });
after(() => Promise.all([drawings?.stop(), browser?.close()]));

const open = (t, options) => drawings.openFor(t, browser, options);

// ---- what cannot be drawn ----

test("another display is a table, and the owner is told", async (t) => {
  const { page, show } = await open(t);
  for (const [display, given, reason] of [
    ["sankey", byRegion, "unsupported"], ["__proto__", byRegion, "unsupported"], ["constructor", byRegion, "unsupported"], ["<b>", byRegion, "unsupported"], [undefined, byRegion, "unsupported"],
    ["line", answer({ a: "text" }, [["x"]]), "unfit"], ["pie", answer({ a: "text" }, [["x"]]), "unfit"], ["table", byRegion, null],
  ]) {
    await page.evaluate(() => { fallbacks.length = 0; });
    await show({ answer: given, display, settings: {} });
    assert.equal((await cells(page)).length, given.rows.length);
    const told = await page.evaluate(() => fallbacks);
    assert.deepEqual(told.map(({ reason }) => reason), reason ? [reason] : []);
  }
  await page.evaluate((given) => document.getElementById("stage").replaceChildren(drawing.draw(given, "bar", {}, { ...globalThis.context(), charts: () => Promise.reject(new Error("offline")), onFallback: (what) => fallbacks.push(what) })), byRegion);
  await until(async () => (await cells(page)).length === 4);
  assert.equal((await page.evaluate(() => fallbacks.at(-1))).reason, "unavailable");
});

test("charts and Markdown are loaded only when they are drawn", async (t) => {
  drawings.asked.length = 0;
  const { show } = await open(t);
  const wasAsked = (name) => drawings.asked.some((url) => url.includes(`/${name}.`));
  for (const name of ["table", "scalar", "smartscalar", "progress", "heading", "link"]) await show(CASES[name]);
  assert.deepEqual([wasAsked("draw"), wasAsked("chart"), wasAsked("markdown")], [true, false, false]);
  await show(CASES.bar);
  assert.deepEqual([wasAsked("chart"), wasAsked("markdown")], [true, false]);
  await show(CASES.text);
  assert.ok(wasAsked("markdown"));
  const size = async (name) => gzipSync(await readFile(new URL(`../../functions/serve-embed/assets/dist/${name}`, import.meta.url)), { level: 9 }).length;
  for (const [name, most] of [["chart.js", 35], ["draw.js", 16], ["draw.css", 4], ["markdown.js", 18]]) assert.ok((await size(name)) <= most * 1024, `${name}: ${await size(name)}`);
});

// ---- nothing becomes markup ----

const HOSTILE = "<img src=x onerror=\"globalThis.pwned=1\"><script>globalThis.pwned=1</script>";

test("names, values and settings are never markup", async (t) => {
  const { page, show } = await open(t);
  const columns = [{ name: "__proto__", type: "text", display_name: HOSTILE }, { name: "constructor", type: "number", display_name: HOSTILE }, { name: HOSTILE, type: "number" }];
  const given = { columns, rows: [[HOSTILE, 1, 2], ["__proto__", 3, 4], ["toString", 5, 6]] };
  const settings = JSON.parse(`{"__proto__": {"graph.show_goal": true, "polluted": 1}, "series_settings": {"__proto__": {"color": "red"}, "constructor": {"title": ${JSON.stringify(HOSTILE)}, "color": "\\"><script>"}},
    "column_settings": {"[\\"name\\",\\"__proto__\\"]": {"prefix": ${JSON.stringify(HOSTILE)}}, "[\\"name\\",\\"constructor\\"]": {"suffix": "<b>", "date_style": "<i>"}, "not json": {}, "[]": 1},
    "graph.x_axis.title_text": ${JSON.stringify(HOSTILE)}, "graph.show_goal": true, "graph.goal_value": 2, "graph.goal_label": ${JSON.stringify(HOSTILE)}, "graph.show_values": true,
    "pie.colors": {"__proto__": "url(javascript:1)"}, "text": ${JSON.stringify(HOSTILE)}, "table.columns": [null, 1, {"name": {"toString": 1}}, {"name": "__proto__", "enabled": true}]}`);
  for (const display of ["table", "scalar", "smartscalar", "progress", "bar", "row", "line", "area", "combo", "pie", "text", "heading", "link"]) {
    await show({ answer: given, display, settings });
    if (await page.locator(".vz-stage").count()) {
      await page.locator(".vz-stage").focus();
      await page.keyboard.press("Home");
    }
    const found = await page.evaluate(() => ({ pwned: globalThis.pwned, polluted: {}.polluted, made: document.querySelectorAll("#stage :is(img, script, b, i:not(.vz-sort), iframe, [onerror], [style])").length }));
    assert.deepEqual(found, { pwned: undefined, polluted: undefined, made: 0 }, display);
  }
  await show({ answer: given, display: "table", settings: {} });
  assert.equal((await cells(page))[0][0], HOSTILE);
});

test("links lead to web pages and mail addresses only", async (t) => {
  const { page, show } = await open(t);
  const bad = ["javascript:globalThis.pwned=1", " JaVaScRiPt:globalThis.pwned=1", "java\nscript:globalThis.pwned=1", "data:text/html,<script>1</script>", "vbscript:1", "file:///etc/passwd", "//example.com", "/relative", "", "blob:https://x/1"];
  const links = () => page.$$eval("#stage a", (all) => all.map((one) => [one.getAttribute("href"), one.rel, one.target]));
  for (const url of bad) {
    await show({ display: "link", settings: { link: { url } } });
    assert.deepEqual(await links(), [], url);
  }
  await show({ answer: answer({ site: "text", mail: "text" }, [...bad, "https://example.com/a"].map((url) => [url, "a@b?bcc=c@d"])), display: "table",
    settings: { column_settings: { '["name","site"]': { view_as: "link" }, '["name","mail"]': { view_as: "email_link" } } } });
  assert.deepEqual(await links(), [["https://example.com/a", "noopener noreferrer", "_blank"]]);
  // Values of the row go into an address where the owner put them, and nowhere else.
  await show({ answer: answer({ id: "integer", path: "text" }, [[7, "a/b?c=d&é"], [8, "javascript:globalThis.pwned=1"], [9, null]]), display: "table",
    settings: { column_settings: { '["name","id"]': { view_as: "link", link_url: "https://example.com/{{id}}?of={{path}}", link_text: "No. {{id}}" }, '["name","path"]': { view_as: "link", link_url: "{{path}}" } } } });
  assert.deepEqual(await page.$$eval("#stage a", (all) => all.map((one) => [one.getAttribute("href"), one.textContent])), [
    ["https://example.com/7?of=a%2Fb%3Fc%3Dd%26%C3%A9", "No. 7"], ["https://example.com/8?of=javascript%3AglobalThis.pwned%3D1", "No. 8"], ["https://example.com/9?of=", "No. 9"],
  ]);
  const markdown = [...bad.map((url) => `[x](${url})`), ...bad.map((url) => `[x](<${url}>)`), "[x](java&#115;cript:alert(1))", "[x](javascript&colon;alert(1))", "<javascript:alert(1)>", "![x](javascript:1)",
    "[x][r]\n\n[r]: javascript:alert(1)", "<a href='javascript:1'>x</a>", "<https://example.com/b>", "[mail](mailto:a@example.com)", "![image](https://example.com/i.png)"].join("\n\n");
  await show({ display: "text", settings: { text: markdown } });
  assert.deepEqual((await links()).map(([href]) => href), ["https://example.com/b", "mailto:a@example.com", "https://example.com/i.png"]);
  assert.equal(await page.locator("#stage :is(img, script, iframe)").count(), 0);
  await page.locator("#stage a").first().click();
  assert.deepEqual(await page.evaluate(() => [globalThis.followed, globalThis.pwned]), [["https://example.com/b"], undefined]);
});

test("Markdown is drawn, and cannot stop the page", async (t) => {
  const { page, show } = await open(t);
  await show(CASES.text);
  const found = await page.evaluate(() => ["h2", "strong", "code", "ul > li", "ol > li", "blockquote", "th", "td.vz-right", "hr", "del"].map((selector) => document.querySelectorAll(`#stage ${selector}`).length));
  assert.deepEqual(found, [1, 1, 1, 4, 1, 1, 2, 1, 1, 1]);
  assert.equal(await page.locator("blockquote").textContent(), "Quoted & kept");
  for (const text of [">".repeat(3000), "*".repeat(20000), "[".repeat(20000), "- ".repeat(2000), "`".repeat(20001), "<".repeat(20000), "a**b".repeat(5000), "|a".repeat(5000), "\0&#0;&#xD800;&#x110000;"]) {
    const start = Date.now();
    await show({ display: "text", settings: { text } });
    assert.ok(Date.now() - start < 5000, `${text.slice(0, 5)} took ${Date.now() - start} ms`);
  }
});

test("a text names parameters, and their values are no Markdown", async (t) => {
  const { page, show } = await open(t);
  const text = "Sales of {{city}}[[ in {{year}}]][[ by {{who}}]]";
  await show({ display: "text", settings: { text }, context: { values: { city: ["**Bern**", "<b>[x](https://a.example)"], year: 2026, who: null } } });
  assert.equal(await page.locator(".vz-text").textContent(), "Sales of **Bern**, <b>[x](https://a.example) in 2026");
  assert.equal(await page.locator("#stage :is(strong, a)").count(), 0);
  await show({ display: "heading", settings: { text }, context: { values: { city: "Bern" } } });
  assert.equal(await page.locator("h2").textContent(), "Sales of Bern");
});

// ---- colours ----

test("neighbouring colours differ for every kind of colour vision, and stand out from the background", async (t) => {
  const { page, show } = await open(t);
  for (const theme of ["light", "dark"]) {
    await show({ ...CASES.bar, context: { theme } });
    const [paper, ...colors] = await page.evaluate(() => {
      const style = getComputedStyle(document.querySelector(".vz"));
      return ["--vz-paper", ...Array.from({ length: 10 }, (_, index) => `--vz-${index}`)].map((name) => style.getPropertyValue(name).trim());
    });
    for (const color of colors) assert.ok(contrast(color, paper) >= 3, `${theme} ${color}: ${contrast(color, paper)}`);
    for (const [kind, matrix] of Object.entries(VISIONS)) {
      for (let index = 1; index < 6; index++) {
        for (let other = 0; other < index; other++) {
          const far = distance(seen(colors[index], matrix), seen(colors[other], matrix));
          assert.ok(far > 18, `${theme}, ${kind}: ${colors[index]} and ${colors[other]} differ by ${far.toFixed(1)}`);
        }
      }
    }
  }
});

// Machado, Oliveira and Fernandes (2009), complete deficiencies, on linear values.
const VISIONS = {
  usual: [1, 0, 0, 0, 1, 0, 0, 0, 1],
  protanopia: [0.152286, 1.052583, -0.204868, 0.114503, 0.786281, 0.099216, -0.003882, -0.048116, 1.051998],
  deuteranopia: [0.367322, 0.860646, -0.227968, 0.280085, 0.672501, 0.047413, -0.01182, 0.04294, 0.968881],
  tritanopia: [1.255528, -0.076749, -0.178779, -0.078411, 0.930809, 0.147602, 0.004733, 0.691367, 0.3039],
};
const linear = (color) => {
  const hex = color.length === 4 ? [...color.slice(1)].map((digit) => digit + digit).join("") : color.slice(1);
  return [0, 2, 4].map((at) => parseInt(hex.slice(at, at + 2), 16) / 255).map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
};
const seen = (color, m) => { const c = linear(color); return [0, 3, 6].map((row) => Math.min(1, Math.max(0, m[row] * c[0] + m[row + 1] * c[1] + m[row + 2] * c[2]))); };
const light = (color) => { const [r, g, b] = linear(color); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
function contrast(one, other) {
  const [high, low] = [light(one), light(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}
function distance(one, other) {
  const lab = ([r, g, b]) => {
    const f = (value) => (value > 0.008856 ? Math.cbrt(value) : 7.787 * value + 16 / 116);
    const [x, y, z] = [(0.4124 * r + 0.3576 * g + 0.1805 * b) / 0.95047, 0.2126 * r + 0.7152 * g + 0.0722 * b, (0.0193 * r + 0.1192 * g + 0.9505 * b) / 1.08883].map(f);
    return [116 * y - 16, 500 * (x - y), 200 * (y - z)];
  };
  const [a, b] = [lab(one), lab(other)];
  return Math.hypot(...a.map((value, index) => value - b[index]));
}
