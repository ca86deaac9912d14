"""The exercises of chapter 9, the advantages, each claim tested."""

import functools

import numpy as np

from bplib.data import circles, xor
from bplib.exercises.parts import Choice, Code, Exercise, Number
from bplib.layers import Dense, Net, ReLU

PI = np.pi
FINE = np.linspace(0, 2 * PI, 4001)

# --- 9.1: a network that joins corners -----------------------------------------------


def build(f, corners):
    corners = np.asarray(corners)
    heights = f(corners)
    slopes = np.diff(heights) / np.diff(corners)
    m = len(slopes)
    return relus(corners[:-1], np.diff(slopes, prepend=0), heights[0], m)


def relus(corners, weights, bias, m):
    """The net of m relus that sit at the corners, with these output weights."""
    net = Net(Dense(1, m), ReLU(), Dense(m, 1))
    net.layers[0].W = np.ones((1, m))
    net.layers[0].b = -np.asarray(corners)[None, :]
    net.layers[2].W = np.asarray(weights)[:, None]
    net.layers[2].b = bias
    return net


def equal(pieces):
    return np.linspace(0, 2 * PI, pieces + 1)


def slopes_of_four():
    return np.diff(np.sin(equal(4))) / np.diff(equal(4))


def says(net, x):
    return net.forward(np.array([[float(x)]])).item()


def worst(net):
    return np.abs(net.forward(FINE[:, None])[:, 0] - np.sin(FINE)).max()


def judge_build(function):
    """Try it on a cubic with corners that are not equally far apart."""
    corners = np.array([-1.0, -0.5, 0.25, 1.0, 2.5])

    def f(x):
        return x**3 - x + 2

    try:
        net = function(f, corners.copy())
    except Exception as error:
        return False, f"It raises {type(error).__name__}: {error}."
    if not isinstance(net, Net):
        return False, "It should return the network: return net."
    hidden = [layer for layer in net.layers if isinstance(layer, Dense)]
    if len(hidden) != 2 or hidden[0].W.shape != (1, 4):
        return False, f"5 corners make 4 pieces, so Dense(1, 4) first; this is {net}."
    answer, right = net.forward(corners[:, None])[:, 0], f(corners)
    if np.allclose(answer, right):
        between = np.linspace(-1, 2.5, 57)
        joined = np.interp(between, corners, right)
        if np.allclose(net.forward(between[:, None])[:, 0], joined):
            return True, "right: it joins a cubic at five uneven corners."
        return False, "It is right at the corners, and not straight between them."
    if np.allclose(answer - answer[0], right - right[0]):
        return False, "It has the right form, at the wrong height: look at the bias."
    slopes = np.diff(right) / np.diff(corners)
    friend = relus(corners[:-1], slopes, right[0], 4)
    if np.allclose(answer, friend.forward(corners[:, None])[:, 0]):
        return False, "The relus to the left go on: a new one adds a change of slope."
    shifted = relus(corners[1:], np.diff(slopes, prepend=0), right[0], 4)
    if np.allclose(answer, shifted.forward(corners[:, None])[:, 0]):
        return False, "Each relu sits at the left end of its piece, not at the right."
    mirrored = relus(-corners[:-1], np.diff(slopes, prepend=0), right[0], 4)
    if np.allclose(answer, mirrored.forward(corners[:, None])[:, 0]):
        return False, "A corner is where x + b = 0: the bias is minus the corner."
    return False, "On a cubic with uneven corners it misses the heights at the corners."


def with_slopes(f, corners):
    heights = f(corners)
    slopes = np.diff(heights) / np.diff(corners)
    return relus(corners[:-1], slopes, heights[0], len(slopes))


def without_height(f, corners):
    net = build(f, corners)
    net.layers[2].b = 0
    return net


def at_right_ends(f, corners):
    net = build(f, corners)
    net.layers[0].b = -corners[None, 1:]
    return net


def with_the_other_sign(f, corners):
    net = build(f, corners)
    net.layers[0].b = -net.layers[0].b
    return net


def equally_spaced(f, corners):
    heights = f(corners)
    slopes = np.diff(heights) / (corners[1] - corners[0])
    return relus(corners[:-1], np.diff(slopes, prepend=0), heights[0], len(corners) - 1)


