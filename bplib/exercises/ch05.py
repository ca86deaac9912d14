"""The exercises of chapter 5, backpropagation calculations, page by page."""

import functools

import numpy as np

from bplib.exercises.parts import Choice, Exercise, Number, backward
from bplib.layers import Dense, Net, ReLU, Sigmoid, Tanh
from bplib.losses import SquaredError

NO_SLOPE = "This is not multiplied by the slope of the bend."


def sigma(z):
    return 1 / (1 + np.exp(-z))


# --- 5a, 5.1: a tanh neuron ----------------------------------------------------------


@functools.cache
def neuron(bend, w, x, b):
    """z, y, dz, dx and dw, db of one neuron whose dy is 1."""
    net = Net(Dense(len(w), 1), bend())
    net.layers[0].W, net.layers[0].b = np.reshape(w, (-1, 1)), b
    y = net.forward([x]).item()
    dx = net.backward([[1.0]])[0]
    dense = net.layers[0]
    dz, dw = dense.db.item(), dense.dW[:, 0]
    return {
        "z": np.dot(w, x) + b,
        "y": y,
        "dz": dz,
        "db": dz,
        **{f"dw{i + 1}": slope for i, slope in enumerate(dw)},
        **{f"dx{i + 1}": slope for i, slope in enumerate(dx)},
    }


BIAS = 6.8813735870195432


def of_tanh(name, factor=1.0):
    return lambda: factor * neuron(Tanh, (-3, 1), (2, 0), BIAS)[name]


by_hand = Exercise(
    "One neuron: z = w₁x₁ + w₂x₂ + b and y = tanh z, with x = (2, 0), w = (−3, 1) and "
    "b such that y = 1/√2. Start with dy = 1.",
    {
        "dz": Number(
            "dz",
            of_tanh("dz"),
            [
                (of_tanh("y"), "This is y. What is the slope of tanh there?"),
                (
                    lambda: of_tanh("y")() * (1 - of_tanh("y")()),
                    "This is y(1 − y), the slope of the sigmoid.",
                ),
                (
                    lambda: 1 - np.tanh(of_tanh("y")()) ** 2,
                    "This is the slope at y. It belongs to z: 1 − y², and y is tanh z.",
                ),
                (1.0, NO_SLOPE),
            ],
            why="1 − y² = 1 − 1/2.",
        ),
        "dw1": Number(
            "dw₁",
            of_tanh("dw1"),
            [
                (
                    of_tanh("dx1"),
                    "This is dx₁: through a product the other factor comes, x₁.",
                ),
                (of_tanh("dz"), "This is dz. What does w₁ multiply?"),
                (lambda: 2.0, NO_SLOPE),
            ],
        ),
        "dw2": Number(
            "dw₂",
            of_tanh("dw2"),
            [
                (of_tanh("dx2"), "This is dx₂: w₂ multiplies x₂, and what is x₂?"),
                (of_tanh("dw1"), "This is dw₁: w₂ multiplies x₂, not x₁."),
            ],
            tolerance=1e-6,
            why="A weight whose input is 0 has no influence here, so no slope.",
        ),
        "db": Number(
            "db",
            of_tanh("db"),
            [
                (0.0, "b is a number that could be moved. How does z move with it?"),
                (of_tanh("dz", BIAS), "b multiplies nothing: its local slope is 1."),
                (1.0, NO_SLOPE),
            ],
        ),
        "dx1": Number(
            "dx₁",
            of_tanh("dx1"),
            [
                (of_tanh("dw1"), "This is dw₁: for x₁ the other factor is w₁."),
                (lambda: -3.0, NO_SLOPE),
                (of_tanh("dz"), "This is dz. What multiplies x₁?"),
            ],
        ),
    },
    [
        "The slope of tanh can be read off its output: 1 − y².",
        "dz = 1 · (1 − y²). In a product, each factor gets dz times the other one.",
        "dw₁ = dz · x₁, dw₂ = dz · x₂, db = dz, dx₁ = dz · w₁.",
    ],
)

# --- 5a, 5.2: the waist --------------------------------------------------------------


def waist(u1, x=(2, 1), u2=2, v=1, t=5, bent=True):
    """du1 of the one path; bent=False leaves the slope of the square out."""
    z = u1 * x[0] + u2 * x[1]
    dh = (v * z**2 - t) * v
    return dh * (2 * z if bent else 1) * x[0]


def still():
    """The values of u1 where du1 is zero: du1 is a cubic in u1."""
    cubic = np.polyfit(range(-3, 2), [waist(u1) for u1 in range(-3, 2)], 3)
    return sorted(root.real for root in np.roots(cubic) if abs(root.imag) < 1e-6)


