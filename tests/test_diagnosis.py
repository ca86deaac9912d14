"""The tool that says why a gradient is wrong is itself put to the test.

Programs with planted mistakes are in `planted.py`, which shares no code with the tool.
"""

import itertools
import sys
from pathlib import Path

import numpy as np
import planted
import pytest

from bplib import (
    RNN,
    SGD,
    Adam,
    BinaryCrossEntropy,
    Conv2D,
    Dense,
    Flatten,
    Layer,
    MaxPool2D,
    Net,
    ReLU,
    Sigmoid,
    SoftmaxCrossEntropy,
    SquaredError,
    Tanh,
    circles,
    diagnose,
    diagnose_backward,
    diagnose_training,
    digits,
    moons,
    xor,
)
from bplib.diagnosis.backward import Record
from bplib.diagnosis.search import hypotheses
from bplib.diagnosis.slips import SLIPS
from bplib.diagnosis.symptoms import SYMPTOMS
from bplib.diagnosis.words import digits as digits_of
from bplib.mistakes import CHAPTERS, MISTAKES

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))

from benchmarks import diagnosis as benchmark  # noqa: E402


def small():
    """A net for XOR, its loss and data."""
    x, labels = xor()
    net = Net(Dense(2, 4), Tanh(), Dense(4, 1), seed=1)
    net.theta = np.random.default_rng(0).normal(size=17)
    return net, SquaredError(), x, labels[:, None].astype(float)


def with_batch(n=7, widths=(3, 4, 4, 3), bend=Tanh, loss=None, seed=0):
    rng, layers = np.random.default_rng(seed), []
    for a, b in zip(widths[:-1], widths[1:], strict=True):
        layers += [Dense(a, b), bend()]
    net = Net(*layers[:-1])
    net.theta = rng.normal(size=net.theta.shape)
    loss = loss or SoftmaxCrossEntropy()
    x = rng.normal(size=(n, widths[0]))
    return net, loss, x, planted.a_target(rng, loss, n, widths[-1])


# ------------------------------------------------------------- the count, in small


@pytest.mark.parametrize(
    ("slip", "mistake", "kind"),
    [
        pytest.param(*row, id=f"{row[0]}-{getattr(row[2], '__name__', 'loss')}")
        for row in benchmark.rows()
    ],
)
def test_planted_mistakes_are_named(slip, mistake, kind):
    outcome, _ = benchmark.one(slip, mistake, kind, seed=1000)
    assert outcome in ("named", "same here"), outcome


def test_right_gradients_are_called_right():
    assert benchmark.correct_called_wrong(40) == []


def test_the_count_can_fail(monkeypatch):
    """With two hypotheses broken, their mistakes are no longer named."""
    table = [("activation:missing", "missing_activation_derivative", Tanh)]
    table += [("db:sign", "sign", Dense)]
    before = [benchmark.one(*row, seed=3)[0] for row in table]
    assert set(before) == {"named"}
    for slip in SLIPS:
        if slip.mistake in ("missing_activation_derivative", "relu_mask_of_output"):
            monkeypatch.setitem(slip.parts, "dx", lambda s, dz, d: 1.01 * dz)
        if slip.mistake == "sign":
            for part in slip.parts:
                monkeypatch.setitem(slip.parts, part, lambda s, dz, d: -1.01 * d)
    after = [benchmark.one(*row, seed=3)[0] for row in table]
    assert "named" not in after


# ------------------------------------------------------- the reference backward pass


@pytest.mark.parametrize("seed", range(25))
def test_the_walk_without_slips_is_bplibs_gradient(seed):
    rng = np.random.default_rng(seed)
    net, loss, x, t = planted.random_net(rng)
    record, right = Record(net, loss, x, t), planted.right(net, loss, x, t)
    dx = net.backward(loss.backward())
    assert {*record.right} == {*right, "dx"}
    for name, array in {**right, "dx": dx}.items():
        np.testing.assert_allclose(record.right[name], array, rtol=1e-10, atol=1e-14)


def test_weight_decay_of_the_loss_is_in_the_gradient():
    net, loss, x, t = with_batch()
    loss.weight_decay = 0.01

    def whole(net, loss, x, t):
        g = planted.right(net, loss, x, t)
        for name, array, _ in net.named_parameters():
            g["d" + name] += 0.01 * array * name.startswith("W")
        return g

    assert diagnose_backward(whole, net, loss, x, t).ok
    found = diagnose_backward(planted.right, net, loss, x, t)
    assert found.mistake == "regularization_missing"
    assert found.where == ("dW3", "dW2", "dW1")


# ---------------------------------------------------------------- a report in full


def test_a_report_in_full():
    net, loss, x, t = small()
    found = diagnose_backward(planted.program("n_missing"), net, loss, x, t)
    assert not found.ok and found.mistake == "n_missing"
    assert found.mistakes == ("n_missing",)
    assert set(found.where) == {"dW1", "db1", "dW2", "db2"}
    np.testing.assert_allclose(found.yours["dW1"], 4 * found.right["dW1"])
    text = repr(found)
    assert str(found) == text
    assert "exactly N = 4 times too large" in text
    assert "9 digits, here and on 3 fresh" in found.evidence
    assert MISTAKES["n_missing"].theory.split(",")[0] in text.replace("\n", " ")
    assert 'Read: chapter 3, "The algorithm in four steps"' in text
    assert max(map(len, text.splitlines())) <= 76


def test_right_arrays_are_told_from_wrong_ones():
    found = diagnose_backward(planted.program("activation:missing"), *small())
    assert found.where == ("dW1", "db1")
    assert "dW1 and db1 are wrong; dW2 and db2 are right." in str(found)


