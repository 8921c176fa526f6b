// The page's address: names that are none of ours show the content all the same, and the host and the owner are told.

import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { ADMIN_KEY, Host, Product, framing, received, launch, until, waitForMessage } from "./harness.mjs";

const HTML = `<p id="shown"></p><script>
  const show = () => { shown.textContent = JSON.stringify(vitrine.view.values); };
  vitrine.onView(show); show();
</script>`;

let product, pinned, host, browser, dashboard, dive;

before(async () => {
  [host, browser] = await Promise.all([Host.start(), launch()]);
  [product, pinned] = await Promise.all([Product.start("AllowedOrigins=*"), Product.start("AllowedOrigins=*", "EnabledInToken=pinned")]);
  const content = { type: "html", html: HTML };
  const names = ["region", "id", "closed", "city"];
  const parameters = [...names.map((slug) => ({ slug, name: slug, type: "text" })), { slug: "year", name: "Year", type: "number" }];
  const embedding_params = { region: "enabled", id: "locked", closed: "disabled", year: "enabled" };
  for (const server of [product, pinned]) await server.publish("dashboard/1", { content, parameters, embedding_params });
  await product.publish("question/1", { content, parameters, embedding_params });
  const open = { region: "enabled", year: "enabled", closed: "disabled", city: { attribute: "city" } };
  dashboard = await product.publish("dashboard/2", { content, parameters, embedding_params: open });
  await product.call("POST", "/v1/attributes", { name: "city", type: "string" });
  await product.call("POST", "/v1/users", { username: "viewer", attributes: { city: "Berlin" } });
  dive = await product.call("POST", "/v1/dives", { title: "Dive", content, enable_embedding: true, parameters, embedding_params: open });
  const looks = ["theme", "font"].map((slug) => ({ slug, name: slug, type: "text" }));
  await product.publish("dashboard/3", { content, parameters: looks, embedding_params: { theme: "enabled" } });
});

after(() => Promise.all([product, pinned, host, browser].map((one) => one?.stop?.() ?? one?.close?.())));

const token = (server = product, claims = {}) => server.sign({ resource: { dashboard: 1 }, params: { id: "7" }, ...claims });
const metabase = (behind) => `${product.base}/embed/dashboard/${token()}${behind}`;

async function open(t, src) {
  host.pages["/"] = framing(src);
  const page = await browser.newPage();
  t.after(() => page.close());
  const answers = [];
  page.on("response", (answer) => { if (answer.url().includes("/v1/view/")) answers.push(answer); });
  await page.goto(host.origin);
  const inner = () => page.frames().at(2)?.locator("#shown").textContent();
  return { page, embed: page.frameLocator("#embed"), answers, values: async () => JSON.parse(await until(inner)) };
}

const look = (page) => page.frames().at(1).evaluate(() => {
  const { dataset } = document.documentElement;
  return { theme: dataset.theme, bordered: "bordered" in dataset, titled: !document.getElementById("heading").hidden };
});

async function decision(requestId) {
  const read = async () => {
    const answer = await fetch(`${product.base}/v1/decisions/${requestId}`, { headers: { authorization: `Bearer ${ADMIN_KEY}` } });
    return answer.ok && answer.json();
  };
  return until(read);
}

// The address after the token, the names that the host is told, and the values.
const METABASE = [
  ["?bordered=true&titled=true", []],
  ["?bordered=true&titled=true&reload=1700000000", ["reload"]],
  ["?tab=x#bordered=true", ["tab"]],
  ["?utm_source=mail", ["utm_source"]],
  ["?utm_source=&fbclid=x", ["fbclid", "utm_source"]],
  ["?t=1700000000", ["t"]],
  ["?t=1&t=2", ["t"]],
  ["#theme=null&refresh=60&fullscreen", ["fullscreen"]],
  ["#bordered=false&titled=false&hide_header=true/", ["hide_header"]],
  ["#primary-color=%23f00&logo=false", ["logo", "primary-color"]],
  ["#scrollTo=7&header=false&top_nav=false&side_nav=false", ["header", "scrollTo", "side_nav", "top_nav"]],
  ["?id=8", ["id"]],
  ["#id=8", ["id"]],
  ["?id=8&id=7", ["id"]],
  ["?id=", ["id"]],
  ["?closed=x", ["closed"]],
  ["?city=Paris", ["city"]],
  ["?parameters=[]", ["parameters"]],
  ["?region=emea&utm_source=mail", ["utm_source"], { region: "emea" }],
  ["#region=emea&region=apac&id=8", ["id"], { region: ["emea", "apac"] }],
];

