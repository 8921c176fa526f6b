// Downloads of cards: files from the server, and pictures that the page makes.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { Drawings, byMonth, table, twoMetrics } from "./drawings.mjs";
import { QUESTION, framed, hostEvents, openEmbed, viewOf } from "./embeds.mjs";
import { launch, serious, until } from "./harness.mjs";

let drawings, browser;
before(async () => { [drawings, browser] = await Promise.all([Drawings.start(), launch()]); });
after(() => Promise.all([drawings?.stop(), browser?.close()]));

const DASHBOARD = { type: "dashboard", cards: [
  { id: 1, row: 0, col: 0, width: 12, height: 6, display: "line", settings: { "graph.dimensions": ["month"], "graph.metrics": ["revenue", "orders"] }, title: "By month" },
  { id: 2, row: 0, col: 12, width: 12, height: 6, display: "table", settings: {}, title: "Rows" },
  { id: 3, row: 6, col: 0, width: 6, height: 3, display: "scalar", settings: { "scalar.field": "revenue" } },
  { id: 4, row: 6, col: 6, width: 18, height: 2, text: "A text" },
] };
const ALLOWED = { downloads: true };
const EXPIRED = { status: 401, body: { reason: "token_expired", message: "Expired." } };
const fileOr = (answer) => (body, path) => (path.includes("format=") ? { file: `file of ${path} ${JSON.stringify(body)}`, name: "Größe & mehr.csv" } : answer);

async function open(t, given = {}) {
  const opened = await openEmbed(t, drawings, browser, { more: ALLOWED, answers: fileOr(byMonth), ...given });
  const { page } = opened;
  if (!given.at) await page.locator(".vz-mark, .vz-grid, .vz-figure").first().waitFor();
  const menu = (name = "Revenue") => page.getByRole("button", { name: `Download ${name}` });
  const save = async (format, name) => {
    await menu(name).click();
    const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem", { name: format }).click()]);
    return { name: download.suggestedFilename(), body: await readFile(await download.path()) };
  };
  return { ...opened, menu, save };
}

test("a question is saved in each format, with the viewer's token and values", async (t) => {
  const { asked, save, requests } = await open(t, { more: { ...ALLOWED, parameters: [{ slug: "city", name: "City", type: "text", value: "Bern" }] }, behind: "?city=Bern" });
  assert.ok(!requests.includes("menu.js"), "its file is loaded when it is used");
  for (const [item, format] of [["CSV", "csv"], ["Excel (XLSX)", "xlsx"], ["JSON", "json"]]) {
    const { name, body } = await save(item);
    assert.equal(name, "Größe & mehr.csv");
    const question = { resource: { question: 7 }, parameters: { city: "Bern" } };
    assert.deepEqual(asked.at(-1), ["POST", `/v1/query?format=${format}`, question, "Bearer token"]);
    assert.equal(body.toString(), `file of /v1/query?format=${format} ${JSON.stringify(question)}`);
  }
});

test("each card has a menu of its own, and texts have none", async (t) => {
  const { page, asked, save } = await open(t, { content: DASHBOARD });
  await page.locator(".vz-figure").waitFor();
  assert.deepEqual(await page.getByRole("button", { name: /^Download/ }).evaluateAll((nodes) => nodes.map(({ ariaLabel }) => ariaLabel).sort()), ["Download By month", "Download Revenue", "Download Rows"]);
  await save("CSV", "Rows");
  assert.deepEqual(asked.at(-1)[2], { resource: { dashboard: 7 }, parameters: {}, card: 2 });
  assert.deepEqual(await serious(page, []), []);
});

