"""Where gradient descent goes on a surface, and how large a step that place bears."""

import functools
import math

import numpy as np
from matplotlib import patheffects

from bplib.data import xor
from bplib.layers import Dense, Net, Tanh
from bplib.losses import SquaredError
from bplib.optimizers import SGD
from bplib.training import train
from bplib.widgets.explorer import Choice, Explorer, Number, Whole

SURFACES = ("one weight", "quadratic", "product", "network")
EDGE = 3  # the picture goes from -EDGE to EDGE along each weight
BEFORE_TRAINING = (1, 1, -1, -1, 0.5, -0.5, -1, 1, 1)  # theta of the network
NEARBY = 1e-4  # for the central differences of the network's gradient


class DescentExplorer(Explorer):
    """Gradient descent on a loss E of one or two weights, drawn as a path.

    The surfaces:

    * "one weight": E = c/2 (w - 1)^2, with c = curvature_1
    * "quadratic": E = (a u^2 + b v^2) / 2, with a = curvature_1, b = curvature_2; u and
      v are w1 and w2, turned by `angle` degrees
    * "product": E = (w1 w2 - 1)^2 / 2; zero is a saddle, every point of w1 w2 = 1 a
      minimum, of curvature w1^2 + w2^2
    * "network": the loss of a 2-2-1 net with tanh on xor, half squared error, trained
      for 500 updates at 0.5; w1 = W1[0, 0] and w2 = W1[0, 1] move, the other seven
      parameters stay as trained

    Curvatures are eigenvalues of the Hessian of E. The limit in force at a place is
    2 (1 + momentum) / the largest of them: beside a minimum, full-batch descent with
    a larger rate moves away from it. That is local instability, not always divergence.
    There is none where E curves down by more than a tenth of that, as at a saddle.
    """

    title = "Descent explorer"
    measures = ("loss", "steps", "learning_rate", "curvature", "limit")

    surface = Choice("product", SURFACES, "surface")
    learning_rate = Number(0.6, 1e-3, 10, "learning rate", log=True)
    steps = Whole(30, 0, 200, "steps")
    start_w1 = Number(2.1, -EDGE, EDGE, "start, w₁")
    start_w2 = Number(0.4, -EDGE, EDGE, "start, w₂")
    momentum = Number(0, 0, 0.99, "momentum")
    curvature_1 = Number(1, 0.01, 100, "first curvature", log=True)
    curvature_2 = Number(3, 0.01, 100, "second curvature", log=True)
    angle = Number(30, 0, 90, "angle in degrees")

    def weights(self):
        """How many weights the surface has: 1 or 2."""
        return 1 if self.surface == "one weight" else 2

    def at(self, w):
        """The loss at w (d,), its gradient (d,) and its Hessian (d, d)."""
        w = self._place(w)
        return *self._slope(w), self._hessian(w)

    def _place(self, w):
        """w as an array (d,), or a clear error."""
        w = np.asarray(w, float)
        if w.shape != (self.weights(),):
            raise ValueError(
                f'the surface "{self.surface}" expects w of shape '
                f"({self.weights()},), got shape {w.shape}"
            )
        return w

    def _slope(self, w):
        """The loss at w and its gradient."""
        a, b = self.curvature_1, self.curvature_2
        if self.surface == "one weight":
            error = w - 1
            return float(a / 2 * error[0] * error[0]), a * error
        if self.surface == "quadratic":
            u, v = self._turn() @ w
            return float(a * u * u + b * v * v) / 2, self._turn().T @ (a * u, b * v)
        if self.surface == "product":
            error = w[0] * w[1] - 1
            return float(error * error / 2), w[::-1] * error
        return slice_of_network(w)

    def _hessian(self, w):
        a, b = self.curvature_1, self.curvature_2
        if self.surface == "one weight":
            return np.array([[a]])
        if self.surface == "quadratic":
            return self._turn().T * (a, b) @ self._turn()
        if self.surface == "product":
            cross = 2 * w[0] * w[1] - 1
            return np.array([[w[1] * w[1], cross], [cross, w[0] * w[0]]])
        half = [
            (slice_of_network(w + h)[1] - slice_of_network(w - h)[1]) / (4 * NEARBY)
            for h in NEARBY * np.eye(2)
        ]
        return np.array(half) + np.transpose(half)  # symmetric in every digit

    def _turn(self):
        c, s = (f(math.radians(self.angle)) for f in (math.cos, math.sin))
        return np.array([[c, s], [-s, c]])

    def descend(self):
        """path() and losses() in one go."""
        w = np.array([self.start_w1, self.start_w2][: self.weights()])
        optimizer = SGD(self.learning_rate, self.momentum)
        path = np.full((self.steps + 1, len(w)), np.nan)
        losses = np.full(self.steps + 1, np.nan)
        with np.errstate(over="ignore", invalid="ignore"):
            for k in range(self.steps + 1):
                loss, gradient = self._slope(w)
                if not math.isfinite(loss):
                    break
                path[k], losses[k] = w, loss
                optimizer.step(w, gradient)
        return path, losses

    def path(self):
        """The weights after 0, 1, 2, ... steps, (steps + 1, d).

        From where the loss is no longer a finite number on, nan.
        """
        return self.descend()[0]

    def losses(self):
        """The loss after 0, 1, 2, ... steps, (steps + 1,); nan where it diverged."""
        return self.descend()[1]

    def curvatures(self, w=None):
        """Eigenvalues of the Hessian, (d,), ascending, at w (None: the path's end)."""
        if w is None:
            path = self.path()
            w = path[np.isfinite(path[:, 0])][-1]
        with np.errstate(over="ignore", invalid="ignore"):
            hessian = self._hessian(self._place(w))
        finite = np.isfinite(hessian).all()
        return np.linalg.eigvalsh(hessian) if finite else np.full(len(hessian), np.nan)

    def limit(self, w=None):
        """The rate that a minimum at w (None: the path's end) would bear.

        2 (1 + momentum) / the largest curvature; nan where there is no limit.
        """
        found = self.curvatures(w)
        if found[-1] > 0 and found[0] >= -0.1 * found[-1]:
            return float(2 * (1 + self.momentum) / found[-1])
        return math.nan

    def net(self):
        """The bplib net at the end of the path; only "network" has one."""
        if self.surface != "network":
            raise ValueError(
                f'the surface "{self.surface}" is a formula and has no net: net() '
                'needs surface="network"'
            )
        path = self.path()
        net = trained_network()[0].copy()
        net.theta[:2] = path[np.isfinite(path[:, 0])][-1]
        return net

    def draw(self, figure):
        figure.set_size_inches(7, 4)
        axes = figure.subplot_mosaic([["plane", "loss"], ["plane", "limit"]])
        path, losses = self.descend()
        n = int(np.isfinite(losses).sum())
        plane, ink = axes["plane"], "#222222"
        grid = np.linspace(-EDGE, EDGE, 61)
        if self.weights() == 1:
            height = [self._slope(np.array([w]))[0] for w in grid]
            plane.plot(grid, height)
            plane.set(xlabel="$w$", ylabel="loss", ylim=(0, self.top()))
            xy = np.column_stack([path[:n, 0], losses[:n]])
        else:
            E = self._heights(np.stack(np.meshgrid(grid, grid), axis=-1))
            low, high = E.min(), E.max()
            levels = low + (high - low) * 3.0 ** -np.arange(7, 0, -1)
            plane.contour(grid, grid, E, levels, colors="#8c8c8c", linewidths=0.9)
            plane.set(xlabel="$w_1$", ylabel="$w_2$", ylim=(-EDGE, EDGE), aspect=1)
            xy = path[:n]
        # A path that diverges is drawn as far as it can be seen.
        seen = xy[: 1 + np.append(np.abs(xy).max(axis=1) < 1e3, False).argmin()]
        plane.plot(*np.clip(seen, -1e4, 1e4).T, ".-", color=ink, lw=1.2, ms=5)
        plane.plot(*seen[0], "o", ms=9, mfc="white", mec=ink, zorder=4)
        plane.set(xlim=(-EDGE, EDGE))
        halo = [patheffects.withStroke(linewidth=2.5, foreground="white")]
        look = dict(xytext=(6, 6), textcoords="offset points", path_effects=halo)
        plane.annotate("0", seen[0], **look)
        if n > self.steps > 0 and len(seen) == n:
            plane.annotate(str(self.steps), seen[-1], annotation_clip=True, **look)

        axes["loss"].set(ylabel="loss", yscale="log", ylim=(1e-9, 1e3))
        axes["loss"].plot(np.maximum(losses, 1e-12))
        if n <= self.steps:
            axes["loss"].set_title(f"diverged at step {n}", fontsize=11)
        shares = [self.learning_rate / self.limit(w) for w in path[:n]]
        axes["limit"].plot(np.minimum(shares, 3), ".", color=ink, clip_on=False)
        axes["limit"].axhspan(1, 3, color="#d9d9d9")
        axes["limit"].set(xlabel="steps", ylabel="rate / limit", ylim=(0, 3))
        for name in ("loss", "limit"):
            axes[name].set(xlim=(0, max(self.steps, 1)))

    def _heights(self, places):
        """The loss at many places, (..., 2)."""
        flat = places.reshape(-1, 2)
        if self.surface == "network":  # a copy of the net for each place
            trained, x, t = trained_network()
            net = Net(Dense(2, 2), Tanh(), Dense(2, 1), copies=len(flat))
            net.theta = np.tile(trained.theta, (len(flat), 1))
            net.theta[:, :2] = flat
            losses = SquaredError().forward(net.forward(x), t)
        else:
            losses = np.array([self._slope(w)[0] for w in flat])
        return losses.reshape(places.shape[:-1])

    def top(self):
        """The height of the picture of one weight: that of a decade of curvatures."""
        return 8.8 * 10.0 ** math.ceil(math.log10(self.curvature_1))

    def summary(self):
        path, losses = self.descend()
        n = int(np.isfinite(losses).sum())
        setting = f'Descent on "{self.surface}", learning rate {self.learning_rate:g}'
        if self.momentum:
            setting += f", momentum {self.momentum:g}"
        start = ", ".join(f"{w:.4g}" for w in path[0])
        if n <= self.steps:
            return (
                f"{setting}: from ({start}) the path diverges; after {n} steps the "
                "loss is no longer a finite number."
            )
        end = ", ".join(f"{w:.4g}" for w in path[-1])
        limit, largest = self.limit(), self.curvatures()[-1]
        says = f"the limit there is {limit:.4g}"
        if math.isnan(limit):
            says = "no minimum is near, so there is no limit there"
        return (
            f"{setting}: in {self.steps} steps from ({start}), loss {losses[0]:.4g}, "
            f"to ({end}), loss {losses[-1]:.4g}. The largest curvature there is "
            f"{largest:.4g}; {says}."
        )


@functools.cache
def trained_network():
    """The net of "network" with its data: x (4, 2) and targets (4, 1).

    One net for all explorers: its first two parameters are those last asked about.
    """
    x, t = xor()
    net = Net(Dense(2, 2), Tanh(), Dense(2, 1))
    net.theta = BEFORE_TRAINING
    for _ in train(net, SquaredError(), SGD(0.5), x, t, iterations=500):
        pass
    return net, x, t.reshape(-1, 1)


def slice_of_network(w):
    """Loss and gradient (2,) where the first two parameters of that net are w (2,)."""
    net, x, t = trained_network()
    loss = SquaredError()
    net.theta[:2] = w
    value = loss.forward(net.forward(x), t)
    net.backward(loss.backward())
    return value, net.grad[:2].copy()
