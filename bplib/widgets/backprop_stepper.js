// One small network with every number on it: forward, loss, backward, update.

import { make, set, short, svg } from "./draw.js";
import { losses, Net } from "./net.js";
import { BackpropStepper as about } from "./parameters.js";
import { explorer, parse, problem } from "./ui.js";

const { phase, W1: weights, x: inputs } = about.parameters;
const SLICE = 6; // milliseconds of training in a frame
const MOST = 10000; // updates
// After each phase: the button that goes on, in words, and what is worth a look then.
const NEXT = [
  ["Forward one layer", "forward to the hidden units", "h1"],
  ["Forward one layer", "forward to the outputs", "y1"],
  ["Compute the loss", "compute the loss", "E"],
  ["Backward one layer", "backward to the hidden units", "W2[1,1]"],
  ["Backward one layer", "backward to the inputs", "W1[1,1]"],
  ["Update", "update, everything at once", ""],
];
// Names of numbers: x1, z_h1, W1[1,2]; with a d before it, the gradient of each.
const NAME = /(d?(?:z_)?[hy]\d|d?[xt]\d|d?[Wb]\d\[[\d,]+\]|\bE\b)/;

const upTo = (n, f) => Array.from({ length: n }, (_, k) => f(k + 1));
const isSlope = (name) => name.startsWith("d");
const lane = (name) => (isSlope(name) ? "bx-back" : "bx-fore");
const exact = (value) => short(value, 10);
const signed = (value) => (value < 0 ? `(${exact(value)})` : exact(value));

// For the picture: three or four digits.
function brief(value) {
  const size = Math.abs(value);
  if (!size || size >= 1e-4) return short(value, size < 0.01 ? 3 : 4);
  return value.toExponential(1).replaceAll("-", "−");
}

// "W1[2,1]" -> ["W1", 2, 1], "h2" -> ["h", 2, 0]
function parts(name) {
  const [, stem, i, j] = /^([Wb]\d|\D)\[?(\d?),?(\d?)\]?$/.exec(name);
  return [stem, Number(i), Number(j)];
}

// --- The numbers ---

class Training {
  constructor(state) {
    const { x, t, W1, b1, W2, b2 } = state;
    const sizes = [x.length, b1.length, t.length];
    const shapes = { W1: sizes.slice(0, 2), W2: sizes.slice(1), b2: sizes.slice(2) };
    for (const [name, shape] of Object.entries(shapes)) {
      const got = [state[name].length, state[name][0]?.length].slice(0, shape.length);
      if (String(got) !== String(shape) || !Math.min(...sizes)) {
        const [is, must] = [got, shape].map((each) => each.join(" by "));
        throw new Error(`${name} is ${is}, but x, b1 and t need ${must}, all of at least 1`);
      }
    }
    this.net = new Net(sizes, "sigmoid", "sigmoid");
    this.net.theta.set([W1, b1, W2, b2].flat(2));
    [this.x, this.t] = [Float64Array.from(x), Float64Array.from(t)];
    Object.assign(this, { sizes, state, done: 0, dy: new Float64Array(t.length) });
    // Names of the parameters, in the order of theta.
    this.names = [1, 2].flatMap((k) => [
      ...upTo(sizes[k - 1], (i) => upTo(sizes[k], (j) => `W${k}[${i},${j}]`)).flat(),
      ...upTo(sizes[k], (j) => `b${k}[${j}]`),
    ]);
    this.moves = this.names.map((name) => name[0] === "W" || state.train_biases);
    this.look();
    this.keep();
  }

  loss() {
    return losses.squared_error(this.net.forward(this.x, 1), this.t, 1, this.t.length, this.dy);
  }

  look() {
    this.E = this.loss();
    this.net.backward(this.dy);
  }

  keep() {
    this.before = { E: this.E, theta: this.net.theta.slice(), grad: this.net.grad.slice() };
  }