predict = Exercise(
    "The waist: z = 2u₁ + 2, h = z², y = h, E = (y − 5)²/2. Now u₁ = −1.",
    {
        "du1": Number(
            "du₁ at u₁ = −1",
            lambda: waist(-1),
            [
                (lambda: waist(-2), "This is the slope at u₁ = −2."),
                (
                    lambda: waist(-1, bent=False),
                    "This is without the slope of the square, 2z.",
                ),
                (-5.0, "This is dy. Go on: what is 2z here?"),
            ],
            tolerance=1e-6,
            why="z = 0, where the square is flat.",
        ),
        "places": Number(
            "At how many values of u₁ is the slope zero?",
            lambda: len(still()),
            [
                (1, "That is where the square is flat. Which other factor can be 0?"),
                (2, "That is where y = t. Which other factor can be 0?"),
                (0, "A product is zero where one of its factors is."),
            ],
            tolerance=0,
            why="One where z = 0, two where z² = 5.",
        ),
        "stuck": Choice(
            "Where does training stand still although the error is large?",
            {
                "a": (
                    "where the bend is flat, z = 0",
                    "There E is 12.5, and no slope says so.",
                ),
                "b": ("where y = t", "There the error is zero: that is the aim."),
                "c": ("at all of them", "At two of them the error is zero."),
            },
            lambda: "a" if waist(-1) == 0 else "b",
        ),
    },
    [
        "du₁ = (y − t) · v · 2z · x₁. Which of these factors can be zero?",
        "x₁ and v are fixed and not zero. z = 0 is one place.",
        "y = t means z² = 5: how many z do that, and how many u₁?",
    ],
)

# --- 5a, 5.3: the scalar chain -------------------------------------------------------

B, W = (1, 2, -3, 0.4), (0.1, -0.4, 2, 3)


@functools.cache
def chain(x=2.3, t=2):
    """All values of the eight links, and the slopes of the way back to f0."""
    f0 = B[0] + W[0] * x
    h1 = np.sin(f0)
    f1 = B[1] + W[1] * h1
    h2 = np.exp(f1)
    f2 = B[2] + W[2] * h2
    h3 = np.cos(f2)
    f3 = B[3] + W[3] * h3
    df3 = 2 * (f3 - t)
    dh3 = df3 * W[3]
    df2 = dh3 * -np.sin(f2)
    dh2 = df2 * W[2]
    df1 = dh2 * h2
    dh1 = df1 * W[1]
    df0 = dh1 * np.cos(f0)
    return {name: value for name, value in locals().items() if name not in "xt"}


def of_chain(formula):
    """A formula of the names above, such as "df2 * h2"."""
    known = {"sin": np.sin, "cos": np.cos, "exp": np.exp, "w": W}
    return lambda: float(eval(formula, known, chain()))


def link(name, *slips):
    slips = [(of_chain(formula), says) for formula, says in slips]
    prompt = name[:-1] + "₀₁₂₃"[int(name[-1])]
    return Number(prompt, of_chain(name), slips)


finish = Exercise(
    "f₀ = b₀ + w₀x, h₁ = sin f₀, f₁ = b₁ + w₁h₁, h₂ = exp f₁, f₂ = b₂ + w₂h₂, "
    "h₃ = cos f₂, f₃ = b₃ + w₃h₃, E = (f₃ − t)². There are df₃ = 0.744528 and "
    "dh₃ = 2.233585; f₀ = 1.23, f₁ = 1.623004, h₂ = 5.068295, f₂ = 7.136590.",
    {
        "df2": link(
            "df2",
            ("-df2", "The slope of cos is −sin."),
            ("dh3 * cos(f2)", "This is times cos: what is the slope of cos?"),
            ("dh3 * -sin(h3)", "This is the slope at h₃, which came out. f₂ went in."),
        ),
        "dh2": link(
            "dh2",
            ("df2 * h2", "This is dw₂: for h₂ the other factor is w₂."),
            ("df2", "This is df₂, not yet multiplied by w₂."),
            ("-dh2", "The sign comes from df₂: the slope of cos is −sin."),
        ),
        "df1": link(
            "df1",
            ("dh2", "This is dh₂: the slope of exp is not 1."),
            ("dh2 * exp(h2)", "This is the slope at h₂, which came out. f₁ went in."),
            ("dh2 * f1", "This is times f₁. The slope of exp is exp itself."),
        ),
        "dh1": link(
            "dh1",
            ("df1 * h1", "This is dw₁: for h₁ the other factor is w₁."),
            ("df1", "This is df₁, not yet multiplied by w₁."),
        ),
        "df0": link(
            "df0",
            ("dh1 * cos(h1)", "This is the slope at h₁, which came out. f₀ went in."),
            ("dh1 * -sin(f0)", "The slope of sin is cos."),
            ("dh1 * sin(f0)", "This is times h₁ itself. The slope of sin is cos."),
        ),
        "dw2": Number(
            "dw₂, the slope of E in w₂",
            of_chain("df2 * h2"),
            [
                (of_chain("dh2"), "This is dh₂: for w₂ the other factor is h₂."),
                (of_chain("dh2 * h2"), "w₂ joins at f₂: begin with df₂, not dh₂."),
                (of_chain("df2 * h3"), "w₂ multiplies h₂."),
            ],
        ),
    },
    [
        "Each line is the one before it times a local slope, taken at what went in.",
        "df₂ = dh₃ · (−sin f₂), dh₂ = df₂ · w₂, and the slope of exp is exp.",
        "df₁ = dh₂ · h₂, dh₁ = df₁ · w₁, df₀ = dh₁ · cos f₀, dw₂ = df₂ · h₂.",
    ],
)

