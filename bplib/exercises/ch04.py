"""The exercises of chapter 4, forward propagation."""

import functools

import numpy as np

from bplib.data import circles
from bplib.exercises.parts import Choice, Code, Exercise, Number, Shape
from bplib.layers import Dense, Net, Tanh
from bplib.losses import BinaryCrossEntropy
from bplib.optimizers import SGD
from bplib.training import accuracy, train

# --- 4.1: by hand, on the network of the chapter -------------------------------------

W1 = np.array([[1.0, -1, 2], [2, 1, -1]])
B1 = np.array([0.0, 1, -1])
W2, B2 = np.array([1.0, -1, 3]), 1.0
X, T, RAISED = np.array([3.0, 1]), 15.0, 2.0  # RAISED: what is added to b1[1]


def z(j, x=X, b=B1, W=W1):
    """The weighted sum of neuron j, counted from 0."""
    return lambda: x @ W[:, j] + b[j]


def y(b1=B1, b2=B2, bend=lambda z: np.maximum(z, 0)):
    return lambda: bend(X @ W1 + b1) @ W2 + b2


def no_bend(z):
    return z


def moved():
    return y(b1=B1 + [0, RAISED, 0])()


SWAPPED = "Here the two inputs have changed places."
NO_BIAS = "Here the bias is missing."
BY_ROW = "This goes along a row of W₁: what leads to one neuron is a column."

by_hand = Exercise(
    "The network 2-3-1 of the chapter: W₁ has the rows 1, −1, 2 and 2, 1, −1; b₁ is 0, "
    "1, −1; W₂ is 1, −1, 3; b₂ is 1; relu. The example is x = (3, 1), its target 15.",
    {
        "z1": Number(
            "z₁, the weighted sum of the first hidden neuron",
            z(0),
            [
                (z(0, X[::-1]), SWAPPED),
                (lambda: X @ W1[0, :2] + B1[0], BY_ROW),
            ],
        ),
        "z2": Number(
            "z₂",
            z(1),
            [
                (z(1, b=0 * B1), NO_BIAS),
                (z(1, X[::-1]), SWAPPED),
                (lambda: X @ W1[1, :2] + B1[1], BY_ROW),
                (0, "This is h₂, after the relu. The weighted sum comes before it."),
            ],
            why="It is negative: this neuron is off.",
        ),
        "z3": Number(
            "z₃",
            z(2),
            [
                (z(2, b=0 * B1), NO_BIAS),
                (z(2, X[::-1]), SWAPPED),
            ],
        ),
        "y": Number(
            "y, the output",
            y(),
            [
                (y(bend=no_bend), "Here relu was left out: h₂ is 0."),
                (y(b2=0), "Here the bias of the output is missing."),
                (y(b1=0 * B1), "Here the biases of the hidden layer are missing."),
            ],
        ),
        "E": Number(
            "E, the error",
            lambda: (y()() - T) ** 2 / 2,
            [
                (lambda: (y()() - T) ** 2, "This is (y − t)², without the half."),
                (lambda: y()() - T, "This is y − t: square it, and take half."),
                (
                    lambda: (y(bend=no_bend)() - T) ** 2 / 2,
                    "This is the error of a network without relu.",
                ),
            ],
        ),
        "moved": Number(
            "the output, if the second hidden neuron's bias is 3 and not 1",
            moved,
            [
                (y(), "This is the old output. Is the neuron still off?"),
                (
                    lambda: y()() - RAISED,
                    "This lets the whole change of the bias through. The first half of "
                    "it only brings the neuron up to 0.",
                ),
                (
                    lambda: 2 * y()() - moved(),
                    "The size of the change is right. Its outgoing weight is −1.",
                ),
            ],
            why="Of the 2 only 1 came through: the rest was spent below zero.",
        ),
    },
    [
        "Neuron j has column j of W₁ and entry j of b₁.",
        "z₁ = 3 · 1 + 1 · 2 + 0. Then put 0 for each z that is negative.",
        "y = 1 · h₁ − 1 · h₂ + 3 · h₃ + 1.",
    ],
)

# --- 4.2: shapes ---------------------------------------------------------------------

N, SIZES = 100, (64, 32, 10)


@functools.cache
def run(n=N):
    """The arrays of a forward pass through 64-32-10."""
    net = Net(Dense(*SIZES[:2]), Tanh(), Dense(*SIZES[1:]))
    Y = net.forward(np.ones((n, SIZES[0])))
    first, bend, second = net.layers
    return {
        "X": first.x,
        "W1": first.W,
        "b1": first.b,
        "H": bend.y,
        "W2": second.W,
        "Y": Y,
        "b2": second.b,
    }


