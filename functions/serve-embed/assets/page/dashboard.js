// A dashboard: asks for the answer of each card by itself, and again for those that a changed parameter reaches.

import { drawDashboard, needsCharts } from "./draw/index.js";
import { contextOf, loader } from "./modules.js";

// Shows dashboards in `place`; `page` and `files` are as for a question.
export function makeDashboard(page, place, files) {
  const load = loader(files);
  let view = null, board = null;
  let shown = null, looks, values; // the content, the looks and the values that are shown
  let request = new AbortController();

  async function answerOf(card) {
    const own = request;
    const { kind, id } = view.resource;
    try {
      return await page.fetchAnswer({ resource: { [kind]: id }, card: card.id, parameters: page.values() }, own.signal);
    } catch (problem) {
      if (!problem.reason) console.error(problem); // an unexpected error, which would be lost otherwise
      // A request that was stopped has a successor, which says how it went.
      if (own === request) page.refused({ reason: "unknown", ...problem });
      throw problem;
    }
  }

  function render(fresh) {
    const isOther = fresh !== view;
    const before = values;
    view = fresh;
    values = page.values();
    const content = JSON.stringify(view.content);
    const nowLooks = JSON.stringify(page.looks());
    if (content !== shown) build(content);
    else {
      const isTold = nowLooks === looks; // only texts name values
      if (isOther || !isTold) board.redraw(contextOf(page, view, load), isTold);
      if (isOther) board.refresh(isReached(before));
    }
    looks = nowLooks;
    page.handle("height");
  }

  function build(content) {
    request.abort();
    request = new AbortController();
    shown = content;
    if (view.content.cards?.some(({ display }) => needsCharts(display))) Promise.resolve(load("charts")).catch(() => {}); // beside the answers
    board = drawDashboard(view.content, {
      load: answerOf, context: contextOf(page, view, load),
      // Each card is tried again by hand, so the sentence must not promise that it happens by itself.
      sentence: (problem) => page.sentenceFor({ reason: "unknown", ...problem, ...(problem.retry && { reason: "unknown", retry: false }) }),
      onCard: () => page.handle("height"),
    });
    place.replaceChildren(board.node);
  }

  // A view with the same values is a refresh of everything. A card that does not say which parameters it has may have all.
  function isReached(before) {
    const slugs = [...new Set([...Object.keys(before), ...Object.keys(values)])];
    const changed = slugs.filter((slug) => JSON.stringify(before[slug]) !== JSON.stringify(values[slug]));
    return ({ parameters }) => !changed.length || !parameters || changed.some((slug) => Object.hasOwn(parameters, slug));
  }

  const likedHeight = () => (board?.node.isConnected ? Math.ceil(place.getBoundingClientRect().top + scrollY + board.node.offsetHeight + 16) : null);

  function stop() {
    request.abort();
    board?.node.remove();
  }

  return { render, stop, likedHeight };
}
