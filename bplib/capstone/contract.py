"""What the reader's file must hold, and how its parameters are read and written."""

import ast
import re
from pathlib import Path

import numpy as np

STARTER = Path(__file__).with_name("starter.py")


class Fault(Exception):
    """Something is wrong with the reader's file; each argument is a line for them."""


def starter():
    """The text of a file with all stations in it, and nothing in them."""
    return STARTER.read_text(encoding="utf-8").replace("  # noqa: F401", "")


def stations():
    """{name: names of its arguments}, in order."""
    return {
        node.name: [argument.arg for argument in node.args.args]
        for node in ast.parse(starter()).body
        if isinstance(node, ast.FunctionDef)
    }


def promise(name):
    """What the contract says of a station, as in `init(sizes, rng): Return ...`"""
    for node in ast.parse(starter()).body:
        if isinstance(node, ast.FunctionDef) and node.name == name:
            first = ast.get_docstring(node).splitlines()[0]
            return f"{name}({', '.join(stations()[name])}): {first}"
    return re.search(rf"^{name} = .*", starter(), re.M)[0]


GOALS = ("MOONS", "DIGITS")

# ------------------------------------------------------------ parameters, in two forms

# {"W1": ..., "b1": ..., "W2": ...}, or [{"W": ..., "b": ...}, {"W": ...}, ...]: here
# the judge works with the first, and hands out what the reader's init chose.


def shapes(sizes):
    """{"W1": (4, 5), "b1": (1, 5), ...}"""
    found = {}
    for layer, (n_in, n_out) in enumerate(zip(sizes, sizes[1:], strict=False), 1):
        found[f"W{layer}"], found[f"b{layer}"] = (n_in, n_out), (1, n_out)
    return found


def in_form(form, arrays, d=""):
    """The dict of arrays in the form of the reader's init, dict or list."""
    if form is dict:
        return {d + name: array for name, array in arrays.items()}
    layers = range(1, len(arrays) // 2 + 1)
    return [{f"{d}{a}": arrays[f"{a}{i}"] for a in ("W", "b")} for i in layers]


def read_arrays(who, value, sizes, d=""):
    """What a function returned as {"W1": array, ...}; a Fault if it is none of that.

    d: what stands in front of the names, "d" for gradients.
    """
    wanted = shapes(sizes)
    names = [d + name for name in wanted]
    expected = "{" + ", ".join(f'"{n}": {s}' for n, s in zip(
        names, wanted.values(), strict=True)) + "}"  # fmt: skip
    if value is None:
        raise Fault(f"{who} returned None: is the return missing? Expected: {expected}")
    if isinstance(value, list) and all(isinstance(layer, dict) for layer in value):
        value = {
            f"{name}{i}": array
            for i, layer in enumerate(value, 1)
            for name, array in layer.items()
        }
    if not isinstance(value, dict):
        raise Fault(f"{who} returned {kind(value)}. Expected: {expected}")
    missing = [name for name in names if name not in value]
    strange = [str(name) for name in value if name not in names]
    if missing or (strange and not d):
        hint = ""
        if f"{d}W0" in value:
            hint = " Layers are counted from 1."
        elif d and {name[1:] for name in names} <= {*value}:
            hint = " The slope of W1 is called dW1."
        got = ", ".join(map(str, value)) or "nothing"
        raise Fault(f"{who} returned {got}. Expected: {', '.join(names)}.{hint}")
    found = {}
    for name, (short, shape) in zip(names, wanted.items(), strict=True):
        found[short] = read_array(f"{name} of {who}", value[name], shape, sizes)
    return found


def read_array(name, value, shape, sizes=None):
    """value as an array of floats of this shape, or a Fault."""
    if isinstance(value, np.ndarray) and value.dtype not in (np.float64, np.int64):
        raise Fault(f"{name}: expected numbers of float64, got {value.dtype}.")
    try:
        array = np.array(value, dtype=np.float64)
    except (TypeError, ValueError):
        raise Fault(f"{name}: expected an array, got {kind(value)}.") from None
    if array.shape == shape:
        return array
    text = f"{name}: expected shape {shape}, got {array.shape}."
    if sizes:
        text += f" This was for sizes {sizes}."
    if array.shape == shape[::-1] and shape[0] != 1:
        text += " It is turned: rows say where a weight comes from."
    elif shape[:1] == (1,) and array.shape == shape[1:]:
        text += " keepdims=True keeps a row a row." if "d" in name else ""
    raise Fault(text)


def kind(value):
    """What it is, in a few words."""
    if isinstance(value, np.ndarray):
        return f"an array of shape {value.shape}"
    if value is None or isinstance(value, (bool, int, float, str)):
        return repr(value)[:60]
    if isinstance(value, (list, tuple)):
        return f"a {type(value).__name__} of {len(value)}"
    if value is ...:
        return "..."
    return f"a {type(value).__name__}"
