// Conveniences over pages that work without them: copying code, and reading a token in the browser.

for (const pre of document.querySelectorAll("pre:not(.source)")) {
  if (!navigator.clipboard) break;
  const button = Object.assign(document.createElement("button"), { type: "button", className: "copy", textContent: "Copy" });
  const frame = Object.assign(document.createElement("div"), { className: "with-copy" });
  pre.replaceWith(frame);
  frame.append(pre, button);
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(pre.textContent);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Press Ctrl+C";
      getSelection().selectAllChildren(pre);
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}

// Only one panel is open at a time, and Escape closes it.
for (const details of document.querySelectorAll("details.confirm")) {
  details.addEventListener("toggle", () => {
    if (!details.open) return;
    for (const other of document.querySelectorAll("details.confirm[open]")) if (other !== details) other.open = false;
  });
  details.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !details.open) return;
    details.open = false;
    details.querySelector("summary").focus();
  });
}

// Lists that take longer than the page: the link in their place leads to them as well.
for (const place of document.querySelectorAll("[data-load]")) {
  const { load, part } = place.dataset;
  place.ariaBusy = "true";
  fetch(load).then(async (answer) => {
    const found = answer.ok && new DOMParser().parseFromString(await answer.text(), "text/html").getElementById(part);
    if (found) place.replaceChildren(...found.childNodes);
  }).catch(() => {}).finally(() => { place.ariaBusy = "false"; });
}

const reader = document.getElementById("token");
if (reader) {
  const [text, shown] = [reader.querySelector("textarea"), reader.querySelector("[role=status]")];
  reader.hidden = false;
  text.addEventListener("input", () => shown.replaceChildren(...explain(text.value.trim())));
}

function explain(token) {
  if (!token) return [];
  const parts = token.split(".");
  const [header, claims] = parts.length === 3 ? parts.slice(0, 2).map(decode) : [];
  if (!header || !claims) return [line("This is not a token: three parts with dots between them, of which the first two are JSON.")];
  const now = Date.now() / 1000;
  const said = [line(`Signed with ${header.alg ?? "no algorithm"}${header.kid ? ` and the key ${header.kid}` : ""}. The signature is not checked here.`)];
  if (header.alg !== "HS256") said.push(line("The algorithm must be HS256."));
  if (typeof claims.exp !== "number") said.push(line("It has no expiry (exp), which is refused by default."));
  else if (claims.exp > 1e11) said.push(line("Its expiry looks like milliseconds; it must be in seconds."));
  else said.push(line(`It ${claims.exp < now ? "expired" : "expires"} ${new Date(claims.exp * 1000).toISOString()}, by the clock of this computer ${Math.round(Math.abs(claims.exp - now))} seconds ${claims.exp < now ? "ago" : "from now"}.`));
  if (!claims.resource) said.push(line("It names no resource."));
  if (!claims.params) said.push(line("It has no params, which are required, even if they are empty."));
  const pre = document.createElement("pre");
  pre.tabIndex = 0;
  pre.textContent = JSON.stringify(claims, null, 2);
  return [...said, pre];
}

function line(text) {
  return Object.assign(document.createElement("p"), { textContent: text });
}

function decode(part) {
  try {
    const bytes = Uint8Array.from(atob(part.replace(/-/g, "+").replace(/_/g, "/")), (character) => character.charCodeAt(0));
    const value = JSON.parse(new TextDecoder().decode(bytes));
    return value && typeof value === "object" ? value : null;
  } catch {
    return null;
  }
}
