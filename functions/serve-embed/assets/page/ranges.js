// The controls of ranges: of dates, relative to today or from one day to another, and of numbers.

import { make } from "./element.js";
import { fill } from "./text.js";

const UNITS = ["week", "month", "quarter", "year"];
const BETWEEN = /^(\d{4}-\d\d-\d\d)?(?:~(\d{4}-\d\d-\d\d)?)?$/;

// The relative ranges that are offered, in the grammar of the server, with their names.
function choices({ spoken, words }) {
  const relative = new Intl.RelativeTimeFormat(spoken, { numeric: "auto" });
  const say = (count, unit) => {
    const text = relative.format(count, unit);
    return text.slice(0, 1).toLocaleUpperCase(spoken) + text.slice(1);
  };
  return [
    ["today", say(0, "day")], ["yesterday", say(-1, "day")],
    ...[7, 30].map((n) => [`past${n}days`, fill(words.pastDays, { n })]), ...[3, 12].map((n) => [`past${n}months`, fill(words.pastMonths, { n })]),
    ...UNITS.flatMap((unit) => [[`this${unit}`, say(0, unit)], [`last${unit}`, say(-1, unit)]]),
  ];
}

// A range that the owner or the host has set and that is not offered, such as `2024-05` or `Q1-2024`.
function describe(value, spoken) {
  const [, year, month] = /^(\d{4})-(\d\d)$/.exec(value) ?? [];
  const [, quarter, ofYear] = /^Q(\d)-(\d{4})$/.exec(value) ?? [];
  if (month >= 1 && month <= 12) return new Intl.DateTimeFormat(spoken, { year: "numeric", month: "long", timeZone: "UTC" }).format(Date.UTC(year, month - 1));
  return quarter ? `Q${quarter} ${ofYear}` : value;
}

export function rangeControl({ title, required }, language) {
  const { words, spoken } = language;
  const select = make("select", { ariaLabel: title }, ...choices(language).map(([value, label]) => new Option(label, value)), new Option(words.between, "between"));
  if (!required) select.prepend(new Option(words.any, ""));
  const [from, to] = [words.from, words.to].map((ariaLabel) => make("input", { type: "date", ariaLabel }));
  const ends = make("div", { className: "ends", hidden: true }, from, to);
  const other = new Option("", "");

  const limit = () => { [to.min, from.max] = [from.value, to.value]; };
  const show = () => { ends.hidden = select.value !== "between"; };
  ends.addEventListener("change", limit);
  select.addEventListener("change", () => {
    show();
    if (!ends.hidden) from.focus();
  });

  // Null, which is no change, while an end is missing that may follow.
  function read(isLeft) {
    if (select.value !== "between") return [select.value].filter(Boolean);
    const isWhole = from.value && to.value;
    return isWhole || (isLeft && (from.value || to.value)) ? [`${from.value}~${to.value}`] : null;
  }

  function write([value = ""]) {
    other.remove();
    const [isRange, first = "", second = value.includes("~") ? "" : first] = BETWEEN.exec(value) ?? [];
    [from.value, to.value] = value && isRange !== undefined ? [first, second] : ["", ""];
    limit();
    if (value && isRange !== undefined) select.value = "between";
    else select.value = value;
    if (select.selectedIndex < 0) {
      Object.assign(other, { value, textContent: describe(value, spoken) });
      select.prepend(other);
      select.value = value;
    }
    show();
  }

  return { nodes: [select, ends], isGroup: true, read, write };
}

// Two numbers, of which one may be missing.
export function betweenControl({ required }, { words }) {
  const fields = [words.from, words.to].map((ariaLabel) => make("input", { type: "number", step: "any", ariaLabel, autocomplete: "off" }));
  const values = () => fields.map(({ value }) => value.trim());

  // Null, which is no change, while an end is missing that may follow.
  function read(isLeft) {
    const both = values();
    if (both.every(Boolean)) return both;
    return both.some(Boolean) ? (isLeft ? both : null) : [];
  }

  function write(given) {
    const [from = "", to = ""] = given.length === 1 ? given[0].split(",") : given;
    [fields[0].value, fields[1].value] = [from, to];
  }

  return { nodes: [make("div", { className: "ends" }, ...fields)], isGroup: true, isClearable: !required, read, write };
}
