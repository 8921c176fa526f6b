// Cube's client for data, with the token that a session is exchanged for.

import { Client, require, start, versionOf } from "./harness.mjs";

const product = await start();
const { token } = await product.call("POST", "/api/v1/embed/session/token", { sessionId: await product.generate({}) });
const core = new Client("@cubejs-client/core", { page: "from-cube", registry: "npm", version: versionOf("@cubejs-client/core") });
const client = require("@cubejs-client/core").default(token, { apiUrl: `${product.base}/cubejs-api/v1` });

core.notOffered("`load`", () => client.load({ measures: ["Orders.count"] }), ({ status }) => status === 404);
core.notOffered("`meta`", () => client.meta(), ({ status }) => status === 404);
core.notOffered("`sql`", () => client.sql({ measures: ["Orders.count"] }), ({ status }) => status === 404);
