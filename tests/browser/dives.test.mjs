// Dives as they are after the edits of infra/migrating/from-motherduck.md: components that are bundled with React, with queries by name or
// with SQL of their own, in each page, sandbox and query mode.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import { Host, Product, framing, launch, received, until } from "./harness.mjs";

const SDK = new URL("../../functions/serve-embed/sdk/", import.meta.url).pathname;
const DIVE = "5f0c9be2-4a83-4d0e-8a57-0e3c6a1d7b01";
const IDS = { names: DIVE, texts: DIVE.replace("01", "02"), probe: DIVE.replace("01", "03") };

// The table `deliveries` of the demo has a row policy by depot.
const QUERIES = {
  kpis: "select round(sum(d.amount), 0) as total, count(distinct d.id) as orders, round(sum(d.amount) / count(distinct d.id), 2) as average, count(distinct d.depot::VARCHAR) as depots from deliveries d join deliveries o on d.id = o.id::BIGINT",
  monthly: "with months as (select unnest(generate_series(date_trunc('month', timestamp '2026-06-01' - interval '5 months'), timestamp '2026-06-01', interval '1 month')) as month) select strftime(m.month, '%Y-%m') as month, strftime(m.month, '%b %Y') as label, coalesce(round(sum(d.amount) / 1e3, 2), 0) as revenue from months m left join deliveries d on date_trunc('month', d.day) = m.month group by 1, 2 order by 1",
  by_truck: "select truck, count(*) as n from deliveries where status = {{status}} group by 1 order by 1",
};
const textOf = (name) => QUERIES[name].replace("{{status}}", "'${status}'");

// A dive in the form of MotherDuck's: one component with hooks, and figures that can be texts.
const component = (ask) => `
import { createRoot } from "react-dom/client";
import { useDiveState, useSQLQuery } from "vitrine-embed/dive";

export const REQUIRED_DATABASES = [{ type: "share", path: "md:_share/fleet/06fa503c", alias: "fleet" }];
const N = (value) => (value != null ? Number(value) : 0);

export default function Fleet() {
  const [status, setStatus] = useDiveState("status", "delivered");
  const kpis = useSQLQuery(${ask("kpis")});
  const monthly = useSQLQuery(${ask("monthly")}, { select: (rows) => rows.map((row) => ({ month: row.month, revenue: N(row.revenue) })) });
  const trucks = useSQLQuery(${ask("by_truck")}${ask === byName ? ", { params: { status } }" : ""});
  const kpi = kpis.data?.[0];
  const failed = [kpis, monthly, trucks].find((one) => one.isError);
  return (
    <div style={{ padding: 20 }}>
      <h1>Fleet</h1>
      {kpis.isLoading ? <p>Loading</p> : kpi ? <p id="kpis">{[kpi.total, kpi.orders, kpi.average, kpi.depots].map(N).join(" ")}</p> : null}
      <p id="monthly">{(monthly.data ?? []).map(({ month, revenue }) => month + "=" + revenue).join(" ")}</p>
      <ul>{(trucks.data ?? []).map((row) => <li key={String(row.truck)}>{String(row.truck)}: {N(row.n)}</li>)}</ul>
      <p id="status">{status}</p>
      <button onClick={() => setStatus("late")}>late</button>
      <button onClick={() => setStatus("delivered")}>delivered</button>
      <p id="problem">{failed?.error.reason}</p>
    </div>
  );
}

createRoot(document.getElementById("root")).render(<Fleet />);`;

const byName = (name) => JSON.stringify(name);
const byText = (name) => `\`${textOf(name)}\``;

// A dive that shows the states of the hook one after the other. It uses the hook of \`vitrine\`, with React as a global.
const PROBE = `
import * as React from "react";
import { createRoot } from "react-dom/client";
globalThis.React = React;
const { vitrine } = globalThis;
globalThis.seen = [];
function Probe() {
  const [asked, setAsked] = React.useState({ name: "by_truck", params: { status: "delivered" } });
  globalThis.show = setAsked;
  const { name, ...options } = asked;
  const result = vitrine.useSQLQuery(name, options);
  globalThis.result = result;
  const { status, isLoading, isPending, isSuccess, isError, isFetching, isPlaceholderData, data, error } = result;
  seen.push([name, status, isLoading, isFetching, data?.length ?? null, error?.reason ?? null, isPlaceholderData]);
  if (isPending !== (status === "pending") || isSuccess !== (status === "success") || isError !== (status === "error")) seen.push("contradiction");
  return null;
}
createRoot(document.getElementById("root")).render(React.createElement(Probe));
vitrine.sql("select 1").catch(({ reason, message }) => { globalThis.refused = [reason, message]; });`;

