// The host page around the frame: its origin, the events sent to it, and the requests received from it.

import { address, isCubeHost } from "./address.js";
import { actionOf, eventsOf } from "./cube.js";

const isFramed = parent !== window;

// Browsers give the parent's origin in one of these two. Where neither is known, it is the origin of the first message
// from the parent's window: the server decides who may frame this page at all.
let origin = ancestor();

function ancestor() {
  if (!isFramed) return null;
  const named = location.ancestorOrigins?.[0] ?? originOf(document.referrer);
  return named && named !== "null" ? named : null;
}

function originOf(url) {
  try { return new URL(url).origin; } catch { return null; }
}

export const hostOrigin = () => origin;

// Messages contain nothing secret, and go to this origin only.
let waiting = [], silent = false;
function post(message) {
  if (!isFramed || silent) return;
  if (origin) parent.postMessage(message, origin);
  else waiting.push(message);
}

export function notifyHost(type, detail, view) {
  if (isCubeHost()) for (const event of eventsOf(type, detail, view)) post(event);
  post({ source: "vitrine", type, ...detail });
}

// In MotherDuck's page the host opens links, so the page asks it to.
export function requestNavigation(url) {
  post({ type: "navigation-request", url });
}

// Calls `act(name, value)` for each request of the host.
export function watchHost(act) {
  addEventListener("message", (event) => {
    if (!isFramed || event.source !== parent) return;
    if (origin && event.origin !== origin) return;
    const { data } = event;
    if (!origin && data?.source === "vitrine-host" && event.origin !== "null") {
      origin = event.origin;
      waiting.splice(0).forEach(post);
    }
    const action = data?.source === "vitrine-host" ? [data.type, data.value] : isCubeHost() && actionOf(data);
    if (action) act(...action);
    else answerResizer(event);
  });
}

// ---- iframe-resizer ----

// Pages written for Metabase size the frame with this script, version 4. This implements the part of its protocol that
// is needed: the host page sends its id for the frame, and then receives the frame's height.
let resizer, height = 0;

function answerResizer({ data, origin: sender }) {
  const id = typeof data === "string" && /^\[iFrameSizer\]([^:]+)(?::[^:]*){8}/.exec(data)?.[1];
  if (!id) return;
  resizer = { id, origin: sender === "null" ? "*" : sender };
  notifyResizer("init");
}

function notifyResizer(type) {
  if (!resizer) return;
  parent.postMessage(`[iFrameSizer]${resizer.id}:${height || innerHeight}:${innerWidth}:${type}`, resizer.origin);
}

export function reportHeight(now) {
  if (now === height) return;
  height = now;
  notifyHost("resize", { height });
  notifyResizer("size");
}

// The response header says who may frame the page with the resource that the address named. Another resource, and every
// one at `/sandbox`, whose credential the server does not see, comes with its own list, which the page compares with its
// ancestors.
export function mayShowTo(allowed) {
  if (!isFramed) return true;
  // A browser that only gives the parent's origin does not give those above it, so a framed parent is refused.
  const named = parent === top ? [originOf(document.referrer)] : [null];
  const ancestors = location.ancestorOrigins ? [...location.ancestorOrigins] : named;
  const may = ancestors.every((ancestor) => ancestor && allowed.some((pattern) => covers(pattern, ancestor)));
  silent = address.inSandbox && !may; // nobody has allowed this host to learn anything
  return may;
}

function covers(pattern, named) {
  if (pattern === "*") return true;
  const parts = (text) => /^([a-z][a-z0-9+.-]*):\/\/([^/:]+)(?::(\d+|\*))?$/i.exec(text)?.slice(1);
  const [scheme, host, port] = parts(pattern) ?? [];
  const [ofScheme, ofHost, ofPort] = parts(named) ?? [];
  if (!scheme || scheme !== ofScheme || (port !== "*" && port !== ofPort)) return false;
  return host.startsWith("*.") ? ofHost.endsWith(host.slice(1)) : host === ofHost;
}
