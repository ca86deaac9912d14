"""The exercises of chapter 6, updating the weights."""

import functools

import numpy as np

from bplib.exercises.parts import Choice, Code, Exercise, Number
from bplib.layers import Dense, Net, Tanh
from bplib.losses import SquaredError
from bplib.optimizers import SGD

# --- 6.1: one update by hand ---------------------------------------------------------

X, T, ETA = np.array([1.0, 2.0]), np.array([4.0, 0.0]), 0.2
START = (1.0, 1.0)  # w and b


def error(w, b):
    return float(np.mean((w * X + b - T) ** 2) / 2)


@functools.cache
def update(sign=-1, total=np.mean):
    """dw, db, and the weight and the bias after one update."""
    w, b = START
    errors = w * X + b - T
    dw, db = float(total(errors * X)), float(total(errors))
    step = sign * ETA
    return {"dw": dw, "db": db, "w": w + step * dw, "b": b + step * db}


def of_update(name, **slip):
    return lambda: update(**slip)[name]


def new_error(w=True, b=True, **slip):
    """E after the update, or after the move of one of the two alone."""
    new = update(**slip)
    return error(new["w"] if w else START[0], new["b"] if b else START[1])


def late_db():
    """The slope in b where w has moved already."""
    return float(np.mean(update()["w"] * X + START[1] - T))


def foretold(square=True, rate=ETA):
    dw, db = update()["dw"], update()["db"]
    return rate * (dw**2 + db**2) if square else rate * (abs(dw) + abs(db))


A_SUM = "This is the sum over the examples: the error is their mean."
UPHILL = "This step goes uphill: subtract η times the slope."
NO_RATE = "This is the step without η: only 0.2 of the slope is taken."

by_hand = Exercise(
    "A neuron y = w x + b with w = 1 and b = 1 has two examples: x = 1 with t = 4, and "
    "x = 2 with t = 0. The error is the mean of the half squares, η = 0.2.",
    {
        "dw": Number(
            "dw",
            of_update("dw"),
            [
                (of_update("dw", total=np.sum), A_SUM),
                (of_update("db"), "This is db: for w each error is multiplied by x."),
                (lambda: -update()["dw"], "The slope has y − t, not t − y."),
            ],
        ),
        "db": Number(
            "db",
            of_update("db"),
            [
                (of_update("db", total=np.sum), A_SUM),
                (of_update("dw"), "This is dw: the bias is multiplied by nothing."),
                (
                    late_db,
                    "This is the slope at the new w: all slopes are taken before "
                    "anything moves.",
                ),
            ],
        ),
        "w": Number(
            "the new w",
            of_update("w"),
            [
                (of_update("w", sign=1), UPHILL),
                (of_update("w", total=np.sum), A_SUM),
                (lambda: START[0] - update()["dw"], NO_RATE),
            ],
        ),
        "b": Number(
            "the new b",
            of_update("b"),
            [
                (of_update("b", sign=1), UPHILL),
                (of_update("b", total=np.sum), A_SUM),
                (lambda: START[1] - update()["db"], NO_RATE),
                (
                    lambda: START[1] - ETA * late_db(),
                    "This uses w after its update: all slopes are taken before "
                    "anything moves.",
                ),
            ],
        ),
        "E": Number(
            "the new error",
            new_error,
            [
                (
                    lambda: 2 * new_error(),
                    "Twice too large: the half, or the mean over two examples, is "
                    "missing.",
                ),
                (
                    lambda: error(*START) - foretold(),
                    "This is what the slopes foretell. Work it out from the new w and "
                    "b.",
                ),
                (lambda: error(*START), "This is the error before the update."),
                (lambda: new_error(b=False), "Here w alone has moved."),
                (lambda: new_error(w=False), "Here b alone has moved."),
            ],
            tolerance=0.006,
        ),
        "fall": Number(
            "the fall that the slopes foretell",
            foretold,
            [
                (
                    lambda: error(*START) - new_error(),
                    "This is how far it really fell. What do the slopes say?",
                ),
                (lambda: foretold(rate=1), "The rate is missing."),
                (lambda: foretold(square=False), "Each slope enters as a square."),
            ],
            why="More than it really fell: E is curved.",
        ),
    },
    [
        "The outputs are 2 and 3. What are the two errors y − t?",
        "dw is the mean of error times x, db the mean of the errors.",
        "w ← w − 0.2 dw and b ← b − 0.2 db, both from the old slopes.",
    ],
)

