// The console's editor: forms with their problems, the grid by pointer and keyboard, two tabs, and the way from an empty
// stack to an embed in a foreign page.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { ADMIN_KEY, Host, Product, SECRET, framing, launch, serious, signInToConsole, until } from "./harness.mjs";

let product, browser;

const SQL = "select * from (values ('Jan', 10), ('Feb', 14), ('Mar', 12)) as t (month, revenue)";

before(async () => {
  [product, browser] = await Promise.all([Product.start(), launch()]);
  await product.publish("question/1", {
    title: "Revenue", content: { type: "question", query: { sql: `${SQL} where month = {{month}}`, tags: { month: { type: "text", default: "Jan" } } } },
  });
  const card = (id, row, col, width) => ({ id, question: 1, row, col, width, height: 6 });
  await product.publish("dashboard/1", {
    title: "Board", content: { type: "dashboard", cards: [card(1, 0, 0, 12), card(2, 0, 12, 12), { id: 3, heading: "End", row: 6, col: 0, width: 24, height: 1 }] },
    parameters: [{ slug: "when", name: "When", type: "text" }],
  });
  await product.publish("dashboard/2", { title: "Page", content: { type: "html", html: "old" } });
});

after(() => Promise.all([product?.stop(), browser?.close()]));

const signedIn = (t, context, stack = product) => signInToConsole(t, browser, stack, context);

const PAGES = [...["question", "dashboard", "dive", "html", "url"].map((what) => `/console/new/${what}`),
  "/console/resources/question/1/edit", "/console/resources/dashboard/1/edit", "/console/resources/dashboard/2/edit"];
const PHONE = { viewport: { width: 390, height: 844 } };

for (const [name, context] of [["light", {}], ["dark", { colorScheme: "dark" }], ["phone", PHONE], ["right to left", { rtl: true }]]) {
  test(`every form is accessible and fits: ${name}`, async (t) => {
    const { rtl, ...own } = context;
    const { page, problems, go } = await signedIn(t, { ...own, bypassCSP: true });
    if (rtl) await page.addInitScript(() => addEventListener("DOMContentLoaded", () => { document.documentElement.dir = "rtl"; }));
    for (const path of PAGES) {
      await go(path);
      for (const one of await page.locator("details").all()) await one.evaluate((details) => { details.open = true; });
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true, path);
      assert.deepEqual(await serious(page, []), [], path);
      await page.getByRole("button", { name: "Check" }).click();
      if (path.includes("/new/")) {
        await page.locator(".problem").first().waitFor();
        assert.deepEqual(await serious(page, []), [], `${path}, with problems`);
      }
    }
    assert.deepEqual(problems, []);
  });
}

const placeOf = (page, index) => page.evaluate((index) => ["col", "row", "width", "height"].map((name) => Number(document.getElementById(`content.cards[${index}].${name}`).value)), index);

test("cards are moved and resized by keyboard, and others make room", async (t) => {
  const { page, problems, go } = await signedIn(t);
  await go("/console/resources/dashboard/1/edit");
  const card = page.locator(".board [role=button]").first();
  await card.focus();
  await page.keyboard.press("Shift+ArrowLeft");
  assert.deepEqual(await placeOf(page, 0), [0, 0, 11, 6]);
  await page.keyboard.press("ArrowRight");
  assert.deepEqual(await placeOf(page, 0), [1, 0, 11, 6]);
  await page.keyboard.press("ArrowRight");
  assert.deepEqual(await placeOf(page, 0), [2, 0, 11, 6]);
  assert.deepEqual(await placeOf(page, 1), [12, 6, 12, 6], "the second card went below");
  assert.deepEqual(await placeOf(page, 2), [0, 12, 24, 1], "and the heading below both");
  for (let press = 0; press < 30; press += 1) await page.keyboard.press("ArrowLeft");
  for (let press = 0; press < 3; press += 1) await page.keyboard.press("ArrowUp");
  assert.deepEqual(await placeOf(page, 0), [0, 0, 11, 6], "a card stays on the grid");
  assert.match(await page.locator("[data-said]").innerText(), /Revenue: column 0, row 0, 11 wide, 6 high/);
  await page.keyboard.press("Shift+ArrowDown");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  const { cards } = (await product.call("GET", "/v1/resources/dashboard/1")).content;
  assert.deepEqual([cards[0].width, cards[0].height, cards[1].row], [11, 7, 6]);
  assert.deepEqual(problems, []);
});

