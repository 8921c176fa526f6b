// The controls of parameters: one for each type, by mouse and keyboard, and what they ask for.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Drawings, byMonth } from "./drawings.mjs";
import { QUESTION, framed, hostEvents, openEmbed, viewOf, viewWith } from "./embeds.mjs";
import { launch, serious, until } from "./harness.mjs";

let drawings, browser;
before(async () => { [drawings, browser] = await Promise.all([Drawings.start(), launch()]); });
after(() => Promise.all([drawings?.stop(), browser?.close()]));

const CITIES = Array.from({ length: 40 }, (_, index) => [`c${index}`, `City ${index}`]);
const PARAMETERS = [
  { slug: "name", name: "Name", type: "text" },
  { slug: "tags", name: "Tags", type: "text", multiple: true },
  { slug: "amount", name: "Amount", type: "number" },
  { slug: "day", name: "Day", type: "date" },
  { slug: "period", name: "Period", type: "date_range" },
  { slug: "size", name: "Size", type: "category", values: [["s", "Small"], ["l", "Large"]] },
  { slug: "status", name: "Status", type: "category", multiple: true, values: [["open", "Open"], ["late", "Late"], ["done"]] },
  { slug: "city", name: "City", type: "category", values: CITIES },
  { slug: "cities", name: "Cities", type: "category", multiple: true, values: CITIES },
  { slug: "paid", name: "Paid", type: "boolean" },
];
const DASHBOARD = { type: "dashboard", cards: [
  { id: 1, row: 0, col: 0, width: 12, height: 5, display: "bar", settings: {}, title: "By month", parameters: { name: "name" } },
  { id: 2, row: 0, col: 12, width: 12, height: 5, display: "table", settings: {}, title: "Rows", parameters: {} },
] };

async function open(t, { parameters = PARAMETERS, content = QUESTION, ...given } = {}) {
  const opened = await openEmbed(t, drawings, browser, { content: viewWith(content, parameters), answers: () => byMonth, at: `embed/${content.type}/token`, ...given });
  const { page, asked } = opened;
  if (!given.at) await page.locator(".vz").first().waitFor();
  // The values of the latest request that was caused by `act`, of which there is one only.
  const after = async (act) => {
    const before = asked.length;
    await act();
    await until(() => asked.length > before);
    await page.waitForTimeout(150);
    assert.equal(asked.length, before + 1, "one request");
    return asked.at(-1)[2].parameters;
  };
  return { ...opened, after };
}

const type = (page, label, text) => async () => {
  await page.getByLabel(label, { exact: true }).fill(text);
  await page.keyboard.press("Enter");
};

test("each type has its control, and its value is asked for", async (t) => {
  const { page, after } = await open(t);
  assert.deepEqual(await after(type(page, "Name", "Ann")), { name: "Ann" });
  assert.deepEqual(await after(type(page, "Tags", "a, b")), { name: "Ann", tags: ["a", "b"] });
  assert.equal((await after(type(page, "Amount", "12.5"))).amount, "12.5");
  assert.equal((await after(() => page.getByLabel("Day", { exact: true }).fill("2026-03-09"))).day, "2026-03-09");
  assert.equal((await after(() => page.getByLabel("Size").selectOption("Large"))).size, "l");
  assert.equal((await after(() => page.getByLabel("Paid").selectOption("No"))).paid, "false");
  const both = async () => { await page.getByLabel("Open").check(); await page.getByLabel("done").check(); };
  assert.deepEqual((await after(both)).status, ["open", "done"], "two boxes are one request");
  const all = { name: "Ann", tags: ["a", "b"], amount: "12.5", day: "2026-03-09", size: "l", paid: "false", status: ["open", "done"] };
  assert.deepEqual(await after(() => page.getByLabel("Size").selectOption("Small")), { ...all, size: "s" });
});

test("a value that does not fit asks nothing", async (t) => {
  const { page, asked } = await open(t, { parameters: [PARAMETERS[2], { ...PARAMETERS[0], required: true, value: "kept" }] });
  await page.getByLabel("Amount").focus();
  await page.keyboard.type("1e");
  await page.keyboard.press("Tab");
  await page.getByLabel("Name").fill("");
  await page.keyboard.press("Enter");
  await page.waitForTimeout(600);
  assert.equal(asked.length, 1);
  assert.equal(await page.getByRole("button", { name: "Clear" }).count(), 0, "a required value cannot be cleared");
});

