"""The exercises of chapter 18, real digits."""

import functools

import numpy as np

from bplib.data import digits
from bplib.exercises.parts import Choice, Exercise, Number
from bplib.layers import Dense, Net, Tanh
from bplib.losses import SoftmaxCrossEntropy, softmax
from bplib.optimizers import SGD
from bplib.training import accuracy, train

# --- 18.1 ----------------------------------------------------------------------------

LOGITS, TRUE = np.array([2.0, 1.0, 0.0]), 1
ONE_HOT = np.eye(3)[TRUE]


def p(digit):
    return lambda: softmax(LOGITS)[digit]


def dz(digit):
    return lambda: (softmax(LOGITS) - ONE_HOT)[digit]


NO_EXP = "This is the logit's share of the sum of the logits: take exp of each first."
ALONE = "This is the sigmoid of that one logit: softmax asks all three of them."
NO_TARGET = "This is p. For the true digit 1 is subtracted."
UPHILL = "This is the target minus p: dz is p minus the target."
OWN_SLOPE = (
    "This is p (1 − p), the slope of one probability in its own logit. With "
    "cross-entropy dz is much simpler."
)


def probability(digit, why=""):
    return Number(
        f"the probability of the digit {digit}",
        p(digit),
        [
            (lambda: LOGITS[digit] / LOGITS.sum(), NO_EXP),
            (lambda: 1 / (1 + np.exp(-LOGITS[digit])), ALONE),
        ],
        unit="share",
        tolerance=0.0005,
        why=why,
    )


by_hand = Exercise(
    "A picture's logits for the digits 0, 1 and 2 are 2, 1, 0, and very negative for "
    "all others. The true digit is 1.",
    {
        "p0": probability(0),
        "p1": probability(1),
        "p2": probability(2, why="The three add up to 1."),
        "E": Number(
            "the error",
            lambda: -np.log(p(TRUE)()),
            [
                (
                    lambda: -np.log(p(0)()),
                    "This is −log of the largest probability: the true digit's counts.",
                ),
                (
                    lambda: -np.log10(p(TRUE)()),
                    "This is with the logarithm to base 10: take the natural one.",
                ),
                (lambda: 1 - p(TRUE)(), "This is 1 − p: the error is −log p."),
            ],
        ),
        "dz0": Number(
            "dz for the digit 0",
            dz(0),
            [
                (lambda: p(0)() - 1, "Subtract 1 for the true digit only."),
                (lambda: p(0)() * (1 - p(0)()), OWN_SLOPE),
                (lambda: -dz(0)(), UPHILL),
            ],
        ),
        "dz1": Number(
            "dz for the digit 1",
            dz(1),
            [
                (p(1), NO_TARGET),
                (lambda: p(1)() * (1 - p(1)()), OWN_SLOPE),
                (lambda: -dz(1)(), UPHILL),
            ],
        ),
        "dz2": Number(
            "dz for the digit 2",
            dz(2),
            [
                (lambda: p(2)() - 1, "Subtract 1 for the true digit only."),
                (lambda: p(2)() * (1 - p(2)()), OWN_SLOPE),
                (lambda: -dz(2)(), UPHILL),
            ],
        ),
    },
    [
        "Take exp of each logit, then divide by their sum. Very negative logits add "
        "nothing.",
        "e² + e¹ + e⁰ is about 11.107.",
        "The error is −log of the true digit's probability; dz is p, minus 1 for the "
        "true digit.",
    ],
)

# --- The network of the chapter ------------------------------------------------------


@functools.cache
def data():
    return digits()


def trained(x, t, rate=0.2, epochs=30):
    net = Net(Dense(64, 32, "xavier"), Tanh(), Dense(32, 10, "xavier"))
    optimizer, rng = SGD(rate, momentum=0.9), np.random.default_rng(0)
    for _ in train(
        net, SoftmaxCrossEntropy(), optimizer, x, t, epochs=epochs, batch=32, rng=rng
    ):
        pass
    return net


@functools.cache
def plain_net():
    return trained(*data()[0])


@functools.cache
def score(part):
    """The plain net's accuracy in training (0), validation (1) or test (2)."""
    return accuracy(plain_net(), *data()[part])


# --- 18.2 ----------------------------------------------------------------------------


