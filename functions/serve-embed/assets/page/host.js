// The page around the frame: who it is, what it is told, and what it asks for.

import { place, speaksCube } from "./address.js";
import { actionOf, eventsOf } from "./cube.js";

const isFramed = parent !== window;

// Browsers say who the parent is by one of these two. Where neither is known, whoever greets us from the
// parent's window is: the server decides who may frame this page at all.
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

// Nothing secret is ever told, and it is told to this one origin only.
let waiting = [], silent = false;
function post(message) {
  if (!isFramed || silent) return;
  if (origin) parent.postMessage(message, origin);
  else waiting.push(message);
}

export function tell(type, detail, view) {
  if (speaksCube()) for (const event of eventsOf(type, detail, view)) post(event);
  post({ source: "vitrine", type, ...detail });
}

// In MotherDuck's page the host opens links.
export function askToNavigate(url) {
  post({ type: "navigation-request", url });
}

// Calls `act(name, value)` for whatever the host asks.
export function listen(act) {
  addEventListener("message", (event) => {
    if (!isFramed || event.source !== parent) return;
    if (origin && event.origin !== origin) return;
    const { data } = event;
    if (!origin && data?.source === "vitrine-host" && event.origin !== "null") {
      origin = event.origin;
      waiting.splice(0).forEach(post);
    }
    const action = data?.source === "vitrine-host" ? [data.type, data.value] : speaksCube() && actionOf(data);
    if (action) act(...action);
    else greeted(event);
  });
}

// ---- iframe-resizer ----

// Pages written for Metabase size the frame with this script, version 4. Of its protocol this much is needed:
// the host page says what it calls the frame, and from then on hears its height.
let resizer, height = 0;

function greeted({ data, origin: greeter }) {
  const id = typeof data === "string" && /^\[iFrameSizer\]([^:]+)(?::[^:]*){8}/.exec(data)?.[1];
  if (!id) return;
  resizer = { id, origin: greeter === "null" ? "*" : greeter };
  tellResizer("init");
}

function tellResizer(type) {
  if (!resizer) return;
  parent.postMessage(`[iFrameSizer]${resizer.id}:${height || innerHeight}:${innerWidth}:${type}`, resizer.origin);
}

export function tellHeight(now) {
  if (now === height) return;
  height = now;
  tell("resize", { height });
  tellResizer("size");
}

// A credential that no request carries lets anybody load this page. Then the view says who may frame it, and
// the page asks the browser who does.
export function mayShowTo(allowed) {
  if (!isFramed || !place.inSandbox) return true;
  // Where the browser names the parent only, a parent that is framed itself cannot be vouched for.
  const named = parent === top ? [originOf(document.referrer)] : [null];
  const ancestors = location.ancestorOrigins ? [...location.ancestorOrigins] : named;
  const may = ancestors.every((ancestor) => ancestor && allowed.some((pattern) => covers(pattern, ancestor)));
  silent = !may;
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
