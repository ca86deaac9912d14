"""The capstone: a network in a file of the reader's own, judged station by station.

`judge("network.py")`, or `python -m bplib.capstone network.py`, says how far it is
(`order.py`); `starter()` is the contract (`starter.py`).
"""

import textwrap
from collections.abc import Mapping
from types import ModuleType


class Station:
    """One station. kind: "passed", "wrong" or "open"; lines: what is said of it."""

    def __init__(self, name, kind, lines=()):
        self.name, self.kind, self.lines = name, kind, list(lines)

    def __repr__(self):
        text = f"{self.name:<10}{self.kind}"
        return "\n".join([text, *(wrapped(line) for line in self.lines)])


class Report:
    """What the judge says; prints as text.

    stations: all of them, in order. passed: the names of those that passed. ok: are
    these all?
    """

    def __init__(self, stations):
        self.stations = list(stations)

    @property
    def passed(self):
        return [station.name for station in self.stations if station.kind == "passed"]

    @property
    def ok(self):
        return len(self.passed) == len(self.stations)

    def __repr__(self):
        told = [repr(s) for s in self.stations if s.kind != "open"]
        return "\n".join([*told, self.end()])

    def end(self):
        """The last line: what comes next."""
        left = [s.name for s in self.stations if s.kind == "open"]
        if self.ok:
            return "All passed: from an empty file to a network, with your own hands."
        return textwrap.fill(f"Then: {', '.join(left)}.", 76) if left else ""


def judge(network="network.py", *, say=None, patience=1):
    """Judge a file; or a module, or a dict of functions, that is there already.

    Stations come in order, and the first that does not pass is the last that is looked
    at. A file is run in a process of its own, with a time limit for each station, so
    that it can neither hang nor end the judge (it has all your rights, though);
    functions are run here. say(station) is called as soon as a station is judged.
    patience multiplies the time limits, for slow machines.
    Returns a Report.
    """
    from bplib.capstone.order import SECONDS, in_order
    from bplib.capstone.running import apart

    if isinstance(network, Mapping):
        told = in_order(dict(network), patience)
    elif isinstance(network, ModuleType):
        told = in_order(dict(vars(network)), patience)
    else:
        told = apart(network, SECONDS, patience)
    found = []
    for name, passed, lines in told:
        if name == "file" and passed:
            continue
        found.append(Station(name, "passed" if passed else "wrong", lines))
        if say:
            say(found[-1])
    done = {station.name for station in found}
    rest = [name for name in SECONDS if name not in done and name != "file"]
    return Report([*found, *(Station(name, "open") for name in rest)])


def starter():
    """The contract: a file with every station in it, and nothing in the stations."""
    from bplib.capstone.contract import starter

    return starter()


def wrapped(line):
    """A line of a report, indented, in lines of 76 columns at most."""
    indent = "    " + " " * (len(line) - len(line.lstrip()))
    return textwrap.fill(
        line.strip(), 76, initial_indent=indent, subsequent_indent=indent,
        break_long_words=False, break_on_hyphens=False,
    )  # fmt: skip
