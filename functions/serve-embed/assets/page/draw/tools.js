// What the charts, which are a file of their own, use of this one.

export { colorOf, isObject, link, make, own, svg, textOf } from "./dom.js";
export { tickFormat, toNumber, unitOf } from "./format.js";
