// The parts of the file of the charts that those of the pies and of the rows use.

export { Canvas, colored, shareText, spread } from "./marks.js";
export { goalOf } from "./model.js";
export { stackUp } from "./points.js";
export { FONT, shorten, tickWriter, ticksOf, valueScale, widthOf } from "./scales.js";
