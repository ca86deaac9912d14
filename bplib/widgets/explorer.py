"""An explorer is a widget whose picture is computed where it is looked at.

In a live notebook every parameter is a trait: set it, link it, observe it. On a
published page, where no Python runs, the same JavaScript module works alone.
"""

import difflib
import functools
import html
import json
import math
import re
from pathlib import Path

import anywidget
import numpy as np
import traitlets

HERE = Path(__file__).parent
IMPORT = re.compile(r'\bfrom "\./([\w-]+\.js)"')  # also in modules.js
CONDITION = re.compile(r"(\w+) (<|<=|>|>=) (-?[\d.]+(?:e-?\d+)?)")
PLACE = re.compile(r"(?:[\w-]+(?:/[\w-]+)*)?(?:#[\w-]+)?")


# --- Parameters: typed, with limits, the same for Python and for the page ------------


class WrongValue(traitlets.TraitError, ValueError):
    """A parameter was given a value that it cannot take; nothing was changed."""


class Parameter(traitlets.TraitType):
    """A trait of an explorer, shared with its page.

    label: its name for readers. spec() is what the page knows of it, for JSON.
    """

    kind = ""

    def __init__(self, default, label, **limits):
        super().__init__(default_value=default)
        self.label, self.limits = label, limits
        self.tag(sync=True, to_json=lambda value, _: listed(value))

    def spec(self):
        default = listed(self.default_value)
        finite = {k: v for k, v in self.limits.items() if v is not None}
        return {"kind": self.kind, "label": self.label, "default": default, **finite}

    def wrong(self, obj, value, wanted):
        who = type(obj).__name__
        return WrongValue(f"{who} expects {self.name} {wanted}, got {value!r}")


class Number(Parameter):
    """A finite number from low to high; log=True: its slider is logarithmic."""

    kind = "number"

    def __init__(self, default, low, high, label, log=False):
        super().__init__(float(default), label, low=low, high=high, log=log)

    def validate(self, obj, value):
        low, high = self.limits["low"], self.limits["high"]
        if is_real(value) and low <= plain(value) <= high:
            return float(value)
        raise self.wrong(obj, value, f"to be a number from {low} to {high}")


class Whole(Parameter):
    """A whole number from low to high."""

    kind = "whole"

    def __init__(self, default, low, high, label):
        super().__init__(default, label, low=low, high=high)

    def validate(self, obj, value):
        low, high = self.limits["low"], self.limits["high"]
        if is_real(value) and value == int(value) and low <= value <= high:
            return int(value)
        raise self.wrong(obj, value, f"to be a whole number from {low} to {high}")


class Choice(Parameter):
    """One of the options, which are strings."""

    kind = "choice"

    def __init__(self, default, options, label):
        super().__init__(default, label, options=list(options))

    def validate(self, obj, value):
        options = self.limits["options"]
        if isinstance(value, str) and value in options:
            return value
        raise self.wrong(obj, value, f"to be one of {', '.join(map(repr, options))}")


class Switch(Parameter):
    """On or off: True or False."""

    kind = "switch"

    def __init__(self, default, label):
        super().__init__(default, label)

    def validate(self, obj, value):
        if isinstance(value, (bool, np.bool_)):
            return bool(value)
        raise self.wrong(obj, value, "to be True or False")


class Numbers(Parameter):
    """Finite numbers from low to high in a list, or in a list of lists.

    axes: 1 or 2, or 0 to 2 as (0, 1); rows are equally long. Kept as tuples, so
    that a change is always an assignment. most: the largest length of an axis.
    """

    kind = "numbers"

    def __init__(self, default, low, high, label, axes=1, most=None):
        super().__init__(
            tupled(default), label, low=low, high=high, axes=axes, most=most
        )

    def validate(self, obj, value):
        low, high, axes, most = (
            self.limits[k] for k in ("low", "high", "axes", "most")
        )
        try:
            array = np.asarray(value)
        except ValueError:  # rows of different lengths
            array = np.empty(0, object)
        good = array.dtype.kind in "fiu" and array.ndim == axes
        good = good and (most is None or max(array.shape, default=0) <= most)
        if good and ((array >= low) & (array <= high)).all():
            return tupled(array.astype(float).tolist())
        kind = "list" if axes == 1 else "list of equally long lists"
        room = "" if most is None else f", at most {most} long"
        raise self.wrong(
            obj, value, f"to be a {kind} of numbers from {low} to {high}{room}"
        )


