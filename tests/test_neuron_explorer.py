"""NeuronExplorer in Python: the neuron it shows is the bplib net it hands over."""

import numpy as np
import pytest

from bplib import numerical_gradient
from bplib.widgets import NeuronExplorer
from bplib.widgets.explorer import WrongValue

SETTINGS = [
    {"activation": activation, "inputs": inputs, "w1": -1.5, "bias": 0.3, "x1": 0.7}
    for activation in ("identity", "sigmoid", "tanh", "relu")
    for inputs in ("one", "two")
]


@pytest.mark.parametrize("setting", SETTINGS)
def test_slopes_are_those_of_the_net(setting):
    neuron = NeuronExplorer(**setting, x2=-1.0, w2=0.5)
    x = neuron.point()
    z, y, slope, dx = neuron.at(x)
    net = neuron.net()
    assert y == net.forward(x)
    weights = np.array([-1.5, 0.5])[: x.shape[1]]
    assert z[0, 0] == pytest.approx(weights @ x[0] + 0.3, rel=1e-15)
    assert dx[0] == pytest.approx(slope[0, 0] * weights, rel=1e-14)
    measured = numerical_gradient(lambda v: net.forward(v[None]).item(), x[0])
    assert dx[0] == pytest.approx(measured, rel=1e-7, abs=1e-9)


def test_the_default_is_the_logistic_at_1():
    z, y, slope, dx = NeuronExplorer().at([[1.0]])
    assert y.item() == pytest.approx(0.7310585786, abs=1e-10)
    assert slope.item() == dx.item() == pytest.approx(0.1966119332, abs=1e-10)


def test_summary_has_the_numbers_of_the_point():
    text = NeuronExplorer(w1=2.0, x1=3.0).summary()
    assert "z = 6, y = 0.9975, dy/dz = 0.002467, dy/dx = 0.004933" in text
    text = NeuronExplorer(inputs="two", activation="relu", x1=-4.0).summary()
    assert "At x = -4, 1: z = -3.5, y = 0, dy/dz = 0, dy/dx = 0, 0." in text


def test_only_the_curve_over_one_input_can_be_drawn():
    assert NeuronExplorer(question="Draw it").question
    assert NeuronExplorer(question="Which?", options=["a", "b"], inputs="two").options
    with pytest.raises(WrongValue, match="options beside its question with two inputs"):
        NeuronExplorer(question="Draw it", inputs="two")
    neuron = NeuronExplorer(question="Draw it")
    with pytest.raises(WrongValue):
        neuron.inputs = "two"
    assert neuron.inputs == "one"
