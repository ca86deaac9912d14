// What each layer does to values and gradients; in a deep net all of them do it in a row.

import { clamp, count, make, set, short, svg } from "./draw.js";
import { dataset, initialTheta } from "./generator.js";
import { losses, Net } from "./net.js";
import { GradientFlowExplorer as about } from "./parameters.js";
import { mix, raster, rgb } from "./plane.js";
import { player } from "./player.js";
import { Plot } from "./plot.js";
import { explorer } from "./ui.js";

const POINTS = 32; // points, of two moons
const LONGEST = 100; // iterations that are shown
const STUCK = {
  tanh: "Saturated: |y| above 0.99",
  sigmoid: "Saturated: y below 0.01 or above 0.99",
  relu: "Dead: 0 for all points",
};
const SLICE = 6; // milliseconds of training in a frame

// One run: for each layer a row, for each iteration a number in it: sizes of y, sizes of dz or
// dW, shares of stuck. It is over before a number would not be finite.
export class Flow {
  constructor({ depth, width, activation, scale, learning_rate, gradient, seed }) {
    const sizes = [2, ...Array(depth).fill(width), 1];
    const init = activation === "relu" ? "he" : "xavier";
    this.net = new Net(sizes, activation);
    this.net.theta.set(initialTheta(sizes, seed, init).map((w) => scale * w));
    this.data = dataset("moons", POINTS / 2, null, seed);
    this.dy = new Float64Array(POINTS);
    Object.assign(this, { depth, activation, gradient, rate: learning_rate });
    const rows = () => Array.from({ length: depth }, () => []);
    Object.assign(this, { forward: rows(), backward: rows(), stuck: rows(), losses: [] });
    this.over = Infinity; // the first iteration with a number that is not finite
  }

  // The last iteration looked at.
  get done() {
    return this.losses.length - 1;
  }

  // Go on for about `ms`. True: there is no more to do.
  advance(ms = Infinity) {
    const end = performance.now() + ms;
    while (this.done < LONGEST && this.over === Infinity) {
      this.look();
      if (performance.now() >= end) break;
    }
    return this.done >= LONGEST || this.over < Infinity;
  }

  look() {
    const { data, dy, rate } = this;
    const { theta, grad, layers } = this.net;
    if (this.done >= 0) for (let i = 0; i < theta.length; i++) theta[i] -= rate * grad[i];
    const y = this.net.forward(data.x, POINTS);
    const loss = losses.binary_cross_entropy(y, data.t, POINTS, 1, dy);
    this.net.backward(dy);
    const hidden = layers.slice(0, -1);
    const sizes = ["y", this.gradient].map((name) => hidden.map((layer) => rms(layer[name])));
    if (![loss, ...sizes.flat()].every(Number.isFinite)) {
      this.over = this.done + 1;
      return;
    }
    hidden.forEach((layer, k) => {
      this.forward[k].push(sizes[0][k]);
      this.backward[k].push(sizes[1][k]);
      this.stuck[k].push(this.share(layer));
    });
    this.losses.push(loss);
  }

  share({ y, nOut }) {
    if (this.activation === "relu") {
      const alive = new Set();
      y.forEach((v, i) => v && alive.add(i % nOut));
      return 1 - alive.size / nOut;
    }
    const least = this.activation === "tanh" ? -1 : 0;
    return y.filter((v) => v < least + 0.01 || v > 0.99).length / y.length;
  }
}

const rms = (array) => Math.sqrt(array.reduce((sum, v) => sum + v * v, 0) / array.length);

