// The code that the console writes for the owner's server and page. Each program is run as it is, and its URL opens the
// view; each template is rendered by its own engine.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { ADMIN_KEY, Product, SECRET } from "../browser/harness.mjs";

const run = promisify(execFile);
const TOOLS = process.env.CLIENT_TOOLS;
const packages = createRequire(join(TOOLS, "npm", "package.json"));

const DIVE = "0f4f9d0e-7c39-4d0c-9a53-3f1f9f1d7c11";
// A value that each language would end its text at, or evaluate.
const VALUE = `O'Neil "& Söhne" #{1} $HOME \\n \`x\``;
const TITLE = `"><script>{{ 7*7 }}</script><%= 7 %>#{7} O'Neil & Söhne`;
const LOOK = "theme=dark&bordered=false&titled=true";

let product, folder;
const pages = {};

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
  const content = { type: "html", html: "x" };
  await product.publish("dashboard/1", {
    title: TITLE, content,
    parameters: [{ slug: "customer", name: "Customer", type: "text" }, { slug: "city", name: "City", type: "text" }, { slug: "year", name: "Year", type: "number" }],
    embedding_params: { customer: "locked", city: { attribute: "city" }, year: "enabled" },
  });
  await product.publish("dashboard/2", { content });
  await product.publish(`dive/${DIVE}`, {
    content, parameters: [{ slug: "city", name: "City", type: "text" }], embedding_params: { city: { attribute: "city" } },
  });
  await product.call("POST", "/v1/users", { username: "acme_viewer", attributes: { city: "Bern" } });
  const visitor = new Visitor();
  assert.equal((await visitor.send("/console", "/console/sign-in", { key: ADMIN_KEY })).status, 303);
  const choices = {
    dashboard: ["dashboard/1", { "policy.customer": "locked", "value.customer": VALUE, "policy.city": "attribute", "attribute.city": "city",
      "value.city": "Bern", "policy.year": "enabled", "value.year": "2025" }],
    bare: ["dashboard/2", {}],
    dive: [`dive/${DIVE}`, { account: "acme_viewer", "policy.city": "attribute", "attribute.city": "city", "value.city": "Bern" }],
  };
  for (const [name, [resource, fields]] of Object.entries(choices)) {
    const path = `/console/resources/${resource}/embed`;
    pages[name] = (await visitor.send(path, path, { action: "code", theme: "dark", titled: "on", ...fields })).text;
  }
});

after(async () => {
  await product?.stop();
  if (folder) await rm(folder, { recursive: true });
});