test("a value is cleared by its button, which is there only while there is one", async (t) => {
  const { page, after } = await open(t, { parameters: [{ ...PARAMETERS[0], value: "Ann" }, PARAMETERS[6]] });
  const clear = page.getByRole("button", { name: "Clear" });
  assert.equal(await clear.count(), 1);
  assert.equal(await clear.getAttribute("aria-describedby").then((id) => page.locator(`#${id}`).textContent()), "Name");
  assert.deepEqual(await after(() => clear.click()), { name: null });
  assert.equal(await page.getByLabel("Name").inputValue(), "");
  assert.equal(await clear.count(), 0);
  assert.deepEqual((await after(() => page.getByLabel("Late").check())).status, "late");
  assert.equal(await clear.count(), 1);
});

const RELATIVE = {
  Today: "today", Yesterday: "yesterday", "Past 7 days": "past7days", "Past 30 days": "past30days", "Past 3 months": "past3months", "Past 12 months": "past12months",
  "This week": "thisweek", "Last week": "lastweek", "This month": "thismonth", "Last month": "lastmonth", "This quarter": "thisquarter", "Last quarter": "lastquarter",
  "This year": "thisyear", "Last year": "lastyear",
};

test("a range of dates is relative to today, in the grammar of the server", async (t) => {
  const { page, after } = await open(t, { parameters: [PARAMETERS[4]] });
  const range = page.getByLabel("Period");
  const offered = await range.locator("option").allTextContents();
  assert.deepEqual(offered, ["Any", ...Object.keys(RELATIVE), "Between…"]);
  for (const [name, value] of Object.entries(RELATIVE)) assert.deepEqual(await after(() => range.selectOption(name)), { period: value });
  assert.deepEqual(await after(() => range.selectOption("Any")), { period: null });
});

test("a range from one day to another is asked for when both are there, or when the viewer leaves it", async (t) => {
  const { page, asked, after } = await open(t, { parameters: [PARAMETERS[4], PARAMETERS[0]] });
  assert.equal(await page.getByLabel("From", { exact: true }).isVisible(), false);
  await page.getByLabel("Period").selectOption("Between…");
  assert.equal(await page.evaluate(() => document.activeElement.ariaLabel), "From");
  await page.getByLabel("From", { exact: true }).fill("2026-01-05");
  await page.waitForTimeout(900);
  assert.equal(asked.length, 1, "the other end may follow");
  assert.deepEqual(await after(() => page.getByLabel("To", { exact: true }).fill("2026-02-01")), { period: "2026-01-05~2026-02-01" });
  // The end cannot be before the start.
  await page.getByLabel("To", { exact: true }).fill("2025-02-01");
  await page.getByLabel("Name").focus();
  await page.waitForTimeout(400);
  assert.equal(asked.length, 2);
  const open_end = async () => { await page.getByLabel("To", { exact: true }).fill(""); await page.getByLabel("Name").focus(); };
  assert.deepEqual(await after(open_end), { period: "2026-01-05~" });
});

test("a number between two ends has two fields, of which one may stay empty", async (t) => {
  const between = { slug: "price", name: "Price", type: "number", range: true };
  const content = (request) => {
    const ends = new URL(request.url()).searchParams.getAll("price");
    return viewOf(QUESTION, { parameters: [{ ...between, value: ends.length > 1 ? ends.map((end) => (end ? Number(end) : null)) : null }, { ...PARAMETERS[0], value: null }] });
  };
  const { page, asked } = await openEmbed(t, drawings, browser, { content, answers: () => byMonth, at: "embed/question/token" });
  await page.locator(".vz").first().waitFor();
  const after = async (act) => {
    const before = asked.length;
    await act();
    await until(() => asked.length > before);
    return asked.at(-1)[2].parameters;
  };
  const group = page.getByRole("group", { name: "Price" });
  const [from, to] = ["From", "To"].map((name) => group.getByLabel(name, { exact: true }));
  await from.fill("5");
  await page.keyboard.press("Enter");
  await page.waitForTimeout(600);
  assert.equal(asked.length, 1, "an end may follow");
  assert.deepEqual(await after(async () => { await to.fill("12.5"); await page.keyboard.press("Enter"); }), { price: ["5", "12.5"] });
  await from.fill("");
  assert.deepEqual(await after(() => page.getByLabel("Name").focus()), { price: ["", "12.5"] });
  assert.deepEqual(await after(() => group.getByRole("button", { name: "Clear" }).click()), { price: null });
  assert.deepEqual([await from.inputValue(), await to.inputValue()], ["", ""]);
  assert.deepEqual(await serious(page, []), []);
});

