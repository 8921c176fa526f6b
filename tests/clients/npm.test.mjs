// Programs of npm that publish through Metabase's API: two servers of the Model Context Protocol and a workflow step.

import assert from "node:assert/strict";
import { dirname } from "node:path";
import { after } from "node:test";
import { ADMIN_KEY, Client, Host, Mcp, SECRET, WRONG_KEY, launch, require, start, versionOf } from "./harness.mjs";

const page = "from-metabase";
const host = await Host.start();
const [product, browser] = await Promise.all([start(`AllowedOrigins=${host.origin}`), launch()]);
after(() => Promise.all([host.stop(), browser.close()]));
const client = (name) => new Client(name, { page, registry: "npm", version: versionOf(name) });
const resource = (path) => product.call("GET", `/api/${path}`);

const url = { METABASE_URL: product.base };
const withKey = (key) => ({ ...url, METABASE_API_KEY: key });
const withPassword = (key) => ({ ...url, METABASE_USERNAME: "ann@example.com", METABASE_PASSWORD: key });

// All servers are started before the first test is declared, because the hooks of a file end with its last known test.
const everyWay = (script, ...options) => Promise.all(
  [withKey(ADMIN_KEY), withPassword(ADMIN_KEY), withKey(WRONG_KEY), withPassword(WRONG_KEY)].map((env) => Mcp.start(script, env, ...options)));
const [one, onePassword, oneWrong, oneWrongPassword] = await everyWay("@cognitionai/metabase-mcp-server/dist/server.js", "--all");
const [two, twoPassword, twoWrong, twoWrongPassword] = await everyWay("@easecloudio/mcp-metabase-server/dist/index.js");
const [three, threeWrong] = await Promise.all(
  [ADMIN_KEY, WRONG_KEY].map((key) => Mcp.start("@getnao/metabase-mcp-server/dist/index.js", withKey(key))));

// ---- @cognitionai/metabase-mcp-server ----

const cognition = client("@cognitionai/metabase-mcp-server");

cognition.works("signs in with an API key or a password", async () => {
  // With a password, its first call goes out without the session that it has just got, whoever the server is.
  await assert.rejects(onePassword.call("get_dashboard", { dashboard_id: 1 }), /401/);
  for (const server of [one, onePassword]) {
    assert.equal(JSON.parse(await server.call("get_dashboard", { dashboard_id: 1 })).name, "Sales");
  }
});
cognition.works("lists and searches dashboards and questions", async () => {
  const named = (text) => JSON.parse(text).map(({ name }) => name);
  assert.ok(named(await one.call("list_dashboards")).includes("Sales"));
  assert.ok(named(await one.call("list_cards")).includes("Revenue"));
  assert.ok(named(await one.call("list_embeddable_dashboards")).includes("Sales"));
  assert.ok(named(await one.call("list_embeddable_cards")).includes("Revenue"));
  assert.match(await one.call("search_dashboards", { query: "Sales" }), /Sales/);
});
cognition.works("creates, publishes, sets `embedding_params`, archives, deletes", async () => {
  const parameters = [{ id: "aaaa1111", slug: "customer", name: "Customer", type: "id" }];
  const created = JSON.parse(await one.call("create_dashboard", { name: "Fresh" }));
  assert.equal((await resource(`dashboard/${created.id}`)).name, "Fresh");
  await product.publish("dashboard/31", { title: "Draft", enable_embedding: false });
  await one.call("update_dashboard", { dashboard_id: 31, name: "Live", parameters, enable_embedding: true, embedding_params: { customer: "locked" } });
  const { name, enable_embedding, embedding_params } = await resource("dashboard/31");
  assert.deepEqual([name, enable_embedding, embedding_params], ["Live", true, { customer: "locked" }]);
  await one.call("delete_dashboard", { dashboard_id: 31 });
  assert.equal((await resource("dashboard/31")).archived, true);
  await one.call("delete_dashboard", { dashboard_id: 31, hard_delete: true });
  await assert.rejects(resource("dashboard/31"), /404/);
  await product.publish("question/31", { title: "Draft", enable_embedding: false });
  await one.call("update_card", { card_id: 31, updates: { enable_embedding: true } });
  assert.equal((await resource("card/31")).enable_embedding, true);
});
cognition.works("a question's results", async () => assert.match(await one.call("execute_card", { card_id: 3 }), /42/));
cognition.works("databases", async () => assert.match(await one.call("list_databases"), /managed/));
cognition.notOffered("public links", () => one.call("create_public_link", { dashboard_id: 1 }), /40[45]/);
cognition.refuses("a wrong key", () => oneWrong.call("list_dashboards"), /401/);
cognition.refuses("a wrong password", () => oneWrongPassword.call("list_dashboards"), /Failed to authenticate with Metabase/);

// ---- @easecloudio/mcp-metabase-server ----

const easecloud = client("@easecloudio/mcp-metabase-server");

