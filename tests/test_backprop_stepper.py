"""BackpropStepper from Python: the example's digits, what fits, and what is refused."""

import numpy as np
import pytest
from matplotlib.figure import Figure

from bplib import numerical_gradient
from bplib.losses import SquaredError
from bplib.widgets import BackpropStepper
from bplib.widgets.backprop_stepper import PHASES

THREE_FOUR_THREE = {
    "x": [1, -2, 0.5],
    "t": [0, 1, 0.5],
    "W1": np.linspace(-1, 1, 12).reshape(3, 4),
    "b1": [0, 0.1, -0.2, 0.3],
    "W2": np.linspace(1, -2, 12).reshape(4, 3),
    "b2": [0.5, 0, -0.5],
}


@pytest.mark.parametrize(
    ("updates", "train_biases", "loss", "digits"),
    [
        (0, False, 0.298371109, 9),
        (1, False, 0.291027774, 9),
        (1, True, 0.280471447, 9),
        (10_000, False, 3.510188e-5, 11),
        (10_000, True, 2.447562e-6, 12),
    ],
)
def test_the_example(updates, train_biases, loss, digits):
    w = BackpropStepper(updates=updates, train_biases=train_biases)
    net, found = w.run()
    assert found == pytest.approx(loss, rel=0, abs=0.5 * 10**-digits)
    assert SquaredError().forward(net.forward([w.x]), [w.t]) == found


def test_frozen_biases_stay_and_free_ones_move():
    frozen, free = (BackpropStepper(updates=1, train_biases=b) for b in (False, True))
    assert (frozen.net().layers[2].b == 0.6).all()
    assert (free.net().layers[2].b != 0.6).all()
    assert frozen.net().layers[0].W == pytest.approx(free.net().layers[0].W)


def test_gradients_are_those_of_the_loss():
    w = BackpropStepper(**THREE_FOUR_THREE, updates=3)
    net = w.net()

    def loss_at(theta):
        net.theta = theta
        return SquaredError().forward(net.forward([w.x]), [w.t])

    slopes = numerical_gradient(loss_at, net.theta.copy())
    found = np.concatenate([w.gradients()[k].ravel() for k in ("W1", "b1", "W2", "b2")])
    assert found == pytest.approx(slopes, abs=1e-9)
    assert [w.gradients()[k].shape for k in ("W1", "b1")] == [(3, 4), (4,)]


@pytest.mark.parametrize(("h", "gap"), [(0.1, 6.3e-5), (0.01, 6.1e-7), (0.001, 6.1e-9)])
def test_a_nudge_leaves_a_gap_of_its_square(h, gap):
    predicted, actual = BackpropStepper(selected="W2[1,1]", nudge=h).nudged()
    assert abs(actual - predicted) == pytest.approx(gap, rel=0.01)


@pytest.mark.parametrize("selected", ["x3", "W1[3,4]", "b1[4]", "W2[4,2]", "b2[3]"])
def test_a_nudge_of_anything_that_is_not_computed(selected):
    w = BackpropStepper(**THREE_FOUR_THREE, selected=selected, nudge=1e-4)
    predicted, actual = w.nudged()
    assert actual == pytest.approx(predicted, rel=1e-3)
    assert BackpropStepper(selected="y1").nudged() is None


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"x": [1, 2, 3]}, "expects W1 of shape"),
        ({"x": []}, "not to be empty"),
        ({"x": [1, 2, 3, 4]}, "at most 3 long"),
        ({"t": [0.5]}, "expects W2 of shape"),
        ({"b2": [0.5]}, "expects b2 of shape"),
        ({"W1": [[1, 2]]}, "expects W1 of shape"),
        ({"W1": [[1, 2], [3, "a"]]}, "expects W1 to be a list of equally long lists"),
        ({"selected": "h3"}, "expects selected to be a number of its net"),
        ({"selected": "W1[3,1]"}, "expects selected to be a number of its net"),
        ({"phase": "forward 3"}, "expects phase to be one of 'start'"),
        ({"updates": 10_001}, "expects updates to be a whole number from 0 to 10000"),
        ({"nudge": 0}, "expects nudge to be a number from 0.0001 to 1"),
    ],
)
def test_what_does_not_fit_is_refused_and_changes_nothing(wrong, words):
    with pytest.raises(ValueError, match=words):
        BackpropStepper(**wrong)
    w = BackpropStepper()
    with pytest.raises(ValueError, match=words):
        setattr(w, *next(iter(wrong.items())))
    assert w.state() == BackpropStepper().state()


def test_what_belongs_together_is_set_together():
    w = BackpropStepper()
    with w.hold_trait_notifications():
        w.x, w.W1 = [1, 2, 3], np.ones((3, 2))
    assert len(w.x) == 3 and w.net().layers[0].W.shape == (3, 2)
    before = w.state()
    with pytest.raises(ValueError, match="W1"), w.hold_trait_notifications():
        w.x, w.W1 = [1, 2], np.ones((1, 2))
    assert w.state() == before


@pytest.mark.parametrize("given", [{}, {"updates": 7}, THREE_FOUR_THREE])
def test_state_picture_and_words(given):
    w = BackpropStepper(**given, phase="backward 1", selected="h2")
    again = eval(repr(w), {"BackpropStepper": BackpropStepper})
    assert again.state() == w.state() and again.loss() == w.loss()
    figure = Figure()
    w.draw(figure)
    (axes,) = figure.axes
    assert len(axes.texts) > 20
    for words in (f"{w.loss():.10g}", f"x = {w.x[0]:g}", f"t = {w.t[0]:g}", w.phase):
        assert words in w.summary()
    assert BackpropStepper(**given).summary() != w.summary()


def test_every_phase_can_be_set():
    w = BackpropStepper()
    for phase in PHASES:
        w.phase = phase
    assert w.changed() == {"phase": PHASES[-1]}
