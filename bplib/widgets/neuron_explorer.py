"""One neuron, to turn and to push until it saturates."""

import numpy as np
import traitlets

from bplib import drawing
from bplib.layers import Dense, Net, ReLU, Sigmoid, Tanh
from bplib.widgets.explorer import Choice, Explorer, Number, WrongValue

ACTIVATIONS = {
    "identity": (None, "z", 1, (-6, 6)),  # layer, formula, largest slope, y axis
    "sigmoid": (Sigmoid, "1/(1 + exp(-z))", 0.25, (-0.1, 1.1)),
    "tanh": (Tanh, "tanh(z)", 1, (-1.2, 1.2)),
    "relu": (ReLU, "max(z, 0)", 1, (-1, 6)),
}
EDGE = 5  # the inputs that are shown: -EDGE to EDGE


class NeuronExplorer(Explorer):
    """One neuron, y = activation(w . x + b), beside its derivative dy/dx.

    With one input both are curves; with two they are tints of the plane, with the
    line z = 0 and the weight vector, which stands at right angles to it. A point can
    be dragged; its numbers are written out: z, y, the slope dy/dz, and dy/dx.

    Goals may use z, output, slope (dy/dz), gradient (the length of dy/dx), w1, w2,
    bias, and edge (where z = 0, with one input). A question without options asks to
    draw dy/dx; that needs one input.
    """

    title = "Neuron explorer"
    measures = ("slope", "output", "z", "gradient", "edge", "w1", "w2", "bias")
    can_sketch = True

    activation = Choice("sigmoid", tuple(ACTIVATIONS), "activation")
    inputs = Choice("one", ("one", "two"), "inputs")
    w1 = Number(1, -10, 10, "weight w₁")
    w2 = Number(0.5, -10, 10, "weight w₂")
    bias = Number(0, -10, 10, "bias b")
    x1 = Number(1, -EDGE, EDGE, "point x₁")
    x2 = Number(1, -EDGE, EDGE, "point x₂")

    @traitlets.validate("inputs")
    def _check_inputs(self, proposal):
        if proposal.value == "two" and self.question and not self.options:
            raise WrongValue(
                "NeuronExplorer expects options beside its question with two inputs: "
                "only the curve over one input can be drawn"
            )
        return proposal.value

    def net(self):
        """The neuron as a Net: Dense(1, 1) or Dense(2, 1), then its activation."""
        n_in = 1 if self.inputs == "one" else 2
        layer = ACTIVATIONS[self.activation][0]
        net = Net(Dense(n_in, 1), *([layer()] if layer else []))
        net.theta = [self.w1, self.w2][:n_in] + [self.bias]
        return net

    def at(self, x):
        """z, y, dy/dz (each (N, 1)) and dy/dx (N, n_in) at inputs x (N, n_in)."""
        net = self.net()
        y = net.forward(np.asarray(x, dtype=float))
        dx = net.backward(np.ones_like(y))
        z = x @ net.layers[0].W + net.layers[0].b
        slope = np.ones_like(y)
        for layer in net.layers[1:]:
            slope = layer.backward(slope)
        return z, y, slope, dx

    def point(self):
        """The point as an example, (1, n_in)."""
        return np.array([[self.x1, self.x2][: 1 if self.inputs == "one" else 2]])

    def draw(self, figure):
        left, right = figure.subplots(1, 2)
        figure.set_size_inches(7, 3.4)
        _, y, _, dx = self.at(self.point())
        colors = drawing.FORWARD, drawing.BACKWARD
        left.set_title("output y", color=colors[0])
        if self.inputs == "one":
            right.set_title("derivative dy/dx", color=colors[1])
            x = np.linspace(-EDGE, EDGE, 401)[:, None]
            curves = self.at(x)[1], self.at(x)[3]
            look = "-", "--"
            for ax, curve, here, color, style in zip(
                (left, right), curves, (y, dx), colors, look, strict=True
            ):
                ax.plot(x[:, 0], curve[:, 0], style, color=color)
                ax.plot(self.x1, here[0, 0], "o", ms=9, mfc="white", mec=drawing.INK)
                ax.set(xlabel="$x$", xlim=(-EDGE, EDGE))
            left.set_ylim(*ACTIVATIONS[self.activation][3])
            return
        right.set_title("size of dy/dx", color=colors[1])
        line = np.linspace(-EDGE, EDGE, 81)
        x = np.stack([g.ravel() for g in np.meshgrid(line, line)], axis=1)
        z, y, _, dx = self.at(x)
        for ax, values, color in zip(
            (left, right), (y[:, 0], np.hypot(*dx.T)), colors, strict=True
        ):
            cmap = drawing.LinearSegmentedColormap.from_list("tint", ["white", color])
            square = values.reshape(81, 81)
            box = dict(extent=(-EDGE, EDGE) * 2, origin="lower", alpha=0.8)
            ax.get_figure().colorbar(ax.imshow(square, cmap=cmap, **box), ax=ax)
            if z.min() < 0 < z.max():
                ax.contour(line, line, z.reshape(81, 81), [0], colors=[drawing.INK])
            ax.plot(self.x1, self.x2, "o", ms=9, mfc="white", mec=drawing.INK)
            ax.set(xlabel="$x_1$", ylabel="$x_2$")

    def summary(self):
        (z,), (y,), (slope,), dx = (array[0] for array in self.at(self.point()))
        place = ", ".join(f"{value:g}" for value in self.point()[0])
        formula = ACTIVATIONS[self.activation][1]
        weights = f"{self.w1:g} x + {self.bias:g}"
        if self.inputs == "two":
            weights = f"{self.w1:g} x1 + {self.w2:g} x2 + {self.bias:g}"
        return (
            f"A neuron with z = {weights} and y = {formula}, and its derivative. "
            f"At x = {place}: z = {z:.4g}, y = {y:.4g}, dy/dz = {slope:.4g}, "
            f"dy/dx = {', '.join(f'{value:.4g}' for value in dx)}."
        )
