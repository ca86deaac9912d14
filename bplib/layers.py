"""A layer knows two things: how to go forward, and how to send a gradient back.

Shapes, everywhere in this file: the first axis is the example, so `x` is
(N, n_in), images are (N, H, W, C) and sequences (N, T, n_in). The gradient of the
loss with respect to `x` is called `dx`, that of `W` is `dW`, and so on; a gradient
has the shape of what it belongs to.
"""

import copy
import math

import numpy as np


class Layer:
    """y = forward(x); then dx = backward(dy), which also sets the parameter gradients.

    To write a layer of your own:

    * in `__init__`, declare the parameters, if any, in `self.params = {"W": (3, 2),
      "b": (1, 2)}`; a name that begins with b is a bias, which weight decay spares;
    * `init(rng)` returns starting values, `{"W": array}`; what it leaves out is zero;
    * `forward(x)` returns y, in x's dtype, and remembers in `self` what backward needs;
    * `backward(dy)` sets `self.dW`, `self.db` (sets, does not add) and returns dx;
      neither changes the array it is given;
    * `kink_distance()`, if there are corners, as in ReLU.

    The arrays themselves belong to the `Net`: `layer.W` and `layer.dW` are views
    into its two long vectors `theta` and `grad`, and assigning to them copies the
    numbers there. (The methods with underscores see to that: skip them at first.)

    With copies=K every array, x and parameters alike, has one more axis in front. A
    layer that sums with `axis=-2, keepdims=True`, transposes with `.mT` and gives each
    parameter two axes, (1, n), works unchanged, and may say `leading_axes = True`.
    """

    params = {}
    leading_axes = False  # True: works unchanged with copies=K
    threshold = 0.0  # as the last layer with one output: above it means class 1
    need_dx = True  # False on the first layer in training: nobody asks for its dx
    sizes = ()  # what repr shows between the brackets

    def init(self, rng):
        return {}

    def forward(self, x):
        raise NotImplementedError(f"{type(self).__name__} does not define forward")

    def backward(self, dy):
        raise NotImplementedError(f"{type(self).__name__} does not define backward")

    def kink_distance(self):
        """How far the last input was from a point without a derivative (inf: none)."""
        return math.inf

    def __repr__(self):
        return f"{type(self).__name__}({', '.join(map(str, self.sizes))})"

    def __setattr__(self, name, value):
        views = self.__dict__.get("views")  # None until there is a Net
        if views is None and (name in self.params or name in gradients(self.params)):
            self.__getattr__(name)  # raises, and says why
        if views is not None and name in views:
            copy_into(views[name], value, f"{name} of {self}", self.copies)
        else:
            object.__setattr__(self, name, value)

    def __getattr__(self, name):  # called only for what is not there: say why
        if name in self.params or name in gradients(self.params):
            raise AttributeError(
                f"{self} has no {name} yet: put this layer in a Net, "
                f"Net({self}, ...), which makes its parameters"
            )
        raise AttributeError(
            f"{self} has no {name} (if backward asks for it: call forward first)"
        )

    def __getstate__(self):  # the views stay behind; the Net makes new ones
        mine = set(self.__dict__.get("views", ())) | {"views", "copies"}
        return {k: v for k, v in self.__dict__.items() if k not in mine}

    def attach(self, theta, grad, copies):
        """Make the views of this layer into its piece of a Net's two vectors."""
        views, start = {}, 0
        for name, shape in self.params.items():
            stop = start + math.prod(shape)
            for key, vector in (name, theta), ("d" + name, grad):
                views[key] = vector[..., start:stop].reshape(vector.shape[:-1] + shape)
            start = stop
        self.__dict__.update(views, views=views, copies=copies)


