"""The exercises of chapter 7, the learning rate."""

import math

import numpy as np

from bplib.exercises.parts import Choice, Code, Exercise, Number

# --- 7.1: what moves the limit -------------------------------------------------------

X = np.random.default_rng(0).normal(size=(32, 1))


def curvature(inputs):
    """The largest curvature of a linear neuron's half mean squared error."""
    return np.linalg.eigvalsh(inputs.T @ inputs / len(inputs))[-1]


def factor(inputs):
    return lambda: curvature(X) / curvature(inputs)


together = Exercise(
    "One linear neuron without a bias, E half the mean squared error, 32 examples. By "
    "what factor does the limit of its learning rate change?",
    {
        "data": Number(
            "a second copy of every example",
            factor(np.vstack([X, X])),
            [
                (1 / 2, "This would hold for a sum. What does a mean do?"),
                (2.0, "Twice the examples, and their mean is the same."),
            ],
            why="The mean of x² is what it was.",
        ),
        "sum": Number(
            "the sum over 32 examples in place of their mean",
            lambda: 1 / len(X),
            [
                (lambda: len(X), "The slopes grow by this: which way does the limit?"),
                (1.0, "This holds for the mean. The sum of the slopes is larger."),
                (
                    lambda: 1 / len(X) ** 2,
                    "The number of examples enters once, in front of the sum.",
                ),
            ],
            why="All slopes are 32 times as large.",
        ),
        "half": Number(
            "E without the factor 1/2",
            1 / 2,
            [
                (2.0, "E is twice as large, and so is its curvature. And the limit?"),
                (1.0, "The minimum stays. But the slopes do not."),
                (1 / 4, "The half enters once."),
            ],
        ),
        "inputs": Number(
            "all inputs times 10",
            factor(10 * X),
            [
                (
                    1 / 10,
                    "An input acts twice: w passes through it to y, and its slope is "
                    "multiplied by it.",
                ),
                (100.0, "The curvature grows by this. And the limit?"),
                (10.0, "Larger inputs make E steeper: the limit gets smaller."),
            ],
            why="The curvature is the mean of x².",
        ),
        "feature": Number(
            "the one input fed twice, with a weight each",
            factor(np.hstack([X, X])),
            [
                (1.0, "Both weights move, and y moves for both."),
                (
                    1 / 4,
                    "Both weights by 1 is a move of length √2: count the curvature "
                    "for a move of length 1.",
                ),
                (
                    2.0,
                    "Two weights that pull the same way: is that steeper or flatter?",
                ),
            ],
            why="A move of length 1 along both changes y √2 times as much.",
        ),
    },
    [
        "The limit is 2 over the largest curvature. What happens to the curvature?",
        "For one weight the curvature is the mean of x².",
        "With the input twice, both slopes are the same. Each weight moves as before, "
        "so y moves twice as far.",
    ],
)

# --- 7.2: power iteration ------------------------------------------------------------


def largest_curvature(gradient, theta, rounds=100, h=1e-4):
    direction = np.random.default_rng(0).normal(size=np.shape(theta))
    for _ in range(rounds):
        direction = direction / np.linalg.norm(direction)
        up, down = gradient(theta + h * direction), gradient(theta - h * direction)
        change = (up - down) / (2 * h)
        found = direction @ change
        direction = change
    return found


AXES = np.array([[1, -1, 0], [1, 1, 1], [1, 1, -2]]) / np.sqrt([[2], [3], [6]])
BOWL = AXES.T * (6.0, 2.0, 1.0) @ AXES
AT = np.array([0.3, -0.2, 0.5])
ROUNDS, NUDGE = 12, 1e-4


def bowl(theta):
    return BOWL @ theta


def napkin(w):
    """The gradient of (w1 w2 w3 - 1)^2 / 2."""
    return (math.prod(w) - 1) * math.prod(w) / w


CORNER = np.array([2, 2, 0.25])


