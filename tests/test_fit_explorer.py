"""FitExplorer in Python: its net, its errors, and what it says about the defaults."""

import numpy as np
import pytest

from bplib import SquaredError
from bplib.widgets import FitExplorer
from bplib.widgets.explorer import WrongValue
from bplib.widgets.fit_explorer import ACTIVATIONS, FUNCTIONS

DRAWN = [0.0, 0.5, 1.0, 1.5, 1.0, 0.5, 0.0, -0.5, -1.0, -1.5, -1.0, -0.5, 0.25]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("iterations", [0, 1, 30])
def test_net_has_the_last_loss_of_its_run(function, iterations):
    made = FitExplorer(function=function, iterations=iterations)
    net, losses = made.run()
    assert len(losses) == iterations + 1
    x, t = made.targets()
    assert x.shape == t.shape == (13, 1)
    assert SquaredError().forward(net.forward(x), t) == losses[-1]
    assert SquaredError().forward(made.net().forward(x), t) == losses[-1]


def test_the_default_fits_and_a_small_net_cannot():
    fits, cannot = FitExplorer(), FitExplorer(hidden=2)
    inside, outside = fits.errors(fits.net())
    assert inside < 0.15  # the wiggle goes from -1 to 1
    assert outside > 0.5  # and beyond the data it is wrong
    assert cannot.errors(cannot.net())[0] > 0.7
    # Not for want of time:
    assert FitExplorer(hidden=2, iterations=5000).run()[1][-1] > 0.05


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_units_bend_among_the_data_at_the_start(activation):
    first = FitExplorer(activation=activation, hidden=32, iterations=0).net().layers[0]
    bends = -first.b / first.W
    assert abs(bends).max() <= 3
    assert np.ptp(bends) > 4  # spread, not at one place


def test_drawn_points_are_the_targets():
    made = FitExplorer(points=DRAWN, iterations=200)
    assert made.targets()[1][:, 0].tolist() == DRAWN
    worst, outside = made.errors(made.net())
    assert worst == abs(made.net().forward(made.targets()[0])[:, 0] - DRAWN).max()
    assert np.isnan(outside)
    assert "13 drawn points" in made.summary()
    assert "beyond" not in made.summary()


@pytest.mark.parametrize("wrong", [[0.0], DRAWN[:-1], [*DRAWN, 0.0], [3.0] * 13, "x"])
def test_another_number_of_points_is_refused(wrong):
    made = FitExplorer(points=DRAWN)
    with pytest.raises(WrongValue, match="points"):
        made.points = wrong
    assert list(made.points) == DRAWN


def test_divergence_keeps_the_last_good_net():
    made = FitExplorer(activation="relu", learning_rate=10.0)
    net, losses = made.run()
    assert len(losses) <= made.iterations
    assert np.isfinite(losses).all() and np.isfinite(net.theta).all()
    assert f"at iteration {len(losses) + 1} the loss is no longer" in made.summary()
