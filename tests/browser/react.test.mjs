// Dives of one TSX file: each edit of infra/migrating/from-motherduck.md, then the dive in each page, sandbox and query mode.

import assert from "node:assert/strict";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import { unqualifier } from "../../functions/serve-embed/assets/page/tables.js";
import { Host, Product, framing, launch, program, until } from "./harness.mjs";

const FILE = await readFile(new URL("dives/fleet.tsx", import.meta.url), "utf8");
const BY_TRUCK = `by_truck=${new URL("dives/by_truck.json", import.meta.url).pathname}`;
const DIVE = "6f0c9be2-4a83-4d0e-8a57-0e3c6a1d7b01";
const IDS = { named: DIVE, texts: DIVE.replace("01", "02"), small: DIVE.replace("01", "03") };

let open, closed, host, browser, folder;

before(async () => {
  [host, browser, folder] = await Promise.all([Host.start(), launch(), mkdtemp(join(tmpdir(), "dives-"))]);
  const origins = ["--set", `AllowedOrigins=${host.origin}`];
  [open, closed] = await Promise.all([Product.run(...origins, "--set", "DiveSql=true"), Product.run(...origins)]);
  for (const product of [open, closed]) {
    for (const [username, depot] of [["north_fleet", "north"], ["south_fleet", "south"]]) await product.call("POST", "/v1/users", { username, attributes: { depot } });
    await published(product, FILE, "--id", IDS.named, "--query", BY_TRUCK);
    await product.call("PATCH", `/v1/dives/${IDS.named}`, { embedding_params: { status: "enabled" } });
  }
  await published(open, FILE.replace('"by_truck", { params: { status } }', "`select truck, count(*) as n from deliveries where status = '${status}' group by 1 order by 1`"), "--id", IDS.texts, "--keep-sql");
});

after(async () => {
  await Promise.all([open, closed, host, browser].map((one) => one?.stop?.() ?? one?.close?.()));
  await rm(folder, { recursive: true });
});

// Runs `vitrine publish dive` on a file with this text.
async function publish(product, source, ...options) {
  const file = join(folder, options.find((one) => one.startsWith("name:"))?.slice(5) ?? "fleet.tsx");
  await writeFile(file, source);
  const given = options.filter((one) => !one.startsWith("name:"));
  const { code, stdout, stderr } = await program(["publish", "dive", file, "--to", product.base, "--embed", ...given]);
  return { code, stdout: stdout.trim(), stderr: stderr.replaceAll(`${file}:`, "").trim() };
}

async function published(product, source, ...options) {
  const { code, stdout, stderr } = await publish(product, source, ...options);
  assert.equal(code, 0, stderr);
  return stdout;
}

const session = async (product, id, username) => (await product.call("POST", `/v1/dives/${id}/embed-session`, { username })).session;

async function frameOf(t, url, attributes = 'sandbox="allow-scripts allow-same-origin"') {
  host.pages["/"] = framing(url, attributes);
  const own = await browser.newContext();
  t.after(() => own.close());
  const page = await own.newPage();
  const asked = [], files = [], problems = [];
  page.on("request", (request) => {
    if (/\/v1\/query$/.test(request.url())) asked.push(request.postDataJSON());
    files.push(/assets\/(\w+)\./.exec(request.url())?.[1]);
  });
  page.on("console", (message) => { if (/Content Security Policy/.test(message.text())) problems.push(message.text()); });
  t.after(() => assert.deepEqual(problems, []));
  await page.goto(host.origin);
  return { page, inner: page.frameLocator("#embed").frameLocator("iframe"), asked, files };
}

// The facts that the dive shows, from its text and from its charts.
async function shown(inner) {
  await inner.locator("#problem").waitFor({ state: "attached" });
  await inner.locator(".figure").first().waitFor();
  await inner.locator("#trucks .recharts-bar-rectangle path").nth(3).waitFor();
  await inner.locator("#months .recharts-line-dot").nth(5).waitFor();
  const [figures, months, dots, trucks, bars] = await Promise.all([
    inner.locator(".figure").allTextContents(),
    inner.locator("#months text").allTextContents(),
    inner.locator("#months .recharts-line-dot").evaluateAll((all) => all.map((dot) => Math.round(dot.getAttribute("cy")))),
    inner.locator("#trucks text").allTextContents(),
    inner.locator("#trucks .recharts-bar-rectangle path").evaluateAll((all) => all.map((bar) => bar.getBBox().width)),
  ]);
  assert.equal(await inner.locator("#problem").textContent(), "");
  return { figures, months: months.filter((text) => / \d{4}$/.test(text)), dots, trucks: trucks.filter((text) => /^Truck/.test(text)), bars };
}