for (const rtl of [false, true]) {
  test(`a card is dragged, and its corner resizes it${rtl ? ", right to left" : ""}`, async (t) => {
    const { page, go } = await signedIn(t);
    if (rtl) await page.addInitScript(() => addEventListener("DOMContentLoaded", () => { document.documentElement.dir = "rtl"; }));
    await go("/console/new/dashboard");
    await page.getByRole("button", { name: "Add a text" }).click();
    const sign = rtl ? -1 : 1;
    const unit = (await page.locator(".board").evaluate((board) => board.clientWidth)) / 24;
    const drag = async (locator, columns, rows) => {
      const { x, y, width, height } = await locator.boundingBox();
      const [fromX, fromY] = [x + width / 2, y + height / 2];
      await page.mouse.move(fromX, fromY);
      await page.mouse.down();
      await page.mouse.move(fromX + sign * columns * unit, fromY + rows * 22, { steps: 5 });
      await page.mouse.up();
    };
    await drag(page.locator(".board [role=button]"), 6, 2);
    assert.deepEqual(await placeOf(page, 0), [6, 2, 12, 3]);
    await drag(page.locator(".board .corner"), 20, 1);
    assert.deepEqual(await placeOf(page, 0), [6, 2, 18, 4]);
  });
}

test("moves and removals are undone, by button and by keyboard", async (t) => {
  const { page, problems, go } = await signedIn(t);
  const card = (id, row) => ({ id, text: `Text ${id}`, row, col: 0, width: 12, height: 2 });
  await product.publish("dashboard/4", { title: "Undone", content: { type: "dashboard", cards: [card(1, 0), card(2, 2), card(3, 4)] } });
  await go("/console/resources/dashboard/4/edit");
  const [undo, boxes] = [page.getByRole("button", { name: "Undo" }), page.locator(".board [role=button]:visible")];
  assert.equal(await undo.isDisabled(), true);
  await boxes.first().focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowRight");
  assert.deepEqual([await placeOf(page, 0), await placeOf(page, 1)], [[1, 1, 12, 2], [0, 3, 12, 2]]);
  await page.keyboard.press("Control+z");
  assert.deepEqual([await placeOf(page, 0), await placeOf(page, 1)], [[0, 1, 12, 2], [0, 3, 12, 2]]);
  await undo.click();
  assert.deepEqual([await placeOf(page, 0), await placeOf(page, 1)], [[0, 0, 12, 2], [0, 2, 12, 2]]);
  assert.equal(await undo.isDisabled(), true);
  // In a field of text the keys undo the text.
  await page.getByRole("button", { name: "Remove card 1" }).click();
  assert.equal(await boxes.count(), 2);
  assert.match(await page.locator("[data-said]").innerText(), /is removed. Undo brings it back/);
  await page.getByLabel("Title", { exact: true }).first().focus();
  await page.keyboard.press("Control+z");
  assert.equal(await boxes.count(), 2);
  await undo.focus();
  await page.keyboard.press("Enter");
  assert.equal(await boxes.count(), 3);
  await page.getByRole("button", { name: "Remove card 2" }).click();
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  const { cards } = (await product.call("GET", "/v1/resources/dashboard/4")).content;
  assert.deepEqual(cards.map(({ id }) => id), [1, 3]);
  assert.deepEqual(problems, []);
});

test("the second of two tabs is told, and its text stays", async (t) => {
  const { page, go } = await signedIn(t);
  const other = await page.context().newPage();
  const path = "/console/resources/dashboard/2/edit";
  await go(path);
  await other.goto(product.base + path);
  await page.getByLabel("HTML and scripts").fill("<p>first</p>");
  await page.getByRole("button", { name: "Save" }).click();
  await page.getByText("Saved.").waitFor();
  await other.getByLabel("HTML and scripts").fill("<p>second</p>");
  await other.getByRole("button", { name: "Save" }).click();
  await other.getByText("Somebody else changed this").waitFor();
  assert.match(await other.locator("#theirs").innerText(), /<p>first<\/p>/);
  assert.equal(await other.getByLabel("HTML and scripts").inputValue(), "<p>second</p>");
  assert.equal((await product.call("GET", "/v1/resources/dashboard/2")).content.html, "<p>first</p>");
  await other.getByRole("button", { name: "Save" }).click();
  await other.getByText("Saved.").waitFor();
  assert.equal((await product.call("GET", "/v1/resources/dashboard/2")).content.html, "<p>second</p>");
});

test("a question is made without scripts, and its problem is at the field", async (t) => {
  const { page, go } = await signedIn(t, { javaScriptEnabled: false });
  await go("/console/new/question");
  await page.getByLabel("Title", { exact: true }).fill("Scriptless");
  await page.getByLabel("SQL").fill("select * from nowhere where a = {{a}}");
  await page.keyboard.press("Tab");
  await page.getByRole("button", { name: "Save and publish" }).click();
  const sql = page.getByLabel("SQL");
  assert.equal(await sql.getAttribute("aria-invalid"), "true");
  assert.match(await page.locator(`[id="${await sql.getAttribute("aria-describedby")}"]`).innerText(), /nowhere/);
  assert.equal(await page.getByLabel("Type").inputValue(), "text");
  await sql.fill(SQL);
  await page.getByRole("button", { name: "Save as a draft" }).click();
  await page.getByRole("heading", { name: "Scriptless" }).waitFor();
});

