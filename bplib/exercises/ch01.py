"""The exercises of chapter 1, neural networks."""

import functools
import itertools

import numpy as np

from bplib.exercises.parts import Choice, Code, Exercise, Number, Order

# --- 1.1: one neuron -----------------------------------------------------------------

X_HAND, W_HAND, B_HAND = (1, 1 / 2, 2), (2, -3, 1), -1


def weighted_sum(x, w, b):
    return float(np.dot(x, w) + b)


def sigmoid(z):
    return float(1 / (1 + np.exp(-z)))


def by_hand_sum(w=W_HAND, b=B_HAND):
    return lambda: weighted_sum(X_HAND, w, b)


def second_sum(b=B_HAND):
    return lambda: weighted_sum((0, 1, 1), W_HAND, b)


def bias_for(pattern, count=sum, above=0.5):
    return lambda: above - count(pattern)


PATTERN = (1, 1, 0, 1)

by_hand = Exercise(
    "A neuron has the weights (2, −3, 1) and the bias −1. A second one is to find the "
    "pattern 1101, with the weights (1, 1, −1, 1).",
    {
        "z": Number(
            "the weighted sum for the input (1, 1/2, 2)",
            by_hand_sum(),
            [
                (by_hand_sum(b=0), "This is without the bias: it is added too."),
                (by_hand_sum(b=1), "The bias is −1: it is added, with its sign."),
                (
                    by_hand_sum(w=(2, 3, 1)),
                    "The second weight is −3: its product is subtracted.",
                ),
            ],
        ),
        "sigmoid": Number(
            "what the sigmoid makes of it",
            lambda: sigmoid(by_hand_sum()()),
            [
                (
                    lambda: sigmoid(by_hand_sum(b=0)()),
                    "This comes of the sum without the bias.",
                ),
                (
                    lambda: sigmoid(-by_hand_sum()()),
                    "This is 1/(1 + e to the +z): the exponent is −z.",
                ),
                (lambda: float(np.tanh(by_hand_sum()())), "This is tanh of it."),
            ],
            unit="share",
        ),
        "relu": Number(
            "the output for the input (0, 1, 1), with relu",
            lambda: max(second_sum()(), 0),
            [
                (second_sum(), "This is the weighted sum. What does relu make of it?"),
                (
                    lambda: -second_sum()(),
                    "Relu does not turn the sign around: what is max(z, 0)?",
                ),
                (second_sum(b=0), "Add the bias, and then take max(z, 0)."),
            ],
            tolerance=0.001,
            why="The weighted sum is below 0, and relu lets nothing of it through.",
        ),
        "bias": Number(
            "the bias that gives 1101 a weighted sum of +0.5",
            bias_for(PATTERN),
            [
                (
                    bias_for((1, 0, 1)),
                    "This is right for 101, which has two ones. How many has 1101?",
                ),
                (
                    bias_for(PATTERN, above=0),
                    "With this 1101 gets exactly 0, and that is not above 0.",
                ),
                (
                    bias_for(PATTERN, count=len),
                    "Only the ones of the pattern add to its sum: there are three.",
                ),
            ],
            why="One for each 1 of the pattern, and half of one below that.",
        ),
    },
    [
        "Multiply each input by the weight below it, add the products, then the bias.",
        "The sigmoid is 1/(1 + e to the −z); relu is z where z is above 0, and else 0.",
        "With the weights (1, 1, −1, 1) the products for 1101 add up to 3.",
    ],
)

# --- All strings of twelve bits ------------------------------------------------------


@functools.cache
def windows(filter_=(1, -1, 1)):
    """The products, without bias, of a filter with all ten windows: (4096, 10)."""
    X = np.array(list(itertools.product([0, 1], repeat=12)))
    return sum(w * X[:, i : i + 10] for i, w in enumerate(filter_))


def says_yes(bias=-1.5, bend=True, collect=-0.25, **filter_):
    """How many strings the detector says yes to."""
    z = windows(**filter_) + bias
    h = np.maximum(z, 0) if bend else z
    return int(np.sum(h.sum(axis=1) + collect > 0))


def count(**change):
    return lambda: says_yes(**change)


# --- 1.2 -----------------------------------------------------------------------------

AS_BEFORE = "This many contain 101: it is the count before anything was changed."

