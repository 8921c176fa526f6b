// The embed page with answers of the test's own.

import assert from "node:assert/strict";
import { byMonth } from "./drawings.mjs";

export const QUESTION = { type: "question", display: "bar", settings: {} };

export const viewOf = (content, more = {}) => ({
  resource: { kind: content.type, id: 7, title: "Revenue" }, parameters: [], content, expires_at: "2026-03-09T11:00:00Z", server_time: "2026-03-09T10:00:00Z", frame_origins: [], ...more,
});

// A view that answers as the server does: the parameters have the values of the address. Those in `locked` keep theirs.
export const viewWith = (content, parameters, more = {}) => (request) => {
  const query = new URL(request.url()).searchParams;
  const valueOf = ({ slug, multiple, value = null }) => (!query.has(slug) ? value : multiple ? query.getAll(slug).filter(Boolean) : query.get(slug) || null);
  return viewOf(content, { parameters: parameters.map((parameter) => ({ ...parameter, value: valueOf(parameter) })), ...more });
};

const CORS = { "access-control-allow-origin": "*", "access-control-allow-headers": "*" };

// Opens the page. `content` is what the view shows, or a function that returns the view; `answers` are the responses of the query, in
// their order, of which the last one stays, or a function of the request's body and address. An answer is a body, `{status, body}`,
// `{file, name}` or "abort".
export async function openEmbed(t, drawings, browser, { content = QUESTION, answers = [byMonth], more, at = `embed/${content.type ?? "question"}/token`, behind = "", options } = {}) {
  const context = await browser.newContext({ viewport: { width: 900, height: 600 }, ...options });
  t.after(() => context.close());
  const page = await context.newPage();
  const [asked, views, problems] = [[], [], []];
  page.on("pageerror", (error) => problems.push(String(error)));
  page.on("console", (message) => { if (/Content Security Policy/.test(message.text())) problems.push(message.text()); });
  const reply = (route, body, status = 200) => route.fulfill({ status, contentType: "application/json", headers: CORS, body: JSON.stringify(body) });
  await page.route("**/v1/view/**", (route) => {
    views.push(new URL(route.request().url()).searchParams);
    const found = typeof content === "function" ? content(route.request()) : viewOf(content, more);
    return reply(route, found.body ?? found, found.status);
  });
  await page.route("**/v1/query**", async (route) => {
    const request = route.request();
    const { pathname, search } = new URL(request.url());
    asked.push([request.method(), pathname + search, request.postDataJSON(), request.headers().authorization]);
    const answer = typeof answers === "function" ? await answers(request.postDataJSON(), pathname + search) : answers[Math.min(asked.length, answers.length) - 1];
    if (answer === "abort") return route.abort();
    if (answer.file === undefined) return reply(route, answer.body ?? answer, answer.status);
    const named = answer.name && { "content-disposition": `attachment; filename="file"; filename*=UTF-8''${encodeURIComponent(answer.name)}` };
    return route.fulfill({ status: 200, contentType: "application/octet-stream", headers: { ...CORS, ...named }, body: answer.file });
  });
  const requests = [];
  page.on("request", (request) => requests.push(new URL(request.url()).pathname.split("/").at(-1).replace(/\.[0-9a-f]{16}/, "")));
  t.after(() => assert.deepEqual(problems, []));
  await page.goto(`${drawings.base}${at}${behind}`);
  return { page, asked, views, requests };
}

// The frame of a page that was opened `at: "hosted/..."`, whose host has an `embed` of the host script.
export const framed = (page) => page.frameLocator("iframe");

export const hostEvents = (page, type) => page.evaluate((type) => globalThis.events.filter((event) => event.type === type), type);
