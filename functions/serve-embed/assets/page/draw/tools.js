// The parts of this file that the others use, which are files of their own.

export { downloadButton } from "../actions.js";
export { contextOf, loader, prepare } from "../modules.js";
export { colorOf, isObject, link, make, own, safeUrl, svg, textOf } from "./dom.js";
export { dateFormat, tickFormat, toNumber, unitOf } from "./format.js";
export { speaker } from "./words.js";