def judge_curvature(function):
    """Try it on a turned bowl of curvatures 6, 2 and 1, and on the napkin."""
    given = AT.copy()
    try:
        with np.errstate(all="ignore"):
            found = function(bowl, given, ROUNDS, NUDGE)
            other = function(napkin, CORNER.copy(), 100, NUDGE)
    except Exception as error:
        return False, f"On a bowl of three weights it raises {plain(error)}."
    if found is None:
        return False, "It returns None: return the curvature."
    if np.size(found) != 1 or np.asarray(found).dtype.kind not in "fiu":
        return False, "It should return the curvature, one number."
    if not np.allclose(given, AT, rtol=0, atol=1e-9):
        return False, "It moves theta itself: use theta + h * direction."
    found, right = float(np.reshape(found, ())), 6.0

    def near(value):
        return abs(found - value) < 1e-3 * abs(value)

    if near(right):
        other = float(np.reshape(other, ()))
        if abs(other - 16.5) < 1e-2:
            return True, "right: it finds 6 in a turned bowl, and 16.5 on the napkin."
        text = "Right in a bowl, but not where the curvature changes: is the nudge of "
        return False, text + "length h, and the direction of length 1, in each round?"
    if near(2 / right):
        return False, "This is the limit, 2 over the curvature. Return the curvature."
    if near(right / 2):
        return False, "Half of it: nudge both ways, by h each, and divide by 2 h."
    if near(right * 2):
        return False, "Twice as much: up and down are 2 h apart."
    if near(right * 2 * NUDGE):
        return False, "The change of the gradient must be divided by 2 h."
    if near(right * NUDGE**2):
        return False, "Divided by 2 and then times h: it needs brackets, / (2 * h)."
    if near(-right):
        return False, "This is down minus up: turn it around."
    if near(right**2):
        text = "Dot the change with the old direction, before it becomes the next."
        return False, text
    if not 0 <= found < 10:
        return False, f"{found:.3g} is off: scale the direction to length 1 each round."
    if near(2.0):
        return False, (
            "This is another axis of the bowl. A start such as (1, 1, 1) may have no "
            "part along the steepest one: start at random."
        )
    return False, (
        f"{found:.3g} is a curvature, but not the largest, 6: is the change taken as "
        "the next direction, in every round?"
    )


def plain(error):
    return f"{type(error).__name__}: {error}".rstrip(".")


def attempt(
    start=None, scale=True, over=2.0, turn=True, one_sided=False, sign=1, early=False
):
    """A largest_curvature with a slip in it."""

    def function(gradient, theta, rounds=100, h=1e-4):
        direction = np.random.default_rng(0).normal(size=len(theta))
        direction = direction if start is None else start
        for _ in range(rounds):
            if scale:
                direction = direction / np.linalg.norm(direction)
            down = theta if one_sided else theta - h * direction
            change = gradient(theta + h * direction) - gradient(down)
            change = sign * change / (over * h if over else 1)
            old, direction = direction, change if turn else direction
            found = (change if early else old) @ change
        return found

    return function


def moves_theta(gradient, theta, rounds=100, h=1e-4):
    direction = np.random.default_rng(0).normal(size=len(theta))
    for _ in range(rounds):
        direction = direction / np.linalg.norm(direction)
        up = gradient(theta)
        theta += h * direction
        direction, old = (gradient(theta) - up) / h, direction
    return old @ direction


def from_napkin(formula):
    return lambda: formula(largest_curvature(napkin, CORNER))


