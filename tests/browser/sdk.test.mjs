// The script for host pages: mounting, sizing, messages, and sessions that are renewed automatically.

import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { Host, Product, launch, until } from "./harness.mjs";

const SDK = new URL("../../functions/serve-embed/sdk/", import.meta.url).pathname;
const HTML = `<div id="box" style="height:300px"></div><button id="grow">grow</button><p id="shown"></p><script>
  const show = () => { shown.textContent = JSON.stringify([vitrine.view.values, vitrine.view.theme, vitrine.view.locale]); };
  vitrine.onView(show); show();
  grow.onclick = () => { box.style.height = "1200px"; };
</script>`;

let product, host, browser, dashboards;

before(async () => {
  [host, browser] = await Promise.all([Host.start(), launch()]);
  product = await Product.start(`AllowedOrigins=${host.origin}`);
  const parameters = [{ slug: "region", name: "Region", type: "text" }, { slug: "locked", name: "Locked", type: "text" }];
  const content = { type: "html", html: HTML };
  dashboards = [];
  for (const number of [1, 2]) {
    const published = { title: `Report ${number}`, content, parameters, embedding_params: { region: "enabled" } };
    dashboards.push(await product.publish(`dashboard/${number}`, published));
  }
});

after(() => Promise.all([product, host, browser].map((one) => one?.stop?.() ?? one?.close?.())));

// Opens a host page. `backend(number, seconds)` stands for the host's backend, which creates sessions.
async function open(t, { plain = false, backend } = {}) {
  const script = plain ? `<script src="${product.base}/vitrine.js"></script><script>globalThis.mount = vitrine.mount;</script>`
    : `<script type="module">import { mount } from "${product.base}/vitrine.mjs"; globalThis.mount = mount;</script>`;
  host.pages["/"] = `<!doctype html><title>Host</title><div id="a"></div><div id="b"></div><div id="c"></div>${script}
<script>
  globalThis.events = [];
  globalThis.watch = (name, options) => ({ ...options, on: Object.fromEntries(
    ["ready", "error", "expiring", "expired", "params", "state-changed", "resize", "download", "navigate"].map((type) => [type, (detail) => events.push({ name, type, ...detail })])) });
</script>`;
  const page = await browser.newPage();
  t.after(() => page.close());
  const asked = [];
  await page.exposeFunction("backend", async (...request) => {
    asked.push(request);
    return (backend ?? session)(...request);
  });
  await page.goto(host.origin);
  await page.waitForFunction(() => globalThis.mount);
  const events = (type, name) => page.evaluate(([type, name]) => globalThis.events.filter((event) => event.type === type && (!name || event.name === name)), [type, name]);
  const waitFor = (type, name, times = 1) => until(async () => (await events(type, name)).length >= times && (await events(type, name)).at(-1), () => page.evaluate(() => globalThis.events));
  return { page, events, waitFor, asked };
}

// Creates a session, as the host's backend does.
async function session(number = 1, seconds = 600, single = false) {
  const body = { resource: { dashboard: number }, ttl_seconds: seconds, single_use: single };
  return { embed_url: (await product.call("POST", "/v1/sessions", body)).embed_url };
}

// Undefined until the browser has attached the frame.
const shown = (page, index = 0) => page.frames().filter((frame) => frame.url().includes("/embed/assets/frame")).at(index)?.locator("#shown").textContent();

