// The page's requests to the server. The token stays in memory in this module, and is never written into the document,
// into storage or into a message.

import { address } from "./address.js";

let session = "";
let token = null; // a promise, so that parallel loads exchange a single-use session only once

export function useCredential(fresh) {
  session = fresh;
  token = null;
}

export function fetchView(shown, query, signal) {
  // After back and reload the address no longer has the session.
  if (!session) throw { reason: address.publicId ? "session_missing" : "token_missing" };
  const exchange = token ??= address.publicId && !session.includes(".") ? redeem(session) : Promise.resolve(session);
  exchange.catch(() => { if (token === exchange) token = null; });
  const path = `/v1/view/${address.kind}${shown ? `/${shown}` : ""}${query && `?${query}`}`;
  // The address can have names that are none of ours. The server leaves them out and lists them.
  const headers = { prefer: "handling=lenient" };
  return exchange.then((token) => call(path, { headers: { ...headers, authorization: `Bearer ${token}` }, signal }));
}

async function redeem(session) {
  const body = JSON.stringify({ session });
  return (await call("/v1/sessions/redeem", { method: "POST", headers: { "content-type": "application/json" }, body })).token;
}

async function call(path, init) {
  const careful = { cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer" };
  let response;
  try {
    response = await fetch(location.origin + address.base + path, { ...careful, ...init });
    if (response.ok) return await response.json();
  } catch {
    throw { reason: "network", retry: true };
  }
  const { reason, message, request_id } = await response.json().catch(() => ({}));
  const retry = [429, 502, 503, 504].includes(response.status);
  const after = parseInt(response.headers.get("retry-after"), 10);
  throw { reason: reason ?? (retry ? "unavailable" : "unknown"), message, request_id, retry, after };
}
