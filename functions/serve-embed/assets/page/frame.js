// Runs the resource's own HTML in an opaque origin. It receives the view, and nothing of the credential.

import { checkSchemeSoon, useTheme } from "./scheme.js";

let listeners = [];
const questions = new Map(); // queries that are not answered yet
let view, height, width, timer, hooks;
let asked = 0;
let echoes = 0;

const post = (message) => parent.postMessage(message, "*");
const announce = () => post({ type: "vitrine:listening" });
const navigate = (url) => post({ type: "vitrine:navigate", url: String(url) });
// Calls the listener for each later view. Returns a function that removes it.
const onView = (listener) => {
  const own = { listener };
  listeners.push(own);
  return () => { listeners = listeners.filter((one) => one !== own); };
};
const tell = () => {
  for (const { listener } of listeners) try { listener(view); } catch (error) { console.error(error); }
};
// The page decides whether the viewer gets the file.
const download = (name, text, mime) => post({ type: "vitrine:download", name, text, mime });
const ask = (question) => new Promise((resolve, reject) => {
  const id = asked += 1;
  post({ type: "vitrine:query", id, ...question });
  questions.set(id, { resolve, reject });
});
// Answers a query that was published with this content: `{columns, rows, truncated, as_of}`.
const query = (name, parameters = {}, { fresh = false } = {}) => ask({ name, parameters, fresh });
// Answers SQL of the content's own, where the stack allows that.
const sql = (text, { fresh = false } = {}) => ask({ sql: String(text), fresh });
// Changes keys of `view.state`. The page keeps them and tells the host.
const setState = (state) => {
  view = { ...view, state: { ...view.state, ...state } };
  post({ type: "vitrine:state", state });
  tell();
};
// With the React that the content has loaded. The page sends the hooks to content that can use them.
const useHook = (name) => (...given) => (hooks ??= vitrineHooks.hooksOf(window.React, () => window.vitrine))[name](...given);
const [useSQLQuery, useDiveState] = ["useSQLQuery", "useDiveState"].map(useHook);
// On the window, which outlives the write: a script put before the HTML would cost it its doctype.
window.vitrine = Object.freeze({ get view() { return view; }, onView, query, sql, setState, navigate, download, useSQLQuery, useDiveState });

// This frame shows nothing but its own content, so the page follows links to elsewhere.
const follow = (event) => {
  const link = event.target.closest?.("a[href]");
  if (!link || !/^https?:/.test(link.href) || event.defaultPrevented) return;
  if (link.href.split("#")[0] === location.href.split("#")[0]) return; // a place in this content
  event.preventDefault();
  navigate(link.href);
};

const receive = ({ source, data }) => {
  if (source !== parent) return;
  if (data?.type === "vitrine:hello" && !view) announce();
  if (data?.type === "vitrine:answer") settle(data);
  if (data?.type !== "vitrine:view") return;
  const first = !view;
  view = data.view;
  if (first && data.hooks) document.head.append(Object.assign(document.createElement("script"), { textContent: data.hooks }));
  if (first) write(data.html);
  useTheme(view.theme);
  if (!first) tell();
};

const settle = ({ id, answer, problem }) => {
  const question = questions.get(id);
  questions.delete(id);
  if (problem) question?.reject(Object.assign(new Error(problem.message), { reason: problem.reason }));
  else question?.resolve(answer);
};

// Only white space and comments may come before a doctype. One pass over the text: a regular expression with
// nested repetition takes exponential time where no doctype follows.
const startsWithDoctype = (html) => {
  let at = 0;
  for (;;) {
    at += html.slice(at).search(/\S|$/);
    if (!html.startsWith("<!--", at)) return html.slice(at, at + 9).toLowerCase() === "<!doctype";
    const end = html.indexOf("-->", at + 4);
    if (end < 0) return false;
    at = end + 3;
  }
};

const write = (html) => {
  document.open(); // drops every listener, so they are added after it
  addEventListener("message", receive);
  addEventListener("resize", measure);
  addEventListener("click", follow);
  // Without a doctype the browser uses quirks mode, in which the height is always that of the window.
  document.write(startsWithDoctype(html) ? html : `<!doctype html>${html}`);
  document.close();
  new ResizeObserver(measure).observe(document.documentElement);
  // Browsers do not lay out frames that are off screen, so a ResizeObserver stays silent there, and this frame may
  // be off screen until its height is known. Changes of the document are therefore measured as well.
  new MutationObserver(measureSoon).observe(document, { subtree: true, childList: true, attributes: true, characterData: true });
  addEventListener("load", measureSoon, true);
  measureSoon();
};

const measureSoon = () => {
  checkSchemeSoon();
  timer ??= setTimeout(() => { timer = null; measure({ type: "change" }); }, 20);
};

const measure = ({ type }) => {
  const { scrollHeight, offsetHeight } = document.documentElement;
  const next = scrollHeight > innerHeight ? scrollHeight : offsetHeight;
  if (next === height) return;
  // Content that grows because its window grew would grow forever: it is followed three times and no further.
  echoes = type === "resize" && innerWidth === width && next > height ? echoes + 1 : 0;
  height = next;
  width = innerWidth;
  if (echoes <= 3) post({ type: "vitrine:height", height });
};

addEventListener("message", receive);
announce();
