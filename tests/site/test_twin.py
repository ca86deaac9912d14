"""The page computes what bplib computes: net.js and generator.js, held to Python."""

import collections
import json
import re
from pathlib import Path

import numpy as np
import pytest

import bplib
from bplib import SGD, Dense, Net, ReLU, Sigmoid, Tanh, train
from bplib.widgets.generator import Random, dataset, initial_theta

pytestmark = pytest.mark.browser

WIDGETS = Path(bplib.__file__).parent / "widgets"


class Identity(bplib.Layer):
    leading_axes = True

    def forward(self, x):
        return x

    def backward(self, dy):
        return dy


ACTIVATIONS = {"identity": Identity, "sigmoid": Sigmoid, "tanh": Tanh, "relu": ReLU}
LOSSES = {
    "squared_error": bplib.SquaredError,
    "binary_cross_entropy": bplib.BinaryCrossEntropy,
    "softmax_cross_entropy": bplib.SoftmaxCrossEntropy,
}
TOLERANCE = 1e-9
UPDATES = 500
CHECKPOINTS = [0, 1, 10, 500]  # where one update is compared
SUMS = {"dW", "db", "velocity"}  # over examples. At a minimum their terms cancel, and
FLOOR = 1e-6  # what is left is rounding, in bplib as well: below, it is the scale
MARKS = [0, 1, 2, 5, 10, 20, *range(50, UPDATES + 1, 50)]  # where a trajectory is


# ------------------------------------------------------------------------ the browser


@pytest.fixture(scope="module")
def page(browser):
    context = browser.new_context()
    page = context.new_page()
    page.goto("about:blank")
    yield page
    context.close()


def source(name="net.js"):
    return (WIDGETS / name).read_text(encoding="utf-8")


SCRIPT = """async ([net, generator, given]) => {
  const load = (text) =>
    import(URL.createObjectURL(new Blob([text], { type: "text/javascript" })));
  const { Net, Run, losses, step, activations } = await load(net);
  const { Random, initialTheta, dataset } = await load(generator);

  const start = (c) => {
    const net = new Net(c.sizes, c.hidden, c.output);
    net.theta.set(c.theta);
    return [net, Float64Array.from(c.x.flat()), Float64Array.from(c.t.flat())];
  };
  const startRun = (c, iterations) => {
    const [net, x, t] = start(c);
    return new Run({ ...c, net, x, t, loss: losses[c.loss], iterations });
  };
  const whole = (run) => ({
    losses: run.losses, done: run.done, divergedAt: run.divergedAt,
    theta: run.net.theta, thetas: run.thetas,
  });

  const answer = ((given) => { BODY })(JSON.parse(given));
  return JSON.stringify(answer, (_, v) => (ArrayBuffer.isView(v) ? Array.from(v) : v));
}"""


def run(page, body, given=None, net=None):
    """What `body` returns in the page. JSON keeps every bit of a number, not NaN."""
    texts = [net or source(), source("generator.js")]
    given = json.dumps(given, default=lambda array: array.tolist())
    return json.loads(page.evaluate(SCRIPT.replace("BODY", body), [*texts, given]))


def numbers(values):
    """An array, in which null was NaN or infinite."""
    return np.array(values, float)


# -------------------------------------------------------------------------- the judge


def error(a, b, floor=0.0):
    """max|a - b| / max(max|b|, floor); infinite where a or b is not finite."""
    a, b = numbers(a).ravel(), numbers(b).ravel()
    assert a.shape == b.shape
    if not np.isfinite(a).all() or not np.isfinite(b).all():
        return np.inf
    scale, gap = max(np.abs(b).max(), floor), np.abs(a - b).max()
    return 0.0 if gap == 0 else gap / scale if scale else np.inf


def bplib_net(case, copies=None):
    layers, last = [], len(case["sizes"]) - 2
    for k in range(last + 1):
        layers.append(Dense(*case["sizes"][k : k + 2]))
        layers.append(ACTIVATIONS[case["hidden" if k < last else "output"]]())
    return Net(*layers, copies=copies)


