"""The exercises of chapter 8, iteration."""

import functools

import numpy as np

from bplib.exercises.parts import Choice, Code, Exercise, Number

# --- 8.1: early stopping -------------------------------------------------------------

TEN = (0.90, 0.70, 0.60, 0.62, 0.58, 0.59, 0.61, 0.60, 0.57, 0.65)


def early_stop(values, patience):
    """(where to stop, which epoch to keep), counted from 1."""
    best = 0
    for epoch, value in enumerate(values):
        if value < values[best]:
            best = epoch
        if epoch - best >= patience:
            break
    return epoch + 1, best + 1


def last_kept(values, patience):
    stop, _ = early_stop(values, patience)
    return stop, stop


def one_late(values, patience):
    return early_stop(values, patience + 1)


def from_zero(values, patience):
    stop, keep = early_stop(values, patience)
    return stop - 1, keep - 1


def best_of_all(values, patience):
    stop, _ = early_stop(values, patience)
    return stop, int(np.argmin(values)) + 1


def last_of_equals(values, patience):
    best = 0
    for epoch, value in enumerate(values):
        if value <= values[best]:
            best = epoch
        if epoch - best >= patience:
            break
    return epoch + 1, best + 1


def never_reset(values, patience):
    """Counts all epochs that were no better, not those in a row."""
    best, bad = 0, 0
    for epoch, value in enumerate(values):
        if value < values[best]:
            best = epoch
        elif epoch > 0:
            bad += 1
        if bad >= patience:
            break
    return epoch + 1, best + 1


def cases():
    rng = np.random.default_rng(0)
    random = [(rng.integers(1, 9, size=12) / 10).tolist() for _ in range(20)]
    lists = [list(TEN), [0.5], [0.5, 0.4, 0.3], [0.3, 0.4, 0.5], *random]
    return [(values, patience) for values in lists for patience in (1, 2, 3, 5)]


SAYS = [
    (from_zero, "counted from 0: the first epoch is number 1."),
    (one_late, "one epoch late: it stops when the best is `patience` epochs back."),
    (last_kept, "it keeps the epoch at which it stops: keep the best one."),
    (best_of_all, "it keeps an epoch that comes after the stop: it can't know it."),
    (last_of_equals, "of equal losses the first is the best: compare with <."),
    (never_reset, "it counts all worse epochs: count those since the best one."),
]


def judge_early_stop(function):
    given = []
    for values, patience in cases():
        try:
            stop, keep = function(list(values), patience)
            given.append((int(stop), int(keep)))
        except Exception as error:
            return False, f"on {values[:3]}... it raises {type(error).__name__}."
    if given == [early_stop(*case) for case in cases()]:
        return True, "right, on 96 cases."
    for slip, says in SAYS:
        if given == [slip(*case) for case in cases()]:
            return False, says
    for (values, patience), pair in zip(cases(), given, strict=True):
        if pair != early_stop(values, patience):
            return False, f"not right for {values[:6]} with patience {patience}: {pair}"
    return False, "not right."


write = Exercise(
    "Write early_stop(values, patience): after which epoch to stop, and which to keep, "
    "counted from 1. The validation losses of ten epochs are 0.90, 0.70, 0.60, 0.62, "
    "0.58, 0.59, 0.61, 0.60, 0.57, 0.65.",
    {
        "early_stop": Code(
            "the rule",
            judge_early_stop,
            early_stop,
            [
                (from_zero, "counted from 0"),
                (one_late, "one epoch late"),
                (last_kept, "keep the best one"),
                (best_of_all, "after the stop"),
                (last_of_equals, "of equal losses"),
                (never_reset, "since the best one"),
                (lambda values, patience: None, "it raises"),
                (lambda values, patience: (1, 1), "not right for"),
            ],
        ),
        "stop": Number(
            "patience 3: it stops after epoch",
            lambda: early_stop(TEN, 3)[0],
            [
                (
                    lambda: one_late(TEN, 3)[0],
                    "One or more too late: 6, 7 and 8 are three epochs that are no "
                    "better than 5.",
                ),
                (9, "That is four behind: 6, 7 and 8 are three."),
                (lambda: early_stop(TEN, 1)[0], "This is with no patience at all."),
                (
                    lambda: early_stop(TEN, 2)[0],
                    "This is with patience 2, or with epoch 4 still counted: 5 was "
                    "better again.",
                ),
            ],
            tolerance=0,
            why="6, 7 and 8 are no better than 5.",
        ),
        "keep": Number(
            "patience 3: it keeps epoch",
            lambda: early_stop(TEN, 3)[1],
            [
                (lambda: early_stop(TEN, 3)[0], "There it stops. Which is the best?"),
                (
                    lambda: best_of_all(TEN, 3)[1],
                    "This is the best of all ten, but it comes after the stop.",
                ),
                (lambda: early_stop(TEN, 1)[1], "Epoch 5 is better than 3."),
                (0.58, "That is its loss: which epoch?"),
            ],
            tolerance=0,
            why="Epoch 9 would have been a little better: that is what was missed.",
        ),
        "keep4": Number(
            "patience 4: it keeps epoch",
            lambda: early_stop(TEN, 4)[1],
            [
                (
                    lambda: early_stop(TEN, 3)[1],
                    "With patience 4 it sees epoch 9 as well.",
                ),
                (lambda: early_stop(TEN, 4)[0], "There it ends. Which is the best?"),
            ],
            tolerance=0,
        ),
    },
    [
        "Remember the number of the best epoch so far, and go through the values.",
        "At each epoch: is it better than the best? Then it is the best. Is the best "
        "patience epochs back? Then leave the loop.",
        "for epoch, value in enumerate(values): counts from 0; add 1 at the end.",
    ],
)

