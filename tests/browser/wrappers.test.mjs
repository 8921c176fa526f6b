// The wrappers of the npm package: the element, and the component for React.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import { build } from "esbuild";
import { Drawings, byMonth } from "./drawings.mjs";
import { QUESTION, framed, openEmbed, viewWith } from "./embeds.mjs";
import { launch, until } from "./harness.mjs";

const SDK = new URL("../../functions/serve-embed/sdk/", import.meta.url);
const HTML = (script) => ["text/html; charset=utf-8", `<!doctype html><html lang="en"><title>Host</title><main id="place"></main><script type="module" src="${script}"></script>`];

const ELEMENT = `
import "/element.mjs";
globalThis.events = [];
const types = ["ready", "error", "parameter-changed", "card-loaded", "download"];
globalThis.place = document.getElementById("place");
globalThis.make = (set) => {
  globalThis.element = document.createElement("vitrine-embed");
  for (const type of types) element.addEventListener(type, ({ detail }) => events.push({ ...detail, type }));
  set(element);
  place.append(element);
};
globalThis.ready = true;`;

const REACT = `
import { StrictMode, createElement, createRef } from "react";
import { createRoot } from "react-dom/client";
import { VitrineEmbed } from "vitrine-embed/react";
globalThis.events = [];
globalThis.handle = createRef();
const root = createRoot(document.getElementById("place"));
const log = (type) => (event) => events.push({ ...event, type });
// New functions and objects in each rendering, as in most programs.
globalThis.show = (props) => root.render(createElement(StrictMode, null, props && createElement(VitrineEmbed, {
  ref: handle, src: "/embed/question/token", onReady: log("ready"), onParameterChanged: log("parameter-changed"), onCardLoaded: log("card-loaded"), onError: log("error"), ...props })));
globalThis.ready = true;`;

async function reactApp() {
  const { outputFiles } = await build({
    stdin: { contents: REACT, resolveDir: import.meta.dirname }, bundle: true, write: false, format: "esm", define: { "process.env.NODE_ENV": '"development"' },
    alias: { "vitrine-embed/react": new URL("react.mjs", SDK).pathname }, nodePaths: [new URL("node_modules", import.meta.url).pathname],
  });
  return outputFiles[0].text;
}

let drawings, browser;
before(async () => {
  const files = {
    "/element": HTML("/app.js"), "/app.js": ["text/javascript", ELEMENT], "/element.mjs": ["text/javascript", await readFile(new URL("element.mjs", SDK))],
    "/react": HTML("/react.js"), "/react.js": ["text/javascript", await reactApp()],
  };
  [drawings, browser] = await Promise.all([Drawings.start(files), launch()]);
});
after(() => Promise.all([drawings?.stop(), browser?.close()]));

const CITY = [{ slug: "city", name: "City", type: "text" }];

async function open(t, at) {
  const opened = await openEmbed(t, drawings, browser, { content: viewWith(QUESTION, CITY, { downloads: true }), answers: (body, path) => (path.includes("format=") ? { file: "a,b", name: "a.csv" } : byMonth), at });
  await opened.page.waitForFunction(() => globalThis.ready);
  const events = (type) => opened.page.evaluate((type) => globalThis.events.filter((event) => event.type === type), type);
  return { ...opened, events };
}

const shown = async (page) => { await framed(page).locator(".vz-mark").first().waitFor(); };