@functools.cache
def parrot():
    """Accuracy in training, on labels that were mixed up, and in the test."""
    x, t = data()[0]
    mixed = np.random.default_rng(0).permutation(t)
    net = trained(x, mixed, rate=0.05, epochs=200)
    return accuracy(net, x, mixed), accuracy(net, *data()[2])


predict = Exercise(
    "The training labels are mixed up at random, so that no picture says anything "
    "about its label; then 200 epochs at the rate 0.05. Predict the accuracy, to about "
    "0.1.",
    {
        "training": Number(
            "on the training digits, with their mixed-up labels",
            lambda: parrot()[0],
            [
                (
                    lambda: parrot()[1],
                    "That is a guess, as if nothing could be learned. But 2,410 "
                    "parameters can learn many of 1,197 labels by heart.",
                ),
                (
                    lambda: score(0),
                    "That is what right labels give. Nonsense is harder to learn: each "
                    "label by itself, with nothing to go by.",
                ),
            ],
            unit="share",
            tolerance=0.1,
            why="Much of the nonsense is learned by heart.",
        ),
        "test": Number(
            "on the test digits, with their right labels",
            lambda: parrot()[1],
            [
                (
                    lambda: parrot()[0],
                    "As in training? What it has learned by heart there says nothing "
                    "about a digit it has not seen.",
                ),
                (
                    lambda: score(2),
                    "That is what right labels give. From these there was nothing to "
                    "learn about digits.",
                ),
            ],
            unit="share",
            tolerance=0.08,
            why="One in ten: a guess.",
        ),
    },
    [
        "There are ten digits. How often is a guess right?",
        "A network of 2,410 parameters has room for many labels, even senseless ones.",
        "What is learned by heart from mixed-up labels cannot help with new digits.",
    ],
)

# --- 18.3 ----------------------------------------------------------------------------

WAYS = {"right": (0, 1), "left": (0, -1), "down": (1, 0), "up": (-1, 0)}


def moved(x, down, right):
    pictures = np.pad(x.reshape(-1, 8, 8), ((0, 0), (1, 1), (1, 1)))
    pictures = pictures[:, 1 - down : 9 - down, 1 - right : 9 - right]
    return pictures.reshape(-1, 64)


def in_test(net):
    """Accuracy in the test: in place, and on average over the four ways."""
    x, t = data()[2]
    ways = [accuracy(net, moved(x, *way), t) for way in WAYS.values()]
    return accuracy(net, x, t), float(np.mean(ways))


@functools.cache
def steady(in_place=True):
    """in_test of a net that has seen the training digits moved; in_place: those too."""
    x, t = data()[0]
    ways = [(0, 0), *WAYS.values()] if in_place else list(WAYS.values())
    x_all = np.concatenate([moved(x, *way) for way in ways])
    return in_test(trained(x_all, np.tile(t, len(ways)), rate=0.1, epochs=15))


@functools.cache
def mislabelled():
    """The same with np.repeat for np.tile: the labels belong to other digits."""
    x, t = data()[0]
    x_all = np.concatenate([moved(x, *way) for way in [(0, 0), *WAYS.values()]])
    return in_test(trained(x_all, np.repeat(t, 5), rate=0.1, epochs=15))


def of_steady(place):
    return Number(
        [
            "accuracy on the test digits as they are, to 0.02",
            "accuracy on the moved test digits, on average over the four ways, to 0.02",
        ][place],
        lambda: steady()[place],
        [
            (
                lambda: in_test(plain_net())[1],
                "This is the average for the net that has seen no moved digit.",
            ),
            (
                lambda: mislabelled()[place],
                "No more than a guess: do the labels still belong to their digits? "
                "np.tile repeats the whole row, np.repeat each label by itself.",
            ),
        ],
        unit="share",
        tolerance=0.02,
    )


code = Exercise(
    "The network sees every training digit five times: as it is, and moved by one "
    "pixel each way; 15 epochs, rate 0.1, the rest as before.",
    {
        "moved": of_steady(1),
        "in_place": of_steady(0),
    },
    [
        "np.concatenate puts arrays one after the other: the digits as they are, then "
        "those moved each way.",
        "The labels come five times in the same order: np.tile(t, 5).",
        "np.concatenate([moved(x, *way) for way in all_ways]), with (0, 0) among the "
        "ways.",
    ],
)

# --- 18.4 ----------------------------------------------------------------------------

