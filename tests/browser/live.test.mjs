// Questions that the query engine answers: what is saved is what is drawn, under the same locked values and for the same viewer.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { cells } from "./drawings.mjs";
import { Host, Product, framing, launch, until } from "./harness.mjs";

let product, host, browser;

before(async () => {
  [host, browser] = await Promise.all([Host.start(), launch()]);
  product = await Product.run("--set", `AllowedOrigins=${host.origin}`);
  const publish = (id, title, sql, tags, more) => product.publish(`question/${id}`, {
    title, allow_downloads: true, content: { type: "question", query: { sql, tags }, display: "table", settings: {} }, ...more,
  });
  const [region, status, day] = [{ type: "text" }, { type: "text" }, { type: "dimension", dimension: { table: "orders", column: "day" }, widget_type: "date/all-options" }];
  await publish(901, "Orders by city", "select city, count(*) as orders, cast(sum(amount) as bigint) as revenue from orders where region = {{region}} [[and status = {{status}}]] [[and {{day}}]] group by 1 order by 1", { region, status, day }, {
    parameters: [{ slug: "region", name: "Region", type: "text" }, { slug: "status", name: "Status", type: "text" }, { slug: "day", name: "Day", type: "date/all-options" }],
    embedding_params: { region: "locked", status: "enabled", day: "enabled" },
  });
  await publish(902, "All orders", "select a.*, b.id as other from orders a join orders b on b.id % 5000 = a.id % 5000 where a.region = {{region}} order by a.id, b.id", { region }, {
    parameters: [{ slug: "region", name: "Region", type: "text" }], embedding_params: { region: "locked" },
  });
  await publish(903, "Nothing to save", "select count(*) as n from orders where region = {{region}}", { region }, {
    allow_downloads: false, parameters: [{ slug: "region", name: "Region", type: "text" }], embedding_params: { region: "locked" },
  });
  const dimension = (column, widget_type) => ({ type: "dimension", dimension: { table: "orders", column }, widget_type });
  const tags = { region: dimension("region", "string/="), city: dimension("city", "string/=") };
  await product.publish("dashboard/910", {
    title: "Orders", allow_downloads: true, parameters: [{ slug: "region", name: "Region", type: "text" }, { slug: "city", name: "City", type: "category", multiple: true }],
    embedding_params: { region: "locked", city: "enabled" },
    content: { type: "dashboard", cards: [
      { id: 1, row: 0, col: 0, width: 12, height: 6, title: "By city", display: "table", query: { sql: "select city, count(*) as orders from orders where {{region}} [[and {{city}}]] group by 1 order by 1", tags } },
      { id: 2, row: 0, col: 12, width: 12, height: 6, title: "By month", display: "bar", query: { sql: "select date_trunc('month', day) as month, count(*) as orders from orders where {{region}} [[and {{city}}]] group by 1 order by 1", tags } },
      { id: 3, row: 6, col: 0, width: 24, height: 2, text: "Orders of **{{city}}**" },
    ] },
  });
});

after(() => Promise.all([product, host, browser].map((one) => one?.stop?.() ?? one?.close?.())));

const path = (id, claims = {}) => `${product.base}/embed/question/${product.sign({ resource: { question: id }, params: { region: "emea" }, ...claims })}`;

async function open(t, url, ready = ".vz-grid tbody td") {
  const own = await browser.newContext();
  t.after(() => own.close());
  const page = await own.newPage();
  const problems = [];
  page.on("console", (message) => { if (/Content Security Policy/.test(message.text())) problems.push(message.text()); });
  t.after(() => assert.deepEqual(problems, []));
  host.pages["/"] = framing(url);
  await page.goto(host.origin);
  const frame = page.frames().find((one) => one.url().startsWith(product.base)) ?? page.frames()[1];
  await page.frameLocator("#embed").locator(ready).first().waitFor();
  const inner = page.frameLocator("#embed");
  const save = async (item) => {
    await inner.getByRole("button", { name: /^Download/ }).click();
    const [download] = await Promise.all([page.waitForEvent("download"), inner.getByRole("menuitem", { name: item }).click()]);
    return { name: download.suggestedFilename(), body: await readFile(await download.path()) };
  };
  return { page, frame: page.frames()[1] ?? frame, inner, save };
}

const plain = (text) => text.replace(/[,$]/g, "").replace(/\.00$/, "");
const drawn = async (frame) => (await cells(frame)).map((row) => row.map(plain));
const fromCsv = (body) => body.toString().trim().split(/\r?\n/).slice(1).map((line) => line.split(",").map(plain));

