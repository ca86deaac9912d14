"""GradientFlowExplorer's Python side measures what bplib computes, by hand."""

import numpy as np
import pytest

from bplib import BinaryCrossEntropy
from bplib.widgets import GradientFlowExplorer
from bplib.widgets.generator import dataset


def rms(array):
    return np.sqrt((np.asarray(array) ** 2).sum() / np.size(array))


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
@pytest.mark.parametrize("gradient", ["dz", "dW"])
@pytest.mark.parametrize("iterations", [0, 7])
def test_sizes_are_those_of_the_net_that_is_shown(activation, gradient, iterations):
    setting = {"activation": activation, "gradient": gradient, "scale": 0.9}
    explorer = GradientFlowExplorer(depth=4, width=5, iterations=iterations, **setting)
    forward, backward = explorer.flow()
    assert forward.shape == backward.shape == (4, iterations + 1)
    net, loss = explorer.net(), BinaryCrossEntropy()
    x, t = dataset("moons", 16)
    y = net.forward(x)
    assert loss.forward(y, t) == explorer.losses()[-1]
    net.backward(loss.backward())
    outputs = [rms(net.layers[2 * k + 2].x) for k in range(4)]
    assert forward[:, -1] == pytest.approx(outputs, rel=1e-12)
    if gradient == "dW":
        right = [rms(net.layers[2 * k].dW) for k in range(4)]
        assert backward[:, -1] == pytest.approx(right, rel=1e-12)
    else:
        right = [rms(numerical_dz(net, k, x, t)) for k in range(4)]
        assert backward[:, -1] == pytest.approx(right, rel=1e-4)


def numerical_dz(net, k, x, t, h=1e-6):
    """dz of layer k by central differences: what a change of one z does to the loss."""
    loss, dense = BinaryCrossEntropy(), net.layers[2 * k]
    dz = np.zeros((len(x), dense.W.shape[1]))
    for i, j in np.ndindex(dz.shape):
        values = []
        for sign in (1, -1):
            y = x
            for layer in net.layers:
                y = layer.forward(y)
                if layer is dense:
                    y = y.copy()
                    y[i, j] += sign * h
            values.append(loss.forward(y, t))
        dz[i, j] = (values[0] - values[1]) / (2 * h)
    return dz


def test_one_slider_goes_from_vanishing_to_exploding():
    """The default shows it; so do the numbers that chapters may quote."""
    ratios = []
    for scale in (0.3, 0.5, 1, 3):
        _, backward = GradientFlowExplorer(scale=scale).flow()
        ratios.append(backward[0, 0] / backward[-1, 0])
    assert ratios == sorted(ratios)
    assert ratios[1] < 0.01 and ratios[3] > 5
    # With Xavier's weights it keeps its size within a factor of 3,
    assert 1 / 3 < ratios[2] < 3
    # while for dW the scale makes all layers alike small.
    _, backward = GradientFlowExplorer(scale=0.3, gradient="dW").flow()
    assert 0.5 < backward[0, 0] / backward[-1, 0] < 2
    assert backward.max() < 1e-5


def test_sigmoid_vanishes_whatever_the_weights_and_does_not_learn():
    for scale in (0.5, 1, 2):
        explorer = GradientFlowExplorer(
            activation="sigmoid", scale=scale, iterations=100
        )
        _, backward = explorer.flow()
        assert (backward[0] / backward[-1]).max() < 1e-3
        assert explorer.losses()[-1] > 0.69


def test_stuck_counts_dead_units_and_saturated_outputs():
    calm = GradientFlowExplorer().stuck()
    assert (calm == 0).all()
    saturated = GradientFlowExplorer(scale=10).stuck()
    assert saturated.min() > 0.5
    dead = GradientFlowExplorer(activation="relu", width=2, depth=20, scale=1)
    forward, backward = dead.flow()
    share = dead.stuck()[:, 0]
    assert set(share) <= {0, 0.5, 1} and share[-1] == 1
    assert forward[-1, 0] == backward[0, 0] == 0
    assert "0 in the first layer" in dead.summary()


def test_a_run_is_over_when_a_number_is_not_finite():
    explorer = GradientFlowExplorer(activation="relu", scale=2.5, iterations=20)
    losses = explorer.losses()
    over = int(np.isfinite(losses).sum())
    assert 0 < over < 20
    for numbers in (*explorer.flow(), explorer.stuck(), losses[None]):
        assert np.isfinite(numbers[:, :over]).all()
        assert np.isnan(numbers[:, over:]).all()
    assert f"at iteration {over} a number is no longer finite" in explorer.summary()
    x, t = dataset("moons", 16)
    net = explorer.net()
    assert np.isfinite(net.theta).all()
    assert BinaryCrossEntropy().forward(net.forward(x), t) == losses[over - 1]


def test_what_is_no_part_of_the_run_changes_nothing():
    one = GradientFlowExplorer(iterations=3)
    two = GradientFlowExplorer(iterations=9, goal="ratio > 0.1 and loss < 0.6")
    assert np.array_equal(one.flow()[1], two.flow()[1][:, :4])
    assert not np.array_equal(one.flow()[1], GradientFlowExplorer(seed=1).flow()[1])
