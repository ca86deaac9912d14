"""One small network with every number on it: forward, loss, backward, update."""

import re

import numpy as np
import traitlets

from bplib import drawing
from bplib.layers import Dense, Net, Sigmoid
from bplib.losses import SquaredError
from bplib.optimizers import SGD
from bplib.widgets.explorer import (
    Choice,
    Explorer,
    Number,
    Numbers,
    Switch,
    Whole,
    Words,
    WrongValue,
)

PHASES = ("start", "forward 1", "forward 2", "loss", "backward 2", "backward 1")
MOST = 1e6  # of weights and biases


class BackpropStepper(Explorer):
    """Take one step of backpropagation at a time, on a net whose every number you see.

    One hidden layer of sigmoid units and sigmoid outputs, at most 3-4-3; one example;
    the loss E is half the sum of the squared errors. x: (n_in,), t: (n_out,), W1:
    (n_in, n_hidden), b1: (n_hidden,), W2: (n_hidden, n_out), b2: (n_out,), as in bplib:
    W1[1,2] leads from x1 to h2. W1 to b2 are the start, and the net is shown after
    `updates` updates from there. Each takes all gradients first, at the old parameters,
    then moves everything; biases stay frozen unless train_biases.

    phase: how far the present pass has come: "forward 1" has computed the hidden units,
    "backward 2" the gradients from E back to h1, h2. selected: what is explained, such
    as "h1", "E", "W2[1,1]" or "b1[2]", counted from 1; "" for nothing. nudge: by how
    much the selected number is moved to see what its gradient is worth.

    Sizes must fit: give those that change together in one call, or assign them inside
    `with w.hold_trait_notifications():`.
    """

    title = "Backpropagation, step by step"
    measures = ("loss", "updates", "learning_rate")

    x = Numbers((0.05, 0.10), -100, 100, "inputs x", most=3)
    t = Numbers((0.01, 0.99), -100, 100, "targets t", most=3)
    W1 = Numbers(((0.15, 0.25), (0.2, 0.3)), -MOST, MOST, "weights W1", 2, most=4)
    b1 = Numbers((0.35, 0.35), -MOST, MOST, "biases b1", most=4)
    W2 = Numbers(((0.4, 0.5), (0.45, 0.55)), -MOST, MOST, "weights W2", 2, most=4)
    b2 = Numbers((0.6, 0.6), -MOST, MOST, "biases b2", most=3)
    learning_rate = Number(0.5, 1e-4, 100, "learning rate", log=True)
    train_biases = Switch(False, "train the biases too")
    updates = Whole(0, 0, 10_000, "updates")
    phase = Choice("start", PHASES, "phase")
    selected = Words("h1", "selected")
    nudge = Number(0.01, 1e-4, 1, "nudge", log=True)

    @traitlets.validate("x", "t", "W1", "b1", "W2", "b2", "selected")
    def _check_fit(self, proposal):
        names = ("x", "b1", "t", "W1", "W2", "b2", "selected")
        given = {name: getattr(self, name) for name in names}
        given[proposal.trait.name] = proposal.value
        n_in, n_hidden, n_out = (len(given[name]) for name in ("x", "b1", "t"))
        wanted = {"W1": (n_in, n_hidden), "W2": (n_hidden, n_out), "b2": (n_out,)}
        if min(n_in, n_hidden, n_out) < 1:
            raise WrongValue("BackpropStepper expects x, b1 and t not to be empty")
        for name, shape in wanted.items():
            if (got := np.shape(given[name])) != shape:
                raise WrongValue(
                    f"BackpropStepper expects {name} of shape {shape}, to fit {n_in} "
                    f"in x, {n_hidden} in b1 and {n_out} in t, got shape {got}; set "
                    "together what must fit together"
                )
        name = given["selected"]
        if name and name not in names_in(n_in, n_hidden, n_out):
            raise WrongValue(
                "BackpropStepper expects selected to be a number of its net, such as "
                f'"x1", "W1[1,1]", "b1[1]", "h1", "y1", "t1" or "E", got {name!r}'
            )
        return proposal.value

    def run(self):
        """(net, loss) after the updates, values and gradients computed there."""
        n_in, n_hidden, n_out = len(self.x), len(self.b1), len(self.t)
        net = Net(Dense(n_in, n_hidden), Sigmoid(), Dense(n_hidden, n_out), Sigmoid())
        first, _, second, _ = net.layers
        first.W, first.b = np.array(self.W1), np.array([self.b1])
        second.W, second.b = np.array(self.W2), np.array([self.b2])
        loss, optimizer = SquaredError(), SGD(self.learning_rate)
        frozen = np.zeros_like(net.decay_mask) if self.train_biases else ~net.decay_mask
        for update in range(self.updates + 1):
            value = loss.forward(net.forward([self.x]), [self.t])
            net.backward(loss.backward())
            if update < self.updates:
                net.grad[frozen] = 0
                optimizer.step(net.theta, net.grad)
        return net, value

    def net(self):
        """The bplib net after `updates` updates, gradients computed."""
        return self.run()[0]

    def loss(self):
        """E, after `updates` updates."""
        return self.run()[1]

    def gradients(self):
        """{"W1": dE/dW1, "b1": ..., "W2": ..., "b2": ...} where the net is now."""
        first, _, second, _ = self.net().layers
        arrays = (first.dW, first.db[0], second.dW, second.db[0])
        return dict(zip(("W1", "b1", "W2", "b2"), map(np.copy, arrays), strict=True))

    def nudged(self):
        """(predicted, actual) change of E when the selected number grows by `nudge`.

        For inputs, weights and biases; None where something else is selected.
        """
        found = re.fullmatch(r"(x|W1|b1|W2|b2)\[?(\d),?(\d?)\]?", self.selected)
        if found is None:
            return None
        net, before = self.run()
        first, _, second, _ = net.layers
        x = np.array([self.x])
        dx = net.backward(np.array(net.layers[-1].y) - [self.t])
        places = {
            "x": (x, dx),
            "W1": (first.W, first.dW),
            "b1": (first.b, first.db),
            "W2": (second.W, second.dW),
            "b2": (second.b, second.db),
        }
        values, slopes = places[found[1]]
        i, j = int(found[2]) - 1, int(found[3] or 0) - 1
        at = (i, j) if found[3] else (0, i)
        predicted = slopes[at] * self.nudge
        values[at] += self.nudge
        after = SquaredError().forward(net.forward(x), [self.t])
        return float(predicted), float(after - before)

    def draw(self, figure):
        figure.set_size_inches(7, 4)
        net = self.net()
        dy = net.layers[-1].y - [self.t]
        drawing.network(figure.subplots(), net, self.x, dy=dy, show="both")

    def summary(self):
        sizes = f"{len(self.x)}-{len(self.b1)}-{len(self.t)}"
        x, t = (", ".join(f"{v:g}" for v in values) for values in (self.x, self.t))
        return (
            f"A {sizes} network of sigmoid units with every value and gradient on it: "
            f"inputs x = {x}, targets t = {t}. After {self.updates} updates the loss E "
            f"is {self.loss():.10g}. Phase: {self.phase}."
        )


def names_in(n_in, n_hidden, n_out):
    """What can be selected in a net of these sizes, counted from 1."""
    nodes = {"x": n_in, "h": n_hidden, "y": n_out, "t": n_out}
    weights = {"W1": (n_in, n_hidden), "W2": (n_hidden, n_out)}
    return [
        "E",
        *(f"{node}{i + 1}" for node, n in nodes.items() for i in range(n)),
        *(f"b1[{j + 1}]" for j in range(n_hidden)),
        *(f"b2[{j + 1}]" for j in range(n_out)),
        *(
            f"{weight}[{i + 1},{j + 1}]"
            for weight, shape in weights.items()
            for i, j in np.ndindex(shape)
        ),
    ]