# --- 5b, 5.4: the staged expression --------------------------------------------------


@functools.cache
def staged(p=3.0, q=-4.0):
    a, c, m = sigma(q), sigma(p), p + q
    top, bottom = p + a, c + m**2
    dtop, dbottom = 1 / bottom, -top / bottom**2
    dm, by_c, by_a = dbottom * 2 * m, dbottom * c * (1 - c), dtop * a * (1 - a)
    return {
        "dbottom": dbottom,
        "dm": dm,
        "dp": dm + by_c + dtop,
        "dq": dm + by_a,
        "p": (dm, by_c, dtop),
        "q": (dm, by_a),
    }


def of_staged(name, *which, factor=1.0):
    """A slope; or with `which` the sum of some of its parts."""
    if which:
        return lambda: sum(staged()[name][k] for k in which)
    return lambda: factor * staged()[name]


stages = Exercise(
    "f = (p + σ(q)) / (σ(p) + (p + q)²) at p = 3, q = −4, in stages: a = σ(q), "
    "top = p + a, c = σ(p), m = p + q, bottom = c + m², f = top/bottom. Given are "
    "dtop = 0.512144 and dbottom = −0.791593.",
    {
        "dm": Number(
            "dm",
            of_staged("dm"),
            [
                (of_staged("dbottom"), "This is dbottom: m² has the slope 2m."),
                (
                    of_staged("dbottom", factor=0.5),
                    "This is half of dbottom. m² has the slope 2m, and m is −1.",
                ),
                (of_staged("dm", factor=-1), "m = p + q is negative here."),
            ],
            why="dbottom · 2m = −0.791593 · (−2).",
        ),
        "dp": Number(
            "dp",
            of_staged("dp"),
            [
                (
                    of_staged("p", 2),
                    "This is the use in top alone. Was an earlier one overwritten?",
                ),
                (of_staged("p", 0), "This is the use in m alone. There are two more."),
                (of_staged("p", 0, 2), "The use in c = σ(p) is missing."),
                (of_staged("p", 1, 2), "The use in m = p + q is missing."),
                (of_staged("p", 0, 1), "The use in top = p + a is missing."),
            ],
            tolerance=1e-3,
            why="Three uses, three terms.",
        ),
        "dq": Number(
            "dq",
            of_staged("dq"),
            [
                (
                    of_staged("q", 1),
                    "This is the use in a = σ(q) alone. Was the other overwritten?",
                ),
                (of_staged("q", 0), "The use in a = σ(q) is missing."),
                (
                    lambda: staged()["dm"] + staged()["p"][2],
                    "The use in a has to pass the slope of σ on its way to q.",
                ),
            ],
            tolerance=3e-3,  # 1.59 counts; 1.583, the use in m alone, does not
            why="Two uses, two terms.",
        ),
    },
    [
        "From the end: bottom = c + m² hands dbottom to c, and dbottom · 2m to m.",
        "m = p + q hands dm to p and to q; c = σ(p) hands dc · c(1 − c) to p.",
        "top = p + a hands dtop to p and a; a = σ(q) hands da · a(1 − a) to q. Add.",
    ],
)

# --- 5b, 5.5: a sigmoid neuron -------------------------------------------------------


def of_sigmoid(name, factor=1.0):
    return lambda: factor * neuron(Sigmoid, (2, -3), (-1, -2), -3)[name]


def swapped(name, other):
    """What a weight or an input gets."""
    kind, letter = ("weight", "x") if name[1] == "w" else ("input", "w")
    place = int(name[-1]) - 1
    factor = {"x": (-1, -2), "w": (2, -3)}[letter][place]
    return Number(
        name[:-1] + "₁₂"[place],
        of_sigmoid(name),
        [
            (of_sigmoid(other), f"For this {kind} the other factor is its {letter}."),
            (lambda: float(factor), NO_SLOPE),
        ],
    )


sigmoid_neuron = Exercise(
    "One sigmoid neuron: x = (−1, −2), w = (2, −3), b = −3, y = σ(w₁x₁ + w₂x₂ + b). "
    "Start with dy = 1. (σ(1) = 0.731.)",
    {
        "z": Number(
            "z, the weighted sum",
            of_sigmoid("z"),
            [
                (lambda: of_sigmoid("z")() + 3, "The bias is missing."),
                (
                    lambda: 2 * -1 + -3 * 2 - 3,
                    "(−3) · (−2) is positive.",
                ),
                (of_sigmoid("y"), "This is y. What goes into σ?"),
            ],
        ),
        "dz": Number(
            "dz",
            of_sigmoid("dz"),
            [
                (of_sigmoid("y"), "This is y. Its slope is y(1 − y)."),
                (
                    lambda: 1 - of_sigmoid("y")() ** 2,
                    "This is 1 − y², the slope of tanh.",
                ),
                (
                    lambda: sigma(of_sigmoid("y")()) * (1 - sigma(of_sigmoid("y")())),
                    "This is the slope at y. It belongs to z, and is y(1 − y).",
                ),
            ],
        ),
        "dx1": swapped("dx1", "dw1"),
        "dx2": swapped("dx2", "dw2"),
        "dw1": swapped("dw1", "dx1"),
        "dw2": swapped("dw2", "dx2"),
        "db": Number(
            "db",
            of_sigmoid("db"),
            [
                (of_sigmoid("dz", -3), "b multiplies nothing: its local slope is 1."),
                (1.0, NO_SLOPE),
                (0.0, "b is a number that could be moved. How does z move with it?"),
            ],
        ),
    },
    [
        "z = 2 · (−1) + (−3) · (−2) − 3.",
        "dz = y(1 − y) with y = 0.731. A product hands on dz times the other factor.",
        "dx₁ = dz · 2, dx₂ = dz · (−3), dw₁ = dz · (−1), dw₂ = dz · (−2), db = dz.",
    ],
)

