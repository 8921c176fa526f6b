// The page inside the iframe: takes a credential, asks for the view, shows it, tells the host what happened.

import { credentialIn, place, placeOf, readAddress, readFilter, speaksCube, takeCredential } from "./address.js";
import { fetchView, useCredential } from "./api.js";
import { renderContent, unmount, watchContent } from "./content.js";
import { disableControls, renderControls, restoreControls, watchControls } from "./controls.js";
import { askToNavigate, listen, mayShowTo, tell, tellHeight } from "./host.js";
import { SANDBOX, language, sentence } from "./words.js";

const HOUR = 3_600_000;
const root = document.documentElement;
const part = (id) => document.getElementById(id);
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

let shown = place.publicId; // the resource that is asked for, where the address names one
let wanted = new URLSearchParams(), good; // parameters of the request under way, and of the view that is shown
let filters = []; // what Cube's hosts set, to be turned into parameters once those are known
let asked, queryMode, words;
let view, told = null, begun = performance.now();
let request, nextLoad, attempts = 0; // nextLoad is a retry or a refresh: there is one at most
let end, notice, warned, expiry, expired = false;

// How it looks: what the host says counts over the address, and that over the session.
const looks = { host: {}, address: {}, session: {} };
const look = (name) => looks.host[name] ?? looks.address[name] ?? looks.session[name];
const flag = (name, fallback) => ({ "": true, true: true, false: false })[look(name)] ?? fallback;

function takeAddress() {
  const fresh = takeCredential();
  if (fresh) useCredential(fresh);
  const address = readAddress();
  ({ queryMode } = address);
  looks.address = address.looks;
  const differs = asked !== String(address.asked);
  if (differs) {
    asked = String(address.asked);
    wanted = address.asked;
    filters.push(...address.filters);
  }
  return Boolean(fresh) || differs;
}

// The host may change the fragment of a live frame: a new look costs no request, a new session swaps the token.
function addressChanged() {
  const fresh = takeAddress();
  applyLooks();
  if (fresh) load();
  else if (view) planRefresh();
}

// ---- loading ----

async function load(byViewer) {
  clearTimeout(nextLoad);
  request?.abort();
  const mine = request = new AbortController();
  const slow = setTimeout(setBusy, 150, byViewer || !view); // a shorter wait is not worth showing
  try {
    const fresh = await fetchView(shown, String(wanted), mine.signal);
    if (mine === request) accept(fresh);
  } catch (problem) {
    if (!problem.reason) console.error(problem); // an answer that nobody expected: said, and not left blank
    if (mine === request) refuse({ reason: "unknown", ...problem }, byViewer);
  } finally {
    clearTimeout(slow);
    if (mine === request) setBusy(false);
  }
}

function accept(fresh) {
  if (place.deployment && fresh.session && fresh.session.deployment !== place.deployment) throw { reason: "resource_mismatch" };
  if (!mayShowTo(fresh.frame_origins)) throw { reason: "host_not_allowed" };
  if (applyFilters(fresh)) return load();
  if (fresh.expires_at !== view?.expires_at) notice = warned = null;
  view = fresh;
  good = wanted;
  attempts = 0;
  expired = false;
  looks.session = looksOfSession(fresh.session);
  say("");
  applyLooks();
  watchExpiry();
  planRefresh();
  tellParameters();
}

function refuse(problem, byViewer) {
  const { reason, retry } = problem;
  if (view && /^(token_expired|session_)/.test(reason)) return expire();
  if (!retry || !attempts) report(problem);
  if (view && (retry || reason.startsWith("parameter_"))) say(sentenceOf(problem));
  else fail(problem);
  if (retry) return planRetry(problem.after, byViewer);
  attempts = 0;
  if (!view) return;
  wanted = good;
  restoreControls();
  planRefresh();
}

function planRetry(after, byViewer) {
  const seconds = after > 0 ? after : Math.min(30, 2 ** attempts);
  attempts += 1;
  // Spread: the embeds of a page fail together and must not come back together.
  nextLoad = setTimeout(load, (seconds + Math.random() / 2) * 1000, byViewer);
}

function planRefresh() {
  clearTimeout(nextLoad);
  const seconds = /^\d{1,6}$/.test(look("refresh") ?? "") ? +look("refresh") : 0;
  if (seconds >= 5 && !expired) nextLoad = setTimeout(() => (document.hidden ? planRefresh() : load()), seconds * 1000);
}

// ---- parameters ----

const valuesOf = (parameters) => Object.fromEntries(parameters.map(({ slug, value }) => [slug, value]));

function visibleParameters() {
  const hidden = (look("hide_parameters") ?? "").split(",").map((slug) => slug.trim());
  return view.parameters.filter(({ slug }) => !hidden.includes(slug));
}