find_the_slip = Exercise(
    "A friend trains the network on x, t and reports accuracy(net, x, t) = 1.000.",
    {
        "slip": Choice(
            "What is wrong?",
            {
                "a": (
                    "The network has too many parameters.",
                    "It may have many: the question is on which digits it is graded.",
                ),
                "b": (
                    "It is graded on the digits that it was trained on.",
                    "It may have learned those by heart.",
                ),
                "c": (
                    "30 epochs are too few.",
                    "More epochs change nothing about what is measured.",
                ),
                "d": (
                    "Nothing: 1.000 is very good.",
                    "Every one of these digits was shown 30 times, with its label. "
                    "What about digits it has never seen?",
                ),
            },
            "b",
        ),
        "instead": Number(
            "The accuracy they should report, to three digits",
            lambda: score(2),
            [
                (lambda: score(0), "This is the one on the training digits again."),
                (
                    lambda: score(1),
                    "This is on the validation digits. They have helped to choose the "
                    "learning rate: report on digits that nobody has used.",
                ),
            ],
            unit="share",
            tolerance=0.0005,
        ),
    },
    [
        "Which digits has the network seen before?",
        "There are three parts of the data, with three jobs.",
        "accuracy(net, x_test, t_test), of the net of the chapter.",
    ],
)

# --- 18.5 ----------------------------------------------------------------------------


def cost(limit, astray=10, part=2, below=False):
    """The cost of a limit in a part of the data; below: with the sign turned."""
    x, t = data()[part]
    p = softmax(plain_net().forward(x))
    read = p.max(axis=1) < limit if below else p.max(axis=1) >= limit
    return int(astray * np.sum(read & (p.argmax(axis=1) != t)) + np.sum(~read))


choose = Exercise(
    "A letter that goes astray costs ten times as much as one that a person looks at. "
    "The network reads a digit only if it is sure enough; a person looks at the rest.",
    {
        "cost": Number(
            "What does the limit 0.9 cost on the 300 test digits, if a look costs 1?",
            lambda: cost(0.9),
            [
                (lambda: cost(0), "This is what it costs if the network reads all."),
                (
                    lambda: cost(0.9, astray=1),
                    "Here a letter astray costs as much as a look: it costs ten times "
                    "that.",
                ),
                (lambda: cost(0.9, part=1), "This is on the validation digits."),
                (
                    lambda: cost(0.9, below=True),
                    "Here the network reads when it is not sure: turn the sign round.",
                ),
            ],
            tolerance=0,
        ),
        "part": Choice(
            "On which part of the data do you choose the limit?",
            {
                "a": (
                    "training",
                    "There the network misreads nothing: any limit looks good.",
                ),
                "b": ("validation", "That is its job. The test only reports."),
                "c": (
                    "test",
                    "Then the test no longer tells what unseen letters will cost: the "
                    "limit was made to fit it.",
                ),
            },
            "b",
        ),
        "limit": Choice(
            "Which limit do you choose?",
            {
                "a": (
                    "0: the network reads all",
                    "No person has to look, and every misread letter goes astray: ten "
                    "times as dear as a look. On the validation digits any of the "
                    "others but the last costs less.",
                ),
                "b": (
                    "the cheapest on the validation digits",
                    "It asks the data rather than trusting the probabilities. But it "
                    "hangs on the few validation digits that are misread: another seed "
                    "may choose quite another limit.",
                ),
                "c": (
                    "0.9, as 10 to 1 says",
                    "Below that a look is cheaper on average, if the network knows how "
                    "sure it may be. It does not quite know. On these test digits it "
                    "was the cheaper rule; you may say so only if you chose it before.",
                ),
                "d": (
                    "0.999: hardly a letter astray",
                    "Safe, and a person looks at many letters that were read well: on "
                    "the validation digits these looks cost more than all misread "
                    "letters together.",
                ),
            },
            None,
            argued="bc",
        ),
    },
    [
        "A letter that is read wrongly costs 10, one that is looked at costs 1, one "
        "that is read well nothing.",
        "read = p.max(axis=1) >= limit says which letters the network reads.",
        "10 * np.sum(read & (p.argmax(axis=1) != t)) + np.sum(~read)",
    ],
)

EXERCISES = {
    "18.1": by_hand,
    "18.2": predict,
    "18.3": code,
    "18.4": find_the_slip,
    "18.5": choose,
}