class Words(Parameter):
    """A text; or with many=True a list of texts."""

    kind = "words"

    def __init__(self, default, label, many=False):
        super().__init__(tupled(default) if many else default, label, many=many)

    def validate(self, obj, value):
        if not self.limits["many"] and isinstance(value, str):
            return value
        several = isinstance(value, (list, tuple)) and self.limits["many"]
        if several and all(isinstance(each, str) for each in value):
            return tuple(value)
        kind = "a list of texts" if self.limits["many"] else "a text"
        raise self.wrong(obj, value, f"to be {kind}")


def is_real(value):
    number = isinstance(value, (int, float, np.integer, np.floating))
    return number and not isinstance(value, bool) and abs(value) < math.inf


def plain(value):
    """Python's number for NumPy's: float32(0.0001) is a bit less than 0.0001."""
    return value.item() if isinstance(value, np.generic) else value


def tupled(value):
    return tuple(map(tupled, value)) if isinstance(value, (list, tuple)) else value


def listed(value):
    return list(map(listed, value)) if isinstance(value, tuple) else value


def literal(value):
    """value as Python source, as ui.js writes it too."""
    return (
        repr(value)
        if isinstance(value, bool)
        else json.dumps(value, ensure_ascii=False)
    )


# --- The explorer --------------------------------------------------------------------


class Explorer(anywidget.AnyWidget):
    """What all explorers have in common.

    A subclass declares its parameters, in the order in which its call names them, and
    defines `net()` where there is one, `draw(figure)` and `summary()`. Its JavaScript
    is in the file of its name, backprop_stepper.js for BackpropStepper.

    Every explorer also takes: goal, conditions that the reader is to meet, such as
    "loss < 0.05 and iterations <= 50" (`measures` lists the names); question, asked
    before anything is shown, with options to pick from or, where `can_sketch`, without:
    then the reader draws; section, where to read more, such as
    "03_the_algorithm#step-4-move-every-weight". The reader's answer arrives in
    `prediction`: the option, or the heights drawn; None before.
    """

    goal = Words("", "goal")
    question = Words("", "question")
    options = Words((), "options", many=True)
    section = Words("", "section")
    prediction = traitlets.Any(None).tag(sync=True)

    title = "Explorer"
    measures = ()  # the names that a goal may use
    can_sketch = False

    _esm = traitlets.Unicode().tag(sync=True)
    _css = traitlets.Unicode().tag(sync=True)
    _start = traitlets.Dict().tag(sync=True)  # what "Reset" goes back to

    def __init__(self, *unnamed, **parameters):
        if unnamed:
            raise TypeError(
                f"{type(self).__name__} takes parameters by name, such as "
                f"{next(iter(self.parameters()))}=..., got {unnamed[0]!r}"
            )
        known = [*self.parameters(), "layout"]
        for name in parameters.keys() - set(known):
            close = difflib.get_close_matches(name, known, 1)
            hint = (
                f"did you mean {close[0]}?" if close else f"it has {', '.join(known)}"
            )
            raise TypeError(f"{type(self).__name__} has no parameter {name}: {hint}")
        super().__init__(**parameters)
        self._start = self.state()

    @traitlets.default("_esm")
    def _live_module(self):
        made, written = type(self).__mro__[:2]  # each widget has a class of its own
        same = made.__qualname__ == written.__qualname__
        return live_module(written if same else made)

    @traitlets.default("_css")
    def _style(self):
        return "\n".join(styles([type(self)]).values())

    @classmethod
    def parameters(cls):
        """{name: Parameter}, its own first, then those of every explorer."""
        found = {}
        for each in cls.__mro__:
            own = {k: v for k, v in vars(each).items() if isinstance(v, Parameter)}
            found |= {k: v for k, v in own.items() if k not in found}
        return found

    def state(self):
        """{name: value} of all parameters, fit for JSON."""
        return {name: listed(getattr(self, name)) for name in self.parameters()}

    def changed(self):
        """{name: value} of the parameters that differ from their defaults."""
        return {
            name: listed(getattr(self, name))
            for name, parameter in self.parameters().items()
            if getattr(self, name) != parameter.default_value
        }

    def net(self):
        """The bplib net in the state that is shown."""
        raise NotImplementedError(f"{type(self).__name__} shows no net")

    def draw(self, figure):
        """Draw the state on an empty matplotlib figure, for pages without scripts."""
        raise NotImplementedError(f"{type(self).__name__} does not define draw")

    def summary(self):
        """The state in a sentence or two, for those who do not see the picture."""
        raise NotImplementedError(f"{type(self).__name__} does not define summary")

    def html(self):
        """What a saved notebook holds: the same text for the same state, always."""
        name, file = type(self).__name__, module_name(type(self))
        state = html.escape(json.dumps(self.changed()))
        return (
            f'<div class="bplib-explorer" data-explorer="{name}" data-module="{file}" '
            f'data-state="{state}"><p>{self.title}: alive on the published page, '
            "and here once you run this cell.</p></div>"
        )

    def __repr__(self):
        given = ", ".join(f"{k}={literal(v)}" for k, v in self.changed().items())
        return f"{type(self).__name__}({given})"

    def _repr_mimebundle_(self, **kwargs):
        data, metadata = super()._repr_mimebundle_(**kwargs)
        return {**data, "text/plain": repr(self), "text/html": self.html()}, metadata

    @traitlets.validate("goal")
    def _check_goal(self, proposal):
        for condition in proposal.value.split(" and ") if proposal.value else ():
            found = CONDITION.fullmatch(condition)
            if not found or found[1] not in self.measures:
                raise WrongValue(
                    f'{type(self).__name__} expects a goal such as "{self.measures[0]} '
                    f'< 0.05", with " and " between conditions on '
                    f"{', '.join(self.measures)}; got {proposal.value!r}"
                )
        return proposal.value

    @traitlets.validate("section")
    def _check_section(self, proposal):
        if PLACE.fullmatch(proposal.value):
            return proposal.value
        raise WrongValue(
            'section is a page of this folder, such as "03_the_algorithm#exercises", '
            f"got {proposal.value!r}"
        )

    @traitlets.validate("question", "options")
    def _check_question(self, proposal):
        asked = {"question": self.question, "options": self.options}
        asked[proposal.trait.name] = proposal.value
        if asked["question"] and not asked["options"] and not self.can_sketch:
            raise WrongValue(
                f"{type(self).__name__} expects options beside its question, two or "
                f'more to pick from, such as options=["falls", "rises"]'
            )
        return proposal.value


