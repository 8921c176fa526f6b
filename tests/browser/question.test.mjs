// The pages of questions and dashboards: they ask for answers beside the files that draw them, wait for slow ones, and
// survive errors.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Drawings, byMonth, byRegion, table } from "./drawings.mjs";
import { QUESTION as CONTENT, openEmbed, viewOf as view } from "./embeds.mjs";
import { launch, serious, until } from "./harness.mjs";

let drawings, browser;
before(async () => { [drawings, browser] = await Promise.all([Drawings.start(), launch()]); });
after(() => Promise.all([drawings?.stop(), browser?.close()]));
const open = (t, given) => openEmbed(t, drawings, browser, given);

const marks = (page) => page.locator(".vz-mark");

test("a question is asked for with the viewer's token, and drawn", async (t) => {
  const { page, asked, requests } = await open(t);
  await until(async () => (await marks(page).count()) === 12);
  assert.deepEqual(asked, [["POST", "/v1/query", { resource: { question: 7 }, parameters: {} }, "Bearer token"]]);
  // The drawing module is asked for before the answer is.
  for (const file of ["draw.js", "draw.css", "chart.js"]) assert.ok(requests.indexOf(file) >= 0, file);
  assert.ok(requests.indexOf("draw.js") < requests.indexOf("query"));
  assert.deepEqual(await serious(page, []), []);
  assert.equal(await page.locator("h1").textContent(), "Revenue");
});

test("a table needs no charts", async (t) => {
  const { page, requests } = await open(t, { content: { ...CONTENT, display: "table" }, answers: [table] });
  await page.getByText("Ann Example").waitFor();
  assert.ok(!requests.includes("chart.js") && !requests.includes("markdown.js"));
});

test("a slow answer is waited for under its handle", async (t) => {
  const { page, asked } = await open(t, { answers: [{ status: 202, body: { handle: "h/1", retry_after: 0 } }, { status: 202, body: { handle: "h/1", retry_after: 0 } }, byMonth] });
  await page.locator(".waits").waitFor();
  await until(async () => (await marks(page).count()) === 12);
  assert.deepEqual(asked.map(([method, path]) => [method, path]), [["POST", "/v1/query"], ["GET", "/v1/query/h%2F1"], ["GET", "/v1/query/h%2F1"]]);
});

test("a failed query says so with a reference, and is tried again by hand", async (t) => {
  const { page } = await open(t, { answers: [{ status: 400, body: { reason: "query_failed", message: "The query ran out of time.", request_id: "r-1" } }, byMonth] });
  await page.getByRole("alert").getByText("The query ran out of time.").waitFor();
  await page.getByText("Reference: r-1").waitFor();
  assert.deepEqual(await serious(page, []), []);
  await page.getByRole("button", { name: "Try again" }).click();
  await until(async () => (await marks(page).count()) === 12);
  assert.equal(await page.getByRole("alert").filter({ hasText: "time" }).count(), 0);
});

test("an error in another language does not show the developers' text", async (t) => {
  const { page } = await open(t, { answers: [{ status: 400, body: { reason: "query_failed", message: "Column secret." } }], behind: "#locale=de" });
  await page.getByRole("button", { name: "Erneut versuchen" }).waitFor();
  assert.ok(!(await page.locator("#content").textContent()).includes("secret"));
});

test("a change of theme or language draws again and asks nothing", async (t) => {
  const { page, asked } = await open(t);
  await until(async () => (await marks(page).count()) === 12);
  await page.evaluate(() => { location.hash = "#theme=night&locale=de"; });
  await page.locator(".vz-dark").getByText("Als Tabelle zeigen").waitFor();
  assert.equal(asked.length, 1);
});

test("a parameter of the viewer asks again, and an expired credential shows nothing new", async (t) => {
  const parameters = [{ slug: "city", name: "City", type: "text", value: null }];
  const answers = [byMonth, byRegion, { status: 401, body: { reason: "token_expired", message: "Expired." } }];
  const { page, asked } = await open(t, { answers, more: { parameters } });
  await until(async () => (await marks(page).count()) === 12);
  const field = page.getByLabel("City");
  await field.fill("Bern");
  await field.blur();
  await until(async () => (await marks(page).count()) === 4);
  assert.deepEqual(asked[1][2], { resource: { question: 7 }, parameters: { city: "Bern" } });
  await field.fill("Rome");
  await field.blur();
  await page.getByText("This embed has expired.").waitFor();
  assert.equal(await marks(page).count(), 4);
});