test("the menu is used with the keyboard", async (t) => {
  const { page, menu } = await open(t, { content: { ...QUESTION, display: "table" }, answers: fileOr(table) });
  await menu().focus();
  await page.keyboard.press("Enter");
  await page.getByRole("menu", { name: "Download Revenue" }).waitFor();
  const focused = () => page.evaluate(() => document.activeElement.textContent);
  assert.deepEqual(await page.getByRole("menuitem").allTextContents(), ["CSV", "Excel (XLSX)", "JSON"], "a table has no picture");
  assert.equal(await menu().getAttribute("aria-expanded"), "true");
  assert.deepEqual(await serious(page, []), []);
  const walked = [await focused()];
  for (const key of ["ArrowDown", "End", "ArrowDown", "ArrowUp", "Home", "e"]) {
    await page.keyboard.press(key);
    walked.push(await focused());
  }
  assert.deepEqual(walked, ["CSV", "Excel (XLSX)", "JSON", "CSV", "JSON", "CSV", "Excel (XLSX)"]);
  await page.keyboard.press("Escape");
  assert.equal(await page.getByRole("menu").count(), 0);
  assert.ok(await menu().evaluate((node) => node === document.activeElement));
  await page.keyboard.press("Enter");
  await page.getByRole("menu").waitFor();
  const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("Enter")]);
  assert.equal(download.suggestedFilename(), "Größe & mehr.csv");
  await menu().click();
  await page.getByRole("menu").waitFor();
  await page.mouse.click(5, 5);
  assert.equal(await page.getByRole("menu").count(), 0);
});

test("nothing is offered where the resource or the host allows no downloads", async (t) => {
  for (const [more, behind] of [[{ downloads: false }, ""], [{}, ""], [ALLOWED, "#downloads=false"], [ALLOWED, "?hide_download_button=true"]]) {
    const { page } = await open(t, { more, behind });
    assert.equal(await page.getByRole("button", { name: /^Download/ }).count(), 0, `${JSON.stringify(more)} ${behind}`);
  }
});

test("a permission that a refresh takes away or gives is followed", async (t) => {
  let downloads = true;
  const { page, menu } = await open(t, { content: () => viewOf(QUESTION, { downloads }) });
  await menu().waitFor();
  downloads = false;
  await page.evaluate(() => { location.hash = "#refresh=5"; });
  await until(async () => (await menu().count()) === 0, () => "", 9000);
  downloads = true;
  await until(async () => (await menu().count()) === 1, () => "", 9000);
});

// ---- pictures ----