  // All gradients are there before anything moves. True: `to` updates are done.
  advance(to, ms) {
    const { theta, grad } = this.net;
    const end = performance.now() + ms;
    while (this.done < to && performance.now() < end) {
      if (this.done === to - 1) this.keep();
      for (let i = 0; i < theta.length; i++) {
        if (this.moves[i]) theta[i] -= this.state.learning_rate * grad[i];
      }
      this.look();
      this.done++;
    }
    return this.done === to;
  }

  // The loss with one number moved by h; everything is put back.
  nudged(name, h) {
    const [array, k] = name[0] === "x" ? [this.x, name[1] - 1] : [this.net.theta, this.names.indexOf(name)];
    const before = array[k];
    array[k] += h;
    const loss = this.loss();
    array[k] = before;
    this.look();
    return loss;
  }

  // The present parameters, as a state has them.
  present() {
    const at = (name) => this.net.theta[this.names.indexOf(name)];
    const [nIn, nHidden, nOut] = this.sizes;
    return {
      W1: upTo(nIn, (i) => upTo(nHidden, (j) => at(`W1[${i},${j}]`))),
      b1: upTo(nHidden, (j) => at(`b1[${j}]`)),
      W2: upTo(nHidden, (i) => upTo(nOut, (j) => at(`W2[${i},${j}]`))),
      b2: upTo(nOut, (j) => at(`b2[${j}]`)),
    };
  }

  // { name: value } of all numbers, and { name: place of the phase that brings it }.
  numbers() {
    const [values, since] = [{}, {}];
    const put = (name, value, at, slope, back) => {
      [values[name], since[name]] = [value, at];
      if (back) [values[`d${name}`], since[`d${name}`]] = [slope, back];
    };
    const { theta, grad, layers } = this.net;
    layers.forEach(({ x, dx, z, dz }, k) => {
      x.forEach((v, i) => put(`${"xh"[k]}${i + 1}`, v, k, dx[i], 5 - k));
      for (const [i, name] of this.names.entries()) {
        if (name[1] == k + 1) put(name, theta[i], 0, grad[i], 5 - k);
      }
      z.forEach((v, j) => put(`z_${"hy"[k]}${j + 1}`, v, k + 1, dz[j], 5 - k));
    });
    layers[1].y.forEach((v, j) => put(`y${j + 1}`, v, 2, this.dy[j], 4));
    this.t.forEach((v, j) => put(`t${j + 1}`, v, 0));
    put("E", this.E, 3);
    return { values, since };
  }
}

// --- What a number means ---

// Where a number goes next, on its way to E: its gradient comes from there.
function ahead(name, [, nHidden, nOut]) {
  const [stem, i, j] = parts(name);
  if (stem === "x") return upTo(nHidden, (k) => `W1[${i},${k}]`);
  if (stem === "h") return upTo(nOut, (k) => `W2[${i},${k}]`);
  if (stem[1]) return [`${"hy"[stem[1] - 1]}${j || i}`];
  return ["E"];
}

// How many paths lead from E to here; all on them are added to `lit`.
function paths(name, sizes, lit) {
  lit.add(name);
  if (name === "E") return 1;
  return ahead(name, sizes).reduce((sum, next) => sum + paths(next, sizes, lit), 0);
}

// Pairs of a name and what it is computed from.
function formulas(name, [nIn, nHidden, nOut]) {
  const [stem, i, j] = parts(name);
  const sum = (n, f) => upTo(n, f).join(" + ");
  const unit = (from, n, k) => [
    [`z_${name}`, `${sum(n, (m) => `${from}${m} · W${k}[${m},${i}]`)} + b${k}[${i}]`],
    [name, `σ(z_${name})`],
  ];
  const bend = [`dz_${name}`, `d${name} · ${name} · (1 − ${name})`];
  const weight = (from, to) => [[`d${name}`, j ? `${from}${i} · dz_${to}${j}` : `dz_${to}${i}`]];
  return {
    x: () => [[`dx${i}`, sum(nHidden, (k) => `W1[${i},${k}] · dz_h${k}`)]],
    h: () => [...unit("x", nIn, 1), [`dh${i}`, sum(nOut, (k) => `W2[${i},${k}] · dz_y${k}`)], bend],
    y: () => [...unit("h", nHidden, 2), [`dy${i}`, `y${i} − t${i}`], bend],
    t: () => [],
    E: () => [["E", sum(nOut, (k) => `½ (y${k} − t${k})²`)]],
  }[stem]?.() ?? weight(...(stem[1] === "1" ? "xh" : "hy"));
}