class Dense(Layer):
    """y = x @ W + b: every output is a weighted sum of every input, plus a bias.

    x (N, n_in), y (N, n_out), W (n_in, n_out), b (1, n_out).

    init says how W starts (b starts at 0). "he": normal with standard deviation
    sqrt(2 / n_in), for relu (He et al. 2015); "xavier": sqrt(2 / (n_in + n_out)), for
    tanh and sigmoid (Glorot and Bengio 2010); a number: that standard deviation; or
    your own function init(rng, shape) -> array.
    """

    leading_axes = True

    def __init__(self, n_in, n_out, init="he"):
        self.sizes = whole("n_in", n_in), whole("n_out", n_out)
        self.start = check_start(init)
        self.params = {"W": self.sizes, "b": (1, n_out)}

    def init(self, rng):
        return {"W": draw(rng, self.start, self.params["W"], *self.sizes)}

    def forward(self, x):
        expect_axes(self, x, self.W.ndim, "(N, n_in)")
        expect_columns(self, x, self.sizes[0])
        self.x = x
        y = x @ self.W
        y += self.b
        return y

    def backward(self, dy):
        np.matmul(self.x.mT, dy, out=self.dW)
        dy.sum(axis=-2, keepdims=True, out=self.db)
        return dy @ self.W.mT if self.need_dx else None


class Sigmoid(Layer):
    """y = 1 / (1 + exp(-x)), between 0 and 1, element by element; any shape."""

    leading_axes = True
    threshold = 0.5

    def forward(self, x):
        with np.errstate(over="ignore"):  # exp(1000) is inf, and 1 / inf the right 0
            self.y = 1 / (1 + np.exp(-x))
        return self.y

    def backward(self, dy):
        expect_shape(self, dy, self.y)
        return dy * self.y * (1 - self.y)


class Tanh(Layer):
    """y = tanh(x), between -1 and 1, element by element; any shape."""

    leading_axes = True

    def forward(self, x):
        self.y = np.tanh(x)
        return self.y

    def backward(self, dy):
        expect_shape(self, dy, self.y)
        return dy * (1 - self.y * self.y)


class ReLU(Layer):
    """y = max(x, 0), element by element; any shape. At 0 the derivative is set to 0."""

    leading_axes = True

    def forward(self, x):
        self.x = x
        return np.maximum(x, 0)

    def backward(self, dy):
        expect_shape(self, dy, self.x)
        return dy * (self.x > 0)

    def kink_distance(self):
        return float(np.abs(self.x).min())


class Conv2D(Layer):
    """Slide n_out small k x k filters over the image; each gives one picture.

    y[n, i, j] = sum over the window of x[n, i:i+k, j:j+k] * W, plus b.
    x (N, H, W, n_in), y (N, H-k+1, W-k+1, n_out), W (k, k, n_in, n_out), b (1, n_out).

    Cross-correlation (the filter is not flipped), no padding ("valid"), stride 1.
    init as in Dense, with fan-in k * k * n_in.
    """

    def __init__(self, n_in, n_out, k, init="he"):
        self.sizes = whole("n_in", n_in), whole("n_out", n_out), whole("k", k)
        self.start = check_start(init)
        self.params = {"W": (k, k, n_in, n_out), "b": (1, n_out)}

    def init(self, rng):
        n_in, n_out, k = self.sizes
        shape = self.params["W"]
        return {"W": draw(rng, self.start, shape, k * k * n_in, k * k * n_out)}

    def forward(self, x):
        n_in, n_out, k = self.sizes
        expect_axes(self, x, 4, "(N, H, W, C)")
        expect_columns(self, x, n_in, "channels")
        n, height, width = x.shape[0], x.shape[1] - k + 1, x.shape[2] - k + 1
        if min(height, width) < 1:
            raise ValueError(
                f"{self} needs images of at least {k} x {k} pixels, got shape {x.shape}"
            )
        # Inside, axes are reversed, (C, W, H, N): what is done to one pixel is done to
        # all examples in one run through memory. Each column of `columns` is one
        # window, laid out like a column of W; so the convolution is one product.
        x = np.ascontiguousarray(x.T)
        columns = np.empty((k, k, n_in, width, height, n), x.dtype)
        for i in range(k):
            for j in range(k):
                columns[i, j] = x[:, j : j + width, i : i + height]
        self.columns = columns.reshape(k * k * n_in, -1)
        self.x_shape = x.shape
        y = self.W.reshape(-1, n_out).T @ self.columns
        y += self.b.T
        return y.reshape(n_out, width, height, n).T

    def backward(self, dy):
        n_in, n_out, k = self.sizes
        n, height, width, _ = dy.shape
        dy = np.ascontiguousarray(dy.T).reshape(n_out, -1)
        np.matmul(self.columns, dy.T, out=self.dW.reshape(-1, n_out))
        dy.sum(axis=1, out=self.db[0])
        if not self.need_dx:
            return None
        # A pixel was seen by up to k * k windows: its gradient is the sum over them.
        dx = np.zeros(self.x_shape, dy.dtype)
        for i in range(k):
            for j in range(k):
                tap = (self.W[i, j] @ dy).reshape(n_in, width, height, n)
                dx[:, j : j + width, i : i + height] += tap
        return dx.T