def shape(name):
    return lambda: run()[name].shape


def weights():
    return run()["W1"].size + run()["W2"].size


def changed():
    six = list(run())[:6]
    return sum(run()[name].shape != run(2 * N)[name].shape for name in six)


ROWS_FROM = "Turned: in this book a row of W says where a weight comes from."
ROWS_ARE = "Turned: in this book rows are examples."
LIST = "A bias is a row here, with two axes, so that it is added to every example."

predict = Exercise(
    "The network 64-32-10 with tanh gets a batch of 100 digits, one a row. Give shapes "
    "as (2, 4) or 2 x 4. Then the batch grows to 200.",
    {
        "W1": Shape(
            "the shape of W₁",
            shape("W1"),
            [
                (lambda: shape("W1")()[::-1], ROWS_FROM),
                (lambda: (N, SIZES[1]), "No parameter has the size of the batch."),
            ],
            why="From 64 inputs to 32 neurons.",
        ),
        "b1": Shape(
            "the shape of b₁",
            shape("b1"),
            [
                (lambda: (SIZES[1],), LIST),
                (lambda: shape("b1")()[::-1], "Turned: it is to be added to rows."),
                (
                    lambda: (N, SIZES[1]),
                    "All examples share one bias: a row for each is not needed.",
                ),
            ],
            why="One row, which is added to each of the 100.",
        ),
        "H": Shape(
            "the shape of H",
            shape("H"),
            [
                (lambda: shape("H")()[::-1], ROWS_ARE),
                (shape("X"), "This is the shape of X. How many hidden neurons?"),
            ],
            why="For each example what each hidden neuron says.",
        ),
        "Y": Shape(
            "the shape of Y",
            shape("Y"),
            [
                (lambda: shape("Y")()[::-1], ROWS_ARE),
                (lambda: (1, SIZES[2]), "This is for one example."),
            ],
        ),
        "products": Number(
            "How many multiplications are in the two matrix products?",
            lambda: N * weights(),
            [
                (weights, "This is for one example."),
                (
                    lambda: N * (weights() + SIZES[1] + SIZES[2]),
                    "Biases are added. Nothing is multiplied by them.",
                ),
                (
                    lambda: N * SIZES[0] * SIZES[1],
                    "This is the first layer alone.",
                ),
                (
                    lambda: N * SIZES[0] * SIZES[1] * SIZES[2],
                    "The layers come one after the other: their products add up.",
                ),
            ],
            tolerance=0,
            why="Each weight once for each example.",
        ),
        "changed": Number(
            "The batch grows to 200. Of X, W₁, b₁, H, W₂, Y, how many change shape?",
            changed,
            [
                (lambda: len(run()) - 1, "Then every batch size had its own network."),
                (lambda: changed() - 1, "X and Y count examples. What else does?"),
                (lambda: changed() + 1, "Does any parameter count examples?"),
            ],
            tolerance=0,
            why="X, H and Y count examples, the parameters do not.",
        ),
    },
    [
        "Ask of each axis what it counts: examples, inputs, neurons or outputs.",
        "In a product the inner two sizes agree: (100, 64) times (64, 32).",
        "A product of an (a, b) and a (b, c) array takes a · b · c multiplications.",
    ],
)

# --- 4.3: two layers into one --------------------------------------------------------

A, A_BIAS = np.array([[1, 2], [0, 1]]), np.array([[1, -1]])
B, B_BIAS = np.array([[2, 0], [1, 3]]), np.array([[0, 5]])


def collapse(W1, b1, W2, b2):
    return W1 @ W2, b1 @ W2 + b2


MISFIT = (
    "On 3-4-2 the inner sizes of a product differ. X meets W1 first: what is the order "
    "of the two?"
)


