// Numbers, dates and other values as text, by the type of their column and its settings.

import { own, textOf } from "./dom.js";

const formats = new Map();

function intl(Format, locale, options) {
  const key = JSON.stringify([Format.name, locale, options]);
  if (!formats.has(key)) formats.set(key, tryFormat(Format, locale, options) ?? tryFormat(Format, "en", options) ?? new Format("en"));
  return formats.get(key);
}

function tryFormat(Format, locale, options) {
  try { return new Format(locale, options); } catch { return null; }
}

// ---- numbers ----

// A number, or null for everything that is none.
export function toNumber(value) {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  if (typeof value !== "string" || !value.trim()) return null;
  const number = Number(value);
  return Number.isFinite(number) ? number : null;
}

const STYLES = { percent: "percent", currency: "currency" };
// Names of whole numbers that nobody counts or adds up.
const UNGROUPED = /(^|_)(id|year|zip|zipcode|postcode)$/i;

function numberOptions(type, name, setting) {
  const style = STYLES[setting("number_style")];
  const decimals = setting("decimals");
  const options = {};
  if (style) options.style = style;
  if (style === "currency") {
    options.currency = textOf(setting("currency") ?? "USD").toUpperCase();
    const display = setting("currency_style");
    if (["symbol", "code", "name"].includes(display)) options.currencyDisplay = display;
  }
  if (setting("number_style") === "scientific") options.notation = "scientific";
  if (Number.isInteger(decimals) && decimals >= 0 && decimals <= 20) {
    options.minimumFractionDigits = options.maximumFractionDigits = decimals;
  } else if (style !== "currency") {
    const scale = +/^decimal\(\d+,\s*(\d+)\)$/.exec(type)?.[1];
    options.maximumFractionDigits = style === "percent" || !scale ? 2 : Math.min(scale, 6);
    if (!style && scale <= 2) options.minimumFractionDigits = scale;
  }
  if (type === "integer" && !style && UNGROUPED.test(name)) options.useGrouping = false;
  return options;
}

// Returns functions that write a number in full and shortened, such as 12.3K.
export function numberFormat(type, name, setting, locale) {
  const options = numberOptions(type, name, setting);
  const full = intl(Intl.NumberFormat, locale, options);
  // Small values keep two digits that say something.
  const fine = intl(Intl.NumberFormat, locale, { ...options, minimumFractionDigits: undefined, maximumFractionDigits: undefined, maximumSignificantDigits: 2 });
  const short = intl(Intl.NumberFormat, locale, { ...options, notation: "compact", minimumFractionDigits: 0, maximumFractionDigits: 1 });
  const powers = intl(Intl.NumberFormat, locale, { ...options, notation: "scientific", minimumFractionDigits: 0, maximumFractionDigits: 2 });
  const isFixed = setting("decimals") !== undefined || options.style === "currency" || options.notation;
  const scale = toNumber(setting("scale")) ?? 1;
  const [prefix, suffix] = ["prefix", "suffix"].map((part) => setting(part) ?? "").map(textOf);
  const separators = setting("number_separators");
  const write = (format, value) => {
    const text = typeof separators === "string" ? separated(format, value, separators) : format.format(value);
    return prefix + text + suffix;
  };
  // Long decimals arrive as text and are written digit by digit.
  const scaled = (value) => (scale === 1 ? value : toNumber(value) * scale);
  return {
    full: (value) => {
      const number = Math.abs(scaled(toNumber(value)));
      return write(number > 0 && number < (options.style ? 0.0001 : 0.01) && !isFixed ? fine : full, scaled(value));
    },
    // Beyond thousands of billions there are no words, only powers of ten.
    short: (value) => (Math.abs(scaled(toNumber(value))) < 1000 ? write(full, scaled(value)) : write(Math.abs(scaled(toNumber(value))) < 1e15 ? short : powers, scaled(toNumber(value)))),
    ticks: (step, top) => {
      const size = Math.abs(step * scale) * (options.style === "percent" ? 100 : 1);
      const isLong = Math.abs(top * scale) >= 10_000 && options.style !== "percent";
      const digits = isLong ? 2 : size > 0 && size < 1 ? Math.min(8, Math.ceil(-Math.log10(size) - 1e-9)) : 0;
      const tick = intl(Intl.NumberFormat, locale, { ...options, minimumFractionDigits: 0, maximumFractionDigits: digits, ...(isLong && { notation: Math.abs(top * scale) < 1e15 ? "compact" : "scientific" }) });
      return (value) => write(tick, scaled(value));
    },
  };
}

// The first character separates decimals, the second groups.
function separated(format, value, [decimal = ".", group = ""]) {
  const parts = format.formatToParts(value);
  return parts.map(({ type, value }) => ({ decimal, group })[type] ?? value).join("");
}

// ---- dates ----

const MOMENT = /^(-?\d{4,6})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d)(?:\.(\d{1,9}))?)?)?\s*(Z|[+-]\d\d(?::?\d\d)?)?$/;
const DAY = 86_400_000;

// The time as it stands on the wall, in milliseconds as if it were UTC, or null.
export function toTime(value) {
  const found = typeof value === "string" && MOMENT.exec(value);
  if (!found) return null;
  const [year, month, day, hour = 0, minute = 0, second = 0] = found.slice(1, 7).map((part) => part && +part);
  const time = new Date(0);
  time.setUTCFullYear(year, month - 1, day);
  time.setUTCHours(hour, minute, second, Math.floor(+`0.${found[7] ?? 0}` * 1000));
  const zone = found[8];
  const offset = zone && zone !== "Z" ? (zone[0] === "-" ? -1 : 1) * (+zone.slice(1, 3) * 60 + +(zone.slice(3).replace(":", "") || 0)) : 0;
  const ms = time.getTime() - offset * 60_000;
  return Number.isNaN(ms) ? null : ms;
}