class MaxPool2D(Layer):
    """The largest value of each size x size window, channel by channel.

    x (N, H, W, C), y (N, H/size, W/size, C). The windows do not overlap. The
    gradient goes to the winner; at a tie, to the first of them in reading order.
    """

    def __init__(self, size):
        self.sizes = (whole("size", size),)

    def forward(self, x):
        (size,) = self.sizes
        expect_axes(self, x, 4, "(N, H, W, C)")
        if x.shape[1] % size or x.shape[2] % size:
            raise ValueError(
                f"{self} cuts images into {size} x {size} windows, but height and "
                f"width of x, shape {x.shape}, are not multiples of {size}"
            )
        self.x = x
        first, *others = self.corners(x)
        self.y = np.copy(first)  # keeps the layout of x in memory
        for corner in others:
            np.maximum(self.y, corner, out=self.y)
        return self.y

    def backward(self, dy):
        expect_shape(self, dy, self.y)
        dx = np.zeros_like(self.x)
        open_ = np.ones_like(self.y, bool)  # windows whose winner is still to be found
        for x, dx_corner in zip(self.corners(self.x), self.corners(dx), strict=True):
            winner = x == self.y
            winner &= open_
            open_ ^= winner
            np.multiply(dy, winner, out=dx_corner)
        return dx

    def corners(self, x):
        """Views of x: the first pixel of every window, the second, and so on."""
        (size,) = self.sizes
        return [x[:, i::size, j::size] for i in range(size) for j in range(size)]

    def kink_distance(self):
        if self.sizes == (1,):
            return math.inf
        best, second = -np.sort(-np.stack(self.corners(self.x)), axis=0)[:2]
        return float((best - second).min())


class Flatten(Layer):
    """Lay each example out in one row: x (N, ...), y (N, all the rest)."""

    def forward(self, x):
        self.x = x
        return x.reshape(len(x), -1)

    def backward(self, dy):
        dx = np.empty_like(self.x)  # laid out in memory as x is
        dx[...] = dy.reshape(self.x.shape)
        return dx


