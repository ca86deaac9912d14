"""Every picture here is drawn on the Axes you hand over, and on nothing else.

Values, which run forward, are blue; gradients, which run backward, are orange brown.
Color never stands alone: arrows, places, words, markers or hatching say the same.
"""

import copy
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import LineCollection
from matplotlib.colors import LinearSegmentedColormap, LogNorm, to_rgb
from matplotlib.font_manager import FontProperties
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch, Patch
from matplotlib.patheffects import withStroke
from matplotlib.textpath import text_to_path

FORWARD, BACKWARD = "#0072B2", "#B34A00"
FORWARD_DARK, BACKWARD_DARK = "#56B4E9", "#E69F00"  # for dark pages
# After Okabe and Ito, without the colors that mean forward and backward; far apart
# in lightness, so that they stay distinct without red or green.
CLASS_COLORS = ("#7D2F76", "#F0E442", "#2BB38A", "#1A1A1A", "#D9C9E8")
CLASS_MARKERS = ("o", "s", "^", "D", "v")
STYLE = str(Path(__file__).with_name("bplib.mplstyle"))
LANES = (FORWARD, BACKWARD)
INK, QUIET = "#222222", "#595959"
_HALO = [withStroke(linewidth=2.5, foreground="white")]


def loss_curve(ax, losses, *, label=None, smooth=1, log=False, start=1):
    """Draw losses over iterations and write each label at the end of its curve.

    losses: (n,), or (n, K) for K copies; label: a string, or K strings. smooth: the
    window of a trailing mean, in iterations; the losses stay visible behind it.
    start: the first iteration's number. A curve that turns nan or inf ends with a
    cross and the iteration. Returns the curves, a list of K Line2D. ValueError:
    losses empty or of another shape, or not above 0 where log is True.
    """
    _check_axes(ax, "loss_curve")
    losses = _numbers("loss_curve", "losses", losses, (1, 2))
    curves = losses.reshape(len(losses), -1).T  # (K, n)
    count = len(curves)
    labels = [""] * count if label is None else np.atleast_1d(label).tolist()
    _expect(len(labels) == count, f"loss_curve needs {count} labels, got {label!r}")
    whole = isinstance(smooth, int | np.integer) and smooth >= 1
    _expect(whole, f"loss_curve expects a whole smooth >= 1, got {smooth!r}")
    above = not (log and (curves <= 0).any())
    _expect(above, "loss_curve with log=True expects losses above 0, got 0 or less")
    finite = np.where(np.isfinite(curves), curves, np.nan)
    top = finite[np.isfinite(finite)].max(initial=0) or 1.0
    steps = start + np.arange(curves.shape[1])
    ax.set(xlabel="iteration", ylabel="loss")
    if log:
        ax.set_yscale("log")
    lines = []
    for curve, text in zip(finite, labels, strict=True):
        mean = _trailing_mean(curve, smooth)
        lines += ax.plot(steps, mean)
        color = lines[-1].get_color()
        if smooth > 1:
            ax.plot(steps, curve, "-", color=color, lw=0.8, alpha=0.3)
        words, last = [text] if text else [], len(curve) - 1
        bad = np.flatnonzero(np.isnan(curve))
        if len(bad):
            last = max(bad[0] - 1, 0)
            words.append(f"diverged at {steps[bad[0]]}")
        end = steps[last], mean[last] if np.isfinite(mean[last]) else top
        if len(bad):
            ax.plot(*end, "X", ms=10, color=color, mec="white", clip_on=False)
        if words:
            look = dict(color=color, va="center", gid="end", annotation_clip=False)
            away = dict(xytext=(8, 0), textcoords="offset points")
            ax.annotate(": ".join(words), end, **away, **look)
    # Push labels apart that would overlap, those of earlier calls too.
    point = ax.get_figure(root=True).dpi / 72
    ends = [text for text in ax.texts if text.get_gid() == "end"]
    heights = [ax.transData.transform(text.xy)[1] / point for text in ends]
    floor = -np.inf
    for k in np.argsort(heights):
        floor = max(heights[k], floor)
        ends[k].set_position((8, floor - heights[k]))
        floor += 1.25 * ends[k].get_size()
    return lines


def _trailing_mean(curve, window):
    """Mean of the last `window` values (fewer at the start); nan stays nan."""
    total = np.cumsum(np.nan_to_num(curve))
    total[window:] -= total[:-window].copy()
    mean = total / np.minimum(np.arange(1, len(curve) + 1), window)
    return np.where(np.isnan(curve), np.nan, curve if window == 1 else mean)


def examples(ax, x, t, *, legend=True):
    """Draw examples as points of the plane, one color and marker for each class.

    x: (N, 2); t: (N,) or (N, 1), whole class numbers. Returns the examples, one
    PathCollection a class. ValueError: wrong shapes or classes.
    """
    _check_axes(ax, "examples")
    x, t = _labeled("examples", x, t)
    _expect_classes("examples", t, len(CLASS_COLORS))
    return _dots(ax, x, t, legend)