power = Exercise(
    "Power iteration: nudge along a direction, take the change of the gradient as the "
    "next one. Then E = (w₁w₂w₃ − 1)²/2: what is the limit at its minimum (2, 2, 1/4)?",
    {
        "largest_curvature": Code(
            "the largest curvature",
            judge_curvature,
            largest_curvature,
            [
                (attempt(start=np.ones(3)), "start at random"),
                (attempt(scale=False), "length 1"),
                (attempt(over=0), "must be divided by 2 h"),
                (attempt(over=1), "Twice as much"),
                (attempt(one_sided=True), "Half of it"),
                (attempt(turn=False), "next direction"),
                (attempt(early=True), "the old direction"),
                (attempt(sign=-1), "down minus up"),
                (attempt(over=2 / NUDGE**2), "brackets"),
                (moves_theta, "moves theta itself"),
                (lambda *given: 2 / largest_curvature(*given), "the limit"),
                (lambda *given: np.ones(3), "one number"),
                (lambda gradient, theta: 6.0, "it raises"),
                (lambda *given: None, "returns None"),
            ],
        ),
        "limit": Number(
            "the limit of the napkin with three weights at (2, 2, 1/4)",
            from_napkin(lambda found: 2 / found),
            [
                (from_napkin(lambda found: found), "This is the curvature."),
                (from_napkin(lambda found: 1 / found), "This is 1/λ, not the limit."),
                (
                    lambda: 2 / np.sum(CORNER**2),
                    "This takes w₁² + w₂² + w₃². With three weights, how far does a "
                    "move of w₁ move the product?",
                ),
            ],
            why="A move of one weight moves the product by that of the other two: "
            "1/4 + 1/4 + 16 is the curvature.",
        ),
    },
    [
        "np.random.default_rng(0).normal(size=theta.shape) is a random direction; "
        "np.linalg.norm gives its length.",
        "change = (gradient(theta + h * direction) - gradient(theta - h * direction)) "
        "/ (2 * h)",
        "In each round: scale the direction, find the change, then the curvature, "
        "direction @ change, then direction = change.",
    ],
)

# --- 7.3: by hand --------------------------------------------------------------------

LAM, START, ETA = 1 / 2, 8.0, 3.0


def w_after(updates, eta=ETA):
    return lambda: (1 - eta * LAM) ** updates * START


by_hand = Exercise(
    "E = λ/2 w² with λ = 1/2, from w = 8, η = 3. A friend's bowl gives w = 1, −0.8, "
    "0.64 at η = 0.9.",
    {
        "first": Number(
            "w after one update",
            w_after(1),
            [
                (lambda: START - ETA * LAM, "The slope is λw, not λ."),
                (lambda: START - ETA * START, "The slope is λw, not w."),
                (lambda: START + ETA * LAM * START, "This goes uphill."),
            ],
        ),
        "second": Number(
            "w after two updates",
            w_after(2),
            [
                (
                    lambda: 2 * w_after(1)() - START,
                    "This takes the first step once more. The slope is a new one.",
                ),
                (
                    lambda: (1 + ETA * LAM) * w_after(1)(),
                    "w is negative now, and so is the slope: the step goes up.",
                ),
            ],
            why="Each update multiplies by −1/2.",
        ),
        "limit": Number(
            "the limit of the rate",
            lambda: 2 / LAM,
            [
                (lambda: 1 / LAM, "This is the best rate, there in one step."),
                (lambda: 2 * LAM, "The limit is 2 divided by the curvature."),
                (lambda: LAM, "This is the curvature."),
            ],
        ),
        "twin": Number(
            "Which other rate is exactly as fast as 3?",
            lambda: 2 / LAM - ETA,
            [
                (lambda: 1 / LAM, "This one is there in one step."),
                (lambda: 2 / LAM, "At the limit nothing gets nearer."),
                (lambda: 1 / ETA, "Which η gives the factor 1 − ηλ = +1/2?"),
            ],
            why="As far below 1/λ = 2 as 3 is above.",
        ),
        "friend": Number(
            "the curvature of the friend's bowl",
            lambda: 1.8 / 0.9,
            [
                (lambda: 0.2 / 0.9, "The factor is −0.8: the signs alternate."),
                (1.8, "This is ηλ."),
                (lambda: 0.8 / 0.9, "The factor is 1 − ηλ, not ηλ."),
            ],
        ),
    },
    [
        "The slope is w/2. The new w is the old one minus 3 times that.",
        "Each update multiplies by 1 − ηλ. Which two rates give factors of one size?",
        "The friend's factor is −0.8, so 0.9 λ = 1.8.",
    ],
)

# --- 7.4: a larger batch -------------------------------------------------------------

SMALL, LARGE, RATE = 32, 256, 0.05