predict = Exercise(
    "The detector of the chapter: twelve bits, ten hidden neurons with relu, weights "
    "(1, −1, 1) and biases −1.5, and an output that adds them up, with the bias −0.25. "
    "One thing is changed. How many of the 4,096 strings get a yes?",
    {
        "no_bias": Number(
            "The ten hidden biases are 0",
            count(bias=0),
            [
                (count(), AS_BEFORE),
                (
                    lambda: 4096,
                    "Nearly. Is there a string whose windows all get 0, or less?",
                ),
                (
                    lambda: 4096 - says_yes(bias=0),
                    "This counts those that get a no.",
                ),
            ],
            tolerance=0,
            why="Only the string of twelve zeros is left: every other one has a window "
            "with a positive sum.",
        ),
        "no_bend": Number(
            "The relu is left out",
            count(bend=False),
            [
                (count(), AS_BEFORE),
                (
                    count(bend=False, bias=0),
                    "This forgets the hidden biases: ten of them, together −15.",
                ),
                (lambda: 4096, "What do ten biases of −1.5 add up to?"),
            ],
            tolerance=0,
            why="The windows without the pattern now pull the sum down, each of them.",
        ),
        "no_minus": Number(
            "The weights are (1, 0, 1)",
            count(filter_=(1, 0, 1)),
            [
                (count(), AS_BEFORE),
                (
                    lambda: int(
                        np.sum(np.any(windows(filter_=(1, 1, 1)) == 3, axis=1))
                    ),
                    "These contain 111. But 101 still gets a yes as well.",
                ),
                (
                    lambda: 4096 - says_yes(filter_=(1, 0, 1)),
                    "This counts those that get a no.",
                ),
            ],
            tolerance=0,
            why="101 and 111 look the same to it.",
        ),
    },
    [
        "Without biases, which windows still have a sum of 0 or less? Which strings "
        "have no other windows?",
        "Without relu the output is one weighted sum of the twelve bits. Its bias is "
        "10 · (−1.5) − 0.25. How large can the rest get?",
        "With the weights (1, 0, 1) the middle bit does not count. Change W1 and b1, "
        "and count Y > 0.",
    ],
)

# --- 1.3 -----------------------------------------------------------------------------


def sliding(turned=False, bias=True, short=0):
    """A reader's slide, slips and all."""

    def slide(x, w, b):
        x, w = np.asarray(x, float), np.asarray(w, float)[:: -1 if turned else 1]
        starts = range(x.shape[1] - len(w) + 1 - short)
        z = [x[:, s : s + len(w)] @ w for s in starts]
        return np.stack(z, axis=1) + (b if bias else 0)

    return slide


def judge_slide(slide):
    rng = np.random.default_rng(0)
    for n, length, k in ((3, 8, 3), (1, 5, 2), (4, 6, 6), (2, 9, 4)):
        x, w, b = rng.normal(size=(n, length)), rng.normal(size=k), rng.normal()
        given = x.copy(), w.copy()
        try:
            z = np.asarray(slide(*given, b), float)
        except Exception as error:
            return False, f"It raises {type(error).__name__}: {error}."
        if not (np.array_equal(given[0], x) and np.array_equal(given[1], w)):
            return False, "It changes the x or w that it is given."
        right = sliding()(x, w, b)
        if z.shape != right.shape:
            short = z.shape == (n, length - k)
            text = "is the last window there" if short else "how many places are there"
            return False, f"x {x.shape} and {k} weights give {z.shape}: {text}?"
        if np.allclose(z, right):
            continue
        if np.allclose(z, sliding(turned=True)(x, w, b)):
            return False, (
                "This is the filter turned around, as np.convolve lays it on: the "
                "first weight belongs to the first number of the window."
            )
        if np.allclose(z, right - b):
            return False, "Everything is right but the bias: it is missing."
        if np.allclose(z, np.maximum(right, 0)):
            return False, "Here the weighted sums are asked for, without relu."
        return False, "The shape is right, the numbers are not."
    return True, "right: it slides four random filters as it should."


X_ROW, W_ROW, B_ROW = [[2, 0, 1, 3]], [1, 2, -1], 0.5


def of_row(place=1, b=B_ROW, **slip):
    return lambda: float(sliding(**slip)(X_ROW, W_ROW, b)[0, place])