for (const theme of ["light", "dark"]) {
  test(`the picture of a chart has its title, legend and marks in the colours of the page: ${theme}`, async (t) => {
    const { page, save } = await open(t, { content: DASHBOARD, answers: fileOr(twoMetrics), behind: `#theme=${theme}` });
    await page.locator(".vz-legend").waitFor();
    const { name, body } = await save("Image (SVG)", "By month");
    assert.equal(name, "By month.svg");
    const text = body.toString();
    const plain = text.replace(/<[^>]*>/g, "|");
    for (const shown of ["By month", "Revenue", "Orders"]) assert.ok(plain.includes(`|${shown}|`), shown);
    assert.ok(!/class=|style=|var\(|<script|color-mix|javascript:/.test(text));
    const colors = await page.$$eval(".vz-legend .vz-mark", (nodes) => nodes.map((node) => getComputedStyle(node).fill.match(/\d+/g).map((part) => (+part).toString(16).padStart(2, "0")).join("")));
    assert.equal(colors.length, 2);
    for (const color of colors) assert.ok(text.includes(`#${color}`), color);
    assert.equal((text.match(/<path[^>]*stroke="#/g) ?? []).length >= 2, true);
    const image = await save("Image (PNG)", "By month");
    assert.equal(image.name, "By month.png");
    assert.deepEqual([...image.body.subarray(1, 4)].map((code) => String.fromCharCode(code)).join(""), "PNG");
    const [wide, high] = [image.body.readUInt32BE(16), image.body.readUInt32BE(20)];
    const [, width, height] = /^<svg[^>]* width="([\d.]+)" height="([\d.]+)"/.exec(text);
    assert.deepEqual([wide, high], [Math.round(width * 2), Math.round(height * 2)]);
    // More than paper is on it.
    assert.ok(image.body.length > 6000, `${image.body.length} bytes`);
    if (process.env.SHOTS) await import("node:fs").then(({ writeFileSync }) => writeFileSync(`${process.env.SHOTS}/picture-${theme}.png`, image.body));
  });
}

test("a picture shows the series that are shown, from right to left as well", async (t) => {
  const { page, save } = await open(t, { content: DASHBOARD, answers: fileOr(twoMetrics), behind: "#locale=ar" });
  await page.locator(".vz-legend button").nth(1).click();
  const { body } = await save("Image (SVG)", "By month");
  const plain = body.toString().replace(/<[^>]*>/g, "|");
  assert.ok(plain.includes("|Revenue|"));
  assert.ok(!plain.includes("|Orders|"));
});

test("hostile titles and values stay text in a picture", async (t) => {
  const hostile = "<script>alert(1)</script>";
  const columns = [{ name: "a", type: "text", display_name: hostile }, { name: "n", type: "integer", display_name: hostile }];
  const answer = { columns, rows: [[hostile, 1]], truncated: false };
  const { page, save, menu } = await open(t, { content: () => viewOf(QUESTION, { ...ALLOWED, resource: { kind: "question", id: 7, title: `../${hostile}` } }), answers: fileOr(answer) });
  assert.equal(await menu(`../${hostile}`).count(), 1);
  const { name, body } = await save("Image (SVG)", `../${hostile}`);
  assert.ok(!/[/\\<>]/.test(name), name);
  assert.ok(!body.toString().includes("<script"));
  assert.notEqual(await page.title(), "pwned");
});

// ---- credentials ----

test("an expired credential downloads nothing until it is renewed", async (t) => {
  let isExpired = true;
  const answers = (body, path) => (path.includes("format=") ? (isExpired ? EXPIRED : { file: "a,b", name: "a.csv" }) : byMonth);
  const { page, asked, menu } = await open(t, { at: "hosted/question", answers });
  await page.waitForFunction(() => globalThis.ready);
  await page.evaluate(() => start({ src: "/embed/question/a.b.c" }));
  const frame = framed(page);
  await frame.locator(".vz-mark").first().waitFor();
  const downloads = [];
  page.on("download", (download) => downloads.push(download.suggestedFilename()));
  await frame.getByRole("button", { name: "Download Revenue" }).click();
  await frame.getByRole("menuitem", { name: "CSV" }).click();
  await frame.getByText("This embed has expired.").waitFor();
  // Another one, which is not even asked for, and a picture.
  for (const item of ["JSON", "Image (SVG)"]) {
    await frame.getByRole("button", { name: "Download Revenue" }).click();
    await frame.getByRole("menuitem", { name: item }).click();
  }
  await page.waitForTimeout(500);
  assert.deepEqual(downloads, []);
  assert.equal(asked.filter(([, path]) => path.includes("format=")).length, 1);
  isExpired = false;
  await page.evaluate(() => embed.update({ src: "/embed/question/a.b.d" }));
  await until(() => downloads.length === 3, () => downloads);
  assert.deepEqual(downloads.sort(), ["Revenue.svg", "a.csv", "a.csv"]);
  assert.ok(asked.filter(([, path]) => path.includes("format=")).slice(1).every(([, , , credential]) => credential === "Bearer a.b.d"));
  assert.equal(await menu().count(), 0);
});

test("a refused file says so, and is not saved", async (t) => {
  const answers = (body, path) => (path.includes("format=") ? { status: 403, body: { reason: "downloads_disabled", message: "This cannot be downloaded." } } : byMonth);
  const { page, menu } = await open(t, { answers });
  let count = 0;
  page.on("download", () => { count += 1; });
  await menu().click();
  await page.getByRole("menuitem", { name: "CSV" }).click();
  await page.getByRole("alert").getByText("This cannot be downloaded.").waitFor();
  assert.equal(count, 0);
  assert.equal(await page.locator(".vz-mark").count(), 12);
});

// ---- the host script ----

test("the host script saves cards, and hears what went wrong", async (t) => {
  const { page } = await open(t, { content: DASHBOARD, at: "hosted/dashboard" });
  await page.waitForFunction(() => globalThis.ready);
  await page.evaluate(() => start());
  await framed(page).locator(".vz-figure").waitFor();
  await framed(page).locator(".vz-picture").waitFor();
  const [csv] = await Promise.all([page.waitForEvent("download"), page.evaluate(() => embed.download(2, "csv"))]);
  assert.match(await readFile(await csv.path(), "utf8"), /"card":2/);
  const [svg] = await Promise.all([page.waitForEvent("download"), page.evaluate(() => embed.download(1, "svg"))]);
  assert.equal(svg.suggestedFilename(), "By month.svg");
  await page.evaluate(() => { embed.download(2, "png"); embed.download(99, "csv"); });
  const errors = () => hostEvents(page, "error");
  await until(async () => (await errors()).length === 2, errors);
  assert.deepEqual((await errors()).map(({ reason }) => reason).sort(), ["card_not_found", "format_unavailable"]);
  assert.match(await page.evaluate(() => { try { embed.download(1, "exe"); return "nothing"; } catch (problem) { return problem.message; } }), /unknown format exe/);
  assert.deepEqual((await hostEvents(page, "download")).map(({ name }) => name), ["Größe & mehr.csv", "By month.svg"]);
});

test("the host script saves nothing where downloads are not allowed", async (t) => {
  const { page, asked } = await open(t, { at: "hosted/question", more: { downloads: false } });
  await page.waitForFunction(() => globalThis.ready);
  await page.evaluate(() => start());
  await framed(page).locator(".vz-mark").first().waitFor();
  let count = 0;
  page.on("download", () => { count += 1; });
  await page.evaluate(() => { for (const format of ["csv", "png"]) embed.download(null, format); });
  await until(async () => (await hostEvents(page, "error")).length === 2);
  assert.deepEqual((await hostEvents(page, "error")).map(({ reason }) => reason), ["downloads_disabled", "downloads_disabled"]);
  assert.equal(count, 0);
  assert.equal(asked.length, 1);
});

test("the host receives the rows that cards show, if it asks for them", async (t) => {
  const failing = (body) => (body.card === 2 ? { status: 400, body: { reason: "query_failed", message: "No such thing.", request_id: "r-1" } } : byMonth);
  const { page } = await open(t, { content: DASHBOARD, at: "hosted/dashboard", answers: failing });
  await page.waitForFunction(() => globalThis.ready);
  await page.evaluate(() => {
    globalThis.messages = [];
    addEventListener("message", ({ data }) => messages.push(data?.type));
    start();
  });
  await until(async () => (await hostEvents(page, "card-failed")).length === 1 && (await hostEvents(page, "card-loaded")).length === 2);
  assert.deepEqual((await hostEvents(page, "card-failed"))[0], { type: "card-failed", card: 2, title: "Rows", reason: "query_failed", message: "No such thing.", request_id: "r-1" });
  assert.deepEqual((await hostEvents(page, "card-loaded")).map(({ card, title, rows }) => [card, title, rows]).sort(), [[1, "By month", 12], [3, "Revenue", 12]]);
  assert.ok(!(await page.evaluate(() => messages)).includes("data"), "nobody asked");
  await page.evaluate(() => {
    globalThis.data = [];
    globalThis.off = embed.onData((given) => data.push(given));
  });
  await until(() => page.evaluate(() => data.length === 2));
  const [first] = (await page.evaluate(() => data)).sort((one, other) => one.card - other.card);
  assert.deepEqual([first.card, first.title, first.columns, first.rows, first.truncated], [1, "By month", byMonth.columns, byMonth.rows, false]);
  await page.evaluate(() => embed.refresh());
  await until(() => page.evaluate(() => data.length === 4));
  await page.evaluate(() => { off(); embed.refresh(); });
  await until(async () => (await hostEvents(page, "card-loaded")).length === 6);
  assert.equal(await page.evaluate(() => data.length), 4);
});
