// What the address says: where the page is, the credential, and how it is to look.

const LOOKS = ["bordered", "titled", "theme", "background", "hide_parameters", "refresh", "font", "downloads",
  "hide_download_button", "locale"];

// What Cube's pages put into the query beside the session; none of it is a parameter of the content.
const OF_CUBE = /^(session|sessionId|locale|timezone|theme|allowExport|(show|hide)[A-Z]\w*|(f|tg|ms)_.+)$/;

const PLACES = [
  [/^(.*)\/sandbox\/?$/, ([, base]) => ({ base, kind: "dive", inSandbox: true })],
  [/^(.*)\/embed\/d\/(\d+)\/dashboard\/([^/]+)\/?$/,
    ([, base, deployment, credential]) => ({ base, kind: "dashboard", deployment: +deployment, credential })],
  [/^(.*)\/embed\/([^/]+)\/([^/]+)\/?$/, ([, base, kind, credential]) => ({ base, kind, credential })],
];

const isPublicId = (text) => /^[A-Za-z0-9]{12}$/.test(text ?? "");

// What stands before /embed is kept as `base`: a deployment may live under a path of its own.
export function placeOf(path) {
  for (const [pattern, read] of PLACES) {
    const found = pattern.exec(path);
    if (!found) continue;
    const place = read(found);
    return { ...place, publicId: isPublicId(place.credential) ? place.credential : null };
  }
  return { base: "" };
}

export const place = placeOf(location.pathname);

// Cube's hosts name a dashboard by its public id and put the session into the query.
let cube = Boolean(place.deployment);
export const speaksCube = () => cube;

// The credential that the address brings; what is secret is taken out of it at once. Empty: none, or the same.
let last = "";
export function takeCredential() {
  const found = place.publicId ? takeHidden() || takeQueried() : place.inSandbox ? takeHidden() : place.credential;
  const fresh = credentialIn(found);
  if (!fresh || fresh === last) return "";
  last = fresh;
  return fresh;
}

function takeHidden() {
  const { hash, search } = location;
  const found = /[#&]session=([^&]*)/.exec(hash);
  if (found) rewrite(search, hash.replace(/([#&])session=[^&]*&?/g, "$1").replace(/[#&]$/, ""));
  return decode(found?.[1] ?? "");
}

function takeQueried() {
  const query = new URLSearchParams(location.search);
  const found = query.get("session") ?? query.get("sessionId");
  cube ||= place.kind === "dashboard" && (found !== null || !last);
  if (!cube || found === null) return "";
  query.delete("session");
  query.delete("sessionId");
  rewrite(String(query) && `?${query}`, location.hash);
  return found;
}

function rewrite(search, hash) {
  try {
    history.replaceState(null, "", location.pathname + search + hash);
  } catch {
    // An opaque origin may not be allowed to rewrite its address; its fragment it may.
    if (search === location.search) location.replace(hash || "#");
  }
}

// The credential in what a host hands over for this page.
export function credentialIn(text) {
  if (typeof text !== "string") return "";
  return place.inSandbox ? tokenOf(text) : text;
}

// A dive's session string is base64url of JSON, in which the token is.
function tokenOf(string) {
  try {
    const { token } = JSON.parse(atob(string.replace(/-/g, "+").replace(/_/g, "/")));
    return typeof token === "string" ? token : "";
  } catch {
    return "";
  }
}

function decode(value) {
  try { return decodeURIComponent(value); } catch { return value; }
}

// Everything else: the looks, the parameters that are asked for, and Cube's filters.
export function readAddress() {
  const hash = new URLSearchParams(location.hash.slice(1));
  const query = new URLSearchParams(location.search);
  const looks = Object.fromEntries(LOOKS.map((name) => [name, hash.get(name) ?? undefined]));
  const queryMode = query.get("queryMode") === "dual" ? "dual" : "server";
  if (place.inSandbox) query.delete("queryMode");
  const filters = [];
  if (cube) {
    Object.assign(looks, looksOfCube(query));
    for (const [name, value] of [...query]) {
      if (!OF_CUBE.test(name)) continue;
      if (name.startsWith("f_")) filters.push([name, value]);
      query.delete(name);
    }
  }
  const taken = new Set([...query.keys(), ...LOOKS, "session"]);
  for (const [name, value] of hash) if (!taken.has(name)) query.append(name, value);
  return { looks, asked: query, filters, queryMode };
}

function looksOfCube(query) {
  const looks = {};
  for (const name of ["theme", "locale", "timezone"]) if (query.has(name)) looks[name] = query.get(name);
  // Only the very words count.
  if (["showDashboardHeader", "showDashboardTitle"].some((name) => query.get(name) === "false")) looks.titled = "false";
  looks.downloads = String(query.get("allowExport") === "true");
  return looks;
}

// `f_orders.status={"value":"completed"}` as the name of a member and its values.
export function readFilter([name, text]) {
  let said;
  try { said = JSON.parse(text); } catch { return null; }
  const value = said !== null && typeof said === "object" && !Array.isArray(said) ? said.values ?? said.value : said;
  const values = [].concat(value ?? []);
  if (!values.every((one) => ["string", "number", "boolean"].includes(typeof one))) return null;
  return { member: name.slice(2), values: values.map(String) };
}
