"""scikit-learn's MLPClassifier, one partial_fit a step."""

import numpy as np
from sklearn.neural_network import MLPClassifier


class Contestant:
    def __init__(self, workload):
        self.workload, self.x, self.t = workload, workload.x, workload.t
        self.net = MLPClassifier(
            workload.sizes[1:-1],
            solver="sgd",
            alpha=0.0,
            momentum=0.0,
            nesterovs_momentum=False,
            learning_rate_init=1e-9,
            batch_size=workload.batch,
            shuffle=False,
        )
        # The first call makes the arrays; then they get the common start, in place.
        classes = np.arange(workload.sizes[-1])
        self.net.partial_fit(self.x, self.t, classes=classes)
        depth = len(workload.sizes) - 1
        for i in range(depth):
            self.net.coefs_[i][...] = workload.params[f"W{i + 1}"]
            self.net.intercepts_[i][...] = workload.params[f"b{i + 1}"][0]
        self.net._optimizer.learning_rate = workload.rate

    def theta(self):
        pairs = zip(self.net.coefs_, self.net.intercepts_, strict=True)
        return np.concatenate([a.ravel() for pair in pairs for a in pair])

    def step(self):
        self.net.partial_fit(self.x, self.t)
        return self.net.loss_


def contestants(kind):
    return {"scikit-learn partial_fit": Contestant} if kind == "dense" else {}
