// Drawings of an answer: every drawing says what its table says, and to everybody.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { CASES, Drawings, answer, byMonth, byMonthAndRegion, cells, many, table, tableSettings, twoMetrics } from "./drawings.mjs";
import { launch, serious, until } from "./harness.mjs";

let drawings, browser;
before(async () => { [drawings, browser] = await Promise.all([Drawings.start(), launch()]); });
after(() => Promise.all([drawings?.stop(), browser?.close()]));

const open = (t, options) => drawings.openFor(t, browser, options);

const isChart = ({ display }) => ["bar", "row", "line", "area", "combo", "pie"].includes(display);
const sorted = (values) => [...values].sort();
const marks = (page) => page.$$eval(".vz-mark[data-value]", (all) => all.map((mark) => {
  const { x, y, width, height } = mark.getBoundingClientRect();
  return { series: mark.parentNode.dataset.series, point: +mark.dataset.point, value: mark.dataset.value, x, y, width, height };
}));

// Reads all points of a chart with the keyboard.
async function spoken(page) {
  await page.locator(".vz-stage").focus();
  const live = () => page.locator(".vz-live").textContent();
  const isRow = await page.locator(".vz-of-row").count();
  const [forward, next] = isRow ? ["ArrowDown", "ArrowRight"] : ["ArrowRight", "ArrowDown"];
  const heard = [];
  await page.keyboard.press("Home");
  for (let place = null; ;) {
    const text = await live();
    if (text === place) break;
    heard.push(place = text);
    for (let series = text; ;) {
      await page.keyboard.press(next);
      const other = await live();
      if (other === series) break;
      heard.push(series = other);
    }
    for (let at = 0; at < 20; at++) await page.keyboard.press(isRow ? "ArrowLeft" : "ArrowUp");
    place = await live();
    await page.keyboard.press(forward);
  }
  return heard;
}

// ---- colours of cells ----

test("rules colour cells by their values, the first that applies", async (t) => {
  const { page, show } = await open(t);
  const data = answer({ name: "text", n: "integer", done: "boolean" }, [["Ann", 0, true], ["bob", 50, false], ["Bobby", 100, null], [null, null, true]]);
  const single = (columns, operator, value, more) => ({ columns, type: "single", operator, value, color: "#ff0000", ...more });
  const range = (more) => ({ columns: ["n"], type: "range", colors: ["#ffffff", "#0000ff"], ...more });
  const none = "...|...|...|...";
  for (const [rules, expected] of [
    [[single(["n"], ">", "49")], "...|.r.|.r.|..."],
    [[single(["n"], "<=", 50)], ".r.|.r.|...|..."],
    [[single(["n"], "=", "100")], "...|...|.r.|..."],
    [[single(["n"], "!=", "100")], ".r.|.r.|...|..."],
    [[single(["n"], "is-null")], "...|...|...|.r."],
    [[single(["name", "n"], "not-null")], "rr.|rr.|rr.|..."],
    [[single(["done"], "is-true")], "..r|...|...|..r"],
    [[single(["done"], "is-false")], "...|..r|...|..."],
    [[single(["name"], "contains", "OB")], "...|r..|r..|..."],
    [[single(["name"], "does-not-contain", "ob")], "r..|...|...|..."],
    [[single(["name"], "starts-with", "bob")], "...|r..|r..|..."],
    [[single(["name"], "ends-with", "Y")], "...|...|r..|..."],
    [[single(["name"], "=", "bob", { highlight_row: true })], "...|rRR|...|..."],
    [[single(["n"], ">", "49"), range()], ".0.|.r.|.r.|..."],
    [[range(), single(["n"], ">", "49")], ".0.|.5.|.9.|..."],
    [[range({ max_type: "custom", max_value: 50 })], ".0.|.9.|.9.|..."],
    [[range({ min_type: "custom", min_value: "x" })], none],
    [[range({ columns: ["name"] })], none],
    [[range({ colors: ["#ffffff"] })], none],
    [[range({ colors: ["#ffffff", "url(https://example.com)"] })], none],
    [[single(["n"], "like", 1)], none],
    [[single(["n"], "constructor", 1)], none],
    [[single(["n"], "<", 100, { color: "red; background: url(https://example.com)" })], none],
    [[single(["missing"], "is-null")], none],
    [["x", null, 7, {}], none],
    ["x", none],
  ]) {
    await show({ answer: data, display: "table", settings: { "table.column_formatting": rules } });
    // Over white: the part of the colour that is left in the channels that it lacks.
    const drawn = await page.$$eval(".vz-grid tbody tr", (rows) => rows.map((row) => [...row.cells].map((cell) => {
      if (!cell.classList.contains("vz-tinted")) return ".";
      const [red, , blue] = getComputedStyle(cell).backgroundColor.match(/[\d.]+/g).map(Number);
      if (red === 1 && blue < 1) return blue < 0.5 ? "r" : "R";
      return red > 0.99 ? "0" : red > 0.5 ? "5" : "9";
    }).join("")).join("|"));
    assert.equal(drawn, expected, JSON.stringify(rules));
  }
});