for (const plain of [false, true]) {
  test(`${plain ? "the plain script" : "the module"} mounts an embed and exchanges messages with it`, async (t) => {
    const { page, events, waitFor } = await open(t, { plain });
    const { embed_url } = await session(1, 600, true);
    await page.evaluate(([src]) => {
      globalThis.embed = mount(document.getElementById("a"), watch("a", { src, params: { region: "emea" }, theme: "dark", locale: "de" }));
    }, [embed_url]);
    const ready = await waitFor("ready");
    assert.deepEqual([ready.title, ready.kind, ready.parameters], ["Report 1", "dashboard", { region: "emea" }]);
    await until(async () => (await shown(page)) === '[{"region":"emea"},"dark","de"]', () => shown(page));
    const frame = page.locator("#a iframe");
    assert.equal(await frame.getAttribute("title"), "Report 1");

    await page.evaluate(() => embed.setParams({ region: ["apac", "amer"], locked: "mine", nothing: 1 }));
    assert.deepEqual((await waitFor("params")).parameters, { region: ["apac", "amer"] });
    await page.evaluate(() => embed.update({ theme: "light", locale: "fr" }));
    await until(async () => (await shown(page)) === '[{"region":["apac","amer"]},"light","fr"]', () => shown(page));

    await waitFor("resize");
    const height = () => frame.evaluate((frame) => frame.getBoundingClientRect().height);
    const small = await until(height);
    await page.frames().find((frame) => frame.url().includes("/embed/assets/frame")).locator("#grow").click();
    await until(async () => (await height()) > small + 800, height);
    await page.evaluate(() => embed.update({ height: 250 }));
    assert.equal(await height(), 250);

    const calls = [];
    page.on("request", (request) => calls.push(request.url()));
    await page.evaluate(() => embed.refresh());
    await until(() => calls.some((url) => url.includes("/v1/view/")));
    assert.equal((await events("ready")).length, 1);

    await page.evaluate(() => embed.destroy());
    assert.equal(await page.locator("iframe").count(), 0);
    assert.deepEqual(await events("error"), []);
  });
}

test("a second mount of the same element returns the same embed", async (t) => {
  const { page, waitFor } = await open(t);
  const { embed_url } = await session();
  const same = await page.evaluate(([src]) => {
    const element = document.getElementById("a");
    globalThis.embed = mount(element, watch("a", { src }));
    return [mount(element, { src }) === embed, element.querySelectorAll("iframe").length];
  }, [embed_url]);
  assert.deepEqual(same, [true, 1]);
  await waitFor("ready");
  const again = await page.evaluate(([src]) => {
    embed.destroy();
    const other = mount(document.getElementById("a"), watch("again", { src }));
    return [other === embed, document.querySelectorAll("iframe").length];
  }, [embed_url]);
  assert.deepEqual(again, [false, 1]);
  await waitFor("ready", "again");
});

test("ready is sent after the first authorised view and not before", async (t) => {
  const { page, events, waitFor } = await open(t);
  const src = `${product.base}/embed/dashboard/${product.sign({ resource: { dashboard: 99 } })}`;
  await page.evaluate(([src]) => { globalThis.embed = mount(document.getElementById("a"), watch("a", { src })); }, [src]);
  assert.equal((await waitFor("error")).reason, "resource_not_found");
  assert.deepEqual(await events("ready"), []);
  // A source that comes later still works.
  const good = `${product.base}/embed/dashboard/${product.sign({ resource: { dashboard: 1 } })}`;
  await page.evaluate(([src]) => embed.update({ src }), [good]);
  await waitFor("ready");
});

test("embeds of one page have separate sessions, values and events", async (t) => {
  const { page, waitFor, asked } = await open(t);
  await page.evaluate(() => {
    for (const [name, number] of [["a", 1], ["b", 2], ["c", 1]]) {
      globalThis[`embed_${name}`] = mount(document.getElementById(name), watch(name, { fetchSession: () => backend(number, 600, true) }));
    }
  });
  assert.deepEqual((await Promise.all(["a", "b", "c"].map((name) => waitFor("ready", name)))).map(({ title }) => title), ["Report 1", "Report 2", "Report 1"]);
  assert.equal(asked.length, 3);
  await page.evaluate(() => globalThis.embed_c.setParams({ region: "only c" }));
  await waitFor("params", "c");
  const values = await Promise.all([0, 1, 2].map((index) => until(() => shown(page, index))));
  assert.equal(values.filter((value) => value.includes("only c")).length, 1);
});

