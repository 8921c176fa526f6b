// The owner's console: every page in both themes and on a phone, by keyboard, and without scripts.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, before, test } from "node:test";
import { Product, launch, openConsole, serious, signInToConsole, until } from "./harness.mjs";

let product, browser;

const PHONE = { viewport: { width: 390, height: 844 } };
const BOARD = "/console/resources/dashboard/1";
const DIVE = "/console/resources/dive/8b2c3a1e-7a54-4f7e-9d37-2f3f5f0f6a11";
const PAGES = ["/console", "/console/resources", "/console/resources?q=nothing", BOARD, `${BOARD}/embed`, "/console/keys",
  "/console/refusals", "/console/refusals?request_id=nothing", "/console/sessions", "/console/data", "/console/data/tables/orders",
  "/console/viewers", "/console/tenants/acme", "/console/settings", "/console/attention", "/console/accounts?username=reports",
  "/console/accounts?username=nobody", "/console/nowhere", `${DIVE}`, `${DIVE}/versions/1`, `${BOARD}/versions/1`];
// Their addresses are known later: an upload that failed, and a user.
const MADE = [];

before(async () => {
  [product, browser] = await Promise.all([Product.start(), launch()]);
  await product.publish("dashboard/1", {
    title: "Quarterly revenue", content: { type: "html", html: "<h1>Revenue</h1>" },
    parameters: [{ slug: "customer", name: "Customer", type: "text" }, { slug: "region", name: "Region", type: "text" }],
    embedding_params: { customer: "locked", region: "enabled" },
  });
  await product.publish("dashboard/2", { title: "Deliveries", enable_embedding: false });
  await product.call("PUT", "/v1/tables/orders", {
    columns: [{ name: "city", type: "text", description: "City" }, { name: "amount", type: "integer" }],
    row_policies: [{ groups: ["*"], rows: [{ column: "city", op: "in", value: { attribute: "cities" } }] }],
  });
  await product.call("POST", "/api/v1/embed-tenants/acme/user", { externalId: "ann@example.com" });
  await product.call("POST", "/v1/users", { username: "reports" });
  await product.call("POST", "/v1/users/reports/tokens", { name: "nightly" });
  for (const html of ["<h1>One</h1>", "<h1>Two</h1>"]) {
    await product.publish(DIVE.replace("/console/resources/", ""), { title: "Routes", content: { type: "html", html } });
  }
  MADE.push(`/console/viewers/${(await product.call("GET", "/v1/external-users?tenant=acme")).items[0].id}`);
  const file = "city,amount\nRome,many\n";
  const sha256 = createHash("sha256").update(file).digest("hex");
  const upload = await product.call("POST", "/v1/tables/orders/uploads", { format: "csv", size: file.length, sha256 });
  MADE.push(`/console/data/tables/orders/uploads/${upload.id ?? upload.upload}`);
  await product.call("POST", "/v1/keys", { name: "backend", role: "member", permissions: ["sessions:create"] });
});

after(() => Promise.all([product?.stop(), browser?.close()]));

const open = (t, context) => openConsole(t, browser, product, context);
const signedIn = (t, context) => signInToConsole(t, browser, product, context);

for (const [name, context] of [["light", {}], ["dark", { colorScheme: "dark" }], ["phone", PHONE]]) {
  test(`every page is accessible and fits: ${name}`, async (t) => {
    // The checker is a script that the page's policy would stop.
    const form = await open(t, { ...context, bypassCSP: true });
    await form.go("/console");
    assert.deepEqual(await serious(form.page, []), []);
    const { page, problems, go } = await signedIn(t, { ...context, bypassCSP: true });
    for (const path of [...PAGES, ...MADE]) {
      await go(path);
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, path);
      assert.deepEqual(await serious(page, []), [], path);
      for (const one of await page.locator("details").all()) await one.evaluate((details) => { details.open = true; });
      assert.deepEqual(await serious(page, []), [], `${path}, with everything open`);
    }
    assert.deepEqual(problems, []);
  });
}