test("a file has the rows that the table shows, for the same values", async (t) => {
  const { frame, inner, save } = await open(t, path(901));
  const before = await drawn(frame);
  assert.deepEqual(before.map(([city]) => city), ["Berlin", "Lisbon"]);
  const csv = await save("CSV");
  assert.equal(csv.name, "Orders by city.csv");
  assert.deepEqual(fromCsv(csv.body), before);
  const json = JSON.parse((await save("JSON")).body.toString());
  assert.deepEqual(json.map((row) => Object.values(row).map((value) => plain(String(value)))), before);
  const xlsx = await save("Excel (XLSX)");
  assert.equal(xlsx.name, "Orders by city.xlsx");
  assert.equal(xlsx.body.subarray(0, 2).toString(), "PK");
  await inner.getByLabel("Status").fill("late");
  await inner.getByLabel("Status").press("Enter");
  await until(async () => JSON.stringify(await drawn(frame)) !== JSON.stringify(before));
  const late = await drawn(frame);
  assert.ok(+late[0][1] < +before[0][1]);
  assert.deepEqual(fromCsv((await save("CSV")).body), late);
});

test("ranges that the page offers are ranges of the server", async (t) => {
  const { page, inner } = await open(t, path(901));
  const refused = [];
  const answered = [];
  page.on("response", (response) => {
    if (!response.url().includes("/v1/view") && !response.url().includes("/v1/query")) return;
    if (response.status() >= 400) refused.push(response.url());
    else if (response.url().includes("/v1/query")) answered.push(response.request().postDataJSON().parameters.day);
  });
  const range = inner.getByLabel("Day");
  const values = await range.locator("option").evaluateAll((options) => options.map(({ value }) => value).filter((value) => value && value !== "between"));
  assert.equal(values.length, 14);
  for (const value of values) {
    await range.selectOption(value);
    await until(() => answered.at(-1) === value, () => [value, answered, refused]);
  }
  assert.deepEqual(refused, []);
});

test("a locked value is moved neither by the address nor by messages, in the table and in the file", async (t) => {
  const { page, frame, inner, save } = await open(t, `${path(901)}?region=amer#region=apac`);
  const cities = async () => (await drawn(frame)).map(([city]) => city);
  assert.deepEqual(await cities(), ["Berlin", "Lisbon"]);
  assert.equal(await inner.getByLabel("Region").count(), 0);
  await page.evaluate((origin) => {
    for (const type of ["params", "parameters", "filters"]) document.getElementById("embed").contentWindow.postMessage({ source: "vitrine-host", type, value: { region: "amer", status: "late" } }, origin);
  }, product.base);
  await until(async () => (await inner.getByLabel("Status").inputValue()) === "late");
  await until(async () => (await page.evaluate(() => globalThis.received.filter(({ data }) => data.type === "card-loaded").length)) >= 2);
  assert.deepEqual(await cities(), ["Berlin", "Lisbon"]);
  assert.deepEqual(fromCsv((await save("CSV")).body).map(([city]) => city), ["Berlin", "Lisbon"]);
});

test("a file that is too large for an answer is saved as well", async (t) => {
  const { save } = await open(t, path(902));
  const { body } = await save("CSV");
  assert.ok(body.length > 3_000_000, `${body.length} bytes`);
  const rows = fromCsv(body);
  assert.ok(rows.length > 2000 && rows.every((row) => row[3] === "emea"), `${rows.length} rows`);
});

test("a dashboard's cards share the viewer's choice, offer the values that he may see, and are saved one by one", async (t) => {
  const { page, frame, inner } = await open(t, path(910, { resource: { dashboard: 910 } }).replace("/question/", "/dashboard/"));
  assert.deepEqual((await drawn(frame)).map(([city]) => city), ["Berlin", "Lisbon"]);
  await inner.getByRole("button", { name: "City: Any" }).click();
  await inner.getByRole("option", { name: "Lisbon" }).waitFor();
  assert.deepEqual(await inner.getByRole("option").allTextContents(), ["Berlin", "Lisbon"], "those of the locked region");
  await inner.getByRole("combobox").fill("lis");
  await until(async () => (await inner.getByRole("option").count()) < 3 && (await inner.getByRole("option").first().textContent()) === "Lisbon");
  await inner.getByRole("option").first().click();
  await inner.getByRole("combobox").press("Escape");
  await until(async () => (await drawn(frame)).length === 1);
  const [[city, orders]] = await drawn(frame);
  assert.equal(city, "Lisbon");
  await inner.locator(".vz-text strong").getByText("Lisbon").waitFor();
  await inner.getByRole("button", { name: "Download By city" }).click();
  const [download] = await Promise.all([page.waitForEvent("download"), inner.getByRole("menuitem", { name: "CSV" }).click()]);
  assert.deepEqual(fromCsv(await readFile(await download.path())), [["Lisbon", orders]]);
  await inner.getByRole("button", { name: "Download By month" }).click();
  const [months] = await Promise.all([page.waitForEvent("download"), inner.getByRole("menuitem", { name: "CSV" }).click()]);
  const sum = fromCsv(await readFile(await months.path())).reduce((sum, [, count]) => sum + +count, 0);
  assert.equal(String(sum), orders);
});

