// Sign-in to the console through a provider on another site, by clicks.

import assert from "node:assert/strict";
import { createHash, createSign, generateKeyPairSync, randomUUID } from "node:crypto";
import { createServer } from "node:http";
import { once } from "node:events";
import { text } from "node:stream/consumers";
import { after, before, test } from "node:test";
import { ADMIN_KEY, Product, base64url, launch, openConsole, serious } from "./harness.mjs";

const CLIENT = "vitrine-console";

// A provider of OpenID Connect. `localhost` is another site than the product's `127.0.0.1`.
class Provider {
  static async start() {
    const { publicKey, privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const provider = new Provider();
    const server = createServer((request, response) => provider.answer(request, response));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const jwk = { ...publicKey.export({ format: "jwk" }), kid: "1", use: "sig", alg: "RS256" };
    return Object.assign(provider, { server, privateKey, jwk, issuer: `http://localhost:${server.address().port}`, codes: new Map(), groups: ["owners"] });
  }

  async answer(request, response) {
    const url = new URL(request.url, this.issuer);
    const send = (status, headers, body) => response.writeHead(status, headers).end(body);
    const json = (body, status = 200) => send(status, { "content-type": "application/json" }, JSON.stringify(body));
    switch (url.pathname) {
      case "/.well-known/openid-configuration":
        return json({ issuer: this.issuer, authorization_endpoint: `${this.issuer}/authorize`, token_endpoint: `${this.issuer}/token`, jwks_uri: `${this.issuer}/keys` });
      case "/keys":
        return json({ keys: [this.jwk] });
      case "/authorize": {
        const code = randomUUID();
        this.codes.set(code, url.searchParams);
        const back = new URL(url.searchParams.get("redirect_uri"));
        back.search = new URLSearchParams({ code, state: url.searchParams.get("state") });
        return send(200, { "content-type": "text/html" }, `<!doctype html><title>Company</title><h1>Company</h1><a href="/agreed?${new URLSearchParams({ back })}">I am Anna</a>`);
      }
      case "/agreed":
        return send(302, { location: url.searchParams.get("back") });
      case "/token": {
        const form = new URLSearchParams(await text(request));
        const asked = this.codes.get(form.get("code"));
        this.codes.delete(form.get("code"));
        const challenge = createHash("sha256").update(form.get("code_verifier") ?? "").digest("base64url");
        if (challenge !== asked?.get("code_challenge")) return json({ error: "invalid_grant" }, 400);
        const now = Math.floor(Date.now() / 1000);
        const claims = { iss: this.issuer, aud: CLIENT, sub: "1", iat: now, exp: now + 60, nonce: asked.get("nonce"), name: "Anna Ames", groups: this.groups };
        const signed = [{ alg: "RS256", kid: "1" }, claims].map((part) => base64url(JSON.stringify(part))).join(".");
        return json({ access_token: "a", token_type: "Bearer", id_token: `${signed}.${createSign("sha256").update(signed).sign(this.privateKey, "base64url")}` });
      }
    }
    return send(404);
  }

  stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

let product, browser, provider;

before(async () => {
  provider = await Provider.start();
  const settings = [`ConsoleIssuer=${provider.issuer}`, `ConsoleClientId=${CLIENT}`, "ConsoleRoles=owners=admin"];
  [product, browser] = await Promise.all([Product.start(...settings), launch()]);
});

after(() => Promise.all([product?.stop(), browser?.close(), provider?.stop()]));

const open = (t, context) => openConsole(t, browser, product, context);

const button = (page) => page.getByRole("link", { name: "Sign in with your company account" });

for (const javaScriptEnabled of [true, false]) {
  test(`a person signs in at the provider and is back on the page: ${javaScriptEnabled ? "with" : "without"} scripts`, async (t) => {
    provider.groups = ["owners"];
    const { page, problems, own } = await open(t, { javaScriptEnabled });
    await page.goto(`${product.base}/console/keys`);
    await button(page).click();
    await page.getByRole("heading", { name: "Company" }).waitFor();
    await page.getByRole("link", { name: "I am Anna" }).click();
    // Nothing else is clicked: the first page opens signed in, although its cookie is for this site only.
    await page.getByRole("heading", { name: "Keys", exact: true }).waitFor();
    assert.equal(page.url(), `${product.base}/console/keys`);
    assert.equal(await page.getByText("Anna Ames").count(), 1);
    const cookies = await own.cookies(product.base);
    assert.deepEqual(cookies.map(({ name, sameSite, httpOnly }) => [name, sameSite, httpOnly]), [["vitrine-console", "Strict", true]]);
    await page.getByRole("button", { name: "Sign out" }).click();
    await button(page).waitFor();
    await page.goto(`${product.base}/console/keys`);
    await button(page).waitFor();
    assert.deepEqual(problems, []);
  });
}

test("the sign-in page with the button is accessible, and so is that of a refusal", async (t) => {
  provider.groups = ["others"];
  for (const context of [{}, { colorScheme: "dark" }, { viewport: { width: 390, height: 844 } }]) {
    const { page } = await open(t, { ...context, bypassCSP: true });
    await page.goto(`${product.base}/console`);
    assert.deepEqual(await serious(page, []), []);
    await button(page).click();
    await page.getByRole("link", { name: "I am Anna" }).click();
    await page.getByRole("alert").getByText("groups_without_role").waitFor();
    assert.deepEqual(await serious(page, []), []);
    assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth));
    // An access key signs in from the page of the refusal.
    await page.getByLabel("Access key").fill(ADMIN_KEY);
    await page.keyboard.press("Enter");
    await page.getByRole("heading", { name: "Home" }).waitFor();
  }
});

test("a link on another site signs nobody in", async (t) => {
  provider.groups = ["owners"];
  const { page } = await open(t);
  await page.goto(`${provider.issuer}/authorize?redirect_uri=${encodeURIComponent(`${product.base}/console/oidc/start`)}&state=x`);
  await page.getByRole("link", { name: "I am Anna" }).click();
  await button(page).waitFor();
  assert.equal(page.url(), `${product.base}/console`);
});
