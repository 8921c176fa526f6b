// The parts of all charts. Places are given as if the text ran from left to right; `Canvas` mirrors them
// where it runs from right to left.

import { symbol, symbolCircle, symbolCross, symbolDiamond, symbolSquare, symbolTriangle, symbolWye } from "d3-shape";
import { svg } from "../tools.js";
import { FONT } from "./scales.js";

const SYMBOLS = [symbolCircle, symbolSquare, symbolTriangle, symbolDiamond, symbolCross, symbolWye];
const COLORS = 10;

export const symbolPath = (index, size = 36) => symbol(SYMBOLS[index % SYMBOLS.length], size)();

// The class or the attribute that gives a series its colour.
export const colored = ({ color, index }, name = "") => (color ? { class: name, color } : { class: `${name} vz-s${index % COLORS}`.trim() });

// Beyond the colours that there are, and for those who do not see them.
export const dashOf = ({ index, setting }) => ({ dashed: "6 4", dotted: "2 3", solid: null })[setting("line.style")] ?? (index >= COLORS ? "6 4" : index % COLORS >= 6 ? "8 3" : null);

export class Canvas {
  constructor({ width, height, isMirrored }) {
    Object.assign(this, { width, height, isMirrored });
  }

  x(at) {
    return this.isMirrored ? this.width - at : at;
  }

  anchor(name) {
    return this.isMirrored ? { start: "end", end: "start" }[name] ?? name : name;
  }

  line(className, x1, y1, x2, y2) {
    return svg("line", { class: className, x1: round(this.x(x1)), y1: round(y1), x2: round(this.x(x2)), y2: round(y2) });
  }

  rect(attributes, left, top, width, height) {
    const x = this.isMirrored ? this.width - left - width : left;
    return svg("rect", { ...attributes, x: round(x), y: round(top), width: round(Math.max(0, width)), height: round(Math.max(0, height)) });
  }

  text(className, text, x, y, anchor = "middle", full) {
    const node = svg("text", { class: className, x: round(this.x(x)), y: round(y), "text-anchor": this.anchor(anchor) }, text);
    if (full !== undefined && full !== text) node.append(svg("title", null, full));
    return node;
  }

  slanted(className, text, x, y, full) {
    const node = this.text(className, text, x, y, "end", full);
    node.setAttribute("transform", `rotate(${this.isMirrored ? 40 : -40} ${round(this.x(x))} ${round(y)})`);
    return node;
  }

  upright(text, x, y, isRight) {
    const node = this.text("vz-axis-title", text, x, y);
    node.setAttribute("transform", `rotate(${isRight === this.isMirrored ? -90 : 90} ${round(this.x(x))} ${round(y)})`);
    return node;
  }
}

export const round = (value) => Math.round(value * 100) / 100;

// Keeps the labels that do not lie over each other.
export function spread(labels) {
  const kept = [];
  for (const label of labels) {
    const box = [label.x - label.width / 2 - 2, label.x + label.width / 2 + 2, label.y - FONT, label.y + 2];
    if (!kept.some((other) => box[0] < other[1] && box[1] > other[0] && box[2] < other[3] && box[3] > other[2])) kept.push(Object.assign(box, { label }));
  }
  return kept.map(({ label }) => label);
}

// A share in percent. `digits` is for shares that stand one below the other.
export const shareText = (share, locale, digits) =>
  new Intl.NumberFormat(locale, { style: "percent", minimumFractionDigits: digits, maximumFractionDigits: digits ?? (share > 0 && share < 0.1 ? 1 : 0) }).format(share);
