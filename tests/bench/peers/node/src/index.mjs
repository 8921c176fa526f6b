// `verify-token` as one would write it for Node: `GET /v1/view` behind API Gateway's HTTP API, to be measured
// beside ours. It reads what ours reads and refuses for the same reasons.
//
// Left out, all of which makes this one faster: dives, Cube's sessions and service accounts; the other routes;
// JSON that names a member twice; and what ours writes after its answer (uses of keys, and why it refused).

import { warm } from "./evidence.mjs";
import { signingKeys } from "./keys.mjs";
import { Refusal } from "./refusal.mjs";
import { open } from "./view.mjs";

const HEADERS = {
  "content-type": "application/json",
  "cache-control": "no-store",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
  "strict-transport-security": "max-age=31536000",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "x-frame-options": "DENY",
};

// Before the first request, when nobody waits. Failing here is no failure yet: the request tries again.
await Promise.allSettled([signingKeys(), warm()]);

export async function handler(event) {
  const started = performance.now();
  const { requestId, http } = event.requestContext;
  const span = { request_id: requestId, method: http.method, route: "/v1/view", name: "request" };
  let status = 200;
  let body;
  let refusal;
  try {
    if (event.rawPath !== "/v1/view") throw new Refusal("route_not_found");
    body = await open(embedToken(event.headers), event.rawQueryString, span);
  } catch (error) {
    refusal = error instanceof Refusal ? error : new Refusal("internal", { detail: error.stack });
    status = refusal.status;
    body = { message: refusal.message, code: refusal.code, reason: refusal.reason, request_id: requestId };
  }
  log(status, refusal, Math.floor(performance.now() - started), span);
  const headers = { ...HEADERS, "x-request-id": requestId };
  if (status === 401) headers["www-authenticate"] = "Bearer";
  if (status === 503) headers["retry-after"] = "1";
  return { statusCode: status, headers, body: JSON.stringify(body), isBase64Encoded: false };
}

function embedToken({ authorization = "" }) {
  return /^(?:Bearer|Embed-Token) +(.+)$/i.exec(authorization.trim())?.[1];
}

// One line of JSON for each request. Never the path, the token or a value.
function log(status, refusal, milliseconds, span) {
  const line = refusal
    ? {
        level: status >= 500 ? "ERROR" : "INFO",
        status,
        milliseconds,
        reason: refusal.reason,
        detail: refusal.detail,
        message: status >= 500 ? "failed" : "refused",
      }
    : { level: "INFO", status, milliseconds, message: "answered" };
  process.stdout.write(`${JSON.stringify({ ...line, span })}\n`);
}
