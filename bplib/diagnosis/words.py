"""How things are said: lists of names, patterns in numbers, lines of 76 columns."""

import numpy as np


def wrapped(line):
    import textwrap  # not needed before a report is shown

    return textwrap.fill(line, 76, break_long_words=False, break_on_hyphens=False)


def listed(names):
    names = [str(n) for n in names]
    if len(names) < 2:
        return "".join(names)
    return ", ".join(names[:-1]) + " and " + names[-1]


def digits(p):
    """A factor that is not 1, with 4 digits or as many as show that it is not."""
    texts = (f"{p:.{n}g}" for n in range(4, 17))
    return next((text for text in texts if float(text) != 1), "1")


def pattern(given, right):
    """How the numbers differ, in words."""
    if given.shape != right.shape:
        return f"its shape is {given.shape}, that of the parameter {right.shape}"
    with np.errstate(all="ignore"):
        ratio = given / right
        off = np.abs(given - right) > 1e-4 * np.maximum(
            np.maximum(np.abs(given), np.abs(right)), 1e-2 * np.abs(right).max()
        )
    if not np.any(given):
        return "all zero"
    if np.all(np.isfinite(ratio)):
        if np.ptp(ratio) < 1e-4 * np.abs(ratio).max():
            return f"every entry is {digits(ratio.flat[0])} times the right one, here"
    if off.ndim == 2:
        for axis, word in (1, "row"), (0, "column"):
            lines = np.flatnonzero(off.any(axis=axis))
            word += "s" * (len(lines) > 1)
            if len(lines) <= off.shape[1 - axis] // 2:
                return f"wrong only in {word} {listed(lines)} (from 0)"
    if np.all(np.isfinite(ratio)):
        for axis, word in (0, "column"), (1, "row"):
            if ratio.ndim == 2 and ratio.shape[axis] > 1:
                if (
                    np.ptp(ratio, axis=axis) < 1e-4 * np.abs(ratio).max(axis=axis)
                ).all():
                    factors = np.take(ratio, 0, axis=axis)[:4]
                    return (
                        f"each {word} is off by a factor of its own: "
                        f"{', '.join(f'{f:.4g}' for f in factors)} ..."
                    )
        if (ratio < 0).all():
            return "every entry has the opposite sign, with other sizes"
    if off.mean() <= 0.5:
        first = [int(i) for i in np.argwhere(off)[0]]
        return f"{off.sum()} of {off.size} entries are wrong, the first at {first}"
    difference = given - right
    if np.ptp(difference) < 1e-4 * np.abs(difference).max():
        return f"every entry is {difference.flat[0]:.4g} too large, here"
    same_sign = np.mean(np.sign(given) == np.sign(right))
    return (
        f"{off.sum()} of {off.size} entries are wrong, without a simple factor; "
        f"{same_sign:.0%} have the right sign"
    )


def is_are(names):
    return "is" if len(names) == 1 else "are"


def named_in(text, subject, names):
    """Put names in place of the subject, and one of them "is", not "are"."""
    if subject not in text:
        return text
    before, after = text.split(subject, 1)
    if not before:
        for many, one in (" are ", " is "), (" have ", " has "):
            if after.startswith(many) and len(names) == 1:
                after = one + after[len(many) :]
            if after.startswith(one) and len(names) > 1:
                after = many + after[len(one) :]
    return before + listed(names) + after