def draw_group(rng, number, size):
    """Nets of one kind, whose data, rates and initial weights differ."""
    loss = [*LOSSES][number % 3]
    depth = rng.choice([0, 1, 1, 2, 2])
    least = 2 if loss == "softmax_cross_entropy" else 1
    n_in, n_out = int(rng.integers(1, 4)), int(rng.integers(least, 4))
    sizes = [n_in, *rng.integers(1, 9, depth).tolist(), n_out]
    if number == 1:
        sizes[1:-1] = 8, 8  # the widest there are
    n, outputs = int(rng.integers(8, 31)), ["identity", "sigmoid", "tanh"]
    group = {
        "sizes": sizes,
        "hidden": [*ACTIVATIONS][number % 4],
        "loss": loss,
        "output": str(rng.choice(outputs)) if loss == "squared_error" else "identity",
        "n": n,
        "momentum": float(rng.choice([0, 0, 0.5, 0.9, rng.uniform(0, 0.95)])),
    }
    t = {
        "squared_error": rng.uniform(-1, 1, (n, n_out)),
        "binary_cross_entropy": rng.choice([0.0, 0.3, 1.0], (n, n_out)),
        "softmax_cross_entropy": rng.integers(0, n_out, n),
    }[loss]
    for _ in range(size):
        init = rng.choice(["xavier", "he", "number"])
        init = 10 ** rng.uniform(-1, 0.2) if init == "number" else str(init)
        rate = 10 ** rng.uniform(-2, 0.5) * (1 - group["momentum"])
        theta = initial_theta(sizes, int(rng.integers(2**32)), init)
        x = rng.normal(size=(n, sizes[0]))
        yield {**group, "rate": float(rate), "theta": theta, "x": x, "t": t}


def train_group(cases, rng):
    """Store in each case what bplib computes, and whether its run is chaotic.

    Chaotic: bplib itself, started with weights that differ by 1e-15 of their size,
    parts from the run by over 1e-11. All runs at once, as copies of one net.
    """
    net = bplib_net(cases[0], copies=2 * len(cases))
    theta = np.stack([case["theta"] for case in cases])
    net.theta = np.concatenate(
        [theta, theta * (1 + 1e-15 * rng.normal(size=theta.shape))]
    )
    x, t = np.stack([case["x"] for case in cases] * 2), cases[0]["t"]
    loss = LOSSES[cases[0]["loss"]]()
    rates = [case["rate"] for case in cases] * 2
    optimizer = SGD(rates, cases[0]["momentum"])
    losses, thetas, velocities = [], {}, {}
    for k in range(UPDATES + 1):
        with np.errstate(over="ignore", invalid="ignore"):
            losses.append(loss.forward(net.forward(x), t))
            lost = ~np.isfinite(losses[-1])
            if lost.any():  # runs that diverge have a test of their own: a smaller rate
                for case, gone in zip(cases * 2, lost, strict=True):
                    case["rate"] /= 4 if gone else 1
                return train_group(cases, rng)
            if k in MARKS:
                thetas[k] = net.theta.copy()
                memory = optimizer.memory or [np.zeros_like(net.theta)]
                velocities[k] = memory[0].copy()
            net.backward(loss.backward(), need_dx=False)
            optimizer.step(net.theta, net.grad)
    losses = np.stack(losses, axis=1)
    for i, case in enumerate(cases):
        here, near = (
            {"losses": losses[j], "thetas": [thetas[k][j] for k in MARKS]}
            for j in (i, i + len(cases))
        )
        case["run"], case["chaotic"] = here, parting(near, here) > 1e-11
        case["points"] = [
            {"theta": thetas[k][i], "velocity": velocities[k][i]} for k in CHECKPOINTS
        ]
        case["updates"] = [one_update(case, **point) for point in case["points"]]


def parting(a, b):
    """How far run a is from b, at worst, as long as both go."""
    gaps = [error(*pair) for pair in zip(a["thetas"], b["thetas"], strict=False)]
    return max(*gaps, error(a["losses"], b["losses"][: len(a["losses"])]))


def one_update(case, theta, velocity):
    """All that bplib computes in one update from theta: {name: array}."""
    net, loss = bplib_net(case), LOSSES[case["loss"]]()
    net.theta = theta
    pairs = [*zip(net.layers[::2], net.layers[1::2], strict=True)]
    y, seen = case["x"], {}
    for k, (dense, activation) in enumerate(pairs, 1):
        z = dense.forward(y)
        y = activation.forward(z)
        seen |= {f"z{k}": z, f"y{k}": y}
    seen["loss"] = loss.forward(y, case["t"])
    dy = loss.backward()
    for k, (dense, activation) in reversed([*enumerate(pairs, 1)]):
        dz = activation.backward(dy)
        dy = dense.backward(dz)
        seen |= {f"dz{k}": dz, f"dx{k}": dy}
    optimizer = SGD(case["rate"], case["momentum"])
    optimizer.memory = [velocity.copy()]
    optimizer.step(net.theta, net.grad)
    for name, array, gradient in net.named_parameters():
        seen |= {name: array, f"d{name}": gradient}
    if case["momentum"]:
        seen["velocity"] = optimizer.memory[0]
    return seen


