"""The exercises of chapter 3, the algorithm in four steps."""

import functools

import numpy as np

from bplib.data import xor
from bplib.exercises.parts import Choice, Exercise, Number, Order, backward
from bplib.layers import Dense, Net, Sigmoid, Tanh
from bplib.losses import SquaredError
from bplib.optimizers import SGD
from bplib.training import train

# --- 3.1: the napkin -----------------------------------------------------------------

W1, W2, ETA = 2.0, 0.25, 0.4


def napkin(w1=W1, w2=W2, uphill=False, eta=ETA, doubled=False, w1_first=False):
    """y, E, dw1, dw2 with x = t = 1, and what one update makes of it, slips and all."""
    y = w1 * w2
    dy = (y - 1) * (2 if doubled else 1)
    step = -eta if uphill else eta
    dw1 = dy * w2
    new_w1 = w1 - step * dw1
    dw2 = dy * (new_w1 if w1_first else w1)
    new_w2 = w2 - step * dw2
    new_y = new_w1 * new_w2
    return {
        "y": y,
        "dy": dy,
        "E": (y - 1) ** 2 / 2,
        "dw1": dw1,
        "dw2": dw2,
        "new_w1": new_w1,
        "new_w2": new_w2,
        "new_y": new_y,
        "new_E": (new_y - 1) ** 2 / 2,
    }


def of_napkin(name, factor=1, **slip):
    return lambda: factor * napkin(**slip)[name]


UPHILL = "This step goes uphill: subtract η times the slope."
NO_RATE = "This is the step without η: only 0.4 of the slope is taken."

by_hand = Exercise(
    "The napkin again: y = w₁ · w₂ and E = (y − 1)²/2, from w₁ = 2, w₂ = 0.25, with "
    "x = t = 1 and η = 0.4.",
    {
        "y": Number(
            "y, the output",
            of_napkin("y"),
            [
                (lambda: W1 + W2, "This is w₁ + w₂: the napkin multiplies."),
                (of_napkin("dy"), "This is y − t, how far off y is. What is y itself?"),
            ],
        ),
        "E": Number(
            "E, the error",
            of_napkin("E"),
            [
                (of_napkin("E", 2), "This is (y − t)², without the half."),
                (of_napkin("dy"), "This is y − t: square it, and take half."),
                (of_napkin("dy", 1 / 2), "This is half of y − t, not of its square."),
            ],
        ),
        "dw1": Number(
            "dw₁, the slope of E in w₁",
            of_napkin("dw1"),
            [
                (
                    of_napkin("dw2"),
                    "This is multiplied by w₁ itself: through a product the other "
                    "factor comes, w₂.",
                ),
                (of_napkin("dy"), "This is y − t, not yet multiplied by anything."),
                (
                    of_napkin("dw1", doubled=True),
                    "This is the slope of (y − t)²: the half of E takes the 2 away.",
                ),
                (of_napkin("dw1", -1), "This is t − y times w₂: the slope has y − t."),
            ],
        ),
        "dw2": Number(
            "dw₂, the slope of E in w₂",
            of_napkin("dw2"),
            [
                (
                    of_napkin("dw1"),
                    "This is multiplied by w₂ itself: through a product the other "
                    "factor comes, w₁.",
                ),
                (of_napkin("dy"), "This is y − t, not yet multiplied by anything."),
                (
                    of_napkin("dw2", doubled=True),
                    "This is the slope of (y − t)²: the half of E takes the 2 away.",
                ),
                (
                    of_napkin("dw2", w1_first=True),
                    "This uses w₁ after its update: all slopes are taken before "
                    "anything moves.",
                ),
                (of_napkin("dw2", -1), "This is t − y times w₁: the slope has y − t."),
            ],
        ),
        "new_w1": Number(
            "w₁ after the update",
            of_napkin("new_w1"),
            [
                (W1, "This is w₁ before the update."),
                (of_napkin("new_w1", uphill=True), UPHILL),
                (of_napkin("new_w1", eta=1), NO_RATE),
            ],
        ),
        "new_w2": Number(
            "w₂ after the update",
            of_napkin("new_w2"),
            [
                (W2, "This is w₂ before the update."),
                (of_napkin("new_w2", uphill=True), UPHILL),
                (of_napkin("new_w2", eta=1), NO_RATE),
                (
                    of_napkin("new_w2", w1_first=True),
                    "This uses w₁ after its update: all slopes are taken before "
                    "anything moves.",
                ),
            ],
        ),
        "new_E": Number(
            "E after the update",
            of_napkin("new_E"),
            [
                (of_napkin("new_E", 2), "This is (y − t)², without the half."),
                (
                    of_napkin("new_E", w1_first=True),
                    "Here w₁ moved before dw₂ was computed: all slopes are taken "
                    "before anything moves.",
                ),
                (
                    lambda: (napkin()["new_w1"] * W2 - 1) ** 2 / 2,
                    "Here only w₁ has moved: both move in one update.",
                ),
                (
                    lambda: (
                        napkin()["E"]
                        - ETA * (napkin()["dw1"] ** 2 + napkin()["dw2"] ** 2)
                    ),
                    "This is what the slopes predict. They hold for small steps only; "
                    "work it out from the new weights.",
                ),
                (of_napkin("new_E", uphill=True), "This comes of a step uphill."),
            ],
        ),
        "notice": Choice(
            "What do you notice about y?",
            {
                "a": (
                    "It comes nearer to 1 from below.",
                    "Work out the new y from the new weights: is it below 1 or above?",
                ),
                "b": (
                    "It was too small and is now too large.",
                    "The step went past the minimum, and E fell all the same.",
                ),
                "c": (
                    "It moves away from 1, so E grows.",
                    "Work out the new y: how far from 1 was it before, and how far is "
                    "it now?",
                ),
            },
            lambda: "b" if napkin()["y"] < 1 < napkin()["new_y"] else "a",
        ),
    },
    [
        "Go forward first: y is a product, and E is half the square of y − t.",
        "Write down dy = y − t. Through the product w₁ · w₂, each slope is dy times "
        "the other factor.",
        "Both updates use the slopes at the old weights: new w = w − 0.4 · dw. Then "
        "multiply the new weights.",
    ],
)

