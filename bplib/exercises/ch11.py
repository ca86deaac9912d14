"""The exercises of chapter 11, the clinic."""

import functools
import itertools
import math

import numpy as np

from bplib.data import moons
from bplib.exercises.parts import Choice, Exercise, Number, Order, Shape, backward
from bplib.layers import Dense, Net, ReLU, Tanh
from bplib.losses import BinaryCrossEntropy, SoftmaxCrossEntropy, SquaredError

# --- 11.1: the hourglass -------------------------------------------------------------

X, U, V, T = map(np.array, ([1, 3], [5, -1], [2, -1], [5, -5]))


def hourglass(slip=""):
    """du (2,), right or with a slip."""
    z = X @ U
    h = z**2
    dy = V * h - T
    v = V - dy * h if slip == "early" else V
    paths = dy * v
    if slip == "no v":
        paths = dy
    dh = paths[{"first path": slice(0, 1), "second path": slice(1, 2)}.get(slip, ...)]
    slope = {"no slope": 1, "slope at h": 2 * h}.get(slip, 2 * z)
    return (dh.sum() * slope * X).astype(float)


def du1(slip=""):
    return lambda: float(hourglass(slip)[0])


SLIPS = {
    "a": ("the slope of h is left out", "no slope"),
    "b": ("only the first output's path is followed", "first path"),
    "c": ("the slope 2h is taken at h, not at z", "slope at h"),
    "d": ("v moves before du is computed", "early"),
    "e": ("v is left out on the way back", "no v"),
}


def which(letter):
    """Which slip gives the numbers of this letter's?"""
    numbers = "({:g}, {:g})".format(*hourglass(SLIPS[letter][1]))
    options = {}
    for other, (text, slip) in SLIPS.items():
        gives = "({:g}, {:g})".format(*hourglass(slip))
        says = f"This slip gives {gives}."
        options[other] = (text, says if other == letter else says + " Compute on.")
    return Choice(f"du = {numbers}", options, letter)


by_hand = Exercise(
    "An hourglass: z = u₁x₁ + u₂x₂, h = z², y₁ = v₁h, y₂ = v₂h, E = ((y₁ − t₁)² + "
    "(y₂ − t₂)²)/2, with x = (1, 3), u = (5, −1), v = (2, −1), t = (5, −5). Compute "
    "the gradient of u; then say which slip gives which wrong one.",
    {
        "du1": Number(
            "the right du₁",
            du1(),
            [
                (du1("no slope"), "This is without the slope of h = z²."),
                (
                    du1("first path"),
                    "This is the path through y₁ alone: add the other.",
                ),
                (
                    du1("second path"),
                    "This is the path through y₂ alone: add the other.",
                ),
                (du1("no v"), "On the way from y back to h, multiply by v."),
                (du1("slope at h"), "The slope of z² is 2z: at z, not at h."),
                (du1("early"), "This uses a v that has moved already, with η = 1."),
                (lambda: float(hourglass()[1]), "This is du₂."),
            ],
            tolerance=0,
        ),
        "first": which("a"),
        "second": which("b"),
        "third": which("c"),
        "fourth": which("d"),
    },
    [
        "Forward: z = 2, h = 4, y = (8, −4). So dy = (3, 1).",
        "dh = dy₁v₁ + dy₂v₂, then dz = dh · 2z, then du = dz · x.",
        "For each slip change one step of these, and compute on.",
    ],
)

# --- 11.2 and 11.3: repair -----------------------------------------------------------


def moons_task(bend):
    x, labels = moons(32, noise=0.1)
    net = Net(Dense(2, 8, "xavier"), bend(), Dense(8, 1, "xavier"), seed=1)
    return net, SquaredError(), x, labels[:, None].astype(float)


def two_layers(slope, direction=1, of_bias=np.sum):
    """A reader's backward pass for two layers, with this slope of H."""

    def my_backward(net, loss, x, t):
        y, second = net.forward(x), net.layers[2]
        H = second.x
        dY = direction * (y - t) / len(x)
        dZ = dY @ second.W.T * slope(H)
        return {
            "dW1": x.T @ dZ,
            "db1": dZ.sum(axis=0, keepdims=True),
            "dW2": H.T @ dY,
            "db2": of_bias(dY, axis=0, keepdims=True),
        }

    return my_backward


def tanh_slope(H):
    return 1 - H**2


