// The embed page: the error for every cause, who may frame it, where it runs, and its controls and display options.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";
import { Host, Product, framing, received, launch, serious, until, waitForMessage } from "./harness.mjs";

const HTML = `<style>body { margin: 0 } #box { height: 200px }</style><div id="box"></div>
<button id="grow">grow</button><button id="shrink">shrink</button><button id="save">save</button>
<a id="out" href="https://example.com/elsewhere">out</a><p id="shown"></p><script>
  const show = () => { shown.textContent = JSON.stringify(vitrine.view.values); };
  vitrine.onView(show); show();
  grow.onclick = () => { box.style.height = "900px"; };
  shrink.onclick = () => { box.style.height = "100px"; };
  save.onclick = () => vitrine.download("sales 2026.csv", "a,b\\n1,2\\n", "text/csv");
  parent.postMessage({ source: "vitrine-host", type: "session", value: "stolen" }, "*");
  parent.postMessage({ source: "vitrine-host", type: "theme", value: "dark" }, "*");
</script>`;

const PARAMETERS = [
  { slug: "text", name: "Text", type: "text" },
  { slug: "amount", name: "Amount", type: "number", default: 5 },
  { slug: "day", name: "Day", type: "date" },
  { slug: "range", name: "Range", type: "date_range" },
  { slug: "one", name: "One of", type: "category", values: [["a", "Letter A"], ["b", "Letter B"]] },
  { slug: "many", name: "Some of", type: "category", multiple: true, values: [["x", "Letter X"], ["y"]] },
  { slug: "flag", name: "Flag", type: "boolean" },
];

let product, closed, host, other, browser;

before(async () => {
  [host, other, browser] = await Promise.all([Host.start(), Host.start(), launch()]);
  [product, closed] = await Promise.all([Product.start(`AllowedOrigins=${host.origin}`), Product.start("EmbeddingEnabled=false", `AllowedOrigins=${host.origin}`)]);
  const content = { type: "html", html: HTML };
  const embedding_params = Object.fromEntries(PARAMETERS.map(({ slug }) => [slug, "enabled"]));
  await product.publish("dashboard/1", { content, parameters: PARAMETERS, embedding_params, allow_downloads: true });
  await product.publish("dashboard/2", { enable_embedding: false });
  await product.publish("dashboard/3", { archived: true });
  const x = [{ slug: "x", name: "X", type: "text" }];
  await product.publish("dashboard/4", { parameters: x, embedding_params: { x: "locked" } });
  await product.publish("dashboard/5", { parameters: x, embedding_params: { x: { attribute: "x" } } });
  await product.publish("dashboard/6", {});
  await product.publish("dashboard/7", { content, title: "No files" });
});

after(() => Promise.all([product, closed, host, other, browser].map((one) => one?.stop?.() ?? one?.close?.())));

const embed = (server, claims = {}, behind = "") => `${server.base}/embed/dashboard/${server.sign({ resource: { dashboard: 1 }, ...claims })}${behind}`;

async function open(t, src, { attributes = "", on = host, context = {}, script } = {}) {
  on.pages["/"] = framing(src, attributes);
  const own = await browser.newContext(context);
  if (script) await own.addInitScript(script);
  const page = await own.newPage();
  t.after(() => own.close());
  await page.goto(on.origin);
  return { page, embed: page.frameLocator("#embed"), inner: () => page.frames().at(2) };
}

// ---- errors ----

const CAUSES = [
  ["token_expired", { exp: 1 }, "This embed has expired. Reload the page to continue."],
  ["token_lifetime", { exp: 4102444800 }, "This embed link is not valid."],
  ["token_not_yet_valid", { nbf: 4102444800 }, "This embed link is not valid."],
  ["resource_not_found", { resource: { dashboard: 99 } }, "This content does not exist."],
  ["resource_not_published", { resource: { dashboard: 2 } }, "This content is not published."],
  ["resource_archived", { resource: { dashboard: 3 } }, "This content is not published."],
  ["parameter_locked_missing", { resource: { dashboard: 4 } }, "You must specify a value for :x in the JWT."],
  ["attribute_missing", { resource: { dashboard: 5 } }, "You do not have access to this content."],
  ["parameter_unknown", { params: { nothing: 1 } }, "Unknown parameter :nothing."],
];

for (const [reason, claims, sentence] of CAUSES) {
  test(`the page shows ${reason} and reports it to the host`, async (t) => {
    const { page, embed: frame } = await open(t, embed(product, claims));
    await frame.locator("#sentence").getByText(sentence).waitFor().catch((problem) => { if (reason !== "token_lifetime") throw problem; });
    const error = await waitForMessage(page, "error");
    assert.equal(error.reason, reason);
    assert.ok(error.message && error.request_id);
    assert.match(await frame.locator("#reference").textContent(), new RegExp(error.request_id));
    assert.deepEqual(await received(page, "ready"), []);
  });
}