test("texts can be read on every colour, and a colour stays with its row", async (t) => {
  for (const theme of ["light", "dark"]) {
    const { page, show } = await open(t);
    const colors = ["black", "white", "#509ee3", "#ef8c8c", "#88bf4d", "#123456", "yellow", "hsl(280, 90%, 30%)", "rgb(127, 127, 127)"];
    const data = answer({ n: "integer" }, colors.map((_, index) => [index]));
    const rules = colors.map((color, index) => ({ columns: ["n"], type: "single", operator: "=", value: index, color }));
    await show({ answer: data, display: "table", settings: { "table.column_formatting": rules }, context: { theme } });
    const contrasts = () => page.$$eval(".vz-grid tbody td", (cells) => cells.map((cell) => {
      const canvas = new OffscreenCanvas(1, 1).getContext("2d");
      const light = (color) => {
        canvas.fillStyle = color;
        canvas.fillRect(0, 0, 1, 1);
        const parts = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part / 255).map((part) => (part <= 0.03928 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
      };
      const { color, backgroundColor } = getComputedStyle(cell);
      const [one, other] = [light(color), light(backgroundColor)].sort((a, b) => b - a);
      return [cell.textContent, backgroundColor, (one + 0.05) / (other + 0.05)];
    }));
    const before = await contrasts();
    for (const [text, , contrast] of before) assert.ok(contrast >= 4.5, `${theme} ${colors[text]}: ${contrast}`);
    await page.getByRole("button", { name: "N" }).click();
    const after = await contrasts();
    assert.deepEqual(after.map(([text]) => Number(text)), [8, 7, 6, 5, 4, 3, 2, 1, 0]);
    assert.deepEqual([...after].reverse(), before);
  }
});

test("the shares of a pie have the same decimals, and together they are the whole", async (t) => {
  const { page, show } = await open(t);
  const pie = (values, settings) => show({ answer: answer({ name: "text", n: "integer" }, values.map((n, index) => [`S${index}`, n])), display: "pie", settings: { "pie.percent_visibility": "legend", ...settings } });
  const shares = () => page.$$eval(".vz-share", (all) => all.map(({ textContent }) => textContent));
  for (const [values, settings, expected] of [
    [[407, 330, 189, 74], {}, ["40.7%", "33.0%", "18.9%", "7.4%"]],
    [[50, 30, 20], {}, ["50%", "30%", "20%"]],
    [[1, 1, 1], {}, ["33.3%", "33.3%", "33.3%"]],
    [[1, 1, 1], { "pie.decimal_places": 3 }, ["33.333%", "33.333%", "33.333%"]],
    [[407, 593], { "pie.decimal_places": 0 }, ["59%", "41%"]],
    [[407, 593], { "pie.decimal_places": -4 }, ["59%", "41%"]],
    [[407, 593], { "pie.decimal_places": {} }, ["59.3%", "40.7%"]],
    [[9999, 1], { "pie.slice_threshold": 0 }, ["99.99%", "0.01%"]],
  ]) {
    await pie(values, settings);
    assert.deepEqual(await shares(), expected, JSON.stringify([values, settings]));
  }
});

// ---- a drawing equals its table ----

for (const [name, one] of Object.entries(CASES).filter(([name, one]) => isChart(one) && !["empty", "line-daily"].includes(name))) {
  test(`the drawing «${name}» says what its table says`, async (t) => {
    const { page, show } = await open(t);
    await show(one);
    const metrics = one.answer.columns.map(({ type }, index) => (/^(integer|number|decimal)/.test(type) ? index : -1)).filter((index) => index >= 0);
    const values = one.answer.rows.flatMap((row) => metrics.map((index) => row[index])).filter((value) => value !== null);
    assert.deepEqual(sorted((await marks(page)).map(({ value }) => value)), sorted(values.map(String)), "the marks");
    const heard = await spoken(page);
    await page.getByRole("button", { name: "Show as table" }).click();
    await page.locator(".vz-grid").waitFor();
    const shown = (await cells(page)).flatMap((row) => metrics.map((index) => row[index])).filter(Boolean);
    assert.equal(shown.length, values.length);
    // Shares come in brackets after the value.
    const said = heard.map((text) => text.replace(/ \([\d.]+%\)$/, "").replace(/^.*?[,:] (?=[^,:]*(,\d{3})*[^,:]*$)/, ""));
    for (const value of shown) assert.ok(said.some((text) => text.endsWith(value)), `${value} in ${said}`);
    assert.equal(said.length, shown.length);
    await page.getByRole("button", { name: "Show as chart" }).click();
    assert.equal(await page.locator(".vz-picture").count(), 1, "and back");
  });
}

test("marks are as large as their values", async (t) => {
  const { page, show } = await open(t);
  const ratios = (list, size) => list.map((mark) => mark[size] / Math.abs(mark.value));
  const areEqual = (list) => assert.ok(Math.max(...list) / Math.min(...list) < 1.02, list.join(" "));
  await show(CASES.bar);
  areEqual(ratios(await marks(page), "height"));
  await show(CASES.row);
  areEqual(ratios(await marks(page), "width"));
  await show(CASES["bar-stacked"]);
  areEqual(ratios(await marks(page), "height"));
  await show(CASES["bar-normalized"]);
  const heights = new Map();
  for (const { point, height } of await marks(page)) heights.set(point, (heights.get(point) ?? 0) + height);
  areEqual([...heights.values()]);
  await show(CASES["bar-mixed-signs"]);
  const zero = (await page.locator(".vz-zero").boundingBox()).y;
  for (const { value, y, height } of await marks(page)) assert.ok(value > 0 ? y + height <= zero + 1 : y >= zero - 1, `${value} at ${y}`);
  await show(CASES.line);
  const points = (await marks(page)).map(({ value, y, height }) => [+value, y + height / 2]);
  const slope = (points[1][1] - points[0][1]) / (points[1][0] - points[0][0]);
  for (const [value, y] of points) assert.ok(Math.abs(points[0][1] + slope * (value - points[0][0]) - y) < 1.5, `${value} at ${y}`);
});

// ---- for everybody ----

const LOOKS = {
  light: {}, dark: { context: { theme: "dark" } }, phone: { options: { viewport: { width: 360, height: 640 } } }, "right to left": { context: { locale: "ar" } },
};

for (const [look, { context = {}, options }] of Object.entries(LOOKS)) {
  test(`axe finds nothing in any drawing, ${look}`, async (t) => {
    const { page, show } = await open(t, options);
    await show(...Object.values(CASES).map((one) => ({ ...one, context })));
    const check = async (state) => {
      assert.deepEqual(await serious(page, []), [], state);
      assert.equal(await page.locator("#stage [style]").count(), 0, "inline style");
      assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), "the page scrolls sideways");
    };
    await check("drawn");
    const summaries = await page.getByRole("img").evaluateAll((all) => all.map((one) => one.getAttribute("aria-label")));
    assert.equal(summaries.length, Object.values(CASES).filter(isChart).length - 1, "all but the empty one");
    for (const summary of summaries) assert.match(summary, /^[^\n]+: .+ [\d,]+ points, from .+ to .+\.$/);
    for (const toggle of await page.locator(".vz-toggle").all()) await toggle.click();
    await check("as tables");
  });
}