test("the rows follow the SQL while it is written, and a failure has its reason", async (t) => {
  const { page, problems, go } = await signedIn(t);
  await go("/console/new/question");
  await page.getByLabel("SQL").fill(`${SQL} [[where month = {{month}}]]`);
  const preview = page.locator("#try");
  await preview.getByText("3 rows.").waitFor();
  await page.getByRole("button", { name: "Update" }).last().click();
  await page.getByLabel("Default").fill("Feb");
  await preview.getByText("One row.").waitFor();
  await preview.getByRole("cell", { name: "14" }).waitFor();
  assert.deepEqual(await preview.getByRole("columnheader").allInnerTexts(), ["Month", "Revenue"]);
  // The drawing is that of the embed page, and follows its settings.
  assert.equal(await preview.locator("[data-chart] svg").count(), 0);
  await page.getByLabel("Drawn as").selectOption("bar");
  await preview.locator("[data-chart] .vz-of-bar svg").first().waitFor();
  await page.getByLabel("Drawn as").selectOption("scalar");
  await preview.locator("[data-chart] .vz-of-scalar").waitFor();
  assert.equal(await preview.locator("[data-chart] svg").count(), 0);
  await page.getByLabel("Drawn as").selectOption("line");
  await preview.locator("[data-chart] .vz-of-line").waitFor();
  await page.getByLabel("SQL").fill("select * from nowhere");
  await until(async () => /nowhere/.test(await preview.locator("[data-state]").innerText()));
  assert.equal(await preview.getByRole("cell").count(), 0);
  assert.equal(await preview.locator("[data-chart] > *").count(), 0);
  assert.deepEqual(problems, []);
});

// The pictures are taken for the README when SCREENSHOTS names a folder.
test("from an empty stack to an embed in a foreign page with at most 12 clicks", async (t) => {
  const [stack, host] = await Promise.all([Product.start(), Host.start()]);
  const folder = await mkdtemp(join(tmpdir(), "first-"));
  t.after(() => Promise.all([stack.stop(), host.stop(), rm(folder, { recursive: true })]));
  const own = await browser.newContext({ viewport: { width: 1280, height: 860 } });
  t.after(() => own.close());
  await own.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await own.newPage();
  let clicks = 0;
  const click = async (locator) => {
    clicks += 1;
    await locator.click();
  };
  const picture = async (name, of = page) => process.env.SCREENSHOTS && of.screenshot({ path: join(process.env.SCREENSHOTS, `${name}.png`) });

  await page.goto(`${stack.base}/console`);
  await click(page.getByLabel("Access key"));
  await page.keyboard.type(ADMIN_KEY);
  await click(page.getByRole("button", { name: "Sign in" }));
  await click(page.getByRole("link", { name: "New question" }));
  await click(page.getByLabel("Title", { exact: true }));
  await page.keyboard.type("Revenue by month");
  await click(page.getByLabel("Pages that may frame it"));
  await page.keyboard.type(host.origin);
  await click(page.getByLabel("SQL"));
  await page.keyboard.insertText(SQL);
  await click(page.getByLabel("Drawn as"));
  await page.getByLabel("Drawn as").selectOption("bar");
  await page.keyboard.press("Escape");
  await page.locator("#try").getByText("3 rows.").waitFor();
  await picture("console-question");
  await click(page.getByRole("button", { name: "Save and publish" }));
  await click(page.getByRole("link", { name: "Embed this" }));
  await page.locator("details[open] .copy").first().waitFor();
  await page.locator("details[open] .copy").first().scrollIntoViewIfNeeded();
  await picture("console-code");
  await click(page.locator("details[open] .copy").first());
  await page.getByText("Copied").waitFor();

  // The owner's backend runs the program as it was copied, and puts its output into a page of its own.
  const program = join(folder, "embed.mjs");
  await writeFile(program, await page.evaluate(() => navigator.clipboard.readText()));
  const env = { ...process.env, VITRINE: stack.base, VITRINE_SECRET: SECRET };
  const { stdout } = await promisify(execFile)("node", [program], { env });
  host.pages["/"] = framing(stdout.trim());
  const foreign = await own.newPage();
  await foreign.goto(host.origin);
  const embed = foreign.frameLocator("#embed");
  await embed.getByRole("heading", { name: "Revenue by month" }).waitFor();
  await embed.locator(".vz-of-bar svg").first().waitFor();
  await until(async () => /Feb/.test(await embed.locator("body").textContent()));
  await foreign.setViewportSize({ width: 920, height: 520 });
  await picture("console-embed", foreign);
  t.diagnostic(`${clicks} clicks`);
  assert.ok(clicks <= 12, `${clicks} clicks`);
});