// The rows that an account sees, from the API.
async function rowsOf(product, username, status = "delivered") {
  const credential = Buffer.from(await session(product, IDS.named, username), "base64url").toString();
  const token = /"token":"([^"]+)"/.exec(credential)?.[1] ?? await session(product, IDS.named, username);
  const answer = await product.call("POST", "/v1/query", { resource: { dive: IDS.named }, query: "by_truck", parameters: { status } }, token);
  return answer.rows;
}

test("a file in MotherDuck's form runs in each sandbox and query mode, and its charts draw the account's rows", async (t) => {
  const seen = {};
  for (const [username, number] of [["north_fleet", "1"], ["south_fleet", "3"]]) {
    const rows = await rowsOf(open, username);
    for (const [product, id] of [[closed, IDS.named], [open, IDS.texts]]) {
      for (const mode of ["", "?queryMode=dual"]) {
        for (const attributes of ['sandbox="allow-scripts allow-same-origin"', 'sandbox="allow-scripts"']) {
          const { inner, asked, files } = await frameOf(t, `${product.base}/sandbox/${mode}#session=${await session(product, id, username)}`, attributes);
          const facts = await shown(inner);
          const at = `${id} ${mode} ${attributes}`;
          assert.ok(facts.trucks.length === 4 && facts.trucks.every((truck) => truck.startsWith(`Truck ${number}`)), JSON.stringify(facts));
          assert.deepEqual(facts.trucks, rows.map(([truck]) => truck), at);
          for (const [index, [, n]] of rows.entries()) assert.ok(Math.abs(facts.bars[index] / facts.bars[0] - n / rows[0][1]) < 0.02, `${at}: ${facts.bars} ${JSON.stringify(rows)}`);
          assert.equal(facts.figures[2], "1", "one depot");
          assert.deepEqual(facts.months, ["Jan 2026", "Feb 2026", "Mar 2026", "Apr 2026", "May 2026", "Jun 2026"]);
          assert.ok(new Set(facts.dots).size > 1, "months differ");
          seen[username] ??= facts;
          assert.deepEqual(facts, seen[username], at);
          assert.ok(asked.length >= 3 && asked.every((body) => (id === IDS.texts ? body.sql : body.query)), JSON.stringify(asked));
          assert.deepEqual(["react", "recharts", "hooks"].map((name) => files.filter((file) => file === name).length), [1, 1, 0], at);
        }
      }
    }
  }
  assert.notDeepEqual(seen.north_fleet, seen.south_fleet);
});

test("a file runs in the page of a signed token, and its state changes its rows", async (t) => {
  const token = closed.sign({ resource: { dive: IDS.named }, viewer: { id: "ann", attributes: { depot: "south" } } });
  const { inner } = await frameOf(t, `${closed.base}/embed/dive/${token}`, "");
  const before = await shown(inner);
  assert.ok(before.trucks.every((truck) => truck.startsWith("Truck 3")));
  assert.equal(await inner.locator("#react").textContent(), "19");
  await inner.getByRole("button", { name: "late" }).click();
  const late = await rowsOf(closed, "south_fleet", "late");
  await until(async () => String((await shown(inner)).trucks) === String(late.map(([truck]) => truck)));
  await until(async () => {
    const { bars } = await shown(inner);
    return late.every(([, n], index) => Math.abs(bars[index] / bars[0] - n / late[0][1]) < 0.02);
  });
});

test("viewers receive neither the source nor its SQL", async () => {
  const token = closed.sign({ resource: { dive: IDS.named }, viewer: { id: "ann", attributes: { depot: "south" } } });
  const { content } = await closed.call("GET", "/v1/view", undefined, token);
  assert.deepEqual([content.type, content.runtime, Object.keys(content.queries)], ["react", 1, ["by_truck", "sql_1", "sql_2"]]);
  assert.equal(content.source, undefined);
  assert.ok(!/select|deliveries/i.test(content.code.replaceAll("select:", "")), content.code);
  assert.ok(!/<\w|: number|enum /.test(content.code), "neither JSX nor types are left");
  const stored = await closed.call("GET", `/v1/dives/${IDS.named}`);
  assert.equal(stored.content.source, FILE);
  assert.match(stored.content.queries.sql_1.sql, /^SELECT\n/);
});