build_it = Exercise(
    "Write build(f, corners): a network of relus that joins a function at its corners. "
    "Then four equal pieces of the sine, with corners at 0, π/2, π, 3π/2, 2π.",
    {
        "build": Code(
            "the network",
            judge_build,
            build,
            [
                (with_slopes, "a change of slope"),
                (without_height, "look at the bias"),
                (at_right_ends, "left end of its piece"),
                (with_the_other_sign, "minus the corner"),
                (equally_spaced, "misses the heights"),
                (lambda f, corners: build(f, corners[:-1]), "5 corners make 4"),
                (lambda f, corners: None, "return net"),
                (lambda f, corners: f(corners[9]), "It raises"),
            ],
        ),
        "weight": Number(
            "the output weight of the relu at π/2",
            lambda: np.diff(slopes_of_four())[0],
            [
                (
                    lambda: slopes_of_four()[1],
                    "This is the new slope. The relu at 0 goes on, and takes its part.",
                ),
                (0, "This is the change of slope at π."),
                (
                    lambda: slopes_of_four()[0],
                    "This is the slope up to π/2. By how much does it change there?",
                ),
            ],
            why="From 2/π to −2/π: the change is −4/π.",
        ),
        "bias": Number(
            "the bias of the hidden neuron with its corner at π/2",
            lambda: -PI / 2,
            [
                (lambda: PI / 2, "Then the corner is at −π/2: where is x + b = 0?"),
                (0, "This one has its corner at 0."),
                (1, "This is the height of the curve there."),
            ],
        ),
    },
    [
        "The slope of a piece is its rise, divided by its width.",
        "The output weight of a relu is the slope after its corner minus that before.",
        "np.diff(slopes, prepend=0) has all changes, the first from 0.",
    ],
)

# --- 9.2: the best line --------------------------------------------------------------


def best_line(x, t):
    return best(x, t, gained=2)


def best(x, t, gained, turned=True):
    """Right by the best line through two points, which count as `gained`."""
    found = 0
    for i in range(len(x)):
        for j in range(i):
            from_p, way = x - x[j], x[i] - x[j]
            side = from_p[:, 0] * way[1] - from_p[:, 1] * way[0]
            side[[i, j]] = 0
            agree = np.sum(side * (2 * t - 1) > 0)
            differ = np.sum(side * (2 * t - 1) < 0)
            found = max(found, agree + gained, differ * turned + gained)
    return int(found)


@functools.cache
def on_rings(gained=2):
    return best(*circles(50, 0.05, 0), gained)


def judge_line(function):
    """Try it on XOR, on points that a line parts, and on rings, either way around."""
    rng = np.random.default_rng(1)
    parted = rng.normal(size=(14, 2))
    above = (parted @ [1, 2] > 0.3).astype(int)
    few = circles(8, 0.1, 3)
    rng = np.random.default_rng(15)
    mixed = rng.normal(size=(6, 2)), rng.integers(0, 2, 6)
    cases = {
        "XOR": xor(),
        "14 points that a line parts": (parted, above),
        "the same, classes exchanged": (parted, 1 - above),
        "6 mixed points": mixed,
        "two rings of 8": few,
        "the same rings, classes exchanged": (few[0], 1 - few[1]),
    }
    for name, (x, t) in cases.items():
        try:
            answer = function(x.copy(), t.copy())
        except Exception as error:
            return False, f"On {name} it raises {type(error).__name__}: {error}."
        if not isinstance(answer, (int, float, np.number)):
            return False, "It should return a number: return best."
        right = best_line(x, t)
        if answer == right:
            continue
        if answer == right / len(x):
            return False, "This is the share. How many points is asked for."
        if answer == best(x, t, 0):
            return False, f"On {name}: the two points on the line count as right."
        if answer < right:
            return (
                False,
                f"On {name} it gives {answer}; some line does better. Did you try both "
                "ways around, and all pairs?",
            )
        return False, f"On {name} it gives {answer}, more than any line can."
    return True, "right on XOR, on two rings, and on points that a line parts."