# What the page computes for the same cases.
TWIN = """return given.map((c) => {
  const [net, x, t] = start(c);
  const nOut = net.layers.at(-1).nOut;
  const updates = c.points.map(({ theta, velocity }) => {
    net.theta.set(theta);
    const [dy, v] = [new Float64Array(c.n * nOut), Float64Array.from(velocity)];
    const seen = { loss: losses[c.loss](net.forward(x, c.n), t, c.n, nOut, dy) };
    net.backward(dy);
    step(net.theta, net.grad, v, c.rate, c.momentum);
    net.layers.forEach((layer, k) => {
      for (const name of ["z", "y", "dz", "dx", "dW", "db", "W", "b"]) {
        seen[name + (k + 1)] = Array.from(layer[name]);
      }
    });
    return { ...seen, velocity: v };
  });
  const run = startRun(c, MARKS.at(-1));
  run.advance(Infinity);
  const thetas = MARKS.map((k) => Array.from(run.thetaAt(k)));
  return { updates, run: { losses: run.losses, thetas } };
});"""


@pytest.fixture(scope="module")
def cases():
    rng, cases = np.random.default_rng(2025), []
    for number in range(30):
        group = [*draw_group(rng, number, 8)]
        train_group(group, rng)
        cases += group
    return cases


def compare(page, cases, net=None, marks=MARKS):
    """The largest error of the page for each kind of array, and for the runs."""
    body = TWIN.replace("MARKS", str(marks))
    keys = "sizes hidden output loss n x t theta rate momentum points".split()
    given = [{key: case[key] for key in keys} for case in cases]
    worst = collections.defaultdict(float)
    for case, twin in zip(cases, run(page, body, given, net), strict=True):
        for here, there in zip(case["updates"], twin["updates"], strict=True):
            for name, array in here.items():
                kind = name.rstrip("123")
                floor = FLOOR if kind in SUMS else 0
                worst[kind] = max(worst[kind], error(there[name], array, floor))
        if not case["chaotic"]:
            worst["run"] = max(worst["run"], parting(twin["run"], case["run"]))
    return worst


# -------------------------------------------------------------------------- net.js


def test_cases_are_as_varied_as_they_should_be(cases):
    assert len(cases) >= 200
    kinds = {(case["hidden"], case["loss"]) for case in cases}
    assert len(kinds) == len(ACTIVATIONS) * len(LOSSES)
    assert any(case["output"] == "sigmoid" for case in cases)
    sizes = [case["sizes"] for case in cases]
    assert {*map(len, sizes)} == {2, 3, 4} and max(map(max, sizes)) == 8
    assert {each[0] for each in sizes} == {each[-1] for each in sizes} == {1, 2, 3}
    assert 40 < sum(case["momentum"] > 0 for case in cases) < len(cases) - 40
    # relu: nowhere does rounding decide on which side of its kink a z is. (Exact zeros
    # are, where all before is dead; they are exact in the page, too.)
    near = [
        np.any((z != 0) & (np.abs(z) < 1e-9))
        for case in cases
        for update in case["updates"]
        for name, z in update.items()
        if name.startswith("z") and case["hidden"] == "relu"
    ]
    assert len(near) > 200 and not any(near)


def test_every_number_of_an_update_and_every_run_is_bplibs(page, cases):
    chaotic = sum(case["chaotic"] for case in cases)
    arrays = [
        np.abs(array).max() < FLOOR
        for case in cases
        for update in case["updates"]
        for name, array in update.items()
        if name.rstrip("123") in SUMS
    ]
    print(f"{len(cases)} nets, {chaotic} of them chaotic")
    print(f"{sum(arrays)} of {len(arrays)} gradients below {FLOOR}")
    assert chaotic <= 0.15 * len(cases)
    assert sum(arrays) <= 0.1 * len(arrays)
    worst = compare(page, cases)
    print({kind: f"{value:.1e}" for kind, value in worst.items()})
    kinds = "loss z y dz dx dW db W b velocity run"
    assert {*worst} == {*kinds.split()}
    assert max(worst.values()) < TOLERANCE