test("each edit of the migration page is needed, and the refusal names it", async () => {
  const refused = async (source, ...options) => {
    const { code, stderr } = await publish(closed, source, "--id", IDS.small, ...options);
    assert.equal(code, 1);
    return stderr;
  };
  // Names of tables with a database that the dive does not declare.
  const qualified = await refused(FILE.replace(/^export const REQUIRED.*$/m, ""), "--query", BY_TRUCK);
  assert.match(qualified, /content\.queries\.sql_1/);
  // Other modules.
  const icons = FILE.replace("\n", '\nimport { Truck } from "lucide-react";\n');
  assert.match(await refused(icons), /^error: nothing was published: 2:23: the module "lucide-react" is not there: a dive may import react, /);
  const exported = FILE.replace("useDiveState, useSQLQuery", "useExport, useDiveState, useSQLQuery");
  assert.match(await refused(exported), /2:10: the module "@motherduck\/react-sql-query" has no `useExport` here: it has useSQLQuery and useDiveState/);
  const misspelt = FILE.replace("BarChart, CartesianGrid", "BarChrt, CartesianGrid");
  assert.match(await refused(misspelt), /3:15: the module "recharts" has no `BarChrt` here: is `BarChart` meant\?/);
  // A type is not a module.
  await published(closed, `import type { Truck } from "lucide-react";\n${FILE}`, "--id", IDS.small, "--query", BY_TRUCK);
  assert.ok(!(await fetch(`${closed.base}/v1/dives/${IDS.small}`)).ok, "without a key nothing is read");
});

test("a dive of several files goes into one, and its databases are taken off texts that it puts together", async (t) => {
  const part = join(folder, "names.ts");
  await writeFile(part, `export const DB = '"fleet"."main"';\nexport const only = (depot: string): string => "depot = '" + depot + "'";\n`);
  const source = `import { createPortal } from "react-dom";
    import { useSQLQuery } from "@motherduck/react-sql-query";
    import { DB, only } from "./names";
    export default function Fleet() {
      const asked = useSQLQuery(\`SELECT count(*) AS n FROM \${DB}."deliveries" d WHERE \${only("north")} AND 'fleet.main.x' <> ''\`);
      const mixed = useSQLQuery(\`SELECT 1 FROM fleet.main.deliveries a, fleet.other.deliveries b WHERE \${only("x")}\`);
      return <>{createPortal(<p id="n">{asked.data?.[0]?.n}</p>, document.body)}<p id="mixed">{mixed.error?.message}</p></>;
    }`;
  const { code, stderr } = await publish(open, source, "--id", IDS.small, "--keep-sql");
  assert.equal(code, 1);
  assert.match(stderr, /3:30: the module "\.\/names" is not there: .*; bundle other modules into the file/);

  const bundled = async (external = ["react", "react-dom", "recharts", "@motherduck/react-sql-query"]) => {
    const stdin = { contents: source, resolveDir: folder, loader: "tsx" };
    const { outputFiles } = await build({ stdin, bundle: true, minifySyntax: true, minifyWhitespace: true, format: "esm", jsx: "automatic", write: false, external });
    return outputFiles[0].text;
  };
  const n = (await open.call("POST", "/v1/query/preview", { sql: "select count(*) as n from deliveries where depot = 'north'", viewer: { id: "ann", attributes: { depot: "north" } } })).rows[0][0];
  assert.ok(n > 0);
  for (const [options, expected] of [[["--database", "fleet"], String(n)], [[], ""]]) {
    await published(open, await bundled(), "--id", IDS.small, "--keep-sql", "name:bundled.js", ...options);
    const { inner, asked } = await frameOf(t, `${open.base}/sandbox/#session=${await session(open, IDS.small, "north_fleet")}`);
    await inner.locator("#mixed").filter({ hasText: /./ }).waitFor();
    await until(async () => (await inner.locator("#n").textContent()) === expected);
    const mixed = await inner.locator("#mixed").textContent();
    assert.equal(/^the tables fleet\.main\.deliveries and fleet\.other\.deliveries would both be deliveries$/.test(mixed), options.length > 0, mixed);
    assert.equal(asked[0].sql.includes(options.length ? 'FROM "deliveries" d' : 'FROM "fleet"."main"."deliveries" d'), true, asked[0].sql);
    assert.ok(asked[0].sql.includes("'fleet.main.x'"), "texts stay");
  }
});

test("names of tables lose their databases in the page as they do in the compiler", async () => {
  const { databases, texts, conflicts } = JSON.parse(await readFile(new URL("../cases/dive_tables.json", import.meta.url), "utf8"));
  for (const [sql, expected] of texts) assert.equal(unqualifier(databases)(sql), expected);
  for (const [sql, message] of conflicts) assert.throws(() => unqualifier(databases)(sql), { message });
  const later = unqualifier(["a", "b"]);
  assert.equal(later("from a.main.t"), "from t");
  assert.throws(() => later("from b.main.t"));
});

