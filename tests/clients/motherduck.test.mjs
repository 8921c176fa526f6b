// The command line client for MotherDuck's API.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { ADMIN_KEY, Client, WRONG_KEY, environment, start } from "./harness.mjs";

const product = await start();
const folder = join(process.env.CLIENT_TOOLS, "md");
const version = readFileSync(join(folder, "installed"), "utf8").trim();
const md = new Client("dkdc-md-cli", { page: "from-motherduck", registry: "crates.io, built with its constant host changed", version });

async function run(...words) {
  const key = words[0] === "wrong" ? (words.shift(), WRONG_KEY) : ADMIN_KEY;
  const env = environment({ MD_HOST: product.base, MOTHERDUCK_TOKEN: key });
  const { stdout } = await promisify(execFile)(join(folder, "md"), ["--output", "json", "--yes", ...words], { env });
  return stdout.trim() && JSON.parse(stdout);
}

md.works("`service-account create`, `delete`", async () => {
  assert.equal((await run("service-account", "create", "acme_viewer")).username, "acme_viewer");
  await assert.rejects(run("service-account", "create", "acme_viewer"), /API error \(409\)/);
  await run("service-account", "delete", "acme_viewer");
  await assert.rejects(run("token", "list", "acme_viewer"), /API error \(404\)/);
});
md.works("`token create`, `list`, `delete`", async () => {
  await run("service-account", "create", "acme_reader");
  const { id, token } = await run("token", "create", "acme_reader", "--name", "ci", "--ttl", "600", "--token-type", "read-scaling");
  assert.ok(token.length > 20);
  const { tokens } = await run("token", "list", "acme_reader");
  assert.deepEqual(tokens.map(({ name, token_type }) => [name, token_type]), [["ci", "read_scaling"]]);
  await run("token", "delete", "acme_reader", id);
  assert.deepEqual((await run("token", "list", "acme_reader")).tokens, []);
});
md.notOffered("`duckling`: compute", () => run("duckling", "get", "acme_reader"), /API error \(404\)/);
md.notOffered("`account list-active`", () => run("account", "list-active"), /API error \(404\)/);
md.refuses("a wrong key", () => run("wrong", "service-account", "create", "other"), /API error \(401\): Unauthenticated/);