test("a session that ends is renewed in place, and the viewer's selection stays", async (t) => {
  const lifetimes = [4, 600];
  const { page, events, waitFor, asked } = await open(t, { backend: (number) => session(number, lifetimes.shift()) });
  await page.evaluate(() => mount(document.getElementById("a"), watch("a", { fetchSession: () => backend(1) })));
  await waitFor("ready");
  await page.frameLocator("#a iframe").getByLabel("Region").fill("kept");
  await page.frameLocator("#a iframe").getByLabel("Region").blur();
  await waitFor("params");
  await waitFor("expiring");
  await until(() => asked.length === 2);
  await new Promise((go) => setTimeout(go, 1500));
  assert.deepEqual(await events("expired"), []);
  assert.equal(await page.frameLocator("#a iframe").getByLabel("Region").inputValue(), "kept");
  assert.equal((await events("ready")).length, 1);
  assert.deepEqual(await events("error"), []);
});

test("a session that arrives after the expiry continues the embed", async (t) => {
  let times = 0;
  const backend = async () => {
    times += 1;
    if (times === 1) return session(1, 2);
    await new Promise((go) => setTimeout(go, 2500));
    return session(1);
  };
  const { page, waitFor } = await open(t, { backend });
  await page.evaluate(() => mount(document.getElementById("a"), watch("a", { fetchSession: () => backend() })));
  await waitFor("ready");
  await waitFor("expired");
  await page.frameLocator("#a iframe").getByText("This embed has expired.").waitFor();
  await until(() => page.frameLocator("#a iframe").getByLabel("Region").isEnabled());
  assert.equal(await page.frameLocator("#a iframe").locator("#expired").isHidden(), true);
});

test("fetchSession returning the same session again is reported", async (t) => {
  const only = await session(1, 2);
  const { page, waitFor } = await open(t, { backend: () => only });
  const printed = [];
  page.on("console", (line) => printed.push(line.text()));
  await page.evaluate(() => mount(document.getElementById("a"), watch("a", { fetchSession: () => backend() })));
  await waitFor("ready");
  assert.equal((await waitFor("error")).reason, "session_repeated");
  assert.ok(printed.some((line) => line.includes("must ask your backend for a new one")));
});

test("a failing backend is retried with increasing delays", async (t) => {
  const times = [];
  const backend = (number) => {
    times.push(Date.now());
    if (times.length < 3) throw new Error("down");
    return session(number);
  };
  const { page, events, waitFor } = await open(t, { backend });
  await page.evaluate(() => mount(document.getElementById("a"), watch("a", { fetchSession: () => backend(1) })));
  await waitFor("ready");
  assert.equal((await events("error")).length, 2);
  assert.ok(times[2] - times[1] > (times[1] - times[0]) * 0.9, String(times));
});

test("a signed-out viewer stops the renewal of all embeds of the page", async (t) => {
  const { page, events, waitFor, asked } = await open(t, { backend: () => { throw new Error("never"); } });
  await page.evaluate(() => {
    globalThis.calls = 0;
    const fetchSession = async () => { globalThis.calls += 1; return new Response("{}", { status: 401 }); };
    for (const name of ["a", "b", "c"]) globalThis[name] = mount(document.getElementById(name), watch(name, { fetchSession }));
  });
  for (const name of ["a", "b", "c"]) {
    const error = await waitFor("error", name);
    assert.deepEqual([error.reason, error.status], ["session_fetch", 401]);
  }
  await new Promise((go) => setTimeout(go, 1500));
  assert.equal(await page.evaluate(() => globalThis.calls), 1, "the other embeds do not ask");
  assert.equal((await events("error")).length, 3);
  assert.equal(asked.length, 0);
});

