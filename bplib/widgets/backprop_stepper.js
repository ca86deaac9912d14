// One small network with every number on it: forward, loss, backward, update.

import { count, make, set, short, svg } from "./draw.js";
import { losses, Net } from "./net.js";
import { BackpropStepper as about } from "./parameters.js";
import { explorer, problem } from "./ui.js";

const PHASES = about.parameters.phase.options;
// After each phase: the button that goes on, and what to look at then.
const NEXT = [
  ["Forward one layer", "h1"],
  ["Forward one layer", "y1"],
  ["Compute the loss", "E"],
  ["Backward one layer", "W2[1,1]"],
  ["Backward one layer", "W1[1,1]"],
  ["Update", ""],
];
// Names of numbers: x1, z_h1, W1[1,2]; with a d before it, the gradient of each.
const NAME = /(d?(?:z_)?[hy]\d|d?[xt]\d|d?[Wb]\d\[[\d,]+\]|\bE\b|η)/;
const MOST = about.parameters.updates.high;
const NET = ["x", "t", "W1", "b1", "W2", "b2"];
const START = [...NET, "learning_rate", "train_biases"];

const upTo = (n, f) => Array.from({ length: n }, (_, k) => f(k + 1));
const isSlope = (name) => name[0] === "d";
const lane = (name) => (isSlope(name) ? "bx-backward" : "bx-forward");
const exact = (value) => short(value, 10);
const small = (value) => value.toExponential(1).replaceAll("-", "−");
const tiny = (gap) => (gap < 1e-15 ? "only rounding" : small(gap));
function brief(value, digits) {
  const size = Math.abs(value);
  return size && size < 1e-4 ? small(value) : short(value, size < 0.01 ? digits - 1 : digits);
}

// --- The numbers ---

class Training {
  constructor({ x, t, W1, b1, W2, b2, learning_rate, train_biases }) {
    this.sizes = [x.length, b1.length, t.length];
    const [nIn, nHidden, nOut] = this.sizes;
    const by = (array) => [array.length, array[0]?.length].join(" by ");
    const got = `W1 ${by(W1)}, W2 ${by(W2)}, b2 ${b2.length}`;
    const need = `W1 ${nIn} by ${nHidden}, W2 ${nHidden} by ${nOut}, b2 ${nOut}`;
    if (got !== need) throw new Error(`x, b1 and t need ${need}, not ${got}`);
    this.net = new Net(this.sizes, "sigmoid", "sigmoid");
    this.net.theta.set([W1, b1, W2, b2].flat(2));
    this.moves = [W1, b1, W2, b2].flatMap((a, k) => a.flat().map(() => !(k % 2) || train_biases));
    [this.x, this.t, this.dy] = [x, t, t].map((list) => Float64Array.from(list));
    this.before = { theta: this.net.theta.slice(), grad: this.net.grad.slice() };
    Object.assign(this, { rate: learning_rate, done: 0 });
    this.look();
  }

  look() {
    const y = this.net.forward(this.x, 1);
    this.E = losses.squared_error(y, this.t, 1, y.length, this.dy);
    this.net.backward(this.dy);
  }

  // All gradients are there before anything moves. True: `to` updates are done.
  advance(to, ms) {
    const { theta, grad } = this.net;
    const end = performance.now() + ms;
    while (this.done < to && performance.now() < end) {
      this.before.theta.set(theta);
      this.before.grad.set(grad);
      this.before.E = this.E;
      theta.forEach((_, i) => (theta[i] -= this.moves[i] ? this.rate * grad[i] : 0));
      this.look();
      this.done++;
    }
    return this.done === to;
  }