MUTANTS = [
    ("theta[i] -= rate", "theta[i] += rate"),
    ("momentum * velocity[i]", "velocity[i]"),
    ("dy[i] * y[i] * (1 - y[i])", "dy[i] * (1 - y[i])"),
    ("dy[i] * (1 - y[i] * y[i])", "dy[i]"),
    ("dy[i] * (y[i] > 0 ? 1 : 0)", "dy[i]"),
    ("Math.max(z[i], 0)", "z[i]"),
    ("Math.tanh(z[i])", "Math.tanh(z[i]) * (1 + 1e-8)"),
    ("dy[ij] = error / n", "dy[ij] = error"),
    ("total += sum / 2", "total += sum"),
    ("(Math.exp(y[i] - softplus) - t[i]) / n", "Math.exp(y[i] - softplus) - t[i]"),
    ("softplus - t[i] * y[i]", "softplus - y[i]"),
    ("(ij === right ? 1 : 0)) / n", "(ij === right ? 1 : 0))"),
    ("row + t[row / nOut]", "row"),
    ("- Math.log(sum)", ""),
    ("z[i * nOut + j] = sum + b[j]", "z[i * nOut + j] = sum"),
    ("db[j] += ", "db[j] = "),
    ("db.fill(0);", ""),
    ("dW.fill(0);", ""),
    ("+= x[i * nIn + m] * dz", "+= x[i * nIn] * dz"),
    ("* W[m * nOut + j];\n        }", "* W[j * nIn + m];\n        }"),
    ("dx[i * nIn + m] = sum", "dx[i * nIn + m] = sum / 2"),
    ("this.losses[k] = value", "this.losses[k] = value * (k < 9 ? 1 : 1.001)"),
    ("k * net.theta.length", "Math.max(k - 1, 0) * net.theta.length"),
    ("? hidden : output", "? output : hidden"),
]


@pytest.mark.parametrize(("right", "wrong"), MUTANTS)
def test_one_wrong_line_is_seen(page, cases, right, wrong):
    few = cases[:96:8]  # one of each kind
    assert source().count(right) == 1
    worst = compare(page, few, source().replace(right, wrong), MARKS[:6])
    assert max(worst.values()) > 10 * TOLERANCE, worst


def test_diverging_runs_end_where_train_says(page):
    """The same iteration, the same losses before it, the same parameters kept."""
    rng, cases = np.random.default_rng(3), []
    for number in range(0, 120, 2):  # hidden layers: identity, relu in part
        (case,) = draw_group(rng, number, 1)
        case["rate"] = 10 ** rng.uniform(1, 4)
        case["expected"] = bplib_train(case, case["theta"])
        near = case["theta"] * (1 + 1e-15 * rng.normal(size=case["theta"].shape))
        nearby = bplib_train(case, near)
        case["chaotic"] = nearby["divergedAt"] != case["expected"]["divergedAt"]
        cases.append(case)
    huge = {**cases[0], "theta": np.full(cases[0]["theta"].shape, 1e200)}
    cases.append({**huge, "output": "identity", "loss": "squared_error"})
    cases[-1]["expected"] = bplib_train(cases[-1], cases[-1]["theta"])
    body = """return given.map((c) => {
      const run = startRun(c, 60);
      const finished = run.advance(60);
      const theta = Array.from(run.net.theta);
      const again = run.advance(60);
      return { ...whole(run), theta, finished, again, last: run.thetaAt(60) };
    });"""
    chaotic, diverged = 0, []
    for case, twin in zip(cases, run(page, body, cases), strict=True):
        expected, at = case["expected"], twin["divergedAt"]
        assert twin["finished"] and twin["again"]
        assert at or twin["done"] == 60
        if case["chaotic"]:
            chaotic += 1
            continue
        assert at == expected["divergedAt"]
        if at:
            diverged.append(at)
            assert twin["done"] == max(at - 2, 0)
            assert numbers(twin["losses"][: at - 1]) == pytest.approx(
                numbers(expected["losses"]), rel=1e-6
            )
            assert twin["losses"][at - 1 :] == [None] * (62 - at)
            assert error(twin["theta"], expected["theta"]) < 1e-6
            assert twin["theta"] == twin["last"]
    print(f"{len(diverged)} of {len(cases)} diverged, {chaotic} chaotic")
    assert len(diverged) >= 10 and 1 in diverged and max(diverged) > 5
    assert chaotic <= 0.15 * len(cases)


