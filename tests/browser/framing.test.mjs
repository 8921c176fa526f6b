// Framing: another resource in a page that was loaded for the first, and addresses that are not offered.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Host, Product, framing, received, launch, until, waitForMessage } from "./harness.mjs";

const NOT_HERE = "This content may not be shown on this page.";

let product, host, hostile, browser, shared, restricted, wide;

before(async () => {
  [host, hostile, browser] = await Promise.all([Host.start(), Host.start(), launch()]);
  product = await Product.start("AllowedOrigins=https://own.example");
  const publish = (number, title, ...origins) =>
    product.publish(`dashboard/${number}`, { title, content: { type: "html", html: `<p id="secret">${title}</p>` }, allowed_origins: origins });
  shared = await publish(1, "Shared", host.origin, hostile.origin);
  restricted = await publish(2, "Restricted", host.origin);
  wide = await publish(3, "Wide", "*");
});

after(() => Promise.all([product, host, hostile, browser].map((one) => one?.stop?.() ?? one?.close?.())));

const token = (dashboard, claims = {}) => product.sign({ resource: { dashboard }, ...claims });

async function open(t, on, src, attributes = "") {
  on.pages["/"] = framing(src, attributes);
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(on.origin);
  const send = (message) => page.evaluate(([message, origin]) => document.getElementById("embed").contentWindow.postMessage(message, origin), [message, product.base]);
  return { page, embed: page.frameLocator("#embed"), send };
}

const session = (value) => ({ source: "vitrine-host", type: "session", value });
const navigate = ({ public_id }) => ({ source: "cube-embed", direction: "action", type: "cube:action:navigate", payload: { path: `/embed/dashboard/${public_id}` } });

async function assertRefused(page, embed) {
  await embed.locator("#sentence").getByText(NOT_HERE).waitFor();
  assert.equal((await waitForMessage(page, "error")).reason, "host_not_allowed");
  assert.equal(await embed.locator("#content iframe").count(), 0);
  const told = JSON.stringify(await page.evaluate(() => globalThis.received));
  assert.ok(!told.includes("Restricted"), "the host learns nothing of the other dashboard");
}

const shows = (embed, title) => embed.frameLocator("#content iframe").locator("#secret").getByText(title).waitFor();

test("the response header refuses the hostile host, before any script runs", async (t) => {
  for (const src of [`${product.base}/embed/dashboard/${token(2)}`, `${product.base}/embed/dashboard/${restricted.public_id}?session=${await product.generate({})}`]) {
    const { page } = await open(t, hostile, src);
    await new Promise((go) => setTimeout(go, 700));
    assert.deepEqual(await page.evaluate(() => globalThis.received), []);
    assert.equal(page.frames().some((frame) => frame.url().includes("/embed/dashboard/")), false);
  }
});

for (const [name, path] of [["by its public id", "/embed/dashboard/"], ["with a deployment", "/embed/d/1/dashboard/"]]) {
  test(`a dashboard that a host navigates to asks its own list: ${name}`, async (t) => {
    const src = async () => `${product.base}${path}${shared.public_id}?session=${await product.generate({})}`;
    const refused = await open(t, hostile, await src());
    await shows(refused.embed, "Shared");
    await refused.send(navigate(restricted));
    await assertRefused(refused.page, refused.embed);
    // Views that the hostile host or everybody may frame are shown again.
    await refused.send(navigate(shared));
    await shows(refused.embed, "Shared");
    await refused.send(navigate(wide));
    await shows(refused.embed, "Wide");

    const allowed = await open(t, host, await src());
    await shows(allowed.embed, "Shared");
    await allowed.send(navigate(restricted));
    await shows(allowed.embed, "Restricted");
    assert.deepEqual(await received(allowed.page, "error"), []);
  });
}

test("a session for another dashboard asks its own list", async (t) => {
  const refused = await open(t, hostile, `${product.base}/embed/dashboard/${token(1)}`);
  await shows(refused.embed, "Shared");
  await refused.send(session(token(2)));
  await assertRefused(refused.page, refused.embed);
  await refused.send(session(token(1, { jti: "later" })));
  await shows(refused.embed, "Shared");

  const allowed = await open(t, host, `${product.base}/embed/dashboard/${token(1)}`);
  await shows(allowed.embed, "Shared");
  await allowed.send(session(token(2)));
  await shows(allowed.embed, "Restricted");
});