def decision_boundary(ax, net, x, t, *, resolution=200, threshold=None, legend=True):
    """Draw what `net` says over the plane, and the examples it is asked about.

    x: (N, 2); t: (N,) or (N, 1), whole class numbers. A net with one output says class
    1 above `threshold` (None: that of its last layer; 0 for logits, 0.5 for a sigmoid);
    the shade deepens with the distance from it. Of several outputs the largest wins.
    resolution: points a side. Works on a copy: `net` stays as it was. Returns what
    `examples` returns. ValueError: wrong shapes or classes, a net with copies, outputs
    of nan.
    """
    who = "decision_boundary"
    _check_axes(ax, who)
    net = _own_copy(net, who)
    x, t = _labeled(who, x, t)
    low, high = x.min(axis=0), x.max(axis=0)
    room = 0.1 * np.where(high > low, high - low, 1)
    low, high = low - room, high + room
    grid = np.meshgrid(*np.linspace(low, high, resolution).T)
    flat = np.stack([g.ravel() for g in grid], axis=1)
    y = np.array(net.forward(flat), dtype=float).reshape(resolution, resolution, -1)
    classes, most = max(y.shape[2], 2), len(CLASS_COLORS)
    _expect(classes <= most, f"{who} has colors for {most} classes, not {classes}")
    _expect_classes(who, t, classes)
    _expect(np.isfinite(y).all(), f"{who}: outputs of the net are nan or inf")
    if y.shape[2] == 1:
        if threshold is None:
            threshold = getattr(net.layers[-1], "threshold", 0.0)
        margins = [y[..., 0] - threshold]
        size = np.quantile(np.abs(margins[0]), 0.9) or 1.0  # a few extremes count less
        tints = [_tint(CLASS_COLORS[0], 0.55), "white", _tint(CLASS_COLORS[1], 0.75)]
        look = dict(
            cmap=LinearSegmentedColormap.from_list("soft", tints), extend="both"
        )
        ax.contourf(*grid, margins[0], np.linspace(-size, size, 11), **look)
    else:
        margins = [y[..., k] - np.delete(y, k, 2).max(axis=2) for k in range(classes)]
        for color, margin in zip(CLASS_COLORS, margins, strict=False):
            if margin.max() > 0:
                tint = [_tint(color, 0.3)]
                ax.contourf(*grid, margin, [0, margin.max()], colors=tint)
    for margin in margins:
        if margin.min() < 0 < margin.max():
            ax.contour(*grid, margin, [0], colors=[INK], linewidths=1.8)
    ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    return _dots(ax, x, t, legend)


def _labeled(who, x, t):
    """x as numbers (N, 2) and t as numbers (N,), or a clear error."""
    x = _numbers(who, "x", x, (2,))
    t = _numbers(who, "t", t, (1, 2)).reshape(-1)
    _expect(x.shape[1] == 2, f"{who} expects x with 2 columns, got shape {x.shape}")
    _expect(len(t) == len(x), f"{who} expects {len(x)} targets in t, got {len(t)}")
    _expect(np.isfinite(x).all(), f"{who} expects x without nan or inf")
    return x, t


def _expect_classes(who, t, classes):
    odd = t[~np.isin(t, np.arange(classes))]
    _expect(odd.size == 0, f"{who} expects t in 0..{classes - 1}, got {odd[:3]}")


def _dots(ax, x, t, legend):
    dots = []
    for k in np.unique(t).astype(int):
        look = dict(marker=CLASS_MARKERS[k], color=CLASS_COLORS[k], label=f"class {k}")
        edge = "white" if k in (0, 3) else INK  # around dark, around light colors
        dots.append(ax.scatter(*x[t == k].T, s=48, ec=edge, lw=0.9, zorder=3, **look))
    ax.set(xlabel="$x_1$", ylabel="$x_2$")
    if legend:
        place = dict(loc="lower left", bbox_to_anchor=(0, 1), borderpad=0.2)
        ax.legend(ncols=len(dots), **place)
    return dots


