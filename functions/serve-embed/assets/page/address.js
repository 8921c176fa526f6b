// Reads the page's address: the kind and id of the resource, the credential, and display options.

const LOOKS = ["bordered", "titled", "theme", "background", "hide_parameters", "refresh", "font", "downloads",
  "hide_download_button", "locale"];

// Query parameters of Cube's own; none of them is a parameter of the content.
const CUBE_PARAMETERS = /^(session|sessionId|locale|timezone|theme|allowExport|(show|hide)[A-Z]\w*|(f|tg|ms)_.+)$/;

const ADDRESS_FORMS = [
  [/^(.*)\/sandbox\/?$/, ([, base]) => ({ base, kind: "dive", inSandbox: true })],
  [/^(.*)\/embed\/d\/(\d+)\/dashboard\/([^/]+)\/?$/,
    ([, base, deployment, credential]) => ({ base, kind: "dashboard", deployment: +deployment, credential })],
  [/^(.*)\/embed\/([^/]+)\/([^/]+)\/?$/, ([, base, kind, credential]) => ({ base, kind, credential })],
];

const isPublicId = (text) => /^[A-Za-z0-9]{12}$/.test(text ?? "");

// The path before /embed is kept as `base`, because a deployment may be served under a prefix.
export function parseAddress(path) {
  for (const [pattern, read] of ADDRESS_FORMS) {
    const found = pattern.exec(path);
    if (!found) continue;
    const address = read(found);
    return { ...address, publicId: isPublicId(address.credential) ? address.credential : null };
  }
  return { base: "" };
}

export const address = parseAddress(location.pathname);

// Cube's hosts use a public id in the path and pass the session in the query.
let cube = Boolean(address.deployment);
export const isCubeHost = () => cube;

// Returns the credential in the address, or an empty string if there is none or it has not changed. Secret parts are
// removed from the address at once.
let last = "";
export function takeCredential() {
  const found = address.publicId ? takeHidden() || takeQueried() : address.inSandbox ? takeHidden() : address.credential;
  const fresh = credentialFrom(found);
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
  cube ||= address.kind === "dashboard" && (found !== null || !last);
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
    // An opaque origin may not be allowed to replace its address, but it may always change the fragment.
    if (search === location.search) location.replace(hash || "#");
  }
}

// Extracts the credential from the session that a host passes to this page.
export function credentialFrom(text) {
  if (typeof text !== "string") return "";
  return address.inSandbox ? tokenOf(text) : text;
}

// A dive's session string is base64url-encoded JSON that contains the token.
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

// Reads the rest of the address: display options, requested parameters, and Cube's filters.
export function readAddress() {
  const hash = new URLSearchParams(location.hash.slice(1));
  const query = new URLSearchParams(location.search);
  const queryMode = query.get("queryMode") === "dual" ? "dual" : "server";
  if (address.inSandbox) query.delete("queryMode");
  const filters = readFilters(cube ? query : []);
  const cubeOptions = cube ? cubeLooks(query) : {};
  const looks = {};
  for (const name of LOOKS) {
    const values = query.getAll(name);
    looks[name] = hash.get(name) ?? values[0];
    query.delete(name);
    // The content may have a parameter of this name. The view tells.
    if (values.length) filters.push({ member: name, values, isLook: true });
  }
  const taken = new Set([...query.keys(), ...LOOKS, "session"]);
  for (const [name, value] of hash) if (!taken.has(name)) query.append(name, value);
  return { looks: { ...looks, ...cubeOptions }, parameters: query, filters, queryMode };
}

// Removes Cube's own parameters from the query, and returns those that are display options.
function cubeLooks(query) {
  const looks = {};
  for (const name of ["theme", "locale", "timezone"]) if (query.has(name)) looks[name] = query.get(name);
  // Other spellings of true and false are ignored.
  if (["showDashboardHeader", "showDashboardTitle"].some((name) => query.get(name) === "false")) looks.titled = "false";
  looks.downloads = String(query.get("allowExport") === "true");
  for (const name of [...query.keys()]) if (CUBE_PARAMETERS.test(name)) query.delete(name);
  return looks;
}

// Parses `f_orders.status={"value":"completed"}` into the name of a member and its values. Other pairs are left out.
export const readFilters = (pairs) => [...pairs].map(readFilter).filter(Boolean);

function readFilter([name, text]) {
  if (!name.startsWith("f_")) return null;
  let filter;
  try { filter = JSON.parse(text); } catch { return null; }
  const value = filter !== null && typeof filter === "object" && !Array.isArray(filter) ? filter.values ?? filter.value : filter;
  const values = [].concat(value ?? []);
  if (!values.every((one) => ["string", "number", "boolean"].includes(typeof one))) return null;
  return { member: name.slice(2), values: values.map(String) };
}
