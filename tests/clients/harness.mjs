// Programs written by others, run against the product with only the host and the key or the secret changed.

import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, test } from "node:test";
import { pathToFileURL } from "node:url";
import { ADMIN_KEY, Product, SECRET, until } from "../browser/harness.mjs";

export { ADMIN_KEY, SECRET, until };
export { Host, launch } from "../browser/harness.mjs";
export const WRONG_KEY = "not-the-admin-key-of-the-tests";
export const WRONG_SECRET = "0ddba11".repeat(9) + "0";

const TOOLS = process.env.CLIENT_TOOLS;
const RESULTS = process.env.CLIENT_RESULTS;

// Packages of npm are installed below the cache, not beside the tests.
export const require = createRequire(join(TOOLS, "npm", "package.json"));
export const fileOf = (path) => join(TOOLS, "npm", "node_modules", path);
export const load = (path) => import(pathToFileURL(fileOf(path)));
export const versionOf = (name) => JSON.parse(readFileSync(fileOf(`${name}/package.json`))).version;

// The cases of one program. Each is a test; their names are the program's row in the migration page `page`. A program
// of which something works needs a case that is refused, so that the others cannot pass without a credential.
export class Client {
  #rows = { works: [], "not offered": [], refused: [] };

  constructor(name, { page, registry, version }) {
    Object.assign(this, { name, page, registry, version });
    after(() => this.#write());
  }

  works(does, run) {
    this.#case("works", does, run);
  }

  // A call that Vitrine does not offer. `run` is expected to throw what `fails` matches; it must be moved to `works`
  // when it no longer does.
  notOffered(does, run, fails) {
    this.#case("not offered", does, () => assert.rejects(async () => run(), fails));
  }

  refuses(does, run, fails) {
    this.#case("refused", does, () => assert.rejects(async () => run(), fails));
  }

  #case(outcome, does, run) {
    this.#rows[outcome].push(does);
    test(`${this.name}: ${does}${outcome === "works" ? "" : ` (${outcome})`}`, run);
  }

  #write() {
    const { works, "not offered": notOffered, refused } = this.#rows;
    assert.ok(refused.length > 0 || works.length === 0, `${this.name} needs a case that is refused`);
    const { name, page, registry, version } = this;
    const row = JSON.stringify({ name, page, registry, version, works, notOffered });
    writeFileSync(join(RESULTS, `${name.replaceAll("/", "+")}.json`), row);
  }
}

export const PARAMETERS = [
  { id: "aaaa1111", slug: "customer", name: "Customer", type: "id" },
  { id: "bbbb2222", slug: "category", name: "Category", type: "string/=", values_source_type: "static-list",
    values_source_config: { values: ["Gadget", "Gizmo"] } },
];
const CONTENT = '<h1 id="heading">Sales of Acme</h1><div id="space" style="height: 824px"></div>';

// The product with two dashboards, two questions that show HTML, and one that runs a query.
export async function start(...settings) {
  const product = await Product.start(...settings);
  after(() => product.stop());
  const content = { type: "html", html: CONTENT };
  await product.publish("dashboard/1", { title: "Sales", content });
  await product.publish("dashboard/2", { title: "Customers", content });
  await product.publish("question/1", { title: "Revenue", content });
  await product.publish("question/2", { title: "Orders", content });
  await product.publish("question/3", { title: "Answer", content: { type: "question", query: { sql: "select 42 as answer" }, display: "table" } });
  for (const path of ["dashboard/2", "card/2"]) {
    const embedding_params = { customer: "locked", category: "enabled" };
    await product.call("PUT", `/api/${path}`, { parameters: PARAMETERS, embedding_params, enable_embedding: true });
  }
  return product;
}

// Opens the address that a program made, as a page of the owner does.
export async function shows(browser, host, address) {
  host.pages["/"] = `<!doctype html><title>Host</title><iframe id="embed" title="Embed" width="900" height="600" src="${address}"></iframe>`;
  const page = await browser.newPage();
  try {
    await page.goto(host.origin);
    const embed = page.frameLocator("#embed");
    const heading = embed.frameLocator("iframe").getByText("Sales of Acme");
    const refusal = embed.locator("#sentence");
    await until(async () => await heading.isVisible() || await refusal.isVisible());
    if (await refusal.isVisible()) throw new Error(`the page says: ${await refusal.innerText()}`);
  } finally {
    await page.close();
  }
}