test("malformed credentials and disabled embedding are reported", async (t) => {
  for (const [src, reason, sentence] of [
    [`${product.base}/embed/dashboard/garbage`, "token_malformed", "This embed link is not valid."],
    [`${product.base}/embed/dashboard/a.b.c`, "token_malformed", "This embed link is not valid."],
    [`${product.base}/embed/dashboard/aB3dE6gH9jK2#session=nothing`, "session_unknown", "This embed has expired."],
    [embed(closed), "embedding_disabled", "Embedding is switched off."],
  ]) {
    const { page, embed: frame } = await open(t, src);
    await frame.getByText(sentence).waitFor();
    assert.equal((await waitForMessage(page, "error")).reason, reason);
  }
});

test("errors are shown in the viewer's language, and the host receives the cause", async (t) => {
  for (const [locale, sentence] of [
    ["de", "Dieser Inhalt ist nicht veröffentlicht."],
    ["fr-CA", "Ce contenu n’est pas publié."],
    ["es_MX", "Este contenido no está publicado."],
    ["pt-BR", "Este conteúdo não está publicado."],
    ["ja", "このコンテンツは公開されていません。"],
    ["ko", "이 콘텐츠는 게시되지 않았습니다."],
    ["zh-Hant", "此内容尚未发布。"],
    ["tlh", "This content is not published."],
    ["<script>", "This content is not published."],
  ]) {
    const { embed: frame } = await open(t, embed(product, { resource: { dashboard: 2 } }, `#locale=${encodeURIComponent(locale)}`));
    await frame.getByText(sentence).waitFor();
  }
  const { page, embed: frame } = await open(t, embed(product, { resource: { dashboard: 4 } }, "#locale=de"));
  await frame.getByText("Diese Einbettung ist nicht richtig eingerichtet.").waitFor();
  assert.match((await waitForMessage(page, "error")).message, /You must specify a value for :x/);
});

test("an error that arrives before the words of its language waits for them", async (t) => {
  for (const delay of [0, 100, 300, 300, 300, 300]) {
    const own = await browser.newContext();
    t.after(() => own.close());
    const page = await own.newPage();
    const problems = [];
    page.on("pageerror", (problem) => problems.push(String(problem)));
    await page.route("**/ko.*.js", async (route) => {
      await new Promise((go) => setTimeout(go, delay));
      await route.continue();
    });
    host.pages["/"] = framing(embed(product, { resource: { dashboard: 2 } }, "#locale=ko"));
    await page.goto(host.origin);
    await page.frameLocator("#embed").getByText("이 콘텐츠는 게시되지 않았습니다.").waitFor({ timeout: 8000 });
    assert.deepEqual(problems, []);
  }
});

test("an unreachable view is retried until it is shown", async (t) => {
  const own = await browser.newContext();
  t.after(() => own.close());
  const page = await own.newPage();
  let down = true;
  await page.route("**/v1/view/**", (route) => (down ? route.abort() : route.continue()));
  host.pages["/"] = framing(embed(product));
  await page.goto(host.origin);
  await page.frameLocator("#embed").getByText("Temporarily unavailable. Trying again…").waitFor();
  down = false;
  await waitForMessage(page, "ready");
  assert.equal((await received(page, "error")).length, 1, "reported once, however often it is retried");
});

test("an embed that expires while it is open says so, and continues with a new session", async (t) => {
  const { page, embed: frame } = await open(t, embed(product, { exp: Math.floor(Date.now() / 1000) + 3 }));
  await waitForMessage(page, "ready");
  await frame.getByLabel("Text", { exact: true }).fill("kept");
  await frame.getByLabel("Text", { exact: true }).blur();
  await waitForMessage(page, "params");
  await waitForMessage(page, "expiring");
  await waitForMessage(page, "expired");
  await frame.getByText("This embed has expired.").waitFor();
  assert.equal(await frame.getByLabel("Text", { exact: true }).isDisabled(), true);
  assert.equal(await frame.locator("#content iframe").count(), 1, "the content stays visible");
  const session = product.sign({ resource: { dashboard: 1 } });
  await page.evaluate(([session, origin]) => {
    document.getElementById("embed").contentWindow.postMessage({ source: "vitrine-host", type: "session", value: session }, origin);
  }, [session, product.base]);
  await until(() => frame.getByLabel("Text", { exact: true }).isEnabled());
  assert.equal(await frame.getByLabel("Text", { exact: true }).inputValue(), "kept");
});