# --- 5b, 5.6: the hourglass ----------------------------------------------------------


@functools.cache
def hourglass(slip=""):
    """dh and du with other numbers than the page's; slip as there."""
    x, t, u, v = map(np.array, ([1, 3], [5, 13], [1, -1], [2, 3]))
    z = u @ x
    h = z**2
    dy = v * h - t
    used = v - dy * h if slip == "v moves first" else v
    used = np.ones(2) if slip == "v forgotten" else used
    dh = (dy * used)[: 1 if slip == "one path only" else 2].sum()
    local = {"no slope of the bend": 1, "slope at h": 2 * h}.get(slip, 2 * z)
    return {"dh": dh, **dict(zip(("du1", "du2"), dh * local * x, strict=True))}


def of_hourglass(name, slip=""):
    return lambda: float(hourglass(slip)[name])


SLIPS = {
    "no slope of the bend": "This is without 2z, the slope of the square.",
    "one path only": "This is the path over y₁ alone. h is used twice.",
    "v forgotten": "On the way back to h, each path passes its v.",
    "slope at h": "This takes 2h. The square has its slope at what went in: 2z.",
    "v moves first": "Here v has moved already. All slopes are taken at the old v.",
}


def slipped(name, prompt, *slips):
    slips = [(of_hourglass(name, slip), SLIPS[slip]) for slip in slips]
    return Number(prompt, of_hourglass(name), slips)


def friend(name, slip):
    """Whose answer for du1 comes of which slip."""
    gives = {each: f"{hourglass(each)['du1']:.0f}".replace("-", "−") for each in SLIPS}
    letters = dict(zip("abcd", SLIPS, strict=False))
    options = {
        letter: (each, f"This slip gives {gives[each]} for du₁.")
        for letter, each in letters.items()
    }
    right = next(letter for letter, each in letters.items() if each == slip)
    return Choice(
        f"{name} gets {gives[slip]} for du₁. Which slip is it?", options, right
    )


find_the_slip = Exercise(
    "The hourglass z = u₁x₁ + u₂x₂, h = z², y₁ = v₁h, y₂ = v₂h, "
    "E = (y₁ − t₁)²/2 + (y₂ − t₂)²/2 with x = (1, 3), u = (1, −1), v = (2, 3), "
    "t = (5, 13).",
    {
        "dh": slipped("dh", "dh", "one path only", "v forgotten", "v moves first"),
        "du1": slipped("du1", "du₁", *SLIPS),
        "du2": slipped("du2", "du₂", *SLIPS),
        "Ada": friend("Ada", "one path only"),
        "Ben": friend("Ben", "v forgotten"),
        "Cleo": friend("Cleo", "slope at h"),
    },
    [
        "Forward: z = −2, h = 4, y = (8, 12). So dy = (3, −1).",
        "dh has one term for each output: dy₁v₁ + dy₂v₂. Then dz = dh · 2z.",
        "For the friends: make each slip on purpose, and compare.",
    ],
)

# --- 5b, 5.7 -------------------------------------------------------------------------

argue = Exercise(
    "“A hidden neuron that feeds a hundred outputs gets a hundred slopes. Their sum is "
    "large, so the update will be too large. I divide by a hundred,” says a friend.",
    {
        "answer": Choice(
            "What do you answer?",
            {
                "a": (
                    "Right: with a mean, all neurons learn at the same speed.",
                    "It may feel fair, but it is not the slope any more: nudge h and "
                    "compare.",
                ),
                "b": (
                    "Wrong: the sum is the slope. If steps are too long, lower the "
                    "learning rate.",
                    "The slope says what happens when h moves, and it moves a hundred "
                    "outputs. How long a step is, is another question.",
                ),
                "c": (
                    "Right, if the error is a mean over the outputs.",
                    "Then the hundredth is in each dy already, and would be taken "
                    "twice.",
                ),
                "d": (
                    "Wrong: only the largest of the hundred slopes counts.",
                    "All hundred outputs move when h moves, so all count.",
                ),
            },
            "b",
        )
    },
    [
        "What does the slope of E in h claim, in words?",
        "Nudge h: how many outputs move, and what does each do to E?",
    ],
)

# --- 5c: the 2-2-2 network -----------------------------------------------------------

X, T = np.array([[0.05, 0.10]]), np.array([[0.01, 0.99]])


def two_two_two():
    net = Net(Dense(2, 2), Sigmoid(), Dense(2, 2), Sigmoid())
    net.layers[0].W, net.layers[0].b = [[0.15, 0.25], [0.20, 0.30]], 0.35
    net.layers[2].W, net.layers[2].b = [[0.40, 0.50], [0.45, 0.55]], 0.60
    return net


