// The content, in a frame of its own that cannot reach this page.

import { make } from "./controls.js";

let frame, key, listening, markup;

const part = (id) => document.getElementById(id);

// Shows `content`; what is shown already is told the view again.
export function renderContent(content, message, words) {
  const fresh = JSON.stringify(content);
  if (fresh === key) return sendView(message);
  unmount();
  key = fresh;
  markup = content?.html;
  frame = makeFrame(content, message);
  part("content").replaceChildren(frame ?? make("p", { className: "empty", textContent: words.empty }));
  part("embed").classList.toggle("fills", Boolean(frame)); // until the content tells its height
}

export function unmount() {
  frame?.remove();
  frame = key = null;
  listening = false;
  part("embed").classList.remove("fills");
}

let latest; // what the content is told as soon as it listens

function makeFrame(content, message) {
  latest = message;
  const source = { html: document.documentElement.dataset.frame, url: content?.url }[content?.type];
  const url = source && new URL(source, location.href);
  if (!/^https?:$/.test(url?.protocol)) return null;
  const node = make("iframe", { title: message.resource.title, referrerPolicy: "no-referrer" });
  let sandbox = "allow-scripts";
  if (content.type === "url") {
    sandbox += " allow-forms allow-popups";
    // A page of our own origin could lift its own sandbox, so it does not get that origin.
    if (url.origin !== location.origin) sandbox += " allow-same-origin";
    node.addEventListener("load", () => { listening = true; sendView(latest); });
  }
  node.setAttribute("sandbox", sandbox);
  node.src = url;
  return node;
}

function sendView(message, html) {
  latest = message;
  if (!frame || !listening) return;
  // An opaque origin has no name to post to. What the frame may load is bounded by frame-src.
  const named = origin !== "null" && frame.sandbox.contains("allow-same-origin");
  frame.contentWindow.postMessage({ type: "vitrine:view", html, view: message }, named ? new URL(frame.src).origin : "*");
}

// Calls `heard(type, data)` for whatever else the content says.
export function watchContent(heard) {
  addEventListener("message", ({ source, data }) => {
    if (!frame || source !== frame.contentWindow) return;
    if (data?.type === "vitrine:listening") {
      listening = true;
      sendView(latest, markup);
    } else if (data?.type === "vitrine:height" && data.height >= 0) {
      frame.style.height = `${Math.min(data.height, 50000)}px`;
      part("embed").classList.remove("fills");
      heard("height");
    } else if (data?.type === "vitrine:navigate") {
      heard("navigate", data);
    } else if (data?.type === "vitrine:download") {
      heard("download", data);
    }
  });
}
