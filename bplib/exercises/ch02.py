"""The exercises of chapter 2, what backpropagation is."""

import math

import numpy as np

from bplib.exercises.parts import Choice, Code, Exercise, Number

# --- 2.1: a box in four dimensions ---------------------------------------------------

EDGES = (2, 3, 5, 7)


def face(k, edges=EDGES):
    """The slope of the product in edge k, counted from 1: the product of the others."""
    return lambda: math.prod(edges[: k - 1] + edges[k:])


def before(k, edges=EDGES):
    return lambda: math.prod(edges[: k - 1])


def behind(k, edges=EDGES):
    return lambda: math.prod(edges[k:])


ONLY_BEFORE = "This holds only the edges before it: multiply by what comes from behind."
ONLY_BEHIND = "This is what comes from behind: multiply by the edges before it, too."
VOLUME = "This is y itself: the slope leaves the edge out that moves."


def edge(k, slips):
    return Number(
        f"dx{k}, the slope of y in the edge {EDGES[k - 1]}",
        face(k),
        [*slips, (lambda: math.prod(EDGES), VOLUME)],
    )


def shared(n):
    """Multiplications of a walk back through a product of n factors."""
    return 2 * (n - 1)


by_hand = Exercise(
    "A box in four dimensions has the edges 2, 3, 5, 7, and y = x₁ · x₂ · x₃ · x₄. "
    "Forward: s₂ = x₁ · x₂, s₃ = s₂ · x₃, y = s₃ · x₄. Walk back from dy = 1.",
    {
        "dx1": edge(
            1,
            [
                (
                    lambda: math.prod(EDGES[2:]),
                    "This is ds₂. One more step back: s₂ = x₁ · x₂.",
                ),
                (face(2), "These are the edges beside x₂: that is dx₂."),
            ],
        ),
        "dx2": edge(
            2,
            [
                (behind(2), ONLY_BEHIND),
                (before(2), ONLY_BEFORE),
                (face(1), "These are the edges beside x₁: that is dx₁."),
            ],
        ),
        "dx3": edge(
            3,
            [
                (before(3), ONLY_BEFORE),
                (behind(3), ONLY_BEHIND),
            ],
        ),
        "dx4": edge(
            4,
            [
                (before(3), "This is s₂. y = s₃ · x₄: the other factor is s₃."),
                (lambda: EDGES[-1], "This is ds₃: the slope of y in s₃, not in x₄."),
            ],
        ),
        "back": Number(
            "multiplications of the walk back, those with dy counted",
            lambda: shared(len(EDGES)),
            [
                (
                    lambda: len(EDGES) - 1,
                    "That is the way forward. Each of them costs two on the way back.",
                ),
                (
                    lambda: shared(len(EDGES)) - 2,
                    "This leaves out the two with dy: here they count.",
                ),
                (
                    lambda: len(EDGES) * (len(EDGES) - 2),
                    "This is without re-use: each slope multiplied out by itself.",
                ),
                (
                    lambda: shared(len(EDGES)) + len(EDGES) - 1,
                    "This is there and back. How many of them on the way back?",
                ),
            ],
            tolerance=0,
            why="Two for each of the three on the way forward.",
        ),
        "apart": Number(
            "multiplications if each slope is multiplied out by itself",
            lambda: len(EDGES) * (len(EDGES) - 2),
            [
                (
                    lambda: len(EDGES) * (len(EDGES) - 1),
                    "Three numbers are multiplied with two multiplications, not three.",
                ),
                (lambda: len(EDGES) - 2, "That is one slope. There are four."),
                (
                    lambda: shared(len(EDGES)),
                    "That is the walk back, with re-use. Here nothing is used twice.",
                ),
            ],
            tolerance=0,
            why="With n edges it is n (n − 2), against 2 (n − 1).",
        ),
    },
    [
        "Forward: s₂ = 6, s₃ = 30, y = 210. Keep the 6 and the 30.",
        "y = s₃ · x₄ hands on two slopes: dx₄ = dy · s₃ and ds₃ = dy · x₄.",
        "In the same way s₃ gives dx₃ = ds₃ · s₂ and ds₂ = ds₃ · x₃, and s₂ gives dx₂ "
        "and dx₁.",
    ],
)

