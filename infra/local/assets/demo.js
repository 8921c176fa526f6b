// The host page of the local demo: what a team's own product does with an embed, and nothing that it could not do.
(() => {
  "use strict";

  const $ = (id) => document.getElementById(id);
  const root = document.documentElement;
  let baseUrl = location.origin;
  let signedAt;
  let embed; // the one that is shown
  let chosen = 0;
  let query = "";
  let theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
  let frame;
  let answered = () => {}; // what a button wants to know of the embed's next event

  // ---- the embed ----

  async function show(newQuery) {
    query = newQuery;
    try {
      const response = await fetch("/_local/demo", { cache: "no-store" });
      if (!response.ok) throw new Error(response.statusText);
      const answer = await response.json();
      baseUrl = answer.base_url;
      signedAt = answer.now;
      embed = answer.embeds[chosen];
      listReports(answer.embeds);
    } catch {
      $("slot").replaceChildren(line("The local server did not answer. Is it still running?"));
      return;
    }
    const fresh = document.createElement("iframe");
    fresh.title = embed.title;
    fresh.setAttribute("sandbox", "allow-scripts allow-same-origin");
    fresh.src = address();
    // The height that was there is kept until the new one is told, so that the page does not jump.
    if (frame?.style.height) fresh.style.height = frame.style.height;
    $("slot").replaceChildren(frame = fresh);
    describe();
  }

  function address() {
    const url = new URL(embed.embed_url, location.origin);
    url.search = query;
    url.hash = `theme=${theme}`;
    return url.href;
  }

  function line(words) {
    return Object.assign(document.createElement("p"), { className: "waiting", textContent: words });
  }

  function listReports(embeds) {
    $("reports").hidden = embeds.length < 2;
    $("reports").replaceChildren(...embeds.map(({ title }, index) => {
      const button = Object.assign(document.createElement("button"), { type: "button", textContent: title });
      button.setAttribute("aria-pressed", index === chosen);
      button.addEventListener("click", () => { chosen = index; show(""); });
      return button;
    }));
  }

  function describe() {
    describeAddress();
    $("payload").replaceChildren(...coloured(JSON.stringify(embed.payload, null, 2)));
    const minutes = lifetime() / 60;
    $("expiry").textContent = `Good for ${minutes >= 1 ? `${Math.round(minutes)} minutes` : "less than a minute"}. Every load of this page signs a new one.`;
    showCode();
  }

  function describeAddress() {
    const { pathname, search, hash } = new URL(address());
    const path = pathname.replace(/[^/]{24,}$/, (token) => `${token.slice(0, 10)}…${token.slice(-6)}`);
    const mark = Object.assign(document.createElement("mark"), { textContent: search });
    $("address").replaceChildren(path, ...(search ? [mark] : []), hash);
  }

  function heard({ source, data }) {
    if (source !== frame?.contentWindow || data?.source !== "vitrine") return;
    if (data.type === "resize") frame.style.height = `${data.height}px`;
    else answered(data);
  }

  // ---- the code ----

  function lifetime() {
    const { exp, iat = signedAt } = embed.payload; // the server's clock may have been moved
    return Math.max(0, Math.round((exp - iat) / 60) * 60 || Math.round(exp - iat));
  }

  // JSON, unless the language spells it otherwise.
  function literal(value, language) {
    if (Array.isArray(value)) return `[${value.map((item) => literal(item, language)).join(", ")}]`;
    if (value && typeof value === "object") {
      const inner = Object.entries(value).map(([name, item]) => member(name, item, language)).join(", ");
      return language === "node" ? `{ ${inner} }` : `{${inner}}`;
    }
    return (language === "python" && { true: "True", false: "False", null: "None" }[value]) || JSON.stringify(value);
  }

  function member(name, value, language) {
    const bare = language === "node" && /^[a-z_$][\w$]*$/i.test(name);
    return `${bare ? name : JSON.stringify(name)}: ${literal(value, language)}`;
  }

  function members(language, indent) {
    return Object.entries(embed.payload).filter(([name]) => name !== "exp" && name !== "iat")
      .map(([name, value]) => `${indent}${member(name, value, language)},`).join("\n");
  }

  const snippets = {
    node: () => `import jwt from "jsonwebtoken";

const vitrine = "${baseUrl}";
const secret = process.env.VITRINE_SECRET;

const token = jwt.sign({
${members("node", "  ")}
  exp: Math.floor(Date.now() / 1000) + ${lifetime()},
}, secret);

// What goes into the page:
const src = \`\${vitrine}/embed/${embed.kind}/\${token}\`;`,

    python: () => `import os, time
import jwt  # PyJWT

vitrine = "${baseUrl}"
secret = os.environ["VITRINE_SECRET"]

token = jwt.encode({
${members("python", "    ")}
    "exp": int(time.time()) + ${lifetime()},
}, secret)

# What goes into the page:
src = f"{vitrine}/embed/${embed.kind}/{token}"`,

    // A shell has no JWT library: the three parts are put together by hand.
    curl: () => `b64() { openssl base64 -A | tr '+/' '-_' | tr -d =; }
exp=$(($(date +%s) + ${lifetime()}))

head=$(printf '{"alg":"HS256","typ":"JWT"}' | b64)
body=$(printf %s '{
${members("curl", "  ").replaceAll("'", "'\\''")}
  "exp": '$exp'}' | b64)
sign=$(printf %s "$head.$body" |
  openssl dgst -sha256 -hmac "$VITRINE_SECRET" \\
  -binary | b64)

# The view behind the page:
curl ${baseUrl}/v1/view/${embed.kind} \\
  -H "Authorization: Bearer $head.$body.$sign"`,
  };

  // Strings and comments get a colour: enough to read by, and no more.
  function coloured(code) {
    return code.split(/("(?:[^"\\]|\\.)*"(?:\s*:)?|`[^`]*`|(?:^|\s\s?)(?:\/\/|#) .*$)/m).map((piece, index) => {
      if (index % 2 === 0) return piece;
      const kind = /^\s*(\/\/|#)/.test(piece) ? "comment" : piece.endsWith(":") ? "key" : "string";
      return Object.assign(document.createElement("span"), { className: kind, textContent: piece });
    });
  }

  const tabs = [...document.querySelectorAll("[role=tab]")];

  function showCode() {
    const tab = tabs.find((one) => one.ariaSelected === "true");
    $("code").replaceChildren(...coloured(snippets[tab.id.slice(4)]()));
    $("code").setAttribute("aria-labelledby", tab.id);
  }

  function select(tab) {
    for (const one of tabs) {
      one.ariaSelected = String(one === tab);
      one.tabIndex = one === tab ? 0 : -1;
    }
    if (embed) showCode();
  }

  function moveTab(event) {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    const next = tabs.at((tabs.indexOf(event.target) + step) % tabs.length);
    next.focus();
    select(next);
  }

  async function copy() {
    await navigator.clipboard.writeText($("code").textContent);
    $("copy").textContent = "Copied";
    setTimeout(() => { $("copy").textContent = "Copy"; }, 1500);
  }

  // ---- the three facts ----

  function say(button, words, refused = false) {
    for (const output of document.querySelectorAll("output")) output.textContent = "";
    const output = button.parentElement.querySelector("output");
    output.textContent = words;
    output.classList.toggle("refused", refused);
  }

  function ask(button) {
    chosen = 0;
    // A second click takes it back.
    const wanted = query === button.dataset.query ? "" : button.dataset.query;
    say(button, "Asking…");
    answered = ({ type, reason, parameters }) => {
      answered = () => {};
      if (type === "error") say(button, `Refused: ${reason}. Click again to take it back.`, true);
      else if (!wanted) say(button, "Back to what the token says.");
      else say(button, `Shown, with ${Object.entries(parameters).map(([slug, value]) => `${slug} = ${value ?? "any"}`).join(", ")}.`);
    };
    show(wanted);
    $("slot").scrollIntoView({ block: "nearest" });
  }

  function toggleTheme() {
    theme = theme === "dark" ? "light" : "dark";
    wearTheme();
    if (!frame) return;
    frame.contentWindow.location.replace(address()); // only the hash differs: nothing is loaded
    describeAddress();
    say($("theme"), `Now #theme=${theme}, without a request.`);
  }

  function wearTheme() {
    root.dataset.theme = theme;
    $("theme").querySelector("code").textContent = `#theme=${theme === "dark" ? "light" : "dark"}`;
  }

  addEventListener("message", heard);
  for (const tab of tabs) tab.addEventListener("click", () => select(tab));
  for (const tab of tabs) tab.addEventListener("keydown", moveTab);
  $("copy").addEventListener("click", copy);
  for (const id of ["locked", "enabled"]) $(id).addEventListener("click", () => ask($(id)));
  $("theme").addEventListener("click", toggleTheme);
  wearTheme();
  show("");
})();
