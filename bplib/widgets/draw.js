// Elements of a page and of its pictures, and numbers as readers like them.

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

// "1 update", "2 updates"
export const count = (n, what) => `${n} ${what}${n === 1 ? "" : "s"}`;

export const clamp = (value, low, high) => Math.min(Math.max(value, low), high);
