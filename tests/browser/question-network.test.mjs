// The wait until a question and a dashboard show their figures: sequential round trips, bytes on the wire, and that nothing blocks on
// the slowest card. The question is answered by the query engine.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Drawings, byMonth } from "./drawings.mjs";
import { openEmbed } from "./embeds.mjs";
import { Host, Product, framing, launch, until } from "./harness.mjs";
import { SlowProxy, bytesOf, longestChain, watchNetwork } from "./network.mjs";

const ROUND_TRIPS = 4;
const BYTES = 45_000;

let product, host, browser, drawings;
before(async () => {
  [product, host, browser, drawings] = await Promise.all([Product.run("--set", "AllowedOrigins=*"), Host.start(), launch(), Drawings.start()]);
  const query = (sql) => ({ sql, tags: { region: { type: "text" } } });
  const parameters = [{ slug: "region", name: "Region", type: "category", values: [["amer", "Americas"], ["emea", "EMEA"]] }];
  const publish = (id, display, sql) => product.publish(`question/${id}`, {
    title: "Revenue by month", allow_downloads: true, content: { type: "question", query: query(sql), display, settings: {} }, parameters, embedding_params: { region: "enabled" },
  });
  await publish(801, "bar", "select date_trunc('month', day) as month, sum(amount) as revenue from orders [[where region = {{region}}]] group by 1 order by 1");
  await publish(802, "scalar", "select sum(amount) as revenue from orders [[where region = {{region}}]]");
});
after(() => Promise.all([product, host, browser, drawings].map((one) => one?.stop?.() ?? one?.close?.())));

const describe = (requests) => requests.map(({ path, start, end, bytes }) => `${Math.round(start - requests[0].start)}-${Math.round(end - requests[0].start)} ms ${bytes} bytes ${path.slice(0, 60)}`).join("\n");

for (const [id, shown] of [[801, ".vz-mark"], [802, ".vz-figure"]]) {
  test(`question ${id} shows its figure after ${ROUND_TRIPS} sequential round trips and ${BYTES} bytes`, async (t) => {
    const proxy = await SlowProxy.start(product.base);
    t.after(() => proxy.stop());
    const own = await browser.newContext();
    t.after(() => own.close());
    const page = await own.newPage();
    const requests = watchNetwork(page, proxy.base);
    host.pages["/"] = framing(`${proxy.base}/embed/question/${product.sign({ resource: { question: id } })}`);
    await page.goto(host.origin);
    await page.frameLocator("#embed").locator(shown).first().waitFor();
    const found = await requests();
    t.diagnostic(`\n${bytesOf(found)} bytes\n${describe(found)}`);
    assert.ok(found.some(({ path }) => path === "/v1/query"));
    assert.ok(longestChain(found).length <= ROUND_TRIPS, describe(longestChain(found)));
    assert.ok(bytesOf(found) <= BYTES, `${bytesOf(found)} bytes\n${describe(found)}`);
  });
}

test("a dashboard of 8 cards asks for all of them at once, and none waits for the slowest", async (t) => {
  const cards = Array.from({ length: 8 }, (_, index) => ({ id: index + 1, row: 4 * Math.floor(index / 4), col: 6 * (index % 4), width: 6, height: 4, display: "bar", settings: {}, title: `Card ${index + 1}` }));
  let release;
  const held = new Promise((go) => { release = go; });
  const answers = async ({ card }) => {
    if (card === 3) await held;
    return byMonth;
  };
  const { page, asked } = await openEmbed(t, drawings, browser, { content: { type: "dashboard", cards }, answers });
  await until(async () => (await page.locator(".vz-card:has(.vz-mark)").count()) === 7);
  assert.deepEqual(asked.map(([, , { card }]) => card), [1, 2, 3, 4, 5, 6, 7, 8]);
  assert.equal(await page.getByRole("region", { name: "Card 3" }).getAttribute("aria-busy"), "true");
  release();
  await until(async () => (await page.locator(".vz-card:has(.vz-mark)").count()) === 8);
});

test("cards are asked for before any is answered", async (t) => {
  const cards = Array.from({ length: 8 }, (_, index) => ({ id: index + 1, row: index, col: 0, width: 24, height: 4, display: "table", settings: {}, title: `Card ${index + 1}` }));
  const waiting = [];
  const { page, asked } = await openEmbed(t, drawings, browser, { content: { type: "dashboard", cards }, answers: () => new Promise((go) => { waiting.push(go); }) });
  await until(() => asked.length === 8);
  assert.equal(await page.locator(".vz-grid").count(), 0);
  waiting.forEach((go) => go(byMonth));
  await until(async () => (await page.locator(".vz-grid").count()) === 8);
});
