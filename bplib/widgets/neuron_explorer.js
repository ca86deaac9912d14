// One neuron: what it gives for every input, and how much that changes.

import { clamp, make, set, short, svg } from "./draw.js";
import { Net } from "./net.js";
import { NeuronExplorer as about } from "./parameters.js";
import { mix, raster, rgb } from "./plane.js";
import { Plot } from "./plot.js";
import { handles } from "./sketch.js";
import { explorer } from "./ui.js";

const EDGE = about.parameters.x1.high; // inputs from -EDGE to EDGE are shown
const GRID = 48; // the plane is asked at GRID x GRID points

// y axis; largest slope; slope in words; z of two more lines, plus and minus; what they are
const kinds = {
  identity: [[-6, 6], 1, "1", 1, "z = −1 and 1"],
  sigmoid: [[-0.1, 1.1], 0.25, "y (1 − y)", Math.log(9), "y = 0.1 and 0.9"],
  tanh: [[-1.2, 1.2], 1, "1 − y²", Math.atanh(0.8), "y = −0.8 and 0.8"],
  relu: [[-1, 6], 1, "1 if z > 0, else 0", 1, "z = −1 and 1"],
};

// y to four digits, or to more where fewer would hide that it falls short of 1 or -1.
function near(y) {
  let digits = 4;
  while (Math.abs(y) < 1 && digits < 16 && /^−?1$/.test(short(y, digits))) digits++;
  return short(y, digits);
}

// The inputs that are shown, row by row, and a place for the point.
function inputs(nIn) {
  const place = (i, n) => EDGE * ((2 * i) / (n - 1) - 1);
  if (nIn === 1) return Float64Array.from({ length: 402 }, (_, i) => place(i, 401));
  const x = new Float64Array(2 * (GRID * GRID + 1));
  for (let i = 0; i < GRID * GRID; i++) {
    x.set([place(i % GRID, GRID), -place(Math.floor(i / GRID), GRID)], 2 * i);
  }
  return x;
}

