// The demo, as a newcomer uses it.

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

const PHONE = { viewport: { width: 390, height: 844 } };

for (const [name, context] of [["light", {}], ["dark", { colorScheme: "dark" }], ["phone", PHONE]]) {
  test(`three embeds, whole and at ease: ${name}`, async (t) => {
    const { page, problems, said } = await open(t, context);
    for (const [dialect, title] of [["metabase", "Quarterly revenue"], ["cube", "Deliveries"], ["motherduck", "Fleet"]]) {
      await said(dialect).getByText(`ready: ${title}`).waitFor();
      // Also of what nobody has scrolled to yet, the whole is shown.
      const frame = page.locator(`[data-dialect=${dialect}] iframe`);
      const [content] = (await frame.elementHandle().then((one) => one.contentFrame())).childFrames();
      await until(() => content.evaluate(() => innerHeight >= document.documentElement.scrollHeight && scrollY === 0),
        () => content.evaluate(() => [innerHeight, document.documentElement.scrollHeight]));
    }
    assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
    assert.deepEqual(await serious(page, [".slot iframe"]), []);
    assert.deepEqual(problems, []);
  });
}

test("the locked parameter cannot be moved, the enabled one can", async (t) => {
  const { page, said } = await open(t);
  await said("metabase").getByText("ready").waitFor();
  await page.locator("#locked").click();
  await said("metabase").getByText("parameter_locked").waitFor();
  await page.locator("#locked").click();
  await said("metabase").getByText("ready").waitFor();
  await page.locator("#enabled").click();
  await said("metabase").getByText("region = emea").waitFor();
  await page.locator("#enabled").click();
  await said("metabase").getByText("region = any").waitFor();
});

test("an expiry to watch, and a renewal that keeps what was selected", async (t) => {
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

test("the theme is the whole page's, embeds too", async (t) => {
  const { page, said } = await open(t);
  for (const dialect of ["metabase", "cube", "motherduck"]) await said(dialect).getByText("ready").waitFor();
  await page.locator("#theme").click();
  for (const frame of await page.locator(".slot iframe").all()) {
    const inner = await (await frame.elementHandle()).contentFrame();
    await until(() => inner.evaluate(() => document.documentElement.dataset.theme === "dark"));
  }
});

test("the code beside each embed is of the language that was chosen", async (t) => {
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