test("messages are accepted only from the embed's own window and origin", async (t) => {
  const { page, events, waitFor } = await open(t);
  const { embed_url } = await session();
  await page.evaluate(([src]) => mount(document.getElementById("a"), watch("a", { src })), [embed_url]);
  await waitFor("ready");
  await waitFor("resize");
  await new Promise((go) => setTimeout(go, 300));
  const before = (await events("resize")).length;
  host.pages["/liar"] = `<script>parent.postMessage({ source: "vitrine", type: "resize", height: 5 }, "*");
    parent.postMessage({ source: "vitrine", type: "error", reason: "lie" }, "*");</script>`;
  await page.evaluate((src) => {
    document.body.append(Object.assign(document.createElement("iframe"), { src }));
    postMessage({ source: "vitrine", type: "error", reason: "lie" }, "*");
  }, `${host.origin}/liar`);
  await new Promise((go) => setTimeout(go, 400));
  assert.deepEqual(await events("error"), []);
  assert.equal((await events("resize")).length, before);
});

test("invalid arguments throw", async (t) => {
  const { page } = await open(t);
  const problems = await page.evaluate(() => {
    const attempt = (act) => { try { act(); return null; } catch (problem) { return problem.constructor.name; } };
    const element = document.getElementById("a");
    return [
      attempt(() => mount(element, {})),
      attempt(() => mount(element, { src: "https://a.example/", fetchSession: () => "" })),
      attempt(() => mount(document.getElementById("b"), { src: "javascript:alert(1)" })),
      attempt(() => mount(document.getElementById("c"), { src: "/embed/dashboard/x" }).on("nothing", () => {})),
    ];
  });
  assert.deepEqual(problems, ["TypeError", "TypeError", "TypeError", "TypeError"]);
});

test("the host and the content share the content's state", async (t) => {
  const { page, waitFor, events } = await open(t);
  const { embed_url: src } = await session();
  await page.evaluate((src) => { globalThis.embed = mount(document.getElementById("a"), watch("a", { src })); }, src);
  await waitFor("ready", "a");
  const inner = await until(() => page.frames().find((frame) => frame.parentFrame()?.parentFrame()));
  const state = () => inner.evaluate(() => globalThis.vitrine.view.state);
  await until(async () => (await inner.evaluate(() => Boolean(globalThis.vitrine?.view))));
  assert.equal(await state(), null);
  await inner.evaluate(() => globalThis.vitrine.setState({ tab: 2, open: true }));
  assert.deepEqual((await waitFor("state-changed", "a")).state, { tab: 2, open: true });
  await page.evaluate(() => globalThis.embed.setState({ tab: 3 }));
  await until(async () => (await state()).tab === 3);
  assert.deepEqual(await state(), { tab: 3, open: true });
  await page.evaluate(() => globalThis.embed.setState("nothing"));
  await page.evaluate(() => globalThis.embed.setState({ tab: 4 }));
  await until(async () => (await state()).tab === 4);
  assert.deepEqual(await state(), { tab: 4, open: true });
  assert.equal((await events("state-changed", "a")).length, 1, "the host is not told of its own changes");
});

