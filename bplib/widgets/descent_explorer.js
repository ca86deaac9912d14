// Gradient descent on a loss surface: its path, and the learning rate that a place bears.

import { clamp, contour, make, mix, Plot, rgb, set, short, svg } from "./draw.js";
import { dataset, initialTheta } from "./generator.js";
import { losses, Net, step } from "./net.js";
import { DescentExplorer as about } from "./parameters.js";
import { explorer } from "./ui.js";

const EDGE = 3; // the picture goes from -EDGE to EDGE along each weight
const GRID = 49; // contours are found on GRID x GRID points
const NEARBY = 1e-4; // for the central differences of the network's gradient

// --- Surfaces: at(w) is [loss, its gradient by w1, by w2]; hessian(w) is [h11, h12, h22] ---

// With one weight the second never moves, and its curvature is that of the first.
function oneWeight({ curvature_1: c }) {
  const at = ([w]) => [(c / 2) * (w - 1) * (w - 1), c * (w - 1), 0];
  return { at, hessian: () => [c, 0, c] };
}

function quadratic({ curvature_1: a, curvature_2: b, angle }) {
  const [c, s] = [Math.cos((angle * Math.PI) / 180), Math.sin((angle * Math.PI) / 180)];
  return {
    at([w1, w2]) {
      const [u, v] = [c * w1 + s * w2, c * w2 - s * w1];
      return [(a * u * u + b * v * v) / 2, c * a * u - s * b * v, s * a * u + c * b * v];
    },
    hessian: () => [a * c * c + b * s * s, (a - b) * c * s, a * s * s + b * c * c],
  };
}

const product = () => ({
  at([w1, w2]) {
    const error = w1 * w2 - 1;
    return [(error * error) / 2, w2 * error, w1 * error];
  },
  hessian: ([w1, w2]) => [w2 * w2, 2 * w1 * w2 - 1, w1 * w1],
});

let trained = null; // the net is the same for all: it is trained once

function network() {
  if (trained) return trained;
  const { x, t, n } = dataset("xor");
  const net = new Net([2, 2, 1], "tanh");
  const dy = new Float64Array(n);
  const loss = () => {
    const value = losses.squared_error(net.forward(x, n), t, n, 1, dy);
    net.backward(dy);
    return value;
  };
  net.theta.set(initialTheta([2, 2, 1], 0));
  const velocity = new Float64Array(net.theta.length);
  for (let k = 0; k < 500; k++) {
    loss();
    step(net.theta, net.grad, velocity, 0.5, 0);
  }
  const at = (w) => {
    net.theta.set(w);
    return [loss(), net.grad[0], net.grad[1]];
  };
  const by = ([w1, w2], d1, d2) => {
    const [, p1, p2] = at([w1 + d1, w2 + d2]);
    const [, m1, m2] = at([w1 - d1, w2 - d2]);
    return [(p1 - m1) / (2 * NEARBY), (p2 - m2) / (2 * NEARBY)];
  };
  const hessian = (w) => {
    const [[h11, h12], [h21, h22]] = [by(w, NEARBY, 0), by(w, 0, NEARBY)];
    return [h11, (h12 + h21) / 2, h22];
  };
  return (trained = { at, hessian });
}

const surfaces = { "one weight": oneWeight, quadratic, product, network };

// --- Descent ---

// The smallest and the largest curvature, and the limit: the rate that a minimum here would
// bear; NaN where the surface curves down, as at a saddle.
export function curvature([h11, h12, h22], momentum) {
  const [middle, radius] = [(h11 + h22) / 2, Math.hypot((h11 - h22) / 2, h12)];
  const [low, high] = [middle - radius, middle + radius];
  const limit = high > 0 && low >= -0.1 * high ? (2 * (1 + momentum)) / high : NaN;
  return { low, high, limit };
}

// What there is after 0, 1, 2, ... steps: { w, loss, gradient, low, high, limit }; it ends
// before the loss is no longer a finite number.
export function descend(state) {
  const { at, hessian } = surfaces[state.surface](state);
  const w = Float64Array.of(state.start_w1, state.start_w2);
  const velocity = new Float64Array(2);
  const path = [];
  for (let k = 0; k <= state.steps; k++) {
    const [loss, ...gradient] = at(w);
    if (!Number.isFinite(loss)) break;
    path.push({ w: [...w], loss, gradient, ...curvature(hessian(w), state.momentum) });
    step(w, gradient, velocity, state.learning_rate, state.momentum);
  }
  return path;
}

// --- Words ---

