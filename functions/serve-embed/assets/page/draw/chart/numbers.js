// Stands in for d3-interpolate and d3-format when the charts are bundled: the scales only go from number to number, and
// numbers are written by `Intl`. The whole of both would be a third of the file.

export const interpolateNumber = (from, to) => (from = +from, to = +to, (share) => from * (1 - share) + to * share);
export const interpolateRound = (from, to) => (from = +from, to = +to, (share) => Math.round(from * (1 - share) + to * share));
export { interpolateNumber as interpolate, unused as piecewise };

function unused() {
  throw new Error("not in this file");
}
export { unused as format, unused as formatPrefix, unused as formatSpecifier, unused as precisionFixed, unused as precisionPrefix, unused as precisionRound };