for (const [behind, names, values = {}] of METABASE) {
  test(`a dashboard is shown at ...${behind}`, async (t) => {
    const { page, answers, values: shown } = await open(t, metabase(behind));
    await waitForMessage(page, "ready");
    assert.deepEqual(await shown(), { region: null, year: null, ...values });
    assert.deepEqual(await received(page, "error"), []);
    const notices = await received(page, "notice");
    if (!names.length) return assert.deepEqual(notices, []);
    assert.deepEqual(notices.map(({ names, ...rest }) => ({ ...rest, names: names.toSorted() })), [
      { source: "vitrine", type: "notice", reason: "parameters_ignored", names },
    ]);
    const record = await decision(answers[0].headers()["x-request-id"]);
    assert.deepEqual([record.kind, record.names.toSorted(), record.resource], ["ignored", names, "dashboard/1"]);
    assert.ok(!JSON.stringify(record).includes("eyJ"));
  });
}

test("display options are read from the query, and the hash goes before it", async (t) => {
  for (const [behind, expected] of [
    ["?theme=night&bordered=false&titled=0", { theme: "dark", bordered: false, titled: false }],
    ["?theme=night#theme=light", { theme: "light", bordered: true, titled: true }],
    ["?bordered=false#bordered=true", { theme: "light", bordered: true, titled: true }],
  ]) {
    const { page } = await open(t, metabase(behind));
    await waitForMessage(page, "ready");
    assert.deepEqual(await look(page), expected, behind);
  }
});

test("a parameter of the content goes before a display option of the same name in the query", async (t) => {
  const src = (behind) => `${product.base}/embed/dashboard/${product.sign({ resource: { dashboard: 3 } })}${behind}`;
  const { page, values } = await open(t, src("?theme=night"));
  await waitForMessage(page, "ready");
  assert.deepEqual([await values(), (await look(page)).theme], [{ theme: "night" }, "light"]);
  // `font` is disabled, so the viewer may not set it, and it is a display option.
  const other = await open(t, src("?font=Lato#theme=night"));
  await waitForMessage(other.page, "ready");
  assert.deepEqual([await other.values(), (await look(other.page)).theme], [{ theme: null }, "dark"]);
  assert.match(await other.page.frames().at(1).evaluate(() => document.documentElement.style.getPropertyValue("--font")), /Lato/);
});

test("a question is shown as well", async (t) => {
  const src = `${product.base}/embed/question/${product.sign({ resource: { question: 1 }, params: { id: "7" } })}?utm_source=x&id=8`;
  const { page } = await open(t, src);
  await waitForMessage(page, "ready");
  assert.deepEqual((await waitForMessage(page, "notice")).names.toSorted(), ["id", "utm_source"]);
});

test("a value that the token pins stays, and the host is told", async (t) => {
  const src = `${pinned.base}/embed/dashboard/${token(pinned, { params: { id: "7", region: "emea" } })}?region=apac&year=2026`;
  const { page, values } = await open(t, src);
  assert.deepEqual((await waitForMessage(page, "notice")).names, ["region"]);
  assert.deepEqual(await values(), { year: "2026" });
});

test("a value that does not fit is refused, and so is a missing lock", async (t) => {
  for (const [src, reason] of [
    [metabase("?year=soon&utm_source=x"), "parameter_invalid"],
    [`${product.base}/embed/dashboard/${token(product, { params: {} })}?id=7`, "parameter_locked_missing"],
    [`${product.base}/embed/dashboard/${token(product, { params: { id: "7", nothing: 1 } })}`, "parameter_unknown"],
  ]) {
    const { page } = await open(t, src);
    assert.equal((await waitForMessage(page, "error")).reason, reason);
    assert.deepEqual(await received(page, "notice"), []);
  }
});

test("names are told once, and later requests no longer have them", async (t) => {
  const { page, embed, answers, values } = await open(t, metabase("?utm_source=mail&id=8"));
  await waitForMessage(page, "notice");
  await embed.getByLabel("region").fill("emea");
  await embed.getByLabel("region").blur();
  await until(async () => (await values()).region === "emea");
  assert.deepEqual(answers.map((answer) => new URL(answer.url()).search), ["?utm_source=mail&id=8", "?region=emea"]);
  assert.equal((await received(page, "notice")).length, 1);
});