def test_a_right_gradient():
    found = diagnose_backward(planted.program(), *small())
    assert found.ok and found.mistake is None and found.where == ()
    assert "are right, to 9 digits" in str(found)


def test_equal_numbers_make_a_class():
    case = with_batch(bend=ReLU)
    found = diagnose_backward(planted.program("activation:missing", [1]), *case)
    assert found.mistake == "missing_activation_derivative"
    assert "relu_mask_of_output" in found.also
    case = with_batch(bend=Tanh)
    found = diagnose_backward(planted.program("activation:missing", [1]), *case)
    assert "relu_mask_of_output" not in found.also


def test_one_slip_under_two_names():
    case = with_batch(loss=BinaryCrossEntropy())
    found = diagnose_backward(planted.program("binary:logits"), *case)
    assert found.mistake == "logits_for_probabilities"
    assert found.also == ("squared_error_on_logits",)


def test_two_and_n_are_told_apart_at_n_of_2():
    case = with_batch(n=2)
    for name in ("factor_two", "n_missing"):
        assert diagnose_backward(planted.program(name), *case).mistake == name


def test_a_function_that_is_right_for_its_own_n_only():
    def fixed(net, loss, x, t):
        g = planted.right(net, loss, x, t)
        return {n: a * len(x) / 7 for n, a in g.items()}

    found = diagnose_backward(fixed, *with_batch(n=7))
    assert not found.ok and found.mistake is None and len(found.where) == 6
    text = str(found).replace("\n", " ")
    assert "only for N = 7 examples" in text and "wrong, and so for any other" in text

    def fixed_sign(net, loss, x, t):
        return {n: -a for n, a in fixed(net, loss, x, t).items()}

    assert diagnose_backward(fixed_sign, *with_batch(n=7)).mistake == "sign"

    def typed(net, loss, x, t):
        assert len(x) == 7
        return {n: -a for n, a in planted.right(net, loss, x, t).items()}

    assert diagnose_backward(typed, *with_batch(n=7)).mistake == "sign"

    def typed_right(net, loss, x, t):
        return {n: -a for n, a in typed(net, loss, x, t).items()}

    found = diagnose_backward(typed_right, *with_batch(n=7))
    assert found.ok and "it fails. Is N, or 1/N, written" in str(found).replace(
        "\n", " "
    )


@pytest.mark.parametrize(
    ("power", "mistakes"),
    [
        ({"W": 1, "b": 0}, ("n_missing",)),
        ({"W": 1, "b": 1}, ("n_missing",)),
        ({"W": 0, "b": -1}, ("batch_mean_bias",)),
        ({"W": 1, "b": -1}, ("batch_mean_bias", "n_missing")),
        ({"W": 0, "b": 0}, ()),
    ],
)
def test_what_one_example_cannot_show_is_found_with_more(power, mistakes):
    def my_backward(net, loss, x, t):
        g = planted.right(net, loss, x, t)
        return {n: a * float(len(x)) ** power[n[1]] for n, a in g.items()}

    found = diagnose_backward(my_backward, *with_batch(n=1, bend=Sigmoid))
    assert found.mistakes == mistakes and found.ok == (not mistakes)
    text = str(found).replace("\n", " ")
    assert ("Right for N = 1, where this cannot show" in text) == bool(mistakes)
    assert "N = 1 times" not in text


def test_dx_may_be_given_too():
    def with_dx(net, loss, x, t, factor=1):
        loss.forward(net.forward(x), t)
        dx = net.backward(loss.backward())
        return {
            **{"d" + n: d.copy() for n, _, d in net.named_parameters()},
            "dx": factor * dx,
        }

    assert diagnose_backward(with_dx, *small()).ok
    found = diagnose_backward(lambda *a: with_dx(*a, factor=-1), *small())
    assert found.mistake == "sign" and found.where == ("dx",)


# ------------------------------------------------------------ state, order, hygiene


def test_accumulated_gradients():
    for wrong in (planted.accumulating(), planted.adding_to_grad):
        found = diagnose_backward(wrong, *small())
        assert not found.ok and found.mistake == "accumulated"
    used = planted.accumulating()
    net, loss, x, t = small()
    used(net, loss, x, t)
    used(net, loss, x[:2], t[:2])
    assert diagnose_backward(used, net, loss, x, t).mistake == "accumulated"


def test_globals_in_place_of_arguments():
    case = with_batch()
    found = diagnose_backward(planted.of_globals(*case), *case)
    assert not found.ok and found.mistake == "ignores_arguments"
    assert "net, x and t" in str(found) and "the numbers are right" in str(found)
    found = diagnose_backward(planted.of_global_weights(case[0]), *case)
    assert found.mistake == "ignores_arguments"
    assert "does not use the net that it is given" in str(found)


def test_a_function_that_moves_x_first():
    """Right for the x that it makes of yours: that alone explains, and is said."""

    def centers(net, loss, x, t, factor=1):
        x -= x.mean(axis=0)
        g = planted.right(net, loss, x, t)
        return {n: factor * a for n, a in g.items()}

    def steps_first(net, loss, x, t):
        planted.updating(net, loss, x, t)
        return planted.right(net, loss, x, t)

    for function, word in (centers, "x"), (steps_first, "the parameters of net"):
        found = diagnose_backward(function, *with_batch())
        assert not found.ok and found.mistakes == ("changes_inputs",)
        words = f"the gradients at what your function has made of {word}: it changes"
        assert words in str(found).replace("\n", " ")
    # With another mistake beside it nothing is named; that x is changed is said.
    found = diagnose_backward(lambda *a: centers(*a, factor=-1), *with_batch())
    assert not found.ok and found.mistake is None
    assert "Your function changes x" in str(found)


