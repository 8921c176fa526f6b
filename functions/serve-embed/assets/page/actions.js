// The button of a card's menu. The menu is a file of its own.

import { make, svg } from "./draw/dom.js";
import { fill } from "./text.js";

// `card` is as for `saveFile`. Returns null where nothing may be downloaded.
export function downloadButton(page, load, card) {
  if (!page.looks().downloads) return null;
  const label = fill(page.words().toFile, { name: card.title });
  const icon = svg("svg", { width: 16, height: 16, viewBox: "0 0 16 16", "aria-hidden": "true" },
    svg("path", { d: "M8 2v8m-3.5-3L8 10.5 11.5 7M2.5 13.5h11", fill: "none", stroke: "currentColor", "stroke-width": 1.6, "stroke-linecap": "round", "stroke-linejoin": "round" }));
  const button = make("button", { type: "button", class: "vz-more", "aria-haspopup": "menu", "aria-expanded": "false", "aria-label": label, title: label }, icon);
  button.addEventListener("click", async () => {
    try {
      (await load("menu")).openMenu(button, page, card);
    } catch {
      page.showNotice(page.words().unknown);
    }
  });
  return button;
}
