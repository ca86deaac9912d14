// What all explorers share: controls, goal, question, words, and the Python call.

import { clamp, make, set, short } from "./draw.js";

// What is wrong with a value, in a reader's words; "" where nothing is.
export function problem(spec, value) {
  const { kind, low, high, options, axes, most, many } = spec;
  const inside = (v) => typeof v === "number" && v >= low && v <= high;
  const list = (v, deep) =>
    Array.isArray(v) &&
    (most === undefined || v.length <= most) &&
    (deep === 1 ? v.every(inside) : v.every((r) => list(r, 1) && r.length === v[0].length));
  const text = (v) => typeof v === "string";
  const [good, wanted] = {
    number: () => [inside(value), `a number from ${low} to ${high}`],
    whole: () => [
      inside(value) && Number.isInteger(value),
      `a whole number from ${low} to ${high}`,
    ],
    choice: () => [options?.includes(value), `one of ${options?.join(", ")}`],
    switch: () => [typeof value === "boolean", "on or off"],
    numbers: () => [list(value, axes), `numbers from ${low} to ${high}, rows equally long`],
    words: () => [many ? Array.isArray(value) && value.every(text) : text(value), "text"],
  }[kind]();
  const bare = typeof value === "number" ? value : JSON.stringify(value); // JSON has no Infinity
  const came = text(value) ? `“${value}”` : bare;
  return good ? "" : `${spec.label} must be ${wanted}, not ${String(came).slice(0, 40)}`;
}

// A typed number: 0.5, 1e-3, also 0,5; NaN for anything else.
export function parse(text) {
  const plain = text.trim().replace(",", ".").replace("−", "-");
  return plain === "" ? NaN : Number(plain);
}

// A value as Python source, as explorer.py writes it too.
export function python(spec, value) {
  if (Array.isArray(value)) return `[${value.map((v) => python(spec, v)).join(", ")}]`;
  if (typeof value === "boolean") return value ? "True" : "False";
  if (typeof value === "string") return JSON.stringify(value);
  return Number.isInteger(value) && spec.kind !== "whole" ? `${value}.0` : String(value);
}

const BROKEN = "This state cannot be shown";
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

