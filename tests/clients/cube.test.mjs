// Cube's client for data, with the token that a session is exchanged for.

import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { Client, require, start, versionOf } from "./harness.mjs";

const product = await start();
const CSV = "id,city,amount,day\n1,Berlin,10,2024-01-05\n2,Berlin,20,2024-02-05\n3,Paris,30,2024-02-06\n";

await product.call("POST", "/v1/attributes", { name: "city", type: "string" });
const own = [{ column: "city", op: "=", value: { attribute: "city" } }];
await product.call("PUT", "/v1/tables/orders", { row_policies: [{ groups: ["*"], rows: own }] });
const sha256 = createHash("sha256").update(CSV).digest("hex");
const upload = await product.call("POST", "/v1/tables/orders/uploads", { format: "csv", size: CSV.length, sha256 });
const put = await fetch(upload.url, { method: upload.method, headers: upload.headers, body: CSV });
assert.ok(put.ok, await put.text());
await product.call("POST", "/v1/tables/orders/versions", { upload: upload.upload });

const tokenOf = async (externalId, city) => {
  const sessionId = await product.generate({ externalId, userAttributes: [{ name: "city", value: city }] });
  return (await product.call("POST", "/api/v1/embed/session/token", { sessionId })).token;
};
const token = await tokenOf("ann@example.com", "Berlin");
const core = new Client("@cubejs-client/core", { page: "from-cube", registry: "npm", version: versionOf("@cubejs-client/core") });
const cube = require("@cubejs-client/core").default;
const apiUrl = `${product.base}/cubejs-api/v1`;
const client = cube(token, { apiUrl });
const MONTHS = { dimension: "orders.day", granularity: "month", dateRange: ["2024-01-01", "2024-03-31"] };

core.works("`load`", async () => {
  const result = await client.load({ measures: ["orders.amount_sum"], timeDimensions: [MONTHS], total: true });
  assert.deepEqual(result.series()[0].series.map(({ x, value }) => [x.slice(0, 7), value]),
    [["2024-01", 10], ["2024-02", 20], ["2024-03", 0]]);
  assert.equal(result.totalRows(), 2);
  assert.deepEqual(result.tableColumns().map(({ shortTitle }) => shortTitle), ["Day", "Amount Sum"]);
  for (const form of ["compact", "columnar"]) {
    const rows = await client.load({ dimensions: ["orders.city"], measures: ["orders.count"] }, {}, undefined, form);
    assert.deepEqual(rows.rawData(), [{ "orders.city": "Berlin", "orders.count": "2" }], form);
  }
  const many = Array.from({ length: 150 }, (_, number) => `no such city ${number}`);
  const filters = [{ member: "orders.city", operator: "equals", values: [...many, "Berlin"] }];
  const posted = await client.load({ measures: ["orders.count"], filters }, { castNumerics: true });
  assert.deepEqual(posted.rawData(), [{ "orders.count": 2 }]);
  const paris = cube(await tokenOf("bob@example.com", "Paris"), { apiUrl });
  assert.deepEqual((await paris.load({ dimensions: ["orders.city"] })).rawData(), [{ "orders.city": "Paris" }]);
});

core.works("`load` of several queries", async () => {
  const both = await client.load([{ measures: ["orders.count"], timeDimensions: [MONTHS] }, { measures: ["orders.amount_max"], timeDimensions: [MONTHS] }]);
  assert.deepEqual(both.seriesNames().map(({ yValues }) => yValues[0]), ["orders.count", "orders.amount_max"]);
  const compareDateRange = [["2024-01-01", "2024-01-31"], ["2024-02-01", "2024-02-29"]];
  const compared = await client.load({ measures: ["orders.count"], timeDimensions: [{ dimension: "orders.day", compareDateRange }] });
  assert.equal(compared.decompose().length, 2);
});

core.works("`meta`", async () => {
  const meta = await client.meta();
  assert.equal(meta.resolveMember("orders.amount_sum", "measures").title, "Orders Amount Sum");
  assert.equal(meta.resolveMember("orders.day", "dimensions").type, "time");
});

core.works("`sql`", async () => {
  const sql = await client.sql({ measures: ["orders.count"] });
  assert.match(sql.sql(), /^SELECT count\(\*\)/);
});

core.refuses("another token", () => cube("x", { apiUrl }).load({ measures: ["orders.count"] }), ({ status, message }) => status === 400 && message !== "");
core.refuses("a member that is not there", () => client.load({ measures: ["orders.nothing"] }), ({ status, message }) => status === 400 && message.includes("'nothing' not found"));
core.notOffered("`dryRun`", () => client.dryRun({ measures: ["orders.count"] }), ({ status }) => status === 404);
