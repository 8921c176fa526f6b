// Programs that sign tokens in the owner's backend. Their addresses are opened in Chromium.

import assert from "node:assert/strict";
import { EventEmitter } from "node:events";
import { after } from "node:test";
import { Client, Host, Mcp, Python, SECRET, WRONG_SECRET, ADMIN_KEY, launch, pythonVersion, require, shows, start, versionOf } from "./harness.mjs";

const host = await Host.start();
const [product, browser] = await Promise.all([start(`AllowedOrigins=${host.origin}`), launch()]);
after(() => Promise.all([host.stop(), browser.close()]));
const page = "from-metabase";
const REFUSED = /This embed link is not valid/;

const environment = (key, secret) => ({
  METABASE_URL: product.base, METABASE_API_KEY: key, METABASE_EMBEDDING_SECRET_KEY: secret, METABASE_READ_ONLY_MODE: "false", LOG_LEVEL: "error",
});
const SERVER = "metabase-ai-assistant/src/mcp/server.js";
const [mcp, otherSecret, wrongKey, password, wrongPassword] = await Promise.all([
  Mcp.start(SERVER, environment(ADMIN_KEY, SECRET)),
  Mcp.start(SERVER, environment(ADMIN_KEY, WRONG_SECRET)),
  Mcp.start(SERVER, environment("wrong", SECRET)),
  Mcp.start(SERVER, { ...environment(undefined, SECRET), METABASE_USERNAME: "ann@example.com", METABASE_PASSWORD: ADMIN_KEY }),
  Mcp.start(SERVER, { ...environment(undefined, SECRET), METABASE_USERNAME: "ann@example.com", METABASE_PASSWORD: "wrong" }),
]);

// ---- node-red-contrib-metabase-embed ----

const nodeRed = new Client("node-red-contrib-metabase-embed",
  { page, registry: "npm", version: versionOf("node-red-contrib-metabase-embed") });

// Node-RED calls the node's factory, and the node with each message.
function nodeRedAddress(config) {
  let made;
  const createNode = (node) => Object.assign(node, EventEmitter.prototype, { send: ({ iframeUrl }) => { made = iframeUrl; } });
  const registerType = (_, factory) => {
    const node = {};
    factory.call(node, config);
    node.emit("input", {});
  };
  require("node-red-contrib-metabase-embed/mb.js")({ nodes: { createNode, registerType } });
  return made;
}

nodeRed.works("signs the address of a dashboard", () =>
  shows(browser, host, nodeRedAddress({ url: product.base, token: SECRET })));
nodeRed.works("theme, border and title in the address", () =>
  shows(browser, host, nodeRedAddress({ url: product.base, token: SECRET, theme: "theme=night&", title: true, border: true })));
nodeRed.refuses("another secret", () => shows(browser, host, nodeRedAddress({ url: product.base, token: WRONG_SECRET })), REFUSED);

// ---- fastx-dashboards ----

const fastx = new Client("fastx-dashboards", { page, registry: "PyPI", version: pythonVersion("fastx-dashboards") });
const fastxPython = Python.start("fastx-dashboards",
  "from fastx_dashboards.integrations.providers.metabase import MetabaseEmbedProvider");
const fastxAddress = (options, { secret = SECRET, kind = "dashboard" } = {}) => fastxPython.run(
  `MetabaseEmbedProvider("${product.base}", "${secret}", resource_key="${kind}").build_embed_url(ttl_seconds=600, ${options})`);

fastx.works("signs the address of a dashboard or a question", async () => {
  await shows(browser, host, await fastxAddress('resource_id="1"'));
  await shows(browser, host, await fastxAddress('resource_id="1"', { kind: "question" }));
});
fastx.works("locked parameters", async () => shows(browser, host, await fastxAddress('resource_id="2", params={"customer": 7}')));
fastx.works("`theme`", async () => shows(browser, host, await fastxAddress('resource_id="1", theme="dark"')));
fastx.notOffered("`locale=`, an unknown parameter in Metabase, too",
  async () => shows(browser, host, await fastxAddress('resource_id="1", locale="de"')), /Unknown parameter :_locale/);
fastx.refuses("another secret",
  async () => shows(browser, host, await fastxAddress('resource_id="1"', { secret: WRONG_SECRET })), REFUSED);
fastx.refuses("a locked parameter without a value",
  async () => shows(browser, host, await fastxAddress('resource_id="2"')), /You must specify a value for :customer/);

// ---- metabase-ai-assistant, its tool that signs ----

const assistant = new Client("metabase-ai-assistant", { page, registry: "npm", version: versionOf("metabase-ai-assistant") });
const addressIn = (text) => text.match(/http\S+\/embed\/[^\s"\\`]+/)[0];
const address = async (server, options) => addressIn(await server.call("mb_embed_url_generate", options));

assistant.works("signs the address of a dashboard or a question", async () => {
  await shows(browser, host, await address(mcp, { resource_type: "dashboard", resource_id: 1, theme: "night", titled: false }));
  await shows(browser, host, await address(mcp, { resource_type: "question", resource_id: 2, params: { customer: 7 } }));
});
assistant.works("signs in with an API key or a password", async () => {
  for (const server of [mcp, password]) assert.match(await server.call("mb_dashboard_get", { dashboard_id: 1 }), /Name: Sales/);
});
assistant.works("reads the embedding settings", async () => {
  assert.match(await mcp.call("mb_embed_settings"), /Embedding Enabled: Yes/);
});
assistant.works("lists dashboards, searches", async () => {
  assert.match(await mcp.call("mb_dashboards"), /Sales/);
  assert.match(await mcp.call("mb_search", { query: "Revenue" }), /\[1\] Revenue/);
});
assistant.works("creates, publishes, renames, archives, deletes", async () => {
  await product.publish("dashboard/20", { title: "Old", enable_embedding: false });
  await product.publish("question/20", { title: "Old", enable_embedding: false });
  assert.match(await mcp.call("mb_dashboard_create", { name: "Fresh" }), /created successfully[^]*Fresh/);
  await mcp.call("mb_dashboard_update", { dashboard_id: 20, name: "New", enable_embedding: true });
  assert.match(await mcp.call("mb_dashboard_get", { dashboard_id: 20 }), /Name: New[^]*Embedding Enabled: true/);
  await mcp.call("mb_card_archive", { card_id: 20 });
  assert.equal((await product.call("GET", "/api/card/20")).archived, true);
  await mcp.call("mb_dashboard_delete", { dashboard_id: 20 });
  await assert.rejects(product.call("GET", "/api/dashboard/20"), /404/);
});
assistant.works("a question's results", async () => assert.match(await mcp.call("mb_card_data", { card_id: 3 }), /42/));
assistant.works("databases", async () => assert.match(await mcp.call("db_list"), /managed/));
assistant.refuses("another secret", async () =>
  shows(browser, host, await address(otherSecret, { resource_type: "dashboard", resource_id: 1 })), REFUSED);
assistant.refuses("a wrong key", () => wrongKey.call("mb_dashboard_get", { dashboard_id: 1 }), /Unauthenticated/);
// It forgets why it could not sign in, and fails at the next use.
assistant.refuses("a wrong password", () => wrongPassword.call("mb_dashboard_get", { dashboard_id: 1 }), /reading 'handleDashboardGet'/);