# --- 6.2: the step, in code ----------------------------------------------------------


def sgd_step(params, grads, eta):
    for p, g in zip(params, grads, strict=True):
        p -= eta * g


def rebinds(params, grads, eta):
    for p, g in zip(params, grads, strict=True):
        p = p - eta * g


def replaces(params, grads, eta):
    for k in range(len(params)):
        params[k] = params[k] - eta * grads[k]


def returns(params, grads, eta):
    return [p - eta * g for p, g in zip(params, grads, strict=True)]


def climbs(params, grads, eta):
    for p, g in zip(params, grads, strict=True):
        p += eta * g


def forgets_eta(params, grads, eta):
    for p, g in zip(params, grads, strict=True):
        p -= g


def weights_only(params, grads, eta):
    params[0] -= eta * grads[0]


def scales_grads(params, grads, eta):
    for p, g in zip(params, grads, strict=True):
        g *= eta
        p -= g


def judge_step(function):
    """Try it on four arrays of different shapes."""
    rng, eta = np.random.default_rng(0), 0.3
    shapes = (2, 3), (1, 3), (3, 1), (1, 1)
    old = [rng.normal(size=shape) for shape in shapes]
    grads = [rng.normal(size=shape) for shape in shapes]
    arrays = [each.copy() for each in old]
    params, given = list(arrays), [each.copy() for each in grads]
    try:
        answer = function(params, given, eta)
    except Exception as trouble:
        return False, f"On four arrays it raises {type(trouble).__name__}: {trouble}."

    def are(wanted):
        return all(
            a.shape == w.shape and np.allclose(a, w, rtol=0, atol=1e-12)
            for a, w in zip(arrays, wanted, strict=True)
        )

    right = [p - eta * g for p, g in zip(old, grads, strict=True)]
    if not all(map(np.array_equal, given, grads)):
        return False, "It changes grads. Leave the gradients as they are."
    if are(right):
        return True, "right: four arrays moved, in place, and the gradients did not."
    if any(a is not b for a, b in zip(params, arrays, strict=False)):
        return False, (
            "It puts new arrays into the list. Whoever holds the old ones, such as the "
            "network, sees nothing of it: write into them, with -=."
        )
    if are(old) and answer is not None:
        return False, "It returns new arrays, and the old ones have not moved."
    if are(old):
        return False, (
            "Nothing has moved. p = p - ... gives a new array to the name p, and the "
            "list never hears of it."
        )
    if are([p + eta * g for p, g in zip(old, grads, strict=True)]):
        return False, "It goes uphill: subtract."
    if are([p - g for p, g in zip(old, grads, strict=True)]):
        return False, "It takes the whole slope: where is eta?"
    if are([right[0], *old[1:]]):
        return False, "The first array has moved, the others have not."
    return False, "The arrays have moved, but not by -eta times their gradients."


def ten(factor=1.0, start=2.0, sign=-1):
    """Ten steps with the slope factor * p."""
    p = np.array([start])
    for _ in range(10):
        sgd_step([p], [-sign * factor * p], 0.1)
    return p.item()


FIRST_SLOPE = "Here the first slope was used ten times. Take new ones for each step."
STUCK = "This is where it started. Has your function moved anything?"

step_in_code = Exercise(
    "sgd_step(params, grads, eta) moves each array by −η times its gradient. "
    "W = (2, −1) and b = 3, with the slopes dW = W and db = 2b. Ten steps with "
    "η = 0.1, new slopes for each.",
    {
        "sgd_step": Code(
            "the step",
            judge_step,
            sgd_step,
            [
                (rebinds, "Nothing has moved"),
                (replaces, "new arrays into the list"),
                (returns, "returns new arrays"),
                (climbs, "uphill"),
                (forgets_eta, "where is eta"),
                (weights_only, "the others have not"),
                (scales_grads, "changes grads"),
                (lambda params, grads: None, "raises"),
            ],
        ),
        "w": Number(
            "the first entry of W after ten steps",
            ten,
            [
                (2.0, STUCK),
                (lambda: ten(sign=1), "It grew: this goes uphill."),
                (0.0, FIRST_SLOPE),
                (1.8, "This is after one step."),
            ],
            tolerance=0.002,
        ),
        "b": Number(
            "b after ten steps",
            lambda: ten(2.0, 3.0),
            [
                (3.0, STUCK),
                (lambda: ten(2.0, 3.0, sign=1), "It grew: this goes uphill."),
                (lambda: ten(1.0, 3.0), "The slope of b is 2b, not b."),
                (-3.0, FIRST_SLOPE),
                (2.4, "This is after one step."),
            ],
            tolerance=0.002,
        ),
    },
    [
        "Walk through both lists at once: zip(params, grads).",
        "p -= eta * g writes into the array; p = p - eta * g does not.",
        "Write 2.0, not 2: an array of whole numbers cannot hold halves.",
        "Each step multiplies W by 1 − 0.1, and b by 1 − 0.2.",
    ],
)

