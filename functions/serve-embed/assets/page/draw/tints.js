// Colours of cells by their values, as `table.column_formatting` says: the first rule of a column that applies, then the first of a row.

import { colorOf, isObject, own, textOf, toNumber } from "./tools.js";

const PARTS = { range: 75, single: 65, row: 20 }; // percent of the colour, over the paper

const STEPS = 32; // of a range between two colours

// Black or white, whichever can be read. Without it, the text stays as it is.
const STYLE = `.vz-grid tbody td.vz-tinted, .vz-grid tbody tr:hover td.vz-tinted { background: var(--vz-tint) }
@supports (color: lab(from red l a b)) { .vz-grid td.vz-tinted, .vz-grid td.vz-tinted a { color: lab(from var(--vz-tint) calc((49.4 - l) * infinity) 0 0) } }`;

// A class for each colour that occurs, in a sheet that pages without such tables do not load: nodes have no inline style.
const classes = new Map();
let sheet;

function classOf(color) {
  if (!sheet) {
    sheet = new CSSStyleSheet();
    sheet.replaceSync(STYLE);
    document.adoptedStyleSheets.push(sheet);
  }
  if (!classes.has(color)) {
    classes.set(color, `vz-tint-${classes.size}`);
    sheet.insertRule(`.${classes.get(color)} { --vz-tint: ${color} }`, sheet.cssRules.length);
  }
  return classes.get(color);
}

const fold = (value) => textOf(value).toLowerCase();
const numbers = (test) => (value, limit) => {
  const [one, other] = [toNumber(value), toNumber(limit)];
  return one !== null && other !== null && test(one, other);
};
const isSame = (value, other) => {
  const [one, two] = [toNumber(value), toNumber(other)];
  return one !== null && two !== null ? one === two : textOf(value) === textOf(other);
};
const texts = (test) => (value, other) => value !== null && test(fold(value), fold(other));
const TESTS = {
  "=": (value, other) => value !== null && isSame(value, other), "!=": (value, other) => value !== null && !isSame(value, other),
  "<": numbers((one, other) => one < other), ">": numbers((one, other) => one > other),
  "<=": numbers((one, other) => one <= other), ">=": numbers((one, other) => one >= other),
  "is-null": (value) => value === null, "not-null": (value) => value !== null,
  "is-true": (value) => value === true, "is-false": (value) => value === false,
  contains: texts((one, other) => one.includes(other)), "does-not-contain": texts((one, other) => !one.includes(other)),
  "starts-with": texts((one, other) => one.startsWith(other)), "ends-with": texts((one, other) => one.endsWith(other)),
};

// Returns a function that colours a cell: `tint(node, row)`. Null if no rule is about the column.
export function tinter(data, settings) {
  const listed = own(settings, "table.column_formatting");
  const rules = (Array.isArray(listed) ? listed : []).filter(isObject).flatMap((rule) => readRule(rule, data) ?? []);
  const ofRows = rules.filter(({ isRow }) => isRow);
  return (column) => {
    const ofColumn = rules.filter(({ columns }) => columns.includes(column));
    if (!ofColumn.length && !ofRows.length) return null;
    return (node, row) => {
      const [color, part] = first(ofColumn, (rule) => rule.color(column, row), (rule) => rule.part)
        ?? first(ofRows, (rule) => rule.columns.map((one) => rule.color(one, row)).find(Boolean), () => PARTS.row) ?? [];
      if (!color) return;
      node.classList.add("vz-tinted", classOf(`color-mix(in srgb, ${color} ${part}%, var(--vz-paper))`));
    };
  };
}

function first(rules, colorIn, partOf) {
  for (const rule of rules) {
    const color = colorIn(rule);
    if (color) return [color, partOf(rule)];
  }
  return null;
}

function readRule(rule, data) {
  const named = own(rule, "columns");
  const columns = (Array.isArray(named) ? named : []).map((name) => data.column(textOf(name))).filter(Boolean);
  if (own(rule, "type") === "range") return readRange(rule, columns.filter(({ isNumeric }) => isNumeric), data);
  const [color, test, value] = [colorOf(own(rule, "color")), own(TESTS, own(rule, "operator")), own(rule, "value")];
  if (!color || !test) return null;
  return { columns, part: PARTS.single, isRow: own(rule, "highlight_row") === true, color: (column, row) => (test(column.of(row), value) ? color : null) };
}

function readRange(rule, columns, data) {
  const listed = own(rule, "colors");
  const colors = (Array.isArray(listed) ? listed : []).map(colorOf);
  if (colors.length < 2 || colors.includes(undefined)) return null;
  const extents = new Map(columns.map((column) => [column, extentOf(data.rows.map((row) => column.number(column.of(row))))]));
  const all = extentOf([...extents.values()].flat());
  const bound = (column, name, index) => {
    const type = own(rule, `${name}_type`);
    return type === "custom" ? toNumber(own(rule, `${name}_value`)) : (type === "all" ? all : extents.get(column))[index];
  };
  const color = (column, row) => {
    const value = column.number(column.of(row));
    const [low, high] = [bound(column, "min", 0), bound(column, "max", 1)];
    if (value === null || low === null || high === null || !(low < high)) return null;
    const place = Math.min(1, Math.max(0, (value - low) / (high - low))) * (colors.length - 1);
    const at = Math.min(colors.length - 2, Math.floor(place));
    return `color-mix(in srgb, ${colors[at + 1]} ${(Math.round((place - at) * STEPS) / STEPS) * 100}%, ${colors[at]})`;
  };
  return { columns, part: PARTS.range, isRow: false, color };
}

function extentOf(values) {
  const known = values.filter((value) => value !== null);
  return known.length ? known.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [Infinity, -Infinity]) : [null, null];
}
