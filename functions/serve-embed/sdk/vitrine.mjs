// Puts an embed into a host page, keeps its session fresh, and speaks with it: to its origin and no other.

const EVENTS = ["ready", "error", "expiring", "expired", "params", "resize", "download", "navigate"];
const SANDBOX = "allow-scripts allow-same-origin allow-forms allow-popups allow-popups-to-escape-sandbox allow-downloads";
const LONGEST_PAUSE = 60_000;

const mounted = new WeakMap(); // element -> embed

// Mounts an embed into `element`. A second call for the same element updates the embed that is there.
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
  #element; #options; #frame; #origin; #credential; #listeners = new Map(); #gone = new AbortController();
  #asked = 0; // what came of an earlier question for a session is not waited for

  constructor(element, options) {
    if (!options?.src === !options?.fetchSession) throw new TypeError("mount needs either src or fetchSession");
    this.#element = element;
    this.#options = { height: "auto", title: "Embedded content", ...options };
    for (const type of EVENTS) if (options.on?.[type]) this.on(type, options.on[type]);
    addEventListener("message", (event) => this.#heard(event), { signal: this.#gone.signal });
    if (options.src) this.#show(options.src);
    else this.#renew();
  }

  // Calls `listener` with each event of a type; answers what takes it off again.
  on(type, listener) {
    if (!EVENTS.includes(type)) throw new TypeError(`there is no event ${type}: ${EVENTS.join(", ")}`);
    if (!this.#listeners.has(type)) this.#listeners.set(type, new Set());
    this.#listeners.get(type).add(listener);
    return () => this.#listeners.get(type).delete(listener);
  }

  // A new look costs no request; a new `src` of the same content renews it in place.
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
    if (params) this.setParams(params);
  }

  setParams(params) {
    this.#options.params = { ...this.#options.params, ...params };
    this.#send("params", params);
  }

  refresh() {
    this.#send("refresh");
  }

  destroy() {
    this.#gone.abort();
    this.#frame?.remove();
    this.#frame = null;
    this.#listeners.clear();
    if (mounted.get(this.#element) === this) mounted.delete(this.#element);
  }

  // ---- the frame ----

  #show(src) {
    const url = new URL(src, document.baseURI);
    if (!/^https?:$/.test(url.protocol)) throw new TypeError("src must be an http or https URL");
    this.#origin = url.origin;
    this.#credential = credentialOf(url);
    const said = new URLSearchParams(url.hash.slice(1));
    const { params = {}, theme, locale, title } = this.#options;
    for (const [name, value] of Object.entries({ theme, locale })) if (value !== undefined) said.set(name, value);
    for (const [name, value] of Object.entries(params)) for (const one of [].concat(value ?? "")) said.append(name, one);
    url.hash = String(said);
    const frame = document.createElement("iframe");
    Object.assign(frame, { title, allow: "fullscreen", referrerPolicy: "strict-origin" });
    frame.setAttribute("sandbox", SANDBOX);
    Object.assign(frame.style, { display: "block", width: "100%", height: "20rem", border: "0" });
    frame.addEventListener("load", () => this.#send("hello"));
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

  // Another source: of the same content its credential is enough, and what the viewer has selected stays.
  #use(src) {
    const url = new URL(src, document.baseURI);
    const shown = this.#frame && new URL(this.#frame.src);
    const credential = credentialOf(url);
    if (!shown || url.origin !== shown.origin || contentOf(url) !== contentOf(shown)) return this.#show(src);
    if (credential === this.#credential) {
      const message = "fetchSession answered the session that has just expired; it must ask your backend for a new one.";
      console.error(`Vitrine: ${message}`);
      return this.#emit("error", { reason: "session_repeated", message, request_id: null });
    }
    this.#credential = credential;
    this.#send("session", credential);
  }

  #send(type, value) {
    // Only ever to the origin that was asked for: a frame that was led elsewhere hears nothing.
    this.#frame?.contentWindow?.postMessage({ source: "vitrine-host", type, value }, this.#origin);
  }

  #heard({ source, origin, data }) {
    if (!this.#frame || source !== this.#frame.contentWindow || origin !== this.#origin) return;
    if (data?.source !== "vitrine" || !EVENTS.includes(data.type)) return;
    const { source: _, type, ...detail } = data;
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
    const mine = ++this.#asked;
    const { signal } = this.#gone;
    try {
      const answer = await refresher.ask(() => this.#options.fetchSession({ signal }), signal, (problem) => this.#failed(problem));
      if (mine === this.#asked && !signal.aborted) this.#use(sourceOf(answer));
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

// One for the whole page: embeds that expire together ask one after the other, share their back-off, and all stop
// when the host says that the viewer is not signed in any more.
const refresher = {
  last: Promise.resolve(),
  stopped: null,

  ask(fetchSession, signal, failed) {
    const asking = this.last.then(() => this.patiently(fetchSession, signal, failed));
    this.last = asking.catch(() => {});
    return asking;
  },

  async patiently(fetchSession, signal, failed) {
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
        // Spread, so that the pages of many viewers do not come back together.
        await new Promise((go) => setTimeout(go, pause * (0.5 + Math.random() / 2)));
        if (signal.aborted) throw problem;
      }
    }
  },

  resume() {
    this.stopped = null;
  },
};

// What `fetchSession` answers: the URL to frame, or one of the answers that has it.
function sourceOf(answer) {
  const src = typeof answer === "string" ? answer : answer?.embed_url ?? answer?.src;
  if (typeof src === "string") return src;
  throw new TypeError("fetchSession must answer a URL, or an object with embed_url or src");
}

function credentialOf(url) {
  const hidden = new URLSearchParams(url.hash.slice(1)).get("session");
  return hidden ?? url.searchParams.get("session") ?? url.searchParams.get("sessionId") ?? lastPart(url);
}

const lastPart = ({ pathname }) => pathname.replace(/\/$/, "").split("/").at(-1);

// What is shown, whoever is shown it: a token in the path says what only the server can read.
function contentOf(url) {
  const isToken = lastPart(url).split(".").length === 3;
  return isToken ? url.pathname.slice(0, url.pathname.lastIndexOf("/")) : url.pathname.replace(/\/$/, "");
}