const notes = {
  "one weight": "E = c/2 (w − 1)²: the curvature c, and so the limit, is the same everywhere.",
  quadratic:
    "E = (a u² + b v²)/2; u and v are w₁ and w₂, turned by the angle. The larger of the " +
    "curvatures a and b sets the limit, the same everywhere.",
  product:
    "E = (w₁w₂ − 1)²/2. The curve: minima, each of curvature w₁² + w₂², with their limits. Solid " +
    "where the learning rate is below its limit, dotted where above.",
  network:
    "A slice of a real loss: 2-2-1 tanh net, xor, half squared error, trained for 500 updates. Its " +
    "weights w₁ = W1[0, 0] and w₂ = W1[0, 1] move, the other 7 parameters stay as trained.",
};

// What is true of this path, no more.
function verdict({ steps, learning_rate: rate, momentum, surface }, path) {
  const [first, last] = [path[0], path.at(-1)];
  const against = ({ high, limit }) =>
    `learning rate ${short(rate)} is ${rate < limit ? "below" : "above"} the limit ` +
    `${momentum ? short(2 + 2 * momentum) : 2}/${short(high)} = ${short(limit, 3)}`;
  if (path.length <= steps) {
    const why = first.limit ? ` At the start the ${against(first)}.` : "";
    return `Diverged: after ${path.length} steps the loss is not a finite number.${why}`;
  }
  const place = last.w.slice(0, surface === "one weight" ? 1 : 2).map((v) => short(v));
  let text = `After ${steps} steps: w = (${place.join(", ")}), loss ${short(last.loss)}. `;
  if (last.limit) {
    text += `Here the ${against(last)}: a minimum as curved as this place would `;
    text += rate < last.limit ? "hold the path." : "throw the path out.";
    const moved = Math.abs(Math.log(first.limit / last.limit)) > 0.02;
    if (moved) text += ` At the start the limit was ${short(first.limit, 3)}.`;
  } else {
    const slope = Math.hypot(...last.gradient);
    const saddle = slope ? "Beside a saddle" : "A saddle without slope, which descent never leaves";
    text += `${slope < 1e-3 ? saddle : "No minimum is near"}: curvatures ${short(last.low, 3)} `;
    text += `and ${short(last.high, 3)}, so no limit.`;
  }
  const stride = (k) => Math.hypot(...path[k].w.map((v, i) => v - path[k - 1].w[i]));
  const ratio = steps > 1 ? stride(steps) / stride(steps - 1) : 0;
  return ratio ? `${text} The last step was ${short(ratio, 3)} times the one before.` : text;
}

// --- The view ---

export default {
  render({ model, el }) {
    const ui = explorer({ model, el, about });
    for (const name of ["surface", "learning_rate", "steps"]) ui.control(name);
    ui.player("steps", 12);
    const names = ["start_w1", "start_w2", "momentum", "curvature_1", "curvature_2", "angle"];
    const fold = ui.fold("Start, momentum, curvature", names);

    const map = new Plot({ label: "The surface and the path on it", height: 332 });
    const small = { height: 166, left: 46 };
    const fall = new Plot({ ...small, label: "Loss over the steps", yLabel: "loss" });
    const label = "Learning rate and limit over the steps";
    const bound = new Plot({ ...small, label, xLabel: "steps", yLabel: label });
    const [w, h] = [map.width, map.height];
    const tint = map.raster(GRID);
    const lines = map.add("path");
    const valley = map.add("g");
    const route = map.add("path", { class: "bx-line" });
    const dots = map.add("path", { class: "bx-dots" });
    const arrow = map.add("path", { d: "M-11 -6L0 0L-11 6", class: "bx-forward" });
    const [x, y, end, note] = [
      svg("text", { x: w / 2, y: h + 35, "text-anchor": "middle" }),
      svg("text", { y: -4, class: "bx-quiet" }),
      svg("text", { class: "bx-halo" }),
      svg("text", { x: w - 5, y: 17, class: "bx-halo", "text-anchor": "end" }),
    ];
    const start = knob(move);
    map.over.append(x, y, end, note, start);
    map.node.addEventListener("click", move);
    const curve = fall.add("path", { class: "bx-forward" });
    const lost = fall.add("text", { x: fall.width - 5, y: 17, class: "bx-halo", "text-anchor": "end" });
    const zone = bound.add("path", { class: "bx-zone" });
    const edge = bound.add("path", { class: "bx-line" });
    const rate = bound.add("path", { class: "bx-sketch" });
    const [above, now] = [bound.add("text", { class: "bx-halo" }), bound.add("text", { class: "bx-halo" })];
    const words = make("p", { class: "bx-note" });
    ui.stage.append(map.node, make("div", { class: "bx-side" }, fall.node, bound.node), words);
