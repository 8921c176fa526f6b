// The editor: the grid of a dashboard over its number fields, and the rows of a query while it is written. The form
// works without it.

const COLUMNS = 24;
const ROW = 22;
const LIMITS = { col: [0, 23], row: [0, 400], width: [1, 24], height: [1, 400] };
const form = document.querySelector("form.editor");
const board = document.querySelector("[data-board]");

let isChanged = false;
form.addEventListener("input", () => { isChanged = true; });
form.addEventListener("submit", () => { isChanged = false; });
addEventListener("beforeunload", (event) => { if (isChanged) event.preventDefault(); });

if (board) startBoard();

function startBoard() {
  const said = document.querySelector("[data-said]");
  const isRight = () => getComputedStyle(board).direction === "rtl";
  const cards = [...document.querySelectorAll("[data-card]")].map((fieldset) => {
    const field = (name) => fieldset.querySelector(`[name$=".${name}"]`);
    const fields = Object.fromEntries(Object.keys(LIMITS).map((name) => [name, field(name)]));
    const box = Object.assign(document.createElement("div"), { tabIndex: 0 });
    const label = document.createElement("span");
    const corner = Object.assign(document.createElement("span"), { className: "corner" });
    box.setAttribute("role", "button");
    box.append(label, corner);
    board.append(box);
    return { fieldset, fields, box, label, corner, tab: field("tab") };
  });
  board.hidden = !cards.length;
  document.querySelector(".how").hidden = !cards.length;

  const placeOf = ({ fields }) => Object.fromEntries(Object.entries(fields).map(([name, { value }]) => [name, Number.parseInt(value, 10) || 0]));
  const tabOf = ({ tab }) => tab?.value ?? "";

  // Within the grid; the width gives way to the column.
  function fit({ col, row, width, height }) {
    const between = (value, [least, most]) => Math.min(most, Math.max(least, value));
    const fitted = { width: between(width, LIMITS.width), row: between(row, LIMITS.row), height: between(height, LIMITS.height) };
    return { ...fitted, col: between(col, [0, COLUMNS - fitted.width]) };
  }

  function put(card, place) {
    for (const [name, value] of Object.entries(place)) card.fields[name].value = value;
  }

  const overlap = (a, b) => a.col < b.col + b.width && b.col < a.col + a.width && a.row < b.row + b.height && b.row < a.row + a.height;

  // Cards that are in the way go below, and so do those in their way.
  function makeRoom(moved) {
    const settled = [moved];
    const others = cards.filter((card) => card !== moved && !card.fieldset.disabled && tabOf(card) === tabOf(moved));
    for (const card of others.sort((a, b) => placeOf(a).row - placeOf(b).row)) {
      const place = placeOf(card);
      for (let above; (above = settled.map(placeOf).find((other) => overlap(other, place)));) place.row = above.row + above.height;
      put(card, place);
      settled.push(card);
    }
  }

  // The states that can be undone: the places of all cards, and which of them are removed.
  const undo = document.querySelector("[data-undo]");
  const steps = [];
  undo.hidden = !cards.length;
  const snapshot = () => cards.map((card) => ({ ...placeOf(card), isGone: card.fieldset.disabled }));

  function remember(before) {
    if (JSON.stringify(before) === JSON.stringify(snapshot())) return;
    steps.push(before);
    undo.disabled = false;
    isChanged = true;
  }

  // The fields of a disabled card are not sent.
  const setGone = (card, isGone) => { card.fieldset.disabled = card.fieldset.hidden = isGone; };

  function remove(card) {
    const before = snapshot();
    setGone(card, true);
    remember(before);
    draw();
    said.textContent = `${card.label.textContent} is removed. Undo brings it back.`;
    undo.focus();
  }

  function takeBack() {
    const step = steps.pop();
    if (!step) return;
    step.forEach(({ isGone, ...place }, index) => { put(cards[index], place); setGone(cards[index], isGone); });
    undo.disabled = !steps.length;
    draw();
    said.textContent = "Undone.";
  }

  undo.addEventListener("click", takeBack);
  addEventListener("keydown", (event) => {
    const isUndo = (event.ctrlKey || event.metaKey) && !event.shiftKey && !event.altKey && event.key.toLowerCase() === "z";
    // Fields of text undo what is written in them.
    if (!isUndo || !steps.length || event.target.closest?.("input, textarea, select")) return;
    event.preventDefault();
    takeBack();
  });

  function draw() {
    const unit = board.clientWidth / COLUMNS;
    const shown = cards.find(({ box, fieldset }) => !fieldset.disabled && ( box === document.activeElement || box.classList.contains("moved"))) ?? cards.find(({ fieldset }) => !fieldset.disabled);
    let bottom = 6;
    for (const card of cards) {
      const place = placeOf(card);
      const title = card.fieldset.querySelector("[data-title]").textContent;
      card.box.hidden = card.fieldset.disabled || shown && tabOf(card) !== tabOf(shown) && tabOf(card) !== board.dataset.tab;
      card.label.textContent = title;
      card.box.setAttribute("aria-label", `${title}: column ${place.col}, row ${place.row}, ${place.width} wide, ${place.height} high`);
      const start = isRight() ? "right" : "left";
      Object.assign(card.box.style, { [start]: `${place.col * unit}px`, top: `${place.row * ROW}px`, width: `${place.width * unit - 2}px`, height: `${place.height * ROW - 2}px` });
      if (!card.box.hidden) bottom = Math.max(bottom, place.row + place.height);
    }
    board.style.height = `${(bottom + 4) * ROW}px`;
  }

  function change(card, change) {
    const place = placeOf(card);
    const wanted = fit({ ...place, ...change });
    if (Object.keys(wanted).every((name) => wanted[name] === place[name])) return;
    put(card, wanted);
    isChanged = true;
    draw();
  }

  function settle(card) {
    makeRoom(card);
    draw();
    said.textContent = card.box.getAttribute("aria-label");
  }

  const KEYS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  for (const card of cards) {
    card.box.addEventListener("keydown", (event) => {
      const [across, down] = KEYS[event.key] ?? [];
      if (across === undefined || event.ctrlKey || event.altKey || event.metaKey) return;
      event.preventDefault();
      const [right, { col, row, width, height }] = [isRight() ? -across : across, placeOf(card)];
      const before = snapshot();
      if (event.shiftKey) change(card, { width: Math.min(COLUMNS - col, width + right), height: height + down });
      else change(card, { col: col + right, row: row + down });
      settle(card);
      remember(before);
    });
    card.box.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      const isCorner = event.target === card.corner;
      const start = { x: event.clientX, y: event.clientY, ...placeOf(card) };
      const before = snapshot();
      card.box.setPointerCapture(event.pointerId);
      card.box.classList.add("moved");
      const move = ({ clientX, clientY }) => {
        const across = Math.round(((isRight() ? -1 : 1) * (clientX - start.x) * COLUMNS) / board.clientWidth);
        const down = Math.round((clientY - start.y) / ROW);
        if (isCorner) change(card, { width: Math.min(COLUMNS - start.col, start.width + across), height: start.height + down });
        else change(card, { col: start.col + across, row: start.row + down });
      };
      const end = ({ type }) => {
        card.box.removeEventListener("pointermove", move);
        for (const name of ["pointerup", "pointercancel"]) card.box.removeEventListener(name, end);
        card.box.classList.remove("moved");
        if (type === "pointercancel") put(card, fit(start));
        settle(card);
        remember(before);
      };
      card.box.addEventListener("pointermove", move);
      for (const name of ["pointerup", "pointercancel"]) card.box.addEventListener(name, end);
    });
    card.fieldset.addEventListener("input", draw);
    for (const input of Object.values(card.fields)) {
      let before;
      input.addEventListener("focus", () => { before = snapshot(); });
      input.addEventListener("change", () => { if (before) remember(before); before = snapshot(); });
    }
    card.fieldset.querySelector("[value^='remove-']")?.addEventListener("click", (event) => {
      event.preventDefault();
      remove(card);
    });
    card.fieldset.addEventListener("focusin", () => { board.dataset.tab = tabOf(card); draw(); });
  }
  new ResizeObserver(draw).observe(board);
  draw();
}