def judge_collapse(function):
    """Try it on layers of 3 to 4 to 2 neurons."""
    rng = np.random.default_rng(0)
    W1, b1 = rng.normal(size=(3, 4)), rng.normal(size=(1, 4))
    W2, b2 = rng.normal(size=(4, 2)), rng.normal(size=(1, 2))
    try:
        answer = function(W1.copy(), b1.copy(), W2.copy(), b2.copy())
    except Exception as error:
        # What NumPy says of @ and of np.dot where the inner sizes differ.
        if "core dimension" in str(error) or "not aligned" in str(error):
            return False, MISFIT
        return False, f"On 3-4-2 it raises {type(error).__name__}: {error}."
    if not isinstance(answer, tuple) or len(answer) != 2:
        return False, "It should return two arrays: return W, b."
    try:
        W, b = (np.asarray(each, dtype=float) for each in answer)
    except Exception:
        return False, "What it returns are not arrays of numbers."
    right_W, right_b = collapse(W1, b1, W2, b2)
    if W.shape != right_W.shape or not np.allclose(W, right_W):
        return False, f"W is not right, of shape {W.shape}: multiply in the order of X."
    if b.size != right_b.size:
        return False, f"b has shape {b.shape}: it should be a row, (1, 2)."
    if np.allclose(b.ravel(), b2):
        return False, "b is b2 alone. The first layer's bias passes through W2."
    if np.allclose(b.ravel(), b1 @ W2):
        return False, "In b the second layer's own bias is missing."
    if not np.allclose(b.ravel(), right_b):
        return False, "W is right, b is not: multiply (X W1 + b1) W2 + b2 out."
    return True, "right: on 3-4-2 one layer does what the two do."


code = Exercise(
    "Two layers without a bend. W₁ has the rows 1, 2 and 0, 1; b₁ is 1, −1; W₂ has the "
    "rows 2, 0 and 1, 3; b₂ is 0, 5. Which single layer, W and b, does the same?",
    {
        "collapse": Code(
            "the one layer",
            judge_collapse,
            collapse,
            [
                (lambda W1, b1, W2, b2: (W2 @ W1, b1 @ W2 + b2), "inner sizes"),
                (lambda W1, b1, W2, b2: (np.dot(W2, W1), b2), "inner sizes"),
                (lambda W1, b1, W2, b2: (W1 * W2, b1 @ W2 + b2), "it raises"),
                (lambda W1, b1, W2, b2: (W1 @ W2, b2), "passes through W2"),
                (lambda W1, b1, W2, b2: (W1 @ W2, b1 @ W2), "own bias is missing"),
                (
                    lambda W1, b1, W2, b2: (W1 @ W2, b1[:, :2] + b2),
                    "multiply (X W1 + b1) W2 + b2 out",
                ),
                (lambda W1, b1, W2, b2: W1 @ W2, "two arrays"),
            ],
        ),
        "w12": Number(
            "the entry of W in row 1, column 2",
            lambda: (A @ B)[0, 1],
            [
                (lambda: (B @ A)[0, 1], "This is W₂ W₁. X meets W₁ first: W₁ W₂."),
                (lambda: (A * B)[0, 1], "This multiplies entry by entry."),
                (lambda: (A @ B)[1, 0], "This is row 2, column 1."),
                (lambda: (A + B)[0, 1], "This is the sum. One layer acts on another."),
            ],
            tolerance=0,
        ),
        "bias2": Number(
            "the second entry of b",
            lambda: collapse(A, A_BIAS, B, B_BIAS)[1][0, 1],
            [
                (
                    lambda: (A_BIAS + B_BIAS)[0, 1],
                    "This adds the biases. The first one passes through W₂ first.",
                ),
                (lambda: (A_BIAS @ B)[0, 1], "Here b₂ is missing."),
                (lambda: B_BIAS[0, 1], "This is b₂ alone: b₁ passes through W₂ to it."),
                (
                    lambda: collapse(A, A_BIAS, B, B_BIAS)[1][0, 0],
                    "This is the first entry.",
                ),
            ],
            tolerance=0,
        ),
    },
    [
        "Multiply out: (X W₁ + b₁) W₂ + b₂.",
        "What stands behind X is W; what stands without X is b.",
        "W = W₁ W₂ and b = b₁ W₂ + b₂. Row 1 of W₁ meets column 2 of W₂.",
    ],
)

# --- 4.4: a bias that is a column ----------------------------------------------------

ROWS = np.array([[1.0, 2], [-1, 1], [2, -1]])
EXAMPLE, NEURON = 1, 2


def entry(bias):
    return lambda: (ROWS @ W1 + bias)[EXAMPLE, NEURON]