@functools.cache
def slopes():
    """Of h2: what is right, and what slips make of it."""
    net, loss = two_two_two(), SquaredError()
    E = loss.forward(net.forward(X), T)
    net.backward(loss.backward())
    first, bend, second, _ = net.layers
    h, dz, W = bend.y[0], second.db[0], second.W
    dh = dz @ W.T
    at_h = sigma(h[1]) * (1 - sigma(h[1]))
    moved = (W - 0.5 * second.dW) @ dz
    return {
        "E": E,
        "h1": h[0],
        "s": dz @ dz,
        "dh1": dh[0],
        "dh2": dh[1],
        "one path": dz[0] * W[1, 0],
        "no transpose": dz @ W[:, 1],
        "moved": moved[1],
        "dp2": first.db[0, 1],
        "at h": dh[1] * at_h,
        "dw3": first.dW[0, 1],
        "dw4": first.dW[1, 1],
    }


def of_slopes(name, factor=1.0):
    return lambda: factor * slopes()[name]


second_neuron = Exercise(
    "The second hidden neuron: dz₁ = 0.138499, dz₂ = −0.038098, h₂ = 0.596884, "
    "x = (0.05, 0.10). From h₂ the weights w₆ = 0.45 and w₈ = 0.55 lead to y₁ and y₂.",
    {
        "dh2": Number(
            "dh₂",
            of_slopes("dh2"),
            [
                (of_slopes("dh1"), "This is dh₁. From h₂ lead w₆ and w₈."),
                (of_slopes("one path"), "This is the path over y₁ alone."),
                (
                    of_slopes("no transpose"),
                    "These are w₇ and w₈, which lead to y₂. Which two lead from h₂?",
                ),
                (of_slopes("moved"), "These weights have moved already."),
            ],
        ),
        "dp2": Number(
            "dp₂, the slope in its weighted sum",
            of_slopes("dp2"),
            [
                (of_slopes("dh2"), NO_SLOPE),
                (of_slopes("at h"), "This is the slope at h₂: it is h₂(1 − h₂)."),
                (
                    lambda: slopes()["dh2"] * 0.10,
                    "This is multiplied by the input. First comes the bend.",
                ),
            ],
        ),
        "dw3": Number(
            "dw₃ (from x₁)",
            of_slopes("dw3"),
            [
                (of_slopes("dw4"), "This is dw₄. w₃ leads from x₁ = 0.05."),
                (of_slopes("dp2"), "This is dp₂. What does w₃ multiply?"),
                (of_slopes("dp2", 0.25), "This is multiplied by w₃, not by x₁."),
            ],
        ),
        "dw4": Number(
            "dw₄ (from x₂)",
            of_slopes("dw4"),
            [
                (of_slopes("dw3"), "This is dw₃. w₄ leads from x₂ = 0.10."),
                (of_slopes("dp2"), "This is dp₂. What does w₄ multiply?"),
                (of_slopes("dp2", 0.30), "This is multiplied by w₄, not by x₂."),
            ],
        ),
    },
    [
        "h₂ feeds both outputs: two terms, dz₁w₆ and dz₂w₈.",
        "dp₂ = dh₂ · h₂(1 − h₂).",
        "dw₃ = dp₂ · x₁ and dw₄ = dp₂ · x₂.",
    ],
)


def two_examples():
    """The network of the page and a second example."""
    x, t = np.vstack([X, [1.0, -1.0]]), np.vstack([T, [0.5, 0.5]])
    return two_two_two(), SquaredError(), x, t


def of_two_two_two(bend=True, mean=True, turn=True):
    """A reader's backward pass, right or with a slip."""

    def my_backward(net, loss, x, t):
        Y = net.forward(x)
        H, W2 = net.layers[1].y, net.layers[2].W
        dZ2 = (Y - t) * Y * (1 - Y) / (len(x) if mean else 1)
        dH = dZ2 @ (W2.T if turn else W2)
        dZ1 = dH * (H * (1 - H) if bend else 1)
        db1, db2 = (dZ.sum(axis=0, keepdims=True) for dZ in (dZ1, dZ2))
        return {"dW1": x.T @ dZ1, "db1": db1, "dW2": H.T @ dZ2, "db2": db2}

    return my_backward


def entry(**slip):
    return lambda: of_two_two_two(**slip)(*two_examples())["dW1"][0, 0]


def bias_slopes(mean=True):
    """db1 (2,) of both examples."""
    return of_two_two_two(mean=mean)(*two_examples())["db1"][0]


