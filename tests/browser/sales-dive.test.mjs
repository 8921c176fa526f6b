// A dive like those that are shown in public: joins, casts, a series of months, classes of Tailwind and charts with motion. Its tables are
// published, then each edit of infra/migrating/from-motherduck.md is tried, and its figures are those of the rows.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { COLUMNS, figuresOf, shop } from "./dives/shop.mjs";
import { Host, Product, framing, launch, program, until } from "./harness.mjs";

const FILE = await readFile(new URL("dives/sales.tsx", import.meta.url), "utf8");
const DIVE = "7f0c9be2-4a83-4d0e-8a57-0e3c6a1d7b01";
const TODAY = new Date();
const TABLES = shop(TODAY);
// The edit for classes of Tailwind.
const STYLE = "<style>{`.grid { display: grid } .grid-cols-4 { grid-template-columns: repeat(4, minmax(0, 1fr)) } .gap-6 { gap: 1.5rem }`}</style>";
const STYLED = FILE.replace(/(\n +)(<h1)/, `$1${STYLE}$1$2`);

let product, host, browser, folder;

before(async () => {
  [host, browser, folder] = await Promise.all([Host.start(), launch(), mkdtemp(join(tmpdir(), "sales-"))]);
  product = await Product.start(`AllowedOrigins=${host.origin}`, "DiveSql=true");
  await product.call("POST", "/v1/users", { username: "shop_viewer" });
});

after(async () => {
  await Promise.all([product, host, browser].map((one) => one?.stop?.() ?? one?.close?.()));
  await rm(folder, { recursive: true });
});

async function publish(source, ...options) {
  const file = join(folder, "sales.tsx");
  await writeFile(file, source);
  return program(["publish", "dive", file, "--to", product.base, "--id", DIVE, ...options]);
}

// SQL from dives finds only tables with a row policy that matches the account.
const OPEN = { row_policies: [{ groups: ["*"], rows: "all" }] };
const publishTables = () => Promise.all(Object.entries(TABLES).map(([name, rows]) => product.publishTable(name, COLUMNS[name], rows, OPEN)));

async function shown(t, { mode = "", sandbox }) {
  const { session } = await product.call("POST", `/v1/dives/${DIVE}/embed-session`, { username: "shop_viewer" });
  host.pages["/"] = framing(`${product.base}/sandbox/${mode}#session=${session}`, `sandbox="${sandbox}" style="width:1100px;height:1000px"`);
  const own = await browser.newContext({ viewport: { width: 1200, height: 1100 } });
  t.after(() => own.close());
  const page = await own.newPage();
  await page.goto(host.origin);
  const inner = page.frameLocator("#embed").frameLocator("iframe");
  await inner.locator(".recharts-bar-rectangle path").nth(5).waitFor();
  await inner.locator(".recharts-line-dot").nth(11).waitFor();
  return { page, inner };
}

// Returns whether the numbers are the values times one factor, plus one offset.
function areLinear(numbers, values, tolerance) {
  const [low, high] = [values.indexOf(Math.min(...values)), values.indexOf(Math.max(...values))];
  const factor = (numbers[high] - numbers[low]) / (values[high] - values[low]);
  return factor !== 0 && values.every((value, index) => Math.abs(numbers[low] + (value - values[low]) * factor - numbers[index]) <= tolerance);
}

const boxes = (locator) => locator.evaluateAll((all) => all.map((one) => one.getBoundingClientRect()).map(({ x, y, width }) => ({ x, y, width })));
const topOf = (inner, text) => inner.getByText(text, { exact: true }).evaluate((one) => one.getBoundingClientRect().y);
const LABELS = ["Total Revenue", "Total Orders", "Avg Order Value", "Countries"];

test("without its tables nothing is published, and the refusal names the query and the table", async () => {
  const { code, stderr } = await publish(FILE, "--embed");
  assert.equal(code, 1);
  assert.match(stderr, /nothing was published: 400 .*content\.queries\.sql_1.*orders/s);
});

test("with its tables the file runs as it is in each sandbox and query mode, and draws the rows' figures", async (t) => {
  await publishTables();
  const expected = figuresOf(TABLES, TODAY);
  for (const options of [[], ["--keep-sql"]]) {
    const { code, stderr } = await publish(FILE, "--embed", ...options);
    assert.equal(code, 0, stderr);
    for (const mode of ["", "?queryMode=dual"]) {
      for (const sandbox of ["allow-scripts allow-same-origin", "allow-scripts"]) {
        const { page, inner } = await shown(t, { mode, sandbox });
        const text = await inner.locator("#root").innerText();
        const figures = [`$${(expected.revenue / 1e6).toFixed(1)}M`, String(expected.orders), `$${(expected.average / 1e3).toFixed(0)}K`, String(expected.countries)];
        for (const [index, label] of LABELS.entries()) assert.ok(text.includes(`${figures[index]}\n${label}`), `${label}: ${figures[index]}\n${text}`);

        // The charts move until they are there.
        const months = expected.months.map(({ revenue }) => revenue);
        await until(async () => areLinear((await boxes(inner.locator(".recharts-line-dot"))).map(({ y }) => y), months, 1));
        const categories = expected.categories.map(({ revenue }) => revenue);
        await until(async () => {
          const widths = (await boxes(inner.locator(".recharts-bar-rectangle path"))).map(({ width }) => width);
          return categories.every((revenue, index) => Math.abs(widths[index] / widths[0] - revenue / categories[0]) < 0.01);
        });
        const texts = await inner.locator(".recharts-surface text").allTextContents();
        assert.deepEqual(texts.filter((one) => expected.categories.some(({ name }) => name === one)).sort(), expected.categories.map(({ name }) => name).sort());
        assert.ok(texts.includes(expected.months[0].label), String(texts));

        // A point tells its row's figure.
        const dots = inner.locator(".recharts-line-dot");
        for (const index of [3, 8]) {
          await dots.nth(index).hover({ force: true });
          const tooltip = inner.locator(".recharts-tooltip-wrapper").first();
          await until(async () => (await tooltip.innerText()).startsWith(expected.months[index].label));
          const told = await tooltip.innerText();
          const figure = Number(/Revenue : \$([\d.]+)M/.exec(told)?.[1]);
          assert.ok(Math.abs(figure - months[index]) < 0.0051, `${told} ${months[index]}`);
        }
        await page.close();
      }
    }
  }
});

test("classes have no effect until the dive has a style for them", async (t) => {
  const tops = async (source) => {
    const { code, stderr } = await publish(source, "--embed");
    assert.equal(code, 0, stderr);
    const { inner } = await shown(t, { sandbox: "allow-scripts" });
    return new Set(await Promise.all(LABELS.map((label) => topOf(inner, label))));
  };
  assert.equal((await tops(FILE)).size, 4, "one below the other");
  assert.equal((await tops(STYLED)).size, 1, "side by side");
});

test("a dive that is not embedded has no session", async () => {
  await product.call("PATCH", `/v1/dives/${DIVE}`, { enable_embedding: false });
  assert.equal((await publish(FILE)).code, 0);
  await assert.rejects(product.call("POST", `/v1/dives/${DIVE}/embed-session`, { username: "shop_viewer" }), / 403 /);
});