# --- Its JavaScript ------------------------------------------------------------------


def module_name(explorer):
    """TrainingExplorer -> training_explorer.js"""
    return re.sub(r"(?<=.)([A-Z])", r"_\1", explorer.__name__).lower() + ".js"


def source(name):
    return (HERE / name).read_text(encoding="utf-8")


def styles(explorers):
    """{file name: text} of the style sheets that these explorer classes need."""
    own = [module_name(each).replace(".js", ".css") for each in explorers]
    names = ["explorers.css", *(name for name in own if (HERE / name).is_file())]
    return {name: source(name) for name in names}


def sources(explorers):
    """{file name: text} of all modules that these explorer classes need, each once.

    parameters.js is made here, of the classes themselves.
    """
    found, todo = {}, [module_name(each) for each in explorers]
    while todo:
        name = todo.pop()
        if name in found or name == "parameters.js":
            continue
        found[name] = source(name)
        todo += IMPORT.findall(found[name])
    lines = ["// What each explorer's parameters are, from its Python class."]
    for each in explorers:
        specs = {name: p.spec() for name, p in each.parameters().items()}
        about = {
            "name": each.__name__,
            "title": each.title,
            "measures": each.measures,
            "parameters": specs,
        }
        lines.append(f"export const {each.__name__} = {json.dumps(about)};")
    return {**found, "parameters.js": "\n".join(lines) + "\n"}


@functools.cache
def live_module(explorer):
    """The one module that a notebook is sent: all sources, and what imports them."""
    texts = json.dumps(sources([explorer]))
    return (
        f"{source('modules.js')}\nconst load = modules({texts});\n"
        f'const loaded = load("{module_name(explorer)}");\n'
        "export default {\n"
        "  render: async (context) => (await loaded).default.render(context),\n"
        "};\n"
    )
