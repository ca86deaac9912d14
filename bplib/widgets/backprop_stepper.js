// One small network with every number on it: forward, loss, backward, update.

import { make, set, short, svg } from "./draw.js";
import { losses, Net } from "./net.js";
import { BackpropStepper as about } from "./parameters.js";
import { explorer, parse, problem } from "./ui.js";

const LIMITS = about.parameters;
const PHASES = LIMITS.phase.options;
// After each phase: the button that goes on, in other words, and what to look at then.
const NEXT = [
  ["Forward one layer", "forward to the hidden units", "h1"],
  ["Forward one layer", "forward to the outputs", "y1"],
  ["Compute the loss", "compute the loss", "E"],
  ["Backward one layer", "backward to the hidden units", "W2[1,1]"],
  ["Backward one layer", "backward to the inputs", "W1[1,1]"],
  ["Update", "update, everything at once", ""],
];
// Names of numbers: x1, z_h1, W1[1,2]; with a d before it, the gradient of each.
const NAME = /(d?(?:z_)?[hy]\d|d?[xt]\d|d?[Wb]\d\[[\d,]+\]|\bE\b|η)/;

const upTo = (n, f) => Array.from({ length: n }, (_, k) => f(k + 1));
const lane = (name) => (name[0] === "d" ? "bx-backward" : "bx-forward");
const exact = (value) => short(value, 10);

// For the picture: three or four digits.
function brief(value) {
  const size = Math.abs(value);
  if (!size || size >= 1e-4) return short(value, size < 0.01 ? 3 : 4);
  return value.toExponential(1).replaceAll("-", "−");
}

// A formula as spans: its names, or what `read` says for each.
function spans(formula, read = (name) => name) {
  return formula.split(NAME).map((piece, k) => {
    return k % 2 ? make("span", { class: lane(piece) }, read(piece)) : piece;
  });
}

// --- The numbers ---

class Training {
  constructor(state) {
    const { x, t, W1, b1, W2, b2 } = state;
    const sizes = [x.length, b1.length, t.length];
    const shapes = { W1: sizes.slice(0, 2), W2: sizes.slice(1), b2: sizes.slice(2) };
    for (const [name, shape] of Object.entries(shapes)) {
      const got = [state[name].length, state[name][0]?.length].slice(0, shape.length);
      if (String(got) === String(shape) && Math.min(...sizes) > 0) continue;
      throw new Error(`${name} has ${got.join(" x ")} numbers; x, b1, t need ${shape.join(" x ")}`);
    }
    this.net = new Net(sizes, "sigmoid", "sigmoid");
    this.net.theta.set([W1, b1, W2, b2].flat(2));
    this.moves = [W1, b1, W2, b2].flatMap((array, k) =>
      array.flat().map(() => k % 2 === 0 || state.train_biases),
    );
    Object.assign(this, { sizes, rate: state.learning_rate, done: 0 });
    [this.x, this.t, this.dy] = [x, t, t].map((list) => Float64Array.from(list));
    this.look();
    this.before = { theta: this.net.theta.slice(), grad: this.net.grad.slice() };
  }

  look() {
    const y = this.net.forward(this.x, 1);
    this.E = losses.squared_error(y, this.t, 1, y.length, this.dy);
    this.net.backward(this.dy);
  }

  // All gradients are there before anything moves. True: `to` updates are done.
  advance(to, ms) {
    const { net: { theta, grad }, before, moves, rate } = this;
    const end = performance.now() + ms;
    while (this.done < to && performance.now() < end) {
      before.theta.set(theta);
      before.grad.set(grad);
      before.E = this.E;
      for (let i = 0; i < theta.length; i++) if (moves[i]) theta[i] -= rate * grad[i];
      this.look();
      this.done++;
    }
    return this.done === to;
  }

