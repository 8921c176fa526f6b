// Dashboards in the page: many cards, several questions in one chart, texts that name parameters.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Drawings, answer, byMonth, byRegion, cells, twoMetrics } from "./drawings.mjs";
import { openEmbed, viewOf } from "./embeds.mjs";
import { launch, serious, until } from "./harness.mjs";

let drawings, browser;
before(async () => { [drawings, browser] = await Promise.all([Drawings.start(), launch()]); });
after(() => Promise.all([drawings?.stop(), browser?.close()]));

const place = (index) => ({ row: 4 * Math.trunc(index / 4), col: 6 * (index % 4), width: 6, height: 4 });
const at = "embed/dashboard/token";
const figures = answer({ month: "text", amount: "integer" }, [["A", 3], ["B", 5]]);

const KINDS = ["table", "scalar", "smartscalar", "progress", "bar", "row", "line", "area", "combo", "pie"];
const many = { type: "dashboard", cards: Array.from({ length: 24 }, (_, index) => ({
  id: index + 1, ...place(index), display: KINDS[index % KINDS.length], settings: KINDS[index % KINDS.length] === "progress" ? { "progress.goal": 10 } : {}, title: `Card ${index + 1}`, parameters: {},
})) };

for (const [direction, locale] of [["left to right", "en"], ["right to left", "ar"]]) {
  test(`24 cards are asked for at once and drawn, ${direction}`, async (t) => {
    const { page, asked } = await openEmbed(t, drawings, browser, {
      content: many, at, behind: `#locale=${locale}`, options: { viewport: { width: 1280, height: 900 } },
      answers: ({ card }) => (KINDS[(card - 1) % KINDS.length] === "smartscalar" ? byMonth : figures),
    });
    await until(async () => (await page.locator(".vz-card[aria-busy=false]").count()) === 24);
    assert.deepEqual(asked.map(([, , { card }]) => card).sort((one, other) => one - other), many.cards.map(({ id }) => id));
    assert.equal(await page.locator(".vz-failed").count(), 0);
    await until(async () => (await page.locator(".vz-card .vz-wait").count()) === 0);
    const boxes = await page.$$eval(".vz-card", (all) => all.map((card) => card.getBoundingClientRect().toJSON()));
    assert.equal(await page.evaluate(() => getComputedStyle(document.body).direction), locale === "ar" ? "rtl" : "ltr");
    assert.equal(boxes[0].x < boxes[1].x, locale === "en", "the grid begins where the text does");
    for (const [index, one] of boxes.entries()) {
      const overlapping = boxes.findIndex((other, at) => at > index && one.left < other.right - 1 && other.left < one.right - 1 && one.top < other.bottom - 1 && other.top < one.bottom - 1);
      assert.equal(overlapping, -1, `cards ${index} and ${overlapping}`);
    }
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "nothing beside the page");
    assert.deepEqual(await serious(page, []), []);
  });
}

for (const [display, found] of [["scalar", "3"], ["progress", "3"], ["smartscalar", "5"]]) {
  test(`a ${display} shows a value that its table has`, async (t) => {
    const { page, show } = await drawings.openFor(t, browser);
    await show({ answer: figures, display, settings: { "progress.goal": 10, "scalar.field": "amount" } });
    const shown = await page.locator("#stage .vz").textContent();
    await show({ answer: figures, display: "table", settings: {} });
    assert.ok((await cells(page)).some(([, value]) => value === found), found);
    assert.ok(shown.includes(found), shown);
  });
}

// ---- several questions in one chart ----

const month = (index) => `2025-${String(index).padStart(2, "0")}-01`;
const SERIES = [
  { question: 8, title: "Visits", display: "line", settings: { series_settings: { visits: { title: "All visits" } } } },
  { question: 9, title: "Orders", display: "bar", settings: {} },
];
const overlaid = (card) => ({ type: "dashboard", cards: [{ id: 1, row: 0, col: 0, width: 24, height: 8, title: "Revenue", display: "bar", settings: {}, parameters: { city: true }, series: SERIES, ...card }] });
const ANSWERS = {
  0: answer({ month: "date", revenue: "number" }, [[month(1), 100], [month(2), 200], [month(3), 300]]),
  8: answer({ month: "timestamp", visits: "integer" }, [[`${month(2)}T00:00:00Z`, 20], [`${month(4)}T00:00:00Z`, 40]]),
  9: answer({ month: "date", orders: "integer" }, [[month(1), 1], [month(3), 3]]),
};

test("the answers of several questions are one chart, and its table has all of them", async (t) => {
  const { page, asked } = await openEmbed(t, drawings, browser, { content: overlaid({}), at, answers: ({ series = 0 }) => ANSWERS[series] });
  await until(async () => (await page.locator(".vz-mark[data-value]").count()) === 7);
  assert.deepEqual(asked.map(([, , { card, series }]) => [card, series]), [[1, undefined], [1, 8], [1, 9]]);
  const legend = await page.locator(".vz-legend").textContent();
  for (const name of ["Revenue", "All visits", "Orders"]) assert.ok(legend.includes(name), legend);
  await page.getByRole("button", { name: "Show as table" }).click();
  await page.locator(".vz-grid").waitFor();
  const rows = (await cells(page)).map(([, ...values]) => values);
  assert.deepEqual(rows, [["100", "", "1"], ["200", "20", ""], ["300", "", "3"], ["", "40", ""]]);
  assert.deepEqual(await serious(page, []), []);
});