test("the ends that the owner or the host has set are shown", async (t) => {
  for (const [value, shown] of [[[1, 2], ["1", "2"]], [[null, 2], ["", "2"]], [["1", ""], ["1", ""]], ["3,4", ["3", "4"]], [null, ["", ""]]]) {
    const { page } = await open(t, { parameters: [{ slug: "price", name: "Price", type: "number", range: true, value }] });
    const ends = page.getByRole("group", { name: "Price" }).locator("input");
    await until(async () => (await ends.count()) === 2);
    assert.deepEqual(await ends.evaluateAll((all) => all.map((one) => one.value)), shown, JSON.stringify(value));
  }
});

test("ranges that are not offered are shown as they are", async (t) => {
  for (const [value, shown] of [["2026-03", "March 2026"], ["Q2-2025", "Q2 2025"], ["past3days~", "past3days~"], ["exclude-days-Mon", "exclude-days-Mon"], ["thismonth", "This month"]]) {
    const { page } = await open(t, { parameters: [{ ...PARAMETERS[4], value }] });
    assert.equal(await page.getByLabel("Period").evaluate((node) => node.selectedOptions[0].textContent), shown);
  }
  for (const [value, ends] of [["2026-01-05~2026-02-01", ["2026-01-05", "2026-02-01"]], ["2026-01-05~", ["2026-01-05", ""]], ["~2026-02-01", ["", "2026-02-01"]], ["2026-01-05", ["2026-01-05", "2026-01-05"]]]) {
    const { page } = await open(t, { parameters: [{ ...PARAMETERS[4], value }] });
    assert.deepEqual([await page.getByLabel("From", { exact: true }).inputValue(), await page.getByLabel("To", { exact: true }).inputValue()], ends);
  }
});

test("the file of ranges and long lists is loaded only where there are some", async (t) => {
  for (const [parameter, isLoaded] of [[PARAMETERS[0], false], [PARAMETERS[6], false], [PARAMETERS[4], true], [PARAMETERS[7], true]]) {
    const { requests } = await open(t, { parameters: [parameter] });
    assert.equal(requests.includes("fields.js"), isLoaded, parameter.slug);
  }
});

test("many choices are searched with the keyboard", async (t) => {
  const { page, after } = await open(t, { parameters: [PARAMETERS[7]] });
  const button = page.getByRole("button", { name: "City: Any" });
  await button.focus();
  await page.keyboard.press("Enter");
  const search = page.getByRole("combobox");
  await search.waitFor();
  assert.equal(await page.getByRole("option").count(), 41, "with the one for all");
  assert.deepEqual(await serious(page, []), []);
  await page.keyboard.type("city 3");
  await until(async () => (await page.getByRole("option").count()) === 11);
  await page.keyboard.press("ArrowDown");
  assert.equal(await page.locator("li.active").textContent(), "City 30");
  assert.equal(await search.getAttribute("aria-activedescendant"), await page.locator("li.active").getAttribute("id"));
  assert.deepEqual(await after(() => page.keyboard.press("Enter")), { city: "c30" });
  const chosen = page.getByRole("button", { name: "City: City 30" });
  assert.equal(await chosen.textContent(), "City 30");
  await until(() => chosen.evaluate((node) => node === document.activeElement));
  await chosen.press("Enter");
  await page.keyboard.type("nothing like it");
  await page.getByText("No matches").waitFor();
  await page.keyboard.press("Escape");
  assert.equal(await page.getByRole("listbox").count(), 0);
  assert.equal(await chosen.getAttribute("aria-expanded"), "false");
  await page.keyboard.press("Enter");
  await page.getByRole("listbox").waitFor();
  assert.deepEqual(await after(() => page.getByRole("option", { name: "Any" }).click()), { city: null });
});