for (const minutes of [-5, 5]) {
  test(`a device clock that is off by ${minutes} minutes does not change the expiry`, async (t) => {
    const script = `{ const wrong = ${minutes * 60_000}, now = Date.now; Date.now = () => now() + wrong; }`;
    const { page } = await open(t, embed(product, { exp: Math.floor(Date.now() / 1000) + 4 }), { script });
    await waitForMessage(page, "ready");
    await new Promise((go) => setTimeout(go, 1500));
    assert.deepEqual(await received(page, "expired"), []);
    await waitForMessage(page, "expired");
  });
}

// ---- framing ----

test("a host page that is not allowed cannot frame the page", async (t) => {
  const { page } = await open(t, embed(product), { on: other });
  await new Promise((go) => setTimeout(go, 700));
  assert.deepEqual(await page.evaluate(() => globalThis.received), []);
  assert.equal(page.frames().some((frame) => frame.url().includes("/embed/dashboard/")), false);
});

test("an allowed host page inside one that is not allowed cannot frame the page either", async (t) => {
  host.pages["/inner"] = framing(embed(product));
  other.pages["/outer"] = framing(`${host.origin}/inner`);
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(`${other.origin}/outer`);
  await until(() => page.frames().find((frame) => frame.url().endsWith("/inner")));
  await new Promise((go) => setTimeout(go, 700));
  assert.deepEqual(await page.frames().find((frame) => frame.url().endsWith("/inner")).evaluate(() => globalThis.received), []);
});

test("the sandbox page checks its ancestors itself", async (t) => {
  const content = { type: "html", html: "<h1>A dive</h1>" };
  const dive = await product.call("POST", "/v1/dives", { title: "Dive", content, enable_embedding: true, allowed_origins: [other.origin] });
  const closedDive = await product.call("POST", "/v1/dives", { title: "Dive", content, enable_embedding: true });
  await product.call("POST", "/v1/users", { username: "viewer" });
  const sandbox = async ({ id }) => {
    const { session } = await product.call("POST", `/v1/dives/${id}/embed-session`, { username: "viewer" });
    return `${product.base}/sandbox/#session=${session}`;
  };
  for (const on of [host, other]) {
    const { page } = await open(t, await sandbox(dive), { on });
    assert.equal((await waitForMessage(page, "ready")).title, "Dive");
  }
  // Only the deployment's own list applies to a dive without origins.
  const refused = await open(t, await sandbox(closedDive), { on: other });
  await refused.embed.getByText("Failed to load dive. Please try again.").waitFor();
  await new Promise((go) => setTimeout(go, 300));
  assert.deepEqual(await refused.page.evaluate(() => globalThis.received), [], "the host does not learn the reason");
  assert.equal(await refused.embed.locator("#content iframe").count(), 0);
  // Framed twice: the inner host is allowed and the outer one is not.
  host.pages["/inner"] = framing(await sandbox(closedDive));
  other.pages["/outer"] = framing(`${host.origin}/inner`);
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(`${other.origin}/outer`);
  await page.frameLocator("#embed").frameLocator("#embed").getByText("Failed to load dive.").waitFor();
});

test("messages from other windows than the host are ignored", async (t) => {
  // The content asks for a dark theme and another session as soon as it runs.
  const { page, embed: frame } = await open(t, embed(product));
  await waitForMessage(page, "ready");
  await until(() => page.frames().at(2)?.locator("#shown").textContent());
  await new Promise((go) => setTimeout(go, 200));
  assert.equal(await page.frames().at(1).evaluate(() => document.documentElement.dataset.theme), "light");
  assert.deepEqual(await received(page, "error"), []);
  // Another frame of the host page is not the host.
  host.pages["/stranger"] = `<script>parent.frames[0].postMessage({ source: "vitrine-host", type: "theme", value: "dark" }, "*")</script>`;
  await page.evaluate((src) => document.body.append(Object.assign(document.createElement("iframe"), { src })), `${host.origin}/stranger`);
  await new Promise((go) => setTimeout(go, 300));
  assert.equal(await page.frames().at(1).evaluate(() => document.documentElement.dataset.theme), "light");
  assert.equal(await frame.locator("#title").textContent(), "Sales");
});

