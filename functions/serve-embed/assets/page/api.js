// The calls of the page. The token stays in memory here: never in the document, in storage or in a message.

import { place } from "./address.js";

let session = "";
let token = null; // a promise: a single-use session is exchanged once, however many loads want it

export function useCredential(fresh) {
  session = fresh;
  token = null;
}

export function fetchView(shown, query, signal) {
  // Back and reload bring an address whose session was taken out.
  if (!session) throw { reason: place.publicId ? "session_missing" : "token_missing" };
  const exchange = token ??= place.publicId && !session.includes(".") ? redeem(session) : Promise.resolve(session);
  exchange.catch(() => { if (token === exchange) token = null; });
  const path = `/v1/view/${place.kind}${shown ? `/${shown}` : ""}${query && `?${query}`}`;
  return exchange.then((token) => call(path, { headers: { authorization: `Bearer ${token}` }, signal }));
}

async function redeem(session) {
  const body = JSON.stringify({ session });
  return (await call("/v1/sessions/redeem", { method: "POST", headers: { "content-type": "application/json" }, body })).token;
}

async function call(path, init) {
  const careful = { cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer" };
  let response;
  try {
    response = await fetch(location.origin + place.base + path, { ...careful, ...init });
    if (response.ok) return await response.json();
  } catch {
    throw { reason: "network", retry: true };
  }
  const { reason, message, request_id } = await response.json().catch(() => ({}));
  const retry = [429, 502, 503, 504].includes(response.status);
  const after = parseInt(response.headers.get("retry-after"), 10);
  throw { reason: reason ?? (retry ? "unavailable" : "unknown"), message, request_id, retry, after };
}
