// Markdown as nodes. The parser only makes tokens; markup in the text stays text, and images become links, because
// loading one would tell another site about the viewer.

import { Lexer } from "marked";
import { link, make, textOf } from "./dom.js";

const LONGEST_TEXT = 100_000;
const DEEPEST = 24;

export function renderMarkdown(text, context) {
  const shown = textOf(text).slice(0, LONGEST_TEXT);
  try {
    return blocks(new Lexer({ gfm: true, breaks: true }).lex(shown), context, 0);
  } catch {
    return [make("p", null, shown)]; // nested too deeply for the parser
  }
}

const ENTITIES = {
  amp: "&", lt: "<", gt: ">", quot: '"', apos: "'", nbsp: "\u00a0", ndash: "–", mdash: "—", hellip: "…", copy: "©", reg: "®", trade: "™",
  euro: "€", pound: "£", yen: "¥", cent: "¢", deg: "°", middot: "·", bull: "•", times: "×", laquo: "«", raquo: "»", larr: "←", rarr: "→", uarr: "↑", darr: "↓",
};

function decoded(text) {
  return text.replace(/&(?:#(\d{1,7})|#x([0-9a-f]{1,6})|(\w{2,8}));/gi, (whole, decimal, hex, name) => {
    if (name) return Object.hasOwn(ENTITIES, name) ? ENTITIES[name] : whole;
    const code = decimal ? parseInt(decimal, 10) : parseInt(hex, 16);
    return code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff) ? String.fromCodePoint(code) : "\ufffd";
  });
}

function blocks(tokens, context, depth) {
  if (depth > DEEPEST) return tokens.map(({ raw }) => raw);
  const inside = (token) => inlines(token.tokens ?? [], context, depth + 1);
  return tokens.flatMap((token) => {
    switch (token.type) {
      case "heading": return make(`h${Math.min(6, token.depth + 1)}`, null, ...inside(token));
      case "paragraph": return make("p", null, ...inside(token));
      case "text": return token.tokens ? inside(token) : decoded(token.text);
      case "code": return make("pre", { tabindex: 0 }, make("code", null, token.text));
      case "blockquote": return make("blockquote", null, ...blocks(token.tokens, context, depth + 1));
      case "list": return listOf(token, context, depth);
      case "table": return tableOf(token, context, depth);
      case "hr": return make("hr");
      case "html": return make("p", null, token.raw.trim());
      case "space": case "def": return [];
      default: return inlines([token], context, depth + 1);
    }
  });
}

function listOf({ ordered, start, items }, context, depth) {
  const rows = items.map((item) => make("li", null,
    item.task && !item.tokens.some(({ type }) => type === "checkbox") ? checkbox(item.checked) : null,
    ...blocks(item.tokens, context, depth + 1)));
  return ordered ? make("ol", { start: start === 1 ? null : start }, ...rows) : make("ul", null, ...rows);
}

const checkbox = (checked) => (checked ? "☑ " : "☐ ");

function tableOf({ header, rows, align }, context, depth) {
  const cell = (tag) => ({ tokens }, index) =>
    make(tag, { class: { right: "vz-right", center: "vz-center" }[align[index]], scope: tag === "th" ? "col" : null }, ...inlines(tokens, context, depth + 1));
  const body = rows.map((row) => make("tr", null, ...row.map(cell("td"))));
  const table = make("table", null, make("thead", null, make("tr", null, ...header.map(cell("th")))), make("tbody", null, ...body));
  return make("div", { class: "vz-scroll", tabindex: 0, role: "region", "aria-label": header.map(({ text }) => text).join(", ") }, table);
}

function inlines(tokens, context, depth) {
  if (depth > DEEPEST) return tokens.map(({ raw }) => raw);
  const inside = (token) => inlines(token.tokens ?? [], context, depth + 1);
  return tokens.flatMap((token) => {
    switch (token.type) {
      case "text": return token.tokens ? inside(token) : decoded(token.text);
      case "escape": return decoded(token.text);
      case "strong": case "em": case "del": return make(token.type, null, ...inside(token));
      case "codespan": return make("code", null, token.text);
      case "br": return make("br");
      case "link": return link(decoded(token.href), inside(token), context);
      case "image": return link(decoded(token.href), [token.text || token.href], context);
      case "checkbox": return checkbox(token.checked);
      default: return token.raw ?? [];
    }
  });
}