const names = (value) => /(Z|[+-]\d\d(:?\d\d)?)$/.test(value.slice(10));

// A moment is shown in the viewer's time zone. Days do not move: a month that starts at midnight starts there everywhere.
export function timeReader(type, values, timezone) {
  const times = values.map(toTime);
  const isDay = times.every((time) => time === null || time % DAY === 0);
  if (type === "date" || isDay || !timezone) return toTime;
  const parts = tryFormat(Intl.DateTimeFormat, "en", {
    timeZone: timezone, hourCycle: "h23", year: "numeric", month: "numeric", day: "numeric", hour: "numeric", minute: "numeric", second: "numeric",
  });
  if (!parts) return toTime;
  return (value) => {
    const time = toTime(value);
    if (time === null || !names(value)) return time;
    const at = Object.fromEntries(parts.formatToParts(time).map(({ type, value }) => [type, +value]));
    return Date.UTC(at.year, at.month - 1, at.day, at.hour, at.minute, at.second) + (((time % 1000) + 1000) % 1000);
  };
}

// The longest unit of time at whose starts all the times are.
export function unitOf(times) {
  const known = times.filter((time) => time !== null);
  const all = (holds) => known.every((time) => holds(new Date(time)));
  if (!known.length) return "day";
  if (!all((at) => at % DAY === 0)) return all((at) => at % 3_600_000 === 0) ? "hour" : "minute";
  if (known.length > 1 && all((at) => at.getUTCDate() === 1)) {
    if (all((at) => at.getUTCMonth() === 0)) return "year";
    return all((at) => at.getUTCMonth() % 3 === 0) ? "quarter" : "month";
  }
  const isWeekly = new Set(known.map((time) => new Date(time).getUTCDay())).size === 1;
  return known.length > 2 && isWeekly ? "week" : "day";
}

const DATE_PARTS = {
  MMMM: (at, locale, short) => ({ month: short ? "short" : "long" }), MMM: () => ({ month: "short" }), M: () => ({ month: "numeric" }), MM: () => ({ month: "2-digit" }),
  D: () => ({ day: "numeric" }), DD: () => ({ day: "2-digit" }), YYYY: () => ({ year: "numeric" }), YY: () => ({ year: "2-digit" }),
  dddd: (at, locale, short) => ({ weekday: short ? "short" : "long" }), ddd: () => ({ weekday: "short" }),
};

// Writes a date by a pattern such as `MMMM D, YYYY`, with names in the viewer's language.
function writePattern(pattern, time, locale, short) {
  return pattern.replace(/[A-Za-z]+/g, (part) =>
    (Object.hasOwn(DATE_PARTS, part)
      ? intl(Intl.DateTimeFormat, locale, { timeZone: "UTC", ...DATE_PARTS[part](time, locale, short) }).format(time) : part));
}

const UNITS = {
  year: { year: "numeric" }, month: { year: "numeric", month: "long" },
  day: { year: "numeric", month: "short", day: "numeric" }, week: { year: "numeric", month: "short", day: "numeric" },
};
const CLOCKS = { minutes: {}, seconds: { second: "2-digit" }, milliseconds: { second: "2-digit", fractionalSecondDigits: 3 } };

// Returns a function that writes a time by the unit and the settings.
export function dateFormat(unit, setting, locale) {
  const style = setting("date_style");
  const short = setting("date_abbreviate") === true;
  const separator = setting("date_separator");
  const enabled = setting("time_enabled");
  const clock = own(CLOCKS, enabled === undefined ? "minutes" : enabled);
  const hasClock = clock && (unit === "hour" || unit === "minute");
  const cycle = { "HH:mm": "h23", "h:mm A": "h12" }[setting("time_style")];
  const timeParts = { hour: "numeric", minute: "2-digit", ...clock, ...(cycle && { hourCycle: cycle }) };
  const utc = (options) => { const format = intl(Intl.DateTimeFormat, locale, { timeZone: "UTC", ...options }); return (time) => format.format(time); };
  const time = utc(timeParts);
  if (typeof style === "string" && style) {
    const pattern = /^[/-]$/.test(separator ?? "") ? style.replace(/\//g, separator) : style;
    return (at) => writePattern(pattern, at, locale, short) + (hasClock ? `, ${time(at)}` : "");
  }
  if (unit === "quarter") return (at) => `Q${Math.floor(new Date(at).getUTCMonth() / 3) + 1} ${utc(UNITS.year)(at)}`;
  const options = UNITS[unit] ?? UNITS.day;
  return utc(short && unit === "month" ? { ...options, month: "short" } : hasClock ? { ...options, ...timeParts } : options);
}

// Writes what tells neighbouring ticks of a time axis apart.
export function tickFormat(unit, locale) {
  const utc = (options) => intl(Intl.DateTimeFormat, locale, { timeZone: "UTC", ...options });
  const [year, month, day] = [utc(UNITS.year), utc({ month: "short", year: "numeric" }), utc({ month: "short", day: "numeric" })];
  const dated = utc({ month: "short", day: "numeric", year: "numeric" });
  const hour = utc({ hour: "numeric", minute: "2-digit" });
  return (at, step, spansYears) => {
    if (step >= 360 * DAY) return year.format(at);
    if (unit === "quarter" && step >= 85 * DAY) return dateFormat("quarter", () => undefined, locale)(at);
    if (step >= 28 * DAY) return month.format(at);
    if (step >= DAY) return (spansYears ? dated : day).format(at);
    return at % DAY === 0 ? day.format(at) : hour.format(at);
  };
}
