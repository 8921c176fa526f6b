// A question: asks for its answer and draws it.

import { make } from "./draw/dom.js";
import { draw, neededFor, needsAnswer } from "./draw/index.js";
import { downloadButton } from "./actions.js";
import { contextOf, loader, prepare } from "./modules.js";

const SIZES = { scalar: 160, smartscalar: 200, progress: 160 };

// Shows questions in `place`. `page` has the viewer's `looks` and `values`, its `words` and `sentenceFor` errors,
// `fetchAnswer`, and what happens then: `handle` and `refused`. `fileOf` gives the paths of the other modules.
export function makeQuestion(page, place, fileOf) {
  const box = make("div", { class: "drawing" });
  const load = loader(fileOf);
  let view = null, answer = null, problem = null; // of the question that is shown
  let request, drawnKey = null;
  place.replaceChildren(box);

  const card = () => ({ card: null, title: view.resource.title });
  const file = () => ({ ...card(), asked: () => page.asked(), node: box });

  // The answer is asked for again only if the view is another one.
  function render(fresh) {
    const isOther = fresh !== view;
    view = fresh;
    if (isOther) ask();
    show();
  }

  async function ask() {
    request?.abort();
    const own = request = new AbortController();
    const { display } = view.content;
    problem = null;
    prepare(load, neededFor(display));
    try {
      const fresh = needsAnswer(display) ? await page.fetchAnswer(page.asked(), own.signal) : {};
      if (own !== request) return;
      answer = fresh;
      if (needsAnswer(display)) page.loaded(card(), answer);
    } catch (caught) {
      if (own !== request) return;
      if (!caught.reason) console.error(caught); // an unexpected error, which would be lost otherwise
      const found = { reason: "unknown", ...caught };
      page.failed(card(), found);
      if (page.refused(found)) {
        if (!answer) box.replaceChildren(); // nothing is waited for any more
        return;
      }
      problem = found;
    }
    drawnKey = null;
    show();
  }

  function show() {
    const key = JSON.stringify([page.looks(), problem?.reason]);
    if (!answer && !problem) return box.replaceChildren(make("div", { class: "waits", "aria-hidden": "true" }));
    if (key === drawnKey) return;
    drawnKey = key;
    box.replaceChildren(problem ? problemNode() : draw(answer, view.content.display, view.content.settings, { ...contextOf(page, view, load), actions: () => downloadButton(page, load, file()) }));
    page.handle("height");
  }

  function problemNode() {
    const { again, reference } = page.words();
    const button = make("button", { type: "button" }, again);
    button.addEventListener("click", () => {
      answer = null;
      ask();
      show();
    });
    const named = problem.request_id && make("p", { class: "reference" }, `${reference} ${problem.request_id}`);
    // It is tried again by hand, so the sentence must not promise that it happens by itself.
    const sentence = page.sentenceFor(problem.retry ? { reason: "unknown" } : problem);
    return make("div", { class: "failed", role: "alert" }, make("p", null, sentence), named, button);
  }

  // The height that the drawing would like to have, whatever the height of the frame is now.
  function likedHeight() {
    if (!box.isConnected || !box.firstChild) return null;
    const table = box.querySelector(".vz-grid");
    const liked = table && !box.querySelector(".vz-toggle") ? Math.min(table.offsetHeight + 40 + (box.querySelector(".vz-foot") ? 36 : 0), 520)
      : box.querySelector(".vz-text, .vz-heading, .vz-link") ? box.firstChild.scrollHeight
      : SIZES[view.content.display] ?? Math.max(280, Math.min(460, Math.round(box.offsetWidth * 0.55)));
    return Math.ceil(place.getBoundingClientRect().top + scrollY + liked + 20);
  }

  function stop() {
    request?.abort();
    request = null;
    box.remove();
  }

  function replay() {
    if (answer && needsAnswer(view.content.display)) page.loaded(card(), answer);
  }

  const save = async (_, format) => (await load("menu")).saveFile(page, file(), format);

  return { render, stop, likedHeight, replay, save };
}
