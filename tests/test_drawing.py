"""These tests ask whether a picture says what the numbers say, and can be read."""

import itertools
import subprocess
import sys

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch
from matplotlib.path import Path

from bplib import (
    RNN,
    SGD,
    Conv2D,
    Dense,
    Flatten,
    MaxPool2D,
    Net,
    ReLU,
    Sigmoid,
    SquaredError,
    Tanh,
    drawing,
    train,
)


@pytest.fixture
def ax():
    yield from new_axes()


def new_axes(height=4.4):
    with mpl.rc_context(fname=drawing.STYLE):
        figure = Figure(figsize=(7, height))
        FigureCanvasAgg(figure)
        yield figure.subplots()


def dense_net(*sizes, activation=Tanh, scale=1.0, seed=0):
    layers = []
    for n_in, n_out in itertools.pairwise(sizes):
        layers += [Dense(n_in, n_out), activation()]
    net = Net(*layers)
    net.theta = scale * np.random.default_rng(seed).normal(size=net.theta.shape)
    return net


def two_two_two():
    """The best-known worked example: its weights, input and target."""
    net = Net(Dense(2, 2), Sigmoid(), Dense(2, 2), Sigmoid())
    net.layers[0].W = [[0.15, 0.25], [0.20, 0.30]]
    net.layers[2].W = [[0.40, 0.50], [0.45, 0.55]]
    net.layers[0].b, net.layers[2].b = [[0.35, 0.35]], [[0.60, 0.60]]
    x, t = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])
    return net, x, net.forward(x) - t


def outlines(texts):
    """The true outline of each text in pixels, turned as it is drawn."""
    texts[0].figure.draw_without_rendering()
    shapes = []
    for text in texts:
        angle = np.radians(text.get_rotation())
        text.set_rotation(0)
        box = text.get_window_extent()
        text.set_rotation(np.degrees(angle))
        pivot = text.get_transform().transform(text.get_position())
        turn = np.array(
            [[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]]
        )
        corners = [box.p0, (box.x1, box.y0), box.p1, (box.x0, box.y1), box.p0]
        shapes.append(Path((np.array(corners) - pivot) @ turn + pivot))
    return shapes


def assert_readable(ax, texts):
    """No text overlaps another, crosses a node's border or leaves the axes."""
    shapes = outlines(texts)
    boxes = [shape.get_extents() for shape in shapes]
    for i, j in itertools.combinations(range(len(texts)), 2):
        if boxes[i].overlaps(boxes[j]):  # a quick look first, then the true outlines
            both = texts[i].get_text(), texts[j].get_text()
            assert not shapes[i].intersects_path(shapes[j], filled=True), both
    frame = ax.get_window_extent().padded(1)
    for text, shape in zip(texts, shapes, strict=True):
        inside = [frame.contains(*corner) for corner in shape.vertices]
        assert all(inside), f"{text.get_text()} leaves the axes"
        for node in ax.patches:
            if isinstance(node, FancyBboxPatch):
                border = node.get_path().transformed(node.get_transform())
                crosses = shape.intersects_path(border, filled=False)
                assert not crosses, f"{text.get_text()} crosses a node"


# ---------------------------------------------------------------------------- network

SIZES = [(2, 2, 2), (2, 3, 1), (3, 4, 3), (4, 8, 8, 4), (1, 1, 1), (2, 8, 1), (3, 1)]


@pytest.mark.parametrize("show", ["weights", "values", "gradients", "both"])
@pytest.mark.parametrize("sizes", SIZES, ids=lambda s: "-".join(map(str, s)))
def test_labels_never_overlap(sizes, show):
    cases = [(1, 4.4), (-3e4, 3.5), (1e-5, 6)][: 3 if show == "both" else 2]
    for seed, (scale, height) in enumerate(cases):
        for ax in new_axes(height):
            net = dense_net(*sizes, activation=ReLU, scale=scale, seed=seed)
            x = scale * np.linspace(-1, 2, sizes[0])
            dy = np.linspace(-777.77, 1, sizes[-1])
            texts = drawing.network(
                ax, net, x, dy=dy, show=show, z=seed % 2 == 0, decimals=4
            )
            assert len(texts) >= sum(sizes)
            assert_readable(ax, texts)


def test_the_overlap_check_sees_an_overlap(ax):
    net, x, dy = two_two_two()
    texts = drawing.network(ax, net, x, dy=dy)
    x, y = texts[0].get_position()
    texts[-4].set_position((x + 3, y))
    with pytest.raises(AssertionError):
        assert_readable(ax, texts)