line_exercise = Exercise(
    "Write best_line(x, t): how many points the best straight line gets right. Then "
    "try it on XOR, and on circles(50, 0.05, 0), two rings of 50 points each.",
    {
        "best_line": Code(
            "the best line",
            judge_line,
            best_line,
            [
                (lambda x, t: best(x, t, 0), "count as right"),
                (lambda x, t: best(x, t, 2, turned=False), "both ways around"),
                (lambda x, t: best_line(x, t) / len(x), "the share"),
                (lambda x, t: len(x), "more than any line"),
                (lambda x, t: None, "return best"),
                (lambda x, t: x[99], "it raises"),
            ],
        ),
        "xor": Number(
            "How many of XOR's four corners does the best line get right?",
            lambda: best_line(*xor()),
            [
                (2, "One more is possible: cut one corner off."),
                (4, "Chapter 3 shows that no line gets all four."),
            ],
            tolerance=0,
            why="Cut one corner off.",
        ),
        "rings": Number(
            "And of the 100 points of the rings?",
            on_rings,
            [
                (
                    lambda: on_rings(0),
                    "The two points that the line touches count as right, too.",
                ),
                (
                    lambda: on_rings() - 1,
                    "So many the best training found. The best line has one more.",
                ),
                (50, "A guess gets as many. A line next to the inner ring does more."),
            ],
            tolerance=0,
            why="A line that cuts off a part of the outer ring.",
        ),
    },
    [
        "Two loops: over all pairs of points.",
        "For each pair count the others whose side agrees with their class, and those "
        "whose side does not; the larger of the two counts, plus 2.",
        "In code, agree is np.sum(side * (2 * t - 1) > 0), with side set to 0 for the "
        "two points of the pair.",
    ],
)

# --- 9.3: work -----------------------------------------------------------------------

INPUTS, HIDDEN, OUTPUTS, PICTURES, BATCH = 784, 64, 10, 60_000, 50


def forward():
    return INPUTS * HIDDEN + HIDDEN * OUTPUTS


def both():
    return 3 * forward() - INPUTS * HIDDEN


work = Exercise(
    "The network 784-64-10 is trained on 60,000 pictures in batches of 50.",
    {
        "forward": Number(
            "multiplications in the matrix products for one picture, forward",
            forward,
            [
                (
                    lambda: forward() + HIDDEN + OUTPUTS,
                    "These are the parameters. Nothing is multiplied by a bias.",
                ),
                (lambda: INPUTS * HIDDEN, "This is the first layer alone."),
                (
                    lambda: INPUTS * HIDDEN * OUTPUTS,
                    "The layers come one after the other: their products add up.",
                ),
                (lambda: BATCH * forward(), "This is for a batch."),
            ],
            tolerance=0,
        ),
        "both": Number(
            "forward and back, without slopes in the pixels",
            both,
            [
                (
                    lambda: 3 * forward(),
                    "This has the slopes in the pixels, too: nobody asks for them.",
                ),
                (
                    lambda: 2 * forward(),
                    "Back, the second layer has two products: one for its weights, one "
                    "for what goes further back.",
                ),
                (lambda: both() - forward(), "This is the way back alone."),
                (lambda: BATCH * both(), "This is for a batch."),
            ],
            tolerance=0,
            why="Forward once, dW once, and dX once for the second layer only.",
        ),
        "updates": Number(
            "updates in an epoch",
            lambda: PICTURES // BATCH,
            [
                (PICTURES, "This is with one picture a batch."),
                (BATCH, "This is the size of a batch. How many batches are there?"),
            ],
            tolerance=0,
        ),
    },
    [
        "Forward takes each weight once.",
        "Back: dW = Xᵀ dZ, and dX = dZ Wᵀ for all layers but the first.",
        "Forward 50,176 + 640. Back 50,176 + 2 · 640.",
    ],
)

# --- 9.4: beyond ---------------------------------------------------------------------

STEP = 0.8


@functools.cache
def four():
    return build(np.sin, equal(4))


def bound(pieces):
    return (2 * PI / pieces) ** 2 / 8


