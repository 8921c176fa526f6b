// Embeds in host pages written for Cube: the session in the query, events, actions and renewal in place.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Host, Product, framing, received, launch, until, waitForMessage } from "./harness.mjs";

let product, host, browser, dashboard, second;

before(async () => {
  [product, host, browser] = await Promise.all([Product.start(), Host.start(), launch()]);
  const html = `<p id="shown"></p><script>
    const show = () => { shown.textContent = JSON.stringify([vitrine.view.values, vitrine.view.theme, vitrine.view.locale]); };
    vitrine.onView(show); show();
  </script>`;
  const parameters = [
    { slug: "status", name: "Status", type: "category", values: [["open"], ["closed"]] },
    { slug: "year", name: "Year", type: "number", default: 2026 },
  ];
  const embedding_params = { status: "enabled", year: "enabled" };
  const published = { content: { type: "html", html }, parameters, embedding_params };
  dashboard = await product.publish("dashboard/1", published);
  second = await product.publish("dashboard/2", { ...published, title: "Costs" });
});

after(() => Promise.all([product?.stop(), host?.stop(), browser?.close()]));

async function open(t, path, query = "", fields) {
  const session = await product.generate(fields);
  const src = `${product.base}${path}?session=${session}${query}`;
  host.pages["/"] = framing(src);
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(host.origin);
  return { page, embed: page.frameLocator("#embed"), frame: page.frames().at(1), session };
}

const act = (page, type, payload) => page.evaluate(([type, payload, target]) => {
  const message = { source: "cube-embed", direction: "action", type: `cube:action:${type}`, payload, timestamp: Date.now() };
  document.getElementById("embed").contentWindow.postMessage(message, target);
}, [type, payload, product.base]);

const said = (page) => page.frames().at(2)?.locator("#shown").textContent();

test("the session is exchanged, removed from the address and stored nowhere", async (t) => {
  const { page, embed, session } = await open(t, `/embed/dashboard/${dashboard.public_id}`);
  const ready = await waitForMessage(page, "cube:event:ready");
  assert.deepEqual(ready.payload, {
    embedTenant: null, deploymentId: 1, mode: "signed", surface: "dashboard", publicId: dashboard.public_id,
  });
  const all = await page.evaluate(() => globalThis.received);
  assert.equal(all[0].data.type, "cube:event:ready", "ready is the first message");
  assert.ok(all.every(({ origin }) => origin === product.base));
  for (const { data } of all.filter(({ data }) => data.source === "cube-embed")) {
    assert.deepEqual([data.direction, data.surface, typeof data.timestamp], ["event", "dashboard", "number"]);
  }
  await embed.locator("#title").getByText("Sales").waitFor();
  const frame = page.frames().at(1);
  assert.equal(frame.url(), `${product.base}/embed/dashboard/${dashboard.public_id}`);
  const kept = await frame.evaluate(() => [document.cookie, localStorage.length, sessionStorage.length, document.documentElement.outerHTML]);
  assert.deepEqual(kept.slice(0, 3), ["", 0, 0]);
  assert.ok(!kept[3].includes(session));
  assert.ok(!JSON.stringify(all).includes(session) && !JSON.stringify(all).includes("eyJ"), "no message contains a credential");
  const loaded = await waitForMessage(page, "cube:event:dashboard-loaded");
  assert.equal(loaded.payload.publicId, dashboard.public_id);
  assert.deepEqual((await received(page, "cube:event:view")).map(({ payload }) => payload.title), ["Sales"]);
});

test("the older names of the query parameter and of the path work", async (t) => {
  for (const path of [`/embed/d/1/dashboard/${dashboard.public_id}`, `/embed/d/1/dashboard/${dashboard.public_id}/`]) {
    const { page } = await open(t, path);
    await waitForMessage(page, "cube:event:ready");
  }
  const session = await product.generate({ embedTenantName: "acme" , externalId: "bob" });
  host.pages["/"] = framing(`${product.base}/embed/d/1/dashboard/${dashboard.public_id}?sessionId=${session}`);
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(host.origin);
  assert.equal((await waitForMessage(page, "cube:event:ready")).payload.embedTenant, "acme");
});

test("a dashboard of another deployment than the path's is not shown", async (t) => {
  const { page, embed } = await open(t, `/embed/d/2/dashboard/${dashboard.public_id}`);
  await embed.getByText("This embed is not available.").waitFor();
  const error = await waitForMessage(page, "cube:event:error");
  assert.deepEqual([error.payload.fatal, error.payload.name], [true, "resource_mismatch"]);
});

test("a session that was used before is reported as expired", async (t) => {
  const { page, session } = await open(t, `/embed/dashboard/${dashboard.public_id}`);
  await waitForMessage(page, "cube:event:ready");
  host.pages["/again"] = framing(`${product.base}/embed/dashboard/${dashboard.public_id}?session=${session}`);
  await page.goto(`${host.origin}/again`);
  await page.frameLocator("#embed").getByText("This embed has expired.").waitFor();
  assert.equal((await waitForMessage(page, "cube:event:error")).payload.name, "session_unknown");
});

test("without a session the page shows an error", async (t) => {
  host.pages["/"] = framing(`${product.base}/embed/dashboard/${dashboard.public_id}`);
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(host.origin);
  await page.frameLocator("#embed").getByText("This embed has expired.").waitFor();
  assert.equal((await waitForMessage(page, "cube:event:error")).payload.fatal, true);
});