# --- 6.3: each alone, and all together -----------------------------------------------


def sum_error(weights, rate=1.0):
    """E after `weights` of ten weights took their step: y = their sum, t = 1."""
    y = weights * rate
    return (y - 1) ** 2 / 2


def best_rate(weights=10):
    rates = np.arange(1, 1001) / 1000
    return float(rates[np.argmin([sum_error(weights, rate) for rate in rates])])


together = Exercise(
    "y = w₁ + w₂ + … + w₁₀, all inputs are 1, t = 1, and all weights start at 0. With "
    "η = 1 each weight alone would bring the error to exactly 0.",
    {
        "together": Number(
            "E after all ten have taken that step",
            lambda: sum_error(10),
            [
                (lambda: sum_error(1), "So it is for one of them alone."),
                (lambda: 2 * sum_error(10), "The half is missing."),
                (50.0, "This is ½ y². How far is y from t?"),
                (lambda: sum_error(9), "Here nine have moved."),
            ],
            why="y = 10, and 1 was wanted: E was 0.5 before.",
        ),
        "rate": Number(
            "the rate at which the common step brings E to 0",
            best_rate,
            [
                (1.0, "That is right for one weight alone."),
                (0.01, "Ten times too small: the common step moves y by 10 η."),
                (0.2, "This is twice that: it goes past 1 to 2, and E is 0.5 again."),
            ],
        ),
    },
    [
        "All slopes are y − t = −1. How far does each weight go at η = 1?",
        "The common step takes y from 0 to 10 η.",
    ],
)

# --- 6.4: order ----------------------------------------------------------------------

TARGETS = (5.0, -1.0, 2.0, -2.0)


def go(targets, rates, b=1.0):
    for t, rate in zip(targets, rates, strict=True):
        b -= rate * (b - t)
    return b


HALF = (0.5,) * 4
FAIR = (1, 1 / 2, 1 / 3, 1 / 4)

order = Exercise(
    "A bias goes through the targets 5, −1, 2, −2 one at a time: b ← b − η (b − t). It "
    "starts at b = 1.",
    {
        "reverse": Number(
            "η = ½, in reverse order: where does it end?",
            lambda: go(TARGETS[::-1], HALF),
            [
                (lambda: go(TARGETS, HALF), "This is the order of the text."),
                (
                    lambda: go(TARGETS[::-1], HALF, b=0.0),
                    "This starts at 0. The start is 1.",
                ),
                (lambda: go(TARGETS[:0:-1], HALF[:3]), "The last target, 5, is left."),
                (1.0, "This is the mean, which all at once would keep."),
            ],
            why="Now 5 came last, and has half of the say.",
        ),
        "fourth": Number(
            "the fourth rate",
            lambda: FAIR[3],
            [
                (0.5, "Then the fourth target counts as much as the three before it."),
                (0.125, "The rates do not halve. What part is one of four?"),
                (0.75, "This is the part that b keeps."),
                (lambda: FAIR[2], "This is the third."),
            ],
        ),
        "fifth": Number(
            "b after a fifth target, 6, with the next rate",
            lambda: go((*TARGETS, 6.0), (*FAIR, 1 / 5)),
            [
                (
                    lambda: go((*TARGETS, 6.0), (*FAIR, 1 / 4)),
                    "This uses the fourth rate again.",
                ),
                (
                    lambda: go((*TARGETS, 6.0), (*FAIR, 1 / 2)),
                    "This goes half the way. What part is one of five?",
                ),
                (lambda: go(TARGETS, FAIR), "This is b before the fifth target."),
                (
                    lambda: go((*TARGETS, 6.0), (*HALF, 1 / 2)),
                    "Here all rates are ½.",
                ),
            ],
            why="The mean of all five: a running mean.",
        ),
    },
    [
        "With η = ½ each update goes half of the way to its target.",
        "After two targets b should be their mean. Which rate makes it so?",
        "After k targets b is their mean, if the rate is 1/k.",
    ],
)

