// A small net follows a curve that you choose or draw: at the points, between and beyond.

import { clamp, count, make, set, short } from "./draw.js";
import { initialTheta, Random } from "./generator.js";
import { losses, Net, Run } from "./net.js";
import { FitExplorer as about } from "./parameters.js";
import { player } from "./player.js";
import { Plot } from "./plot.js";
import { handles } from "./sketch.js";
import { explorer } from "./ui.js";

const SLICE = 6; // milliseconds of training in a frame
const MOST = about.parameters.iterations.high;
// As in fit_explorer.py: where the targets are, and where the fit is looked at.
const X = Float64Array.from({ length: 13 }, (_, i) => (i - 6) / 2);
const GRID = Float64Array.from({ length: 321 }, (_, i) => (i - 160) / 40);
const inside = (x) => Math.abs(x) <= 3;

export const functions = {
  wiggle: (x) => Math.sin(2 * x),
  sine: Math.sin,
  bump: (x) => Math.exp(-x * x),
  corner: (x) => Math.abs(x) / 1.5 - 1,
  step: (x) => (x < 0 ? -0.8 : 0.8),
};

export default {
  render({ model, el }) {
    const ui = explorer({ model, el, about });
    ui.control("function");
    const select = ui.root.querySelector("select");
    // Who chooses a function wants to see it, not the drawing of before.
    select.addEventListener("change", () => ui.set({ points: [] }));
    for (const name of ["activation", "hidden", "iterations"]) ui.control(name);
    player(ui, "iterations", 250);
    const forget = ui.button("Forget my drawing", () => ui.set({ points: [] }));
    ui.fold("Learning rate, momentum, seed", ["learning_rate", "momentum", "seed"]);

    const label = "Targets, the fit, and beyond the data; each target can be moved";
    const fit = new Plot({ label, xLabel: "x", yLabel: "y" });
    fit.node.classList.add("bx-main", "bx-fit");
    fit.scale([-4, 4], [-2, 2]);
    for (const from of [-4, 3]) {
      const [x, width] = [fit.px(from), fit.px(1) - fit.px(0)];
      fit.add("rect", { x, width, height: fit.height, class: "bx-beyond" });
    }
    const truth = fit.add("path", { class: "bx-truth" });
    const beyond = fit.add("path", { class: "bx-forward bx-answer" });
    const within = fit.add("path", { class: "bx-forward" });
    const dots = fit.add("path", { class: "bx-targets" });
    const heights = Array.from(X, () => 0);
    const knobs = handles(fit, [...X], heights, () => ui.set({ points: [...heights] }), "target");
    const half = fit.px(0.25) - fit.px(0);
    const hold = { x: fit.px(-3) - half, width: fit.px(3) - fit.px(-3) + 2 * half };
    set(knobs.node.firstChild, hold);

    const add = { label: "What each hidden unit adds to the fit", xLabel: "x" };
    const pieces = new Plot({ ...add, yLabel: "what each hidden unit adds" });
    const parts = pieces.add("path", { class: "bx-forward bx-parts" });
    // Both are equally large.
    const bends = [fit, pieces].map((plot) => plot.add("path", { class: "bx-bends" }));
    const down = { label: "Loss over iterations", xLabel: "iterations", height: 150 };
    const curve = new Plot({ ...down, yLabel: "loss", left: 58 });
    const line = curve.add("path", { class: "bx-forward" });
    const dot = curve.add("circle", { r: 4.5, fill: "var(--forward)" });
    const bad = curve.add("text", { y: 22, "text-anchor": "middle" });
    const key = make("p");
    ui.stage.append(fit.node, pieces.node, curve.node, key);

    let [run, probe, started, sketched] = [null, null, "", false];

    function start({ points, function: name, hidden, activation, ...state }) {
      const { learning_rate: rate, momentum, seed } = state;
      const wanted = JSON.stringify([points, name, hidden, activation, rate, momentum, seed]);
      if (wanted === started) return;
      if (points.length % X.length) throw Error(`${X.length} points are needed, or none`);
      const t = Float64Array.from(points.length ? points : X.map(functions[name]));
      const net = new Net([1, hidden, 1], activation);
      net.theta.set(initialTheta([1, hidden, 1], seed));
      const random = new Random(seed, 3);
      const [{ W, b }] = net.layers;
      for (let j = 0; j < hidden; j++) b[j] = -W[j] * (3 * (2 * random.uniform() - 1));
      const settings = { rate, momentum, iterations: MOST };
      run = new Run({ net, loss: losses.squared_error, x: X, t, n: X.length, ...settings });
      probe = new Net([1, hidden, 1], activation);
      started = wanted;
      heights.splice(0, Infinity, ...t);
      knobs.refresh();
      const d = heights.map((y, i) => `M${fit.px(X[i])} ${fit.py(y)}h0`);
      set(dots, { d: d.join("") });
      const drawn = points.length > 0;
      forget.hidden = !drawn;
      const f = functions[name];
      set(truth, { d: drawn ? "" : fit.through(GRID.length, (i) => GRID[i], (i) => f(GRID[i])) });
      key.textContent =
        "Circles: the targets; drag them to draw your own. Line: the fit, the sum of what the " +
        `units add, and a bias. ${drawn ? "" : "Dotted: the function. "}Gray: no data. ` +
        "Triangles: where a unit bends (its z = 0).";
    }

    function drawFit(y) {
      const here = (wanted) => (i) => (wanted(GRID[i]) ? y[i] : NaN);
      set(within, { d: fit.through(y.length, (i) => GRID[i], here(inside)) });
      set(beyond, { d: fit.through(y.length, (i) => GRID[i], here((x) => Math.abs(x) >= 3)) });
      const [first, second] = probe.layers;
      const h = first.nOut;
      const marks = Array.from(first.W, (w, j) => -first.b[j] / w)
        .filter((x) => Math.abs(x) < 4)
        .map((x) => `M${fit.px(x).toFixed(1)} ${fit.height - 8}l-4 8h8z`);
      for (const path of bends) set(path, { d: marks.join("") });
      const added = first.y.map((value, k) => value * second.W[k % h]);
      const most = added.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
      const edge = [1, 2, 5, 10, 20, 50, 100].find((m) => m >= most) ?? most;
      pieces.scale([-4, 4], [-edge, edge]);
      const units = Array.from(second.W, (_, j) => {
        return pieces.through(81, (i) => GRID[4 * i], (i) => added[4 * i * h + j]);
      });
      set(parts, { d: units.join("") });
    }

    function drawLoss(now) {
      const end = [20, 50, 100, 200, 500, 1000, 2000, 5000].find((m) => m >= ui.state.iterations);
      const seen = run.losses.slice(0, run.done + 1).map((loss) => Math.max(loss, 1e-12));
      const low = 10 ** Math.floor(Math.log10(Math.min(...seen)));
      const top = 10 ** Math.ceil(Math.log10(Math.max(...seen, 2 * low)));
      curve.scale([0, end], [low, top], { log: true });
      const some = Math.min(now, 300); // enough to draw
      const at = (i) => Math.round((i * now) / Math.max(some, 1));
      set(line, { d: curve.through(some + 1, at, (i) => seen[at(i)]) });
      set(dot, { cx: curve.px(now), cy: curve.py(seen[now]) });
      const over = run.divergedAt && ui.state.iterations >= run.divergedAt;
      set(bad, { x: clamp(curve.px(now), 60, curve.width - 60) });
      bad.textContent = over ? `✕ diverged at ${run.divergedAt}` : "";
    }

    // The largest distance of y from the function; drawn points: from the targets.
    function errors(y, { points, function: name }) {
      const most = (errors) => Math.max(...errors.map(Math.abs));
      if (points.length) return [most(points.map((t, i) => y[40 + 20 * i] - t)), NaN];
      const error = y.map((v, i) => v - functions[name](GRID[i]));
      const [within, outside] = [inside, (x) => !inside(x)];
      return [within, outside].map((wanted) => most(error.filter((_, i) => wanted(GRID[i]))));
    }

    ui.draw((state) => {
      start(state);
      const finished = run.advance(state.iterations, SLICE);
      const now = Math.min(state.iterations, run.done);
      probe.theta.set(run.thetaAt(now));
      const y = probe.forward(GRID, GRID.length);
      drawFit(y);
      drawLoss(now);
      if (state.question && !state.options.length && !sketched) {
        sketched = true;
        const last = Number(heights.at(-1).toPrecision(3));
        const guess = [last, last, last];
        ui.sketch(handles(fit, [3, 3.5, 4], guess, () => {}, "the fit"), guess);
        set(ui.drawn.node.firstChild, { x: fit.px(3), width: fit.px(4) - fit.px(3) });
      }
      knobs.node.style.display = ui.pending ? "none" : "";
      const { hidden, iterations, learning_rate } = state;
      const [worst_error, error_outside] = errors(y, state);
      const loss = run.losses[now];
      const more = { hidden, iterations, learning_rate };
      ui.measure({ loss, worst_error, error_outside, ...more });
      const units = `${hidden} ${state.activation} unit${hidden > 1 ? "s" : ""}`;
      const over = run.divergedAt && iterations >= run.divergedAt;
      if (!finished) ui.say(`${units}: computing, ${run.done} of ${iterations} updates.`);
      else if (over) {
        const at = `the loss is not a finite number at iteration ${run.divergedAt}`;
        ui.say(`${units}: ${at}. The run has diverged; you see the last parameters before.`);
      } else {
        const places = state.points.length
          ? `at the points ${short(worst_error, 3)}; beyond them nobody knows what is right`
          : `between the points ${short(worst_error, 3)}, beyond them ${short(error_outside, 3)}`;
        ui.say(`${units}, ${count(now, "update")}: loss ${short(loss, 3)}; worst error ${places}.`);
      }
      return !finished;
    });
    return ui.close;
  },
};
