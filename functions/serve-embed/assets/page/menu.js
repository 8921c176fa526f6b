// The menu of a card: its files and its picture. This is a file of its own, which is loaded when it is used first.

import { make } from "./draw/tools.js";
import { pictureOf } from "./picture.js";

const FILES = { csv: "CSV", xlsx: "Excel (XLSX)", json: "JSON" };
const IMAGES = { png: "PNG", svg: "SVG" };

const chartOf = ({ node }) => node.querySelector(".vz-chart:has(.vz-picture)");

// Opens the menu under `button`. `card` is as for `saveFile`.
export function openMenu(button, page, card) {
  if (button.getAttribute("aria-expanded") === "true") return;
  const words = page.words();
  const formats = { ...FILES, ...(chartOf(card) && Object.fromEntries(Object.entries(IMAGES).map(([format, name]) => [format, words.image.replace("{format}", name)]))) };
  const items = Object.entries(formats).map(([format, label]) => {
    const item = make("button", { type: "button", role: "menuitem", tabindex: -1 }, label);
    item.addEventListener("click", () => {
      close();
      saveFile(page, card, format, button);
    });
    return item;
  });
  const menu = make("div", { class: "vz-menu", role: "menu", "aria-label": button.getAttribute("aria-label") }, ...items);

  function close(isFocused = true) {
    menu.remove();
    button.setAttribute("aria-expanded", "false");
    removeEventListener("pointerdown", outside, true);
    removeEventListener("resize", left);
    removeEventListener("scroll", left, true);
    if (isFocused) button.focus();
  }
  const outside = ({ target }) => { if (!menu.contains(target)) close(button.contains(target)); };
  const left = ({ target }) => { if (target !== menu) close(false); };

  menu.addEventListener("keydown", (event) => {
    const at = items.indexOf(document.activeElement);
    const next = { ArrowDown: (at + 1) % items.length, ArrowUp: (at + items.length - 1) % items.length, Home: 0, End: items.length - 1 }[event.key]
      ?? (event.key.length === 1 && event.key !== " " ? items.findIndex(({ textContent }) => textContent.toLowerCase().startsWith(event.key.toLowerCase())) : -1);
    if (event.key === "Escape") close();
    else if (event.key === "Tab") return close();
    else if (next >= 0) items[next].focus();
    else return;
    event.preventDefault();
  });
  menu.addEventListener("focusout", ({ relatedTarget }) => { if (relatedTarget && !menu.contains(relatedTarget)) close(false); });

  button.setAttribute("aria-expanded", "true");
  document.getElementById("embed").append(menu);
  place(menu, button);
  addEventListener("pointerdown", outside, true);
  addEventListener("resize", left);
  addEventListener("scroll", left, true);
  items[0].focus({ preventScroll: true });
}

// Under the button, or over it where there is more room, and inside the window.
function place(menu, button) {
  const { left, right, top, bottom } = button.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = menu;
  const isMirrored = getComputedStyle(button).direction === "rtl";
  const isUnder = bottom + height + 4 <= innerHeight || innerHeight - bottom >= top;
  const x = isMirrored ? left : right - width;
  menu.style.left = `${Math.max(4, Math.min(innerWidth - width - 4, x))}px`;
  menu.style.top = `${Math.max(4, Math.min(innerHeight - height - 4, isUnder ? bottom + 4 : top - height - 4))}px`;
}

const nameOf = (title, format) => `${String(title).replace(/[\\/:*?"<>|]/g, " ").trim().slice(0, 100) || "answer"}.${format}`;

// Saves a card as a file. `card`: its `title`, its `node`, and `asked()`, which returns the request for its answer. What an expired
// credential may not have is saved when it was renewed.
export async function saveFile(page, card, format, button) {
  const isKnown = Object.hasOwn(FILES, format) || Object.hasOwn(IMAGES, format);
  if (!isKnown) return page.notSaved({ reason: "format_unknown", message: "The formats are csv, xlsx, json, png and svg." });
  button?.setAttribute("aria-busy", "true");
  for (;;) {
    await page.whenValid();
    if (!page.looks().downloads) return page.notSaved({ reason: "downloads_disabled", message: "This cannot be downloaded." });
    try {
      if (Object.hasOwn(FILES, format)) {
        const { blob, name } = await page.fetchFile(card.asked(), format);
        page.deliver(blob, name ?? nameOf(card.title, format));
      } else {
        const chart = chartOf(card);
        if (!chart) return page.notSaved({ reason: "format_unavailable", message: "Only a chart has a picture." });
        page.deliver(await pictureOf(chart, card.title, format), nameOf(card.title, format));
      }
      break;
    } catch (problem) {
      const found = { reason: "unknown", ...problem };
      if (!problem.reason) console.error(problem); // an unexpected error, which would be lost otherwise
      if (/^(token_expired|session_)/.test(found.reason) && page.refused(found)) continue;
      page.notSaved(found);
      break;
    }
  }
  button?.removeAttribute("aria-busy");
}