test("the element shows an embed, and its events are those of the embed", async (t) => {
  const { page, asked, events } = await open(t, "element");
  await page.evaluate(() => make((element) => {
    element.setAttribute("src", "/embed/question/token");
    element.setAttribute("theme", "dark");
    element.params = { city: "Bern" };
  }));
  await shown(page);
  assert.equal(await framed(page).locator("html").getAttribute("data-theme"), "dark");
  assert.deepEqual(asked.map(([, , { parameters }]) => parameters), [{ city: "Bern" }]);
  assert.deepEqual((await events("card-loaded")).map(({ card, rows }) => [card, rows]), [[null, 12]]);
  assert.equal((await events("ready"))[0].title, "Revenue");
  await framed(page).getByLabel("City").fill("Rome");
  await framed(page).getByLabel("City").press("Enter");
  await until(async () => (await events("parameter-changed")).length === 1);
  // A change of one attribute leaves what the viewer has chosen.
  await page.evaluate(() => element.setAttribute("theme", "light"));
  await until(async () => (await framed(page).locator("html").getAttribute("data-theme")) === "light");
  assert.equal(await framed(page).getByLabel("City").inputValue(), "Rome");
  await page.evaluate(() => { element.params = { city: "Oslo" }; });
  await until(async () => (await framed(page).getByLabel("City").inputValue()) === "Oslo");
  const [download] = await Promise.all([page.waitForEvent("download"), page.evaluate(() => element.download(null, "csv"))]);
  assert.equal(download.suggestedFilename(), "a.csv");
  await page.evaluate(() => element.remove());
  assert.equal(await page.locator("iframe").count(), 0);
  assert.deepEqual(await events("error"), []);
});

test("the element fetches sessions, and hands out rows", async (t) => {
  const { page } = await open(t, "element");
  await page.evaluate(() => make((element) => {
    globalThis.rows = [];
    element.fetchSession = () => "/embed/question/token";
    element.onData = (data) => rows.push(data.rows.length);
  }));
  await shown(page);
  await until(() => page.evaluate(() => rows.length === 1 && rows[0] === 12));
});

test("the element without a source shows nothing until it has one", async (t) => {
  const { page, events } = await open(t, "element");
  await page.evaluate(() => make(() => {}));
  await page.waitForTimeout(200);
  assert.equal(await page.locator("iframe").count(), 0);
  await page.evaluate(() => element.setAttribute("src", "/embed/question/token"));
  await shown(page);
  assert.equal((await events("ready")).length, 1);
});

test("the component for React shows one embed, and follows its properties", async (t) => {
  const { page, asked, events } = await open(t, "react");
  await page.evaluate(() => show({ params: { city: "Bern" }, theme: "dark" }));
  await shown(page);
  assert.equal(await page.locator("iframe").count(), 1, "in strict mode too");
  assert.deepEqual(asked.at(-1)[2].parameters, { city: "Bern" });
  assert.ok((await events("card-loaded")).length >= 1);
  const frame = await page.locator("iframe").elementHandle();
  const before = asked.length;
  await page.evaluate(() => show({ params: { city: "Bern" }, theme: "light" }));
  await until(async () => (await framed(page).locator("html").getAttribute("data-theme")) === "light");
  await page.waitForTimeout(300);
  assert.equal(asked.length, before, "equal properties ask nothing");
  assert.ok(await frame.evaluate((node) => node.isConnected), "the same frame");
  await framed(page).getByLabel("City").fill("Rome");
  await framed(page).getByLabel("City").press("Enter");
  await until(async () => (await events("parameter-changed")).length === 1);
  await page.evaluate(() => show({ params: { city: "Oslo" }, theme: "light" }));
  await until(async () => (await framed(page).getByLabel("City").inputValue()) === "Oslo");
  const [download] = await Promise.all([page.waitForEvent("download"), page.evaluate(() => handle.current.download(null, "csv"))]);
  assert.equal(download.suggestedFilename(), "a.csv");
  await page.evaluate(() => show(null));
  await until(async () => (await page.locator("iframe").count()) === 0);
  assert.deepEqual(await events("error"), []);
});

test("the component hands out rows from when it is asked to", async (t) => {
  const { page } = await open(t, "react");
  await page.evaluate(() => { globalThis.rows = []; show({}); });
  await shown(page);
  assert.deepEqual(await page.evaluate(() => rows), []);
  await page.evaluate(() => show({ onData: (data) => rows.push(data.rows.length) }));
  await until(() => page.evaluate(() => rows.length === 1 && rows[0] === 12));
  await page.evaluate(() => show({}));
  await page.evaluate(() => handle.current.refresh());
  await page.waitForTimeout(500);
  assert.equal(await page.evaluate(() => rows.length), 1);
});

test("a server can import both, without elements", async () => {
  const { VitrineEmbed } = await import(new URL("element.mjs", SDK));
  assert.equal(typeof VitrineEmbed, "function");
});