def test_two_two_two_shows_every_number_in_its_color(ax):
    net, x, dy = two_two_two()
    texts = drawing.network(ax, net, x, dy=dy)
    blue = [t.get_text() for t in texts if t.get_color() == drawing.FORWARD]
    brown = [t.get_text() for t in texts if t.get_color() == drawing.BACKWARD]
    values = "0.050 0.100 0.593 0.597 0.751 0.773".split()
    weights = "0.150 0.250 0.200 0.300 0.400 0.500 0.450 0.550".split()
    biases = ["b 0.350"] * 2 + ["b 0.600"] * 2
    assert sorted(blue) == sorted([*values, *weights, *biases, "→ forward: values"])
    # dE/dy, dE/dh and dE/dx; dW; db. From the published digits: .138498 * .593270 ...
    nodes = "0.0038 0.0047 0.036 0.041 0.741 −0.217".split()
    edges = "0.00044 0.00050 0.00088 0.0010 0.082 −0.023 0.083 −0.023".split()
    biases = ["db 0.0088", "db 0.010", "db 0.138", "db −0.038"]
    assert sorted(brown) == sorted([*nodes, *edges, *biases, "← backward: gradients"])


def test_each_edge_carries_its_own_two_numbers_value_above(ax):
    net = dense_net(2, 3, 1)
    x, dy = np.array([[0.3, -0.8]]), np.array([[1.3]])
    texts = drawing.network(ax, net, x, dy=dy)
    net.forward(x)
    dx = net.backward(dy)
    arrows = [p for p in ax.patches if isinstance(p, FancyArrowPatch)]
    labels = texts[-20:-2]  # two for each of 9 edges; the last two are the key
    edges = [
        (layer, i, j) for layer in net.layers[::2] for i, j in np.ndindex(layer.W.shape)
    ]
    for k, (layer, i, j) in enumerate(edges):
        value, gradient = labels[2 * k : 2 * k + 2]
        assert value.get_text() == drawing._short(layer.W[i, j], 3)
        assert gradient.get_text() == drawing._short(layer.dW[i, j], 3)
        start, end = np.array(arrows[k]._posA_posB)
        back_start, back_end = np.array(arrows[k + 9]._posA_posB)
        along = (end - start) / np.hypot(*(end - start))
        across = np.array([-along[1], along[0]])
        above = (value.get_position() - start) @ across
        below = (gradient.get_position() - back_end) @ across
        assert 0.5 < above / value.get_size() < 1.2
        assert -1.2 < below / value.get_size() < -0.5
        assert value.get_rotation() == gradient.get_rotation()
        place = (value.get_position() - start) @ along / np.hypot(*(end - start))
        assert 0 < place < 1
    # Each arrow leaves the right node: the nodes are in the order of the columns.
    nodes = [p for p in ax.patches if isinstance(p, FancyBboxPatch)]
    for k, (layer, i, j) in enumerate(edges):
        column = (0, 2, 5)[list(net.layers).index(layer) // 2 :]
        for node, point in zip(
            (nodes[column[0] + i], nodes[column[1] + j]),
            arrows[k]._posA_posB,
            strict=True,
        ):
            around = node.get_extents().padded(8 * ax.figure.dpi / 72)
            assert around.contains(*ax.transData.transform(point))
    shown = [t.get_text() for t in texts if t.get_color() == drawing.BACKWARD]
    assert shown[:2] == [drawing._short(d, 3) for d in dx[0]]


def test_arrows_point_the_way_the_numbers_go(ax):
    net, x, dy = two_two_two()
    drawing.network(ax, net, x, dy=dy)
    arrows = [p for p in ax.patches if isinstance(p, FancyArrowPatch)]
    assert len(arrows) == 16
    for arrow in arrows:
        (x0, _), (x1, _) = arrow._posA_posB
        color = to_hex(arrow.get_edgecolor()).upper()
        assert color == (drawing.FORWARD if x1 > x0 else drawing.BACKWARD)


def test_many_edges_speak_by_width_and_dashes(ax):
    net = dense_net(4, 8, 8, 4)
    x, dy = np.ones((1, 4)), np.ones((1, 4))
    texts = drawing.network(ax, net, x, dy=dy)
    assert "thick: large, dashed: negative" in [t.get_text() for t in texts]
    net.forward(x)
    net.backward(dy)
    dense = net.layers[::2]
    forward, backward = ax.collections
    for lines, color, numbers in (
        (forward, drawing.FORWARD, [layer.W for layer in dense]),
        (backward, drawing.BACKWARD, [layer.dW for layer in dense]),
    ):
        numbers = np.concatenate([n.ravel() for n in numbers])
        assert {to_hex(c).upper() for c in lines.get_colors()} == {color}
        widths = np.array(lines.get_linewidths())
        assert np.corrcoef(widths, np.abs(numbers))[0, 1] > 0.999999
        dashed = [pattern is not None for _, pattern in lines.get_linestyles()]
        assert dashed == (numbers < 0).tolist()


def test_default_names_and_own_names(ax):
    texts = drawing.network(ax, dense_net(2, 3, 1))
    shown = [t.get_text() for t in texts]
    for name in ("$x_{1}$", "$x_{2}$", "$h_{1}$", "$h_{3}$", "$y_{1}$"):
        assert name in shown
    own = [["a", "b"], ["c", "d", "e"], ["f"]]
    texts = drawing.network(ax, dense_net(2, 3, 1), names=own)
    assert {"a", "b", "c", "d", "e", "f"} <= {t.get_text() for t in texts}
    assert "$x_{1}$" not in {t.get_text() for t in texts}


@pytest.mark.parametrize(
    "value, text",
    [
        (0.15, "0.150"), (-0.0, "0"), (3.0, "3"), (-12.0, "−12"), (12.3456, "12.35"),
        (0.0087713, "0.0088"), (0.00044, "0.00044"), (0.000044, "4.4e−5"),
        (-1234.567, "−1235"), (-98765.4, "−9.9e4"), (1e300, "1.0e300"),
        (np.nan, "nan"), (-np.inf, "−inf"),
    ],
)  # fmt: skip
def test_short_numbers_keep_two_digits_that_count(value, text):
    assert drawing._short(value, 3) == text


# ----------------------------------------------------- the net stays as it was


@pytest.mark.parametrize("draw", ["network", "decision_boundary"])
def test_the_net_stays_as_it_was(ax, draw):
    net = dense_net(2, 3, 1)
    x, dy = np.random.default_rng(1).normal(size=(5, 2)), np.ones((5, 1))
    net.forward(x)
    net.backward(dy)
    theta, grad = net.theta.copy(), net.grad.copy()
    if draw == "network":
        drawing.network(ax, net, x[:1], dy=[[7.0]])
    else:
        drawing.decision_boundary(ax, net, x, [0, 1, 0, 1, 1])
    assert np.array_equal(net.theta, theta) and np.array_equal(net.grad, grad)
    net.grad = np.zeros_like(grad)
    net.backward(dy)  # also what the layers remember of their own forward
    assert np.array_equal(net.grad, grad)


def test_network_after_training_still_finds_dx(ax):
    net, x, dy = two_two_two()
    for _ in train(net, SquaredError(), SGD(0.5), x, x, iterations=2):
        pass
    net.forward(x)
    want = net.backward(dy).ravel()
    net.backward(dy, need_dx=False)
    texts = drawing.network(ax, net, x, dy=dy, show="gradients")
    shown = [t.get_text() for t in texts if t.get_color() == drawing.BACKWARD]
    assert shown[:2] == [drawing._short(d, 3) for d in want]
    assert not [t for t in texts if t.get_color() == drawing.FORWARD]


# ------------------------------------------------------------------- loss_curve


def test_loss_curve_draws_the_losses(ax):
    losses = np.exp(-np.arange(50) / 10)
    (line,) = drawing.loss_curve(ax, losses, label="training", start=1, log=True)
    assert line.get_xdata().tolist() == list(range(1, 51))
    assert np.array_equal(line.get_ydata(), losses)
    assert line.get_color() == "#0072B2" or to_hex(line.get_color()) == "#0072b2"
    assert ax.get_yscale() == "log"
    (text,) = ax.texts
    assert text.get_text() == "training" and text.xy == (50, losses[-1])


def test_smoothing_is_a_trailing_mean_and_keeps_the_losses(ax):
    losses = np.random.default_rng(0).random(30)
    (line,) = drawing.loss_curve(ax, losses, smooth=4)
    means = [losses[max(0, k - 3) : k + 1].mean() for k in range(30)]
    np.testing.assert_allclose(line.get_ydata(), means, rtol=1e-12)
    assert np.array_equal(ax.lines[1].get_ydata(), losses)


@pytest.mark.parametrize("smooth", [1, 3])
@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_diverged_curve_ends_with_a_cross_and_its_iteration(ax, bad, smooth):
    losses = np.ones((40, 2)) * [1.0, 2.0]
    losses[25:, 1] = bad
    lines = drawing.loss_curve(ax, losses, label=["tame", "wild"], smooth=smooth)
    assert np.isnan(lines[1].get_ydata()[25:]).all()
    assert np.isfinite(lines[1].get_ydata()[:25]).all()
    (cross,) = [line for line in ax.lines if line.get_marker() == "X"]
    assert (cross.get_xdata()[0], cross.get_ydata()[0]) == (25, 2.0)
    assert [t.get_text() for t in ax.texts] == ["tame", "wild: diverged at 26"]


def test_a_curve_without_any_finite_loss_is_still_named(ax):
    drawing.loss_curve(ax, [np.nan, np.nan], start=0)
    assert [t.get_text() for t in ax.texts] == ["diverged at 0"]
    ax.figure.canvas.draw()


def test_labels_of_curves_keep_apart_even_over_two_calls(ax):
    drawing.loss_curve(ax, np.ones((9, 3)) * [1, 1.01, 5], label=["a", "b", "far"])
    drawing.loss_curve(ax, np.ones(9), label="later")
    assert len(ax.texts) == 4
    for a, b in itertools.combinations(outlines(ax.texts), 2):
        assert not a.intersects_path(b, filled=True)
    far = ax.texts[2]
    assert far.xyann == (8, 0)  # nobody near: it stands at its curve


# ------------------------------------------------------------ decision_boundary


def plane(bias, activation=None):
    """A net that says x1 + bias."""
    net = Net(Dense(2, 1), *([activation()] if activation else []))
    net.theta = [1.0, 0.0, bias]
    return net


@pytest.mark.parametrize("activation, threshold", [(None, 0.0), (Sigmoid, 0.5)])
@pytest.mark.parametrize("given", [True, False])
def test_the_line_is_where_the_net_changes_its_mind(ax, activation, threshold, given):
    x, t = np.array([[-1.0, 0], [2, 1], [0, 2]]), np.array([[0], [1], [0]])
    options = dict(threshold=threshold) if given else {}
    dots = drawing.decision_boundary(ax, plane(-0.3, activation), x, t, **options)
    line = ax.collections[1]
    points = np.concatenate([path.vertices for path in line.get_paths()])
    np.testing.assert_allclose(points[:, 0], 0.3, atol=1e-4)
    assert [d.get_offsets().tolist() for d in dots] == [[[-1, 0], [0, 2]], [[2, 1]]]
    colors = [to_hex(d.get_facecolor()[0]).upper() for d in dots]
    assert colors == list(drawing.CLASS_COLORS[:2])
    shapes = [d.get_paths()[0].vertices.shape for d in dots]
    assert shapes[0] != shapes[1]  # told apart without color
    shown = [text.get_text() for text in ax.get_legend().get_texts()]
    assert shown == ["class 0", "class 1"]


def test_of_several_outputs_the_largest_wins(ax):
    net = Net(Dense(2, 3))
    net.theta = [1, -1, 0, 0, 0, 1, 0, 0, 0]  # outputs x1, -x1, x2
    x = np.array([[2.0, 0], [-2, 0], [0, 2]])
    drawing.decision_boundary(ax, net, x, np.arange(3))
    regions = ax.collections[:3]
    for k, region in enumerate(regions):
        inside = [any(p.contains_point(at) for p in region.get_paths()) for at in x]
        assert inside == [j == k for j in range(3)]


# ------------------------------------------------------- weight_images and images


@pytest.mark.parametrize("outlier", [-7.0, 7.0])
def test_weight_images_show_each_unit_on_one_symmetric_scale(ax, outlier):
    W = np.random.default_rng(0).normal(size=(6, 4))
    W[2, 1] = outlier
    image = drawing.weight_images(ax, W, (2, 3), columns=2)
    shown = image.get_array()
    tiles = [shown[r : r + 2, c : c + 3] for r in (0, 3) for c in (1, 5)]
    for k, tile in enumerate(tiles):
        assert np.array_equal(tile, W[:, k].reshape(2, 3))
    assert np.ma.count(shown) == W.size  # the rest is gap
    low, high = image.get_clim()
    assert high == np.abs(W).max() == -low
    (inset,) = ax.child_axes
    ticks = [text.get_text() for text in inset.get_yticklabels()]
    assert ticks == [drawing._short(v, 2) for v in (low, 0, high)]


def test_weight_images_can_share_a_scale(ax):
    W = np.random.default_rng(0).normal(size=(6, 4))
    assert drawing.weight_images(ax, W, (2, 3), largest=8).get_clim() == (-8, 8)
    (inset,) = ax.child_axes
    assert [t.get_text() for t in inset.get_yticklabels()] == ["−8", "0", "8"]
    for wrong in 0, -1, np.nan, np.inf, "8":
        with pytest.raises(ValueError, match="largest must be more than 0, got"):
            drawing.weight_images(ax, W, (2, 3), largest=wrong)


def test_images_have_their_captions_under_them(ax):
    x = np.random.default_rng(0).random((11, 64))
    captions = [f"{k} read as {k + 1}" for k in range(11)]
    image = drawing.images(ax, x, (8, 8), labels=captions, columns=8)
    assert image.get_cmap().name == "gray_r" and image.get_clim() == (0, x.max())
    shown = image.get_array()
    assert [t.get_text() for t in ax.texts] == captions
    assert_readable(ax, ax.texts)
    for k, text in enumerate(ax.texts):
        middle, under = text.get_position()
        bottom, left = int(under + 0.5), int(middle - 3.5)
        tile = shown[bottom - 8 : bottom, left : left + 8]
        assert np.array_equal(tile, x[k].reshape(8, 8))
        assert text.get_va() == "top" and text.get_size() >= 8
        low, high = outlines([text])[0].get_extents().intervaly
        above = ax.transData.transform((0, bottom - 0.5))[1]
        below = ax.transData.transform((0, bottom - 0.5 + 9))[1]
        assert high <= above and (k > 2 or low > below)


# ---------------------------------------------------------------- gradient_flow


def test_gradient_flow_sets_zero_and_nan_apart(ax):
    sizes = 10.0 ** -np.arange(12).reshape(4, 3)
    sizes[1, 0], sizes[2:, 1], sizes[3, 2] = 0, np.nan, np.inf
    image = drawing.gradient_flow(ax, sizes, names=["a", "b", "c"], start=5)
    shown = image.get_array()
    plain = np.isfinite(sizes) & (sizes > 0)
    assert np.array_equal(~np.ma.getmaskarray(shown), plain.T)
    assert np.array_equal(shown.compressed(), sizes.T[plain.T])
    assert image.norm(1e-10) < image.norm(1.0) == 1
    assert image.norm(1e-4) - image.norm(1e-6) == pytest.approx(
        image.norm(1e-1) - image.norm(1e-3)
    )  # log scale
    found = {}
    for cells in ax.collections:
        boxes = [path.get_extents() for path in cells.get_paths()]
        for box in boxes:
            found[box.x0, box.x1, box.y0, box.y1] = cells.get_hatch()
    assert found == {
        (5.5, 6.5, -0.5, 0.5): "...",  # iteration 6, first layer: zero
        (6.5, 8.5, 0.5, 1.5): "////",  # 7 and 8, second: nan
        (7.5, 8.5, 1.5, 2.5): "////",  # 8, third: inf
    }
    words = [text.get_text() for text in ax.get_legend().get_texts()]
    assert words == ["exactly 0", "nan or inf"]
    assert [label.get_text() for label in ax.get_yticklabels()] == ["a", "b", "c"]


@pytest.mark.parametrize("fill", [0.0, np.nan, 2.0])
def test_gradient_flow_of_one_kind_only(ax, fill):
    drawing.gradient_flow(ax, np.full((3, 2), fill))
    ax.figure.canvas.draw()
    assert (ax.get_legend() is None) == (fill == 2.0)


# ------------------------------------------------------------------- flow_chart

YES_NO = ("Does it\nfall?", {"no": "sign", "yes": ("Fast?", {"or": "a", "so": "b"})})
TREES = {
    "text": "alone",
    "one": ("a?", {"yes": "b"}),
    "deep": YES_NO,
    "wide": ("What?", {"one\nor two": YES_NO, "three": "c\nd\ne", "4": YES_NO}),
}


@pytest.mark.parametrize("tree", TREES.values(), ids=TREES)
@pytest.mark.parametrize("height", [2.5, 6])
def test_every_text_of_a_flow_chart_can_be_read(tree, height):
    for ax in new_axes(height):
        texts = drawing.flow_chart(ax, tree)
        assert_readable(ax, texts)
        assert texts[0].get_size() <= 11


def test_answers_of_a_flow_chart_lead_to_their_boxes(ax):
    texts = drawing.flow_chart(ax, TREES["deep"])
    place = {text.get_text(): np.array(text.get_position()) for text in texts}
    boxes = [patch for patch in ax.patches if isinstance(patch, FancyBboxPatch)]
    arrows = [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]
    links = [("no", "sign"), ("yes", "Fast?"), ("or", "a"), ("so", "b")]
    assert len(boxes) == 5 and len(arrows) == 4 and len(texts) == 9
    tips = {tuple(np.round(arrow._posA_posB[1], 6)) for arrow in arrows}
    for answer, end in links:
        says, box = next(t for t in texts if t.get_text() == answer), place[end]
        tip = next(t for t in tips if t[1] == round(box[1], 6))
        assert says.get_position()[1] == box[1]
        assert says.get_position()[0] < tip[0] < box[0]
        assert any(abs(patch.get_x() - tip[0]) < 1e-5 for patch in boxes)
    assert place["Does it\nfall?"][0] < place["Fast?"][0] < place["b"][0]
    assert place["sign"][1] > place["a"][1] > place["b"][1]


# ----------------------------------------------------------------------- errors

X, T = np.zeros((3, 2)), np.array([0, 1, 0])
ONE, DY = np.ones((1, 2)), np.ones((1, 1))
SMALL = (2, 3, 1)
ERRORS = {
    "losses empty": (drawing.loss_curve, [[]], {}, "losses.*not empty.*(0,)"),
    "losses 3D": (drawing.loss_curve, [np.ones((2, 2, 2))], {}, "1D or 2D"),
    "losses zero, log": (drawing.loss_curve, [[1, 0]], {"log": True}, "above 0"),
    "smooth zero": (drawing.loss_curve, [[1, 2]], {"smooth": 0}, "smooth >= 1, got 0"),
    "smooth half": (drawing.loss_curve, [[1, 2]], {"smooth": 1.5}, "got 1.5"),
    "labels": (drawing.loss_curve, [np.ones((4, 2))], {"label": "one"}, "2 labels"),
    "x 3 columns": (
        drawing.decision_boundary, [plane(0), np.ones((3, 3)), T], {}, "2 columns"),
    "t short": (drawing.decision_boundary, [plane(0), X, T[:2]], {}, "3 targets.*2"),
    "t class 2": (drawing.decision_boundary, [plane(0), X, T + 1], {}, r"0\.\.1.*2"),
    "t half": (drawing.decision_boundary, [plane(0), X, T / 2], {}, r"0\.\.1.*0\.5"),
    "x nan": (drawing.decision_boundary, [plane(0), X * np.nan, T], {}, "nan or inf"),
    "net nan": (drawing.decision_boundary, [plane(np.nan), X, T], {}, "outputs"),
    "6 classes": (drawing.decision_boundary, [Net(Dense(2, 6)), X, T], {}, "5 classes"),
    "net of 3 inputs": (
        drawing.decision_boundary, [Net(Dense(3, 1)), X, T], {}, "3 columns"),
    "boundary of copies": (
        drawing.decision_boundary, [Net(Dense(2, 1), copies=4), X, T], {}, "copies=4"),
    "network of copies": (
        drawing.network, [Net(Dense(2, 1), copies=4), ONE], {}, "copies=4"),
    "conv": (drawing.network, [Net(Conv2D(1, 2, 3), Flatten())], {}, "not Conv2D"),
    "rnn": (drawing.network, [Net(RNN(2, 2), Dense(2, 1))], {}, "not RNN"),
    "pool": (drawing.network, [Net(Dense(2, 2), MaxPool2D(1))], {}, "MaxPool2D"),
    "activation first": (
        drawing.network, [Net(Tanh(), Dense(2, 1))], {}, "not Tanh"),
    "x of 4 rows": (
        drawing.network, [dense_net(*SMALL), np.ones((4, 2))], {}, r"\(1, 2\).*\(4"),
    "x 3 long": (
        drawing.network, [dense_net(*SMALL), np.ones(3)], {}, r"\(1, 2\), got \(3,\)"),
    "dy 2 long": (
        drawing.network, [dense_net(*SMALL), ONE], {"dy": ONE}, r"dy of shape \(1, 1"),
    "dy without x": (drawing.network, [dense_net(*SMALL)], {"dy": DY}, "needs x"),
    "values without x": (
        drawing.network, [dense_net(*SMALL)], {"show": "values"}, "needs x$"),
    "gradients without dy": (
        drawing.network, [dense_net(*SMALL), ONE], {"show": "both"}, "x and dy"),
    "show": (drawing.network, [dense_net(*SMALL)], {"show": "all"}, "got 'all'"),
    "decimals": (drawing.network, [dense_net(*SMALL)], {"decimals": 0}, "got 0"),
    "names": (
        drawing.network, [dense_net(*SMALL)], {"names": [["a"], ["b"], ["c"]]},
        r"\[2, 3, 1\] names"),
    "W shape": (drawing.weight_images, [np.ones((5, 2)), (2, 3)], {}, "6 pixels.*5"),
    "W 1D": (drawing.weight_images, [np.ones(6), (2, 3)], {}, "2D"),
    "x shape": (drawing.images, [np.ones((2, 5)), (2, 3)], {}, "6 pixels.*5"),
    "captions": (
        drawing.images, [np.ones((2, 6)), (2, 3)], {"labels": ["a"]}, "2 labels"),
    "columns": (
        drawing.images, [np.ones((2, 6)), (2, 3)], {"columns": 0}, "columns=0"),
    "sizes 1D": (drawing.gradient_flow, [np.ones(3)], {}, "2D"),
    "sizes negative": (drawing.gradient_flow, [-np.ones((3, 2))], {}, "0 or more"),
    "sizes names": (
        drawing.gradient_flow, [np.ones((3, 2))], {"names": ["a"]}, "2 names"),
}  # fmt: skip


@pytest.mark.parametrize("case", ERRORS)
def test_bad_input_is_named_and_nothing_is_drawn(ax, case):
    draw, arguments, options, says = ERRORS[case]
    before = ax.get_children()
    with pytest.raises(ValueError, match=says):
        draw(ax, *arguments, **options)
    assert ax.get_children() == before
    assert ax.axison and ax.get_xlabel() == "" and ax.get_yscale() == "linear"
    assert ax.get_xlim() == (0, 1)


@pytest.mark.parametrize(
    "draw, arguments",
    [
        (drawing.loss_curve, ([1, 2],)),
        (drawing.decision_boundary, (plane(0), X, T)),
        (drawing.network, (plane(0),)),
        (drawing.weight_images, (np.ones((4, 1)), (2, 2))),
        (drawing.images, (np.ones((1, 4)), (2, 2))),
        (drawing.gradient_flow, (np.ones((2, 2)),)),
        (drawing.flow_chart, ("alone",)),
    ],
)
def test_the_first_argument_is_an_axes(draw, arguments, ax):
    with pytest.raises(TypeError, match="Axes, got Figure"):
        draw(ax.figure, *arguments)
    with pytest.raises(TypeError, match="hold numbers"):
        drawing.loss_curve(ax, ["high", "low"])


@pytest.mark.parametrize(
    "tree", [None, 3, ("a", "b"), ("a", {}), ("a", {1: "b"}), ("a", {"b": ("c",)})]
)
def test_a_flow_chart_wants_a_tree(ax, tree):
    with pytest.raises(TypeError, match="flow_chart expects a text or"):
        drawing.flow_chart(ax, tree)
    assert ax.axison and not ax.texts and not ax.patches


# -------------------------------------------------------- colors, style, manners


def linear(color):
    c = np.array(to_rgb(color))
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def contrast_on_white(color):
    return 1.05 / (linear(color) @ [0.2126, 0.7152, 0.0722] + 0.05)


# Machado, Oliveira and Fernandes 2009, full severity.
BLINDNESS = {
    "none": np.eye(3),
    "deuteranopia": np.array(
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413],
         [-0.011820, 0.042940, 0.968881]]),
    "protanopia": np.array(
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216],
         [-0.003882, -0.048116, 1.051998]]),
}  # fmt: skip