test("the package is complete, small and typed", async () => {
  const listed = JSON.parse(execFileSync("npm", ["pack", "--dry-run", "--json"], { cwd: SDK, encoding: "utf8" }));
  assert.deepEqual(listed[0].files.map(({ path }) => path).sort(), ["README.md", "dive.d.ts", "dive.mjs", "element.d.ts", "element.mjs", "hooks.mjs", "package.json", "react.d.ts", "react.mjs", "vitrine.d.ts", "vitrine.mjs"]);
  for (const path of ["/vitrine.js", "/vitrine.mjs"]) {
    const answer = await fetch(product.base + path);
    assert.equal(answer.headers.get("content-type"), "text/javascript; charset=utf-8");
    assert.equal(answer.headers.get("access-control-allow-origin"), "*");
    assert.ok(gzipSync(await answer.text()).length < 8 * 1024, path);
  }
  assert.equal(await (await fetch(`${product.base}/vitrine.d.ts`)).text(), readFileSync(join(SDK, "vitrine.d.ts"), "utf8"));

  const folder = mkdtempSync(join(tmpdir(), "vitrine-types-"));
  const use = (code) => {
    writeFileSync(join(folder, "use.ts"), `import { createElement } from "react";\nimport { mount } from "vitrine-embed";\nimport "vitrine-embed/element";\nimport { VitrineEmbed } from "vitrine-embed/react";\nimport { useDiveState, useSQLQuery } from "vitrine-embed/dive";\nconst at = document.body;\n${code}\n`);
    const react = new URL("node_modules/@types/react/index.d.ts", import.meta.url).pathname;
    const paths = { "vitrine-embed": [join(SDK, "vitrine.d.ts")], "vitrine-embed/element": [join(SDK, "element.d.ts")], "vitrine-embed/react": [join(SDK, "react.d.ts")], "vitrine-embed/dive": [join(SDK, "dive.d.ts")], react: [react] };
    const config = { compilerOptions: { noEmit: true, strict: true, target: "es2022", module: "esnext", moduleResolution: "bundler",
      lib: ["es2022", "dom"], types: [], paths }, files: ["use.ts"] };
    writeFileSync(join(folder, "tsconfig.json"), JSON.stringify(config));
    try { execFileSync("node_modules/.bin/tsc", ["-p", folder], { encoding: "utf8" }); return ""; } catch ({ stdout }) { return stdout; }
  };
  assert.equal(use(`const embed = mount(at, { fetchSession: async ({ signal }) => fetch("/s", { signal }), height: "auto", params: { a: ["b", 1, null] } });
const off: () => void = embed.on("error", ({ reason, request_id }) => console.log(reason.length, request_id?.length));
embed.on("notice", ({ reason, names }) => console.log(reason === "parameters_ignored", names.map((name) => name.trim())));
embed.update({ theme: "dark", locale: "de" }); embed.setParams({ a: true }); embed.refresh(); embed.destroy(); off();
embed.setParameters({ a: [1] }); embed.setState({ tab: 1 }); embed.on("state-changed", ({ state }) => console.log(state.tab)); embed.download(null, "png"); embed.download(3, "csv");
const quiet: () => void = embed.onData(({ card, rows, columns: [{ name, type }] }) => console.log(card, rows.length, name.trim(), type)); quiet();
embed.on("parameter-changed", ({ slug, value }) => console.log(slug.trim(), value)); embed.on("card-failed", ({ card, reason }) => console.log(card, reason.trim()));
const element = document.createElement("vitrine-embed"); element.params = { a: 1 }; element.download(null, "svg");
element.addEventListener("card-loaded", ({ detail: { rows } }) => rows.toFixed());
createElement(VitrineEmbed, { src: "/x", params: { a: 1 }, onCardLoaded: ({ card, rows }) => console.log(card, rows.toFixed()), onData: ({ rows }) => rows.length });
const [city, setCity] = useDiveState("city", "Berlin"); setCity(city.trim()); setCity((before) => before + "x");
const { data, isLoading, error, refetch } = useSQLQuery("by_city", { params: { city }, enabled: !isNaN(1) });
console.log(data?.map((row) => Number(row.n)), isLoading || error?.message.trim(), error?.reason?.trim()); refetch();
useSQLQuery("select 1 as n", { select: (rows) => rows.length }).data?.toFixed();
mount(at, { src: "https://a.example/embed/dashboard/x", on: { ready: ({ title }) => title.trim(), resize: ({ height }) => height.toFixed() } });`), "");
  for (const wrong of ["mount(at, {});", 'mount(at, { src: "x", fetchSession: () => "y" });', 'mount(at, { src: "x" }).on("nothing", () => {});', 'mount(at, { src: "x", theme: "night" });', 'mount(at, { src: "x" }).download(null, "exe");',
    "createElement(VitrineEmbed, {});", "useSQLQuery();", 'useSQLQuery("a", { params: 5 });', 'useSQLQuery("a").data.length;', 'useDiveState("a", 1)[1]("x");', 'document.createElement("vitrine-embed").params = 5;']) {
    assert.match(use(wrong), /error TS/, wrong);
  }
});