# --- 6.5: an epoch, in code ----------------------------------------------------------


def one_epoch(net, loss, x, t, eta, batch, order):
    updates = 0
    for first in range(0, len(order), batch):
        rows = order[first : first + batch]
        loss.forward(net.forward(x[rows]), t[rows])
        net.backward(loss.backward())
        net.theta -= eta * net.grad
        updates += 1
    return updates


def epoch_with(stop=None, pairs=True, ordered=True, sign=-1, moves=True, counts=True):
    """one_epoch with a slip."""

    def slip(net, loss, x, t, eta, batch, order):
        end = len(order) - len(order) % batch if stop else len(order)
        updates = 0
        for first in range(0, end, batch):
            rows = order[first : first + batch]
            here = rows if ordered else np.arange(len(x))[first : first + batch]
            there = here if pairs else np.arange(len(x))[first : first + batch]
            loss.forward(net.forward(x[here]), t[there])
            net.backward(loss.backward())
            if moves:
                net.theta += sign * eta * net.grad
            updates += 1
        return updates if counts else None

    return slip


def all_at_once(net, loss, x, t, eta, batch, order):
    loss.forward(net.forward(x), t)
    net.backward(loss.backward())
    net.theta -= eta * net.grad
    return 1


def one_at_a_time(net, loss, x, t, eta, batch, order):
    return one_epoch(net, loss, x, t, eta, 1, order)


def late_move(net, loss, x, t, eta, batch, order):
    """All gradients at the start, the moves at the end."""
    total, updates = 0, 0
    for first in range(0, len(order), batch):
        rows = order[first : first + batch]
        loss.forward(net.forward(x[rows]), t[rows])
        net.backward(loss.backward())
        total = total + net.grad
        updates += 1
    net.theta -= eta * total
    return updates


def judge_epoch(function):
    """Try it on 11 examples in batches of 4, out of order."""
    rng, eta, batch = np.random.default_rng(0), 0.3, 4
    x, t = rng.normal(size=(11, 3)), rng.normal(size=(11, 2))
    order, start = rng.permutation(11), None

    def after(program):
        net = Net(Dense(3, 4), Tanh(), Dense(4, 2), seed=1)
        count = program(
            net, SquaredError(), x.copy(), t.copy(), eta, batch, order.copy()
        )
        return net.theta, count

    start = Net(Dense(3, 4), Tanh(), Dense(4, 2), seed=1).theta
    try:
        theta, count = after(function)
    except Exception as trouble:
        what = f"{type(trouble).__name__}: {trouble}"
        return False, f"On 11 examples in batches of 4 it raises {what}."

    def is_like(program):
        return np.allclose(theta, after(program)[0], rtol=0, atol=1e-10)

    if is_like(one_epoch):
        number = isinstance(count, (int, np.integer)) and not isinstance(count, bool)
        if number and count == 3:
            return True, "right: 11 examples, batches of 4, 4 and 3, in order."
        return False, "net.theta is right. Return the number of updates: here 3."
    if np.array_equal(theta, start):
        return False, "net.theta has not moved."
    for program, says in (
        (epoch_with(stop=True), "The last batch, of three examples, was left out."),
        (
            epoch_with(ordered=False),
            "It goes from the first row to the last: use order.",
        ),
        (epoch_with(pairs=False), "The rows of t are not those of x."),
        (epoch_with(sign=1), "It goes uphill."),
        (all_at_once, "It makes one update with all examples. What is batch for?"),
        (one_at_a_time, "It takes one example at a time. What is batch for?"),
        (late_move, "All gradients were taken at the start: update after each batch."),
    ):
        if is_like(program):
            return False, says
    return False, "net.theta has moved, but not as three updates would move it."