code = Exercise(
    "slide(x, w, b) lays the filter w, with the bias b, on each row of x at every "
    "place, as it is and not turned around, and returns the weighted sums.",
    {
        "slide": Code(
            "the function",
            judge_slide,
            sliding(),
            [
                (sliding(turned=True), "turned around"),
                (sliding(bias=False), "it is missing"),
                (sliding(short=1), "is the last window there"),
                (
                    lambda x, w, b: np.maximum(sliding()(x, w, b), 0),
                    "without relu",
                ),
                (lambda x, w: x, "raises TypeError"),
            ],
        ),
        "second": Number(
            "For the row (2, 0, 1, 3), the filter (1, 2, −1) and the bias 0.5: the "
            "second number",
            of_row(),
            [
                (of_row(turned=True), "This is the filter turned around."),
                (of_row(b=0), "This is without the bias."),
                (of_row(place=0), "This is the first number."),
            ],
        ),
        "places": Number(
            "How many numbers come out for a row of 100 and a filter of 7?",
            lambda: sliding()(np.zeros((1, 100)), np.zeros(7), 0).shape[1],
            [
                (
                    lambda: 100 - 7,
                    "The first place and the last both count: one more.",
                ),
                (
                    lambda: 100,
                    "Near the end the filter would stick out: it has fewer places.",
                ),
                (lambda: 100 // 7, "The windows may overlap: it moves by one."),
            ],
            tolerance=0,
        ),
    },
    [
        "For one place: x[:, s : s + k] @ w + b gives that place for all rows.",
        "s runs from 0 to L − k, both included: range(L − k + 1).",
        "np.stack of the list over s, with axis=1, puts the places side by side.",
    ],
)

# --- 1.4 -----------------------------------------------------------------------------


def finds(*, last):
    """Strings whose first nine windows say nothing (or all), and the last says yes."""
    yes = windows() - 1.5 > 0
    before = yes[:, :9].any(axis=1)
    return int(np.sum(yes[:, 9] & ~before)) if last else int(np.sum(before))


find_the_slip = Exercise(
    "A friend's detector for 101 in twelve bits: z = [x[i] − x[i + 1] + x[i + 2] − 1.5 "
    "for i in range(len(x) − 3)], and the answer is max(z) > 0.",
    {
        "slip": Choice(
            "What is wrong?",
            {
                "a": (
                    "The bias should be −2.5.",
                    "With −2.5 even 101 gets −0.5. The bias is right.",
                ),
                "b": (
                    "The last window is left out.",
                    "Twelve bits have ten windows, and range(12 − 3) has nine numbers.",
                ),
                "c": (
                    "max should be sum.",
                    "One window above 0 is enough, and max asks just that. A sum of z "
                    "would let the others pull it down.",
                ),
                "d": (
                    "Nothing is wrong.",
                    "It is right for 96 of 100 strings. Try 000000000101.",
                ),
            },
            lambda: "b" if finds(last=True) else "d",
        ),
        "wrong": Number(
            "On how many of the 4,096 strings is its answer wrong?",
            lambda: finds(last=True),
            [
                (
                    lambda: 4096 // 8,
                    "So many end in 101. But most of them have another one before, "
                    "and that is found.",
                ),
                (lambda: finds(last=False), "To so many it says yes, rightly."),
                (count(), "So many contain 101. The friend finds most of them."),
                (lambda: 4096 - says_yes(), "So many do not contain 101."),
            ],
            tolerance=0,
            why="They end in their only 101.",
        ),
    },
    [
        "Write down the values of i for a short string, such as 0101.",
        "Which strings can go wrong? Only those in which the only 101 is the last.",
        "Run it on all 4,096 strings and compare with the right answers.",
    ],
)

# --- 1.5 -----------------------------------------------------------------------------


@functools.cache
def sets_of_one_neuron(inputs, bias=True):
    """Sets of windows that one neuron accepts, with weights from -2 to 2."""
    corners = np.array(list(itertools.product([0, 1], repeat=inputs)))
    weights = itertools.product(range(-2, 3), repeat=inputs)
    biases = np.arange(-6.5, 7) if bias else [0]
    return len({tuple(corners @ w + b > 0) for w in weights for b in biases})


prove = Exercise(
    "No single neuron says yes to 101 and 010 and to no other window of three bits.",
    {
        "proof": Order(
            "Put the lines of a proof in order.",
            {
                "a": "A number cannot be above 0 and not above 0: there is no such "
                "neuron.",
                "b": "Add these two: s(101) + s(010) > 0.",
                "c": "Suppose there is one. It accepts two windows: s(101) > 0 and "
                "s(010) > 0.",
                "d": "It refuses 111 and 000, so s(111) + s(000) is not above 0.",
                "e": "Place by place 101 + 010 = 111 + 000, so s(101) + s(010) = "
                "s(111) + s(000).",
            },
            ("cbeda", "cbdea", "cebda", "cedba", "cdbea", "cdeba", "ecbda", "ecdba"),
            [
                (
                    "acbed",
                    "This begins with the end: first comes what is supposed, last "
                    "what is shown.",
                ),
                ("bceda", "What is added there has to be supposed before."),
                ("decba", "Who refuses? First comes the line that supposes a neuron."),
            ],
            why="One sum, and it would have to be both.",
        ),
        "count": Number(
            "Of the 256 sets of windows, for how many is there a neuron that says yes "
            "to exactly these?",
            lambda: sets_of_one_neuron(3),
            [
                (lambda: 256, "Then 101 and 010 alone would have one too."),
                (
                    lambda: 256 - sets_of_one_neuron(3),
                    "This counts the sets without a neuron.",
                ),
                (
                    lambda: sets_of_one_neuron(3, bias=False),
                    "This is without a bias: let it vary too.",
                ),
                (
                    lambda: sets_of_one_neuron(2),
                    "This is the count for two bits, of 16 sets.",
                ),
            ],
            tolerance=0,
            why="So for 152 sets one neuron is not enough.",
        ),
    },
    [
        "A proof by contradiction begins with: suppose there is one.",
        "Both sides of one equation must be there before the last line can say that "
        "they do not fit.",
        "For the count: weights from −2 to 2 and biases −6.5, −5.5, ... 6.5 are "
        "enough. Put the eight answers of each neuron into a set of tuples.",
    ],
)

# --- 1.6 -----------------------------------------------------------------------------

choose = Exercise(
    "Dense, convolutional or recurrent: which kind would you take?",
    {
        "blood": Choice(
            "30 different blood values of each patient, always in the same order, and "
            "one diagnosis",
            {
                "a": (
                    "dense",
                    "Each value means something else, so no weight can serve for two.",
                ),
                "b": (
                    "convolutional",
                    "A filter claims that neighbors belong together, and that a "
                    "pattern means the same at every place. Is that so for a list of "
                    "blood values?",
                ),
                "c": (
                    "recurrent",
                    "It claims that each value is read by the same rule as the one "
                    "before. But sugar is not iron.",
                ),
            },
            "a",
        ),
        "beat": Choice(
            "a recording of a heart, from a minute to an hour long: is there one odd "
            "beat, anywhere?",
            {
                "a": (
                    "dense",
                    "It would need one length for all, examples of an odd beat at "
                    "every place, and weights for each. Hard to defend.",
                ),
                "b": (
                    "convolutional",
                    "A beat looks the same at every place, and the largest answer of "
                    "a filter asks for one anywhere, at any length. Say what you do "
                    "if beats are odd only beside the one before: a longer filter?",
                ),
                "c": (
                    "recurrent",
                    "It reads any length and can compare a beat with those before. "
                    "Say how it keeps in mind for an hour what it found in the first "
                    "minute.",
                ),
            },
            None,
        ),
        "start": Choice(
            "Which kind, with the largest answer of each filter, cannot decide whether "
            "a 101 stands at the very beginning?",
            {
                "a": (
                    "dense",
                    "It can: three weights for the first three bits, and 0 for all "
                    "others.",
                ),
                "b": (
                    "convolutional",
                    "The largest answer does not say from where it comes. Here the "
                    "claim behind the sharing is false.",
                ),
                "c": (
                    "recurrent",
                    "It can: its state may hold whether the string has just begun.",
                ),
            },
            "b",
        ),
    },
    [
        "Ask what may be shared: does a thing mean the same at another place, or at "
        "another time?",
        "Ask also whether all inputs have the same length.",
    ],
)

EXERCISES = {
    "1.1": by_hand,
    "1.2": predict,
    "1.3": code,
    "1.4": find_the_slip,
    "1.5": prove,
    "1.6": choose,
}
