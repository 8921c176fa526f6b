// The picture of a chart as a file: with its title and its legend, and with the colours that it has on the page.

import { svg } from "./draw/tools.js";

const PROPERTIES = ["fill", "fill-opacity", "stroke", "stroke-width", "stroke-opacity", "stroke-dasharray", "stroke-linejoin", "stroke-linecap",
  "opacity", "font-family", "font-size", "font-weight", "text-anchor", "dominant-baseline", "paint-order", "visibility", "display"];
const COLORS = new Set(["fill", "stroke"]);
const EDGE = 16, TITLE = 16, LINE = 22, FONT = 13;
const LARGEST = 8000; // pixels of a side that every browser can draw

export async function pictureOf(chart, title, format) {
  const picture = assemble(chart, title);
  const text = new XMLSerializer().serializeToString(picture);
  return format === "svg" ? new Blob([text], { type: "image/svg+xml" }) : rasterize(text, +picture.getAttribute("width"), +picture.getAttribute("height"));
}

function assemble(chart, title) {
  const source = chart.querySelector(".vz-picture");
  const [width, height] = ["width", "height"].map((name) => +source.getAttribute(name));
  const style = getComputedStyle(chart);
  const text = { fill: plain(style.color), "font-family": style.fontFamily };
  const isMirrored = style.direction === "rtl";
  const measure = document.createElement("canvas").getContext("2d");
  const widthOf = (words, font) => {
    measure.font = font;
    return measure.measureText(words).width;
  };
  const place = (x, size) => (isMirrored ? width + 2 * EDGE - x - size : x);

  const parts = [];
  let y = EDGE;
  if (title) {
    const font = `650 ${TITLE}px ${style.fontFamily}`;
    const shown = shorten(title, (words) => widthOf(words, font) <= width);
    parts.push(svg("text", { ...text, "font-size": TITLE, "font-weight": 650, x: place(EDGE, 0), y: y + TITLE, "text-anchor": isMirrored ? "end" : "start" }, shown));
    y += TITLE + 14;
  }
  let x = EDGE;
  for (const button of chart.querySelectorAll('.vz-legend [aria-pressed="true"]')) {
    const name = shorten(button.textContent, (words) => widthOf(words, `${FONT}px ${style.fontFamily}`) <= width - 30);
    const size = 26 + widthOf(name, `${FONT}px ${style.fontFamily}`);
    if (x > EDGE && x + size > width + EDGE) [x, y] = [EDGE, y + LINE];
    const swatch = styled(button.querySelector("svg"));
    for (const [attribute, value] of Object.entries({ x: place(x, 18), y: y + 1, overflow: "visible" })) swatch.setAttribute(attribute, value);
    parts.push(swatch, svg("text", { ...text, "font-size": FONT, x: place(x + 24, 0), y: y + 12, "text-anchor": isMirrored ? "end" : "start" }, name));
    x += size + 14;
  }
  if (x > EDGE) y += LINE;
  const body = styled(source);
  for (const [attribute, value] of Object.entries({ x: EDGE, y })) body.setAttribute(attribute, value);
  for (const layer of body.querySelectorAll(".vz-layer")) layer.remove();
  for (const node of body.querySelectorAll("*")) for (const name of ["class", "data-point"]) node.removeAttribute(name);
  const [whole, high] = [width + 2 * EDGE, y + height + EDGE];
  const root = svg("svg", { width: whole, height: high, viewBox: `0 0 ${whole} ${high}`, role: "img", "aria-label": source.getAttribute("aria-label") },
    svg("rect", { width: whole, height: high, fill: paper(chart) }), ...parts, body);
  return root;
}

// A copy that needs no style sheet. Attributes are set and no styles, which the policy of the page would not let through.
function styled(source) {
  const copy = source.cloneNode(true);
  const [from, to] = [[source, ...source.querySelectorAll("*")], [copy, ...copy.querySelectorAll("*")]];
  from.forEach((node, index) => {
    const style = getComputedStyle(node);
    for (const name of PROPERTIES) {
      const value = style.getPropertyValue(name);
      if (value) to[index].setAttribute(name, COLORS.has(name) ? plain(value) : value);
    }
    to[index].removeAttribute("class");
  });
  return copy;
}

// Programs other than browsers do not know all notations of colours.
let brush;
function plain(color) {
  if (color === "none" || color.startsWith("url")) return color;
  brush ??= document.createElement("canvas").getContext("2d");
  brush.fillStyle = color;
  return brush.fillStyle;
}

function paper(chart) {
  for (let node = chart; node; node = node.parentElement) {
    const color = getComputedStyle(node).backgroundColor;
    if (color && !/^(transparent|rgba\(0, 0, 0, 0\))$/.test(color)) return plain(color);
  }
  return plain(getComputedStyle(chart).getPropertyValue("--vz-paper").trim() || "#fff");
}

function shorten(text, fits) {
  if (fits(text)) return text;
  const letters = [...text];
  while (letters.length && !fits(`${letters.join("")}…`)) letters.pop();
  return `${letters.join("")}…`;
}

async function rasterize(text, width, height) {
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(text)}`;
  await image.decode();
  const scale = Math.min(Math.max(2, devicePixelRatio), LARGEST / Math.max(width, height));
  const canvas = Object.assign(document.createElement("canvas"), { width: Math.round(width * scale), height: Math.round(height * scale) });
  canvas.getContext("2d").drawImage(image, 0, 0, canvas.width, canvas.height);
  return new Promise((done, fail) => canvas.toBlob((blob) => (blob ? done(blob) : fail(new Error("the picture is too large"))), "image/png"));
}
