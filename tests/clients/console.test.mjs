// The programs that the console writes for the owner's server: each is run as it is, and its URL opens the view.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { ADMIN_KEY, Product, SECRET } from "../browser/harness.mjs";

const run = promisify(execFile);
const PATH = "/console/resources/dashboard/1/embed";
// A value that each language would end its text at, or evaluate.
const VALUE = `O'Neil "& Söhne" #{1} $HOME \\n \`x\``;

let product, folder, page;

class Visitor {
  cookies = new Map();

  async ask(path, fields) {
    const cookie = [...this.cookies].map(([name, value]) => `${name}=${value}`).join("; ");
    const body = fields && new URLSearchParams(fields);
    const answer = await fetch(product.base + path, { method: body ? "POST" : "GET", body, redirect: "manual", headers: { cookie } });
    for (const line of answer.headers.getSetCookie()) {
      const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
      this.cookies.set(name, value);
    }
    return { status: answer.status, text: await answer.text() };
  }

  async send(from, path, fields) {
    const { text } = await this.ask(from);
    return this.ask(path, { csrf_token: /name="csrf_token" value="([^"]+)"/.exec(text)[1], ...fields });
  }
}

before(async () => {
  product = await Product.start();
  folder = await mkdtemp(join(tmpdir(), "console-"));
  await product.publish("dashboard/1", {
    content: { type: "html", html: "x" },
    parameters: [{ slug: "customer", name: "Customer", type: "text" }, { slug: "city", name: "City", type: "text" }, { slug: "year", name: "Year", type: "number" }],
    embedding_params: { customer: "locked", city: { attribute: "city" }, year: "enabled" },
  });
  const visitor = new Visitor();
  assert.equal((await visitor.send("/console", "/console/sign-in", { key: ADMIN_KEY })).status, 303);
  page = (await visitor.send(PATH, PATH, {
    action: "code", theme: "dark", titled: "on", "policy.customer": "locked", "value.customer": VALUE, "policy.city": "attribute",
    "attribute.city": "city", "value.city": "Bern", "policy.year": "enabled", "value.year": "2025",
  })).text;
});

after(async () => {
  await product?.stop();
  if (folder) await rm(folder, { recursive: true });
});

const unescape = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&quot;/g, '"').replace(/&#39;/g, "'").replace(/&amp;/g, "&");

function codeOf(word) {
  return unescape(new RegExp(`id="code-${word}">([\\s\\S]*?)</code>`).exec(page)[1]);
}

async function opens(token) {
  const answer = await fetch(`${product.base}/v1/view`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 200, await answer.text());
}

const isThere = async (command) => run(command, ["--version"]).then(() => true, () => false);

const environment = () => ({ ...process.env, VITRINE: product.base, VITRINE_SECRET: SECRET, VITRINE_KEY: ADMIN_KEY });

// The word of a program, its file, and the command that runs it. The first two are always there.
const SIGNING = [["node", "embed.mjs", "node"], ["python", "embed.py", "python3"], ["ruby", "embed.rb", "ruby"],
  ["php", "embed.php", "php"], ["java", "Embed.java", "java"]];

for (const [word, file, command] of SIGNING) {
  test(`the ${word} program signs a token that opens the view`, async (t) => {
    const isNeeded = ["node", "python"].includes(word);
    if (!isNeeded && !(await isThere(command))) return t.skip(`there is no ${command} here`);
    const path = join(folder, file);
    await writeFile(path, codeOf(word));
    const { stdout } = await run(command, [path], { env: environment() });
    const [, token, look] = /^http.*\/embed\/dashboard\/([^#]+)#(.*)\s$/.exec(stdout);
    assert.equal(look, "theme=dark&bordered=false&titled=true");
    const claims = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
    assert.deepEqual(claims.params, { customer: VALUE, year: 2025 });
    assert.deepEqual(claims.viewer, { attributes: { city: "Bern" } });
    await opens(token);
  });
}

for (const [word, file, command] of [["ask-node", "session.mjs", "node"], ["ask-python", "session.py", "python3"], ["ask-shell", "session.sh", "sh"]]) {
  test(`the program ${word} gets a session that opens the view`, async () => {
    const path = join(folder, file);
    await writeFile(path, codeOf(word));
    const { stdout } = await run(command, [path], { env: environment() });
    const url = word === "ask-shell" ? JSON.parse(stdout).embed_url : stdout.trim();
    await opens(/#session=([^&]+)/.exec(url)[1]);
  });
}
