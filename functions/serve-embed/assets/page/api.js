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
  const path = `/v1/view/${address.kind}${shown ? `/${shown}` : ""}${query && `?${query}`}`;
  // The address can have names that are none of ours. The server leaves them out and lists them.
  return callAs(path, { headers: { prefer: "handling=lenient" }, signal });
}

// The answer of a published query. A viewer may run a few at once and a stack some more, so those beyond wait.
export async function fetchAnswer(asked, signal) {
  const ask = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(asked), signal };
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await waitFor(await callAs("/v1/query", ask), signal);
    } catch (problem) {
      if (!problem.retry || attempt === ATTEMPTS) throw problem;
      await pause(problem.after > 0 ? problem.after : 2 ** attempt / 4, signal);
    }
  }
}

const ATTEMPTS = 5;

// A slow query is answered with a handle, under which its answer is asked for less and less often.
async function waitFor(answer, signal) {
  for (let wait = 1; answer.handle; wait = Math.min(wait * 1.5, 10)) {
    await pause(Math.max(answer.retry_after ?? 0, wait), signal);
    answer = await callAs(`/v1/query/${encodeURIComponent(answer.handle)}`, { signal });
  }
  return answer;
}

// With jitter, so that the queries of one page do not come back together.
function pause(seconds, signal) {
  return new Promise((resolve, reject) => {
    const stop = () => { clearTimeout(timer); reject({ reason: "aborted" }); };
    const timer = setTimeout(() => { signal?.removeEventListener("abort", stop); resolve(); }, (seconds + Math.random() / 4) * 1000);
    if (signal?.aborted) stop();
    signal?.addEventListener("abort", stop, { once: true });
  });
}

// A request with the viewer's token.
function callAs(path, init) {
  // After back and reload the address no longer has the session.
  if (!session) throw { reason: address.publicId ? "session_missing" : "token_missing" };
  const exchange = token ??= address.publicId && !session.includes(".") ? redeem(session) : Promise.resolve(session);
  exchange.catch(() => { if (token === exchange) token = null; });
  return exchange.then((token) => call(path, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } }));
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