def test_random_numbers():
    found = diagnose_backward(planted.with_dropout(), *small())
    assert not found.ok and found.mistake == "not_repeatable"


def test_a_function_that_updates_in_passing():
    found = diagnose_backward(planted.updating, *small())
    assert found.ok and found.mistake == "changes_inputs"
    assert "changes the parameters of net" in str(found)
    found = diagnose_backward(planted.updating_early, *small())
    assert found.mistake == "updated_weights" and "0.05" in str(found)
    assert "changes the parameters of net" in str(found)

    def scales(net, loss, x, t):
        g = planted.right(net, loss, x, t)
        x *= 2
        return g

    found = diagnose_backward(scales, *small())
    assert found.ok and "changes x" in str(found)


def test_float32_is_no_mistake():
    found = diagnose_backward(planted.in_float32, *with_batch())
    assert found.ok and found.mistake == "float32_rounding"
    assert "float32" in str(found)
    net, loss, x, t = with_batch()
    case = net.copy(np.float32), loss, x.astype(np.float32), t
    assert diagnose_backward(planted.right, *case).ok
    found = diagnose_backward(planted.program("activation:twice"), *case)
    assert found.mistake == "derivative_twice"

    def negative(net, loss, x, t):
        return {n: -a for n, a in planted.in_float32(net, loss, x, t).items()}

    assert diagnose_backward(negative, *with_batch()).mistake == "sign"


def test_a_small_mistake_is_not_taken_for_rounding():
    def tiny(net, loss, x, t):
        g = planted.right(net, loss, x, t)
        for name, array, _ in net.named_parameters():
            g["d" + name] += 1e-7 * array * name.startswith("W")
        return g

    assert diagnose_backward(tiny, *with_batch()).mistake == "regularization_added"


def test_small_differences_of_other_origin_are_not_called_float32():
    def quotient(net, loss, x, t):
        g = {}
        for name, array, _ in net.named_parameters():
            g["d" + name] = np.zeros_like(array)
            for i in np.ndindex(array.shape):
                ends, old = [], array[i]
                for h in 1e-6, -1e-6:
                    array[i] = old + h
                    ends.append(loss.forward(net.forward(x), t))
                array[i] = old
                g["d" + name][i] = (ends[0] - ends[1]) / 2e-6
        return g

    found = diagnose_backward(quotient, *small())
    text = str(found).replace("\n", " ")
    assert found.ok and "or a difference quotient would make it" in text
    assert "only as float32 does" not in text
    found = diagnose_backward(planted.in_float32, *with_batch())
    assert "only as float32 does" in str(found).replace("\n", " ")


def test_a_factor_near_1_is_not_printed_as_1():
    def almost(net, loss, x, t):
        g = planted.right(net, loss, x, t)
        return {n: 1.00001 * a for n, a in g.items()}

    found = diagnose_backward(almost, *with_batch())
    assert found.mistake == "factor" and "are 1.00001 times" in str(found)
    assert [digits_of(p) for p in (2, 0.3, 1.25, 0.99996)] == [
        "2", "0.3", "1.25", "0.99996",
    ]  # fmt: skip


def test_a_kink_is_no_mistake():
    x, labels = xor()
    t = 1.0 - labels[:, None]
    net = Net(Dense(2, 4), ReLU(), Dense(4, 1))  # biases 0: at x = (0, 0) a corner
    found = diagnose_backward(
        planted.program("activation:kink"), net, SquaredError(), x, t
    )
    assert found.ok and found.mistake == "kink"

    def own_choice(net, loss, x, t):
        class Mine(ReLU):
            def backward(self, dy):
                return dy * np.where(self.x == 0, 0.3, self.x > 0)

        twin = Net(Dense(2, 4), Mine(), Dense(4, 1))
        twin.theta = net.theta
        return planted.right(twin, loss, x, t)

    found = diagnose_backward(own_choice, net, SquaredError(), x, t)
    assert found.ok and found.mistake == "kink" and "corner" in str(found)


def test_ties_of_a_maximum():
    rng = np.random.default_rng(0)
    net = Net(Conv2D(1, 2, 2), MaxPool2D(2), Flatten(), Dense(8, 2))
    net.theta = rng.normal(size=net.theta.shape)
    x = np.zeros((4, 5, 5, 1))
    x[:, 2:, 2:] = rng.normal(size=(4, 3, 3, 1))
    case = net, SoftmaxCrossEntropy(), x, np.array([0, 1, 0, 1])
    found = diagnose_backward(planted.program("pool:ties"), *case)
    assert not found.ok and found.mistake == "pool_ties"
    assert diagnose_backward(planted.right, *case).ok


# ---------------------------------------------------------------- pairs and unknowns


def both(first, second):
    """Two planted slips: the second is made to what the first returns."""

    def my_backward(net, loss, x, t):
        return second(planted.program(first)(net, loss, x, t), len(x))

    return my_backward


def test_two_mistakes_at_once():
    def mean_bias(g, n):
        return {k: a / n if k.startswith("db") else a for k, a in g.items()}

    case = with_batch()
    found = diagnose_backward(both("activation:missing", mean_bias), *case)
    assert {*found.mistakes} == {"missing_activation_derivative", "batch_mean_bias"}
    found = diagnose_backward(both("sign", mean_bias), *case)
    assert {*found.mistakes} == {"sign", "batch_mean_bias"}
    found = diagnose_backward(
        both("n_missing", lambda g, n: {k: -a for k, a in g.items()}), *case
    )
    assert {*found.mistakes} == {"sign", "n_missing"}


