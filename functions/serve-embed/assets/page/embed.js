// The page inside the iframe: takes a credential, requests the view, shows it, and sends events to the host.

import { address, credentialFrom, isCubeHost, parseAddress, readAddress, readFilters, takeCredential } from "./address.js";
import { fetchAnswer, fetchFile, fetchValues, fetchView, useCredential } from "./api.js";
import { renderContent, unmount, watchContent } from "./content.js";
import { disableControls, renderControls, restoreControls, watchControls } from "./controls.js";
import { dropDrawing, isDrawn, likedHeight, prepareDrawing, renderDrawing, replayDrawing, saveDrawing } from "./drawing.js";
import { AnswersOfView } from "./answers.js";
import { mayShowTo, notifyHost, reportHeight, requestNavigation, watchHost } from "./host.js";
import { SANDBOX, language, prepareLanguage, sentence } from "./words.js";

const HOUR = 3_600_000;
const root = document.documentElement;
const part = (id) => document.getElementById(id);
const prefersDark = matchMedia("(prefers-color-scheme: dark)");

let publicId = address.publicId; // of the requested resource, if the address has one
let query = new URLSearchParams(), shownQuery; // parameters of the current request, and of the view that is shown
let filters = []; // they become parameters when the view says which ones there are
let ignored = []; // names that set nothing, and were not reported yet
const reportedNames = new Set();
let isRenewed = false, ownId; // ownId is the id of the resource that the address's own token names
let addressParameters, queryMode, spoken, words;
let view, reported = null, loadStart = performance.now();
let request, nextLoad, attempts = 0; // nextLoad is the timer of a retry or of a refresh; there is at most one
let end, notice, warned, expiry, expired = false;
const unanswered = []; // queries of the content that wait for a renewal
const renewed = []; // and downloads
let isDataWanted = false;
let loads = 0, changedState = null; // views that were loaded, and keys of the content's state that were changed here
const answers = new AnswersOfView(fetchAnswer);

// Display options. The host's messages override the address, which overrides the session.
const looks = { host: {}, address: {}, session: {} };
const look = (name) => looks.host[name] ?? looks.address[name] ?? looks.session[name];
const flag = (name, fallback) => ({ "": true, true: true, 1: true, false: false, 0: false })[look(name)] ?? fallback;

function takeAddress() {
  const fresh = takeCredential();
  if (fresh) useCredential(fresh);
  const read = readAddress();
  ({ queryMode } = read);
  looks.address = read.looks;
  const differs = addressParameters !== String(read.parameters);
  if (differs) {
    addressParameters = String(read.parameters);
    query = read.parameters;
    filters.push(...read.filters);
  }
  return Boolean(fresh) || differs;
}

// The host may change the fragment while the page is open. New display options need no request; a new session replaces
// the token.
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
  const own = request = new AbortController();
  const slow = setTimeout(setBusy, 150, byViewer || !view); // a shorter wait is not shown
  try {
    const fresh = await fetchView(publicId, String(query), own.signal);
    await prepareLanguage(looks.host.locale ?? looks.address.locale ?? fresh.session?.settings?.locale);
    if (own === request) accept(fresh);
  } catch (problem) {
    if (!problem.reason) console.error(problem); // an unexpected error, which would be lost otherwise
    await prepareLanguage(look("locale"));
    if (!words) applyLooks(); // `start` waits for the same words, and may get them later
    if (own === request) refuse({ reason: "unknown", ...problem }, byViewer);
  } finally {
    clearTimeout(slow);
    if (own === request) setBusy(false);
  }
}

function accept(fresh) {
  if (address.deployment && fresh.session && fresh.session.deployment !== address.deployment) throw { reason: "resource_mismatch" };
  if (!isOfAddress(fresh) && !mayShowTo(fresh.frame_origins)) throw { reason: "host_not_allowed" };
  for (const name of fresh.ignored ?? []) {
    ignored.push(name);
    query.delete(name);
  }
  if (applyFilters(fresh)) return load();
  if (fresh.expires_at !== view?.expires_at) notice = warned = null;
  view = fresh;
  loads += 1;
  answers.forget();
  shownQuery = query;
  attempts = 0;
  expired = false;
  for (const [question, reply] of unanswered.splice(0)) answerContent(question, reply);
  for (const go of renewed.splice(0)) go();
  looks.session = looksOfSession(fresh.session);
  showNotice("");
  applyLooks();
  watchExpiry();
  planRefresh();
  reportParameters();
  reportIgnored();
}