test("the content can reach neither the token nor the page", async (t) => {
  const { page, inner } = await open(t, embed(product));
  await waitForMessage(page, "resize");
  const reached = await inner().evaluate(async () => {
    const attempts = { parent: () => parent.document, cookie: () => document.cookie, storage: () => localStorage, top: () => top.location.href };
    const outcome = Object.entries(attempts).map(([name, attempt]) => { try { attempt(); return name; } catch { return null; } });
    const api = await fetch("/v1/view").then(() => "api", () => null);
    return [...outcome, api, JSON.stringify(vitrine.view).includes("eyJ") ? "token" : null].filter(Boolean);
  });
  assert.deepEqual(reached, []);
});

// ---- environments ----

test("the page works without storage and cookies", async (t) => {
  const script = `for (const name of ["localStorage", "sessionStorage", "indexedDB"]) {
    Object.defineProperty(window, name, { get() { throw new DOMException("denied", "SecurityError"); } });
  }
  Object.defineProperty(Document.prototype, "cookie", { get() { throw new DOMException("denied", "SecurityError"); }, set() { throw new DOMException("denied", "SecurityError"); } });`;
  const { page } = await open(t, embed(product), { script });
  assert.equal((await waitForMessage(page, "ready")).title, "Sales");
});

test("the page works in a sandbox without an origin", async (t) => {
  const { page, embed: frame } = await open(t, embed(product), { attributes: 'sandbox="allow-scripts"' });
  await waitForMessage(page, "ready");
  await frame.getByLabel("One of").selectOption("b");
  assert.equal((await waitForMessage(page, "params")).parameters.one, "b");
});

test("the page works in a tab of its own", async (t) => {
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(embed(product));
  await page.locator("#title").getByText("Sales").waitFor();
  assert.equal(await page.title(), "Sales");
});

test("the page loads nothing from other origins and sets no cookies", async (t) => {
  const own = await browser.newContext();
  t.after(() => own.close());
  const page = await own.newPage();
  const asked = [];
  page.on("request", (request) => asked.push(request.url()));
  host.pages["/"] = framing(embed(product));
  await page.goto(host.origin);
  await waitForMessage(page, "resize");
  assert.deepEqual(asked.filter((url) => !url.startsWith(product.base) && !url.startsWith(host.origin)), []);
  assert.deepEqual(await own.cookies(), []);
});

test("the page and its files are small", async () => {
  const page = await (await fetch(`${product.base}/embed/dashboard/aB3dE6gH9jK2`)).text();
  // Those that draw answers come later, and only for content that needs them.
  const files = [...page.matchAll(/ (?:src|href)="(\/embed\/assets\/[^"]+)"/g)].map(([, file]) => file);
  assert.equal(files.length, 3);
  const texts = await Promise.all(files.map(async (file) => (await fetch(product.base + file)).text()));
  const size = [page, ...texts].reduce((sum, text) => sum + gzipSync(text).length, 0);
  assert.ok(size < 16 * 1024, `${size} bytes`);
});

// ---- controls, content and display options ----

test("every kind of control sets its parameter", async (t) => {
  const { page, embed: frame, inner } = await open(t, embed(product));
  await waitForMessage(page, "ready");
  const values = async () => JSON.parse(await inner().locator("#shown").textContent());
  const set = async (name, expected, act) => {
    await act();
    await until(async () => JSON.stringify((await values())[name]) === JSON.stringify(expected), values);
  };
  const fill = (label, text) => async () => { await frame.getByLabel(label, { exact: true }).fill(text); await frame.getByLabel(label, { exact: true }).blur(); };
  await set("text", "some words", fill("Text", "some words"));
  await set("amount", "7", fill("Amount", "7"));
  await set("day", "2026-05-01", fill("Day", "2026-05-01"));
  await set("range", "2026-05-01~2026-05-31", async () => { await frame.getByLabel("Range").selectOption("Between…"); await fill("From", "2026-05-01")(); await fill("To", "2026-05-31")(); });
  await set("one", "b", () => frame.getByLabel("One of").selectOption("Letter B"));
  await set("many", ["x", "y"], async () => { await frame.getByLabel("Letter X").check(); await frame.getByLabel("y", { exact: true }).check(); });
  await set("flag", "true", () => frame.getByLabel("Flag").selectOption("Yes"));
  await set("text", null, fill("Text", ""));
});

test("the reported height follows the content", async (t) => {
  const { page, inner } = await open(t, embed(product));
  await waitForMessage(page, "resize");
  const height = async () => (await received(page, "resize")).at(-1).height;
  await until(async () => (await height()) > 200);
  const before = await height();
  await inner().locator("#grow").click();
  await until(async () => (await height()) >= before + 650, height);
  await inner().locator("#shrink").click();
  await until(async () => (await height()) < before, height);
});

