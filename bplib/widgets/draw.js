// Pictures: elements, plots with axes, tinted planes, contours, and curves to drag.

const SVG = "http://www.w3.org/2000/svg";

// make("button", { class: "x", onclick: f }, "text", child): an HTML element.
export function make(tag, attributes, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes = {}, children = []) {
  set(element, attributes);
  element.append(...children); // strings become text, never markup
  return element;
}

export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value === null || value === false) element.removeAttribute(name);
    else element.setAttribute(name, value === true ? "" : value);
  }
  return element;
}

// A number for readers: four significant digits, no trailing zeros, few zeros in front.
export function short(value, digits = 4) {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? "NaN" : value > 0 ? "∞" : "−∞";
  const round = Number(value.toPrecision(digits));
  const size = Math.abs(round);
  const text = size && (size < 1e-4 || size >= 1e7) ? round.toExponential() : String(round);
  return text.replaceAll("-", "−").replace("e+", "e");
}

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

// --- A plot: axes around an area that clips what is drawn in it ---

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

  // A canvas behind the area, n x rows pixels; paint(color) asks [r, g, b] for each, row by
  // row from the top.
  raster(n, rows = n) {
    const canvas = make("canvas", { width: n, height: rows, "aria-hidden": "true" });
    const [w, h] = this.outer;
    canvas.style.cssText =
      `left:${(100 * this.left) / w}%;top:${(100 * this.top) / h}%;` +
      `width:${(100 * this.width) / w}%;height:${(100 * this.height) / h}%`;
    this.node.prepend(canvas);
    const context = canvas.getContext("2d");
    const image = context.createImageData(n, rows);
    return (color) => {
      for (let i = 0; i < n * rows; i++) {
        image.data.set(color(i), 4 * i);
        image.data[4 * i + 3] = 255;
      }
      context.putImageData(image, 0, 0);
    };
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

// --- Colors ---

// "#0072b2" -> [0, 114, 178]
export function rgb(color) {
  return [1, 3, 5].map((i) => parseInt(color.trim().slice(i, i + 2), 16));
}

export const mix = (a, b, share) => a.map((value, i) => value + (b[i] - value) * share);

// Markers of the classes, the same as in bplib/drawing.py.
export function marker(plot, [x, y], label, more = {}) {
  const [u, v] = [plot.px(x), plot.py(y)];
  const shapes = [
    `M${u - 4} ${v}a4 4 0 1 0 8 0a4 4 0 1 0 -8 0z`,
    `M${u - 3.6} ${v - 3.6}h7.2v7.2h-7.2z`,
    `M${u} ${v - 4.6}l4.6 8h-9.2z`,
  ];
  return plot.add("path", { d: shapes[label], class: `bx-class-${label}`, ...more });
}

// --- Contours ---

// The d of the line where values (n x n, row by row from the top) cross a level.
export function contour(plot, values, n, level = 0) {
  let d = "";
  const [dx, dy] = [plot.width / (n - 1), plot.height / (n - 1)];
  const corner = [[0, 0], [1, 0], [1, 1], [0, 1]];
  for (let j = 0; j < n - 1; j++) {
    for (let i = 0; i < n - 1; i++) {
      const v = j * n + i;
      const above = values[v] > level; // most cells end here
      const alike = values[v + 1] > level === above && values[v + n] > level === above;
      if (alike && values[v + n + 1] > level === above) continue;
      const at = corner.map(([p, q]) => values[v + q * n + p] - level);
      let pen = "M";
      for (let k = 0; k < 4; k++) {
        const [a, b] = [at[k], at[(k + 1) % 4]];
        if (a > 0 === b > 0) continue;
        const s = a / (a - b);
        const [from, to] = [corner[k], corner[(k + 1) % 4]];
        const x = (i + from[0] + s * (to[0] - from[0])) * dx;
        const y = (j + from[1] + s * (to[1] - from[1])) * dy;
        if (!Number.isFinite(x + y)) continue;
        d += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
        pen = pen === "M" ? "L" : "M";
      }
    }
  }
  return d;
}

// --- A curve to bend: one handle for each x, by pointer, touch or arrow keys ---

// heights are changed in place; change() is called after. Returns { node, refresh }.
export function handles(plot, xs, heights, change, name = "height") {
  const group = plot.over.appendChild(svg("g", { class: "bx-handles" }));
  set(plot.svg, { role: "group" }); // what is in an image nobody can reach
  const line = group.appendChild(svg("path", { class: "bx-sketch" }));
  const unit = () => (plot.y[1] - plot.y[0]) / 50;
  const move = (k, y) => {
    heights[k] = Number(clamp(y, ...plot.y).toPrecision(4));
    refresh();
    change();
  };
  const knobs = xs.map((x, k) =>
    group.appendChild(
      svg("circle", {
        r: 8,
        tabindex: 0,
        role: "slider",
        "aria-label": `${name} at ${short(x)}`,
        onkeydown: (event) => {
          const by = { ArrowUp: 1, ArrowRight: 1, ArrowDown: -1, ArrowLeft: -1 }[event.key];
          const page = { PageUp: 5, PageDown: -5 }[event.key];
          if (!by && !page) return;
          event.preventDefault();
          move(k, heights[k] + (by ?? page) * unit());
        },
      }),
    ),
  );
  const drag = (event) => {
    if (event.type === "pointermove" && !event.buttons) return;
    const [x, y] = plot.at(event);
    const distance = xs.map((each) => Math.abs(each - x));
    move(distance.indexOf(Math.min(...distance)), y);
    if (event.type === "pointerdown") group.setPointerCapture(event.pointerId);
    event.preventDefault();
  };
  // Something to press between the handles.
  group.prepend(svg("rect", { width: plot.width, height: plot.height, fill: "transparent" }));
  set(group, { onpointerdown: drag, onpointermove: drag });
  function refresh() {
    knobs.forEach((knob, k) => {
      set(knob, { cx: plot.px(xs[k]), cy: plot.py(heights[k]) });
      set(knob, { "aria-valuenow": heights[k], "aria-valuetext": short(heights[k]) });
      set(knob, { "aria-valuemin": plot.y[0], "aria-valuemax": plot.y[1] });
    });
    set(line, { d: plot.through(xs.length, (i) => xs[i], (i) => heights[i]) });
  }
  refresh();
  return { node: group, refresh };
}
