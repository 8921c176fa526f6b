// The parts of this file that the charts use, which are a file of their own.

export { colorOf, isObject, link, make, own, svg, textOf } from "./dom.js";
export { tickFormat, toNumber, unitOf } from "./format.js";
