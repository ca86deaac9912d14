// A small dense net that computes in the page: bplib's arithmetic, entry by entry.
//
// Names, shapes and order are bplib's. A matrix is a flat Float64Array, row by row: x[i * nIn + m]
// is feature m of example i.

// y from z; dz from dy and y.
export const activations = {
  identity: { forward: (z, y) => y.set(z), backward: (dy, y, dz) => dz.set(dy) },
  sigmoid: {
    forward(z, y) {
      for (let i = 0; i < z.length; i++) y[i] = 1 / (1 + Math.exp(-z[i]));
    },
    backward(dy, y, dz) {
      for (let i = 0; i < y.length; i++) dz[i] = dy[i] * y[i] * (1 - y[i]);
    },
  },
  tanh: {
    forward(z, y) {
      for (let i = 0; i < z.length; i++) y[i] = Math.tanh(z[i]);
    },
    backward(dy, y, dz) {
      for (let i = 0; i < y.length; i++) dz[i] = dy[i] * (1 - y[i] * y[i]);
    },
  },
  relu: {
    forward(z, y) {
      for (let i = 0; i < z.length; i++) y[i] = Math.max(z[i], 0);
    },
    backward(dy, y, dz) {
      for (let i = 0; i < y.length; i++) dz[i] = dy[i] * (y[i] > 0 ? 1 : 0);
    },
  },
};

// All parameters are in theta, all gradients in grad. A layer is a Dense, z = x @ W + b, and the
// activation after it, y; its arrays are filled anew by every call.
export class Net {
  constructor(sizes, hidden = "sigmoid", output = "identity") {
    const P = sizes.slice(1).reduce((sum, nOut, k) => sum + (sizes[k] + 1) * nOut, 0);
    this.theta = new Float64Array(P);
    this.grad = new Float64Array(P);
    this.n = 0; // examples that there is room for
    let end = 0;
    const views = (length) => {
      end += length;
      return [this.theta, this.grad].map((all) => all.subarray(end - length, end));
    };
    this.layers = sizes.slice(1).map((nOut, k) => {
      const [nIn, activation] = [sizes[k], k + 2 < sizes.length ? hidden : output];
      const [[W, dW], [b, db]] = [views(nIn * nOut), views(nOut)];
      return { nIn, nOut, activation, W, b, dW, db };
    });
  }

  // x is (n, nIn).
  input(x, n) {
    this.layers[0].x = x;
    if (n === this.n) return;
    this.n = n;
    this.layers.forEach((layer, k) => {
      for (const name of ["z", "y", "dz"]) layer[name] = new Float64Array(n * layer.nOut);
      layer.dx = new Float64Array(n * layer.nIn);
      if (k > 0) layer.x = this.layers[k - 1].y;
    });
  }

  forward(x, n) {
    this.input(x, n);
    return this.layers.reduce((_, layer, k) => this.forwardLayer(k), x);
  }

  backward(dy) {
    return this.layers.reduceRight((dy, _, k) => this.backwardLayer(k, dy), dy);
  }

  forwardLayer(k) {
    const { nIn, nOut, activation, W, b, x, z, y } = this.layers[k];
    for (let i = 0; i < this.n; i++) {
      for (let j = 0; j < nOut; j++) {
        let sum = 0;
        for (let m = 0; m < nIn; m++) sum += x[i * nIn + m] * W[m * nOut + j];
        z[i * nOut + j] = sum + b[j];
      }
    }
    activations[activation].forward(z, y);
    return y;
  }

  // dz = dy * slope, db = sum of dz over the examples, dW = x.T @ dz, dx = dz @ W.T
  backwardLayer(k, dy) {
    const { nIn, nOut, activation, W, dW, db, x, y, dz, dx } = this.layers[k];
    activations[activation].backward(dy, y, dz);
    db.fill(0);
    dW.fill(0);
    for (let i = 0; i < this.n; i++) {
      for (let j = 0; j < nOut; j++) db[j] += dz[i * nOut + j];
      for (let m = 0; m < nIn; m++) {
        let sum = 0;
        for (let j = 0; j < nOut; j++) {
          dW[m * nOut + j] += x[i * nIn + m] * dz[i * nOut + j];
          sum += dz[i * nOut + j] * W[m * nOut + j];
        }
        dx[i * nIn + m] = sum;
      }
    }
    return dx;
  }
}

