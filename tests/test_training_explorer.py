"""TrainingExplorer's Python side trains the net that its page shows."""

import re

import numpy as np
import pytest

from bplib import SGD, BinaryCrossEntropy, SoftmaxCrossEntropy, SquaredError, train
from bplib.widgets import TrainingExplorer


def loss_of(explorer, net):
    x, t = explorer.examples()
    if explorer.loss == "squared error":
        target = np.eye(3)[t] if explorer.data == "spirals" else t
        return SquaredError().forward(net.forward(x), target)
    loss = SoftmaxCrossEntropy() if explorer.data == "spirals" else BinaryCrossEntropy()
    return loss.forward(net.forward(x), t)


@pytest.mark.parametrize("data", ["xor", "moons", "circles", "spirals"])
@pytest.mark.parametrize("loss", ["cross-entropy", "squared error"])
@pytest.mark.parametrize("iterations", [0, 1, 40])
def test_net_has_the_last_loss_of_its_run(data, loss, iterations):
    setting = {"data": data, "loss": loss, "learning_rate": 0.1}
    explorer = TrainingExplorer(iterations=iterations, **setting)
    net, losses = explorer.run()
    assert len(losses) == iterations + 1
    assert loss_of(explorer, net) == losses[-1]
    if iterations:
        before = TrainingExplorer(iterations=iterations - 1, **setting)
        assert loss_of(before, before.net()) == losses[-2]
        assert losses[-1] < losses[0]


def test_a_longer_run_begins_like_a_shorter_one():
    short = TrainingExplorer(iterations=20, momentum=0.9).run()[1]
    long = TrainingExplorer(iterations=50, momentum=0.9).run()[1]
    assert np.array_equal(short, long[:21])


def test_divergence_keeps_the_last_good_net():
    explorer = TrainingExplorer(
        learning_rate=100, activation="relu", loss="squared error"
    )
    net, losses = explorer.run()
    assert 1 < len(losses) < 300
    assert np.isfinite(losses).all()
    assert loss_of(explorer, net) == losses[-1]
    x, t = explorer.examples()
    again = TrainingExplorer(activation="relu", iterations=0).net()
    with pytest.raises(FloatingPointError) as error:
        for _ in train(again, SquaredError(), SGD(100), x, t, iterations=300):
            pass
    at = re.search(r"at iteration \d+ ", explorer.summary())[0]
    assert at.strip() in str(error.value)
    assert np.array_equal(net.theta, again.theta)


@pytest.mark.parametrize(
    ("setting", "what"),
    [
        ({"hidden": 3}, (2, 3)),
        ({"data": "spirals", "hidden": 5}, (2, 5)),
    ],
)
def test_net_has_the_shape_that_was_asked_for(setting, what):
    net = TrainingExplorer(iterations=0, **setting).net()
    assert net.layers[0].W.shape == what


def test_seed_changes_data_and_weights():
    one, two = TrainingExplorer(iterations=0), TrainingExplorer(iterations=0, seed=1)
    assert not np.allclose(one.examples()[0], two.examples()[0])
    assert not np.allclose(one.net().theta, two.net().theta)


@pytest.mark.parametrize("activation", ["tanh", "sigmoid", "relu"])
def test_activation_is_the_one_named(activation):
    net = TrainingExplorer(activation=activation, iterations=0).net()
    assert type(net.layers[1]).__name__.lower() == activation
