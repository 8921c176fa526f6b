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

const post = (body, signal) => ({ method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body), signal });

// The answer of a published query.
export const fetchAnswer = (asked, signal) => patiently(async () => waitFor(await callAs("/v1/query", post(asked, signal)), signal), signal);

// The same answer as a file: its content and its name, if the server says one.
export const fetchFile = (asked, format) => patiently(() => callAs(`/v1/query?format=${format}`, post(asked), async (response) => {
  const name = /filename\*=UTF-8''([^;]+)/.exec(response.headers.get("content-disposition") ?? "")?.[1];
  return { blob: await response.blob(), name: name && decodeURIComponent(name) };
}));

// Values of a parameter that the data has, for the other values that are chosen: `[value]` or `[value, label]` each.
export const fetchValues = async (asked, slug, search, signal) =>
  (await callAs("/v1/query/values", post({ ...asked, parameter: slug, search }, signal))).values;

// A viewer may run a few queries at once and a stack some more, so those beyond wait.
async function patiently(ask, signal) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await ask();
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
function callAs(path, init, read) {
  // After back and reload the address no longer has the session.
  if (!session) throw { reason: address.publicId ? "session_missing" : "token_missing" };
  const exchange = token ??= address.publicId && !session.includes(".") ? redeem(session) : Promise.resolve(session);
  exchange.catch(() => { if (token === exchange) token = null; });
  return exchange.then((token) => call(path, { ...init, headers: { ...init.headers, authorization: `Bearer ${token}` } }, read));
}

async function redeem(session) {
  return (await call("/v1/sessions/redeem", post({ session }))).token;
}

async function call(path, init, read = (response) => response.json()) {
  const careful = { cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer" };
  let response;
  try {
    response = await fetch(location.origin + address.base + path, { ...careful, ...init });
    if (response.ok) return await read(response);
  } catch {
    throw { reason: "network", retry: true };
  }
  const { reason, message, request_id } = await response.json().catch(() => ({}));
  const retry = [429, 502, 503, 504].includes(response.status);
  const after = parseInt(response.headers.get("retry-after"), 10);
  throw { reason: reason ?? (retry ? "unavailable" : "unknown"), message, request_id, retry, after };
}
