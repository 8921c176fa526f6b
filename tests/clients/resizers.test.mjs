// Scripts of host pages that fit the frame to its content, in Chromium.

import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { after } from "node:test";
import { Client, Host, fileOf, launch, require, start, until, versionOf } from "./harness.mjs";

const host = await Host.start();
const [product, browser] = await Promise.all([start(`AllowedOrigins=${host.origin}`), launch()]);
after(() => Promise.all([host.stop(), browser.close()]));
const page = "from-metabase";
const src = `${product.base}/embed/dashboard/${product.sign({ resource: { dashboard: 1 } })}`;
const frame = `<iframe id="embed" title="Embed" src="${src}" width="800" height="300" style="min-width: 100%"></iframe>`;
const inline = (script) => `<script>${script.replaceAll("</script", "<\\/script")}</script>`;
const scriptOf = (path) => inline(readFileSync(fileOf(path), "utf8"));

// Opens a host page, and waits until its frame is as high as the content, which is 824 pixels and a heading.
async function fits(body) {
  host.pages["/"] = `<!doctype html><title>Host</title>${body}`;
  const opened = await browser.newPage();
  try {
    await opened.goto(host.origin);
    const heading = opened.frameLocator("#embed").frameLocator("iframe").getByText("Sales of Acme");
    await until(() => heading.isVisible());
    const height = () => opened.locator("#embed").evaluate((element) => element.clientHeight);
    await until(async () => await height() > 824, height, 3000);
    assert.ok(await height() < 1100, "the frame is not much higher than its content");
  } finally {
    await opened.close();
  }
}

const resizer = new Client("iframe-resizer", { page, registry: "npm", version: `${versionOf("iframe-resizer-3")}, ${versionOf("iframe-resizer")}` });
const RESIZE = inline("iFrameResize({}, '#embed')");
resizer.works("fits the frame to its content", async () => {
  for (const name of ["iframe-resizer-3", "iframe-resizer"]) await fits(frame + scriptOf(`${name}/js/iframeResizer.min.js`) + RESIZE);
});
resizer.works("`checkOrigin: false`, `heightCalculationMethod`", () => {
  const options = inline("iFrameResize({ checkOrigin: false, heightCalculationMethod: 'lowestElement' }, '#embed')");
  return fits(frame + scriptOf("iframe-resizer/js/iframeResizer.min.js") + options);
});
resizer.works("Vitrine's copy, `/app/iframeResizer.js`", () => {
  const onload = frame.replace("<iframe", '<iframe onload="iFrameResize({}, this)"');
  return fits(`<script src="${product.base}/app/iframeResizer.js"></script>${onload}`);
});
resizer.refuses("no script", () => fits(frame), /timed out/);

const parent = new Client("@iframe-resizer/parent", { page, registry: "npm", version: versionOf("@iframe-resizer/parent") });
parent.works("fits the frame to its content", () =>
  fits(frame + scriptOf("@iframe-resizer/parent/index.umd.js") + inline("iframeResize({ license: 'GPLv3' }, '#embed')")));
parent.refuses("the script is not started", () => fits(frame + scriptOf("@iframe-resizer/parent/index.umd.js")), /timed out/);

const react = new Client("iframe-resizer-react", { page, registry: "npm", version: versionOf("iframe-resizer-react") });
async function reactPage(component, from) {
  const contents = `import ${component} from "${from}"; import { createElement } from "react"; import { createRoot } from "react-dom/client";
    const props = { id: "embed", title: "Embed", src: "${src}", style: { width: 800, minWidth: "100%", height: 300 } };
    createRoot(document.getElementById("root")).render(createElement(${component === "{}" ? '"iframe"' : component}, props));`;
  const { outputFiles } = await require("esbuild").build({
    stdin: { contents, resolveDir: fileOf("..") }, bundle: true, write: false, minify: true, logLevel: "error",
    define: { "process.env.NODE_ENV": '"production"' },
  });
  return `<div id="root"></div>${inline(outputFiles[0].text)}`;
}
react.works("fits the frame to its content", async () => fits(await reactPage("IframeResizer", "iframe-resizer-react")));
react.refuses("a plain frame of React", async () => fits(await reactPage("{}", "iframe-resizer-react")), /timed out/);
