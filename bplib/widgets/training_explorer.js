// A training run that follows your hand: learning rate and iterations, and what they do.

import { clamp, count, make, set, short, svg } from "./draw.js";
import { dataset, initialTheta } from "./generator.js";
import { losses, Net, Run } from "./net.js";
import { TrainingExplorer as about } from "./parameters.js";
import { contour, marker, mix, raster, rgb } from "./plane.js";
import { player } from "./player.js";
import { Plot } from "./plot.js";
import { handles } from "./sketch.js";
import { explorer } from "./ui.js";

const GRID = 56; // the plane is asked at GRID x GRID points
// Milliseconds of training in a frame: few while a hand is on a slider, then more.
const [FIRST, LATER] = [4, 12];

export default {
  render({ model, el }) {
    const ui = explorer({ model, el, about });
    ui.control("learning_rate");
    ui.control("iterations");
    player(ui, "iterations", 60);
    const more = ["data", "hidden", "activation", "loss", "momentum", "seed"];
    ui.fold("Data, network and more", more);

    const curve = new Plot({ label: "Loss over iterations", xLabel: "iterations", yLabel: "loss" });
    curve.node.classList.add("bx-main");
    const ahead = curve.add("path", { class: "bx-forward bx-faint bx-answer" });
    const line = curve.add("path", { class: "bx-forward bx-answer" });
    const dot = svg("circle", { r: 4.5, fill: "var(--forward)", class: "bx-answer" });
    const bad = svg("text", { class: "bx-halo bx-answer", "text-anchor": "middle" });
    curve.over.append(dot, bad);

    const plane = new Plot({
      label: "The plane, tinted by the class that the net names, and the examples",
      xLabel: "x₁",
      yLabel: "x₂",
    });
    const tint = raster(plane, GRID);
    const border = plane.add("path", { class: "bx-line" });
    const dots = plane.add("g");
    const wires = new Wires();
    ui.stage.append(curve.node, plane.node, wires.node);

    let [run, net, data, key, grid, drawn] = [null, null, null, "", null, ""];
    let [slice, seen] = [FIRST, 0]; // seen: when the plane was last drawn

    function start(state) {
      const { iterations, goal, question, options, section, ...rest } = state;
      if (JSON.stringify(rest) === key) return;
      key = JSON.stringify(rest);
      data = dataset(state.data, 50, null, state.seed);
      const nOut = data.classes > 2 ? data.classes : 1;
      const sizes = [2, state.hidden, nOut];
      net = new Net(sizes, state.activation);
      net.theta.set(initialTheta(sizes, state.seed));
      const squared = state.loss === "squared error";
      const loss = squared
        ? losses.squared_error
        : nOut > 1
          ? losses.softmax_cross_entropy
          : losses.binary_cross_entropy;
      let t = data.t;
      if (squared && nOut > 1) {
        t = new Float64Array(data.n * nOut);
        data.t.forEach((label, i) => (t[i * nOut + label] = 1));
      }
      const settings = { rate: state.learning_rate, momentum: state.momentum, iterations: 2000 };
      run = new Run({ net, loss, x: data.x, t, n: data.n, ...settings });
      wires.sizes(sizes);
      slice = FIRST;
      if (drawn === state.data + state.seed) return;
      drawn = state.data + state.seed;
      grid = frameAndGrid(plane, data);
      dots.replaceChildren(
        ...Array.from(data.t, (label, i) => marker(plane, data.x.subarray(2 * i), label)),
      );
    }

    function drawCurve({ iterations }) {
      const top = 1.5 * run.losses[0];
      const end = [10, 20, 50, 100, 200, 300, 500, 1000, 2000].find((m) => m >= iterations);
      curve.scale([0, end], [0, top]);
      const [done, x, y] = [run.done, (i) => i, (i) => run.losses[i]];
      const now = Math.min(iterations, done);
      set(line, { d: curve.through(now + 1, x, y) });
      set(ahead, { d: curve.through(Math.min(done, end) + 1, x, y) });
      set(dot, { cx: curve.px(now), cy: Math.max(curve.py(run.losses[now]), 0) });
      const over = run.divergedAt && iterations >= run.divergedAt;
      bad.textContent = over ? `✕ diverged at ${run.divergedAt}` : "";
      set(bad, { x: clamp(curve.px(now), 60, curve.width - 60), y: 22 });
      ui.drawn?.refresh();
    }

    function drawPlane(theta) {
      const { paper, ...colors } = ui.colors();
      const classes = [0, 1, 2].map((k) => rgb(colors[`class-${k}`]));
      const nOut = net.layers.at(-1).nOut;
      const out = asked.forward(theta, grid, net);
      const ground = rgb(paper);
      if (nOut === 1) {
        const level = ui.state.loss === "squared error" ? 0.5 : 0;
        const steep = level ? 6 : 1; // so that 0 and 1 are well apart
        const shades = classes.map((color) => mix(ground, color, 0.55));
        tint((i) => {
          const side = Math.tanh((steep * (out[i] - level)) / 2);
          return mix(ground, shades[side > 0 ? 1 : 0], Math.abs(side));
        });
        set(border, { d: contour(plane, out, GRID, level) });
      } else {
        // How far each class leads the best of the others; the winner tints.
        const leads = classes.map(() => new Float64Array(GRID * GRID));
        const best = new Uint8Array(GRID * GRID);
        for (let i = 0; i < GRID * GRID; i++) {
          const [a, b, c] = out.subarray(3 * i, 3 * i + 3);
          leads[0][i] = a - Math.max(b, c);
          leads[1][i] = b - Math.max(a, c);
          leads[2][i] = c - Math.max(a, b);
          best[i] = leads[1][i] > 0 ? 1 : leads[2][i] > 0 ? 2 : 0;
        }
        const shades = classes.map((color) => mix(ground, color, 0.4));
        tint((i) => shades[best[i]]);
        set(border, { d: leads.map((lead) => contour(plane, lead, GRID)).join("") });
      }
    }

    const asked = new Asked();
    ui.draw((state) => {
      start(state);
      const finished = run.advance(state.iterations, slice);
      const first = slice === FIRST;
      slice = finished ? FIRST : LATER;
      drawCurve(state);
      if (state.question && !state.options.length && !ui.drawn) {
        const xs = [0, 0.25, 0.5, 0.75, 1].map((share) => share * curve.x[1]);
        const guess = xs.map(() => Number(run.losses[0].toPrecision(3)));
        ui.sketch(handles(curve, xs, guess, () => {}, "loss"), guess);
      }
      const now = Math.min(state.iterations, run.done);
      const theta = run.thetaAt(now);
      if (first || finished || performance.now() - seen > 100) {
        seen = performance.now();
        drawPlane(theta);
        net.theta.set(theta);
        wires.show(net);
      }
      const loss = run.losses[now];
      ui.measure({ loss, iterations: state.iterations, learning_rate: state.learning_rate });
      const over = run.divergedAt && state.iterations >= run.divergedAt;
      const rate = `Learning rate ${short(state.learning_rate)}`;
      if (!finished) ui.say(`${rate}: computing ${state.iterations} updates.`);
      else if (over) {
        ui.say(
          `${rate}: the loss is not a finite number at iteration ${run.divergedAt}. ` +
            "The run has diverged; the pictures show the last parameters before.",
        );
      } else {
        const right = short(100 * accuracy(net, data, state), 3);
        const from = `${short(run.losses[0])} to ${short(loss)}`;
        const when = `after ${count(now, "update")}`;
        ui.say(`${rate}: ${when} the loss went from ${from}; ${right} % right.`);
      }
      return !finished;
    });
    return ui.close;
  },
};