# --- 2.2: how the work grows ---------------------------------------------------------


def weights(hidden):
    return 784 * hidden + hidden + hidden * 10 + 10


def there(hidden):
    """Multiplications of a forward pass, 784-hidden-10, and of the error's squares."""
    return 784 * hidden + hidden * 10 + 10


def back(hidden):
    """Of the backward pass: dW1, dW2, dH, and two for each bend."""
    return 784 * hidden + 2 * hidden * 10 + 2 * hidden


def wiggling(hidden):
    return 2 * weights(hidden) * there(hidden)


def walk(hidden):
    return there(hidden) + back(hidden)


def growth(work):
    return work(128) / work(64)


predict = Exercise(
    "The network 784-64-10 becomes 784-128-10. By which factor do the multiplications "
    "grow?",
    {
        "wiggling": Number(
            "for wiggling every weight",
            lambda: growth(wiggling),
            [
                (
                    lambda: growth(weights),
                    "There are twice as many passes. How long is each of them?",
                ),
                (
                    lambda: growth(weights) * growth(wiggling),
                    "Twice as many passes, each twice as long: no third factor.",
                ),
                (
                    lambda: growth(weights) + 1,
                    "The two factors are multiplied: one for the passes, one for their "
                    "length.",
                ),
            ],
            tolerance=0.02,
            why="Twice as many passes, each twice as long.",
        ),
        "walk": Number(
            "for one pass there and back",
            lambda: growth(walk),
            [
                (
                    lambda: growth(wiggling),
                    "That is wiggling. There and back it is one pass each, whatever "
                    "the network.",
                ),
                (
                    lambda: 1,
                    "It stays one pass there and one back, but each becomes longer.",
                ),
            ],
            tolerance=0.02,
            why="As many passes as before, each twice as long.",
        ),
        "ratio": Number(
            "the ratio of the two",
            lambda: growth(wiggling) / growth(walk),
            [
                (
                    lambda: growth(wiggling),
                    "That is wiggling alone. The other has grown, too.",
                ),
                (
                    lambda: 1,
                    "Then both would have grown alike. Divide one factor by the other.",
                ),
                (
                    lambda: growth(wiggling) * growth(walk),
                    "For the ratio divide the factors: one is above, one below.",
                ),
            ],
            tolerance=0.02,
            why="It grows with the number of weights.",
        ),
    },
    [
        "The network has about twice as many weights. What does that do to one forward "
        "pass?",
        "Wiggling: two passes for every weight. The walk: one pass there, one back.",
        "counted(784, 128) gives the multiplications of a pass there and of one back.",
    ],
)

# --- 2.3: all slopes of a product ----------------------------------------------------


class Counting:
    """A number that counts the multiplications it takes part in, and can do no more."""

    def __init__(self, value, tally):
        self.value, self.tally = value, tally

    def __mul__(self, other):
        self.tally.append(1)
        return Counting(self.value * getattr(other, "value", other), self.tally)

    __rmul__ = __mul__


DIVIDES = (
    "Your program does something other than multiply. If it divides y by a factor: "
    "that fails where the factor is zero."
)


