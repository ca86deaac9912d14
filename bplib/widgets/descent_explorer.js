// Gradient descent on a loss surface: its path, and the learning rate that a place bears.

import { clamp, count, make, set, short, svg } from "./draw.js";
import { losses, Net, Run, step } from "./net.js";
import { DescentExplorer as about } from "./parameters.js";
import { contour, mix, raster, rgb } from "./plane.js";
import { player } from "./player.js";
import { Plot } from "./plot.js";
import { explorer } from "./ui.js";

const EDGE = 3; // the picture goes from -EDGE to EDGE along each weight
const GRID = 49; // contours are found on GRID x GRID points

// at(w) is [loss, its gradient by w1, by w2], hessian(w) is [h11, h12, h22]. Where there is one
// weight, the second never moves and has the same curvature.
const surfaces = {
  "one weight": ({ curvature_1: c }) => ({
    at: ([w]) => [(c / 2) * (w - 1) * (w - 1), c * (w - 1), 0],
    hessian: () => [c, 0, c],
  }),

  quadratic({ curvature_1: a, curvature_2: b, angle }) {
    const [c, s] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
    const at = ([w1, w2]) => {
      const [u, v] = [c * w1 + s * w2, c * w2 - s * w1];
      return [(a * u * u + b * v * v) / 2, c * a * u - s * b * v, s * a * u + c * b * v];
    };
    return { at, hessian: () => [a * c * c + b * s * s, (a - b) * c * s, a * s * s + b * c * c] };
  },

  product: () => ({
    at([w1, w2]) {
      const error = w1 * w2 - 1;
      return [(error * error) / 2, w2 * error, w1 * error];
    },
    hessian: ([w1, w2]) => [w2 * w2, 2 * w1 * w2 - 1, w1 * w1],
  }),

  network: () => (trained ??= train()),
};

let trained = null;

function train() {
  const [x, t, n] = [[0, 0, 0, 1, 1, 0, 1, 1], [0, 1, 1, 0], 4]; // xor
  const net = new Net([2, 2, 1], "tanh");
  const loss = losses.squared_error;
  net.theta.set([1, 1, -1, -1, 0.5, -0.5, -1, 1, 1]);
  new Run({ net, loss, x, t, n, rate: 0.5, iterations: 500 }).advance(500);
  const dy = new Float64Array(n);
  const at = (w) => {
    net.theta.set(w); // its first two parameters
    const value = loss(net.forward(x, n), t, n, 1, dy);
    net.backward(dy);
    return [value, net.grad[0], net.grad[1]];
  };
  const h = 1e-4; // central differences of the gradient
  const by = ([u, v], p, q) => {
    const [more, less] = [at([u + p, v + q]), at([u - p, v - q])];
    return [1, 2].map((i) => (more[i] - less[i]) / (2 * h));
  };
  const hessian = (w) => {
    const [[h11, h12], [h21, h22]] = [by(w, h, 0), by(w, 0, h)];
    return [h11, (h12 + h21) / 2, h22];
  };
  return { at, hessian };
}

// What holds after 0, 1, 2, ... steps, as long as the loss is finite. low and high: the curvatures;
// limit: the rate that a minimum there would bear, NaN where the surface curves down.
export function descend(state) {
  const { surface, steps, learning_rate, momentum } = state;
  const { at, hessian } = surfaces[surface](state);
  const w = Float64Array.of(state.start_w1, state.start_w2);
  const velocity = new Float64Array(2);
  const path = [];
  for (let k = 0; k <= steps; k++) {
    const [loss, ...gradient] = at(w);
    if (!Number.isFinite(loss)) break;
    const [h11, h12, h22] = hessian(w);
    const [middle, radius] = [(h11 + h22) / 2, Math.hypot((h11 - h22) / 2, h12)];
    const [low, high] = [middle - radius, middle + radius];
    const limit = high > 0 && low >= -0.1 * high ? (2 + 2 * momentum) / high : NaN;
    path.push({ w: [...w], loss, slope: Math.hypot(...gradient), low, high, limit });
    step(w, gradient, velocity, learning_rate, momentum);
  }
  return path;
}

const notes = {
  "one weight": "E = c/2 (w − 1)²: one curvature, c, and one limit.",
  quadratic:
    "E = (a u² + b v²)/2; u, v: w₁, w₂ turned by the angle. The larger of a, b sets the limit.",
  product:
    "E = (w₁w₂ − 1)²/2. The curve: minima, of curvature w₁² + w₂², and their limits; dotted " +
    "where the learning rate is above.",
  network:
    "A slice of a real loss: 2-2-1 tanh net on xor, half squared error, trained for 500 updates. " +
    "w₁ = W1[0, 0] and w₂ = W1[0, 1] move, the other 7 parameters stay as trained.",
};