matrices = Exercise(
    "The backward pass of 2-2-2 with matrices. A second example comes in: "
    "x = (1, −1) with t = (0.5, 0.5). E is the mean over the two.",
    {
        "my_backward": backward(
            "the backward pass",
            two_examples,
            of_two_two_two(),
            [
                (of_two_two_two(bend=False), "derivative"),
                (of_two_two_two(turn=False), "transpose"),
            ],
        ),
        "entry": Number(
            "With both examples: the slope of E in the weight from x₁ to h₁",
            entry(),
            [
                (
                    entry(mean=False),
                    "This is the sum over the examples: 1/N is missing.",
                ),
                (entry(turn=False), "W₂ has to be turned on the way back: W₂ᵀ."),
                (entry(bend=False), NO_SLOPE),
            ],
        ),
        "shared": Number(
            "The slope of E in b₁, the one number that both hidden neurons share",
            lambda: bias_slopes().sum(),
            [
                (
                    lambda: bias_slopes()[0],
                    "This is the way through h₁ alone. Where else is b₁ used?",
                ),
                (
                    lambda: bias_slopes()[1],
                    "This is the way through h₂ alone. Where else is b₁ used?",
                ),
                (
                    lambda: bias_slopes().mean(),
                    "This is the mean of the two. Where paths fork, gradients add.",
                ),
                (
                    lambda: bias_slopes(mean=False).sum(),
                    "This is the sum over the examples: 1/N is missing.",
                ),
            ],
        ),
    },
    [
        "The sum over k runs over the second index of v: turn W₂ on its side.",
        "dZ1 = dZ2 @ W2.T * H * (1 - H). Which array stands before dZ1 in dW1?",
        "dW1 = x.T @ dZ1; the biases are the sums of dZ1 and dZ2 over the rows. A bias "
        "that two neurons share is a fork.",
    ],
)


@functools.cache
def gap(nudge, slope=1.0):
    """|predicted - actual| change of E, in 1e-5, when w5 is nudged."""
    net, loss = two_two_two(), SquaredError()
    before = loss.forward(net.forward(X), T)
    net.backward(loss.backward())
    predicted = slope * net.layers[2].dW[0, 0] * nudge
    net.layers[2].W[0, 0] += nudge
    return abs(loss.forward(net.forward(X), T) - before - predicted) / 1e-5


nudge = Exercise(
    "The gap between the predicted and the actual change of E is 6.3 · 10⁻⁵ when w₅ is "
    "nudged by 0.1. A friend's gap is 4.7 · 10⁻⁴ at 0.1 and 4.2 · 10⁻⁵ at 0.01.",
    {
        "gap": Number(
            "The gap at a nudge of 0.05, in units of 10⁻⁵",
            lambda: gap(0.05),
            [
                (
                    lambda: gap(0.1) / 2,
                    "So it would be if the gap shrank with the nudge. It shrinks with "
                    "its square.",
                ),
                (lambda: gap(0.1), "This is the gap at 0.1."),
                (lambda: gap(0.1) / 8, "Half the nudge, but with its square: 1/4."),
            ],
            tolerance=0.1,
            why="Half the nudge, a quarter of the gap.",
        ),
        "friend": Choice(
            "Is the friend's slope right?",
            {
                "a": (
                    "right: the gap shrinks",
                    "Any gap shrinks with the nudge. How fast does it?",
                ),
                "b": (
                    "wrong",
                    "The gap shrinks about eleven times, not a hundred: the slope "
                    "itself is off.",
                ),
                "c": (
                    "one can't tell",
                    "A right slope's gap would shrink about a hundred times.",
                ),
            },
            "b",
        ),
    },
    [
        "What is left over comes of the curvature of E. How does it grow with a nudge?",
        "With the square: a tenth of the nudge, a hundredth of the gap.",
    ],
)

# --- 5d, 5.11: any depth -------------------------------------------------------------


def of_any_depth(bend=True, mean=True):
    def my_backward(net, loss, x, t):
        d, grads = (net.forward(x) - t) / (len(x) if mean else 1), {}
        for k in reversed(range(len(net.layers))):
            layer = net.layers[k]
            if k % 2:
                d = d * (1 - layer.y**2) if bend else d
            else:
                grads[f"dW{k // 2 + 1}"] = layer.x.T @ d
                grads[f"db{k // 2 + 1}"] = d.sum(axis=0, keepdims=True)
                d = d @ layer.W.T if k else None
        return grads

    return my_backward


def three_dense():
    layers = Dense(3, 5), Tanh(), Dense(5, 4), Tanh(), Dense(4, 2)
    rng = np.random.default_rng(0)
    x, t = rng.normal(size=(6, 3)), rng.normal(size=(6, 2))
    return Net(*layers, seed=1), SquaredError(), x, t


def products(layers=3, input_too=False):
    """dW of each layer, and dX of all but the first."""
    return 2 * layers - (0 if input_too else 1)


any_depth = Exercise(
    "The backward pass of a network of dense layers with tanh between them, of any "
    "depth.",
    {
        "my_backward": backward(
            "the backward pass",
            three_dense,
            of_any_depth(),
            [
                (of_any_depth(bend=False), "derivative"),
                (of_any_depth(mean=False), "n_missing"),
            ],
        ),
        "products": Number(
            "How many matrix products for three dense layers, if nobody wants dX of "
            "the first?",
            products,
            [
                (
                    lambda: products(input_too=True),
                    "This counts dX of the first layer, which nobody wants.",
                ),
                (3, "This counts dW alone. What goes back to the layer before?"),
                (2, "This counts dX alone. And the weights?"),
            ],
            tolerance=0,
            why="Three for dW and two for dX; the forward pass took three.",
        ),
    },
    [
        "Keep one array d, the slopes in what the layer put out, and replace it on the "
        "way back.",
        "A bend makes d * (1 - layer.y * layer.y) of it; a dense layer d @ layer.W.T.",
        "Before a dense layer replaces d: dW = layer.x.T @ d, db = the sum of the rows "
        "of d.",
    ],
)