def judge_slopes(function):
    rng = np.random.default_rng(0)
    for x in ([2, 3, 5], [2, 3, 5, 7], rng.normal(size=8).tolist(), [2, 0, 5, 7]):
        right = [math.prod(x[:k] + x[k + 1 :]) for k in range(len(x))]
        try:
            found = np.asarray(function(list(x)), float)
        except ZeroDivisionError:
            return False, f"It divides by zero for x = {x}. Multiply only."
        except Exception as error:
            kind = f"{type(error).__name__}: {error}"
            return False, f"It stops for x = {shown(x)} ({kind})."
        if found.shape != (len(x),):
            n = len(x)
            return False, f"It should return a list of {n} slopes for {n} numbers."
        if not np.allclose(found, right):
            says = f"For x = {shown(x)} it gives {shown(found)}, not {shown(right)}."
            return False, says + why_wrong(x, found, right)
    tally = []
    try:
        function([Counting(1 + k / 100, tally) for k in range(20)])
    except Exception:
        return False, f"The slopes are right. {DIVIDES}"
    n = len(tally)
    if n > 4 * 20:
        return False, (
            f"The slopes are right, but with 20 factors it multiplies {n} times: more "
            "than 80. Use what you have."
        )
    return True, f"Right, with {n} multiplications for 20 factors."


def shown(numbers):
    return "[" + ", ".join(f"{number:.3g}" for number in numbers) + "]"


def why_wrong(x, found, right):
    if np.allclose(found, right[::-1]):
        return " They are in the wrong order."
    if np.allclose(found, [math.prod(x[:k]) for k in range(len(x))]):
        return " That is what stands before each number. What stands behind it?"
    if np.allclose(found, [math.prod(x[k + 1 :]) for k in range(len(x))]):
        return " That is what stands behind each number. What stands before it?"
    return ""


def slopes(x):
    """The right program."""
    front = [1]
    for factor in x:
        front.append(front[-1] * factor)
    dx, rest = [], 1
    for k in reversed(range(len(x))):
        dx.insert(0, front[k] * rest)
        rest = rest * x[k]
    return dx


def apart(x):
    return [math.prod(x[:k] + x[k + 1 :]) for k in range(len(x))]


def divided(x):
    return [math.prod(x) / factor for factor in x]


ZERO = (2, 0, 5, 7)

code = Exercise(
    "slopes(x) takes n numbers and returns the n slopes of their product, with at most "
    "4n multiplications and no division. It is tried on x = (2, 0, 5, 7).",
    {
        "slopes": Code(
            "the program",
            judge_slopes,
            slopes,
            [
                (apart, "more than 80"),
                (divided, "divides by zero"),
                (lambda x: slopes(x)[::-1], "order"),
                (lambda x: [math.prod(x[:k]) for k in range(len(x))], "behind"),
            ],
        ),
        "second": Number(
            "the slope for the second number, 0",
            face(2, ZERO),
            [
                (
                    lambda: 0,
                    "The product is 0. But if the 0 becomes a little more, the product "
                    "rises from 0, and how fast?",
                ),
                (behind(2, ZERO), "This is what stands behind it. Before it stands 2."),
                (before(2, ZERO), "This is what stands before it. Behind it: 5 and 7."),
            ],
            why="The product of the others. To divide y by the number would fail here.",
        ),
        "zeros": Number(
            "how many of the four slopes are zero",
            lambda: slopes(list(ZERO)).count(0),
            [
                (
                    lambda: len(ZERO),
                    "The product is zero. Are all of its slopes? Look at the second.",
                ),
                (
                    lambda: 1,
                    "The second is the one that is not zero. And the others?",
                ),
                (lambda: 0, "The slope for 2 is 0 · 5 · 7."),
            ],
            tolerance=0,
            why="All but the second: the others have the 0 as a factor.",
        ),
    },
    [
        "The slope for a number is what stands before it, times what stands behind it.",
        "Forward: keep the products of the first 0, 1, 2, ... numbers. That is what "
        "stands before.",
        "Back: start with behind = 1; the slope of number k is before[k] * behind; "
        "then behind = behind * x[k].",
    ],
)

# --- 2.4: the friend's nudges --------------------------------------------------------

BOX, TINY = (2.0, 3.0, 5.0), 1e-6


def friends(k):
    """The slope that the friend finds for edge k, counted from 1."""

    def found():
        edges = list(BOX)
        for place in range(k):
            edges[place] += TINY
        return (math.prod(edges) - math.prod(BOX)) / TINY

    return found


