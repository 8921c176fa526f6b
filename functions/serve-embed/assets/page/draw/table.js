// A table of an answer: sortable, with a header that stays.

import { isObject, link, make, own, safeUrl, textOf } from "./tools.js";
import { tinter } from "./tints.js";

const FIRST_ROWS = 150; // enough for any screen; the rest follows after the first paint
const NEXT_ROWS = 400;

export function drawTable(data, settings, context) {
  const { say } = context;
  const columns = shownColumns(data, settings);
  if (!columns.length) return make("p", { class: "vz-none" }, say("none"));
  const body = make("tbody");
  const headers = columns.map((column) => headerOf(column));
  const table = make("table", { class: "vz-grid" }, make("thead", null, make("tr", null, ...headers)), body);
  const tints = tinter(data, settings);
  const cells = columns.map((column) => cellWriter(column, data, context, tints(column)));
  let painting = 0;

  function paint(rows) {
    const own = painting += 1;
    const add = (from, count) => {
      if (own !== painting) return;
      body.append(...rows.slice(from, from + count).map((row) => make("tr", null, ...cells.map((cell) => cell(row)))));
      const next = from + count;
      if (next < rows.length) setTimeout(add, 0, next, NEXT_ROWS);
    };
    body.replaceChildren();
    add(0, FIRST_ROWS);
  }

  let order = null; // the sorted column and its direction
  headers.forEach((header, index) => {
    header.firstChild.addEventListener("click", () => {
      const column = columns[index];
      const first = column.isNumeric || column.isTime ? "descending" : "ascending";
      const second = first === "ascending" ? "descending" : "ascending";
      const direction = order?.column !== column ? first : order.direction === first ? second : null;
      order = direction && { column, direction };
      for (const other of headers) other.removeAttribute("aria-sort");
      if (order) header.setAttribute("aria-sort", direction);
      paint(order ? sorted(data.rows, order, context.locale) : data.rows);
    });
  });
  paint(data.rows);
  const scroller = make("div", { class: "vz-scroll", tabindex: 0, role: "region", "aria-label": context.title || say("table") }, table);
  return [scroller, data.rows.length ? null : make("p", { class: "vz-none" }, say("none"))];
}

// `table.columns` gives the order, and says which are shown. Columns that it does not name follow, as new ones do.
function shownColumns({ columns, column }, settings) {
  const listed = own(settings, "table.columns");
  if (!Array.isArray(listed)) return columns;
  const first = [];
  const hidden = new Set();
  for (const item of listed.filter(isObject)) {
    const found = column(textOf(own(item, "name")));
    if (!found) continue;
    if (own(item, "enabled") === false) hidden.add(found);
    else if (!first.includes(found)) first.push(found);
  }
  const shown = [...first, ...columns.filter((column) => !first.includes(column) && !hidden.has(column))];
  return shown.length ? shown : columns;
}

function headerOf(column) {
  const button = make("button", { type: "button" }, make("span", null, column.title), make("i", { class: "vz-sort", "aria-hidden": "true" }));
  return make("th", { scope: "col", class: column.isNumeric && "vz-number" }, button);
}

// Fills values of the row into a text such as `/customers/{{id}}`. What is at its start may be a whole address.
function fillRow(template, row, data, isUrl) {
  return textOf(template).replace(/\{\{\s*([^{}]{1,200}?)\s*\}\}/g, (_, name, at) => {
    const value = textOf(data.column(name)?.of(row));
    return isUrl && at > 0 ? encodeURIComponent(value) : value;
  });
}

function cellWriter(column, data, context, tint) {
  const viewAs = column.setting("view_as");
  const [linkUrl, linkText] = [column.setting("link_url"), column.setting("link_text")];
  const urlOf = (value, row) => {
    const url = viewAs === "link" && linkUrl && value !== null ? fillRow(linkUrl, row, data, true) : value;
    return (viewAs === "link" || viewAs === "auto") && typeof url === "string" && safeUrl(url) ? url : null;
  };
  const isMail = (value) => viewAs === "email_link" && /^[^\s@:/?]+@[^\s@:/?]+$/.test(value ?? "");
  return (row) => {
    const value = column.of(row);
    const text = column.format(value);
    const url = urlOf(value, row);
    const label = url && viewAs === "link" && linkText ? fillRow(linkText, row, data, false) : text;
    const content = url ? link(url, [label], context) : isMail(value) ? link(`mailto:${value}`, [text], context) : text;
    // Cut texts can still be read.
    const cell = make("td", { class: column.isNumeric && "vz-number", title: text.length > 40 && text.slice(0, 1000) }, content);
    tint?.(cell, row);
    return cell;
  };
}

function collator(locale) {
  try { return new Intl.Collator(locale, { numeric: true }); } catch { return new Intl.Collator("en", { numeric: true }); }
}

// Empty cells come last in both directions, and equal ones keep their order.
function sorted(rows, { column, direction }, locale) {
  const texts = collator(locale);
  const key = column.isNumeric ? column.number : column.isTime ? column.time : (value) => (value === null ? null : column.format(value));
  const keyed = rows.map((row) => [key(column.of(row)), row, column.of(row)]);
  const sign = direction === "ascending" ? 1 : -1;
  keyed.sort(([one, , rawOne], [other, , rawOther]) => {
    if (one === null || other === null) return (one === null) - (other === null);
    if (typeof one === "string") return sign * texts.compare(one, other);
    return sign * (one - other || exactly(rawOne, rawOther));
  });
  return keyed.map(([, row]) => row);
}

// Whole numbers beyond the range of exact ones arrive as text.
function exactly(one, other) {
  if (typeof one !== "string" || typeof other !== "string" || !/^-?\d+$/.test(one) || !/^-?\d+$/.test(other)) return 0;
  const [a, b] = [BigInt(one), BigInt(other)];
  return a < b ? -1 : a > b ? 1 : 0;
}