find_the_slip = Exercise(
    "A friend keeps biases as a column, b₁ = [[0], [1], [−1]], and computes Z = X @ W1 "
    "+ b1 for the three examples (1, 2), (−1, 1), (2, −1). W₁ is the chapter's: rows "
    "1, −1, 2 and 2, 1, −1. It runs.",
    {
        "slip": Choice(
            "What goes wrong?",
            {
                "a": (
                    "Each neuron gets the sum of all biases.",
                    "Nothing is summed here. Which way is a column repeated?",
                ),
                "b": (
                    "Each example gets a bias of its own.",
                    "The column is repeated sideways: row n of Z gets entry n of it.",
                ),
                "c": (
                    "Nothing, the result is the same.",
                    "Compute one entry away from the diagonal, both ways.",
                ),
                "d": (
                    "W₁ should be transposed.",
                    "(3, 2) times (2, 3) is right. Look at what is added.",
                ),
            },
            "b",
        ),
        "friend": Number(
            "the friend's z for the second example and the third neuron",
            entry(B1[:, None]),
            [
                (entry(B1), "This is the correct one. What does the friend add here?"),
                (entry(0), "This is X W₁ alone. What does the friend add to it?"),
            ],
        ),
        "correct": Number(
            "and the correct one",
            entry(B1),
            [
                (entry(B1[:, None]), "This is the friend's."),
                (entry(0), "This is X W₁ alone: the third neuron has a bias."),
            ],
        ),
        "four": Choice(
            "What happens with a batch of four examples?",
            {
                "a": (
                    "It runs as before.",
                    "Then Z has four rows, and the column three.",
                ),
                "b": (
                    "NumPy complains.",
                    "A column of three does not fit four rows. With three examples it "
                    "did, by chance.",
                ),
                "c": (
                    "The last example gets no bias.",
                    "NumPy fills nothing up: only an axis of length 1 is repeated.",
                ),
            },
            "b",
        ),
    },
    [
        "NumPy repeats an axis of length 1. Which axis of the column is that?",
        "In the friend's version, 1 is added to all of row 2. And correctly?",
        "X W₁ has −2 − 1 = −3 at that place.",
    ],
)

# --- 4.5: the least to remember ------------------------------------------------------

Y_SOFTPLUS = 1.0
LEAST = (
    "nothing",
    "one bit for each number",
    "the output, and no less",
    "the output and one bit",
)


def least(prompt, right, *says):
    """A Choice of what must be kept, with a sentence for each."""
    pairs = zip(LEAST, says, strict=True)
    return Choice(prompt, dict(zip("abcd", pairs, strict=True)), right)


remember = Exercise(
    "What is the least that the way back needs to find the slope of each bend?",
    {
        "leaky": least(
            "leaky relu: z above 0, z/10 below",
            "b",
            "The slope is 1 or 1/10: something must say which.",
            "Above 0 or not? The slope has only two values.",
            "The output would do. But the slope has only two values.",
            "The output alone would do, and less than it as well.",
        ),
        "square": least(
            "the square, z²",
            "d",
            "The slope is 2z, which is not the same everywhere.",
            "One bit gives the sign of 2z. And its size?",
            "The output 4 comes of z = 2 and of z = −2, with the slopes 4 and −4.",
            "The output gives the size, 2√y, and the bit gives the sign. (z itself "
            "would do as well.)",
        ),
        "softplus": least(
            "softplus, ln(1 + e^z)",
            "c",
            "The slope is σ(z), which is not the same everywhere.",
            "The slope takes all values between 0 and 1: one bit is too little.",
            "It only rises, so no two places have the same output, nor the same slope.",
            "It only rises: the output alone says where z was.",
        ),
        "line": least(
            "no bend at all, 3z",
            "a",
            "The slope is 3 wherever you are.",
            "What would the bit say? The slope is 3 on both sides.",
            "The slope is 3, whatever the output was.",
            "The slope is 3, whatever the output was.",
        ),
        "slope": Number(
            "A softplus neuron gave the output 1. What is its slope there?",
            lambda: 1 - np.exp(-Y_SOFTPLUS),
            [
                (
                    lambda: 1 / (1 + np.exp(-Y_SOFTPLUS)),
                    "This is σ(1): 1 is the output, not z.",
                ),
                (0, "This is y (1 − y) or 1 − y², of sigmoid or tanh."),
                (lambda: np.expm1(Y_SOFTPLUS), "This is e^z. The slope is σ(z)."),
                (lambda: np.log(np.expm1(Y_SOFTPLUS)), "This is z. The slope is σ(z)."),
            ],
            why="1 + e^z = e^y, so σ(z) = 1 − e⁻ʸ.",
        ),
    },
    [
        "Do equal outputs always have equal slopes? How many values has the slope?",
        "The slope of softplus is σ(z) = e^z / (1 + e^z).",
        "From y = ln(1 + e^z) follows 1 + e^z = e^y.",
    ],
)