async function html(code) {
  const { outputFiles } = await build({
    stdin: { contents: code, resolveDir: import.meta.dirname, loader: "jsx" }, bundle: true, minify: true, write: false, format: "iife", jsx: "automatic",
    define: { "process.env.NODE_ENV": '"production"' }, alias: { "vitrine-embed/dive": `${SDK}dive.mjs` }, nodePaths: [new URL("node_modules", import.meta.url).pathname],
  });
  return `<div id="root"></div><script>${outputFiles[0].text.replaceAll("</script", "<\\/script")}</script>`;
}

let open, closed, host, browser;

before(async () => {
  [host, browser] = await Promise.all([Host.start(), launch()]);
  const origins = ["--set", `AllowedOrigins=${host.origin}`];
  [open, closed] = await Promise.all([Product.run(...origins, "--set", "DiveSql=true"), Product.run(...origins)]);
  const tags = { status: { type: "text", default: "delivered" } };
  const queries = Object.fromEntries(Object.entries(QUERIES).map(([name, sql]) => [name, sql.includes("{{") ? { sql, tags } : { sql }]));
  const policy = { embedding_params: { status: "enabled" } };
  const [names, texts, probe] = await Promise.all([html(component(byName)), html(component(byText)), html(PROBE)]);
  for (const product of [open, closed]) {
    await product.publish(`dive/${IDS.names}`, { content: { type: "html", html: names, queries }, ...policy });
    await product.publish(`dive/${IDS.texts}`, { content: { type: "html", html: texts } });
    await product.publish(`dive/${IDS.probe}`, { content: { type: "html", html: probe, queries }, ...policy });
    for (const [username, depot] of [["north_fleet", "north"], ["south_fleet", "south"]]) await product.call("POST", "/v1/users", { username, attributes: { depot } });
  }
});

after(() => Promise.all([open, closed, host, browser].map((one) => one?.stop?.() ?? one?.close?.())));

const session = async (product, id, username, more) => (await product.call("POST", `/v1/dives/${id}/embed-session`, { username, ...more })).session;

async function frameOf(t, product, url, attributes = 'sandbox="allow-scripts allow-same-origin"') {
  host.pages["/"] = framing(url, attributes);
  const own = await browser.newContext();
  t.after(() => own.close());
  const page = await own.newPage();
  const asked = [], problems = [];
  page.on("request", (request) => { if (/\/v1\/query$/.test(request.url())) asked.push(request.postDataJSON()); });
  page.on("console", (message) => { if (/Content Security Policy/.test(message.text())) problems.push(message.text()); });
  t.after(() => assert.deepEqual(problems, []));
  await page.goto(host.origin);
  const inner = page.frameLocator("#embed").frameLocator("iframe");
  const tell = (type, value) => page.evaluate(([message, origin]) => document.getElementById("embed").contentWindow.postMessage(message, origin), [{ source: "vitrine-host", type, value }, "*"]);
  const script = () => until(() => page.frames().find((frame) => frame.parentFrame()?.parentFrame()));
  return { page, inner, asked, tell, script };
}

// The facts that a dive shows, once it shows them all.
async function shown(inner) {
  await inner.locator("li").first().waitFor();
  await inner.locator("#kpis").waitFor();
  await until(async () => (await inner.locator("#monthly").textContent()).split(" ").length === 6);
  const [kpis, monthly, trucks, problem] = await Promise.all([inner.locator("#kpis").textContent(), inner.locator("#monthly").textContent(), inner.locator("li").allTextContents(), inner.locator("#problem").textContent()]);
  assert.equal(problem, "");
  return { kpis: kpis.split(" ").map(Number), monthly, trucks };
}

const rows = (csv) => csv.map((truck) => +/: (\d+)$/.exec(truck)[1]);