test("a session for another dashboard asks its own list, also after the address's own was refused", async (t) => {
  const expired = `${product.base}/embed/dashboard/${token(1, { exp: 1 })}`;
  const refused = await open(t, hostile, expired);
  await waitForMessage(refused.page, "error");
  await refused.send(session(token(2)));
  await refused.embed.locator("#sentence").getByText(NOT_HERE).waitFor();
  const allowed = await open(t, hostile, expired);
  await waitForMessage(allowed.page, "error");
  await allowed.send(session(token(1)));
  await shows(allowed.embed, "Shared");
});

test("a session that arrives before the first view asks its own list", async (t) => {
  const page = await browser.newPage();
  t.after(() => page.close());
  let release;
  const held = new Promise((go) => { release = go; });
  let asked = 0;
  await page.route("**/v1/view/**", async (route) => { if (!asked++) await held; await route.continue().catch(() => {}); });
  hostile.pages["/"] = framing(`${product.base}/embed/dashboard/${token(1)}`);
  await page.goto(hostile.origin);
  await until(() => asked);
  await page.evaluate(([message, origin]) => document.getElementById("embed").contentWindow.postMessage(message, origin), [session(token(2)), product.base]);
  await page.frameLocator("#embed").locator("#sentence").getByText(NOT_HERE).waitFor();
  release();
  await new Promise((go) => setTimeout(go, 300));
  assert.equal(await page.frameLocator("#embed").locator("#content iframe").count(), 0);
});

test("a host inside a hostile page does not show another dashboard either", async (t) => {
  const src = `${product.base}/embed/dashboard/${shared.public_id}?session=${await product.generate({})}`;
  host.pages["/inner"] = framing(src);
  hostile.pages["/outer"] = framing(`${host.origin}/inner`);
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(`${hostile.origin}/outer`);
  const embed = page.frameLocator("#embed").frameLocator("#embed");
  await shows(embed, "Shared");
  const inner = page.frames().find((frame) => frame.url().endsWith("/inner"));
  await inner.evaluate(([message, origin]) => document.getElementById("embed").contentWindow.postMessage(message, origin), [navigate(restricted), product.base]);
  await embed.locator("#sentence").getByText(NOT_HERE).waitFor();
});

test("a page without an origin of its own asks the list as well", async (t) => {
  const src = `${product.base}/embed/dashboard/${token(1)}`;
  const { page, embed } = await open(t, hostile, src, 'sandbox="allow-scripts"');
  await waitForMessage(page, "ready");
  // A sandboxed frame has no origin to post to.
  await page.evaluate((message) => document.getElementById("embed").contentWindow.postMessage(message, "*"), session(token(2)));
  await embed.locator("#sentence").getByText(NOT_HERE).waitFor();
});

test("in a tab of its own every dashboard is shown", async (t) => {
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(`${product.base}/embed/dashboard/${token(2)}`);
  await page.locator("#title").getByText("Restricted").waitFor();
});

// ---- addresses that are not offered ----

for (const [path, reason] of [
  ["/public/dashboard/0191e7a0-5d2b-7c3f-9b1a-2f5d8c1e4a77", "Public links are not offered"],
  ["/embed/d/1/chat?session=x", "The chat is not offered"],
  ["/embed/d/1/app?session=x", "The app for creators is not offered"],
  ["/embed/pulse/1", "This kind of embed is not offered"],
  ["/nothing/here", "There is nothing at this address"],
]) {
  test(`any host page shows that ${path} is not offered`, async (t) => {
    const { embed } = await open(t, hostile, product.base + path);
    await embed.getByRole("heading").getByText("Not offered here").waitFor();
    await embed.getByText(reason).waitFor();
  });
}

test("a script that is not offered fails in the page that names it", async (t) => {
  host.pages["/"] = `<script>globalThis.failed = false;</script><script src="${product.base}/app/embed.js" onerror="failed = true"></script>`;
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(host.origin);
  assert.equal(await page.evaluate(() => globalThis.failed), true);
});

test("programs get JSON", async () => {
  for (const path of ["/public/dashboard/x", "/embed/d/1/chat", "/app/embed.js", "/nothing"]) {
    const answer = await fetch(product.base + path);
    assert.deepEqual([answer.status, (await answer.json()).code], [404, "ROUTE_NOT_FOUND"]);
  }
});