test("a chart is used with the keyboard alone", async (t) => {
  const { page, show } = await open(t);
  await show({ answer: byMonthAndRegion, display: "line", settings: {} });
  await page.locator("h1").evaluate((node) => { node.tabIndex = -1; node.focus(); });
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.textContent), "Americas");
  const lines = () => page.locator(".vz-line").count();
  for (let count = 3; count >= 1; count--) {
    await page.keyboard.press("Space");
    await until(async () => (await lines()) === count);
    await page.keyboard.press("Tab");
  }
  await page.keyboard.press("Enter");
  assert.equal(await lines(), 1, "the last series stays");
  await page.keyboard.press("Shift+Tab");
  await page.keyboard.press("Enter");
  assert.equal(await lines(), 2);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("ArrowRight");
  assert.match(await page.locator(".vz-live").textContent(), /^January 2025, Middle East and Africa: [\d,]+$/);
  assert.equal(await page.locator(".vz-tooltip").count(), 1);
  await page.keyboard.press("End");
  assert.match(await page.locator(".vz-live").textContent(), /^December 2025/);
  await page.keyboard.press("Escape");
  assert.equal(await page.locator(".vz-tooltip").count(), 0);
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.locator(".vz-grid").waitFor();
  assert.equal((await cells(page)).length, byMonthAndRegion.rows.length);
});