# --- The network of the chapter ------------------------------------------------------


def task():
    """x (4, 2), t (4, 1), and the chapter's start, (17,)."""
    x, labels = xor()
    rng = np.random.default_rng(0)
    first = rng.normal(size=8)
    start = np.concatenate([first, np.zeros(4), rng.normal(size=4), [0]])
    return x, labels[:, None].astype(float), start


def network(bend=Tanh):
    net = Net(Dense(2, 4), bend(), Dense(4, 1))
    net.theta = task()[2]
    return net


class SigmoidOfTanhsSlope(Sigmoid):
    """The bend of the sigmoid, the slope of tanh."""

    def backward(self, dy):
        return dy * (1 - self.y**2)


class FriendsTanh(Tanh):
    """The bend of tanh, the slope of the sigmoid: the friend's of exercise 3.4."""

    def backward(self, dy):
        return dy * self.y * (1 - self.y)


@functools.cache
def updates_needed(bend, rate=0.3):
    """Updates until the error is below 0.01."""
    x, t, _ = task()
    run = train(network(bend), SquaredError(), SGD(rate), x, t, iterations=5000)
    return next(step.iteration - 1 for step in run if step.loss < 0.01)


@functools.cache
def first_gradient(bend, per_example=True):
    """dW1 (2, 4) at the start; per_example=False: of the sum over the examples."""
    x, t, _ = task()
    net, loss = network(bend), SquaredError()
    loss.forward(net.forward(x), t)
    net.backward(loss.backward() * (1 if per_example else len(x)))
    return net.layers[0].dW.copy()


# --- 3.2 -----------------------------------------------------------------------------


@functools.cache
def zero_gradients():
    """How many of the 17 gradients are 0 at each of two updates, if W2 starts at 0."""
    x, t, _ = task()
    net = network()
    net.layers[2].W = np.zeros((4, 1))
    run = train(net, SquaredError(), SGD(0.3), x, t, iterations=2)
    return [int(np.sum(net.grad == 0)) for _ in run]


def size(*names):
    """How many numbers these parameters are."""
    arrays = {name: array for name, array, _ in network().named_parameters()}
    return lambda: sum(arrays[name].size for name in names)


ZERO_ITSELF = (
    "This counts the weights that are zero. Which gradients are? That of W₂ is Hᵀ dY: "
    "is H zero?"
)