  // { name: [value, place of the phase that brings it, formula or words] } of all numbers.
  numbers() {
    const all = {};
    const [, , nOut] = this.sizes;
    const sum = (n, f) => upTo(n, f).join(" + ");
    this.net.layers.forEach(({ nIn, nOut, W, b, x, z, y, dW, db, dz, dx }, k) => {
      const [from, to, back] = ["xh"[k], "hy"[k], 5 - k];
      const w = (i, j) => `W${k + 1}[${i},${j}]`;
      upTo(nIn, (i) => {
        if (!k) all[`x${i}`] = [x[i - 1], 0, "", "input"];
        const terms = sum(nOut, (j) => `${w(i, j)} · dz_${to}${j}`);
        all[`d${from}${i}`] = [dx[i - 1], back, terms];
        upTo(nOut, (j) => {
          const at = (i - 1) * nOut + j - 1;
          all[w(i, j)] = [W[at], 0, "", `weight from ${from}${i} to ${to}${j}`];
          all[`d${w(i, j)}`] = [dW[at], back, `${from}${i} · dz_${to}${j}`];
        });
      });
      upTo(nOut, (j) => {
        const [unit, bias] = [`${to}${j}`, `b${k + 1}[${j}]`];
        all[bias] = [b[j - 1], 0, "", `bias of ${unit}`];
        all[`d${bias}`] = [db[j - 1], back, `dz_${unit}`];
        const terms = sum(nIn, (i) => `${from}${i} · ${w(i, j)}`);
        all[`z_${unit}`] = [z[j - 1], k + 1, `${terms} + ${bias}`];
        all[unit] = [y[j - 1], k + 1, `σ(z_${unit})`, k ? "output" : "hidden unit"];
        all[`dz_${unit}`] = [dz[j - 1], back, `d${unit} · ${unit} · (1 − ${unit})`];
      });
    });
    upTo(nOut, (j) => {
      all[`dy${j}`] = [this.dy[j - 1], 4, `y${j} − t${j}`];
      all[`t${j}`] = [this.t[j - 1], 0, "", "target"];
    });
    all.E = [this.E, 3, sum(nOut, (j) => `½ (y${j} − t${j})²`), "the loss"];
    return all;
  }
}

// How many paths lead from E to a number; all names on them are added to `lit`.
function paths(all, name, lit) {
  lit.add(name);
  const users = Object.keys(all).filter((n) => n[0] !== "d" && all[n][2].split(NAME).includes(name));
  return users.reduce((sum, user) => sum + paths(all, user, lit), Number(name === "E"));
}

// What is told of a node or a parameter, forward first.
const lines = (all, name) => [`z_${name}`, name, `d${name}`, `dz_${name}`].filter((n) => n in all);

// --- The picture: a card for each node, arrows between them ---

// The d of an arrow a little to the left of the way from p to q.
function arrow(p, q) {
  const length = Math.hypot(q[0] - p[0], q[1] - p[1]);
  const [u, v] = [(q[0] - p[0]) / length, (q[1] - p[1]) / length];
  const at = (along, left) => `${p[0] + u * along + v * left} ${p[1] + v * along - u * left}`;
  return `M${at(0, 2.5)}L${at(length, 2.5)}M${at(length - 8, 6)}L${at(length, 2.5)}L${at(length - 8, -1)}`;
}

class Picture {
  constructor(choose) {
    this.choose = choose;
    this.node = make("div", { class: "bx-net" });
  }

  // wide: from left to right, else from top to bottom.
  build(sizes, wide, all) {
    if (this.key === `${sizes} ${wide}`) return;
    Object.assign(this, { key: `${sizes} ${wide}`, wide, items: [], wires: [] });
    this.full = Math.max(...sizes) < 3; // room for all numbers
    const counts = [...sizes, 1];
    const width = wide ? 94 : Math.min(94, 300 / Math.max(...counts) - 3);
    const names = (d, k) => [[`x${k}`], [`b1[${k}]`, `h${k}`], [`b2[${k}]`, `y${k}`, `t${k}`], ["E"]][d];
    const tall = (name) => Math.max(42, 16 * lines(all, name).length + 8);
    const heights = counts.map((_, d) => names(d, 1).reduce((sum, name) => sum + tall(name), 0));
    const pitch = counts.map((n, d) =>
      wide ? Math.max(heights[d] + 14, n < 3 ? 172 : 0) : 300 / Math.max(n, 2),
    );
    const whole = Math.max(...counts.map((n, d) => (n - 1) * pitch[d] + heights[d])) + 8;
    let top = 2;
    const cards = counts.map((n, d) => {
      const column = upTo(n, (k) => {
        const away = (k - (n + 1) / 2) * pitch[d];
        const x = wide ? [49, 266, 483, 651][d] : 150 + away;
        const first = wide ? (whole - heights[d]) / 2 + away : top;
        let y = first;
        for (const name of names(d, k)) {
          this.item(name, all, [x, y, width, tall(name)], true);
          y += tall(name);
        }
        return { x, first, last: y, name: `${"xhyE"[d]}${d < 3 ? k : ""}` };
      });
      top += heights[d] + (d < 2 ? 112 : 40);
      return column;
    });
    cards.slice(1).forEach((column, d) =>
      cards[d].forEach((from, i) =>
        column.forEach((to, j) => {
          const [a, b] = [(from.first + from.last) / 2, (to.first + to.last) / 2];
          const p = wide ? [from.x + width / 2 + 1, a] : [from.x, from.last + 1];
          const q = wide ? [to.x - width / 2 - 1, b] : [to.x, to.first - 1];
          const ways = [arrow(p, q), arrow(q, p)].map((way) => svg("path", { d: way }));
          const name = d < 2 ? `W${d + 1}[${i + 1},${j + 1}]` : "";
          const item = name && this.item(name, all, [0, -21, 62, 42], false);
          const lean = Math.sign(counts[d] - counts[d + 1]) || (i === j ? -1 : 1.25);
          this.wires.push({ from, to, p, q, i, j, ways, name, item, share: 0.5 - 0.17 * lean });
        }),
      ),
    );
    const lanes = svg("g", { "aria-hidden": true }, ...this.wires.flatMap(({ ways }) => ways));
    const box = {
      viewBox: `0 0 ${wide ? 700 : 300} ${wide ? whole : top - 38}`,
      role: "group",
      "aria-label": "The network; arrow keys lead from number to number",
      onkeydown: (event) => this.key_(event),
    };
    this.node.replaceChildren(svg("svg", box, lanes, ...this.items.map(({ node }) => node)));
    this.node.classList.toggle("bx-narrow", !wide);
  }