class RNN(Layer):
    """Read a sequence step by step, with a memory h: h_t = tanh(x_t W + h_{t-1} U + b).

    x (N, T, n_in), y = the last h, (N, n_hidden); h_0 = 0.
    W (n_in, n_hidden), U (n_hidden, n_hidden), b (1, n_hidden).
    init as in Dense, for W and U. The gradient goes back through all T steps.
    """

    def __init__(self, n_in, n_hidden, init="xavier"):
        self.sizes = whole("n_in", n_in), whole("n_hidden", n_hidden)
        self.start = check_start(init)
        square = (n_hidden, n_hidden)
        self.params = {"W": self.sizes, "U": square, "b": (1, n_hidden)}

    def init(self, rng):
        n_in, n_hidden = self.sizes
        return {
            "W": draw(rng, self.start, (n_in, n_hidden), n_in, n_hidden),
            "U": draw(rng, self.start, (n_hidden, n_hidden), n_hidden, n_hidden),
        }

    def forward(self, x):
        n_in, n_hidden = self.sizes
        expect_axes(self, x, 3, "(N, T, n_in)")
        expect_columns(self, x, n_in)
        n, steps = x.shape[:2]
        if steps == 0:
            raise ValueError(f"{self} needs at least one time step, got {x.shape}")
        # Time first, so that one step is one block of memory. What does not depend
        # on h is done for all steps at once.
        self.x = np.ascontiguousarray(x.transpose(1, 0, 2))
        u = self.x.reshape(-1, n_in) @ self.W + self.b
        u = u.reshape(steps, n, n_hidden)
        self.h = np.zeros((steps + 1, n, n_hidden), x.dtype)
        for t in range(steps):
            u[t] += self.h[t] @ self.U
            np.tanh(u[t], out=self.h[t + 1])
        return self.h[-1]

    def backward(self, dy):
        n_in, n_hidden = self.sizes
        expect_shape(self, dy, self.h[-1])
        dz = 1 - self.h[1:] ** 2  # the slope of tanh, times dh in the loop
        dh, U_T = dy, np.ascontiguousarray(self.U.T)
        for t in reversed(range(len(dz))):
            dz[t] *= dh
            dh = dz[t] @ U_T
        rows = dz.reshape(-1, n_hidden)  # shared weights: gradients add over time
        np.matmul(self.x.reshape(-1, n_in).T, rows, out=self.dW)
        np.matmul(self.h[:-1].reshape(-1, n_hidden).T, rows, out=self.dU)
        rows.sum(axis=0, keepdims=True, out=self.db)
        return (dz @ self.W.T).transpose(1, 0, 2) if self.need_dx else None


