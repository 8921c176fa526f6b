// The form controls of the parameters that the viewer may set.

import { make } from "./element.js";
import { fileOf } from "./files.js";

const MOST_CHIPS = 12, MOST_OPTIONS = 20; // longer lists of choices are searched
// Changes that are likely to be followed by another one wait for it, in milliseconds.
const PAUSES = { checkbox: 350, number: 350, date: 600 };

let controls = [], key, typing, timer, page;
let fields = null; // the module of ranges of dates and of long lists, once it is needed

const part = (id) => document.getElementById(id);

export function renderControls(parameters, language, locked) {
  if (!fields && parameters.some((parameter) => shapeOf(parameter) === waitingControl)) {
    import(fileOf("fields")).then((module) => {
      fields = module;
      renderControls(parameters, language, locked);
    }, () => {}); // asked for again with the next view
  }
  const fresh = JSON.stringify([Boolean(fields), language.name, parameters.map((parameter) => ({ ...parameter, value: null }))]);
  if (fresh !== key) {
    controls.forEach(({ close }) => close?.());
    controls = parameters.map((parameter, index) => makeControl(parameter, index, language));
    part("fields").replaceChildren(...controls.map(({ box }) => box));
    key = fresh;
  }
  controls.forEach((control, index) => {
    control.parameter = parameters[index];
    // A refresh must not overwrite what the viewer is typing or has just chosen.
    if (!control.box.contains(typing) && !control.isPending) writeControl(control);
  });
  if (locked) controls.forEach(({ close }) => close?.());
  part("fields").disabled = locked;
  part("controls").hidden = !parameters.length;
}

// Resets the controls to the values of the view that is shown.
export function restoreControls() {
  controls.forEach(writeControl);
}

// Calls `given.changed([[parameter, values]])` when the viewer has changed parameters; `given.fetchValues(slug, search)` finds values of
// those that have more than they declare.
export function watchControls(given) {
  page = given;
  const form = part("controls");
  const controlOf = (node) => controls.find(({ box }) => box.contains(node));
  form.addEventListener("input", ({ target }) => { typing = target; });
  form.addEventListener("focusout", ({ target, relatedTarget }) => {
    typing = null;
    const control = controlOf(target);
    if (control?.isPending && !control.box.contains(relatedTarget)) flush(control);
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    flush();
  });
  form.addEventListener("change", ({ target }) => {
    typing = null;
    const control = controlOf(target);
    if (control) change(control, PAUSES[target.type] ?? 0);
  });
}

function change(control, pause) {
  control.isPending = true;
  showClear(control);
  clearTimeout(timer);
  if (pause) timer = setTimeout(flush, pause);
  else flush();
}

// Sends all changes together. `left` is a control that the viewer has left, so that nothing more will follow in it.
function flush(left) {
  clearTimeout(timer);
  const changes = controls.filter(({ isPending }) => isPending).map((control) => {
    const { box, parameter, read } = control;
    const isValid = [...box.querySelectorAll("input, select")].every((field) => field.checkValidity());
    const values = isValid ? read(control === left) : null;
    control.isPending = !values && control !== left;
    return [parameter, values];
  });
  const known = changes.filter(([, values]) => values);
  if (known.length) page.changed(known);
}

let focused; // the control that lost the focus because it was disabled while loading

export function disableControls(disabled, busy) {
  const { activeElement } = document;
  part("fields").disabled = disabled;
  // A disabled control loses the focus. It gets it back, so that keyboard users can go on where they were.
  if (!busy && activeElement === document.body && document.hasFocus()) focused?.focus();
  focused = busy ? activeElement : null;
}

function writeControl(control) {
  control.isPending = false;
  control.write([].concat(control.parameter.value ?? []).map((value) => String(value ?? "")));
  showClear(control);
}

function showClear({ clear, read, parameter }) {
  if (clear) clear.hidden = Boolean(parameter.required) || !read(true)?.length;
}

function shapeOf({ type, values, multiple, has_values, range }) {
  const count = values?.length ?? 0;
  if (type === "boolean") return selectControl;
  if (has_values || count > (multiple ? MOST_CHIPS : MOST_OPTIONS)) return fields?.pickControl ?? waitingControl;
  if (count) return multiple ? chipsControl : selectControl;
  if (type === "date_range") return fields?.rangeControl ?? waitingControl;
  return range && type === "number" ? fields?.betweenControl ?? waitingControl : inputControl;
}

function makeControl(parameter, index, language) {
  const { name, slug, required } = parameter;
  const title = name || slug;
  const { nodes, read, write, isGroup, isClearable, close, ...more } = shapeOf(parameter)({ ...parameter, title }, language, {
    id: `control-${index}`, page: () => page, changed: () => change(control, 0),
  });
  const label = make(isGroup ? "legend" : "label", { className: "name", textContent: title });
  if (!isGroup) label.htmlFor = nodes[0].id = `control-${index}`;
  const clear = isClearable && !required && make("button", { type: "button", className: "clear", textContent: "×", ariaLabel: language.words.clear });
  const control = { ...more, parameter, read, write, close, clear, box: make(isGroup ? "fieldset" : "div", { className: "control" }, label, ...nodes, ...(clear ? [clear] : [])) };
  if (clear) {
    clear.tabIndex = -1; // for pointers: with the keyboard, values are removed in the control itself
    label.id = `control-${index}-name`;
    clear.setAttribute("aria-describedby", label.id);
    clear.addEventListener("click", () => {
      write([]);
      change(control, 0);
      (control.box.querySelector("input, button:not(.clear)") ?? clear).focus();
    });
  }
  return control;
}

function inputControl({ type, multiple, required }, { words }) {
  const input = make("input", { autocomplete: "off", required: Boolean(required), type: !multiple && /^(number|date)$/.test(type) ? type : "text" });
  if (input.type === "number") input.step = "any";
  if (multiple) input.placeholder = words.list;
  return {
    nodes: [input], isClearable: true,
    read: () => (multiple ? input.value.split(",") : [input.value]).map((value) => value.trim()).filter(Boolean),
    write: (values) => { input.value = values.join(", "); },
  };
}

function selectControl({ type, values, required }, { words }) {
  const choices = type === "boolean" ? [["true", words.yes], ["false", words.no]] : values;
  const select = make("select", {}, ...choices.map(([value, label = value]) => new Option(label, value)));
  if (!required) select.prepend(new Option(words.any, ""));
  return { nodes: [select], read: () => [select.value].filter(Boolean), write: ([value = ""]) => { select.value = value; } };
}

// Keeps the place of a control whose file is under way.
const waitingControl = () => ({ nodes: [make("input", { disabled: true })], read: () => null, write: () => {} });

function chipsControl({ values }) {
  const boxes = values.map(([value]) => make("input", { type: "checkbox", value }));
  return {
    nodes: boxes.map((box, index) => make("label", { className: "chip" }, box, String(values[index].at(-1)))), isGroup: true, isClearable: true,
    read: () => boxes.filter((box) => box.checked).map((box) => box.value),
    write: (chosen) => boxes.forEach((box) => { box.checked = chosen.includes(box.value); }),
  };
}