PAIRS = [*benchmark.pairs()]


@pytest.mark.parametrize(
    ("one", "other"),
    [pytest.param(*p, id=f"{p[0][0]}-{p[1][0]}") for p in PAIRS[::5]],
)
def test_planted_pairs_are_named(one, other):
    outcome, said = benchmark.two(one, other, seed=1000)
    assert outcome == "named", said


def test_two_mistakes_are_named_where_one_array_or_case_hides_them():
    """With another number of examples the relu is dead: nothing is wrong there. And a
    learning rate cannot be found from a dW1 that is transposed, but from db1.
    """
    pairs = {(one[0], other[0]): (one, other) for one, other in PAIRS}
    for names in (
        ("activation:wrong_function", "rnn:last_step"),
        ("dense:transpose", "dense:updated"),
    ):
        outcome, said = benchmark.two(*pairs[names], seed=8)
        assert outcome == "named", said


def test_the_count_of_pairs_can_fail(monkeypatch):
    pair = ("n_missing", None), ("dense:mean", Dense)
    assert benchmark.two(*pair, seed=3)[0] == "named"
    for slip in SLIPS:
        if slip.mistake in ("batch_mean_bias", "n_twice"):
            for part in slip.parts:
                monkeypatch.setitem(slip.parts, part, lambda s, dz, d: 1.01 * d)
    assert benchmark.two(*pair, seed=3)[0] != "named"


def test_exchanged_arrays():
    def exchanged(net, loss, x, t):
        g = planted.right(net, loss, x, t)
        g["db1"], g["db2"] = g["db2"], g["db1"]
        return g

    assert diagnose_backward(exchanged, *with_batch()).mistake == "arrays_swapped"

    def counted_from_the_output(net, loss, x, t):
        g = planted.right(net, loss, x, t)
        return {n: g[f"{n[:2]}{4 - int(n[2:])}"] for n in g}

    for widths in (3, 4, 4, 3), (3, 5, 4, 2):  # whether the shapes tell or not
        found = diagnose_backward(counted_from_the_output, *with_batch(widths=widths))
        assert found.mistake == "arrays_swapped"
        text = str(found).replace("\n", " ")
        assert "dW1 and dW3, db1 and db3 are exchanged" in text


def test_a_bias_left_out_shows_on_fresh_inputs_only_while_it_is_zero():
    case = with_batch()
    for layer in case[0].layers[::2]:
        layer.b = 0.0
    found = diagnose_backward(planted.program("forward:no_bias", [2]), *case)
    assert found.mistakes == ("bias_not_in_forward",)
    text = str(found).replace("\n", " ")
    assert "Here the numbers are right, but with other numbers" in text
    assert "Your forward pass leaves the bias out in Dense(4, 4) (layer 3)" in text


def test_a_layer_that_is_skipped():
    """The layer alone, its activation alone, and both are told apart."""
    dense, bend = ("dense:skipped", [2]), ("activation:missing", [3])
    for slips, names in (
        ([dense], {"weights_missing"}),
        ([bend], {"missing_activation_derivative"}),
        ([dense, bend], {"weights_missing", "missing_activation_derivative"}),
    ):
        program = planted.program(*slips[0], *slips[1:])
        assert {*diagnose_backward(program, *with_batch()).mistakes} == names


def test_labels_that_count_rows_beyond_the_batch_stop_the_program():
    case = with_batch(n=3, widths=(3, 4, 4, 5))
    case[3][:] = 0, 4, 1
    found = diagnose_backward(planted.program("softmax:rows"), *case)
    assert found.mistake is None
    assert "IndexError" in str(found) and "p[t, :] -= 1" in str(found)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda g: g["dW2"].__iadd__(0.1), ["dW2: every entry is 0.1 too large"]),
        (
            lambda g: g["dW2"][1].__imul__(1.3),
            ["wrong only in row 1", "db2 of the same"],
        ),
        (
            lambda g: [g[n].__iadd__(np.sin(99 * g[n])) for n in ("dW1", "db1")],
            ["dW2 and db2 are right and dW1 and db1 are not", "Tanh() (layer 2)"],
        ),
        (
            lambda g: [a.__iadd__(np.sin(99 * a)) for a in g.values()],
            ["the layer nearest the output", "loss's dy", "those of net.forward?"],
        ),
        (
            lambda g: g["dW2"][:, 1:3].__iadd__(np.sin(99 * g["dW2"][:, 1:3])),
            ["wrong only in columns 1 and 2"],
        ),
        (
            lambda g: [
                g["dW1"].__iadd__(np.sin(99 * g["dW1"])),
                g["db1"].__iadd__(np.sin(99 * g["db1"])),
                *(g.pop(n) for n in ("dW2", "db2", "dW3", "db3")),
            ],
            ["dW1 and db1 are wrong. None", "no array of the layers above"],
        ),
    ],
)
def test_what_is_not_known_is_narrowed_down(change, words):
    def my_backward(net, loss, x, t):
        g = planted.right(net, loss, x, t)
        change(g)
        return g

    found = diagnose_backward(my_backward, *with_batch())
    assert not found.ok and found.mistake is None
    text = str(found).replace("\n", " ")
    assert "None of the known mistakes" in text
    for each in words:
        assert each in text


# ----------------------------------------------------------------- layers of one's own


