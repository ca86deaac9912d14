// What can be seen of a plane in a plot: tints, border lines, points.

import { make } from "./draw.js";

// A canvas behind the area of a plot, n x rows pixels; paint(color) asks [r, g, b] for each, row by
// row from the top.
export function raster(plot, n, rows = n) {
  const canvas = make("canvas", { width: n, height: rows, "aria-hidden": "true" });
  const [w, h] = plot.outer;
  canvas.style.cssText =
    `left:${(100 * plot.left) / w}%;top:${(100 * plot.top) / h}%;` +
    `width:${(100 * plot.width) / w}%;height:${(100 * plot.height) / h}%`;
  plot.node.prepend(canvas);
  const context = canvas.getContext("2d");
  const image = context.createImageData(n, rows);
  return (color) => {
    for (let i = 0; i < n * rows; i++) {
      const [r, g, b] = color(i);
      image.data[4 * i] = r;
      image.data[4 * i + 1] = g;
      image.data[4 * i + 2] = b;
      image.data[4 * i + 3] = 255;
    }
    context.putImageData(image, 0, 0);
  };
}

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
      let pen = "M";
      for (let k = 0; k < 4; k++) {
        const [p, q] = corner[k];
        const [r, s] = corner[(k + 1) % 4];
        const [a, b] = [values[v + q * n + p] - level, values[v + s * n + r] - level];
        if (a > 0 === b > 0) continue;
        const share = a / (a - b);
        const x = (i + p + share * (r - p)) * dx;
        const y = (j + q + share * (s - q)) * dy;
        if (!Number.isFinite(x + y)) continue;
        d += `${pen}${x.toFixed(1)} ${y.toFixed(1)}`;
        pen = pen === "M" ? "L" : "M";
      }
    }
  }
  return d;
}