test("a parameter asks again for all questions of a chart", async (t) => {
  const parameters = (value) => [{ slug: "city", name: "City", type: "text", value }];
  const content = (request) => viewOf(overlaid({}), { parameters: parameters(new URL(request.url()).searchParams.get("city")) });
  const { page, asked } = await openEmbed(t, drawings, browser, { content, at, answers: ({ series = 0 }) => ANSWERS[series] });
  await until(async () => (await page.locator(".vz-mark[data-value]").count()) === 7);
  await page.getByLabel("City").fill("Bern");
  await page.getByLabel("City").blur();
  await until(() => asked.length === 6);
  assert.deepEqual(asked.slice(3).map(([, , { series, parameters }]) => [series, parameters]), [undefined, 8, 9].map((series) => [series, { city: "Bern" }]));
});

test("a card fails as a whole if one of its questions does", async (t) => {
  const { page } = await openEmbed(t, drawings, browser, { content: overlaid({}), at, answers: ({ series = 0 }) => (series === 9 ? { status: 400, body: { reason: "query_failed", message: "No." } } : ANSWERS[series]) });
  await page.locator(".vz-failed").waitFor();
  assert.equal(await page.locator(".vz-mark").count(), 0);
});

test("single figures are bars beside each other, and a table shows its own rows alone", async (t) => {
  const one = (value) => answer({ n: "integer" }, [[value]]);
  const { page } = await openEmbed(t, drawings, browser, { content: overlaid({ display: "scalar" }), at, answers: ({ series = 0 }) => one(series + 1) });
  await until(async () => (await page.locator(".vz-mark[data-value]").count()) === 3);
  await page.getByRole("button", { name: "Show as table" }).click();
  await until(async () => (await cells(page)).length === 3);
  assert.deepEqual(await cells(page), [["Revenue", "1"], ["Visits", "9"], ["Orders", "10"]]);
  const other = await openEmbed(t, drawings, browser, { content: overlaid({ display: "table" }), at, answers: [byRegion] });
  await until(async () => (await cells(other.page)).length === 4);
  assert.equal(other.asked.length, 1);
});

test("series with several metrics and a breakout have names of their own", async (t) => {
  const series = [{ question: 8, title: "Both", display: "line", settings: {} }, { question: 9, title: "Both", display: "line", settings: {} }];
  const parted = answer({ month: "date", city: "text", n: "integer" }, [[month(1), "Bern", 1], [month(1), "Rome", 2], [month(2), "Bern", 3]]);
  const { page } = await openEmbed(t, drawings, browser, {
    content: overlaid({ series, settings: { "graph.dimensions": ["month", "city"], "graph.metrics": ["n"] } }), at, answers: ({ series = 0 }) => (series ? twoMetrics : parted),
  });
  await page.getByRole("button", { name: "Show as table" }).click();
  await page.locator(".vz-grid").waitFor();
  const heads = (await page.locator(".vz-grid thead th").allTextContents()).map((text) => text.trim());
  assert.deepEqual(heads.slice(1), ["Revenue: Bern", "Revenue: Rome", "Both: Revenue", "Both: Orders", "Both: Revenue (2)", "Both: Orders (2)"]);
});

// ---- texts ----

const text = (id, fields) => ({ id, row: id, col: 0, width: 24, height: 2, settings: {}, ...fields });
const TEXTS = { type: "dashboard", cards: [
  text(1, { display: "text", settings: { text: "In {{cities}}, {{paid}}, since {{day}}, above {{amount}}: {{size}}[[ and {{none}}]]" } }),
  text(2, { display: "heading", settings: { text: "{{evil}} in {{year}}" } }),
  text(3, { display: "link", settings: { link: { url: "https://example.com/{{evil}}?d={{day}}", text: "To {{size}}" } } }),
  text(4, { display: "text", settings: { text: "{{evil}}" } }),
] };
const VALUES = [
  { slug: "cities", type: "category", multiple: true, value: ["Bern", "Oslo", "Rome"] }, { slug: "paid", type: "boolean", value: true }, { slug: "day", type: "date", value: "2026-03-09" },
  { slug: "amount", type: "number", value: 1234567.5 }, { slug: "year", type: "number", value: 2026 }, { slug: "size", type: "category", values: [["s", "Small"], ["l", "Large"]], value: "l" },
  { slug: "none", type: "text", value: null }, { slug: "evil", type: "text", value: "<img src=x> **b** [x](https://a.example) www.a.example {{day}} [[{{day}}]]\n# h" },
].map((parameter) => ({ name: parameter.slug, ...parameter }));

test("values stand in texts in the words of the viewer, and are neither markup nor names", async (t) => {
  const { page } = await openEmbed(t, drawings, browser, { content: TEXTS, at, more: { parameters: VALUES } });
  const evil = VALUES.at(-1).value;
  await until(async () => (await page.locator(".vz-text").count()) === 2);
  await page.locator(".vz-text p").first().waitFor();
  assert.equal(await page.locator(".vz-text").first().textContent(), "In Bern, Oslo, and Rome, Yes, since Mar 9, 2026, above 1,234,567.5: Large");
  assert.equal(await page.locator("h2.vz-heading").textContent(), `${evil} in 2026`);
  const link = page.locator("a.vz-link");
  assert.equal(await link.textContent(), "To Large");
  const url = new URL(await link.getAttribute("href"));
  assert.deepEqual([url.host, decodeURIComponent(url.pathname.slice(1)), url.search], ["example.com", evil, "?d=Mar%209%2C%202026"]);
  const last = page.locator(".vz-text").last();
  assert.equal(await last.textContent(), evil.replace(/\n/, " "));
  assert.equal(await last.locator("strong, a, img, h1, h2, br").count(), 0);
});