class Swish(Layer):
    def forward(self, x):
        self.x = x
        return x / (1 + np.exp(-x))

    def backward(self, dy):
        s = 1 / (1 + np.exp(-self.x))
        return dy * (s + self.x * s * (1 - s))


class Friend(Tanh):
    def backward(self, dy):
        return dy * self.y * (1 - self.y)


def test_nets_with_layers_of_ones_own():
    def negative_db1(net, loss, x, t):
        g = planted.right(net, loss, x, t)
        return {**g, "db1": -g["db1"]}

    case = with_batch(bend=Swish)
    assert diagnose_backward(planted.right, *case).ok
    found = diagnose_backward(negative_db1, *case)
    assert found.mistake == "sign" and found.where == ("db1",)


def test_a_known_layer_with_a_backward_of_ones_own_is_judged():
    found = diagnose_backward(planted.right, *with_batch(bend=Friend))
    assert found.mistake == "derivative_of_wrong_function"
    assert "was taken as y (1 - y), which" in str(found).replace("\n", " ")


# ------------------------------------------------------------- what a learner may pass


def raises(net, loss, x, t):
    W2 = net.layers[2].W
    return {"dW2": x @ W2}


def no_numbers(value):
    def my_backward(net, loss, x, t):
        return {**planted.right(net, loss, x, t), "dW1": value}

    return my_backward


def renamed(rule, **more):
    def my_backward(net, loss, x, t):
        g = planted.right(net, loss, x, t)
        return {rule(n): a for n, a in g.items()} | more

    return my_backward


def without(*names):
    def my_backward(net, loss, x, t):
        g = planted.right(net, loss, x, t)
        return {n: a for n, a in g.items() if n not in names}

    return my_backward


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda *a: None, "returned None: is the `return` missing?"),
        (lambda *a: [1, 2], "returned a list of 2"),
        (lambda *a: np.zeros(17), "an array of shape (17,)"),
        (lambda *a: {}, "Missing: dW1, dW2, db1 and db2"),
        (lambda *a: {"W1": 1}, 'did you mean "dW1"?'),
        (lambda *a: {3: 1}, "The key 3 is not"),
        (lambda: {}, "raised TypeError"),
        (raises, "line"),
        (no_numbers(None), "dW1 is None"),
        (no_numbers("a"), "dW1 is 'a'"),
        (no_numbers([[1], [1, 2]]), "dW1 is a list, not an array: rows of"),
        (renamed(lambda n: f"{n[:2]}{int(n[2:]) - 1}"), "Your names are one too low"),
        (renamed(lambda n: n.replace("dW1", "dw1")), 'did you mean "dW1"?'),
        (renamed(str, loss=1.0), "The key 'loss' is not the name of a gradient: leave"),
        (no_numbers(1j), "not an array of real numbers"),
        (no_numbers(np.full((2, 4), np.nan)), "dW1 holds nan or inf: 8 of 8"),
        (no_numbers(np.zeros((3, 3))), "its shape is (3, 3), that of W1 is (2, 4)"),
        (no_numbers(np.ones((2, 4, 4))), "(N, 1) minus t of shape (N,)"),
        (without("dW2"), "Missing: dW2"),
        (5, "must be a function"),
        (None, "must be a function"),
    ],
)
def test_junk_from_the_function_gets_a_sentence(function, words):
    net, loss, x, t = small()
    theta, grad = net.theta.copy(), net.grad.copy()
    found = diagnose_backward(function, net, loss, x, t)
    assert not found.ok and found.mistake is None
    assert words in str(found).replace("\n", " ")
    assert np.array_equal(net.theta, theta) and np.array_equal(net.grad, grad)


def test_the_line_that_raised_is_named():
    found = diagnose_backward(raises, *small())
    assert 'return {"dW2": x @ W2}' in str(found)
    assert "ValueError" in str(found)


def test_what_is_missing_does_not_hide_the_rest():
    def partly(net, loss, x, t):
        g = without("db1")(net, loss, x, t)
        return {n: -a for n, a in g.items()}

    found = diagnose_backward(partly, *small())
    assert found.mistake == "sign" and "Missing: db1" in str(found)


def test_only_what_was_handed_in_is_called_right():
    text = str(diagnose_backward(without("dW2", "db2"), *small()))
    assert "db1 and dW1" not in text and "dW1 and db1 are right" in text
    low = renamed(lambda n: f"{n[:2]}{int(n[2:]) - 1}")
    found = diagnose_backward(
        lambda *a: {n: -g for n, g in low(*a).items() if n != "dW1"}, *small()
    )
    assert found.mistake == "sign" and {*found.where} == {"dW1", "db1", "db2"}


def test_lists_flat_biases_and_integers_are_taken():
    def lists(net, loss, x, t):
        g = planted.right(net, loss, x, t)
        return {
            n: a.squeeze().tolist() if n[1] == "b" else a.tolist() for n, a in g.items()
        }

    assert diagnose_backward(lists, *small()).ok


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"net": None}, "net must be a Net"),
        ({"net": Net}, "the class Net: brackets"),
        ({"net": Net(Dense(2, 1), copies=3)}, "copies=3"),
        ({"loss": SquaredError}, "the class SquaredError: brackets"),
        ({"loss": None}, "loss must be one such as"),
        ({"loss": SoftmaxCrossEntropy()}, "do not go together"),
        ({"x": np.zeros((4, 3))}, "expects x with 2 columns, got shape (4, 3)"),
        ({"x": None}, "x is None"),
        ({"x": "abc"}, "x is 'abc'"),
        ({"x": np.full((4, 2), np.nan)}, "not finite here"),
        ({"t": np.zeros((3, 1))}, "do not go together"),
        ({"t": None}, "t is None"),
    ],
)
def test_junk_in_the_other_arguments_gets_a_sentence(change, words):
    names = ("net", "loss", "x", "t")
    case = dict(zip(names, small(), strict=True)) | change
    found = diagnose_backward(planted.right, *(case[n] for n in names))
    assert not found.ok and found.mistake is None
    assert words in str(found).replace("\n", " ")


