// The content, in an iframe of its own that cannot reach this page.

import { make } from "./element.js";
import { fileOf } from "./files.js";

// HTML content is written into an empty document of ours. The page's HTML has an invisible iframe with it already, unless it is that of
// a question, so that it loads in parallel with this script and with the view.
let frame;
let isListening = false; // the document in the frame has announced itself
let shownKey = null; // identifies the content that the frame shows; null while it shows none
let markup, isComponent, view, hooks; // the markup of a component is null until it is made; `hooks` is a script

const part = (id) => document.getElementById(id);

// Shows `content`. If it is shown already, it only receives the view again.
export function renderContent(content, message, words) {
  const key = JSON.stringify(content);
  view = message;
  if (key === shownKey) return sendView();
  const isPrepared = /html|react/.test(content?.type) && frame && shownKey === null;
  if (!isPrepared) {
    unmount();
    frame = makeFrame(content);
    part("content").replaceChildren(frame ?? make("p", { className: "empty", textContent: words.empty }));
  }
  shownKey = key;
  markup = content?.html;
  isComponent = content?.type === "react";
  if (isComponent) {
    markup = null;
    const shown = (html) => { if (shownKey === key) sendView(markup = html); };
    import(fileOf("dive")).then(({ pageOf }) => shown(pageOf(content.code, words.failed, fileOf)), () => shown(words.failed));
  }
  if (frame) frame.title = message.resource.title;
  part("content").classList.remove("waiting");
  part("embed").classList.toggle("fills", Boolean(frame)); // until the content reports its height
  sendView(markup);
}

export function unmount() {
  frame?.remove();
  frame = shownKey = null;
  isListening = false;
  part("embed").classList.remove("fills");
}

function makeFrame(content) {
  const source = { html: fileOf("frame"), react: fileOf("frame"), url: content?.url }[content?.type];
  const url = source && new URL(source, location.href);
  if (!/^https?:$/.test(url?.protocol)) return null;
  const node = make("iframe", { referrerPolicy: "no-referrer" });
  let sandbox = "allow-scripts";
  if (content.type === "url") {
    sandbox += " allow-forms allow-popups";
    // A page of our own origin could lift its own sandbox, so it does not get that origin.
    if (url.origin !== location.origin) sandbox += " allow-same-origin";
    node.addEventListener("load", () => { isListening = true; sendView(); });
  }
  node.setAttribute("sandbox", sandbox);
  node.src = url;
  return node;
}

// Hooks are a file of their own, for content that can use them. Components import theirs.
const usesHooks = (html) => !isComponent && /use(SQLQuery|DiveState)|<script[^<>]+src/i.test(html);

function sendView(html) {
  if (!frame || shownKey === null || !isListening || markup === null) return;
  if (html && hooks === undefined && usesHooks(html)) {
    const asking = frame;
    isListening = false;
    return void import(fileOf("hooks")).then((module) => module.default, () => null).then((text) => {
      hooks = text;
      if (frame !== asking) return;
      isListening = true;
      sendView(markup);
    });
  }
  // An opaque origin has no name to post to. `frame-src` limits what the frame may load.
  const isNamed = origin !== "null" && frame.sandbox.contains("allow-same-origin");
  frame.contentWindow.postMessage({ type: "vitrine:view", html, hooks: html && hooks, view }, isNamed ? new URL(frame.src).origin : "*");
}

// A page elsewhere could lead its frame to any other page, which must not get rows.
const isOurDocument = () => markup !== undefined && shownKey !== null;

// Calls `handle(type, data, reply)` for everything that the content asks of the page.
export function watchContent(handle) {
  addEventListener("message", ({ source, data }) => {
    if (!frame || source !== frame.contentWindow) return;
    if (data?.type === "vitrine:listening") {
      isListening = true;
      sendView(markup);
    } else if (data?.type === "vitrine:height" && data.height >= 0) {
      frame.style.height = `${Math.min(data.height, 50000)}px`;
      part("embed").classList.remove("fills");
      handle("height");
    } else if (data?.type === "vitrine:navigate") {
      handle("navigate", data);
    } else if (data?.type === "vitrine:download") {
      handle("download", data);
    } else if (data?.type === "vitrine:state" && isOurDocument()) {
      handle("state", data);
    } else if (data?.type === "vitrine:query" && isOurDocument()) {
      // The frame may show other content when the answer is there.
      const asking = frame;
      handle("query", data, (reply) => {
        if (frame === asking) frame.contentWindow.postMessage({ type: "vitrine:answer", id: data.id, ...reply }, "*");
      });
    }
  });
  frame = part("frame");
  // The document may have announced itself before this script listened.
  frame?.contentWindow.postMessage({ type: "vitrine:hello" }, "*");
}