// Returns whether a view shows the resource that the address names, for which the response header was made.
function isOfAddress({ resource }) {
  if (address.inSandbox) return false;
  if (address.publicId) return resource.public_id === address.publicId;
  if (!isRenewed) ownId = resource.id;
  return resource.id === ownId;
}

function refuse(problem, byViewer) {
  const { reason, retry } = problem;
  if (view && /^(token_expired|session_)/.test(reason)) return expire();
  if (!retry || !attempts) report(problem);
  if (view && (retry || reason.startsWith("parameter_"))) showNotice(sentenceFor(problem));
  else fail(problem);
  if (retry) return planRetry(problem.after, byViewer);
  attempts = 0;
  if (!view) return;
  query = shownQuery;
  restoreControls();
  planRefresh();
}

function planRetry(after, byViewer) {
  const seconds = after > 0 ? after : Math.min(30, 2 ** attempts);
  attempts += 1;
  // With jitter: the embeds of one page fail together and must not retry together.
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

// Categories of what has queries are chosen from the values of the data, unless they declare theirs.
const withChoices = (parameter) => ({ ...parameter, has_values: isDrawn(view.content) && parameter.type === "category" && !parameter.values?.length });

function setParameter({ slug, id }, values) {
  query = new URLSearchParams(query);
  for (const name of [slug, id]) query.delete(name); // the address may have used its id
  for (const value of values.length ? values : [""]) query.append(slug, value);
}

function setChanged(changes) {
  for (const [parameter, values] of changes) setParameter(parameter, values);
  if (String(query) !== String(shownQuery)) load(true);
}

// Turns the filters of Cube's hosts into parameters, and display options in the query if the content has a parameter of
// the same name. Filters without a parameter are ignored, as Cube does.
function applyFilters({ parameters }) {
  const before = String(query);
  for (const { member, values, isLook } of filters.splice(0)) {
    const names = [member, member.split(".").at(-1)];
    const parameter = parameters.find(({ slug, id }) => names.includes(slug) || names.includes(id));
    if (parameter) setParameter(parameter, values);
    else if (!isLook) ignored.push(`f_${member}`);
    if (parameter && isLook) delete looks.address[member];
  }
  return before !== String(query);
}

function setParameters(values) {
  if (!view || !values || typeof values !== "object") return;
  for (const [slug, value] of Object.entries(values)) {
    const parameter = view.parameters.find((parameter) => parameter.slug === slug);
    if (parameter) setParameter(parameter, [].concat(value ?? []).map(String));
    else ignored.push(slug);
  }
  reportIgnored();
  if (String(query) !== String(shownQuery)) load(true);
}

// Tells the host once about each name that sets nothing.
function reportIgnored() {
  const names = ignored.splice(0).filter((name) => !reportedNames.has(name));
  for (const name of names) reportedNames.add(name);
  if (names.length) notifyHost("notice", { reason: "parameters_ignored", names }, view);
}

function reportParameters() {
  const parameters = valuesOf(visibleParameters());
  const [before, { kind, title }] = [reported, view.resource];
  reported = JSON.stringify(parameters);
  if (!before) return notifyHost("ready", { kind, title, parameters }, view);
  if (before === reported) return;
  const earlier = JSON.parse(before);
  const changed = Object.keys(parameters).filter((slug) => JSON.stringify(parameters[slug]) !== JSON.stringify(earlier[slug]));
  notifyHost("params", { parameters }, view);
  notifyHost("parameters-changed", { parameters, changed }, view);
}

// ---- expiry ----

function watchExpiry() {
  // Compares two times of the server, because this device's clock may be wrong.
  const left = view.expires_at ? Date.parse(view.expires_at) - Date.parse(view.server_time) : Infinity;
  end = performance.now() + left;
  notice ??= Math.min(HOUR, left / 10); // a tenth of the whole lifetime, so it is computed only once
  checkExpiry();
}

function checkExpiry() {
  clearTimeout(expiry);
  const left = end - performance.now();
  if (!(left < Infinity) || expired) return;
  if (left <= 0) return expire();
  if (left <= notice && !warned) {
    warned = true;
    notifyHost("expiring", { expires_at: view.expires_at, seconds: Math.round(left / 1000) }, view);
  }
  expiry = setTimeout(checkExpiry, Math.min(warned ? left : left - notice, 1e9)); // timers overflow above 2^31 ms
}

function expire() {
  stop();
  request?.abort();
  request = null; // ignores a response that is still under way
  expired = true;
  setBusy(false);
  showNotice("");
  render();
  notifyHost("expired", {}, view);
}

function stop() {
  clearTimeout(nextLoad);
  clearTimeout(expiry);
}

// Takes a new credential for the same content. The viewer's selection stays.
function renew(session) {
  const fresh = credentialFrom(session);
  if (!fresh) return;
  isRenewed = true;
  useCredential(fresh);
  load();
}

// ---- errors ----

const sentenceFor = (problem) => sentence(words, problem, address.inSandbox);

function fail(problem) {
  view = null;
  stop();
  unmount();
  dropDrawing();
  for (const { id } of part("embed").children) part(id).hidden = id !== "problem" && id !== "notice";
  showNotice("");
  part("sentence").textContent = sentenceFor(problem);
  part("reference").textContent = problem.request_id ? `${words.reference} ${problem.request_id}` : "";
}

function showNotice(text) {
  part("notice").textContent = text;
}

function report(problem) {
  const { reason, message, request_id = null } = problem;
  notifyHost("error", { reason, message: message || sentenceFor(problem), request_id }, view);
}

// ---- display options ----

function looksOfSession(session) {
  const { locale, timezone, theme } = session?.settings ?? {};
  return { locale, timezone, theme, ...looksOfBrand(session?.theme) };
}

function applyLooks() {
  const chosen = language(look("locale"));
  if (!chosen.words) prepareLanguage(look("locale")).then(applyLooks);
  if (chosen.words) ({ words } = spoken = chosen);
  root.lang = chosen.name;
  root.dir = chosen.dir;
  root.dataset.theme = theme();
  // Metabase shows a border around embedded content unless the address turns it off.
  root.toggleAttribute("data-bordered", flag("bordered", !address.publicId && !address.inSandbox && parent !== window));
  root.toggleAttribute("data-background", flag("background", true) && look("theme") !== "transparent");
  setStyle("--accent", look("accent"));
  setStyle("--radius", look("radius"));
  setStyle("--font", /^[\w -]{1,60}$/.test(look("font") ?? "") && `"${look("font")}", system-ui, sans-serif`);
  if (view && chosen.words) render();
}

function theme() {
  const name = look("theme");
  return /^(night|dark)$/.test(name) || (name === "auto" && prefersDark.matches) ? "dark" : "light";
}

function setStyle(name, value) {
  if (value) root.style.setProperty(name, value);
  else root.style.removeProperty(name);
}

// Reads the colour, corner radius and font of one of Cube's themes. Other members are ignored.
function looksOfBrand(brand) {
  const { primaryColor, font, borderRadius } = brand ?? {};
  const looks = {};
  if (CSS.supports("color", primaryColor ?? "")) looks.accent = primaryColor;
  if (borderRadius >= 0 && borderRadius <= 40) looks.radius = `${borderRadius}px`;
  if (typeof font === "string") looks.font = font;
  return looks;
}

// ---- rendering ----

function render() {
  const { title, description } = view.resource;
  document.title = part("title").textContent = title;
  part("description").textContent = description ?? "";
  part("heading").hidden = !flag("titled", true);
  part("expired").textContent = address.inSandbox ? SANDBOX.expired : words.expired;
  part("expired").hidden = !expired;
  part("problem").hidden = part("skeleton").hidden = true;
  part("content").hidden = false;
  renderControls(visibleParameters().map(withChoices), spoken, expired);
  if (isDrawn(view.content)) {
    unmount();
    renderDrawing(view, drawing).catch((problem) => refuse({ reason: "unknown", ...problem }));
  } else {
    dropDrawing();
    renderContent(view.content, contentMessage(), { empty: words.empty, failed: sentenceFor({ reason: "unknown" }) });
  }
  reportSize();
}

// The parts of the page that drawings need.
const drawing = {
  fetchAnswer,
  isShown: (one) => one === view,
  looks: () => ({ theme: theme(), locale: root.lang, timezone: look("timezone") ?? null, downloads: mayDownload() }),
  values: () => chosenValues(),
  asked: (what) => asked(what),
  fetchFile,
  whenValid: () => (expired ? new Promise((go) => renewed.push(go)) : null),
  deliver: (blob, name) => deliver(blob, name),
  showNotice: (text) => showNotice(text),
  notSaved: (problem) => {
    report(problem);
    showNotice(sentenceFor({ ...problem, retry: false }));
  },
  // The host hears of each card's answer, and receives the rows if it asked for them.
  loaded: (card, { columns, rows, truncated, as_of }) => {
    notifyHost("card-loaded", { ...card, rows: rows?.length ?? 0 }, view);
    if (isDataWanted) notifyHost("data", { ...card, columns, rows, truncated, as_of }, view);
  },
  failed: (card, { reason, message, request_id = null, ...problem }) =>
    notifyHost("card-failed", { ...card, reason, message: message || sentenceFor({ ...problem, reason }), request_id }, view),
  words: () => words,
  drawingWords: () => spoken.drawing,
  sentenceFor: (problem) => sentenceFor(problem),
  handle: (type, data) => handleContent(type, data),
  // Returns whether the page itself says it.
  refused: (problem) => {
    if (/^(token_expired|session_)/.test(problem.reason)) return expire(), true;
    report(problem);
    return false;
  },
};

// The message to the content: the view, and nothing of the credential.
function contentMessage() {
  const { resource, parameters, state = null, attributes = {} } = view;
  const values = valuesOf(parameters);
  const timezone = look("timezone") ?? null;
  return { resource, parameters, values, attributes, state: changedState ? { ...state, ...changedState } : state, load: loads, queryMode, theme: theme(), locale: root.lang, timezone };
}

function setBusy(busy) {
  part("embed").setAttribute("aria-busy", Boolean(busy));
  disableControls(Boolean(busy) || expired, busy);
}

function reportSize() {
  const { classList, offsetHeight } = part("embed");
  const liked = likedHeight();
  if (liked !== null) return reportHeight(liked);
  // The height of the skeleton, or of content that fills the window, is not the height of the content.
  if (part("skeleton").hidden && !classList.contains("fills")) reportHeight(offsetHeight);
}

// ---- requests of the content ----

function handleContent(type, data, reply) {
  if (type === "height") reportSize(); // the height may be the same as while it filled the window
  if (type === "height" && loadStart) {
    notifyHost("loaded", { duration: Math.round(performance.now() - loadStart) }, view);
    loadStart = 0;
  }
  if (type === "navigate") leave(data.url);
  if (type === "download") download(data);
  if (type === "fallback") notifyHost("notice", { reason: "display_is_table", ...data }, view);
  if (type === "query") answerContent(data, reply);
  if (type === "state" && changeState(data.state)) notifyHost("state-changed", { state: contentMessage().state }, view);
}

// The content has no token: it asks for a published query by name, with values for the parameters that the viewer may set.
// Questions after the expiry are answered when the credential is renewed, so that the content goes on showing what it has.
async function answerContent(question, reply) {
  if (expired) return void unanswered.push([question, reply]);
  const { name, sql, parameters, fresh } = question;
  try {
    const what = asked(sql === undefined ? { query: String(name) } : { sql: String(sql) }, parameters);
    const { columns, rows, truncated, as_of } = await answers.of(what, { isKept: queryMode === "dual", isFresh: fresh });
    reply({ answer: { columns, rows, truncated, as_of } });
  } catch (problem) {
    const { reason = "unknown", message } = problem;
    if (/^(token_expired|session_)/.test(reason) && view) {
      unanswered.push([question, reply]);
      return void (expired || expire());
    }
    reply({ problem: { reason, message: message || sentenceFor({ ...problem, reason }) } });
  }
}

// Returns whether keys of the content's state were changed. As in a session, the state is small.
function changeState(keys) {
  const state = { ...changedState, ...keys };
  if (!view || keys === null || typeof keys !== "object" || Array.isArray(keys) || JSON.stringify(state).length > 65536) return false;
  changedState = state;
  return true;
}

// A request about what is shown, with the viewer's values.
const asked = (what, parameters) => ({ resource: { [view.resource.kind]: view.resource.id }, ...what, parameters: { ...chosenValues(), ...parameters } });

// The viewer's own values, by slug. All others are the server's to know.
function chosenValues() {
  const values = {};
  for (const { slug, id } of view.parameters) {
    const given = [slug, id].flatMap((name) => (name ? shownQuery.getAll(name) : []));
    if (given.length) values[slug] = given.length > 1 ? given : given[0] || null;
  }
  return values;
}

// Follows a link out of the content. In MotherDuck's page the host opens it, elsewhere this page does.
function leave(target) {
  let url;
  try { url = new URL(target); } catch { return; }
  if (!/^https?:$/.test(url.protocol)) return;
  notifyHost("navigate", { url: url.href }, view);
  if (address.inSandbox) requestNavigation(url.href);
  else window.open(url.href, "_blank", "noopener,noreferrer");
}

// The owner allows downloads; the host can only disable them.
const mayDownload = () => Boolean(view?.downloads) && flag("downloads", true) && !flag("hide_download_button", false);

function download({ name, text, mime }) {
  if (!mayDownload() || typeof name !== "string" || typeof text !== "string") return;
  deliver(new Blob([text], { type: typeof mime === "string" ? mime : "text/plain" }), name.replace(/[^\w.() -]/g, "_").slice(0, 100));
}

function deliver(blob, name) {
  const link = Object.assign(document.createElement("a"), { download: name, href: URL.createObjectURL(blob) });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  notifyHost("download", { name, format: /\w+$/.exec(name)?.[0] ?? "" }, view);
}

// ---- requests of the host ----

const HOST_REQUESTS = {
  theme: (name) => setLook("theme", name),
  locale: (name) => setLook("locale", name),
  timezone: (name) => setLook("timezone", name),
  brand: (theme) => { Object.assign(looks.host, looksOfBrand(theme)); applyLooks(); },
  params: setParameters,
  filters: (pairs) => {
    filters.push(...readFilters(pairs));
    if (view && applyFilters(view)) load(true);
    else if (view) reportIgnored();
  },
  state: (keys) => { if (changeState(keys)) render(); },
  queryMode: (mode) => {
    queryMode = mode === "dual" ? "dual" : "server";
    if (view) render();
  },
  session: renew,
  refresh: () => { if (view && !expired) load(); },
  navigate: goTo,
  data: (isWanted) => {
    const before = isDataWanted;
    isDataWanted = Boolean(isWanted);
    if (isDataWanted && !before) replayDrawing();
  },
  download: ({ card = null, format }) => { if (view) saveDrawing(card, format).catch(() => drawing.notSaved({ reason: "network", retry: true })); },
};

function setLook(name, value) {
  if (value !== undefined && typeof value !== "string") return;
  looks.host[name] = value;
  applyLooks();
}

// Shows another dashboard of the same session in the same frame.
function goTo(path) {
  let url;
  try { url = new URL(path ?? "", location.href); } catch { return; }
  const target = parseAddress(url.pathname);
  if (!target.publicId || url.origin !== location.origin || target.kind !== address.kind || !isCubeHost()) return;
  const previous = publicId && location.pathname.replace(address.publicId, publicId);
  publicId = target.publicId;
  query = new URLSearchParams();
  filters = readFilters(url.searchParams);
  reportedNames.clear();
  reported = null;
  loadStart = performance.now();
  notifyHost("navigate", { path: url.pathname, previous }, view);
  load(true);
}

function start() {
  takeAddress();
  applyLooks();
  watchControls({ changed: setChanged, fetchValues: (slug, search, signal) => fetchValues(asked(), slug, search, signal) });
  watchContent(handleContent);
  watchHost((name, value) => { if (Object.hasOwn(HOST_REQUESTS, name)) HOST_REQUESTS[name](value); });
  addEventListener("hashchange", addressChanged);
  // Browsers pause the timers of hidden tabs.
  document.addEventListener("visibilitychange", () => { if (!document.hidden && view) checkExpiry(); });
  prefersDark.addEventListener("change", applyLooks);
  new ResizeObserver(reportSize).observe(part("embed"));
  if (address.kind === "question") prepareDrawing().catch(() => {}); // asked for again when it is needed
  load();
}

// An `async` script does not wait for the style sheet, so the request for the view starts as soon as the script has
// arrived. A cached one may even run before the HTML after it is parsed.
if (document.readyState === "loading") addEventListener("DOMContentLoaded", start, { once: true });
else start();