// The frame of one view. about: from parameters.js. Returns the `ui` of the explorer:
//   ui.state               the parameters; always valid
//   ui.set({ name: value })   change some, everywhere; says what is wrong, then false
//   ui.stage               where the pictures go
//   ui.controls            where controls of the explorer's own go
//   ui.call                a function of the call's arguments: what to write instead
//   ui.control(name), ui.fold(label, names), ui.button(label, act)
//   ui.slider(key, spec, read, put)   one for something else; put(value) is false if refused
//   ui.amend               a function of what is about to be set: what to set instead
//   ui.draw(f)             f(state) draws; it runs at once, and in the next frame after any
//                          change; if it returns true it has more to do, and runs again
//   ui.sketch(handles(...), heights)   where a question is answered by drawing: see sketch.js
//   ui.say(text), ui.measure({ loss: 0.1 }), ui.colors(), ui.pending, ui.close
export function explorer({ model, el, about }) {
  const { name: className, title, parameters } = about;
  const ui = { state: {}, close, set: change, draw, say, measure, control, fold, button };
  const closing = []; // what ends with the view
  Object.assign(ui, { about, model, closing, slider, complain, refresh: changed });
  const controls = {};
  let [drawing, frame, telling, palette, reset] = [null, 0, 0, null, null];

  // --- The frame ---
  const parts = Object.fromEntries(
    ["goal", "ask", "stage", "controls", "buttons", "more", "wrong", "said", "foot"].map((name) => [
      name,
      make("div", { class: `bx-${name}` }),
    ]),
  );
  set(parts.said, { role: "status" });
  set(parts.wrong, { role: "alert" });
  const naming = { class: "bx", role: "group", "aria-label": title }; // no landmark: may repeat
  const root = make("div", naming, ...Object.values(parts));
  // JupyterLab takes the arrows, and "d d" deletes a cell, unless the focused element says no.
  root.addEventListener("focusin", ({ target }) => {
    set(target, { "data-lm-suppress-shortcuts": true });
  });
  const call = make("code");
  const more = make("a", { class: "bx-link" }, "Read more about this");
  parts.foot.append(make("span", {}, "In Python: ", call), more);
  el.append(root);
  Object.assign(ui, { stage: parts.stage, controls: parts.controls, root });
  Object.defineProperty(ui, "pending", {
    get: () => ui.state.question !== "" && model.get("prediction") == null,
  });

  // --- State ---
  function read() {
    for (const [name, spec] of Object.entries(parameters)) {
      const value = model.get(name);
      const wrong = problem(spec, value);
      if (wrong) complain(`${wrong}; it stays ${JSON.stringify(ui.state[name] ?? spec.default)}`);
      if (!wrong) ui.state[name] = value;
      else ui.state[name] ??= spec.default;
    }
  }

  function change(values) {
    values = ui.amend?.(values) ?? values;
    for (const [name, value] of Object.entries(values)) {
      const wrong = name in parameters && problem(parameters[name], value);
      if (wrong) {
        complain(`${wrong}; it stays ${JSON.stringify(ui.state[name])}`);
        return false;
      }
    }
    complain("");
    for (const name in values) model.set(name, values[name]);
    // At once: an echo of the kernel undoes what was not saved. Jupyter sends no more than one
    // message at a time.
    model.save_changes();
    read(); // the next change may come before the picture of this one
    return true;
  }

  function changed() {
    frame ||= requestAnimationFrame(paint);
  }

  function paint() {
    frame = 0;
    read();
    ask();
    const given = Object.entries(ui.state).filter(([n, v]) => !same(v, parameters[n].default));
    const texts = given.map(([n, v]) => `${n}=${python(parameters[n], v)}`);
    call.textContent = `${className}(${(ui.call?.(texts) ?? texts).join(", ")})`;
    try {
      if (drawing?.(ui.state)) changed();
      if (parts.wrong.textContent.startsWith(BROKEN)) complain("");
    } catch (error) {
      complain(`${BROKEN}: ${error.message}`);
    }
    for (const control of Object.values(controls)) control();
  }

  function draw(f) {
    drawing = f;
    paint();
    changed(); // once more when the view is in its document
  }

  // --- Words ---
  function complain(text) {
    if (parts.wrong.textContent !== text) parts.wrong.textContent = text;
  }

  function say(text) {
    parts.said.textContent = text;
    set(parts.said, { "aria-busy": "true" }); // read out when it has come to rest
    clearTimeout(telling);
    telling = setTimeout(() => set(parts.said, { "aria-busy": null }), 300);
  }

  // --- Controls ---
  function control(name, parent = parts.controls) {
    const spec = parameters[name];
    const kinds = { number: slider, whole: slider, choice: select, switch: tick };
    parent.append(kinds[spec.kind](name, spec));
  }

  function slider(name, spec, value = () => ui.state[name], put = (v) => change({ [name]: v })) {
    const { low, high, log, kind } = spec;
    const to = (v) => (log ? Math.log10(v) : v);
    const from = (s) => (log ? Number((10 ** s).toPrecision(3)) : Number(s.toPrecision(10)));
    const unit = 10 ** Math.floor(Math.log10((high - low) / 40));
    const step = kind === "whole" ? 1 : log ? 0.01 : unit;
    const range = make("input", { type: "range", min: to(low), max: to(high), step });
    const typed = make("input", { type: "text", inputmode: "decimal", autocomplete: "off" });
    set(typed, { "aria-label": `${spec.label}, typed`, size: 7, spellcheck: "false" });
    range.addEventListener("input", () => {
      put(clamp(from(Number(range.value)), low, high));
    });
    let editing = false; // then nothing is written over what the reader types
    typed.addEventListener("input", () => (editing = true));
    typed.addEventListener("blur", () => (editing = false));
    const enter = () => {
      if (!editing) return;
      const number = parse(typed.value);
      put(Number.isNaN(number) ? typed.value : number);
      editing = false;
      changed(); // and the field shows what is
    };
    typed.addEventListener("change", enter);
    typed.addEventListener("keydown", ({ key }) => {
      if (key === "Enter") enter(); // JupyterLab lets no change event come of it
    });
    controls[name] = () => {
      const now = value();
      if (document.activeElement !== range || from(Number(range.value)) !== now) {
        range.value = to(now);
      }
      set(range, { "aria-valuetext": short(now) });
      if (!editing) typed.value = String(now);
    };
    const text = make("span", {}, spec.label);
    return make("div", { class: "bx-slider" }, make("label", {}, text, range), typed);
  }

  function select(name, spec) {
    const options = spec.options.map((option) => make("option", { value: option }, option));
    const box = make("select", { onchange: () => change({ [name]: box.value }) }, ...options);
    controls[name] = () => (box.value = ui.state[name]);
    return make("label", { class: "bx-choice" }, make("span", {}, spec.label), box);
  }

  function tick(name, spec) {
    const box = make("input", { type: "checkbox" });
    box.addEventListener("change", () => change({ [name]: box.checked }));
    controls[name] = () => (box.checked = ui.state[name]);
    return make("label", { class: "bx-tick" }, box, make("span", {}, spec.label));
  }

  function fold(text, names) {
    const inside = make("div", { class: "bx-controls" });
    parts.more.append(make("details", {}, make("summary", {}, text), inside));
    for (const name of names) control(name, inside);
    return inside;
  }

  function button(text, act) {
    const made = make("button", { type: "button", onclick: act }, text);
    parts.buttons.insertBefore(made, reset); // which stays the last
    return made;
  }

  // --- A question first, a goal ---
  ui.sketch = (drawn, heights) => {
    ui.drawn = { ...drawn, heights, start: [...heights] };
    ask();
  };

  function ask() {
    const { question, options } = ui.state;
    const key = JSON.stringify([question, options, model.get("prediction"), !!ui.drawn]);
    if (parts.ask.dataset.key === key) return;
    parts.ask.dataset.key = key;
    const answer = (text, value) =>
      make("button", { type: "button", onclick: () => change({ prediction: value() }) }, text);
    const choices = options.length
      ? options.map((option) => answer(option, () => option))
      : [answer("Show me", () => [...(ui.drawn?.heights ?? [])])];
    const said = model.get("prediction");
    const words = typeof said === "string" ? `You predicted: ${said}` : "Dashed: yours";
    const reply = make("p", {}, words);
    parts.ask.hidden = !question;
    const legend = options.length ? question : `${question} Bend the line, then look.`;
    parts.ask.replaceChildren(make("p", {}, legend), ...(ui.pending ? choices : [reply]));
    root.classList.toggle("bx-pending", ui.pending);
    root.classList.toggle("bx-sketching", ui.pending && !options.length);
    for (const part of [parts.controls, parts.buttons, parts.more]) part.inert = ui.pending;
    if (!ui.drawn) return;
    set(ui.drawn.node, { class: ui.pending ? "bx-handles" : "bx-handles bx-done" });
    ui.drawn.node.style.display = question && !options.length ? "" : "none";
  }

  function measure(values) {
    root.dataset.measures = JSON.stringify(values); // in full, for tests
    const { goal } = ui.state;
    parts.goal.hidden = !goal;
    if (!goal) return;
    const met = goal.split(" and ").every((condition) => {
      const [what, sign, number] = condition.split(" ");
      const over = values[what] - Number(number);
      return { "<": over < 0, "<=": over <= 0, ">": over > 0, ">=": over >= 0 }[sign];
    });
    const words = goal.replaceAll("<=", "≤").replaceAll(">=", "≥").replaceAll("_", " ");
    const text = `Goal: ${words}. ${met && !ui.pending ? "✓ Reached." : "Not yet."}`;
    if (parts.goal.textContent !== text) parts.goal.textContent = text;
    parts.goal.classList.toggle("bx-met", met && !ui.pending);
  }

  // --- Colors, the same in CSS and on a canvas ---
  ui.colors = () => {
    const style = palette ? null : getComputedStyle(root);
    const names = ["paper", "ink", "forward", "backward", "class-0", "class-1", "class-2"];
    if (style) {
      const value = (name) => style.getPropertyValue(`--${name}`).trim() || "#808080";
      palette = Object.fromEntries(names.map((name) => [name, value(name)]));
    }
    const found = palette;
    if (!root.isConnected) palette = null; // styles are known only in a document
    return found;
  };
  const themes = new MutationObserver(() => {
    palette = null;
    changed();
  });
  for (const node of [document.documentElement, document.body]) {
    const attributeFilter = ["data-theme", "data-jp-theme-light"];
    themes.observe(node, { attributes: true, attributeFilter });
  }
  closing.push(() => themes.disconnect());

  // --- From here to the end ---
  reset = button("Reset", () => {
    ui.stop?.();
    if (ui.drawn) ui.drawn.heights.splice(0, Infinity, ...ui.drawn.start);
    ui.drawn?.refresh();
    const first = { ...model.get("_start"), prediction: null };
    for (const [name, spec] of Object.entries(parameters)) {
      if (problem(spec, first[name])) first[name] = spec.default;
    }
    change(first);
  });
  const events = [...Object.keys(parameters), "prediction"].map((name) => `change:${name}`);
  for (const event of events) model.on(event, changed);
  closing.push(() => events.forEach((event) => model.off(event, changed)));

  function close() {
    cancelAnimationFrame(frame);
    frame = -1; // a late event draws no more
    clearTimeout(telling);
    for (const end of closing) end();
    root.remove();
  }

  read();
  ask();
  measure({});
  const [, page, place] = /^((?:[\w-]+(?:\/[\w-]+)*)?)((?:#[\w-]+)?)$/.exec(ui.state.section) ?? [];
  const file = page && page + (model.get("_page") ?? ".ipynb");
  set(more, { href: (file ?? "") + (place ?? "") || null });
  more.hidden = !more.hasAttribute("href");
  return ui;
}
