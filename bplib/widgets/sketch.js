// A curve to bend: one handle for each x, by pointer, touch or arrow keys.

import { clamp, set, short, svg } from "./draw.js";

// heights are changed in place; change() is called after. Returns { node, refresh }.
export function handles(plot, xs, heights, change, name = "height") {
  const { width, height } = plot;
  const group = plot.over.appendChild(svg("svg", { class: "bx-handles", width, height }));
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
  group.prepend(svg("rect", { width, height, fill: "transparent" }));
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