def test_nothing_of_the_readers_is_changed():
    net, loss, x, t = small()
    net.forward(x)
    net.grad = 0.5
    before = net.theta.copy(), net.grad.copy(), x.copy(), t.copy()
    diagnose_backward(planted.updating_early, net, loss, x, t)
    after = net.theta, net.grad, x, t
    for a, b in zip(before, after, strict=True):
        assert np.array_equal(a, b)
    assert loss.y is None
    net.backward(np.ones((4, 1)))  # the forward pass of before is still known


# -------------------------------------------------------------------- one array alone


def test_one_array_is_only_consistent_with():
    right = np.random.default_rng(0).normal(size=(4, 4))
    x = np.zeros((5, 4))
    for yours, found in (
        (-right, "sign"), (2 * right, "factor_two"), (right / 2, "factor_half"),
        (5 * right, "n_missing"), (right / 5, "n_twice"), (right.T, "transpose"),
        (right[::-1], "flip"), (right[:, ::-1], "flip"), (0.3 * right, "factor"),
        (right * (right > 0), "zeros"),
    ):  # fmt: skip
        said = diagnose(yours, right, x=x)
        assert not said.ok and said.mistake is None
        assert said.consistent_with == (found,)
    assert diagnose(right, right).ok
    assert diagnose(right.astype(np.float32), right).ok
    assert diagnose(right + 1, right).consistent_with == ()
    assert "every entry is 1 too large" in str(diagnose(right + 1, right))


def test_one_array_with_its_net():
    net, loss, x, t = small()
    wrong = planted.program("activation:missing")(net, loss, x, t)["dW1"]
    right = planted.right(net, loss, x, t)["dW1"]
    said = diagnose(wrong, right, net=net, loss=loss, x=x, t=t, name="dW1")
    assert said.mistake is None
    assert "missing_activation_derivative" in said.consistent_with


@pytest.mark.parametrize("junk", [None, "a", [[1], [1, 2]], np.zeros(3), {}, np.nan])
def test_one_array_of_junk(junk):
    said = diagnose(junk, np.ones((2, 2)))
    assert not said.ok and str(said)
    assert not diagnose(np.ones((2, 2)), junk).ok


# ----------------------------------------------------------------------- the catalogue


def test_every_slip_and_every_planted_mistake_is_in_the_catalogue():
    assert {slip.mistake for slip in SLIPS} <= {*MISTAKES}
    assert {mistake for mistake, _ in planted.PLANTED.values()} <= {*MISTAKES}
    names = "sign transpose missing_activation_derivative updated_weights "
    names += "batch_mean_bias kink float32_rounding accumulated"
    assert {*names.split()} <= {*MISTAKES}


def test_every_mistake_is_planted_or_tested():
    text = Path(__file__).read_text("utf-8")
    planted_ones = {mistake for mistake, _ in planted.PLANTED.values()}
    here = {name for name in MISTAKES if f'"{name}"' in text}
    assert {*MISTAKES} - planted_ones - here == set()


def test_the_catalogue_is_consistent():
    for name, mistake in MISTAKES.items():
        assert mistake.what.endswith(".") and not mistake.theory.endswith(".")
        assert mistake.chapter in CHAPTERS
        for other in mistake.same:
            assert name in MISTAKES[other].same, (name, other)
        for other in mistake.sometimes:
            assert name in MISTAKES[other].sometimes, (name, other)


@np.errstate(all="ignore")
def coinciding(net, loss, seed):
    """Pairs of identifiers whose slips give equal parameter gradients, all of them."""
    rng, seen = np.random.default_rng(seed), {}
    net = net.copy()
    net.theta = rng.normal(size=net.theta.shape)
    shape = {Dense: (7, 5), Conv2D: (5, 6, 6, 2), RNN: (7, 6, 5)}[type(net.layers[0])]
    x, n = rng.normal(size=shape), shape[0]
    record = Record(net, loss, x, planted.a_target(rng, loss, n, 3))
    for slip, places in hypotheses(record):
        arrays = dict(record.walk([(slip, places)]))
        del arrays["dx"]
        same = [np.array_equal(a, record.right[n]) for n, a in arrays.items()]
        if not slip.unknown and not all(same):
            key = tuple(
                (a.shape, (np.round(a, 10) + 0.0).tobytes()) for a in arrays.values()
            )
            seen.setdefault(key, set()).add(slip.mistake)
    return {
        frozenset(pair)
        for names in seen.values()
        for pair in itertools.combinations(names, 2)
    }


def test_classes_are_what_the_numbers_say():
    """Identifiers that agree wherever we look are one class, and nothing else is."""
    bends = Sigmoid(), ReLU()
    filters = Conv2D(2, 3, 2), Tanh(), Conv2D(3, 3, 2), ReLU(), MaxPool2D(2)
    nets = [
        Net(Dense(5, 4), bends[0], Dense(4, 4), bends[1], Dense(4, 3)),
        Net(*filters, Flatten(), Dense(12, 3)),
        Net(RNN(5, 4), Dense(4, 3)),
    ]
    losses = [BinaryCrossEntropy(), SoftmaxCrossEntropy(), SquaredError()]
    found = set()
    for net, loss in zip(nets, losses, strict=True):
        found |= set.intersection(*(coinciding(net, loss, seed) for seed in range(3)))
    same = {frozenset([m, o]) for m in MISTAKES for o in MISTAKES[m].same}
    some = {frozenset([m, o]) for m in MISTAKES for o in MISTAKES[m].sometimes}
    assert same <= found <= same | some


