// The wait until the content is visible: sequential round trips, and bytes on the wire.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { Host, Product, framing, launch, until, waitForMessage } from "./harness.mjs";
import { SlowProxy, bytesOf, longestChain, watchNetwork } from "./network.mjs";

const ROUND_TRIPS = 3;
const BYTES = 22_000;
// Without its script, which asks for figures once the content is visible.
const CONTENT = (await readFile(new URL("revenue.html", import.meta.url), "utf8"))
  .replace(/<script>[^]*<\/script>/, "");

let product, host, browser, dashboard;

before(async () => {
  [product, host, browser] = await Promise.all([Product.start("AllowedOrigins=*"), Host.start(), launch()]);
  const parameters = [{ slug: "region", name: "Region", type: "category", values: [["amer", "Americas"], ["emea", "EMEA"]] }];
  dashboard = await product.publish("dashboard/1", {
    content: { type: "html", html: `${CONTENT}<p id="probe">visible</p>` }, parameters, embedding_params: { region: "enabled" },
  });
});

after(() => Promise.all([product, host, browser].map((one) => one?.stop?.() ?? one?.close?.())));

async function newPage(t) {
  const own = await browser.newContext(); // with a cache of its own
  t.after(() => own.close());
  return own.newPage();
}

// Loads an embed through a slow network until its content is visible, and returns the requests that it took.
async function load(t, path, options) {
  const proxy = await SlowProxy.start(product.base, options);
  t.after(() => proxy.stop());
  const page = await newPage(t);
  const requests = watchNetwork(page, proxy.base);
  host.pages["/"] = framing(proxy.base + path);
  await page.goto(host.origin);
  await page.frameLocator("#embed").frameLocator("#content iframe").locator("#probe").waitFor();
  return requests();
}

const signed = (claims) => `/embed/dashboard/${product.sign({ resource: { dashboard: 1 }, ...claims })}`;
const describe = (requests) => requests.map(({ path, start, end, bytes, encoding }) =>
  `${Math.round(start - requests[0].start)}-${Math.round(end - requests[0].start)} ms ${bytes} bytes ${encoding ?? "plain"} ${path.slice(0, 40)}`).join("\n");

test(`the content is visible after ${ROUND_TRIPS} sequential round trips and ${BYTES} bytes`, async (t) => {
  const requests = await load(t, signed());
  t.diagnostic(`\n${describe(requests)}`);
  assert.equal(requests.length, 5, describe(requests));
  assert.ok(longestChain(requests).length <= ROUND_TRIPS, describe(longestChain(requests)));
  assert.ok(bytesOf(requests) <= BYTES, `${bytesOf(requests)} bytes\n${describe(requests)}`);
  for (const { path, encoding } of requests) {
    if (path.startsWith("/embed/")) assert.equal(encoding, "br", path);
  }
});

test("a session that is exchanged first takes one round trip more", async (t) => {
  const session = await product.generate();
  const requests = await load(t, `/embed/dashboard/${dashboard.public_id}?session=${session}`);
  assert.ok(longestChain(requests).length <= ROUND_TRIPS + 1, describe(requests));
  assert.ok(bytesOf(requests) <= BYTES, describe(requests));
});

test("the count of bytes sees that files are not compressed", async (t) => {
  const requests = await load(t, signed(), { change: (headers) => { delete headers["accept-encoding"]; } });
  assert.deepEqual(requests.map(({ encoding }) => encoding), Array(5).fill(undefined));
  assert.ok(bytesOf(requests) > BYTES, describe(requests));
});

test("the count of round trips sees a chain of four, and that parallel requests are no chain", async (t) => {
  const pages = {
    "/chain": "<script src=/first></script>",
    "/first": "const text = async (path) => (await fetch(path)).text(); text('/second').then(() => text('/third')).then(() => { document.title = 'done'; })",
    "/parallel": "<link rel=stylesheet href=/style><script src=/both async></script><iframe sandbox src=/frame></iframe>",
    "/both": "const text = async (path) => (await fetch(path)).text(); Promise.all([text('/second'), text('/third')]).then(() => { document.title = 'done'; })",
    "/style": "", "/frame": "", "/second": "", "/third": "",
  };
  const synthetic = await Host.start(pages);
  const proxy = await SlowProxy.start(synthetic.origin);
  t.after(() => Promise.all([proxy.stop(), synthetic.stop()]));
  for (const [path, expected] of [["/chain", ["/chain", "/first", "/second", "/third"]], ["/parallel", ["/parallel", "/both", "/second"]]]) {
    const page = await newPage(t);
    const requests = watchNetwork(page, proxy.base);
    await page.goto(proxy.base + path);
    await page.waitForFunction(() => document.title === "done");
    const chain = longestChain((await requests()).filter(({ path }) => path !== "/favicon.ico"));
    assert.equal(chain.length, expected.length, describe(chain));
    if (path === "/chain") assert.deepEqual(chain.map(({ path }) => path), expected, describe(chain));
  }
});