// What is true of this path, no more.
function verdict({ surface, steps, learning_rate: rate, momentum }, path) {
  const [first, last] = [path[0], path.at(-1)];
  const side = Math.sign(rate - last.limit) + 1; // 0: below
  const rule = short(2 + 2 * momentum);
  const limit = (p) => `${rule}/${short(p.high)} = ${short(p.limit, 3)}`;
  const before = first.limit ? ` At the start the limit was ${limit(first)}.` : "";
  if (path.length <= steps) {
    const where = count(path.length, "step");
    return `Diverged: after ${where} the loss is not a finite number.${before}`;
  }
  const w = last.w.slice(0, surface === "one weight" ? 1 : 2).map((v) => short(v));
  const text =
    `After ${count(steps, "step")} the loss went from ${short(first.loss)} to ` +
    `${short(last.loss)}, and ` +
    `w = (${w.join(", ")}). `;
  if (last.limit) {
    const moved = Math.abs(first.limit / last.limit - 1) > 0.02;
    const end = ["hold the path", "neither hold it nor throw it out", "throw it out"][side];
    const still = last.slope ? "The" : "No slope here, so no step moves. Beside it, the";
    return (
      `${text}${still} learning rate is ${["below", "at", "above"][side]} the limit here, ` +
      `${limit(last)}: a minimum as curved as this would ${end}.${moved ? before : ""}`
    );
  }
  const saddle = last.slope ? "Beside a saddle" : "A saddle: no slope, so no step moves";
  const curved = `Curvatures ${short(last.low, 3)} and ${short(last.high, 3)}: no limit.`;
  return `${text}${last.slope < 1e-3 ? saddle : "No minimum is near"}. ${curved}`;
}

const near = (point) => point.every((v) => Math.abs(v) < 5000);

// The d of what lies near the picture of the way from p to q.
function segment(p, q) {
  if (near(p) && near(q)) return `M${p}L${q}`;
  const way = [q[0] - p[0], q[1] - p[1]];
  if (Math.max(...way.map(Math.abs)) > 1e12) return ""; // rounding would turn it
  const cuts = [0, 1].map((k) => [-5000, 5000].map((edge) => (edge - p[k]) / way[k]));
  const from = Math.max(0, ...cuts.map((cut) => Math.min(...cut)));
  const to = Math.min(1, ...cuts.map((cut) => Math.max(...cut)));
  const at = (share) => way.map((v, k) => (p[k] + share * v).toFixed(1));
  return from < to ? `M${at(from)}L${at(to)}` : "";
}

