// A dashboard: cards on 24 columns, below tabs if there are any. Each card loads, fails and is tried again by itself, and
// those of a tab that is not open are not asked for.

import { make, speaker, textOf } from "./tools.js";

const COLUMNS = 24;
const LARGEST = 400; // rows of the grid, whatever the settings say

const whole = (value, low, high, fallback) => (Number.isFinite(value) ? Math.max(low, Math.min(high, Math.trunc(value))) : fallback);

// `dashboard`: `{tabs?: [{id, name}], cards: [{id, row, col, width, height, tab?, title?, display, settings, text?, heading?}]}`.
// `load(card)` returns a promise of the card's answer, which may have a display and settings of its own in `as`. `draw`, `needsAnswer` and `context` are those of this library;
// `sentence(problem)` puts an error in words, and `onCard(card, state, what)` hears of "loading", "loaded" with the answer and "failed"
// with the problem. `action(card, node)` returns a button for a card with an answer, or null, and `isWaiting(problem)` whether a card
// keeps what it shows in spite of a problem. Returns the node, `refresh(filter?)`, which asks again for the cards that the filter lets
// through, `redraw(context)`, and `cards`, each with its `card`, `node` and `answer()`.
export function drawGrid(dashboard, { context = {}, ...given }) {
  const say = speaker(context.words);
  const all = Array.isArray(dashboard?.cards) ? dashboard.cards : [];
  const tabs = Array.isArray(dashboard?.tabs) ? dashboard.tabs.filter((tab) => tab && tab.id !== undefined) : [];
  const cards = all.map((card, index) => makeCard(card, index, { ...given, context, say }));
  const root = make("div", { class: `vz-board${context.theme === "dark" ? " vz-dark" : ""}` });

  if (!tabs.length) {
    root.append(board(cards));
    cards.forEach((card) => card.start());
    return handleOf(root, cards);
  }

  // Cards without a tab, and those of a tab that is not there, are on the first.
  const isKnown = (tab) => tabs.some(({ id }) => id === tab);
  const of = ({ id }) => cards.filter(({ card }) => (isKnown(card.tab) ? card.tab : tabs[0].id) === id);
  const unique = serial += 1;
  const panels = tabs.map((tab, index) => make("div", { role: "tabpanel", id: `vz-panel-${unique}-${index}`, "aria-labelledby": `vz-tab-${unique}-${index}`, hidden: index > 0 }, board(of(tab))));
  const buttons = tabs.map((tab, index) => make("button", {
    type: "button", role: "tab", id: `vz-tab-${unique}-${index}`, "aria-controls": `vz-panel-${unique}-${index}`, "aria-selected": String(index === 0), tabindex: index ? -1 : 0,
  }, textOf(tab.name)));
  const open = (chosen) => {
    tabs.forEach((tab, index) => {
      panels[index].hidden = index !== chosen;
      buttons[index].setAttribute("aria-selected", String(index === chosen));
      buttons[index].tabIndex = index === chosen ? 0 : -1;
    });
    of(tabs[chosen]).forEach((card) => card.start());
  };
  buttons.forEach((button, index) => {
    button.addEventListener("click", () => open(index));
    button.addEventListener("keydown", ({ key }) => {
      const isMirrored = getComputedStyle(button).direction === "rtl";
      const step = { ArrowRight: isMirrored ? -1 : 1, ArrowLeft: isMirrored ? 1 : -1 }[key];
      const next = step ? (index + step + tabs.length) % tabs.length : { Home: 0, End: tabs.length - 1 }[key];
      if (next === undefined) return;
      buttons[next].focus();
      open(next);
    });
  });
  root.append(make("div", { class: "vz-tabs", role: "tablist" }, ...buttons), ...panels);
  open(0);
  return handleOf(root, cards);
}

let serial = 0;