find_the_slip = Exercise(
    "Edges 2, 3 and 5. A friend measures: for k in range(3): x[k] += nudge; "
    "slopes[k] = (volume(x) − y) / nudge. y is the volume before the loop, nudge is "
    "tiny. The right slopes are 15, 10 and 6.",
    {
        "slip": Choice(
            "What is wrong?",
            {
                "a": (
                    "The nudge should be larger.",
                    "A tiny one is fine here: the first slope comes out as 15.",
                ),
                "b": (
                    "Each edge stays nudged.",
                    "Nobody puts it back. So each slope also holds the changes of the "
                    "edges before it.",
                ),
                "c": (
                    "A one-sided difference is far off.",
                    "Here it is exact: the volume is a straight line in each edge.",
                ),
                "d": (
                    "y should be 0.",
                    "The change is what counts: the volume after minus the volume "
                    "before.",
                ),
            },
            "b",
        ),
        "second": Number(
            "the friend's slope for the second edge",
            friends(2),
            [
                (face(2, BOX), "This is the right one. Which is the friend's?"),
                (
                    lambda: face(2, BOX)() + face(3, BOX)(),
                    "These are edges two and three. When the second is nudged, which "
                    "has moved before?",
                ),
                (face(1, BOX), "This is the first edge's alone. Now two have moved."),
            ],
        ),
        "third": Number(
            "the friend's slope for the third edge",
            friends(3),
            [
                (face(3, BOX), "This is the right one. Which is the friend's?"),
                (
                    lambda: face(2, BOX)() + face(3, BOX)(),
                    "The first edge has moved, too, and nobody put it back.",
                ),
                (friends(2), "That was so before the third edge moved."),
            ],
        ),
    },
    [
        "Go through the loop by hand. What does x look like before the second round?",
        "After the second round two edges are longer by a nudge; y is still the old "
        "volume.",
        "A small move of several edges changes the volume by the sum of their slopes, "
        "each times its move.",
    ],
)

# --- 2.5: paths ----------------------------------------------------------------------

WIDE, DEEP = 10, 5

paths = Exercise(
    "10 inputs and five layers of 10 neurons, each connected to all of the layer "
    "before.",
    {
        "paths": Number(
            "paths from one weight of the first layer to the fifth layer",
            lambda: WIDE ** (DEEP - 1),
            [
                (
                    lambda: WIDE**DEEP,
                    "The weight leads to one neuron of the first layer: only four "
                    "layers are left to choose in.",
                ),
                (
                    lambda: WIDE ** (DEEP - 2),
                    "There is a choice in each of layers two to five: four choices.",
                ),
                (
                    lambda: WIDE * (DEEP - 1),
                    "The choices multiply: after each of ten come ten more.",
                ),
            ],
            tolerance=0,
            why="Ten choices in each of the layers two to five.",
        ),
        "forward": Number(
            "multiplications of a weight by a value in a forward pass",
            lambda: DEEP * WIDE**2,
            [
                (
                    lambda: (DEEP - 1) * WIDE**2,
                    "The first layer multiplies, too: ten inputs for each of its "
                    "neurons.",
                ),
                (lambda: DEEP * WIDE, "That is one for each neuron: each has ten."),
                (
                    lambda: WIDE**DEEP,
                    "That would be path by path. Every weight is used once.",
                ),
                (lambda: WIDE**2, "That is one layer. There are five."),
            ],
            tolerance=0,
            why="One for each connection.",
        ),
        "numbers": Number(
            "numbers dh in the walk back, for the slopes of all weights",
            lambda: DEEP * WIDE,
            [
                (
                    lambda: WIDE,
                    "That is one layer. The weights of the other layers need theirs.",
                ),
                (
                    lambda: WIDE ** (DEEP - 1),
                    "That would be one for each path. How many neurons are there?",
                ),
                (
                    lambda: DEEP * WIDE**2,
                    "That is one for each weight. Weights into one neuron share its "
                    "dh.",
                ),
            ],
            tolerance=0,
            why="One for each neuron, and all paths are in them.",
        ),
        "where": Choice(
            "Where did the paths go?",
            {
                "a": (
                    "The small ones are left out.",
                    "Every path counts: the slope is exact.",
                ),
                "b": (
                    "They cancel.",
                    "Some may; in general they don't, and nothing relies on it.",
                ),
                "c": (
                    "At every neuron they are added up into one number.",
                    "And that number serves everyone who comes from before.",
                ),
                "d": (
                    "Only the steepest counts.",
                    "All of them count, added up: a large slope can come of many small "
                    "ones.",
                ),
            },
            "c",
        ),
    },
    [
        "The first weight leads to one neuron. From there, how many ways are there to "
        "the next layer, and to the one after it?",
        "Forward: every connection multiplies once. How many connections does a layer "
        "have?",
        "Back: one number for each neuron, fifty in all.",
    ],
)