test("every page fits from right to left", async (t) => {
  const { page, go } = await signedIn(t, PHONE);
  for (const path of [...PAGES, ...MADE]) {
    await go(path);
    await page.evaluate(() => { document.documentElement.dir = "rtl"; });
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, path);
    const outside = await page.locator("main > *, .top > *").evaluateAll((all) =>
      all.filter((one) => one.getBoundingClientRect().left < -1 || one.getBoundingClientRect().right > innerWidth + 1).length);
    assert.equal(outside, 0, path);
    assert.equal(await page.locator("h1").evaluate((title) => getComputedStyle(title).direction), "rtl");
  }
});

test("the first page shows views, and what needs attention when it is found", async (t) => {
  const { page, problems, go } = await signedIn(t);
  await product.publish("dashboard/5", { title: "Seen" });
  const view = await fetch(`${product.base}/v1/view`, { headers: { authorization: `Bearer ${product.sign({ resource: { dashboard: 5 }, params: {} })}` } });
  assert.equal(view.status, 200);
  await until(async () => {
    await go("/console");
    return await page.getByRole("img", { name: /[1-9]\d* views/ }).count() === 1;
  }, () => "views are counted within ten seconds", 20_000);
  await page.getByText("The numbers").click();
  await page.getByRole("region", { name: "Views and refusals by day" }).waitFor();
  await page.getByText("Looked at: signing keys").waitFor();
  assert.deepEqual(problems, []);
  const plain = await signedIn(t, { javaScriptEnabled: false });
  await plain.page.getByRole("link", { name: "Look for what needs attention" }).click();
  await plain.page.getByText("Looked at: signing keys").waitFor();
});

test("an earlier version of a dive is looked at and restored, after a question that names it", async (t) => {
  const { page, go } = await signedIn(t);
  await go(DIVE);
  await page.getByRole("link", { name: "Version 1", exact: true }).click();
  await page.getByText("<h1>One</h1>").waitFor();
  await page.getByText("Restore this version…").focus();
  await page.keyboard.press("Enter");
  assert.match(await page.locator("details[open] .panel").innerText(), /Routes will have the content of version 1 again/);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByText("The earlier content is the newest version now.").waitFor();
  const dive = await product.call("GET", `/v1/resources/${DIVE.replace("/console/resources/", "")}`);
  assert.deepEqual([dive.content.html, dive.version], ["<h1>One</h1>", 3]);
});