test("several of many choices are one request when the list is closed", async (t) => {
  const { page, asked, after } = await open(t, { parameters: [{ ...PARAMETERS[8], value: ["c1"] }] });
  await page.getByRole("button", { name: "Cities: City 1" }).click();
  await page.getByRole("option", { name: "City 2", exact: true }).click();
  await page.getByRole("option", { name: "City 1", exact: true }).click();
  await page.getByRole("option", { name: "City 5", exact: true }).click();
  assert.equal(asked.length, 1);
  assert.deepEqual(await after(() => page.mouse.click(5, 590)), { cities: ["c2", "c5"] });
  await page.getByRole("button", { name: "Cities: City 2, City 5" }).click();
  await page.keyboard.press("Escape");
  await page.waitForTimeout(500);
  assert.equal(asked.length, 2, "nothing was changed");
});

const LIVE = [{ slug: "town", name: "Town", type: "category" }, { slug: "name", name: "Name", type: "text", value: "Ann" }];
const TOWNS = [["berlin", "Berlin"], ["bern", "Bern"], ["lisbon"]];
const found = ({ search }) => ({ values: TOWNS.filter(([value]) => value.includes(search)), has_more: false });

test("a category without choices of its own is chosen from the values of the data, for the other values", async (t) => {
  const { page, asked } = await open(t, { parameters: LIVE, answers: (body, path) => (path === "/v1/query/values" ? found(body) : byMonth), behind: "?name=Ann" });
  const searches = () => asked.filter(([, path]) => path === "/v1/query/values").map(([, , body]) => body);
  assert.deepEqual(searches(), [], "nothing is asked for before it is opened");
  await page.getByRole("button", { name: "Town: Any" }).click();
  await page.getByRole("option", { name: "lisbon" }).waitFor();
  assert.deepEqual(searches(), [{ resource: { question: 7 }, parameters: { name: "Ann" }, parameter: "town", search: "" }]);
  await page.keyboard.type("ber");
  await until(async () => (await page.getByRole("option").allTextContents()).join() === "Berlin,Bern,ber");
  assert.deepEqual(searches().map(({ search }) => search), ["", "ber"], "one search for what is typed in one go");
  await page.getByRole("option", { name: "Bern", exact: true }).click();
  await until(() => asked.at(-1)[1] === "/v1/query");
  assert.deepEqual(asked.at(-1)[2].parameters, { town: "bern", name: "Ann" });
  assert.equal(await page.getByRole("button", { name: "Town: Bern" }).count(), 1);
});

test("the one that is typed is chosen, however fast", async (t) => {
  const { page, asked } = await open(t, { parameters: LIVE, answers: (body, path) => (path === "/v1/query/values" ? found(body) : byMonth) });
  await page.getByRole("button", { name: "Town: Any" }).click();
  await page.getByRole("option", { name: "lisbon" }).waitFor();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.type("lis");
  await page.keyboard.press("Enter");
  await until(() => asked.at(-1)[1] === "/v1/query");
  assert.equal(asked.at(-1)[2].parameters.town, "lisbon");
});

test("values of the data that cannot be had leave what is typed", async (t) => {
  const { page, asked } = await open(t, { parameters: LIVE, answers: (body, path) => (path === "/v1/query/values" ? { status: 422, body: { reason: "query_failed", message: "No." } } : byMonth) });
  await page.getByRole("button", { name: "Town: Any" }).click();
  await page.keyboard.type("Oslo");
  await until(async () => (await page.getByRole("option").allTextContents()).join() === "Oslo");
  await page.keyboard.press("Enter");
  await until(() => asked.at(-1)[1] === "/v1/query" && asked.at(-1)[2].parameters.town === "Oslo");
});

test("the host sets controls, and hears of each change", async (t) => {
  const { page, asked } = await open(t, { parameters: PARAMETERS.slice(0, 6), at: "hosted/question" });
  await page.waitForFunction(() => globalThis.ready);
  await page.evaluate(() => start());
  await framed(page).locator(".vz-mark").first().waitFor();
  await page.evaluate(() => embed.setParameters({ name: "Bob", period: "last30days", size: "l" }));
  await until(async () => (await framed(page).getByLabel("Name").inputValue()) === "Bob");
  assert.equal(await framed(page).getByLabel("Size").inputValue(), "l");
  assert.deepEqual(asked.at(-1)[2].parameters, { name: "Bob", period: "last30days", size: "l" });
  await framed(page).getByLabel("Size").selectOption("Small");
  await until(async () => (await hostEvents(page, "parameter-changed")).length === 4);
  const heard = (await hostEvents(page, "parameter-changed")).map(({ slug, value }) => [slug, value]);
  assert.deepEqual(heard, [["name", "Bob"], ["period", "last30days"], ["size", "l"], ["size", "s"]]);
  assert.equal((await hostEvents(page, "params")).at(-1).parameters.size, "s");
});