  // A number to be picked, with those that belong to it; x is the middle, y the top.
  item(name, all, [x, y, width, height], card) {
    const shown = lines(all, name);
    const texts = shown.map((line, k) => {
      const label = card ? `${line.replace(/^(d?[bz])[_\d].*/, "$1")} ` : "";
      const at = y + height / 2 + 4 + 16 * (k - (shown.length - 1) / 2);
      return svg("text", { x, y: at, class: lane(line) }, label, svg("tspan"));
    });
    const node = svg(
      "g",
      { role: "button", onclick: () => this.choose(name) },
      svg("rect", { x: x - width / 2, y, width, height, rx: 4 }),
      ...texts,
    );
    const item = { name, node, texts, shown, card, at: [x, y + height / 2] };
    this.items.push(item);
    return item;
  }

  // Arrow keys: on to the nearest number in their direction. Enter and space pick it.
  press(event) {
    const here = this.items.find(({ node }) => node === event.target);
    const go = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowDown: [0, 1], ArrowUp: [0, -1] };
    const way = go[event.key];
    if (!here || !(way || event.key === "Enter" || event.key === " ")) return;
    event.preventDefault();
    if (!way) return this.choose(here.name);
    const far = ({ node, at }) => {
      const [dx, dy] = [at[0] - here.at[0], at[1] - here.at[1]];
      const along = dx * way[0] + dy * way[1];
      const aside = Math.abs(dx * way[1] + dy * way[0]);
      return along > 1 && !node.hasAttribute("display") ? along + 3 * aside : Infinity;
    };
    const next = this.items.reduce((a, b) => (far(b) < far(a) ? b : a));
    if (far(next) < Infinity) next.node.focus();
  }

  // lit: where the gradient of what is selected comes through; used: what its formulas name.
  show(all, selected, known, lit, used) {
    for (const { from, to, p, q, i, j, ways, name, item, share } of this.wires) {
      const on = name === selected || (lit.has(from.name) && lit.has(to.name));
      const seen = [known(to.name), known(name ? `d${name}` : `d${from.name}`)];
      set(ways[0], { class: `${seen[0] ? "bx-forward" : ""}${used.has(name || "E") ? " bx-lit" : ""}` });
      set(ways[1], { class: `bx-backward${on ? " bx-lit" : ""}`, display: seen[1] ? null : "none" });
      if (!item) continue;
      const ends = [from.name, to.name].indexOf(selected);
      const far = [0.5, 0.74 - 0.24 * (j % 2), 0.26 + 0.24 * (i % 2)][ends + 1];
      const s = this.full ? share : far;
      item.at = [0, 1].map((k) => p[k] + s * (q[k] - p[k]));
      const near = this.full || ends >= 0 || name === selected;
      set(item.node, { transform: `translate(${item.at})`, display: near ? null : "none" });
    }
    const stop = this.items.find(({ name }) => name === selected) ?? this.items[0];
    for (const item of this.items) {
      const { name, node, texts, shown, card } = item;
      shown.forEach((line, k) => {
        const text = known(line) ? brief(all[line][0]) : "?";
        const value = texts[k].lastChild;
        if (value.textContent !== text) value.textContent = text;
        set(texts[k], { display: known(line) || line[0] !== "d" ? null : "none" });
      });
      const told = texts.filter((text) => !text.hasAttribute("display")).map((text) => text.textContent);
      const on = [lit.has(name) && "bx-lit", used.has(name) && "bx-used"].filter(Boolean);
      set(node, {
        "aria-label": `${told.join(" ")}: ${name}, ${all[name][3]}`,
        "aria-pressed": String(name === selected),
        tabindex: item === stop ? 0 : -1,
        class: [card ? "bx-card" : "bx-label", ...on].join(" "),
      });
    }
  }
}