# --- 5d, 5.12: a relu neuron on another scale ----------------------------------------


@functools.cache
def rescaled(factor=10.0, bend=ReLU):
    """Ratios of outputs, incoming and outgoing gradients, to those of factor 1."""

    def run(factor):
        net, loss = Net(Dense(3, 5), bend(), Dense(5, 2), seed=2), SquaredError()
        first, _, second = net.layers
        first.W[:, 0], first.b[:, 0] = factor * first.W[:, 0], factor * first.b[:, 0]
        second.W[0] = second.W[0] / factor
        rng = np.random.default_rng(0)
        y = net.forward(rng.normal(size=(8, 3)))
        loss.forward(y, rng.normal(size=(8, 2)))
        net.backward(loss.backward())
        return y[0, 0], first.dW[0, 0], second.dW[0, 0]

    return [ten / one for ten, one in zip(run(factor), run(1.0), strict=True)]


rescale = Exercise(
    "A relu neuron: its incoming weights and its bias are multiplied by 10, its "
    "outgoing weights divided by 10. By what factor change ...",
    {
        "outputs": Number(
            "the outputs of the network",
            lambda: rescaled()[0],
            [
                (10, "relu passes the 10 on, and then comes the outgoing weight."),
                (0.1, "The outgoing weight divides by 10. And what arrives there?"),
                (100, "One factor is 10, the other one tenth."),
            ],
            why="relu(10 z) = 10 relu(z), and the 10 is divided away.",
        ),
        "incoming": Number(
            "the gradient of its incoming weights",
            lambda: rescaled()[1],
            [
                (
                    10,
                    "The slope comes back through the outgoing weights: those shrank.",
                ),
                (1, "The slope comes back through the outgoing weights."),
                (
                    0.01,
                    "Only the outgoing weights are on its way; the inputs are as "
                    "before.",
                ),
            ],
            why="On its path stand the outgoing weights, a tenth of what they were.",
        ),
        "outgoing": Number(
            "the gradient of its outgoing weights",
            lambda: rescaled()[2],
            [
                (0.1, "Each is h times dy. What has become of h?"),
                (1, "Its incoming weights grew. What has that done to h?"),
                (100, "It is h times dy: h grew, and dy did not."),
            ],
            why="It is h times dy, and h is ten times larger.",
        ),
        "after": Choice(
            "After one update at the same learning rate, do the two networks still "
            "compute the same function?",
            {
                "a": (
                    "Yes.",
                    "Large incoming weights now move a little, small outgoing ones a "
                    "lot: the products come out differently.",
                ),
                "b": (
                    "No.",
                    "Same function, other slopes, other steps: descent depends on how "
                    "a function is written down.",
                ),
                "c": (
                    "Yes, if the learning rate is small enough.",
                    "At any rate they differ: what the incoming weights add to the "
                    "change is a hundredth of before, what the outgoing ones add a "
                    "hundredfold.",
                ),
            },
            "b",
        ),
    },
    [
        "For a positive factor, relu(10 z) = 10 relu(z).",
        "A gradient is what the weight multiplies, times the slope that comes back. "
        "Which of the two has changed?",
        "Incoming: the way back leads through the outgoing weights. Outgoing: they "
        "multiply h.",
    ],
)

# --- 5d, 5.13: corners ---------------------------------------------------------------


class Corner(ReLU):
    """relu with another convention for its slope at 0."""

    at_zero = 0.5

    def backward(self, dy):
        return dy * np.where(self.x == 0, self.at_zero, self.x > 0)


def at_corner(times, at_zero=0.5):
    net = Net(Dense(1, 1), *(Corner() for _ in range(times)))
    net.layers[0].W = 1.0
    for layer in net.layers[1:]:
        layer.at_zero = at_zero
    net.forward([[0.0]])
    return net.backward([[1.0]]).item()


def agreeing():
    """Which conventions give relu and relu of relu the same slope at 0."""
    return [c for c in (0, 0.25, 0.5, 1) if at_corner(1, c) == at_corner(2, c)]


corners = Exercise(
    "A program takes the slope of relu at 0 as 1/2. What slope does it find at x = 0?",
    {
        "once": Number(
            "of relu(x)",
            lambda: at_corner(1),
            [
                (0.0, "This is what bplib takes. Here the convention is 1/2."),
                (1.0, "This is the slope on the right of 0."),
                (lambda: at_corner(2), "This is two factors. Here is one relu."),
            ],
        ),
        "twice": Number(
            "of relu(relu(x))",
            lambda: at_corner(2),
            [
                (
                    lambda: at_corner(1),
                    "It is the same function, but the program multiplies along the "
                    "path: two factors.",
                ),
                (0.0, "This is what bplib finds. Here the convention is 1/2."),
                (1.0, "The two factors are multiplied, not added."),
            ],
            why="The same function, another slope.",
        ),
        "agree": Choice(
            "Which conventions agree with themselves here?",
            {
                "a": ("only 0", "Try another whole number."),
                "b": ("0 and 1", "c · c = c holds for these two alone."),
                "c": ("every number from 0 to 1", "You have seen that 1/2 does not."),
            },
            lambda: "b" if agreeing() == [0, 1] else "c",
        ),
    },
    [
        "Along the path, multiply: one factor for each relu.",
        "relu(relu(x)) = relu(x), so a convention c agrees with itself if c · c = c.",
    ],
)