def network(ax, net, x=None, *, dy=None, show=None, names=None, decimals=3, z=False):
    """Draw a dense net with its numbers: values forward, gradients backward.

    x: one example, (n_in,) or (1, n_in). dy: the gradient of the net's output, alike.
    show: "weights" (W and b), "values" (and each node's output), "gradients" or "both";
    by default all that x and dy allow. Both: the value above, its gradient below.
    names: a list of names for each column of nodes (default x_1, h_1, y_1; with more
    hidden columns h_{column,unit}). decimals: digits after the point, though never
    fewer than two digits that count. z=True adds the pre-activations.

    Runs forward and backward on a copy: `net` and its gradients stay as they were.
    What finds no room without overlap is left out: first the edges' numbers (width and
    dashes then say size and sign), then biases, then names. Fonts fit `ax` as it is
    now. Returns the labels, a list of Text. ValueError: a net that is not dense or has
    copies; x, dy or names of the wrong shape; a `show` without the x or dy it needs.
    """
    _check_axes(ax, "network")
    columns, edges = _run(_own_copy(net, "network"), x, dy)
    lanes = {"weights": [0], "values": [0], "gradients": [1], "both": [0, 1]}
    possible = list(lanes)[: 1 if x is None else 2 if dy is None else 4]
    show = possible[-1] if show is None else show
    _expect(show in lanes, f"network expects show to be in {list(lanes)}, got {show!r}")
    need = "x" if show == "values" else "x and dy"
    _expect(show in possible, f"network with show={show!r} needs {need}")
    _expect(decimals in range(1, 9), f"network expects 1 to 8 decimals, got {decimals}")
    sizes = [len(column["a"]) for column in columns]
    if names is None:
        hidden = [f"h_{{{c}," * (len(sizes) > 3) or "h_{" for c in range(len(sizes))]
        stems = ["x_{", *hidden[1:-1], "y_{"]
        names = [
            [f"${stem}{k + 1}}}$" for k in range(size)]
            for stem, size in zip(stems, sizes, strict=True)
        ]
    fits = [len(column) for column in names] == sizes
    _expect(fits, f"network expects columns of {sizes} names, got {names!r}")

    def lines(pair, name=""):
        """(text, color) of what `show` asks for: the value, its gradient, or both."""
        before = name and name + " ", name and "d" + name + " "
        return [(before[k] + _short(pair[k], decimals), LANES[k]) for k in lanes[show]]

    nodes = []  # a list for each column: the lines above, inside and below each node
    for column, names_here in zip(columns, names, strict=True):
        nodes.append([])
        for k, name in enumerate(names_here):
            above, inside = [(name, INK)], lines(column["a"][k])
            if show == "weights":
                above, inside = [], above
            elif z and "z" in column:
                above += lines(column["z"][k], "z")
            below = lines(column["b"][k], "b") if "b" in column else []
            nodes[-1].append((above, inside, below))
    links = [
        ((c, i), (c + 1, j), lines(pairs[i, j]), pairs[i, j])
        for c, pairs in enumerate(edges)
        for i, j in np.ndindex(pairs.shape[:2])
    ]
    before = len(ax.texts)
    _draw_edges(ax, *_draw_nodes(ax, nodes), links, lanes[show])
    return list(ax.texts)[before:]


def _run(net, x, dy):
    """One example's numbers as (value, gradient): nodes (a dict a column), edges."""
    groups = []  # each Dense with the activations after it
    for layer in net.layers:
        W = getattr(layer, "W", None)
        if W is not None and W.ndim == 2 and not hasattr(layer, "U"):
            groups.append([layer])
        else:
            kind = type(layer).__name__
            plain = W is None and len(groups) > 0
            _expect(plain, f"network draws Dense and activations after it, not {kind}")
            groups[-1].append(layer)
    _expect(x is not None or dy is None, "network needs x to find gradients from dy")
    ends = groups[0][0].W.shape[0], groups[-1][0].W.shape[1]
    rows = []
    for name, given, n in zip(("x", "dy"), (x, dy), ends, strict=True):
        row = np.zeros(n) if given is None else given
        row = np.atleast_2d(_numbers("network", name, row, (1, 2)))
        shape = np.shape(given)
        says = f"network draws one example: {name} of shape (1, {n}), got {shape}"
        _expect(row.shape == (1, n), says)
        rows.append(row.astype(net.theta.dtype))
    a, da = rows
    columns, edges, values = [], [], [a]
    for group in groups:
        for layer in group:
            a = layer.forward(a)
            values.append(np.array(a))
    for dense, *activations in reversed(groups):
        column = {"a": (values.pop(), da)}
        for layer in reversed(activations):
            da = layer.backward(da)
            column["z"] = (values.pop(), da)
        column.setdefault("z", column["a"])
        da = dense.backward(da)
        column["b"] = (dense.b, dense.db)
        columns.insert(0, column)
        edges.insert(0, np.stack((dense.W, dense.dW), axis=-1))
    columns.insert(0, {"a": (values.pop(), da)})
    pairs = [{k: np.vstack(v).T for k, v in column.items()} for column in columns]
    return pairs, edges


