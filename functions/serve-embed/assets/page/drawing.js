// Loads what draws a question: a file of its own, which arrives beside the view. In a frame without an origin only scripts
// that were loaded with CORS may import, so the page's HTML asks for this one with `crossorigin`.

import { make } from "./controls.js";

const part = (id) => document.getElementById(id);
let library, question = null;

// Call as soon as it is likely that a question will be shown. Rejects if the files did not arrive; the next call asks again.
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

export async function renderQuestion(view, page) {
  const { makeQuestion } = await prepareDrawing();
  if (!page.isShown(view)) return;
  question ??= makeQuestion(page, part("content"), part("embed").dataset);
  part("content").classList.remove("waiting");
  part("embed").classList.add("drawn");
  question.render(view);
}

export function dropQuestion() {
  question?.stop();
  question = null;
  part("embed").classList.remove("drawn");
}

export const likedHeight = () => question?.likedHeight() ?? null;
