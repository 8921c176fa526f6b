// Dark themes: text without a colour of its own is readable, and colours that the content sets stay.

import assert from "node:assert/strict";
import { inflateSync } from "node:zlib";
import { after, before, test } from "node:test";
import { Host, Product, framing, launch, until, waitForMessage } from "./harness.mjs";

const PLAIN = '<h1 id="heading">Plain</h1><p id="text">text</p><ul><li>item</li></ul><table><tr><td>cell</td></tr></table>';

const CONTENTS = {
  plain: PLAIN,
  "with a doctype": `<!doctype html><html lang="en"><head><title>x</title></head><body>${PLAIN}</body></html>`,
  "in a font of its own": `<style>body { font: 16px sans-serif; margin: 0 }</style>${PLAIN}`,
  "on a white page of its own": `<style>body { background: #fff }</style>${PLAIN}`,
  "in white cards": `<style>.card { background: white; padding: 1rem }</style><p>above</p><div class="card">${PLAIN}</div>`,
  "on a light gradient": `<style>.card { background: linear-gradient(#fff, #eee) }</style><div class="card">${PLAIN}</div>`,
  "on a dark card": `<style>.card { background: #222 }</style><div class="card">${PLAIN}</div>`,
};

// Content with colours of its own, which stay what they are.
const COLOURED = {
  "dark on light": `<style>body { background: #fff; color: #222 }</style>${PLAIN}`,
  "light without a background": `<style>body { color: #eee }</style>${PLAIN}`,
  "light on a dark gradient": `<style>body { background: linear-gradient(#000, #222); color: #fff }</style>${PLAIN}`,
  "white on a dark card": `<style>.card { background: #123; color: #fff } h1 { color: #fff }</style><div class="card">${PLAIN}</div>`,
  "in a scheme of its own": `<style>:root { color-scheme: light }</style>${PLAIN}`,
  "with a meta element of its own": `<!doctype html><head><meta name="color-scheme" content="light"></head>${PLAIN}`,
};

let product, host, browser, numbers;

before(async () => {
  [product, host, browser] = await Promise.all([Product.start("AllowedOrigins=*"), Host.start(), launch()]);
  numbers = {};
  let number = 0;
  for (const [name, html] of Object.entries({ ...CONTENTS, ...COLOURED })) {
    numbers[name] = await product.publish(`dashboard/${++number}`, { title: name, content: { type: "html", html } });
  }
});

after(() => Promise.all([product, host, browser].map((one) => one?.stop?.() ?? one?.close?.())));

const signed = (name, behind) => `${product.base}/embed/dashboard/${product.sign({ resource: { dashboard: numbers[name].id } })}${behind}`;

async function open(t, src, background = "#fff") {
  host.pages["/"] = `${framing(src)}<style>body { background: ${background} }</style>`;
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(host.origin);
  const inner = page.frameLocator("#embed").frameLocator("#content iframe");
  await inner.locator("#text").waitFor();
  await waitForMessage(page, "resize");
  await new Promise((go) => setTimeout(go, 400)); // the check of changes
  return { page, inner };
}

const numbersOf = (color) => color.match(/[\d.]+/g).map(Number).slice(0, 3);

function contrast(one, other) {
  const luminance = (color) => {
    const [red, green, blue] = color.map((part) => (part / 255 <= 0.04045 ? part / 255 / 12.92 : ((part / 255 + 0.055) / 1.055) ** 2.4));
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
  };
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a);
  return (high + 0.05) / (low + 0.05);
}

// The colour of a pixel of a screenshot. The picture is PNG, eight bits, with or without alpha.
function pixel(png, x, y) {
  const width = png.readUInt32BE(16);
  const size = { 2: 3, 6: 4 }[png[25]];
  const parts = [];
  for (let at = 8; at < png.length; at += 12 + png.readUInt32BE(at)) {
    if (png.toString("latin1", at + 4, at + 8) === "IDAT") parts.push(png.subarray(at + 8, at + 8 + png.readUInt32BE(at)));
  }
  const raw = inflateSync(Buffer.concat(parts));
  let above = Buffer.alloc(width * size), row;
  for (let line = 0; line <= y; line++) {
    const start = line * (width * size + 1);
    row = Buffer.from(raw.subarray(start + 1, start + 1 + width * size));
    for (let at = 0; at < row.length; at++) {
      const [left, up, corner] = [row[at - size] ?? 0, above[at], at < size ? 0 : above[at - size]];
      const guess = left + up - corner;
      const [a, b, c] = [left, up, corner].map((one) => Math.abs(guess - one));
      const paeth = a <= b && a <= c ? left : b <= c ? up : corner;
      row[at] += [0, left, up, (left + up) >> 1, paeth][raw[start]];
    }
    above = row;
  }
  return [...row.subarray(x * size, x * size + 3)];
}

// The computed colour of an element's text, and the colour that is painted at its left upper corner.
async function seen(page, element) {
  const box = await element.boundingBox();
  const picture = await page.screenshot({ clip: { x: box.x, y: box.y, width: 4, height: 4 } });
  return { color: numbersOf(await element.evaluate((node) => getComputedStyle(node).color)), behind: pixel(picture, 1, 1) };
}