// Cards that were not asked for yet are asked for when their tab is opened.
const handleOf = (node, cards) => ({
  node, cards,
  refresh: (isWanted = () => true) => cards.filter(({ card }) => isWanted(card)).forEach((one) => one.refresh()),
  redraw: (context, isTextOnly = false) => {
    node.classList.toggle("vz-dark", context.theme === "dark");
    cards.forEach((one) => one.redraw(context, isTextOnly));
  },
});

// In the order in which they are read, which is also that of one column on a phone.
function board(cards) {
  const placed = [...cards].sort((one, other) => one.place.row - other.place.row || one.place.col - other.place.col);
  return make("div", { class: "vz-cards" }, ...placed.map(({ node }) => node));
}

function placeOf(card) {
  const col = whole(card?.col, 0, COLUMNS - 1, 0);
  return { row: whole(card?.row, 0, LARGEST, 0), col, width: whole(card?.width, 1, COLUMNS - col, COLUMNS - col), height: whole(card?.height, 1, LARGEST, 6) };
}

// A card may say in short that it is a text or a heading.
export function shapeOf(card) {
  if (card?.heading !== undefined) return { display: "heading", settings: { ...card.settings, text: card.heading } };
  if (card?.text !== undefined) return { display: "text", settings: { ...card.settings, text: card.text } };
  return { display: card?.display ?? "table", settings: card?.settings };
}

function makeCard(card, index, given) {
  const { load, draw, needsAnswer, sentence, onCard, action, isWaiting, say } = given;
  let { context } = given;
  const place = placeOf(card);
  const { display, settings } = shapeOf(card);
  const isFigure = needsAnswer(display);
  const body = make("div", { class: "vz-card-body" });
  const title = card?.title && isFigure ? make("h2", { class: "vz-card-title" }, textOf(card.title)) : null;
  const node = make(title ? "section" : "div", { class: `vz-card${isFigure ? "" : " vz-plain"} vz-card-${display === "heading" ? "heading" : isFigure ? "figure" : "text"}` }, title, body);
  if (title) node.setAttribute("aria-label", title.textContent);
  // Through the object model, which the policy of the page allows, because there are as many places as cards.
  node.style.gridArea = `${place.row + 1} / ${place.col + 1} / span ${place.height} / span ${place.width}`;
  node.style.setProperty("--vz-rows", place.height);
  let asked = 0, isStarted = false, answer = null;

  let button = null;
  function show() {
    button?.remove();
    button = isFigure ? action?.(card, node) ?? null : null;
    node.classList.toggle("vz-has-more", Boolean(button));
    if (button) node.append(button);
    const drawn = { display, settings, ...answer?.as };
    body.replaceChildren(draw(answer, drawn.display, drawn.settings, { ...context, title: textOf(card.title), onFallback: (what) => context.onFallback?.({ ...what, card: card.id }) }));
  }

  async function ask() {
    const own = asked += 1;
    node.setAttribute("aria-busy", "true");
    if (!answer) body.replaceChildren(make("div", { class: "vz-wait", "aria-hidden": "true" }));
    onCard?.(card, "loading");
    try {
      const fresh = await load(card);
      if (own !== asked) return;
      answer = fresh;
      show();
      onCard?.(card, "loaded", fresh);
    } catch (problem) {
      if (own !== asked) return;
      if (!answer || !isWaiting?.(problem)) {
        const again = make("button", { type: "button", class: "vz-again" }, say("retry"));
        again.addEventListener("click", () => {
          answer = null;
          ask();
        });
        button?.remove();
        body.replaceChildren(make("div", { class: "vz-failed", role: "alert" }, make("p", null, sentence?.(problem) ?? say("failed")), again));
      }
      onCard?.(card, "failed", problem);
    }
    node.setAttribute("aria-busy", "false");
  }

  function start() {
    if (isStarted) return;
    isStarted = true;
    if (isFigure) ask();
    else show();
  }

  return {
    answer: () => answer,
    card, node, place, start,
    refresh: () => { if (isStarted && isFigure) ask(); },
    redraw: (fresh, isTextOnly) => {
      context = fresh;
      if (isStarted && (isFigure ? answer && !isTextOnly : true)) show();
    },
  };
}