# --- 8.2: counted by hand ------------------------------------------------------------

N, BATCH, EPOCHS = 1197, 64, 30
FULL, REST = divmod(N, BATCH)

count = Exercise(
    "1,197 examples in batches of 64. How many updates is an epoch, how large is the "
    "last batch, how heavy are its examples, and how many updates are 30 epochs?",
    {
        "updates": Number(
            "updates in an epoch",
            lambda: FULL + 1,
            [
                (lambda: FULL, "These are the full batches. The rest is a batch too."),
                *(
                    (lambda k=k: round(N / BATCH, k), "Batches come whole: round up.")
                    for k in (1, 3, 6)  # as one may write it
                ),
            ],
            tolerance=0,
        ),
        "last": Number(
            "examples in the last batch",
            lambda: REST,
            [
                (lambda: BATCH - REST, "So many are missing to a full batch."),
                (BATCH, "The last one is not full."),
            ],
            tolerance=0,
        ),
        "times": Number(
            "how many times as heavy",
            lambda: BATCH / REST,
            [
                (lambda: REST / BATCH, "The other way around: 1/45 is more than 1/64."),
                (
                    lambda: BATCH / REST - 1,
                    "So much more: how many times as much?",
                ),
                (64 / 40, "This is for the 1,000 examples of the text."),
                (1.0, "Each batch takes the mean over its own examples."),
            ],
            why="1/45 against 1/64.",
        ),
        "run": Number(
            "updates in 30 epochs",
            lambda: EPOCHS * (FULL + 1),
            [
                (lambda: EPOCHS * FULL, "The short batch of each epoch is missing."),
                (
                    lambda: int(np.ceil(EPOCHS * N / BATCH)),
                    "Each epoch ends with its own short batch: round up before you "
                    "multiply.",
                ),
            ],
            unit="updates",
            tolerance=0,
        ),
    },
    [
        "Divide 1,197 by 64: how many whole batches, and what remains?",
        "In a batch of B each example has the weight 1/B.",
        "18 · 64 = 1,152.",
    ],
)

# --- 8.3: the mean of the means ------------------------------------------------------

LOSSES, SIZES = np.array([0.4] * 15 + [2.0]), np.array([64] * 15 + [40])


def mean_over_examples():
    return np.sum(LOSSES * SIZES) / SIZES.sum()


find_the_slip = Exercise(
    "1,000 examples in batches of 64. The fifteen full batches have the loss 0.4, the "
    "last one, of 40, has 2.0. A friend reports the mean of the 16 losses.",
    {
        "friend": Number(
            "the friend's number",
            lambda: LOSSES.mean(),
            [
                (mean_over_examples, "This is the mean over the examples."),
                (1.2, "This is the mean of 0.4 and 2.0. How often does 0.4 occur?"),
                (0.4, "And the short batch?"),
            ],
        ),
        "examples": Number(
            "the mean over the 1,000 examples",
            mean_over_examples,
            [
                (lambda: LOSSES.mean(), "This is the mean of the batch losses."),
                (
                    lambda: np.sum(LOSSES * SIZES) / (16 * 64),
                    "There are 1,000 examples, not 16 · 64.",
                ),
            ],
            why="(960 · 0.4 + 40 · 2.0) / 1000.",
        ),
        "second": Choice(
            "The second flaw, in real training?",
            {
                "a": (
                    "The losses are those of 16 different networks.",
                    "The parameters move after every batch.",
                ),
                "b": (
                    "The rate is missing.",
                    "The rate has no place in a loss: it says how far to step.",
                ),
                "c": (
                    "They are computed after the updates.",
                    "step.loss is from before its update. See the docstring of Step.",
                ),
                "d": (
                    "The order of the examples changes the mean over all 1,000.",
                    "It changes the friend's number, by who lands in the short batch: "
                    "the first flaw again. The mean over all 1,000 does not change.",
                ),
            },
            "a",
        ),
    },
    [
        "How many numbers does the friend average, and how many examples stand behind "
        "each?",
        "960 examples have 0.4 on average, 40 have 2.0.",
    ],
)