test("arrow keys follow the direction of the text", async (t) => {
  const { page, show } = await open(t);
  await show({ answer: byMonth, display: "bar", settings: {}, context: { locale: "ar" } });
  const [first, last] = [(await marks(page)).at(0), (await marks(page)).at(-1)];
  assert.ok(first.x > last.x, "the first month is on the right");
  await page.locator(".vz-stage").focus();
  await page.keyboard.press("Home");
  const before = await page.locator(".vz-live").textContent();
  await page.keyboard.press("ArrowLeft");
  assert.notEqual(await page.locator(".vz-live").textContent(), before);
});

test("pointing at a chart shows all values of the point, and leaving it hides them", async (t) => {
  const { page, show } = await open(t);
  await show({ answer: twoMetrics, display: "bar", settings: {} });
  const { x, y, width } = (await marks(page))[3];
  await page.mouse.move(x + width / 2, y + 4);
  assert.deepEqual(await page.$$eval(".vz-tooltip text", (all) => all.map((one) => one.textContent)), ["April 2025", "Revenue", "17,260.00", "Orders", "166"]);
  await page.mouse.move(5, 5);
  assert.equal(await page.locator(".vz-tooltip").count(), 0);
});

test("nothing moves for viewers who want no motion", async (t) => {
  const { page } = await open(t, { reducedMotion: "reduce" });
  await page.evaluate(() => document.getElementById("stage").append(drawing.draw({ columns: [{ name: "a", type: "integer" }], rows: [[1]] }, "bar", {}, { charts: () => new Promise(() => {}) })));
  assert.equal(await page.locator(".vz-wait").evaluate((node) => getComputedStyle(node).animationName), "none");
});

test("a drawing follows the size of its box without another answer", async (t) => {
  const { page, show } = await open(t);
  await show(CASES["line-daily"]);
  const width = () => page.locator(".vz-picture").evaluate((node) => node.getBoundingClientRect().width);
  const wide = await width();
  await page.setViewportSize({ width: 380, height: 640 });
  await until(async () => (await width()) < wide / 2);
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
});

// ---- tables ----

