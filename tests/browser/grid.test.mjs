// The grid of a dashboard: cards side by side, each with a fate of its own.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CASES, Drawings, answer, byMonth } from "./drawings.mjs";
import { launch, serious, until } from "./harness.mjs";

let drawings, browser;
before(async () => { [drawings, browser] = await Promise.all([Drawings.start(), launch()]); });
after(() => Promise.all([drawings?.stop(), browser?.close()]));

// Shows a dashboard whose answers come when `settle(id, answer or null)` is called.
async function open(t, dashboard, { options, context = {} } = {}) {
  const { page } = await drawings.openFor(t, browser, options);
  await page.evaluate(([dashboard, more]) => {
    globalThis.asked = [];
    globalThis.waiting = new Map();
    globalThis.heard = [];
    document.documentElement.dir = /^ar/.test(more.locale ?? "") ? "rtl" : "ltr";
    document.documentElement.dataset.theme = more.theme ?? "light";
    const load = (card) => new Promise((ready, fail) => { asked.push(card.id); waiting.set(card.id, { ready, fail }); });
    globalThis.board = drawing.drawDashboard(dashboard, { load, context: context(more), sentence: ({ text }) => text, onCard: (card, state) => heard.push([card.id, state]) });
    document.getElementById("stage").replaceChildren(board.node);
  }, [dashboard, context]);
  const settle = (id, answer) => page.evaluate(([id, answer]) => {
    const { ready, fail } = waiting.get(id);
    if (answer) ready(answer);
    else fail({ text: `Card ${id} failed.` });
  }, [id, answer]);
  return { page, settle, asked: () => page.evaluate(() => globalThis.asked), card: (title) => page.locator(".vz-card").filter({ has: page.getByRole("heading", { name: title, exact: true }) }) };
}

const bar = (id, place, more = {}) => ({ id, ...place, display: "bar", settings: {}, title: `Card ${id}`, ...more });
const left = { row: 0, col: 0, width: 12, height: 6 };
const right = { row: 0, col: 12, width: 12, height: 6 };

test("cards load, fail and are tried again by themselves", async (t) => {
  const { page, settle, asked, card } = await open(t, { cards: [bar(1, left), bar(2, right), { id: 3, row: 6, col: 0, width: 24, height: 1, heading: "Below" }] });
  assert.deepEqual(await asked(), [1, 2], "at once, and nothing for a heading");
  assert.equal(await page.locator(".vz-wait").count(), 2);
  await page.getByRole("heading", { name: "Below" }).waitFor();
  await settle(2, null);
  await card("Card 2").getByText("Card 2 failed.").waitFor();
  await settle(1, byMonth);
  await until(async () => (await card("Card 1").locator(".vz-mark").count()) === 12);
  await card("Card 2").getByRole("button", { name: "Try again" }).click();
  assert.deepEqual(await asked(), [1, 2, 2]);
  await settle(2, byMonth);
  await until(async () => (await card("Card 2").locator(".vz-mark").count()) === 12);
  assert.deepEqual(await page.evaluate(() => heard), [[1, "loading"], [2, "loading"], [2, "failed"], [1, "loaded"], [2, "loading"], [2, "loaded"]]);
});

test("a refresh asks only for the cards that it names, and the last answer counts", async (t) => {
  const { page, settle, asked, card } = await open(t, { cards: [bar(1, left), bar(2, right)] });
  await settle(1, byMonth);
  await settle(2, byMonth);
  await until(async () => (await page.locator(".vz-mark").count()) === 24);
  await page.evaluate(() => board.refresh(({ id }) => id === 2));
  await page.evaluate(() => { globalThis.older = waiting.get(2); board.refresh(({ id }) => id === 2); });
  assert.deepEqual(await asked(), [1, 2, 2, 2]);
  assert.equal(await card("Card 2").locator(".vz-mark").count(), 12, "the old drawing stays meanwhile");
  await settle(2, answer({ name: "text", n: "integer" }, [["a", 1]]));
  await until(async () => (await card("Card 2").locator(".vz-mark").count()) === 1);
  await page.evaluate(() => older.fail({ text: "too late" }));
  assert.equal(await card("Card 2").getByText("too late").count(), 0);
});