test("what the viewer may not set is moved by no host script, message or address", async (t) => {
  const { page, asked, views } = await open(t, { parameters: [PARAMETERS[0]], at: "hosted/question" });
  await page.waitForFunction(() => globalThis.ready);
  await page.evaluate(() => start({ params: { name: "Ann" } }));
  await framed(page).locator(".vz-mark").first().waitFor();
  await page.evaluate(() => {
    embed.setParameters({ locked: "Paris", name: "Bob" });
    document.querySelector("iframe").contentWindow.postMessage({ source: "vitrine-host", type: "params", value: { locked: "Rome" } }, "*");
  });
  await until(() => asked.length === 2);
  await page.waitForTimeout(300);
  assert.deepEqual(asked.map(([, , { parameters }]) => parameters), [{ name: "Ann" }, { name: "Bob" }]);
  assert.ok(views.every((query) => !query.has("locked")));
  assert.deepEqual((await hostEvents(page, "notice")).map(({ names }) => names), [["locked"]]);
  // The page passes on what the address has, and the server decides; queries do without it.
  const other = await open(t, { parameters: [PARAMETERS[0]], behind: "?locked=Rome#locked=Paris&name=Ann" });
  assert.deepEqual(other.asked.map(([, , { parameters }]) => parameters), [{ name: "Ann" }]);
});

test("a change asks again for the cards that it reaches, and no others", async (t) => {
  const { page, asked } = await open(t, { content: DASHBOARD, parameters: PARAMETERS.slice(0, 2) });
  await until(() => asked.length === 2);
  await type(page, "Name", "Ann")();
  await until(() => asked.length === 3);
  await page.waitForTimeout(200);
  assert.deepEqual(asked.slice(2).map(([, , { card, parameters }]) => [card, parameters]), [[1, { name: "Ann" }]]);
});

for (const [name, options, behind] of [["light", {}, ""], ["dark", { colorScheme: "dark" }, "#theme=dark"], ["phone", { viewport: { width: 360, height: 740 }, hasTouch: true }, ""], ["right to left", {}, "#locale=ar"]]) {
  test(`controls have labels and enough contrast, and nothing scrolls sideways: ${name}`, async (t) => {
    const { page } = await open(t, { parameters: PARAMETERS.map((parameter) => (parameter.slug === "period" ? { ...parameter, value: "2026-01-05~2026-02-01" } : parameter.slug === "name" ? { ...parameter, value: "Ann" } : parameter)), options, behind });
    assert.deepEqual(await serious(page, []), []);
    const fits = () => page.evaluate(() => document.documentElement.scrollWidth <= innerWidth);
    assert.ok(await fits());
    await page.locator(".pick").last().click();
    await page.getByRole("listbox").waitFor();
    assert.deepEqual(await serious(page, []), []);
    assert.ok(await fits());
    if (process.env.SHOTS) await page.screenshot({ path: `${process.env.SHOTS}/controls-${name}.png` });
  });
}

test("the words of the controls are those of the viewer's language", async (t) => {
  const { page } = await open(t, { parameters: [PARAMETERS[4], PARAMETERS[7]], behind: "#locale=de-AT" });
  const options = await page.getByLabel("Period").locator("option").allTextContents();
  assert.deepEqual(options.slice(0, 4), ["Alle", "Heute", "Gestern", "Letzte 7 Tage"]);
  await page.getByRole("button", { name: "City: Alle" }).click();
  await page.getByPlaceholder("Suchen").waitFor();
});

test("a refresh asks again, and keeps what the viewer is typing", async (t) => {
  const { page, asked } = await open(t, { parameters: [PARAMETERS[0]], behind: "#refresh=5" });
  await page.getByLabel("Name").pressSequentially("An");
  await until(() => asked.length === 2, () => asked.length, 9000);
  assert.equal(await page.getByLabel("Name").inputValue(), "An");
  assert.deepEqual(asked[1][2].parameters, {});
});