// --- The explorer ---

export default {
  render({ model, el }) {
    const ui = explorer({ model, el, about });
    let [training, all, now, key] = [null, {}, 0, ""];
    const known = (name) => all[name]?.[1] <= now;
    const shape = (stem, n, m) =>
      upTo(n, (i) => (m ? upTo(m, (j) => all[`${stem}[${i},${j}]`][0]) : all[`${stem}[${i}]`][0]));
    const choose = (selected) => ui.set({ selected });

    // --- The stage ---
    const picture = new Picture(choose);
    const next = make("button", { type: "button", class: "bx-next", onclick: forth });
    const back = make("button", { type: "button", onclick: previous }, "Back");
    const words = make("div", { class: "bx-formulas" });
    ui.stage.append(picture.node, make("div", { class: "bx-bar" }, next, back), words);

    // --- Steps ---
    // To another phase. What is selected stays if the phase has something new about it.
    function go(phase, more) {
      const { selected } = ui.state;
      const news = lines(all, selected).some((name) => all[name][1] === phase);
      const look = news || !phase ? selected : NEXT[phase - 1][2];
      ui.set({ phase: PHASES[phase], selected: look, ...more });
    }
    function forth() {
      if (now < 5) go(now + 1);
      else go(0, { updates: ui.state.updates + 1 });
    }
    function previous() {
      if (now) go(now - 1);
      else if (ui.state.updates) go(5, { updates: ui.state.updates - 1 });
    }
    const steps = [...new Set(NEXT.map(([label]) => label))].map((label) =>
      ui.button(label, () => {
        if (NEXT[now][0] === label) return forth();
        const why = "All gradients first, at the old parameters; only then does anything move.";
        ui.say(`Not yet: next comes “${NEXT[now][1]}”. ${label === "Update" ? why : ""}`);
      }),
    );
    const whole = { kind: "whole", low: 1, high: LIMITS.updates.high, label: "updates to run" };
    const count = typed(whole.label, () => {});
    count.value = 100;
    const run = ui.button("Run", () => {
      const more = number(count, whole);
      const updates = Math.min(ui.state.updates + more, whole.high);
      if (more) ui.set({ updates });
    });
    run.after(count, make("span", {}, "updates"));

    // --- Changes ---
    // What is set belongs to the present numbers: they become the start.
    ui.amend = (values) => {
      if ("updates" in values) return { phase: PHASES[Math.max(now, 3)], ...values };
      const names = ["x", "t", "W1", "b1", "W2", "b2", "learning_rate", "train_biases"];
      if (!ui.state.updates || !names.some((name) => name in values)) return values;
      return { ...present(), updates: 0, ...values };
    };
    function present() {
      const [nIn, nHidden, nOut] = training.sizes;
      const [W1, W2] = [shape("W1", nIn, nHidden), shape("W2", nHidden, nOut)];
      return { W1, b1: shape("b1", nHidden), W2, b2: shape("b2", nOut) };
    }
    // The present numbers with another one at a name.
    function changed(name, value) {
      const [, stem, i, j] = /^([Wb]\d|\D)\[?(\d),?(\d?)/.exec(name);
      const array = structuredClone(present()[stem] ?? ui.state[stem]);
      if (j) array[i - 1][j - 1] = value;
      else array[i - 1] = value;
      return { [stem]: array };
    }
    const fixed = (name) => all[name]?.[1] > 0 || !(name in all);
    const list = make("select", { onchange: () => choose(list.value) });
    const range = make("input", { type: "range", step: 0.01 });
    const field = typed("", () => edit(number(field, limits())));
    range.addEventListener("input", () => edit(Number(range.value)));
    const pick = make("label", { class: "bx-choice" }, make("span", {}, "look at, and change"), list);
    const name = make("span");
    const slide = make("div", { class: "bx-slider" }, make("label", {}, name, range), field);
    ui.controls.append(pick, slide);
    const limits = () => ({ kind: "number", label: ui.state.selected, ...pickLimits(ui.state.selected) });
    function edit(value) {
      if (value !== undefined) ui.set(changed(ui.state.selected, value));
    }
  },
};