test("the server takes no source that was not compiled, and names the command", async () => {
  const put = (content) => closed.publish(`dive/${IDS.small}`, { content }).then(() => null, ({ message }) => message);
  assert.match(await put({ type: "react", source: "export default () => null" }), /content\.code.*vitrine publish dive FILE\.tsx/);
  assert.match(await put({ type: "react", source: "export default () => null", code: "1", runtime: 2 }), /content\.runtime/);
  await assert.rejects(closed.publish("dashboard/77", { content: { type: "react", source: "1", code: "1", runtime: 1 } }), /content\.type/);
});

test("publishing again keeps the dive's settings and makes a version; a wrong key publishes nothing", async () => {
  const source = "export default () => <p>one</p>;";
  const created = await published(closed, source, "name:my-dive.jsx");
  const id = /dive ([0-9a-f-]{36})/.exec(created)[1];
  assert.match(created, /version 1$/);
  await closed.call("PATCH", `/v1/dives/${id}`, { description: "Kept", allow_downloads: true });
  assert.match(await published(closed, source.replace("one", "two"), "--id", id, "name:my-dive.jsx"), /version 2$/);
  const { title, description, allow_downloads, enable_embedding, version } = await closed.call("GET", `/v1/dives/${id}`);
  assert.deepEqual([title, description, allow_downloads, enable_embedding, version], ["my-dive", "Kept", true, true, 2]);
  assert.match(await published(closed, source, "--id", id, "--title", "Named"), /version 3$/);
  assert.equal((await closed.call("GET", `/v1/dives/${id}`)).title, "Named");
  const wrong = await publish(closed, source.replace("one", "three"), "--id", id, "--key", "wrong");
  assert.deepEqual([wrong.code, /^error: nothing was published: 401 /.test(wrong.stderr)], [1, true], wrong.stderr);
  assert.equal((await closed.call("GET", `/v1/dives/${id}`)).version, 3);
});

test("a dive that fails shows the viewer one plain sentence", async (t) => {
  const sentence = "Failed to load dive. Please try again.";
  for (const [source, isAlert] of [
    ["export default function Broken() { throw new Error('the secret reason'); }", true],
    ["import { useSQLQuery } from 'vitrine-embed/dive';\nexport default () => <p>{useSQLQuery('kpis').data.length}</p>", true],
    ["export default 7;", true],
    ["null.x; export default () => null;", false],
  ]) {
    await published(closed, source, "--id", IDS.small);
    const { inner, page } = await frameOf(t, `${closed.base}/sandbox/#session=${await session(closed, IDS.small, "north_fleet")}`);
    await inner.getByText(sentence).waitFor();
    assert.equal(await inner.locator("body").innerText(), sentence, source);
    assert.equal(await inner.getByRole("alert").count(), Number(isAlert), source);
    assert.equal(await page.frameLocator("#embed").locator("#problem").isVisible(), false);
  }
  // The same in the viewer's language, outside of the sandbox page.
  await published(closed, "export default function Broken() { throw new Error('x'); }", "--id", IDS.small);
  const token = closed.sign({ resource: { dive: IDS.small }, viewer: { id: "ann" } });
  const { inner } = await frameOf(t, `${closed.base}/embed/dive/${token}#locale=de`, "");
  await inner.getByText("Etwas ist schiefgegangen.").waitFor();
});

test("each form of a default export is mounted", async (t) => {
  for (const source of [
    "export default function () { return <p>here</p>; }",
    "export default () => <p>here</p>;",
    "export default class extends React.Component { render() { return <p>here</p>; } }",
    "export default class Dive extends React.Component { render() { return <p>here</p>; } }",
    "const Dive = () => <p>here</p>; export default Dive;",
    "const Dive = () => <p>here</p>; export { Dive as default };",
    "function Dive() { return <p>{'</script><!-- <script>'.length && 'here'}</p>; } const mountDive = 1; export { mountDive, Dive as default };",
    "import { memo } from 'react'; export default memo(() => <p>here</p>);",
  ]) {
    await published(closed, `import React from "react";\n${source}`, "--id", IDS.small);
    const { inner, files } = await frameOf(t, `${closed.base}/sandbox/#session=${await session(closed, IDS.small, "north_fleet")}`);
    await inner.getByText("here", { exact: true }).waitFor();
    assert.ok(!files.includes("recharts"), "charts are loaded by those that draw some");
  }
});