test("where downloads are not allowed, there is no menu, and the server refuses", async (t) => {
  const { inner } = await open(t, path(903));
  assert.equal(await inner.getByRole("button", { name: /^Download/ }).count(), 0);
  const token = product.sign({ resource: { question: 903 }, params: { region: "emea" } });
  const answer = await fetch(`${product.base}/v1/query?format=csv`, { method: "POST", headers: { authorization: `Bearer ${token}`, "content-type": "application/json" }, body: "{}" });
  assert.equal(answer.status, 403);
});

const CARD = { id: 1, row: 0, col: 0, width: 24, height: 6, title: "Amounts", display: "table",
  query: { sql: "select timestamp '2024-12-31 23:30:00' as at, 1234567.5 as amount, current_date as today from orders limit 1", tags: {} } };

async function withSettings(t, settings, behind = "") {
  const dashboard = await product.publish("dashboard/920", { title: "Settings", allow_downloads: true, content: { type: "dashboard", cards: [CARD] } });
  const session = await product.generate({ externalId: "ann", settings });
  return open(t, `${product.base}/embed/d/1/dashboard/${dashboard.public_id}?session=${session}&allowExport=true${behind}`);
}
const scheme = (inner) => inner.locator("html").getAttribute("data-theme");

test("a session's settings are those of a live dashboard: language and numbers, scheme, files", async (t) => {
  const plain = await withSettings(t, {});
  assert.equal(await plain.inner.getByRole("button", { name: "Download Amounts" }).count(), 1);
  assert.equal(await scheme(plain.inner), "light");
  assert.match((await cells(plain.frame))[0][1], /1,234,567\.5/);
  const set = await withSettings(t, { locale: "de", theme: "dark", allowExport: true });
  assert.equal(await set.inner.getByRole("button", { name: /^Amounts herunterladen|Amounts/ }).count(), 1);
  assert.equal(await scheme(set.inner), "dark");
  assert.match((await cells(set.frame))[0][1], /1\.234\.567,5/);
  assert.match((await cells(set.frame))[0][0], /Dez/);
  const over = await withSettings(t, { locale: "de", theme: "dark" }, "&theme=light&locale=en");
  assert.equal(await scheme(over.inner), "light");
  assert.match((await cells(over.frame))[0][1], /1,234,567\.5/);
});

test("a session's time zone is that of the times and of today on a live dashboard", async (t) => {
  const seen = async (settings, behind) => (await cells((await withSettings(t, settings, behind)).frame))[0];
  const [utc] = await seen({});
  assert.match(utc, /Dec(ember)? 31, 2024, 11:30 PM/);
  const [tokyo] = await seen({ timezone: "Asia/Tokyo" });
  assert.match(tokyo, /Jan(uary)? 1, 2025, 8:30 AM/);
  const [german] = await seen({ timezone: "Asia/Tokyo", locale: "de" });
  assert.match(german, /1\. Jan\S* 2025, 8:30/);
  assert.equal((await seen({ timezone: "Asia/Tokyo" }, "&timezone=UTC"))[0], utc, "the address goes before the session");
  // 25 hours lie between these zones, so it is never the same day in both.
  const [, , first] = await seen({ timezone: "Pacific/Kiritimati" });
  const [, , last] = await seen({ timezone: "Pacific/Pago_Pago" });
  assert.notEqual(first, last);
});

test("a session that keeps files from its viewer has no menu, and the server refuses", async (t) => {
  const { page, inner } = await withSettings(t, { allowExport: false });
  assert.equal(await inner.getByRole("button", { name: /Amounts/ }).count(), 0);
  const sent = page.waitForRequest((request) => request.url().endsWith("/v1/query"));
  await page.evaluate((origin) => document.getElementById("embed").contentWindow.postMessage({ source: "vitrine-host", type: "refresh" }, origin), product.base);
  const { authorization } = await (await sent).allHeaders();
  const body = JSON.stringify({ resource: { dashboard: 920 }, card: 1 });
  const answer = await fetch(`${product.base}/v1/query?format=csv`, { method: "POST", headers: { authorization, "content-type": "application/json" }, body });
  assert.deepEqual([answer.status, (await answer.json()).reason], [403, "downloads_disabled"]);
});