easecloud.works("signs in with an API key or a password", async () => {
  for (const server of [two, twoPassword]) {
    assert.equal(JSON.parse(await server.call("get_dashboard", { dashboard_id: 1 })).name, "Sales");
  }
});
easecloud.works("lists dashboards and questions, also as MCP resources", async () => {
  assert.match(await two.call("list_dashboards"), /"Sales"/);
  assert.match(await two.call("list_cards"), /"Revenue"/);
  assert.match(await two.call("list_embeddable_cards"), /"Revenue"/);
  const { resources } = await two.request("resources/list", {});
  assert.ok(resources.some(({ uri, name }) => uri === "metabase://dashboard/1" && name === "Sales"));
  const { contents } = await two.request("resources/read", { uri: "metabase://dashboard/1" });
  assert.equal(JSON.parse(contents[0].text).name, "Sales");
});
easecloud.works("publishes, archives, deletes", async () => {
  await product.publish("dashboard/32", { title: "Draft", enable_embedding: false });
  await two.call("update_dashboard", { dashboard_id: 32, name: "Live", enable_embedding: true });
  const { name, enable_embedding } = await resource("dashboard/32");
  assert.deepEqual([name, enable_embedding], ["Live", true]);
  await two.call("delete_dashboard", { dashboard_id: 32 });
  assert.equal((await resource("dashboard/32")).archived, true);
  await two.call("delete_dashboard", { dashboard_id: 32, hard_delete: true });
  await assert.rejects(resource("dashboard/32"), /404/);
});
easecloud.works("a question's results", async () => assert.match(await two.call("execute_card", { card_id: 3 }), /42/));
easecloud.works("databases", async () => assert.match(await two.call("list_databases"), /managed/));
easecloud.notOffered("public links", () => two.call("create_dashboard_public_link", { dashboard_id: 1 }), /40[45]|does not exist|not allowed/);
easecloud.refuses("a wrong key", () => twoWrong.call("list_dashboards"), /Unauthenticated|401/);
easecloud.refuses("a wrong password", () => twoWrongPassword.call("list_dashboards"), /Failed to authenticate with Metabase/);

// ---- @getnao/metabase-mcp-server ----

const getnao = client("@getnao/metabase-mcp-server");
getnao.works("lists and searches dashboards and questions, lists collections", async () => {
  assert.match(await three.call("metabase-list-questions"), /Revenue/);
  assert.match(await three.call("metabase-list-dashboards"), /Sales/);
  assert.match(await three.call("metabase-search-metabase", { query: "Sales" }), /Sales/);
  assert.match(await three.call("metabase-list-questions", { collectionId: 1 }), /Revenue/);
  assert.match(await three.call("metabase-list-collections"), /root/);
});
getnao.works("creates and renames dashboards and questions", async () => {
  await product.publish("question/33", { title: "Draft" });
  await three.call("metabase-update-question", { id: 33, name: "Final" });
  assert.equal((await resource("card/33")).name, "Final");
  assert.match(await three.call("metabase-create-dashboard", { name: "Fresh" }), /Fresh/);
});
getnao.works("tells the user of its key", async () => assert.match(await three.call("metabase-get-current-user"), /"is_superuser": true/));
getnao.works("a question's results", async () => assert.match(await three.call("metabase-execute-question", { questionId: 3 }), /42/));
getnao.works("databases", async () => assert.match(await three.call("metabase-list-databases"), /managed/));
getnao.refuses("a wrong key", () => threeWrong.call("metabase-list-dashboards"), /401/);

// ---- @activepieces/piece-metabase ----

const activepieces = client("@activepieces/piece-metabase");
const { metabase: piece } = require("@activepieces/piece-metabase");
const connection = (apiKey, embeddingKey = SECRET) => ({ type: "CUSTOM_AUTH", props: { baseUrl: product.base, apiKey, embeddingKey } });
const written = [];
const files = { write: async (file) => { written.push(file); return file.fileName; } };
const act = (action, propsValue, auth = connection(ADMIN_KEY)) => piece._actions[action].run({ auth, propsValue, files });
const connects = (apiKey) => piece.auth.validate({ auth: connection(apiKey).props });

activepieces.works("saves a connection", async () => assert.deepEqual(await connects(ADMIN_KEY), { valid: true }));
activepieces.works("publishes a question with `embedding_params`, and takes it back", async () => {
  const before = await resource("card/2");
  const parameterSettings = { customer: "locked", category: "disabled" };
  await act("embedQuestion", { questionId: "2-orders", enableEmbedding: true, parameterSettings });
  assert.deepEqual((await resource("card/2")).embedding_params, parameterSettings);
  await act("embedQuestion", { questionId: "2-orders", enableEmbedding: false, parameterSettings });
  const { enable_embedding, parameters } = await resource("card/2");
  assert.deepEqual([enable_embedding, parameters], [false, before.parameters]);
});
activepieces.works("takes a picture of an embedded question", async () => {
  // It leaves a copy in the working folder.
  process.chdir(dirname(process.env.CLIENT_RESULTS));
  const { file } = await act("getGraphQuestion", { questionId: "1-revenue", parameters: {}, graphName: "", waitTime: 0.2 });
  const picture = Buffer.from(file.base64Content, "base64");
  assert.equal(picture.subarray(1, 4).toString(), "PNG");
  assert.ok(picture.readUInt32BE(16) > 1000, "the picture has the size of the question");
});
activepieces.works("reads a dashboard's parameters", async () => {
  const { dashboard_name, available_parameters } = await act("getDashboardQuestions", { dashboardId: "2-customers", parameters: {} });
  assert.deepEqual([dashboard_name, available_parameters.map(({ slug }) => slug)], ["Customers", ["customer", "category"]]);
});
activepieces.notOffered("a question's results", () => act("getQuestion", { questionId: "1-revenue", parameters: {} }), /404/);
activepieces.notOffered("PNG previews drawn by the server", () => act("getQuestionPngPreview", { questionId: "1-revenue" }), /404/);
activepieces.refuses("a connection with a wrong key", async () => {
  assert.deepEqual(await connects(WRONG_KEY), { valid: false, error: "Invalid API Key or base URL" });
  await act("embedQuestion", { questionId: "2-orders", enableEmbedding: true }, connection(WRONG_KEY));
}, /401/);