// ---- the frame that the page's HTML brings ----

for (const [late, pattern] of [["script", "**/embed/assets/embed.*.js"], ["frame", "**/embed/assets/frame.*.html"], ["view", "**/v1/view/**"], ["style sheet", "**/embed/assets/embed.*.css"]]) {
  test(`the content is shown when the ${late} arrives last`, async (t) => {
    const page = await newPage(t);
    await page.route(pattern, async (route) => {
      await new Promise((go) => setTimeout(go, 1200));
      await route.continue();
    });
    host.pages["/"] = framing(product.base + signed());
    await page.goto(host.origin);
    await page.frameLocator("#embed").frameLocator("#content iframe").getByText("visible").waitFor();
    await waitForMessage(page, "resize");
    assert.equal(await page.frameLocator("#embed").locator("#content iframe").count(), 1);
  });
}

test("the frame waits unseen and empty, and nothing scrolls because of it", async (t) => {
  const page = await newPage(t);
  await page.setViewportSize({ width: 900, height: 300 });
  let release;
  const held = new Promise((go) => { release = go; });
  await page.route("**/v1/view/**", async (route) => { await held; await route.continue(); });
  await page.goto(product.base + signed());
  const frame = page.frameLocator("#content iframe");
  await until(() => page.frames().at(1)?.evaluate(() => typeof globalThis.vitrine === "object").catch(() => false));
  assert.deepEqual(await page.frames().at(1).evaluate(() => [document.body?.textContent ?? "", typeof vitrine.view]), ["", "undefined"]);
  assert.equal(await page.locator("#content iframe").isVisible(), false);
  const width = await page.frames().at(1).evaluate(() => innerWidth);
  assert.equal(await page.evaluate(() => document.documentElement.scrollHeight <= Math.max(innerHeight, document.getElementById("embed").offsetHeight)), true);
  release();
  await frame.locator("#probe").waitFor();
  assert.equal(await page.locator("#content iframe").isVisible(), true);
  assert.equal(await page.frames().at(1).evaluate(() => innerWidth), width, "laid out at its width from the start");
});

test("a page of the owner's takes the place of the frame, and receives the view", async (t) => {
  const owner = await Host.start({ "/report": `<p id="shown"></p><script>addEventListener("message", ({ data, origin }) => {
    if (data.type === "vitrine:view") shown.textContent = JSON.stringify([origin, data.view.values, data.html ?? null]); });</script>` });
  t.after(() => owner.stop());
  const url = `${owner.origin}/report`;
  await product.publish("dashboard/2", { content: { type: "url", url } });
  const page = await newPage(t);
  await page.goto(product.base + signed({ resource: { dashboard: 2 } }));
  await page.frameLocator("#content iframe").locator("#shown").getByText("[").waitFor();
  assert.equal(await page.frameLocator("#content iframe").locator("#shown").textContent(), JSON.stringify([product.base, {}, null]));
  assert.equal(await page.locator("iframe").count(), 1);
  assert.equal(await page.locator("iframe").getAttribute("src"), url);
});

test("a refusal removes the frame, and so does content that is missing", async (t) => {
  await product.publish("dashboard/3", {});
  for (const [number, sentence] of [[99, "This content does not exist."], [3, "Nothing to show yet."]]) {
    const page = await newPage(t);
    await page.goto(product.base + signed({ resource: { dashboard: number } }));
    await page.getByText(sentence).waitFor();
    assert.equal(await page.locator("iframe").count(), 0);
  }
});

// A regular expression that backtracks would take longer than any viewer waits.
test("content with many comments is shown at once, with its own doctype or ours", async (t) => {
  const comments = "<!-- a comment -->\n".repeat(60);
  const quirks = '<!DOCTYPE html PUBLIC "-//W3C//DTD HTML 3.2 Final//EN">';
  for (const [number, html, mode] of [[4, comments, "CSS1Compat"], [5, `${comments}<!doctype html>`, "CSS1Compat"], [6, comments + quirks, "BackCompat"]]) {
    await product.publish(`dashboard/${number}`, { content: { type: "html", html: `${html}<p id="probe">visible</p>` } });
    const page = await newPage(t);
    await page.goto(product.base + signed({ resource: { dashboard: number } }));
    await page.frameLocator("#content iframe").locator("#probe").waitFor();
    assert.equal(await page.frames().at(1).evaluate(() => document.compatMode), mode, html.slice(-40));
  }
});