batch = Exercise(
    "One linear neuron, dw = X.T @ error, a rate of 0.05, trains well in batches of "
    "32. In batches of 256 the loss explodes. The mean of x² is 1.",
    {
        "why": Choice(
            "Why?",
            {
                "a": (
                    "Large batches have sharper minima.",
                    "This error is a bowl with a single minimum. Look at the second "
                    "line.",
                ),
                "b": (
                    "The gradient is a sum, so it has grown eight times.",
                    "And the limit has shrunk eight times.",
                ),
                "c": (
                    "With less noise it cannot leave the saddle.",
                    "A linear neuron has no saddle, and a run that stands still does "
                    "not explode.",
                ),
                "d": (
                    "The rate should have been raised with the batch.",
                    "That would make it worse: the steps are too large already.",
                ),
            },
            "b",
        ),
        "rate": Number(
            "Which rate makes it step as before?",
            lambda: RATE * SMALL / LARGE,
            [
                (lambda: RATE * LARGE / SMALL, "Which way? The gradient has grown."),
                (
                    lambda: RATE / LARGE,
                    "It was a sum before too, of 32: the gradient grew eightfold.",
                ),
                (RATE, "The same rate takes eight times the step."),
            ],
        ),
        "mean": Number(
            "Written with a mean: which rate would do the same?",
            lambda: RATE * SMALL,
            [
                (lambda: RATE / SMALL, "The mean is smaller than the sum. So η is?"),
                (
                    lambda: RATE * LARGE,
                    "This is what 0.05 means with 256: it is above the limit, 2.",
                ),
                (RATE, "A mean of 32 is 32 times smaller than their sum."),
            ],
            why="And that for every size of the batch.",
        ),
        "limit": Number(
            "the limit of the program as it stands, at 256",
            lambda: 2 / LARGE,
            [
                (2.0, "This is the limit with a mean."),
                (lambda: 2 / SMALL, "This is the limit with batches of 32."),
                (lambda: 1 / LARGE, "This is the best rate. The limit is twice it."),
            ],
        ),
    },
    [
        "What happens to dw when the batch is eight times as large?",
        "The sum over 256 is 8 times the sum over 32, and 256 times the mean.",
        "With a mean the curvature is the mean of x², so the limit is 2.",
    ],
)

# --- 7.5: choose and defend ----------------------------------------------------------


def floor_at(eta):
    return eta / (2 - eta)


choose = Exercise(
    "Validation losses after a short run: 0.92 at 0.01, 0.45 at 0.03, 0.22 at 0.1, "
    "0.14 at 0.3, 0.11 at 1 and 9.8 at 3. The real run is 50 times as long.",
    {
        "plan": Choice(
            "Which plan?",
            {
                "a": (
                    "1, the best",
                    "It won the short run. But the edge is between 1 and 3, and other "
                    "random weights may move it. What would a crash cost you?",
                ),
                "b": (
                    "0.3 throughout",
                    "Far enough from the edge, and fast. In a long run the noise floor "
                    "decides: how do you get below it?",
                ),
                "c": (
                    "0.03 throughout, to be accurate",
                    "Its floor is low, and it is safe. In 50 short runs it may get "
                    "there; you pay with ten times the updates.",
                ),
                "d": (
                    "0.3, and divided by 10 when the loss only jitters",
                    "Fast first, a low floor later. Who says when it only jitters, and "
                    "on which examples do you look?",
                ),
            },
            None,
        ),
        "times": Number(
            "How many times lower is the noise floor at 0.03 than at 0.3?",
            lambda: floor_at(0.3) / floor_at(0.03),
            [
                (
                    10.0,
                    "This is the ratio of the rates: the floor goes with η/(2 − η).",
                ),
                (100.0, "Not the square: the smaller rate also forgets more slowly."),
                (lambda: floor_at(0.03) / floor_at(0.3), "Turn it around."),
            ],
            why="A bit more than the ratio of the rates.",
        ),
    },
    [
        "Where is the edge, and how sure are you of it?",
        "What limits a short run, and what limits a long one?",
        "The floor goes with η/(2 − η): divide 0.3/1.7 by 0.03/1.97.",
    ],
)

EXERCISES = {
    "7.1": together,
    "7.2": power,
    "7.3": by_hand,
    "7.4": batch,
    "7.5": choose,
}