def seen(color, kind):
    """CIE Lab of a color as it is seen: distances of 2 or 3 are just noticed."""
    rgb_to_xyz = [
        [0.4124, 0.3576, 0.1805],
        [0.2126, 0.7152, 0.0722],
        [0.0193, 0.1192, 0.9505],
    ]
    xyz = rgb_to_xyz @ np.clip(BLINDNESS[kind] @ linear(color), 0, 1)
    r = xyz / [0.9505, 1, 1.089]
    f = np.where(r > 0.008856, np.cbrt(r), 7.787 * r + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def closest(colors, kind):
    pairs = itertools.combinations([seen(color, kind) for color in colors], 2)
    return min(np.linalg.norm(a - b) for a, b in pairs)


@pytest.mark.parametrize("kind", BLINDNESS)
def test_colors_stay_apart_for_the_color_blind(kind):
    assert closest(drawing.CLASS_COLORS, kind) > 25
    assert closest([drawing.FORWARD, drawing.BACKWARD], kind) > 40
    assert closest([drawing.FORWARD_DARK, drawing.BACKWARD_DARK], kind) > 40
    ends = [to_hex(mpl.colormaps["PRGn"](v)) for v in (0.0, 0.25, 0.5, 0.75, 1.0)]
    assert closest(ends, kind) > 20
    assert len(set(drawing.CLASS_MARKERS)) == len(drawing.CLASS_COLORS)


def test_the_check_for_color_blindness_can_fail():
    red_and_green = ["#C0392B", "#6B7A1E"]
    assert closest(red_and_green, "none") > 40
    assert closest(red_and_green, "deuteranopia") < 25


def test_colors_of_text_stand_out_on_white():
    with mpl.rc_context(fname=drawing.STYLE):
        cycle = mpl.rcParams["axes.prop_cycle"].by_key()
        names = [
            "text.color",
            "axes.labelcolor",
            "xtick.labelcolor",
            "ytick.labelcolor",
        ]
        colors = [mpl.rcParams[name] for name in names] + cycle["color"]
    texts = [drawing.FORWARD, drawing.BACKWARD, drawing.INK, drawing.QUIET, *colors]
    for color in texts:
        assert contrast_on_white(color) >= 4.5, color
    assert len(set(cycle["linestyle"])) == len(cycle["color"])  # not by color alone
    assert cycle["color"][0].upper() == drawing.FORWARD.lstrip("#") or (
        to_hex(cycle["color"][0]).upper() == drawing.FORWARD
    )


def test_the_style_is_opaque_white_and_readable_on_a_phone():
    with mpl.rc_context(fname=drawing.STYLE):
        rc = mpl.rcParams
        assert rc["figure.facecolor"] == rc["savefig.facecolor"] == "white"
        assert not rc["savefig.transparent"]
        assert rc["figure.figsize"][0] == 7
        for name in (
            "font.size",
            "xtick.labelsize",
            "ytick.labelsize",
            "legend.fontsize",
        ):
            pixels = rc[name] / 72 * 343 / 7
            assert pixels >= 8, name
        assert 7 * rc["figure.dpi"] >= 2 * 343


def test_drawing_needs_no_pyplot_and_opens_no_figure():
    code = (
        "import sys; from bplib import drawing; from matplotlib.figure import Figure;"
        "drawing.loss_curve(Figure().subplots(), [2, 1]);"
        "print('matplotlib.pyplot' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout == "False\n", done.stderr


def test_examples_are_drawn_where_they_are_with_a_marker_for_each_class():
    x, t = np.array([[0.0, 0], [0, 1], [1, 0], [1, 1]]), np.array([0, 1, 1, 0])
    ax = Figure().subplots()
    zeros, ones = drawing.examples(ax, x, t, legend=False)
    assert zeros.get_offsets().data.tolist() == [[0, 0], [1, 1]]
    assert ones.get_offsets().data.tolist() == [[0, 1], [1, 0]]
    assert ax.get_legend() is None
    ax = Figure().subplots()
    drawing.examples(ax, x, t)
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "class 0",
        "class 1",
    ]
    with pytest.raises(ValueError, match="t in 0..4"):
        drawing.examples(ax, x, t + 4)


FORK = {"z": (0, 0.5), "h": (1, 0.5), "a": (2, 0), "b": (2, 1)}
WAYS = [("z", "h"), ("h", "a"), ("h", "b")]


def test_graph_writes_values_above_and_slopes_below_their_nodes(ax):
    slopes = {"h": 3, ("h", "a"): -1, ("h", "b"): 4}
    labels = drawing.graph(ax, FORK, WAYS, {"h": 0.25, "a": 4}, slopes)
    found = {text.get_text(): text for text in labels}
    height = {text: label.get_position()[1] for text, label in found.items()}
    assert height["0.250"] > height["h"] > height["3"]
    assert found["3"].get_color() == drawing.BACKWARD
    assert found["0.250"].get_color() == drawing.FORWARD
    assert {"\N{MINUS SIGN}1", "← backward: slopes"} < set(found)
    arrows = [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]
    assert len(arrows) == 2 * len(WAYS)
    assert height["a"] > height["h"] > height["b"]


def test_graph_without_slopes_draws_the_forward_way_alone(ax):
    labels = drawing.graph(ax, FORK, WAYS, {"z": 1})
    assert not any("backward" in text.get_text() for text in labels)
    arrows = [patch for patch in ax.patches if isinstance(patch, FancyArrowPatch)]
    assert len(arrows) == len(WAYS)


def test_graph_refuses_what_has_no_place(ax):
    for given in ([("z", "c")], {}), (WAYS, {"c": 1}), (WAYS, {}, {("a", "b"): 1}):
        with pytest.raises(ValueError, match="no place for"):
            drawing.graph(ax, FORK, *given)
    assert not ax.texts
