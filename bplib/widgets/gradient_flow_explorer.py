"""Why deep nets were hard: what each layer does to a signal, all layers do in a row."""

import numpy as np

from bplib import drawing
from bplib.layers import Dense, Net, ReLU, Sigmoid, Tanh
from bplib.losses import BinaryCrossEntropy
from bplib.optimizers import SGD
from bplib.widgets.explorer import Choice, Explorer, Number, Whole
from bplib.widgets.generator import dataset, initial_theta

ACTIVATIONS = {"tanh": Tanh, "sigmoid": Sigmoid, "relu": ReLU}
POINTS = 16  # of each moon
LONGEST = 100  # iterations that the pictures show


class GradientFlowExplorer(Explorer):
    """The sizes of values and gradients in each hidden layer of a deep net.

    The net tells 32 points of two moons apart: 2 inputs, `depth` hidden layers of
    `width` units, one logit, binary cross-entropy. It takes full batches and plain
    descent. The initial weights are Xavier's (He's for relu) times `scale`.

    The size of an array is its root mean square (rms): the root of the mean of the
    squares of its entries. Sizes are those of y, a layer's output, and of dz, the
    gradient at its weighted sum z, both over all points and units; or of dW, the
    gradient of its weights. They are taken before an update: at iteration 0 the net is
    untrained. Where one of these numbers or the loss is not finite the run is over:
    from that iteration on all are nan.

    Stuck are, of tanh and sigmoid, outputs within 0.01 of the least or greatest
    possible (saturated); of relu, units that give 0 for all points (dead).
    """

    title = "Gradient flow explorer"
    measures = ("ratio", "stuck", "loss", "iterations", "scale", "depth")

    scale = Number(0.5, 0.1, 10, "initial weights (1: Xavier; relu: He)", log=True)
    depth = Whole(10, 2, 20, "hidden layers")
    activation = Choice("tanh", tuple(ACTIVATIONS), "activation")
    iterations = Whole(0, 0, LONGEST, "iterations")
    width = Whole(12, 2, 24, "units in each")
    learning_rate = Number(0.3, 0.001, 10, "learning rate", log=True)
    gradient = Choice("dz", ("dz", "dW"), "gradient of z or of W")
    seed = Whole(0, 0, 9999, "seed")

    def flow(self):
        """Sizes of y, those of the gradient: each (depth, iterations + 1)."""
        return self.run()[1:3]

    def stuck(self):
        """Share of saturated outputs or of dead units, (depth, iterations + 1)."""
        return self.run()[3]

    def losses(self):
        """The loss after 0, 1, 2, ... updates; nan from where it is not finite."""
        return self.run()[4]

    def net(self):
        """The bplib net after `iterations` updates; it gives logits.

        Where a number was not finite before: the last net that had only finite ones.
        """
        return self.run()[0]

    def run(self, iterations=None):
        """Train: net, sizes of y, of the gradient, share of stuck, losses."""
        updates = self.iterations if iterations is None else iterations
        x, t = dataset("moons", POINTS, seed=self.seed)
        net, loss = self._untrained(), BinaryCrossEntropy()
        good, optimizer = net.theta.copy(), SGD(self.learning_rate)
        forward, backward, stuck = np.full((3, self.depth, updates + 1), np.nan)
        losses = np.full(updates + 1, np.nan)
        with np.errstate(all="ignore"):  # numbers may become infinite
            for now in range(updates + 1):
                outputs = [x]
                for layer in net.layers:
                    outputs.append(layer.forward(outputs[-1]))
                numbers = [[loss.forward(outputs[-1], t)], [], [], []]
                dy = net.layers[-1].backward(loss.backward())
                for k in reversed(range(self.depth)):
                    dense, activation = net.layers[2 * k : 2 * k + 2]
                    y, dz = outputs[2 * k + 2], activation.backward(dy)
                    dy = dense.backward(dz)
                    size = rms(dz if self.gradient == "dz" else dense.dW)
                    for row, number in zip(
                        numbers[1:], (rms(y), size, self._share_stuck(y)), strict=True
                    ):
                        row.insert(0, number)
                if not np.isfinite(np.concatenate(numbers)).all():
                    net.theta = good
                    break
                [losses[now]], forward[:, now], backward[:, now], stuck[:, now] = (
                    numbers
                )
                if now < updates:
                    good = net.theta.copy()
                    optimizer.step(net.theta, net.grad)
        return net, forward, backward, stuck, losses

    def _untrained(self):
        sizes = [2, *[self.width] * self.depth, 1]
        layers = [Dense(*pair) for pair in zip(sizes, sizes[1:], strict=False)]
        for k in reversed(range(self.depth)):
            layers.insert(k + 1, ACTIVATIONS[self.activation]())
        net = Net(*layers)
        init = "he" if self.activation == "relu" else "xavier"
        net.theta = self.scale * initial_theta(sizes, self.seed, init)
        return net

    def _share_stuck(self, y):
        if self.activation == "relu":
            return (y == 0).all(axis=0).mean()
        least = {"tanh": -1, "sigmoid": 0}[self.activation]
        return ((y < least + 0.01) | (y > 0.99)).mean()

    def draw(self, figure):
        _, forward, backward, _, _ = self.run(LONGEST)
        figure.set_size_inches(7, 3.6)
        profile, colors = figure.subplots(1, 2)
        layers, now = np.arange(1, self.depth + 1), self.iterations
        profile.set(yscale="log", ylim=(1e-6, 10))
        for sizes, color, line, name in (
            (forward, drawing.FORWARD, "o-", "y"),
            (backward, drawing.BACKWARD, "s--", self.gradient),
        ):
            shown = np.where(sizes[:, now] > 0, sizes[:, now], np.nan)
            profile.plot(layers, shown, line, color=color, label=f"rms of {name}", ms=5)
            low, high = np.nanmin([1e-6, *shown]), np.nanmax([10, *shown])
            least, most = profile.get_ylim()
            profile.set_ylim(min(low, least), max(high, most))
        over = "" if np.isfinite(forward[0, now]) else ": not finite"
        profile.set(xlabel="hidden layer", title=f"At iteration {now}{over}")
        profile.set(xlim=(0.5, self.depth + 0.5))
        profile.xaxis.get_major_locator().set_params(integer=True)
        profile.legend(loc="lower left", bbox_to_anchor=(0, 0))
        names = [str(k) if self.depth < 12 or k % 5 == 0 else "" for k in layers]
        drawing.gradient_flow(colors, backward.T, names=names, start=0)
        colors.axvline(now, color=drawing.INK, lw=1.5)
        colors.invert_yaxis()  # the first layer at the bottom, as on the page
        colors.set(ylabel="hidden layer")

    def summary(self):
        _, forward, backward, _, losses = self.run()
        init = "He" if self.activation == "relu" else "Xavier"
        setting = (
            f"Gradient flow through {self.depth} hidden layers of {self.width} "
            f"{self.activation} units, initial weights {self.scale:g} times {init}"
        )
        if np.isnan(losses[-1]):
            first = np.flatnonzero(np.isnan(losses))[0]
            return f"{setting}: at iteration {first} a number is no longer finite."
        first, last = backward[[0, -1], -1]
        ratio = f", {first / last:.3g} times that" if last > 0 else ""
        return (
            f"{setting}: at iteration {self.iterations} the size of {self.gradient} is "
            f"{first:.3g} in the first layer{ratio} in the last ({last:.3g}); y goes "
            f"from {forward[0, -1]:.3g} to {forward[-1, -1]:.3g}; the loss is "
            f"{losses[-1]:.4g}."
        )


def rms(array):
    return np.sqrt(np.mean(array**2))
