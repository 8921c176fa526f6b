// The demo page of the local server.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Product, launch, serious, until } from "./harness.mjs";

let product, browser;

before(async () => {
  [product, browser] = await Promise.all([Product.run(), launch()]);
});

after(() => Promise.all([product?.stop(), browser?.close()]));

async function open(t, context = {}) {
  const own = await browser.newContext({ viewport: { width: 1280, height: 800 }, bypassCSP: true, ...context });
  t.after(() => own.close());
  const page = await own.newPage();
  const problems = [];
  page.on("pageerror", (problem) => problems.push(String(problem)));
  await page.goto(product.base);
  return { page, problems, said: (dialect) => page.locator(`[data-dialect=${dialect}] .said`) };
}

const CARDS = 7; // with figures

const PHONE = { viewport: { width: 390, height: 844 } };

for (const [name, context] of [["light", {}], ["dark", { colorScheme: "dark" }], ["phone", PHONE]]) {
  test(`all three embeds are shown in full and are accessible: ${name}`, async (t) => {
    const { page, problems, said } = await open(t, context);
    for (const [dialect, title] of [["metabase", "Quarterly revenue"], ["cube", "Deliveries"], ["motherduck", "Fleet"]]) {
      await said(dialect).getByText(`ready: ${title}`).waitFor();
      // Embeds that are not scrolled into view have their full height too.
      const frame = page.locator(`[data-dialect=${dialect}] iframe`);
      const outer = await frame.elementHandle().then((one) => one.contentFrame());
      // A dashboard of cards is in the page itself, HTML in a frame of it.
      const content = dialect === "metabase" ? outer : outer.childFrames()[0];
      if (dialect === "metabase") await until(async () => (await outer.locator(".vz-card[aria-busy=false]").count()) === CARDS);
      await until(() => content.evaluate(() => innerHeight >= document.documentElement.scrollHeight && scrollY === 0),
        () => content.evaluate(() => [innerHeight, document.documentElement.scrollHeight]));
    }
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
    assert.deepEqual(await serious(page, [".slot iframe"]), []);
    assert.deepEqual(problems, []);
  });
}

test("the viewer can change the enabled parameter and not the locked one", async (t) => {
  const { page, said } = await open(t);
  await said("metabase").getByText("ready").waitFor();
  await page.locator("#locked").click();
  await said("metabase").getByText("parameters_ignored: customer").waitFor();
  await page.locator("#locked").click();
  await said("metabase").getByText("ready").waitFor();
  await page.locator("#enabled").click();
  await said("metabase").getByText("region = emea").waitFor();
  await page.locator("#enabled").click();
  await said("metabase").getByText("region = any").waitFor();
});

test("the demo shows an expiry, and a renewal that keeps the viewer's selection", async (t) => {
  const { page, said } = await open(t);
  await said("metabase").getByText("ready").waitFor();
  const button = page.locator("#expire");
  await button.click();
  await button.getByText("Expires in").waitFor();
  const embed = page.frameLocator("[data-dialect=metabase] iframe");
  await embed.getByLabel("Year").fill("2025");
  await page.keyboard.press("Tab");
  await said("metabase").getByText("year = 2025").waitFor();
  await said("metabase").getByText("expired").waitFor({ timeout: 25_000 });
  await button.getByText("Renew it in place").click();
  await said("metabase").getByText("a new token").waitFor();
  await until(async () => !(await embed.locator("body").innerText()).includes("has expired"));
  assert.equal(await embed.getByLabel("Year").inputValue(), "2025");
});

// The frame with the content of one of the demo's embeds.
async function contentOf(page, dialect) {
  const outer = await page.locator(`[data-dialect=${dialect}] .slot iframe`).elementHandle().then((one) => one.contentFrame());
  await until(() => outer.childFrames().length === 1);
  return outer.childFrames()[0];
}

const FIGURES = {
  cube: ["tbody tr", ["ann@acme.example", "bruno@acme.example", "chloe@acme.example"]],
  motherduck: [".share", ["northwind_north", "northwind_south"]],
};

for (const [dialect, [selector, viewers]] of Object.entries(FIGURES)) {
  test(`another viewer sees other figures: ${dialect}`, async (t) => {
    const { page, said } = await open(t);
    await said(dialect).getByText("ready").waitFor();
    const seen = new Map();
    const figures = async () => {
      const content = await contentOf(page, dialect);
      await content.locator(selector).first().waitFor();
      return (await content.locator(selector).allTextContents()).join(" | ");
    };
    for (const viewer of [...viewers, viewers[0]]) {
      const before = await contentOf(page, dialect).catch(() => null);
      if (seen.size) {
        await page.locator(`[data-dialect=${dialect}] .viewer select`).selectOption(viewer);
        await until(async () => (await contentOf(page, dialect)) !== before);
        await said(dialect).getByText("ready").waitFor();
      }
      const shown = await figures();
      if (seen.has(viewer)) assert.equal(shown, seen.get(viewer), "the first viewer's figures are back");
      seen.set(viewer, shown);
    }
    assert.equal(new Set(seen.values()).size, viewers.length, [...seen].join("\n"));
  });
}