function setParameter({ slug, id }, values) {
  wanted = new URLSearchParams(wanted);
  for (const name of [slug, id]) wanted.delete(name); // the address may have named it by its id
  for (const value of values.length ? values : [""]) wanted.append(slug, value);
}

// Sets what Cube's hosts filter by. A filter that has no control here is let go, as it is with Cube.
function applyFilters({ parameters }) {
  const before = String(wanted);
  for (const { member, values } of filters.splice(0).map(readFilter).filter(Boolean)) {
    const names = [member, member.split(".").at(-1)];
    const parameter = parameters.find(({ slug, id }) => names.includes(slug) || names.includes(id));
    if (parameter) setParameter(parameter, values);
  }
  return before !== String(wanted);
}

function setParameters(values) {
  if (!view || !values || typeof values !== "object") return;
  for (const parameter of view.parameters) {
    if (Object.hasOwn(values, parameter.slug)) setParameter(parameter, [].concat(values[parameter.slug] ?? []).map(String));
  }
  if (String(wanted) !== String(good)) load(true);
}

function tellParameters() {
  const parameters = valuesOf(visibleParameters());
  const [before, { kind, title }] = [told, view.resource];
  told = JSON.stringify(parameters);
  if (!before) tell("ready", { kind, title, parameters }, view);
  else if (before !== told) tell("params", { parameters }, view);
}

// ---- time ----

function watchExpiry() {
  // The server's own two times are compared: the clock of this device may be wrong.
  const left = view.expires_at ? Date.parse(view.expires_at) - Date.parse(view.server_time) : Infinity;
  end = performance.now() + left;
  notice ??= Math.min(HOUR, left / 10); // of the whole life, however late it is looked at again
  lookAtClock();
}

function lookAtClock() {
  clearTimeout(expiry);
  const left = end - performance.now();
  if (!(left < Infinity) || expired) return;
  if (left <= 0) return expire();
  if (left <= notice && !warned) {
    warned = true;
    tell("expiring", { expires_at: view.expires_at, seconds: Math.round(left / 1000) }, view);
  }
  expiry = setTimeout(lookAtClock, Math.min(warned ? left : left - notice, 1e9)); // a much longer timer would overflow
}

function expire() {
  stop();
  request?.abort();
  request = null; // an answer under way is not waited for
  expired = true;
  setBusy(false);
  say("");
  render();
  tell("expired", {}, view);
}

function stop() {
  clearTimeout(nextLoad);
  clearTimeout(expiry);
}

// A new credential for the same content: what the viewer has selected stays.
function renew(session) {
  const fresh = credentialIn(session);
  if (!fresh) return;
  useCredential(fresh);
  load();
}

// ---- problems ----

const sentenceOf = (problem) => sentence(words, problem, place.inSandbox);

function fail(problem) {
  view = null;
  stop();
  unmount();
  for (const { id } of part("embed").children) part(id).hidden = id !== "problem" && id !== "notice";
  say("");
  part("sentence").textContent = sentenceOf(problem);
  part("reference").textContent = problem.request_id ? `${words.reference} ${problem.request_id}` : "";
}

function say(text) {
  part("notice").textContent = text;
}

function report(problem) {
  const { reason, message, request_id = null } = problem;
  tell("error", { reason, message: message || sentenceOf(problem), request_id }, view);
}

// ---- looks ----

function looksOfSession(session) {
  const { locale, timezone } = session?.settings ?? {};
  return { locale, timezone, ...looksOfBrand(session?.theme) };
}

function applyLooks() {
  const spoken = language(look("locale"));
  words = spoken.words;
  root.lang = spoken.name;
  root.dir = spoken.dir;
  root.dataset.theme = theme();
  // Metabase's pages expect a border around what is framed, unless they say otherwise.
  root.toggleAttribute("data-bordered", flag("bordered", !place.publicId && !place.inSandbox && parent !== window));
  root.toggleAttribute("data-background", flag("background", true) && look("theme") !== "transparent");
  setStyle("--accent", look("accent"));
  setStyle("--radius", look("radius"));
  setStyle("--font", /^[\w -]{1,60}$/.test(look("font") ?? "") && `"${look("font")}", system-ui, sans-serif`);
  if (view) render();
}

function theme() {
  const name = look("theme");
  return /^(night|dark)$/.test(name) || (name === "auto" && prefersDark.matches) ? "dark" : "light";
}

function setStyle(name, value) {
  if (value) root.style.setProperty(name, value);
  else root.style.removeProperty(name);
}

// A brand's colour, corners and font, in the words of Cube's themes. What is none of these is let go.
function looksOfBrand(brand) {
  const { primaryColor, font, borderRadius } = brand ?? {};
  const looks = {};
  if (CSS.supports("color", primaryColor ?? "")) looks.accent = primaryColor;
  if (borderRadius >= 0 && borderRadius <= 40) looks.radius = `${borderRadius}px`;
  if (typeof font === "string") looks.font = font;
  return looks;
}