const CASES = [
  ...Object.keys(CONTENTS).map((name) => [name, "#theme=night"]),
  ...["", "#theme=dark", "#theme=transparent", "#theme=dark&background=false"].map((behind) => ["plain", behind]),
];

for (const [name, address] of CASES) {
  test(`text is readable: ${name}, ${address || "without a theme"}`, async (t) => {
    // Without a background the text is in front of the host page, which is dark here.
    const { page, inner } = await open(t, signed(name, address), address.includes("background=false") ? "#111" : "#fff");
    for (const element of [inner.locator("#heading"), inner.locator("#text")]) {
      const { color, behind } = await seen(page, element);
      assert.ok(contrast(color, behind) >= 4.5, `${color} on ${behind}`);
    }
  });
}

test("without the theme's default colours the text would not be readable", async (t) => {
  const { page, inner } = await open(t, signed("plain", "#theme=night"));
  const { behind } = await seen(page, inner.locator("#text"));
  assert.deepEqual(behind, [0x14, 0x19, 0x1f], "the page's own background shows through");
  assert.ok(contrast([0, 0, 0], behind) < 4.5);
});

for (const name of Object.keys(COLOURED)) {
  test(`colours of the content's own stay: ${name}`, async (t) => {
    const colours = async (behind) => {
      const { page, inner } = await open(t, signed(name, behind));
      return [await seen(page, inner.locator("#heading")), await seen(page, inner.locator("#text"))].map(({ color }) => color);
    };
    assert.deepEqual(await colours("#theme=dark"), await colours(""));
  });
}

test("light text without a background keeps the page's", async (t) => {
  const { page, inner } = await open(t, signed("light without a background", "#theme=dark"));
  assert.deepEqual((await seen(page, inner.locator("#text"))).behind, [0x14, 0x19, 0x1f]);
});

test("a theme that the host changes reaches the text", async (t) => {
  const { page, inner } = await open(t, signed("plain", ""));
  const theme = async (value) => {
    await page.evaluate(([value, origin]) => document.getElementById("embed").contentWindow.postMessage({ source: "vitrine-host", type: "theme", value }, origin), [value, product.base]);
    const readable = async () => {
      const { color, behind } = await seen(page, inner.locator("#text"));
      return contrast(color, behind) >= 4.5 && (value === "dark") === (color[0] > 127);
    };
    await until(readable, () => seen(page, inner.locator("#text")));
  };
  for (const value of ["dark", "light", "dark"]) await theme(value);
});

test("a white card that arrives later is readable", async (t) => {
  const { page, inner } = await open(t, signed("plain", "#theme=dark"));
  await inner.locator("body").evaluate((body) => body.insertAdjacentHTML("beforeend", '<div style="background:#fff"><p id="late">late</p></div>'));
  const readable = async () => {
    const { color, behind } = await seen(page, inner.locator("#late"));
    return contrast(color, behind) >= 4.5;
  };
  await until(readable, () => seen(page, inner.locator("#late")));
});

test("text is readable in every dialect's dark theme", async (t) => {
  const { public_id } = numbers.plain;
  await product.call("POST", "/v1/users", { username: "viewer" });
  const dive = await product.call("POST", "/v1/dives", { title: "Dive", content: { type: "html", html: PLAIN }, enable_embedding: true });
  const { session } = await product.call("POST", `/v1/dives/${dive.id}/embed-session`, { username: "viewer" });
  await product.publish("question/1", { content: { type: "html", html: PLAIN } });
  for (const src of [
    `${product.base}/embed/question/${product.sign({ resource: { question: 1 } })}#theme=night`,
    `${product.base}/embed/dashboard/${public_id}?session=${await product.generate({})}&theme=dark`,
    `${product.base}/embed/d/1/dashboard/${public_id}?session=${await product.generate({})}&theme=dark`,
    `${product.base}/sandbox/#session=${session}&theme=dark`,
  ]) {
    const { page, inner } = await open(t, src);
    const { color, behind } = await seen(page, inner.locator("#text"));
    assert.ok(color[0] > 127 && contrast(color, behind) >= 4.5, `${color} on ${behind} at ${src.slice(0, 60)}`);
  }
});

test("a page of the owner's without colours is readable", async (t) => {
  const owner = await Host.start({ "/report": PLAIN });
  t.after(() => owner.stop());
  await product.publish("dashboard/100", { content: { type: "url", url: `${owner.origin}/report` } });
  host.pages["/"] = framing(`${product.base}/embed/dashboard/${product.sign({ resource: { dashboard: 100 } })}#theme=dark`);
  const page = await browser.newPage();
  t.after(() => page.close());
  await page.goto(host.origin);
  await waitForMessage(page, "ready");
  const text = page.frameLocator("#embed").frameLocator("#content iframe").locator("#text");
  await text.waitFor();
  const { color, behind } = await seen(page, text);
  assert.ok(contrast(color, behind) >= 4.5, `${color} on ${behind}`);
});
