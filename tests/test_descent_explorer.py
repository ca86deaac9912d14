"""DescentExplorer in Python: its surfaces, its limits, and the numbers of the book."""

import math
import warnings

import numpy as np
import pytest
from matplotlib.figure import Figure

from bplib import SGD, Dense, Net, SquaredError, Tanh, numerical_gradient, train, xor
from bplib.widgets import DescentExplorer

SURFACES = {
    "one weight": dict(surface="one weight", curvature_1=3),
    "quadratic": dict(surface="quadratic", curvature_1=0.5, curvature_2=7, angle=25),
    "product": dict(surface="product"),
    "network": dict(surface="network"),
}
PLACES = [(2.1, 0.4), (-1.3, 0.7), (0.2, -2.5), (1.0, 1.0)]

every_surface = pytest.mark.parametrize("name", SURFACES)


@every_surface
@pytest.mark.parametrize("place", PLACES)
def test_gradient_and_hessian_are_those_of_the_loss(name, place):
    w = DescentExplorer(**SURFACES[name])
    at = np.array(place[: w.weights()])
    _, gradient, hessian = w.at(at)
    right = numerical_gradient(lambda x: w.at(x)[0], at.copy())
    np.testing.assert_allclose(gradient, right, rtol=1e-6, atol=1e-8)
    for i, row in enumerate(hessian):
        slope = numerical_gradient(lambda x, i=i: w.at(x)[1][i], at.copy())
        np.testing.assert_allclose(row, slope, rtol=1e-6, atol=1e-8)


def test_network_is_the_slice_that_its_words_say():
    x, t = xor()
    net = Net(Dense(2, 2), Tanh(), Dense(2, 1))
    net.theta = (1, 1, -1, -1, 0.5, -0.5, -1, 1, 1)
    loss = SquaredError()
    for _ in train(net, loss, SGD(0.5), x, t, iterations=500):
        pass
    W = net.layers[0].W
    trained = W[0].copy()
    w = DescentExplorer(surface="network", steps=3)
    assert w.at(trained)[0] < 1e-15
    W[0] = 1.5, -0.5
    right = loss.forward(net.forward(x), t)
    assert w.at((1.5, -0.5))[0] == pytest.approx(right, rel=1e-12)
    net.backward(loss.backward())
    np.testing.assert_allclose(w.at((1.5, -0.5))[1], net.layers[0].dW[0], rtol=1e-12)
    # net() is the end of the path, and the other seven parameters stay
    found = w.net()
    np.testing.assert_array_equal(found.theta[:2], w.path()[-1])
    np.testing.assert_array_equal(found.theta[2:], net.theta[2:])
    value = SquaredError().forward(found.forward(x), t)
    assert value == pytest.approx(w.losses()[-1], rel=1e-12)
    found.theta[:] = 0  # is the caller's own
    assert w.net().theta[2:].any()


def test_the_toy_settles_near_by_or_is_thrown_out_and_lands_flatter_or_diverges():
    w = DescentExplorer(start_w1=2.1, start_w2=0.4, steps=200, learning_rate=0.4)
    near, flatter, away = w, DescentExplorer(steps=200), DescentExplorer(steps=200)
    flatter.learning_rate, away.learning_rate = 0.6, 0.95
    assert near.curvatures()[-1] == pytest.approx(4.64, abs=0.01)
    assert near.limit() == pytest.approx(2 / near.curvatures()[-1])
    assert math.dist(near.path()[-1], (2.1, 0.4)) < 0.1 and near.losses()[-1] < 1e-15
    assert flatter.curvatures()[-1] == pytest.approx(2.14, abs=0.01)
    assert flatter.losses()[-1] < 1e-15
    assert flatter.limit(flatter.path()[0]) < 0.6 < flatter.limit()
    finite = np.isfinite(away.losses())
    assert finite.sum() == 10 and finite[:10].all()
    assert np.isnan(away.path()[10:]).all() and not np.isnan(away.path()[:10]).any()
    assert "after 10 steps" in away.summary()


def test_the_toys_saddle():
    w = DescentExplorer(start_w1=0, start_w2=0)
    assert (w.path() == 0).all() and math.isnan(w.limit())
    np.testing.assert_allclose(w.curvatures(), (-1, 1))
    w = DescentExplorer(start_w1=0.1, start_w2=-0.1, steps=200, learning_rate=0.4)
    assert np.abs(w.path()[-1]).max() < 1e-15 and w.losses()[-1] == 0.5
    assert "no limit" in w.summary()


