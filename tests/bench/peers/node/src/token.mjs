// Embed tokens: JWTs signed with HS256. `jsonwebtoken` verifies the signature; the strict checks of header and
// claims are here.

import jwt from "jsonwebtoken";
import { signingKeys, refreshedSigningKeys } from "./keys.mjs";
import { Refusal } from "./refusal.mjs";
import { now, settings } from "./settings.mjs";
import { isObject, isValue } from "./values.mjs";

const MAX_BYTES = 8 * 1024;
const LEEWAY_SECONDS = 60;
// Members that carry or fetch key material, or change how the token is to be read.
const REFUSED_MEMBERS = ["crit", "jwk", "jku", "x5u", "x5c", "b64"];
const EMBED_TYPES = ["jwt", "embed+jwt"];

export async function authenticate(token) {
  if (Buffer.byteLength(token) > MAX_BYTES) throw new Refusal(400, "token too large");
  const [header, payload] = split(token);
  const { kid } = readHeader(header);
  // An unknown key may be new: refresh the keys once.
  let candidates;
  for (const read of [signingKeys, refreshedSigningKeys]) {
    candidates = (await read()).filter((key) => mayVerify(key, kid));
    const signer = candidates.find((key) => isSignedBy(token, key));
    if (signer) return { kid: signer.kid, claims: readClaims(payload) };
  }
  throw new Refusal(401, kid === undefined || candidates.length > 0 ? "token signature" : "token key unknown");
}

const mayVerify = (key, kid) => (kid === undefined || key.kid === kid) && now() < key.verifiesUntil;

// Time and claims are checked later.
const VERIFY = { algorithms: ["HS256"], ignoreExpiration: true, ignoreNotBefore: true };

function isSignedBy(token, key) {
  try {
    jwt.verify(token, key.secret, VERIFY);
    return true;
  } catch {
    // Claims that are not JSON end here too: the library parses them before it verifies.
    return false;
  }
}

// Three parts of unpadded, canonical base64url.
function split(token) {
  const parts = token.split(".");
  const bytes = parts.map((part) => Buffer.from(part, "base64url"));
  if (parts.length !== 3 || parts.some((part, index) => bytes[index].toString("base64url") !== part)) {
    throw new Refusal(400, "token malformed");
  }
  return bytes;
}

function parsed(bytes) {
  try {
    return JSON.parse(bytes.toString());
  } catch {
    // Not JSON: the caller refuses `undefined`.
  }
}

function readHeader(bytes) {
  const header = parsed(bytes);
  if (!isObject(header)) throw new Refusal(401, "token header", "not a JSON object");
  const { alg, typ, kid } = header;
  if (alg == null || alg === false) throw new Refusal(401, "token algorithm");
  if (alg === "none") throw new Refusal(401, "token algorithm");
  if (alg !== "HS256") throw new Refusal(401, "token algorithm");
  const refused = REFUSED_MEMBERS.find((name) => Object.hasOwn(header, name));
  if (refused) throw new Refusal(401, "token header", `member ${refused}`);
  if (typ !== undefined && !(typeof typ === "string" && EMBED_TYPES.includes(typ.toLowerCase()))) {
    throw new Refusal(401, "token header", "typ");
  }
  if (kid !== undefined && typeof kid !== "string") throw new Refusal(401, "token header", "kid");
  return header;
}

function readClaims(bytes) {
  const claims = parsed(bytes);
  const wrong = (name) => new Refusal(401, "token claims", `claim ${name}`);
  if (!isObject(claims)) throw wrong("set");
  for (const name of ["exp", "nbf", "iat"]) {
    if (claims[name] !== undefined && !Number.isFinite(claims[name])) throw wrong(name);
  }
  for (const name of ["iss", "sub", "jti", "sid"]) {
    if (claims[name] !== undefined && typeof claims[name] !== "string") throw wrong(name);
  }
  const viewer = claims.viewer ?? {};
  const { id, attributes = {}, groups = [] } = viewer;
  const isViewer =
    isObject(viewer) &&
    (id == null || (typeof id === "string" && id.trim() !== "" && [...id].length <= 255)) &&
    isObject(attributes) &&
    Object.values(attributes).every(isValue) &&
    Array.isArray(groups) &&
    groups.every((group) => typeof group === "string");
  if (!isViewer) throw wrong("viewer");
  // Refuse the claims that this program does not implement.
  const ofASession = claims.sid !== undefined && claims.deploymentId !== undefined;
  if (ofASession || claims.account !== undefined || claims.version !== undefined || claims.state) {
    throw wrong("not implemented");
  }
  return { ...claims, viewer: { id, attributes } };
}

export function checkTime({ exp, nbf }) {
  const at = now();
  if (exp === undefined) {
    throw new Refusal(401, "token without expiry");
  } else if (Math.floor(exp) <= at - LEEWAY_SECONDS) {
    throw new Refusal(401, "token expired");
  } else if (Math.floor(exp) > at + settings.maxTokenLifetimeSeconds + LEEWAY_SECONDS) {
    throw new Refusal(401, "token lifetime");
  }
  if (nbf !== undefined && Math.floor(nbf) > at + LEEWAY_SECONDS) {
    throw new Refusal(401, "token not yet valid");
  }
}
