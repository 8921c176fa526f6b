// Loads what draws questions and dashboards: a file of its own, which arrives beside the view. In a frame without an origin only scripts
// that were loaded with CORS may import, so the page's HTML asks for this one with `crossorigin`.

import { make } from "./controls.js";

const part = (id) => document.getElementById(id);
let library, shown = null, shownType;

export const isDrawn = (content) => content?.type === "question" || content?.type === "dashboard";

// Call as soon as it is likely that something will be drawn. Rejects if the files did not arrive; the next call asks again.
export function prepareDrawing() {
  const { draw, style } = part("embed").dataset;
  const link = make("link", { rel: "stylesheet", href: style });
  const styled = new Promise((resolve, reject) => Object.assign(link, { onload: resolve, onerror: reject }));
  library ??= document.head.append(link) ?? Promise.all([import(draw), styled]).then(([module]) => module).catch(() => {
    library = null;
    link.remove();
    throw { reason: "network", retry: true };
  });
  return library;
}

export async function renderDrawing(view, page) {
  const { makeDashboard, makeQuestion } = await prepareDrawing();
  if (!page.isShown(view)) return;
  const { type } = view.content;
  if (type !== shownType) dropDrawing();
  shownType = type;
  shown ??= (type === "dashboard" ? makeDashboard : makeQuestion)(page, part("content"), part("embed").dataset);
  part("content").classList.remove("waiting");
  part("embed").classList.add("drawn");
  part("embed").classList.toggle("filled", type === "question");
  shown.render(view);
}

export function dropDrawing() {
  shown?.stop();
  shown = shownType = null;
  part("embed").classList.remove("drawn", "filled");
}

export const likedHeight = () => shown?.likedHeight() ?? null;