test("a change of the hash is told as well", async (t) => {
  const { page, values } = await open(t, metabase(""));
  await waitForMessage(page, "ready");
  assert.deepEqual(await received(page, "notice"), []);
  await page.frames().at(1).evaluate(() => { location.hash = "#region=emea&logo=false"; });
  assert.deepEqual((await waitForMessage(page, "notice")).names, ["logo"]);
  await until(async () => (await values()).region === "emea");
});

test("Cube's page ignores names that it does not know, and says so in both forms", async (t) => {
  const src = async (behind) => `${product.base}/embed/dashboard/${dashboard.public_id}?session=${await product.generate({ userAttributes: [{ name: "city", value: "Berlin" }] })}${behind}`;
  const filter = (member, value) => `&f_${member}=${encodeURIComponent(JSON.stringify({ value }))}`;
  for (const [behind, names, region = null] of [
    ["&utm_source=x", ["utm_source"]],
    ["&city=Paris&closed=x", ["city", "closed"]],
    [filter("orders.region", "emea") + filter("orders.status", "open"), ["f_orders.status"], "emea"],
    [filter("orders.city", "Paris"), ["f_orders.city"]],
    ["&showSidebar=true&ms_x=1", []],
  ]) {
    const { page, values } = await open(t, await src(behind));
    await waitForMessage(page, "cube:event:ready");
    if (names.length) await waitForMessage(page, "notice");
    assert.equal((await values()).region, region, behind);
    assert.deepEqual((await received(page, "notice")).map(({ names }) => names.toSorted()), names.length ? [names] : [], behind);
    const events = await received(page, "cube:event:notice");
    assert.deepEqual(events.map(({ payload }) => [payload.reason, payload.names.toSorted()]), names.length ? [["parameters_ignored", names]] : []);
    const all = await page.evaluate(() => globalThis.received);
    assert.equal(all[0].data.type, "cube:event:ready", "ready is the first message");
    assert.deepEqual(await received(page, "error"), []);
  }
});

test("MotherDuck's page ignores names that it does not know", async (t) => {
  for (const [query, behind, names] of [["?v=2", "", ["v"]], ["", "&foo=1", ["foo"]], ["?queryMode=server", "", []], ["?city=Paris", "", ["city"]]]) {
    const { session } = await product.call("POST", `/v1/dives/${dive.id}/embed-session`, { username: "viewer" });
    const { page, values } = await open(t, `${product.base}/sandbox/${query}#session=${session}${behind}`);
    await waitForMessage(page, "ready");
    if (names.length) assert.deepEqual((await waitForMessage(page, "notice")).names, names);
    else assert.deepEqual(await received(page, "notice"), []);
    assert.deepEqual(await values(), { region: null, year: null });
  }
});

test("the script for host pages has the event", async (t) => {
  host.pages["/"] = `<div id="a"></div><script src="${product.base}/vitrine.js"></script><script>
    globalThis.notices = [];
    globalThis.embed = vitrine.mount(a, { src: ${JSON.stringify(metabase(""))}, params: { region: "emea", id: 8 }, on: { notice: (event) => notices.push(event) } });
  </script>`;
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(host.origin);
  const notices = () => page.evaluate(() => globalThis.notices);
  await until(async () => (await notices()).length);
  await page.evaluate(() => embed.setParams({ nothing: 1, region: "apac" }));
  await until(async () => (await notices()).length === 2);
  assert.deepEqual(await notices(), [["id"], ["nothing"]].map((names) => ({ reason: "parameters_ignored", names })));
});

test("programs are refused for the same names", async () => {
  const call = async (path, headers) => (await fetch(product.base + path, { headers })).json();
  const bearer = { authorization: `Bearer ${token()}` };
  for (const [query, reason] of [["utm_source=mail", "parameter_unknown"], ["id=8", "parameter_locked"], ["id=7", "parameter_locked"], ["closed=x", "parameter_disabled"]]) {
    assert.equal((await call(`/v1/view/dashboard?${query}`, bearer)).reason, reason);
    assert.equal((await call(`/api/embed/dashboard/${token()}?${query}`, { prefer: "handling=lenient" })).reason, reason);
  }
});
