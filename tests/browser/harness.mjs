// Runs the product in a real server, host pages on origins of their own, and Chromium.

import { spawn } from "node:child_process";
import { createHash, createHmac } from "node:crypto";
import { createServer } from "node:http";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { createInterface } from "node:readline";
import { text } from "node:stream/consumers";
import { chromium } from "playwright-core";

const BINARY = process.env.VITRINE_BINARY ?? new URL("../../target/debug/vitrine", import.meta.url).pathname;
const CHROMIUM = process.env.CHROMIUM ?? "/usr/bin/chromium-headless-shell";
const FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync"];

export const ADMIN_KEY = "the-admin-key-of-the-tests";
export const SECRET = "5ca1ab1e".repeat(8);

export const base64url = (text) => Buffer.from(text).toString("base64url");

export class Product {
  static start(...settings) {
    return Product.run("--no-demo", ...settings.flatMap((setting) => ["--set", setting]));
  }

  static async run(...options) {
    const usual = ["--memory", "--port", "0", "--admin-key", ADMIN_KEY, "--signing-secret", SECRET];
    const server = spawn(BINARY, [...usual, ...options], { stdio: ["ignore", "pipe", "ignore"] });
    const lines = createInterface(server.stdout);
    for await (const line of lines) {
      if (line.startsWith("ready ")) return new Product(server, line.slice(6));
    }
    throw new Error("the server did not start");
  }

  constructor(server, base) {
    Object.assign(this, { server, base });
  }

  async call(method, path, body, key = ADMIN_KEY) {
    const headers = { authorization: `Bearer ${key}`, "content-type": "application/json" };
    const answer = await fetch(this.base + path, { method, headers, body: body && JSON.stringify(body) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${text}`);
    return text && JSON.parse(text);
  }

  publish(name, resource) {
    return this.call("PUT", `/v1/resources/${name}`, { title: "Sales", enable_embedding: true, ...resource });
  }

  // Publishes a table with these columns and rows.
  async publishTable(name, columns, rows, definition = {}) {
    const path = `/v1/tables/${name}`;
    await this.call("PUT", path, { columns: Object.entries(columns).map(([name, type]) => ({ name, type })), ...definition });
    const file = Buffer.from(rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
    const sha256 = createHash("sha256").update(file).digest("hex");
    const { upload, url, method, headers } = await this.call("POST", `${path}/uploads`, { format: "jsonl", size: file.length, sha256 });
    const put = await fetch(url, { method, headers, body: file });
    if (!put.ok) throw new Error(`${path}: ${put.status} ${await put.text()}`);
    let state = await this.call("POST", `${path}/versions`, { upload });
    while (!state.version) {
      if (state.state === "failed") throw new Error(`${path}: ${JSON.stringify(state.issues)}`);
      await new Promise((resolve) => { setTimeout(resolve, 100); });
      state = await this.call("GET", `${path}/uploads/${upload}`);
    }
  }

  // Signs a token as the owner's backend does.
  sign(claims) {
    const payload = { params: {}, exp: Math.floor(Date.now() / 1000) + 600, ...claims };
    const signed = [{ alg: "HS256", typ: "JWT" }, payload].map((part) => base64url(JSON.stringify(part))).join(".");
    return `${signed}.${createHmac("sha256", SECRET).update(signed).digest("base64url")}`;
  }

  async generate(fields) {
    const body = { deploymentId: 1, externalId: "ann@example.com", ...fields };
    return (await this.call("POST", "/api/v1/embed/generate-session", body)).sessionId;
  }

  moveClock(now) {
    return this.call("POST", "/_local/clock", { now });
  }

  async stop() {
    this.server.kill();
    await once(this.server, "exit");
  }
}

// Runs the program once, with the tests' key.
export async function program(options) {
  const run = spawn(BINARY, options, { stdio: ["ignore", "pipe", "pipe"], env: { ...process.env, VITRINE_KEY: ADMIN_KEY } });
  const texts = Promise.all([run.stdout, run.stderr].map((stream) => text(stream)));
  const [code] = await once(run, "close");
  const [stdout, stderr] = await texts;
  return { code, stdout, stderr };
}

// A server of host pages on an origin of its own. `pages` maps paths to HTML.
export class Host {
  static async start(pages = {}) {
    const server = createServer(({ url }, response) => {
      const page = pages[url.split("?")[0]];
      response.writeHead(page === undefined ? 404 : 200, { "content-type": "text/html; charset=utf-8" });
      response.end(page ?? "");
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new Host(server, pages);
  }

  constructor(server, pages) {
    Object.assign(this, { server, pages, origin: `http://127.0.0.1:${server.address().port}` });
  }

  async stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

// A host page that frames `src` and records the messages that it receives.
export const framing = (src, attributes = "") => `<!doctype html><title>Host</title>
<script>var received = []; addEventListener("message", ({ data, origin }) => received.push({ data, origin }));</script>
<iframe id="embed" title="Embed" src="${src}" width="900" height="500" ${attributes}></iframe>`;

const axe = await readFile(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

// The serious and critical violations that axe finds in a page. The content of frames belongs to the owner, so tests
// exclude it.
export async function serious(page, exclude) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate((exclude) => globalThis.axe.run({ exclude }), exclude);
  const found = violations.filter(({ impact }) => ["serious", "critical"].includes(impact));
  return found.map(({ id, nodes }) => [id, nodes.map(({ html }) => html)]);
}

export async function launch() {
  return chromium.launch({ executablePath: CHROMIUM, args: FLAGS });
}

// Opens a page of its own for a test of the console, and collects the mistakes of its scripts and of its policy.
export async function openConsole(t, browser, stack, context = {}) {
  const own = await browser.newContext({ viewport: { width: 1280, height: 800 }, ...context });
  t.after(() => own.close());
  const page = await own.newPage();
  const problems = [];
  page.on("pageerror", (problem) => problems.push(String(problem)));
  page.on("console", (message) => /Content Security Policy/.test(message.text()) && problems.push(message.text()));
  return { page, problems, own, go: (path) => page.goto(stack.base + path) };
}

// The same, signed in with the admin key.
export async function signInToConsole(...where) {
  const opened = await openConsole(...where);
  await opened.go("/console");
  await opened.page.getByLabel("Access key").fill(ADMIN_KEY);
  await opened.page.keyboard.press("Enter");
  await opened.page.getByRole("heading", { name: "Home" }).waitFor();
  return opened;
}

// Waits until `read` returns something truthy, and fails with the result of `describe`.
export async function until(read, describe = () => "", timeout = 8000) {
  const end = Date.now() + timeout;
  let last;
  while (Date.now() < end) {
    last = await read();
    if (last) return last;
    await new Promise((go) => setTimeout(go, 30));
  }
  throw new Error(`timed out waiting for ${read}: ${JSON.stringify(await describe())}`);
}

// The messages of one type that the host page has received from the embed.
export async function received(page, type) {
  const all = await page.evaluate(() => globalThis.received);
  return all.map(({ data }) => data).filter((data) => data?.type === type);
}

export function waitForMessage(page, type, times = 1) {
  const found = async () => {
    const all = await received(page, type);
    return all.length >= times && all.at(-1);
  };
  return until(found, () => page.evaluate(() => globalThis.received));
}