// A net of its own for the grid, so that the run's buffers stay.
class Asked {
  forward(theta, grid, net) {
    const { layers } = net;
    const sizes = [layers[0].nIn, ...layers.map((layer) => layer.nOut)];
    const key = `${sizes} ${layers[0].activation}`;
    if (key !== this.key) this.net = new Net(sizes, layers[0].activation);
    this.key = key;
    this.net.theta.set(theta);
    return this.net.forward(grid, GRID * GRID);
  }
}

// Set the plane's edges around the data; the points of the grid, row by row from the top.
function frameAndGrid(plane, { x, n }) {
  const edges = [0, 1].map((axis) => {
    const values = Array.from({ length: n }, (_, i) => x[2 * i + axis]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const room = 0.1 * (high - low);
    return [low - room, high + room];
  });
  plane.scale(...edges);
  const grid = new Float64Array(2 * GRID * GRID);
  const at = ([low, high], share) => low + share * (high - low);
  for (let i = 0; i < GRID * GRID; i++) {
    grid[2 * i] = at(edges[0], (i % GRID) / (GRID - 1));
    grid[2 * i + 1] = at(edges[1], 1 - Math.floor(i / GRID) / (GRID - 1));
  }
  return grid;
}

// The share of examples on the right side; net.theta is what is shown.
function accuracy(net, { t, n, x }, { loss }) {
  const y = net.forward(x, n);
  const nOut = net.layers.at(-1).nOut;
  const level = loss === "squared error" ? 0.5 : 0;
  let right = 0;
  for (let i = 0; i < n; i++) {
    const row = Array.from(y.subarray(i * nOut, (i + 1) * nOut));
    const named = nOut > 1 ? row.indexOf(Math.max(...row)) : Number(row[0] > level);
    right += named === t[i];
  }
  return right / n;
}

// The network: the thickness of a line is the size of a weight; negative ones are dashed.
class Wires {
  constructor() {
    const label = "The network: thick lines are large weights, dashed lines negative ones";
    this.lines = svg("g");
    this.nodes = svg("g");
    this.largest = svg("text", { x: 170, y: 235, "text-anchor": "middle", class: "bx-quiet" });
    const box = { viewBox: "0 0 340 240", role: "img", "aria-label": label };
    this.node = make("div", { class: "bx-plot" });
    this.node.append(svg("svg", box, this.lines, this.nodes, this.largest));
  }

  sizes(sizes) {
    if (String(sizes) === this.key) return;
    this.key = String(sizes);
    const gap = (size) => Math.min(200 / size, 46);
    const at = (k, j) => [40 + 130 * k, 108 + (j - (sizes[k] - 1) / 2) * gap(sizes[k])];
    const [lines, nodes] = [[], []];
    sizes.forEach((size, k) => {
      for (let j = 0; j < size; j++) {
        const [x, y] = at(k, j);
        nodes.push(svg("circle", { cx: x, cy: y, r: size > 10 ? 5 : 8, class: "bx-node" }));
        for (let i = 0; k && i < sizes[k - 1]; i++) {
          const [u, v] = at(k - 1, i);
          lines.push([k - 1, i * size + j, svg("path", { d: `M${u} ${v}L${x} ${y}` })]);
        }
      }
    });
    this.all = lines;
    this.lines.replaceChildren(...lines.map(([, , line]) => line));
    this.nodes.replaceChildren(...nodes);
  }

  show(net) {
    const most = Math.max(...net.layers.flatMap(({ W }) => Array.from(W, Math.abs)), 1e-9);
    for (const [k, index, line] of this.all) {
      const w = net.layers[k].W[index];
      const width = (0.3 + (4 * Math.abs(w)) / most).toFixed(2);
      set(line, { "stroke-width": width, "stroke-dasharray": w < 0 ? "5 4" : null });
    }
    this.largest.textContent = `largest weight ${short(most, 3)}; dashed: negative`;
  }
}
