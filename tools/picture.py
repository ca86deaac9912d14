"""The picture on the front page and in the README: one network with all its numbers.

.venv/bin/python tools/picture.py
"""

from pathlib import Path

import matplotlib as mpl
import matplotlib.style
import numpy as np
from matplotlib.figure import Figure

from bplib import Dense, Net, Sigmoid, SquaredError, drawing

TARGET = Path(__file__).resolve().parent.parent / "assets" / "forward-backward.png"


def example():
    """The 2-2-2 network that chapter 5 computes by hand: net, x and dy."""
    net = Net(Dense(2, 2), Sigmoid(), Dense(2, 2), Sigmoid())
    net.theta = [0.15, 0.25, 0.20, 0.30, 0.35, 0.35, 0.40, 0.50, 0.45, 0.55, 0.60, 0.60]
    x, t, loss = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]]), SquaredError()
    loss.forward(net.forward(x), t)
    return net, x, loss.backward()


def draw(target):
    net, x, dy = example()
    with mpl.style.context(drawing.STYLE):
        figure = Figure(figsize=(8, 4))
        drawing.network(figure.subplots(), net, x, dy=dy)
        figure.savefig(target)


if __name__ == "__main__":
    draw(TARGET)
