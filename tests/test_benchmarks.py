"""The benchmarks measure what they say, whatever the times: no timing is asserted."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import measure, report  # noqa: E402
from benchmarks.contestants import textbook  # noqa: E402
from benchmarks.workloads import FULL, SMALL  # noqa: E402

# Importing PyTorch takes seconds and JAX starts threads: in the other process only.
LIGHT = ["bplib", "textbook NumPy", "tight NumPy"]
by_name = pytest.mark.parametrize("workload", SMALL, ids=lambda w: w.name)


def test_small_mode_prints_every_workload_and_names_who_is_absent():
    command = [sys.executable, "-m", "benchmarks", "--small"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "REFUSED" not in done.stdout
    for workload in SMALL:
        assert f"| {workload.name} |" in done.stdout
    for peer, (_, package) in report.PEERS.items():
        is_absent = f"{peer}: absent" in done.stdout
        assert is_absent == (importlib.util.find_spec(package) is None)
    assert "| peak memory, MB | bplib |" in done.stdout


@by_name
def test_every_contestant_makes_the_same_step(workload):
    found = report.contestants(workload.kind, LIGHT)
    assert "bplib" in found
    for label, make in found.items():
        measure.check(label, make, workload)


def wrong(gradient_of):
    """A textbook contestant whose gradients went through `gradient_of(name, g)`."""

    def make(workload):
        class Wrong(textbook.KINDS[workload.kind]):
            def gradients(self):
                loss, gradients = super().gradients()
                return loss, {n: gradient_of(n, g) for n, g in gradients.items()}

        return Wrong(workload)

    return make


MISTAKES = {
    "1 percent too large": lambda name, g: g * 1.01,
    "no gradient for the first bias": lambda name, g: g * (name != "b1"),
    "one entry wrong": lambda name, g: (
        g + 0.02 * (np.arange(g.size) == 0).reshape(g.shape)
    ),
    "nan": lambda name, g: g * np.nan,
}


@pytest.mark.parametrize("mistake", MISTAKES)
@pytest.mark.parametrize("kind", list(textbook.KINDS))
def test_a_wrong_gradient_is_refused(kind, mistake):
    workload = next(w for w in SMALL if w.kind == kind)
    with pytest.raises(measure.Disagreement, match="someone"):
        measure.check("someone", wrong(MISTAKES[mistake]), workload)
    measure.check("someone", wrong(lambda name, g: g), workload)


def test_a_contestant_that_gives_all_copies_one_rate_is_refused():
    workload = next(w for w in SMALL if w.kind == "rates")

    def make(workload):
        same = workload.with_(rate=np.full(workload.copies, workload.rate[0]))
        return textbook.OneAfterAnother(same, textbook.OneRate)

    with pytest.raises(measure.Disagreement):
        measure.check("someone", make, workload)


@by_name
def test_the_reference_gradient_is_that_of_its_loss(workload):
    workload = workload.with_(dtype=np.float64)
    if workload.kind == "rates":
        reference = textbook.OneRate(workload.one_rate(0))
    else:
        reference = textbook.KINDS[workload.kind](workload)
    _, gradients = reference.gradients()
    rng = np.random.default_rng(0)
    for name, array in reference.p.items():
        direction, h, start = rng.standard_normal(array.shape), 1e-6, array.copy()
        losses = []
        for sign in (1, -1):
            array[...] = start + sign * h * direction
            losses.append(reference.gradients()[0])
        array[...] = start
        numerical = (losses[0] - losses[1]) / (2 * h)
        assert np.sum(gradients[name] * direction) == pytest.approx(numerical, rel=1e-5)


def test_times_gives_one_pair_a_round_to_each():
    calls = {"a": 0, "b": 0}

    def step(label):
        def count():
            calls[label] += 1

        return count

    taken = measure.times({k: step(k) for k in calls}, rounds=3, at_least=0.0)
    assert {k: v.shape for k, v in taken.items()} == {"a": (3, 2), "b": (3, 2)}
    assert calls["a"] == calls["b"] > 3


def test_the_workloads_are_those_promised():
    assert [w.kind for w in FULL].count("dense") == 4
    assert {w.kind for w in SMALL} == {w.kind for w in FULL}
    for workload in FULL:
        is_double = "float64" in workload.name
        assert workload.x.dtype == (np.float64 if is_double else np.float32)
    assert FULL[-1].copies == 64
