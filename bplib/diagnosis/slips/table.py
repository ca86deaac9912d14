"""How a slip enters the list of all slips.

In every function of this folder s is the step (see `bplib.diagnosis.backward`), dz the
gradient that arrives there, d the right result of this part.
"""

from bplib.diagnosis.backward import Slip

SLIPS = []


def slip(mistake, words, kinds, unknown="", **parts):
    kinds = kinds if isinstance(kinds, tuple) else (kinds,)
    SLIPS.append(Slip(mistake, words, kinds, parts, unknown))


def at_loss(mistake, words, kind, f):
    """A slip in dy, for one loss (None: for all): f(record, d)."""

    def dy(record, dz, d):
        return f(record, d) if kind in (None, record.loss_kind) else None

    SLIPS.append(Slip(mistake, words, (), {"dy": dy}))


def nth(items, n):
    return items[n] if n < len(items) else None