two_slips = Exercise(
    "A backward pass with two slips: find both and mend them.",
    {
        "my_backward": backward(
            "the backward pass",
            functools.partial(moons_task, Tanh),
            two_layers(tanh_slope),
            [
                (two_layers(tanh_slope, direction=-1), "sign"),
                (two_layers(tanh_slope, of_bias=np.mean), "mean"),
            ],
        ),
        "lines": Choice(
            "The program: dY = (t − Y)/N; dZ = dY W₂ᵀ · (1 − H²); dW1 = xᵀ dZ; "
            "db1 = sum of dZ; dW2 = Hᵀ dY; db2 = mean of dY. Where are the slips?",
            {
                "a": ("in dY and dZ", "dZ is right: 1 − H² is the slope of tanh."),
                "b": (
                    "in dY and db2",
                    "The sign of dY turns everything; db2 is a mean where dY holds 1/N "
                    "already.",
                ),
                "c": ("in dZ and dW2", "Both are right, given dY."),
                "d": (
                    "in db1 and db2",
                    "db1 is right: a sum. And one slip lies higher up.",
                ),
            },
            "b",
        ),
    },
    [
        "One slip turns all four gradients around. The other touches one array only.",
        "Output minus target. And where does 1/N enter?",
        "dY = (Y - t) / len(x), and db2 = dY.sum(axis=0, keepdims=True).",
    ],
)

mask = Exercise(
    "The hidden layer is a relu, H = max(Z, 0), and the program says "
    "dZ = dY W₂ᵀ · (H >= 0).",
    {
        "my_backward": backward(
            "the backward pass",
            functools.partial(moons_task, ReLU),
            two_layers(lambda H: H > 0),
            [(two_layers(lambda H: H >= 0), "derivative")],
        ),
        "case": Choice(
            "Which case of the chapter is this, in disguise?",
            {
                "a": (
                    "case 3, 1/N twice",
                    "Nothing is divided here. What is H >= 0 where Z is negative?",
                ),
                "b": (
                    "case 5, the slope left out",
                    "H is never negative, so H >= 0 is true everywhere: a factor 1.",
                ),
                "c": (
                    "case 6, the slope at the wrong argument",
                    "Nearly: H in place of Z would do no harm with H > 0. What does "
                    ">= change?",
                ),
                "d": (
                    "case 7, overwritten",
                    "The mask is multiplied, not put in the place of dY W₂ᵀ.",
                ),
            },
            "b",
        ),
    },
    [
        "What is H where Z is negative?",
        "H is 0 there. Is 0 >= 0?",
        "H > 0 picks the units that are switched on.",
    ],
)

# --- 11.4: floors --------------------------------------------------------------------


def classes_floor(classes):
    """The loss, if the best probabilities are taken for logits."""
    return SoftmaxCrossEntropy().forward(np.eye(1, classes), np.array([0]))


def yes_no_floor(output, target):
    return BinaryCrossEntropy().forward(np.array([[output]]), np.array([target]))


FOR_LOGITS = "That is the floor with logits. Here the loss gets a probability."

floors = Exercise(
    "Probabilities are handed to a loss that wants logits. How low can the loss get?",
    {
        "birds": Number(
            "100 classes, a softmax in the net and another in the loss",
            lambda: classes_floor(100),
            [
                (
                    lambda: math.log(100),
                    "About ln 100 is the loss of a guess. The best output says 1.",
                ),
                (lambda: classes_floor(10), "This is for ten classes."),
                (lambda: 0.0, FOR_LOGITS),
                (
                    lambda: math.exp(-classes_floor(100)),
                    "This is the probability; the loss is −ln of it.",
                ),
            ],
            why="So 3.6 is what your suspicion predicts.",
        ),
        "yes": Number(
            "yes or no, a σ in the net and another in the loss: an example with yes",
            lambda: yes_no_floor(1.0, 1.0),
            [
                (lambda: 0.0, FOR_LOGITS),
                (
                    lambda: math.log(2),
                    "This is for a no. For a yes the best output is 1.",
                ),
                (
                    lambda: 1 / (1 + math.exp(-1)),
                    "This is the probability σ(1); the loss is −ln of it.",
                ),
            ],
        ),
        "no": Number(
            "and an example with no",
            lambda: yes_no_floor(0.0, 0.0),
            [
                (lambda: 0.0, FOR_LOGITS),
                (lambda: yes_no_floor(1.0, 1.0), "This is for a yes."),
                (
                    lambda: yes_no_floor(1.0, 0.0),
                    "This is for an output of 1. For a no the best output is 0.",
                ),
                (lambda: 0.5, "This is the probability σ(0); the loss is −ln of it."),
            ],
            why="σ(0) is 1/2: for a no it can never seem surer than a coin.",
        ),
    },
    [
        "What is the best that a softmax can give? Hand it to the loss as logits.",
        "A single 1 and 99 zeros: the loss sees the probability e/(e + 99).",
        "σ can give at best 1 for a yes and 0 for a no: −ln σ(1) and −ln(1 − σ(0)).",
    ],
)