test("values are written by type, settings, language and time zone", async (t) => {
  const { page, show } = await open(t);
  const key = (name) => JSON.stringify(["name", name]);
  for (const [type, value, settings, context, text] of [
    ["integer", 1234567, {}, {}, "1,234,567"],
    ["integer", "9007199254740993", {}, {}, "9,007,199,254,740,993"],
    ["decimal(38,2)", "12345678901234567890123456789012345.67", {}, {}, "12,345,678,901,234,567,890,123,456,789,012,345.67"],
    ["decimal(12,2)", "5", {}, {}, "5.00"],
    ["number", 0.1 + 0.2, {}, {}, "0.3"],
    ["number", 0.00012345, {}, {}, "0.00012"],
    ["number", "NaN", {}, {}, "NaN"],
    ["number", null, { prefix: "$" }, {}, ""],
    ["number", 1234.5, {}, { locale: "de" }, "1.234,5"],
    ["number", 1234.5, { number_style: "currency", currency: "EUR" }, { locale: "de-DE" }, "1.234,50 €"],
    ["number", 1234.5, { number_style: "currency", currency: "jpy" }, {}, "¥1,235"],
    ["number", 3, { number_style: "currency", currency: "no such" }, {}, "3"],
    ["number", 0.256, { number_style: "percent" }, {}, "25.6%"],
    ["number", 12345, { number_style: "scientific" }, {}, "1.23E4"],
    ["number", 2.5, { decimals: 3, prefix: "~", suffix: " kg" }, {}, "~2.500 kg"],
    ["number", 2, { scale: 100 }, {}, "200"],
    ["number", 1234567.891, { number_separators: ",." }, {}, "1.234.567,89"],
    ["date", "2026-03-09", {}, {}, "Mar 9, 2026"],
    ["date", "2026-03-09", {}, { timezone: "America/Los_Angeles" }, "Mar 9, 2026"],
    ["date", "2026-03-09", { date_style: "dddd, MMMM D, YYYY" }, {}, "Monday, March 9, 2026"],
    ["date", "2026-03-09", { date_style: "dddd, MMMM D, YYYY", date_abbreviate: true }, {}, "Mon, Mar 9, 2026"],
    ["date", "2026-03-09", { date_style: "M/D/YYYY", date_separator: "-" }, {}, "3-9-2026"],
    ["date", "0044-03-15", { date_style: "YYYY/M/D" }, {}, "44/3/15"],
    ["date", "not a date", {}, {}, "not a date"],
    ["timestamp", "2026-03-09T23:30:00Z", {}, {}, "Mar 9, 2026, 11:30 PM"],
    ["timestamp", "2026-03-09T23:30:00Z", {}, { timezone: "Asia/Tokyo" }, "Mar 10, 2026, 8:30 AM"],
    ["timestamp", "2026-03-09T23:30:00Z", {}, { timezone: "No/Where" }, "Mar 9, 2026, 11:30 PM"],
    ["timestamp", "2026-03-09T23:30:15Z", { time_style: "HH:mm", time_enabled: "seconds" }, {}, "Mar 9, 2026, 23:30:15"],
    ["timestamp", "2026-03-09T23:30:00Z", { time_enabled: null, date_style: "D/M/YYYY" }, {}, "9/3/2026"],
    ["timestamp", "2026-03-01T00:00:00Z", {}, { timezone: "America/Los_Angeles" }, "Mar 1, 2026"],
    ["boolean", false, {}, {}, "false"],
    ["json", { a: [1, null] }, {}, {}, '{"a":[1,null]}'],
    ["text", "a", { prefix: "«", suffix: "»" }, {}, "«a»"],
    ["text", null, { prefix: "«" }, {}, ""],
  ]) {
    await show({ answer: answer({ it: type }, [[value]]), display: "table", settings: { column_settings: { [key("it")]: settings } }, context });
    const written = (await cells(page))[0][0].replace(/[\u00a0\u202f]/g, " ");
    assert.equal(written, text, JSON.stringify([type, value, settings, context]));
  }
});

test("a table sorts by type, with empty cells last, and back", async (t) => {
  const { page, show } = await open(t);
  await show({ answer: table, display: "table", settings: tableSettings });
  const column = async (index) => (await cells(page)).map((row) => row[index]);
  const header = (name) => page.getByRole("button", { name, exact: true });
  const direction = (name) => page.getByRole("columnheader", { name }).getAttribute("aria-sort");
  for (const [name, index, first, second] of [
    ["Balance due", 4, ["€1,000,000.00", "€1,204.50", "-€37.10", ""], ["-€37.10", "€1,204.50", "€1,000,000.00", ""]],
    ["Joined", 2, ["31 December, 2025", "29 February, 2024", "1 November, 2023", ""], ["1 November, 2023", "29 February, 2024", "31 December, 2025", ""]],
    ["Large", 9, ["#9,007,199,254,740,993", "#9,007,199,254,740,992", "#-5", ""], ["#-5", "#9,007,199,254,740,992", "#9,007,199,254,740,993", ""]],
    ["Name", 1, ["Ann Example", "bob", "Émile", "كريم"], ["كريم", "Émile", "bob", "Ann Example"]],
  ]) {
    const before = await column(index);
    await header(name).press("Enter");
    assert.deepEqual(await column(index), first, name);
    await header(name).press("Enter");
    assert.deepEqual(await column(index), second, name);
    assert.equal(await direction(name), name === "Name" ? "descending" : "ascending");
    await header(name).press("Enter");
    assert.deepEqual(await column(index), before, name);
    assert.equal(await direction(name), null);
  }
});

test("`table.columns` orders and hides columns, and new columns are shown", async (t) => {
  const { page, show } = await open(t);
  const columns = [{ name: "score", enabled: true }, { name: "extra", enabled: false }, { name: "no such", enabled: true }, { name: "id", enabled: true }];
  await show({ answer: table, display: "table", settings: { "table.columns": columns } });
  const names = await page.$$eval(".vz-grid th", (all) => all.map((one) => one.textContent));
  assert.deepEqual(names, ["Score", "Id", "Name", "Joined", "Last Seen", "Balance", "Active", "Site", "Large"]);
});

