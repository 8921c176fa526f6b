// Counts what a browser loads: the requests, their bytes on the wire, and the longest chain of sequential requests.

import { once } from "node:events";
import { createServer, request as forward } from "node:http";

// Every response through `SlowProxy` takes this long, so that requests that run in parallel overlap clearly and
// requests that wait for each other clearly do not.
const DELAY = 250;

// An origin of its own in front of `target`, with a delay like that of a distant network.
export class SlowProxy {
  static async start(target, { change = () => {} } = {}) {
    const server = createServer((incoming, outgoing) => {
      const { method, url, headers } = incoming;
      // The local server refuses a host name that is not its own.
      const changed = { ...headers, host: new URL(target).host };
      change(changed);
      const passed = forward(new URL(url, target), { method, headers: changed }, (response) => {
        setTimeout(() => {
          outgoing.writeHead(response.statusCode, response.headers);
          response.pipe(outgoing);
        }, DELAY);
      });
      passed.on("error", () => outgoing.destroy());
      incoming.pipe(passed);
    });
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    return new SlowProxy(server);
  }

  constructor(server) {
    Object.assign(this, { server, base: `http://127.0.0.1:${server.address().port}` });
  }

  async stop() {
    this.server.closeAllConnections();
    this.server.close();
  }
}

// Returns a function that resolves to the requests so far of a page to one origin, as Chromium's own network events report them. `bytes` is the encoded length of the
// whole response, headers included. Playwright also listens to the processes of sandboxed frames, which one session of
// the DevTools protocol does not.
export function watchNetwork(page, base) {
  const started = [];
  page.on("request", (request) => {
    if (request.url().startsWith(`${base}/`)) started.push(measure(request));
  });
  return () => Promise.all(started);
}

async function measure(request) {
  const response = await request.response();
  await response.finished();
  const sizes = await request.sizes();
  const { startTime, responseStart, responseEnd } = request.timing();
  return {
    path: new URL(request.url()).pathname,
    start: startTime,
    answered: startTime + responseStart,
    end: startTime + responseEnd,
    bytes: sizes.responseHeadersSize + sizes.responseBodySize,
    encoding: response.headers()["content-encoding"],
  };
}

export const bytesOf = (requests) => requests.reduce((sum, { bytes }) => sum + bytes, 0);

// The longest chain of requests of which each one started after the one before it was answered. Nothing can depend on
// an answer before its first byte, so no dependency is missed; behind `SlowProxy`, parallel requests never look like one.
export function longestChain(requests) {
  const chains = new Map();
  let longest = [];
  for (const request of requests.toSorted((one, other) => one.start - other.start)) {
    let before = [];
    for (const [earlier, chain] of chains) if (earlier.answered <= request.start && chain.length > before.length) before = chain;
    chains.set(request, [...before, request]);
    if (before.length >= longest.length) longest = chains.get(request);
  }
  return longest;
}
