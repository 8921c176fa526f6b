// Takes screenshots of every page of the console with data in it, in light, dark, on a phone and right to left, for review:
//   node console-screenshots.mjs [folder] [look] [part of a page's name]

import { createHash } from "node:crypto";
import { mkdir } from "node:fs/promises";
import { ADMIN_KEY, Product, launch } from "./harness.mjs";

const [folder = "screenshots", onlyLook, onlyPage = ""] = process.argv.slice(2);
const LOOKS = {
  light: { context: {} },
  dark: { context: { colorScheme: "dark" } },
  phone: { context: { viewport: { width: 390, height: 844 } } },
  "right-to-left": { context: {}, rtl: true },
};
const DAY = 86_400;
const DIVE = "dive/8b2c3a1e-7a54-4f7e-9d37-2f3f5f0f6a11";
const SQL = "select * from (values ('Jan', 10), ('Feb', 14), ('Mar', 12)) as t (month, revenue)";

const [product, browser] = await Promise.all([Product.start("Deployments=1,2,3"), launch()]);
const at = async (clock) => { await product.moveClock(new Date(clock * 1000).toISOString()); return clock; };
const present = Math.floor(Date.now() / 1000);

const question = (sql) => ({ type: "question", query: { sql }, display: "bar", settings: { "graph.dimensions": ["month"], "graph.metrics": ["revenue"] } });
const orders = [{ city: "Rome", amount: 5 }, { city: "Berlin", amount: 7 }, { city: "A city with quite a long name", amount: 1234567 }];
await product.publishTable("orders", { city: "text", amount: "integer" }, orders,
  { row_policies: [{ groups: ["*"], rows: [{ column: "city", op: "in", value: { attribute: "cities" } }] }] });
await product.publishTable("open", { day: "date" }, [{ day: "2026-01-01" }]);
for (const sql of [`${SQL} where revenue > 10`, `${SQL} where revenue > 11`, SQL]) {
  await product.publish("question/1", { title: "Revenue by month", content: question(sql) });
}
await product.publish("question/2", {
  title: "Everything that was ordered, by city, by month and by the name of the customer",
  enable_embedding: false, content: question("select sum(amount) as total from orders"),
});
const card = (id, row, col, width) => ({ id, question: 1, row, col, width, height: 6 });
const cards = [card(1, 0, 0, 12), card(2, 0, 12, 12), { id: 3, heading: "End", row: 6, col: 0, width: 24, height: 1 }];
await product.publish("dashboard/1", {
  title: "Quarterly revenue", description: "What the board looks at on Mondays.", content: { type: "dashboard", cards },
  parameters: [{ slug: "customer", name: "Customer", type: "text" }, { slug: "region", name: "Region", type: "text" }],
  embedding_params: { customer: "locked", region: "enabled" },
});
await product.publish("dashboard/2", { title: "Page", archived: true, content: { type: "html", html: "<h1>Old</h1>" } });
await product.publish("dashboard/3", { title: "Elsewhere", deployment: 2, content: { type: "url", url: "https://a.example/board" } });
for (const html of ["<h1>One</h1>", "<h1>Two</h1>\n".repeat(40)]) await product.publish(DIVE, { title: "Routes", content: { type: "html", html } });
await product.call("POST", "/v1/attributes", { name: "cities", type: "string_array" });
await product.call("POST", "/v1/groups", { name: "staff" });
for (const name of ["ann", "bob", "someone.with.a.long.name"]) await product.call("POST", "/api/v1/embed-tenants/acme/user", { externalId: `${name}@example.com` });
await product.generate({ embedTenantName: "acme", creatorMode: true, tenantGroupDefinitions: [{ name: "readers" }], tenantGroups: ["readers"] });
for (const [username, email] of [["reports"], ["nightly_export", "exports@example.com"]]) await product.call("POST", "/v1/users", { username, email });
for (const name of ["nightly", "weekly"]) await product.call("POST", "/v1/users/reports/tokens", { name });
await product.call("POST", "/v1/keys", { name: "backend", role: "member", permissions: ["sessions:create"] });
const [user] = (await product.call("GET", "/v1/external-users?tenant=acme&search=ann")).items;
const file = "city,amount\nRome,many\n";
const upload = await product.call("POST", "/v1/tables/orders/uploads", { format: "csv", size: file.length, sha256: createHash("sha256").update(file).digest("hex") });