// Environment without the settings of other programs on this machine.
export const environment = (own) => ({ PATH: process.env.PATH, HOME: tmpdir(), ...own });

// A process that answers one line of JSON for each line of JSON.
class Lines {
  #waiting = new Map();
  #next = 1;
  #errors = "";

  constructor(command, parameters, env) {
    this.folder = mkdtempSync(join(tmpdir(), "vitrine-client-"));
    this.process = spawn(command, parameters, { cwd: this.folder, env: environment(env), stdio: ["pipe", "pipe", "pipe"] });
    // A program that has ended is noticed below, not when it is written to.
    this.process.stdin.on("error", () => {});
    this.process.stderr.on("data", (text) => { this.#errors = (this.#errors + text).slice(-4000); });
    createInterface(this.process.stdout).on("line", (line) => {
      if (!line.startsWith("{")) return;
      const answer = JSON.parse(line);
      this.#waiting.get(answer.id)?.resolve(answer);
    });
    this.ended = once(this.process, "exit").then(() => {
      for (const { reject } of this.#waiting.values()) reject(new Error(`the program ended: ${this.#errors}`));
    });
    after(() => this.stop());
  }

  tell(message) {
    this.process.stdin.write(`${JSON.stringify(message)}\n`);
  }

  ask(message) {
    if (this.process.exitCode !== null) return Promise.reject(new Error(`the program ended: ${this.#errors}`));
    const id = this.#next++;
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no answer to ${JSON.stringify(message)}: ${this.#errors}`)), 30000);
      const settle = (how) => (value) => { clearTimeout(late); this.#waiting.delete(id); how(value); };
      this.#waiting.set(id, { resolve: settle(resolve), reject: settle(reject) });
      this.tell({ ...message, id });
    });
  }

  async stop() {
    if (this.process.exitCode === null && this.process.signalCode === null) this.process.kill("SIGKILL");
    await this.ended;
    rmSync(this.folder, { recursive: true, force: true });
  }
}

// A server of the Model Context Protocol on standard input and output.
export class Mcp {
  static async start(script, env, ...options) {
    const lines = new Lines(process.execPath, [fileOf(script), ...options], env);
    const params = { protocolVersion: "2024-11-05", capabilities: {}, clientInfo: { name: "tests", version: "1" } };
    await lines.ask({ jsonrpc: "2.0", method: "initialize", params });
    lines.tell({ jsonrpc: "2.0", method: "notifications/initialized" });
    return new Mcp(lines);
  }

  constructor(lines) {
    this.lines = lines;
  }

  async request(method, params) {
    const { result, error } = await this.lines.ask({ jsonrpc: "2.0", method, params });
    if (error) throw new Error(error.message);
    return result;
  }

  // Calls a tool, and returns its text. Throws if the program says that it failed, in any of the ways that they do.
  async call(name, parameters = {}) {
    const { content, isError } = await this.request("tools/call", { name, arguments: parameters });
    const text = content.map((part) => part.text).join("\n");
    if (isError || text.startsWith("❌") || text.startsWith('{"error"') || /"error":/.test(text.slice(0, 40))) throw new Error(text);
    return text;
  }
}

// A Python of its own for each package, because their requirements conflict. `run` returns the value of the last line.
export class Python {
  static start(name, imports, env) {
    const lines = new Lines(join(TOOLS, `python-${name}`, "bin", "python"), [new URL("drive.py", import.meta.url).pathname], env);
    return new Python(lines, imports);
  }

  constructor(lines, imports) {
    Object.assign(this, { lines, ready: this.#run(imports, lines) });
    this.ready.catch(() => {});
  }

  async #run(source, lines = this.lines) {
    const { value, error } = await lines.ask({ source });
    if (error) throw new Error(error);
    return value;
  }

  async run(source) {
    await this.ready;
    return this.#run(source);
  }
}

export function pythonVersion(name) {
  const pinned = readFileSync(new URL(`python/${name}.txt`, import.meta.url), "utf8");
  return pinned.match(new RegExp(`^${name}==(.*)$`, "mi"))[1];
}