def bplib_train(case, theta):
    net, losses, at = bplib_net(case), [], 0
    net.theta = theta
    optimizer, loss = SGD(case["rate"], case["momentum"]), LOSSES[case["loss"]]()
    try:
        for step in train(net, loss, optimizer, case["x"], case["t"], iterations=60):
            losses.append(step.loss)
    except FloatingPointError as stop:
        named = re.search(r"at iteration (\d+)|before the first update", str(stop))
        at = int(named[1] or 1)
    return {"divergedAt": at, "losses": losses, "theta": net.theta}


SMALL = {
    "sizes": [2, 8, 1],
    "hidden": "tanh",
    "output": "identity",
    "loss": "binary_cross_entropy",
    "n": 100,
    "rate": 0.5,
    "momentum": 0.9,
    "theta": initial_theta([2, 8, 1], 1),
    "x": dataset("moons", 50, seed=1)[0],
    "t": dataset("moons", 50, seed=1)[1],
}


def test_a_loss_after_the_last_update_that_is_not_finite_is_seen(page):
    """Where train, which does not look at it, would name the next iteration."""
    case = {**SMALL, "sizes": [2, 1], "theta": [0.1, 0.1, 0.0], "hidden": "identity"}
    case |= {"loss": "squared_error", "rate": 1e60, "momentum": 0}
    at = bplib_train({**case, "theta": np.array(case["theta"])}, case["theta"])
    at = at["divergedAt"]
    assert at > 2
    body = """return [1, 2, 3].map((more) => {
      const run = startRun(given, AT - 3 + more);
      return [run.advance(99), run.divergedAt, run.done];
    });"""
    answers = run(page, body.replace("AT", str(at)), case)
    assert answers == [[True, 0, at - 2], [True, at, at - 2], [True, at, at - 2]]


def test_a_run_in_slices_is_the_run_at_once(page):
    body = """
    const once = startRun(given, 300);
    once.advance(300);
    const slices = startRun(given, 300);
    let calls = 1;
    for (; !slices.advance(300, 0); calls++) {
      slices.net.theta.fill(calls); // a net may be used for other things between
      slices.net.forward(Float64Array.of(1, 2, 3, 4), 2);
    }
    const parts = startRun(given, 300);
    const done = [0, 1, 7, 7, 3, 250, 999].map((to) => [parts.advance(to), parts.done]);
    const loss0 = startRun(given, 300).losses[0];
    return { runs: [once, slices, parts].map(whole), calls, done, loss0 };
    """
    answer = run(page, body, SMALL)
    once, slices, parts = answer["runs"]
    assert once["done"] == 300 and once["losses"][-1] < 0.1 * once["losses"][0]
    assert slices == once and parts == once
    assert answer["calls"] == 300
    assert answer["done"] == [[True, k] for k in (0, 1, 7, 7, 7, 250, 300)]
    assert answer["loss0"] == once["losses"][0]


def test_a_slice_ends_when_its_time_is_over(page):
    body = """
    const run = startRun(given, 100000);
    const before = performance.now();
    const finished = run.advance(100000, 30);
    return { finished, done: run.done, ms: performance.now() - before };
    """
    case = {**SMALL, "rate": 1e-3}
    answer = run(page, body, case)
    assert not answer["finished"] and 0 < answer["done"] < 100_000
    assert 29 <= answer["ms"] < 2000  # all of them would take over 10 seconds


def test_without_momentum_no_velocity_is_remembered(page):
    """Not even an infinite one, of which 0 times is not 0."""
    body = """
    const [theta, v] = [Float64Array.of(1, 2), Float64Array.of(Infinity, 5)];
    step(theta, Float64Array.of(4, 4), v, 0.25, 0);
    return [theta, v];
    """
    assert run(page, body) == [[0, 1], [4, 4]]


def test_arrays_are_used_again(page):
    body = """
    const [net, x] = start(given);
    const arrays = () =>
      net.layers.flatMap((layer) => Object.values(layer)).filter(ArrayBuffer.isView);
    const dy = new Float64Array(100).fill(1);
    const once = () => [net.forward(x, 100), net.backward(dy), ...arrays()];
    const first = once();
    return once().map((array, i) => array === first[i]);
    """
    same = run(page, body, SMALL)
    assert len(same) > 15 and all(same)