test("2,000 rows are there at once, under a header that stays, and numbers stand right", async (t) => {
  const { page, show } = await open(t);
  const ms = await page.evaluate(async (one) => {
    const start = performance.now();
    show([one]);
    document.getElementById("stage").getBoundingClientRect();
    await new Promise(requestAnimationFrame);
    return performance.now() - start;
  }, { answer: many(2000, 10), display: "table", settings: {} });
  assert.ok(ms < 700, `first paint after ${ms} ms`);
  await until(async () => (await cells(page)).length === 2000);
  await page.locator(".vz-scroll").evaluate((node) => { node.scrollTop = 9000; });
  const [head, box] = [await page.locator("th").first().boundingBox(), await page.locator(".vz-scroll").boundingBox()];
  assert.ok(Math.abs(head.y - box.y) < 2);
  assert.equal(await page.locator("tbody td").nth(1).evaluate((node) => getComputedStyle(node).textAlign), "right");
  await show({ answer: { ...many(2000, 1), truncated: true }, display: "table", settings: {} });
  await page.getByText("Showing the first 2,000 rows").waitFor();
});

// ---- figures ----

test("a scalar is the first row's value, shortened if asked", async (t) => {
  const { page, show } = await open(t);
  const figures = answer({ name: "text", count: "integer" }, [["Ann", 1234567], ["Bob", 2]]);
  for (const [settings, text] of [[{}, "Ann"], [{ "scalar.field": "count" }, "1,234,567"], [{ "scalar.field": "count", "scalar.compact_primary_number": true }, "1.2M"]]) {
    await show({ answer: figures, display: "scalar", settings });
    assert.equal(await page.locator(".vz-figure").textContent(), text);
  }
});

test("a trend compares with what the settings name", async (t) => {
  const { page, show } = await open(t);
  const series = answer({ month: "date", revenue: "number", plan: "number" }, [["2025-12-01", 80, 1], ["2026-01-01", null, 2], ["2026-02-01", 100, 80], ["2026-03-01", 75, 100]]);
  for (const [comparisons, switched, text, tone] of [
    [undefined, false, "↓ 25% vs. previous month: 100", "vz-bad"],
    [undefined, true, "↓ 25% vs. previous month: 100", "vz-good"],
    [[{ type: "periodsAgo", value: 3 }], false, "↓ 6.25% vs. December 2025: 80", "vz-bad"],
    [[{ type: "periodsAgo", value: 2 }], false, "No earlier value to compare", null],
    [[{ type: "staticNumber", value: 50, label: "Target" }], false, "↑ 50% Target: 50", "vz-good"],
    [[{ type: "anotherColumn", column: "plan", label: "Plan" }], false, "↓ 25% Plan: 100", "vz-bad"],
    [[{ type: "staticNumber", value: 75, label: "Target" }], false, "No change Target", null],
  ]) {
    await show({ answer: series, display: "smartscalar", settings: { "scalar.field": "revenue", "scalar.comparisons": comparisons, "scalar.switch_positive_negative": switched } });
    assert.equal(await page.locator(".vz-figure").textContent(), "75");
    assert.equal(await page.locator(".vz-change").textContent(), text);
    if (tone) assert.equal(await page.locator(".vz-change strong").getAttribute("class"), tone);
  }
  assert.equal(await page.locator(".vz-spark-line").count(), 1);
});

test("progress says how much of the goal is reached, and is full beyond it", async (t) => {
  const { page, show } = await open(t);
  for (const [value, goal, now, text, width] of [[25, 200, "25", "12.5%", 12.5], [200, 200, "200", "Goal met", 100], [300, 200, "200", "Goal exceeded", 100], [-5, 200, "0", "-2.5%", 0], [0, 0, "0", "Goal met", 100]]) {
    await show({ answer: answer({ sold: "integer" }, [[value]]), display: "progress", settings: { "progress.goal": goal } });
    assert.equal(await page.getByRole("meter").getAttribute("aria-valuenow"), now);
    assert.equal(+(await page.locator(".vz-filled").getAttribute("width")), width);
    assert.equal(await page.locator(".vz-progress-text span").first().textContent(), text);
  }
});

