// Chance that a page and Python can share: the same numbers, bit for bit, as generator.py.

// A 32-bit integer to another, one to one, with no likeness left between them.
// Shifts and factors: lowbias32, found by Chris Wellons (hash-prospector, 2018).
function mix(x) {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}

// Random numbers that follow from (seed, stream), whole numbers from 0 to 2**32 - 1.
// A counter is mixed, as in SplitMix (Steele, Lea and Flood, 2014).
export class Random {
  constructor(seed, stream = 0) {
    this.state = mix(mix(seed) + stream);
  }

  integer() {
    this.state = (this.state + 0x9e3779b9) >>> 0;
    return mix(this.state);
  }

  uniform() {
    return this.integer() / 2 ** 32;
  }

  // The sum of 12 uniforms, minus 6. All sums are multiples of 2**-32 below 12: not rounded.
  normal() {
    let sum = 0;
    for (let i = 0; i < 12; i++) sum += this.uniform();
    return sum - 6;
  }
}

// theta before training, per layer W, uniform around 0, then b = 0.
// init: "xavier", "he" or a standard deviation.
export function initialTheta(sizes, seed, init = "xavier") {
  const random = new Random(seed, 1);
  const theta = [];
  for (let k = 0; k + 1 < sizes.length; k++) {
    const [nIn, nOut] = [sizes[k], sizes[k + 1]];
    let limit = init * Math.sqrt(3);
    if (init === "xavier") limit = Math.sqrt(6 / (nIn + nOut));
    if (init === "he") limit = Math.sqrt(6 / nIn);
    for (let i = 0; i < nIn * nOut; i++) theta.push(limit * (2 * random.uniform() - 1));
    for (let i = 0; i < nOut; i++) theta.push(0);
  }
  return Float64Array.from(theta);
}

function moon(label, i, n, noise, random) {
  const angle = (Math.PI * i) / Math.max(n - 1, 1);
  let [x, y] = [Math.cos(angle), Math.sin(angle)];
  if (label === 1) [x, y] = [1 - x, 0.5 - y];
  return [x + noise * random.normal(), y + noise * random.normal()];
}

function circle(label, i, n, noise, random) {
  const angle = (2 * Math.PI * i) / n;
  const radius = 1 - label / 2;
  const [x, y] = [radius * Math.cos(angle), radius * Math.sin(angle)];
  return [x + noise * random.normal(), y + noise * random.normal()];
}

function spiral(label, i, n, noise, random) {
  const r = i / Math.max(n - 1, 1);
  const angle = 4 * label + 4 * r + noise * random.normal();
  return [r * Math.sin(angle), r * Math.cos(angle)];
}

// name: where point i of n of a class lies, number of classes, default noise
const sets = { moons: [moon, 2, 0.1], circles: [circle, 2, 0.1], spirals: [spiral, 3, 0.2] };

// n points of each class: x (N, 2) row by row, labels t (N), N as n. xor has its four corners.
export function dataset(name, n = 50, noise = null, seed = 0) {
  if (name === "xor") {
    const x = Float64Array.of(0, 0, 0, 1, 1, 0, 1, 1);
    return { x, t: Float64Array.of(0, 1, 1, 0), n: 4, classes: 2 };
  }
  const [place, classes, usual] = sets[name];
  const random = new Random(seed, 2);
  const [x, t] = [[], []];
  for (let label = 0; label < classes; label++) {
    for (let i = 0; i < n; i++) {
      x.push(...place(label, i, n, noise ?? usual, random));
      t.push(label);
    }
  }
  return { x: Float64Array.from(x), t: Float64Array.from(t), n: t.length, classes };
}