@every_surface
@pytest.mark.parametrize("momentum", [0, 0.5, 0.9])
def test_the_limit_is_where_a_minimum_begins_to_throw_out(name, momentum):
    """From beside a minimum, 0.9 of the limit comes back to it and 1.1 goes away."""
    settings = SURFACES[name] | {"momentum": momentum}
    minimum = {
        "one weight": (1.0,),
        "quadratic": (0.0, 0.0),
        "product": (1.6, 0.625),
        "network": (1.309, 1.309),
    }[name]
    w = DescentExplorer(**settings, steps=60)
    w.start_w1, w.start_w2 = minimum[0] + 1e-3, minimum[-1]
    w.learning_rate = 0.9 * w.limit(minimum)
    losses = w.losses()
    assert losses[-10:].max() < 0.5 * losses[0]
    w.learning_rate = 1.1 * w.limit(minimum)
    losses = w.losses()
    assert np.nanmax(losses) > 10 * losses[0]


def strides(**settings):
    w = DescentExplorer(
        surface="quadratic",
        curvature_1=1,
        curvature_2=100,
        angle=0,
        start_w1=1,
        start_w2=1,
        steps=200,
        **settings,
    )
    distance = np.linalg.norm(w.path(), axis=1)
    return distance[1:] / distance[:-1]


def test_rates_on_a_quadratic_of_curvatures_1_and_100():
    # the distance from the minimum, from one step to the next
    np.testing.assert_allclose(strides(learning_rate=2 / 101), 0.980198, atol=5e-7)
    ratio = strides(learning_rate=0.0330579, momentum=0.669421)
    assert ratio[9] == pytest.approx(0.903, abs=5e-4)
    assert ratio[99] == pytest.approx(0.826, abs=1e-3)
    assert ratio[-1] == pytest.approx(0.818182, abs=6e-3)  # only asymptotically
    assert (np.diff(ratio[10:]) < 0).all() and ratio[-1] > 0.818182
    for other in (0.9, 1.1):  # the best plain rate is the best
        assert strides(learning_rate=other * 2 / 101)[-1] > 0.9802


def test_the_angle_turns_the_surface_and_the_path_with_it():
    w = DescentExplorer(surface="quadratic", angle=0, start_w1=2, start_w2=0)
    straight = w.path()
    w.angle, w.start_w1, w.start_w2 = 90, 0, 2
    np.testing.assert_allclose(w.path(), straight[:, ::-1], atol=1e-15)
    np.testing.assert_allclose(w.curvatures(), (1, 3))


def test_one_weight_has_paths_of_one_column():
    w = DescentExplorer(surface="one weight", steps=4, learning_rate=0.5, start_w1=3)
    np.testing.assert_allclose(w.path(), [[3], [2], [1.5], [1.25], [1.125]])
    np.testing.assert_allclose(w.losses(), (w.path()[:, 0] - 1) ** 2 / 2)
    assert w.limit() == 2 and w.curvatures().shape == (1,)


@pytest.mark.parametrize("name", ["one weight", "quadratic", "product"])
def test_only_the_network_has_a_net(name):
    with pytest.raises(ValueError, match=f'"{name}" is a formula and has no net'):
        DescentExplorer(**SURFACES[name]).net()


@pytest.mark.parametrize("ask", ["at", "curvatures", "limit"])
def test_a_place_has_as_many_weights_as_there_are(ask):
    w = DescentExplorer(surface="one weight")
    with pytest.raises(ValueError, match=r"expects w of shape \(1,\), got shape \(2,"):
        getattr(w, ask)((1, 2))
    with pytest.raises(ValueError, match=r"expects w of shape \(2,\), got shape \(1,"):
        getattr(DescentExplorer(), ask)([1])


@pytest.mark.parametrize(
    "state",
    [
        *SURFACES.values(),
        dict(steps=0),
        dict(learning_rate=0.95),
        dict(learning_rate=10, start_w1=3, start_w2=3, steps=200),
        dict(surface="one weight", curvature_1=100, learning_rate=10, steps=200),
        dict(surface="quadratic", momentum=0.99, learning_rate=10, steps=200),
        dict(start_w1=0, start_w2=0),
    ],
)
def test_pictures_and_words_of_every_kind_of_path(state):
    w = DescentExplorer(**state)
    figure = Figure()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        w.draw(figure)
        figure.canvas.draw()
        words = w.summary()
    assert len(figure.axes) == 3 and all(ax.has_data() for ax in figure.axes)
    assert w.surface in words and "nan" not in words and "inf" not in words
    assert len(w.path()) == len(w.losses()) == w.steps + 1