// ---- what is seen ----

function render() {
  const { title, description } = view.resource;
  document.title = part("title").textContent = title;
  part("description").textContent = description ?? "";
  part("heading").hidden = !flag("titled", true);
  part("expired").textContent = place.inSandbox ? SANDBOX.expired : words.expired;
  part("expired").hidden = !expired;
  part("problem").hidden = part("skeleton").hidden = true;
  part("content").hidden = false;
  renderControls(visibleParameters(), words, expired);
  renderContent(view.content, contentMessage(), words);
  tellSize();
}

// What the content gets to know: the view, and nothing of the credential.
function contentMessage() {
  const { resource, parameters, state = null, attributes = {} } = view;
  const values = valuesOf(parameters);
  const timezone = look("timezone") ?? null;
  return { resource, parameters, values, attributes, state, queryMode, theme: theme(), locale: root.lang, timezone };
}

function setBusy(busy) {
  part("embed").setAttribute("aria-busy", Boolean(busy));
  disableControls(Boolean(busy) || expired, busy);
}

function tellSize() {
  const { classList, offsetHeight } = part("embed");
  // Neither the skeleton's height nor the window's own is news.
  if (part("skeleton").hidden && !classList.contains("fills")) tellHeight(offsetHeight);
}

// ---- what the content asks ----

function contentSaid(type, data) {
  if (type === "height") tellSize(); // it may be as high as it was while it filled the window
  if (type === "height" && begun) {
    tell("loaded", { duration: Math.round(performance.now() - begun) }, view);
    begun = 0;
  }
  if (type === "navigate") leave(data.url);
  if (type === "download") download(data);
}

// A link in the content leads out of the frame. In MotherDuck's page the host opens it, elsewhere we may.
function leave(target) {
  let url;
  try { url = new URL(target); } catch { return; }
  if (!/^https?:$/.test(url.protocol)) return;
  tell("navigate", { url: url.href }, view);
  if (place.inSandbox) askToNavigate(url.href);
  else window.open(url.href, "_blank", "noopener,noreferrer");
}

function download({ name, text, mime }) {
  // The owner allows it; whoever frames the page can only take it away.
  const isAllowed = view.downloads && flag("downloads", true) && !flag("hide_download_button", false);
  if (!isAllowed || typeof name !== "string" || typeof text !== "string") return;
  const link = document.createElement("a");
  link.download = name.replace(/[^\w.() -]/g, "_").slice(0, 100);
  link.href = URL.createObjectURL(new Blob([text], { type: typeof mime === "string" ? mime : "text/plain" }));
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  tell("download", { name: link.download, format: /\w+$/.exec(link.download)?.[0] ?? "" }, view);
}

// ---- what the host asks ----

const ASKED = {
  theme: (name) => setLook("theme", name),
  locale: (name) => setLook("locale", name),
  timezone: (name) => setLook("timezone", name),
  brand: (theme) => { Object.assign(looks.host, looksOfBrand(theme)); applyLooks(); },
  params: setParameters,
  filters: (pairs) => { filters.push(...pairs.filter(([name]) => name.startsWith("f_"))); if (view && applyFilters(view)) load(true); },
  session: renew,
  refresh: () => { if (view && !expired) load(); },
  navigate: goTo,
};

function setLook(name, value) {
  if (value !== undefined && typeof value !== "string") return;
  looks.host[name] = value;
  applyLooks();
}

// Another dashboard of the same session, in the same frame.
function goTo(target) {
  let url;
  try { url = new URL(target ?? "", location.href); } catch { return; }
  const { publicId, kind } = placeOf(url.pathname);
  if (!publicId || url.origin !== location.origin || kind !== place.kind || !speaksCube()) return;
  const previous = shown && location.pathname.replace(place.publicId, shown);
  shown = publicId;
  wanted = new URLSearchParams();
  filters = [...url.searchParams].filter(([name]) => name.startsWith("f_"));
  told = null;
  begun = performance.now();
  tell("navigate", { path: url.pathname, previous }, view);
  load(true);
}

takeAddress();
applyLooks();
watchControls((parameter, values) => { setParameter(parameter, values); load(true); });
watchContent(contentSaid);
listen((name, value) => { if (Object.hasOwn(ASKED, name)) ASKED[name](value); });
addEventListener("hashchange", addressChanged);
// Timers sleep while a tab does.
document.addEventListener("visibilitychange", () => { if (!document.hidden && view) lookAtClock(); });
prefersDark.addEventListener("change", applyLooks);
new ResizeObserver(tellSize).observe(part("embed"));
load();