def test_the_page_is_the_catalogue():
    page = (ROOT / "chapters" / "mistakes.md").read_text("utf-8")
    assert page == catalogue_page()


def catalogue_page():
    """What chapters/mistakes.md must hold; to write it, run this file."""
    lines = [
        "# Catalogue of mistakes",
        "",
        "What `diagnose_backward` and `diagnose_training` can name. The identifiers",
        "are stable: `.mistake` and `.symptom` hold them. Mistakes that give equal",
        "numbers on all inputs, such as a relu mask `y >= 0` and a missing derivative,",
        "form a class: `.mistake` is one of them, `.also` holds the others. Some "
        "coincide",
        "at special sizes only, as 2 and N do at N = 2.",
        "",
        "## Mistakes in a gradient",
        "",
    ]
    for name, mistake in MISTAKES.items():
        lines += [f"### `{name}`", "", mistake.what, ""]
        lines.append(f"- What is right: {mistake.theory}.")
        lines.append(f"- How it shows: {mistake.shows}")
        for word, others in (
            ("Equal numbers", mistake.same),
            ("At special sizes", mistake.sometimes),
        ):
            if others:
                lines.append(f"- {word}: {', '.join(f'`{o}`' for o in others)}")
        file = next((ROOT / "chapters").glob(f"{mistake.chapter:02d}_*.ipynb")).stem
        title = CHAPTERS[mistake.chapter]
        lines += [f"- Read: [chapter {mistake.chapter}, {title}]({file})", ""]
    lines += ["## Symptoms of a training run", ""]
    lines += [f"- `{name}`: {what}." for name, what in SYMPTOMS.items()]
    return "\n".join(lines) + "\n"


# ---------------------------------------------------------------------- training runs


def digits_run(net=None, rate=0.2, momentum=0.9, x=None, t=None, **change):
    (x0, t0), _, _ = digits()
    net = net or Net(Dense(64, 32), ReLU(), Dense(32, 10))
    x, t = x0 if x is None else x, t0 if t is None else t
    more = {"batch": 32, "rng": np.random.default_rng(0)} | change
    optimizer = SGD(rate, momentum=momentum)
    return diagnose_training(net, SoftmaxCrossEntropy(), optimizer, x, t, **more)


def with_bias(value):
    net = Net(Dense(64, 32), ReLU(), Dense(32, 10))
    net.layers[0].b = value
    return net


def zero():
    net = Net(Dense(64, 32), ReLU(), Dense(32, 10))
    net.theta = 0.0
    return net


def toy(layers, loss, optimizer, x, t, **more):
    return diagnose_training(Net(*layers), loss, optimizer, x, t, **more)


def large_weights():
    return Net(Dense(64, 32, init=50.0), Tanh(), Dense(32, 10))


RUNS = {
    "dead_units": lambda: digits_run(with_bias(-10)),
    "unscaled_inputs": lambda: digits_run(x=16 * digits()[0][0]),
    "too_slow": lambda: digits_run(rate=0.0002),
    "shuffled_labels": lambda: digits_run(x=digits()[0][0][::-1]),
    "symmetric_units": lambda: digits_run(zero()),
    "diverged": lambda: digits_run(rate=2),
    "saturated_units": lambda: digits_run(large_weights(), rate=1e-4),
    "output_activation": lambda: toy(
        [Dense(2, 9), Tanh(), Dense(9, 1), Sigmoid()], BinaryCrossEntropy(), SGD(0.5),
        *moons(),
    ),
    "label_coding": lambda: toy(
        [Dense(2, 9), Tanh(), Dense(9, 1), Sigmoid()], SquaredError(), SGD(0.5),
        moons()[0], 2 * moons()[1] - 1,
    ),
    "oscillating": lambda: digits_run(
        Net(Dense(64, 30), Tanh(), Dense(30, 10)), 3, momentum=0, batch=None, rng=None
    ),
    "loss_constant": lambda: toy(
        [Still(), Dense(2, 9), Tanh(), Dense(9, 1)], BinaryCrossEntropy(), SGD(0.5),
        *moons(),
    ),
    "bad_data": lambda: digits_run(x=np.full((1197, 64), np.nan)),
}  # fmt: skip


class Still(Layer):
    """Every example becomes the same: nothing can be learned but the mean."""

    def forward(self, x):
        return np.ones_like(x)

    def backward(self, dy):
        return dy * 0


@pytest.mark.parametrize("symptom", RUNS)
def test_symptoms_are_named(symptom):
    report = RUNS[symptom]()
    assert not report.ok
    assert symptom in report.symptoms, str(report)
    assert report.evidence and report.next
    assert max(map(len, str(report).splitlines())) <= 76
    if symptom != "loss_constant":
        assert report.symptom == symptom, str(report)


def test_a_constant_answer_shows_equal_outputs():
    assert "outputs_equal" in RUNS["loss_constant"]().symptoms


