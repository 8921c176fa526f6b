// The host page of the local demo. It uses embeds as any product can, and nothing else.

import { mount } from "/vitrine.mjs";
import { coloured, languages, snippet } from "/demo/snippets.js";

const $ = (id) => document.getElementById(id);
const root = document.documentElement;
const stages = Object.fromEntries([...document.querySelectorAll("[data-dialect]")].map((node) => [node.dataset.dialect, new Stage(node)]));
let theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";

// ---- an embed and the backend code for it ----

function Stage(node) {
  const { dialect } = node.dataset;
  const [slot, said, made] = [".slot", ".said", ".made"].map((part) => node.querySelector(part));
  made.append($("code").content.cloneNode(true));
  const [list, copy, code, viewer] = ["[role=tablist]", ".copy", "pre", ".viewer select"].map((part) => made.querySelector(part));
  code.id = `${dialect}-code`;
  const tabs = languages.map(([language, name], index) => {
    const tab = Object.assign(document.createElement("button"), { type: "button", id: `${dialect}-${language}`, textContent: name });
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", code.id);
    tab.addEventListener("click", () => select(index));
    tab.addEventListener("keydown", ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (step) tabs.at((index + step) % tabs.length).focus(), select((index + step + tabs.length) % tabs.length);
    });
    return tab;
  });
  list.append(...tabs);
  copy.addEventListener("click", async () => {
    await navigator.clipboard.writeText(code.textContent);
    copy.textContent = "Copied";
    setTimeout(() => { copy.textContent = "Copy"; }, 1500);
  });

  let chosen = 0, latest;
  const select = (index) => {
    chosen = index;
    tabs.forEach((tab, at) => { tab.setAttribute("aria-selected", at === index); tab.tabIndex = at === index ? 0 : -1; });
    code.setAttribute("aria-labelledby", tabs[index].id);
    if (latest) code.replaceChildren(...coloured(snippet(dialect, languages[index][0], latest)));
  };

  // Calls the backend of this page, which is the local server itself.
  this.fetchEmbed = async (options = {}) => {
    const query = new URLSearchParams({ viewer: viewer.value, ...options });
    const response = await fetch(`/demo/embed/${dialect}?${query}`, { cache: "no-store" });
    if (!response.ok) throw Object.assign(new Error((await response.json()).message), { status: response.status });
    latest = await response.json();
    select(chosen);
    return latest;
  };

  this.say = (words, bad = false) => {
    said.textContent = words;
    said.classList.toggle("bad", bad);
  };

  // `source` is `{fetchSession}` or `{src}`, as `mount` takes it.
  this.show = (source) => {
    this.embed?.destroy();
    this.embed = mount(slot, { theme, ...source });
    const { embed, say } = this;
    embed.on("ready", ({ title, parameters }) => say(`ready: ${title}${told(parameters)}`));
    embed.on("params", ({ parameters }) => say(`params:${told(parameters)}`));
    embed.on("error", ({ reason, message }) => say(`${reason}: ${message}`, true));
    embed.on("notice", ({ reason, names }) => say(`${reason}: ${names.join(", ")}`, true));
    embed.on("expiring", ({ seconds }) => say(`expiring in ${seconds} seconds`));
    embed.on("expired", () => say("expired: the content stays, and nothing new is loaded", true));
    return embed;
  };

  // Another viewer is another person's browser: nothing of the first one's embed stays.
  viewer.addEventListener("change", () => {
    const who = node.querySelector(".who");
    const name = viewer.selectedOptions[0].textContent;
    who?.querySelector("b").replaceChildren(name[0]);
    who?.querySelector("span").replaceChildren(name);
    node.dispatchEvent(new Event("viewer"));
    this.start();
  });

  this.start = () => this.show({ fetchSession: () => this.fetchEmbed() });
}

const told = (parameters) => Object.entries(parameters).map(([slug, value]) => ` ${slug} = ${value ?? "any"}`).join(",");

// ---- things to try ----

const { metabase } = stages;
const buttons = ["locked", "enabled", "expire"].map($);

function press(button, pressed) {
  for (const one of buttons) one.setAttribute("aria-pressed", String(one === button && pressed));
}

$("locked").addEventListener("click", async ({ currentTarget: button }) => {
  const pressed = button.getAttribute("aria-pressed") !== "true";
  press(button, pressed);
  if (!pressed) return metabase.start();
  const src = new URL((await metabase.fetchEmbed()).src);
  src.search = "customer=hooli";
  metabase.show({ src: src.href });
});

$("enabled").addEventListener("click", ({ currentTarget: button }) => {
  const pressed = button.getAttribute("aria-pressed") !== "true";
  if (buttons.some((one) => one !== button && one.getAttribute("aria-pressed") === "true")) metabase.start();
  press(button, pressed);
  metabase.embed.setParams({ region: pressed ? "emea" : null });
});

document.querySelector("[data-dialect=metabase]").addEventListener("viewer", () => {
  press(null);
  delete $("expire").dataset.expired;
  $("expire").textContent = EXPIRE;
});

const EXPIRE = $("expire").textContent;

$("expire").addEventListener("click", async ({ currentTarget: button }) => {
  if (button.dataset.expired) {
    delete button.dataset.expired;
    button.textContent = EXPIRE;
    // Only the credential changes: the frame and the selection in it stay.
    metabase.embed.update({ src: (await metabase.fetchEmbed()).src });
    return metabase.say("a new token: the frame and the selection in it stay");
  }
  press(null);
  const { src, seconds } = await metabase.fetchEmbed({ seconds: 15 });
  const embed = metabase.show({ src });
  embed.on("ready", () => {
    const end = performance.now() + seconds * 1000;
    const count = () => {
      const left = Math.ceil((end - performance.now()) / 1000);
      if (embed !== metabase.embed || button.dataset.expired || left <= 0) return;
      button.textContent = `Expires in ${left} s`;
      setTimeout(count, 250);
    };
    count();
  });
  embed.on("expired", () => {
    button.dataset.expired = "yes";
    button.textContent = "Renew it in place";
  });
});

function applyTheme() {
  root.dataset.theme = theme;
  $("theme").textContent = theme === "dark" ? "Light" : "Dark";
  for (const { embed } of Object.values(stages)) embed?.update({ theme });
}

$("theme").addEventListener("click", () => {
  theme = theme === "dark" ? "light" : "dark";
  applyTheme();
});

applyTheme();
for (const stage of Object.values(stages)) stage.start();