export default {
  render({ model, el }) {
    const ui = explorer({ model, el, about });
    for (const name of ["surface", "learning_rate", "steps"]) ui.control(name);
    player(ui, "steps", 20);
    const names = ["start_w1", "start_w2", "momentum", "curvature_1", "curvature_2", "angle"];
    const fold = ui.fold("Start, momentum, curvature", names);

    const map = new Plot({ label: "The surface and the path on it", height: 332 });
    const fall = new Plot({ label: "Loss over the steps", height: 166, yLabel: "loss" });
    const label = "learning rate / limit (gray: thrown out)";
    const bound = new Plot({ label, height: 166, xLabel: "steps", yLabel: label });
    const note = make("p");
    ui.stage.append(map.node, make("div", { class: "bx-side" }, fall.node, bound.node), note);
    const [w, h] = [map.width, map.height];
    const tint = raster(map, GRID);
    const lines = map.add("path");
    const valley = map.add("g");
    const route = map.add("path", { class: "bx-line" });
    const dots = map.add("path", { class: "bx-dots" });
    const text = (plot, more) => plot.over.appendChild(svg("text", { class: "bx-halo", ...more }));
    const [xName, yName] = [text(map, { x: w / 2, y: h + 35 }), text(map, { y: -4 })];
    const [end, now] = [text(map), text(bound, { x: w, "text-anchor": "end" })];
    const start = map.over.appendChild(svg("g", { onpointerdown: drag, onpointermove: drag }));
    start.append(
      svg("circle", { r: 28, class: "bx-grip" }),
      svg("circle", { r: 8, class: "bx-node" }),
      svg("text", { x: -3.8, y: 4.2 }, "0"),
    );
    map.node.addEventListener("click", drag);
    const curve = fall.add("path", { class: "bx-forward" });
    bound.add("rect", { width: w, height: (2 / 3) * bound.height, class: "bx-zone" });
    const shares = bound.add("path", { class: "bx-dots" });
    let key = "";

    function drag(event) {
      if (event.type === "pointerdown") start.setPointerCapture(event.pointerId);
      else if (event.type !== "click" && !event.buttons) return;
      const [x, y] = map.at(event).map((v) => clamp(Number(v.toFixed(2)), -EDGE, EDGE));
      ui.set({ start_w1: x, ...(ui.state.surface !== "one weight" && { start_w2: y }) });
    }

    // What depends on the surface alone.
    function ground(state) {
      const { surface, curvature_1, curvature_2, angle } = state;
      const { paper, ink } = ui.colors();
      const [two, turned] = [surface !== "one weight", surface === "quadratic"];
      // One weight: up to 1, 2, 5, 10, ...; the start is to be seen.
      const most = two ? 1 : curvature_1 * clamp(4 * (state.start_w1 - 1) ** 2, 0.5, 8);
      const decade = 10 ** Math.floor(Math.log10(most));
      const top = decade * [1, 2, 5, 10].find((m) => m * decade >= most);
      const wanted = JSON.stringify([surface, curvature_1, curvature_2, angle, paper, top]);
      if (wanted === key) return;
      key = wanted;
      const shown = [true, two, true, turned || !two, turned, turned];
      shown.forEach((show, i) => (fold.children[i].hidden = !show));
      note.textContent = notes[surface];
      [xName.textContent, yName.textContent] = two ? ["w₁", "w₂"] : ["w", "loss"];
      map.scale([-EDGE, EDGE], two ? [-EDGE, EDGE] : [0, top]);
      const { at } = surfaces[surface](state);
      const place = (i) => (2 * EDGE * i) / (GRID - 1) - EDGE;
      const E = new Float64Array(GRID * GRID);
      E.forEach((_, i) => (E[i] = at([place(i % GRID), -place(Math.floor(i / GRID))])[0]));
      const low = Math.min(...E);
      const range = Math.max(...E) - low;
      const [light, dark] = [rgb(paper), rgb(ink)];
      const shades = Array.from({ length: 65 }, (_, k) => mix(light, dark, k / 256));
      const depth = (e) => clamp(1 + Math.log((e - low) / range) / 7.7, 0, 1);
      tint((i) => shades[two ? Math.round(64 * depth(E[i])) : 0]);
      const level = (k) => contour(map, E, GRID, low + range / 3 ** k);
      const d = two
        ? [1, 2, 3, 4, 5, 6, 7].map(level).join("")
        : map.through(GRID, place, (i) => E[i]);
      set(lines, { d, class: two ? "bx-level" : "bx-forward" });
    }

    // The minima of "product", in pieces: solid where they would hold the path.
    function minima({ surface, learning_rate, momentum }) {
      valley.replaceChildren();
      for (let k = surface === "product" ? -24 : 24; k < 24; k++) {
        const [side, i] = [k < 0 ? -1 : 1, ((k + 24) % 24) - 12];
        const [u, v] = [3 ** (i / 12), 3 ** ((i + 1) / 12)];
        const share = 2 / (u * v + 1 / (u * v)); // of the limit at (1, 1)
        const limit = share * (1 + momentum);
        const [x, y] = [map.px(side * u), map.py(side / u)];
        const d = `M${x} ${y}L${map.px(side * v)} ${map.py(side / v)}`;
        const look = learning_rate < limit ? "bx-safe" : "bx-unsafe";
        valley.append(svg("path", { d, class: look, style: `--share: ${100 * share}%` }));
        const at = { x: x + 14 * side - 8, y: y - 10 * side + 4, class: "bx-halo bx-quiet" };
        if ([-10, -1, 9].includes(i)) valley.append(svg("text", at, short(limit, 2)));
      }
    }

    ui.draw((state) => {
      const { steps, learning_rate } = state;
      ground(state);
      minima(state);
      const path = descend(state);
      const [last, n] = [path.at(-1), path.length];
      const lost = n <= steps;
      const points = path.map(({ w, loss }) =>
        [map.px(w[0]), map.py(state.surface === "one weight" ? loss : w[1])].map((v) =>
          Math.abs(v) < 1e6 ? Number(v.toFixed(1)) : v,
        ),
      );
      set(route, { d: points.slice(1).map((q, k) => segment(points[k], q)).join("") });
      const dot = (p) => `M${p.map((v) => clamp(v, -5000, 5000))}h0`; // outside stays outside
      set(dots, { d: points.map(dot).join("") });
      set(start, { transform: `translate(${points[0]})` });
      const left = 1 + points.findLastIndex(([u, v]) => u >= 0 && u <= w && v >= 0 && v <= h);
      const [u, v] = points.at(-1);
      if (left < n) {
        end.textContent = `leaves at step ${left}${lost ? `, ✕ not finite at step ${n}` : ""}`;
        set(end, { x: w - 4, y: 16, "text-anchor": "end" });
      } else {
        end.textContent = steps || "";
        set(end, { x: clamp(u + 10, 0, w - 22), y: clamp(v - 8, 12, h), "text-anchor": "start" });
      }

      const most = [5, 10, 20, 50, 100, 200].find((m) => m >= steps);
      fall.scale([0, most], [1e-9, 1e3], { log: true });
      bound.scale([0, most], [0, 3]);
      set(curve, { d: fall.through(n, (k) => k, (k) => path[k].loss) });
      const height = ({ limit }) => bound.py(Math.min(learning_rate / limit, 3));
      const all = path.map((p, k) => (p.limit ? `M${bound.px(k)} ${height(p)}h0` : ""));
      set(shares, { d: all.join("") });
      now.textContent = lost ? "" : last.limit ? `limit ${short(last.limit, 3)}` : "no limit";
      set(now, { y: clamp((height(last) || 0) - 8, 14, bound.height) });

      const { high: curvature, limit } = last;
      ui.measure({ loss: lost ? NaN : last.loss, steps, learning_rate, curvature, limit });
      ui.say(verdict(state, path));
    });
    return ui.close;
  },
};