# --- 8.4: no minimum -----------------------------------------------------------------


@functools.cache
def weight(updates):
    w = 0.0
    for _ in range(updates):
        w += 1 / (1 + np.exp(w))
    return w


def slope(updates):
    return 1 / (1 + np.exp(weight(updates)))


endless = Exercise(
    "E = ln(1 + e^(−w)), whose slope is −1/(1 + e^w), from w = 0 with the rate 1. How "
    "large is w after 1,000 updates? By how much does it grow in the next 9,000, and "
    "by which factor does the slope shrink meanwhile?",
    {
        "w1000": Number(
            "w after 1,000 updates",
            lambda: weight(1000),
            [
                (500.0, "The slope is 1/2 at the start only: it shrinks as w grows."),
                (lambda: -weight(1000), "The slope is negative, so w goes up."),
                (lambda: weight(10_000), "This is after 10,000."),
            ],
            why="About ln 1000.",
        ),
        "growth": Number(
            "growth in the next 9,000",
            lambda: weight(10_000) - weight(1000),
            [
                (
                    lambda: weight(10_000),
                    "This is w itself: how much was there before?",
                ),
                (lambda: 9 * weight(1000), "The slope does not stay what it was."),
                (
                    lambda: 9000 * slope(1000),
                    "So much if the slope stayed what it is after 1,000 updates.",
                ),
            ],
            why="About ln 10: ten times as many updates for each such piece.",
        ),
        "factor": Number(
            "the slope is smaller by a factor of",
            lambda: slope(1000) / slope(10_000),
            [
                (lambda: slope(10_000) / slope(1000), "The other way around."),
                (
                    lambda: weight(10_000) / weight(1000),
                    "This compares the weights, not the slopes.",
                ),
                (lambda: slope(1000), "This is the slope after 1,000 updates."),
            ],
        ),
    },
    [
        "A loop of 10,000 updates: w += 1 / (1 + np.exp(w)).",
        "For large w the slope is about e^(−w). Then e^w grows by about 1 an update.",
    ],
)

# --- 8.5: choose and defend ----------------------------------------------------------

choose = Exercise(
    "1,000 labeled pictures, thirty ideas for settings, and a customer who wants to "
    "know how good the network will be. What do you do?",
    {
        "plan": Choice(
            "Your plan?",
            {
                "a": (
                    "train and report on all 1,000",
                    "This measures memory, not skill. And of thirty the one that "
                    "learned most by heart wins.",
                ),
                "b": (
                    "800 to train, 200 to choose by and to report",
                    "A good choice, but a flattered number: the best of thirty was "
                    "lucky on those 200. Keep some pictures back to report on.",
                ),
                "c": (
                    "600, 200 and 200",
                    "The number is honest. You pay with 200 pictures that teach "
                    "nothing, and 200 are few: an accuracy of 0.9 on them is known to "
                    "about four points, either way.",
                ),
                "d": (
                    "as (c), then train once more on all 1,000",
                    "The number is honest for the network of before; the new one has "
                    "seen more and is most likely no worse. But nothing can check it "
                    "any more, nor tell you when to stop.",
                ),
            },
            None,
            argued="cd",
        ),
        "times": Number(
            "four times the pictures: the flattery is smaller by about",
            lambda: np.sqrt(4),
            [
                (4.0, "Luck shrinks with the root of the number of pictures."),
                (16.0, "Luck shrinks with the root of the number, not its square."),
                (1.0, "A mean over more pictures hangs less on luck."),
                (0.5, "The other way around."),
            ],
            tolerance=0.2,
            why="The spread of a mean goes with 1/√n.",
        ),
    },
    [
        "Which pictures decided something? Those can't report it.",
        "The score of a network on n pictures scatters like 1/√n.",
    ],
)

EXERCISES = {
    "8.1": write,
    "8.2": count,
    "8.3": find_the_slip,
    "8.4": endless,
    "8.5": choose,
}