test("an earlier version of a question is looked at and restored by keyboard", async (t) => {
  const { page, problems, go } = await signedIn(t);
  for (const html of ["<h1>First</h1>", "<h1>Second</h1>"]) {
    await product.publish("question/9", { title: "Orders", content: { type: "html", html } });
  }
  await go("/console/resources/question/9");
  await page.getByRole("link", { name: "Version 2", exact: true }).waitFor();
  await page.getByRole("link", { name: "Version 1", exact: true }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("Viewers see version 2.").waitFor();
  await page.getByText("<h1>First</h1>").waitFor();
  await page.getByText("Restore this version…").focus();
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByText("The earlier content is the newest version now.").waitFor();
  await page.getByRole("link", { name: "Version 3", exact: true }).waitFor();
  const { content, version } = await product.call("GET", "/v1/resources/question/9");
  assert.deepEqual([content.html, version, problems], ["<h1>First</h1>", 3, []]);
});

test("a token of a service account is ended after a question that names it", async (t) => {
  const { page, go } = await signedIn(t);
  await product.call("POST", "/v1/users/reports/tokens", { name: "weekly" });
  await go("/console/accounts?username=reports");
  const row = page.getByRole("row", { name: /weekly/ });
  await row.getByText("End…").click();
  assert.match(await page.locator("details[open] .panel").innerText(), /End the token weekly of reports/);
  await row.getByRole("button", { name: "End it" }).click();
  await page.getByText("The token is ended.").waitFor();
  assert.equal(await page.getByRole("row", { name: /weekly/ }).count(), 0);
});

test("a file is uploaded by keyboard, with progress, and its rows are those of the viewer", async (t) => {
  const { page, problems, go } = await signedIn(t);
  await go("/console/data/tables/orders");
  const file = { name: "orders.csv", mimeType: "text/csv", buffer: Buffer.from("city,amount\nRome,1\nRome,2\nOslo,3\n") };
  await page.getByLabel("File of CSV").setInputFiles(file);
  await page.getByRole("button", { name: "Upload and import" }).focus();
  await page.keyboard.press("Enter");
  await page.getByText("The file is imported.").waitFor();
  await page.getByText("1 with 3 rows").waitFor();
  await page.getByLabel("and with these attributes").fill('{"cities": ["Rome"]}');
  await page.getByRole("button", { name: "Show the first rows" }).click();
  await page.getByText("This viewer sees 2 rows.").waitFor();
  assert.equal(await page.getByRole("region", { name: "First rows" }).locator("tbody tr").count(), 2);
  await page.getByLabel("and with these attributes").fill("nonsense");
  await page.getByRole("button", { name: "Show the first rows" }).click();
  await page.getByText("The attributes are not JSON.").waitFor();
  await page.getByLabel("and with these attributes").fill("");
  await page.getByRole("button", { name: "Show the first rows" }).click();
  await page.getByText("This viewer sees 0 rows").waitFor();
  assert.deepEqual(problems, []);
});

test("the page's policy stops nothing of its own", async (t) => {
  const { problems, go } = await signedIn(t);
  for (const path of [...PAGES, ...MADE]) await go(path);
  assert.deepEqual(problems, []);
});

test("a resource is unpublished by keyboard, after a question that names it", async (t) => {
  const { page, go } = await signedIn(t);
  await product.publish("dashboard/3", { title: "Short lived" });
  await go("/console/resources/dashboard/3");
  await page.getByText("Unpublish…").focus();
  await page.keyboard.press("Enter");
  const panel = page.locator("details[open] .panel");
  assert.match(await panel.innerText(), /Short lived will be refused/);
  await page.keyboard.press("Escape");
  assert.equal(await panel.count(), 0);
  await page.keyboard.press("Enter");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.getByText("Unpublished.").waitFor();
  assert.equal((await product.call("GET", "/v1/resources/dashboard/3")).enable_embedding, false);
});

test("the preview is the real embed, with the chosen values and appearance", async (t) => {
  const { page, problems, go } = await signedIn(t);
  await go(`${BOARD}/embed`);
  await page.locator("[name='value.customer']").fill("acme");
  await page.getByLabel("Theme").selectOption("dark");
  await page.getByRole("button", { name: "Preview" }).click();
  const embed = page.frameLocator("iframe.preview");
  await embed.getByRole("heading", { name: "Quarterly revenue" }).waitFor();
  await embed.getByLabel("Region").waitFor();
  assert.equal(await embed.getByText("Customer").count(), 0);
  assert.equal(await embed.locator("html").getAttribute("data-theme"), "dark");
  assert.match(await page.locator("#code-node").innerText(), /"customer": "acme"/);
  assert.deepEqual(problems, []);
});

test("a token is read in the browser and not sent", async (t) => {
  const { page, go } = await signedIn(t);
  await go("/console/refusals");
  const sent = [];
  page.on("request", (request) => sent.push(request.url()));
  await page.getByLabel("Embed token").fill(product.sign({ resource: { dashboard: 1 }, exp: 1 }));
  await page.getByText("It expired 1970-01-01T00:00:01.000Z").waitFor();
  await page.getByLabel("Embed token").fill("nonsense");
  await page.getByText("This is not a token").waitFor();
  assert.deepEqual(sent, []);
});

test("everything works without scripts", async (t) => {
  const { page, go } = await signedIn(t, { javaScriptEnabled: false });
  await go("/console/keys");
  await page.getByLabel("Name", { exact: true }).fill("scriptless");
  await page.getByRole("button", { name: "Create the key" }).click();
  assert.match(await page.locator("#new-key").innerText(), /^sk-/);
  await go(`${BOARD}/embed`);
  await page.locator("[name='value.customer']").fill("acme");
  await page.getByRole("button", { name: "Preview" }).click();
  assert.match(await page.locator("iframe.preview").getAttribute("src"), /^\/embed\/dashboard\//);
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("Access key").waitFor();
});

test("the list is searched by keyboard, and the first stop leads past the menu", async (t) => {
  const { page, go } = await signedIn(t);
  await go("/console/resources");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Skip to the content");
  await page.getByLabel("Search").fill("deliver");
  await page.keyboard.press("Enter");
  await page.getByText("1 found").waitFor();
  assert.equal(await page.getByRole("link", { name: "Deliveries" }).count(), 1);
});
