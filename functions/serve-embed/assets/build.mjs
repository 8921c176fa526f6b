// Writes everything that `serve-embed` serves into `dist`: bundled, minified, and compressed with brotli and gzip.

import { createHash } from "node:crypto";
import { mkdir, readFile, readdir, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { brotliCompressSync, brotliDecompressSync, constants, gunzipSync, gzipSync } from "node:zlib";
import { build, transform } from "esbuild";

const DIST = new URL("dist/", import.meta.url);
const OPTIONS = { bundle: true, minify: true, write: false, target: "es2022", charset: "utf8", legalComments: "none" };
// The libraries in a bundle, whose licences ask for their authors' names.
const NOTICES = {
  "page/draw/chart/pie.js": "/* With d3-shape and d3-path: Copyright 2010-2024 Mike Bostock, ISC license */",
  "page/draw/chart/index.js": "/* With d3-scale, d3-shape, d3-time and what they need: Copyright 2010-2024 Mike Bostock, ISC license */",
  "page/draw/markdown.js": "/* With marked: Copyright 2018-2026 MarkedJS, 2011-2018 Christopher Jeffrey, MIT license */",
};
const NUMBERS = Object.fromEntries(["d3-interpolate", "d3-format"].map((name) => [name, "./page/draw/chart/numbers.js"]));
const COMPRESSIONS = {
  br: {
    compress: (body) => brotliCompressSync(body, { params: {
      [constants.BROTLI_PARAM_QUALITY]: 11,
      [constants.BROTLI_PARAM_SIZE_HINT]: body.length,
    } }),
    decompress: brotliDecompressSync,
  },
  gz: { compress: (body) => gzipSync(body, { level: 9 }), decompress: gunzipSync },
};

const source = (path) => readFile(new URL(path, import.meta.url), "utf8");

async function bundle(options) {
  const { outputFiles } = await build({ ...OPTIONS, absWorkingDir: import.meta.dirname, ...options });
  return outputFiles[0].text;
}

const script = (path) => bundle({ entryPoints: [path], format: "iife" });

// The HTML sources hold one element or more on each line, and no text that spans lines.
const joinLines = (html) => html.split("\n").map((line) => line.trim()).join("");

function fill(template, values) {
  return template.replace(/\{\{([\w.]+)\}\}/g, (_, name) => {
    if (!Object.hasOwn(values, name)) throw new Error(`unknown placeholder ${name}`);
    return values[name];
  });
}

// The path changes with the content, so that browsers may cache the file forever. `src/assets.rs` reads it in `names.json`.
function pathOf(name, body) {
  const [stem, extension] = name.split(".");
  return `/embed/assets/${stem}.${createHash("sha256").update(body).digest("hex").slice(0, 16)}.${extension}`;
}

const style = async (path) => (await transform(await source(path), { loader: "css", minify: true, charset: "utf8" })).code;

// Modules that the page loads when it needs them. They import what they share under the name that `draw.js` is served by.
async function drawFiles() {
  const module = (path, plugins = []) => bundle({ entryPoints: [path], format: "esm", plugins, alias: NUMBERS, banner: { js: NOTICES[path] ?? "" } });
  const draw = await module("page/draw/index.js");
  const from = (filter, name, body) => ({ name, setup({ onResolve }) {
    onResolve({ filter }, () => ({ path: `.${pathOf(name, body).slice("/embed/assets".length)}`, external: true }));
  } });
  const shared = from(/^\.\.?\/(draw\/)?(tools|dom|modules|index)\.js$/, "draw.js", draw);
  const chart = await module("page/draw/chart/index.js", [shared]);
  const others = { "board.js": "dashboard.js", "figures.js": "draw/scalar.js", "markdown.js": "draw/markdown.js", "menu.js": "menu.js", "fields.js": "fields.js", "pie.js": "draw/chart/pie.js", "rows.js": "draw/chart/rows.js", "table.js": "draw/table.js" };
  const files = { "draw.css": await style("page/draw/draw.css"), "board.css": await style("page/draw/board.css"), "draw.js": draw, "chart.js": chart };
  for (const [name, path] of Object.entries(others)) files[name] = await module(`page/${path}`, [shared, from(/^\.\/shared\.js$/, "chart.js", chart)]);
  return files;
}

async function languageFiles() {
  const files = {};
  for (const name of await readdir(new URL("page/languages", import.meta.url))) files[name] = await bundle({ entryPoints: [`page/languages/${name}`], format: "esm" });
  return files;
}

// The hooks of dives: the page sends this script to the frame of content that can use them.
async function hooksFile() {
  const script = await bundle({ entryPoints: ["../sdk/hooks.mjs"], format: "iife", globalName: "vitrineHooks" });
  return `export default ${JSON.stringify(script)};\n`;
}

// The page of React dives, and what they import. `react.js` has everything that needs the one React; its names are those that React exports.
async function diveFiles() {
  const notice = { js: "/* With react, react-dom and scheduler: Copyright Meta Platforms, Inc. and affiliates, MIT license */" };
  const production = { format: "esm", define: { "process.env.NODE_ENV": '"production"' } };
  process.env.NODE_ENV = "production"; // React's names for tests are not there
  const names = Object.keys(createRequire(import.meta.url)("react")).filter((name) => !name.startsWith("__"));
  const contents = `${await source("page/react.js")}\nexport const { ${names} } = React;\n`;
  const react = await bundle({ ...production, stdin: { contents, resolveDir: new URL("page", import.meta.url).pathname }, banner: notice });
  const path = `.${pathOf("react.js", react).slice("/embed/assets".length)}`;
  // Older libraries `require` React, which a module that is already there can only answer as an object.
  const shared = { name: "react", setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(react|react-dom|react\/jsx-runtime)$/ }, ({ kind }) => (kind === "require-call" ? { path: "react", namespace: "required" } : { path, external: true }));
    onLoad({ filter: /./, namespace: "required" }, () => ({ contents: `export * from "react";`, resolveDir: import.meta.dirname }));
  } };
  const others = "clsx (Luke Edwards), decimal.js-light (Michael Mclaughlin), es-toolkit (Viva Republica), eventemitter3 (Arnout Kazemier), immer (Michel Weststrate), react-redux, redux, reselect, redux-thunk (Dan Abramov and others), tiny-invariant (Alexander Reardon), use-sync-external-store (Meta), victory-vendor (Formidable)";
  const charts = { js: `/* With recharts: Copyright 2015-present recharts group, ${others}: MIT license; d3: Copyright 2010-2024 Mike Bostock, ISC license; d3-ease: Copyright 2010-2021 Mike Bostock, 2001 Robert Penner, BSD-3-Clause license */` };
  const recharts = await bundle({ ...production, stdin: { contents: 'export * from "recharts";', resolveDir: import.meta.dirname }, plugins: [shared], banner: charts });
  return { "dive.js": await bundle({ entryPoints: ["page/dive.js"], format: "esm" }), "react.js": react, "recharts.js": recharts };
}