class Net:
    """Layers in a row, all their parameters in one vector `theta`, gradients in `grad`.

    dtype: np.float64 or np.float32. seed: a whole number; equal seeds, equal nets.

    `theta` and `grad` have shape (P,): layers in order, within a layer W, (U), b,
    each in C order. So an update is `net.theta -= learning_rate * net.grad`.

    copies=K makes K nets at once: theta (K, P), outputs (K, N, n_out), one forward
    and backward for all. x is (N, n_in), the same for all, or (K, N, n_in). With one
    seed all copies start alike; with K seeds copy k starts as Net(seed=seed[k]). For
    Dense layers and activations.
    """

    def __init__(self, *layers, dtype=np.float64, seed=0, copies=None):
        check_layers(layers)
        self.dtype = check_dtype(dtype)
        self.layers = list(layers)
        self.copies = copies if copies is None else whole("copies", copies)
        seeds = check_seeds(seed, self.copies)
        for layer in layers if copies is not None else ():
            axes = [len(shape) for shape in layer.params.values()]
            if not layer.leading_axes or min(axes, default=2) < 2:
                raise ValueError(
                    f"copies={copies} works for Dense and activation layers; {layer} "
                    "would mix the copies up. Train separate nets instead"
                )
        self._theta = np.stack([self._start(s) for s in seeds])
        if copies is None:
            self._theta = self._theta[0]
        self._grad = np.zeros_like(self._theta)
        self._attach()

    def forward(self, x):
        """The output of the last layer for x, whose first axis counts examples.

        Layers remember x and their outputs themselves, not copies: do not change these
        in place before backward.
        """
        x = as_numbers("x", x).astype(self.dtype, copy=False)
        if x.ndim < 2:
            raise ValueError(
                "x needs a first axis that counts examples: (N, n_in). Got shape "
                f"{x.shape}; one example is x[None, :]"
            )
        if x.size == 0:
            raise ValueError(f"x holds no numbers: its shape is {x.shape}")
        if self.copies is not None:
            x = self._for_all_copies(x)
        self._y_shape = None  # if a layer fails, backward has nothing to go by
        for layer in self.layers:
            x = layer.forward(x)
        self._y_shape = x.shape
        return x

    def backward(self, dy, need_dx=True):
        """Set `grad` and return dx, given dy, the gradient of the loss at the output.

        It goes back through the last forward, with the parameters as they stand: call
        it before any other forward, and before any update. need_dx=False saves the
        work for dx, which training does not use, and returns None or dx.
        """
        if self._y_shape is None:
            raise ValueError("backward needs forward first: call net.forward(x)")
        dy = as_numbers("dy", dy).astype(self.dtype, copy=False)
        if dy.shape != self._y_shape:
            raise ValueError(
                f"dy must have the shape of the output, {self._y_shape}, got {dy.shape}"
            )
        self.layers[0].need_dx = need_dx
        try:
            for layer in reversed(self.layers):
                dy = layer.backward(dy)
        finally:
            self.layers[0].need_dx = True
        return dy

    @property
    def theta(self):
        """All parameters, (P,) or (K, P). Assigning copies the numbers in place."""
        return self._theta

    @theta.setter
    def theta(self, value):
        copy_into(self._theta, value, "theta", self.copies)

    @property
    def grad(self):
        """The gradient of the loss with respect to theta, in the same order."""
        return self._grad

    @grad.setter
    def grad(self, value):
        copy_into(self._grad, value, "grad", self.copies)

    @property
    def decay_mask(self):
        """(P,), True for weights and False for biases, which weight decay leaves."""
        parts = [
            np.full(math.prod(shape), not name.startswith("b"))
            for layer in self.layers
            for name, shape in layer.params.items()
        ]
        return np.concatenate([np.zeros(0, bool), *parts])

    def named_parameters(self):
        """Yield (name, array, gradient): ("W1", W, dW), ("b1", b, db), ("W2", ...)."""
        with_parameters = [layer for layer in self.layers if layer.params]
        for number, layer in enumerate(with_parameters, 1):
            for name in layer.params:
                array, gradient = getattr(layer, name), getattr(layer, "d" + name)
                yield f"{name}{number}", array, gradient

    def copy(self, dtype=None):
        """A separate net with the same parameters, in another dtype if you say so.

        To keep the parameters alone, `best = net.theta.copy()` is enough.
        """
        twin = copy.deepcopy(self)
        twin.dtype = check_dtype(dtype or self.dtype)
        twin._theta = twin._theta.astype(twin.dtype)
        twin._grad = twin._grad.astype(twin.dtype)
        twin._attach()
        return twin

    def __repr__(self):
        copies = [] if self.copies is None else [f"copies={self.copies}"]
        return f"Net({', '.join([*map(repr, self.layers), *copies])})"

    def __setstate__(self, state):  # after copy.deepcopy and pickle
        self.__dict__.update(state)
        self._attach()

    def _for_all_copies(self, x):
        if x.ndim == 2:
            return np.broadcast_to(x, (self.copies, *x.shape))
        if x.ndim == 3 and len(x) == self.copies:
            return x
        raise ValueError(
            f"x for {self.copies} copies is (N, n_in) or ({self.copies}, N, n_in), got "
            f"shape {x.shape}"
        )

    def _start(self, seed):
        rng, parts = np.random.default_rng(seed), [np.zeros(0)]
        for layer in self.layers:
            values = layer.init(rng)
            if not isinstance(values, dict) or values.keys() - layer.params.keys():
                raise ValueError(
                    f"init of {layer} must return a dict for (some of) its parameters "
                    f"{list(layer.params)}, got {values!r}"
                )
            for name, shape in layer.params.items():
                value = np.asarray(values.get(name, np.zeros(shape)))
                if value.shape != shape:
                    raise ValueError(
                        f"the start of {name} in {layer} must have shape {shape}, "
                        f"got {value.shape}"
                    )
                parts.append(value.ravel())
        return np.concatenate(parts).astype(self.dtype)

    def _attach(self):
        self._y_shape, start = None, 0
        for layer in self.layers:
            stop = start + sum(math.prod(shape) for shape in layer.params.values())
            piece = np.s_[..., start:stop]
            layer.attach(self._theta[piece], self._grad[piece], self.copies)
            start = stop


