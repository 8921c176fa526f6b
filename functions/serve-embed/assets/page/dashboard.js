// A dashboard: asks for the answer of each card by itself, and again for those that a changed parameter reaches.

import { contextOf, downloadButton, loader, prepare } from "./draw/tools.js";
import { drawGrid, shapeOf } from "./draw/grid.js";
import { draw, neededFor, needsAnswer } from "./draw/index.js";
import { overlaid, seriesOf } from "./draw/series.js";
import { spokenValues } from "./draw/spoken.js";

// Cards on the grid of a dashboard, which draw with `draw`.
export const drawDashboard = (dashboard, options) => drawGrid(dashboard, { draw, needsAnswer, ...options });

// Shows dashboards in `place`; `page` and `fileOf` are as for a question.
export function makeDashboard(page, place, fileOf) {
  const load = loader(fileOf);
  let view = null, board = null;
  let shown = null, looks, values; // the content, the looks and the values that are shown
  let request = new AbortController();

  const context = () => ({ ...contextOf(page, view, load), values: spokenValues(view.parameters, page.looks().locale, page.words()) });
  const isFigure = (card) => needsAnswer(shapeOf(card).display);
  const named = (card) => ({ card: card.id, title: card.title ?? view.resource.title });
  const file = (card, node) => ({ ...named(card), asked: () => page.asked({ card: card.id }), node });

  async function answerOf(card) {
    const own = request;
    try {
      const ask = (series) => page.fetchAnswer(page.asked({ card: card.id, ...series }), own.signal);
      const [answer, ...others] = await Promise.all([ask(), ...seriesOf(card).map(({ question }) => ask({ series: question }))]);
      return others.length ? overlaid(card, answer, others) : answer;
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
      if (isOther || !isTold) board.redraw(context(), isTold);
      if (isOther) board.refresh(isReached(before));
    }
    looks = nowLooks;
    page.handle("height");
  }

  function build(content) {
    request.abort();
    request = new AbortController();
    shown = content;
    prepare(load, [...new Set((view.content.cards ?? []).flatMap((card) => neededFor(shapeOf(card).display)))]);
    board = drawDashboard(view.content, {
      load: answerOf, context: context(),
      // Each card is tried again by hand, so the sentence must not promise that it happens by itself.
      sentence: (problem) => page.sentenceFor({ reason: "unknown", ...problem, ...(problem.retry && { reason: "unknown", retry: false }) }),
      onCard: (card, state, what) => {
        if (state === "loaded" && isFigure(card)) page.loaded(named(card), what);
        if (state === "failed" && what.reason !== "aborted") page.failed(named(card), { reason: "unknown", ...what });
        page.handle("height");
      },
      action: (card, node) => downloadButton(page, load, file(card, node)),
      isWaiting: ({ reason }) => /^(token_expired|session_)/.test(reason),
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

  const figures = () => (board?.cards ?? []).filter(({ card }) => isFigure(card));

  function replay() {
    for (const { card, answer } of figures()) if (answer()) page.loaded(named(card), answer());
  }

  async function save(id, format) {
    const found = figures().find(({ card }) => String(card.id) === String(id));
    if (!found) return page.notSaved({ reason: "card_not_found", message: "There is no such card." });
    return (await load("menu")).saveFile(page, file(found.card, found.node), format);
  }

  return { render, stop, likedHeight, replay, save };
}
