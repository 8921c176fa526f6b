// The control of a parameter with many choices: a button that opens a list with a search.

import { make } from "./element.js";
import { fill } from "./text.js";

const MOST_SHOWN = 200;
const PAUSE = 250;

// A button that opens a list with a search.
export function pickControl(parameter, { words }, { id, page, changed }) {
  const { values = [], multiple, title } = parameter;
  const names = new Map((values ?? []).map(([value, label = value]) => [String(value), String(label)]));
  const button = make("button", { type: "button", className: "pick" });
  button.setAttribute("aria-haspopup", "dialog");
  button.setAttribute("aria-expanded", "false");
  let chosen = [], opened = null;
  const show = () => {
    const labels = chosen.map((value) => names.get(value) ?? value);
    button.textContent = labels.length > 2 ? fill(words.chosen, { n: labels.length }) : labels.join(", ") || words.any;
    button.ariaLabel = `${title}: ${labels.join(", ") || words.any}`;
  };
  const close = () => opened?.close();
  button.addEventListener("click", () => {
    if (opened) return close();
    opened = openPicker(button, { parameter, names, words, chosen, multiple, id, fetchValues: page().fetchValues }, (values) => {
      opened = null;
      const isOther = values && String(values) !== String(chosen);
      chosen = values ?? chosen;
      show();
      if (isOther) changed();
    });
  });
  return { nodes: [button], isClearable: true, close, read: () => [...chosen], write: (values) => { chosen = values; show(); } };
}

// Opens the list under `button`, and calls `done(values)` when it is closed.
function openPicker(button, { parameter, names, words, chosen, multiple, id, fetchValues }, done) {
  const { title, slug, values, required, has_values: isLive, values_strict: isStrict } = parameter;
  const marked = new Set(chosen);
  let options = [], active = -1, timer, asking, isOpen = true;
  let shown = ""; // the text whose matches are listed

  const search = make("input", { type: "text", autocomplete: "off", placeholder: words.search, ariaLabel: `${words.search}: ${title}` });
  const list = make("ul", { id: `${id}-list`, role: "listbox", ariaLabel: title, ariaMultiSelectable: multiple ? "true" : null });
  const status = make("p", { role: "status" });
  const attributes = { role: "combobox", "aria-expanded": "true", "aria-controls": list.id, "aria-autocomplete": "list" };
  for (const [name, value] of Object.entries(attributes)) search.setAttribute(name, value);
  const popup = make("div", { className: "popup", role: "dialog", ariaLabel: title }, search, list, status);

  const matches = (text) => {
    const wanted = text.trim().toLocaleLowerCase();
    return (values ?? []).filter(([value, label = value]) => !wanted || String(label).toLocaleLowerCase().includes(wanted));
  };

  // Values of the data where the server has them, else those that are declared.
  async function find() {
    const text = search.value.trim();
    if (!isLive) return show(matches(text), text);
    asking?.abort();
    const own = asking = new AbortController();
    const found = await fetchValues(slug, text, own.signal).catch(() => null);
    if (own === asking && isOpen) show(found ?? matches(text), text);
  }

  function show(found, text) {
    shown = text;
    const rows = found.slice(0, MOST_SHOWN).map(([value, label = value]) => [String(value), String(label)]);
    for (const [value, label] of rows) names.set(value, label);
    if (!text) for (const value of [...marked].reverse()) if (!rows.some(([other]) => other === value)) rows.unshift([value, names.get(value) ?? value]);
    // The list of live values may be cut, so a value that is typed is one as well.
    if (isLive && !isStrict && text && !rows.some(([value, label]) => value === text || label === text)) rows.push([text, text]);
    if (!multiple && !required && !text) rows.unshift(["", words.any]);
    options = rows.map(([value, label], index) => {
      const node = make("li", { id: `${id}-${index}`, textContent: label });
      node.setAttribute("role", "option");
      node.addEventListener("click", () => choose(index));
      return { value, node };
    });
    list.replaceChildren(...options.map(({ node }) => node));
    status.textContent = rows.length ? "" : words.none;
    mark();
    move(text && rows.length ? 0 : options.findIndex(({ node }) => node.ariaSelected === "true"));
  }

  const mark = () => options.forEach(({ value, node }) => node.setAttribute("aria-selected", String(marked.has(value) || (!value && !marked.size))));

  function move(to) {
    options[active]?.node.classList.remove("active");
    active = to;
    const { node } = options[active] ?? {};
    node?.classList.add("active");
    node?.scrollIntoView({ block: "nearest" });
    if (node) search.setAttribute("aria-activedescendant", node.id);
    else search.removeAttribute("aria-activedescendant");
  }

  function choose(index) {
    const { value } = options[index];
    if (!multiple) return close([value].filter(Boolean));
    if (!marked.delete(value)) marked.add(value);
    mark();
    move(index);
  }

  // Never a match of an earlier text than the one that was typed last.
  async function chooseActive() {
    if (search.value.trim() !== shown) {
      clearTimeout(timer);
      await find();
    }
    if (isOpen && options[active]) choose(active);
  }

  function close(result = multiple ? [...marked] : null, isFocused = true) {
    if (!isOpen) return;
    isOpen = false;
    asking?.abort();
    clearTimeout(timer);
    document.removeEventListener("pointerdown", outside, true);
    popup.remove();
    button.setAttribute("aria-expanded", "false");
    if (isFocused) button.focus();
    done(result);
  }

  const outside = ({ target }) => { if (!popup.contains(target) && !button.contains(target)) close(undefined, false); };

  // The events of the search are none of the form's.
  for (const type of ["input", "change"]) popup.addEventListener(type, (event) => event.stopPropagation());
  search.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(find, isLive ? PAUSE : 0);
  });
  popup.addEventListener("mousedown", (event) => { if (event.target !== search) event.preventDefault(); }); // the search keeps the focus
  popup.addEventListener("focusout", ({ relatedTarget }) => { if (relatedTarget && !popup.contains(relatedTarget) && relatedTarget !== button) close(undefined, false); });
  popup.addEventListener("keydown", (event) => {
    const last = options.length - 1;
    const step = { ArrowDown: active < last ? active + 1 : 0, ArrowUp: active > 0 ? active - 1 : last }[event.key];
    if (step !== undefined) move(Math.min(step, last));
    else if (event.key === "Enter") chooseActive();
    else if (event.key === "Escape") close();
    else if (event.key === "Tab") return close();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  button.after(popup);
  button.setAttribute("aria-expanded", "true");
  document.addEventListener("pointerdown", outside, true);
  if (!isLive) find();
  else {
    show(matches(""), "");
    find();
  }
  search.focus();
  popup.scrollIntoView({ block: "nearest" });
  return { close: () => close(undefined, false) };
}