predict = Exercise(
    "The sine on 0 to 2π by four relus, with corners at 0, π/2, π, 3π/2, 2π. Then more "
    "relus; and a step, −0.8 left of 0 and 0.8 from there on.",
    {
        "right": Number(
            "what it says at 3π",
            lambda: says(four(), 3 * PI),
            [
                (0, "This is the sine. The last piece goes straight on."),
                (
                    lambda: says(build(np.sin, equal(23)), 3 * PI),
                    "This is the net of 23 relus. Here the last slope is 2/π.",
                ),
                (
                    lambda: 3 * slopes_of_four()[3] * PI,
                    "At 2π the net is at 0, and from there on it rises.",
                ),
            ],
            why="From 0 at 2π it rises with slope 2/π, for π more.",
        ),
        "left": Number(
            "what it says at −π",
            lambda: says(four(), -PI),
            [
                (
                    lambda: -PI * slopes_of_four()[0],
                    "This is the first piece, gone on to the left. Is its relu on?",
                ),
                (
                    lambda: PI * slopes_of_four()[0],
                    "So much it says at the right. On the left, which relus are on?",
                ),
            ],
            tolerance=0.005,
            why="All relus are off: the output bias remains, and it is 0.",
        ),
        "times": Number(
            "From 23 equal pieces to 230: how many times smaller is the bound?",
            lambda: bound(23) / bound(230),
            [
                (10, "The spacing gets ten times smaller. How does the bound go?"),
                (lambda: 10**0.5, "It goes with the square, not with the root."),
            ],
            tolerance=0.5,
            why="Spacing squared.",
        ),
        "step": Number(
            "the smallest worst error of a relu net of any size on the step",
            STEP,
            [
                (0, "A step is not continuous, and a relu net is."),
                (lambda: 2 * STEP, "Halfway between the two heights it is less."),
                (
                    lambda: STEP / 2,
                    "On its way from near −0.8 to near 0.8 the net passes 0. How far "
                    "off is it there?",
                ),
            ],
            why="Half the jump: just left and right of 0 it says nearly the same.",
        ),
    },
    [
        "Right of the last corner a relu net is a straight line. Left of the first?",
        "The bound is the spacing squared, over 8.",
        "Just left of 0 and just right of it the net says nearly the same.",
    ],
)

# --- 9.5: slopes for changes ---------------------------------------------------------


@functools.cache
def friend():
    return with_slopes(np.sin, equal(4))


find_the_slip = Exercise(
    "A friend builds four pieces of the sine with the slopes themselves as output "
    "weights: 2/π, −2/π, −2/π, 2/π.",
    {
        "middle": Number(
            "what the friend's net says at π",
            lambda: says(friend(), PI),
            [
                (lambda: says(four(), PI), "This is the right net."),
                (
                    lambda: slopes_of_four()[0] * PI,
                    "This is the first relu alone. The second is on, too.",
                ),
                (
                    lambda: says(friend(), PI) - 2,
                    "The first relu adds 2, the second takes 1 away.",
                ),
            ],
            why="2/π · π − 2/π · π/2 = 1, and the sine is 0.",
        ),
        "end": Number(
            "and at 2π",
            lambda: abs(round(says(friend(), 2 * PI), 9)),
            [
                (
                    lambda: 3 * slopes_of_four()[3] * PI / 2,
                    "Four relus are on there, with 2π, 3π/2, π and π/2 behind them.",
                ),
                (
                    lambda: slopes_of_four()[0] * 2 * PI,
                    "This is the first relu alone. All four are on.",
                ),
                (-1, "The relu at 3π/2 is on, too."),
            ],
            tolerance=0.005,
            why="4 − 3 − 2 + 1: by chance, as it should be.",
        ),
        "slip": Choice(
            "What is the slip?",
            {
                "a": (
                    "The slopes should be divided by the number of neurons.",
                    "Up to π/2 only one relu is on, and there it is right.",
                ),
                "b": (
                    "The relus to the left go on: each new one needs the change.",
                    "Right of a corner, all relus so far add their slopes.",
                ),
                "c": (
                    "The bias should be the last height.",
                    "Left of all corners only the bias speaks: it is the first height.",
                ),
            },
            "b",
        ),
    },
    [
        "At π two relus are on, π and π/2 to the right of their corners.",
        "At π: 2/π · π − 2/π · π/2.",
        "At 2π: 2/π times 2π − 3π/2 − π + π/2.",
    ],
)

# --- 9.6: your own corners -----------------------------------------------------------

MOST, GOAL = 6, 0.06


def six(a, lift=0.0):
    at = np.array([0, a, PI - a, PI, PI + a, 2 * PI - a, 2 * PI])
    up = np.array([0, 1, 1, 0, -1, -1, 0]) * (np.sin(a) + lift)
    return build(lambda c: np.interp(c, at, up), at)


@functools.cache
def tuned():
    """The best a, and the worst error that it leaves."""
    tried = np.arange(1, 1.3, 0.001)
    errors = [worst(six(a)) for a in tried]
    return tried[np.argmin(errors)], min(errors)


def my_net():
    return six(1.11, (1 - np.sin(1.11)) / 2)