def bias_epoch(batch, targets=TARGETS[::-1], total=np.mean, drop=False):
    """One epoch of the bias; total makes one slope of a batch."""
    b, targets = 1.0, np.array(targets)
    for first in range(0, len(targets), batch):
        here = targets[first : first + batch]
        if not drop or len(here) == batch:
            b -= 0.5 * float(total(b - here))
    return b


def by_batch(slopes):
    """The slip of dividing by the size of a full batch of three."""
    return np.sum(slopes) / 3


def updates(examples=1197, batch=32):
    bias = Net(Dense(1, 1))
    x, t = np.zeros((examples, 1)), np.zeros((examples, 1))
    return one_epoch(bias, SquaredError(), x, t, 0.1, batch, np.arange(examples))


FIRST_ORDER = "This is the order 5, −1, 2, −2. Go in reverse."
SUMMED = "Here the slopes of a batch were added: take their mean."

epoch_in_code = Exercise(
    "One epoch over the targets in reverse order, −2, 2, −1, 5, from b = 1 with η = ½: "
    "after each batch b moves by −η times the mean slope of the batch.",
    {
        "one_epoch": Code(
            "the epoch",
            judge_epoch,
            one_epoch,
            [
                (epoch_with(stop=True), "left out"),
                (epoch_with(ordered=False), "use order"),
                (epoch_with(pairs=False), "are not those of x"),
                (epoch_with(sign=1), "uphill"),
                (epoch_with(moves=False), "has not moved"),
                (epoch_with(counts=False), "Return the number"),
                (all_at_once, "What is batch for"),
                (one_at_a_time, "one example at a time"),
                (late_move, "after each batch"),
                (lambda net, *_: net.theta.fill(0), "not as three updates"),
                (lambda net: None, "raises"),
            ],
        ),
        "twos": Number(
            "b after an epoch in batches of two",
            lambda: bias_epoch(2),
            [
                (lambda: bias_epoch(2, TARGETS), FIRST_ORDER),
                (lambda: bias_epoch(2, total=np.sum), SUMMED),
                (lambda: bias_epoch(1), "This is one by one."),
                (lambda: bias_epoch(2, TARGETS[:1:-1]), "This is the first batch."),
            ],
        ),
        "threes": Number(
            "b after an epoch in batches of three",
            lambda: bias_epoch(3),
            [
                (lambda: bias_epoch(3, TARGETS), FIRST_ORDER),
                (
                    lambda: bias_epoch(3, drop=True),
                    "The last example has been left out.",
                ),
                (
                    lambda: bias_epoch(3, total=by_batch),
                    "The last batch has one example: its mean slope is not divided by "
                    "3.",
                ),
                (lambda: bias_epoch(3, total=np.sum), SUMMED),
            ],
            why="The last batch is smaller, and each example in it counts for more.",
        ),
        "updates": Number(
            "How many updates are in an epoch of 1,197 examples in batches of 32?",
            updates,
            [
                (lambda: 1197 // 32, "Thirteen examples are left: they make a batch."),
                (1197, "These are the examples."),
                (1, "Then all examples are one batch."),
            ],
            tolerance=0,
            why="37 full batches and one of 13.",
        ),
    },
    [
        "range(0, len(order), batch) gives the places where batches begin.",
        "order[first : first + batch] are the row numbers of a batch; beyond the end "
        "it is shorter by itself.",
        "Then forward, loss, backward, update: net.theta -= eta * net.grad.",
        "Batches of two, in reverse: the means of the targets are 0 and 2.",
    ],
)

# --- 6.6: two names for one array ----------------------------------------------------


PLACES, ERRORS = (5.0, 4.0, 2.0, 3.0), (0.9, 0.6, 0.2, 0.4)


def kept(copied):
    """What best holds after the friend's loop, with or without a copy."""
    theta, lowest, best = np.array([7.0]), np.inf, None
    for place, error in zip(PLACES, ERRORS, strict=True):
        theta[:] = place  # in place, as training does
        if error < lowest:
            lowest, best = error, theta.copy() if copied else theta
    return best.item()


find_the_slip = Exercise(
    "A friend writes best = net.theta whenever the validation error is lowest. The one "
    "parameter is 5, 4, 2, 3 after four updates, with the validation errors 0.9, 0.6, "
    "0.2, 0.4.",
    {
        "best": Number(
            "best in the end",
            lambda: kept(copied=False),
            [
                (
                    lambda: kept(copied=True),
                    "So it was meant. Does best = net.theta copy anything?",
                ),
                (PLACES[0], "For that it would have to be an array of its own."),
                (PLACES[1], "Has the parameter not moved on since then?"),
            ],
            why="best and net.theta are one array, and training writes into it.",
        ),
        "meant": Number(
            "what it was meant to be",
            lambda: kept(copied=True),
            [
                (lambda: kept(copied=False), "There the error had risen again."),
                (ERRORS[2], "This is the lowest error. Which parameter had it?"),
                (PLACES[0], "There the error was the highest."),
            ],
        ),
        "cure": Choice(
            "Which line is the cure?",
            {
                "a": (
                    "best = net.theta[:]",
                    "Of a list this is a copy; of an array it is a window into the "
                    "same numbers.",
                ),
                "b": (
                    "best = net.theta.copy()",
                    "An array of its own, which nobody else writes into.",
                ),
                "c": (
                    "net.theta = best",
                    "This is for the end, to put the best back. First keep it.",
                ),
            },
            "b",
        ),
    },
    [
        "How many arrays are there: is best another one than net.theta?",
        "Training changes net.theta in place, and every name of it sees the change.",
    ],
)

# --- 6.7: momentum -------------------------------------------------------------------


def step_length(number, beta=0.9):
    """How long a step is under a steady slope, in multiples of the first."""
    theta, optimizer = np.zeros(1), SGD(1.0, momentum=beta)
    for _ in range(number):
        before = theta.copy()
        optimizer.step(theta, np.ones(1))
    return abs(theta - before).item()


defend = Exercise(
    "A network trains well with plain SGD at a rate of 0.1. Then momentum 0.9 is "
    "turned on.",
    {
        "plan": Choice(
            "What do you do with the rate?",
            {
                "a": (
                    "leave it",
                    "It may go well: the limit beside a minimum grew from 2/λ to "
                    "3.8/λ. But where slopes persist, steps grow up to ten times, and "
                    "the noise of batches is magnified too. What tells you that it "
                    "went well?",
                ),
                "b": (
                    "divide it by 10",
                    "Then a steady slope moves a weight as far as before: a fair "
                    "comparison. But it gives away what momentum allows, a larger "
                    "effective step.",
                ),
                "c": (
                    "multiply it by 10",
                    "Steady slopes would move weights a hundred times as far. What "
                    "speaks for it?",
                ),
                "d": (
                    "try several",
                    "The surest, and the dearest. Which range? From a tenth of the old "
                    "rate to twice it, say, and judge by validation, not by the first "
                    "epoch.",
                ),
            },
            None,
        ),
        "second": Number(
            "a steady slope: the second step, in multiples of the first",
            lambda: step_length(2),
            [
                (0.9, "This is what is left of the first. The new slope is added."),
                (2.0, "The velocity loses a tenth first."),
                (lambda: step_length(3), "This is the third."),
                (1.0, "So it is without momentum."),
            ],
            unit="times",
        ),
        "many": Number(
            "... and after many steps?",
            lambda: step_length(500),
            [
                (9.0, "1 + 0.9 + 0.81 + …: do not forget the first term."),
                (lambda: 1 / 1.9, "This is for a slope that alternates."),
                (1.0, "So it is in the friend's library, or without momentum."),
            ],
            unit="times",
            why="1 / (1 − 0.9).",
        ),
        "theirs": Number(
            "v ← 0.9 v + 0.1 dθ: which rate there is 0.1 here?",
            lambda: 0.1 / (1 - 0.9),
            [
                (0.01, "Their velocity is a tenth of ours: the rate must make up."),
                (0.1, "Then they move a tenth as far as we do."),
                (0.9, "This is β. Their velocity is a tenth of ours."),
            ],
            why="Their v is a tenth of ours, so their rate is ten times ours.",
        ),
    },
    [
        "v is 1 at first. Then it is 0.9 v + 1.",
        "In the end 0.9 v + 1 = v.",
        "Compare the two velocities under a steady slope of 1.",
    ],
)

EXERCISES = {
    "6.1": by_hand,
    "6.2": step_in_code,
    "6.3": together,
    "6.4": order,
    "6.5": epoch_in_code,
    "6.6": find_the_slip,
    "6.7": defend,
}