// Each returns the mean over n examples and fills dy, its gradient at y (n, nOut). t: like y, but
// labels (n) for softmax_cross_entropy.
export const losses = {
  squared_error(y, t, n, nOut, dy) {
    let total = 0;
    for (let row = 0; row < n * nOut; row += nOut) {
      let sum = 0;
      for (let ij = row; ij < row + nOut; ij++) {
        const error = y[ij] - t[ij];
        sum += error * error;
        dy[ij] = error / n;
      }
      total += sum / 2;
    }
    return total / n;
  },

  binary_cross_entropy(y, t, n, nOut, dy) {
    let total = 0;
    for (let i = 0; i < n * nOut; i++) {
      // log(1 + exp(y)), but exp cannot overflow
      const softplus = Math.max(y[i], 0) + Math.log1p(Math.exp(-Math.abs(y[i])));
      total += softplus - t[i] * y[i];
      dy[i] = (Math.exp(y[i] - softplus) - t[i]) / n;
    }
    return total / n;
  },

  softmax_cross_entropy(y, t, n, nOut, dy) {
    let total = 0;
    for (let row = 0; row < n * nOut; row += nOut) {
      const [end, right] = [row + nOut, row + t[row / nOut]];
      let [max, sum] = [-Infinity, 0]; // without max, exp could overflow
      for (let ij = row; ij < end; ij++) max = Math.max(max, y[ij]);
      for (let ij = row; ij < end; ij++) sum += dy[ij] = Math.exp(y[ij] - max);
      for (let ij = row; ij < end; ij++) dy[ij] = (dy[ij] / sum - (ij === right ? 1 : 0)) / n;
      total -= y[right] - max - Math.log(sum);
    }
    return total / n;
  },
};

// v <- momentum v + g;  theta <- theta - rate v. Without momentum v is g (0 * Infinity is not 0).
export function step(theta, grad, velocity, rate, momentum) {
  for (let i = 0; i < theta.length; i++) {
    velocity[i] = (momentum && momentum * velocity[i]) + grad[i];
    theta[i] -= rate * velocity[i];
  }
}

// A run of training from net.theta on.
export class Run {
  constructor({ net, loss, x, t, n, rate, momentum = 0, iterations }) {
    Object.assign(this, { net, loss, x, t, n, rate, momentum, iterations });
    const P = net.theta.length;
    this.dy = new Float64Array(n * net.layers.at(-1).nOut);
    this.velocity = new Float64Array(P);
    this.thetas = new Float64Array((iterations + 1) * P);
    this.thetas.set(net.theta);
    this.losses = new Float64Array(iterations + 1).fill(NaN); // losses[k] is after k updates
    this.done = 0; // updates, all with a finite loss
    this.divergedAt = 0; // or the iteration, from 1, whose loss is not finite
    this.advance(0);
  }

  // Go on until `to` updates are done or about `ms` are over. True: no more to do.
  advance(to, ms = Infinity) {
    const { net, x, t, n, dy, done } = this;
    const [goal, end] = [Math.min(to, this.iterations), performance.now() + ms];
    net.theta.set(this.thetaAt(done)); // others may have used the net
    for (let k = done; !this.divergedAt; k++) {
      const value = this.loss(net.forward(x, n), t, n, dy.length / n, dy);
      if (Number.isFinite(value)) {
        this.losses[k] = value;
        this.thetas.set(net.theta, k * net.theta.length);
        this.done = k;
        if (k >= goal || (k > done && performance.now() >= end)) break;
        net.backward(dy);
        step(net.theta, net.grad, this.velocity, this.rate, this.momentum);
      } else {
        this.divergedAt = k + 1;
        net.theta.set(this.thetaAt(this.done)); // the last with a finite loss
      }
    }
    return this.done >= goal || this.divergedAt > 0;
  }

  // A view: the parameters after k updates, or all done.
  thetaAt(k) {
    const P = this.net.theta.length;
    const start = Math.min(k, this.done) * P;
    return this.thetas.subarray(start, start + P);
  }
}