  // { name: [value, place of the phase that brings it, formula, what it is] } of all
  // numbers; what can be selected has the last.
  numbers() {
    const all = {};
    const sum = (n, f) => upTo(n, f).join(" + ");
    this.net.layers.forEach(({ nIn, nOut, W, b, x, z, y, dW, db, dz, dx }, k) => {
      const [from, to, back] = ["xh"[k], "hy"[k], 5 - k];
      const w = (i, j) => `W${k + 1}[${i},${j}]`;
      upTo(nIn, (i) => {
        if (!k) all[`x${i}`] = [x[i - 1], 0, "", "input"];
        all[`d${from}${i}`] = [dx[i - 1], back, sum(nOut, (j) => `${w(i, j)} · dz_${to}${j}`)];
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
    this.t.forEach((t, k) => {
      all[`dy${k + 1}`] = [this.dy[k], 4, `y${k + 1} − t${k + 1}`];
      all[`t${k + 1}`] = [t, 0, "", "target"];
    });
    all.E = [this.E, 3, sum(this.t.length, (j) => `½ (y${j} − t${j})²`), "loss"];
    return all;
  }
}

// How many paths lead from E to a number; all names on them are added to `lit`.
function paths(all, name, lit) {
  lit.add(name);
  const users = Object.keys(all).filter((n) => !isSlope(n) && all[n][2].split(NAME).includes(name));
  return users.reduce((sum, user) => sum + paths(all, user, lit), Number(name === "E"));
}

// What there is to say of a node or a parameter, forward first.
const lines = (all, name) => [`z_${name}`, name, `d${name}`, `dz_${name}`].filter((n) => n in all);

// --- The picture: rows of cards, one for each node, and arrows between them ---

// The d of an arrow a little to the left of the way from p to q.
function arrow(p, q) {
  const length = Math.hypot(q[0] - p[0], q[1] - p[1]);
  const [u, v] = [(q[0] - p[0]) / length, (q[1] - p[1]) / length];
  const at = (on, left) => `${p[0] + u * on + v * left} ${p[1] + v * on - u * left}`;
  const [tip, back] = [at(length, 2.5), length - 8];
  return `M${at(0, 2.5)}L${tip}M${at(back, 6)}L${tip}L${at(back, -1)}`;
}

class Picture {
  constructor(choose) {
    this.choose = choose;
    this.node = make("div", { class: "bx-net" });
  }

  build(sizes, all) {
    if (this.key === String(sizes)) return;
    const most = Math.max(...sizes); // above 2 there is no room for the numbers of all edges
    Object.assign(this, { key: String(sizes), items: [], wires: [], full: most < 3 });
    const tall = (name) => Math.max(42, 16 * lines(all, name).length + 8);
    let y = 2;
    const rows = [...sizes, 1].map((n, d) => {
      const cards = (k) => [`x${k}`, `b1[${k}] h${k}`, `b2[${k}] y${k} t${k}`, "E"][d].split(" ");
      const [top, width] = [y, Math.min(96, 300 / n - 3)];
      const row = upTo(n, (k) => {
        const x = 150 + ((k - (n + 1) / 2) * 300) / Math.max(n, 2);
        y = top;
        for (const name of cards(k)) {
          this.item(name, all, [x, y, width, tall(name)], "bx-card");
          y += tall(name);
        }
        return { name: d < 3 ? "xhy"[d] + k : "E", x, top, bottom: y };
      });
      y += d < 2 ? 104 : 36;
      return row;
    });
    rows.slice(1).forEach((row, d) =>
      rows[d].forEach((from, i) =>
        row.forEach((to, j) => {
          const [p, q] = [[from.x, from.bottom + 1], [to.x, to.top - 1]];
          const ways = [arrow(p, q), arrow(q, p)].map((way) => svg("path", { d: way }));
          const name = d < 2 ? `W${d + 1}[${i + 1},${j + 1}]` : "";
          const item = name && this.item(name, all, [0, -21, 68, 42], "bx-label");
          const lean = Math.sign(row.length - rows[d].length) || (i === j ? 1 : -1);
          this.wires.push({ from, to, i, j, p, q, ways, name, item, share: 0.5 + 0.25 * lean });
        }),
      ),
    );
    const arrows = svg("g", { "aria-hidden": true }, ...this.wires.flatMap(({ ways }) => ways));
    const box = {
      viewBox: `0 0 300 ${y - 34}`,
      role: "group",
      "aria-label": "The network; arrow keys lead from number to number",
      onkeydown: (event) => this.press(event),
    };
    const items = this.items.map(({ node }) => node);
    this.node.replaceChildren(svg("svg", box, arrows, ...items));
  }

  // A number to be picked, with those that belong to it; x is the middle, y the top.
  item(name, all, [x, y, width, height], look) {
    const shown = lines(all, name);
    const texts = shown.map((line, k) => {
      const label = look === "bx-card" ? `${line.replace(/^(d.|[bz]).*/, "$1")} ` : "";
      const at = y + height / 2 + 4 + 16 * (k - (shown.length - 1) / 2);
      const place = { x, y: at, class: lane(line), lengthAdjust: "spacingAndGlyphs" };
      return svg("text", place, label, svg("tspan"));
    });
    const frame = svg("rect", { x: x - width / 2, y, width, height, rx: 4 });
    const words = texts.flatMap((text) => [text, " "]); // spaces, for those who hear it
    const node = svg("g", { role: "button", onclick: () => this.choose(name) }, frame, ...words);
    const digits = look === "bx-card" && width < 80 ? 3 : 4;
    this.items.push({ name, node, texts, shown, look, digits });
    return node;
  }

  // Enter and space pick a number; arrow keys go to another.
  press(event) {
    const items = this.items.filter(({ node }) => !node.hasAttribute("display"));
    const at = items.findIndex(({ node }) => node === event.target);
    const keys = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1, Enter: 0, " ": 0 };
    const step = keys[event.key];
    if (at < 0 || step === undefined) return;
    event.preventDefault();
    if (step) items.at((at + step) % items.length).node.focus();
    else this.choose(items[at].name);
  }

  // lit: where the gradient of what is selected passes; used: what its formulas name.
  show(all, selected, known, lit, used) {
    for (const { from, to, i, j, p, q, ways, name, item, share } of this.wires) {
      const on = name === selected || (lit.has(from.name) && lit.has(to.name));
      const look = (k, lane, lit) => set(ways[k], { class: `${lane} ${lit ? "bx-lit" : ""}` });
      look(0, known(to.name) ? "bx-forward" : "", !on && used.has(name || "E"));
      look(1, known(`d${name || from.name}`) ? "bx-backward" : "bx-none", on);
      if (!item) continue;
      // Without room for all, the numbers at the selected node, at the other ends.
      const end = [from.name, to.name].indexOf(selected);
      const far = [0.5, 0.74 - 0.24 * (j % 2), 0.26 + 0.24 * (i % 2)][end + 1];
      const [x, y] = [0, 1].map((k) => p[k] + (this.full ? share : far) * (q[k] - p[k]));
      const hidden = !this.full && end < 0 && name !== selected;
      set(item, { transform: `translate(${x} ${y})`, display: hidden && "none" });
    }
    const stop = this.items.find(({ name }) => name === selected) ?? this.items[0];
    for (const item of this.items) {
      const { name, node, texts, shown, look, digits } = item;
      shown.forEach((line, k) => {
        const text = known(line) ? brief(all[line][0], digits) : isSlope(line) ? "" : "?";
        if (texts[k].lastChild.textContent !== text) texts[k].lastChild.textContent = text;
        const tight = digits < 4 && texts[k].textContent.length > 9;
        set(texts[k], { display: !text && "none", textLength: tight && 68 });
      });
      const told = texts.filter((text) => !text.hasAttribute("display"));
      set(node, {
        class: `${look} ${lit.has(name) ? "bx-lit" : used.has(name) ? "bx-used" : ""}`,
        "aria-label": `${told.map((text) => text.textContent).join(" ")}: ${name}, ${all[name][3]}`,
        "aria-pressed": String(name === selected),
        tabindex: item === stop ? 0 : -1,
      });
    }
  }
}

// --- The explorer ---

export default {
  render({ model, el }) {
    const ui = explorer({ model, el, about });
    let [training, all, now, start, begun] = [null, {}, 0, "", ""];
    let [shown, listed, tabled] = ["", "", ""];
    const known = (name) => all[name]?.[1] <= now;

    const picture = new Picture((selected) => ui.set({ selected }));
    const next = make("button", { type: "button", class: "bx-next", onclick: forth }, "Next");
    const words = make("div", { class: "bx-words" });
    ui.stage.append(picture.node, words, make("div", { class: "bx-bar" }, next));

    // --- Steps ---
    // To another phase. What is selected stays if the phase has something new about it.
    function go(phase, more) {
      const { selected } = ui.state;
      const news = lines(all, selected).some((name) => all[name][1] === phase);
      const look = news || !phase ? selected : NEXT[phase - 1][1];
      ui.set({ phase: PHASES[phase], selected: look, ...more });
    }
    function forth() {
      if (now < 5) go(now + 1);
      else go(0, { updates: ui.state.updates + 1 });
    }
    const steps = [...new Set(NEXT.map(([label]) => label))].map((label) =>
      ui.button(label, () => {
        if (NEXT[now][0] === label) return forth();
        const why = "All gradients first, at the old parameters; only then does anything move.";
        ui.say(`Not yet: next comes “${NEXT[now][0]}”. ${label === "Update" ? why : ""}`);
      }),
    );
    ui.button("Run 100 updates", () => {
      ui.set({ updates: Math.min(ui.state.updates + 100, MOST) });
    });

    // --- Changes ---
    // The present parameters, as a state has them.
    function present() {
      const theta = training.net.theta.values();
      const fill = (list) => list.map((each) => (each.map ? fill(each) : theta.next().value));
      return Object.fromEntries(NET.slice(2).map((name) => [name, fill(ui.state[name])]));
    }
    // The same with another number at a place: { W1: [...] }
    function changed(name, value) {
      const [, stem, i, j] = /^([Wb]\d|\D)\[?(\d),?(\d?)/.exec(name);
      const array = structuredClone(present()[stem] ?? ui.state[stem]);
      if (j) array[i - 1][j - 1] = value;
      else array[i - 1] = value;
      return { [stem]: array };
    }
    // What is set belongs to the numbers that are seen: they become the start.
    ui.amend = (values) => {
      begun = "";
      if ("updates" in values) return { phase: PHASES[Math.max(now, 3)], ...values };
      const { updates } = ui.state;
      if (!updates || !training || !START.some((name) => name in values)) return values;
      training.advance(updates, Infinity);
      begun = " The numbers as they were are the new start.";
      return { ...present(), updates: 0, ...values };
    };
    const list = make("select", { onchange: () => ui.set({ selected: list.value }) });
    const edit = make("div");
    const label = make("span", {}, "look at, and change");
    ui.controls.append(make("label", { class: "bx-choice" }, label, list), edit);
    for (const name of ["learning_rate", "train_biases", "updates"]) ui.control(name);
    // A select of all numbers, and a slider for the selected one if nothing computes it.
    function offer({ selected }) {
      const names = Object.keys(all).filter((name) => all[name][3]);
      const option = (name) => make("option", { value: name }, `${name}: ${all[name][3]}`);
      if (listed !== (listed = String(names))) {
        list.replaceChildren(make("option", { value: "" }, "nothing"), ...names.map(option));
        shown = "";
      }
      list.value = selected;
      if (shown === (shown = `now ${selected}`)) return;
      edit.replaceChildren();
      const [value, since] = all[selected] ?? [];
      if (since !== 0) return;
      const { low, high } = about.parameters[/^[Wb]\d|^./.exec(selected)[0]];
      const spec = { kind: "number", label: selected, low, high };
      const put = (value) => {
        const wrong = problem(spec, value);
        ui.complain(wrong);
        return !wrong && ui.set(changed(selected, value));
      };
      edit.append(ui.slider("edit", spec, () => all[selected]?.[0] ?? 0, put));
      const most = 2 ** Math.max(1, Math.ceil(Math.log2(Math.abs(value))));
      set(edit.querySelector("[type=range]"), { min: -most, max: most, step: most / 200 });
    }

    // --- Words ---
    const spans = (formula, read) =>
      formula.split(NAME).map((piece, k, all) => {
        return k % 2 ? make("span", { class: lane(piece) }, read(piece, all[k - 1])) : piece;
      });
    // A formula, then the same in numbers, then what comes out.
    function formula(label, left, right, read, result) {
      const text = (value) => (Number.isNaN(value) ? "?" : exact(value));
      const given = (name, before) => {
        const inner = read(name) < 0 && before.endsWith(" ");
        return inner ? `(${text(read(name))})` : text(read(name));
      };
      const row = make("p", {}, make("span", { class: "bx-quiet" }, `${label} `));
      row.append(...spans(`${left} = ${right}`, (name) => name));
      if (/[ (]/.test(right)) row.append(make("br"), "= ", ...spans(right, given));
      row.append(make("br"), "= ", make("b", { class: lane(left) }, text(result)));
      return row;
    }

    // What is selected: its formulas, and the way of its gradient.
    function explain(state, lit, used) {
      const { selected, updates, learning_rate: rate } = state;
      if (!all[selected]?.[3]) return [make("p", {}, "Pick a number in the picture.")];
      const read = (name) => (known(name) ? all[name][0] : NaN);
      const rows = [make("p", {}, make("strong", {}, selected), `, ${all[selected][3]}`)];
      const [, w, i, j] = /W(\d)\[(\d),(\d)/.exec(selected) ?? [];
      const usual = (name) => String(state[name]) === String(about.parameters[name].default);
      if (w && NET.every(usual)) rows[0].append(`, often called w${4 * w + 2 * j + +i - 6}`);
      const back = known(`d${selected}`);
      for (const name of lines(all, selected)) {
        const right = all[name][2];
        if (!right || (isSlope(name) && !known(name))) continue;
        rows.push(formula(isSlope(name) ? "backward" : "forward", name, right, read, read(name)));
        if (isSlope(name) || !back) right.split(NAME).forEach((each) => used.add(each));
      }
      if (/^[Wb]/.test(selected) && (now === 5 || updates)) {
        const k = Object.keys(all).filter((name) => /^[Wb]/.test(name)).indexOf(selected);
        const { theta, grad } = now === 5 ? training.net : training.before;
        const old = (name) => (name === "η" ? rate : (isSlope(name) ? grad : theta)[k]);
        const label = now === 5 ? "next update" : "last update";
        const [right, result] = [`${selected} − η · d${selected}`, theta[k] - rate * grad[k]];
        const moved = training.moves[k] && formula(label, `new ${selected}`, right, old, result);
        rows.push(moved || make("p", {}, "Frozen: no update moves it."));
      }
      if (back) {
        const n = paths(all, selected, lit);
        const joined = n > 1 ? "; where they join, gradients add" : "";
        rows.push(make("p", {}, `Paths from E back to here: ${n}${joined}.`));
      }
      return rows;
    }

    // What the gradient says of a small change, and what happens.
    function nudged({ selected, nudge: h, ...state }) {
      const [value, slope, name] = [all[selected], all[`d${selected}`], `d${selected}`];
      if (!slope || value[1]) return ["Select an input, a weight or a bias to nudge it."];
      const change = (h) => {
        const moved = { ...state, ...present(), ...changed(selected, value[0] + h) };
        return new Training(moved).E - training.E;
      };
      const gap = (h) => Math.abs(change(h) - slope[0] * h);
      const now = `${selected} moves by ${short(h)}. Actual change of E: ${exact(change(h))}.`;
      if (!known(name)) return [now, `What does ${name} predict? Go backward to see.`];
      return [
        now,
        `Predicted: ${name} · ${short(h)} = ${exact(slope[0] * h)}.`,
        `Gap: ${tiny(gap(h))}. With a tenth of the nudge: ${tiny(gap(h / 10))}.`,
      ];
    }

    const nudging = ui.fold("Nudge it: is the gradient right?", ["nudge"]);
    const tried = nudging.appendChild(make("div"));
    const table = make("table", { class: "bx-table" });
    ui.fold("All numbers, to ten digits", []).append(table);
    table.closest("details").addEventListener("toggle", ui.refresh);
    function tabulate() {
      if (!table.closest("[open]")) return;
      const names = Object.keys(all).filter((name) => !isSlope(name));
      if (tabled !== (tabled = String(names))) {
        const head = (scope, text) => make("th", { scope }, text);
        const heads = ["number", "value", "gradient"].map((text) => head("col", text));
        const row = (name) => make("tr", {}, head("row", name), make("td"), make("td"));
        table.replaceChildren(make("tr", {}, ...heads), ...names.map(row));
      }
      names.forEach((name, k) =>
        [name, `d${name}`].forEach((each, column) => {
          const text = known(each) ? exact(all[each][0]) : each in all ? "?" : "";
          const cell = table.rows[k + 1].cells[column + 1];
          if (cell.textContent !== text) cell.textContent = text;
        }),
      );
    }

    ui.draw((state) => {
      const key = JSON.stringify(START.map((name) => state[name]));
      if (key !== start || training.done > state.updates) training = new Training(state);
      start = key;
      const finished = training.advance(state.updates, 6);
      now = PHASES.indexOf(state.phase);
      all = training.numbers();
      offer(state);
      const [lit, used] = [new Set(), new Set()];
      words.replaceChildren(...explain(state, lit, used));
      picture.build(training.sizes, all);
      picture.show(all, state.selected, known, lit, used);
      tried.replaceChildren(...nudged(state).map((text) => make("p", {}, text)));
      tabulate();
      next.textContent = `Next: ${NEXT[now][0].toLowerCase()}`;
      const fits = (step) => step.textContent === NEXT[now][0];
      for (const step of steps) set(step, { "aria-disabled": `${!fits(step)}` });
      const plain = (_, value) => (Array.isArray(value) ? value[0] : value);
      ui.root.dataset.numbers = JSON.stringify(all, plain); // for tests
      const { updates, learning_rate, phase, selected } = state;
      ui.measure({ loss: training.E, updates, learning_rate });
      const before = updates ? ` Before the last update it was ${exact(training.before.E)}.` : "";
      const E = known("E") ? ` E = ${exact(training.E)}.${before}` : "";
      const told = lines(all, selected).filter((name) => known(name) && name !== "E");
      const picked = told.map((name) => ` ${name} = ${exact(all[name][0])}.`).join("");
      const where = `After ${count(updates, "update")}, phase: ${phase}.${begun}`;
      ui.say(finished ? where + E + picked : `Computing: ${training.done} of ${updates} updates.`);
      return !finished;
    });
    return ui.close;
  },
};