test("downloads work only if the owner allows them and the host does not disable them", async (t) => {
  for (const [claims, behind, allowed] of [
    [{}, "", true],
    [{}, "#downloads=false", false],
    [{}, "#hide_download_button=true", false],
    [{ resource: { dashboard: 7 } }, "#downloads=true", false],
  ]) {
    const { page, inner } = await open(t, embed(product, claims, behind));
    await waitForMessage(page, "resize");
    const saved = page.waitForEvent("download", { timeout: 1200 }).catch(() => null);
    await inner().locator("#save").click();
    const file = await saved;
    assert.equal(Boolean(file), allowed, behind);
    if (!file) continue;
    assert.equal(file.suggestedFilename(), "sales 2026.csv");
    assert.equal(await readFile(await file.path(), "utf8"), "a,b\n1,2\n");
    assert.deepEqual(await received(page, "download"), [{ source: "vitrine", type: "download", name: "sales 2026.csv", format: "csv" }]);
  }
});

test("display options: theme, border, title, background and direction", async (t) => {
  const root = async (behind, context) => {
    const { page } = await open(t, embed(product, {}, behind), { context });
    await waitForMessage(page, "ready");
    return page.frames().at(1).evaluate(() => {
      const { documentElement: root } = document;
      return { theme: root.dataset.theme, bordered: "bordered" in root.dataset, background: "background" in root.dataset,
        dir: root.dir, lang: root.lang, titled: !document.getElementById("heading").hidden };
    });
  };
  const usual = { theme: "light", bordered: true, background: true, dir: "ltr", lang: "en", titled: true };
  assert.deepEqual(await root(""), usual);
  assert.deepEqual(await root("#theme=dark"), { ...usual, theme: "dark" });
  assert.deepEqual(await root("#theme=auto", { colorScheme: "dark" }), { ...usual, theme: "dark" });
  assert.deepEqual(await root("#theme=transparent"), { ...usual, background: false });
  assert.deepEqual(await root("#bordered=false&titled=false"), { ...usual, bordered: false, titled: false });
  assert.deepEqual(await root("#bordered=0&titled=0"), { ...usual, bordered: false, titled: false });
  assert.deepEqual(await root("#bordered=1&titled=1"), usual);
  assert.deepEqual(await root("#bordered=2&titled=no"), usual, "other spellings change nothing");
  assert.deepEqual(await root("#locale=ar-EG"), { ...usual, dir: "rtl", lang: "ar-EG" });
});

// ---- accessibility ----

for (const [name, behind, claims, context] of [
  ["shown, light", "", {}, {}],
  ["shown, dark", "#theme=dark", {}, {}],
  ["shown, right to left", "#locale=he", {}, {}],
  ["refused", "", { resource: { dashboard: 2 } }, {}],
  ["refused, dark", "#theme=dark", { exp: 1 }, {}],
]) {
  test(`axe finds nothing serious: ${name}`, async (t) => {
    const own = await browser.newContext({ ...context, bypassCSP: true });
    t.after(() => own.close());
    const page = await own.newPage();
    await page.goto(embed(product, claims, behind));
    await page.locator("#title:visible, #sentence:visible").first().waitFor();
    assert.deepEqual(await serious(page, ["#content iframe"]), []);
  });
}

test("the keyboard reaches every control in order, and the focus survives loading", async (t) => {
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(embed(product));
  await page.locator("#title").getByText("Sales").waitFor();
  const order = [];
  for (let step = 0; step < 9; step++) {
    await page.keyboard.press("Tab");
    order.push(await page.evaluate(() => document.activeElement.labels?.[0]?.textContent || document.activeElement.ariaLabel || document.activeElement.tagName));
  }
  const expected = ["Text", "Amount", "Day"];
  assert.deepEqual(order.filter((name, index) => order.indexOf(name) === index).slice(0, 3), expected);
  await page.getByLabel("Text", { exact: true }).focus();
  await page.keyboard.type("kept");
  await page.keyboard.press("Tab");
  await until(() => page.frames().at(1)?.locator("#shown").textContent().then((text) => text.includes("kept")));
  assert.equal(await page.evaluate(() => document.activeElement.labels?.[0]?.textContent), "Amount");
});

test("nothing is animated for viewers who prefer reduced motion", async (t) => {
  const own = await browser.newContext({ reducedMotion: "reduce" });
  t.after(() => own.close());
  const page = await own.newPage();
  await page.goto(embed(product));
  await page.locator("#title").waitFor();
  const moving = await page.evaluate(() => document.getAnimations().filter(({ playState }) => playState === "running").length);
  assert.equal(moving, 0);
});
