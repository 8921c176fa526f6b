// Mounts an embed in a host page, renews its session, and exchanges messages with it, only with its own origin.

export const EVENTS = ["ready", "error", "expiring", "expired", "params", "parameter-changed", "state-changed", "card-loaded", "card-failed", "notice", "resize", "download", "navigate"];
const FORMATS = ["csv", "xlsx", "json", "png", "svg"];
const SANDBOX = "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox allow-downloads";
const LONGEST_PAUSE = 60_000;

const mounted = new WeakMap(); // element -> embed

// Mounts an embed in `element`. A second call for the same element updates the existing embed.
export function mount(element, options) {
  const present = mounted.get(element);
  if (present) {
    present.update(options);
    return present;
  }
  const embed = new Embed(element, options);
  mounted.set(element, embed);
  return embed;
}

class Embed {
  #element; #options; #frame; #origin; #credential; #listeners = new Map([["data", new Set()]]); #gone = new AbortController();
  #renewals = 0; // numbers the renewals, because the result of an earlier one is ignored

  constructor(element, options) {
    if (!options?.src === !options?.fetchSession) throw new TypeError("mount needs either src or fetchSession");
    this.#element = element;
    this.#options = { height: "auto", title: "Embedded content", ...options };
    for (const type of EVENTS) if (options.on?.[type]) this.on(type, options.on[type]);
    if (options.onData) this.onData(options.onData);
    addEventListener("message", (event) => this.#receive(event), { signal: this.#gone.signal });
    if (options.src) this.#show(options.src);
    else this.#renew();
  }

  // Calls `listener` with each event of a type. Returns a function that removes the listener.
  on(type, listener) {
    if (!EVENTS.includes(type)) throw new TypeError(`unknown event ${type}; the events are ${EVENTS.join(", ")}`);
    if (!this.#listeners.has(type)) this.#listeners.set(type, new Set());
    this.#listeners.get(type).add(listener);
    return () => this.#listeners.get(type).delete(listener);
  }

  // Calls `listener` with the rows of each card, of those that are there and of those to come. Returns a function that removes it.
  onData(listener) {
    this.#listeners.get("data").add(listener);
    this.#send("data", true);
    return () => {
      this.#listeners.get("data").delete(listener);
      if (!this.#listeners.get("data").size) this.#send("data", false);
    };
  }

  // Saves what a card shows as a file of the viewer's. A question has no cards: `download(null, "csv")`.
  download(card, format) {
    if (!FORMATS.includes(format)) throw new TypeError(`unknown format ${format}; the formats are ${FORMATS.join(", ")}`);
    this.#send("download", { card, format });
  }

  // Changes options. Display options need no request; a new `src` of the same content only replaces the session.
  update({ src, fetchSession, params, theme, locale, height } = {}) {
    const differs = (name, value) => value !== undefined && value !== this.#options[name];
    const [newSource, newTheme, newLocale] = [differs("src", src), differs("theme", theme), differs("locale", locale)];
    if (differs("fetchSession", fetchSession)) refresher.resume();
    const given = { src, fetchSession, theme, locale, height };
    for (const [name, value] of Object.entries(given)) if (value !== undefined) this.#options[name] = value;
    if (height !== undefined) this.#setHeight();
    if (newTheme) this.#send("theme", theme);
    if (newLocale) this.#send("locale", locale);
    if (newSource) this.#use(src);
    if (params) this.setParameters(params);
  }

  setParams(params) {
    this.setParameters(params);
  }

  setParameters(params) {
    this.#options.params = { ...this.#options.params, ...params };
    this.#send("params", params);
  }

  // Changes keys of the content's own state. The other keys stay.
  setState(keys) {
    this.#send("state", keys);
  }

  refresh() {
    this.#send("refresh");
  }

  destroy() {
    this.#gone.abort();
    this.#frame?.remove();
    this.#frame = null;
    for (const listeners of this.#listeners.values()) listeners.clear();
    if (mounted.get(this.#element) === this) mounted.delete(this.#element);
  }

  // ---- the frame ----

  #show(src) {
    const url = new URL(src, document.baseURI);
    if (!/^https?:$/.test(url.protocol)) throw new TypeError("src must be an http or https URL");
    this.#origin = url.origin;
    this.#credential = credentialOf(url);
    const fragment = new URLSearchParams(url.hash.slice(1));
    const { params = {}, theme, locale, title } = this.#options;
    for (const [name, value] of Object.entries({ theme, locale })) if (value !== undefined) fragment.set(name, value);
    for (const [name, value] of Object.entries(params)) for (const one of [].concat(value ?? "")) fragment.append(name, one);
    url.hash = String(fragment);
    const frame = document.createElement("iframe");
    Object.assign(frame, { title, allow: "fullscreen", referrerPolicy: "strict-origin" });
    frame.setAttribute("sandbox", SANDBOX);
    Object.assign(frame.style, { display: "block", width: "100%", height: "20rem", border: "0" });
    frame.addEventListener("load", () => {
      this.#send("hello");
      if (this.#listeners.get("data").size) this.#send("data", true);
    });
    this.#frame?.remove();
    this.#frame = frame;
    this.#setHeight();
    frame.src = url.href;
    this.#element.append(frame);
  }

  #setHeight() {
    const { height } = this.#options;
    if (this.#frame && height !== "auto") this.#frame.style.height = typeof height === "number" ? `${height}px` : height;
  }

  // Takes a new source. For the same content only the credential is replaced, and the viewer's selection stays.
  #use(src) {
    const url = new URL(src, document.baseURI);
    const shown = this.#frame && new URL(this.#frame.src);
    const credential = credentialOf(url);
    if (!shown || url.origin !== shown.origin || contentOf(url) !== contentOf(shown)) return this.#show(src);
    if (credential === this.#credential) {
      const message = "fetchSession returned the session that has just expired; it must ask your backend for a new one.";
      console.error(`Vitrine: ${message}`);
      return this.#emit("error", { reason: "session_repeated", message, request_id: null });
    }
    this.#credential = credential;
    this.#send("session", credential);
  }

  #send(type, value) {
    // Only to the origin of `src`: a frame that was navigated elsewhere receives nothing.
    this.#frame?.contentWindow?.postMessage({ source: "vitrine-host", type, value }, this.#origin);
  }

  #receive({ source, origin, data }) {
    if (!this.#frame || source !== this.#frame.contentWindow || origin !== this.#origin) return;
    if (data?.source !== "vitrine") return;
    const { source: _, type, ...detail } = data;
    if (type === "data") this.#emit(type, detail);
    if (type === "parameters-changed") {
      const { parameters, changed } = detail;
      for (const slug of changed) this.#emit("parameter-changed", { slug, value: parameters[slug], parameters });
    }
    if (!EVENTS.includes(type)) return;
    if (type === "resize" && this.#options.height === "auto") this.#frame.style.height = `${detail.height}px`;
    if (type === "ready" && detail.title && this.#options.title === "Embedded content") this.#frame.title = detail.title;
    this.#emit(type, detail);
    const isOver = type === "expired" || (type === "error" && /^(session_|token_expired)/.test(detail.reason));
    if (this.#options.fetchSession && (type === "expiring" || isOver)) this.#renew();
  }

  #emit(type, detail) {
    for (const listener of this.#listeners.get(type) ?? []) {
      try { listener(detail); } catch (error) { reportError(error); }
    }
  }

  // ---- the session ----

  async #renew() {
    const own = ++this.#renewals;
    const { signal } = this.#gone;
    try {
      const answer = await refresher.ask(() => this.#options.fetchSession({ signal }), signal, (problem) => this.#failed(problem));
      if (own === this.#renewals && !signal.aborted) this.#use(sourceOf(answer));
    } catch (problem) {
      if (!signal.aborted) this.#failed(problem);
    }
  }

  #failed(problem) {
    const { status = null } = problem ?? {};
    const message = problem?.message ?? String(problem);
    this.#emit("error", { reason: "session_fetch", message, status, request_id: null });
  }
}

// Shared by all embeds of the page. Embeds that expire together fetch their sessions one after the other, share their
// back-off, and all stop when the host's backend answers that the viewer is signed out.
const refresher = {
  last: Promise.resolve(),
  stopped: null,

  ask(fetchSession, signal, failed) {
    const asking = this.last.then(() => this.retry(fetchSession, signal, failed));
    this.last = asking.catch(() => {});
    return asking;
  },

  async retry(fetchSession, signal, failed) {
    for (let pause = 1_000; ; pause = Math.min(pause * 2, LONGEST_PAUSE)) {
      if (this.stopped) throw this.stopped;
      try {
        const answer = await fetchSession();
        if (answer?.status !== undefined && answer.ok === false) throw Object.assign(new Error(`status ${answer.status}`), { status: answer.status });
        return typeof answer?.json === "function" ? await answer.json() : answer;
      } catch (problem) {
        if (signal.aborted) throw problem;
        if ([401, 403].includes(problem?.status)) throw this.stopped = problem;
        failed(problem);
        // With jitter, so that the pages of many viewers do not retry together.
        await new Promise((go) => setTimeout(go, pause * (0.5 + Math.random() / 2)));
        if (signal.aborted) throw problem;
      }
    }
  },

  resume() {
    this.stopped = null;
  },
};

// Returns the URL to frame from the result of `fetchSession`.
function sourceOf(answer) {
  const src = typeof answer === "string" ? answer : answer?.embed_url ?? answer?.src;
  if (typeof src === "string") return src;
  throw new TypeError("fetchSession must return a URL, or an object with embed_url or src");
}

function credentialOf(url) {
  const hidden = new URLSearchParams(url.hash.slice(1)).get("session");
  return hidden ?? url.searchParams.get("session") ?? url.searchParams.get("sessionId") ?? lastPart(url);
}

const lastPart = ({ pathname }) => pathname.replace(/\/$/, "").split("/").at(-1);

// Identifies the content without the credential. Only the server can read a token in the path, so there the content is
// identified by its kind alone.
function contentOf(url) {
  const isToken = lastPart(url).split(".").length === 3;
  return isToken ? url.pathname.slice(0, url.pathname.lastIndexOf("/")) : url.pathname.replace(/\/$/, "");
}