// Views and refusals of some days, for the chart.
const view = (dashboard, clock) => fetch(`${product.base}/v1/view`, { headers: { authorization: `Bearer ${product.sign({ resource: { question: dashboard }, exp: clock + 600 })}` } });
let refused = "nothing";
for (let day = 12; day >= 0; day -= 1) {
  for (const pause of [0, 20]) {
    const clock = await at(present - day * DAY - 60 + pause);
    for (let count = 0; count < 5 + ((day * 7) % 11); count += 1) await view(1, clock);
    for (let count = 0; count < (day * 3) % 4; count += 1) {
      const answer = await view(2, clock);
      refused = answer.headers.get("x-request-id");
    }
  }
}
await at(present);

const R = "/console/resources";
const PAGES = {
  home: "/console", resources: R, "resources-none": `${R}?q=nothing`, dashboard: `${R}/dashboard/1`, question: `${R}/question/1`, dive: `${R}/${DIVE}`,
  archived: `${R}/dashboard/2`, "question-version": `${R}/question/1/versions/1`, "dive-version": `${R}/${DIVE}/versions/1`, "current-version": `${R}/question/1/versions/3`,
  embed: `${R}/dashboard/1/embed`, "edit-question": `${R}/question/1/edit`, "edit-dashboard": `${R}/dashboard/1/edit`, "edit-dive": `${R}/${DIVE}/edit`,
  "new-question": "/console/new/question", "new-url": "/console/new/url", data: "/console/data", table: "/console/data/tables/orders",
  upload: `/console/data/tables/orders/uploads/${upload.upload}`, viewers: "/console/viewers", "viewers-of-tenant": "/console/viewers?tenant=acme",
  user: `/console/viewers/${user.id}`, tenant: "/console/tenants/acme", account: "/console/accounts?username=reports", keys: "/console/keys",
  refusals: "/console/refusals", refusal: `/console/refusals?request_id=${refused}`, sessions: "/console/sessions", settings: "/console/settings", "not-found": "/console/nowhere",
};
// Steps on a page before its picture.
const STEPS = {
  "edit-question": async (page) => { await page.getByLabel("SQL").first().press("End"); await page.keyboard.type(" "); await page.waitForTimeout(2_500); },
  "edit-dashboard": async (page) => { await page.getByRole("button", { name: /remove/i }).first().click().catch(() => {}); },
  home: (page) => page.getByText("Looked at: signing keys").waitFor(),
  embed: (page) => page.waitForTimeout(1_000),
};

await mkdir(folder, { recursive: true });
for (const [look, { context, rtl }] of Object.entries(LOOKS)) {
  if (onlyLook && onlyLook !== "all" && onlyLook !== look) continue;
  const own = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...context });
  if (rtl) await own.addInitScript(() => addEventListener("DOMContentLoaded", () => { document.documentElement.dir = "rtl"; }));
  const page = await own.newPage();
  const { width, height } = page.viewportSize();
  // As high as the page, so that what sticks to the lower edge is below everything.
  const shoot = async (name) => {
    const whole = await page.evaluate(() => document.documentElement.scrollHeight);
    await page.setViewportSize({ width, height: Math.max(height, whole) });
    await page.screenshot({ path: `${folder}/${look}-${name}.png` });
    await page.setViewportSize({ width, height });
  };
  await page.goto(`${product.base}/console`);
  await shoot("sign-in");
  await page.getByLabel("Access key").fill(ADMIN_KEY);
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Home" }).waitFor();
  for (const [name, path] of Object.entries(PAGES)) {
    if (!name.includes(onlyPage)) continue;
    await page.goto(product.base + path);
    await STEPS[name]?.(page);
    await shoot(name);
  }
  await own.close();
}
await Promise.all([product.stop(), browser.close()]);