predict = Exercise(
    "The network of the chapter, 2-4-1 with tanh, W₁ random as before, but W₂ and the "
    "biases start at zero. Of the 17 gradients, how many are zero?",
    {
        "first": Number(
            "at the first update",
            lambda: zero_gradients()[0],
            [
                (size("W2"), ZERO_ITSELF),
                (size("b1", "W2", "b2"), ZERO_ITSELF),
                (size("W1"), "W₁ is right. The biases beside it get the same dZ."),
                (
                    size("W1", "b1", "W2", "b2"),
                    "Then nothing could ever move. What is the gradient of W₂?",
                ),
                (lambda: 0, "What passes through W₂ on its way back to W₁?"),
            ],
            tolerance=0,
            why="dZ is dY W₂ᵀ times a slope: zero for W₁ and b₁ while W₂ is zero.",
        ),
        "second": Number(
            "at the second update",
            lambda: zero_gradients()[1],
            [
                (
                    lambda: zero_gradients()[0],
                    "As before. But the first update has moved W₂.",
                ),
                (size("W1"), "The first update has moved W₂: then dZ is not zero."),
                (size("W1", "b1", "W2", "b2"), "So W₂ never moves? Look at H and dY."),
            ],
            tolerance=0,
            why="W₂ has moved, so everything moves.",
        ),
    },
    [
        "Follow dZ = dY W₂ᵀ · (1 − H²). What is it while W₂ is zero?",
        "W₁ and b₁ get their gradients from dZ; W₂ and b₂ get theirs from H and dY.",
        "After the first update W₂ is not zero any more.",
    ],
)

# --- 3.3 -----------------------------------------------------------------------------


def sigmoid_backward(slope):
    """A reader's backward pass, with this slope of H."""

    def my_backward(net, loss, x, t):
        W1, b1, W2, b2 = (array for _, array, _ in net.named_parameters())
        H = 1 / (1 + np.exp(-(x @ W1 + b1)))
        dY = (H @ W2 + b2 - t) / len(x)
        dZ = dY @ W2.T * slope(H)
        dW2, db2 = H.T @ dY, dY.sum(axis=0, keepdims=True)
        return {
            "dW1": x.T @ dZ,
            "db1": dZ.sum(axis=0, keepdims=True),
            "dW2": dW2,
            "db2": db2,
        }

    return my_backward


def sigmoid_task():
    x, t, _ = task()
    return network(Sigmoid), SquaredError(), x, t


code = Exercise(
    "σ(z) = 1/(1 + e⁻ᶻ) for tanh in the twenty-line program, with the same start, "
    "η = 0.3 and its slope σ(z)(1 − σ(z)).",
    {
        "my_backward": backward(
            "the backward pass",
            sigmoid_task,
            sigmoid_backward(lambda H: H * (1 - H)),
            [
                (sigmoid_backward(lambda H: 1), "derivative"),
                (sigmoid_backward(lambda H: -H * (1 - H)), "sign"),
            ],
        ),
        "updates": Number(
            "How many updates are made before the error is first below 0.01?",
            lambda: updates_needed(Sigmoid),
            [
                (
                    lambda: updates_needed(SigmoidOfTanhsSlope),
                    "This comes of the slope 1 − H², which is that of tanh.",
                ),
                (
                    lambda: updates_needed(Sigmoid, rate=4 * 0.3),
                    "This comes of the sum over the four examples: 1/N is missing.",
                ),
                (lambda: updates_needed(Tanh), "This is what tanh needs."),
            ],
            unit="updates",
            tolerance=1,
            why="So 500 are not enough.",
        ),
        "order": Order(
            "Put the lines of the backward pass in order.",
            {
                "a": "dW1, db1 = x.T @ dZ, dZ.sum(axis=0, keepdims=True)",
                "b": "W2 = W2 - eta * H.T @ dY",
                "c": "dY = (Y - t) / N",
                "d": "dZ = dY @ W2.T * H * (1 - H)",
            },
            ("cdab", "cdba"),
            [
                (
                    "cbda",
                    "Then W₂ has moved before dZ is computed with it: first the walk "
                    "back must have passed through it.",
                ),
                ("cadb", "The gradient of W₁ needs dZ, which is not there yet."),
            ],
            why="All slopes are taken at the old weights. W₂ may move after dZ.",
        ),
    },
    [
        "The bend stands in two places: where H is computed, and where its slope is.",
        "H already is σ(z): its slope is H (1 − H).",
        "H = 1 / (1 + np.exp(-(x @ W1 + b1))), and dZ = dY @ W2.T * H * (1 - H).",
    ],
)

