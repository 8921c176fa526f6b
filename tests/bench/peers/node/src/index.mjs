// `GET /v1/view` of verify-token, written for Node: a frozen comparison. See ../../README.md.

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

// Warm up before the first request. A failure here is ignored: the request tries again.
await Promise.allSettled([signingKeys(), warm()]);

export async function handler(event) {
  const started = performance.now();
  const { requestId, http } = event.requestContext;
  const span = { request_id: requestId, method: http.method, route: "/v1/view", name: "request" };
  let status = 200;
  let body;
  let refusal;
  try {
    if (event.rawPath !== "/v1/view") throw new Refusal(404, "route not found");
    body = await open(embedToken(event.headers), event.rawQueryString, span);
  } catch (error) {
    refusal = error instanceof Refusal ? error : new Refusal(500, "internal", error.stack);
    status = refusal.status;
    body = { message: refusal.message, request_id: requestId };
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
        detail: refusal.detail,
        message: status >= 500 ? "failed" : "refused",
      }
    : { level: "INFO", status, milliseconds, message: "answered" };
  process.stdout.write(`${JSON.stringify({ ...line, span })}\n`);
}