@pytest.mark.parametrize("hidden", ACTIVATIONS)
def test_the_picture_of_a_boundary_shows_bplibs_values(page, hidden):
    line = np.linspace(-3, 3, 41)
    grid = np.stack(np.meshgrid(line, line), axis=-1).reshape(-1, 2)
    for output, sizes in ("identity", [2, 8, 1]), ("sigmoid", [2, 5, 4, 3]):
        theta = initial_theta(sizes, 7, 1.5) + 0.1
        case = {"sizes": sizes, "hidden": hidden, "output": output, "theta": theta}
        body = """
        const [net, x] = start(given);
        net.forward(x, 5); // another number of examples before, and after
        const y = Array.from(net.forward(x, given.n));
        return [y, net.forward(x, 5)];
        """
        y, first = run(page, body, {**case, "x": grid, "t": [], "n": len(grid)})
        assert first == y[: 5 * sizes[-1]]
        net = bplib_net(case)
        net.theta = theta
        assert error(y, net.forward(grid)) < 1e-13


@pytest.mark.parametrize("loss", LOSSES)
def test_losses_do_not_overflow(page, loss):
    y = np.array([[-1e4, 1e4], [-800.0, 40], [0, -1e-9], [50, 51], [1e4, 1e4 + 1]])
    t = np.array([0, 1, 1, 0, 1])
    if loss != "softmax_cross_entropy":
        t = np.stack([t, 1 - t], axis=1)
    body = """
    const [y, t] = [given.y, given.t].map((array) => Float64Array.from(array.flat()));
    const dy = new Float64Array(10);
    return [losses[given.loss](y, t, 5, 2, dy), dy];
    """
    judge = LOSSES[loss]()
    value = judge.forward(y, t)
    seen, dy = run(page, body, {"y": y, "t": t, "loss": loss})
    assert seen == pytest.approx(value, rel=1e-14)
    assert error(dy, judge.backward()) < 1e-12


# --------------------------------------------------------------------- generator.js


def test_random_numbers_are_the_same_bit_for_bit(page):
    seeds = [0, 1, 2, 2**31, 2**32 - 1, *words(15)]
    streams = [k % 4 for k in range(20)]
    body = """return given.map(([seed, stream]) => {
      const draw = (method, count) => {
        const random = new Random(seed, stream);
        return Array.from({ length: count }, () => random[method]());
      };
      return [draw("integer", 10000), draw("uniform", 1000), draw("normal", 200)];
    });"""
    pairs = [*zip(seeds, streams, strict=True)]
    for pair, answer in zip(pairs, run(page, body, pairs), strict=True):
        for name, drawn in zip(("integer", "uniform", "normal"), answer, strict=True):
            draw = getattr(Random(*pair), name)
            assert drawn == [draw() for _ in drawn]


def words(count):
    return np.random.default_rng(0).integers(2**32, size=count).tolist()


def test_initial_thetas_are_the_same_bit_for_bit(page):
    inits = ["xavier", "he", 0, 0.1, 1, 2.5]
    sizes = [[2, 8, 1], [1, 1], [3, 8, 8, 3], [2, 5, 5, 5, 2]]
    given = [[s, seed, i] for s in sizes for seed in (0, *words(3)) for i in inits]
    given += [[[2, 3], 5]]  # the default
    body = "return given.map((arguments_) => initialTheta(...arguments_));"
    for arguments, theta in zip(given, run(page, body, given), strict=True):
        assert theta == initial_theta(*arguments).tolist()


def test_data_sets_are_the_same(page):
    names = ["xor", "moons", "circles", "spirals"]
    given = [[name] for name in names]
    given += [
        [name, n, noise, seed]
        for name in names
        for n, noise in ((50, None), (1, 0.3), (20, 0), (100, 1))
        for seed in (0, *words(2))
    ]
    body = "return given.map((arguments_) => dataset(...arguments_));"
    for arguments, twin in zip(given, run(page, body, given), strict=True):
        x, t = dataset(*arguments)
        assert twin["t"] == t.tolist()
        assert twin["n"] == len(t) and twin["classes"] == t.max() + 1
        assert error(twin["x"], x) < 1e-15 or arguments[1:2] == [1]
        assert twin["x"] == pytest.approx(x.ravel().tolist(), rel=1e-15, abs=2e-15)
