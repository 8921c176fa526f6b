// A question: asks for its answer and draws it.

import { make } from "./draw/dom.js";
import { draw, needsAnswer, needsCharts } from "./draw/index.js";
import { contextOf, loader } from "./modules.js";

const SIZES = { scalar: 160, smartscalar: 200, progress: 160 };

// Shows questions in `place`. `page` has the viewer's `looks` and `values`, its `words` and `sentenceFor` errors,
// `fetchAnswer`, and what happens then: `handle` and `refused`. `files` has the paths of the other modules.
export function makeQuestion(page, place, files) {
  const box = make("div", { class: "drawing" });
  const load = loader(files);
  let view = null, answer = null, problem = null; // of the question that is shown
  let request, drawnKey = null;
  place.replaceChildren(box);

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
    const { resource: { kind, id }, content: { display } } = view;
    problem = null;
    if (needsCharts(display)) Promise.resolve(load("charts")).catch(() => {}); // beside the answer
    try {
      const fresh = needsAnswer(display) ? await page.fetchAnswer({ resource: { [kind]: id }, parameters: page.values() }, own.signal) : {};
      if (own !== request) return;
      answer = fresh;
    } catch (caught) {
      if (own !== request) return;
      if (!caught.reason) console.error(caught); // an unexpected error, which would be lost otherwise
      const found = { reason: "unknown", ...caught };
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
    box.replaceChildren(problem ? problemNode() : draw(answer, view.content.display, view.content.settings, contextOf(page, view, load)));
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
    const liked = table && !box.querySelector(".vz-foot") ? Math.min(table.offsetHeight + 40, 520)
      : box.querySelector(".vz-text, .vz-heading, .vz-link") ? box.firstChild.scrollHeight
      : SIZES[view.content.display] ?? Math.max(280, Math.min(460, Math.round(box.offsetWidth * 0.55)));
    return Math.ceil(place.getBoundingClientRect().top + scrollY + liked + 20);
  }

  function stop() {
    request?.abort();
    request = null;
    box.remove();
  }

  return { render, stop, likedHeight };
}
