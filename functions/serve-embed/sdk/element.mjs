// The element <vitrine-embed src="...">. Attributes are options of `mount`; `fetchSession`, `params` and `onData` are properties.

import { EVENTS, mount } from "./vitrine.mjs";

const ATTRIBUTES = ["src", "theme", "locale", "height", "title"];
const PROPERTIES = ["fetchSession", "params", "onData"];

// A class of its own only where there are elements, so that a server can import this as well.
const Base = globalThis.HTMLElement ?? class {};

export class VitrineEmbed extends Base {
  static observedAttributes = ATTRIBUTES.filter((name) => name !== "title");
  #embed = null; #given = {}; #changed = new Set();

  connectedCallback() {
    // Properties that were set before the element was defined are its own, and hide those of the class.
    for (const name of PROPERTIES) {
      if (!Object.hasOwn(this, name)) continue;
      const value = this[name];
      delete this[name];
      this[name] = value;
    }
    if (!this.style.display) this.style.display = "block";
    this.#plan("src");
  }

  // Moving the element within the page also disconnects it, but frames do not survive that either.
  disconnectedCallback() {
    this.#embed?.destroy();
    this.#embed = null;
  }

  attributeChangedCallback(name) {
    this.#plan(name);
  }

  get embed() { return this.#embed; }
  get fetchSession() { return this.#given.fetchSession; }
  set fetchSession(value) { this.#set("fetchSession", value); }
  get params() { return this.#given.params; }
  set params(value) { this.#set("params", value); }
  get onData() { return this.#given.onData; }
  set onData(value) { this.#given.onData = value; }

  setParameters(params) { this.#embed?.setParameters(params); }
  download(card, format) { this.#embed?.download(card, format); }
  setState(keys) { this.#embed?.setState(keys); }
  refresh() { this.#embed?.refresh(); }

  #set(name, value) {
    this.#given[name] = value;
    this.#plan(name);
  }

  // Once for all that is set together.
  #plan(name) {
    if (!this.#changed.size) queueMicrotask(() => {
      const changed = [...this.#changed];
      this.#changed.clear();
      if (this.isConnected) this.#apply(changed);
    });
    this.#changed.add(name);
  }

  #apply(changed) {
    const options = { ...this.#given };
    delete options.onData;
    for (const name of ATTRIBUTES) if (this.hasAttribute(name)) options[name] = this.getAttribute(name);
    if (/^\d+$/.test(options.height ?? "")) options.height = Number(options.height);
    if (options.src) delete options.fetchSession;
    // Values that stay the same must not undo the viewer's choice since then.
    if (this.#embed) return this.#embed.update(Object.fromEntries(Object.entries(options).filter(([name]) => changed.includes(name))));
    if (!options.src && !options.fetchSession) return;
    const on = Object.fromEntries(EVENTS.map((type) => [type, (detail) => this.dispatchEvent(new CustomEvent(type, { detail }))]));
    this.#embed = mount(this, { ...options, on, ...(this.#given.onData && { onData: (data) => this.#given.onData?.(data) }) });
  }
}

globalThis.customElements?.get("vitrine-embed") ?? globalThis.customElements?.define("vitrine-embed", VitrineEmbed);