export default {
  render({ model, el }) {
    const ui = explorer({ model, el, about });
    for (const name of ["w1", "w2", "bias", "activation", "inputs"]) ui.control(name);
    const typed = ui.fold("The point, typed", ["x1", "x2"]);
    const forTwo = [ui.root.querySelector(".bx-controls").children[1], typed.children[1]];

    const picture = (label, xLabel, yLabel, height) => {
      const plot = new Plot({ label, xLabel, yLabel, height });
      set(plot.node, { onclick: (event) => drag(event, plot) });
      return plot;
    };
    const left = picture("Output over the input, tangent at the point", "x", "output y");
    const right = picture("Derivative over the input", "x", "derivative dy/dx");
    const plane = picture("Output over the plane, with the weight vector", "x₁", "x₂", 332);
    const change = picture("Size of the derivative over the plane", "x₁", "x₂", 332);
    const all = [left, right, plane, change];
    for (const plot of [left, right]) plot.node.classList.add("bx-main");
    for (const plot of [plane, change]) plot.scale([-EDGE, EDGE], [-EDGE, EDGE]);

    const edge = left.add("path", { class: "bx-thin" });
    const curve = left.add("path", { class: "bx-forward" });
    const tangent = left.add("path", { class: "bx-backward bx-tangent bx-answer" });
    const slopes = right.add("path", { class: "bx-backward bx-answer" });
    const tints = [plane, change].map((plot) => raster(plot, GRID));
    const borders = [plane, change].map((plot) => plot.add("path", { class: "bx-line" }));
    const levels = plane.add("path", { class: "bx-thin" });
    const arrow = plane.add("path", { class: "bx-arrow" });
    const knobs = all.map(knob);
    const numbers = make("div", { class: "bx-numbers bx-answer" });
    const note = make("p", { class: "bx-answer" });

    const [nets, shown] = [{}, {}];
    let [x, sketched] = [null, false];

    // --- The point, by pointer, touch or arrow keys ---
    function knob(plot) {
      const g = svg("g", { class: "bx-knob bx-answer" });
      const act = (event) => drag(event, plot);
      set(g, { onpointerdown: act, onpointermove: act, onkeydown: keys });
      g.append(svg("circle", { r: 22 }), svg("circle", { r: 7, class: "bx-node" }));
      set(plot.svg, { role: "group" }); // an image may not hold what can be focused
      const range = { "aria-valuemin": -EDGE, "aria-valuemax": EDGE };
      set(g, { role: "slider", "aria-label": "the point", ...range });
      return plot.over.appendChild(g);
    }

    function drag(event, plot) {
      if (event.type === "pointerdown") event.currentTarget.setPointerCapture(event.pointerId);
      else if (event.type !== "click" && !event.buttons) return;
      move(...plot.at(event));
    }

    function keys(event) {
      const k = ["ArrowLeft", "ArrowRight", "ArrowDown", "ArrowUp"].indexOf(event.key);
      if (k < 0) return;
      event.preventDefault();
      // Of the model, since two keys may come before the next frame.
      const [x1, x2, by] = [model.get("x1"), model.get("x2"), k % 2 ? 0.1 : -0.1];
      if (k < 2 || ui.state.inputs !== "two") move(x1 + by, x2);
      else move(x1, x2 + by);
    }

    function move(u, v) {
      const [x1, x2] = [u, v].map((each) => clamp(Number(each.toFixed(2)), -EDGE, EDGE));
      if (!ui.pending) ui.set(ui.state.inputs === "two" ? { x1, x2 } : { x1 });
    }

    // --- The pictures ---
    function drawLine({ w1, bias, activation, x1 }, { y, dx, n }) {
      const [range, steepest] = kinds[activation];
      left.scale([-EDGE, EDGE], range);
      const most = 1.1 * steepest * Math.abs(w1);
      const top = [0.1, 0.2, 0.5, 1, 2, 5, 12].find((m) => m >= most);
      right.scale([-EDGE, EDGE], w1 < 0 ? [-top, top / 10] : [-top / 10, top]);
      set(curve, { d: left.through(n, (i) => x[i], (i) => y[i]) });
      set(slopes, { d: right.through(n, (i) => x[i], (i) => dx[i]) });
      const along = (i) => 3 * i - 1.5;
      set(tangent, { d: left.through(2, (i) => x1 + along(i), (i) => y[n] + dx[n] * along(i)) });
      set(edge, { d: w1 ? `M${left.px(-bias / w1)} 0v${left.height}` : "" });
      const words = "Upright line: the edge, z = 0. Dashes: the tangent, as steep as dy/dx says.";
      return [words, y[n], dx[n]];
    }

    function drawPlane({ w1, w2, bias, activation, x2 }, { y, slope }) {
      const [[low, high], steepest, , level, words] = kinds[activation];
      const { paper, forward, backward } = ui.colors();
      const [ground, up, back] = [paper, forward, backward].map(rgb);
      tints[0]((i) => mix(ground, up, clamp((y[i] - low) / (high - low), 0, 1)));
      tints[1]((i) => mix(ground, back, (0.85 * slope[i]) / steepest));
      const size = Math.hypot(w1, w2);
      // The line z = c, drawn both ways from its place nearest to the middle.
      const foot = (c) => [w1, w2].map((w) => ((c - bias) * w) / size ** 2);
      const path = (c) => {
        const [[u, v], far] = [foot(c), (i) => (60 * i - 30) / size];
        return plane.through(2, (i) => u - far(i) * w2, (i) => v + far(i) * w1);
      };
      for (const border of borders) set(border, { d: path(0) });
      set(levels, { d: path(level) + path(-level) });
      const [u, v] = foot(0);
      const seen = Math.max(Math.abs(u), Math.abs(v)) < EDGE;
      const [a, b, c, d] = [plane.px(u), plane.py(v), plane.px(u + w1), plane.py(v + w2)];
      const turn = Math.atan2(d - b, c - a);
      const barb = (by) => `M${c} ${d}l${-9 * Math.cos(turn + by)} ${-9 * Math.sin(turn + by)}`;
      set(arrow, { d: seen ? `M${a} ${b}L${c} ${d}${barb(0.45)}${barb(-0.45)}` : "" });
      if (!size) return ["Both weights are 0: y is the same everywhere.", x2, x2];
      const left =
        `Left: y, more color for more. Thick: the edge, z = 0; thin: ${words}; arrow: the ` +
        `weights w. Right: the size of dy/dx, full color at ${short(steepest * size)}.`;
      return [left, x2, x2];
    }

    // The numbers at the point, each with where it comes from.
    function write({ w1, w2, bias, activation, x1, x2 }, { z, y, slope, dx }) {
      const by = (v) => (v < 0 ? `(${short(v)})` : short(v));
      const [w, names] = [[w1, w2], dx.length > 1 ? ["x₁", "x₂"] : ["x"]];
      const sum = names.map((name, k) => `w${"₁₂"[k]}${name} + `).join("");
      const here = names.map((_, k) => `${by(w[k])}·${by([x1, x2][k])} + `).join("");
      const lines = [
        `z = ${sum}b = ${here}${by(bias)} = ${short(z)}`,
        `y = ${activation}(z) = ${near(y)}`,
        `dy/dz = ${kinds[activation][2]} = ${short(slope)}`,
        ...names.map((name, k) => {
          const product = `${by(slope)}·${by(w[k])} = ${short(dx[k])}`;
          return `dy/d${name} = dy/dz · w${"₁₂"[k]} = ${product}`;
        }),
      ];
      const look = (k) => ({ class: k < 2 ? "bx-forward" : "bx-backward" });
      const spans = lines.map((line, k) => make("span", look(k), line));
      numbers.replaceChildren(...spans.map((span) => make("p", {}, span)));
    }

    ui.draw((state) => {
      const { w1, w2, bias, activation, x1, x2, question, options } = state;
      const two = state.inputs === "two";
      const sketch = question && !options.length;
      if (two && sketch) throw Error("with two inputs, the question needs options");
      const [pair, held] = two ? [[plane, change], knobs.slice(2)] : [[left, right], knobs];
      if (!pair[0].node.parentNode) {
        ui.stage.replaceChildren(...pair.map(({ node }) => node), numbers, note);
      }
      for (const control of forTwo) control.hidden = !two;
      const [nIn, here] = two ? [2, [x1, x2]] : [1, [x1]];
      x = shown[nIn] ??= inputs(nIn);
      const n = x.length / nIn - 1;
      x.set(here, n * nIn);
      const net = (nets[nIn + activation] ??= new Net([nIn, 1], "", activation));
      net.theta.set(two ? [w1, w2, bias] : [w1, bias]);
      const y = net.forward(x, n + 1);
      const dx = net.backward(new Float64Array(n + 1).fill(1));
      const { z, dz: slope } = net.layers[0];
      const [words, ...heights] = (two ? drawPlane : drawLine)(state, { y, dx, slope, n });
      note.textContent = words;
      const place = here.map((v) => short(v)).join(", ");
      pair.forEach((plot, k) => {
        const at = clamp(plot.py(heights[k]), 0, plot.height);
        set(held[k], { transform: `translate(${plot.px(x1)} ${at})` });
        set(held[k], { tabindex: ui.pending ? -1 : 0 });
        set(held[k], { "aria-valuenow": x1, "aria-valuetext": `x = ${place}, y = ${near(y[n])}` });
      });
      const point = { z: z[n], y: y[n], slope: slope[n], dx: [...dx.subarray(n * nIn)] };
      write(state, point);
      if (sketch && !sketched) {
        sketched = true;
        const xs = [-4, -3, -2, -1, 0, 1, 2, 3, 4];
        const guess = xs.map(() => 0);
        ui.sketch(handles(right, xs, guess, () => {}, "dy/dx"), guess);
      }
      ui.drawn?.refresh();
      const at = two || !w1 ? NaN : -bias / w1;
      const gradient = Math.hypot(...point.dx);
      const more = { gradient, edge: at, w1, w2, bias };
      ui.measure({ slope: slope[n], output: y[n], z: z[n], ...more });
      const most = kinds[activation][1];
      const name = activation === "relu" ? "off" : "saturated";
      const asleep = slope[n] < 0.01 * most ? `, ${name}: hardly any gradient passes` : "";
      ui.say(
        `At x = ${place}: y = ${near(y[n])}, slope dy/dz = ${short(slope[n])} ` +
          `(${short((100 * slope[n]) / most, 3)} % of its largest, ${most})${asleep}.` +
          (two || !w1 ? "" : ` The edge is at x = −b/w₁ = ${short(at)}.`),
      );
    });
    return ui.close;
  },
};