const unescape = (text) => text.replace(/&lt;/g, "<").replace(/&gt;/g, ">").replace(/&quot;/g, '"')
  .replace(/&#(\d+);/g, (_, code) => String.fromCodePoint(code)).replace(/&amp;/g, "&");

function codeOf(page, word) {
  const found = new RegExp(`id="code-${word}">([\\s\\S]*?)</code>`).exec(pages[page]);
  assert.ok(found, `there is no ${word} program`);
  return unescape(found[1]);
}

async function opens(token) {
  const answer = await fetch(`${product.base}/v1/view`, { headers: { authorization: `Bearer ${token}` } });
  assert.equal(answer.status, 200, await answer.text());
}

const capital = (word) => word[0].toUpperCase() + word.slice(1);

// By language: the file of a program, and the command line that runs it in its folder.
const LANGUAGES = {
  node: (word) => [`${word}.mjs`, ["node", `${word}.mjs`]],
  python: (word) => [`${word}.py`, ["python3", `${word}.py`]],
  ruby: (word) => [`${word}.rb`, ["ruby", `${word}.rb`]],
  php: (word) => [`${word}.php`, ["php", `${word}.php`]],
  go: (word) => [`${word}.go`, ["go", "run", `${word}.go`]],
  java: (word) => [`${capital(word)}.java`, ["java", `${capital(word)}.java`]],
  csharp: (word) => [`${word}.cs`, ["sh", "-c", `mcs -r:System.Net.Http ${word}.cs && mono ${word}.exe`]],
  clojure: (word) => [`${word}.clj`, ["clojure", `${word}.clj`]],
  rust: (word) => [`src/bin/${word}.rs`, ["cargo", "run", "--quiet", "--bin", word]],
};

// Runs a program as it stands on the page, and returns what it prints.
async function execute(page, word, language, own = {}) {
  const id = word === "embed" ? language : `${word}-${language}`;
  const [file, [command, ...words]] = LANGUAGES[language](word);
  const place = await mkdtemp(join(folder, `${language}-`));
  let target;
  if (language === "rust") {
    target = join(TOOLS, "rust", "target");
    for (const name of ["Cargo.toml", "Cargo.lock"]) await run("cp", [join(TOOLS, "rust", name), place]);
  }
  await mkdir(join(place, "src", "bin"), { recursive: true });
  await writeFile(join(place, file), codeOf(page, id));
  const env = { ...process.env, VITRINE: product.base, VITRINE_SECRET: SECRET, VITRINE_KEY: ADMIN_KEY, ...own, ...(target && { CARGO_TARGET_DIR: target }) };
  const { stdout } = await run(command, words, { cwd: place, env });
  return stdout.trim();
}

// A fragment of `stem` with the session first and the appearance after it.
function sessionOf(url, stem) {
  const [start, session, ...look] = url.split(/#session=|&/);
  assert.deepEqual([start, look.join("&")], [`${product.base}${stem}`, LOOK]);
  return session;
}

for (const language of Object.keys(LANGUAGES)) {
  test(`the ${language} programs open the view in each of the three ways`, async () => {
    const url = await execute("dashboard", "embed", language);
    const token = url.slice(`${product.base}/embed/dashboard/`.length).split("#")[0];
    assert.equal(url, `${product.base}/embed/dashboard/${token}#${LOOK}`);
    const claims = JSON.parse(Buffer.from(token.split(".")[1], "base64url"));
    assert.deepEqual(claims.params, { customer: VALUE, year: 2025 });
    assert.deepEqual(claims.viewer, { attributes: { city: "Bern" } });
    await opens(token);

    const asked = await execute("dashboard", "session", language);
    await opens(sessionOf(asked, new URL(asked).pathname));

    const session = sessionOf(await execute("dive", "dive", language), "/sandbox/");
    const dive = JSON.parse(Buffer.from(session, "base64url"));
    assert.equal(dive.dive_id, DIVE);
    await opens(dive.token);
  });

  test(`the ${language} programs open nothing with a wrong secret or key`, async () => {
    const url = await execute("dashboard", "embed", language, { VITRINE_SECRET: "0ddba11".repeat(9) });
    const token = url.slice(`${product.base}/embed/dashboard/`.length).split("#")[0];
    const answer = await fetch(`${product.base}/v1/view`, { headers: { authorization: `Bearer ${token}` } });
    assert.equal(answer.status, 401);
    await assert.rejects(execute("dashboard", "session", language, { VITRINE_KEY: "wrong" }), /./);
  });
}

test("a resource without parameters needs nothing more", async () => {
  for (const language of ["node", "php", "ruby"]) {
    const url = await execute("bare", "embed", language);
    await opens(url.slice(`${product.base}/embed/dashboard/`.length).split("#")[0]);
    const asked = await execute("bare", "session", language);
    await opens(sessionOf(asked, new URL(asked).pathname));
  }
});

test("the programs for a shell get both kinds of session", async () => {
  for (const [page, word, member] of [["dashboard", "session", "embed_url"], ["dive", "dive", "session"]]) {
    await writeFile(join(folder, `${word}.sh`), codeOf(page, `${word}-shell`));
    const env = { ...process.env, VITRINE: product.base, VITRINE_KEY: ADMIN_KEY };
    const { stdout } = await run("sh", [join(folder, `${word}.sh`)], { env });
    assert.equal(typeof JSON.parse(stdout)[member], "string");
  }
});

// By template language: the HTML that its engine makes of a template, with the URL under the name that the template uses.
const ENGINES = {
  HTML: (template, url) => template.replace("EMBED_URL", url),
  JSX: async (template, url) => {
    const { transform } = packages("esbuild");
    const { code } = await transform(template, { loader: "jsx", jsx: "transform" });
    const element = new Function("React", "embedUrl", `return ${code}`)(packages("react"), url);
    return packages("react-dom/server").renderToStaticMarkup(element);
  },
  ERB: async (template, url) => {
    await writeFile(join(folder, "page.erb"), template);
    const script = 'require "erb"; @embed_url = ARGV[1]; puts ERB.new(File.read(ARGV[0])).result(binding)';
    return (await run("ruby", ["-e", script, join(folder, "page.erb"), url])).stdout;
  },
  Jinja: async (template, url) => {
    await writeFile(join(folder, "page.jinja"), template);
    const script = "import jinja2, sys; print(jinja2.Environment(autoescape=True).from_string(open(sys.argv[1]).read()).render(embed_url=sys.argv[2]))";
    return (await run(join(TOOLS, "python-jinja", "bin", "python"), ["-c", script, join(folder, "page.jinja"), url])).stdout;
  },
  Mustache: (template, url) => packages("mustache").render(template, { embedUrl: url }),
  Pug: (template, url) => packages("pug").render(template, { embedUrl: url }),
  Vue: (template, url) => {
    const { createSSRApp } = packages("vue");
    return packages("vue/server-renderer").renderToString(createSSRApp({ template, data: () => ({ embedUrl: url }) }));
  },
};

for (const [language, render] of Object.entries(ENGINES)) {
  test(`the ${language} template frames the URL and has the title as text`, async () => {
    const found = new RegExp(`<summary>${language}</summary><pre tabindex="0"><code>([\\s\\S]*?)</code>`).exec(pages.dashboard);
    const url = "https://embed.example/embed/dashboard/a.b.c#theme=dark&bordered=false";
    const html = await render(unescape(found[1]), url);
    const [, attributes] = /^\s*<iframe\b([^>]*(?:"[^"]*"[^>]*)*)><\/iframe>\s*$/.exec(html) ?? assert.fail(html);
    const read = Object.fromEntries([...attributes.matchAll(/([a-z]+)="([^"]*)"/g)].map(([, name, value]) => [name, unescape(value).replace(/&#x([0-9a-f]+);/gi, (_, code) => String.fromCodePoint(parseInt(code, 16)))]));
    assert.deepEqual(read, { src: url, title: TITLE, width: "100%", height: "600" });
  });
}
