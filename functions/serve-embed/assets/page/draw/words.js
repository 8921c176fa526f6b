// The words of drawings. `{name}` is filled in. Those of other languages come with the context.

import { fill } from "../text.js";

const ENGLISH = {
  none: "No results", rows: "Showing the first {n} rows", table: "Show as table", chart: "Show as chart", blank: "(empty)",
  other: "Other", total: "Total", goal: "Goal", trend: "Trend", retry: "Try again", failed: "This could not be loaded.",
  thinned: "Showing {n} of {of} points of each series", cut: "Showing {n} of {of} series", summed: "Rows of the same point are added up",
  negative: "Negative values are not shown", before: "vs. previous {unit}", beforeValue: "vs. previous value", same: "No change",
  unknown: "No earlier value to compare", met: "Goal met", exceeded: "Goal exceeded", of: "{value} of {goal}", series: "Series", keys: "Use the arrow keys to read the points",
  summary: "{kind}: {what}, {n} points, from {low} ({lowAt}) to {high} ({highAt}).", by: "{what} by {dimension}",
  bar: "Bar chart", row: "Row chart", line: "Line chart", area: "Area chart", combo: "Combined chart", pie: "Pie chart",
  year: "year", quarter: "quarter", month: "month", week: "week", day: "day", hour: "hour", minute: "minute",
};

// Returns `say(key, values)`.
export const speaker = (words = ENGLISH) => (key, values = {}) => fill(words[key] ?? ENGLISH[key], values);