# --- 3.4 -----------------------------------------------------------------------------


def entry(bend, **slip):
    return lambda: first_gradient(bend, **slip)[1, 0]


find_the_slip = Exercise(
    "A friend has this backward pass for tanh: dY = (Y − t)/N, dW2 = Hᵀ dY, "
    "dZ = dY W2ᵀ · H · (1 − H), dW1 = xᵀ dZ, db1 and db2 the sums. It trains, even "
    "faster than ours: 107 updates, not 193.",
    {
        "slip": Choice(
            "What is wrong?",
            {
                "a": (
                    "The mean is taken twice.",
                    "1/N stands once, in dY. That is right.",
                ),
                "b": (
                    "The slope is that of the sigmoid.",
                    "The slope of tanh is 1 − H².",
                ),
                "c": (
                    "dW1 should be dZᵀ x.",
                    "W₁ is (2, 4), and so is xᵀ dZ. That is right.",
                ),
                "d": (
                    "Nothing: it trains.",
                    "It trains, and all the same it goes another way than downhill: "
                    "nudge one weight and compare.",
                ),
            },
            "b",
        ),
        "friend": Number(
            "At the start, the friend's gradient of the second input's weight to the "
            "first hidden neuron, dW1[1, 0]",
            entry(FriendsTanh),
            [
                (entry(Tanh), "This is the right gradient. Which is the friend's?"),
                (
                    entry(FriendsTanh, per_example=False),
                    "This is the sum over the four examples: 1/N is missing.",
                ),
                (
                    lambda: first_gradient(FriendsTanh)[0, 1],
                    "This is dW1[0, 1]: the row counts inputs, the column neurons.",
                ),
            ],
        ),
        "correct": Number(
            "and the correct one",
            entry(Tanh),
            [
                (entry(FriendsTanh), "This is the friend's. Which is correct?"),
                (
                    entry(Tanh, per_example=False),
                    "This is the sum over the four examples: 1/N is missing.",
                ),
                (
                    lambda: first_gradient(Tanh)[0, 1],
                    "This is dW1[0, 1]: the row counts inputs, the column neurons.",
                ),
            ],
            why="Not even the sign agrees, and yet it trains.",
        ),
    },
    [
        "Compare each line with the chapter's, from top to bottom.",
        "What is the slope of tanh, and of what is H · (1 − H) the slope?",
        "check_gradients shows the entry of W1 where the two differ most.",
    ],
)

# --- 3.5 -----------------------------------------------------------------------------


@functools.cache
def solved(hidden):
    """{(iterations, limit): how many of 100 starts get below limit}."""
    x, t, _ = task()
    layers = Dense(2, hidden, init=1.0), Tanh(), Dense(hidden, 1, init=1.0)
    nets = Net(*layers, copies=100, seed=range(100))
    found = {}
    for step in train(nets, SquaredError(), SGD(0.3), x, t, iterations=2000):
        if step.iteration in (200, 2000):
            for limit in (0.01, 0.1):
                found[step.iteration, limit] = int(np.sum(step.loss < limit))
    return found


def count_of(hidden, iterations=2000, limit=0.01):
    return lambda: solved(hidden)[iterations, limit]


def counted(hidden):
    slips = [
        (count_of(hidden, 200), "This is the count after 200 updates, not 2,000."),
        (
            lambda: 100 - count_of(hidden)(),
            "This counts those that do not get there.",
        ),
    ]
    if hidden < 4:
        text = "This counts errors below 0.1: ten times smaller is asked."
        slips.append((count_of(hidden, limit=0.1), text))
    return Number(
        f"with {hidden} hidden neurons",
        count_of(hidden),
        slips,
        unit="of 100",
        tolerance=0,
    )


