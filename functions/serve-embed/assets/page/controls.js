// The form controls of the parameters that the viewer may set.

let controls = [], key, typing;

const part = (id) => document.getElementById(id);

export function make(tag, properties, ...children) {
  const node = Object.assign(document.createElement(tag), properties);
  node.append(...children);
  return node;
}

export function renderControls(parameters, words, locked) {
  const fresh = JSON.stringify([words.any, parameters.map((parameter) => ({ ...parameter, value: null }))]);
  if (fresh !== key) {
    controls = parameters.map((parameter, index) => makeControl(parameter, index, words));
    part("fields").replaceChildren(...controls.map(({ box }) => box));
    key = fresh;
  }
  controls.forEach((control, index) => {
    control.parameter = parameters[index];
    // A refresh must not overwrite what the viewer is typing.
    if (!control.box.contains(typing)) writeControl(control);
  });
  part("fields").disabled = locked;
  part("controls").hidden = !parameters.length;
}

// Resets the controls to the values of the view that is shown.
export function restoreControls() {
  controls.forEach(writeControl);
}

// Calls `changed(parameter, values)` when the viewer changes a parameter.
export function watchControls(changed) {
  const form = part("controls");
  form.addEventListener("input", ({ target }) => { typing = target; });
  form.addEventListener("focusout", () => { typing = null; });
  form.addEventListener("submit", (event) => event.preventDefault());
  form.addEventListener("change", ({ target }) => {
    typing = null;
    const { parameter, read } = controls.find(({ box }) => box.contains(target));
    const values = target.checkValidity() && read();
    if (values) changed(parameter, values);
  });
}

let focused; // the control that lost the focus because it was disabled while loading

export function disableControls(disabled, busy) {
  const { activeElement } = document;
  part("fields").disabled = disabled;
  // A disabled control loses the focus. It gets it back, so that keyboard users can go on where they were.
  if (!busy && activeElement === document.body && document.hasFocus()) focused?.focus();
  focused = busy ? activeElement : null;
}

function writeControl({ write, parameter }) {
  write([].concat(parameter.value ?? []).map(String));
}

function makeControl(parameter, index, words) {
  const { type, values, multiple, name, slug } = parameter;
  const shape = type === "boolean" ? selectControl
    : values?.length ? (multiple ? choiceControl : selectControl)
    : type === "date_range" ? rangeControl : inputControl;
  const { nodes, read, write } = shape(parameter, words);
  const group = nodes.length > 1 || shape === choiceControl;
  const label = make(group ? "legend" : "label", { className: "name", textContent: name || slug });
  if (!group) label.htmlFor = nodes[0].id = `control-${index}`;
  return { parameter, read, write, box: make(group ? "fieldset" : "div", { className: "control" }, label, ...nodes) };
}

function inputControl({ type, multiple }, words) {
  const input = make("input", { autocomplete: "off", type: !multiple && /^(number|date)$/.test(type) ? type : "text" });
  if (input.type === "number") input.step = "any";
  if (multiple) input.placeholder = words.list;
  return {
    nodes: [input],
    read: () => (multiple ? input.value.split(",") : [input.value]).map((value) => value.trim()).filter(Boolean),
    write: (values) => { input.value = values.join(", "); },
  };
}

function selectControl({ type, values, required }, words) {
  const choices = type === "boolean" ? [["true", words.yes], ["false", words.no]] : values;
  const select = make("select", {}, ...choices.map(([value, label = value]) => new Option(label, value)));
  if (!required) select.prepend(new Option(words.any, ""));
  return { nodes: [select], read: () => [select.value].filter(Boolean), write: ([value = ""]) => { select.value = value; } };
}

function rangeControl(_, words) {
  const [from, to] = [words.from, words.to].map((ariaLabel) => make("input", { type: "date", ariaLabel }));
  return {
    nodes: [from, to],
    // Null, which is no change: one end of the range is still missing.
    read: () => (from.value && to.value ? [`${from.value}~${to.value}`] : from.value || to.value ? null : []),
    write: ([value = ""]) => { [from.value, to.value = ""] = value.split("~"); },
  };
}

function choiceControl({ values }) {
  const boxes = values.map(([value]) => make("input", { type: "checkbox", value }));
  return {
    nodes: boxes.map((box, index) => make("label", { className: "chip" }, box, String(values[index].at(-1)))),
    read: () => boxes.filter((box) => box.checked).map((box) => box.value),
    write: (chosen) => boxes.forEach((box) => { box.checked = chosen.includes(box.value); }),
  };
}