# --- What the layers above ask of their input, in words -----------------------------


def gradients(params):
    """The names of the gradients: ["dW", "db"]."""
    return ["d" + name for name in params]


def whole(name, value):
    """value as an int of at least 1, or a ValueError that names it."""
    if isinstance(value, (int, np.integer)) and not isinstance(value, bool):
        if value >= 1:
            return int(value)
    raise ValueError(f"{name} must be a whole number of at least 1, got {value!r}")


def as_numbers(name, value):
    """value as an array of real numbers, or a TypeError."""
    array = np.asarray(value)
    if array.dtype.kind not in "fiub":
        raise TypeError(f"{name} must hold real numbers, got dtype {array.dtype}")
    return array


def expect_columns(layer, x, n_in, what="columns"):
    if x.shape[-1] != n_in:
        raise ValueError(f"{layer} expects x with {n_in} {what}, got shape {x.shape}")


def expect_axes(layer, x, axes, names):
    if x.ndim != axes:
        raise ValueError(f"{layer} expects x of shape {names}, got shape {x.shape}")


def expect_shape(layer, dy, y):
    if dy.shape != y.shape:
        raise ValueError(f"{layer} expects dy of shape {y.shape}, got {dy.shape}")


def copy_into(array, value, name, copies):
    """array[...] = value, but only where the shapes leave no doubt what is meant."""
    value = as_numbers(name, value)

    def core(shape):  # leading axes of length 1 change nothing
        return core(shape[1:]) if shape[:1] == (1,) else shape

    fits = [(), core(array.shape)] + [core(array.shape[1:])] * (copies is not None)
    if core(value.shape) not in fits:
        raise ValueError(f"{name} has shape {array.shape}, got shape {value.shape}")
    array[...] = value.reshape(core(value.shape))


def check_dtype(dtype):
    dtype = np.dtype(dtype)
    if dtype not in (np.float32, np.float64):
        raise ValueError(f"dtype must be float32 or float64, got {dtype}")
    return dtype


def check_layers(layers):
    if not layers:
        raise ValueError("Net needs at least one layer: Net(Dense(2, 3), ...)")
    for i, layer in enumerate(layers):
        if not isinstance(layer, Layer):
            raise TypeError(
                f"layer {i + 1} of Net must be a Layer, such as Dense(2, 3), "
                f"got {layer!r}; layers are separate arguments, Net(a, b), not a list"
            )
        if "views" in layer.__dict__ or layer in layers[:i]:
            raise ValueError(
                f"layer {i + 1}, {layer}, is in a Net already: two places would "
                "overwrite one another's parameters. Make a new layer"
            )


def check_seeds(seed, copies):
    seeds = np.asarray(seed)
    good = seeds.dtype.kind in "iu" and (seeds >= 0).all()
    if good and seeds.ndim == 0:
        return [int(seeds)] * (copies or 1)
    if good and copies is not None and seeds.shape == (copies,):
        return seeds.tolist()
    wanted = "a whole number of at least 0"
    if copies is not None:
        wanted += f", or a sequence of {copies} of them, one for each copy"
    raise ValueError(f"seed must be {wanted}, got {seed!r}")


def check_start(init):
    number = isinstance(init, (int, float, np.number)) and not isinstance(init, bool)
    named = isinstance(init, str) and init in ("he", "xavier")
    if named or callable(init) or (number and 0 <= init < math.inf):
        return init
    raise ValueError(
        'init must be "he", "xavier", a standard deviation (0 or more) or a function '
        f"init(rng, shape), got {init!r}"
    )


def draw(rng, start, shape, fan_in, fan_out):
    """Starting weights of the given shape; for `start` see Dense."""
    if callable(start):
        return start(rng, shape)
    named = {"he": (2 / fan_in) ** 0.5, "xavier": (2 / (fan_in + fan_out)) ** 0.5}
    return rng.normal(0.0, named.get(start, start), shape)