export default {
  render({ model, el }) {
    const ui = explorer({ model, el, about });
    for (const name of ["scale", "depth", "activation", "iterations"]) ui.control(name);
    player(ui, "iterations", 15);
    const more = ["width", "learning_rate", "gradient", "seed"];
    ui.fold("Width, learning rate and more", more);

    const [names, xLabel, left] = [["forward", "backward"], "hidden layer", 64];
    const label = "Sizes of values and gradients over the hidden layers";
    const yLabel = "size (rms), logarithmic";
    const profile = new Plot({ label, height: 230, left, xLabel, yLabel });
    const path = (name) => profile.add("path", { class: `bx-${name}` });
    const [lines, dots] = [names.map(path), names.map(path)];
    set(lines[1], { "stroke-dasharray": "7 3" });
    const place = (name, k) => svg("text", { class: `bx-${name}`, x: 250 + 40 * k, y: 9 });
    const legend = names.map(place);
    profile.svg.append(...legend);
    const bad = profile.add("text", { x: 132, y: 90, "text-anchor": "middle" });
    const shares = new Plot({ label: "Shares of stuck", height: 120, left, xLabel, yLabel: " " });
    const bars = shares.add("path", { class: "bx-bars" });
    const maps = names.map((name) => heatMap(name, ui));
    const note = make("p", { class: "bx-note" });
    for (const plots of [[profile, shares], maps]) {
      ui.stage.append(make("div", { class: "bx-column" }, ...plots.map((plot) => plot.node)));
    }
    ui.stage.append(note);

    let [flow, key, said] = [null, "", ""];
    ui.draw((state) => {
      const now = JSON.stringify(["scale", "depth", "activation", ...more].map((n) => state[n]));
      if (now !== key) flow = new Flow(state);
      key = now;
      const finished = flow.advance(SLICE);
      show(state, Math.min(state.iterations, finished ? LONGEST : flow.done));
      return !finished;
    });

    function show({ iterations, depth, width, scale, activation, gradient }, now) {
      const over = now >= flow.over;
      const what = ["y", gradient];
      const rows = [flow.forward, flow.backward];
      const at = (each, k) => each.map((row) => row[k]);
      const [y, d, stuck] = [...rows, flow.stuck].map((each) => at(each, now));
      // Always the same powers of ten, so that settings compare; more where sizes are beyond.
      const seen = [y, d, ...rows.map((each) => at(each, 0))].flat().filter(Boolean);
      const powers = seen.map(Math.log10);
      const range = [Math.floor(Math.min(-6, ...powers)), Math.ceil(Math.max(1, ...powers))];
      const across = [0.5, top(depth)];
      profile.scale(across, range.map((power) => 10 ** power), { log: true });
      [y, d].forEach((sizes, k) => {
        set(lines[k], { d: profile.through(depth, (i) => i + 1, (i) => sizes[i] || NaN) });
        const dot = k ? "m-3 -3h6v6h-6z" : "m-3 0a3 3 0 1 0 6 0a3 3 0 1 0 -6 0";
        const mark = (v, i) => (v ? `M${profile.px(i + 1)} ${profile.py(v)}${dot}` : "");
        set(dots[k], { d: sizes.map(mark).join("") });
        legend[k].textContent = `${"○□"[k]} ${what[k]}`;
        maps[k].show(rows[k], range, flow.over, what[k], now);
      });
      bad.textContent = over ? `✕ not finite from iteration ${flow.over}` : "";

      const word = activation === "relu" ? "dead units" : "saturated outputs";
      shares.svg.lastChild.textContent = `share of ${word}`;
      shares.scale(across, [0, 1]);
      const [end, px] = [shares.height, (x) => shares.px(x)];
      const tall = (share) => Math.max(end - shares.py(share), 1); // a trace, for zero too
      const bar = (share, k) => `M${px(k + 0.7)} ${end}v${-tall(share)}H${px(k + 1.3)}V${end}`;
      set(bars, { d: over ? "" : stuck.map(bar).join("") });

      const of = gradient === "dz" ? "weighted sums z" : "weights W";
      note.textContent =
        `Size: root mean square (rms) of all entries. y: a layer's outputs, ${POINTS} points × ` +
        `${width} units. ${gradient}: the gradient of the loss at its ${of}. ` +
        `${STUCK[activation]}. In the maps, dots: exactly zero; stripes: not finite.`;

      const [first, last, loss] = [d[0], d[depth - 1], flow.losses[now]];
      const [ratio, share] = [first / last, stuck.reduce((a, b) => a + b) / depth];
      ui.measure({ ratio, stuck: share, loss, iterations, scale, depth });
      set(ui.root, { "data-done": flow.done });
      const each = short(ratio ** (1 / (depth - 1)), 3);
      const back = gradient === "dz" ? ` (× ${each} for each layer back)` : "";
      const times = ratio > 0 ? `, ${short(ratio, 3)} times that${back}` : "";
      let text =
        `Iteration ${now}: ${gradient} is ${short(last, 3)} in the last hidden layer and ` +
        `${short(first, 3)} in the first${times}. ` +
        `${short(100 * share, 3)} % ${word}. Loss ${short(loss)}.`;
      if (over) text = `At iteration ${flow.over} a number is not finite: the run has diverged.`;
      else if (now < iterations) text = `Computing ${count(iterations, "iteration")}.`;
      if (text !== said) ui.say((said = text)); // its map may still grow
    }

    return ui.close;
  },
};

const top = (depth) => Math.max(depth, 3) + 0.5; // room for whole numbers as ticks

// Layers up, iterations to the right; the color says the size, and above it what it means.
function heatMap(name, ui) {
  const label = `Sizes of ${name === "forward" ? "values" : "gradients"}, layers by iterations`;
  const plot = new Plot({ label, height: 160, xLabel: "iterations", yLabel: "layer" });
  plot.add("rect", { width: plot.width, height: plot.height, fill: "transparent" }); // to press
  const odd = plot.add("path");
  const marks = ["bx-under", ""].map((kind) => plot.add("path", { class: kind }));
  const [title, low, high] = ["", "", ""].map(() => make("span"));
  const strip = make("span", { class: `bx-strip bx-${name}` });
  const node = make("div", {}, make("p", { class: "bx-key" }, title, low, strip, high), plot.node);
  const choose = (event) => {
    ui.set({ iterations: clamp(Math.round(plot.at(event)[0]), 0, LONGEST) });
  };
  set(plot.svg, { onclick: choose });
  let [count, tint] = [0, null];

  function show(rows, [from, to], over, what, now) {
    plot.scale([-0.5, LONGEST + 0.5], [0.5, top(rows.length)]);
    title.textContent = `Size of ${what}`;
    low.textContent = `≤ ${short(10 ** from)}`;
    high.textContent = `≥ ${short(10 ** to)}`;
    for (const line of marks) set(line, { d: `M${plot.px(now)} 0V${plot.height}` });
    if (count !== top(rows.length) - 0.5) {
      count = top(rows.length) - 0.5;
      plot.node.querySelector("canvas")?.remove();
      tint = raster(plot, LONGEST + 1, count);
    }
    const { paper, [name]: full } = ui.colors();
    const [none, all] = [paper, full].map(rgb);
    let d = "";
    tint((i) => {
      const [k, at] = [count - 1 - Math.floor(i / (LONGEST + 1)), i % (LONGEST + 1)];
      const size = rows[k]?.[at];
      if (size === 0) d += `M${plot.px(at)} ${plot.py(k + 1)}h1`;
      if (!size) return none;
      return mix(none, all, 0.05 + 0.95 * clamp((Math.log10(size) - from) / (to - from), 0, 1));
    });
    for (let at = over; at <= LONGEST; at += 2) d += `M${plot.px(at)} 0V${plot.height}`;
    set(odd, { d });
  }
  return { node, show };
}
