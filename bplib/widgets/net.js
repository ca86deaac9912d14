// A small dense net that computes in the page: bplib's arithmetic, entry by entry.
//
// Names, shapes and order are those of bplib/layers.py: W (nIn, nOut), z = x @ W + b. A matrix is
// a flat Float64Array, row after row, so x[i * nIn + m] is feature m of example i.

export function activate(name, z) {
  if (name === "sigmoid") return 1 / (1 + Math.exp(-z));
  if (name === "tanh") return Math.tanh(z);
  if (name === "relu") return Math.max(z, 0);
  if (name === "identity") return z;
  throw new Error(`there is no activation ${name}`);
}

// The derivative at z, given y = activate(name, z).
export function slope(name, z, y) {
  if (name === "sigmoid") return y * (1 - y);
  if (name === "tanh") return 1 - y * y;
  if (name === "relu") return z > 0 ? 1 : 0;
  return 1;
}

// Layers in a row, all parameters in `theta`, all gradients in `grad`. A layer is a Dense and the
// activation after it: y = activation(z). Its arrays are used again by the next call.
export class Net {
  constructor(sizes, hidden = "sigmoid", output = "identity") {
    const last = sizes.length - 2;
    const lengths = sizes.slice(1).map((nOut, k) => (sizes[k] + 1) * nOut);
    this.theta = new Float64Array(lengths.reduce((sum, length) => sum + length));
    this.grad = new Float64Array(this.theta.length);
    this.n = 0; // the number of examples that there is room for
    let start = 0;
    const views = (length) => {
      start += length;
      return [this.theta, this.grad].map((vector) => vector.subarray(start - length, start));
    };
    this.layers = lengths.map((_, k) => {
      const [nIn, nOut] = [sizes[k], sizes[k + 1]];
      const [W, dW] = views(nIn * nOut);
      const [b, db] = views(nOut);
      return { nIn, nOut, activation: k < last ? hidden : output, W, b, dW, db };
    });
  }

  // Take x (n, nIn) for the first layer, and make room if n is new.
  input(x, n) {
    this.layers[0].x = x;
    if (n === this.n) return;
    this.n = n;
    this.layers.forEach((layer, k) => {
      if (k > 0) layer.x = this.layers[k - 1].y;
      for (const name of ["z", "y", "dz"]) layer[name] = new Float64Array(n * layer.nOut);
      layer.dx = new Float64Array(n * layer.nIn);
    });
  }

  forward(x, n) {
    this.input(x, n);
    this.layers.forEach((_, k) => this.forwardLayer(k));
    return this.layers.at(-1).y;
  }

  // dy, the gradient at the output, backward through all layers; returns dx.
  backward(dy, needDx = true) {
    for (let k = this.layers.length - 1; k >= 0; k--) {
      dy = this.backwardLayer(k, dy, needDx || k > 0);
    }
    return dy;
  }

  forwardLayer(k) {
    const { nIn, nOut, activation, W, b, x, z, y } = this.layers[k];
    for (let i = 0; i < this.n; i++) {
      for (let j = 0; j < nOut; j++) {
        let sum = 0;
        for (let m = 0; m < nIn; m++) sum += x[i * nIn + m] * W[m * nOut + j];
        z[i * nOut + j] = sum + b[j];
        y[i * nOut + j] = activate(activation, sum + b[j]);
      }
    }
    return y;
  }

  // dz = dy * slope, dW = x.T @ dz, db = the sum of dz over the examples, dx = dz @ W.T
  backwardLayer(k, dy, needDx = true) {
    const { nIn, nOut, activation, W, dW, db, x, z, y, dz, dx } = this.layers[k];
    dW.fill(0);
    db.fill(0);
    for (let i = 0; i < this.n; i++) {
      for (let j = 0; j < nOut; j++) {
        const ij = i * nOut + j;
        dz[ij] = dy[ij] * slope(activation, z[ij], y[ij]);
        db[j] += dz[ij];
        for (let m = 0; m < nIn; m++) dW[m * nOut + j] += x[i * nIn + m] * dz[ij];
      }
      for (let m = 0; needDx && m < nIn; m++) {
        let sum = 0;
        for (let j = 0; j < nOut; j++) sum += dz[i * nOut + j] * W[m * nOut + j];
        dx[i * nIn + m] = sum;
      }
    }
    return needDx ? dx : null;
  }
}