# --- 5d, 5.14: the bias --------------------------------------------------------------


def of_mean(batch):
    """How large the friend's db is, for a right one of 1."""
    dz = np.random.default_rng(0).normal(size=(batch, 1))
    return float(dz.mean() / dz.sum())


mean_bias = Exercise(
    "A friend writes dY = (Y − T)/N and, for each layer, dW = Xᵀ dZ and "
    "db = the mean of dZ over the rows.",
    {
        "multiple": Number(
            "With batches of 32: the friend's db, as a multiple of the right one",
            lambda: of_mean(32),
            [
                (32, "The other way around: a mean is smaller than a sum."),
                (
                    lambda: of_mean(32) ** 2,
                    "dZ holds one 1/N rightly; one is too many.",
                ),
                (1, "dZ holds the 1/N of the loss already. What does the mean add?"),
            ],
            why="1/N once too often.",
        ),
        "unseen": Number(
            "At which batch size does a check not notice?",
            lambda: next(n for n in range(1, 99) if of_mean(n) == 1),
            [
                (32, "There it is 32 times too small: a check sees that at once."),
                (2, "There it is half of what is right."),
                (0, "Of no example there is no gradient."),
            ],
            tolerance=0,
            why="The mean of one number is the number.",
        ),
        "cure": Choice(
            "What is wrong with the cure “multiply the learning rate by 32”?",
            {
                "a": (
                    "The weights then move 32 times too far.",
                    "Their gradients were right: it is the biases that lag.",
                ),
                "b": (
                    "Nothing.",
                    "The gradients of the weights were right. What happens to them?",
                ),
                "c": (
                    "Only b₁ is cured.",
                    "Every bias of the friend's is too small by the same factor.",
                ),
            },
            "a",
        ),
    },
    [
        "How does the mean of N numbers compare with their sum?",
        "When are the mean and the sum of N numbers the same?",
        "Which gradients does the friend have right?",
    ],
)

# --- 5e, 5.15: the case file ---------------------------------------------------------


def with_slip(eta, sign=1):
    """dh1 where the output weights have moved by eta already."""
    known = slopes()
    return known["dh1"] - sign * eta * known["s"] * known["h1"]


case_file = Exercise(
    "The slip's dH is dH − η s H, with s = 0.020633, h₁ = 0.593270 and "
    "dh₁ = 0.036350 before the first update.",
    {
        "dh1": Number(
            "At η = 2: the slip's dh₁",
            lambda: with_slip(2),
            [
                (lambda: with_slip(0.5), "This is at η = 0.5."),
                (lambda: with_slip(2, -1), "η s h₁ is subtracted."),
                (
                    lambda: slopes()["dh1"] - with_slip(2),
                    "This is how far off it is. What is left?",
                ),
            ],
        ),
        "ratio": Number(
            "... as a part of the right one",
            lambda: with_slip(2) / slopes()["dh1"],
            [
                (lambda: with_slip(0.5) / slopes()["dh1"], "This is at η = 0.5."),
                (
                    lambda: 1 - with_slip(2) / slopes()["dh1"],
                    "This is the part that is missing.",
                ),
                (
                    lambda: slopes()["dh1"] / with_slip(2),
                    "This is the right one as a multiple of the slip's.",
                ),
            ],
            unit="share",
        ),
        "right": Number(
            "dZ2 ten times smaller: how many times smaller is the right dH?",
            lambda: 1 / (0.1 * 1.0),
            [
                (100, "dH = dZ2 W₂ᵀ holds dZ2 once."),
                (1, "dH = dZ2 W₂ᵀ: what becomes of it?"),
            ],
            unit="times",
        ),
        "error": Number(
            "... and its error, η s H?",
            lambda: 1 / (0.1 * 0.1),
            [
                (10, "s is dZ2 times itself."),
                (1, "s is made of dZ2."),
                (1000, "s holds dZ2 twice, and H stays."),
            ],
            unit="times",
            why="So the slip hurts most while the network is far off.",
        ),
    },
    [
        "dh₁ − η s h₁ with η = 2.",
        "s = dZ2 dZ2ᵀ: the sum of squares.",
        "What is linear in dZ2 becomes 10 times smaller, a square 100 times.",
    ],
)

EXERCISES = {
    "5.1": by_hand,
    "5.2": predict,
    "5.3": finish,
    "5.4": stages,
    "5.5": sigmoid_neuron,
    "5.6": find_the_slip,
    "5.7": argue,
    "5.8": second_neuron,
    "5.9": matrices,
    "5.10": nudge,
    "5.11": any_depth,
    "5.12": rescale,
    "5.13": corners,
    "5.14": mean_bias,
    "5.15": case_file,
}