# --- 4.6: circles --------------------------------------------------------------------

STARTS = 30


@functools.cache
def scores(hidden):
    """The accuracies of 30 networks 2-hidden-1 on two rings."""
    x, t = circles(40, 0.05, 0)
    layers = Dense(2, hidden, init=1.0), Tanh(), Dense(hidden, 1, init=1.0)
    nets = Net(*layers, copies=STARTS, seed=range(STARTS))
    optimizer = SGD(1.0, momentum=0.9)
    for _ in train(nets, BinaryCrossEntropy(), optimizer, x, t, iterations=600):
        pass
    return accuracy(nets, x, t)


def perfect(hidden):
    return lambda: int(np.sum(scores(hidden) == 1))


rings = Exercise(
    "Two rings, one around the other: circles(40, 0.05, 0). Of 30 networks with tanh, "
    "trained with BinaryCrossEntropy and SGD(1.0, momentum=0.9) for 600 iterations, "
    "init=1.0 and the seeds 0 to 29: how many get every point right?",
    {
        "two": Number(
            "with two hidden neurons",
            perfect(2),
            [
                (
                    lambda: int(np.sum(scores(2) > 0.8)),
                    "So many get over 80 % right. Every point is asked for.",
                ),
                (perfect(3), "This is with three."),
            ],
            unit="of 30",
            tolerance=0,
            why="Not one, and longer training will not help.",
        ),
        "three": Number(
            "with three hidden neurons",
            perfect(3),
            [
                (perfect(2), "This is with two."),
                (
                    lambda: STARTS - perfect(3)(),
                    "This counts those that do not get there.",
                ),
            ],
            unit="of 30",
            tolerance=0,
            why="A third direction lets the inner ring be lifted out.",
        ),
        "why": Choice(
            "Why can two not do it?",
            {
                "a": (
                    "They train too slowly.",
                    "Train ten times as long: it stays as it is.",
                ),
                "b": (
                    "The plane is bent, but the inner ring stays inside.",
                    "And whoever wants to part a ring from what is inside must cut the "
                    "ring. (If W₁ flattens the plane to a line, the rings overlap.)",
                ),
                "c": (
                    "Tanh is the wrong bend for circles.",
                    "With three neurons the same bend does it.",
                ),
            },
            "b",
        ),
    },
    [
        "Make all 30 at once: copies=30, seed=range(30).",
        "accuracy(nets, x, t) has 30 entries; count those that are 1.",
        "Two hidden neurons bend the plane into a square, without tearing it. Where is "
        "the inner ring then?",
    ],
)

# --- 4.7: choose and defend ----------------------------------------------------------

choose = Exercise(
    "Predict tomorrow's rain in millimeters: often 0, sometimes 5, rarely 80, never "
    "negative.",
    {
        "plan": Choice(
            "Which output and loss?",
            {
                "a": (
                    "z itself, with squared error",
                    "Its best answer is the mean rain, and it is flat nowhere. It may "
                    "say a little less than 0: cut that off when you use it.",
                ),
                "b": (
                    "relu at the output, with squared error",
                    "The range fits. But where the output is off, nothing comes back, "
                    "and rain is mostly near 0. What do you do about a dead output?",
                ),
                "c": (
                    "100 σ(z), with squared error",
                    "The range fits, if it never rains more than 100. Near both ends "
                    "the sigmoid is flat, and most days are near one end.",
                ),
                "d": (
                    "the target over 100, sigmoid with cross-entropy",
                    "Targets between 0 and 1 are allowed, and dz is y − t, never flat. "
                    "But 100 is a ceiling, and the loss is hard to explain.",
                ),
            },
            None,
        ),
        "off": Choice(
            "With a relu output, off for the whole batch: which gradients are zero?",
            {
                "a": (
                    "all",
                    "Everything on the way back passes through the output's slope.",
                ),
                "b": (
                    "those of the last layer",
                    "And what do the layers before it get? It passes there too.",
                ),
                "c": ("none", "What is the slope of relu where it is off?"),
            },
            "a",
        ),
    },
    [
        "Compare the range of the output with that of the targets.",
        "Then ask where the output is flat, and how many targets lie there.",
        "On the way back dz at the output is dy times the slope of the bend there.",
    ],
)

EXERCISES = {
    "4.1": by_hand,
    "4.2": predict,
    "4.3": code,
    "4.4": find_the_slip,
    "4.5": remember,
    "4.6": rings,
    "4.7": choose,
}