def _draw_nodes(ax, nodes):
    """Lay the nodes out, 1 data unit a point; return what edges need."""
    ax.set_axis_off()
    width, height = _points(ax)
    bottom = 2.2 * min(11, width / 30)  # the key's strip
    most = max(len(column) for column in nodes)
    every = [node for column in nodes for node in column]
    for parts in ((0, 1, 2), (0, 1), (1,)):  # of above, inside, below: until they fit
        rows = [max(len(n[p]) for n in every) * (p in parts) for p in range(3)]
        texts = [[text for n in every for text, _ in n[p]] for p in parts]
        widths = [max((_width(t, 1) for t in part), default=0) for part in texts]
        tall = 1.25 * rows[1] + 0.5  # all in units of the font
        wide = max(widths[parts.index(1)] + 1.2, tall)
        widest = max(wide, *widths) + 0.6
        cell = 1.25 * sum(rows) + 1.3
        font = (height - bottom) / (most * cell)
        font = min(14, font, width / (len(nodes) * widest + 3 * len(nodes) - 3))
        if font >= 7.5:
            break
    # Arrows strike through a bias below the upper of two nodes: it goes on top.
    lift = 1.25 * font * rows[2] * (most == 2 == max(map(len, nodes[1:])))
    line, tall, wide = 1.25 * font, tall * font / 2, wide * font / 2
    ax.set(xlim=(0, width), ylim=(0, height), aspect="equal")
    xs = np.linspace(widest * font / 2, width - widest * font / 2, len(nodes))
    middle = (height + bottom + line * (rows[2] - rows[0]) - lift) / 2
    step = (height - bottom - cell * font - lift) / max(most - 1, 1)
    centers, boxes = {}, []
    for c, column in enumerate(nodes):
        gap = min(step * (most - 1) / max(len(column) - 1, 1), 1.5 * step)
        for k, node in enumerate(column):
            x, y = centers[c, k] = xs[c], middle + gap * ((len(column) - 1) / 2 - k)
            shape = f"round,pad=0,rounding_size={tall}"
            look = dict(boxstyle=shape, fc="white", ec="#8C8C8C", lw=1.2, zorder=2)
            corner = (x - wide, y - tall)
            ax.add_patch(FancyBboxPatch(corner, 2 * wide, 2 * tall, **look))
            boxes.append(_rectangle((x, y), (wide + 2, tall + 2)))
            above = y + tall + (len(node[0]) - 0.4) * line
            inside = y + (len(node[1]) - 1) / 2 * line
            below = y - tall - 0.6 * line
            if lift and k == 0 and len(column) == 2:
                below = above + len(node[2]) * line
            tops = above, inside, below
            for p in parts:
                for k_line, (text, color) in enumerate(node[p]):
                    at = (x, tops[p] - k_line * line)
                    _write(ax, at, text, color, font)
                    boxes.append(_rectangle(at, (_width(text, font) / 2, line / 2)))
    return centers, (wide, tall), boxes, font


def _draw_edges(ax, centers, half, boxes, font, links, lanes):
    """Arrows with numbers; or, for want of room, lines whose width and dashes speak."""
    shift = 1.6 if len(lanes) == 2 else 0  # forward above, backward below
    roads, numbers = [], np.array([pair for *_, pair in links])
    for one, other, *_ in links:  # from the right cap of a node to the next's left cap
        p = np.add(centers[one], (half[0] - half[1], 0))
        q = np.add(centers[other], (half[1] - half[0], 0))
        way = (q - p) / np.hypot(*(q - p))
        p, q = p + (half[1] + 2) * way, q - (half[1] + 2) * way
        roads.append((p, q, np.array([-way[1], way[0]])))
    texts = [lines for _, _, lines, _ in links]
    places, size = None, 0.95 * font
    while len(links) <= 36 and places is None and size >= 7:
        places = _places(roads, texts, size, shift, boxes)
        size -= 1 if places is None else 0
    for lane in lanes:
        side, color = (-1 if lane else 1), LANES[lane]
        ways = [(p + side * shift * n, q + side * shift * n) for p, q, n in roads]
        if places is None:
            share = np.nan_to_num(np.abs(numbers[:, lane]))
            share /= share.max() or 1
            dashes = ["--" if number < 0 else "-" for number in numbers[:, lane]]
            look = dict(linewidths=0.4 + 2.6 * share, linestyles=dashes, zorder=1)
            alpha = 0.25 + 0.6 * share
            ax.add_collection(LineCollection(ways, colors=color, alpha=alpha, **look))
        for way in ways if places is not None else ():
            look = dict(color=color, alpha=0.75, lw=1.1, shrinkA=0, shrinkB=0, zorder=1)
            arrow = dict(arrowstyle="-|>", mutation_scale=9)
            ax.add_patch(FancyArrowPatch(*way[::side], **arrow, **look))
    for at, (_, _, across), lines in zip(places or (), roads, texts, strict=False):
        for k, (text, color) in enumerate(lines):
            away = (1 - 2 * k) * (shift + 1.5 + 0.6 * size) * across
            angle = -np.degrees(np.arctan2(*across))
            _write(ax, at + away, text, color, size, rotation=angle)
    key = [("→ forward: values", FORWARD), ("← backward: gradients", BACKWARD)]
    key = [key[lane] for lane in lanes]
    if places is None:
        key.append(("thick: large, dashed: negative", QUIET))
    width = ax.get_xlim()[1]
    needed = sum(_width(text, 1) + 1.5 for text, _ in key)
    x, size = 2, min(11, width / 30, (width - 4) / needed)
    for text, color in key:
        _write(ax, (x, size), text, color, size, ha="left")
        x += _width(text, size) + 1.5 * size


