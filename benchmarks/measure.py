"""Contestants are first shown to agree; only then are they timed, turn by turn."""

import gc
import time
from pathlib import Path

import numpy as np

from .contestants import textbook

# The largest error allowed, relative to the largest entry of each parameter array.
TOLERANCE = {np.float64: 1e-9, np.float32: 1e-3}


class Disagreement(AssertionError):
    """A contestant whose loss or gradients are not those of the reference."""


def gradient_of_one_step(make, workload):
    """(loss, gradient), read off from what one step, as timed, did to theta."""
    # Rates near 1: a float32 theta would swallow a change of size 1e-3 * gradient.
    rate = np.asarray(workload.rate) / np.max(workload.rate)
    contestant = make(workload.with_(rate=rate if rate.ndim else float(rate)))
    before = np.array(contestant.theta(), np.float64)
    loss = contestant.step()
    after = np.array(contestant.theta(), np.float64)
    rate = rate[:, None] if rate.ndim else rate
    return np.array(loss, np.float64), (before - after) / rate


def check(label, make, workload):
    """Raise Disagreement unless one step of the contestant is one of the reference.

    Twice: in float64, where a ReLU or a maximum cannot fall on the other side by
    rounding, to 1e-9; and in the dtype that is timed.
    """
    for dtype in dict.fromkeys([np.float64, workload.dtype]):
        exact = workload.with_(dtype=dtype)
        # The reference starts where the contestant starts: at the rounded numbers.
        start = exact.with_(dtype=np.float64)
        start.__dict__["params"] = {
            name: w.astype(np.float64) for name, w in exact.params.items()
        }
        start.__dict__["x"] = exact.x.astype(np.float64)
        if workload.kind == "sigmoid":
            start.__dict__["t"] = exact.t.astype(np.float64)
        one = textbook.OneRate if workload.copies else textbook.KINDS[workload.kind]
        # All copies start alike, so one network is the reference for each of them.
        reference = one(start)
        loss, gradients = reference.gradients()
        got_loss, got = gradient_of_one_step(make, exact)
        tolerance = TOLERANCE[dtype]
        if not np.all(np.abs(got_loss - loss) <= tolerance * abs(loss)):
            raise Disagreement(f"{label}: loss {got_loss}, the reference has {loss}")
        for name, array in exact.split(got).items():
            error = np.max(np.abs(array - gradients[name]))
            error /= np.max(np.abs(gradients[name]))
            if not error <= tolerance:  # not <=: nan must not pass
                raise Disagreement(
                    f"{label}: d{name} is off by {error:.1e} of its largest entry "
                    f"in {dtype.__name__}; at most {tolerance:.0e} is allowed"
                )


def seconds(step, repeats):
    """(wall, processor) seconds a step, over a number of steps."""
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(repeats):
        step()
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return wall / repeats, cpu / repeats


def turn(step, repeats, at_least):
    """The least of three samples or more, as (wall, processor) seconds a step.

    The others were disturbed, by other programs or by a cold cache.
    """
    step()
    samples, start = [], time.perf_counter()
    while len(samples) < 3 or time.perf_counter() - start < at_least:
        samples.append(seconds(step, repeats))
    return np.min(samples, axis=0)


def times(steps, *, rounds, at_least, rest=0.0):
    """{label: array (rounds, 2) of (wall, processor) seconds a step}.

    Each round gives every contestant one turn of `at_least` seconds, in a new order.
    `rest` lets the threads of the last contestant go to sleep.
    """
    repeats = {}
    for label, step in steps.items():
        step()
        once = turn(step, 1, 0.0).max()
        repeats[label] = max(1, int(at_least / 5 / max(once, 1e-7)))
    samples = {label: [] for label in steps}
    rng = np.random.default_rng(0)
    gc.disable()
    try:
        for _ in range(rounds):
            gc.collect()
            for label in rng.permutation(list(steps)):
                time.sleep(rest)
                samples[label].append(turn(steps[label], repeats[label], at_least))
    finally:
        gc.enable()
    return {label: np.array(taken) for label, taken in samples.items()}


def memory_mb(field):
    """This process's VmRSS (now) or VmHWM (peak) in MB; Linux, else the peak only."""
    status = Path("/proc/self/status")
    if status.exists():
        # Not ru_maxrss: on Linux a child inherits the peak of the parent it came from.
        line = next(s for s in status.read_text().splitlines() if s.startswith(field))
        return int(line.split()[1]) / 1024
    import resource
    import sys

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak / 2**20 if sys.platform == "darwin" else peak / 1024