// The names by which the page asks for files.
const NAMES = { "draw.css": "style", "board.css": "boards", "chart.js": "charts" };

async function pageFiles() {
  const files = {
    "embed.css": await style("page/embed.css"),
    "embed.js": await script("page/embed.js"),
    "frame.html": fill(joinLines(await source("page/frame.html")), { "frame.js": (await script("page/frame.js")).trim() }),
  };
  const modules = { ...(await drawFiles()), ...(await languageFiles()), "hooks.js": await hooksFile(), ...(await diveFiles()) };
  const paths = Object.fromEntries(Object.entries({ ...files, ...modules }).map(([name, body]) => [name, pathOf(name, body)]));
  const loaded = ["frame.html", ...Object.keys(modules)];
  const named = Object.fromEntries(loaded.map((name) => [NAMES[name] ?? name.split(".")[0], paths[name]]));
  const html = await source("page/embed.html");
  const page = (html) => fill(joinLines(html), { ...paths, files: JSON.stringify(named) });
  // The page of a question is likely to draw, and brings no frame for HTML.
  const names = Object.fromEntries(Object.entries(paths).map(([name, path]) => [name, path.slice("/embed/assets/".length)]));
  return { ...files, ...modules, "names.json": JSON.stringify(names), "embed.html": page(html), "question.html": page(html.replace(/^<iframe .*\n/m, "")) };
}

// Files for other people's pages, under names that stay.
async function hostFiles() {
  const plain = 'import { mount } from "./vitrine.mjs"; globalThis.vitrine = { mount };';
  return {
    "vitrine.mjs": await bundle({ entryPoints: ["../sdk/vitrine.mjs"], format: "esm" }),
    "vitrine.js": await bundle({ stdin: { contents: plain, resolveDir: new URL("../sdk", import.meta.url).pathname }, format: "iife" }),
    "vitrine.d.ts": await source("../sdk/vitrine.d.ts"),
    "iframeResizer.js": await source("vendor/iframeResizer.min.js"),
  };
}

// Other versions of node may compress to other bytes of about the same length. A file that is already there stays if it
// is as good, so that a rebuild with another node changes nothing.
async function compressedForm(name, body, { compress, decompress }) {
  const fresh = compress(body);
  try {
    const present = await readFile(new URL(name, DIST));
    const { buffer, engine } = decompress(present, { info: true });
    const isWhole = buffer.equals(body) && engine.bytesWritten === present.length;
    if (isWhole && present.length <= fresh.length * 1.01) return present;
  } catch {
    // Missing or damaged.
  }
  return fresh;
}

const written = new Map();
for (const [name, text] of Object.entries({ ...(await pageFiles()), ...(await hostFiles()) })) {
  const body = Buffer.from(text);
  written.set(name, body);
  for (const [extension, compression] of Object.entries(name === "names.json" ? {} : COMPRESSIONS)) {
    const compressed = `${name}.${extension}`;
    written.set(compressed, await compressedForm(compressed, body, compression));
  }
}

await mkdir(DIST, { recursive: true });
for (const name of await readdir(DIST)) if (!written.has(name)) await rm(new URL(name, DIST));
for (const [name, body] of written) await writeFile(new URL(name, DIST), body);