// ---- charts ----

test("missing settings are the first column that is no number, and all that are", async (t) => {
  const { page, show } = await open(t);
  for (const [given, settings, series] of [
    [twoMetrics, {}, ["revenue", "orders"]],
    [twoMetrics, { "graph.metrics": ["orders"] }, ["orders"]],
    [byMonthAndRegion, {}, ["Americas", "Europe", "Middle East and Africa", "Asia Pacific"]],
    [answer({ size: "integer", weight: "number" }, [[1, 2], [3, 4]]), {}, ["weight"]],
    [answer({ count: "integer" }, [[5]]), {}, ["count"]],
  ]) {
    await show({ answer: given, display: "bar", settings });
    assert.deepEqual([...new Set((await marks(page)).map(({ series }) => series))], series);
  }
});

test("settings of a series change its mark, axis, colour and title", async (t) => {
  const { page, show } = await open(t);
  await show({ answer: twoMetrics, display: "line", settings: { series_settings: { orders: { display: "bar", axis: "right", color: "#123456", title: "Count" }, revenue: { color: "url(#x)" } } } });
  assert.equal(await page.locator(".vz-bars").getAttribute("color"), "#123456");
  assert.equal(await page.locator(".vz-line").getAttribute("color"), null, "what is no colour is not used");
  assert.deepEqual(await page.$$eval(".vz-legend li", (all) => all.map((one) => one.textContent)), ["Revenue", "Count"]);
  assert.deepEqual(await page.$$eval(".vz-axis-title", (all) => all.map((one) => one.textContent)), ["Month", "Revenue", "Count"]);
});

test("goal, trend, titles, limits and values are drawn as set", async (t) => {
  const { page, show } = await open(t);
  const settings = {
    "graph.show_goal": true, "graph.goal_value": 40000, "graph.goal_label": "Plan", "graph.show_trendline": true, "graph.show_values": true,
    "graph.x_axis.title_text": "When", "graph.y_axis.title_text": "Dollars", "graph.y_axis.auto_range": false, "graph.y_axis.min": 5000, "graph.y_axis.max": 45000,
  };
  await show({ answer: byMonth, display: "line", settings });
  assert.equal(await page.locator(".vz-goal-label").textContent(), "Plan");
  assert.equal(await page.locator(".vz-trend").count(), 1);
  assert.ok((await page.locator(".vz-value").count()) >= 6);
  assert.deepEqual(await page.$$eval(".vz-axis-title", (all) => all.map((one) => one.textContent)), ["When", "Dollars"]);
  const ticks = await page.$$eval(".vz-tick", (all) => all.map((one) => one.textContent));
  assert.ok(ticks.includes("10K") && ticks.includes("40K") && !ticks.includes("0"), ticks.join());
  await show({ answer: byMonth, display: "line", settings: { "graph.x_axis.axis_enabled": false, "graph.y_axis.axis_enabled": false } });
  assert.equal(await page.locator(".vz-tick, .vz-axis-title").count(), 0);
});

test("small slices become one, negative ones are left out, and both are said", async (t) => {
  const { page, show } = await open(t);
  const shares = answer({ name: "text", size: "number" }, [["A", 60], ["B", 38], ["C", 1], ["D", 1], ["E", -5], ["F", null]]);
  await show({ answer: shares, display: "pie", settings: {} });
  assert.deepEqual(await page.$$eval(".vz-legend li", (all) => all.map((one) => one.textContent)), ["A60%", "B38%", "Other2%"]);
  await page.getByText("Negative values are not shown").waitFor();
  await show({ answer: shares, display: "pie", settings: { "pie.slice_threshold": 0 } });
  assert.equal(await page.locator(".vz-legend li").count(), 4);
  await show({ answer: answer({ name: "text", size: "number" }, [["A", 0]]), display: "pie", settings: {} });
  assert.equal(await page.locator(".vz-ring").count(), 1);
});

