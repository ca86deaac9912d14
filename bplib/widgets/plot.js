// A plot: axes around an area that clips what is drawn in it.

import { clamp, make, short, svg } from "./draw.js";

export class Plot {
  // label says what the picture shows; area is where marks go, with px(x) and py(y).
  constructor({ label, width = 340, height = 240, left = 46, xLabel = "", yLabel = "" }) {
    const [top, right, bottom] = [14, 16, 40];
    this.width = width - left - right;
    this.height = height - top - bottom;
    this.axes = svg("g", { class: "bx-axes" });
    // A nested svg clips, without an id; what lies in `over` is not clipped.
    this.area = svg("svg", { x: left, y: top, width: this.width, height: this.height });
    this.over = svg("g", { transform: `translate(${left} ${top})` });
    this.svg = svg(
      "svg",
      { viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
      this.axes,
      this.area,
      this.over,
      svg("text", { x: left + this.width / 2, y: height - 5, "text-anchor": "middle" }, xLabel),
      svg("text", { x: left, y: 10, class: "bx-quiet" }, yLabel),
    );
    this.node = make("div", { class: "bx-plot" }, this.svg);
    Object.assign(this, { left, top, outer: [width, height], range: "" });
  }

  // The numbers at the edges; log: a logarithmic y axis.
  scale(x, y, { log = false } = {}) {
    const range = JSON.stringify([x, y, log]);
    if (range === this.range) return;
    Object.assign(this, { x, y, log, range });
    const [w, h] = [this.width, this.height];
    const frame = svg("path", { d: `M${this.left} ${this.top}v${h}h${w}` });
    const marks = [];
    for (const tick of ticks(...x)) {
      const at = this.left + this.px(tick);
      marks.push(svg("path", { d: `M${at} ${this.top + h}v4` }));
      const place = { x: at, y: this.top + h + 16, "text-anchor": "middle" };
      marks.push(svg("text", place, short(tick)));
    }
    for (const tick of log ? decades(...y) : ticks(...y)) {
      const at = this.top + this.py(tick);
      marks.push(svg("path", { d: `M${this.left} ${at}h-4` }));
      const place = { x: this.left - 6, y: at + 4, "text-anchor": "end" };
      marks.push(svg("text", place, short(tick)));
    }
    this.axes.replaceChildren(frame, ...marks);
  }

  px(x) {
    return ((x - this.x[0]) / (this.x[1] - this.x[0])) * this.width;
  }

  py(y) {
    const [low, high] = this.log ? this.y.map(Math.log10) : this.y;
    return (1 - ((this.log ? Math.log10(y) : y) - low) / (high - low)) * this.height;
  }

  // Where a pointer event is, in the numbers of the axes (linear ones).
  at(event) {
    const { a, e, d, f } = this.svg.getScreenCTM();
    const u = ((event.clientX - e) / a - this.left) / this.width;
    const v = ((event.clientY - f) / d - this.top) / this.height;
    return [this.x[0] + u * (this.x[1] - this.x[0]), this.y[1] - v * (this.y[1] - this.y[0])];
  }

  add(tag, attributes, ...children) {
    return this.area.appendChild(svg(tag, attributes, ...children));
  }

  // The d of a path through (x(i), y(i)), i below count; it breaks where y is not finite.
  through(count, x, y) {
    let d = "";
    let pen = "M";
    for (let i = 0; i < count; i++) {
      const [u, v] = [this.px(x(i)), this.py(y(i))];
      if (Number.isFinite(v)) d += `${pen}${u.toFixed(1)} ${clamp(v, -1e4, 1e4).toFixed(1)}`;
      pen = Number.isFinite(v) ? "L" : "M";
    }
    return d;
  }
}

// Round numbers between low and high, about five.
export function ticks(low, high) {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find((m) => m * power >= rough * 0.999);
  const found = [];
  for (let k = Math.ceil(low / step - 1e-9); k * step <= high + step * 1e-9; k++) {
    found.push(Number((k * step).toPrecision(10)));
  }
  return found;
}

function decades(low, high) {
  const [from, to] = [Math.ceil(Math.log10(low) - 1e-9), Math.floor(Math.log10(high) + 1e-9)];
  const every = Math.ceil((to - from + 1) / 6);
  const found = [];
  for (let k = from; k <= to; k += every) found.push(10 ** k);
  return found;
}