def _places(roads, texts, size, shift, boxes):
    """Where on its road each edge's numbers stand, nothing overlapping; or None."""
    taken, places = list(boxes), []
    strips = [
        _rectangle((p + q) / 2, (np.hypot(*(q - p)) / 2, shift + 0.5), n)
        for p, q, n in roads
    ]
    for k, ((p, q, n), lines) in enumerate(zip(roads, texts, strict=True)):
        wide = max(_width(text, size) for text, _ in lines) / 2 + 2
        tall = 1.3 * size + shift + 1 if len(lines) == 2 else 0.65 * size
        lift = 0 if len(lines) == 2 else (1.5 + 0.6 * size) * n
        others = strips[:k] + strips[k + 1 :] or [boxes[0]]
        found = []
        for s in np.linspace(0.1, 0.9, 21):
            at = p + s * (q - p)
            box = _rectangle(at + lift, (wide, tall), n)
            if not _hits(box, taken):
                found.append((_hits(box, others) + 2 * abs(s - 0.28), s, at, box))
        if not found:
            return None
        *_, at, box = min(found, key=lambda place: place[:2])
        places.append(at)
        taken.append(box)
    return places


def _rectangle(at, half, up=(0, 1)):
    """Four corners, (4, 2); `up` is the unit vector that points to its upper side."""
    up, along = np.asarray(up), np.array([up[1], -up[0]])
    signs = ((1, 1), (-1, 1), (-1, -1), (1, -1))
    return np.array([at + i * half[0] * along + j * half[1] * up for i, j in signs])


def _hits(box, others):
    """How many of the rectangles overlap `box`: no side of either separates the two."""
    others, apart = np.asarray(others), np.zeros(len(others), bool)
    for sides in (np.diff(box[None, :3], axis=1), np.diff(others[:, :3], axis=1)):
        mine = sides @ box.T  # (1 or M, 2 sides, 4 corners)
        theirs = sides @ others.mT
        clear = (mine.max(-1) <= theirs.min(-1)) | (theirs.max(-1) <= mine.min(-1))
        apart |= clear.any(axis=1)
    return int((~apart).sum())


def _write(ax, at, text, color, size, ha="center", rotation=0):
    turn = dict(rotation=rotation, rotation_mode="anchor")
    look = dict(color=color, size=size, path_effects=_HALO, zorder=4)
    ax.text(*at, text, ha=ha, va="center_baseline", **turn, **look)


def _short(value, decimals):
    """A number as short text with never fewer than two digits that count."""
    size = abs(float(value))
    if not np.isfinite(size) or (size < 1e4 and size == int(size)):
        text = f"{value + 0.0:.0f}"
    elif 10.0 ** -(decimals + 1) <= size < 1e4:
        rounded = float(f"{size:.1e}")  # 0.00995 is 0.010, not 0.0100
        power = int(np.floor(np.log10(rounded)))
        text = f"{value:.{max(decimals - max(power, 0), 1 - power, 0)}f}"
    else:
        mantissa, exponent = f"{value:.1e}".split("e")
        text = f"{mantissa}e{int(exponent)}"
    return text.replace("-", "\N{MINUS SIGN}")


def weight_images(ax, W, shape, *, columns=None, labels=None, largest=None):
    """Draw each unit's incoming weights as a small image, all on one scale.

    W: (inputs, units), shape: (rows, columns) of one image. Colors are symmetric
    around 0, which is white; a bar states the scale. labels: one text a unit, written
    under it. largest: the size with full color (None: the largest in W), so that
    several pictures can share a scale. Returns the AxesImage. ValueError: W, shape,
    labels or largest do not fit.
    """
    W = _numbers("weight_images", "W", W, (2,))
    if largest is None:
        largest = np.abs(W[np.isfinite(W)]).max(initial=0) or 1.0
    good = isinstance(largest, (int, float, np.number)) and 0 < largest < np.inf
    _expect(good, f"weight_images: largest must be more than 0, got {largest!r}")
    look = dict(cmap="PRGn", vmin=-largest, vmax=largest)
    image = _mosaic(ax, "weight_images", W.T, shape, columns, labels, look, room=0.85)
    ticks = [-largest, 0, largest]
    _bar(ax, image).set_ticks(ticks, labels=[_short(tick, 2) for tick in ticks])
    return image


def images(ax, x, shape, *, labels=None, columns=None):
    """Draw gray pictures, one a row of x, each with its caption under it.

    x: (N, pixels), 0 is white and the largest pixel black; shape: (rows, columns) of
    one picture; labels: N captions, such as "8 read as 3". Returns the AxesImage.
    ValueError: x, shape or labels do not match.
    """
    x = _numbers("images", "x", x, (2,))
    look = dict(cmap="gray_r", vmin=min(x.min(), 0), vmax=x.max() if x.max() > 0 else 1)
    return _mosaic(ax, "images", x, shape, columns, labels, look)


