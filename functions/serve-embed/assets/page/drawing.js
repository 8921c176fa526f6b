// Loads what draws questions and dashboards: a file of its own, which arrives beside the view. In a frame without an origin only scripts
// that were loaded with CORS may import, so the page's HTML asks for this one with `crossorigin`.

import { make } from "./element.js";
import { fileOf } from "./files.js";

const part = (id) => document.getElementById(id);
let library, shown = null, shownType;

export const isDrawn = (content) => content?.type === "question" || content?.type === "dashboard";

// Call as soon as it is likely that something will be drawn. Rejects if the files did not arrive; the next call asks again.
export function prepareDrawing() {
  library ??= Promise.all([import(fileOf("draw")), style("style")]).then(([module]) => module).catch(() => {
    library = null;
    throw LOST;
  });
  return library;
}

const LOST = { reason: "network", retry: true };
const styles = {};

function style(name) {
  const link = make("link", { rel: "stylesheet", href: fileOf(name) });
  return styles[name] ??= new Promise((onload, onerror) => document.head.append(Object.assign(link, { onload, onerror }))).catch((problem) => {
    delete styles[name];
    link.remove();
    throw problem;
  });
}

const TEXTS = /^(text|heading|link)$/;

// Dashboards and texts have files of their own.
async function prepareBoard({ type, display }) {
  const isBoard = type === "dashboard";
  const [module] = await Promise.all([isBoard ? import(fileOf("board")) : {}, (isBoard || TEXTS.test(display)) && style("boards")]).catch(() => { throw LOST; });
  return module;
}

export async function renderDrawing(view, page) {
  const { type } = view.content;
  const [{ makeQuestion }, { makeDashboard = makeQuestion }] = await Promise.all([prepareDrawing(), prepareBoard(view.content)]);
  if (!page.isShown(view)) return;
  if (type !== shownType) dropDrawing();
  shownType = type;
  shown ??= makeDashboard(page, part("content"), fileOf);
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

// Tells again what the cards have.
export const replayDrawing = () => shown?.replay();

// Downloads what a card shows, as its menu does.
export const saveDrawing = async (card, format) => shown?.save(card, format);
