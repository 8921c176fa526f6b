// Pointing at points, and reading them with the keyboard.

import { svg } from "../tools.js";
import { colored, round, shareText, symbolPath } from "./marks.js";
import { shorten, widthOf } from "./scales.js";

const MOST_LINES = 12;
const LONGEST = 260;

// `node` takes the keyboard, `live` is read aloud. Returns `update(svg, drawing, size)` for each new drawing.
export function makeReader(node, live, { locale }) {
  let drawing = null, size, layer, svgNode;
  let at = null; // the group and the entry that are shown

  const valueText = ({ series, point, share }) => {
    const text = series.metric.format(series.mark === "slice" ? series.raw : series.raw[point]);
    return share === undefined ? text : `${text} (${shareText(share, locale, drawing?.digits)})`;
  };

  function show(group, entry, isSpoken) {
    const found = drawing?.groups[group];
    layer?.replaceChildren();
    at = found?.entries.length ? { group, entry: Math.max(0, Math.min(found.entries.length - 1, entry)) } : null;
    if (!at) return;
    const chosen = found.entries[at.entry];
    layer.append(...pointer(found), ...tooltip(found, chosen));
    const name = found.title === chosen.series.title ? "" : `${chosen.series.title}: `;
    if (isSpoken) live.textContent = `${found.title}, ${name}${valueText(chosen)}`;
  }

  function pointer({ at: place, entries }) {
    const [from, to] = drawing.band;
    if (drawing.along === "x") {
      const line = svg("line", { class: "vz-pointer", x1: round(place), x2: round(place), y1: from, y2: to });
      const dots = entries.filter(({ series }) => series.mark !== "bar").map(({ series, x, y }) =>
        svg("path", { ...colored(series, "vz-dot-on"), d: symbolPath(series.index, 60), transform: `translate(${round(x)} ${round(y)})` }));
      return [line, ...dots];
    }
    return entries.map(({ series, x, y }) => svg("circle", { ...colored(series, "vz-dot-on"), cx: round(x), cy: round(y), r: 4 }));
  }

  function tooltip({ title, entries }, chosen) {
    const isOne = drawing.along === "mark";
    const shown = isOne ? [chosen] : entries.slice(0, MOST_LINES);
    if (!shown.includes(chosen)) shown[shown.length - 1] = chosen;
    const rows = shown.map((entry) => ({ entry, name: shorten(isOne ? valueText(entry) : entry.series.title, 140), value: isOne ? "" : valueText(entry) }));
    const head = shorten(title, LONGEST - 20);
    const nameWidth = Math.max(...rows.map(({ name }) => widthOf(name))) + 16;
    const valueWidth = Math.max(...rows.map(({ value }) => widthOf(value)));
    const width = Math.max(widthOf(head, 13), nameWidth + (valueWidth ? valueWidth + 16 : 0)) + 20;
    const height = 30 + rows.length * 18;
    const away = 14;
    const left = Math.max(2, chosen.x + away + width < size.width ? chosen.x + away : Math.min(chosen.x - away - width, size.width - width - 2));
    const top = Math.max(2, Math.min(size.height - height - 2, chosen.y - height / 2));
    const lines = rows.flatMap(({ entry, name, value }, index) => {
      const y = 38 + index * 18;
      return [
        svg("rect", { ...colored(entry.series.isOther ? { ...entry.series, index: 8 } : entry.series, "vz-swatch"), x: 10, y: y - 9, width: 10, height: 10, rx: 2 }),
        svg("text", { class: entry === chosen && entries.length > 1 ? "vz-chosen" : null, x: 26, y }, name),
        value && svg("text", { class: entry === chosen && entries.length > 1 ? "vz-chosen" : null, x: width - 10, y, "text-anchor": "end" }, value),
      ];
    });
    return [svg("g", { class: "vz-tooltip", transform: `translate(${round(left)} ${round(top)})` },
      svg("rect", { class: "vz-tooltip-box", width: round(width), height, rx: 4 }), svg("text", { class: "vz-tooltip-title", x: 10, y: 19 }, head), ...lines)];
  }

  const nearest = (event) => {
    const box = svgNode.getBoundingClientRect();
    const [x, y] = [event.clientX - box.left, event.clientY - box.top];
    if (drawing.along === "mark") {
      const mark = event.target.closest?.(".vz-mark");
      return mark ? [+mark.dataset.point, 0] : null;
    }
    const along = drawing.along === "x" ? x : y;
    let best = -1;
    drawing.groups.forEach((group, index) => {
      if (group.entries.length && (best < 0 || Math.abs(group.at - along) < Math.abs(drawing.groups[best].at - along))) best = index;
    });
    if (best < 0) return null;
    const { entries } = drawing.groups[best];
    const distance = (entry) => Math.hypot(entry.x - x, entry.y - y);
    return [best, entries.reduce((near, entry, index) => (distance(entry) < distance(entries[near]) ? index : near), 0)];
  };

  const point = (event) => {
    if (!drawing) return;
    const found = nearest(event);
    if (found) show(...found, false);
    else hide();
  };
  const hide = () => { layer?.replaceChildren(); at = null; };

  // Moves to the next group that has something to read.
  const move = (from, step) => {
    for (let index = from; index >= 0 && index < drawing.groups.length; index += step) if (drawing.groups[index].entries.length) return index;
    return null;
  };

  node.addEventListener("pointermove", point);
  node.addEventListener("pointerdown", point);
  node.addEventListener("pointerleave", hide);
  node.addEventListener("blur", hide);
  node.addEventListener("keydown", (event) => {
    if (!drawing || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.key === "Escape") {
      hide();
      live.textContent = "";
      return;
    }
    const isRows = drawing.along === "y";
    const forward = isRows ? "ArrowDown" : size.isMirrored ? "ArrowLeft" : "ArrowRight";
    const back = isRows ? "ArrowUp" : size.isMirrored ? "ArrowRight" : "ArrowLeft";
    const [next, previous] = isRows ? [size.isMirrored ? "ArrowLeft" : "ArrowRight", size.isMirrored ? "ArrowRight" : "ArrowLeft"] : ["ArrowDown", "ArrowUp"];
    const last = drawing.groups.length - 1;
    const entry = at?.entry ?? 0;
    let target;
    if (event.key === forward) target = [move(at ? at.group + 1 : 0, 1), entry];
    else if (event.key === back) target = [move(at ? at.group - 1 : last, -1), entry];
    else if (event.key === "Home") target = [move(0, 1), entry];
    else if (event.key === "End") target = [move(last, -1), entry];
    else if (event.key === next || event.key === previous) target = at ? [at.group, entry + (event.key === next ? 1 : -1)] : [move(0, 1), 0];
    else return;
    event.preventDefault();
    if (target[0] !== null) show(...target, true);
  });

  return (fresh, newDrawing, newSize) => {
    [svgNode, drawing, size] = [fresh, newDrawing, newSize];
    layer = svg("g", { class: "vz-layer", "aria-hidden": "true" });
    svgNode.append(layer);
    const shown = at;
    if (shown && document.activeElement === node) show(shown.group, shown.entry, false);
    else at = null;
  };
}