choose = Exercise(
    "Two hidden neurons can represent XOR. From 100 random starts each (init=1.0), "
    "after 2,000 updates at η = 0.3: how many get below an error of 0.01?",
    {
        "two": counted(2),
        "three": counted(3),
        "four": counted(4),
        "size": Choice(
            "Which size would you choose?",
            {
                "a": (
                    "2",
                    "It is the smallest that can do it and the cheapest to run, and "
                    "one start in five fails. That can be defended if you notice a "
                    "failure and try again; that a network could solve it does not "
                    "mean that it will learn to.",
                ),
                "b": (
                    "3",
                    "Four more parameters than with 2, and hardly a failure left. Say "
                    "what you do about the rare one: is there a check after training?",
                ),
                "c": (
                    "4",
                    "All 100 starts succeed: the safest of the three. To whoever "
                    "prefers the smallest you can say that room to spare makes a good "
                    "start likelier; 100 starts are not a proof.",
                ),
            },
            None,
        ),
    },
    [
        "Net(Dense(2, 2, init=1.0), Tanh(), Dense(2, 1, init=1.0), copies=100, "
        "seed=range(100)) starts as we did.",
        "step.loss then has 100 entries, of the nets before that update.",
        "np.sum(step.loss < 0.01) at the last step counts those that got there.",
    ],
)

# --- 3.6 -----------------------------------------------------------------------------


@functools.cache
def halving(w, weights=2, eta=0.1):
    """Updates until E = (w w ... - 1)^2 / 2 has halved, if all weights start at w."""
    half, updates = (w**weights - 1) ** 2 / 4, 0
    while (w**weights - 1) ** 2 / 2 > half:
        w = w - eta * (w**weights - 1) * w ** (weights - 1)
        updates += 1
    return updates


explain = Exercise(
    "The napkin, E = (w₁ w₂ − 1)²/2 and η = 0.1. From (0.001, 0.001) it takes 68 "
    "updates to halve the error. Then a third weight, E = (w₁ w₂ w₃ − 1)²/2, all three "
    "starting at the same number: from 0.01 it takes 992 updates.",
    {
        "updates": Number(
            "from (0.000001, 0.000001), with two weights",
            lambda: halving(1e-6),
            [
                (
                    lambda: 1000 * halving(1e-3),
                    "This is a thousand times as many. Follow the weights through the "
                    "first updates: by what are they multiplied?",
                ),
                (
                    lambda: 2 * halving(1e-3),
                    "Twice as many is close. But only the way from 10⁻⁶ to 10⁻³ is "
                    "added, and to grow a thousandfold takes a little more than 68.",
                ),
                (
                    lambda: halving(1e-6) - halving(1e-3),
                    "These are the updates from 10⁻⁶ to 10⁻³. Then 68 more follow.",
                ),
                (lambda: halving(1e-3), "This is the time from (0.001, 0.001)."),
            ],
            unit="updates",
            tolerance=1,
            why="68, and some 73 more: each update multiplies both weights by 1.1.",
        ),
        "why": Choice(
            "Why?",
            {
                "a": (
                    "A thousand times smaller slopes take a thousand times as long.",
                    "The slopes are smaller, and so are the weights. How does a step "
                    "compare with the weight that it moves?",
                ),
                "b": (
                    "Near zero each update multiplies the weights by the same factor.",
                    "The time grows with the logarithm of the nearness.",
                ),
                "c": (
                    "The path first goes into the saddle.",
                    "That happens on the line w₂ = −w₁. Here the two are equal.",
                ),
            },
            "b",
        ),
        "three": Number(
            "from 0.001, with three weights, roughly",
            lambda: halving(1e-3, 3),
            [
                (  # by the law of two weights 73 more: within the tolerance
                    lambda: halving(1e-2, 3),
                    "This is the time from 0.01, or hardly more: ten times nearer "
                    "cannot be free. With three weights, the slope of each is a "
                    "product of two small numbers.",
                ),
                (
                    lambda: 100 * halving(1e-2, 3),
                    "The slopes are a hundred times smaller. But a step ten times "
                    "smaller would do, for a weight ten times smaller.",
                ),
            ],
            unit="updates",
            tolerance=80,  # 9,920 and 10,000 are right
            why="Ten times nearer, ten times as long: no logarithm any more.",
        ),
    },
    [
        "Near zero y is nearly 0, so dy is nearly −1. What does an update do to w₁?",
        "w₁ grows by 0.1 · w₂, and w₂ is as large as w₁. How many such updates make it "
        "a thousand times larger?",
        "With three weights, w₁ grows by 0.1 · w₂ · w₃. Compare that with w₁ itself, "
        "at 0.01 and at 0.001.",
    ],
)

EXERCISES = {
    "3.1": by_hand,
    "3.2": predict,
    "3.3": code,
    "3.4": find_the_slip,
    "3.5": choose,
    "3.6": explain,
}
