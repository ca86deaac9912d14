"""bplib: the small library that the chapters of this book build up and share.

Everything is written to be read: start with `bplib/layers.py`. Pictures are in
`bplib.drawing`, which you import by name, because it needs matplotlib.
"""

from bplib.checking import check_gradients, numerical_gradient
from bplib.data import circles, digits, minibatches, mnist, moons, spirals, xor
from bplib.diagnosis import diagnose, diagnose_backward, diagnose_training
from bplib.exercises import check, hint
from bplib.layers import (
    RNN,
    Conv2D,
    Dense,
    Flatten,
    Layer,
    MaxPool2D,
    Net,
    ReLU,
    Sigmoid,
    Tanh,
)
from bplib.losses import BinaryCrossEntropy, SoftmaxCrossEntropy, SquaredError, softmax
from bplib.optimizers import SGD, Adam, RMSProp
from bplib.training import accuracy, train

__version__ = "0.1.0"

__all__ = [
    "RNN",
    "SGD",
    "Adam",
    "BinaryCrossEntropy",
    "Conv2D",
    "Dense",
    "Flatten",
    "Layer",
    "MaxPool2D",
    "Net",
    "RMSProp",
    "ReLU",
    "Sigmoid",
    "SoftmaxCrossEntropy",
    "SquaredError",
    "Tanh",
    "accuracy",
    "check",
    "check_gradients",
    "circles",
    "diagnose",
    "diagnose_backward",
    "diagnose_training",
    "digits",
    "hint",
    "minibatches",
    "mnist",
    "moons",
    "numerical_gradient",
    "softmax",
    "spirals",
    "train",
    "xor",
]