test("a drawing fills the window, and has a height to tell in any window", async (t) => {
  const { page } = await open(t);
  await until(async () => (await marks(page).count()) === 12);
  const height = () => page.locator(".vz-picture").evaluate((node) => node.getBoundingClientRect().height);
  const fits = () => page.evaluate(() => document.documentElement.scrollHeight <= innerHeight);
  const before = await height();
  assert.ok(await fits());
  await page.setViewportSize({ width: 900, height: 900 });
  await until(async () => (await height()) > before + 250);
  await page.setViewportSize({ width: 320, height: 480 });
  await until(async () => (await height()) < 400);
  assert.ok(await fits());
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
});

test("a question is drawn in a frame without an origin of its own", async (t) => {
  const { page } = await open(t, { at: "sandboxed", more: { frame_origins: ["*"] } });
  const frame = page.frameLocator("iframe");
  await until(async () => (await frame.locator(".vz-mark").count()) === 12);
  assert.equal(await page.frames()[1].evaluate(() => origin), "null");
});

// ---- dashboards ----

const place = (row, col) => ({ row, col, width: 12, height: 5 });
const DASHBOARD = { type: "dashboard", cards: [
  { id: 1, ...place(0, 0), display: "bar", settings: {}, title: "By month", parameters: { city: "city" } },
  { id: 2, ...place(0, 12), display: "scalar", settings: { "scalar.field": "revenue" }, title: "Revenue", parameters: {} },
  { id: 3, ...place(5, 0), display: "table", settings: {}, title: "Rows", parameters: { city: "town" } },
  { id: 4, row: 5, col: 12, width: 12, height: 2, text: "In **{{city}}**" },
] };
const onDashboard = { at: "embed/dashboard/token", content: DASHBOARD };

test("the cards of a dashboard are asked for at once, and fail alone", async (t) => {
  const { page, asked } = await open(t, { ...onDashboard, answers: ({ card }) => (card === 2 ? { status: 400, body: { reason: "query_failed", message: "No such thing." } } : byMonth) });
  await until(async () => (await marks(page).count()) === 12);
  assert.deepEqual(asked.map(([, , body]) => body), [1, 2, 3].map((card) => ({ resource: { dashboard: 7 }, card, parameters: {} })));
  const failed = page.getByRole("region", { name: "Revenue" });
  await failed.getByText("No such thing.").waitFor();
  assert.equal(await page.getByRole("region", { name: "Rows" }).locator("tbody tr").count(), 12);
  await failed.getByRole("button", { name: "Try again" }).click();
  await until(() => asked.length === 4);
  assert.equal(asked[3][2].card, 2);
  assert.deepEqual(await serious(page, []), []);
});

test("a parameter asks again for the cards that it reaches, and texts name it", async (t) => {
  const content = (request) => view(DASHBOARD, { parameters: [{ slug: "city", name: "City", type: "text", value: new URL(request.url()).searchParams.get("city") }] });
  const { page, asked } = await open(t, { ...onDashboard, content, answers: () => byMonth });
  await until(async () => (await marks(page).count()) === 12);
  assert.equal(asked.length, 3);
  await page.getByLabel("City").fill("Bern");
  await page.getByLabel("City").blur();
  await page.locator(".vz-text strong").getByText("Bern").waitFor();
  await until(() => asked.length === 5);
  assert.deepEqual(asked.slice(3).map(([, , { card, parameters }]) => [card, parameters]), [[1, { city: "Bern" }], [3, { city: "Bern" }]]);
  await page.evaluate(() => { location.hash = "#theme=night"; });
  await until(async () => (await page.locator(".vz-card .vz-dark").count()) === 4);
  assert.equal(asked.length, 5);
});

test("hostile rows and settings stay text", async (t) => {
  const hostile = "<img src=x onerror=\"document.title='pwned'\">";
  const columns = [{ name: "__proto__", type: "text", display_name: hostile }, { name: "n", type: "integer", display_name: hostile }];
  const { page } = await open(t, { content: { ...CONTENT, settings: { "graph.x_axis.title_text": hostile } }, answers: [{ columns, rows: [[hostile, 1]], truncated: false }] });
  await until(async () => (await marks(page).count()) === 1);
  assert.equal(await page.locator("#content :is(img, script)").count(), 0);
  assert.notEqual(await page.title(), "pwned");
});
