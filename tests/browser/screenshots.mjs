// Takes screenshots of every state of the page and of the demo in light, dark, narrow and right to left, for review:
//   node screenshots.mjs [folder]
// or only the README's picture, the first screen of the demo:
//   node screenshots.mjs ../../infra/demo.png

import { mkdir } from "node:fs/promises";
import { Host, Product, framing, launch, waitForMessage } from "./harness.mjs";

const folder = process.argv[2] ?? "screenshots";
const WIDE = { width: 900, height: 620 };
const LOOKS = {
  light: { context: {}, behind: { theme: "light" } },
  dark: { context: { colorScheme: "dark" }, behind: { theme: "dark" } },
  narrow: { context: { viewport: { width: 360, height: 720 } }, behind: { theme: "light" } },
  "right-to-left": { context: {}, behind: { theme: "light", locale: "ar" } },
};

const PARAMETERS = [
  { slug: "customer", name: "Customer", type: "text", default: "Acme" },
  { slug: "amount", name: "Amount", type: "number", default: 5 },
  { slug: "day", name: "Day", type: "date", default: "2026-03-09" },
  { slug: "period", name: "Period", type: "date_range" },
  { slug: "region", name: "Region", type: "category", values: [["amer", "Americas"], ["emea", "EMEA"]] },
  { slug: "status", name: "Status", type: "category", multiple: true, values: [["open", "Open"], ["late", "Late"]], default: ["late"] },
  { slug: "returns", name: "With returns", type: "boolean" },
];
const HTML = `<style>[data-theme=dark] { color: #e8ecf0 } body { font: 16px system-ui; margin: 1rem }</style><p id="shown"></p>
<script>const show = () => { document.documentElement.dataset.theme = vitrine.view.theme; shown.textContent = JSON.stringify(vitrine.view.values, null, 1); };
vitrine.onView(show); show();</script>`;

const [host, browser] = await Promise.all([Host.start(), launch()]);
const [product, demo] = await Promise.all([Product.start(`AllowedOrigins=${host.origin}`), Product.run()]);
const locked = { parameters: PARAMETERS.slice(0, 1), embedding_params: { customer: "locked" } };
await product.publish("dashboard/1", {
  title: "Sales", content: { type: "html", html: HTML }, parameters: PARAMETERS,
  embedding_params: Object.fromEntries(PARAMETERS.map(({ slug }) => [slug, "enabled"])),
});
await product.publish("dashboard/2", { enable_embedding: false });
await product.publish("dashboard/3", locked);
await product.publish("dashboard/4", { title: "Nothing in it" });
await product.publish("dashboard/5", { content: { type: "url", url: "http://localhost:9/nothing" } });

const signed = (dashboard, claims = {}) => `/embed/dashboard/${product.sign({ resource: { dashboard }, ...claims })}`;
const soon = () => Math.floor(Date.now() / 1000) + 3;

// Each state: the path, the message of the page that says it is shown, and display options.
const STATES = {
  shown: [() => signed(1), "ready"],
  "without-title-and-border": [() => signed(1), "ready", { titled: "false", bordered: "false" }],
  transparent: [() => signed(1), "ready", { theme: "transparent" }],
  empty: [() => signed(4), "ready"],
  "content-that-fails": [() => signed(5), "ready"],
  "expired-while-open": [() => signed(1, { exp: soon() }), "expired"],
  "refused-expired": [() => signed(1, { exp: 1 }), "error"],
  "refused-not-published": [() => signed(2), "error"],
  "refused-misconfigured": [() => signed(3), "error"],
  "refused-unreadable": [() => "/embed/dashboard/garbage", "error"],
};

async function openDemo(page) {
  await page.goto(demo.base);
  for (const said of await page.locator(".said").all()) await said.getByText("ready").waitFor();
}

const stop = () => Promise.all([product.stop(), demo.stop(), host.stop(), browser.close()]);

if (folder.endsWith(".png")) {
  const page = await browser.newPage({ viewport: { width: 1200, height: 940 } });
  await openDemo(page);
  await page.waitForTimeout(300);
  await page.screenshot({ path: folder });
  await stop();
  process.exit();
}

await mkdir(folder, { recursive: true });

async function keep(look, name, use) {
  const own = await browser.newContext({ viewport: WIDE, ...LOOKS[look].context });
  const page = await own.newPage();
  await use(page);
  await page.waitForTimeout(300);
  await page.screenshot({ path: `${folder}/${name}-${look}.png`, fullPage: true });
  await own.close();
}

for (const [look, { behind }] of Object.entries(LOOKS)) {
  for (const [name, [path, message, own]] of Object.entries(STATES)) {
    await keep(look, name, async (page) => {
      host.pages["/"] = framing(`${product.base}${path()}#${new URLSearchParams({ ...behind, ...own })}`)
        .replace("<iframe", '<style>body { margin: 0 } iframe { width: 100vw; height: 100vh; border: 0 }</style><iframe');
      await page.goto(host.origin);
      await waitForMessage(page, message);
    });
  }
  if (look === "right-to-left") continue;
  await keep(look, "demo", openDemo);
}

console.log(`${folder}: ${Object.keys(STATES).length * 4 + 3} pictures`);
await stop();