function describe(name) {
  const [stem, i, j] = parts(name);
  const [from, to] = stem[1] === "1" ? "xh" : "hy";
  const words = { x: "input", h: "hidden unit", y: "output", t: "target", E: "the loss" };
  return words[stem] ?? (j ? `weight from ${from}${i} to ${to}${j}` : `bias of ${to}${i}`);
}

// --- The picture: a card for each node, wires between them ---

class Picture {
  constructor(choose) {
    this.choose = choose;
    this.node = make("div", { class: "bx-net" });
  }

  // wide: from left to right, else from top to bottom. shown: what an item has lines for.
  build(sizes, wide, shown) {
    const key = `${sizes} ${wide}`;
    if (key === this.key) return;
    Object.assign(this, { key, sizes, wide, items: [], wires: [] });
    const counts = [...sizes, 1];
    this.small = Math.max(...sizes) < 3;
    const lines = (name) => [`z_${name}`, name, `d${name}`, `dz_${name}`].filter((n) => n in shown);
    const tall = (name) => Math.max(42, 16 * lines(name).length + 8);
    const names = (d, k) => {
      if (d === 3) return ["E"];
      const unit = [`${"xhy"[d]}${k}`];
      return [...(d ? [`b${d}[${k}]`] : []), ...unit, ...(d === 2 ? [`t${k}`] : [])];
    };
    const heights = counts.map((_, d) => names(d, 1).reduce((sum, n) => sum + tall(n), 0));
    const pitch = (d) => (wide ? Math.max(heights[d] + 14, counts[d] < 3 ? 172 : 0) : 300 / Math.max(counts[d], 2));
    const extent = counts.map((n, d) => (n - 1) * pitch(d) + heights[d]);
    const height = wide ? Math.max(...extent) + 8 : 304 + heights.reduce((a, b) => a + b);
    const width = wide ? 94 : Math.min(94, 300 / Math.max(...counts) - 3);
    const cards = counts.map((n, d) =>
      upTo(n, (k) => {
        const away = (k - (n + 1) / 2) * pitch(d);
        const down = heights.slice(0, d).reduce((a, b) => a + b, 4) + Math.min(d * 130, 296);
        const [x, top] = wide ? [[49, 266, 483, 649][d], (height + 2 * away - heights[d]) / 2] : [150 + away, down];
        let y = top;
        const made = names(d, k).map((name) => {
          const at = [x - width / 2, (y += tall(name)) - tall(name), width, tall(name)];
          return this.item(name, lines(name), at, true);
        });
        return { made, x, top, bottom: y };
      }),
    );
    const lanes = [];
    for (let d = 0; d < 3; d++) {
      cards[d].forEach((from, i) =>
        cards[d + 1].forEach((to, j) => {
          const half = width / 2 + 1;
          const p = wide ? [from.x + half, (from.top + from.bottom) / 2] : [from.x, from.bottom + 1];
          const q = wide ? [to.x - half, (to.top + to.bottom) / 2] : [to.x, to.top - 1];
          const name = d < 2 ? `W${d + 1}[${i + 1},${j + 1}]` : `y${i + 1}`;
          const wire = [svg("path", { d: arrow(p, q, 2) }), svg("path", { d: arrow(q, p, 2) })];
          lanes.push(...wire);
          this.wires.push({ name, to: `${"hyE"[d]}${d < 2 ? j + 1 : ""}`, wire });
          if (d < 2) this.label(name, lines(name), p, q, [i, j, counts[d], counts[d + 1]]);
        }),
      );
    }
    const box = { viewBox: `0 0 ${wide ? 700 : 300} ${Math.ceil(height)}`, role: "group" };
    set(box, {});
  }
}