# --- 11.5: a column against a row ----------------------------------------------------

EIGHT = np.array([1, 1, 1, 1, 1, 1, 0, 0])


def broadcast_loss(output):
    return float(np.mean((np.full((8, 1), output) - EIGHT) ** 2) / 2)


by_shape = Exercise(
    "np.mean((Y − labels)²)/2, where Y is 8 x 1 and labels is (8,): six 1 and two 0.",
    {
        "shape": Shape(
            "the shape of Y − labels",
            lambda: (np.zeros((8, 1)) - EIGHT).shape,
            [
                ((8, 1), "This is what was meant. A column minus a row is a table."),
                ((8,), "A column minus a row is a table."),
            ],
        ),
        "output": Number(
            "the best output, for every row",
            lambda: float(EIGHT.mean()),
            [
                (
                    lambda: 1.0,
                    "That pleases six labels and hurts the other two too much.",
                ),
                (lambda: 0.5, "That is best for as many ones as zeros."),
                (lambda: float(1 - EIGHT.mean()), "This is the share of zeros."),
            ],
            unit="share",
            why="Each output is compared with all eight labels: their mean is best.",
        ),
        "loss": Number(
            "the loss at which training ends",
            lambda: broadcast_loss(EIGHT.mean()),
            [
                (
                    lambda: 2 * broadcast_loss(EIGHT.mean()),
                    "This is without the factor 1/2.",
                ),
                (
                    lambda: broadcast_loss(0.5),
                    "This is the loss at 1/2, and of an output of 1 as well.",
                ),
                (
                    lambda: 0.0,
                    "That is the loss of the right comparison. Here one output must "
                    "please all eight labels.",
                ),
            ],
        ),
    },
    [
        "NumPy repeats the column to the right and the row downward.",
        "One output o against six ones and two zeros: (6 (o − 1)² + 2 o²)/16.",
        "The slope is zero at the mean of the labels.",
    ],
)

# --- 11.6 ----------------------------------------------------------------------------


def orders(first, then):
    """All orders of the four in which one stands before another."""
    every = map("".join, itertools.permutations("abcd"))
    return [each for each in every if each.index(first) < each.index(then)]


RATE_FIRST = (
    "Another rate can hide a wrong gradient: case 2 runs well at a sixty-fourth. Know "
    "first whether the gradient is right."
)

LOSS_LAST = (
    "Trying rates is a training run or two. What the loss does, they can tell you for "
    "nothing: ask that before."
)
LOSS_LATER = (
    "That can be defended: a check, or ten rows, is sound at any time. But what the "
    "loss does, they can tell you for nothing, and it divides the suspects."
)

choose = Exercise(
    "A friend calls: it does not learn. You may ask for one thing at a time.",
    {
        "first": Choice(
            "Before all else, you have them",
            {
                "a": (
                    "train on five examples",
                    "That can be defended: it takes a second, and whatever can't learn "
                    "five rows by heart is broken. It does not say where.",
                ),
                "b": (
                    "check the gradient on a few rows",
                    "That can be defended: a right gradient clears half of the "
                    "suspects. But case 13 passes, and so do all the six runs.",
                ),
                "c": (
                    "make the network larger",
                    "None of the cases of this chapter is cured by it, and everything "
                    "gets slower.",
                ),
                "d": (
                    "look at ten rows of data and labels",
                    "That can be defended: it is the one thing that no tool does for "
                    "you, and mixed-up rows have cost people weeks.",
                ),
            },
            None,
            argued="abd",
        ),
        "order": Order(
            "Put these in an order in which you would ask.",
            {
                "a": "ten rows of x, and their labels",
                "b": "the gradient, checked at random weights",
                "c": "the loss before training, and what it does then",
                "d": "ten times the rate, and a tenth",
            },
            ("cbda", "cbad", "cabd", "acbd"),
            [
                *((each, RATE_FIRST) for each in orders("d", "b")),
                *((each, LOSS_LAST) for each in ("abdc", "badc", "bdac", "bdca")),
            ],
            argued=[(each, LOSS_LATER) for each in ("bcda", "bcad", "bacd", "abcd")],
            why="First what costs nothing, then what divides best; rates come after "
            "the gradient.",
        ),
    },
    [
        "What can they tell you without running anything?",
        "Which question divides the suspects in halves?",
        "Trying rates says little while the gradient may be wrong.",
    ],
)

EXERCISES = {
    "11.1": by_hand,
    "11.2": two_slips,
    "11.3": mask,
    "11.4": floors,
    "11.5": by_shape,
    "11.6": choose,
}