test("filters in the address set initial values, and filters without a control are ignored", async (t) => {
  const filter = (text) => encodeURIComponent(text);
  const query = `&f_orders.status=${filter('{"value":"closed"}')}&f_orders.city=${filter('{"value":"Rome"}')}`
    + `&f_orders.year=${filter("{not json")}&tg_orders.created_at=week&showDashboardTitle=false&locale=de&theme=dark`;
  const { page, embed } = await open(t, `/embed/dashboard/${dashboard.public_id}`, query);
  await waitForMessage(page, "cube:event:ready");
  assert.equal(await embed.getByLabel("Status").inputValue(), "closed");
  assert.equal(await embed.locator("#heading").isHidden(), true);
  await until(async () => (await said(page)) === '[{"status":"closed","year":2026},"dark","de"]', () => said(page));
});

test("other spellings of true and false in Cube's options are ignored", async (t) => {
  const { page, embed } = await open(t, `/embed/dashboard/${dashboard.public_id}`, "&showDashboardTitle=False&showDashboardHeader=0");
  await waitForMessage(page, "cube:event:ready");
  assert.equal(await embed.locator("#title").isVisible(), true);
});

test("the actions of the host are carried out, and unknown or malformed ones are not", async (t) => {
  const settings = { locale: "fr" };
  const embedTheme = { primaryColor: "rgb(1, 2, 3)" };
  const { page, embed } = await open(t, `/embed/dashboard/${dashboard.public_id}`, "", { settings, embedTheme });
  await waitForMessage(page, "cube:event:dashboard-loaded");
  const root = page.frames().at(1);
  const styled = (name) => root.evaluate((name) => document.documentElement.style.getPropertyValue(name), name);
  assert.equal(await styled("--accent"), "rgb(1, 2, 3)");
  assert.equal(await root.evaluate(() => document.documentElement.lang), "fr");

  await act(page, "set-color-scheme", { scheme: "dark" });
  await until(() => root.evaluate(() => document.documentElement.dataset.theme === "dark"));
  await act(page, "set-locale", { locale: "ja" });
  await until(() => root.evaluate(() => document.documentElement.lang === "ja"));
  await act(page, "set-theme", { primaryColor: "#7c5cff", borderRadius: 8, font: "Inter" });
  await until(async () => (await styled("--accent")) === "#7c5cff");
  assert.equal(await styled("--radius"), "8px");
  assert.match(await styled("--font"), /Inter/);
  await act(page, "set-filter", { filterUrlParameter: 'f_orders.status={"value":"open"}' });
  await until(async () => (await embed.getByRole("combobox").inputValue()) === "open");

  const calls = [];
  page.on("request", (request) => calls.push(request.url()));
  await act(page, "refresh");
  await until(() => calls.some((url) => url.includes("/v1/view/")));
  // The message of older hosts.
  await page.evaluate(() => document.getElementById("embed").contentWindow.postMessage({ type: "SET_THEME", payload: "light" }, "*"));
  await until(() => root.evaluate(() => document.documentElement.dataset.theme === "light"));
  // Unknown actions and malformed payloads change nothing.
  for (const [type, payload] of [["set-theme", { primaryColor: "url(https://evil.example)" }], ["constructor", {}], ["set-locale", { locale: 7 }], ["set-session", {}]]) {
    await act(page, type, payload);
  }
  await new Promise((go) => setTimeout(go, 100));
  assert.equal(await styled("--accent"), "#7c5cff");
});

test("the host can navigate to another dashboard of the session, and to nothing else", async (t) => {
  const { page, embed } = await open(t, `/embed/dashboard/${dashboard.public_id}`);
  await waitForMessage(page, "cube:event:ready");
  await act(page, "navigate", { path: `/embed/d/1/dashboard/${second.public_id}` });
  await embed.locator("#title").getByText("Costs").waitFor();
  const { payload } = await waitForMessage(page, "cube:event:navigate");
  assert.equal(payload.path, `/embed/d/1/dashboard/${second.public_id}`);
  for (const path of ["https://evil.example/", "//evil.example/embed/dashboard/aB3dE6gH9jK2", "/sandbox", "javascript:alert(1)"]) {
    await act(page, "navigate", { path });
  }
  await new Promise((go) => setTimeout(go, 100));
  assert.equal(await embed.locator("#title").textContent(), "Costs");
});

test("renewal keeps the viewer's selection", async (t) => {
  const { page, embed } = await open(t, `/embed/dashboard/${dashboard.public_id}`);
  await waitForMessage(page, "cube:event:ready");
  await embed.getByLabel("Status").selectOption("closed");
  await until(async () => (await said(page))?.includes("closed"));
  t.after(() => product.moveClock("+0s"));

  // The token is valid for a day. The page checks its expiry again whenever it loads a view.
  await product.moveClock("+23h30m");
  await act(page, "refresh");
  const expiring = await waitForMessage(page, "cube:event:session-expiring");
  assert.ok(Date.parse(expiring.payload.expiresAt) > 0);
  await product.moveClock("+25h");
  await act(page, "refresh");
  await waitForMessage(page, "cube:event:session-expired");
  await embed.getByText("This embed has expired.").waitFor();
  assert.equal(await embed.getByLabel("Status").isDisabled(), true);

  const fresh = await product.generate({});
  await act(page, "set-session", { session: fresh });
  await until(() => embed.getByLabel("Status").isEnabled());
  assert.equal(await embed.getByLabel("Status").inputValue(), "closed");
  assert.match(await said(page), /closed/);
  assert.equal(await embed.locator("#expired").isHidden(), true);
  assert.equal((await received(page, "cube:event:ready")).length, 1);
});