# --- 2.6 -----------------------------------------------------------------------------

WAYS = {
    "a": "wiggle each unknown",
    "b": "forward mode",
    "c": "a backward pass",
    "d": "evolution",
}


def choice(prompt, right, **says):
    return Choice(prompt, {k: (WAYS[k], says[k]) for k in WAYS}, right)


choose = Exercise(
    "Wiggle each unknown, forward mode, a backward pass or evolution?",
    {
        "rooms": choice(
            "The temperature in a thousand rooms, computed by a program from one knob: "
            "its slope in every room",
            "b",
            a="Two runs do it, nearly. There is a way that is exact and costs about "
            "the same.",
            b="One pass gives the slope of every room, exactly: one knob, one "
            "direction.",
            c="That gives the slopes of one result in all knobs: here you would need a "
            "thousand walks back.",
            d="Evolution finds better knobs, not slopes.",
        ),
        "network": choice(
            "A network with fifty million weights and one error",
            "c",
            a="That is a hundred million forward passes for one gradient.",
            b="Exact, and one direction a pass: fifty million passes for one gradient.",
            c="One error, many weights: one walk back gets all slopes.",
            d="A random change has hardly any share of the gradient, with so many "
            "weights.",
        ),
        "game": choice(
            "A robot's game, a black box with a hundred knobs: the score is a whole "
            "number of points, so where it has a slope, the slope is zero",
            "d",
            a="A small nudge changes no point: you would measure zero, or a jump.",
            b="The slope is zero wherever there is one, and you cannot see inside.",
            c="The slope is zero wherever there is one, and you cannot see inside.",
            d="It needs no slope, only a score that is better or not.",
        ),
        "crash": choice(
            "A crash simulator, a black box, smooth, with three knobs and one result",
            "a",
            a="Six runs give all three slopes, and nothing inside need be known.",
            b="For this you would have to carry slopes through a program that you "
            "cannot see.",
            c="For this you would have to walk back through a program that you cannot "
            "see.",
            d="It would work. But the result is smooth: six runs tell you the way "
            "down, and many random trials only stumble on it.",
        ),
        "doubt": choice(
            "A network with 200 weights, whose backward pass you wrote yourself this "
            "morning",
            None,
            a="400 passes for a gradient are slow to train by, but you need not train "
            "by it: one comparison tells whether your backward pass is right.",
            b="200 passes, and exact, so a good judge of your backward pass; but it is "
            "one more program that you would have to write.",
            c="For training, yes: three passes against 400. But first compare it once "
            "with wiggling. This book does that with every gradient.",
            d="It cannot be wrong, for it computes no slopes. It throws away what you "
            "built, and is slower the more weights you add.",
        ),
    },
    [
        "Ask three things: how many unknowns, how many results, and can you see "
        "inside?",
        "Forward mode: one pass for each unknown. Backward: one for each result.",
        "A black box can be run, and nothing else: wiggle it if it is smooth and has "
        "few unknowns.",
    ],
)

EXERCISES = {
    "2.1": by_hand,
    "2.2": predict,
    "2.3": code,
    "2.4": find_the_slip,
    "2.5": paths,
    "2.6": choose,
}