// Each returns the loss, the mean over n examples, and fills dy, its gradient at y (n, nOut).
// t has the shape of y; for softmax_cross_entropy it holds labels (n).
export const losses = {
  squared_error(y, t, n, nOut, dy) {
    let total = 0;
    for (let i = 0; i < n; i++) {
      let squares = 0;
      for (let ij = i * nOut; ij < (i + 1) * nOut; ij++) {
        const error = y[ij] - t[ij];
        squares += error * error;
        dy[ij] = error / n;
      }
      total += 0.5 * squares;
    }
    return total / n;
  },

  binary_cross_entropy(y, t, n, nOut, dy) {
    let total = 0;
    for (let i = 0; i < n * nOut; i++) {
      // log(1 + exp(y)), written so that exp cannot overflow
      const softplus = Math.max(y[i], 0) + Math.log1p(Math.exp(-Math.abs(y[i])));
      total += softplus - t[i] * y[i];
      dy[i] = (Math.exp(y[i] - softplus) - t[i]) / n;
    }
    return total / n;
  },

  softmax_cross_entropy(y, t, n, nOut, dy) {
    let total = 0;
    for (let i = 0; i < n; i++) {
      const row = i * nOut;
      let [max, sum] = [-Infinity, 0];
      for (let j = 0; j < nOut; j++) max = Math.max(max, y[row + j]);
      for (let j = 0; j < nOut; j++) sum += Math.exp(y[row + j] - max);
      for (let j = 0; j < nOut; j++) {
        const logP = y[row + j] - max - Math.log(sum);
        const right = j === t[i];
        if (right) total -= logP;
        dy[row + j] = (Math.exp(logP) - (right ? 1 : 0)) / n;
      }
    }
    return total / n;
  },
};

// v <- momentum v + g;  theta <- theta - rate v. Without momentum v is g, even after v = Infinity.
export function step(theta, grad, velocity, rate, momentum) {
  for (let i = 0; i < theta.length; i++) {
    velocity[i] = (momentum && momentum * velocity[i]) + grad[i];
    theta[i] -= rate * velocity[i];
  }
}

// One training run on all examples, from the net's theta on, computed in slices and kept whole.
export class Run {
  constructor({ net, loss, x, t, n, rate, momentum = 0, iterations }) {
    Object.assign(this, { net, loss, x, t, n, rate, momentum, iterations });
    this.nOut = net.layers.at(-1).nOut;
    this.dy = new Float64Array(n * this.nOut);
    this.velocity = new Float64Array(net.theta.length);
    this.thetas = new Float64Array((iterations + 1) * net.theta.length);
    this.thetas.set(net.theta);
    this.losses = new Float64Array(iterations + 1).fill(NaN); // losses[k] is after k updates
    this.done = 0; // updates made; the loss after each of them was finite
    this.divergedAt = 0; // or the iteration, from 1, before whose update the loss is not finite
    this.advance(0);
  }

  // Go on until `to` updates are done or about `ms` are over. True: no more is to be done.
  advance(to, ms = Infinity) {
    const { net } = this;
    const end = performance.now() + ms;
    net.theta.set(this.thetaAt(this.done)); // the net may have been used for other things
    this.look(this.done);
    while (this.done < to && !this.divergedAt) {
      net.backward(this.dy, false);
      step(net.theta, net.grad, this.velocity, this.rate, this.momentum);
      this.look(this.done + 1);
      if (performance.now() >= end) break;
    }
    return this.done >= to || this.divergedAt > 0;
  }

  // The loss after k updates, kept with the parameters; if not finite, the last ones stay.
  look(k) {
    const y = this.net.forward(this.x, this.n);
    const value = this.loss(y, this.t, this.n, this.nOut, this.dy);
    if (Number.isFinite(value)) {
      this.losses[k] = value;
      this.thetas.set(this.net.theta, k * this.net.theta.length);
      this.done = k;
    } else {
      this.divergedAt = k + 1;
      this.net.theta.set(this.thetaAt(this.done));
    }
  }

  // The parameters after k updates (of those done), a view.
  thetaAt(k) {
    const P = this.net.theta.length;
    const start = Math.min(k, this.done) * P;
    return this.thetas.subarray(start, start + P);
  }
}