test("tabs are used with the keyboard, and only an open one is asked for", async (t) => {
  const tabs = [{ id: 1, name: "Sales" }, { id: 2, name: "<b>Stock</b>" }, { id: 3, name: "Staff" }];
  const { page, asked } = await open(t, { tabs, cards: [bar(1, left, { tab: 1 }), bar(2, left, { tab: 2 }), bar(3, right, { tab: 99 }), bar(4, left, { tab: 3 })] });
  assert.deepEqual(await asked(), [1, 3], "a card of no tab is on the first");
  assert.deepEqual(await serious(page, []), []);
  await page.getByRole("tab", { name: "Sales" }).focus();
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.getByRole("tab", { selected: true }).textContent(), "<b>Stock</b>");
  assert.deepEqual(await asked(), [1, 3, 2]);
  await page.keyboard.press("End");
  await page.keyboard.press("ArrowRight");
  assert.equal(await page.getByRole("tab", { selected: true }).textContent(), "Sales");
  assert.deepEqual(await asked(), [1, 3, 2, 4], "and each once");
  assert.equal(await page.getByRole("tabpanel").count(), 1);
});

test("cards lie on 24 columns, in one column on a phone, and places that cannot be are put right", async (t) => {
  const cards = [bar("b", right), bar("a", left), bar("wide", { row: 6, col: 20, width: 99, height: 2 }), bar("none", { row: "x", col: -4, width: 0, height: NaN })];
  const { page, card } = await open(t, { cards });
  const box = (title) => card(title).boundingBox();
  const [a, b, wide] = [await box("Card a"), await box("Card b"), await box("Card wide")];
  assert.ok(Math.abs(a.width - b.width) < 2 && b.x > a.x + a.width && Math.abs(a.y - b.y) < 1);
  assert.ok(wide.width < a.width / 2 && wide.y > a.y + a.height - 1);
  await page.setViewportSize({ width: 360, height: 640 });
  await until(async () => (await box("Card b")).y > (await box("Card a")).y + 100);
  assert.ok(Math.abs((await box("Card a")).width - (await box("Card b")).width) < 1);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
});

// Twenty-four cards of all kinds.
const KINDS = Object.entries(CASES).filter(([name]) => name !== "heading");
const LARGE = {
  cards: [{ id: 0, row: 0, col: 0, width: 24, height: 1, heading: "Everything" }, ...Array.from({ length: 23 }, (_, index) => {
    const [name, { display, settings }] = KINDS[index % KINDS.length];
    return { id: index + 1, row: 1 + Math.floor(index / 3) * 6, col: (index % 3) * 8, width: 8, height: 6, display, settings, title: name, kind: name };
  })],
};

for (const [look, given] of Object.entries({ light: {}, dark: { context: { theme: "dark" } }, phone: { options: { viewport: { width: 360, height: 640 } } }, "right to left": { context: { locale: "ar" } } })) {
  test(`a dashboard of 24 cards is drawn whole, ${look}`, async (t) => {
    const { page, settle, asked } = await open(t, LARGE, given);
    const wanted = LARGE.cards.filter(({ kind }) => kind && CASES[kind].answer);
    assert.deepEqual(await asked(), wanted.map(({ id }) => id), "all at once");
    for (const { id, kind } of wanted) await settle(id, CASES[kind].answer);
    await page.waitForFunction(() => !document.querySelector(".vz-wait, .vz-card[aria-busy='true']"));
    assert.equal(await page.locator(".vz-card").count(), 24);
    for (const picture of await page.locator(".vz-picture").all()) assert.ok((await picture.boundingBox()).height > 60);
    assert.deepEqual(await serious(page, []), []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    if (process.env.PICTURES) await page.screenshot({ path: `${process.env.PICTURES}/grid-${look.replace(/ /g, "-")}.png`, fullPage: true });
  });
}