const preview = document.getElementById("try");
if (preview) startPreview();

// The rows of the query, a moment after the last key. The console's session stands for its key at this one route.
function startPreview() {
  const [shown, state] = [preview.querySelector("[data-rows]"), preview.querySelector("[data-state]")];
  const PREFIX = "content.query.tags.";
  let timer, running;
  preview.hidden = false;

  const field = (name) => form.elements.namedItem(name);
  const sqlField = field("content.query.sql");

  function valueOf(text, type) {
    if (type === "number" && text.trim() && Number.isFinite(Number(text))) return Number(text);
    if (type === "boolean" && /^(true|false)$/.test(text)) return text === "true";
    return text;
  }

  // The tags as their rows have them, and a text for each that has no row yet.
  function tagsOf(sql) {
    const tags = {};
    for (const { name, value } of form.querySelectorAll(`[name^="${PREFIX}"][name$=".type"]`)) {
      const tag = name.slice(PREFIX.length, -".type".length);
      const more = (member) => field(`${PREFIX}${tag}.${member}`)?.value ?? "";
      tags[tag] = { type: value };
      if (more("default")) tags[tag].default = valueOf(more("default"), value);
      const [, table, column] = /^(.*)\.(.+)$/.exec(more("dimension")) ?? [];
      if (column && ["dimension", "temporal-unit"].includes(value)) tags[tag].dimension = { table, column };
      if (more("widget_type") && value === "dimension") tags[tag].widget_type = more("widget_type");
    }
    for (const [, name] of sql.matchAll(/\{\{\s*([^{}#:]+?)\s*\}\}/g)) tags[name] ??= { type: "text" };
    return tags;
  }

  async function show() {
    const sql = sqlField.value;
    running?.abort();
    if (!sql.trim()) {
      last = null;
      drawChart();
      return shown.replaceChildren();
    }
    running = new AbortController();
    preview.setAttribute("aria-busy", "true");
    try {
      const source = field("content.query.source")?.value;
      const response = await fetch("/v1/query/preview", {
        method: "POST",
        headers: { "content-type": "application/json", "x-csrf-token": form.elements.csrf_token.value },
        body: JSON.stringify({ sql, tags: tagsOf(sql), ...(source && { source }) }),
        signal: running.signal,
      });
      const answer = await response.json();
      if (!response.ok) {
        last = null;
        drawChart();
        shown.replaceChildren();
        state.textContent = [answer.message, ...(answer.issues ?? []).map(({ message }) => message)].join(" ");
      } else {
        last = answer;
        draw(answer);
        drawChart();
      }
      preview.removeAttribute("aria-busy");
    } catch (problem) {
      if (problem.name === "AbortError") return;
      state.textContent = "The preview did not answer.";
      preview.removeAttribute("aria-busy");
    }
  }

  const MOST = 20;
  function draw({ columns, rows, truncated }) {
    const cell = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });
    const line = (cells) => { const row = document.createElement("tr"); row.append(...cells); return row; };
    const [table, head, body, region] = ["table", "thead", "tbody", "div"].map((tag) => document.createElement(tag));
    head.append(line(columns.map(({ display_name, name }) => Object.assign(cell("th", display_name ?? name), { scope: "col" }))));
    body.append(...rows.slice(0, MOST).map((row) => line(row.map((value) => cell("td", value === null ? "–" : typeof value === "object" ? JSON.stringify(value) : String(value))))));
    table.append(head, body);
    Object.assign(region, { className: "scroll", tabIndex: 0 });
    region.setAttribute("role", "region");
    region.setAttribute("aria-label", "First rows");
    region.append(table);
    shown.replaceChildren(region);
    state.textContent = rows.length > MOST || truncated ? `The first ${Math.min(MOST, rows.length)} rows.` : rows.length === 1 ? "One row." : `${rows.length} rows.`;
  }

  // The drawing, by the code of the embed page, which knows the paths of its files.
  let last = null, library;
  const place = preview.querySelector("[data-chart]");

  async function loadLibrary() {
    const page = new DOMParser().parseFromString(await (await fetch("/embed/question/preview")).text(), "text/html");
    const files = JSON.parse(page.getElementById("embed").dataset.files);
    const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: files.style });
    const styled = new Promise((resolve, reject) => { style.onload = resolve; style.onerror = reject; });
    document.head.append(style);
    const [{ draw }] = await Promise.all([import(files.draw), styled]);
    const modules = {};
    return { draw, load: (name) => modules[name] ??= import(files[name]) };
  }

  function settingsOf() {
    const own = {};
    try { Object.assign(own, JSON.parse(field("content.settings").value || "{}")); } catch { /* The check says so. */ }
    for (const name of ["graph.dimensions", "graph.metrics"]) {
      const columns = (field(`content.settings.${name}`)?.value ?? "").split(",").map((column) => column.trim()).filter(Boolean);
      if (columns.length) own[name] = columns;
    }
    const stack = field("content.settings.stackable.stack_type")?.value;
    if (stack) own["stackable.stack_type"] = stack;
    return own;
  }

  async function drawChart() {
    const display = field("content.display")?.value;
    // A table is below anyway.
    if (!place || !last || !display || display === "table") return place?.replaceChildren();
    const answer = last;
    try {
      const { draw, load } = await (library ??= loadLibrary());
      if (answer !== last || display !== field("content.display").value) return;
      const files = Object.fromEntries(["table", "figures", "charts", "pie", "rows", "markdown"].map((name) => [name, () => load(name)]));
      const theme = matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
      place.replaceChildren(draw(answer, display, settingsOf(), { ...files, locale: "en", timezone: "UTC", theme, title: field("title")?.value ?? "", values: {}, follow() {}, onFallback() {} }));
    } catch {
      library = null;
      place.replaceChildren();
    }
  }
  form.addEventListener("input", ({ target }) => { if (/^content\.(display|settings)/.test(target.name ?? "")) drawChart(); });

  const later = () => { clearTimeout(timer); timer = setTimeout(show, 400); };
  form.addEventListener("input", ({ target }) => { if (target.name?.startsWith("content.query.")) later(); });
  if (sqlField.value) show();
}