test("many series and many points are cut, and that is said", async (t) => {
  const { page, show } = await open(t);
  const groups = answer({ day: "date", group: "text", size: "integer" }, Array.from({ length: 50 }, (_, index) => [`2026-01-0${1 + (index % 2)}`, `G${index >> 1}`, index]));
  await show({ answer: groups, display: "line", settings: {} });
  await page.getByText("Showing 20 of 25 series").waitFor();
  assert.equal(await page.locator(".vz-line").count(), 20);
  const points = answer({ at: "integer", size: "number" }, Array.from({ length: 6000 }, (_, index) => [index, index === 4321 ? 5000 : Math.sin(index / 50)]));
  await show({ answer: points, display: "line", settings: {} });
  const note = await page.getByText(/Showing [\d,]+ of 6,?000 points/).textContent();
  assert.ok(+note.match(/[\d,]+/)[0].replace(",", "") <= 2000);
  assert.match(await page.getByRole("img").getAttribute("aria-label"), /to 5,000 \(4,321\)/, "the peak is kept");
});

test("rows of the same point are added up, and that is said", async (t) => {
  const { page, show } = await open(t);
  await show({ answer: answer({ name: "text", size: "integer" }, [["A", 1], ["B", 5], ["A", 2]]), display: "bar", settings: {} });
  assert.deepEqual((await marks(page)).map(({ value }) => value), ["3", "5"]);
  await page.getByText("Rows of the same point are added up").waitFor();
});

test("missing points interrupt a line only if the settings say so", async (t) => {
  const { page, show } = await open(t);
  const gaps = answer({ month: "date", size: "integer" }, [["2026-01-01", 4], ["2026-02-01", null], ["2026-03-01", 6], ["2026-04-01", 7]]);
  const pieces = async (missing) => {
    await show({ answer: gaps, display: "line", settings: { series_settings: { size: { "line.missing": missing } } } });
    const path = await page.locator(".vz-line .vz-stroke").getAttribute("d");
    return [path.split("M").length - 1, path.split("L").length - 1];
  };
  assert.deepEqual(await pieces("interpolate"), [1, 2]);
  assert.deepEqual(await pieces("zero"), [1, 3]);
  assert.equal((await pieces("none"))[0], 2);
});

test("answers at the edges are drawn without an error", async (t) => {
  const { page, show } = await open(t);
  const one = (rows, types = { name: "text", size: "number" }) => answer(types, rows);
  const EDGES = {
    empty: one([]), "one point": one([["A", 5]]), zeros: one([["A", 0], ["B", 0]]), nulls: one([["A", null], [null, 3], ["", null]]), "only nulls": one([["A", null], ["B", null]]),
    huge: one([["A", 1e300], ["B", -1e300]]), tiny: one([["A", 1e-300]]), negative: one([["A", -1], ["B", -3]]), "same dates": one([["2026-01-01", 1], ["2026-01-01", 2]], { day: "date", size: "number" }),
    "bad dates": one([["soon", 1], ["2026-01-01", 2]], { day: "date", size: "number" }), "long label": one([["x".repeat(5000), 1]]), "one column": answer({ size: "number" }, [[1], [2]]),
    "no column": { columns: [], rows: [] }, "not an answer": null, "short rows": { columns: [{ name: "a", type: "text" }, { name: "b", type: "number" }], rows: [[], ["x"], null] },
    "same names": { columns: [{ name: "a", type: "text" }, { name: "a", type: "number" }, { name: "a", type: "number" }], rows: [["x", 1, 2]] },
  };
  const DISPLAYS = ["table", "scalar", "smartscalar", "progress", "bar", "row", "line", "area", "combo", "pie"];
  const SETTINGS = [
    {}, { "stackable.stack_type": "normalized", "graph.show_values": true, "graph.show_goal": true, "graph.show_trendline": true, "graph.y_axis.scale": "log" },
    { "graph.y_axis.scale": "pow", "graph.x_axis.scale": "log" },
  ];
  for (const [name, given] of Object.entries(EDGES)) {
    await show(...DISPLAYS.flatMap((display) => SETTINGS.map((settings) => ({ answer: given, display, settings }))));
    const boxes = await page.$$eval(".box", (all) => all.map((box) => [box.innerHTML, box.textContent.trim() !== "" || box.querySelector(".vz-picture, .vz-grid") !== null]));
    boxes.forEach(([html, isDrawn], index) => {
      const display = DISPLAYS[Math.floor(index / SETTINGS.length)];
      assert.ok(!/NaN|Infinity|undefined/.test(html), `${name} as ${display}: ${/.{80}(NaN|Infinity|undefined).{40}/.exec(html)?.[0]}`);
      assert.ok(isDrawn, `${name} as ${display}`);
    });
  }
  await show(CASES.empty);
  await page.getByText("No results").waitFor();
});