test("another viewer sees other figures on every card, which no message, address or host script moves", async (t) => {
  const { page, said } = await open(t);
  const seen = new Map();
  const cards = async (viewer) => {
    let frame;
    await until(async () => {
      // Another viewer has another frame.
      frame = await page.locator("[data-dialect=metabase] .slot iframe").elementHandle().then((one) => one.contentFrame());
      return (await frame?.locator(".vz-text strong").textContent().catch(() => "")) === viewer;
    });
    await until(async () => (await frame.locator(".vz-card[aria-busy=false]").count()) === CARDS && !(await frame.locator(".vz-wait").count()));
    // A chart says its figures in its summary and on its points.
    return frame.$$eval(".vz-card[aria-busy]", (all) => all.map((card) => [card.textContent, ...[...card.querySelectorAll("[data-value]")].map(({ dataset }) => dataset.value)].join(" ")));
  };
  for (const viewer of ["acme", "globex", "initech", "acme"]) {
    if (seen.size) await page.locator("[data-dialect=metabase] .viewer select").selectOption(viewer);
    const shown = await cards(viewer);
    assert.equal(shown.length, CARDS);
    if (seen.has(viewer)) assert.deepEqual(shown, seen.get(viewer), "the first viewer's figures are back");
    seen.set(viewer, shown);
  }
  for (let card = 0; card < CARDS; card++) {
    const figures = [...seen.values()].map((shown) => shown[card]);
    assert.equal(new Set(figures).size, 3, `card ${card}: ${figures.join("\n")}`);
  }
  // The host's script, its messages and its address may not set the locked customer.
  const before = seen.get("acme");
  const slot = page.locator("[data-dialect=metabase] .slot iframe");
  await slot.evaluate((frame) => frame.contentWindow.postMessage({ source: "vitrine-host", type: "params", value: { customer: "globex" } }, "*"));
  await said("metabase").getByText("parameters_ignored: customer").waitFor();
  assert.deepEqual(await cards("acme"), before);
  await page.locator("#locked").click();
  await said("metabase").getByText("parameters_ignored: customer").waitFor();
  assert.deepEqual(await cards("acme"), before);
});

test("content gets answers of its own queries, for the viewer's rows, and no others", async (t) => {
  const { page, said } = await open(t);
  await said("cube").getByText("ready").waitFor();
  const content = await contentOf(page, "cube");
  const ask = (name, parameters) => content.evaluate(([name, parameters]) =>
    vitrine.query(name, parameters).then(({ rows }) => rows.length, ({ reason }) => reason), [name, parameters]);
  assert.equal(await ask("latest"), 8);
  assert.equal(await ask("latest", { status: "late" }), 8);
  assert.equal(await ask("latest", { city: "Lisbon" }), "parameter_locked");
  assert.equal(await ask("latest", { depot: "south" }), "parameter_unknown");
  assert.equal(await ask("other"), "query_not_found");
});

test("the theme button changes the page and all embeds", async (t) => {
  const { page, said } = await open(t);
  for (const dialect of ["metabase", "cube", "motherduck"]) await said(dialect).getByText("ready").waitFor();
  await page.locator("#theme").click();
  for (const frame of await page.locator(".slot iframe").all()) {
    const inner = await (await frame.elementHandle()).contentFrame();
    await until(() => inner.evaluate(() => document.documentElement.dataset.theme === "dark"));
  }
});

test("the code beside each embed is in the selected language", async (t) => {
  const { page, said } = await open(t);
  for (const [dialect, words] of [["metabase", { "Node.js": "jsonwebtoken", Python: "PyJWT", curl: "openssl" }],
    ["cube", { "Node.js": "fetch(", Python: "requests", curl: "curl " }], ["motherduck", { "Node.js": "fetch(", Python: "requests", curl: "curl " }]]) {
    await said(dialect).getByText("ready").waitFor();
    const stage = page.locator(`[data-dialect=${dialect}]`);
    for (const [language, word] of Object.entries(words)) {
      await stage.getByRole("tab", { name: language }).click();
      assert.ok((await stage.locator("pre").textContent()).includes(word), `${dialect} ${language}`);
    }
    await page.keyboard.press("ArrowLeft");
    assert.equal(await stage.getByRole("tab", { name: "Python" }).getAttribute("aria-selected"), "true");
  }
});
