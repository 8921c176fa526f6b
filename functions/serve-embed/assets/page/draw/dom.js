// Nodes without markup: every text is a text node, and every attribute is set by name.

const SVG = "http://www.w3.org/2000/svg";

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value !== null && value !== undefined && value !== false) node.setAttribute(name, value === true ? "" : value);
  }
  node.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== false));
  return node;
}

export const make = (tag, attributes, ...children) => fill(document.createElement(tag), attributes, children);
export const svg = (tag, attributes, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

// The address of a link that may be followed, or null.
export function safeUrl(text) {
  try {
    const url = new URL(textOf(text).trim());
    return /^(https?|mailto):$/.test(url.protocol) ? url.href : null;
  } catch {
    return null;
  }
}

// A link, or only its text if the address is not one to follow.
export function link(url, children, { follow } = {}, className) {
  const href = safeUrl(url);
  if (!href) return make("span", { class: className }, ...children);
  const node = make("a", { class: className, href, target: "_blank", rel: "noopener noreferrer" }, ...children);
  if (follow) {
    node.addEventListener("click", (event) => {
      event.preventDefault();
      follow(href);
    });
  }
  return node;
}

// Reads a member of settings that came as JSON, and nothing that objects inherit.
export const own = (object, name) =>
  (object !== null && typeof object === "object" && Object.hasOwn(object, name) ? object[name] : undefined);

export const isObject = (value) => value !== null && typeof value === "object" && !Array.isArray(value);

// Any value as text; settings may hold anything.
export const textOf = (value) => (value === null || value === undefined ? "" : typeof value === "object" ? JSON.stringify(value) : String(value));

// A colour that may go into an SVG attribute, or undefined.
export const colorOf = (text) =>
  (typeof text === "string" && /^(#[0-9a-f]{3,8}|(rgb|hsl)a?\([\d\s.,%/]+\)|[a-z]{3,20})$/i.test(text) && CSS.supports("color", text)
    ? text : undefined);
