"""The two settings that readers ask about first, on a training run of their own."""

import numpy as np

from bplib import drawing
from bplib.layers import Dense, Net, ReLU, Sigmoid, Tanh
from bplib.losses import BinaryCrossEntropy, SoftmaxCrossEntropy, SquaredError
from bplib.optimizers import SGD
from bplib.training import train
from bplib.widgets.explorer import Choice, Explorer, Number, Whole
from bplib.widgets.generator import dataset, initial_theta

ACTIVATIONS = {"tanh": Tanh, "sigmoid": Sigmoid, "relu": ReLU}


class TrainingExplorer(Explorer):
    """Train a small net on points in the plane, at the learning rate you choose.

    One hidden layer; full batches of 100 points (150 for spirals, 4 for xor); plain
    descent, with momentum if you like. Cross-entropy is binary, or softmax for the
    three spirals. Divergence means that the loss is no longer a finite number.
    """

    title = "Training explorer"
    measures = ("loss", "iterations", "learning_rate")
    can_sketch = True

    learning_rate = Number(0.5, 1e-4, 100, "learning rate", log=True)
    iterations = Whole(300, 0, 2000, "iterations")
    data = Choice("moons", ("xor", "moons", "circles", "spirals"), "data")
    hidden = Whole(8, 1, 16, "hidden units")
    activation = Choice("tanh", tuple(ACTIVATIONS), "activation")
    loss = Choice("cross-entropy", ("cross-entropy", "squared error"), "loss")
    momentum = Number(0, 0, 0.99, "momentum")
    seed = Whole(0, 0, 9999, "seed")

    def examples(self):
        """x (N, 2) and labels t (N,), drawn with this seed."""
        return dataset(self.data, seed=self.seed)

    def run(self):
        """Train: the net as it is shown, and the losses after 0, 1, 2, ... updates.

        A run that diverges ends early: its last loss is the last finite one, after k
        updates, and the net is the one that had it; bplib names iteration k + 1.
        """
        x, t = self.examples()
        n_out = 3 if self.data == "spirals" else 1
        sizes = [2, self.hidden, n_out]
        activation = ACTIVATIONS[self.activation]()
        net = Net(Dense(2, self.hidden), activation, Dense(self.hidden, n_out))
        net.theta = initial_theta(sizes, self.seed)
        target = t
        if self.loss == "squared error":
            loss, target = SquaredError(), t if n_out == 1 else np.eye(n_out)[t]
        else:
            loss = BinaryCrossEntropy() if n_out == 1 else SoftmaxCrossEntropy()
        optimizer = SGD(self.learning_rate, self.momentum)
        losses = []
        try:
            # One more, for the loss after the last update; its own is taken back.
            for step in train(
                net, loss, optimizer, x, target, iterations=self.iterations + 1
            ):
                losses.append(step.loss)
                if step.iteration == self.iterations:
                    kept = net.theta.copy()
            net.theta = kept if self.iterations else initial_theta(sizes, self.seed)
        except FloatingPointError:  # and the net keeps the last good parameters
            pass
        return net, np.array(losses)

    def net(self):
        """The bplib net after `iterations` updates; logits with a cross-entropy."""
        return self.run()[0]

    def draw(self, figure):
        net, losses = self.run()
        curve, plane = figure.subplots(1, 2)
        figure.set_size_inches(7, 3.4)
        if len(losses) <= self.iterations:
            losses = np.append(losses, np.nan)  # it ends with a cross
        drawing.loss_curve(curve, losses, start=0)
        threshold = 0.5 if self.loss == "squared error" else None
        x, t = self.examples()
        drawing.decision_boundary(plane, net, x, t, threshold=threshold, legend=False)

    def summary(self):
        losses = self.run()[1]
        setting = f"{self.data}, learning rate {self.learning_rate:g}"
        if len(losses) <= self.iterations:
            return (
                f"Training on {setting}: at iteration {len(losses) + 1} the loss is no "
                "longer a finite number. The run has diverged."
            )
        return (
            f"Training on {setting}: the loss falls or rises from {losses[0]:.4g} to "
            f"{losses[-1]:.4g} in {self.iterations} iterations; beside it the plane, "
            "tinted by the class that the net names."
        )