def _mosaic(ax, who, rows, shape, columns, labels, look, room=1):
    """One AxesImage of all rows as pictures; fonts and gaps fit `ax` as it is now."""
    _check_axes(ax, who)
    n, (high, wide) = len(rows), shape
    pixels = f"{who}: shape {tuple(shape)} is {high * wide} pixels"
    _expect(rows.shape[1] == high * wide, f"{pixels}, a picture has {rows.shape[1]}")
    labels = [""] * n if labels is None else [str(label) for label in labels]
    _expect(len(labels) == n, f"{who} expects {n} labels, got {len(labels)}")
    _expect(columns is None or columns >= 1, f"{who} got columns={columns}")
    ax.set_axis_off()
    width, height = _points(ax)
    width *= room  # what a color bar leaves
    gap = max(1, round(wide / 10))
    columns = min(columns or int(np.ceil(np.sqrt(n * width / height * high / wide))), n)
    down = -(-n // columns)
    longest = max(_width(label, 1) for label in labels)
    lines = max(1 + label.count("\n") for label in labels) if longest else 0
    for font in np.arange(12, 5.9, -0.5):
        point = (height / down - 1.4 * lines * font) / (high + gap)  # points a pixel
        point = min(point, width / columns / (wide + gap))
        if longest * font < 0.95 * (wide + gap) * point:
            break
    under = int(np.ceil(1.4 * lines * font / point)) + gap
    # A column of gap at either side leaves the outer captions their room.
    whole = np.full((down * (high + under), columns * (wide + gap) + gap), np.nan)
    for k, (row, label) in enumerate(zip(rows, labels, strict=True)):
        top, left = k // columns * (high + under), k % columns * (wide + gap) + gap
        whole[top : top + high, left : left + wide] = row.reshape(high, wide)
        at = left + (wide - 1) / 2, top + high - 0.5 + 2 / point
        ax.text(*at, label, size=font, ha="center", va="top")
    return ax.imshow(whole, **look)


def gradient_flow(ax, sizes, *, names=None, start=1):
    """Draw the size of each layer's gradient at each iteration, on a log scale.

    sizes: (iterations, layers), none negative. Darker is larger. Exact zeros are white
    with dots, nan and inf gray with strokes; a legend says so where they occur. names:
    one a layer. Returns the AxesImage. ValueError: sizes empty, negative or not 2D.
    """
    _check_axes(ax, "gradient_flow")
    sizes = _numbers("gradient_flow", "sizes", sizes, (2,))
    n, layers = sizes.shape
    names = [f"layer {k + 1}" for k in range(layers)] if names is None else names
    _expect(
        len(names) == layers, f"gradient_flow expects {layers} names, got {names!r}"
    )
    _expect(not (sizes < 0).any(), "gradient_flow expects sizes of 0 or more")
    zero, lost = sizes == 0, ~np.isfinite(sizes)
    shown = np.where(zero | lost, np.nan, sizes)
    known = shown[~(zero | lost)] if not (zero | lost).all() else np.ones(1)
    tints = [_tint(BACKWARD, 0.12), BACKWARD, "#3A1800"]
    look = dict(cmap=LinearSegmentedColormap.from_list("sizes", tints), aspect="auto")
    norm = LogNorm(known.min(), max(known.max(), known.min() * 10))
    left, right = start - 0.5, start + n - 0.5
    extent = (left, right, layers - 0.5, -0.5)
    image = ax.imshow(shown.T, norm=norm, extent=extent, **look)
    legend = []
    for where, words, color, hatch in (
        (zero, "exactly 0", "white", "..."),
        (lost, "nan or inf", "#D9D9D9", "////"),
    ):
        look = dict(fc=color, ec="#8C8C8C", hatch=hatch, lw=0)
        for k, cells in enumerate(where.T):
            turns = np.flatnonzero(np.diff(cells, prepend=False, append=False))
            runs = [(left + a, b - a) for a, b in turns.reshape(-1, 2)]
            if runs:
                ax.broken_barh(runs, (k - 0.5, 1), **look)
        if where.any():
            legend.append(Patch(**{**look, "lw": 0.8}, label=words))
    if legend:
        place = dict(loc="lower left", bbox_to_anchor=(0, 1), borderpad=0.2)
        ax.legend(handles=legend, ncols=2, **place)
    ax.set_yticks(range(layers), names)
    ax.set(xlabel="iteration", xlim=(left, right), ylim=(layers - 0.5, -0.5))
    _bar(ax, image).set_label("size of the gradient")
    return image


def flow_chart(ax, tree):
    """Draw a tree of questions, from left to right, whose answers lead on.

    tree: a text, or (text, {answer: tree, ...}). What asks is round, what ends is
    square and gray; answers stand where the ways part. Texts may have several lines.
    The font, at most 11 points, is as large as `ax` has room for now. Returns the
    texts, a list of Text. TypeError: a tree of another form.
    """
    _check_axes(ax, "flow_chart")
    boxes, links = [], []
    rows = _plant(tree, 0, 0, boxes, links)
    width, height = _points(ax)
    ax.set_axis_off()
    ax.set(xlim=(0, width), ylim=(0, height))
    # All in units of the font: a column of boxes, then room for the answers after it.
    columns = 1 + max(column for *_, column, _ in boxes)
    wide, says = np.zeros(columns), np.zeros(columns)
    for text, _, column, _ in boxes:
        wide[column] = max(wide[column], _width(text, 1) + 1)
    for start, answer, _ in links:
        column = boxes[start][2]
        says[column] = max(says[column], _width(answer, 1) + 3)
    lines = 1 + max(text.count("\n") for text, *_ in boxes)
    font = (width - 2) / (wide + says).sum(), height / rows / (1.25 * lines + 1)
    font = min(11, *font)
    left = 1 + font * np.cumsum([0, *(wide + says)[:-1]])
    line, edges, before = dict(color=QUIET, lw=1), [], len(ax.texts)
    for text, asks, column, row in boxes:
        w, h = font * wide[column], font * (1.25 * (text.count("\n") + 1) + 0.4)
        x, y = left[column], height * (1 - (row + 0.5) / rows)
        edges.append((x, x + w, y))
        style = f"round,pad=0,rounding_size={h / 3}" if asks else "square,pad=0"
        look = dict(fc="white" if asks else "#EDEDED", ec="#8C8C8C", lw=1.1)
        ax.add_patch(FancyBboxPatch((x, y - h / 2), w, h, boxstyle=style, **look))
        _write(ax, (x + w / 2, y), text, INK, font)
    for start, answer, end in links:
        (_, x, y), (x_end, _, y_end) = edges[start], edges[end]
        turn, begin = x + 0.6 * font, x + 1.1 * font + font * _width(answer, 1)
        ax.plot([x, turn, turn], [y, y, y_end], "-", zorder=1, **line)
        look = dict(arrowstyle="-|>", mutation_scale=8, shrinkA=0, shrinkB=0, **line)
        ax.add_patch(FancyArrowPatch((begin, y_end), (x_end, y_end), **look))
        _write(ax, (turn + 0.3 * font, y_end), answer, INK, font, ha="left")
    return list(ax.texts)[before:]


def _plant(tree, column, row, boxes, links):
    """Put a tree on `row` and below it: boxes (text, asks, column, row), and links
    (from, answer, to), numbers of boxes. Returns the first row that is still free."""
    if isinstance(tree, str):
        boxes.append((tree, False, column, row))
        return row + 1
    try:
        text, answers = tree
        good = all(isinstance(words, str) for words in (text, *answers.keys()))
    except (TypeError, ValueError, AttributeError):
        good = False
    if not (good and answers):
        form = "flow_chart expects a text or (text, {answer: tree, ...})"
        raise TypeError(f"{form}, got {tree!r}")
    ends = []
    for answer, branch in answers.items():
        row = _plant(branch, column + 1, row, boxes, links)
        ends.append((answer, len(boxes) - 1))  # a branch puts its own box last
    middle = (boxes[ends[0][1]][3] + boxes[ends[-1][1]][3]) / 2
    boxes.append((text, True, column, middle))
    links += [(len(boxes) - 1, *end) for end in ends]
    return row


def _bar(ax, image):
    """A color bar in a narrow inset at the right of `ax`."""
    inset = ax.inset_axes([1.03, 0, 0.03, 1])
    bar = ax.get_figure(root=True).colorbar(image, cax=inset)
    bar.outline.set_visible(False)
    return bar


def _tint(color, strength):
    """`color` mixed with white."""
    return tuple(1 - strength * (1 - part) for part in to_rgb(color))


def _points(ax):
    """Width and height of `ax` in points, once its figure has been laid out."""
    figure = ax.get_figure(root=True)
    figure.draw_without_rendering()
    box = ax.get_window_extent()
    return box.width * 72 / figure.dpi, box.height * 72 / figure.dpi


def _width(text, size):
    """Width of `text` in points, its widest line's."""
    measure, font = text_to_path.get_text_width_height_descent, FontProperties(size=10)
    lines = text.split("\n")
    return max(measure(line, font, "$" in text)[0] for line in lines) * size / 10


def _check_axes(ax, who):
    if not isinstance(ax, Axes):
        raise TypeError(f"{who} draws on a matplotlib Axes, got {type(ax).__name__}")


def _expect(condition, says):
    if not condition:
        raise ValueError(says)


def _numbers(who, name, value, axes):
    """`value` as a float array, not empty, with as many axes as `axes` allows."""
    try:
        array = np.asarray(value, dtype=float)
    except (TypeError, ValueError):
        kind = type(value).__name__
        raise TypeError(f"{who} expects {name} to hold numbers, got {kind}") from None
    want = " or ".join(f"{n}D" for n in axes)
    says = f"{who} expects {name} {want} and not empty, got shape {array.shape}"
    _expect(array.ndim in axes and array.size > 0, says)
    return array


def _own_copy(net, who):
    """A deep copy to run freely, so that the reader's net stays as it was."""
    copies = len(net.theta)
    _expect(np.ndim(net.theta) == 1, f"{who} draws one net, got copies={copies}")
    return copy.deepcopy(net)


def graph(ax, places, arrows, values, slopes=None, *, decimals=3):
    """Draw a computation as a graph: values forward, slopes backward.

    places: {name: (column, row)}, row 0 at the top, fractions allowed; the name is
    written in the node. arrows: pairs of names, forward. values: {name: number}, above
    the node. slopes: {name: number}, below the node, and {(from, to): number}, what
    comes back along that arrow. decimals: as in `network`. Fonts fit `ax` as it is now.
    Returns the labels, a list of Text. ValueError: an arrow, value or slope of a name
    without a place.
    """
    _check_axes(ax, "graph")
    slopes = {} if slopes is None else slopes
    known = {*places, *arrows}
    named = [*(name for pair in arrows for name in pair), *values, *slopes]
    odd = [name for name in named if name not in known]
    _expect(not odd, f"graph has no place for {odd[:1]}, only for {list(places)}")
    ax.set_axis_off()
    width, height = _points(ax)
    ax.set(xlim=(0, width), ylim=(0, height))
    at = np.array(list(places.values()), dtype=float)
    at, span = at - at.min(axis=0), np.ptp(at, axis=0)
    texts = [_short(v, decimals) for v in [*values.values(), *slopes.values()]]
    wide = max(_width(text, 1) for text in [*places, *texts]) + 0.8
    # In units of the font: a node, and where arrows carry numbers, room for them.
    room = (wide + 2.5 + 2.5 * (len(arrows) > 0)) * span[0] + wide
    font = min(12, width / (room + 0.5), height / (4.6 * span[1] + 6.4))
    half = np.array([wide / 2, 0.8]) * font
    low, before = np.array([half[0] + 2, 4.2 * font]), len(ax.texts)
    free = np.array([width, height]) - low - [half[0] + 2, 2.2 * font]
    scale = np.divide(free, span, out=np.zeros(2), where=span > 0)
    middle = low + free / 2 * (span == 0)
    where = {
        name: middle + scale * (column, span[1] - row)
        for name, (column, row) in zip(places, at, strict=True)
    }
    for one, other in arrows:
        p, q = where[one], where[other]
        along = np.sign(q[0] - p[0]) * np.array([half[0] + 2, 0])
        upright = np.sign(q[1] - p[1]) * np.array([0, half[1] + 2])
        leave = along if along.any() else upright  # from side to side, or top to bottom
        ends = p + leave, q - leave
        way = (ends[1] - ends[0]) / np.hypot(*(ends[1] - ends[0]))
        across = np.array([-way[1], way[0]])
        for side, color in ((1, FORWARD), (-1, BACKWARD))[: 1 + bool(slopes)]:
            road = [end + 2 * side * across for end in ends][::side]
            look = dict(color=color, alpha=0.75, lw=1.2, shrinkA=0, shrinkB=0)
            arrow = dict(arrowstyle="-|>", mutation_scale=10, zorder=1)
            ax.add_patch(FancyArrowPatch(*road, **arrow, **look))
        if (one, other) in slopes:
            spot = 0.7 * ends[0] + 0.3 * ends[1] - (3 + 0.6 * font) * across
            angle = np.degrees(np.arctan2(way[1], way[0]))
            text = _short(slopes[one, other], decimals)
            _write(ax, spot, text, BACKWARD, 0.95 * font, rotation=angle)
    for name, (x, y) in where.items():
        shape = f"round,pad=0,rounding_size={half[1]}"
        look = dict(boxstyle=shape, fc="white", ec="#8C8C8C", lw=1.2, zorder=2)
        ax.add_patch(FancyBboxPatch((x, y) - half, *(2 * half), **look))
        _write(ax, (x, y), name, INK, font)
        for lane, color, up in ((values, FORWARD, 1.5), (slopes, BACKWARD, -1.5)):
            if name in lane:
                text = _short(lane[name], decimals)
                _write(ax, (x, y + up * font), text, color, font)
    key = [("→ forward: values", FORWARD), ("← backward: slopes", BACKWARD)]
    x, size = 2, min(11, width / 30)
    for text, color in key[: 1 + bool(slopes)]:
        _write(ax, (x, size), text, color, size, ha="left")
        x += _width(text, size) + 1.5 * size
    return list(ax.texts)[before:]
