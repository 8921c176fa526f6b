// The controls that only some embeds need. This is a file of its own.

export { pickControl } from "./picker.js";
export { betweenControl, rangeControl } from "./ranges.js";