test("dives run with queries by name and with texts of their own, in each page, sandbox and query mode, with the account's rows", async (t) => {
  const seen = {};
  for (const [username, number] of [["north_fleet", "1"], ["south_fleet", "3"]]) {
    for (const id of [IDS.names, IDS.texts]) {
      for (const mode of ["", "?queryMode=server", "?queryMode=dual"]) {
        for (const attributes of ['sandbox="allow-scripts allow-same-origin"', 'sandbox="allow-scripts"']) {
          const { inner, asked } = await frameOf(t, open, `${open.base}/sandbox/${mode}#session=${await session(open, id, username)}`, attributes);
          const facts = await shown(inner);
          assert.ok(facts.trucks.length === 4 && facts.trucks.every((truck) => truck.startsWith(`Truck ${number}`)), JSON.stringify(facts));
          assert.equal(facts.kpis[3], 1, "one depot");
          assert.ok(facts.kpis[1] > rows(facts.trucks).reduce((sum, n) => sum + n, 0), "more orders than delivered ones");
          seen[username] ??= facts;
          assert.deepEqual(facts, seen[username], `${id} ${mode} ${attributes}`);
          assert.ok(asked.every((body) => (id === IDS.texts ? body.sql : body.query)), JSON.stringify(asked));
        }
      }
    }
  }
  assert.notDeepEqual(seen.north_fleet, seen.south_fleet);
});

test("a dive runs in the page of a signed token, with the rows of its viewer", async (t) => {
  const token = open.sign({ resource: { dive: IDS.names }, viewer: { id: "ann", attributes: { depot: "south" } } });
  const { inner } = await frameOf(t, open, `${open.base}/embed/dive/${token}`, "");
  assert.ok((await shown(inner)).trucks.every((truck) => truck.startsWith("Truck 3")));
});

test("texts of a dive are refused where they are not enabled, and its named queries are not", async (t) => {
  const { inner } = await frameOf(t, closed, `${closed.base}/sandbox/#session=${await session(closed, IDS.texts, "north_fleet")}`);
  await inner.locator("#problem").getByText("dive_sql_disabled").waitFor();
  assert.deepEqual(await inner.locator("li").allTextContents(), []);
  const named = await frameOf(t, closed, `${closed.base}/sandbox/#session=${await session(closed, IDS.names, "north_fleet")}`);
  assert.equal((await shown(named.inner)).trucks.length, 4);
});

test("in dual mode the page answers a repeated question itself, until the view is loaded again", async (t) => {
  for (const [mode, first, refreshed] of [["server", 2, 3], ["dual", 1, 2]]) {
    const { inner, asked, tell } = await frameOf(t, open, `${open.base}/sandbox/?queryMode=${mode}#session=${await session(open, IDS.names, "north_fleet")}`);
    const before = await shown(inner);
    const ofDelivered = () => asked.filter(({ parameters }) => parameters.status === "delivered").length;
    await inner.getByRole("button", { name: "late" }).click();
    await until(async () => String(await inner.locator("li").allTextContents()) !== String(before.trucks) && (await inner.locator("li").count()) > 0);
    await inner.getByRole("button", { name: "delivered" }).click();
    await until(async () => String(await inner.locator("li").allTextContents()) === String(before.trucks));
    assert.equal(ofDelivered(), first, mode);
    await tell("refresh");
    await until(() => ofDelivered() === refreshed, () => asked);
  }
});

test("the host may change the query mode", async (t) => {
  const { inner, asked, tell, script } = await frameOf(t, open, `${open.base}/sandbox/#session=${await session(open, IDS.names, "north_fleet")}`);
  await shown(inner);
  const frame = await script();
  const mode = () => frame.evaluate(() => globalThis.vitrine.view.queryMode);
  const askTwice = async () => {
    const before = asked.length;
    await frame.evaluate(async () => { for (const _ of [1, 2]) await globalThis.vitrine.query("kpis"); });
    return asked.length - before;
  };
  assert.deepEqual([await mode(), await askTwice()], ["server", 2]);
  await tell("queryMode", "dual");
  await until(async () => (await mode()) === "dual");
  assert.equal(await askTwice(), 1);
  await tell("queryMode", "wasm");
  await until(async () => (await mode()) === "server");
  assert.equal(await askTwice(), 2);
});