def healthy_runs():
    yield lambda s: digits_run(Net(Dense(64, 32), ReLU(), Dense(32, 10), seed=s))
    yield lambda s: digits_run(Net(Dense(64, 30), Tanh(), Dense(30, 10), seed=s), 0.05)
    yield lambda s: toy(
        [Dense(2, 4, init=1.0), Tanh(), Dense(4, 1, init=1.0)], SquaredError(),
        SGD(0.3), xor()[0], xor()[1][:, None].astype(float), iterations=500,
    )  # fmt: skip
    for data in moons, circles:
        yield lambda s, data=data: toy(
            [Dense(2, 16), Tanh(), Dense(16, 1)], BinaryCrossEntropy(), SGD(0.5),
            *data(seed=s), iterations=200,
        )  # fmt: skip
        yield lambda s, data=data: toy(
            [Dense(2, 16), ReLU(), Dense(16, 2)], SoftmaxCrossEntropy(), Adam(0.01),
            *data(seed=s), iterations=200,
        )  # fmt: skip


@pytest.mark.parametrize("run", [*healthy_runs()])
def test_healthy_runs_are_healthy(run):
    report = run(0)
    assert report.ok and report.symptom is None, str(report)
    assert "healthy" in str(report)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"net": None}, "net must be a Net"),
        ({"loss": SquaredError}, "loss must be"),
        ({"optimizer": None}, "optimizer must be"),
        ({"x": None}, "x holds no numbers"),
        ({"t": "abc"}, "t holds no numbers"),
        ({"t": np.zeros((3, 1))}, "4 examples and t has 3"),
        ({"x": np.zeros((4, 5))}, "expects x with 2 columns"),
        ({"t": np.zeros((4, 7))}, "expects a target of shape"),
        ({"iterations": -1}, "iterations must be a whole number, 1 or more, got -1"),
        ({"iterations": "9"}, "iterations must be a whole number, 1 or more, got '9'"),
        ({"iterations": 0}, "1 or more, got 0"),
        ({"x": np.ones((4, 2))}, "all 4 rows of x are equal"),
        ({"batch": 2}, "rng"),
    ],
)
def test_junk_for_a_training_run_gets_a_sentence(change, words):
    net, loss, x, t = small()
    case = {"net": net, "loss": loss, "optimizer": SGD(0.1), "x": x, "t": t} | change
    theta = net.theta.copy()
    report = diagnose_training(**case)
    assert not report.ok
    assert words in str(report).replace("\n", " ")
    assert np.array_equal(net.theta, theta)


def moons_run(rate, layers=None, **more):
    x, t = moons()
    layers = layers or [Dense(2, 8), Tanh(), Dense(8, 1)]
    return toy(layers, SquaredError(), SGD(rate), x, t.reshape(-1, 1) * 1.0, **more)


class Uphill(Tanh):
    def backward(self, dy):
        return -300 * super().backward(dy)


def test_the_first_smaller_rate_that_falls_is_named():
    for rate, word, smaller in (50, "hundredth", "0.5"), (200, "thousandth", "0.2"):
        report = moons_run(rate)
        assert report.symptom == "diverged" and f"With a {word}" in report.evidence
        assert f"rate: {smaller} in place of {rate}" in report.next
    layers = [Dense(2, 8), Uphill(), Dense(8, 1)]
    report = moons_run(5000, layers)
    assert report.symptom == "diverged" and "does not fall either" in report.evidence
    assert "from 5e+03 to 5 do not help" in report.next


def test_a_run_that_ten_times_the_rate_helps_is_too_slow():
    for rate in 0.001, 0.0001:
        report = moons_run(rate)
        assert not report.ok and report.symptom == "too_slow", str(report)


def test_what_was_tried_is_said_where_nothing_helps():
    report = parity_run(20)
    assert report.ok and "No symptom was found" in str(report)
    text = str(report).replace("\n", " ")
    assert "With a tenth of the learning rate it ends at 0." in text
    assert "neither" not in text


def parity_run(iterations):
    x = np.array([*itertools.product((-1.0, 1.0), repeat=6)])
    t = (x.prod(axis=1, keepdims=True) > 0) * 1.0
    layers = [Dense(6, 48), Tanh(), Dense(48, 1)]
    return toy(layers, SquaredError(), SGD(0.05), x, t, iterations=iterations)


def test_what_only_looks_shuffled():
    assert parity_run(2000).ok
    assert "shuffled_labels" not in parity_run(20).symptoms
    x = np.random.default_rng(0).normal(size=(60, 20))
    t = (x[:, :1] > 0) * 1.0
    layers = [Dense(20, 16), Tanh(), Dense(16, 1)]
    assert toy(layers, BinaryCrossEntropy(), SGD(0.5), x, t).ok
    assert "may not belong together" in RUNS["shuffled_labels"]().next


def test_targets_of_minus_zero():
    layers = [Dense(2, 8), Tanh(), Dense(8, 1), Tanh()]
    x, t = moons()
    report = toy(layers, SquaredError(), SGD(0.5), x, -2.0 * t.reshape(-1, 1))
    assert "from -2 to 0, but" in report.evidence


def test_training_changes_nothing_of_the_readers():
    net, loss, x, t = small()
    optimizer, rng = SGD(0.1, momentum=0.9), np.random.default_rng(0)
    theta, state = net.theta.copy(), rng.bit_generator.state
    diagnose_training(net, loss, optimizer, x, t, iterations=20, batch=2, rng=rng)
    assert np.array_equal(net.theta, theta) and optimizer.memory is None
    assert rng.bit_generator.state == state and optimizer.learning_rate == 0.1


if __name__ == "__main__":
    page = ROOT / "chapters" / "mistakes.md"
    page.write_text(catalogue_page(), encoding="utf-8")