def judge_net(function):
    try:
        net = function()
    except Exception as error:
        return False, f"It raises {type(error).__name__}: {error}."
    if not isinstance(net, Net):
        return False, "It should return a Net."
    good = [type(layer) for layer in net.layers] == [Dense, ReLU, Dense]
    if not good or net.theta.ndim != 1:
        return False, "It should be Net(Dense(1, m), ReLU(), Dense(m, 1))."
    hidden = net.layers[0].W.shape[1]
    if net.layers[0].W.shape[0] != 1 or net.layers[2].W.shape[1] != 1:
        return False, "It should have one input and one output."
    if hidden > MOST:
        return False, f"It has {hidden} hidden relus; {MOST} are allowed."
    error = worst(net)
    if error < GOAL:
        return True, f"right: {hidden} relus, worst error {error:.3f}."
    return False, f"{hidden} relus, worst error {error:.3f}: not yet below {GOAL}."


own = Exercise(
    "Six relus for the sine on 0 to 2π, with corners on the curve at 0, a, π − a, π, "
    "π + a, 2π − a, 2π. Six equal pieces have a worst error of 0.134.",
    {
        "my_net": Code(
            "a net of at most six relus, below 0.06",
            judge_net,
            my_net,
            [
                (lambda: build(np.sin, equal(6)), "worst error 0.134"),
                (lambda: six(1.15), "not yet below"),
                (lambda: build(np.sin, equal(23)), "6 are allowed"),
                (lambda: Net(Dense(1, 6), Dense(6, 1)), "ReLU()"),
                (lambda: Net(Dense(2, 6), ReLU(), Dense(6, 1)), "one input"),
                (lambda: 6, "a Net"),
                (lambda: build(np.sin, 6), "It raises"),
            ],
        ),
        "a": Number(
            "the best a, to two decimals",
            lambda: tuned()[0],
            [
                (lambda: PI / 3, "These are the equal pieces: 0.134."),
                (lambda: PI / 2, "Then there is no piece in the middle."),
                (
                    lambda: PI / 4,
                    "The middle is then very wide: at π/2 it is off by 0.29.",
                ),
            ],
            tolerance=0.006,
            why="Near there the middle pieces are as far off as the outer ones.",
        ),
        "error": Number(
            "the worst error that it leaves",
            lambda: tuned()[1],
            [
                (lambda: worst(six(PI / 3)), "These are the equal pieces."),
                (
                    lambda: worst(my_net()),
                    "So good it gets with corners off the curve. First on it.",
                ),
            ],
            tolerance=0.002,
        ),
    },
    [
        "Equal pieces waste: where the sine is nearly straight, a piece may be long.",
        "1 − sin a, in the middle, falls with a. The error of the outer pieces grows.",
        "Try a from 1.1 to 1.2, and take the worst error over many x.",
    ],
)

# --- 9.7: choose and defend ----------------------------------------------------------

LABELED, PIXELS, CLASSES = 512, 64, 10

defend = Exercise(
    "You have 512 labeled pictures of 64 pixels and 10 classes, and a machine that may "
    "spend 5000 multiplications on each picture that it reads.",
    {
        "lookup": Number(
            "multiplications to look up the nearest of the 512",
            LABELED * PIXELS,
            [
                (LABELED, "Each comparison takes one for each pixel."),
                (PIXELS, "This is one comparison."),
                (LABELED * PIXELS * CLASSES, "Classes play no part in looking up."),
            ],
            tolerance=0,
            why="Far more than the machine may spend.",
        ),
        "plan": Choice(
            "Which do you take?",
            {
                "a": (
                    "The nearest picture.",
                    "It misreads least of all, but this machine cannot afford it. "
                    "Could you keep only some of the 512?",
                ),
                "b": (
                    "Straight lines.",
                    "Cheapest, and at this size as good as the network in our run. "
                    "Plan for more labels: then a layer begins to pay.",
                ),
                "c": (
                    "The network 64-32-10.",
                    "It fits the machine. But what does it buy at this size? In our "
                    "run lines did as well. Show that it is better on unseen ones.",
                ),
                "d": (
                    "None yet: first get more labels.",
                    "In our run twice the labels always helped the network; the layer, "
                    "in the last row only. What do labels cost, and what a misread "
                    "picture?",
                ),
            },
            None,
            argued="bcd",
        ),
    },
    [
        "To compare two pictures takes one multiplication for each pixel.",
        "Look at the row of 512 in the table, and at the budget.",
    ],
)

EXERCISES = {
    "9.1": build_it,
    "9.2": line_exercise,
    "9.3": work,
    "9.4": predict,
    "9.5": find_the_slip,
    "9.6": own,
    "9.7": defend,
}