test("the state begins with the session's, and the dive and its host change it", async (t) => {
  const { page, inner, tell, script } = await frameOf(t, open, `${open.base}/sandbox/#session=${await session(open, IDS.names, "north_fleet", { initial_state: { status: "late", tab: 2 } })}`);
  const status = () => inner.locator("#status").textContent();
  await shown(inner);
  assert.equal(await status(), "late");
  const state = () => script().then((frame) => frame.evaluate(() => globalThis.vitrine.view.state));
  await inner.getByRole("button", { name: "delivered" }).click();
  await until(async () => (await status()) === "delivered");
  const [changed] = await until(async () => { const all = await received(page, "state-changed"); return all.length && all; });
  assert.deepEqual(changed.state, { status: "delivered", tab: 2 });
  await tell("state", { status: "on its way" });
  await until(async () => (await status()) === "on its way");
  for (const wrong of ["late", null, ["late"], 7, { big: "x".repeat(70_000) }]) await tell("state", wrong);
  await tell("state", { tab: 3 });
  await until(async () => (await state()).tab === 3);
  assert.deepEqual(await state(), { status: "on its way", tab: 3 });
});

test("the hook goes through its states", async (t) => {
  const { inner, script, asked } = await frameOf(t, closed, `${closed.base}/sandbox/#session=${await session(closed, IDS.probe, "north_fleet")}`);
  await inner.locator("#root").waitFor({ state: "attached" });
  const frame = await script();
  const last = () => frame.evaluate(() => globalThis.seen.at(-1));
  const reach = (expected) => until(async () => JSON.stringify(await last()) === JSON.stringify(expected), () => frame.evaluate(() => globalThis.seen));
  const show = (next) => frame.evaluate((next) => { globalThis.seen.length = 0; globalThis.show(next); }, next);
  const first = () => frame.evaluate(() => globalThis.seen[0]);
  await reach(["by_truck", "success", false, false, 4, null, false]);
  assert.deepEqual(await first(), ["by_truck", "pending", true, true, null, null, false]);

  await show({ name: "by_truck", params: { status: "late" }, placeholderData: [{ truck: "?", n: 0 }] });
  await reach(["by_truck", "success", false, false, 4, null, false]);
  assert.deepEqual(await first(), ["by_truck", "success", false, true, 1, null, true]);

  await show({ name: "kpis", enabled: false });
  await reach(["kpis", "pending", false, false, null, null, false]);
  const before = asked.length;
  await show({ name: "kpis", enabled: false, initialData: [{ total: 1 }] });
  await reach(["kpis", "success", false, false, 1, null, false]);
  assert.equal(asked.length, before, "nothing is asked for");

  await show({ name: "no_such_query" });
  await reach(["no_such_query", "error", false, false, null, "query_not_found", false]);
  await show({ name: "select 1" });
  await reach(["select 1", "error", false, false, null, "dive_sql_disabled", false]);
  await show({ name: "kpis", params: { status: { a: 1 } } });
  await reach(["kpis", "error", false, false, null, "parameter_invalid", false]);

  await show({ name: "kpis" });
  await reach(["kpis", "success", false, false, 1, null, false]);
  const kpis = () => asked.filter(({ query }) => query === "kpis").length;
  const times = kpis();
  await frame.evaluate(() => globalThis.result.refetch());
  await until(() => kpis() === times + 1, () => asked);
  assert.ok(!(await frame.evaluate(() => globalThis.seen.includes("contradiction"))));
  assert.deepEqual(await frame.evaluate(() => globalThis.refused), ["dive_sql_disabled", "SQL from a dive is not enabled."]);
});

test("a page elsewhere that a dive shows neither asks nor changes the state", async (t) => {
  const owner = await Host.start({ "/": `<!doctype html><script>
    globalThis.told = [];
    addEventListener("message", ({ data }) => told.push(data.type));
    for (const message of [{ type: "vitrine:query", id: 1, sql: "select 1" }, { type: "vitrine:query", id: 2, name: "kpis" }, { type: "vitrine:state", state: { a: 1 } }]) parent.postMessage(message, "*");
    parent.postMessage({ type: "vitrine:height", height: 300 }, "*");
  </script>` });
  t.after(() => owner.stop());
  await open.publish(`dive/${DIVE.replace("01", "05")}`, { content: { type: "url", url: `${owner.origin}/` } });
  const { page, asked, script } = await frameOf(t, open, `${open.base}/sandbox/#session=${await session(open, DIVE.replace("01", "05"), "north_fleet")}`);
  // The height is the last of its messages, and arrives.
  await until(async () => (await received(page, "resize")).length);
  const frame = await script();
  await until(() => frame.evaluate(() => globalThis.told.length));
  assert.deepEqual([asked, await received(page, "state-changed"), await frame.evaluate(() => [...new Set(globalThis.told)])], [[], [], ["vitrine:view"]]);
});
